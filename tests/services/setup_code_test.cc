#include "services/setup_code.h"

#include <algorithm>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "services/invite_code.h"
#include "storage/keys.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

// A server that makes a family only for a code.
class SetupCodeTest : public ServiceFixture {
 protected:
  std::string MakeCode() {
    std::string code = MakeInviteCode(random_);
    EXPECT_EQ(StoreSetupCode(engine_, code, clock_.Now()), absl::OkStatus());
    return code;
  }

  bool Needed() {
    const absl::StatusOr<bool> needed = NeedsSetupCode(*engine_.Snapshot(), clock_.Now());
    EXPECT_TRUE(needed.ok()) << needed.status();
    return *needed;
  }

  // Why a family is not made for the code; UNSPECIFIED: it is.
  v1::ErrorReason TryCreate(const std::string& code) {
    v1::CreateFamilyRequest request;
    request.set_family_name("the owls");
    request.set_member_name("Robin");
    request.set_device_name("phone");
    request.set_setup_code(code);
    const auto response = Await(by_code_, &FamilyService::CreateFamily, "", request);
    if (!response.ok()) return ReasonOfResult(response);
    EXPECT_EQ(Refusal(Paired(Phone(), response->pairing())), v1::ERROR_REASON_UNSPECIFIED);
    return v1::ERROR_REASON_UNSPECIFIED;
  }

  const FamilyService by_code_{engine_, committer_, streams_,
                               random_, clock_,     Registration::kBySetupCode};
};

