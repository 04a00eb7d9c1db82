#ifndef NIGHTLOG_TESTS_BENCH_CALLS_H_
#define NIGHTLOG_TESTS_BENCH_CALLS_H_

#include <grpcpp/channel.h>
#include <grpcpp/client_context.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/client_callback.h>

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"

namespace nightlog {

// The client's half of a measurement: prepared bytes out, bytes in, the same for every server.

// The servers that the driver knows how to speak to.
enum class Server { kNightlog, kBare, kEtcd };

// A TCP connection of its own.
std::shared_ptr<grpc::Channel> Connect(const std::string& address);

// One unary call, prepared.
struct PreparedCall {
  grpc::ByteBuffer request;
  // Of a device; empty: none.
  std::string token;
};

// How one call went.
struct CallTimes {
  absl::Time began;
  absl::Time ended;
};

// What came of prepared calls.
struct LoadResult {
  std::vector<CallTimes> times;  // in the order in which the calls ended
  std::vector<grpc::ByteBuffer> responses;
};

// Sends each list over a connection of its own, one call after the other, all lists at once. Ends
// the process where a call fails.
LoadResult RunCalls(const std::string& address, const std::string& path,
                    std::vector<std::vector<PreparedCall>> lists);

// Sends one call and waits for its answer.
grpc::ByteBuffer CallOnce(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                          const PreparedCall& call);

// Starts one call. `on_answer` runs on one of gRPC's threads and must not block; a call that fails
// ends the process.
void StartCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
               const PreparedCall& call, std::function<void(const grpc::ByteBuffer&)> on_answer);

// A stream that is read as fast as it comes. Must be destroyed before the process ends.
class OpenStream final : public grpc::ClientBidiReactor<grpc::ByteBuffer, grpc::ByteBuffer> {
 public:
  // On gRPC's threads, one at a time. `on_ready`: the server has the stream; for a server that says
  // nothing more then. Must not block.
  struct Callbacks {
    std::function<void()> on_ready;
    std::function<void(const grpc::ByteBuffer&)> on_message;
  };

  OpenStream(std::shared_ptr<grpc::Channel> channel, const std::string& path,
             const PreparedCall& call, Callbacks callbacks);
  // Cancels the stream and waits for its end.
  ~OpenStream() override;

  // Cancels the stream and does not wait.
  void Cancel();

 private:
  void OnReadInitialMetadataDone(bool ok) override;
  void OnReadDone(bool ok) override;
  void OnDone(const grpc::Status& status) override;

  const Callbacks callbacks_;
  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::ByteBuffer request_;
  grpc::ByteBuffer message_;
  std::atomic<bool> cancelled_{false};
  std::atomic<bool> done_{false};
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_BENCH_CALLS_H_
