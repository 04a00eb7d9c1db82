#include "storage/push.h"

#include <map>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"
#include "tests/testing/family_fixture.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr uint32_t kInterval = v1::LogEntry::kIntervalFieldNumber;

class PushTest : public FamilyFixture {
 protected:
  // Pushes and answers the verdicts; an error fails the test.
  std::vector<v1::Verdict> Verdicts(const Pusher& pusher,
                                    const std::vector<v1::Transaction>& transactions) {
    auto verdicts = Push(pusher, replica_, transactions);
    EXPECT_OK(verdicts);
    EXPECT_OK(Verify());
    return verdicts.ok() ? *std::move(verdicts) : std::vector<v1::Verdict>();
  }
  std::vector<v1::Verdict> Verdicts(const std::vector<v1::Transaction>& transactions) {
    return Verdicts(Owner(), transactions);
  }

  v1::Transaction NewEntry(const RecordId& id) {
    return device_.Make(EditsOf(id, Awake()), clock_.Now());
  }
  // Changes the text, having seen nothing of it.
  v1::Transaction TextEdit(const RecordId& id, const std::string& text) {
    v1::LogEntry change;
    change.set_text(text);
    return device_.Make(EditsOf(id, change), clock_.Now());
  }

  v1::Record Wire(const RecordId& id) const {
    v1::Record wire;
    const auto record = Record(id);
    EXPECT_TRUE(record.has_value());
    if (record.has_value()) EXPECT_TRUE(RecordToWire(id.bytes(), *record, wire));
    return wire;
  }

  std::vector<std::map<std::string, std::string>> AllRows() const {
    std::vector<std::map<std::string, std::string>> all;
    for (Column column = 0; column < kColumns; ++column) all.push_back(Rows(column));
    return all;
  }

  // Expects a rejection for good: consumed, and nothing written but its verdict.
  std::vector<FieldViolation> ExpectRejected(const Pusher& pusher,
                                             const v1::Transaction& transaction) {
    const uint64_t revision = Head().revision();
    const auto records = Rows(kRecordColumn);
    const auto verdicts = Verdicts(pusher, {transaction});
    EXPECT_THAT(verdicts, SizeIs(1));
    if (verdicts.size() != 1 || !verdicts[0].has_rejected()) {
      ADD_FAILURE() << "not rejected";
      return {};
    }
    EXPECT_EQ(Replica().last_seq(), transaction.seq());
    EXPECT_EQ(Replica().last_hash(), transaction.hash());
    EXPECT_EQ(Head().revision(), revision);
    EXPECT_EQ(Rows(kRecordColumn), records);
    const absl::Status status = FromRpcStatus(verdicts[0].rejected().status());
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument));
    return ViolationsOf(status);
  }
  std::vector<FieldViolation> ExpectRejected(const v1::Transaction& transaction) {
    return ExpectRejected(Owner(), transaction);
  }

  const RecordId entry_ = TestId<RecordId>(100);
  const RecordId other_entry_ = TestId<RecordId>(101);
  TransactionBuilder device_{replica_};
};

TEST_F(PushTest, EachTransactionOfAPushGetsARevisionOfItsOwn) {
  const auto verdicts =
      Verdicts({NewEntry(entry_), NewEntry(other_entry_), TextEdit(entry_, "hm")});
  ASSERT_THAT(verdicts, SizeIs(3));
  for (size_t i = 0; i < verdicts.size(); ++i) {
    EXPECT_EQ(verdicts[i].seq(), i + 1);
    EXPECT_EQ(verdicts[i].committed().revision(), i + 1);
  }
  EXPECT_EQ(Record(entry_)->revision(), 3u);
  EXPECT_EQ(Record(other_entry_)->revision(), 2u);
  EXPECT_EQ(Head().revision(), 3u);
}

TEST_F(PushTest, ARepeatGetsTheSameVerdictAndChangesNothing) {
  v1::Transaction bad = device_.Make({}, clock_.Now());
  const std::vector<v1::Transaction> outbox = {bad, NewEntry(entry_), TextEdit(entry_, "hm")};
  const auto first = Verdicts(outbox);
  const auto rows = AllRows();
  clock_.Advance(absl::Hours(1));
  const auto again = Verdicts(outbox);
  ASSERT_EQ(again.size(), first.size());
  for (size_t i = 0; i < first.size(); ++i) {
    EXPECT_EQ(again[i].SerializeAsString(), first[i].SerializeAsString());
  }
  EXPECT_EQ(AllRows(), rows);
}

