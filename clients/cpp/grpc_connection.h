#ifndef NIGHTLOG_CLIENTS_CPP_GRPC_CONNECTION_H_
#define NIGHTLOG_CLIENTS_CPP_GRPC_CONNECTION_H_

#include <functional>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cpp/backoff.h"
#include "clients/cpp/connection.h"
#include "storage/core/random.h"

namespace nightlog {

// Where the server is and how it is known.
struct GrpcConnectionOptions {
  // HOST:PORT.
  std::string address;
  // PEM file of the authority that signed the server's certificate; empty: plaintext, for loopback.
  std::string ca_file;
  // The name in the server's certificate, where it is another one than HOST; else empty.
  std::string server_name;
  std::string device_token;
  BackoffOptions backoff;
  // Waits between repeats.
  std::function<void(absl::Duration)> sleep = absl::SleepFor;
};

// A connection over gRPC. Connects at the first call. While the server is UNAVAILABLE, a call is
// repeated with backoff until its deadline; but for CreateFamily, CreateInvite, Join and
// EraseFamily, whose effect would come twice or whose answer would be lost, and for Push,
// Acknowledge and streams, which Syncer and Caseload repeat from what they have.
//
// INVALID_ARGUMENT: `ca_file` cannot be read. `random` must outlive the connection.
absl::StatusOr<std::unique_ptr<Connection>> MakeGrpcConnection(const GrpcConnectionOptions& options,
                                                               Random& random);

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_GRPC_CONNECTION_H_
