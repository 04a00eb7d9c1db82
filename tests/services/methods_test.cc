#include "services/methods.h"

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "services/access.h"
#include "services/executor.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

const std::string kListMembers = "/nightlog.v1.FamilyService/ListMembers";
const std::string kFollow = "/nightlog.v1.SyncService/Follow";
const std::string kWatch = "/nightlog.v1.ProgressService/Watch";
const std::string kExportFamily = "/nightlog.v1.FamilyService/ExportFamily";
const std::string kRotateToken = "/nightlog.v1.FamilyService/RotateToken";

class MethodsTest : public ServiceFixture {
 protected:
  explicit MethodsTest(int executor_queue_max = 100) : executor_(1, executor_queue_max) {}

  absl::StatusOr<std::string> Call(const std::string& path, const std::string& token,
                                   const std::string& request) {
    absl::StatusOr<std::string> answer = absl::UnknownError("not answered");
    absl::Notification answered;
    methods_.at(path).call({token, ""}, request, [&](absl::StatusOr<std::string> result) {
      answer = std::move(result);
      answered.Notify();
    });
    answered.WaitForNotification();
    return answer;
  }

  Executor executor_;
  const Methods methods_ =
      MakeMethods(sync_service_, progress_service_, family_service_, import_service_, executor_);
};

TEST_F(MethodsTest, EveryMethodOfTheProtosIsThereAsWhatTheyDeclare) {
  std::vector<std::string> paths;
  std::vector<std::string> declared;
  for (const auto& [path, method] : methods_) {
    paths.push_back(path);
    EXPECT_NE(method.call == nullptr, method.open == nullptr) << path;
  }
  for (const google::protobuf::FileDescriptor* file :
       {v1::PushRequest::descriptor()->file(), v1::WatchRequest::descriptor()->file(),
        v1::JoinRequest::descriptor()->file(), v1::ReadLogRequest::descriptor()->file()}) {
    ASSERT_EQ(file->service_count(), 1) << file->name();
    const google::protobuf::ServiceDescriptor& service = *file->service(0);
    for (int i = 0; i < service.method_count(); ++i) {
      const google::protobuf::MethodDescriptor& method = *service.method(i);
      declared.push_back("/" + service.full_name() + "/" + method.name());
      const auto found = methods_.find(declared.back());
      if (found == methods_.end()) continue;
      EXPECT_EQ(found->second.open != nullptr, method.server_streaming()) << declared.back();
      EXPECT_FALSE(method.client_streaming()) << "browsers cannot call " << declared.back();
    }
  }
  EXPECT_THAT(paths, UnorderedElementsAreArray(declared));
}

TEST_F(MethodsTest, ACallIsItsUseCaseOverBytes) {
  const Phone owner = CreateFamily();
  v1::ListMembersRequest request;
  request.set_family_id(owner.pairing.family_id());
  const auto answer = Call(kListMembers, owner.token, request.SerializeAsString());
  ASSERT_TRUE(answer.ok()) << answer.status();
  v1::ListMembersResponse response;
  ASSERT_TRUE(response.ParseFromString(*answer));
  ASSERT_EQ(response.members_size(), 1);
  EXPECT_EQ(response.members(0).member().name(), "Robin");
}

TEST_F(MethodsTest, BytesThatAreNoMessageAreInvalidForEveryMethod) {
  const std::string no_message = "\xff\xff\xff";
  for (const auto& [path, method] : methods_) {
    const absl::Status status = method.open != nullptr ? method.open({}, no_message, [] {}).status()
                                                       : Call(path, "", no_message).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << path;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_FIELD) << path;
    EXPECT_THAT(std::string(status.message()), HasSubstr("nightlog.v1.")) << path;
  }
}