TEST_F(PushTest, ARepeatAndWhatIsNewMayComeInOnePush) {
  const v1::Transaction first = NewEntry(entry_);
  Verdicts({first});
  const auto verdicts = Verdicts({first, TextEdit(entry_, "hm")});
  ASSERT_THAT(verdicts, SizeIs(2));
  EXPECT_EQ(verdicts[0].committed().revision(), 1u);
  EXPECT_EQ(verdicts[1].committed().revision(), 2u);
}

TEST_F(PushTest, AnotherTransactionUnderANumberThatWasSeenIsAFork) {
  TransactionBuilder clone = device_;
  Verdicts({NewEntry(entry_), TextEdit(entry_, "hm")});
  const auto rows = AllRows();
  const auto verdicts =
      Verdicts({clone.Make(EditsOf(other_entry_, Awake()), clock_.Now()),
                clone.Make(EditsOf(TestId<RecordId>(102), Awake()), clock_.Now())});
  ASSERT_THAT(verdicts, SizeIs(1)) << "what follows is not looked at";
  EXPECT_EQ(verdicts[0].seq(), 1u);
  EXPECT_EQ(verdicts[0].forked().last_seq(), 2u);
  EXPECT_EQ(AllRows(), rows) << "nothing is consumed";
}

TEST_F(PushTest, TheNextNumberOnAnotherHistoryIsAFork) {
  TransactionBuilder clone = device_;
  Verdicts({NewEntry(entry_)});
  clone.Make(EditsOf(other_entry_, Awake()), clock_.Now());
  const auto rows = AllRows();
  const auto verdicts =
      Verdicts({clone.Make(EditsOf(TestId<RecordId>(102), Awake()), clock_.Now())});
  ASSERT_THAT(verdicts, SizeIs(1));
  EXPECT_EQ(verdicts[0].seq(), 2u);
  EXPECT_EQ(verdicts[0].forked().last_seq(), 1u);
  EXPECT_EQ(AllRows(), rows);
}

TEST_F(PushTest, AGapNamesTheNumberThatIsExpected) {
  const v1::Transaction first = NewEntry(entry_);
  const v1::Transaction second = TextEdit(entry_, "a");
  const v1::Transaction third = TextEdit(entry_, "b");
  Verdicts({first});
  const auto verdicts = Verdicts({third});
  ASSERT_THAT(verdicts, SizeIs(1));
  EXPECT_EQ(verdicts[0].seq(), 3u);
  EXPECT_EQ(verdicts[0].gap().expected_seq(), 2u);
  EXPECT_EQ(Replica().last_seq(), 1u);
  const auto all = Verdicts({second, third});
  ASSERT_THAT(all, SizeIs(2));
  EXPECT_EQ(all[1].committed().revision(), 3u) << "nothing was lost by the gap";
}

TEST_F(PushTest, ARejectedTransactionIsConsumedAndHoldsUpNothing) {
  v1::LogEntry bad = Awake();
  bad.mutable_interval()->set_zone("Nowhere/Atlantis");
  const auto verdicts =
      Verdicts({NewEntry(entry_), device_.Make(EditsOf(other_entry_, bad), clock_.Now()),
                TextEdit(entry_, "hm")});
  ASSERT_THAT(verdicts, SizeIs(3));
  EXPECT_TRUE(verdicts[0].has_committed());
  ASSERT_TRUE(verdicts[1].has_rejected());
  EXPECT_EQ(verdicts[2].committed().revision(), 2u);
  const auto violations = ViolationsOf(FromRpcStatus(verdicts[1].rejected().status()));
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_THAT(violations[0].field(), HasSubstr("interval.zone"));
  EXPECT_FALSE(Record(other_entry_).has_value());
}

TEST_F(PushTest, ATransactionIsTakenAsAWholeOrNotAtAll) {
  std::vector<v1::Edit> edits = EditsOf(entry_, Awake());
  v1::LogEntry bad;
  bad.set_text(std::string(4001, 'x'));
  edits.push_back(EditsOf(entry_, bad).front());
  EXPECT_THAT(ExpectRejected(device_.Make(edits, clock_.Now())), SizeIs(1));
  EXPECT_FALSE(Record(entry_).has_value());
}

