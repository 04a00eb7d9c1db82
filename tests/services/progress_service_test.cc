#include "services/progress_service.h"

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

// A real engine where something happens right after a view was taken.
class InterruptedEngine final : public Engine {
 public:
  explicit InterruptedEngine(Engine& engine) : engine_(engine) {}

  std::unique_ptr<ReadView> Snapshot() const override {
    std::unique_ptr<ReadView> view = engine_.Snapshot();
    if (interrupt_ != nullptr) std::exchange(interrupt_, nullptr)();
    return view;
  }
  absl::Status Write(const WriteBatch& batch) override { return engine_.Write(batch); }

  // Runs once, after the next view is taken.
  void InterruptNext(std::function<void()> interrupt) { interrupt_ = std::move(interrupt); }

 private:
  Engine& engine_;
  mutable std::function<void()> interrupt_;
};

class ProgressServiceTest : public ServiceFixture {
 protected:
  using Watch = std::unique_ptr<MessageStream<v1::WatchResponse>>;

  Watch Open(const Phone& phone, const v1::WatchRequest& request = {}) {
    auto stream = progress_service_.Watch(phone.token, request, [this] { ++wakes_; });
    EXPECT_TRUE(stream.ok()) << stream.status();
    return *std::move(stream);
  }

  // Everything the stream has to say now.
  static std::vector<v1::WatchResponse> Read(MessageStream<v1::WatchResponse>& stream) {
    std::vector<v1::WatchResponse> messages;
    while (true) {
      StreamStep<v1::WatchResponse> step = stream.Next();
      if (step.kind != StreamStep<v1::WatchResponse>::Kind::kMessage) {
        EXPECT_EQ(step.kind, StreamStep<v1::WatchResponse>::Kind::kWait) << step.status;
        return messages;
      }
      stream.WriteIfOpen([&] { messages.push_back(*step.message); });
    }
  }

  static std::set<v1::Record::BodyCase> KindsIn(const std::vector<v1::WatchResponse>& messages) {
    std::set<v1::Record::BodyCase> kinds;
    for (const v1::WatchResponse& message : messages) {
      for (const v1::Record& record : message.records()) kinds.insert(record.body_case());
    }
    return kinds;
  }

  static std::vector<std::string> LeftIn(const std::vector<v1::WatchResponse>& messages) {
    std::vector<std::string> left;
    for (const v1::WatchResponse& message : messages) {
      if (message.has_left()) left.push_back(message.family_id());
    }
    return left;
  }

  Phone JoinAsConsultant(const Phone& owner, Phone phone = Phone()) {
    v1::CreateInviteRequest request = InviteRequest(owner, v1::ROLE_CONSULTANT);
    request.set_consent_scope(v1::CONSENT_SCOPE_NIGHTS);
    *request.mutable_consent_until() = ToProto(clock_.Now() + absl::Hours(24 * 60));
    return Join(owner, request, phone);
  }

  void Remove(const Phone& owner, const Phone& removed) {
    v1::RemoveMemberRequest request;
    request.set_family_id(owner.pairing.family_id());
    request.set_member_id(removed.pairing.member_id());
    ASSERT_TRUE(Call(&FamilyService::RemoveMember, owner, request).ok());
  }

  void AddChild(const Phone& phone) {
    v1::PushRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_replica_id(phone.pairing.replica_id());
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    v1::Child child;
    child.set_name("Robin");
    child.set_home_zone("Europe/London");
    *request.add_transactions() = TransactionBuilder(ReplicaId(phone.pairing.replica_id()))
                                      .Make(EditsOf(child_, child), clock_.Now());
    const auto response = Await(sync_service_, &SyncService::Push, phone.token, request);
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_TRUE(response->verdicts(0).has_committed()) << response->ShortDebugString();
  }

  std::atomic<int> wakes_{0};
};

TEST_F(ProgressServiceTest, AFamilyJoinsWithItsNameAndTheRoleAndABookmark) {
  const Phone owner = CreateFamily();
  const Phone desk = JoinAsConsultant(owner);
  const Watch watch = Open(desk);
  const auto messages = Read(*watch);
  ASSERT_THAT(messages, SizeIs(1));
  EXPECT_EQ(messages[0].family_id(), owner.pairing.family_id());
  EXPECT_EQ(messages[0].joined().name(), "the owls");
  EXPECT_EQ(messages[0].joined().role(), v1::ROLE_CONSULTANT);
  EXPECT_TRUE(messages[0].has_bookmark());
  EXPECT_THAT(Read(*watch), IsEmpty());
}

