#include "storage/repair.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/empty.pb.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "tests/testing/family_fixture.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

using Columns = std::vector<std::map<std::string, std::string>>;

// A family with a member, a device, an entry in conflict, another one, and what is derived of them:
// a row of every kind that a repair looks at.
class RepairTest : public FamilyFixture {
 protected:
  RepairTest() {
    EXPECT_OK(Commit([this](FamilyWriter& writer) -> absl::Status {
      storage::v1::StoredMember member;
      member.set_name("Robin");
      member.set_role(v1::ROLE_OWNER);
      storage::v1::StoredFamilyDevice device;
      device.set_member_id(member_.str());
      device.set_replica_id(replica_.str());
      storage::v1::Replica replica;
      replica.set_device_id(device_.str());
      replica.set_member_id(member_.str());
      RETURN_IF_ERROR(writer.BeginRevision().status());
      writer.Put(kAccessColumn, MemberKey(family_, member_), member);
      writer.Put(kAccessColumn, FamilyDeviceKey(family_, device_), device);
      writer.Put(kAccessColumn, DeviceFamilyKey(device_, family_), google::protobuf::Empty());
      writer.Put(kReplicaColumn, ReplicaKey(family_, replica_), replica);
      RETURN_IF_ERROR(writer.PutServerRecord(
          {RecordId(member_.bytes()), kMember, SerializeDeterministic(PublicMember(member))}));
      storage::v1::JournalEntry entry;
      entry.add_server_record_ids(member_.str());
      entry.set_operation("create");
      writer.EndRevision(std::move(entry));
      return absl::OkStatus();
    }));
    v1::LogEntry asleep;
    asleep.mutable_detail()->mutable_sleep();
    MustPush(EditsOf(entry_, Awake()));
    MustPush(EditsOf(entry_, asleep));
    MustPush(EditsOf(TestId<RecordId>(101), Awake()));
    // Rejected: there is no such record to edit. Its verdict is nowhere but in its row.
    const auto rejected = Push({transactions_.Make(
        {ExistenceEdit(TestId<RecordId>(102), /*deleted=*/true, {})}, clock_.Now())});
    EXPECT_OK(rejected);
    EXPECT_TRUE((*rejected)[0].has_rejected());
    MustPush(EditsOf(TestId<RecordId>(103), Awake()));
    EXPECT_OK(Commit([this](FamilyWriter& writer) {
      for (uint64_t number = 1; number <= 3; ++number) {
        writer.Put(kAccessColumn, EventKey(family_, number), Event(number));
      }
      writer.SetNewestEvent(3);
      return absl::OkStatus();
    }));
    PushLate();
    EXPECT_OK(Verify());
  }

  storage::v1::StoredEvent Event(uint64_t number) const {
    storage::v1::StoredEvent event;
    event.set_kind(2);
    *event.mutable_at() = ToProto(clock_.Now() + absl::Hours(number));
    event.set_actor_member_id(member_.str());
    return event;
  }

  // Something from the device after it was removed.
  void PushLate() {
    Pusher removed = Owner();
    removed.quarantined = true;
    const auto late =
        Push(removed, replica_,
             {transactions_.Make(EditsOf(TestId<RecordId>(110 + late_++), Awake()), clock_.Now())});
    ASSERT_OK(late);
    ASSERT_TRUE((*late)[0].has_quarantined());
  }

  // An owner accepts, or refuses, what is in quarantine.
  void Decide(bool accept) {
    ASSERT_OK(Commit([&](FamilyWriter& writer) -> absl::Status {
      const std::string key = Rows(kQuarantineColumn).begin()->first;
      const TransactionName name = ParseTransactionKey(key);
      ASSIGN_OR_RETURN(auto row, writer.reader().Quarantined(name.replica, name.seq));
      ASSIGN_OR_RETURN(auto verdict, writer.reader().Verdict(name.replica, name.seq));
      uint64_t revision = 0;
      if (accept) {
        ASSIGN_OR_RETURN(revision, CommitQuarantined(name.replica, *row, Owner(), member_, writer));
      } else {
        ASSIGN_OR_RETURN(revision, writer.BeginRevision());
        storage::v1::JournalEntry entry;
        entry.set_operation("refuse");
        writer.EndRevision(std::move(entry));
      }
      verdict->set_decided_revision(revision);
      verdict->set_accepted(accept);
      writer.Put(kVerdictColumn, key, *verdict);
      writer.Delete(kQuarantineColumn, key);
      return absl::OkStatus();
    }));
  }

