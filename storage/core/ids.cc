#include "storage/core/ids.h"

#include "absl/strings/str_cat.h"
#include "storage/core/hash.h"

namespace nightlog {
namespace {

// Marks 16 bytes as a UUID of `version`, variant 1.
RecordId AsUuid(std::string bytes, int version) {
  bytes[6] = static_cast<char>((bytes[6] & 0x0f) | (version << 4));
  bytes[8] = static_cast<char>((bytes[8] & 0x3f) | 0x80);
  return RecordId(bytes);
}

}  // namespace

RecordId MakeRecordId(absl::Time now, Random& random) {
  std::string bytes = random.Bytes(RecordId::kSize);
  const auto millis = static_cast<uint64_t>(absl::ToUnixMillis(now));
  for (int i = 0; i < 6; ++i) bytes[i] = static_cast<char>(millis >> (40 - 8 * i));
  return AsUuid(std::move(bytes), 7);
}

RecordId RecordIdOf(absl::string_view space, absl::string_view content) {
  const std::string hash = Sha256(absl::StrCat(space, absl::string_view("\0", 1), content));
  return AsUuid(hash.substr(0, RecordId::kSize), 8);
}

}  // namespace nightlog
