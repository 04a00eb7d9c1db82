#ifndef NIGHTLOG_SERVICES_LOG_UPLOADS_H_
#define NIGHTLOG_SERVICES_LOG_UPLOADS_H_

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "nightlog/v1/import_service.pb.h"
#include "storage/core/clock.h"
#include "storage/core/ids.h"

namespace nightlog {

// Files to import that come in parts. They are in memory only, one a device: what a device begins
// takes the place of what it had. Thread-safe.
class LogUploads {
 public:
  // Of all files together, of which each counts as what it will have; and of all pages together.
  static constexpr size_t kBytesMax = 64 << 20;
  // A file goes that long after the last call about it.
  static constexpr absl::Duration kKept = absl::Minutes(10);

  // The clock must outlive this.
  explicit LogUploads(const Clock& clock) : clock_(clock) {}

  // Takes a part, in place of all that was there from its offset on, and returns how many bytes of
  // the file are here. NOT_FOUND: those before the part are not. INVALID_ARGUMENT: the part ends
  // behind the file. RESOURCE_EXHAUSTED (BUSY): other files are in the way.
  absl::StatusOr<size_t> Add(const DeviceId& device, const v1::UploadLogRequest& request);

  // A file that has come. NOT_FOUND: not all of it is here, or not any more.
  absl::StatusOr<std::shared_ptr<const std::string>> Get(const DeviceId& device,
                                                         const std::string& upload_id);

  // Keeps what a request made of the device's `file`, page by page, until the file goes or another
  // request takes its place. Keeps nothing where there is no room, or if the file is not what it
  // was.
  void KeepPages(const DeviceId& device, const std::shared_ptr<const std::string>& file,
                 const std::string& request, std::vector<std::string> pages);

  // A page of what the request made of a file, if it is kept.
  absl::optional<std::string> Page(const DeviceId& device, const std::string& upload_id,
                                   const std::string& request, size_t number);

  // Lets go of the files that nobody asked for lately.
  void ForgetOld();

 private:
  struct Upload {
    std::string id;
    size_t bytes_in_all = 0;
    absl::Time forgotten_at;
    // Does not change while anybody reads it.
    std::shared_ptr<std::string> bytes = std::make_shared<std::string>();
    // What was made of it last, and by which request.
    std::string request;
    std::vector<std::string> pages;
  };

  const Clock& clock_;
  absl::Mutex mu_;
  std::map<DeviceId, Upload> uploads_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_LOG_UPLOADS_H_
