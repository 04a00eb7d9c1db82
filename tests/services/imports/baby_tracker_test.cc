#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/services/imports/reading.h"

namespace nightlog::imports {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(BabyTrackerTest, ASleepIsItsBeginAndItsMinutes) {
  const ImportedLog log = ReadWell(
      "Baby,Time,Duration(minutes),Note\n"
      "Robin,\"1/13/26, 19:54\",660\n"
      "Robin,\"1/13/26, 12:09\",101,in the pram\n",
      OptionsIn("Europe/London"));
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-01-13T12:09:00+00:00");
  EXPECT_EQ(log.entries[0].entry.text(), "in the pram");
  EXPECT_EQ(LocalEnd(log.entries[1].entry), "2026-01-14T06:54:00+00:00");
  EXPECT_EQ(log.entries[1].entry.import_origin().activity(), "sleep");
}

TEST(BabyTrackerTest, MinutesAreWhatWentByInANightInWhichTheClocksGoBack) {
  const ImportedLog log =
      ReadWell("Baby,Time,Duration(minutes),Note\nRobin,\"10/24/26, 19:30\",690\n",
               OptionsIn("Europe/London"));
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "2026-10-25T06:00:00+00:00");
}

TEST(BabyTrackerTest, EachFileHasTheKindThatItsColumnsTell) {
  const ImportOptions options = OptionsIn("UTC");
  const ImportedLog nursing = ReadWell(
      "Baby,Time,Start Side,Left duration (min),Right duration (min),Total Duration (min),Note\n"
      "Robin,\"5/14/25, 10:53\",Right,,59,59\n",
      options);
  ASSERT_THAT(nursing.entries, SizeIs(1));
  EXPECT_EQ(nursing.entries[0].entry.detail().feed().kind(), v1::FEED_KIND_BREAST);
  EXPECT_EQ(MinutesOf(nursing.entries[0].entry), 59);
  EXPECT_EQ(nursing.entries[0].entry.text(), "Start Side: Right\nRight duration (min): 59");
  const ImportedLog bottle =
      ReadWell("Baby,Time,Amount (oz.),Note\nRobin,\"2/3/25, 08:38\",0.6\n", options);
  ASSERT_THAT(bottle.entries, SizeIs(1));
  EXPECT_NEAR(bottle.entries[0].entry.detail().feed().amount_ml(), 17.74, 0.01);
  const ImportedLog nappy =
      ReadWell("Baby,Time,Status,Note\nRobin,\"1/13/26, 15:58\",Mixed\n", options);
  ASSERT_THAT(nappy.entries, SizeIs(1));
  EXPECT_EQ(nappy.entries[0].entry.text(), "diaper\nStatus: Mixed");
  const ImportedLog pumping = ReadWell(
      "Time,Start Side,Left duration (min),Right duration (min),Total Duration (min),Left amount "
      "(oz.),Right amount (oz.),Total amount (oz.),Note\n\"7/1/25, 15:55\",,21,22,43,,,4,\n",
      options);
  ASSERT_THAT(pumping.entries, SizeIs(1));
  EXPECT_EQ(pumping.entries[0].entry.text(),
            "pumping\nTotal amount (oz.): 4\nLeft duration (min): 21\nRight duration (min): 22");
}

TEST(BabyTrackerTest, AnAmountThatIsNoneStaysInTheText) {
  const ImportedLog log =
      ReadWell("Baby,Time,Amount (oz.),Note\nRobin,\"2/3/25, 08:38\",half,ok\n", OptionsIn("UTC"));
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(log.entries[0].entry.text(), "Amount (oz.): half\nok");
  EXPECT_THAT(log.adjusted, SizeIs(1));
}

TEST(BabyTrackerTest, RowsOfTwoFilesThatSayTheSameAreTwoEvents) {
  const ImportOptions options = OptionsIn("UTC");
  const ImportedLog nursing =
      ReadWell("Baby,Time,Total Duration (min),Note\nRobin,\"5/14/25, 10:53\",59,\n", options);
  const ImportedLog pumping =
      ReadWell("Time,Total Duration (min),Note\n\"5/14/25, 10:53\",59,\n", options);
  ASSERT_THAT(nursing.entries, SizeIs(1));
  ASSERT_THAT(pumping.entries, SizeIs(1));
  EXPECT_NE(nursing.entries[0].id, pumping.entries[0].id);
}

TEST(BabyTrackerTest, ATimeThatIsNoneIsSetAside) {
  const ImportedLog log =
      ReadWell("Baby,Time,Duration(minutes),Note\nRobin,\"13/1/26, 19:54\",6\n", OptionsIn("UTC"));
  ASSERT_THAT(log.set_aside, SizeIs(1));
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("13/1/26"));
}

TEST(BabyTrackerTest, ALengthThatIsNoneIsSetAside) {
  const ImportedLog log = ReadWell(
      "Baby,Time,Duration(minutes),Note\nRobin,\"1/13/26, 19:54\",1:30\n", OptionsIn("UTC"));
  ASSERT_THAT(log.set_aside, SizeIs(1));
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("'1:30' in column 'Duration(minutes)'"));
}

}  // namespace
}  // namespace nightlog::imports