  // Changes the row of what waits in quarantine, and the transaction in it.
  void ChangeLate(const std::function<void(storage::v1::QuarantinedTransaction& row,
                                           v1::Transaction& transaction)>& change) {
    const auto [key, value] = *Rows(kQuarantineColumn).begin();
    storage::v1::QuarantinedTransaction row;
    v1::Transaction transaction;
    ASSERT_TRUE(row.ParseFromString(value) && transaction.ParseFromString(row.transaction()));
    change(row, transaction);
    row.set_transaction(transaction.SerializeAsString());
    PutRow(kQuarantineColumn, key, row.SerializeAsString());
  }

  void ChangeVerdict(const std::string& key,
                     const std::function<void(storage::v1::StoredVerdict&)>& change) {
    storage::v1::StoredVerdict verdict;
    ASSERT_TRUE(verdict.ParseFromString(Rows(kVerdictColumn).at(key)));
    change(verdict);
    PutRow(kVerdictColumn, key, verdict.SerializeAsString());
  }

  void MustPush(std::vector<v1::Edit> edits) {
    const auto verdicts = Push({transactions_.Make(std::move(edits), clock_.Now())});
    ASSERT_OK(verdicts);
    ASSERT_TRUE((*verdicts)[0].has_committed());
  }

  absl::StatusOr<Repair> Plan() const {
    return PlanRepair(*engine_.Snapshot(), family_, *deriver_, clock_.Now());
  }

  // Rows of everything, the store's own included.
  Columns AllRows() const {
    Columns columns(kColumns);
    const auto view = engine_.Snapshot();
    for (Column column = 0; column < kColumns; ++column) {
      auto it = view->Scan(column, "", "");
      for (; it->Valid(); it->Next()) columns[column].emplace(it->key(), it->value());
    }
    return columns;
  }

  void Restore(const Columns& rows) {
    WriteBatch batch;
    for (Column column = 0; column < kColumns; ++column) {
      batch.DeleteRange(column, "", "\xff");
      for (const auto& [key, value] : rows[column]) batch.Put(column, key, value);
    }
    EXPECT_OK(engine_.Write(batch));
  }

  void ChangeHead(const std::function<void(storage::v1::FamilyHead&)>& change) {
    storage::v1::FamilyHead head = Head();
    change(head);
    PutRow(kHeadColumn, FamilyHeadKey(family_), head.SerializeAsString());
  }
  void ChangeRecord(const RecordId& id,
                    const std::function<void(storage::v1::StoredRecord&)>& change) {
    storage::v1::StoredRecord record = *Record(id);
    change(record);
    PutRow(kRecordColumn, RecordKey(family_, id), record.SerializeAsString());
  }
  void ChangeReplica(const std::function<void(storage::v1::Replica&)>& change) {
    storage::v1::Replica replica = Replica();
    change(replica);
    PutRow(kReplicaColumn, ReplicaKey(family_, replica_), replica.SerializeAsString());
  }
  void DeleteFirst(Column column) { DeleteRow(column, Rows(column).begin()->first); }

  std::map<uint32_t, std::string> Sums() const {
    std::map<uint32_t, std::string> sums;
    const storage::v1::FamilyHead head = Head();
    for (const auto& kind_hash : head.kind_hashes()) sums[kind_hash.kind()] = kind_hash.sum();
    return sums;
  }

