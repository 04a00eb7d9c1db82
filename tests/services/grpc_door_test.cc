#include "services/grpc_door.h"

#include <grpcpp/completion_queue.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <grpcpp/impl/codegen/client_unary_call.h>
#include <grpcpp/impl/codegen/sync_stream.h>
#include <grpcpp/security/credentials.h>

#include <atomic>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "grpc/health/v1/health.pb.h"
#include "gtest/gtest.h"
#include "nightlog/v1/family_service.grpc.pb.h"
#include "nightlog/v1/progress_service.grpc.pb.h"
#include "nightlog/v1/sync_service.grpc.pb.h"
#include "services/call_limits.h"
#include "services/executor.h"
#include "services/methods.h"
#include "services/server.h"
#include "tests/services/grpc_error.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;

void SetToken(grpc::ClientContext& context, const Phone& phone) {
  context.AddMetadata("authorization", "Bearer " + phone.token);
}

// A real server on a free port of this machine, and the clients that gRPC generates. It has one
// executor thread, so that whatever would hold it up shows.
std::unique_ptr<Server> Serve(GrpcDoor& door, const std::string& listen = "127.0.0.1:0") {
  Options options;
  options.listen = listen;
  auto server = Server::Start(options, door);
  EXPECT_TRUE(server.ok()) << server.status();
  return *std::move(server);
}

std::shared_ptr<grpc::Channel> ChannelTo(const Server& server) {
  return grpc::CreateChannel(server.address(), grpc::InsecureChannelCredentials());
}

class GrpcDoorTest : public ServiceFixture {
 protected:
  explicit GrpcDoorTest(int executor_queue_max = 100) : executor_(1, executor_queue_max) {
    server_ = Serve(door_);
    Connect();
  }

  ~GrpcDoorTest() override { Drain(); }

  void Connect() {
    grpc::ChannelArguments arguments;
    arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);  // a connection of its own
    channel_ = grpc::CreateCustomChannel(server_->address(), grpc::InsecureChannelCredentials(),
                                         arguments);
    family_stub_ = v1::FamilyService::NewStub(channel_);
    sync_stub_ = v1::SyncService::NewStub(channel_);
    progress_stub_ = v1::ProgressService::NewStub(channel_);
  }

  // Waits without a bound for calls to end: one that never does shows as a test that never ends.
  void Drain() {
    if (std::exchange(drained_, true)) return;
    server_->Drain(absl::InfiniteDuration());
  }

  absl::Status ListMembersOver(const Phone& phone) {
    grpc::ClientContext context;
    SetToken(context, phone);
    v1::ListMembersRequest request;
    request.set_family_id(phone.pairing.family_id());
    v1::ListMembersResponse response;
    return FromGrpcStatus(family_stub_->ListMembers(&context, request, &response));
  }

  std::unique_ptr<grpc::ClientReader<v1::FollowResponse>> Follow(grpc::ClientContext& context,
                                                                 const Phone& phone) {
    SetToken(context, phone);
    v1::FollowRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_stream_id(std::string(16, 's'));
    return sync_stub_->Follow(&context, request);
  }

  // Reads to the first bookmark.
  static uint64_t ReadToBookmark(grpc::ClientReader<v1::FollowResponse>& stream) {
    v1::FollowResponse response;
    while (stream.Read(&response)) {
      if (response.has_bookmark()) return response.bookmark().cursor().revision();
    }
    ADD_FAILURE() << "the stream ended before its bookmark";
    return 0;
  }

  grpc::health::v1::HealthCheckResponse::ServingStatus Health(const std::string& service) {
    grpc::ClientContext context;
    grpc::health::v1::HealthCheckRequest request;
    grpc::health::v1::HealthCheckResponse response;
    request.set_service(service);
    const grpc::Status status = grpc::internal::BlockingUnaryCall(
        channel_.get(),
        grpc::internal::RpcMethod("/grpc.health.v1.Health/Check",
                                  grpc::internal::RpcMethod::NORMAL_RPC, channel_),
        &context, request, &response);
    EXPECT_TRUE(status.ok()) << status.error_message();
    return response.status();
  }

  std::unique_ptr<grpc::ClientReader<grpc::health::v1::HealthCheckResponse>> WatchHealth(
      grpc::ClientContext& context, const std::string& service) {
    grpc::health::v1::HealthCheckRequest request;
    request.set_service(service);
    return std::unique_ptr<grpc::ClientReader<grpc::health::v1::HealthCheckResponse>>(
        grpc::internal::ClientReaderFactory<grpc::health::v1::HealthCheckResponse>::Create(
            channel_.get(),
            grpc::internal::RpcMethod("/grpc.health.v1.Health/Watch",
                                      grpc::internal::RpcMethod::SERVER_STREAMING, channel_),
            &context, request));
  }

  Executor executor_;
  const Methods methods_ =
      MakeMethods(sync_service_, progress_service_, family_service_, import_service_, executor_);
  GrpcDoor door_{methods_, executor_};
  std::unique_ptr<Server> server_;
  bool drained_ = false;
  std::shared_ptr<grpc::Channel> channel_;
  std::unique_ptr<v1::FamilyService::Stub> family_stub_;
  std::unique_ptr<v1::SyncService::Stub> sync_stub_;
  std::unique_ptr<v1::ProgressService::Stub> progress_stub_;
};

