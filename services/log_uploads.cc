#include "services/log_uploads.h"

#include <iterator>
#include <numeric>

#include "services/methods.h"
#include "storage/core/errors.h"

namespace nightlog {
namespace {

absl::Status NotHereError() {
  return MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                   "The file is not here, or not any more; send it once more from its begin.");
}

}  // namespace

absl::StatusOr<size_t> LogUploads::Add(const DeviceId& device,
                                       const v1::UploadLogRequest& request) {
  const size_t end = size_t{request.offset()} + request.part().size();
  if (end > request.file_bytes()) {
    FieldViolation violation;
    violation.set_field("part");
    violation.set_description("ends behind the end of the file");
    return InvalidFieldsError({violation});
  }
  ForgetOld();
  absl::MutexLock lock(&mu_);
  auto found = uploads_.find(device);
  if (found == uploads_.end() || found->second.id != request.upload_id() ||
      found->second.bytes_in_all != request.file_bytes()) {
    if (request.offset() != 0) return NotHereError();
    if (found != uploads_.end()) uploads_.erase(found);
    const size_t held = std::accumulate(
        uploads_.begin(), uploads_.end(), size_t{0},
        [](size_t sum, const auto& upload) { return sum + upload.second.bytes_in_all; });
    if (held + request.file_bytes() > kBytesMax) return BusyError();
    found =
        uploads_.emplace(device, Upload{request.upload_id(), "", request.file_bytes(), {}}).first;
  }
  Upload& upload = found->second;
  if (request.offset() > upload.bytes.size()) return NotHereError();
  upload.bytes.replace(request.offset(), std::string::npos, request.part());
  upload.forgotten_at = clock_.Now() + kKept;
  return upload.bytes.size();
}

absl::StatusOr<std::string> LogUploads::Get(const DeviceId& device, const std::string& upload_id) {
  ForgetOld();
  absl::MutexLock lock(&mu_);
  const auto found = uploads_.find(device);
  if (found == uploads_.end() || found->second.id != upload_id ||
      found->second.bytes.size() < found->second.bytes_in_all) {
    return NotHereError();
  }
  found->second.forgotten_at = clock_.Now() + kKept;
  return found->second.bytes;
}

void LogUploads::ForgetOld() {
  absl::MutexLock lock(&mu_);
  for (auto it = uploads_.begin(); it != uploads_.end();) {
    it = it->second.forgotten_at <= clock_.Now() ? uploads_.erase(it) : std::next(it);
  }
}

}  // namespace nightlog