TEST_F(PushTest, ANewRecordWithoutItsRequiredGroupsIsRejectedAndLeavesNothing) {
  v1::LogEntry entry = Awake();
  entry.clear_interval();
  const auto violations = ExpectRejected(device_.Make(EditsOf(entry_, entry), clock_.Now()));
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].field(), "record " + entry_.hex());
  EXPECT_THAT(violations[0].description(), HasSubstr("interval"));
  EXPECT_THAT(Rows(kFeedColumn), IsEmpty());
}

TEST_F(PushTest, OnlyAnEditThatLacksItsRecordMayBePushedAnewWhenTheRecordComes) {
  const auto reason = [this](std::vector<v1::Edit> edits) {
    const auto verdicts = Verdicts({device_.Make(std::move(edits), clock_.Now())});
    return ReasonOf(FromRpcStatus(verdicts[0].rejected().status()));
  };
  v1::LogEntry text;
  text.set_text("by the bin lorry");
  EXPECT_EQ(reason(EditsOf(entry_, text)), v1::ERROR_REASON_INVALID_EDIT);
  EXPECT_EQ(reason({ExistenceEdit(entry_, true, {})}), v1::ERROR_REASON_INVALID_EDIT);
  text.set_text(std::string(4001, 'x'));
  EXPECT_EQ(reason(EditsOf(entry_, text)), v1::ERROR_REASON_INVALID_FIELD);
}

TEST_F(PushTest, ATransactionHasOneTo64EditsOfDifferentGroups) {
  EXPECT_THAT(ExpectRejected(device_.Make({}, clock_.Now())), SizeIs(1));
  std::vector<v1::Edit> edits;
  for (uint32_t i = 0; i < 21; ++i) {
    for (v1::Edit& edit : EditsOf(TestId<RecordId>(200 + i), Awake())) edits.push_back(edit);
  }
  ASSERT_THAT(edits, SizeIs(63));
  v1::LogEntry text;
  text.set_text("the last");
  edits.push_back(EditsOf(TestId<RecordId>(200), text).front());
  EXPECT_TRUE(Verdicts({device_.Make(edits, clock_.Now())})[0].has_committed());
  edits.push_back(EditsOf(TestId<RecordId>(201), text).front());
  EXPECT_THAT(ExpectRejected(device_.Make(edits, clock_.Now())), SizeIs(1));
  const v1::Edit once = EditsOf(TestId<RecordId>(200), text).front();
  EXPECT_THAT(ExpectRejected(device_.Make({once, once}, clock_.Now())), SizeIs(1));
}

TEST_F(PushTest, ARecordIdIs16Bytes) {
  std::vector<v1::Edit> edits = EditsOf(entry_, Awake());
  edits[0].set_record_id("short");
  const auto violations = ExpectRejected(device_.Make(edits, clock_.Now()));
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_EQ(violations[0].field(), "edits[0].record_id");
}

TEST_F(PushTest, WhatOnlyANewerServerKnowsIsKeptForLater) {
  v1::Edit unknown;
  unknown.set_record_id(other_entry_.str());
  unknown.set_group(1);
  unknown.GetReflection()->MutableUnknownFields(&unknown)->AddLengthDelimited(99, "a new kind");
  const v1::Transaction first = NewEntry(entry_);
  const v1::Transaction newer = device_.Make({unknown}, clock_.Now());
  const v1::Transaction after = TextEdit(entry_, "hm");
  const auto verdicts = Verdicts({first, newer, after});
  ASSERT_THAT(verdicts, SizeIs(2)) << "what follows keeps its place in line";
  EXPECT_TRUE(verdicts[0].has_committed());
  EXPECT_TRUE(verdicts[1].has_retry_later());
  EXPECT_EQ(verdicts[1].seq(), 2u);
  EXPECT_EQ(Replica().last_seq(), 1u) << "not consumed";
}

TEST_F(PushTest, WhatARemovedDeviceStillHasGoesToQuarantine) {
  Pusher removed = Owner();
  removed.quarantined = true;
  removed.may_write = nullptr;
  const v1::Transaction late = NewEntry(entry_);
  clock_.Advance(absl::Minutes(5));
  const auto verdicts = Verdicts(removed, {late});
  ASSERT_THAT(verdicts, SizeIs(1));
  EXPECT_TRUE(verdicts[0].has_quarantined());
  EXPECT_FALSE(Record(entry_).has_value());
  EXPECT_EQ(Head().revision(), 0u);
  const auto rows = Rows(kQuarantineColumn);
  ASSERT_THAT(rows, SizeIs(1));
  EXPECT_EQ(rows.begin()->first, TransactionKey(family_, replica_, 1));
  storage::v1::QuarantinedTransaction row;
  ASSERT_OK(ParseRow(rows.begin()->second, row));
  EXPECT_EQ(row.transaction(), late.SerializeAsString());
  EXPECT_EQ(row.member_id(), member_.bytes());
  EXPECT_EQ(FromProto(row.received_at()), clock_.Now());
  EXPECT_EQ(FromProto(row.made_at()), clock_.Now() - absl::Minutes(5));
  EXPECT_TRUE(Verdicts(removed, {late})[0].has_quarantined()) << "the same verdict again";
}