  const RecordId entry_ = TestId<RecordId>(100);
  const DeviceId device_ = TestId<DeviceId>(5);
  uint32_t late_ = 0;
  const RecordId summary_ = CountingDeriver::CountId(child_.str());
  const RecordId public_member_{member_.bytes()};
  TransactionBuilder transactions_{replica_};
};

TEST_F(RepairTest, AWholeFamilyNeedsNone) {
  const auto repair = Plan();
  ASSERT_OK(repair);
  EXPECT_THAT(repair->damages, IsEmpty());
  EXPECT_TRUE(repair->batch.empty());
}

TEST_F(RepairTest, WhatFollowsFromTheRestIsMadeAgainToTheLastByte) {
  const std::vector<std::pair<std::string, std::function<void()>>> damages = {
      {"1 row of feed", [&] { DeleteFirst(kFeedColumn); }},
      {"1 row of feed", [&] { PutRow(kFeedColumn, FeedKey(family_, 1, entry_), ""); }},
      {"1 row of feed", [&] { PutRow(kFeedColumn, FamilyStart(family_) + "x", ""); }},
      {"1 row of index", [&] { DeleteFirst(kIndexColumn); }},
      {"1 row of index",
       [&] { PutRow(kIndexColumn, Rows(kIndexColumn).begin()->first, child_.str()); }},
      {"1 row of index", [&] { PutRow(kIndexColumn, IndexKey(family_, "x"), entry_.str()); }},
      {"1 row of conflict", [&] { DeleteFirst(kConflictColumn); }},
      {"1 row of conflict", [&] { PutRow(kConflictColumn, RecordKey(family_, child_), ""); }},
      {"1 record's index keys",
       [&] { ChangeRecord(entry_, [](auto& record) { record.clear_index_keys(); }); }},
      {"1 revision of a record",
       [&] {
         ChangeRecord(entry_, [](auto& record) { record.set_revision(record.revision() - 1); });
       }},
      {"1 revision of a record",
       [&] { ChangeRecord(public_member_, [](auto& record) { record.set_revision(9); }); }},
      {"1 way from a device to the family",
       [&] { DeleteRow(kAccessColumn, DeviceFamilyKey(device_, family_)); }},
      {"1 row of verdict",
       [&] { DeleteRow(kVerdictColumn, TransactionKey(family_, replica_, 5)); }},
      {"1 row of verdict",
       [&] { DeleteRow(kVerdictColumn, TransactionKey(family_, replica_, 1)); }},
      {"1 row of verdict",
       [&] { PutRow(kVerdictColumn, TransactionKey(family_, replica_, 1), "\xff"); }},
      {"1 row of verdict",
       [&] {
         ChangeVerdict(TransactionKey(family_, replica_, 1),
                       [](auto& verdict) { verdict.set_hash("another's"); });
       }},
      {"1 row of verdict",
       [&] { DeleteRow(kVerdictColumn, TransactionKey(family_, replica_, 6)); }},
      {"1 row of verdict",
       [&] { PutRow(kVerdictColumn, TransactionKey(family_, replica_, 6), "\xff"); }},
      {"1 row of quarantine",
       [&] { PutRow(kQuarantineColumn, TransactionKey(family_, replica_, 4), "\xff"); }},
      {"1 row of quarantine",
       [&] {
         PutRow(kQuarantineColumn, TransactionKey(family_, replica_, 5),
                Rows(kQuarantineColumn).begin()->second);
       }},
      {"1 row of access",
       [&] { PutRow(kAccessColumn, EventsPrefix(family_) + "x", Event(4).SerializeAsString()); }},
      {"1 row of replica", [&] { DeleteFirst(kReplicaColumn); }},
      {"1 row of replica", [&] { ChangeReplica([](auto& replica) { replica.set_last_seq(2); }); }},
      {"1 row of replica",
       [&] { ChangeReplica([](auto& replica) { replica.set_last_hash("x"); }); }},
  };
  const Columns sound = AllRows();
  for (const auto& [what, damage] : damages) {
    SCOPED_TRACE(what);
    damage();
    ASSERT_NE(AllRows(), sound);
    const auto repair = Plan();
    ASSERT_OK(repair);
    EXPECT_THAT(repair->damages, ElementsAre(what));
    ASSERT_OK(engine_.Write(repair->batch));
    EXPECT_EQ(AllRows(), sound);
    Restore(sound);
  }
}

