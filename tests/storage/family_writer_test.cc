#include "storage/family_writer.h"

#include <map>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "tests/testing/family_fixture.h"

namespace nightlog {
namespace {

using storage::v1::StoredRecord;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

class FamilyWriterTest : public FamilyFixture {
 protected:
  // Pushes transactions that must all be committed.
  void MustPush(TransactionBuilder& device, const std::vector<v1::Transaction>& transactions) {
    const auto verdicts = Push(Owner(), device.replica(), transactions);
    ASSERT_OK(verdicts);
    ASSERT_EQ(verdicts->size(), transactions.size());
    for (const v1::Verdict& verdict : *verdicts) {
      ASSERT_TRUE(verdict.has_committed()) << verdict.DebugString();
    }
  }
  void MustPush(const std::vector<v1::Transaction>& transactions) {
    MustPush(device_, transactions);
  }

  v1::Transaction NewEntry(const RecordId& id, const RecordId& child) {
    return device_.Make(EditsOf(id, Awake(child, clock_.Now())), clock_.Now());
  }

  std::map<RecordId, StoredRecord> Records() const {
    std::map<RecordId, StoredRecord> records;
    for (const auto& [key, value] : Rows(kRecordColumn)) {
      EXPECT_OK(ParseRow(value, records[RecordIdOfKey(key)]));
    }
    return records;
  }

  absl::optional<int> CountOf(const RecordId& child) const {
    const auto record = Record(CountingDeriver::CountId(child.str()));
    v1::NightSummary summary;
    if (!record.has_value()) return absl::nullopt;
    EXPECT_TRUE(ParseBody(*record, summary));
    return summary.open_conflicts();
  }

  // Everything that follows from the records, worked out anew from them alone.
  void ExpectDerivedRowsFit() const {
    std::map<uint32_t, StateHash> sums;
    std::map<std::string, std::string> feed;
    std::map<std::string, std::string> index;
    std::map<std::string, std::string> conflicts;
    for (const auto& [id, record] : Records()) {
      EXPECT_EQ(record.digest(), DigestOf(id.bytes(), record));
      sums[record.kind()].Add(record.digest());
      feed[FeedKey(family_, record.revision(), id)] = "";
      for (const std::string& key : deriver_->IndexKeys(id, record)) {
        index[IndexKey(family_, key)] = id.str();
      }
      if (HasConflict(record)) conflicts[RecordKey(family_, id)] = "";
    }
    EXPECT_EQ(Rows(kFeedColumn), feed);
    EXPECT_EQ(Rows(kIndexColumn), index);
    EXPECT_EQ(Rows(kConflictColumn), conflicts);
    std::map<uint32_t, std::string> stored;
    std::map<uint32_t, std::string> expected;
    const storage::v1::FamilyHead head = Head();
    for (const auto& kind_hash : head.kind_hashes()) stored[kind_hash.kind()] = kind_hash.sum();
    for (const auto& [kind, sum] : sums) expected[kind] = sum.bytes();
    EXPECT_EQ(stored, expected);
    EXPECT_OK(Verify());
  }

