#ifndef NIGHTLOG_STORAGE_CORE_VERSION_H_
#define NIGHTLOG_STORAGE_CORE_VERSION_H_

#include "absl/strings/string_view.h"

namespace nightlog {

// The version of this build, such as `0.1.0`: the one that the top CMakeLists.txt names.
absl::string_view Version();

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_VERSION_H_