TEST_F(PushTest, AFullQuarantineTakesNoMoreAndLosesNothing) {
  Pusher removed = Owner();
  removed.quarantined = true;
  removed.may_write = nullptr;
  const auto full_after = [&](size_t text_bytes) {
    std::vector<v1::Transaction> late;
    for (size_t i = 0; i < kQuarantineRowsMax + 1; ++i) {
      late.push_back(TextEdit(entry_, std::string(text_bytes, 'z')));
    }
    const size_t taken = Verdicts(removed, late).size();
    const auto held = Rows(kQuarantineColumn);
    EXPECT_THAT(held, SizeIs(taken));
    late.erase(late.begin(), late.begin() + static_cast<int64_t>(taken));
    const absl::Status full = Push(removed, replica_, late).status();
    EXPECT_THAT(full, StatusIs(absl::StatusCode::kResourceExhausted));
    EXPECT_EQ(ReasonOf(full), v1::ERROR_REASON_QUARANTINE_FULL);
    EXPECT_EQ(Rows(kQuarantineColumn), held);
    EXPECT_EQ(Replica().last_seq(), late.front().seq() - 1) << "what is not held is not consumed";

    // Decisions make room, for as much as was decided on; then all of it comes.
    DeleteRow(kQuarantineColumn, held.begin()->first);
    EXPECT_THAT(Verdicts(removed, late), SizeIs(1));
    while (Replica().last_seq() < late.back().seq()) {
      for (const auto& [key, value] : Rows(kQuarantineColumn)) DeleteRow(kQuarantineColumn, key);
      const auto next = static_cast<int64_t>(Replica().last_seq() + 1 - late.front().seq());
      for (const v1::Verdict& verdict : Verdicts(removed, {late.begin() + next, late.end()})) {
        EXPECT_TRUE(verdict.has_quarantined());
      }
    }
    for (const auto& [key, value] : Rows(kQuarantineColumn)) DeleteRow(kQuarantineColumn, key);
    return taken;
  };
  EXPECT_EQ(full_after(1), kQuarantineRowsMax);
  const size_t large = full_after(4000);
  EXPECT_GT(large * 4300, kQuarantineBytesMax);
  EXPECT_LT((large - 1) * 4000, kQuarantineBytesMax);
}

TEST_F(PushTest, AFullQuarantineHoldsUpNobodyElseAndHearsNothingAnew) {
  const v1::Transaction lacks_its_record = TextEdit(entry_, "early");
  ASSERT_TRUE(Verdicts({lacks_its_record})[0].has_rejected());
  storage::v1::QuarantinedTransaction waits;
  waits.set_transaction(std::string(kQuarantineBytesMax, 'z'));
  waits.set_member_id(member_.str());
  PutRow(kQuarantineColumn, TransactionKey(family_, TestId<ReplicaId>(9), 1),
         waits.SerializeAsString());
  const auto held = Rows(kQuarantineColumn);
  Pusher removed = Owner();
  removed.quarantined = true;
  const auto again = Verdicts(removed, {lacks_its_record});
  ASSERT_THAT(again, SizeIs(1));
  EXPECT_TRUE(again[0].has_rejected());
  EXPECT_EQ(Rows(kQuarantineColumn), held);
  EXPECT_TRUE(Verdicts({NewEntry(entry_)})[0].has_committed());
}

