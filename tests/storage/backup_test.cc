#include "storage/backup.h"

#include <atomic>
#include <cstdint>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/strings/match.h"
#include "absl/synchronization/mutex.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/family_fixture.h"
#include "tests/testing/temp_folder.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

// A store on disk that serves one family, and a directory for its backups.
class BackupTest : public ::testing::Test {
 protected:
  BackupTest() : store_(folder_.path() + "/store"), directory_(folder_.path() + "/backups") {
    Start();
    EXPECT_OK(CommitAndWait(*committer_, family_, [this](FamilyWriter& writer) {
      writer.Create("the owls", random_);
      writer.Put(kReplicaColumn, ReplicaKey(family_, device_.replica()), storage::v1::Replica());
      return absl::OkStatus();
    }));
    auto backups = RocksdbBackups::Open(directory_);
    EXPECT_OK(backups);
    backups_ = *std::move(backups);
  }

  void Start() {
    auto engine = RocksdbEngine::Open(store_, kColumnFamilyNames);
    ASSERT_OK(engine);
    engine_ = *std::move(engine);
    ASSERT_OK(OpenStore(*engine_));
    committer_ = std::make_unique<Committer>(
        *engine_, feed_, deriver_, clock_,
        [](const absl::Status& status) { ADD_FAILURE() << status; }, Committer::Options());
  }
  void Stop() {
    committer_.reset();
    engine_.reset();
  }

  // Commits another entry.
  void Log() {
    v1::LogEntry entry;
    entry.set_child_id(TestId<RecordId>(4).str());
    entry.mutable_detail()->mutable_awake();
    *entry.mutable_interval()->mutable_began_at() = ToProto(clock_.Now());
    entry.mutable_interval()->set_zone("Europe/London");
    v1::PushRequest request;
    request.set_family_id(family_.str());
    request.set_replica_id(device_.replica().str());
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    *request.add_transactions() =
        device_.Make(EditsOf(TestId<RecordId>(++entries_ + 100), entry), clock_.Now());
    ASSERT_OK(CommitAndWait(*committer_, family_, [&](FamilyWriter& writer) -> absl::Status {
      const Pusher owner{TestId<MemberId>(2), [](uint32_t) { return true; }, false};
      ASSIGN_OR_RETURN(const auto verdicts, ApplyPush(request, owner, clock_.Now(), writer));
      return verdicts[0].has_committed() ? absl::OkStatus() : absl::InternalError("not committed");
    }));
  }

  uint32_t MustBackUp() {
    const absl::StatusOr<uint32_t> id = BackUp(*engine_, *backups_, *committer_, stop_);
    EXPECT_OK(id);
    return id.value_or(0);
  }

  storage::v1::FamilyHead Head() const {
    const auto view = engine_->Snapshot();
    const auto head = FamilyReader(*view, family_).Head();
    EXPECT_OK(head);
    return head.ok() && head->has_value() ? **head : storage::v1::FamilyHead();
  }

  const TempFolder folder_;
  const std::string store_;
  const std::string directory_;
  const FamilyId family_ = TestId<FamilyId>(1);
  const CountingDeriver deriver_;
  FakeClock clock_;
  FixedRandom random_{1};
  Feed feed_;
  TransactionBuilder device_{TestId<ReplicaId>(3)};
  uint32_t entries_ = 0;
  std::atomic<bool> stop_{false};
  std::unique_ptr<RocksdbEngine> engine_;
  std::unique_ptr<Committer> committer_;
  std::unique_ptr<RocksdbBackups> backups_;
};

// Name and size of each file.
std::map<std::string, uintmax_t> FilesOf(const std::string& directory) {
  std::map<std::string, uintmax_t> files;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(directory)) {
    files[entry.path().string()] = entry.is_regular_file() ? entry.file_size() : 0;
  }
  return files;
}