TEST_F(SetupCodeTest, ACodeMakesOneFamilyHoweverItIsTyped) {
  const std::string code = MakeCode();
  EXPECT_EQ(TryCreate(" " + absl::AsciiStrToLower(code)), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_EQ(TryCreate(code), v1::ERROR_REASON_SETUP_CODE_NOT_VALID);
}

TEST_F(SetupCodeTest, NoOrAWrongCodeMakesNoFamilyAndUsesNothingUp) {
  const std::string code = MakeCode();
  for (const char* wrong : {"", "code", "AAAA-AAAA-AAAA-AAAA"}) {
    EXPECT_EQ(TryCreate(wrong), v1::ERROR_REASON_SETUP_CODE_NOT_VALID) << wrong;
  }
  EXPECT_EQ(TryCreate(code), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(SetupCodeTest, OfManyCallsWithOneCodeOneMakesAFamily) {
  constexpr int kCalls = 8;
  for (int round = 0; round < 20; ++round) {
    const std::string code = MakeCode();
    std::vector<v1::ErrorReason> reasons(kCalls);
    std::vector<std::thread> callers;
    for (v1::ErrorReason& reason : reasons) {
      callers.emplace_back([&] { reason = TryCreate(code); });
    }
    for (std::thread& caller : callers) caller.join();
    EXPECT_EQ(std::count(reasons.begin(), reasons.end(), v1::ERROR_REASON_UNSPECIFIED), 1);
    EXPECT_EQ(std::count(reasons.begin(), reasons.end(), v1::ERROR_REASON_SETUP_CODE_NOT_VALID) +
                  std::count(reasons.begin(), reasons.end(), v1::ERROR_REASON_BUSY),
              kCalls - 1);
    EXPECT_EQ(TryCreate(code), v1::ERROR_REASON_SETUP_CODE_NOT_VALID);
  }
}

// The families of two calls may have different writers. Here one writer has seen the store, and not
// decided yet, when the other one decides.
TEST_F(SetupCodeTest, OfTwoFamiliesMadeAgainAtOnceWithOneCodeOneIs) {
  Committer::Options options;
  options.threads = 2;
  Committer committer(
      engine_, feed_, deriver_, clock_, [](const absl::Status& status) { ADD_FAILURE() << status; },
      options);
  const FamilyService service(engine_, committer, streams_, random_, clock_,
                              Registration::kBySetupCode);
  const FamilyId slow = FamilyId::Make(random_);
  FamilyId quick;
  do {
    quick = FamilyId::Make(random_);
  } while (absl::HashOf(quick) % 2 == absl::HashOf(slow) % 2);
  v1::CreateFamilyRequest request;
  request.set_family_name("the owls");
  request.set_member_name("Robin");
  request.set_device_name("phone");
  request.set_setup_code(MakeCode());

  // The writer is held twice, so that the call is in one batch with what holds it.
  absl::Notification first_began;
  absl::Notification first_ends;
  absl::Notification second_began;
  absl::Notification second_ends;
  const auto hold = [&](absl::Notification& began, absl::Notification& ends) {
    committer.Submit(
        slow,
        [&](FamilyWriter&) {
          began.Notify();
          ends.WaitForNotification();
          return absl::OkStatus();
        },
        [](const absl::Status&) {});
  };
  hold(first_began, first_ends);
  first_began.WaitForNotification();
  hold(second_began, second_ends);
  request.set_family_id(slow.str());
  absl::StatusOr<v1::CreateFamilyResponse> made_slowly = absl::UnknownError("not answered");
  absl::Notification answered;
  service.CreateFamily("", request, [&](absl::StatusOr<v1::CreateFamilyResponse> result) {
    made_slowly = std::move(result);
    answered.Notify();
  });
  first_ends.Notify();
  second_began.WaitForNotification();
  request.set_family_id(quick.str());
  EXPECT_EQ(ReasonOfResult(Await(service, &FamilyService::CreateFamily, "", request)),
            v1::ERROR_REASON_BUSY);
  second_ends.Notify();
  answered.WaitForNotification();
  EXPECT_TRUE(made_slowly.ok()) << made_slowly.status();
  EXPECT_EQ(ReasonOfResult(Await(service, &FamilyService::CreateFamily, "", request)),
            v1::ERROR_REASON_SETUP_CODE_NOT_VALID);
}

TEST_F(SetupCodeTest, ACallThatFailsLeavesTheCodeToTheNext) {
  const Phone owner = CreateFamily();
  v1::CreateFamilyRequest request;
  request.set_family_id(owner.pairing.family_id());  // is here
  request.set_family_name("the owls");
  request.set_member_name("Robin");
  request.set_device_name("phone");
  request.set_setup_code(MakeCode());
  EXPECT_EQ(ReasonOfResult(Await(by_code_, &FamilyService::CreateFamily, "", request)),
            v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(TryCreate(request.setup_code()), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(SetupCodeTest, ACodeHoldsForAWeek) {
  const std::string code = MakeCode();
  clock_.Advance(kSetupCodeValid - absl::Seconds(1));
  EXPECT_FALSE(Needed());
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Needed()) << "nobody can do anything without another";
  EXPECT_EQ(TryCreate(code), v1::ERROR_REASON_SETUP_CODE_NOT_VALID);
  const std::string next = MakeCode();
  clock_.Advance(kSetupCodeValid - absl::Seconds(1));
  EXPECT_EQ(TryCreate(next), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(SetupCodeTest, ACodeOfABuildThatDidNotDateThemDoesNotHold) {
  const std::string code = MakeCode();
  WriteBatch batch;
  batch.Put(kAccessColumn, SetupCodeKey(*HashSetupCode(code)), "");
  ASSERT_TRUE(engine_.Write(batch).ok());
  EXPECT_TRUE(Needed());
  EXPECT_EQ(TryCreate(code), v1::ERROR_REASON_SETUP_CODE_NOT_VALID);
}

TEST_F(SetupCodeTest, ANewCodeVoidsTheOneBefore) {
  const std::string before = MakeCode();
  const std::string code = MakeCode();
  EXPECT_NE(code, before);
  EXPECT_EQ(TryCreate(before), v1::ERROR_REASON_SETUP_CODE_NOT_VALID);
  EXPECT_EQ(TryCreate(code), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(SetupCodeTest, ACodeIsNeededWhileThereIsNeitherAFamilyNorACode) {
  EXPECT_TRUE(Needed());
  const std::string code = MakeCode();
  EXPECT_FALSE(Needed()) << "it may be used yet";
  EXPECT_EQ(TryCreate(code), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_FALSE(Needed()) << "its owner lets others in";
}

TEST_F(SetupCodeTest, AnInviteIsNoSetupCodeAndTheReverse) {
  const Phone owner = CreateFamily();
  const auto invite = Invite(owner, InviteRequest(owner, v1::ROLE_OWNER));
  ASSERT_TRUE(invite.ok());
  EXPECT_EQ(TryCreate(*invite), v1::ERROR_REASON_SETUP_CODE_NOT_VALID);
  EXPECT_EQ(ReasonOfResult(TryJoin(MakeCode())), v1::ERROR_REASON_INVITE_NOT_VALID);
}

TEST_F(SetupCodeTest, TheStoreDoesNotHoldTheCodeItself) {
  const std::string code = MakeCode();
  const auto view = engine_.Snapshot();
  for (Column column = 0; column < static_cast<Column>(kColumnFamilyNames.size()); ++column) {
    for (auto it = view->Scan(column, "", ""); it->Valid(); it->Next()) {
      const std::string row = absl::StrCat(it->key(), it->value());
      EXPECT_EQ(row.find(*NormalizeInviteCode(code)), std::string::npos);
      EXPECT_EQ(row.find(code), std::string::npos);
    }
  }
}

}  // namespace
}  // namespace nightlog