TEST_F(PushTest, WhatIsTakenOutOfQuarantineIsItsAuthorsAndAsOldAsItsTap) {
  Verdicts({NewEntry(entry_), TextEdit(entry_, "seen")});
  Pusher removed = Owner();
  removed.quarantined = true;
  const absl::Time tap = clock_.Now();
  v1::LogEntry text;
  text.set_text("late");
  const v1::Transaction late = device_.Make(EditsOf(entry_, text, {device_.Id(0)}), clock_.Now());
  clock_.Advance(absl::Minutes(5));
  ASSERT_TRUE(Verdicts(removed, {late})[0].has_quarantined());
  storage::v1::QuarantinedTransaction row;
  ASSERT_OK(ParseRow(Rows(kQuarantineColumn).begin()->second, row));

  clock_.Advance(absl::Hours(48));
  const MemberId owner = TestId<MemberId>(50);
  const auto accept = [&](const Pusher& author) {
    return Commit([&](FamilyWriter& writer) {
      return CommitQuarantined(replica_, row, author, owner, writer).status();
    });
  };
  Pusher forbidden = Owner();
  forbidden.may_write = [](uint32_t) { return false; };
  EXPECT_THAT(accept(forbidden), StatusIs(absl::StatusCode::kInvalidArgument));
  EXPECT_EQ(Head().revision(), 2u) << "what cannot be committed leaves nothing";

  ASSERT_OK(accept(Owner()));
  const storage::v1::JournalEntry entry = Journal(3);
  EXPECT_EQ(entry.member_id(), member_.bytes());
  EXPECT_EQ(entry.replica_id(), replica_.bytes());
  EXPECT_EQ(entry.accepted_by(), owner.bytes());
  EXPECT_EQ(entry.transaction(), late.SerializeAsString());
  EXPECT_EQ(FromProto(entry.made_at()), tap);
  EXPECT_EQ(FromProto(entry.committed_at()), clock_.Now());
  EXPECT_EQ(Wire(entry_).log_entry().text(), "late")
      << "it had seen the text before, and replaces it";
  EXPECT_OK(Verify());
}

TEST_F(PushTest, AConsultantWritesPlansAndNoEntries) {
  Pusher consultant = Owner();
  consultant.may_write = [](uint32_t kind) { return kind == kPlan || kind == kComment; };
  const auto violations = ExpectRejected(consultant, NewEntry(entry_));
  ASSERT_THAT(violations, SizeIs(3)) << "one an edit";
  EXPECT_THAT(violations[0].description(), HasSubstr("role"));
  v1::Plan plan;
  plan.set_child_id(child_.str());
  plan.mutable_approach()->set_method(v1::PLAN_METHOD_CHAIR);
  plan.mutable_nights()->set_first_night("2026-03-01");
  EXPECT_TRUE(Verdicts(consultant, {device_.Make(EditsOf(other_entry_, plan), clock_.Now())})[0]
                  .has_committed());
}

TEST_F(PushTest, AnEditFitsTheKindOfItsRecord) {
  Verdicts({NewEntry(entry_)});
  v1::Plan plan;
  plan.set_text("not a plan");
  auto violations = ExpectRejected(device_.Make(EditsOf(entry_, plan), clock_.Now()));
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_THAT(violations[0].description(), HasSubstr("another kind"));
  violations = ExpectRejected(device_.Make({ExistenceEdit(other_entry_, true, {})}, clock_.Now()));
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_THAT(violations[0].description(), HasSubstr("does not exist"));
  const RecordId derived = CountingDeriver::CountId(child_.str());
  ASSERT_TRUE(Record(derived).has_value());
  violations = ExpectRejected(device_.Make({ExistenceEdit(derived, true, {})}, clock_.Now()));
  ASSERT_THAT(violations, SizeIs(1));
  EXPECT_THAT(violations[0].description(), HasSubstr("only the server"));
}

TEST_F(PushTest, FieldsThatThisBuildDoesNotKnowSurviveIntoTheRecord) {
  v1::LogEntry entry = Awake();
  v1::Interval& interval = *entry.mutable_interval();
  interval.GetReflection()->MutableUnknownFields(&interval)->AddVarint(90, 7);
  std::vector<v1::Edit> edits = EditsOf(entry_, entry);
  v1::Edit& new_group = edits.emplace_back();
  new_group.set_record_id(entry_.str());
  new_group.set_group(91);
  v1::LogEntry& value = *new_group.mutable_log_entry();
  value.GetReflection()->MutableUnknownFields(&value)->AddLengthDelimited(91, "of tomorrow");
  ASSERT_TRUE(Verdicts({device_.Make(edits, clock_.Now())})[0].has_committed());

  const v1::LogEntry body = Wire(entry_).log_entry();
  const auto& in_interval = body.interval().GetReflection()->GetUnknownFields(body.interval());
  ASSERT_EQ(in_interval.field_count(), 1);
  EXPECT_EQ(in_interval.field(0).number(), 90);
  EXPECT_EQ(in_interval.field(0).varint(), 7u);
  const auto& in_body = body.GetReflection()->GetUnknownFields(body);
  ASSERT_EQ(in_body.field_count(), 1);
  EXPECT_EQ(in_body.field(0).number(), 91);
  EXPECT_EQ(in_body.field(0).length_delimited(), "of tomorrow");
}