TEST_F(ProgressServiceTest, ACommitWakesTheStreamWhichBringsWhatChangedButNoEntries) {
  const Phone owner = CreateFamily();
  AddChild(owner);
  const Watch watch = Open(JoinAsConsultant(owner));
  Read(*watch);
  wakes_ = 0;
  const Phone sam = Join(owner, v1::ROLE_CAREGIVER);
  PushEntries(sam, 1, 10);
  EXPECT_GT(wakes_, 0);
  const auto kinds = KindsIn(Read(*watch));
  EXPECT_EQ(kinds.count(v1::Record::kMember), 1u);
  EXPECT_EQ(kinds.count(v1::Record::kLogEntry), 0u);
}

TEST_F(ProgressServiceTest, ACommitWhileAnotherFamilyIsReadIsNotMissed) {
  const Phone owls = CreateFamily();
  const Phone finches = CreateFamily();
  const Phone desk = JoinAsConsultant(finches, JoinAsConsultant(owls));
  InterruptedEngine engine(engine_);
  const ProgressService service(engine, feed_, streams_, clock_);
  auto watch = service.Watch(desk.token, {}, [] {});
  ASSERT_TRUE(watch.ok()) << watch.status();
  Read(**watch);
  AddChild(owls);
  ASSERT_EQ((*watch)->Next().message->family_id(), owls.pairing.family_id());
  // The next step looks whether the owls have more.
  engine.InterruptNext([&] { AddChild(finches); });
  EXPECT_EQ(KindsIn(Read(**watch)).count(v1::Record::kChild), 1u);
}

TEST_F(ProgressServiceTest, AFamilyLeavesAStreamAtRestWhenAccessEnds) {
  const Phone owner = CreateFamily();
  const Phone desk = JoinAsConsultant(owner);
  const Watch watch = Open(desk);
  Read(*watch);
  wakes_ = 0;
  Remove(owner, desk);
  EXPECT_GT(wakes_, 0);
  EXPECT_THAT(LeftIn(Read(*watch)), ElementsAre(owner.pairing.family_id()));
  EXPECT_THAT(Read(*watch), IsEmpty());
}

TEST_F(ProgressServiceTest, AFamilyLeavesAStreamAtRestWhenItsConsentRunsOut) {
  const Phone owls = CreateFamily();
  const Phone desk = JoinAsConsultant(owls);
  clock_.Advance(absl::Hours(1));
  const Phone larks = CreateFamily();
  JoinAsConsultant(larks, desk);
  const Watch watch = Open(desk);
  Read(*watch);
  // 60 days, see JoinAsConsultant().
  clock_.Advance(absl::Hours(24 * 60 - 1) - absl::Seconds(1));
  wakes_ = 0;
  streams_.EndExpired(clock_.Now());
  EXPECT_EQ(wakes_, 0);
  clock_.Advance(absl::Seconds(1));
  streams_.EndExpired(clock_.Now());
  EXPECT_EQ(wakes_, 1);
  EXPECT_THAT(LeftIn(Read(*watch)), ElementsAre(owls.pairing.family_id()));
  AddChild(larks);
  EXPECT_EQ(KindsIn(Read(*watch)).count(v1::Record::kChild), 1u);
  clock_.Advance(absl::Hours(1));
  streams_.EndExpired(clock_.Now());
  EXPECT_THAT(LeftIn(Read(*watch)), ElementsAre(larks.pairing.family_id()));
}

