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
    "Date and Time,End Time,Duration (min),Activity,Quantity,Extra data,Text,Notes,Caregiver\r\n";

ImportedLog Read(absl::string_view rows, absl::string_view zone = "America/New_York") {
  return ReadWell(absl::StrCat(kHeading, rows), OptionsIn(zone));
}

TEST(BabyConnectTest, ASleepRowBecomesASleepWithItsPlaceAndOrigin) {
  const ImportedLog log =
      Read("12/12/20 7:47 PM,12/13/20 7:20 AM,693,Sleep,,,X slept in her crib (11h33m),,A\r\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  const v1::LogEntry& entry = log.entries[0].entry;
  EXPECT_EQ(log.entries[0].line, 2);
  EXPECT_EQ(entry.detail().sleep().place(), v1::SLEEP_PLACE_CRIB);
  EXPECT_EQ(LocalBegin(entry), "2020-12-12T19:47:00-05:00");
  EXPECT_EQ(LocalEnd(entry), "2020-12-13T07:20:00-05:00");
  EXPECT_FALSE(entry.interval().began_tapped());
  EXPECT_EQ(entry.text(), "X slept in her crib (11h33m)");
  EXPECT_EQ(entry.import_origin().source(), "baby-connect");
  EXPECT_EQ(entry.import_origin().activity(), "Sleep");
  EXPECT_EQ(entry.import_origin().author(), "A");
  EXPECT_EQ(entry.child_id(), OptionsIn("UTC").child.str());
}

TEST(BabyConnectTest, ASleepWithoutAnEndStaysOpen) {
  const ImportedLog log = Read("12/20/19 1:11 AM,,,Sleep,,,X slept,,U\r\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_FALSE(log.entries[0].entry.interval().has_ended_at());
  EXPECT_EQ(log.entries[0].entry.detail().sleep().place(), v1::SLEEP_PLACE_UNSPECIFIED);
}

TEST(BabyConnectTest, ABottleKeepsItsAmountInMillilitres) {
  const ImportedLog log = Read(
      "1/1/20 1:00 AM,,,Bottle,8,Formula,X drank 8 oz of formula,,A\n"
      "1/1/20 2:00 AM,,,Bottle,120,Formula,X drank 120 ml of formula,,A\n");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_NEAR(log.entries[0].entry.detail().feed().amount_ml(), 236.588, 0.001);
  EXPECT_EQ(log.entries[0].entry.detail().feed().kind(), v1::FEED_KIND_BOTTLE);
  EXPECT_EQ(log.entries[1].entry.detail().feed().amount_ml(), 120);
}

TEST(BabyConnectTest, AnAmountThatIsNoneIsLeftOutAndToldOf) {
  const ImportedLog log = Read("1/1/20 1:00 AM,,,Bottle,lots,,X drank,,A\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_FALSE(log.entries[0].entry.detail().feed().has_amount_ml());
  ASSERT_THAT(log.adjusted, SizeIs(1));
  EXPECT_THAT(log.adjusted[0].text(), HasSubstr("lots"));
}

TEST(BabyConnectTest, OtherActivitiesBecomeFeedsAndNotes) {
  const ImportedLog log = Read(
      "1/1/20 1:00 AM,1/1/20 1:10 AM,10,Nursing,,,X nursed,,A\n"
      "1/1/20 2:00 AM,,,Solid,,,X ate,\"Pear, mashed\",A\n"
      "1/1/20 3:00 AM,,,Diaper,,,X had a nappy,,A\n");
  ASSERT_THAT(log.entries, SizeIs(3));
  EXPECT_EQ(log.entries[0].entry.detail().feed().kind(), v1::FEED_KIND_BREAST);
  EXPECT_EQ(log.entries[1].entry.detail().feed().kind(), v1::FEED_KIND_SOLID);
  EXPECT_EQ(log.entries[1].entry.text(), "X ate\nPear, mashed");
  EXPECT_TRUE(log.entries[2].entry.detail().has_note());
  EXPECT_EQ(log.entries[2].entry.import_origin().activity(), "Diaper");
}

TEST(BabyConnectTest, EveryRowIsAnEntryOrSetAsideWithItsLineAndReason) {
  const ImportedLog log = Read(
      "1/1/20 1:00 AM,1/1/20 12:00 AM,60,Sleep,,,X slept,,A\n"
      "13/1/20 1:00 AM,,,Sleep,,,X slept,,A\n"
      "1/1/20 1:00 AM,soon,,Sleep,,,X slept,,A\n"
      "1/1/20 1:00 AM,,Sleep\n"
      "1/1/20 4:00 AM,1/1/20 5:00 AM,60,Sleep,,,X slept,,A\n"
      "1/1/20 6:00 AM,,,Note,,,\"never closed,,A\n");
  EXPECT_EQ(log.rows, 6);
  EXPECT_THAT(log.entries, SizeIs(1));
  ASSERT_THAT(log.set_aside, SizeIs(5));
  EXPECT_EQ(log.set_aside[0].line(), 2);
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("ends before it begins"));
  EXPECT_THAT(log.set_aside[1].text(), HasSubstr("13/1/20"));
  EXPECT_THAT(log.set_aside[2].text(), HasSubstr("soon"));
  EXPECT_THAT(log.set_aside[3].text(), HasSubstr("3 columns"));
  EXPECT_EQ(log.set_aside[4].line(), 7);
  EXPECT_THAT(log.set_aside[4].text(), HasSubstr("the rest of the file"));
}

TEST(BabyConnectTest, ATextThatTheServerWouldRefuseIsSetAside) {
  const ImportedLog log =
      Read(absl::StrCat("1/1/20 1:00 AM,,,Note,,,", std::string(4001, 'x'), ",,A\n"));
  EXPECT_THAT(log.entries, IsEmpty());
  ASSERT_THAT(log.set_aside, SizeIs(1));
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("text"));
}

TEST(BabyConnectTest, ASleepOverTheHourThatIsSkippedIsShorterThanItsClockTimes) {
  const ImportedLog log = Read("3/8/20 1:00 AM,3/8/20 4:00 AM,120,Sleep,,,X slept,,A\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "2020-03-08T04:00:00-04:00");
  EXPECT_THAT(log.adjusted, IsEmpty());
}

TEST(BabyConnectTest, ASkippedTimeIsMovedByTheGapAndToldOf) {
  const ImportedLog log = Read("3/8/20 2:30 AM,3/8/20 4:00 AM,30,Sleep,,,X slept,,A\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2020-03-08T03:30:00-04:00");
  ASSERT_THAT(log.adjusted, SizeIs(1));
  EXPECT_EQ(log.adjusted[0].line(), 2);
  EXPECT_THAT(log.adjusted[0].text(), HasSubstr("did not happen"));
}

TEST(BabyConnectTest, TheRowsOwnMinutesTellWhichRepeatedHourIsMeant) {
  const ImportedLog log = Read(
      "10/31/20 8:02 PM,11/1/20 1:59 AM,356,Sleep,,,X slept,,U\n"
      "10/31/20 8:02 PM,11/1/20 1:59 AM,417,Sleep,,,X slept,,U\n");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "2020-11-01T01:59:00-04:00");
  EXPECT_EQ(LocalEnd(log.entries[1].entry), "2020-11-01T01:59:00-05:00");
  EXPECT_THAT(log.adjusted, SizeIs(2));
}

TEST(BabyConnectTest, ASleepThatSeemsToEndBeforeItBeginsIsReadAcrossTheRepeatedHour) {
  const ImportedLog log = Read("11/1/20 1:50 AM,11/1/20 1:10 AM,,Sleep,,,X slept,,U\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2020-11-01T01:50:00-04:00");
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "2020-11-01T01:10:00-05:00");
}

