// bare_server [HOST:PORT]: what gRPC itself costs. Serves nightlog's paths with nothing behind
// them:
//
//   SyncService/Push     answers one committed verdict, and writes the request's bytes to every
//                        open stream
//   SyncService/Follow   a stream that is silent until then
//
// The same callback API, channel arguments and number of bytes as nightlogd. Prints `serving on
// HOST:PORT`; ends when stdin does.

#include <grpcpp/security/server_credentials.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>
#include <sys/resource.h>
#include <unistd.h>

#include <cstdio>
#include <deque>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "nightlog/v1/sync_service.grpc.pb.h"
#include "nightlog/v1/sync_service.pb.h"
#include "tests/bench/wire.h"

namespace nightlog {
namespace {

class BareStream;

// All open streams.
class BareStreams {
 public:
  void Add(BareStream* stream) {
    absl::MutexLock lock(&mu_);
    streams_.insert(stream);
  }
  void Remove(BareStream* stream) {
    absl::MutexLock lock(&mu_);
    streams_.erase(stream);
  }
  // The slices of `message` are shared by all.
  void WriteToAll(const grpc::ByteBuffer& message);

 private:
  absl::Mutex mu_;
  absl::flat_hash_set<BareStream*> streams_ ABSL_GUARDED_BY(mu_);
};

class BareStream final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  explicit BareStream(BareStreams& streams) : streams_(streams) {
    StartSendInitialMetadata();
    streams_.Add(this);
  }

  void Write(const grpc::ByteBuffer& message) {
    absl::MutexLock lock(&mu_);
    waiting_.push_back(message);
    if (waiting_.size() == 1 && !finished_) StartWrite(&waiting_.front());
  }

  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mu_);
    waiting_.pop_front();
    if (!waiting_.empty() && ok && !finished_) StartWrite(&waiting_.front());
  }
  void OnCancel() override {
    absl::MutexLock lock(&mu_);
    finished_ = true;
    Finish(grpc::Status::CANCELLED);
  }
  void OnDone() override {
    streams_.Remove(this);
    delete this;
  }

 private:
  BareStreams& streams_;
  absl::Mutex mu_;
  // The first one is being written.
  std::deque<grpc::ByteBuffer> waiting_ ABSL_GUARDED_BY(mu_);
  bool finished_ ABSL_GUARDED_BY(mu_) = false;
};

void BareStreams::WriteToAll(const grpc::ByteBuffer& message) {
  absl::MutexLock lock(&mu_);
  for (BareStream* stream : streams_) stream->Write(message);
}

using Unary = v1::SyncService::WithRawCallbackMethod_Push<v1::SyncService::Service>;

class BareService final : public v1::SyncService::WithRawCallbackMethod_Follow<Unary> {
 public:
  BareService() {
    v1::PushResponse response;
    v1::Verdict& verdict = *response.add_verdicts();
    verdict.set_seq(1000);
    verdict.mutable_committed()->set_revision(1000);
    response_ = response.SerializeAsString();
  }

 private:
  grpc::ServerUnaryReactor* Push(grpc::CallbackServerContext* context,
                                 const grpc::ByteBuffer* request,
                                 grpc::ByteBuffer* response) override {
    *response = ToByteBuffer(response_);
    streams_.WriteToAll(*request);
    grpc::ServerUnaryReactor* const reactor = context->DefaultReactor();
    reactor->Finish(grpc::Status::OK);
    return reactor;
  }

  grpc::ServerWriteReactor<grpc::ByteBuffer>* Follow(grpc::CallbackServerContext*,
                                                     const grpc::ByteBuffer*) override {
    return new BareStream(streams_);
  }

  std::string response_;
  BareStreams streams_;
};

int Main(int argc, char* argv[]) {
  rlimit limit = {};
  getrlimit(RLIMIT_NOFILE, &limit);
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);

  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);  // as nightlogd
  BareService service;
  grpc::ServerBuilder builder;
  int port = 0;
  builder.AddListeningPort(argc > 1 ? argv[1] : "127.0.0.1:0", grpc::InsecureServerCredentials(),
                           &port);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, 1000);
  builder.RegisterService(&service);
  const std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr) return 1;
  std::printf("serving on 127.0.0.1:%d\n", port);
  std::fflush(stdout);
  char byte = 0;
  while (::read(STDIN_FILENO, &byte, 1) > 0) {
  }
  server->Shutdown(std::chrono::system_clock::now());
  return 0;
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) { return nightlog::Main(argc, argv); }
