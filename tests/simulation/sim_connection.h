#ifndef NIGHTLOG_TESTS_SIMULATION_SIM_CONNECTION_H_
#define NIGHTLOG_TESTS_SIMULATION_SIM_CONNECTION_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "clients/cpp/connection.h"
#include "services/access.h"
#include "storage/core/check.h"
#include "tests/simulation/sim_server.h"

namespace nightlog::simulation {

// What the network does to calls, in percent.
struct NetworkFaults {
  uint64_t drop_request = 0;
  uint64_t drop_response = 0;
  // The server gets the request twice; the device the second answer.
  uint64_t duplicate = 0;
  // A stream breaks before its next message; and a watch that has told of a family in part.
  uint64_t cut_stream = 0;
  uint64_t cut_in_the_middle = 0;
};

// What a stream gives, from the real use case.
template <typename Response>
class SimServerStream final : public ServerStream<Response> {
 public:
  struct Hooks {
    std::function<bool()> cut;
    std::function<void(const Response&)> on_message;
    std::function<void(std::shared_ptr<SimServer::Process>,
                       std::unique_ptr<MessageStream<Response>>)>
        on_half_open;
    std::function<void()> meanwhile;
  };

  SimServerStream(std::shared_ptr<SimServer::Process> process,
                  absl::StatusOr<std::unique_ptr<MessageStream<Response>>> stream, Hooks hooks)
      : process_(std::move(process)), stream_(std::move(stream)), hooks_(std::move(hooks)) {
    if (!stream_.ok()) status_ = stream_.status();
  }

  bool Read(Response& response) override {
    if (!status_.ok() || ended_) return false;
    if (process_ == nullptr || process_->dead || hooks_.cut()) {
      status_ = absl::UnavailableError("the connection broke");
      // The server does not know yet.
      hooks_.on_half_open(process_, *std::move(stream_));
      return false;
    }
    for (;;) {
      StreamStep<Response> step = (*stream_)->Next();
      using Kind = typename StreamStep<Response>::Kind;
      if (step.kind == Kind::kEnd) {
        ended_ = true;
        status_ = step.status;
      } else if (step.kind == Kind::kWait) {
        status_ = absl::DeadlineExceededError("nothing more came");
        return false;
      }
      if (step.message != nullptr) hooks_.meanwhile();
      if (process_->dead) {
        status_ = absl::UnavailableError("the connection broke");
        return false;
      }
      if (step.message != nullptr && (*stream_)->WriteIfOpen([] {})) {
        hooks_.on_message(*step.message);
        // Over the wire and back.
        CHECK(response.ParseFromString(step.message->SerializeAsString()));
        return true;
      }
      if (ended_) return false;
    }
  }

  void Cancel() override { ended_ = true; }
  absl::Status Finish() override { return status_; }

 private:
  const std::shared_ptr<SimServer::Process> process_;
  absl::StatusOr<std::unique_ptr<MessageStream<Response>>> stream_;
  const Hooks hooks_;
  bool ended_ = false;
  absl::Status status_;
};

// A device's connection to the simulated server.
class SimConnection final : public Connection {
 public:
  // Calls of one sync.
  static constexpr int kCallsMax = 2000;

  // Looks at what passes.
  struct Observer {
    // A push comes to the server; and its answer leaves, and may be lost.
    std::function<void(const std::string& token, const v1::PushRequest&)> on_push;
    std::function<void(const v1::PushRequest&, const absl::StatusOr<v1::PushResponse>&)> on_answer;
    // The device says what it has.
    std::function<void(const v1::AcknowledgeRequest&)> on_acknowledge;
    // What looks at the messages of a new stream.
    std::function<std::function<void(const v1::FollowResponse&)>(const v1::FollowRequest&)>
        on_follow;
    // The device has left a stream, and the server does not know.
    std::function<void(std::shared_ptr<SimServer::Process>,
                       std::unique_ptr<MessageStream<v1::FollowResponse>>)>
        on_half_open;
    // A message was read and has not gone out yet.
    std::function<void()> meanwhile;
    // More calls than any sync should need.
    std::function<void()> on_endless;
  };

