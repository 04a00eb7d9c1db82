#ifndef NIGHTLOG_SERVICES_RPC_STATUS_H_
#define NIGHTLOG_SERVICES_RPC_STATUS_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"

namespace nightlog {

// The status as gRPC sends it: code, message, and the details as a google.rpc.Status.
grpc::Status ToGrpcStatus(const absl::Status& status);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_RPC_STATUS_H_