  const RecordId entry_ = TestId<RecordId>(100);
  const RecordId other_child_ = TestId<RecordId>(5);
  TransactionBuilder device_{replica_};
};

TEST_F(FamilyWriterTest, ARecordHasOneRowInTheFeedAtItsNewestRevision) {
  MustPush({NewEntry(entry_, child_)});
  v1::LogEntry change;
  change.set_text("hm");
  MustPush({device_.Make(EditsOf(entry_, change), clock_.Now()),
            device_.Make(EditsOf(entry_, change, {device_.Id(0)}), clock_.Now())});
  std::vector<uint64_t> revisions;
  for (const auto& [key, value] : Rows(kFeedColumn)) {
    const FeedPosition position = ParseFeedKey(key);
    if (position.record == entry_) revisions.push_back(position.revision);
  }
  EXPECT_THAT(revisions, ElementsAre(3));
  EXPECT_EQ(Record(entry_)->revision(), 3u);
}

TEST_F(FamilyWriterTest, AnIndexRowFollowsItsRecord) {
  MustPush({NewEntry(entry_, child_)});
  const v1::EditId child_edit = device_.Id(0);
  EXPECT_EQ(CountOf(child_), 1);
  EXPECT_EQ(CountOf(other_child_), absl::nullopt);
  v1::LogEntry moved;
  moved.set_child_id(other_child_.str());
  MustPush({device_.Make(EditsOf(entry_, moved, {child_edit}), clock_.Now())});
  EXPECT_THAT(Rows(kIndexColumn),
              ElementsAre(std::make_pair(IndexKey(family_, other_child_.str() + entry_.str()),
                                         entry_.str())));
  EXPECT_EQ(CountOf(child_), 0);
  EXPECT_EQ(CountOf(other_child_), 1);
  ExpectDerivedRowsFit();
}

TEST_F(FamilyWriterTest, AConflictRowComesWithAConflictAndGoesWhenItIsResolved) {
  const ReplicaId tablet_id = TestId<ReplicaId>(60);
  AddReplica(tablet_id);
  TransactionBuilder tablet(tablet_id);
  MustPush({NewEntry(entry_, child_)});
  const v1::EditId first = device_.Id(1);
  v1::LogEntry crying;
  crying.mutable_detail()->mutable_crying()->set_intensity(2);
  v1::LogEntry asleep;
  asleep.mutable_detail()->mutable_sleep();
  MustPush({device_.Make(EditsOf(entry_, crying, {first}), clock_.Now())});
  EXPECT_THAT(Rows(kConflictColumn), IsEmpty());
  MustPush(tablet, {tablet.Make(EditsOf(entry_, asleep, {first}), clock_.Now())});
  EXPECT_THAT(Rows(kConflictColumn), ElementsAre(std::make_pair(RecordKey(family_, entry_), "")));
  ExpectDerivedRowsFit();
  const SeenEdits both = {device_.Id(0), tablet.Id(0)};
  MustPush({device_.Make(EditsOf(entry_, asleep, both), clock_.Now())});
  EXPECT_THAT(Rows(kConflictColumn), IsEmpty());
  ExpectDerivedRowsFit();
}

TEST_F(FamilyWriterTest, ADerivedRecordIsWrittenOnlyIfItChanged) {
  const RecordId count = CountingDeriver::CountId(child_.str());
  MustPush({NewEntry(entry_, child_)});
  EXPECT_EQ(Record(count)->revision(), 1u);
  EXPECT_THAT(Journal(1).server_record_ids(), ElementsAre(count.str()));
  v1::LogEntry change;
  change.set_text("hm");
  MustPush({device_.Make(EditsOf(entry_, change), clock_.Now())});
  EXPECT_EQ(Record(count)->revision(), 1u) << "the count is the same";
  EXPECT_THAT(Journal(2).server_record_ids(), IsEmpty());
  MustPush({NewEntry(TestId<RecordId>(101), child_)});
  EXPECT_EQ(Record(count)->revision(), 3u);
  EXPECT_THAT(Journal(3).server_record_ids(), ElementsAre(count.str()));
}

TEST_F(FamilyWriterTest, ABatchDerivesOnceAtItsNewestRevision) {
  const RecordId count = CountingDeriver::CountId(child_.str());
  MustPush({NewEntry(TestId<RecordId>(101), child_), NewEntry(TestId<RecordId>(102), child_),
            NewEntry(TestId<RecordId>(103), child_)});
  EXPECT_EQ(CountOf(child_), 3);
  EXPECT_EQ(Record(count)->revision(), 3u);
  EXPECT_THAT(Journal(1).server_record_ids(), IsEmpty());
  EXPECT_THAT(Journal(2).server_record_ids(), IsEmpty());
  EXPECT_THAT(Journal(3).server_record_ids(), ElementsAre(count.str()));
  ExpectDerivedRowsFit();
}

TEST_F(FamilyWriterTest, AServerRecordInPlaceOfAPersonsKeepsTheHashesOfBothKinds) {
  // A client may forge the id of a record that the server writes.
  const RecordId forged = CountingDeriver::CountId(other_child_.str());
  MustPush({NewEntry(forged, child_)});
  EXPECT_EQ(Record(forged)->kind(), kLogEntry);
  MustPush({NewEntry(entry_, other_child_)});
  EXPECT_EQ(Record(forged)->kind(), kNightSummary);
  std::map<uint32_t, StateHash> sums;
  for (const auto& [id, record] : Records()) sums[record.kind()].Add(record.digest());
  const storage::v1::FamilyHead head = Head();
  for (const auto& kind_hash : head.kind_hashes()) {
    EXPECT_EQ(kind_hash.sum(), sums[kind_hash.kind()].bytes()) << kind_hash.kind();
  }
}

// Two devices edit a few records of two children at random, having seen a random part of what
// stands, and delete and bring back; after every push all that is kept beside the records must fit.
class RandomEditsTest : public FamilyWriterTest, public ::testing::WithParamInterface<uint64_t> {};

TEST_P(RandomEditsTest, AllThatFollowsFromTheRecordsFitsAfterEveryPush) {
  std::mt19937_64 dice(GetParam());
  const ReplicaId tablet_id = TestId<ReplicaId>(60);
  AddReplica(tablet_id);
  TransactionBuilder tablet(tablet_id);
  const auto random_edits = [&](const RecordId& id) -> std::vector<v1::Edit> {
    const auto record = Record(id);
    const RecordId child = dice() % 2 ? child_ : other_child_;
    v1::LogEntry body = Awake(child, clock_.Now() - absl::Minutes(dice() % 20));
    if (!record.has_value()) return EditsOf(id, body);
    SeenEdits saw;
    for (const auto& group : record->groups()) {
      for (const auto& version : group.versions()) {
        if (dice() % 3 > 0) saw.push_back(ToWire(version.edit()));
      }
    }
    if (dice() % 4 == 0) return {ExistenceEdit(id, dice() % 3 > 0, saw)};
    if (dice() % 2) body.clear_child_id();
    if (dice() % 2) body.clear_interval();
    body.set_text(absl::StrCat("text ", dice() % 3));
    body.add_tags(absl::StrCat("tag ", dice() % 3));
    body.mutable_detail()->mutable_crying()->set_intensity(dice() % 3);
    return EditsOf(id, body, saw);
  };
  for (int push = 0; push < 30 && !HasFatalFailure(); ++push) {
    TransactionBuilder& device = dice() % 2 ? device_ : tablet;
    std::vector<v1::Transaction> transactions;
    for (size_t i = 1 + dice() % 3; i > 0; --i) {
      std::vector<v1::Edit> edits;
      const auto first = static_cast<uint32_t>(dice() % 5);
      for (uint32_t j = 0; j <= dice() % 2; ++j) {
        for (v1::Edit& edit : random_edits(TestId<RecordId>(100 + first + j))) {
          edits.push_back(std::move(edit));
        }
      }
      transactions.push_back(device.Make(std::move(edits), clock_.Now()));
    }
    MustPush(device, transactions);
    ExpectDerivedRowsFit();
    clock_.Advance(absl::Minutes(1));
  }
  for (const RecordId& child : {child_, other_child_}) {
    int live = 0;
    v1::LogEntry entry;
    for (const auto& [id, record] : Records()) {
      if (!record.deleted() && ParseBody(record, entry) && entry.child_id() == child.str()) ++live;
    }
    EXPECT_EQ(CountOf(child).value_or(0), live);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, RandomEditsTest, ::testing::Range<uint64_t>(1, 11));

TEST_F(FamilyWriterTest, ErasingLeavesNoRowThatNamesTheFamily) {
  const FamilyId neighbour = TestId<FamilyId>(9);
  ASSERT_OK(CreateFamily(neighbour));
  const auto fill = [&](const FamilyId& family, const std::string& code_hash) {
    return CommitAndWait(*committer_, family, [&](FamilyWriter& writer) {
      const DeviceId device = TestId<DeviceId>(30);
      writer.Put(kAccessColumn, MemberKey(family, member_), storage::v1::StoredMember());
      storage::v1::StoredFamilyDevice paired;
      paired.set_member_id(member_.str());
      paired.set_replica_id(replica_.str());
      writer.Put(kAccessColumn, FamilyDeviceKey(family, device), paired);
      writer.Put(kAccessColumn, DeviceFamilyKey(device, family), storage::v1::Replica());
      storage::v1::StoredInvite invite;
      invite.set_family_id(family.str());
      invite.set_invited_by(device.str());
      writer.Put(kAccessColumn, InviteKey(code_hash), invite);
      storage::v1::StoredPairing pairing;
      pairing.set_family_id(family.str());
      pairing.set_device_id(device.str());
      writer.Put(kAccessColumn, PairingKey(code_hash), pairing);
      writer.Put(kQuarantineColumn, TransactionKey(family, replica_, 1),
                 storage::v1::QuarantinedTransaction());
      return absl::OkStatus();
    });
  };
  ASSERT_OK(fill(family_, std::string(32, 'a')));
  ASSERT_OK(fill(neighbour, std::string(32, 'b')));
  MustPush({NewEntry(entry_, child_)});
  // A conflict, so that no column is empty.
  v1::LogEntry asleep;
  asleep.mutable_detail()->mutable_sleep();
  MustPush({device_.Make(EditsOf(entry_, asleep), clock_.Now())});
  for (Column column = 0; column < kColumns; ++column) {
    EXPECT_THAT(Rows(column), Not(IsEmpty())) << kColumnFamilyNames[column];
  }
  const auto neighbours_before = Rows(kAccessColumn, neighbour);

  ASSERT_OK(Commit([](FamilyWriter& writer) { return writer.Erase(); }));
  const auto view = engine_.Snapshot();
  for (Column column = 0; column < kColumns; ++column) {
    auto it = view->Scan(column, "", "");
    for (; it->Valid(); it->Next()) {
      EXPECT_FALSE(absl::StrContains(it->key(), family_.bytes())) << kColumnFamilyNames[column];
      EXPECT_FALSE(absl::StrContains(it->value(), family_.bytes())) << kColumnFamilyNames[column];
    }
    ASSERT_OK(it->status());
  }
  EXPECT_EQ(Rows(kAccessColumn, neighbour), neighbours_before);
  EXPECT_TRUE(ReadInvite(*view, std::string(32, 'b'))->has_value());
  EXPECT_TRUE(ReadPairing(*view, std::string(32, 'b'))->has_value());
  EXPECT_THAT(*FamiliesOfDevice(*view, TestId<DeviceId>(30)), ElementsAre(neighbour));
  EXPECT_OK(OpenStore(engine_));
}

TEST_F(FamilyWriterTest, AHaltedFamilyBeginsNoRevisionAndIsStillReadAndErased) {
  MustPush({NewEntry(entry_, child_)});
  ASSERT_OK(Commit([](FamilyWriter& writer) {
    writer.Halt();
    return absl::OkStatus();
  }));
  const absl::Status begun =
      Commit([](FamilyWriter& writer) { return writer.BeginRevision().status(); });
  EXPECT_EQ(ReasonOf(begun), v1::ERROR_REASON_AHEAD_OF_SERVER);
  EXPECT_THAT(begun.message(), HasSubstr("--new_lineage"));
  EXPECT_EQ(Head().revision(), 1u);
  EXPECT_TRUE(Record(entry_).has_value());
  ASSERT_OK(Commit([](FamilyWriter& writer) { return writer.Erase(); }));
}

TEST_F(FamilyWriterTest, AFamilyMadeAnewHasAnotherLineage) {
  const std::string lineage = Head().lineage();
  EXPECT_THAT(lineage, SizeIs(16));
  ASSERT_OK(Commit([](FamilyWriter& writer) { return writer.Erase(); }));
  ASSERT_OK(CreateFamily(family_));
  EXPECT_NE(Head().lineage(), lineage);
}

TEST_F(FamilyWriterTest, ADamagedIndexRowIsToldAndEndsNothing) {
  MustPush({NewEntry(entry_, child_)});
  PutRow(kIndexColumn, IndexKey(family_, child_.str() + entry_.str()), "no id");
  const auto verdicts = Push({NewEntry(TestId<RecordId>(101), child_)});
  EXPECT_THAT(verdicts, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(Head().revision(), 1u);
}

}  // namespace
}  // namespace nightlog