  SimConnection(SimServer& server, SimRandom& random, Observer observer)
      : server_(server), random_(random), observer_(std::move(observer)) {}

  void set_faults(const NetworkFaults& faults) { faults_ = faults; }
  const std::string& token() const { return token_; }
  // The answer to the next call that pairs a device is lost.
  void LoseNextPairing() { loses_pairing_ = true; }
  // A new sync begins.
  void ResetCalls() { calls_ = 0; }

  // Comments came with a later version of the server: an older one finds a field that it does not
  // know.
  void set_server_is_old(bool is_old) { server_is_old_ = is_old; }

  void SetToken(const std::string& token) override { token_ = token; }

  // A push on its way to a use case.
  std::function<void(SimServer::Process&, Done<v1::PushResponse>)> Pushing(
      const v1::PushRequest& sent) {
    return [this, request = server_is_old_ ? ForOldServer(sent) : sent](
               SimServer::Process& process, Done<v1::PushResponse> done) {
      observer_.on_push(token_, request);
      process.sync.Push(token_, request,
                        [this, request, done](absl::StatusOr<v1::PushResponse> response) {
                          observer_.on_answer(request, response);
                          done(std::move(response));
                        });
    };
  }

  absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request, absl::Time) override {
    return Unary<v1::PushResponse>(Pushing(request));
  }
  absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request,
                                                      absl::Time) override {
    observer_.on_acknowledge(request);
    return Unary<v1::AcknowledgeResponse>(
        [&](SimServer::Process& process, Done<v1::AcknowledgeResponse> done) {
          process.sync.Acknowledge(token_, request, std::move(done));
        });
  }
  absl::StatusOr<v1::ListHistoryResponse> ListHistory(const v1::ListHistoryRequest& request,
                                                      absl::Time) override {
    return Unary<v1::ListHistoryResponse>(
        [&](SimServer::Process& process, Done<v1::ListHistoryResponse> done) {
          done(process.sync.ListHistory(token_, request));
        });
  }
  std::unique_ptr<ServerStream<v1::FollowResponse>> Follow(const v1::FollowRequest& request,
                                                           absl::Time) override {
    if (Endless()) return Stream<v1::FollowResponse>(nullptr, [](const auto&) {}, {});
    return Stream<v1::FollowResponse>(
        [&](SimServer::Process& process) { return process.sync.Follow(token_, request, [] {}); },
        observer_.on_follow(request), observer_.on_half_open);
  }
  std::unique_ptr<ServerStream<v1::WatchResponse>> Watch(const v1::WatchRequest& request,
                                                         absl::Time) override {
    return Stream<v1::WatchResponse>(
        [&](SimServer::Process& process) { return process.progress.Watch(token_, request, [] {}); },
        [this](const v1::WatchResponse& message) {
          in_the_middle_ = message.records_size() > 0 && !message.has_bookmark();
        },
        [](const auto&, const auto&) {});
  }
  absl::StatusOr<v1::GetProgressResponse> GetProgress(const v1::GetProgressRequest& request,
                                                      absl::Time) override {
    return Unary<v1::GetProgressResponse>(
        [&](SimServer::Process& process, Done<v1::GetProgressResponse> done) {
          done(process.progress.GetProgress(token_, request));
        });
  }
  absl::StatusOr<v1::ListNightsResponse> ListNights(const v1::ListNightsRequest& request,
                                                    absl::Time) override {
    return Unary<v1::ListNightsResponse>(
        [&](SimServer::Process& process, Done<v1::ListNightsResponse> done) {
          done(process.progress.ListNights(token_, request));
        });
  }
  absl::StatusOr<v1::CreateFamilyResponse> CreateFamily(const v1::CreateFamilyRequest& request,
                                                        absl::Time) override {
    return FamilyCall(&FamilyService::CreateFamily, request);
  }
  absl::StatusOr<v1::CreateInviteResponse> CreateInvite(const v1::CreateInviteRequest& request,
                                                        absl::Time) override {
    return FamilyCall(&FamilyService::CreateInvite, request);
  }
  absl::StatusOr<v1::JoinResponse> Join(const v1::JoinRequest& request, absl::Time) override {
    auto joined = FamilyCall(&FamilyService::Join, request);
    if (std::exchange(loses_pairing_, false)) return absl::UnavailableError("the answer was lost");
    return joined;
  }
  absl::StatusOr<v1::ListFamiliesResponse> ListFamilies(const v1::ListFamiliesRequest& request,
                                                        absl::Time) override {
    return Unary<v1::ListFamiliesResponse>(
        [&](SimServer::Process& process, Done<v1::ListFamiliesResponse> done) {
          done(process.family.ListFamilies(token_, request));
        });
  }
  absl::StatusOr<v1::ListMembersResponse> ListMembers(const v1::ListMembersRequest& request,
                                                      absl::Time) override {
    return Unary<v1::ListMembersResponse>(
        [&](SimServer::Process& process, Done<v1::ListMembersResponse> done) {
          done(process.family.ListMembers(token_, request));
        });
  }
  absl::StatusOr<v1::RevokeDeviceResponse> RevokeDevice(const v1::RevokeDeviceRequest& request,
                                                        absl::Time) override {
    return FamilyCall(&FamilyService::RevokeDevice, request);
  }
  absl::StatusOr<v1::RemoveMemberResponse> RemoveMember(const v1::RemoveMemberRequest& request,
                                                        absl::Time) override {
    return FamilyCall(&FamilyService::RemoveMember, request);
  }
  absl::StatusOr<v1::SetConsentResponse> SetConsent(const v1::SetConsentRequest& request,
                                                    absl::Time) override {
    return FamilyCall(&FamilyService::SetConsent, request);
  }
  absl::StatusOr<v1::RenewReplicaResponse> RenewReplica(const v1::RenewReplicaRequest& request,
                                                        absl::Time) override {
    auto renewed = FamilyCall(&FamilyService::RenewReplica, request);
    if (random_.Chance(faults_.drop_response)) return absl::UnavailableError("the answer was lost");
    return renewed;
  }
  absl::StatusOr<v1::RotateTokenResponse> RotateToken(const v1::RotateTokenRequest& request,
                                                      absl::Time) override {
    return FamilyCall(&FamilyService::RotateToken, request);
  }
  absl::StatusOr<v1::ListQuarantineResponse> ListQuarantine(
      const v1::ListQuarantineRequest& request, absl::Time) override {
    return Unary<v1::ListQuarantineResponse>(
        [&](SimServer::Process& process, Done<v1::ListQuarantineResponse> done) {
          done(process.family.ListQuarantine(token_, request));
        });
  }
  absl::StatusOr<v1::DecideQuarantineResponse> DecideQuarantine(
      const v1::DecideQuarantineRequest& request, absl::Time) override {
    return FamilyCall(&FamilyService::DecideQuarantine, request);
  }
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request,
                                                    absl::Time) override {
    return Unary<v1::ListEventsResponse>(
        [&](SimServer::Process& process, Done<v1::ListEventsResponse> done) {
          done(process.family.ListEvents(token_, request));
        });
  }
  std::unique_ptr<ServerStream<v1::ExportFamilyResponse>> ExportFamily(
      const v1::ExportFamilyRequest& request, absl::Time) override {
    return Stream<v1::ExportFamilyResponse>(
        [&](SimServer::Process& process) {
          auto stream = process.family.ExportFamily(token_, request, [] {});
          server_.Commit();
          return stream;
        },
        [](const auto&) {}, [](const auto&, const auto&) {});
  }
  absl::StatusOr<v1::ImportRecordsResponse> ImportRecords(const v1::ImportRecordsRequest& request,
                                                          absl::Time) override {
    return FamilyCall(&FamilyService::ImportRecords, request);
  }
  absl::StatusOr<v1::EraseFamilyResponse> EraseFamily(const v1::EraseFamilyRequest& request,
                                                      absl::Time) override {
    return FamilyCall(&FamilyService::EraseFamily, request);
  }

 private:
  static v1::PushRequest ForOldServer(v1::PushRequest request) {
    for (v1::Transaction& transaction : *request.mutable_transactions()) {
      for (v1::Edit& edit : *transaction.mutable_edits()) {
        if (!edit.has_comment()) continue;
        edit.GetReflection()->MutableUnknownFields(&edit)->AddLengthDelimited(
            99, edit.comment().SerializeAsString());
        edit.clear_comment();
      }
    }
    return request;
  }

  // As the doors do at the first call with a new token.
  void UseNewToken() {
    const auto process = server_.process();
    if (process == nullptr || token_.empty() ||
        Authenticate(*process->engine.Snapshot(), token_).ok()) {
      return;
    }
    server_
        .Call<bool>([this](SimServer::Process& running, Done<bool> done) {
          running.family.UseNewToken(token_, [done](const absl::Status&) { done(true); });
        })
        .IgnoreError();
  }

  bool Endless() {
    if (++calls_ < kCallsMax) return false;
    observer_.on_endless();
    return true;
  }

  template <typename Response>
  absl::StatusOr<Response> Unary(
      const std::function<void(SimServer::Process&, Done<Response>)>& start) {
    if (Endless()) return absl::FailedPreconditionError("there is no end to it");
    if (random_.Chance(faults_.drop_request)) return absl::UnavailableError("the request was lost");
    UseNewToken();
    // The request comes twice: at once, or one after the other.
    if (random_.Chance(faults_.duplicate)) {
      server_.Enter<Response>(start);
      if (random_.Chance(50)) server_.Commit();
    }
    absl::StatusOr<Response> response = server_.Call<Response>(start);
    if (random_.Chance(faults_.drop_response)) {
      return absl::UnavailableError("the response was lost");
    }
    return response;
  }

  // The network is kind to what an owner asks for.
  template <typename Request, typename Response>
  absl::StatusOr<Response> FamilyCall(void (FamilyService::*method)(const std::string&,
                                                                    const Request&, Done<Response>)
                                          const,
                                      const Request& request) {
    UseNewToken();
    return server_.Call<Response>([&](SimServer::Process& process, Done<Response> done) {
      (process.family.*method)(token_, request, std::move(done));
    });
  }

  template <typename Response>
  std::unique_ptr<ServerStream<Response>> Stream(
      const std::function<
          absl::StatusOr<std::unique_ptr<MessageStream<Response>>>(SimServer::Process&)>& open,
      std::function<void(const Response&)> on_message,
      std::function<void(std::shared_ptr<SimServer::Process>,
                         std::unique_ptr<MessageStream<Response>>)>
          on_half_open) {
    UseNewToken();
    const std::shared_ptr<SimServer::Process> process = server_.process();
    absl::StatusOr<std::unique_ptr<MessageStream<Response>>> stream =
        absl::UnavailableError("the server is down");
    if (process != nullptr && open && !random_.Chance(faults_.drop_request)) {
      stream = open(*process);
    }
    return std::make_unique<SimServerStream<Response>>(
        process, std::move(stream),
        typename SimServerStream<Response>::Hooks{
            [this] {
              return random_.Chance(std::exchange(in_the_middle_, false) ? faults_.cut_in_the_middle
                                                                         : faults_.cut_stream);
            },
            std::move(on_message), std::move(on_half_open), observer_.meanwhile});
  }

  SimServer& server_;
  SimRandom& random_;
  const Observer observer_;
  NetworkFaults faults_;
  std::string token_;
  bool server_is_old_ = false;
  bool loses_pairing_ = false;
  bool in_the_middle_ = false;  // of what the last message of a watch is about
  int calls_ = 0;
};

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_SIM_CONNECTION_H_
