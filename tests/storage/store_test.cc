#include "storage/store.h"

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/engine/rocksdb_engine.h"
#include "tests/testing/family_fixture.h"
#include "tests/testing/temp_folder.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;

std::string StoreHead(uint32_t version) {
  storage::v1::StoreHead head;
  head.set_format_version(version);
  return head.SerializeAsString();
}

TEST(OpenStoreTest, ANewStoreIsMarkedWithTheFormatVersionAndOpensAgain) {
  MemoryEngine engine(kColumns);
  ASSERT_OK(OpenStore(engine));
  const auto row = engine.Snapshot()->Get(kHeadColumn, StoreHeadKey());
  ASSERT_OK(row);
  EXPECT_EQ(*row, StoreHead(kFormatVersion));
  EXPECT_OK(OpenStore(engine));
}

class StoreTest : public FamilyFixture {
 protected:
  StoreTest() {
    v1::LogEntry asleep;
    asleep.mutable_detail()->mutable_sleep();
    Push("an entry", EditsOf(entry_, Awake()));
    Push("a conflict", EditsOf(entry_, asleep));
    Push("another entry", EditsOf(TestId<RecordId>(101), Awake()));
    EXPECT_OK(Verify());
    EXPECT_OK(OpenStore(engine_));
  }

  void Push(const std::string& what, std::vector<v1::Edit> edits) {
    const auto verdicts = FamilyFixture::Push({device_.Make(std::move(edits), clock_.Now())});
    ASSERT_OK(verdicts);
    ASSERT_TRUE((*verdicts)[0].has_committed()) << what;
  }

  void ExpectRefused(const std::string& why) {
    const absl::Status status = OpenStore(engine_);
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss));
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORAGE_DAMAGED);
    EXPECT_THAT(std::string(status.message()), HasSubstr(why));
    EXPECT_THAT(std::string(status.message()), HasSubstr("restore the newest backup"));
  }

  std::string JournalRow(uint64_t revision) const {
    return Rows(kJournalColumn).at(JournalKey(family_, revision));
  }

  const RecordId entry_ = TestId<RecordId>(100);
  TransactionBuilder device_{replica_};
};

TEST_F(StoreTest, ANewerFormatIsRefusedWithAWayOut) {
  PutRow(kHeadColumn, StoreHeadKey(), StoreHead(kFormatVersion + 1));
  const absl::Status status = OpenStore(engine_);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(status.message()), HasSubstr("format version 2"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("newer nightlogd"));
}

TEST_F(StoreTest, ARowOfAnUnknownVersionIsDamage) {
  PutRow(kHeadColumn, StoreHeadKey(), "");
  ExpectRefused("format version");
  DeleteRow(kHeadColumn, StoreHeadKey());
  ExpectRefused("no format version");
}

TEST_F(StoreTest, AMissingHeadIsRefused) {
  DeleteRow(kHeadColumn, FamilyHeadKey(family_));
  ExpectRefused("older than the journal");
}

TEST_F(StoreTest, AHeadFromBeforeTheNewestCommitIsRefused) {
  const std::string old_head = Rows(kHeadColumn).at(FamilyHeadKey(family_));
  Push("one more", EditsOf(TestId<RecordId>(102), Awake()));
  PutRow(kHeadColumn, FamilyHeadKey(family_), old_head);
  ExpectRefused("older than the journal");
}

TEST_F(StoreTest, AMissingNewestJournalEntryIsRefused) {
  DeleteRow(kJournalColumn, JournalKey(family_, 3));
  ExpectRefused("newest journal entry");
}

TEST_F(StoreTest, AnAlteredNewestJournalEntryIsRefused) {
  std::string row = JournalRow(3);
  row.back() ^= 1;
  PutRow(kJournalColumn, JournalKey(family_, 3), row);
  ExpectRefused("newest journal entry");
}

