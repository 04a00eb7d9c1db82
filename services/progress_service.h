#ifndef NIGHTLOG_SERVICES_PROGRESS_SERVICE_H_
#define NIGHTLOG_SERVICES_PROGRESS_SERVICE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "nightlog/v1/progress_service.pb.h"
#include "services/message_stream.h"
#include "services/stream_registry.h"
#include "storage/core/clock.h"
#include "storage/engine/engine.h"
#include "storage/feed.h"

namespace nightlog {

// The use cases of nightlog.v1.ProgressService, for any door. `token` is the caller's device token.
// All of it may block on the disk. Thread-safe.
class ProgressService {
 public:
  // All must outlive this and its streams.
  ProgressService(const Engine& engine, Feed& feed, StreamRegistry& streams, const Clock& clock,
                  const StreamLimits& limits = {})
      : engine_(engine), feed_(feed), streams_(streams), clock_(clock), limits_(limits) {}

  // One stream over every family that the device may see, now and as it changes. `wake` is called
  // from any thread while the stream lives.
  absl::StatusOr<std::unique_ptr<MessageStream<v1::WatchResponse>>> Watch(
      const std::string& token, const v1::WatchRequest& request, StreamWake wake) const;

  absl::StatusOr<v1::GetProgressResponse> GetProgress(const std::string& token,
                                                      const v1::GetProgressRequest& request) const;

  absl::StatusOr<v1::ListNightsResponse> ListNights(const std::string& token,
                                                    const v1::ListNightsRequest& request) const;

 private:
  const Engine& engine_;
  Feed& feed_;
  StreamRegistry& streams_;
  const Clock& clock_;
  const StreamLimits limits_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_PROGRESS_SERVICE_H_