TEST_F(RepairTest, TheStateHashIsSummedAnewOverRecordsThatAreAllThere) {
  const std::map<uint32_t, std::string> sound = Sums();
  const std::vector<std::function<void(storage::v1::FamilyHead&)>> damages = {
      [](auto& head) { head.mutable_kind_hashes(0)->set_sum(std::string(32, 'x')); },
      [](auto& head) { head.clear_kind_hashes(); },
      [](auto& head) {
        auto& added = *head.add_kind_hashes();
        added.set_kind(99);
        added.set_sum(std::string(32, 'x'));
      },
  };
  for (const auto& damage : damages) {
    ChangeHead(damage);
    const auto repair = Plan();
    ASSERT_OK(repair);
    EXPECT_THAT(repair->damages, ElementsAre("the state hash"));
    ASSERT_OK(engine_.Write(repair->batch));
    EXPECT_OK(Verify());
    EXPECT_EQ(Sums(), sound);
  }
}

TEST_F(RepairTest, ALostRecordOfTheServerIsDerivedAnewUnderARevisionThatDevicesHearOf) {
  const std::vector<std::pair<RecordId, std::function<void(const RecordId&)>>> damages = {
      {summary_, [&](const RecordId& id) { DeleteRow(kRecordColumn, RecordKey(family_, id)); }},
      {public_member_,
       [&](const RecordId& id) { DeleteRow(kRecordColumn, RecordKey(family_, id)); }},
      {summary_,
       [&](const RecordId& id) { PutRow(kRecordColumn, RecordKey(family_, id), "\xff\xff"); }},
      {summary_,
       [&](const RecordId& id) {
         ChangeRecord(id, [](auto& record) { record.set_body("other"); });
       }},
      // As it was one commit before, and whole in itself.
      {summary_,
       [&](const RecordId& id) {
         ChangeRecord(id, [&id](auto& record) {
           v1::NightSummary summary;
           ASSERT_TRUE(summary.ParseFromString(record.body()));
           summary.set_open_conflicts(summary.open_conflicts() - 1);
           record.set_body(SerializeDeterministic(summary));
           record.set_revision(record.revision() - 1);
           record.set_digest(DigestOf(id.bytes(), record));
         });
       }},
  };
  const Columns rows = AllRows();
  const std::map<uint32_t, std::string> sound = Sums();
  const uint64_t before = Head().revision();
  for (const auto& [id, damage] : damages) {
    const std::string body = Record(id)->body();
    damage(id);
    const auto repair = Plan();
    ASSERT_OK(repair);
    EXPECT_THAT(repair->damages, ElementsAre("1 record of the server"));
    ASSERT_OK(engine_.Write(repair->batch));
    EXPECT_OK(Verify());
    EXPECT_EQ(Record(id)->body(), body);
    EXPECT_EQ(Record(id)->revision(), before + 1);
    EXPECT_EQ(Head().revision(), before + 1);
    EXPECT_EQ(Sums(), sound) << "a device that has it all has the same";
    const storage::v1::JournalEntry entry = Journal(before + 1);
    EXPECT_EQ(entry.operation(), "repair");
    EXPECT_THAT(entry.server_record_ids(), ElementsAre(id.str()));
    const auto again = Plan();
    ASSERT_OK(again);
    EXPECT_THAT(again->damages, IsEmpty());
    Restore(rows);
  }
}

