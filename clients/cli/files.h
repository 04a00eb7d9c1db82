#ifndef NIGHTLOG_CLIENTS_CLI_FILES_H_
#define NIGHTLOG_CLIENTS_CLI_FILES_H_

#include <string>

#include "absl/status/statusor.h"

namespace nightlog::cli {

// All of a file, which may have at most 256 MB. NOT_FOUND, DATA_LOSS, INVALID_ARGUMENT, with a
// sentence for the person.
absl::StatusOr<std::string> ReadFile(const std::string& path);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_FILES_H_