TEST_F(PushTest, ATappedTimeIsCorrectedByTheErrorOfTheDevicesClock) {
  // The phone is 10 minutes slow, and pushes a quarter of an hour after the tap.
  const absl::Duration slow = absl::Minutes(10);
  const absl::Time tap = clock_.Now();
  v1::LogEntry tapped = Awake(child_, tap - slow);
  tapped.mutable_interval()->set_began_tapped(true);
  v1::LogEntry typed = Awake(child_, tap - absl::Hours(1));
  std::vector<v1::Edit> edits = EditsOf(entry_, tapped);
  for (v1::Edit& edit : EditsOf(other_entry_, typed)) edits.push_back(edit);
  v1::Transaction transaction = device_.Make(edits, tap - slow);
  transaction.mutable_made_at()->set_boot_id("boot");
  transaction.mutable_made_at()->set_monotonic_ms(5000);
  device_.Seal(transaction);
  clock_.Advance(absl::Minutes(15));

  v1::PushRequest request;
  request.set_family_id(family_.str());
  request.set_replica_id(replica_.str());
  *request.add_transactions() = transaction;
  // Someone set the wall clock meanwhile; the monotonic one tells.
  *request.mutable_sent_at()->mutable_wall() = ToProto(tap + absl::Hours(100));
  request.mutable_sent_at()->set_boot_id("boot");
  request.mutable_sent_at()->set_monotonic_ms(5000 + 15 * 60 * 1000);
  const auto verdicts = Push(Owner(), request);
  ASSERT_OK(verdicts);
  ASSERT_TRUE((*verdicts)[0].has_committed());

  const v1::Interval corrected = Wire(entry_).log_entry().interval();
  EXPECT_EQ(FromProto(corrected.began_at()), tap);
  EXPECT_EQ(FromProto(corrected.began_raw()), tap - slow);
  const v1::Interval untouched = Wire(other_entry_).log_entry().interval();
  EXPECT_EQ(FromProto(untouched.began_at()), tap - absl::Hours(1));
  EXPECT_FALSE(untouched.has_began_raw());
  EXPECT_EQ(FromProto(Record(entry_)->created_at()), tap);
  EXPECT_EQ(FromProto(Journal(1).made_at()), tap);
  EXPECT_EQ(FromProto(Journal(1).committed_at()), clock_.Now());
}

TEST_F(PushTest, ATappedTimeIsNotMovedByWhatTheEditSaw) {
  const absl::Time begin = clock_.Now() - absl::Hours(1);
  Verdicts({device_.Make(EditsOf(entry_, Awake(child_, begin)), clock_.Now())});
  // Of ten minutes before, by a clock that is right: it names a version that is later, as one is
  // that agreed with a tap of another phone.
  const absl::Time tap = clock_.Now() - absl::Minutes(10);
  v1::LogEntry change;
  *change.mutable_interval() = Awake(child_, begin).interval();
  *change.mutable_interval()->mutable_ended_at() = ToProto(tap);
  change.mutable_interval()->set_ended_tapped(true);
  v1::EditId saw;
  saw.set_replica_id(replica_.str());
  saw.set_seq(1);
  saw.set_index(2);
  const auto verdicts = Verdicts({device_.Make(EditsOf(entry_, change, {saw}), tap)});
  ASSERT_TRUE(verdicts[0].has_committed()) << verdicts[0].ShortDebugString();
  EXPECT_EQ(FromProto(Wire(entry_).log_entry().interval().ended_at()), tap);
  const auto record = Record(entry_);
  for (const storage::v1::StoredGroup& group : record->groups()) {
    if (group.group() != kInterval) continue;
    ASSERT_THAT(group.versions(), SizeIs(1));
    EXPECT_EQ(FromProto(group.versions(0).made_at()), clock_.Now())
        << "an edit is never older than what it replaces";
  }
}

TEST_F(PushTest, ATapIsNeverLaterThanItsPushHoweverFarAheadTheDevicesClockIs) {
  v1::Transaction transaction =
      device_.Make(EditsOf(entry_, Awake()), clock_.Now() + absl::Hours(24 * 365));
  ASSERT_TRUE(Verdicts({transaction})[0].has_committed());
  EXPECT_EQ(FromProto(Record(entry_)->groups(0).versions(0).made_at()), clock_.Now());
}