TEST_F(GrpcDoorTest, AFamilyIsMadeJoinedAndListedOverTheWire) {
  grpc::ClientContext create_context;
  v1::CreateFamilyRequest create;
  create.set_family_name("the owls");
  create.set_member_name("Robin");
  create.set_device_name("phone");
  v1::CreateFamilyResponse created;
  ASSERT_TRUE(family_stub_->CreateFamily(&create_context, create, &created).ok());
  const Phone owner = Paired(Phone(), created.pairing());

  grpc::ClientContext invite_context;
  SetToken(invite_context, owner);
  v1::CreateInviteResponse invite;
  ASSERT_TRUE(
      family_stub_->CreateInvite(&invite_context, InviteRequest(owner, v1::ROLE_CAREGIVER), &invite)
          .ok());
  grpc::ClientContext join_context;
  v1::JoinRequest join;
  join.set_code(invite.code());
  join.set_member_name("Sam");
  join.set_device_name("phone");
  v1::JoinResponse joined;
  ASSERT_TRUE(family_stub_->Join(&join_context, join, &joined).ok());
  const absl::Status listed = ListMembersOver(Paired(Phone(), joined.pairing()));
  EXPECT_TRUE(listed.ok()) << listed;
}

TEST_F(GrpcDoorTest, AnErrorCarriesItsReasonAndViolations) {
  Phone phone = CreateFamily();
  phone.pairing.set_family_id("short");
  const absl::Status status = ListMembersOver(phone);
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_FIELD);
  ASSERT_EQ(ViolationsOf(status).size(), 1u);
  EXPECT_EQ(ViolationsOf(status)[0].field(), "family_id");
}

