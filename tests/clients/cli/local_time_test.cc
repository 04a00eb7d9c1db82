#include "clients/cli/local_time.h"

#include <string>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;

absl::Time At(absl::string_view rfc3339) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, rfc3339, &time, &error)) << error;
  return time;
}

absl::TimeZone NewYork() { return *FindZone("America/New_York"); }

TEST(LocalTimeTest, NowIsNow) {
  const absl::Time now = At("2026-03-01T03:12:34.5-05:00");
  EXPECT_EQ(ParseMoment("now", now, NewYork())->time, now);
}

TEST(LocalTimeTest, AClockTimeIsTheLatestOneThatHasPassed) {
  const absl::Time now = At("2026-03-01T03:12:00-05:00");
  EXPECT_EQ(ParseMoment("03:12", now, NewYork())->time, At("2026-03-01T03:12:00-05:00"));
  EXPECT_EQ(ParseMoment("03:13", now, NewYork())->time, At("2026-02-28T03:13:00-05:00"));
  EXPECT_EQ(ParseMoment("23:40", now, NewYork())->time, At("2026-02-28T23:40:00-05:00"));
}

TEST(LocalTimeTest, OfAClockTimeThatHappenedTwiceTheLatestPastOneIsMeant) {
  const absl::Time between = At("2026-11-01T01:40:00-04:00");
  EXPECT_EQ(ParseMoment("01:30", between, NewYork())->time, At("2026-11-01T01:30:00-04:00"));
  const absl::Time after = At("2026-11-01T04:00:00-05:00");
  const auto reading = ParseMoment("01:30", after, NewYork());
  EXPECT_EQ(reading->time, At("2026-11-01T01:30:00-05:00"));
  EXPECT_THAT(reading->remark, HasSubstr("second"));
}

TEST(LocalTimeTest, ASkippedLocalTimeIsMovedByTheGapAndSaidSo) {
  const auto reading = ParseMoment("2026-03-08 02:30", absl::Now(), NewYork());
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->time, At("2026-03-08T03:30:00-04:00"));
  EXPECT_THAT(reading->remark, HasSubstr("did not happen"));
}

TEST(LocalTimeTest, ARepeatedLocalTimeIsReadAsTheFirstAndSaidSo) {
  const auto reading = ParseMoment("2026-11-01T01:30", absl::Now(), NewYork());
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->time, At("2026-11-01T01:30:00-04:00"));
  EXPECT_THAT(reading->remark, HasSubstr("first"));
}

TEST(LocalTimeTest, AnOffsetMakesAnyTimePlain) {
  const auto reading = ParseMoment("2026-11-01T01:30:00-05:00", absl::Now(), NewYork());
  ASSERT_TRUE(reading.ok()) << reading.status();
  EXPECT_EQ(reading->time, At("2026-11-01T01:30:00-05:00"));
  EXPECT_THAT(reading->remark, IsEmpty());
}

TEST(LocalTimeTest, WhatIsNoTimeIsRefused) {
  for (const char* text : {"", "25:00", "3pm", "03:60", "2026-02-30 10:00", "yesterday"}) {
    EXPECT_FALSE(ParseMoment(text, absl::Now(), NewYork()).ok()) << text;
  }
}

TEST(LocalTimeTest, ADateHasOneForm) {
  EXPECT_EQ(*ParseDate("2026-11-24"), absl::CivilDay(2026, 11, 24));
  for (const char* text : {"2026-11", "2026-11-24 ", "24.11.2026", "2026-02-30", "tonight"}) {
    EXPECT_FALSE(ParseDate(text).ok()) << text;
  }
}

TEST(LocalTimeTest, ANightRunsFromNoonToNoon) {
  EXPECT_EQ(NightOf(At("2026-03-02T11:59:00-05:00"), NewYork()), absl::CivilDay(2026, 3, 1));
  EXPECT_EQ(NightOf(At("2026-03-02T12:00:00-05:00"), NewYork()), absl::CivilDay(2026, 3, 2));
}

}  // namespace
}  // namespace nightlog::cli
