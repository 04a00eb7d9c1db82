#include "clients/cpp/grpc_connection.h"

#include <chrono>
#include <fstream>
#include <sstream>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "grpcpp/grpcpp.h"
#include "nightlog/v1/family_service.grpc.pb.h"
#include "nightlog/v1/progress_service.grpc.pb.h"
#include "nightlog/v1/sync_service.grpc.pb.h"
#include "storage/core/errors.h"

namespace nightlog {
namespace {

// Larger than any message a server sends (a record is bounded, and so is a page of them).
constexpr int kReceiveBytesMax = 16 << 20;

// The server's error with its details; the codes of gRPC and Abseil are the same numbers.
absl::Status FromGrpc(const grpc::Status& status) {
  if (status.ok()) return absl::OkStatus();
  google::rpc::Status details;
  if (!status.error_details().empty() && details.ParseFromString(status.error_details()) &&
      details.code() == static_cast<int>(status.error_code())) {
    return FromRpcStatus(details);
  }
  return absl::Status(static_cast<absl::StatusCode>(status.error_code()), status.error_message());
}

// Whether this connection sends a call again when nobody knows if the server did it.
enum class Repeatable { kNo, kYes };

template <typename Response>
class GrpcStream final : public ServerStream<Response> {
 public:
  // `start` begins the call.
  template <typename Start>
  GrpcStream(std::unique_ptr<grpc::ClientContext> context, Start start)
      : context_(std::move(context)), reader_(start(context_.get())) {}

  // An unfinished call must be ended before its context is.
  ~GrpcStream() override {
    if (finished_) return;
    context_->TryCancel();
    Response ignored;
    while (reader_->Read(&ignored)) {
    }
    reader_->Finish();
  }

  bool Read(Response& response) override { return reader_->Read(&response); }
  void Cancel() override { context_->TryCancel(); }
  absl::Status Finish() override {
    finished_ = true;
    return FromGrpc(reader_->Finish());
  }

 private:
  const std::unique_ptr<grpc::ClientContext> context_;
  const std::unique_ptr<grpc::ClientReader<Response>> reader_;
  bool finished_ = false;
};

class GrpcConnection final : public Connection {
 public:
  GrpcConnection(const GrpcConnectionOptions& options, std::shared_ptr<grpc::Channel> channel,
                 Random& random)
      : options_(options),
        random_(random),
        sync_(v1::SyncService::NewStub(channel)),
        progress_(v1::ProgressService::NewStub(channel)),
        family_(v1::FamilyService::NewStub(channel)),
        token_(options.device_token) {}

  void SetToken(const std::string& token) override {
    absl::MutexLock lock(&mu_);
    token_ = token;
  }

  absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request,
                                        absl::Time deadline) override {
    return Call(*sync_, &v1::SyncService::Stub::Push, request, deadline, Repeatable::kNo);
  }
  absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request,
                                                      absl::Time deadline) override {
    return Call(*sync_, &v1::SyncService::Stub::Acknowledge, request, deadline, Repeatable::kNo);
  }
  absl::StatusOr<v1::ListHistoryResponse> ListHistory(const v1::ListHistoryRequest& request,
                                                      absl::Time deadline) override {
    return Call(*sync_, &v1::SyncService::Stub::ListHistory, request, deadline, Repeatable::kYes);
  }
  std::unique_ptr<ServerStream<v1::FollowResponse>> Follow(const v1::FollowRequest& request,
                                                           absl::Time deadline) override {
    return Open<v1::FollowResponse>(
        deadline, [&](grpc::ClientContext* context) { return sync_->Follow(context, request); });
  }

