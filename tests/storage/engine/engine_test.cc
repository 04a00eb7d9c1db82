#include "storage/engine/engine.h"

#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "rocksdb/env.h"
#include "storage/core/errors.h"
#include "storage/engine/memory_engine.h"
#include "storage/engine/rocksdb_engine.h"

namespace nightlog {
namespace {

namespace fs = std::filesystem;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

constexpr Column kA = 0;
constexpr Column kB = 1;
constexpr absl::string_view kColumns[] = {"a", "b"};

// A folder of its own for each test, removed at its end.
class TempFolder {
 public:
  TempFolder() {
    std::string name = (fs::temp_directory_path() / "nightlog_engine_XXXXXX").string();
    EXPECT_NE(::mkdtemp(&name[0]), nullptr);
    path_ = name;
  }
  ~TempFolder() { fs::remove_all(path_); }
  std::string store() const { return path_ + "/store"; }

 private:
  std::string path_;
};

WriteBatch Puts(std::initializer_list<std::pair<absl::string_view, absl::string_view>> rows) {
  WriteBatch batch;
  for (const auto& [key, value] : rows) batch.Put(kA, key, value);
  return batch;
}

std::vector<std::string> Keys(const ReadView& view, Column column, absl::string_view start,
                              absl::string_view limit, ScanOrder order = ScanOrder::kAscending) {
  std::vector<std::string> keys;
  auto it = view.Scan(column, start, limit, order);
  for (; it->Valid(); it->Next()) keys.emplace_back(it->key());
  EXPECT_TRUE(it->status().ok()) << it->status();
  return keys;
}

absl::optional<std::string> ValueAt(const ReadView& view, Column column, absl::string_view key) {
  auto value = view.Get(column, key);
  EXPECT_TRUE(value.ok()) << value.status();
  return value.ok() ? *value : absl::nullopt;
}

struct Kind {
  const char* name;
  std::function<std::unique_ptr<Engine>(const TempFolder&)> make;
};

// What every engine promises.
class EngineTest : public testing::TestWithParam<Kind> {
 protected:
  EngineTest() : engine_(GetParam().make(folder_)) {}

  void Write(const WriteBatch& batch) {
    const absl::Status status = engine_->Write(batch);
    ASSERT_TRUE(status.ok()) << status;
  }

