#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/services/imports/reading.h"

namespace nightlog::imports {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kHeading[] =
    "Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes\n";

ImportedLog Read(absl::string_view rows, absl::string_view zone = "Europe/London") {
  return ReadWell(absl::StrCat(kHeading, rows), OptionsIn(zone));
}

TEST(HuckleberryTest, ASleepKeepsItsPlaceAndWhatWasTickedBesideIt) {
  const ImportedLog log = Read(
      "\"Sleep\",\"2026-01-10 19:30\",\"2026-01-11 06:30\",\"11:00\",\"Upset, Long time to fall "
      "asleep\",\"Nursing, On own in bed\",\"Woke up child\",\"first line\nsecond line\"\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  const v1::LogEntry& entry = log.entries[0].entry;
  EXPECT_EQ(LocalBegin(entry), "2026-01-10T19:30:00+00:00");
  EXPECT_EQ(LocalEnd(entry), "2026-01-11T06:30:00+00:00");
  EXPECT_EQ(entry.detail().sleep().place(), v1::SLEEP_PLACE_CRIB);
  EXPECT_EQ(entry.text(),
            "Start Condition: Upset, Long time to fall asleep\n"
            "Start Location: Nursing, On own in bed\n"
            "End Condition: Woke up child\n"
            "first line\nsecond line");
  EXPECT_EQ(entry.import_origin().source(), "huckleberry");
  EXPECT_THAT(log.adjusted, IsEmpty());
}

TEST(HuckleberryTest, LineBreaksOfANoteMayBeWrittenInLetters) {
  const ImportedLog log = Read("Bath,2026-01-10 18:00,,,,,,one\\ntwo\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_TRUE(log.entries[0].entry.detail().has_note());
  EXPECT_EQ(log.entries[0].entry.text(), "Bath\none\ntwo");
}

// Both times are by the clock of the morning: the child went to sleep at 19:30 of summer time.
TEST(HuckleberryTest, ANightInWhichTheClocksGoBackHasTheMinutesThatWentBy) {
  const ImportedLog log = Read("Sleep,2026-10-24 18:30,2026-10-25 06:00,11:30,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-10-24T19:30:00+01:00");
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "2026-10-25T06:00:00+00:00");
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 690);
  ASSERT_THAT(log.adjusted, SizeIs(1));
  EXPECT_THAT(log.adjusted[0].text(), HasSubstr("began at 2026-10-24T19:30"));
}

TEST(HuckleberryTest, ANightInWhichTheClocksGoForwardHasTheMinutesThatWentBy) {
  const ImportedLog log = Read("Sleep,2026-03-28 20:30,2026-03-29 07:00,10:30,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-03-28T19:30:00+00:00");
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "2026-03-29T07:00:00+01:00");
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 630);
}