TEST_F(ProgressServiceTest, AConsentThatWasProlongedEndsAtItsNewEnd) {
  const Phone owner = CreateFamily();
  const Phone desk = JoinAsConsultant(owner);
  const Watch watch = Open(desk);
  Read(*watch);
  v1::SetConsentRequest consent;
  consent.set_family_id(owner.pairing.family_id());
  consent.set_member_id(desk.pairing.member_id());
  consent.set_scope(v1::CONSENT_SCOPE_NIGHTS);
  *consent.mutable_until() = ToProto(clock_.Now() + absl::Hours(24 * 90));
  ASSERT_TRUE(Call(&FamilyService::SetConsent, owner, consent).ok());
  EXPECT_THAT(LeftIn(Read(*watch)), IsEmpty());
  wakes_ = 0;
  clock_.Advance(absl::Hours(24 * 60));
  streams_.EndExpired(clock_.Now());
  EXPECT_EQ(wakes_, 0);
  clock_.Advance(absl::Hours(24 * 30));
  streams_.EndExpired(clock_.Now());
  EXPECT_THAT(LeftIn(Read(*watch)), ElementsAre(owner.pairing.family_id()));
}

TEST_F(ProgressServiceTest, ATokenExchangedWhileAStreamIsOpenedOpensNone) {
  const Phone owner = CreateFamily();
  v1::RotateTokenRequest rotate;
  rotate.set_family_id(owner.pairing.family_id());
  rotate.set_new_token_hash(SecretHash("next"));
  ASSERT_TRUE(Call(&FamilyService::RotateToken, owner, rotate).ok());
  InterruptedEngine engine(engine_);
  const ProgressService service(engine, feed_, streams_, clock_);
  engine.InterruptNext([&] {
    absl::Notification used;
    family_service_.UseNewToken("next", [&](const absl::Status& status) {
      EXPECT_TRUE(status.ok()) << status;
      used.Notify();
    });
    used.WaitForNotification();
  });
  EXPECT_EQ(ReasonOfResult(service.Watch(owner.token, {}, [] {})),
            v1::ERROR_REASON_TOKEN_EXCHANGED);
}

TEST_F(ProgressServiceTest, WhatWasReadBeforeAccessEndedIsNotSent) {
  const Phone owner = CreateFamily();
  const Phone desk = JoinAsConsultant(owner);
  const Watch watch = Open(desk);
  StreamStep<v1::WatchResponse> step = watch->Next();
  ASSERT_NE(step.message, nullptr);
  Remove(owner, desk);
  EXPECT_FALSE(watch->WriteIfOpen([] { ADD_FAILURE() << "sent after access had ended"; }));
  EXPECT_THAT(LeftIn(Read(*watch)), ElementsAre(owner.pairing.family_id()));
}

// The commit that ends access wakes the stream before the stream is told that access changed.
TEST_F(ProgressServiceTest, AFamilyThatLeftIsToldAgainWhereThatWasDroppedAtTheGate) {
  const Phone owner = CreateFamily();
  const Phone desk = JoinAsConsultant(owner);
  const Watch watch = Open(desk);
  Read(*watch);
  Remove(owner, desk);
  ASSERT_TRUE(watch->Next().message->has_left());
  watch->Invalidate();
  EXPECT_FALSE(watch->WriteIfOpen([] { ADD_FAILURE() << "sent after access had changed"; }));
  EXPECT_THAT(LeftIn(Read(*watch)), ElementsAre(owner.pairing.family_id()));
  EXPECT_THAT(Read(*watch), IsEmpty());
}

TEST_F(ProgressServiceTest, FamiliesComeAndGoOnOneStreamWithoutTouchingOthers) {
  const Phone owls = CreateFamily();
  const Phone larks = CreateFamily();
  const Phone desk = JoinAsConsultant(owls);
  const Watch watch = Open(desk);
  Read(*watch);
  const Phone with_larks = JoinAsConsultant(larks, desk);
  // The family of the last message may come again: its last message may have been dropped.
  std::set<std::string> joined;
  for (const v1::WatchResponse& message : Read(*watch)) {
    if (message.has_joined()) joined.insert(message.family_id());
  }
  EXPECT_EQ(joined.count(larks.pairing.family_id()), 1u);
  Remove(owls, desk);
  EXPECT_THAT(LeftIn(Read(*watch)), ElementsAre(owls.pairing.family_id()));
  AddChild(larks);
  EXPECT_EQ(KindsIn(Read(*watch)).count(v1::Record::kChild), 1u);
}

