#include "services/imports/remark.h"

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog::imports {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

TEST(RemarkTest, EveryReasonHasASentenceOfItsOwn) {
  std::set<std::string> sentences;
  for (int i = 1; i < v1::ImportReason_ARRAYSIZE; ++i) {
    if (!v1::ImportReason_IsValid(i)) continue;
    const std::string text = MakeRemark(static_cast<v1::ImportReason>(i), {"a", "b"}).text();
    EXPECT_NE(text, "it cannot be read") << i;
    EXPECT_TRUE(sentences.insert(text).second) << text;
  }
  EXPECT_THAT(sentences, SizeIs(v1::ImportReason_descriptor()->value_count() - 1));
}

TEST(RemarkTest, ARefusalIsUnderstoodAgain) {
  const absl::Status refusal = Refusal(v1::IMPORT_REASON_NO_TIME_OF_DAY, {"noonish"}, 7);
  EXPECT_TRUE(absl::IsInvalidArgument(refusal));
  EXPECT_EQ(refusal.message(), "line 7: it begins with 'noonish', which is no time of day");
  const v1::ImportRemark remark = RemarkOf(refusal);
  EXPECT_EQ(remark.line(), 7);
  EXPECT_EQ(remark.reason(), v1::IMPORT_REASON_NO_TIME_OF_DAY);
  EXPECT_THAT(remark.values(), ElementsAre("noonish"));
  EXPECT_EQ(remark.text(), "it begins with 'noonish', which is no time of day");
}

TEST(RemarkTest, LongValuesAreCutBetweenCharacters) {
  std::string moons;
  for (int i = 0; i < 100; ++i) moons += "ü";
  const v1::ImportRemark remark = MakeRemark(v1::IMPORT_REASON_TIME, {"x" + moons, "Start"});
  EXPECT_EQ(remark.values(0), "x" + moons.substr(0, 78) + "…");
  EXPECT_EQ(remark.values(1), "Start");
  EXPECT_THAT(MakeRemark(v1::IMPORT_REASON_CHILDREN, std::vector<std::string>(50, "Wren")).values(),
              SizeIs(20));
}

}  // namespace
}  // namespace nightlog::imports
