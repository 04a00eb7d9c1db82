#include "tests/bench/calls.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/types/optional.h"

namespace nightlog {
namespace {

[[noreturn]] void Die(const std::string& path, const grpc::Status& status) {
  std::fprintf(stderr, "load: %s: %s (%d)\n", path.c_str(), status.error_message().c_str(),
               status.error_code());
  std::_Exit(1);
}

void AddToken(const std::string& token, grpc::ClientContext& context) {
  if (!token.empty()) context.AddMetadata("authorization", absl::StrCat("Bearer ", token));
}

// One list of RunCalls().
class Worker {
 public:
  Worker(const std::string& address, const std::string& path, std::vector<PreparedCall> calls,
         LoadResult& result, absl::Mutex& mu, absl::BlockingCounter& running)
      : path_(path),
        stub_(Connect(address)),
        calls_(std::move(calls)),
        result_(result),
        mu_(mu),
        running_(running) {}

  void StartNext() {
    if (next_ == calls_.size()) {
      running_.DecrementCount();
      return;
    }
    context_.emplace();
    AddToken(calls_[next_].token, *context_);
    began_ = absl::Now();
    response_.Clear();
    stub_.UnaryCall(&*context_, path_, grpc::StubOptions(), &calls_[next_].request, &response_,
                    [this](const grpc::Status& status) { Ended(status); });
  }

 private:
  void Ended(const grpc::Status& status) {
    const absl::Time now = absl::Now();
    if (!status.ok()) Die(path_, status);
    {
      absl::MutexLock lock(&mu_);
      result_.times.push_back({began_, now});
      result_.responses.push_back(response_);
    }
    ++next_;
    StartNext();
  }

  const std::string path_;
  grpc::GenericStub stub_;
  const std::vector<PreparedCall> calls_;
  LoadResult& result_;
  absl::Mutex& mu_;
  absl::BlockingCounter& running_;
  size_t next_ = 0;
  absl::optional<grpc::ClientContext> context_;
  grpc::ByteBuffer response_;
  absl::Time began_;
};

}  // namespace

std::shared_ptr<grpc::Channel> Connect(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  std::shared_ptr<grpc::Channel> channel =
      grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
  if (!channel->WaitForConnected(std::chrono::system_clock::now() + std::chrono::seconds(30))) {
    Die(address, grpc::Status(grpc::StatusCode::UNAVAILABLE, "cannot connect"));
  }
  return channel;
}

LoadResult RunCalls(const std::string& address, const std::string& path,
                    std::vector<std::vector<PreparedCall>> lists) {
  LoadResult result;
  absl::Mutex mu;
  absl::BlockingCounter running(static_cast<int>(lists.size()));
  std::vector<std::unique_ptr<Worker>> workers;
  for (std::vector<PreparedCall>& list : lists) {
    workers.push_back(
        std::make_unique<Worker>(address, path, std::move(list), result, mu, running));
  }
  for (const auto& worker : workers) worker->StartNext();
  running.Wait();
  return result;
}

grpc::ByteBuffer CallOnce(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
                          const PreparedCall& call) {
  grpc::GenericStub stub(channel);
  grpc::ClientContext context;
  AddToken(call.token, context);
  grpc::ByteBuffer response;
  absl::Notification ended;
  stub.UnaryCall(&context, path, grpc::StubOptions(), &call.request, &response,
                 [&](const grpc::Status& status) {
                   if (!status.ok()) Die(path, status);
                   ended.Notify();
                 });
  ended.WaitForNotification();
  return response;
}

void StartCall(const std::shared_ptr<grpc::Channel>& channel, const std::string& path,
               const PreparedCall& call, std::function<void(const grpc::ByteBuffer&)> on_answer) {
  struct Pending {
    grpc::ClientContext context;
    grpc::ByteBuffer request;
    grpc::ByteBuffer response;
  };
  auto pending = std::make_shared<Pending>();
  AddToken(call.token, pending->context);
  pending->request = call.request;
  grpc::GenericStub(channel).UnaryCall(
      &pending->context, path, grpc::StubOptions(), &pending->request, &pending->response,
      [pending, path, on_answer = std::move(on_answer)](const grpc::Status& status) {
        if (!status.ok()) Die(path, status);
        on_answer(pending->response);
      });
}

OpenStream::OpenStream(std::shared_ptr<grpc::Channel> channel, const std::string& path,
                       const PreparedCall& call, Callbacks callbacks)
    : callbacks_(std::move(callbacks)), stub_(std::move(channel)), request_(call.request) {
  AddToken(call.token, context_);
  stub_.PrepareBidiStreamingCall(&context_, path, grpc::StubOptions(), this);
  StartWrite(&request_);
  StartRead(&message_);
  StartCall();
}

void OpenStream::Cancel() {
  cancelled_ = true;
  context_.TryCancel();
}

OpenStream::~OpenStream() {
  Cancel();
  while (!done_) absl::SleepFor(absl::Milliseconds(1));
}

void OpenStream::OnReadInitialMetadataDone(bool ok) {
  if (ok && callbacks_.on_ready) callbacks_.on_ready();
}

void OpenStream::OnReadDone(bool ok) {
  if (!ok) return;
  callbacks_.on_message(message_);
  message_.Clear();
  StartRead(&message_);
}

void OpenStream::OnDone(const grpc::Status& status) {
  if (!cancelled_ && !status.ok()) Die("stream", status);
  done_ = true;
}

}  // namespace nightlog