TEST_F(GrpcDoorTest, OnlyABearerTokenIsAToken) {
  const Phone phone = CreateFamily();
  v1::ListMembersRequest request;
  request.set_family_id(phone.pairing.family_id());
  const auto call = [&](const std::string& authorization) {
    grpc::ClientContext context;
    if (!authorization.empty()) context.AddMetadata("authorization", authorization);
    v1::ListMembersResponse response;
    return ReasonOf(FromGrpcStatus(family_stub_->ListMembers(&context, request, &response)));
  };
  EXPECT_EQ(call("Bearer " + phone.token), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(call("bearer " + phone.token), v1::ERROR_REASON_UNSPECIFIED);
  for (const std::string& wrong :
       {std::string(), std::string("Bearer"), std::string("Bearer "), phone.token,
        "Basic " + phone.token, "Bearer " + phone.token + "x"}) {
    EXPECT_EQ(call(wrong), v1::ERROR_REASON_UNKNOWN_DEVICE) << wrong;
  }
}

TEST_F(GrpcDoorTest, AProxyOnThisMachineSaysForWhomItCalls) {
  std::vector<std::string> addresses;
  Methods methods;
  methods["/nightlog.v1.FamilyService/ListMembers"].call = [&](const Peer& peer, absl::string_view,
                                                               Done<std::string> done) {
    addresses.push_back(peer.address);
    done("");
  };
  for (const std::string listen : {"127.0.0.1:0", "[::1]:0"}) {
    GrpcDoor door(methods, executor_);
    const std::unique_ptr<Server> server = Serve(door, listen);
    const auto stub = v1::FamilyService::NewStub(ChannelTo(*server));
    for (const std::string forwarded_for : {"", "192.0.2.1, 192.0.2.2"}) {
      grpc::ClientContext context;
      if (!forwarded_for.empty()) context.AddMetadata("x-forwarded-for", forwarded_for);
      v1::ListMembersResponse response;
      ASSERT_TRUE(stub->ListMembers(&context, v1::ListMembersRequest(), &response).ok());
    }
    server->Drain(absl::InfiniteDuration());
  }
  EXPECT_THAT(addresses, ::testing::ElementsAre("", "192.0.2.2", "", "192.0.2.2"));
}

TEST_F(GrpcDoorTest, StreamsHaveALimitForEachAddress) {
  CallLimits limits(clock_, {0, 0, 0, 0, 2});
  const Methods limited = LimitMethods(methods_, limits);
  GrpcDoor door(limited, executor_);
  const std::unique_ptr<Server> server = Serve(door);
  sync_stub_ = v1::SyncService::NewStub(ChannelTo(*server));
  const Phone owner = CreateFamily();
  const auto follow = [&](grpc::ClientContext& context, const std::string& address) {
    context.AddMetadata("x-forwarded-for", address);
    return Follow(context, owner);
  };
  grpc::ClientContext contexts[2];
  const auto first = follow(contexts[0], "192.0.2.1");
  const auto second = follow(contexts[1], "192.0.2.1");
  EXPECT_GT(ReadToBookmark(*first), 0u);
  EXPECT_GT(ReadToBookmark(*second), 0u);
  const auto is_refused = [&] {
    grpc::ClientContext context;
    const auto stream = follow(context, "192.0.2.1");
    v1::FollowResponse response;
    if (stream->Read(&response)) return false;
    EXPECT_EQ(ReasonOf(FromGrpcStatus(stream->Finish())), v1::ERROR_REASON_BUSY);
    return true;
  };
  EXPECT_TRUE(is_refused());
  grpc::ClientContext other;
  EXPECT_GT(ReadToBookmark(*follow(other, "192.0.2.2")), 0u);
  contexts[1].TryCancel();
  while (is_refused()) {
  }
  server->Drain(absl::InfiniteDuration());
}

TEST_F(GrpcDoorTest, AStreamThatMayNotBeOpenedSaysWhy) {
  Phone stranger = CreateFamily();
  stranger.token = "unknown";
  grpc::ClientContext context;
  const auto stream = Follow(context, stranger);
  v1::FollowResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(stream->Finish())), v1::ERROR_REASON_UNKNOWN_DEVICE);
}

TEST_F(GrpcDoorTest, AStreamSendsCommitsAsTheyHappen) {
  const Phone owner = CreateFamily();
  grpc::ClientContext context;
  const auto stream = Follow(context, owner);
  uint64_t revision = ReadToBookmark(*stream);
  for (int i = 0; i < 20; ++i) {
    Join(owner, v1::ROLE_VIEWER);
    const uint64_t next = ReadToBookmark(*stream);
    EXPECT_GT(next, revision);
    revision = next;
  }
  context.TryCancel();
  EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
}

TEST_F(GrpcDoorTest, ARevokedStreamEndsAndHasSentNothingThatCameAfter) {
  const Phone owner = CreateFamily();
  const Phone phone = Join(owner, v1::ROLE_CAREGIVER);
  grpc::ClientContext context;
  const auto stream = Follow(context, phone);
  const uint64_t revision = ReadToBookmark(*stream);
  v1::RevokeDeviceRequest request;
  request.set_family_id(owner.pairing.family_id());
  request.set_device_id(phone.pairing.device_id());
  grpc::ClientContext revoke_context;
  SetToken(revoke_context, owner);
  v1::RevokeDeviceResponse revoked;
  ASSERT_TRUE(family_stub_->RevokeDevice(&revoke_context, request, &revoked).ok());
  PushEntries(owner, 3, 100);
  v1::FollowResponse response;
  bool closed = false;
  while (stream->Read(&response)) {
    EXPECT_EQ(response.records_size(), 0);
    EXPECT_FALSE(response.has_bookmark());
    closed = response.has_closed();
  }
  EXPECT_TRUE(closed);
  EXPECT_EQ(ReasonOf(FromGrpcStatus(stream->Finish())), v1::ERROR_REASON_NO_ACCESS);
  EXPECT_GT(revision, 0u);
}

