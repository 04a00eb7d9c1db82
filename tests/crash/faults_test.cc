// The real committer and use cases over the real RocksDB, on a disk that fails. A *life* is one
// process: it opens the store, takes pushes, and ends by a fault. After each life what was
// acknowledged must be there.

#include <algorithm>
#include <atomic>
#include <deque>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "services/family_service.h"
#include "services/sleep_deriver.h"
#include "services/stream_registry.h"
#include "services/sync_service.h"
#include "storage/column_families.h"
#include "storage/committer.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/feed.h"
#include "storage/keys.h"
#include "storage/store.h"
#include "tests/crash/fault_file_system.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fixed_random.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {
namespace {

namespace fs = std::filesystem;
using ::testing::AnyOf;
using ::testing::HasSubstr;

// Thrown through the committer where nightlogd ends its process.
struct StorageFailed {
  absl::Status status;
};

// One life.
struct Process {
  Process(std::unique_ptr<RocksdbEngine> opened, Random& random, const Clock& clock)
      : engine(std::move(opened)),
        committer(
            *engine, feed, deriver, clock,
            [](const absl::Status& status) { throw StorageFailed{status}; },
            Committer::Options{/*threads=*/0}),
        sync(*engine, committer, feed, streams, clock),
        family(*engine, committer, streams, random, clock, Registration::kOpen) {}

  const std::unique_ptr<RocksdbEngine> engine;
  Feed feed;
  StreamRegistry streams;
  SleepDeriver deriver;
  Committer committer;
  SyncService sync;
  FamilyService family;
};

// A phone alone in its family, with what it made, and what it was told of that.
struct Phone {
  Phone(std::string device_token, v1::Pairing paired)
      : token(std::move(device_token)),
        pairing(std::move(paired)),
        transactions(ReplicaId(pairing.replica_id())) {}

  FamilyId family() const { return FamilyId(pairing.family_id()); }
  ReplicaId replica() const { return ReplicaId(pairing.replica_id()); }

  std::string token;
  v1::Pairing pairing;
  TransactionBuilder transactions;
  std::deque<v1::Transaction> outbox;
  std::map<uint64_t, std::string> made;       // seq -> hash
  std::map<uint64_t, uint64_t> acknowledged;  // seq -> revision
};

class FaultRun {
 public:
  explicit FaultRun(uint64_t seed)
      : dice_(seed), random_(seed), disk_(std::make_shared<FaultFileSystem>(seed + 1)) {
    std::string name = (fs::temp_directory_path() / "nightlog_faults_XXXXXX").string();
    EXPECT_NE(::mkdtemp(&name[0]), nullptr);
    folder_ = name;
    env_ = rocksdb::NewCompositeEnv(disk_);
  }
  ~FaultRun() {
    process_.reset();
    fs::remove_all(folder_);
  }

  FaultFileSystem& disk() { return *disk_; }
  std::string store() const { return folder_ + "/store"; }
  bool alive() const { return process_ != nullptr; }
  std::vector<Phone>& phones() { return phones_; }
  // Why the newest life ended.
  const absl::Status& failure() const { return failure_; }

  uint64_t UpTo(uint64_t most) { return dice_() % (most + 1); }

  absl::Status Start() {
    disk_->Start();
    RocksdbOptions options;
    options.env = env_.get();
    options.block_cache_bytes = 1 << 20;
    // Small ones make RocksDB write tables and begin new logs all the time.
    if (small_buffers_) options.write_buffer_bytes = 128 << 10;
    ASSIGN_OR_RETURN(std::unique_ptr<RocksdbEngine> engine,
                     RocksdbEngine::Open(store(), kColumnFamilyNames, options));
    RETURN_IF_ERROR(OpenStore(*engine));
    process_ = std::make_unique<Process>(std::move(engine), random_, clock_);
    return absl::OkStatus();
  }
  void UseSmallBuffers() { small_buffers_ = true; }

  // Ends the process as it stands, as kill -9 does.
  void Kill() {
    disk_->EndProcess();
    process_.reset();
  }

  // A family is made; only what is acknowledged is remembered.
  void CreateFamily() {
    v1::CreateFamilyRequest request;
    request.set_family_name("the owls");
    request.set_member_name("Robin");
    request.set_device_name("Robin's phone");
    process_->family.CreateFamily(
        "", request, [this](absl::StatusOr<v1::CreateFamilyResponse> response) {
          if (!response.ok()) return;
          phones_.emplace_back(response->pairing().device_token(), response->pairing());
        });
    CommitWaiting();
  }

