#include "services/grpc_door.h"

#include <grpcpp/server_builder.h>

#include <string>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "nightlog/v1/family_service.grpc.pb.h"
#include "nightlog/v1/progress_service.grpc.pb.h"
#include "nightlog/v1/sync_service.grpc.pb.h"
#include "services/rpc_status.h"
#include "services/stream_reactor.h"

namespace nightlog {
namespace {

using grpc::CallbackServerContext;
using grpc::ServerUnaryReactor;
using grpc::ServerWriteReactor;

// The device token of a call; empty if there is none.
std::string TokenOf(const CallbackServerContext& context) {
  constexpr absl::string_view kScheme = "bearer ";
  const auto it = context.client_metadata().find("authorization");
  if (it == context.client_metadata().end()) return "";
  const absl::string_view value(it->second.data(), it->second.size());
  if (!absl::StartsWithIgnoreCase(value, kScheme)) return "";
  return std::string(value.substr(kScheme.size()));
}

// The four ways from a call to a use case. gRPC keeps request and response until the call is
// answered.
class Calls {
 public:
  explicit Calls(Executor& executor) : executor_(executor) {}

  // A use case that does not block and answers when it has committed.
  template <typename Service, typename Request, typename Response>
  ServerUnaryReactor* Write(CallbackServerContext* context, const Service& service,
                            void (Service::*use_case)(const std::string&, const Request&,
                                                      Done<Response>) const,
                            const Request* request, Response* response) {
    ServerUnaryReactor* const reactor = context->DefaultReactor();
    (service.*use_case)(TokenOf(*context), *request, Answer(reactor, response));
    return reactor;
  }

  // The same for one that blocks before it commits.
  template <typename Service, typename Request, typename Response>
  ServerUnaryReactor* BlockingWrite(CallbackServerContext* context, const Service& service,
                                    void (Service::*use_case)(const std::string&, const Request&,
                                                              Done<Response>) const,
                                    const Request* request, Response* response) {
    ServerUnaryReactor* const reactor = context->DefaultReactor();
    Post(reactor, [=, &service, token = TokenOf(*context)] {
      (service.*use_case)(token, *request, Answer(reactor, response));
    });
    return reactor;
  }

  // A use case that may block.
  template <typename Service, typename Request, typename Response>
  ServerUnaryReactor* Read(CallbackServerContext* context, const Service& service,
                           absl::StatusOr<Response> (Service::*use_case)(const std::string&,
                                                                         const Request&) const,
                           const Request* request, Response* response) {
    ServerUnaryReactor* const reactor = context->DefaultReactor();
    Post(reactor, [=, &service, token = TokenOf(*context)] {
      Answer(reactor, response)((service.*use_case)(token, *request));
    });
    return reactor;
  }

  template <typename Response>
  ServerWriteReactor<Response>* Stream(typename StreamReactor<Response>::Open open) {
    auto* const reactor = new StreamReactor<Response>(executor_, open_streams_, std::move(open));
    reactor->Start();
    return reactor;
  }

  OpenStreams& open_streams() { return open_streams_; }

 private:
  template <typename Response>
  static Done<Response> Answer(ServerUnaryReactor* reactor, Response* response) {
    return [reactor, response](absl::StatusOr<Response> answer) {
      const grpc::Status status = ToGrpcStatus(answer.status());
      if (answer.ok()) *response = *std::move(answer);
      reactor->Finish(status);
    };
  }

  void Post(ServerUnaryReactor* reactor, std::function<void()> task) {
    if (!executor_.TryPost(std::move(task))) reactor->Finish(ToGrpcStatus(BusyError()));
  }

  Executor& executor_;
  OpenStreams open_streams_;
};

class SyncRpc final : public v1::SyncService::CallbackService {
 public:
  SyncRpc(const SyncService& service, Calls& calls) : service_(service), calls_(calls) {}

  ServerUnaryReactor* Push(CallbackServerContext* context, const v1::PushRequest* request,
                           v1::PushResponse* response) override {
    return calls_.Write(context, service_, &SyncService::Push, request, response);
  }
  ServerWriteReactor<v1::FollowResponse>* Follow(CallbackServerContext* context,
                                                 const v1::FollowRequest* request) override {
    return calls_.Stream<v1::FollowResponse>(
        [this, token = TokenOf(*context), request = *request](StreamWake wake) {
          return service_.Follow(token, request, std::move(wake));
        });
  }
  ServerUnaryReactor* Acknowledge(CallbackServerContext* context,
                                  const v1::AcknowledgeRequest* request,
                                  v1::AcknowledgeResponse* response) override {
    return calls_.Write(context, service_, &SyncService::Acknowledge, request, response);
  }
  ServerUnaryReactor* ListHistory(CallbackServerContext* context,
                                  const v1::ListHistoryRequest* request,
                                  v1::ListHistoryResponse* response) override {
    return calls_.Read(context, service_, &SyncService::ListHistory, request, response);
  }

 private:
  const SyncService& service_;
  Calls& calls_;
};

class ProgressRpc final : public v1::ProgressService::CallbackService {
 public:
  ProgressRpc(const ProgressService& service, Calls& calls) : service_(service), calls_(calls) {}