TEST_F(MethodsTest, AStreamSendsNothingThatWasReadBeforeAccessEnded) {
  const Phone owner = CreateFamily();
  const Phone phone = Join(owner, v1::ROLE_CAREGIVER);
  v1::FollowRequest follow;
  follow.set_family_id(phone.pairing.family_id());
  const auto stream =
      methods_.at(kFollow).open({phone.token, ""}, follow.SerializeAsString(), [] {});
  ASSERT_TRUE(stream.ok()) << stream.status();
  const StreamStep<std::string> step = (*stream)->Next();
  ASSERT_EQ(step.kind, StreamStep<std::string>::Kind::kMessage);
  v1::FollowResponse first;
  ASSERT_TRUE(first.ParseFromString(*step.message));
  EXPECT_GT(first.records_size(), 0);

  v1::RevokeDeviceRequest revoke;
  revoke.set_family_id(owner.pairing.family_id());
  revoke.set_device_id(phone.pairing.device_id());
  ASSERT_TRUE(ServiceFixture::Call(&FamilyService::RevokeDevice, owner, revoke).ok());
  EXPECT_FALSE((*stream)->WriteIfOpen([] { FAIL(); }));
  const StreamStep<std::string> end = (*stream)->Next();
  EXPECT_EQ(end.kind, StreamStep<std::string>::Kind::kEnd);
  EXPECT_EQ(ReasonOf(end.status), v1::ERROR_REASON_NO_ACCESS);
  v1::FollowResponse last;
  ASSERT_TRUE(end.message != nullptr && last.ParseFromString(*end.message));
  EXPECT_TRUE(last.has_closed());
}

class NewTokenTest : public MethodsTest {
 public:
  absl::Status Rotate(const Phone& phone, const std::string& token, const std::string& next) {
    v1::RotateTokenRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_new_token_hash(SecretHash(next));
    return MethodsTest::Call(kRotateToken, token, request.SerializeAsString()).status();
  }

  // What a read, a write or a stream with the token is refused; UNSPECIFIED: nothing.
  v1::ErrorReason Read(const Phone& phone, const std::string& token) {
    v1::ListMembersRequest request;
    request.set_family_id(phone.pairing.family_id());
    return ReasonOfResult(MethodsTest::Call(kListMembers, token, request.SerializeAsString()));
  }
  v1::ErrorReason Write(const Phone& phone, const std::string& token) {
    v1::RenewReplicaRequest request;
    request.set_family_id(phone.pairing.family_id());
    return ReasonOfResult(MethodsTest::Call("/nightlog.v1.FamilyService/RenewReplica", token,
                                            request.SerializeAsString()));
  }
  v1::ErrorReason Stream(const Phone& phone, const std::string& token) {
    v1::FollowRequest request;
    request.set_family_id(phone.pairing.family_id());
    return ReasonOfResult(
        methods_.at(kFollow).open({token, ""}, request.SerializeAsString(), [] {}));
  }

  // A stream by its path, which has read a message that was not written yet.
  std::unique_ptr<ByteStream> OpenAndRead(const std::string& path, const Phone& phone,
                                          const std::string& token, StreamWake wake) {
    v1::FollowRequest follow;
    follow.set_family_id(phone.pairing.family_id());
    v1::ExportFamilyRequest exported;
    exported.set_family_id(phone.pairing.family_id());
    const std::string request = path == kFollow         ? follow.SerializeAsString()
                                : path == kExportFamily ? exported.SerializeAsString()
                                                        : v1::WatchRequest().SerializeAsString();
    auto woken = std::make_shared<absl::Notification>();
    auto stream = methods_.at(path).open({token, ""}, request, [woken, wake = std::move(wake)] {
      if (!woken->HasBeenNotified()) woken->Notify();
      wake();
    });
    EXPECT_TRUE(stream.ok()) << stream.status();
    // An export begins once the event of it is on disk.
    if (path == kExportFamily) woken->WaitForNotification();
    EXPECT_EQ((*stream)->Next().kind, StreamStep<std::string>::Kind::kMessage) << path;
    return *std::move(stream);
  }
};

TEST_F(NewTokenTest, TheOldOneHoldsUntilTheNewOneComesByWhateverCall) {
  const Phone owner = CreateFamily();
  std::string old = owner.token;
  int made = 0;
  for (const auto use : {&NewTokenTest::Read, &NewTokenTest::Write, &NewTokenTest::Stream}) {
    const std::string next = absl::StrCat("token ", ++made);
    ASSERT_TRUE(Rotate(owner, old, next).ok());
    for (const auto still : {&NewTokenTest::Read, &NewTokenTest::Write, &NewTokenTest::Stream}) {
      EXPECT_EQ((this->*still)(owner, old), v1::ERROR_REASON_UNSPECIFIED);
    }
    EXPECT_EQ((this->*use)(owner, next), v1::ERROR_REASON_UNSPECIFIED);
    for (const auto never : {&NewTokenTest::Read, &NewTokenTest::Write, &NewTokenTest::Stream}) {
      EXPECT_EQ((this->*never)(owner, old), v1::ERROR_REASON_UNKNOWN_DEVICE);
      EXPECT_EQ((this->*never)(owner, next), v1::ERROR_REASON_UNSPECIFIED);
    }
    old = next;
  }
}

