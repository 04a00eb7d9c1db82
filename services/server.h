#ifndef NIGHTLOG_SERVICES_SERVER_H_
#define NIGHTLOG_SERVICES_SERVER_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "services/grpc_door.h"
#include "services/log.h"
#include "services/options.h"

namespace grpc {
class Server;
}

namespace nightlog {

// What gRPC itself has to say goes to `log` from now on, which must live as long as the process.
void SendGrpcLogTo(const Log& log);

// The gRPC server: port, TLS, limits, keepalive, health, reflection. Serves from Start() to
// Drain().
class Server {
 public:
  // `door` must outlive the server. Serves a renewed certificate soon after its files change; open
  // connections go on. INVALID_ARGUMENT if a TLS file cannot be read; UNAVAILABLE if the server
  // cannot listen there. The message says which flag to look at.
  static absl::StatusOr<std::unique_ptr<Server>> Start(const Options& options, GrpcDoor& door);

  ~Server();

  // HOST:PORT, with the port that was bound.
  const std::string& address() const { return address_; }

  // Turns health to NOT_SERVING, takes no new calls, ends the streams, and returns when all calls
  // are over; those that take longer than `deadline` are cancelled. Once.
  void Drain(absl::Duration deadline);

 private:
  Server(GrpcDoor& door, std::unique_ptr<grpc::Server> server, std::string address);

  GrpcDoor& door_;
  const std::unique_ptr<grpc::Server> server_;
  const std::string address_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_SERVER_H_
