#ifndef NIGHTLOG_SERVICES_GRPC_DOOR_H_
#define NIGHTLOG_SERVICES_GRPC_DOOR_H_

#include <map>
#include <memory>
#include <string>

#include "absl/time/time.h"
#include "services/executor.h"
#include "services/health.h"
#include "services/methods.h"
#include "services/stream_call.h"
#include "services/unread_calls.h"

namespace grpc {
class ServerBuilder;
}

namespace nightlog {

// Lets gRPC calls in to the methods, and serves their health: takes the device token from the
// metadata `authorization: Bearer TOKEN`, and answers with the status and its details. Holds no
// rules of its own. Thread-safe.
class GrpcDoor {
 public:
  // Both must outlive this. Streams run on the executor.
  GrpcDoor(const Methods& methods, Executor& executor);
  // REQUIRES: the server that was built with it has shut down.
  ~GrpcDoor();

  void RegisterWith(grpc::ServerBuilder& builder);

  // What health says, until Drain(): for a store that takes no writes.
  void SetServing(bool serving) { health_.SetServing(serving); }

  // To be called again and again: ends with DEADLINE_EXCEEDED the calls whose request has not come
  // within kRequestMax.
  void EndLate(absl::Time now);

  // Turns health to NOT_SERVING, and ends every open stream, every call whose request has not come,
  // and each new one of both, with UNAVAILABLE (DRAINING). Does not wait for it.
  void Drain();

 private:
  class Service;

  void Add(const Methods& methods, Executor& executor, OpenStreams& streams);

  Health health_;
  UnreadCalls unread_calls_;
  OpenStreams health_streams_;  // they end by themselves, once they have told why
  OpenStreams open_streams_;
  // By full name.
  std::map<std::string, std::unique_ptr<Service>> services_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_GRPC_DOOR_H_
