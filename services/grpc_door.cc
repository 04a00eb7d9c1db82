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

// A call of a unary method, which gRPC takes for a stream in both directions: one of those it lets
// be refused before the request is read. Owns itself until gRPC is done with the call.
class GrpcCall final : public grpc::ServerBidiReactor<ByteBuffer, ByteBuffer> {
 public:
  GrpcCall(const Method& method, Peer peer) : method_(method), peer_(std::move(peer)) {}

  void Start() {
    const absl::Status admitted =
        method_.admit == nullptr ? absl::OkStatus() : method_.admit(peer_);
    admitted.ok() ? StartRead(&message_) : Finish(ToGrpcStatus(admitted));
  }

 private:
  void OnReadDone(bool ok) override {
    // The caller left before its message came, or it is too large, of which gRPC tells.
    if (!ok) return Finish(ToGrpcStatus(absl::CancelledError("No message came.")));
    const grpc::Slice request = ToSlice(message_);
    message_.Clear();
    method_.call(peer_, View(request), [this](absl::StatusOr<std::string> answer) {
      const grpc::Status status = ToGrpcStatus(answer.status());
      if (!answer.ok()) return Finish(status);
      message_ = ToByteBuffer(*std::move(answer));
      StartWriteAndFinish(&message_, grpc::WriteOptions(), status);
    });
  }
  void OnDone() override { delete this; }

  const Method& method_;
  const Peer peer_;
  // The request, then the answer.
  ByteBuffer message_;
};

// Owns itself until gRPC is done with the call.
class GrpcStream final : public grpc::ServerWriteReactor<ByteBuffer>, public StreamCall {
 public:
  using StreamCall::StreamCall;

 private:
  void OnWriteDone(bool ok) override { WriteDone(ok); }
  void OnCancel() override { Stop(absl::CancelledError("The call was cancelled.")); }
  void OnDone() override { delete this; }

  void Write(SharedBytes message) override {
    message_ = ToByteBuffer(std::move(message));
    StartWrite(&message_);
  }

  void Finish(const absl::Status& status, absl::optional<std::string> last) override {
    const grpc::Status grpc_status = ToGrpcStatus(status);
    if (!last.has_value()) return ServerWriteReactor::Finish(grpc_status);
    message_ = ToByteBuffer(*std::move(last));
    StartWriteAndFinish(&message_, grpc::WriteOptions(), grpc_status);
  }

  // Lives until the write that sends it is over.
  ByteBuffer message_;
};

}  // namespace

// One service, made of methods by what the code that protoc generates uses for raw messages.
class GrpcDoor::Service final : public grpc::Service {
 public:
  Service(Executor& executor, OpenStreams& open_streams)
      : executor_(executor), open_streams_(open_streams) {}

  // Both must outlive this.
  void Add(const std::string& path, const Method& method) {
    const bool is_stream = method.open != nullptr;
    AddMethod(new grpc::internal::RpcServiceMethod(
        path.c_str(), is_stream ? RpcMethod::SERVER_STREAMING : RpcMethod::BIDI_STREAMING,
        nullptr));
    if (is_stream) {
      MarkMethodRawCallback(
          count_++, new grpc::internal::CallbackServerStreamingHandler<ByteBuffer, ByteBuffer>(
                        [this, &method](CallbackServerContext* context, const ByteBuffer* request) {
                          return Stream(method, *context, *request);
                        }));
    } else {
      MarkMethodRawCallback(count_++,
                            new grpc::internal::CallbackBidiHandler<ByteBuffer, ByteBuffer>(
                                [&method](CallbackServerContext* context) {
                                  auto* const call = new GrpcCall(method, PeerOf(*context));
                                  call->Start();
                                  return call;
                                }));
    }
  }

 private:
  // nullptr, which gRPC ends the call for, where the caller left before its message came.
  grpc::ServerWriteReactor<ByteBuffer>* Stream(const Method& method,
                                               const CallbackServerContext& context,
                                               const ByteBuffer& request) {
    if (!request.Valid()) return nullptr;
    auto* const stream = new GrpcStream(
        method, PeerOf(context), std::string(View(ToSlice(request))), executor_, open_streams_);
    stream->Start();
    return stream;
  }

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
    if (service == nullptr) service = std::make_unique<Service>(executor, streams);
    service->Add(path, method);
  }
}

GrpcDoor::~GrpcDoor() = default;

void GrpcDoor::RegisterWith(grpc::ServerBuilder& builder) {
  for (const auto& [name, service] : services_) builder.RegisterService(service.get());
}

void GrpcDoor::Drain() {
  health_.Stop();
  open_streams_.DrainAll();
}

}  // namespace nightlog
