#include "services/imports/measures.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "gtest/gtest.h"

namespace nightlog::imports {
namespace {

// What the stamp says, with an offset where it is a moment; empty: it is none.
std::string Read(absl::string_view text, DateOrder order = DateOrder::kMonthFirst) {
  const absl::optional<Stamp> stamp = ParseStamp(text, order);
  if (!stamp.has_value()) return "";
  return stamp->moment.has_value()
             ? absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", *stamp->moment, absl::UTCTimeZone())
             : absl::FormatCivilTime(stamp->local);
}

TEST(MeasuresTest, AStampIsReadInEachFormThatAppsWrite) {
  const std::string local = "2026-03-04T21:05:00";
  for (const char* text :
       {"2026-03-04 21:05", "2026-03-04T21:05", "2026-03-04 21:05:00", " 2026-03-04 21:05:00.000 ",
        "3/4/26 9:05 PM", "3/4/2026 9:05 PM", "3/4/26, 21:05", "03/04/2026, 9:05\xE2\x80\xAFPM",
        "2026-03-04 9:05 PM", "2026-03-04 09:05:00 PM", "3/4/26 21:05:00", "2026/03/04 21:05",
        "2026/3/4 9:05 PM", "4.3.26 21:05", "04.03.2026, 21:05:00", "3/4/26 9:05 p.m.",
        "3/4/26 9:05 p.\u00A0m."}) {
    EXPECT_EQ(Read(text), local) << text;
  }
  EXPECT_EQ(Read("4/3/26 9:05 PM", DateOrder::kDayFirst), local);
}

TEST(MeasuresTest, AMonthMayHaveItsNameInEnglish) {
  for (const char* text :
       {"4 Mar 2026 21:05", "04-MAR-2026 9:05 PM", "4. March 2026, 21:05:00", "Mar 4, 2026 21:05",
        "march 4, 2026, 9:05 PM", "Mar. 4 2026 21:05", "Mar 4, 2026 at 9:05\xE2\x80\xAFPM"}) {
    EXPECT_EQ(Read(text), "2026-03-04T21:05:00") << text;
    EXPECT_EQ(Read(text, DateOrder::kDayFirst), "2026-03-04T21:05:00") << text;
  }
  int month = 0;
  for (const char* name : {"January", "February", "March", "April", "May", "June", "July", "August",
                           "September", "October", "November", "December"}) {
    const absl::CivilDay day(2026, ++month, 12);
    const std::string letters = std::string(name).substr(0, 3);
    EXPECT_EQ(ParseDay(absl::StrCat("12 ", name, " 2026"), DateOrder::kMonthFirst), day);
    EXPECT_EQ(ParseDay(absl::StrCat(letters, " 12, 2026"), DateOrder::kMonthFirst), day);
  }
  // The second may be the day as well as the year; Mars is no month, and February has no 30th.
  for (const char* text : {"4 Mar 21:05", "26 Mar 04", "4 Mar 26", "4 Mars 2026", "30 Feb 2026",
                           "Mar 2026", "4 2026", "Mar 4", "32 Mar 2026", "0 Mar 2026"}) {
    EXPECT_EQ(ParseDay(text, DateOrder::kDayFirst), absl::nullopt) << text;
    EXPECT_EQ(Read(absl::StrCat(text, " 21:05")), "") << text;
  }
}

TEST(MeasuresTest, AStampWithAnOffsetOrFromTheEpochIsAMoment) {
  for (const char* text :
       {"2026-03-04T21:05:00Z", "2026-03-04 22:05:00+01:00", "2026-03-04T16:05:00-05:00",
        "2026-03-04T21:05Z", "1772658300", "1772658300000"}) {
    EXPECT_EQ(Read(text), "2026-03-04T21:05:00Z") << text;
  }
}

TEST(MeasuresTest, WhatIsNoStampIsNone) {
  for (const char* text :
       {"", "soon", "2026-13-04 21:05", "2026-02-30 21:05", "3/4/26", "12345", "2026-03-04",
        "25:00", "2026-03-04 24:30", "4.13.26 21:05", "4.3/26 21:05", "4.3", "4..26 21:05",
        "0001-01-01 00:00", "1899-12-30 21:05", "2206-03-04 21:05", "9999-12-31T23:59:59Z"}) {
    EXPECT_EQ(Read(text), "") << text;
  }
}

TEST(MeasuresTest, ADayIsReadWithDotsToo) {
  for (const char* text : {"2026-03-04", "2026/03/04", "3/4/26", "4.3.2026", "04.03.26"}) {
    EXPECT_EQ(ParseDay(text, DateOrder::kMonthFirst), absl::CivilDay(2026, 3, 4)) << text;
  }
}

TEST(MeasuresTest, ADayOfAnotherAgeIsNone) {
  EXPECT_EQ(ParseDay("0001-01-01", DateOrder::kMonthFirst), absl::nullopt);
  EXPECT_EQ(ParseDay("3/4/2206", DateOrder::kMonthFirst), absl::nullopt);
}

TEST(MeasuresTest, ACommaIsDecimalOrNobodyKnows) {
  EXPECT_EQ(ParseNumber("1.5"), 1.5);
  EXPECT_EQ(ParseNumber("0,25"), 0.25);
  EXPECT_EQ(ParseMillilitres("120,5 ml", absl::nullopt), 120.5);
  for (const char* text : {"1,500", "1,5,5", "1,5.5", "x"}) {
    EXPECT_EQ(ParseNumber(text), absl::nullopt) << text;
  }
}

TEST(MeasuresTest, ALengthIsReadInEachFormThatAppsWrite) {
  EXPECT_EQ(ParseLength("1:20"), absl::Minutes(80));
  EXPECT_EQ(ParseLength("11:20:30"), absl::Hours(11) + absl::Minutes(20) + absl::Seconds(30));
  EXPECT_EQ(ParseLength("1 day, 1:00:00"), absl::Hours(25));
  EXPECT_EQ(ParseLength("0:10:00.250"), absl::Minutes(10));
  EXPECT_EQ(ParseLength("1h 20m"), absl::Minutes(80));
  EXPECT_EQ(ParseLength("1h20m"), absl::Minutes(80));
  EXPECT_EQ(ParseLength("45 min"), absl::Minutes(45));
  EXPECT_EQ(ParseLength("2 hours"), absl::Hours(2));
  EXPECT_EQ(ParseLength("30s"), absl::Seconds(30));
  for (const char* text : {"", "90", "1:75", "1:", "h", "yellow", "1h x", "m20", "20m 1h"}) {
    EXPECT_EQ(ParseLength(text), absl::nullopt) << text;
  }
}

TEST(MeasuresTest, AnAmountIsInItsUnitOrInTheOneThatIsSaid) {
  EXPECT_EQ(ParseMillilitres("120ml", absl::nullopt), 120);
  EXPECT_NEAR(*ParseMillilitres("4 oz", VolumeUnit::kMillilitre), 118.29, 0.01);
  EXPECT_NEAR(*ParseMillilitres("4 fl oz.", absl::nullopt), 118.29, 0.01);
  EXPECT_EQ(ParseMillilitres("120", VolumeUnit::kMillilitre), 120);
  for (const char* text : {"", "120", "some", "1.2.3 ml", "-4 oz", "4 cups"}) {
    EXPECT_EQ(ParseMillilitres(text, absl::nullopt), absl::nullopt) << text;
  }
}

}  // namespace
}  // namespace nightlog::imports