  // Each phone makes up to `most` new transactions and pushes all that it was not told of.
  void PushAll(uint64_t most, size_t text_bytes = 40) {
    for (Phone& phone : phones_) {
      for (uint64_t count = UpTo(most); count > 0; --count) MakeTransaction(phone, text_bytes);
      if (phone.outbox.empty()) continue;
      v1::PushRequest request;
      request.set_family_id(phone.pairing.family_id());
      request.set_replica_id(phone.pairing.replica_id());
      *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
      for (const v1::Transaction& transaction : phone.outbox) {
        *request.add_transactions() = transaction;
      }
      process_->sync.Push(phone.token, request,
                          [&phone](const absl::StatusOr<v1::PushResponse>& response) {
                            ASSERT_OK(response);
                            for (const v1::Verdict& verdict : response->verdicts()) {
                              ASSERT_TRUE(verdict.has_committed()) << verdict.ShortDebugString();
                              phone.acknowledged[verdict.seq()] = verdict.committed().revision();
                              phone.outbox.pop_front();
                            }
                          });
    }
    CommitWaiting();
  }

  // Everything acknowledged is there, once and as it was told; and every family is whole.
  void Check() {
    const std::unique_ptr<ReadView> view = process_->engine->Snapshot();
    for (const Phone& phone : phones_) {
      ASSERT_OK(VerifyFamily(*view, phone.family()));
      std::map<uint64_t, uint64_t> journal;
      ASSERT_NO_FATAL_FAILURE(ReadJournal(*view, phone, journal));
      for (const auto& [seq, revision] : phone.acknowledged) {
        ASSERT_EQ(journal.count(seq), 1u) << "acknowledged and lost: seq " << seq;
        ASSERT_EQ(journal.at(seq), revision) << "seq " << seq;
      }
    }
  }

  // What the phone is told that holds everything it was acknowledged.
  absl::Status FollowFromNewest(const Phone& phone) {
    v1::FollowRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.mutable_cursor()->set_lineage(Lineage(phone));
    request.mutable_cursor()->set_revision(phone.acknowledged.rbegin()->second);
    const auto stream = process_->sync.Follow(phone.token, request, [] {});
    if (stream.ok()) return absl::OkStatus();
    process_->committer.CommitWaiting();
    return stream.status();
  }
  std::string Lineage(const Phone& phone) const {
    const auto view = process_->engine->Snapshot();
    const auto head = FamilyReader(*view, phone.family()).Head();
    return head.ok() && head->has_value() ? (*head)->lineage() : "";
  }
  uint64_t HeadOf(const Phone& phone) const {
    const auto view = process_->engine->Snapshot();
    const auto head = FamilyReader(*view, phone.family()).Head();
    return head.ok() && head->has_value() ? (*head)->revision() : 0;
  }
  absl::Status Verify(const Phone& phone) const {
    return VerifyFamily(*process_->engine->Snapshot(), phone.family());
  }

  // The logs, oldest first.
  std::vector<fs::path> Logs() const {
    std::set<fs::path> logs;
    for (const auto& file : fs::directory_iterator(store() + "/db")) {
      if (file.path().extension() == ".log") logs.insert(file.path());
    }
    return {logs.begin(), logs.end()};
  }

 private:
  void CommitWaiting() {
    try {
      process_->committer.CommitWaiting();
      ASSERT_FALSE(disk_->log_failed()) << "a failed write was acknowledged";
    } catch (const StorageFailed& failed) {
      failure_ = failed.status;
      Kill();
    }
  }

  void MakeTransaction(Phone& phone, size_t text_bytes) {
    clock_.Advance(absl::Seconds(1 + UpTo(600)));
    v1::LogEntry entry;
    entry.set_child_id(child_.str());
    entry.mutable_detail()->mutable_awake();
    *entry.mutable_interval()->mutable_began_at() = ToProto(clock_.Now());
    entry.mutable_interval()->set_zone("Europe/London");
    // Chance bytes, which do not compress; as text.
    std::string text = random_.Bytes(text_bytes);
    for (char& letter : text) letter = static_cast<char>('a' + (letter & 15));
    entry.set_text(text);
    v1::Transaction transaction =
        phone.transactions.Make(EditsOf(MakeRecordId(clock_.Now(), random_), entry), clock_.Now());
    phone.made[transaction.seq()] = transaction.hash();
    phone.outbox.push_back(std::move(transaction));
  }