TEST_F(BackupTest, AReaderWritesNothingAndSeesWhatThereWasBesideTheServer) {
  EXPECT_THAT(RocksdbBackupReader::Open(folder_.path() + "/nowhere"),
              StatusIs(absl::StatusCode::kNotFound, HasSubstr("no backups")));
  EXPECT_FALSE(std::filesystem::exists(folder_.path() + "/nowhere"));
  Log();
  const uint32_t first = MustBackUp();
  // What a server that ended in the middle of a backup leaves behind.
  std::filesystem::create_directories(directory_ + "/private/7.tmp");
  std::filesystem::remove_all(directory_ + "/shared");
  const std::map<std::string, uintmax_t> files = FilesOf(directory_);
  const auto reader = RocksdbBackupReader::Open(directory_);
  ASSERT_OK(reader);
  EXPECT_OK((*reader)->Verify(first));
  const std::string copy = folder_.path() + "/copy";
  EXPECT_OK((*reader)->Restore(first, copy));
  EXPECT_EQ(FilesOf(directory_), files);
  // The server goes on.
  Log();
  const uint32_t second = MustBackUp();
  EXPECT_THAT((*reader)->List(), SizeIs(1));
  EXPECT_OK((*reader)->Verify(first));
  EXPECT_THAT((*reader)->Verify(second), StatusIs(absl::StatusCode::kNotFound));
}

TEST_F(BackupTest, ARestoredStoreHoldsWhatWasCommittedBeforeTheBackup) {
  Log();
  Log();
  const storage::v1::FamilyHead head = Head();
  const uint32_t id = MustBackUp();
  Log();
  Stop();
  std::filesystem::remove_all(store_);

  ASSERT_OK(backups_->Restore(id, store_));
  Start();
  EXPECT_OK(VerifyFamily(*engine_->Snapshot(), family_));
  EXPECT_EQ(Head().revision(), 2u);
  EXPECT_EQ(Head().chain_hash(), head.chain_hash());
  ASSERT_OK(BeginNewLineages(*engine_, random_));
  EXPECT_NE(Head().lineage(), head.lineage());
}

TEST_F(BackupTest, FamiliesAreToldWhatTheBackupHolds) {
  Log();
  EXPECT_EQ(Head().backed_up_revision(), 0u);
  MustBackUp();
  EXPECT_EQ(Head().backed_up_revision(), 1u);
  Log();
  Log();
  EXPECT_EQ(Head().backed_up_revision(), 1u);
  MustBackUp();
  EXPECT_EQ(Head().backed_up_revision(), 3u);
  EXPECT_OK(VerifyFamily(*engine_->Snapshot(), family_));
}

TEST_F(BackupTest, AFamilyThatBeganAnewIsNotToldOfItsOldLineage) {
  Log();
  MustBackUp();
  ASSERT_OK(BeginNewLineages(*engine_, random_));
  EXPECT_EQ(Head().backed_up_revision(), 0u);
}

TEST_F(BackupTest, AStoreIsNeverOverwritten) {
  const uint32_t id = MustBackUp();
  const absl::Status refused = backups_->Restore(id, store_);
  EXPECT_THAT(refused, StatusIs(absl::StatusCode::kFailedPrecondition));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("move it away"));
  Log();
}

