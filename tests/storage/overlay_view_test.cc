#include "storage/overlay_view.h"

#include <map>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/engine/memory_engine.h"
#include "tests/testing/status_matchers.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;

using Rows = std::vector<std::pair<std::string, std::string>>;
// What a view must hold, for each column.
using Model = std::vector<std::map<std::string, std::string>>;

constexpr int kTestColumns = 2;

Rows Walk(const ReadView& view, Column column, const std::string& start, const std::string& limit,
          ScanOrder order) {
  Rows rows;
  auto it = view.Scan(column, start, limit, order);
  for (; it->Valid(); it->Next()) rows.emplace_back(it->key(), it->value());
  EXPECT_OK(it->status());
  return rows;
}

Rows Walk(const std::map<std::string, std::string>& model, const std::string& start,
          const std::string& limit, ScanOrder order) {
  Rows rows;
  for (const auto& row : model) {
    if (row.first >= start && (limit.empty() || row.first < limit)) rows.push_back(row);
  }
  if (order == ScanOrder::kDescending) std::reverse(rows.begin(), rows.end());
  return rows;
}

// Draws short keys, so that they meet often.
class Dice {
 public:
  explicit Dice(uint64_t seed) : engine_(seed) {}
  size_t Below(size_t limit) { return engine_() % limit; }
  std::string Key() {
    std::string key;
    for (size_t i = Below(3); i > 0; --i) key.push_back("ab\xff"[Below(3)]);
    return key;
  }

 private:
  std::mt19937_64 engine_;
};

void ChangeAtRandom(Dice& dice, OverlayView& view, Model& model) {
  const auto column = static_cast<Column>(dice.Below(kTestColumns));
  const std::string key = dice.Key();
  if (dice.Below(3) == 0) {
    view.Delete(column, key);
    model[column].erase(key);
  } else {
    std::string value = std::to_string(dice.Below(1000));
    model[column][key] = value;
    view.Put(column, key, std::move(value));
  }
}

void ExpectSame(Dice& dice, const ReadView& view, const Model& model) {
  for (Column column = 0; column < kTestColumns; ++column) {
    for (const ScanOrder order : {ScanOrder::kAscending, ScanOrder::kDescending}) {
      EXPECT_EQ(Walk(view, column, "", "", order), Walk(model[column], "", "", order));
      const std::string start = dice.Key();
      const std::string limit = dice.Key();
      EXPECT_EQ(Walk(view, column, start, limit, order), Walk(model[column], start, limit, order))
          << "from " << start << " to " << limit;
    }
    const std::string key = dice.Key();
    const auto value = view.Get(column, key);
    ASSERT_OK(value);
    const auto expected = model[column].find(key);
    EXPECT_EQ(value->has_value(), expected != model[column].end());
    if (value->has_value()) EXPECT_EQ(**value, expected->second);
  }
}

class OverlayModelTest : public ::testing::TestWithParam<uint64_t> {};

TEST_P(OverlayModelTest, ReadsLikeAMapThroughPutsDeletesStepsAndTheWrite) {
  Dice dice(GetParam());
  MemoryEngine engine(kTestColumns);
  Model model(kTestColumns);
  for (int batch = 0; batch < 20; ++batch) {
    const auto snapshot = engine.Snapshot();
    OverlayView overlay(*snapshot);
    for (size_t step = dice.Below(6); step > 0; --step) {
      OverlayView above(overlay);
      Model above_model = model;
      for (size_t i = dice.Below(8); i > 0; --i) ChangeAtRandom(dice, above, above_model);
      ExpectSame(dice, above, above_model);
      if (dice.Below(3) > 0) {
        overlay.Absorb(std::move(above));
        model = above_model;
      }
      ExpectSame(dice, overlay, model);
    }
    WriteBatch write;
    overlay.AppendTo(write);
    EXPECT_EQ(write.empty(), overlay.empty());
    ASSERT_OK(engine.Write(write));
    ExpectSame(dice, *engine.Snapshot(), model);
  }
}

INSTANTIATE_TEST_SUITE_P(Seeds, OverlayModelTest, ::testing::Range<uint64_t>(1, 26));

TEST(OverlayViewTest, AStepThatIsDroppedLeavesNothing) {
  MemoryEngine engine(1);
  const auto snapshot = engine.Snapshot();
  OverlayView overlay(*snapshot);
  overlay.Put(0, "kept", "1");
  {
    OverlayView step(overlay);
    step.Put(0, "dropped", "2");
    step.Delete(0, "kept");
    EXPECT_THAT(Walk(step, 0, "", "", ScanOrder::kAscending),
                ElementsAre(std::make_pair("dropped", "2")));
  }
  EXPECT_THAT(Walk(overlay, 0, "", "", ScanOrder::kAscending),
              ElementsAre(std::make_pair("kept", "1")));
}

// Fails in the middle of a walk, as a damaged block does.
class DamagedView final : public ReadView {
 public:
  absl::StatusOr<absl::optional<std::string>> Get(Column, absl::string_view) const override {
    return absl::DataLossError("damaged");
  }
  std::unique_ptr<Iterator> Scan(Column, absl::string_view, absl::string_view,
                                 ScanOrder) const override {
    return std::make_unique<Broken>();
  }

 private:
  class Broken final : public Iterator {
   public:
    bool Valid() const override { return !failed_; }
    absl::string_view key() const override { return "a"; }
    absl::string_view value() const override { return "1"; }
    void Next() override { failed_ = true; }
    absl::Status status() const override {
      return failed_ ? absl::DataLossError("damaged") : absl::OkStatus();
    }

   private:
    bool failed_ = false;
  };
};

TEST(OverlayViewTest, AnErrorBelowEndsTheWalkAndIsTold) {
  const DamagedView damaged;
  OverlayView overlay(damaged);
  overlay.Put(0, "b", "2");
  EXPECT_THAT(overlay.Get(0, "a"), StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(overlay.Get(0, "b"));
  auto it = overlay.Scan(0, "", "", ScanOrder::kAscending);
  ASSERT_TRUE(it->Valid());
  EXPECT_EQ(it->key(), "a");
  it->Next();
  EXPECT_FALSE(it->Valid()) << "what comes after the damage must not look complete";
  EXPECT_THAT(it->status(), StatusIs(absl::StatusCode::kDataLoss));
}

}  // namespace
}  // namespace nightlog