  static void ReadJournal(const ReadView& view, const Phone& phone,
                          std::map<uint64_t, uint64_t>& revisions) {
    const FamilyReader reader(view, phone.family());
    const auto head = reader.Head();
    ASSERT_OK(head);
    for (uint64_t revision = 1; revision <= (*head)->revision(); ++revision) {
      const auto entry = reader.Journal(revision);
      ASSERT_OK(entry);
      v1::Transaction transaction;
      if ((*entry)->transaction().empty()) continue;  // the server's own
      ASSERT_TRUE(transaction.ParseFromString((*entry)->transaction()));
      ASSERT_EQ((*entry)->replica_id(), phone.replica().bytes());
      ASSERT_EQ(phone.made.at(transaction.seq()), transaction.hash());
      ASSERT_TRUE(revisions.emplace(transaction.seq(), revision).second)
          << "twice in the journal: seq " << transaction.seq();
    }
  }

  std::mt19937_64 dice_;
  FixedRandom random_;
  FakeClock clock_;
  std::string folder_;
  const std::shared_ptr<FaultFileSystem> disk_;
  std::unique_ptr<rocksdb::Env> env_;
  bool small_buffers_ = false;
  const RecordId child_ = TestId<RecordId>(4);
  std::vector<Phone> phones_;
  absl::Status failure_;
  std::unique_ptr<Process> process_;
};

// Several lives on one disk. Between two lives the machine may have lost its power, or only the
// process was killed.
void LiveThroughFaults(uint64_t seed) {
  SCOPED_TRACE(absl::StrCat("seed ", seed));
  FaultRun run(seed);
  if (run.UpTo(2) == 0) run.UseSmallBuffers();
  for (int life = 0; life < 4; ++life) {
    const auto fault = static_cast<DiskFault>(run.UpTo(3));
    run.disk().Arm(fault, 1 + static_cast<int>(run.UpTo(run.UpTo(1) == 0 ? 15 : 120)));
    const absl::Status started = run.Start();
    if (!started.ok()) {
      // Only a fault is a reason not to start, and damage is none of those.
      ASSERT_NE(fault, DiskFault::kNone) << started;
      ASSERT_THAT(started, AnyOf(StatusIs(absl::StatusCode::kUnavailable),
                                 StatusIs(absl::StatusCode::kResourceExhausted)));
    } else {
      ASSERT_NO_FATAL_FAILURE(run.Check());
      for (uint64_t round = 2 + run.UpTo(10); round > 0 && run.alive(); --round) {
        if (run.phones().size() < 3) {
          run.CreateFamily();
        } else {
          run.PushAll(3, run.UpTo(7) == 0 ? 3000 : 40);
        }
      }
    }
    run.Kill();
    if (run.UpTo(2) > 0) run.disk().LosePower();
  }
  run.disk().Disarm();
  ASSERT_OK(run.Start());
  ASSERT_NO_FATAL_FAILURE(run.Check());
  run.PushAll(1);
  ASSERT_NO_FATAL_FAILURE(run.Check());
  for (const Phone& phone : run.phones()) {
    ASSERT_EQ(phone.acknowledged.size(), phone.made.size());
  }
}

TEST(FaultsTest, NothingAcknowledgedIsLostWhateverTheDiskDoes) {
  // Many at once: RocksDB rests for a second after a failure in its background.
  std::atomic<uint64_t> next_seed{1};
  std::vector<std::thread> threads;
  for (int i = 0; i < 12; ++i) {
    threads.emplace_back([&next_seed] {
      for (uint64_t seed = next_seed++; seed <= 300 && !testing::Test::HasFatalFailure();
           seed = next_seed++) {
        LiveThroughFaults(seed);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
}

// Three families with many transactions, then a clean end. The log has several blocks.
void FillAndKill(FaultRun& run) {
  ASSERT_OK(run.Start());
  for (int i = 0; i < 3; ++i) run.CreateFamily();
  while (run.phones().front().acknowledged.size() < 40) run.PushAll(3, 3000);
  run.Kill();
}

void Flip(const fs::path& path, uint64_t offset) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(offset));
  const char byte = static_cast<char>(file.get());
  file.seekp(static_cast<std::streamoff>(offset));
  file.put(static_cast<char>(byte ^ 0x24));
  ASSERT_TRUE(file.good());
}

void ExpectRefused(const absl::Status& status) {
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kDataLoss, HasSubstr("restore")));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORAGE_DAMAGED);
}

