#include "storage/purge.h"

#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <thread>

#include "absl/strings/match.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/family_fixture.h"
#include "tests/testing/temp_folder.h"

namespace nightlog {
namespace {

constexpr char kWords[] = "wore the blue onesie";

// A store on disk with one family, whose words stand in its log and in its tables.
class PurgeTest : public ::testing::Test {
 protected:
  PurgeTest() {
    auto engine = RocksdbEngine::Open(folder_.path(), kColumnFamilyNames);
    EXPECT_OK(engine);
    engine_ = *std::move(engine);
    EXPECT_OK(OpenStore(*engine_));
    committer_ = std::make_unique<Committer>(
        *engine_, feed_, deriver_, clock_,
        [](const absl::Status& status) { ADD_FAILURE() << status; }, Committer::Options());
    Write(kWords);
    // Into a table, and once more into the log.
    EXPECT_OK(engine_->Purge({}, stop_));
    Write(kWords);
  }

  // One revision with these words.
  void Write(const std::string& words) {
    EXPECT_OK(CommitAndWait(*committer_, family_, [&](FamilyWriter& writer) -> absl::Status {
      if (!writer.exists()) writer.Create("the owls", random_);
      storage::v1::QuarantinedTransaction row;
      row.set_transaction(words);
      writer.Put(kQuarantineColumn, TransactionKey(family_, TestId<ReplicaId>(3), ++rows_), row);
      return absl::OkStatus();
    }));
  }

  void Erase() {
    EXPECT_OK(
        CommitAndWait(*committer_, family_, [](FamilyWriter& writer) { return writer.Erase(); }));
  }

  // In how many files of the store the words stand.
  int Found() const {
    int found = 0;
    for (const auto& file : std::filesystem::recursive_directory_iterator(folder_.path())) {
      if (!file.is_regular_file()) continue;
      std::ifstream stream(file.path(), std::ios::binary);
      const std::string bytes((std::istreambuf_iterator<char>(stream)),
                              std::istreambuf_iterator<char>());
      if (absl::StrContains(bytes, kWords)) ++found;
    }
    return found;
  }

  // The store writes a table anew by itself where a view was released, and for a moment both or
  // none are there.
  void AwaitInLogAndTable() const {
    while (Found() != 2) absl::SleepFor(absl::Milliseconds(1));
  }

  const TempFolder folder_;
  const FamilyId family_ = TestId<FamilyId>(1);
  const CountingDeriver deriver_;
  FakeClock clock_;
  FixedRandom random_{1};
  Feed feed_;
  uint64_t rows_ = 0;
  std::atomic<bool> stop_{false};
  std::unique_ptr<RocksdbEngine> engine_;
  std::unique_ptr<Committer> committer_;
};

TEST_F(PurgeTest, WhatIsErasedLeavesEveryFile) {
  AwaitInLogAndTable();
  Erase();
  AwaitInLogAndTable();
  EXPECT_THAT(PurgeErased(*engine_, *committer_, stop_), IsOkAndHolds(1));
  EXPECT_EQ(Found(), 0);
  EXPECT_THAT(PurgeErased(*engine_, *committer_, stop_), IsOkAndHolds(0));
}

TEST_F(PurgeTest, WhatIsNotErasedStays) {
  const FamilyId neighbour = TestId<FamilyId>(2);
  EXPECT_OK(CommitAndWait(*committer_, neighbour, [&](FamilyWriter& writer) {
    writer.Create("the wrens", random_);
    return absl::OkStatus();
  }));
  Erase();
  EXPECT_THAT(PurgeErased(*engine_, *committer_, stop_), IsOkAndHolds(1));
  const auto head = FamilyReader(*engine_->Snapshot(), neighbour).Head();
  ASSERT_OK(head);
  EXPECT_EQ((*head)->name(), "the wrens");
}

TEST_F(PurgeTest, APurgeThatWasBrokenOffIsDoneByTheNext) {
  Erase();
  stop_ = true;
  EXPECT_THAT(PurgeErased(*engine_, *committer_, stop_), StatusIs(absl::StatusCode::kCancelled));
  stop_ = false;
  EXPECT_THAT(PurgeErased(*engine_, *committer_, stop_), IsOkAndHolds(1));
  EXPECT_EQ(Found(), 0);
}

TEST_F(PurgeTest, APurgeWaitsForTheViewsThatStillSeeWhatWasErased) {
  auto view = engine_->Snapshot();
  Erase();
  std::thread reader([&view] {
    absl::SleepFor(absl::Milliseconds(100));
    view.reset();
  });
  EXPECT_THAT(PurgeErased(*engine_, *committer_, stop_), IsOkAndHolds(1));
  reader.join();
  EXPECT_EQ(Found(), 0);
}

}  // namespace
}  // namespace nightlog
