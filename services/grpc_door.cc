#include "services/grpc_door.h"

#include <grpcpp/impl/codegen/rpc_service_method.h>
#include <grpcpp/impl/codegen/server_callback_handlers.h>
#include <grpcpp/impl/codegen/service_type.h>
#include <grpcpp/server_builder.h>
#include <grpcpp/support/byte_buffer.h>

#include <memory>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "services/rpc_status.h"
#include "storage/core/check.h"

namespace nightlog {
namespace {

using grpc::ByteBuffer;
using grpc::CallbackServerContext;
using grpc::internal::RpcMethod;

absl::string_view Metadata(const CallbackServerContext& context, const char* key) {
  const auto it = context.client_metadata().find(key);
  if (it == context.client_metadata().end()) return "";
  return absl::string_view(it->second.data(), it->second.size());
}

// The IP address in what gRPC calls a peer, such as `ipv4:192.0.2.1:1234` or
// `ipv6:%5B2001:db8::1%5D:1234`. Empty for a socket of this machine.
std::string IpOf(absl::string_view peer) {
  if (!absl::ConsumePrefix(&peer, "ipv4:") && !absl::ConsumePrefix(&peer, "ipv6:")) return "";
  return absl::StrReplaceAll(peer.substr(0, peer.rfind(':')),
                             {{"%5B", ""}, {"%5D", ""}, {"[", ""}, {"]", ""}});
}

Peer PeerOf(const CallbackServerContext& context) {
  return {BearerToken(Metadata(context, "authorization")),
          AddressOf(IpOf(context.peer()), Metadata(context, "x-forwarded-for"))};
}

// Both without a copy of what is in one piece. REQUIRES: the buffer is valid.
grpc::Slice ToSlice(const ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.TrySingleSlice(&slice).ok()) CHECK(buffer.DumpToSingleSlice(&slice).ok());
  return slice;
}

using SharedBytes = std::shared_ptr<const std::string>;

ByteBuffer ToByteBuffer(SharedBytes bytes) {
  auto* const owned = new SharedBytes(std::move(bytes));
  const grpc::Slice slice(
      const_cast<char*>((*owned)->data()), (*owned)->size(),
      [](void* owned) { delete static_cast<SharedBytes*>(owned); }, owned);
  return ByteBuffer(&slice, 1);
}
ByteBuffer ToByteBuffer(std::string bytes) {
  return ToByteBuffer(std::make_shared<const std::string>(std::move(bytes)));
}

absl::string_view View(const grpc::Slice& slice) {
  return absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

// The full name of the service in a method's path.
std::string ServiceOf(absl::string_view path) {
  return std::string(absl::StripPrefix(path.substr(0, path.rfind('/')), "/"));
}

std::set<std::string> ServicesOf(const Methods& methods) {
  std::set<std::string> services;
  for (const auto& [path, method] : methods) services.insert(ServiceOf(path));
  return services;
}

// A call of any method. gRPC takes each for a stream in both directions: those it lets be refused,
// or ended, before the request is read. Owns itself until gRPC is done with the call.
class GrpcCall : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer>, private UnreadCall {
 public:
  GrpcCall(const Method& method, Peer peer, UnreadCalls& unread)
      : method_(method), peer_(std::move(peer)), unread_(unread) {}

  void AwaitRequest() {
    absl::Status status = method_.admit == nullptr ? absl::OkStatus() : method_.admit(peer_);
    if (status.ok()) status = unread_.Add(this, peer_.address);
    status.ok() ? StartRead(&message_) : End(status);
  }

 protected:
  // The request has come. It need not outlive this.
  virtual void Serve(absl::string_view request) = 0;

  const Method& method_;
  const Peer peer_;
  // The request, then what is being written.
  ByteBuffer message_;

 private:
  void End(const absl::Status& status) final { Finish(ToGrpcStatus(status)); }

  void OnReadDone(bool ok) final {
    if (!unread_.Remove(this)) return;
    // The caller left before its message came, or it is too large, of which gRPC tells.
    if (!ok) return End(absl::CancelledError("No message came."));
    const grpc::Slice request = ToSlice(message_);
    message_.Clear();
    Serve(View(request));
  }
  void OnDone() final { delete this; }

  UnreadCalls& unread_;
};

class GrpcUnary final : public GrpcCall {
 public:
  using GrpcCall::GrpcCall;

 private:
  void Serve(absl::string_view request) override {
    method_.call(peer_, request, [this](absl::StatusOr<std::string> answer) {
      const grpc::Status status = ToGrpcStatus(answer.status());
      if (!answer.ok()) return Finish(status);
      message_ = ToByteBuffer(*std::move(answer));
      StartWriteAndFinish(&message_, grpc::WriteOptions(), status);
    });
  }
};

class GrpcStream final : public GrpcCall, private StreamCall {
 public:
  GrpcStream(const Method& method, const Peer& peer, UnreadCalls& unread, Executor& executor,
             OpenStreams& open_streams)
      : GrpcCall(method, peer, unread), StreamCall(method, peer, executor, open_streams) {}

 private:
  void Serve(absl::string_view request) override { Start(std::string(request)); }
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnCancel() override { Stop(absl::CancelledError("The call was cancelled.")); }

  void Write(SharedBytes message) override {
    message_ = ToByteBuffer(std::move(message));
    StartWrite(&message_);
  }

  void Finish(const absl::Status& status, absl::optional<std::string> last) override {
    const grpc::Status grpc_status = ToGrpcStatus(status);
    if (!last.has_value()) return GrpcCall::Finish(grpc_status);
    message_ = ToByteBuffer(*std::move(last));
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc_status);
  }
};

}  // namespace