  std::unique_ptr<ServerStream<v1::WatchResponse>> Watch(const v1::WatchRequest& request,
                                                         absl::Time deadline) override {
    return Open<v1::WatchResponse>(
        deadline, [&](grpc::ClientContext* context) { return progress_->Watch(context, request); });
  }
  absl::StatusOr<v1::GetProgressResponse> GetProgress(const v1::GetProgressRequest& request,
                                                      absl::Time deadline) override {
    return Call(*progress_, &v1::ProgressService::Stub::GetProgress, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::ListNightsResponse> ListNights(const v1::ListNightsRequest& request,
                                                    absl::Time deadline) override {
    return Call(*progress_, &v1::ProgressService::Stub::ListNights, request, deadline,
                Repeatable::kYes);
  }

  absl::StatusOr<v1::CreateFamilyResponse> CreateFamily(const v1::CreateFamilyRequest& request,
                                                        absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::CreateFamily, request, deadline,
                request.request_id().empty() ? Repeatable::kNo : Repeatable::kYes);
  }
  absl::StatusOr<v1::CreateInviteResponse> CreateInvite(const v1::CreateInviteRequest& request,
                                                        absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::CreateInvite, request, deadline,
                Repeatable::kNo);
  }
  absl::StatusOr<v1::JoinResponse> Join(const v1::JoinRequest& request,
                                        absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::Join, request, deadline,
                request.request_id().empty() ? Repeatable::kNo : Repeatable::kYes);
  }
  absl::StatusOr<v1::ListFamiliesResponse> ListFamilies(const v1::ListFamiliesRequest& request,
                                                        absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::ListFamilies, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::ListMembersResponse> ListMembers(const v1::ListMembersRequest& request,
                                                      absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::ListMembers, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::RevokeDeviceResponse> RevokeDevice(const v1::RevokeDeviceRequest& request,
                                                        absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::RevokeDevice, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::RemoveMemberResponse> RemoveMember(const v1::RemoveMemberRequest& request,
                                                        absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::RemoveMember, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::SetConsentResponse> SetConsent(const v1::SetConsentRequest& request,
                                                    absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::SetConsent, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::RenewReplicaResponse> RenewReplica(const v1::RenewReplicaRequest& request,
                                                        absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::RenewReplica, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::RotateTokenResponse> RotateToken(const v1::RotateTokenRequest& request,
                                                      absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::RotateToken, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::ListQuarantineResponse> ListQuarantine(
      const v1::ListQuarantineRequest& request, absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::ListQuarantine, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::DecideQuarantineResponse> DecideQuarantine(
      const v1::DecideQuarantineRequest& request, absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::DecideQuarantine, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request,
                                                    absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::ListEvents, request, deadline,
                Repeatable::kYes);
  }
  std::unique_ptr<ServerStream<v1::ExportFamilyResponse>> ExportFamily(
      const v1::ExportFamilyRequest& request, absl::Time deadline) override {
    return Open<v1::ExportFamilyResponse>(deadline, [&](grpc::ClientContext* context) {
      return family_->ExportFamily(context, request);
    });
  }
  absl::StatusOr<v1::ImportRecordsResponse> ImportRecords(const v1::ImportRecordsRequest& request,
                                                          absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::ImportRecords, request, deadline,
                Repeatable::kYes);
  }
  absl::StatusOr<v1::EraseFamilyResponse> EraseFamily(const v1::EraseFamilyRequest& request,
                                                      absl::Time deadline) override {
    return Call(*family_, &v1::FamilyService::Stub::EraseFamily, request, deadline,
                Repeatable::kNo);
  }

 private:
  std::unique_ptr<grpc::ClientContext> NewContext(absl::Time deadline) {
    auto context = std::make_unique<grpc::ClientContext>();
    if (deadline != absl::InfiniteFuture()) context->set_deadline(absl::ToChronoTime(deadline));
    absl::MutexLock lock(&mu_);
    if (!token_.empty()) context->AddMetadata("authorization", absl::StrCat("Bearer ", token_));
    return context;
  }

  template <typename Stub, typename Request, typename Response>
  absl::StatusOr<Response> Call(
      Stub& stub, grpc::Status (Stub::*method)(grpc::ClientContext*, const Request&, Response*),
      const Request& request, absl::Time deadline, Repeatable repeatable) {
    Backoff backoff(options_.backoff, random_);
    while (true) {
      Response response;
      const std::unique_ptr<grpc::ClientContext> context = NewContext(deadline);
      const absl::Status status = FromGrpc((stub.*method)(context.get(), request, &response));
      if (status.ok()) return response;
      const absl::Duration delay = backoff.Next(status);
      if (!IsWorthRetrying(status) || repeatable == Repeatable::kNo ||
          absl::Now() + delay >= deadline) {
        return status;
      }
      options_.sleep(delay);
    }
  }

  template <typename Response, typename Start>
  std::unique_ptr<ServerStream<Response>> Open(absl::Time deadline, Start start) {
    return std::make_unique<GrpcStream<Response>>(NewContext(deadline), start);
  }

  const GrpcConnectionOptions options_;
  Random& random_;
  const std::unique_ptr<v1::SyncService::Stub> sync_;
  const std::unique_ptr<v1::ProgressService::Stub> progress_;
  const std::unique_ptr<v1::FamilyService::Stub> family_;

  absl::Mutex mu_;
  std::string token_ ABSL_GUARDED_BY(mu_);
};

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  bytes << file.rdbuf();
  if (!file.good() || bytes.str().empty()) {
    return absl::InvalidArgumentError(absl::StrCat("cannot read certificates from ", path));
  }
  return bytes.str();
}

}  // namespace

absl::StatusOr<std::unique_ptr<Connection>> MakeGrpcConnection(const GrpcConnectionOptions& options,
                                                               Random& random) {
  grpc::ChannelArguments arguments;
  arguments.SetMaxReceiveMessageSize(kReceiveBytesMax);
  // Finds out in time that a phone's network went away under an open stream.
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIME_MS, 60'000);
  arguments.SetInt(GRPC_ARG_KEEPALIVE_TIMEOUT_MS, 20'000);
  // The delays between calls are ours; the channel should be ready for the next one.
  arguments.SetInt(GRPC_ARG_INITIAL_RECONNECT_BACKOFF_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.backoff.first)));
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(options.backoff.longest)));
  std::shared_ptr<grpc::ChannelCredentials> credentials = grpc::InsecureChannelCredentials();
  if (!options.ca_file.empty()) {
    absl::StatusOr<std::string> authority = ReadFile(options.ca_file);
    if (!authority.ok()) return authority.status();
    grpc::SslCredentialsOptions tls;
    tls.pem_root_certs = *std::move(authority);
    credentials = grpc::SslCredentials(tls);
    if (!options.server_name.empty()) arguments.SetSslTargetNameOverride(options.server_name);
  }
  return std::make_unique<GrpcConnection>(
      options, grpc::CreateCustomChannel(options.address, credentials, arguments), random);
}

}  // namespace nightlog