TEST_F(StoreTest, AnUnreadableHeadIsRefused) {
  PutRow(kHeadColumn, FamilyHeadKey(family_), "\xff\xff");
  EXPECT_THAT(OpenStore(engine_), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(StoreTest, OnlyFamiliesOfTheNewestBatchesAreReadOnOpen) {
  ASSERT_OK(CreateFamily(TestId<FamilyId>(9)));
  DeleteRow(kJournalColumn, JournalKey(family_, 3));
  EXPECT_OK(OpenStore(engine_)) << "a start does not read every family";
  EXPECT_THAT(Verify(), StatusIs(absl::StatusCode::kDataLoss));
}

TEST_F(StoreTest, AFamilyErasedOnAnotherShardThanItWasWrittenOnDoesNotStopTheStore) {
  // Which shard a family is of changes with the number of shards and from one process to the next.
  storage::v1::ShardHead old_shard;
  old_shard.add_family_ids(family_.str());
  PutRow(kHeadColumn, ShardHeadKey(5), old_shard.SerializeAsString());
  ASSERT_OK(Commit([](FamilyWriter& writer) { return writer.Erase(); }));
  EXPECT_OK(OpenStore(engine_));
}

TEST_F(StoreTest, WhatAnEarlierProcessWroteLastIsForgottenOnceItIsVerified) {
  const auto shard = [this] { return *engine_.Snapshot()->Get(kHeadColumn, ShardHeadKey(0)); };
  ASSERT_TRUE(shard().has_value());
  ASSERT_OK(ForgetShards(engine_));
  EXPECT_FALSE(shard().has_value());
  EXPECT_OK(OpenStore(engine_));
  EXPECT_OK(Verify());
}

TEST_F(StoreTest, ANewLineageKeepsEveryRecordAndLetsAHaltedFamilyWriteAgain) {
  ASSERT_OK(Commit([](FamilyWriter& writer) {
    writer.Halt();
    return absl::OkStatus();
  }));
  EXPECT_TRUE(Head().halted());
  EXPECT_OK(Verify());
  const auto records = Rows(kRecordColumn);
  const storage::v1::FamilyHead before = Head();
  ASSERT_OK(CreateFamily(TestId<FamilyId>(9)));
  committer_->Stop();

  FixedRandom random(7);
  ASSERT_OK(BeginNewLineages(engine_, random));
  EXPECT_OK(OpenStore(engine_));
  EXPECT_OK(Verify());
  const storage::v1::FamilyHead after = Head();
  EXPECT_NE(after.lineage(), before.lineage());
  EXPECT_FALSE(after.halted());
  EXPECT_EQ(after.revision(), before.revision());
  EXPECT_EQ(Rows(kRecordColumn), records);
  storage::v1::FamilyHead other;
  const auto heads = Rows(kHeadColumn, TestId<FamilyId>(9));
  ASSERT_OK(ParseRow(heads.begin()->second, other));
  EXPECT_NE(other.lineage(), after.lineage());
}

TEST_F(StoreTest, VerifyFamilyFindsEachKindOfDamage) {
  const auto with_head = [this](const std::function<void(storage::v1::FamilyHead&)>& change) {
    storage::v1::FamilyHead head = Head();
    change(head);
    PutRow(kHeadColumn, FamilyHeadKey(family_), head.SerializeAsString());
  };
  const auto with_record = [this](const std::function<void(storage::v1::StoredRecord&)>& change) {
    storage::v1::StoredRecord record = *Record(entry_);
    change(record);
    PutRow(kRecordColumn, RecordKey(family_, entry_), record.SerializeAsString());
  };
  const auto first_key = [this](Column column) { return Rows(column).begin()->first; };
  const std::vector<std::pair<std::string, std::function<void()>>> damages = {
      {"the head", [&] { DeleteRow(kHeadColumn, FamilyHeadKey(family_)); }},
      {"chain hash", [&] { with_head([](auto& head) { head.set_chain_hash("other"); }); }},
      {"a lower revision", [&] { with_head([](auto& head) { head.set_revision(2); }); }},
      {"a state hash",
       [&] {
         with_head([](auto& head) { head.mutable_kind_hashes(0)->set_sum(std::string(32, 'x')); });
       }},
      {"no state hash", [&] { with_head([](auto& head) { head.clear_kind_hashes(); }); }},
      {"a short state hash",
       [&] { with_head([](auto& head) { head.mutable_kind_hashes(0)->set_sum("x"); }); }},
      {"a journal entry in the middle", [&] { DeleteRow(kJournalColumn, JournalKey(family_, 2)); }},
      {"a changed journal entry in the middle",
       [&] { PutRow(kJournalColumn, JournalKey(family_, 1), JournalRow(2)); }},
      {"a journal entry beyond the head",
       [&] { PutRow(kJournalColumn, JournalKey(family_, 4), "x"); }},
      {"a missing record", [&] { DeleteRow(kRecordColumn, RecordKey(family_, entry_)); }},
      {"an unreadable record",
       [&] { PutRow(kRecordColumn, RecordKey(family_, entry_), "\xff\xff"); }},
      {"a changed value",
       [&] {
         with_record([](auto& record) {
           record.mutable_groups(0)->mutable_versions(0)->set_value("other");
         });
       }},
      {"a changed revision", [&] { with_record([](auto& record) { record.set_revision(1); }); }},
      {"a record that agrees with itself and not with the hashes",
       [&] {
         with_record([this](auto& record) {
           record.set_deleted(true);
           record.set_digest(DigestOf(entry_.bytes(), record));
         });
       }},
      {"a missing feed row", [&] { DeleteRow(kFeedColumn, first_key(kFeedColumn)); }},
      {"a second feed row", [&] { PutRow(kFeedColumn, FeedKey(family_, 1, entry_), ""); }},
      {"a missing index row", [&] { DeleteRow(kIndexColumn, first_key(kIndexColumn)); }},
      {"an index row that leads elsewhere",
       [&] { PutRow(kIndexColumn, first_key(kIndexColumn), child_.str()); }},
      {"an index row of nobody",
       [&] { PutRow(kIndexColumn, IndexKey(family_, "x"), entry_.str()); }},
      {"a missing conflict row", [&] { DeleteRow(kConflictColumn, RecordKey(family_, entry_)); }},
      {"a conflict row of nobody",
       [&] { PutRow(kConflictColumn, RecordKey(family_, child_), ""); }},
      {"a record under a short key",
       [&] { PutRow(kRecordColumn, FamilyStart(family_) + "x", ""); }},
      {"a replica under a short key",
       [&] { PutRow(kReplicaColumn, FamilyStart(family_) + "x", ""); }},
      {"a missing newest verdict",
       [&] { DeleteRow(kVerdictColumn, TransactionKey(family_, replica_, 3)); }},
      {"a missing older verdict",
       [&] { DeleteRow(kVerdictColumn, TransactionKey(family_, replica_, 1)); }},
      {"a replica set back",
       [&] {
         storage::v1::Replica replica = Replica();
         replica.set_last_seq(2);
         PutRow(kReplicaColumn, ReplicaKey(family_, replica_), replica.SerializeAsString());
       }},
  };
  for (const auto& [what, damage] : damages) {
    std::vector<std::map<std::string, std::string>> sound;
    for (Column column = 0; column < kColumns; ++column) sound.push_back(Rows(column));
    damage();
    const absl::Status status = Verify();
    EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss)) << what;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORAGE_DAMAGED) << what;
    for (Column column = 0; column < kColumns; ++column) {
      for (const auto& [key, value] : Rows(column)) {
        if (sound[column].count(key) == 0) DeleteRow(column, key);
      }
      for (const auto& [key, value] : sound[column]) PutRow(column, key, value);
    }
    ASSERT_OK(Verify()) << what;
  }
}