TEST_F(GrpcDoorTest, AStreamThatIsOpenWhenConsentEndsSendsNothingThatCameAfter) {
  const Phone owner = CreateFamily();
  v1::CreateInviteRequest invite = InviteRequest(owner, v1::ROLE_CONSULTANT);
  invite.set_consent_scope(v1::CONSENT_SCOPE_ENTRIES);
  *invite.mutable_consent_until() = ToProto(clock_.Now() + absl::Hours(1));
  const Phone consultant = Join(owner, invite);
  grpc::ClientContext context;
  const auto stream = Follow(context, consultant);
  ReadToBookmark(*stream);
  clock_.Advance(absl::Hours(1));
  PushEntries(owner, 1, 100);
  v1::FollowResponse response;
  ASSERT_TRUE(stream->Read(&response));
  EXPECT_TRUE(response.has_closed()) << response.ShortDebugString();
  EXPECT_EQ(response.records_size(), 0);
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(stream->Finish())), v1::ERROR_REASON_NO_ACCESS);
}

TEST_F(GrpcDoorTest, AnExportEndsWithOk) {
  const Phone owner = CreateFamily();
  PushEntries(owner, 100, 4000);
  grpc::ClientContext context;
  SetToken(context, owner);
  v1::ExportFamilyRequest request;
  request.set_family_id(owner.pairing.family_id());
  const auto stream = family_stub_->ExportFamily(&context, request);
  v1::ExportFamilyResponse response;
  int records = 0;
  while (stream->Read(&response)) records += response.records_size();
  EXPECT_TRUE(stream->Finish().ok());
  EXPECT_GE(records, 101);
}

TEST_F(GrpcDoorTest, AClientThatNeverReadsHoldsUpNobody) {
  const Phone owner = CreateFamily();
  // More than every buffer between.
  for (int i = 0; i < 4; ++i) {
    Phone writer = owner;
    v1::RenewReplicaRequest renew;
    renew.set_family_id(owner.pairing.family_id());
    const auto renewed = Call(&FamilyService::RenewReplica, owner, renew);
    ASSERT_TRUE(renewed.ok());
    writer.pairing.set_replica_id(renewed->replica_id());
    PushEntries(writer, 220, 4000);
  }
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::ExportFamilyResponse>>> unread;
  v1::ExportFamilyRequest request;
  request.set_family_id(owner.pairing.family_id());
  for (int i = 0; i < 5; ++i) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    SetToken(*contexts.back(), owner);
    unread.push_back(family_stub_->ExportFamily(contexts.back().get(), request));
  }
  grpc::ClientContext context;
  const auto stream = Follow(context, CreateFamily());
  EXPECT_GT(ReadToBookmark(*stream), 0u);
  EXPECT_TRUE(ListMembersOver(owner).ok());
  for (const auto& unread_context : contexts) unread_context->TryCancel();
  context.TryCancel();
  // Only now may the streams end, which Drain() waits for.
}

TEST_F(GrpcDoorTest, StreamsEndWhenTheServerStops) {
  const Phone owner = CreateFamily();
  grpc::ClientContext follow_context, watch_context;
  const auto follow = Follow(follow_context, owner);
  ReadToBookmark(*follow);
  SetToken(watch_context, owner);
  const auto watch = progress_stub_->Watch(&watch_context, v1::WatchRequest());
  v1::WatchResponse watched;
  ASSERT_TRUE(watch->Read(&watched));

  std::thread drain([this] { Drain(); });
  v1::FollowResponse response;
  while (follow->Read(&response)) {
  }
  while (watch->Read(&watched)) {
  }
  const absl::Status status = FromGrpcStatus(follow->Finish());
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_DRAINING);
  EXPECT_EQ(ReasonOf(FromGrpcStatus(watch->Finish())), v1::ERROR_REASON_DRAINING);
  drain.join();
}

TEST_F(GrpcDoorTest, AStreamThatIsOpenedWhileTheServerStopsEndsToo) {
  const Phone owner = CreateFamily();
  door_.Drain();
  grpc::ClientContext context;
  const auto stream = Follow(context, owner);
  v1::FollowResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(stream->Finish())), v1::ERROR_REASON_DRAINING);
}

