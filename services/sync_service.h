#ifndef NIGHTLOG_SERVICES_SYNC_SERVICE_H_
#define NIGHTLOG_SERVICES_SYNC_SERVICE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "nightlog/v1/sync_service.pb.h"
#include "services/access.h"
#include "services/change_reader.h"
#include "services/message_stream.h"
#include "services/stream_registry.h"
#include "storage/committer.h"
#include "storage/core/clock.h"
#include "storage/engine/engine.h"
#include "storage/feed.h"

namespace nightlog {

// The use cases of nightlog.v1.SyncService, for any door. `token` is the caller's device token.
// Errors carry the reasons that error_reason.proto names. Thread-safe.
class SyncService {
 public:
  // All must outlive this and its streams.
  SyncService(const Engine& engine, Committer& committer, Feed& feed, StreamRegistry& streams,
              const Clock& clock, const StreamLimits& limits = {})
      : engine_(engine),
        committer_(committer),
        feed_(feed),
        streams_(streams),
        clock_(clock),
        limits_(limits) {}

  // Does not block; `done` runs when everything that was committed is on disk.
  void Push(const std::string& token, const v1::PushRequest& request,
            Done<v1::PushResponse> done) const;

  // May block on the disk. `wake` is called from any thread while the stream lives.
  absl::StatusOr<std::unique_ptr<MessageStream<v1::FollowResponse>>> Follow(
      const std::string& token, const v1::FollowRequest& request, StreamWake wake) const;

  // Does not block.
  void Acknowledge(const std::string& token, const v1::AcknowledgeRequest& request,
                   Done<v1::AcknowledgeResponse> done) const;

  // May block on the disk.
  absl::StatusOr<v1::ListHistoryResponse> ListHistory(const std::string& token,
                                                      const v1::ListHistoryRequest& request) const;

 private:
  // A device that holds more of this lineage than the store is proof of lost data: the family stops
  // taking writes, which is the error. OK where it is not so.
  absl::Status HaltIfAhead(const ReadView& view, const FamilyId& family, const Access& access,
                           const v1::Cursor& cursor) const;

  const Engine& engine_;
  Committer& committer_;
  Feed& feed_;
  StreamRegistry& streams_;
  const Clock& clock_;
  const StreamLimits limits_;
  const std::unique_ptr<ChangeReader::SharedParts> shared_parts_ =
      std::make_unique<ChangeReader::SharedParts>();
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_SYNC_SERVICE_H_