TEST_F(RepairTest, WhatAnOwnerDecidedOnIsInQuarantineNoMore) {
  for (const bool accept : {true, false}) {
    const auto late = Rows(kQuarantineColumn);
    Decide(accept);
    const auto repair = Plan();
    ASSERT_OK(repair);
    EXPECT_THAT(repair->damages, IsEmpty());
    const Columns sound = AllRows();
    PutRow(kQuarantineColumn, late.begin()->first, late.begin()->second);
    const auto again = Plan();
    ASSERT_OK(again);
    EXPECT_THAT(again->damages, ElementsAre("1 row of quarantine"));
    ASSERT_OK(engine_.Write(again->batch));
    EXPECT_EQ(AllRows(), sound);
    if (accept) {
      // The journal tells of the decision.
      ChangeVerdict(late.begin()->first, [](auto& verdict) { verdict.clear_decided_revision(); });
      const auto decided = Plan();
      ASSERT_OK(decided);
      EXPECT_THAT(decided->damages, ElementsAre("1 row of verdict"));
      ASSERT_OK(engine_.Write(decided->batch));
      EXPECT_EQ(AllRows(), sound);
      DeleteRow(kVerdictColumn, late.begin()->first);
      PutRow(kQuarantineColumn, late.begin()->first, late.begin()->second);
      const auto verdict = Plan();
      ASSERT_OK(verdict);
      EXPECT_THAT(verdict->damages, ElementsAre("1 row of quarantine", "1 row of verdict"));
      ASSERT_OK(engine_.Write(verdict->batch));
      EXPECT_EQ(AllRows(), sound);
    }
    PushLate();
  }
}

TEST_F(RepairTest, WhatWasCommittedIsNotTakenForWhatWaits) {
  const Columns sound = AllRows();
  storage::v1::QuarantinedTransaction row;
  row.set_transaction(Journal(Head().revision()).transaction());
  row.set_member_id(member_.str());
  PutRow(kQuarantineColumn, TransactionKey(family_, replica_, 5), row.SerializeAsString());
  DeleteRow(kVerdictColumn, TransactionKey(family_, replica_, 5));
  const auto repair = Plan();
  ASSERT_OK(repair);
  EXPECT_THAT(repair->damages, ElementsAre("1 row of quarantine", "1 row of verdict"));
  ASSERT_OK(engine_.Write(repair->batch));
  EXPECT_EQ(AllRows(), sound);
}

TEST_F(RepairTest, ALostEventOfAccessStaysBlankInItsPlace) {
  const std::vector<std::function<void(const std::string& key)>> damages = {
      [&](const std::string& key) { DeleteRow(kAccessColumn, key); },
      [&](const std::string& key) { PutRow(kAccessColumn, key, "\xff"); },
  };
  const Columns sound = AllRows();
  for (const uint64_t number : {1, 2, 3}) {
    for (const auto& damage : damages) {
      SCOPED_TRACE(number);
      const std::string key = EventKey(family_, number);
      damage(key);
      const auto repair = Plan();
      ASSERT_OK(repair);
      EXPECT_THAT(repair->damages, ElementsAre("1 event of access, which stays blank"));
      ASSERT_OK(engine_.Write(repair->batch));
      storage::v1::StoredEvent blank;
      *blank.mutable_at() = Event(number == 1 ? 2 : number - 1).at();
      Columns expected = sound;
      expected[kAccessColumn][key] = blank.SerializeAsString();
      EXPECT_EQ(AllRows(), expected);
      EXPECT_THAT(Plan()->damages, IsEmpty());
      Restore(sound);
    }
  }
}

TEST_F(RepairTest, EventsOfAccessThatAreAllLostStayBlank) {
  for (const uint64_t number : {1, 2, 3}) DeleteRow(kAccessColumn, EventKey(family_, number));
  const auto repair = Plan();
  ASSERT_OK(repair);
  EXPECT_THAT(repair->damages, ElementsAre("3 events of access, which stay blank"));
  ASSERT_OK(engine_.Write(repair->batch));
  EXPECT_THAT(Plan()->damages, IsEmpty());
}

TEST_F(RepairTest, ABuildThatDoesNotCountEventsOfAccessLeavesNoDamage) {
  // One that wrote the whole store, and one that went on where this one was.
  for (const uint64_t counted : {0, 2}) {
    ChangeHead([counted](auto& head) { head.set_newest_event(counted); });
    EXPECT_THAT(Plan()->damages, IsEmpty());
  }
}