TEST(HuckleberryTest, AnEndInTheRepeatedHourIsReadAsTheFirstAndToldOf) {
  const ImportedLog log = Read("Sleep,2026-10-24 20:00,2026-10-25 01:30,5:30,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 330);
  ASSERT_THAT(log.adjusted, SizeIs(1));
  EXPECT_THAT(log.adjusted[0].text(), HasSubstr("happened twice"));
}

TEST(HuckleberryTest, APausedTimerIsImportedFromBeginToEndAndToldOf) {
  const ImportedLog log = Read("Sleep,2026-01-10 19:00,2026-01-11 07:00,11:15,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 720);
  ASSERT_THAT(log.adjusted, SizeIs(1));
  EXPECT_THAT(log.adjusted[0].text(), HasSubstr("paused for 45 min"));
}

TEST(HuckleberryTest, ADurationMayBeWrittenInTwoWays) {
  const ImportedLog log = Read(
      "Sleep,2026-01-10 09:00,,1:20,,,,\n"
      "Sleep,2026-01-10 13:00,,1h 20m,,,,\n"
      "Sleep,2026-01-10 17:00,,20m,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(3));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 80);
  EXPECT_EQ(MinutesOf(log.entries[1].entry), 80);
  EXPECT_EQ(MinutesOf(log.entries[2].entry), 20);
}

TEST(HuckleberryTest, ATimerThatStillRunsIsAnOpenSleep) {
  const ImportedLog log = Read("Sleep,2026-01-10 19:00,,,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_TRUE(log.entries[0].entry.detail().has_sleep());
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "");
}

TEST(HuckleberryTest, FeedsKeepTheirKindTheirSidesAndTheirAmount) {
  const ImportedLog log = Read(
      "Feed,2026-01-10 01:00,,,00:06R,Breast,00:04L,\n"
      "Feed,2026-01-10 02:00,,,Formula,Bottle,120ml,\n"
      "Feed,2026-01-10 03:00,2026-01-10 03:10,0:10,Breast Milk,Bottle,3 oz,\n"
      "Solids,2026-01-10 12:00,,,\"Carrot, pear\",,LOVED,\n");
  ASSERT_THAT(log.entries, SizeIs(4));
  EXPECT_EQ(log.entries[0].entry.detail().feed().kind(), v1::FEED_KIND_BREAST);
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 10);
  EXPECT_EQ(log.entries[1].entry.detail().feed().amount_ml(), 120);
  EXPECT_NEAR(log.entries[2].entry.detail().feed().amount_ml(), 88.72, 0.01);
  EXPECT_EQ(log.entries[3].entry.detail().feed().kind(), v1::FEED_KIND_SOLID);
  EXPECT_THAT(log.entries[3].entry.text(), HasSubstr("Carrot, pear"));
}

TEST(HuckleberryTest, ANappysColourIsNoDuration) {
  const ImportedLog log = Read(
      "Diaper,2026-01-10 10:00,,yellow,Loose,,\"Both, pee:medium\",\n"
      "Meds,2026-01-10 11:00,,2 drops,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(log.entries[1].entry.text(), "Meds\nDuration: 2 drops");
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "");
  EXPECT_EQ(log.entries[0].entry.text(),
            "Diaper\nDuration: yellow\nStart Condition: Loose\nEnd Condition: Both, pee:medium");
}

TEST(HuckleberryTest, EveryRowIsAnEntryOrSetAsideWithItsLineAndReason) {
  const ImportedLog log = Read(
      "Sleep,2026-01-10 09:00,2026-01-10 08:00,1:00,,,,\n"
      "Sleep,lately,,,,,,\n"
      ",2026-01-10 09:00,,,,,,\n"
      "Sleep,2026-01-10 09:00,2026-01-10 10:00\n"
      "Sleep,2026-01-10 09:00,2026-01-10 10:00,1:00,,,,,too many\n"
      "Sleep,2026-01-10 09:00,,1.5 h\n");
  EXPECT_THAT(log.entries, SizeIs(1));  // short rows end where nothing follows
  ASSERT_THAT(log.set_aside, SizeIs(5));
  EXPECT_EQ(log.set_aside[0].line(), 2);
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("ends before it begins"));
  EXPECT_THAT(log.set_aside[1].text(), HasSubstr("lately"));
  EXPECT_THAT(log.set_aside[2].text(), HasSubstr("no type"));
  EXPECT_EQ(log.set_aside[3].line(), 6);
  EXPECT_THAT(log.set_aside[4].text(), HasSubstr("1.5 h"));
}

TEST(HuckleberryTest, AColumnThatANewerAppAddsDoesNotChangeTheId) {
  const std::string row = "Sleep,2026-01-10 09:00,2026-01-10 10:00,1:00,,,,";
  const ImportedLog before = Read(absl::StrCat(row, "\n"));
  const ImportedLog after =
      ReadWell(absl::StrCat("Type,Start,End,Duration,Start Condition,Start Location,End "
                            "Condition,Notes,Logged By\n",
                            row, ",Alex\n"),
               OptionsIn("Europe/London"));
  ASSERT_THAT(after.entries, SizeIs(1));
  EXPECT_EQ(after.entries[0].id, before.entries[0].id);
  EXPECT_EQ(after.entries[0].entry.import_origin().author(), "Alex");
}

}  // namespace
}  // namespace nightlog::imports