  ServerWriteReactor<v1::WatchResponse>* Watch(CallbackServerContext* context,
                                               const v1::WatchRequest* request) override {
    return calls_.Stream<v1::WatchResponse>(
        [this, token = TokenOf(*context), request = *request](StreamWake wake) {
          return service_.Watch(token, request, std::move(wake));
        });
  }
  ServerUnaryReactor* GetProgress(CallbackServerContext* context,
                                  const v1::GetProgressRequest* request,
                                  v1::GetProgressResponse* response) override {
    return calls_.Read(context, service_, &ProgressService::GetProgress, request, response);
  }
  ServerUnaryReactor* ListNights(CallbackServerContext* context,
                                 const v1::ListNightsRequest* request,
                                 v1::ListNightsResponse* response) override {
    return calls_.Read(context, service_, &ProgressService::ListNights, request, response);
  }

 private:
  const ProgressService& service_;
  Calls& calls_;
};

class FamilyRpc final : public v1::FamilyService::CallbackService {
 public:
  FamilyRpc(const FamilyService& service, Calls& calls) : service_(service), calls_(calls) {}

  ServerUnaryReactor* CreateFamily(CallbackServerContext* context,
                                   const v1::CreateFamilyRequest* request,
                                   v1::CreateFamilyResponse* response) override {
    return calls_.Write(context, service_, &FamilyService::CreateFamily, request, response);
  }
  ServerUnaryReactor* CreateInvite(CallbackServerContext* context,
                                   const v1::CreateInviteRequest* request,
                                   v1::CreateInviteResponse* response) override {
    return calls_.Write(context, service_, &FamilyService::CreateInvite, request, response);
  }
  ServerUnaryReactor* Join(CallbackServerContext* context, const v1::JoinRequest* request,
                           v1::JoinResponse* response) override {
    return calls_.BlockingWrite(context, service_, &FamilyService::Join, request, response);
  }
  ServerUnaryReactor* ListFamilies(CallbackServerContext* context,
                                   const v1::ListFamiliesRequest* request,
                                   v1::ListFamiliesResponse* response) override {
    return calls_.Read(context, service_, &FamilyService::ListFamilies, request, response);
  }
  ServerUnaryReactor* ListMembers(CallbackServerContext* context,
                                  const v1::ListMembersRequest* request,
                                  v1::ListMembersResponse* response) override {
    return calls_.Read(context, service_, &FamilyService::ListMembers, request, response);
  }
  ServerUnaryReactor* RevokeDevice(CallbackServerContext* context,
                                   const v1::RevokeDeviceRequest* request,
                                   v1::RevokeDeviceResponse* response) override {
    return calls_.Write(context, service_, &FamilyService::RevokeDevice, request, response);
  }
  ServerUnaryReactor* RemoveMember(CallbackServerContext* context,
                                   const v1::RemoveMemberRequest* request,
                                   v1::RemoveMemberResponse* response) override {
    return calls_.Write(context, service_, &FamilyService::RemoveMember, request, response);
  }
  ServerUnaryReactor* SetConsent(CallbackServerContext* context,
                                 const v1::SetConsentRequest* request,
                                 v1::SetConsentResponse* response) override {
    return calls_.Write(context, service_, &FamilyService::SetConsent, request, response);
  }
  ServerUnaryReactor* RenewReplica(CallbackServerContext* context,
                                   const v1::RenewReplicaRequest* request,
                                   v1::RenewReplicaResponse* response) override {
    return calls_.Write(context, service_, &FamilyService::RenewReplica, request, response);
  }
  ServerWriteReactor<v1::ExportFamilyResponse>* ExportFamily(
      CallbackServerContext* context, const v1::ExportFamilyRequest* request) override {
    return calls_.Stream<v1::ExportFamilyResponse>(
        [this, token = TokenOf(*context), request = *request](StreamWake) {
          return service_.ExportFamily(token, request);
        });
  }
  ServerUnaryReactor* EraseFamily(CallbackServerContext* context,
                                  const v1::EraseFamilyRequest* request,
                                  v1::EraseFamilyResponse* response) override {
    return calls_.Write(context, service_, &FamilyService::EraseFamily, request, response);
  }

 private:
  const FamilyService& service_;
  Calls& calls_;
};

}  // namespace

struct GrpcDoor::Services {
  Services(const SyncService& sync_service, const ProgressService& progress_service,
           const FamilyService& family_service, Executor& executor)
      : calls(executor),
        sync(sync_service, calls),
        progress(progress_service, calls),
        family(family_service, calls) {}

  Calls calls;
  SyncRpc sync;
  ProgressRpc progress;
  FamilyRpc family;
};

GrpcDoor::GrpcDoor(const SyncService& sync, const ProgressService& progress,
                   const FamilyService& family, Executor& executor)
    : services_(std::make_unique<Services>(sync, progress, family, executor)) {}

GrpcDoor::~GrpcDoor() = default;

void GrpcDoor::RegisterWith(grpc::ServerBuilder& builder) {
  builder.RegisterService(&services_->sync);
  builder.RegisterService(&services_->progress);
  builder.RegisterService(&services_->family);
}

std::vector<std::string> GrpcDoor::ServiceNames() {
  return {v1::SyncService::service_full_name(), v1::ProgressService::service_full_name(),
          v1::FamilyService::service_full_name()};
}

void GrpcDoor::Drain() { services_->calls.open_streams().DrainAll(); }

}  // namespace nightlog