TEST_F(RepairTest, ANumberOfEventsThatCannotBeMakesUpNoMoreThanAreKept) {
  for (const uint64_t number : {1, 2, 3}) DeleteRow(kAccessColumn, EventKey(family_, number));
  ChangeHead([](auto& head) { head.set_newest_event(~uint64_t{0}); });
  EXPECT_THAT(Plan()->damages, ElementsAre("1000 events of access, which stay blank"));
}

TEST_F(RepairTest, OfEventsOfAccessTheNewestThousandAreThere) {
  WriteBatch batch;
  for (uint64_t number = 4; number <= kEventsKept + 3; ++number) {
    batch.Put(kAccessColumn, EventKey(family_, number), Event(number).SerializeAsString());
    if (number > kEventsKept) batch.Delete(kAccessColumn, EventKey(family_, number - kEventsKept));
  }
  ASSERT_OK(engine_.Write(batch));
  EXPECT_THAT(Plan()->damages, IsEmpty());
  DeleteRow(kAccessColumn, EventKey(family_, 4));
  EXPECT_THAT(Plan()->damages, ElementsAre("1 event of access, which stays blank"));
}

TEST_F(RepairTest, SeveralDamagesAreMadeGoodAtOnceAndTheFamilyGoesOn) {
  DeleteFirst(kFeedColumn);
  DeleteFirst(kFeedColumn);
  DeleteFirst(kConflictColumn);
  DeleteRow(kRecordColumn, RecordKey(family_, summary_));
  ChangeHead([](auto& head) { head.clear_kind_hashes(); });
  const auto repair = Plan();
  ASSERT_OK(repair);
  EXPECT_THAT(repair->damages,
              ElementsAre("2 rows of feed", "1 row of conflict", "1 record of the server"));
  ASSERT_OK(engine_.Write(repair->batch));
  EXPECT_OK(Verify());
  MustPush(EditsOf(TestId<RecordId>(104), Awake()));
  EXPECT_OK(Verify());
}