TEST_F(NewTokenTest, AStreamOfTheOldOneEndsBeforeTheFirstCallOfTheNewOneIsAnswered) {
  using Kind = StreamStep<std::string>::Kind;
  const Phone owner = CreateFamily();
  std::string old = owner.token;
  int made = 0;
  for (const std::string& path : {kFollow, kWatch, kExportFamily}) {
    std::atomic<int> wakes{0};
    const auto stream = OpenAndRead(path, owner, old, [&wakes] { ++wakes; });
    const std::string next = absl::StrCat("token ", ++made);
    ASSERT_TRUE(Rotate(owner, old, next).ok());
    EXPECT_TRUE(stream->WriteIfOpen([] {})) << path << ": it was only announced";
    wakes = 0;
    EXPECT_EQ(Read(owner, next), v1::ERROR_REASON_UNSPECIFIED);
    EXPECT_FALSE(stream->WriteIfOpen([] { ADD_FAILURE() << "sent to the old token"; })) << path;
    // An export is never at rest.
    if (path != kExportFamily) EXPECT_GT(wakes, 0) << path;
    const StreamStep<std::string> end = stream->Next();
    EXPECT_EQ(end.kind, Kind::kEnd) << path;
    EXPECT_EQ(end.message, nullptr) << path << ": access has not ended";
    EXPECT_TRUE(absl::IsAborted(end.status)) << path << end.status;
    EXPECT_EQ(ReasonOf(end.status), v1::ERROR_REASON_TOKEN_EXCHANGED) << path;
    OpenAndRead(path, owner, next, [] {});
    old = next;
  }
}

