#ifndef NIGHTLOG_SERVICES_IMPORT_SERVICE_H_
#define NIGHTLOG_SERVICES_IMPORT_SERVICE_H_

#include <atomic>
#include <string>

#include "absl/status/statusor.h"
#include "nightlog/v1/import_service.pb.h"
#include "services/log_uploads.h"
#include "storage/core/clock.h"
#include "storage/engine/engine.h"

namespace nightlog {

// The use cases of nightlog.v1.ImportService, for any door. `token` is the caller's device token.
// Thread-safe.
class ImportService {
 public:
  // Files that are read at the same time: others are BUSY, so that imports leave threads for what
  // cannot wait.
  static constexpr int kAtOnceMax = 2;

  // Both must outlive this.
  ImportService(const Engine& engine, const Clock& clock)
      : engine_(engine), clock_(clock), uploads_(clock) {}

  // May block on the disk, and takes as long as the file is: up to 16 MiB, and 50,000 rows. What
  // was read of an uploaded file is kept with it, if there is room, so that each further page takes
  // as long as the page.
  absl::StatusOr<v1::ReadLogResponse> ReadLog(const std::string& token,
                                              const v1::ReadLogRequest& request) const;

  // May block on the disk.
  absl::StatusOr<v1::UploadLogResponse> UploadLog(const std::string& token,
                                                  const v1::UploadLogRequest& request) const;

  // Lets go of the files that nobody asked for lately; to be called now and then.
  void ForgetOldUploads() const { uploads_.ForgetOld(); }

 private:
  const Engine& engine_;
  const Clock& clock_;
  mutable std::atomic<int> under_way_{0};
  mutable LogUploads uploads_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_IMPORT_SERVICE_H_
