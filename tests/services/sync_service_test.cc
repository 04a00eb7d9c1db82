#include "services/sync_service.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/synchronization/notification.h"
#include "gtest/gtest.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

class SyncServiceTest : public ServiceFixture {
 protected:
  v1::Cursor Head(const Phone& phone) {
    const auto view = engine_.Snapshot();
    const auto head = FamilyReader(*view, phone.family()).Head();
    EXPECT_TRUE(head.ok() && head->has_value());
    v1::Cursor cursor;
    cursor.set_lineage((*head)->lineage());
    cursor.set_revision((*head)->revision());
    return cursor;
  }

  // A tap of somebody who held `seen`, pushed.
  absl::StatusOr<v1::PushResponse> Push(const Phone& phone, const v1::Cursor& seen) {
    v1::PushRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_replica_id(phone.pairing.replica_id());
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    v1::Comment comment;
    comment.mutable_target()->set_log_entry_id(child_.str());
    comment.add_posts()->set_text("hm");
    TransactionBuilder transactions{ReplicaId(phone.pairing.replica_id())};
    v1::Transaction tap =
        transactions.Make(EditsOf(MakeRecordId(clock_.Now(), random_), comment), clock_.Now());
    *tap.mutable_made_at_cursor() = seen;
    transactions.Seal(tap);
    *request.add_transactions() = tap;
    return Await(sync_service_, &SyncService::Push, phone.token, request);
  }

  void SetConsent(const Phone& owner, const Phone& desk, absl::Time until) {
    v1::SetConsentRequest request;
    request.set_family_id(owner.pairing.family_id());
    request.set_member_id(desk.pairing.member_id());
    request.set_scope(v1::CONSENT_SCOPE_NIGHTS);
    *request.mutable_until() = ToProto(until);
    ASSERT_TRUE(Call(&FamilyService::SetConsent, owner, request).ok());
  }

  v1::ErrorReason FollowFrom(const Phone& phone, const v1::Cursor& cursor) {
    v1::FollowRequest request;
    request.set_family_id(phone.pairing.family_id());
    *request.mutable_cursor() = cursor;
    const auto stream = sync_service_.Follow(phone.token, request, [] {});
    return stream.ok() ? v1::ERROR_REASON_UNSPECIFIED : ReasonOf(stream.status());
  }

  // Whether the family takes writes.
  bool Runs(const Phone& phone) { return Push(phone, v1::Cursor()).ok(); }
};

TEST_F(SyncServiceTest, OneCommitIsSerialisedOnceForAllWhoMaySeeTheSame) {
  const Phone owner = CreateFamily();
  const std::vector<Phone> phones = {Join(owner, v1::ROLE_CAREGIVER),
                                     Join(owner, v1::ROLE_CAREGIVER),
                                     Join(owner, v1::ROLE_CONSULTANT)};
  std::vector<std::unique_ptr<MessageStream<v1::FollowResponse>>> streams;
  for (const Phone& phone : phones) {
    v1::FollowRequest request;
    request.set_family_id(phone.pairing.family_id());
    *request.mutable_cursor() = Head(phone);
    auto stream = sync_service_.Follow(phone.token, request, [] {});
    ASSERT_TRUE(stream.ok()) << stream.status();
    streams.push_back(*std::move(stream));
    EXPECT_TRUE(streams.back()->Next().message->has_bookmark());
  }
  PushEntries(owner, 1, 10);
  std::vector<StreamStep<v1::FollowResponse>> steps;
  for (const auto& stream : streams) steps.push_back(stream->Next());
  EXPECT_EQ(steps[0].bytes, steps[1].bytes);
  EXPECT_EQ(*steps[0].bytes, steps[0].message->SerializeAsString());
  EXPECT_EQ(steps[0].message->records_size(), 1);
  EXPECT_EQ(steps[2].message->records_size(), 0) << "of what a consultant may not see";
  for (const auto& step : steps) {
    EXPECT_EQ(step.message->bookmark().cursor().revision(), Head(owner).revision());
    EXPECT_FALSE(step.more);
  }
  for (const auto& stream : streams) {
    EXPECT_EQ(stream->Next().kind, StreamStep<v1::FollowResponse>::Kind::kWait);
  }
}