TEST_F(NewTokenTest, AStreamOfAnotherDeviceGoesOn) {
  const Phone owner = CreateFamily();
  const Phone sam = Join(owner, v1::ROLE_CAREGIVER);
  const auto stream = OpenAndRead(kFollow, sam, sam.token, [] {});
  ASSERT_TRUE(Rotate(owner, owner.token, "next").ok());
  EXPECT_EQ(Read(owner, "next"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_TRUE(stream->WriteIfOpen([] {}));
}

TEST_F(NewTokenTest, AnAnnouncementMayBeRepeatedBeforeAndAfterTheFirstUse) {
  const Phone owner = CreateFamily();
  ASSERT_TRUE(Rotate(owner, owner.token, "next").ok());
  ASSERT_TRUE(Rotate(owner, owner.token, "next").ok());
  EXPECT_EQ(Read(owner, owner.token), v1::ERROR_REASON_UNSPECIFIED);
  // Also by the new one: that is its first use.
  ASSERT_TRUE(Rotate(owner, "next", "next").ok());
  EXPECT_EQ(Read(owner, owner.token), v1::ERROR_REASON_UNKNOWN_DEVICE);
  EXPECT_EQ(Read(owner, "next"), v1::ERROR_REASON_UNSPECIFIED);
  ASSERT_TRUE(Rotate(owner, "next", "next").ok());
  EXPECT_EQ(Read(owner, "next"), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(NewTokenTest, OfTwoAnnouncedTheNewerIsKept) {
  const Phone owner = CreateFamily();
  ASSERT_TRUE(Rotate(owner, owner.token, "one").ok());
  ASSERT_TRUE(Rotate(owner, owner.token, "two").ok());
  EXPECT_EQ(Read(owner, "one"), v1::ERROR_REASON_UNKNOWN_DEVICE);
  EXPECT_EQ(Read(owner, owner.token), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Read(owner, "two"), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(NewTokenTest, OfTwoAnnouncedByTwoFamiliesOnlyTheFirstUsedHolds) {
  const Phone first = CreateFamily();
  const Phone second = CreateFamily(first);
  ASSERT_TRUE(Rotate(first, first.token, "one").ok());
  ASSERT_TRUE(Rotate(second, first.token, "two").ok());
  EXPECT_EQ(Read(first, "two"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Read(second, "two"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Read(first, "one"), v1::ERROR_REASON_UNKNOWN_DEVICE);
  EXPECT_EQ(Read(first, first.token), v1::ERROR_REASON_UNKNOWN_DEVICE);
}

TEST_F(NewTokenTest, NobodyAnnouncesATokenOfAnother) {
  const Phone owner = CreateFamily();
  const Phone sam = Join(owner, v1::ROLE_CAREGIVER);
  EXPECT_EQ(ReasonOf(Rotate(sam, sam.token, owner.token)), v1::ERROR_REASON_INVALID_FIELD);
  ASSERT_TRUE(Rotate(owner, owner.token, "next").ok());
  EXPECT_EQ(ReasonOf(Rotate(sam, sam.token, "next")), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(Read(owner, "next"), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(Read(sam, sam.token), v1::ERROR_REASON_UNSPECIFIED);
  v1::RotateTokenRequest plain;
  plain.set_family_id(owner.pairing.family_id());
  plain.set_new_token_hash("a token");
  EXPECT_EQ(ReasonOfResult(MethodsTest::Call(kRotateToken, sam.token, plain.SerializeAsString())),
            v1::ERROR_REASON_INVALID_FIELD);
}

TEST_F(NewTokenTest, AFamilyThatIsMadeWithAnAnnouncedTokenIsTheSameDevices) {
  const Phone owner = CreateFamily();
  ASSERT_TRUE(Rotate(owner, owner.token, "next").ok());
  v1::CreateFamilyRequest request;
  request.set_family_name("the wrens");
  request.set_member_name("Robin");
  request.set_device_name("Robin's phone");
  const auto answer = MethodsTest::Call("/nightlog.v1.FamilyService/CreateFamily", "next",
                                        request.SerializeAsString());
  ASSERT_TRUE(answer.ok()) << answer.status();
  v1::CreateFamilyResponse response;
  ASSERT_TRUE(response.ParseFromString(*answer));
  EXPECT_EQ(response.pairing().device_id(), owner.pairing.device_id());
  EXPECT_EQ(response.pairing().device_token(), "");
}

TEST_F(NewTokenTest, ADeviceThatWasRevokedGetsNoneAndNoAccessByOne) {
  const Phone owner = CreateFamily();
  const Phone sam = Join(owner, v1::ROLE_CAREGIVER);
  ASSERT_TRUE(Rotate(sam, sam.token, "next").ok());
  v1::RevokeDeviceRequest revoke;
  revoke.set_family_id(owner.pairing.family_id());
  revoke.set_device_id(sam.pairing.device_id());
  ASSERT_TRUE(ServiceFixture::Call(&FamilyService::RevokeDevice, owner, revoke).ok());
  EXPECT_EQ(ReasonOf(Rotate(sam, sam.token, "other")), v1::ERROR_REASON_NO_ACCESS);
  EXPECT_EQ(Read(sam, "next"), v1::ERROR_REASON_NO_ACCESS);
}

TEST_F(NewTokenTest, TheFamilyReadsOfItOnce) {
  const Phone owner = CreateFamily();
  ASSERT_TRUE(Rotate(owner, owner.token, "next").ok());
  ASSERT_TRUE(Rotate(owner, "next", "next").ok());
  v1::ListEventsRequest request;
  request.set_family_id(owner.pairing.family_id());
  const auto events = family_service_.ListEvents("next", request);
  ASSERT_TRUE(events.ok()) << events.status();
  ASSERT_EQ(events->events_size(), 2);
  EXPECT_EQ(events->events(0).kind(), v1::ACCESS_EVENT_KIND_TOKEN_ROTATED);
  EXPECT_EQ(events->events(0).count(), 0u);
  EXPECT_EQ(events->events(0).actor_device_id(), owner.pairing.device_id());
}

class BusyMethodsTest : public MethodsTest {
 protected:
  BusyMethodsTest() : MethodsTest(0) {}
};

TEST_F(BusyMethodsTest, WhatMayBlockIsAnsweredBusyWhereTheExecutorIsFull) {
  const absl::Status status = Call(kListMembers, "", "").status();
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_BUSY);
}

TEST(BearerTokenTest, OnlyABearerTokenIsAToken) {
  EXPECT_EQ(BearerToken("Bearer abc"), "abc");
  EXPECT_EQ(BearerToken("bearer abc"), "abc");
  for (const char* none : {"", "Bearer", "Bearer ", "abc", "Basic abc"}) {
    EXPECT_EQ(BearerToken(none), "") << none;
  }
}

}  // namespace
}  // namespace nightlog