TEST_F(StoreTest, AFamilyThatIsNotThereDoesNotVerify) {
  EXPECT_THAT(VerifyFamily(*engine_.Snapshot(), TestId<FamilyId>(9)),
              StatusIs(absl::StatusCode::kDataLoss));
}

TEST(StoreOnDiskTest, AStoreOpenedAgainGoesOnWhereItStopped) {
  const TempFolder folder;
  const FamilyId family = TestId<FamilyId>(1);
  const ReplicaId replica = TestId<ReplicaId>(3);
  const CountingDeriver deriver;
  FakeClock clock;
  FixedRandom random(1);
  TransactionBuilder device(replica);
  v1::LogEntry entry;
  entry.set_child_id(TestId<RecordId>(4).str());
  entry.mutable_detail()->mutable_awake();
  *entry.mutable_interval()->mutable_began_at() = ToProto(clock.Now());
  entry.mutable_interval()->set_zone("Europe/London");
  v1::PushRequest request;
  request.set_family_id(family.str());
  request.set_replica_id(replica.str());
  *request.mutable_sent_at()->mutable_wall() = ToProto(clock.Now());
  std::vector<std::string> first_answers;
  constexpr uint64_t kOpenings = 4;
  for (uint64_t opening = 1; opening <= kOpenings; ++opening) {
    auto engine = RocksdbEngine::Open(folder.path(), kColumnFamilyNames);
    ASSERT_OK(engine);
    ASSERT_OK(OpenStore(**engine));
    Feed feed;
    Committer::Options options;
    options.threads = static_cast<int>(opening);
    Committer committer(
        **engine, feed, deriver, clock, [](const absl::Status& status) { ADD_FAILURE() << status; },
        options);
    if (opening == 1) {
      ASSERT_OK(CommitAndWait(committer, family, [&](FamilyWriter& writer) {
        writer.Create("the owls", random);
        writer.Put(kReplicaColumn, ReplicaKey(family, replica), storage::v1::Replica());
        return absl::OkStatus();
      }));
    }
    // The whole outbox again, and one more: the phone lost every answer.
    *request.add_transactions() = device.Make(
        EditsOf(TestId<RecordId>(100 + static_cast<uint32_t>(opening)), entry), clock.Now());
    std::vector<v1::Verdict> verdicts;
    ASSERT_OK(CommitAndWait(committer, family, [&](FamilyWriter& writer) -> absl::Status {
      const Pusher owner{TestId<MemberId>(2), [](uint32_t) { return true; }, false};
      ASSIGN_OR_RETURN(verdicts, ApplyPush(request, owner, clock.Now(), writer));
      return absl::OkStatus();
    }));
    ASSERT_EQ(verdicts.size(), opening);
    EXPECT_EQ(verdicts.back().committed().revision(), opening);
    for (size_t i = 0; i < first_answers.size(); ++i) {
      EXPECT_EQ(verdicts[i].SerializeAsString(), first_answers[i]);
    }
    first_answers.push_back(verdicts.back().SerializeAsString());
    committer.Stop();
    EXPECT_OK(VerifyFamily(*(*engine)->Snapshot(), family));
  }
}

TEST(StoreOnDiskTest, ANewerFormatOnDiskIsRefused) {
  const TempFolder folder;
  {
    auto engine = RocksdbEngine::Open(folder.path(), kColumnFamilyNames);
    ASSERT_OK(engine);
    ASSERT_OK(OpenStore(**engine));
    WriteBatch batch;
    batch.Put(kHeadColumn, StoreHeadKey(), StoreHead(kFormatVersion + 1));
    ASSERT_OK((*engine)->Write(batch));
  }
  auto engine = RocksdbEngine::Open(folder.path(), kColumnFamilyNames);
  ASSERT_OK(engine);
  EXPECT_THAT(OpenStore(**engine), StatusIs(absl::StatusCode::kFailedPrecondition));
}

}  // namespace
}  // namespace nightlog
