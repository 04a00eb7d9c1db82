#ifndef NIGHTLOG_SERVICES_IMPORTS_TEXT_H_
#define NIGHTLOG_SERVICES_IMPORTS_TEXT_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nightlog::imports {

// The text of a file in UTF-8: as it is, or from UTF-16 where its mark says so, or else from the
// eight bits that Windows writes in the west (1252). Pure; at most three times as long.
std::string TextOf(absl::string_view bytes);

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_TEXT_H_