TEST_F(GrpcDoorTest, StreamsThatComeAndGoWhileCommitsWakeThemEndWell) {
  const Phone owner = CreateFamily();
  std::vector<std::thread> clients;
  for (int client = 0; client < 4; ++client) {
    clients.emplace_back([&, client] {
      for (int i = 0; i < 30; ++i) {
        grpc::ClientContext context;
        const auto stream = Follow(context, owner);
        v1::FollowResponse response;
        for (int reads = (client + i) % 4; reads > 0; --reads) stream->Read(&response);
        context.TryCancel();
        EXPECT_EQ(stream->Finish().error_code(), grpc::StatusCode::CANCELLED);
      }
    });
  }
  std::atomic<bool> over{false};
  std::thread writer([&] {
    while (!over) Join(owner, v1::ROLE_VIEWER);
  });
  for (std::thread& client : clients) client.join();
  over = true;
  writer.join();
}

TEST_F(GrpcDoorTest, AMessageOverFourMebibytesIsRefused) {
  const Phone owner = CreateFamily();
  const auto push = [&](size_t bytes) {
    grpc::ClientContext context;
    SetToken(context, owner);
    v1::PushRequest request;
    request.add_transactions()->set_hash(std::string(bytes, 'x'));
    v1::PushResponse response;
    return FromGrpcStatus(sync_stub_->Push(&context, request, &response));
  };
  EXPECT_EQ(push(5 << 20).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(push(3 << 20)), v1::ERROR_REASON_TOO_LARGE) << "said by the use case";
}

const std::string kListMembers = "/nightlog.v1.FamilyService/ListMembers";

// A call whose request is never sent.
class UnsentCall {
 public:
  explicit UnsentCall(const std::shared_ptr<grpc::Channel>& channel,
                      const std::string& path = kListMembers)
      : stub_(channel), call_(stub_.PrepareCall(&context_, path, &queue_)) {
    call_->StartCall(nullptr);
    Await();
  }

  void WritesDone() {
    call_->WritesDone(nullptr);
    Await();
  }

  grpc::Status Finish() {
    grpc::Status status;
    call_->Finish(&status, nullptr);
    Await();
    return status;
  }

 private:
  void Await() {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue_.Next(&tag, &ok));
  }

  grpc::GenericStub stub_;
  grpc::ClientContext context_;
  grpc::CompletionQueue queue_;
  const std::unique_ptr<grpc::GenericClientAsyncReaderWriter> call_;
};

TEST_F(GrpcDoorTest, WhoIsNotAdmittedIsAnsweredBeforeTheRequestComes) {
  Methods methods;
  Method& method = methods["/nightlog.v1.FamilyService/ListMembers"];
  method.admit = [](const Peer& peer) {
    return peer.token == "welcome" ? absl::OkStatus() : BusyError();
  };
  int called = 0;
  method.call = [&called](const Peer&, absl::string_view, Done<std::string> done) {
    ++called;
    done("");
  };
  GrpcDoor door(methods, executor_);
  const std::unique_ptr<Server> server = Serve(door);
  const std::shared_ptr<grpc::Channel> channel = ChannelTo(*server);
  {
    UnsentCall call(channel);
    const grpc::Status status = call.Finish();
    EXPECT_EQ(ReasonOf(FromGrpcStatus(status)), v1::ERROR_REASON_BUSY);
  }
  const auto stub = v1::FamilyService::NewStub(channel);
  const auto list_members = [&stub](const std::string& token, size_t bytes) {
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer " + token);
    v1::ListMembersRequest request;
    request.set_family_id(std::string(bytes, 'x'));
    v1::ListMembersResponse response;
    return FromGrpcStatus(stub->ListMembers(&context, request, &response));
  };
  EXPECT_EQ(ReasonOf(list_members("stranger", 16)), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(ReasonOf(list_members("stranger", 3 << 20)), v1::ERROR_REASON_BUSY)
      << "in the middle of its message";
  EXPECT_EQ(called, 0);
  EXPECT_TRUE(list_members("welcome", 3 << 20).ok());
  EXPECT_EQ(called, 1);
  server->Drain(absl::InfiniteDuration());
}

// A unary method, a stream, and health.
const std::vector<std::string> kPaths = {kListMembers, "/nightlog.v1.SyncService/Follow",
                                         "/grpc.health.v1.Health/Watch"};

TEST_F(GrpcDoorTest, ACallerThatLeavesBeforeItsRequestCameIsForgotten) {
  for (const std::string& path : kPaths) {
    UnsentCall call(channel_, path);
    call.WritesDone();
    EXPECT_EQ(call.Finish().error_code(), grpc::StatusCode::CANCELLED) << path;
  }
}

TEST_F(GrpcDoorTest, ACallWhoseRequestDoesNotComeEnds) {
  std::atomic<bool> over{false};
  std::thread minutes([&] {
    for (; !over; clock_.Advance(kRequestMax)) door_.EndLate(clock_.Now());
  });
  for (const std::string& path : kPaths) {
    UnsentCall call(channel_, path);
    const absl::Status status = FromGrpcStatus(call.Finish());
    EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded) << path;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_LATE_REQUEST);
  }
  over = true;
  minutes.join();
}