TEST_F(BackupTest, ADamagedBackupIsFoundAndNotRestored) {
  Log();
  const uint32_t id = MustBackUp();
  int damaged = 0;
  for (const auto& file : std::filesystem::recursive_directory_iterator(directory_)) {
    if (!file.is_regular_file() || !absl::StrContains(file.path().string(), ".log")) continue;
    std::fstream bytes(file.path(), std::ios::in | std::ios::out | std::ios::binary);
    bytes.seekp(static_cast<std::streamoff>(file.file_size() / 2));
    bytes.put('\x5a');
    ++damaged;
  }
  ASSERT_GT(damaged, 0);
  EXPECT_THAT(backups_->Verify(id), StatusIs(absl::StatusCode::kDataLoss));
  const std::string elsewhere = folder_.path() + "/elsewhere";
  EXPECT_THAT(backups_->Restore(id, elsewhere), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(std::filesystem::exists(elsewhere));
}

TEST_F(BackupTest, OldBackupsGoAndTheRestStayWhole) {
  for (int i = 0; i < 4; ++i) {
    Log();
    MustBackUp();
  }
  ASSERT_OK(backups_->KeepNewest(2));
  const std::vector<BackupInfo> left = backups_->List();
  ASSERT_THAT(left, SizeIs(2));
  EXPECT_EQ(left[1].id, 4u);
  EXPECT_THAT(left[1].description, HasSubstr("1 families"));
  for (const BackupInfo& backup : left) EXPECT_OK(backups_->Verify(backup.id));
  EXPECT_THAT(backups_->Verify(1), StatusIs(absl::StatusCode::kNotFound));
  EXPECT_THAT(backups_->Restore(1, folder_.path() + "/elsewhere"),
              StatusIs(absl::StatusCode::kNotFound));
}

// Tells how often it was looked at: by a schedule, once it knows of a backup and before it waits
// for the next.
class WatchedClock final : public Clock {
 public:
  absl::Time Now() const override {
    absl::MutexLock lock(&mu_);
    ++looks_;
    return now_;
  }
  void Set(absl::Time now) {
    absl::MutexLock lock(&mu_);
    now_ = now;
  }
  void AwaitLook(int number) const {
    absl::MutexLock lock(&mu_);
    const auto looked = [this, number]()
                            ABSL_SHARED_LOCKS_REQUIRED(mu_) { return looks_ >= number; };
    mu_.Await(absl::Condition(&looked));
  }

 private:
  mutable absl::Mutex mu_;
  mutable int looks_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Time now_ ABSL_GUARDED_BY(mu_) = absl::Now();  // backups are dated by the machine
};

TEST_F(BackupTest, AScheduleMakesTheFirstAtOnceAndFurtherOnesWhenAsked) {
  Log();
  WatchedClock clock;
  BackupSchedule schedule(*engine_, *backups_, *committer_, clock, absl::Hours(24), 2,
                          [](const absl::StatusOr<uint32_t>& id) { EXPECT_OK(id); });
  clock.AwaitLook(1);
  EXPECT_THAT(backups_->List(), SizeIs(1));
  schedule.RequestBackup();
  clock.AwaitLook(2);
  EXPECT_THAT(backups_->List(), SizeIs(2));
  schedule.RequestBackup();
  clock.AwaitLook(3);
  EXPECT_THAT(backups_->List(), SizeIs(2));
  // One each time.
  schedule.SetPlan(absl::Hours(24), 2);
  clock.AwaitLook(4);
  EXPECT_EQ(backups_->List().back().id, 3u);
}

TEST_F(BackupTest, ABackupFromAClockFarAheadDoesNotHoldUpTheNext) {
  Log();
  absl::Notification first, second;
  const auto on_backup = [&](const absl::StatusOr<uint32_t>& id) {
    EXPECT_OK(id);
    if (!first.HasBeenNotified()) return first.Notify();
    clock_.Set(absl::Now());  // the next one is a day away
    second.Notify();
  };
  clock_.Set(absl::Now() - absl::Hours(48));  // backups are dated by the machine
  BackupSchedule schedule(*engine_, *backups_, *committer_, clock_, absl::Hours(24), 2, on_backup);
  second.WaitForNotification();
  EXPECT_THAT(backups_->List(), SizeIs(2));
}

TEST_F(BackupTest, ANewPlanHoldsAtOnce) {
  Log();
  WatchedClock clock;
  BackupSchedule schedule(*engine_, *backups_, *committer_, clock, absl::Hours(24), 2,
                          [&](const absl::StatusOr<uint32_t>& id) {
                            EXPECT_OK(id);
                            // The next one is not due.
                            clock.Set(absl::Now());
                          });
  clock.AwaitLook(1);
  clock.Set(absl::Now() + absl::Hours(2));
  schedule.SetPlan(absl::Hours(5), 2);
  clock.AwaitLook(2);
  EXPECT_THAT(backups_->List(), SizeIs(1)) << "not due yet";
  schedule.SetPlan(absl::Hours(1), 1);
  clock.AwaitLook(4);  // it is due, and after that the next one is not
  const std::vector<BackupInfo> made = backups_->List();
  ASSERT_THAT(made, SizeIs(1));
  EXPECT_EQ(made[0].id, 2u);
}

}  // namespace
}  // namespace nightlog