TEST(BabyConnectTest, TheSameRowHasTheSameIdWhereverItStandsInTheFile) {
  const std::string row = "1/1/20 1:00 AM,1/1/20 1:10 AM,10,Nursing,,,X nursed,,A\n";
  const std::string other = "1/1/20 3:00 AM,,,Bottle,8,Milk,X drank,,U\n";
  const ImportedLog first = Read(row + other);
  const ImportedLog second = Read(other + row);
  ASSERT_THAT(first.entries, SizeIs(2));
  EXPECT_EQ(first.entries[0].id, second.entries[0].id);
  EXPECT_EQ(first.entries[1].id, second.entries[1].id);
  EXPECT_NE(first.entries[0].id, first.entries[1].id);
}

TEST(BabyConnectTest, TheOrderOfTheColumnsDoesNotChangeTheId) {
  const ImportedLog swapped = ReadWell(
      "Caregiver,Date and Time,End Time,Duration (min),Activity,Quantity,Extra data,Text,Notes\n"
      "A,1/1/20 1:00 AM,,,Solid,,,X ate,\n",
      OptionsIn("America/New_York"));
  ASSERT_THAT(swapped.entries, SizeIs(1));
  EXPECT_EQ(swapped.entries[0].id, Read("1/1/20 1:00 AM,,,Solid,,,X ate,,A\n").entries[0].id);
}

TEST(BabyConnectTest, EqualRowsAreDifferentEntriesAndOfDifferentChildrenToo) {
  const std::string row = "1/1/20 1:00 AM,,,Solid,,,X ate,,A\n";
  const ImportedLog twice = Read(row + row);
  ASSERT_THAT(twice.entries, SizeIs(2));
  EXPECT_NE(twice.entries[0].id, twice.entries[1].id);
  ImportOptions options = OptionsIn("America/New_York");
  options.child = RecordIdOf("test", "another child");
  const ImportedLog other = ReadWell(absl::StrCat(kHeading, row), options);
  EXPECT_NE(other.entries[0].id, twice.entries[0].id);
}

TEST(BabyConnectTest, AFileOfAnotherKindIsRefused) {
  const auto log = ReadLog("date,what\n1/1/20,slept\n", "baby-connect", OptionsIn("UTC"));
  EXPECT_THAT(std::string(log.status().message()), HasSubstr("not a file of baby-connect"));
}

// The id was written down when this importer was first used: were it to change, a log that was
// imported by then would be imported once more.
TEST(BabyConnectTest, AnIdIsForEver) {
  const ImportedLog log = Read("1/1/20 1:00 AM,1/1/20 1:10 AM,10,Nursing,,,X nursed,,A\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(log.entries[0].id.hex(), "467f831d804f85e2880ac57fe6e52970");
}

TEST(BabyConnectTest, AllOfARealLogOfAYearIsRead) {
  const ImportedLog log =
      ReadWell(TestData("eva-baby-connect/eva.csv"), OptionsIn("America/New_York"));
  EXPECT_EQ(log.rows, 4207);
  EXPECT_THAT(log.entries, SizeIs(4207));
  EXPECT_THAT(log.set_aside, IsEmpty());
  EXPECT_THAT(log.adjusted, SizeIs(1));  // a sleep that ends in the hour that came twice
  int sleeps = 0;
  for (const ImportedEntry& entry : log.entries) {
    if (entry.entry.detail().has_sleep()) ++sleeps;
  }
  EXPECT_EQ(sleeps, 1859);
}

}  // namespace
}  // namespace nightlog::imports