TEST_F(RepairTest, WhatFollowsFromNothingIsRefused) {
  const std::vector<std::pair<std::string, std::function<void()>>> losses = {
      {"the head", [&] { DeleteRow(kHeadColumn, FamilyHeadKey(family_)); }},
      {"newest journal entry", [&] { ChangeHead([](auto& head) { head.set_chain_hash("x"); }); }},
      {"newest journal entry", [&] { ChangeHead([](auto& head) { head.set_revision(2); }); }},
      {"a journal entry", [&] { DeleteRow(kJournalColumn, JournalKey(family_, 2)); }},
      {"the journal's chain",
       [&] {
         PutRow(kJournalColumn, JournalKey(family_, 2),
                Rows(kJournalColumn).at(JournalKey(family_, 3)));
       }},
      {"record " + entry_.hex(), [&] { DeleteRow(kRecordColumn, RecordKey(family_, entry_)); }},
      {"record " + entry_.hex(),
       [&] { PutRow(kRecordColumn, RecordKey(family_, entry_), "\xff"); }},
      {"record " + entry_.hex(),
       [&] {
         ChangeRecord(entry_, [](auto& record) {
           record.mutable_groups(0)->mutable_versions(0)->set_value("other");
         });
       }},
      // An old state of it, whole in itself.
      {"record " + entry_.hex(),
       [&] {
         ChangeRecord(entry_, [this](auto& record) {
           record.mutable_groups(0)->mutable_versions()->RemoveLast();
           record.set_revision(2);
           record.set_digest(DigestOf(entry_.bytes(), record));
         });
       }},
      {"which the journal does not name",
       [&] {
         PutRow(kRecordColumn, RecordKey(family_, TestId<RecordId>(999)),
                Rows(kRecordColumn).at(RecordKey(family_, entry_)));
       }},
      {"the key of a record", [&] { PutRow(kRecordColumn, FamilyStart(family_) + "x", ""); }},
      {"member " + member_.hex(), [&] { DeleteRow(kAccessColumn, MemberKey(family_, member_)); }},
      {"a device", [&] { DeleteRow(kAccessColumn, FamilyDeviceKey(family_, device_)); }},
      {"a verdict of replica " + replica_.hex(),
       [&] { DeleteRow(kVerdictColumn, TransactionKey(family_, replica_, 4)); }},
      {"verdict 4 of replica " + replica_.hex(),
       [&] { PutRow(kVerdictColumn, TransactionKey(family_, replica_, 4), "\xff"); }},
      {"the key of a verdict", [&] { PutRow(kVerdictColumn, FamilyStart(family_) + "x", ""); }},
      {"transaction 6 of replica " + replica_.hex(),
       [&] { DeleteRow(kQuarantineColumn, TransactionKey(family_, replica_, 6)); }},
      {"transaction 6 of replica " + replica_.hex(),
       [&] { PutRow(kQuarantineColumn, TransactionKey(family_, replica_, 6), "\xff"); }},
      {"transaction 6 of replica " + replica_.hex(),
       [&] { ChangeLate([](auto&, auto& transaction) { transaction.set_seq(5); }); }},
      {"transaction 6 of replica " + replica_.hex(),
       [&] { ChangeLate([](auto&, auto& transaction) { transaction.set_hash("another's"); }); }},
      {"member " + TestId<MemberId>(9).hex(),
       [&] { ChangeLate([](auto& row, auto&) { row.set_member_id(TestId<MemberId>(9).str()); }); }},
      {"transaction 7 of replica " + replica_.hex(),
       [&] { PutRow(kQuarantineColumn, TransactionKey(family_, replica_, 7), "\xff"); }},
      {"the key of a transaction in quarantine",
       [&] { PutRow(kQuarantineColumn, FamilyStart(family_) + "x", ""); }},
      {"the number of an event of access",
       [&] { PutRow(kAccessColumn, EventKey(family_, 2000), Event(4).SerializeAsString()); }},
      {"the number of an event of access",
       [&] { ChangeHead([](auto& head) { head.set_newest_event(2000); }); }},
      {"the key of a replica", [&] { PutRow(kReplicaColumn, FamilyStart(family_) + "x", ""); }},
  };
  const Columns sound = AllRows();
  for (const auto& [what, damage] : losses) {
    SCOPED_TRACE(what);
    damage();
    DeleteFirst(kFeedColumn);  // and something that could be made again
    const absl::Status status = Plan().status();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORAGE_DAMAGED);
    EXPECT_THAT(std::string(status.message()), HasSubstr(what));
    EXPECT_THAT(std::string(status.message()), HasSubstr("restore the newest backup"));
    Restore(sound);
  }
}

TEST_F(RepairTest, AFamilyThatWasStoppedKeepsWhatNeedsNoRevision) {
  ChangeHead([](auto& head) { head.set_halted(true); });
  DeleteFirst(kFeedColumn);
  const auto repair = Plan();
  ASSERT_OK(repair);
  EXPECT_THAT(repair->damages, ElementsAre("1 row of feed"));
  DeleteRow(kRecordColumn, RecordKey(family_, summary_));
  EXPECT_THAT(Plan(), StatusIs(absl::StatusCode::kFailedPrecondition));
}

TEST_F(RepairTest, AReplicaThatItsDeviceHasNotAnyMoreIsNotMadeUp) {
  const ReplicaId old = TestId<ReplicaId>(33);
  AddReplica(old);
  TransactionBuilder transactions(old);
  ASSERT_OK(Push(Owner(), old,
                 {transactions.Make(EditsOf(TestId<RecordId>(105), Awake()), clock_.Now())}));
  DeleteRow(kReplicaColumn, ReplicaKey(family_, old));
  const auto repair = Plan();
  EXPECT_THAT(repair, StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(std::string(repair.status().message()), HasSubstr("replica " + old.hex()));
}

}  // namespace
}  // namespace nightlog