  TempFolder folder_;
  std::unique_ptr<Engine> engine_;
};

INSTANTIATE_TEST_SUITE_P(
    All, EngineTest,
    testing::Values(Kind{"Memory",
                         [](const TempFolder&) -> std::unique_ptr<Engine> {
                           return std::make_unique<MemoryEngine>(2);
                         }},
                    Kind{"Rocksdb",
                         [](const TempFolder& folder) -> std::unique_ptr<Engine> {
                           auto engine = RocksdbEngine::Open(folder.store(), kColumns);
                           EXPECT_TRUE(engine.ok()) << engine.status();
                           return *std::move(engine);
                         }}),
    [](const auto& info) { return info.param.name; });

TEST_P(EngineTest, GetsWhatWasPutAndNothingElse) {
  Write(Puts({{"k", "v"}}));
  const auto view = engine_->Snapshot();
  EXPECT_EQ(ValueAt(*view, kA, "k"), "v");
  EXPECT_EQ(ValueAt(*view, kA, "kk"), absl::nullopt);
  EXPECT_EQ(ValueAt(*view, kB, "k"), absl::nullopt);
}

TEST_P(EngineTest, KeepsKeysAndValuesWithAnyBytes) {
  const std::string key("\0k\xff", 3);
  WriteBatch batch;
  batch.Put(kA, key, std::string("\0\0", 2));
  batch.Put(kB, key, "");
  Write(batch);
  const auto view = engine_->Snapshot();
  EXPECT_EQ(ValueAt(*view, kA, key), std::string("\0\0", 2));
  EXPECT_EQ(ValueAt(*view, kB, key), "");
}

TEST_P(EngineTest, ScansInByteOrderAndBackwards) {
  Write(Puts({{"b", "2"}, {"a", "1"}, {"\xff", "4"}, {"c", "3"}}));
  const auto view = engine_->Snapshot();
  EXPECT_THAT(Keys(*view, kA, "", ""), ElementsAre("a", "b", "c", "\xff"));
  EXPECT_THAT(Keys(*view, kA, "", "", ScanOrder::kDescending), ElementsAre("\xff", "c", "b", "a"));
}

TEST_P(EngineTest, ScanIncludesItsStartAndExcludesItsLimit) {
  Write(Puts({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}));
  const auto view = engine_->Snapshot();
  for (ScanOrder order : {ScanOrder::kAscending, ScanOrder::kDescending}) {
    EXPECT_THAT(Keys(*view, kA, "b", "d", order), testing::UnorderedElementsAre("b", "c"));
    EXPECT_THAT(Keys(*view, kA, "bb", "cc", order), ElementsAre("c"));
    EXPECT_THAT(Keys(*view, kA, "b", "b", order), IsEmpty());
    EXPECT_THAT(Keys(*view, kA, "d", "b", order), IsEmpty());
    EXPECT_THAT(Keys(*view, kA, "e", "", order), IsEmpty());
    EXPECT_THAT(Keys(*view, kB, "", "", order), IsEmpty());
  }
}

TEST_P(EngineTest, ViewKeepsShowingTheMomentItWasTaken) {
  Write(Puts({{"a", "old"}, {"b", "gone later"}}));
  const auto before = engine_->Snapshot();
  WriteBatch batch = Puts({{"a", "new"}, {"c", "added later"}});
  batch.Delete(kA, "b");
  Write(batch);

  EXPECT_EQ(ValueAt(*before, kA, "a"), "old");
  EXPECT_THAT(Keys(*before, kA, "", ""), ElementsAre("a", "b"));
  const auto after = engine_->Snapshot();
  EXPECT_EQ(ValueAt(*after, kA, "a"), "new");
  EXPECT_THAT(Keys(*after, kA, "", ""), ElementsAre("a", "c"));
}

TEST_P(EngineTest, ChangesApplyInTheOrderTheyWereAdded) {
  WriteBatch batch;
  batch.Put(kA, "k", "first");
  batch.Delete(kA, "k");
  batch.Put(kA, "k", "last");
  batch.Put(kA, "z", "1");
  batch.Delete(kA, "z");
  Write(batch);
  const auto view = engine_->Snapshot();
  EXPECT_EQ(ValueAt(*view, kA, "k"), "last");
  EXPECT_EQ(ValueAt(*view, kA, "z"), absl::nullopt);
}

TEST_P(EngineTest, DeleteRangeTakesItsStartAndLeavesItsLimit) {
  Write(Puts({{"a", "1"}, {"b", "2"}, {"c", "3"}, {"d", "4"}}));
  WriteBatch batch;
  batch.DeleteRange(kA, "b", "d");
  batch.Put(kA, "bb", "5");
  Write(batch);
  EXPECT_THAT(Keys(*engine_->Snapshot(), kA, "", ""), ElementsAre("a", "bb", "d"));
}

TEST_P(EngineTest, BatchAppliesWhileItsPreconditionsHold) {
  Write(Puts({{"head", "1"}}));
  WriteBatch batch = Puts({{"head", "2"}, {"row", "x"}});
  batch.Require(kA, "head", "1");
  batch.Require(kA, "row", absl::nullopt);
  Write(batch);
  EXPECT_EQ(ValueAt(*engine_->Snapshot(), kA, "row"), "x");
}

TEST_P(EngineTest, BatchWithABrokenPreconditionChangesNothing) {
  Write(Puts({{"head", "2"}}));
  const std::vector<std::pair<std::string, absl::optional<std::string>>> broken = {
      {"head", "1"}, {"head", absl::nullopt}, {"absent", "1"}};
  for (const auto& [key, value] : broken) {
    WriteBatch batch = Puts({{"row", "x"}});
    batch.Require(kA, "head", "2");
    batch.Require(kA, key, value);
    EXPECT_EQ(engine_->Write(batch).code(), absl::StatusCode::kAborted) << key;
    EXPECT_EQ(ValueAt(*engine_->Snapshot(), kA, "row"), absl::nullopt) << key;
  }
}

TEST_P(EngineTest, OfBatchesAtOnceThatRequireTheSameValueOneApplies) {
  constexpr int kThreads = 4;
  constexpr int kEach = 50;
  Write(Puts({{"head", "0"}}));
  std::vector<std::thread> threads;
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([this] {
      for (int applied = 0; applied < kEach;) {
        const absl::optional<std::string> before = ValueAt(*engine_->Snapshot(), kA, "head");
        int count = 0;
        ASSERT_TRUE(absl::SimpleAtoi(*before, &count));
        WriteBatch batch = Puts({{"head", absl::StrCat(count + 1)}});
        batch.Require(kA, "head", before);
        const absl::Status status = engine_->Write(batch);
        applied += status.ok();
        ASSERT_TRUE(status.ok() || absl::IsAborted(status)) << status;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(ValueAt(*engine_->Snapshot(), kA, "head"), absl::StrCat(kThreads * kEach));
}

std::unique_ptr<RocksdbEngine> MustOpen(const TempFolder& folder,
                                        absl::Span<const absl::string_view> columns = kColumns) {
  auto engine = RocksdbEngine::Open(folder.store(), columns);
  EXPECT_TRUE(engine.ok()) << engine.status();
  return engine.ok() ? *std::move(engine) : nullptr;
}

// 300 acknowledged rows; the newest state stands in the log alone. Returns the log's path.
fs::path WriteManyRows(const TempFolder& folder) {
  auto engine = MustOpen(folder);
  for (int i = 0; i < 300; ++i) {
    WriteBatch batch;
    batch.Put(kA, absl::StrFormat("%04d", i), std::string(100, 'x'));
    EXPECT_TRUE(engine->Write(batch).ok());
  }
  engine.reset();
  std::vector<fs::path> logs;
  for (const auto& file : fs::directory_iterator(folder.store() + "/db")) {
    if (file.path().extension() == ".log" && file.file_size() > 0) logs.push_back(file.path());
  }
  EXPECT_EQ(logs.size(), 1u);
  return logs.front();
}

absl::Status OpenStatus(const TempFolder& folder) {
  return RocksdbEngine::Open(folder.store(), kColumns).status();
}

void ExpectDamaged(const absl::Status& status) {
  EXPECT_EQ(status.code(), absl::StatusCode::kDataLoss) << status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_STORAGE_DAMAGED);
  EXPECT_THAT(std::string(status.message()), HasSubstr("restore a backup"));
}

TEST(RocksdbEngineTest, KeepsRowsWhenItIsOpenedAgain) {
  TempFolder folder;
  ASSERT_TRUE(MustOpen(folder)->Write(Puts({{"k", "v"}})).ok());
  EXPECT_EQ(ValueAt(*MustOpen(folder)->Snapshot(), kA, "k"), "v");
  EXPECT_EQ(ValueAt(*MustOpen(folder)->Snapshot(), kA, "k"), "v");
}

TEST(RocksdbEngineTest, AddsColumnsThatAreNewToTheStore) {
  TempFolder folder;
  ASSERT_TRUE(MustOpen(folder)->Write(Puts({{"k", "v"}})).ok());
  const auto engine = MustOpen(folder, {"b", "c", "a"});
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(ValueAt(*engine->Snapshot(), 2, "k"), "v");
  EXPECT_THAT(Keys(*engine->Snapshot(), 1, "", ""), IsEmpty());
}

TEST(RocksdbEngineTest, RefusesColumnsOfANewerVersion) {
  TempFolder folder;
  MustOpen(folder, {"a", "b", "c"});
  const absl::Status status = OpenStatus(folder);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("newer nightlog"));
}

TEST(RocksdbEngineTest, SecondOpenIsToldThatAnotherProcessUsesIt) {
  TempFolder folder;
  const auto engine = MustOpen(folder);
  const absl::Status status = OpenStatus(folder);
  EXPECT_EQ(status.code(), absl::StatusCode::kFailedPrecondition) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("another process uses"));
}

// The machine's file system with as much room as it is told.
class FullDisk final : public rocksdb::EnvWrapper {
 public:
  explicit FullDisk(uint64_t free) : EnvWrapper(rocksdb::Env::Default()), free_(free) {}
  rocksdb::Status GetFreeSpace(const std::string&, uint64_t* free) override {
    *free = free_;
    return rocksdb::Status::OK();
  }

