#include "clients/cli/json.h"

#include <limits>
#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nightlog/v1/records.pb.h"

namespace nightlog::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(JsonTest, IdsAreHexTimesAreRfc3339AndEnumsAreWords) {
  v1::NightSummary night;
  night.set_child_id(std::string("\x01\x02\xff", 3));
  night.set_status(v1::NIGHT_STATUS_COMPLETE);
  night.mutable_onset_at()->set_seconds(1577836800);
  night.mutable_onset_at()->set_nanos(500000000);
  const std::string json = ToJson(night);
  EXPECT_THAT(json, HasSubstr(R"("child_id": "0102ff")"));
  EXPECT_THAT(json, HasSubstr(R"("status": "complete")"));
  EXPECT_THAT(json, HasSubstr(R"("onset_at": "2020-01-01T00:00:00.5Z")"));
}

TEST(JsonTest, WhatIsNotKnownIsLeftOutAndZeroIsNot) {
  v1::NightSummary night;
  night.set_nwak(0);
  const std::string json = ToJson(night);
  EXPECT_THAT(json, HasSubstr(R"("nwak": 0)"));
  EXPECT_THAT(json, Not(HasSubstr("cry_min")));
  EXPECT_THAT(json, Not(HasSubstr("onset_at")));
  EXPECT_THAT(json, HasSubstr(R"("tib_fallback": false)"));
}

TEST(JsonTest, AMapIsAnObjectByItsKeys) {
  v1::NightSummary night;
  (*night.mutable_interventions_by_level())[3] = 2;
  EXPECT_THAT(ToJson(night), HasSubstr(R"("interventions_by_level": {"3": 2})"));
}

TEST(JsonTest, ANumberHasAsManyDigitsAsItNeeds) {
  EXPECT_EQ(NumberText(12.3), "12.3");
  EXPECT_EQ(NumberText(37.0 / 3), "12.333333333333334");
  EXPECT_EQ(NumberText(1e6), "1000000");
  EXPECT_EQ(NumberText(-5e-7), "-0.0000005");
  EXPECT_EQ(NumberText(std::numeric_limits<double>::denorm_min()).size(), 326);
  EXPECT_EQ(NumberText(-std::numeric_limits<double>::max()).size(), 310);
  EXPECT_EQ(NumberText(std::numeric_limits<double>::infinity()), "null");
}

TEST(JsonTest, TextIsEscapedAndKeptAsUtf8) {
  v1::LogEntry entry;
  entry.set_text("\"sch\xC3\xB6n\"\\\n");
  EXPECT_THAT(ToJson(entry), HasSubstr(R"("text": "\"schön\"\\\u000a")"));
}

TEST(JsonTest, AnObjectKeepsTheOrderOfItsMembers) {
  EXPECT_EQ(JsonObject().Add("b", uint64_t{1}).Add("a", "x").Add("c", true).str(),
            R"({"b": 1, "a": "x", "c": true})");
  EXPECT_EQ(JsonList({"1", "2"}), "[1, 2]");
}

}  // namespace
}  // namespace nightlog::cli