TEST_F(ProgressServiceTest, AWatcherResumesFromWhatItKnows) {
  const Phone owner = CreateFamily();
  AddChild(owner);
  const Phone desk = JoinAsConsultant(owner);
  v1::WatchRequest request;
  {
    const Watch watch = Open(desk);
    const auto messages = Read(*watch);
    ASSERT_FALSE(messages.empty());
    v1::KnownVersion& known = *request.add_known();
    known.set_family_id(owner.pairing.family_id());
    *known.mutable_cursor() = messages.back().bookmark().cursor();
  }
  EXPECT_THAT(KindsIn(Read(*Open(desk, request))), IsEmpty());
  Join(owner, v1::ROLE_VIEWER);
  EXPECT_THAT(KindsIn(Read(*Open(desk, request))), ElementsAre(v1::Record::kMember));
}

TEST_F(ProgressServiceTest, AWatcherIsToldThatAFamilyItKnewIsGone) {
  const Phone owner = CreateFamily();
  const Phone desk = JoinAsConsultant(owner);
  v1::WatchRequest request;
  v1::KnownVersion& known = *request.add_known();
  known.set_family_id(owner.pairing.family_id());
  known.mutable_cursor()->set_lineage(LineageId::Make(random_).str());
  known.mutable_cursor()->set_revision(1);
  Remove(owner, desk);
  EXPECT_THAT(LeftIn(Read(*Open(desk, request))), ElementsAre(owner.pairing.family_id()));
}

TEST_F(ProgressServiceTest, ProgressOfAChildIsThereFromTheFirstAndOfNoneIsNotFound) {
  const Phone owner = CreateFamily();
  v1::GetProgressRequest request;
  request.set_family_id(owner.pairing.family_id());
  request.set_child_id(child_.str());
  EXPECT_EQ(ReasonOfResult(progress_service_.GetProgress(owner.token, request)),
            v1::ERROR_REASON_NOT_FOUND);
  AddChild(owner);
  const auto progress = progress_service_.GetProgress(owner.token, request);
  ASSERT_TRUE(progress.ok()) << progress.status();
  EXPECT_EQ(progress->progress().child_id(), child_.bytes());
}

TEST_F(ProgressServiceTest, NightsAreListedPageByPageNewestFirst) {
  const Phone owner = CreateFamily();
  AddChild(owner);
  TransactionBuilder transactions{ReplicaId(owner.pairing.replica_id())};
  // The replica's next transaction follows the child's.
  v1::Child child;
  child.set_name("Robin");
  child.set_home_zone("Europe/London");
  transactions.Make(EditsOf(child_, child), clock_.Now());
  v1::PushRequest push;
  push.set_family_id(owner.pairing.family_id());
  push.set_replica_id(owner.pairing.replica_id());
  *push.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
  const absl::Time evening = absl::FromUnixSeconds(1'700'000'000);  // 2023-11-14 22:13 UTC
  for (int day = 0; day < 3; ++day) {
    v1::LogEntry entry;
    entry.set_child_id(child_.str());
    entry.mutable_detail()->mutable_sleep();
    *entry.mutable_interval()->mutable_began_at() = ToProto(evening + absl::Hours(24 * day));
    *entry.mutable_interval()->mutable_ended_at() = ToProto(evening + absl::Hours(24 * day + 8));
    entry.mutable_interval()->set_zone("Europe/London");
    *push.add_transactions() =
        transactions.Make(EditsOf(RecordId::Make(random_), entry), clock_.Now());
  }
  const auto pushed = Await(sync_service_, &SyncService::Push, owner.token, push);
  ASSERT_TRUE(pushed.ok()) << pushed.status();
  ASSERT_EQ(pushed->verdicts_size(), 3) << pushed->ShortDebugString();

  v1::ListNightsRequest request;
  request.set_family_id(owner.pairing.family_id());
  request.set_child_id(child_.str());
  request.set_page_size(2);
  std::vector<std::string> dates;
  for (int pages = 1;; ++pages) {
    const auto page = progress_service_.ListNights(owner.token, request);
    ASSERT_TRUE(page.ok()) << page.status();
    for (const v1::NightSummary& night : page->nights()) dates.push_back(night.date());
    request.set_page_token(page->next_page_token());
    if (page->next_page_token().empty()) {
      EXPECT_EQ(pages, 2);
      break;
    }
  }
  EXPECT_THAT(dates, ElementsAre("2023-11-16", "2023-11-15", "2023-11-14"));
}

}  // namespace
}  // namespace nightlog
