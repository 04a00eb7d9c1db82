#include "services/log_uploads.h"

#include <iterator>
#include <numeric>
#include <utility>

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
    return InvalidFieldError("part", "ends behind the end of the file");
  }
  ForgetOld();
  const absl::Time now = clock_.Now();
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
    found = uploads_.emplace(device, Upload()).first;
    found->second.id = request.upload_id();
    found->second.bytes_in_all = request.file_bytes();
  }
  Upload& upload = found->second;
  if (request.offset() > upload.bytes->size()) return NotHereError();
  if (upload.bytes.use_count() > 1) upload.bytes = std::make_shared<std::string>(*upload.bytes);
  upload.bytes->replace(request.offset(), std::string::npos, request.part());
  upload.pages.clear();
  upload.forgotten_at = now + kKept;
  return upload.bytes->size();
}

absl::StatusOr<std::shared_ptr<const std::string>> LogUploads::Get(const DeviceId& device,
                                                                   const std::string& upload_id) {
  ForgetOld();
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  const auto found = uploads_.find(device);
  if (found == uploads_.end() || found->second.id != upload_id ||
      found->second.bytes->size() < found->second.bytes_in_all) {
    return NotHereError();
  }
  found->second.forgotten_at = now + kKept;
  return found->second.bytes;
}

void LogUploads::KeepPages(const DeviceId& device, const std::shared_ptr<const std::string>& file,
                           const std::string& request, std::vector<std::string> pages) {
  absl::MutexLock lock(&mu_);
  const auto found = uploads_.find(device);
  if (found == uploads_.end() || found->second.bytes != file) return;
  found->second.pages.clear();
  const auto bytes_of = [](const std::vector<std::string>& kept) {
    return std::accumulate(kept.begin(), kept.end(), size_t{0},
                           [](size_t sum, const std::string& page) { return sum + page.size(); });
  };
  size_t held = bytes_of(pages);
  for (const auto& [other, upload] : uploads_) held += bytes_of(upload.pages);
  if (held > kBytesMax) return;
  found->second.request = request;
  found->second.pages = std::move(pages);
}

absl::optional<std::string> LogUploads::Page(const DeviceId& device, const std::string& upload_id,
                                             const std::string& request, size_t number) {
  ForgetOld();
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  const auto found = uploads_.find(device);
  if (found == uploads_.end() || found->second.id != upload_id ||
      found->second.request != request || number >= found->second.pages.size()) {
    return absl::nullopt;
  }
  found->second.forgotten_at = now + kKept;
  return found->second.pages[number];
}

void LogUploads::ForgetOld() {
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  for (auto it = uploads_.begin(); it != uploads_.end();) {
    it = it->second.forgotten_at <= now ? uploads_.erase(it) : std::next(it);
  }
}

}  // namespace nightlog