 private:
  const uint64_t free_;
};

TEST(RocksdbEngineTest, RefusesADiskWithoutRoomForWhatIsInTheLog) {
  TempFolder folder;
  const uint64_t log_bytes = fs::file_size(WriteManyRows(folder));
  RocksdbOptions options;
  FullDisk full((1 << 20) + log_bytes - 1);
  options.env = &full;
  const absl::Status status = RocksdbEngine::Open(folder.store(), kColumns, options).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  EXPECT_EQ(status.message(),
            absl::StrCat("no space left for the store in ", folder.store(),
                         " (2 MiB needed, 1 MiB free): free some, then start again"));
  FullDisk enough((1 << 20) + log_bytes);
  options.env = &enough;
  EXPECT_TRUE(RocksdbEngine::Open(folder.store(), kColumns, options).ok());
}

TEST(RocksdbEngineTest, RefusesADatabaseThatWasDeleted) {
  TempFolder folder;
  WriteManyRows(folder);
  fs::remove_all(folder.store() + "/db");
  ExpectDamaged(OpenStatus(folder));
  fs::create_directory(folder.store() + "/db");
  ExpectDamaged(OpenStatus(folder));
}

TEST(RocksdbEngineTest, RefusesADatabaseWhoseLogWasDeleted) {
  TempFolder folder;
  fs::remove(WriteManyRows(folder));
  ExpectDamaged(OpenStatus(folder));
}

TEST(RocksdbEngineTest, StartsNewWhenTheWholeStoreIsMovedAway) {
  TempFolder folder;
  WriteManyRows(folder);
  fs::rename(folder.store(), folder.store() + ".old");
  EXPECT_THAT(Keys(*MustOpen(folder)->Snapshot(), kA, "", ""), IsEmpty());
}

TEST(RocksdbEngineTest, RefusesALogThatIsDamagedInItsMiddle) {
  TempFolder folder;
  const fs::path log = WriteManyRows(folder);
  const auto size = static_cast<std::streamoff>(fs::file_size(log));
  std::fstream file(log, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(size / 2);
  file.write("\x5a\xa5\x5a\xa5", 4);
  file.close();
  ExpectDamaged(OpenStatus(folder));
}

TEST(RocksdbEngineTest, ForgetsOnlyTheHalfWrittenEndOfALog) {
  TempFolder folder;
  const fs::path log = WriteManyRows(folder);
  fs::resize_file(log, fs::file_size(log) - 7);
  const auto engine = MustOpen(folder);
  ASSERT_NE(engine, nullptr);
  EXPECT_EQ(Keys(*engine->Snapshot(), kA, "", "").size(), 299u);
}

}  // namespace
}  // namespace nightlog
