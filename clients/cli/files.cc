#include "clients/cli/files.h"

#include <fstream>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace nightlog::cli {
namespace {

// A log of many years has a few MB, and the export of a family some ten.
constexpr size_t kFileBytesMax = 256 << 20;

}  // namespace

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("the file ", path, " cannot be opened"));
  std::string text;
  std::string part(1 << 20, '\0');
  while (file.read(&part[0], static_cast<std::streamsize>(part.size())) || file.gcount() > 0) {
    text.append(part, 0, static_cast<size_t>(file.gcount()));
    if (text.size() > kFileBytesMax) {
      return absl::InvalidArgumentError(absl::StrCat("the file ", path, " is larger than 256 MB"));
    }
  }
  if (file.bad()) return absl::DataLossError(absl::StrCat("the file ", path, " cannot be read"));
  return text;
}

}  // namespace nightlog::cli