// The log is read in blocks of this size. Where a length in the last one is damaged, the record
// seems to go on behind the end, as a half-written one does.
constexpr uint64_t kLogBlockBytes = 32 << 10;

TEST(FaultsTest, RefusesALogThatIsDamagedBeforeItsLastBlock) {
  for (uint64_t seed = 1; seed <= 20; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    FaultRun run(seed);
    ASSERT_NO_FATAL_FAILURE(FillAndKill(run));
    const fs::path log = run.Logs().back();
    const uint64_t blocks_before_last = fs::file_size(log) / kLogBlockBytes;
    ASSERT_GE(blocks_before_last, 3u);
    Flip(log, run.UpTo((blocks_before_last - 1) * kLogBlockBytes));
    ExpectRefused(run.Start());
  }
}

TEST(FaultsTest, RefusesAStoreOfWhichALogWasDeleted) {
  for (uint64_t seed = 1; seed <= 10; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    FaultRun run(seed);
    ASSERT_NO_FATAL_FAILURE(FillAndKill(run));
    for (const fs::path& log : run.Logs()) fs::remove(log);
    ExpectRefused(run.Start());
  }
}

TEST(FaultsTest, DamageInTheLastBlockIsRefusedOrEveryPhoneThatHoldsMoreIsTold) {
  int refused = 0;
  for (uint64_t seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    FaultRun run(seed);
    ASSERT_NO_FATAL_FAILURE(FillAndKill(run));
    const fs::path log = run.Logs().back();
    const uint64_t size = fs::file_size(log);
    Flip(log, size - 1 - run.UpTo(std::min(size, size % kLogBlockBytes) - 1));
    const absl::Status started = run.Start();
    if (!started.ok()) {
      ExpectRefused(started);
      ++refused;
      continue;
    }
    for (const Phone& phone : run.phones()) {
      ASSERT_OK(run.Verify(phone));
      if (run.HeadOf(phone) >= phone.acknowledged.rbegin()->second) continue;
      EXPECT_EQ(ReasonOf(run.FollowFromNewest(phone)), v1::ERROR_REASON_AHEAD_OF_SERVER);
    }
  }
  EXPECT_GT(refused, 0);
}

TEST(FaultsTest, TheHalfWrittenEndOfALogLosesNothingAcknowledged) {
  int torn = 0;
  for (uint64_t seed = 1; seed <= 40; ++seed) {
    SCOPED_TRACE(absl::StrCat("seed ", seed));
    FaultRun run(seed);
    ASSERT_OK(run.Start());
    for (int i = 0; i < 3; ++i) run.CreateFamily();
    run.PushAll(3);
    run.disk().Arm(DiskFault::kCrash, 1);
    while (run.alive()) run.PushAll(3, 500);
    run.disk().Disarm();
    run.disk().LosePower();
    for (const Phone& phone : run.phones()) torn += phone.outbox.empty() ? 0 : 1;
    ASSERT_OK(run.Start());
    ASSERT_NO_FATAL_FAILURE(run.Check());
    run.PushAll(0);
    ASSERT_NO_FATAL_FAILURE(run.Check());
  }
  EXPECT_GT(torn, 0);
}

TEST(FaultsTest, AFullDiskEndsTheProcessAndSaysWhatToDo) {
  FaultRun run(1);
  ASSERT_OK(run.Start());
  run.CreateFamily();
  run.disk().Arm(DiskFault::kFull, 1);
  run.PushAll(0);
  while (run.alive()) run.PushAll(1);
  EXPECT_THAT(run.failure(),
              StatusIs(absl::StatusCode::kResourceExhausted, HasSubstr("free some")));
  run.disk().Disarm();
  ASSERT_OK(run.Start());
  run.PushAll(1);
  ASSERT_NO_FATAL_FAILURE(run.Check());
}

}  // namespace
}  // namespace nightlog
