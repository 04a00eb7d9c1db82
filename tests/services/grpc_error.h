#ifndef NIGHTLOG_TESTS_SERVICES_GRPC_ERROR_H_
#define NIGHTLOG_TESTS_SERVICES_GRPC_ERROR_H_

#include <grpcpp/support/status.h>

#include "absl/status/status.h"
#include "google/rpc/status.pb.h"
#include "storage/core/errors.h"

namespace nightlog {

// The error of a call as it was before it went over the wire.
inline absl::Status FromGrpcStatus(const grpc::Status& status) {
  google::rpc::Status rpc;
  if (!status.error_details().empty() && rpc.ParseFromString(status.error_details())) {
    return FromRpcStatus(rpc);
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_SERVICES_GRPC_ERROR_H_