TEST_F(PushTest, ACommentsPostsCarryTheirAuthorWhateverTheDeviceSays) {
  v1::Comment comment;
  comment.mutable_target()->set_log_entry_id(entry_.str());
  v1::CommentPost& post = *comment.add_posts();
  post.set_text("he slept");
  post.set_member_id(TestId<MemberId>(77).str());
  *post.mutable_posted_at() = ToProto(absl::FromUnixSeconds(1));
  const RecordId id = TestId<RecordId>(120);
  ASSERT_TRUE(Verdicts({device_.Make(EditsOf(id, comment), clock_.Now())})[0].has_committed());
  const v1::Comment stored = Wire(id).comment();
  ASSERT_EQ(stored.posts_size(), 1);
  EXPECT_EQ(stored.posts(0).text(), "he slept");
  EXPECT_EQ(stored.posts(0).member_id(), member_.bytes());
  EXPECT_EQ(FromProto(stored.posts(0).posted_at()), clock_.Now());
}

TEST_F(PushTest, TheCreatorOfARecordStaysItsCreator) {
  Verdicts({NewEntry(entry_)});
  const absl::Time created = clock_.Now();
  clock_.Advance(absl::Minutes(1));
  Pusher partner = Owner();
  partner.member = TestId<MemberId>(50);
  Verdicts(partner, {TextEdit(entry_, "hm")});
  EXPECT_EQ(Record(entry_)->created_by(), member_.bytes());
  EXPECT_EQ(FromProto(Record(entry_)->created_at()), created);
}

TEST_F(PushTest, ARecordKeepsWhatItsAuthorHadSeenOfThisLineage) {
  Verdicts({NewEntry(entry_)});
  const auto push_at = [this](const RecordId& id, const std::string& lineage, uint64_t revision) {
    v1::Transaction transaction = NewEntry(id);
    transaction.mutable_made_at_cursor()->set_lineage(lineage);
    transaction.mutable_made_at_cursor()->set_revision(revision);
    device_.Seal(transaction);
    EXPECT_TRUE(Verdicts({transaction})[0].has_committed());
    return *Record(id);
  };
  const auto seen = push_at(TestId<RecordId>(110), Head().lineage(), 1);
  EXPECT_EQ(seen.created_revision(), 2u);
  EXPECT_EQ(seen.author_saw_revision(), 1u);
  const auto boast = push_at(TestId<RecordId>(111), Head().lineage(), 999);
  EXPECT_EQ(boast.author_saw_revision(), 2u) << "nobody has seen what was not committed";
  const auto foreign = push_at(TestId<RecordId>(112), TestId<LineageId>(1).str(), 3);
  EXPECT_EQ(foreign.author_saw_revision(), 0u);
}

TEST_F(PushTest, TheJournalHoldsTheTransactionAndLinksEachRecordsHistory) {
  const v1::Transaction first = NewEntry(entry_);
  const v1::EditId first_interval = device_.Id(2);
  ASSERT_EQ(first.edits(2).group(), kInterval);
  v1::LogEntry change;
  *change.mutable_interval() = Awake(child_, clock_.Now() - absl::Hours(2)).interval();
  change.set_text("hm");
  const v1::Transaction second = NewEntry(other_entry_);
  const v1::Transaction third =
      device_.Make(EditsOf(entry_, change, {first_interval}), clock_.Now());
  Verdicts({first, second, third});

  const storage::v1::JournalEntry created = Journal(1);
  EXPECT_EQ(created.transaction(), first.SerializeAsString());
  EXPECT_EQ(created.replica_id(), replica_.bytes());
  EXPECT_EQ(created.member_id(), member_.bytes());
  EXPECT_EQ(created.previous_chain_hash(), "");
  ASSERT_EQ(created.effects_size(), 3);
  EXPECT_EQ(created.effects(2).previous_revision(), 0u);

  const storage::v1::JournalEntry changed = Journal(3);
  EXPECT_EQ(changed.transaction(), third.SerializeAsString());
  EXPECT_EQ(changed.previous_chain_hash(), Sha256(Rows(kJournalColumn)[JournalKey(family_, 2)]));
  ASSERT_EQ(changed.effects_size(), 2);
  EXPECT_EQ(changed.effects(0).index(), 0u);
  EXPECT_EQ(changed.effects(0).effect(), v1::EDIT_EFFECT_APPLIED);
  EXPECT_EQ(changed.effects(0).previous_revision(), 1u) << "past the other record's revision";
  ASSERT_EQ(changed.effects(0).replaced_size(), 1);
  EXPECT_EQ(changed.effects(0).replaced(0).edit().seq(), 1u);
  EXPECT_EQ(changed.effects(0).replaced(0).edit().index(), 2u);
  EXPECT_EQ(changed.effects(1).previous_revision(), 1u);
  EXPECT_EQ(changed.effects(1).replaced_size(), 0);
}

