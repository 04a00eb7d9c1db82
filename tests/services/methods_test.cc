#include "services/methods.h"

#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "google/protobuf/descriptor.h"
#include "gtest/gtest.h"
#include "services/executor.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::UnorderedElementsAreArray;

const std::string kListMembers = "/nightlog.v1.FamilyService/ListMembers";
const std::string kFollow = "/nightlog.v1.SyncService/Follow";

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
