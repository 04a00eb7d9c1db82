#include "storage/core/version.h"

namespace nightlog {

absl::string_view Version() { return NIGHTLOG_VERSION; }

}  // namespace nightlog