TEST_F(PushTest, ADeletionThatSawAllDeletesAndAnEditThatDidNotSeeItBringsTheRecordBack) {
  const v1::Transaction first = NewEntry(entry_);
  const SeenEdits all = {device_.Id(0), device_.Id(1), device_.Id(2)};
  const v1::Transaction deletion = device_.Make({ExistenceEdit(entry_, true, all)}, clock_.Now());
  Verdicts({first, deletion});
  EXPECT_TRUE(Record(entry_)->deleted());
  EXPECT_THAT(Rows(kConflictColumn), IsEmpty());
  Verdicts({TextEdit(entry_, "written meanwhile")});
  EXPECT_FALSE(Record(entry_)->deleted());
  EXPECT_EQ(Wire(entry_).log_entry().text(), "written meanwhile");
  EXPECT_THAT(Rows(kConflictColumn), SizeIs(1)) << "the deletion is kept, to be decided";
}

TEST_F(PushTest, TwoReplicasNumberTheirTransactionsApart) {
  const ReplicaId other = TestId<ReplicaId>(60);
  AddReplica(other);
  TransactionBuilder tablet(other);
  Verdicts({NewEntry(entry_)});
  const auto verdicts =
      Push(Owner(), other, {tablet.Make(EditsOf(other_entry_, Awake()), clock_.Now())});
  ASSERT_OK(verdicts);
  EXPECT_EQ((*verdicts)[0].seq(), 1u);
  EXPECT_EQ((*verdicts)[0].committed().revision(), 2u);
}

TEST_F(PushTest, WhatConcurrentEditsJoinMayBeLargerThanOneEditMay) {
  Verdicts({NewEntry(entry_)});
  std::vector<TransactionBuilder> devices;
  for (uint32_t i = 0; i < 3; ++i) {
    devices.emplace_back(TestId<ReplicaId>(60 + i));
    AddReplica(devices.back().replica());
    v1::LogEntry long_one;
    long_one.set_text(std::string(4000, static_cast<char>('a' + i)));
    for (int tag = 0; tag < 32; ++tag) long_one.add_tags(absl::StrCat("tag ", i, " ", tag));
    const auto verdicts = Push(Owner(), devices.back().replica(),
                               {devices.back().Make(EditsOf(entry_, long_one), clock_.Now())});
    ASSERT_OK(verdicts);
    EXPECT_TRUE((*verdicts)[0].has_committed()) << (*verdicts)[0].ShortDebugString();
  }
  EXPECT_EQ(Wire(entry_).log_entry().text().size(), 3u * 4000 + 2);
  EXPECT_THAT(Wire(entry_).log_entry().tags(), SizeIs(96));
  v1::LogEntry text;
  text.set_text("short");
  EXPECT_TRUE(Verdicts({device_.Make(
      EditsOf(entry_, text, {devices[0].Id(1), devices[1].Id(1), devices[2].Id(1)}),
      clock_.Now())})[0]
                  .has_committed());
  EXPECT_EQ(Wire(entry_).log_entry().text(), "short");
  EXPECT_OK(Verify());
}

TEST_F(PushTest, ADamagedRecordFailsThePushAndConsumesNothing) {
  Verdicts({NewEntry(entry_), NewEntry(other_entry_)});
  PutRow(kRecordColumn, RecordKey(family_, entry_), "\xff\xff");
  const auto rows = AllRows();
  const v1::Transaction fine = TextEdit(other_entry_, "hm");
  const v1::Transaction hits_it = TextEdit(entry_, "hm");
  const auto verdicts = Push({fine, hits_it});
  EXPECT_THAT(verdicts, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(ReasonOf(verdicts.status()), v1::ERROR_REASON_STORAGE_DAMAGED);
  EXPECT_EQ(AllRows(), rows);
}

}  // namespace
}  // namespace nightlog