// One service, made of methods by what the code that protoc generates uses for raw messages.
class GrpcDoor::Service final : public grpc::Service {
 public:
  // All must outlive this.
  Service(UnreadCalls& unread, Executor& executor, OpenStreams& open_streams)
      : unread_(unread), executor_(executor), open_streams_(open_streams) {}

  // Both must outlive this.
  void Add(const std::string& path, const Method& method) {
    AddMethod(
        new grpc::internal::RpcServiceMethod(path.c_str(), RpcMethod::BIDI_STREAMING, nullptr));
    MarkMethodRawCallback(count_++, new grpc::internal::CallbackBidiHandler<ByteBuffer, ByteBuffer>(
                                        [this, &method](CallbackServerContext* context) {
                                          GrpcCall* const call = NewCall(method, PeerOf(*context));
                                          call->AwaitRequest();
                                          return call;
                                        }));
  }

 private:
  GrpcCall* NewCall(const Method& method, Peer peer) {
    if (method.open == nullptr) return new GrpcUnary(method, std::move(peer), unread_);
    return new GrpcStream(method, peer, unread_, executor_, open_streams_);
  }

  UnreadCalls& unread_;
  Executor& executor_;
  OpenStreams& open_streams_;
  int count_ = 0;
};

GrpcDoor::GrpcDoor(const Methods& methods, Executor& executor) : health_(ServicesOf(methods)) {
  Add(methods, executor, open_streams_);
  Add(health_.methods(), executor, health_streams_);
}

void GrpcDoor::Add(const Methods& methods, Executor& executor, OpenStreams& streams) {
  for (const auto& [path, method] : methods) {
    std::unique_ptr<Service>& service = services_[ServiceOf(path)];
    if (service == nullptr) service = std::make_unique<Service>(unread_calls_, executor, streams);
    service->Add(path, method);
  }
}

GrpcDoor::~GrpcDoor() = default;

void GrpcDoor::RegisterWith(grpc::ServerBuilder& builder) {
  for (const auto& [name, service] : services_) builder.RegisterService(service.get());
}

void GrpcDoor::EndLate(absl::Time now) { unread_calls_.EndLate(now); }

void GrpcDoor::Drain() {
  health_.Stop();
  unread_calls_.DrainAll();
  open_streams_.DrainAll();
}

}  // namespace nightlog
