#ifndef NIGHTLOG_SERVICES_GRPC_DOOR_H_
#define NIGHTLOG_SERVICES_GRPC_DOOR_H_

#include <memory>
#include <string>
#include <vector>

#include "services/executor.h"
#include "services/family_service.h"
#include "services/progress_service.h"
#include "services/sync_service.h"

namespace grpc {
class ServerBuilder;
}

namespace nightlog {

// Lets gRPC calls in to the use cases: takes the device token from the metadata `authorization:
// Bearer TOKEN`, moves work that may block to the executor, and answers with the status and its
// details. Holds no rules of its own. Thread-safe.
class GrpcDoor {
 public:
  // All must outlive this.
  GrpcDoor(const SyncService& sync, const ProgressService& progress, const FamilyService& family,
           Executor& executor);
  // REQUIRES: the server that was built with it has shut down.
  ~GrpcDoor();

  void RegisterWith(grpc::ServerBuilder& builder);

  // The full names of what it registers, for health.
  static std::vector<std::string> ServiceNames();

  // Ends every open stream, and each new one, with UNAVAILABLE (DRAINING). Does not wait for it.
  void Drain();

 private:
  struct Services;
  const std::unique_ptr<Services> services_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_GRPC_DOOR_H_