TEST_F(GrpcDoorTest, CallsWhoseRequestComesAsTheyAreEndedEndOnce) {
  const Phone owner = CreateFamily();
  std::atomic<bool> over{false};
  std::thread minutes([&] {
    for (; !over; clock_.Advance(kRequestMax)) door_.EndLate(clock_.Now());
  });
  for (int i = 0; i < 200; ++i) {
    const absl::Status status = ListMembersOver(owner);
    EXPECT_TRUE(status.ok() || ReasonOf(status) == v1::ERROR_REASON_LATE_REQUEST) << status;
  }
  over = true;
  minutes.join();
}

TEST_F(GrpcDoorTest, CallsWhoseRequestDoesNotComeDoNotHoldUpTheStop) {
  const std::vector<std::string> paths = {kListMembers, "/nightlog.v1.SyncService/Follow"};
  absl::BlockingCounter come(static_cast<int>(paths.size()));
  Methods methods;
  for (const std::string& path : paths) {
    Method& method = methods[path] = methods_.at(path);
    method.admit = [&come](const Peer&) {
      come.DecrementCount();
      return absl::OkStatus();
    };
  }
  GrpcDoor door(methods, executor_);
  const std::unique_ptr<Server> server = Serve(door);
  const std::shared_ptr<grpc::Channel> channel = ChannelTo(*server);
  std::vector<std::unique_ptr<UnsentCall>> calls;
  for (const std::string& path : paths) {
    calls.push_back(std::make_unique<UnsentCall>(channel, path));
  }
  come.Wait();
  server->Drain(absl::InfiniteDuration());  // waits for every call
  for (const auto& call : calls) {
    EXPECT_EQ(ReasonOf(FromGrpcStatus(call->Finish())), v1::ERROR_REASON_DRAINING);
  }
}

TEST_F(GrpcDoorTest, ACallThatIsMadeWhileTheServerStopsIsToldSo) {
  door_.Drain();
  for (const std::string& path : kPaths) {
    UnsentCall call(channel_, path);
    EXPECT_EQ(ReasonOf(FromGrpcStatus(call.Finish())), v1::ERROR_REASON_DRAINING) << path;
  }
}

TEST_F(GrpcDoorTest, CallsWhoseRequestDoesNotComeHaveABoundForEachAddress) {
  grpc::CompletionQueue queue;
  const auto await = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    return static_cast<const grpc::Status*>(tag);
  };
  constexpr int kCalls = UnreadCalls::kAddressMax + 1;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::GenericClientAsyncReaderWriter>> calls;
  std::vector<grpc::Status> statuses(kCalls);
  for (grpc::Status& status : statuses) {
    if (calls.size() % 500 == 0) Connect();  // a connection carries fewer
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    contexts.back()->AddMetadata("x-forwarded-for", "192.0.2.1");
    grpc::GenericStub stub(channel_);
    calls.push_back(stub.PrepareCall(contexts.back().get(), kListMembers, &queue));
    calls.back()->StartCall(nullptr);
    calls.back()->Finish(&status, &status);
  }
  int started = 0;
  const grpc::Status* refused = nullptr;
  while (started < kCalls || refused == nullptr) {
    const grpc::Status* const status = await();
    if (status == nullptr) {
      ++started;
    } else {
      EXPECT_EQ(refused, nullptr);
      refused = status;
    }
  }
  EXPECT_EQ(ReasonOf(FromGrpcStatus(*refused)), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(ReasonOf(ListMembersOver(CreateFamily())), v1::ERROR_REASON_UNSPECIFIED);
  for (const auto& context : contexts) context->TryCancel();
  for (int ended = 1; ended < kCalls; ++ended) await();
}

TEST_F(GrpcDoorTest, HealthIsServing) {
  for (const char* service : {"", "nightlog.v1.SyncService", "nightlog.v1.ProgressService",
                              "nightlog.v1.FamilyService", "nightlog.v1.ImportService"}) {
    EXPECT_EQ(Health(service), grpc::health::v1::HealthCheckResponse::SERVING) << service;
  }
}