TEST_F(SyncServiceTest, AStreamAtRestClosesWhenConsentRunsOutAlsoWhereTheWindowIsFull) {
  using Kind = StreamStep<v1::FollowResponse>::Kind;
  const Phone owner = CreateFamily();
  const Phone desk = Join(owner, v1::ROLE_CONSULTANT);
  StreamLimits limits;
  limits.window_bytes = 1;
  const SyncService narrow(engine_, committer_, feed_, streams_, clock_, limits);
  for (const SyncService* service : {&sync_service_, &narrow}) {
    const absl::Time until = clock_.Now() + absl::Hours(1);
    SetConsent(owner, desk, until + absl::Hours(1));
    v1::FollowRequest request;
    request.set_family_id(desk.pairing.family_id());
    request.set_stream_id(random_.Bytes(16));
    int wakes = 0;
    const auto stream = service->Follow(desk.token, request, [&wakes] { ++wakes; });
    ASSERT_TRUE(stream.ok()) << stream.status();
    while ((*stream)->Next().kind == Kind::kMessage) continue;
    SetConsent(owner, desk, until);
    while ((*stream)->Next().kind == Kind::kMessage) continue;
    wakes = 0;
    clock_.Set(until - absl::Seconds(1));
    streams_.EndExpired(clock_.Now());
    EXPECT_EQ(wakes, 0);
    clock_.Set(until);
    streams_.EndExpired(clock_.Now());
    EXPECT_EQ(wakes, 1);
    const auto end = (*stream)->Next();
    ASSERT_EQ(end.kind, Kind::kEnd);
    EXPECT_TRUE(end.message->has_closed());
    EXPECT_EQ(ReasonOf(end.status), v1::ERROR_REASON_NO_ACCESS);
  }
}

TEST_F(SyncServiceTest, AnAcknowledgementThatWasOvertakenTakesNothingBack) {
  using Kind = StreamStep<v1::FollowResponse>::Kind;
  const Phone owner = CreateFamily();
  const v1::Cursor before = Head(owner);
  PushEntries(owner, 60, 1000);
  const v1::Cursor head = Head(owner);
  const SyncService narrow(engine_, committer_, feed_, streams_, clock_, {2000, 5000});
  v1::FollowRequest request;
  request.set_family_id(owner.pairing.family_id());
  request.set_stream_id(random_.Bytes(16));
  const auto stream = narrow.Follow(owner.token, request, [] {});
  ASSERT_TRUE(stream.ok()) << stream.status();
  uint64_t sent = 0;
  const auto read_on = [&] {
    const uint64_t sent_before = sent;
    for (auto step = (*stream)->Next(); step.kind == Kind::kMessage; step = (*stream)->Next()) {
      sent += step.message->ByteSizeLong();
    }
    return sent - sent_before;
  };
  const auto acknowledge = [&](const v1::Cursor& cursor, uint64_t bytes) {
    v1::AcknowledgeRequest has;
    has.set_family_id(owner.pairing.family_id());
    has.set_stream_id(request.stream_id());
    *has.mutable_cursor() = cursor;
    has.set_received_bytes(bytes);
    EXPECT_TRUE(Await(narrow, &SyncService::Acknowledge, owner.token, has).ok());
  };
  EXPECT_GT(read_on(), 5000u);
  acknowledge(head, sent);
  acknowledge(before, 1);
  EXPECT_GT(read_on(), 0u) << "the window is where the newest one left it";
  const auto device =
      FamilyReader(*engine_.Snapshot(), owner.family()).Device(DeviceId(owner.pairing.device_id()));
  EXPECT_EQ((*device)->acknowledged_revision(), head.revision());
}

TEST_F(SyncServiceTest, WhoHoldsOrSawMoreThanThereIsStopsTheFamily) {
  for (const bool by_push : {false, true}) {
    const Phone owner = CreateFamily();
    v1::Cursor ahead = Head(owner);
    EXPECT_EQ(FollowFrom(owner, ahead), v1::ERROR_REASON_UNSPECIFIED);
    ahead.set_revision(ahead.revision() + 1);
    const uint64_t revision = Head(owner).revision();
    EXPECT_EQ(by_push ? ReasonOfResult(Push(owner, ahead)) : FollowFrom(owner, ahead),
              v1::ERROR_REASON_AHEAD_OF_SERVER);
    EXPECT_FALSE(Runs(owner));
    EXPECT_EQ(Head(owner).revision(), revision);
    EXPECT_EQ(FollowFrom(owner, Head(owner)), v1::ERROR_REASON_UNSPECIFIED) << "reads go on";
  }
}

TEST_F(SyncServiceTest, OfAnotherLineageOrByAConsultantItProvesNothing) {
  const Phone owner = CreateFamily();
  const Phone consultant = Join(owner, v1::ROLE_CONSULTANT);
  v1::Cursor elsewhere;
  elsewhere.set_lineage(LineageId::Make(random_).str());
  elsewhere.set_revision(1000);
  EXPECT_TRUE(Push(owner, elsewhere).ok());
  v1::Cursor ahead = Head(owner);
  ahead.set_revision(ahead.revision() + 1000);
  EXPECT_TRUE(Push(consultant, ahead).ok());
  FollowFrom(consultant, ahead);
  EXPECT_TRUE(Runs(owner));
}

TEST_F(SyncServiceTest, AnAnswerNamesTheLineageOfItsRevisions) {
  const Phone owner = CreateFamily();
  const auto response = Push(owner, v1::Cursor());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->lineage(), Head(owner).lineage());
}

}  // namespace
}  // namespace nightlog
