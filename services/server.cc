#include "services/server.h"

#include <grpc/support/log.h>
#include <grpcpp/ext/proto_server_reflection_plugin.h>
#include <grpcpp/health_check_service_interface.h>
#include <grpcpp/resource_quota.h>
#include <grpcpp/security/server_credentials.h>
#include <grpcpp/security/tls_certificate_provider.h>
#include <grpcpp/security/tls_credentials_options.h>
#include <grpcpp/server.h>
#include <grpcpp/server_builder.h>

#include <memory>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "services/tls.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

constexpr int kReceiveBytesMax = 4 << 20;
constexpr int kMetadataBytesMax = 16 << 10;
// Calls at once on one connection: a proxy may carry many devices over one.
constexpr int kStreamsPerConnectionMax = 1000;

// A phone that went out of reach is noticed after a minute and a half, and the NATs between see
// traffic. Phones may ask as often as every 10 seconds.
constexpr absl::Duration kPingInterval = absl::Seconds(60);
constexpr absl::Duration kPingTimeout = absl::Seconds(30);
constexpr absl::Duration kClientPingIntervalMin = absl::Seconds(10);

// For a connection that has not said what it wants, and one that has no call.
constexpr absl::Duration kHandshakeMax = absl::Seconds(10);
constexpr absl::Duration kConnectionIdleMax = absl::Minutes(10);
// Memory for what all connections have sent and not been answered: beyond it gRPC reads no further.
constexpr size_t kTransportBytesMax = 512 << 20;

// gRPC's own reflection service is the only one that waits on a thread a stream, for anybody who
// asks. Beyond these its calls are refused; all others have threads of their own.
constexpr int kReflectionThreadsMax = 16;

// How soon a certificate that was renewed is served.
constexpr unsigned int kCertificateCheckSeconds = 5;

absl::StatusOr<std::shared_ptr<grpc::ServerCredentials>> CredentialsFor(const Options& options) {
  if (options.tls_certificate.empty()) return grpc::InsecureServerCredentials();
  // gRPC would find out with the first handshake.
  RETURN_IF_ERROR(ReadTls(options).status());
  grpc::experimental::TlsServerCredentialsOptions tls(
      std::make_shared<grpc::experimental::FileWatcherCertificateProvider>(
          options.tls_key, options.tls_certificate, kCertificateCheckSeconds));
  tls.watch_identity_key_cert_pairs();
  return grpc::experimental::TlsServerCredentials(tls);
}

void SetLimits(grpc::ServerBuilder& builder) {
  const auto milliseconds = [](absl::Duration duration) {
    return static_cast<int>(absl::ToInt64Milliseconds(duration));
  };
  builder.SetMaxReceiveMessageSize(kReceiveBytesMax);
  // gRPC unpacks a message before it measures it: 4 MiB would become 4 GiB.
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_DEFLATE, false);
  builder.SetCompressionAlgorithmSupportStatus(GRPC_COMPRESS_GZIP, false);
  // What is sent before a call was refused: 64 KiB, not as much as the line may carry. A message
  // that is read has room for itself.
  builder.AddChannelArgument(GRPC_ARG_HTTP2_BDP_PROBE, 0);
  builder.AddChannelArgument(GRPC_ARG_MAX_METADATA_SIZE, kMetadataBytesMax);
  builder.AddChannelArgument(GRPC_ARG_MAX_CONCURRENT_STREAMS, kStreamsPerConnectionMax);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIME_MS, milliseconds(kPingInterval));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, milliseconds(kPingTimeout));
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS,
                             milliseconds(kClientPingIntervalMin));
  builder.AddChannelArgument(GRPC_ARG_SERVER_HANDSHAKE_TIMEOUT_MS, milliseconds(kHandshakeMax));
  builder.AddChannelArgument(GRPC_ARG_MAX_CONNECTION_IDLE_MS, milliseconds(kConnectionIdleMax));
  grpc::ResourceQuota quota("nightlogd");
  quota.Resize(kTransportBytesMax);
  quota.SetMaxThreads(kReflectionThreadsMax);
  // One queue, not one a core, each with threads that wait.
  builder.SetSyncServerOption(grpc::ServerBuilder::NUM_CQS, 1);
  builder.SetResourceQuota(quota);
  // A second server on the same port is a mistake that must show.
  builder.AddChannelArgument(GRPC_ARG_ALLOW_REUSEPORT, 0);
}

// gRPC takes a plain function, for the process as a whole.
const Log* grpc_log = nullptr;

void LogForGrpc(gpr_log_func_args* line) {
  const std::string place = absl::StrCat(line->file, ":", line->line);
  if (line->severity == GPR_LOG_SEVERITY_ERROR) {
    grpc_log->Warning("grpc", {{"place", place}, {"message", line->message}});
  } else {
    grpc_log->Info("grpc", {{"place", place}, {"message", line->message}});
  }
}

}  // namespace

void SendGrpcLogTo(const Log& log) {
  grpc_log = &log;
  gpr_set_log_function(LogForGrpc);
}

Server::Server(GrpcDoor& door, std::unique_ptr<grpc::Server> server, std::string address)
    : door_(door), server_(std::move(server)), address_(std::move(address)) {}

Server::~Server() = default;

absl::StatusOr<std::unique_ptr<Server>> Server::Start(const Options& options, GrpcDoor& door) {
  ASSIGN_OR_RETURN(ListenAddress listen, ParseListenAddress(options.listen, "--listen"));
  ASSIGN_OR_RETURN(const std::shared_ptr<grpc::ServerCredentials> credentials,
                   CredentialsFor(options));
  grpc::EnableDefaultHealthCheckService(false);  // the door serves it
  grpc::reflection::InitProtoReflectionServerBuilderPlugin();

  grpc::ServerBuilder builder;
  SetLimits(builder);
  listen.port = 0;
  builder.AddListeningPort(options.listen, credentials, &listen.port);
  door.RegisterWith(builder);
  std::unique_ptr<grpc::Server> server = builder.BuildAndStart();
  if (server == nullptr || listen.port == 0) {
    return absl::UnavailableError(absl::StrCat("cannot listen at --listen=", options.listen,
                                               "; is something else serving there?"));
  }
  return std::unique_ptr<Server>(new Server(door, std::move(server), FormatListenAddress(listen)));
}

void Server::Drain(absl::Duration deadline) {
  door_.Drain();
  server_->Shutdown(absl::ToChronoTime(absl::Now() + deadline));
}

}  // namespace nightlog