TEST_F(GrpcDoorTest, AWatcherOfHealthIsToldEachChange) {
  using grpc::health::v1::HealthCheckResponse;
  grpc::ClientContext context;
  const auto watch = WatchHealth(context, "nightlog.v1.SyncService");
  HealthCheckResponse response;
  const auto next = [&watch, &response] {
    EXPECT_TRUE(watch->Read(&response));
    return response.status();
  };
  EXPECT_EQ(next(), HealthCheckResponse::SERVING);
  door_.SetServing(true);  // no change
  door_.SetServing(false);
  EXPECT_EQ(next(), HealthCheckResponse::NOT_SERVING);
  EXPECT_EQ(Health(""), HealthCheckResponse::NOT_SERVING);
  door_.SetServing(true);
  EXPECT_EQ(next(), HealthCheckResponse::SERVING);
  EXPECT_EQ(Health(""), HealthCheckResponse::SERVING);
  context.TryCancel();
}

TEST_F(GrpcDoorTest, AServiceThatIsNotThereIsUnknownToHealth) {
  grpc::ClientContext context;
  const auto watch = WatchHealth(context, "nightlog.v1.NoService");
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVICE_UNKNOWN);
  context.TryCancel();
}

TEST_F(GrpcDoorTest, AWatcherOfHealthIsToldOfTheStopAndDoesNotHoldItUp) {
  grpc::ClientContext context;
  const auto watch = WatchHealth(context, "");
  grpc::health::v1::HealthCheckResponse response;
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::SERVING);
  Drain();  // waits for every call
  ASSERT_TRUE(watch->Read(&response));
  EXPECT_EQ(response.status(), grpc::health::v1::HealthCheckResponse::NOT_SERVING);
  EXPECT_FALSE(watch->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(watch->Finish())), v1::ERROR_REASON_DRAINING);
}

TEST_F(GrpcDoorTest, WatchersOfHealthHaveABound) {
  constexpr int kMax = 1000;
  // A connection carries fewer.
  std::vector<std::shared_ptr<grpc::Channel>> connections;
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<grpc::health::v1::HealthCheckResponse>>> watches;
  grpc::health::v1::HealthCheckResponse response;
  const auto watch = [&] {
    if (watches.size() % 500 == 0) Connect();
    connections.push_back(channel_);
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    watches.push_back(WatchHealth(*contexts.back(), ""));
    return watches.back()->Read(&response);
  };
  for (int i = 0; i < kMax; ++i) ASSERT_TRUE(watch()) << i;
  EXPECT_FALSE(watch());
  EXPECT_EQ(ReasonOf(FromGrpcStatus(watches.back()->Finish())), v1::ERROR_REASON_BUSY);
  // Health itself is still told, and there is room again when one goes.
  EXPECT_EQ(Health(""), grpc::health::v1::HealthCheckResponse::SERVING);
  contexts.front()->TryCancel();
  watches.front()->Finish();
  while (!watch()) watches.back()->Finish();
}

