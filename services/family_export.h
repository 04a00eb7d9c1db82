#ifndef NIGHTLOG_SERVICES_FAMILY_EXPORT_H_
#define NIGHTLOG_SERVICES_FAMILY_EXPORT_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "nightlog/v1/family_service.pb.h"
#include "services/message_stream.h"
#include "services/stream_registry.h"
#include "storage/core/clock.h"
#include "storage/core/ids.h"
#include "storage/engine/engine.h"

namespace nightlog {

// The feed of a family from its beginning to its end, each message from a view of its own, so that
// a slow reader keeps no old one alive. Nothing is sent before the event of it is on disk.
class ExportStream final : public MessageStream<v1::ExportFamilyResponse> {
 public:
  using Step = StreamStep<v1::ExportFamilyResponse>;

  // All but the strings and ids must outlive this.
  ExportStream(const Engine& engine, StreamRegistry& streams, const Clock& clock, std::string token,
               const FamilyId& family, const DeviceId& device, StreamWake wake);
  ~ExportStream() override;

  // Call it once, with what became of the event. It may outlive the stream. Thread-safe.
  std::function<void(absl::Status)> OnEvent() const;

  Step Next() override;

 private:
  // What the commit of the event and the stream share.
  struct Event {
    absl::Mutex mu;
    absl::optional<absl::Status> status ABSL_GUARDED_BY(mu);  // nullopt: it is under way
    StreamWake wake ABSL_GUARDED_BY(mu);
  };

  // No records: the end is reached.
  absl::Status Read(v1::ExportFamilyResponse& message);

  const Engine& engine_;
  const Clock& clock_;
  const std::string token_;
  const FamilyId family_;
  const DeviceId device_;
  const std::shared_ptr<Event> event_;
  // Where the scan goes on, and where the last message began.
  std::string position_;
  std::string last_position_;
  // Last, so that it goes first: no callback comes after.
  std::unique_ptr<StreamRegistry::Registration> registration_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_FAMILY_EXPORT_H_
