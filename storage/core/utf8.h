#ifndef NIGHTLOG_STORAGE_CORE_UTF8_H_
#define NIGHTLOG_STORAGE_CORE_UTF8_H_

#include "absl/strings/string_view.h"

namespace nightlog {

// What a file may begin with to say that it is UTF-8.
constexpr absl::string_view kByteOrderMark = "\xEF\xBB\xBF";

// True: all of it is UTF-8, as the strings of a proto must be. Pure.
bool IsUtf8(absl::string_view bytes);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_UTF8_H_