TEST_F(GrpcDoorTest, OpenReflectionStreamsTakeFewThreads) {
  const auto threads = [] {
    const std::filesystem::directory_iterator tasks("/proc/self/task");
    return std::distance(begin(tasks), end(tasks));
  };
  const Phone mine = CreateFamily();
  ASSERT_TRUE(ListMembersOver(mine).ok());
  const auto before = threads();
  grpc::GenericStub stub(channel_);
  grpc::CompletionQueue queue;
  constexpr int kStreams = 200;
  int ended = 0;
  // Waits for the next thing to happen, and counts the streams that ended.
  const auto await = [&] {
    void* tag = nullptr;
    bool ok = false;
    EXPECT_TRUE(queue.Next(&tag, &ok));
    if (tag != nullptr) ++ended;
    return static_cast<const grpc::Status*>(tag);
  };
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::GenericClientAsyncReaderWriter>> streams;
  std::vector<grpc::Status> statuses(kStreams);
  for (grpc::Status& status : statuses) {
    contexts.push_back(std::make_unique<grpc::ClientContext>());
    streams.push_back(
        stub.PrepareCall(contexts.back().get(),
                         "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue));
    streams.back()->StartCall(nullptr);
    while (await() != nullptr) {
    }
    streams.back()->Finish(&status, &status);
  }
  // Those that wait for a request hold a thread each; the others are refused.
  while (ended < kStreams - 16) await();
  for (const grpc::Status& status : statuses) {
    EXPECT_TRUE(status.ok() || status.error_code() == grpc::StatusCode::RESOURCE_EXHAUSTED);
  }
  EXPECT_LT(threads(), before + 24);
  EXPECT_TRUE(ListMembersOver(mine).ok());
  for (const auto& context : contexts) context->TryCancel();
  while (ended < kStreams) await();
}

TEST_F(GrpcDoorTest, ReflectionListsAndDescribesEveryService) {
  const std::vector<std::string> services = {
      "nightlog.v1.SyncService", "nightlog.v1.ProgressService", "nightlog.v1.FamilyService",
      "nightlog.v1.ImportService", "grpc.health.v1.Health"};
  grpc::GenericStub stub(channel_);
  grpc::ClientContext context;
  grpc::CompletionQueue queue;
  const auto wait = [&queue] {
    void* tag = nullptr;
    bool ok = false;
    return queue.Next(&tag, &ok) && ok;
  };
  const auto stream = stub.PrepareCall(
      &context, "/grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo", &queue);
  stream->StartCall(nullptr);
  ASSERT_TRUE(wait());
  // Debian has no header of the reflection protocol, so its two requests are made by hand: a field
  // number and a string.
  const auto ask = [&](int field, const std::string& text) {
    std::string request = {static_cast<char>(field << 3 | 2), static_cast<char>(text.size())};
    request += text;
    const grpc::Slice slice(request);
    stream->Write(grpc::ByteBuffer(&slice, 1), nullptr);
    EXPECT_TRUE(wait());
    grpc::ByteBuffer response;
    stream->Read(&response, nullptr);
    EXPECT_TRUE(wait());
    grpc::Slice whole;
    EXPECT_TRUE(response.DumpToSingleSlice(&whole).ok());
    return std::string(whole.begin(), whole.end());
  };
  constexpr int kFileContainingSymbol = 4, kListServices = 7;
  const std::string listed = ask(kListServices, "");
  for (const std::string& service : services) EXPECT_THAT(listed, HasSubstr(service));
  for (const std::string& service : services) {
    const std::string package = service.substr(0, service.rfind('.'));
    const std::string described = ask(kFileContainingSymbol, service);
    EXPECT_THAT(described, HasSubstr("proto3")) << service;
    EXPECT_THAT(described, HasSubstr(package));
    EXPECT_THAT(described, HasSubstr(service.substr(package.size() + 1)));
  }
  stream->WritesDone(nullptr);
  EXPECT_TRUE(wait());
  grpc::Status status;
  stream->Finish(&status, nullptr);
  EXPECT_TRUE(wait());
  EXPECT_TRUE(status.ok());
}

TEST_F(GrpcDoorTest, ASecondServerOnThePortIsRefused) {
  Options options;
  options.listen = server_->address();
  GrpcDoor door(methods_, executor_);
  const absl::Status status = Server::Start(options, door).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(status.message()), HasSubstr("--listen"));
}

TEST_F(GrpcDoorTest, AMissingCertificateIsNamed) {
  Options options;
  options.listen = "127.0.0.1:0";
  options.tls_certificate = "/nowhere/cert.pem";
  options.tls_key = "/nowhere/key.pem";
  GrpcDoor door(methods_, executor_);
  EXPECT_THAT(std::string(Server::Start(options, door).status().message()),
              HasSubstr("--tls_certificate=/nowhere/cert.pem"));
}

class BusyDoorTest : public GrpcDoorTest {
 protected:
  BusyDoorTest() : GrpcDoorTest(0) {}
};

TEST_F(BusyDoorTest, WhatTheExecutorHasNoRoomForIsAnsweredBusy) {
  const Phone owner = CreateFamily();
  const absl::Status unary = ListMembersOver(owner);
  EXPECT_EQ(unary.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(unary), v1::ERROR_REASON_BUSY);
  grpc::ClientContext context;
  const auto stream = Follow(context, owner);
  v1::FollowResponse response;
  EXPECT_FALSE(stream->Read(&response));
  EXPECT_EQ(ReasonOf(FromGrpcStatus(stream->Finish())), v1::ERROR_REASON_BUSY);
}

}  // namespace
}  // namespace nightlog
