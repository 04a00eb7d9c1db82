#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/services/imports/reading.h"

namespace nightlog::imports {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(BabyBuddyTest, ASleepIsReadFromAnExportAndFromItsImportForm) {
  const ImportOptions options = OptionsIn("Europe/London");
  const ImportedLog form =
      ReadWell("child_id,start,end,notes\n1,2026-02-15 22:53:01,2026-02-16 01:21:01,hm\n", options);
  const ImportedLog exported = ReadWell(
      "id,child_id,child_first_name,child_last_name,start,end,duration,nap,notes,tags\n"
      "7,1,Robin,Doe,2026-02-15 22:53:01,2026-02-16 01:21:01,2:28:00,0,hm,\n",
      options);
  ASSERT_THAT(form.entries, SizeIs(1));
  ASSERT_THAT(exported.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(form.entries[0].entry), "2026-02-15T22:53:01+00:00");
  EXPECT_EQ(MinutesOf(form.entries[0].entry), 148);
  EXPECT_EQ(form.entries[0].entry.text(), "hm");
  EXPECT_EQ(form.entries[0].id, exported.entries[0].id);
}

TEST(BabyBuddyTest, TheDurationTellsWhichRepeatedHourIsMeant) {
  const std::string heading = "child_id,start,end,duration,nap,notes\n";
  const ImportedLog log =
      ReadWell(absl::StrCat(heading, "1,2026-10-24 20:00:00,2026-10-25 01:30:00,6:30:00,0,\n"),
               OptionsIn("Europe/London"));
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "2026-10-25T01:30:00+00:00");
}

TEST(BabyBuddyTest, ALengthThatIsNoneIsSetAside) {
  const ImportedLog log = ReadWell(
      "child_id,start,end,duration,nap,notes\n"
      "1,2026-10-24 20:00:00,,P0DT10H,0,\n"
      "1,2026-10-25 20:00:00,,10:00:00,0,\n",
      OptionsIn("Europe/London"));
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 600);
  ASSERT_THAT(log.set_aside, SizeIs(1));
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("'P0DT10H'"));
}

TEST(BabyBuddyTest, ATimeWithAnOffsetIsAMoment) {
  const ImportedLog log =
      ReadWell("child_id,start,end,notes\n1,2026-02-15T22:00:00-05:00,2026-02-16 04:00:00+00:00,\n",
               OptionsIn("Europe/London"));
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-02-16T03:00:00+00:00");
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 60);
}

TEST(BabyBuddyTest, AnAmountWithoutAUnitStaysInTheTextUntilTheUnitIsSaid) {
  const std::string text =
      "child_id,start,end,type,method,amount,notes\n"
      "1,2026-02-16 23:10:16,2026-02-16 23:24:16,formula,bottle,3.4,\n"
      "1,2026-02-17 03:04:09,2026-02-17 03:12:09,breast milk,right breast,,\n"
      "1,2026-02-17 12:00:00,2026-02-17 12:12:00,solid food,parent fed,,\n";
  ImportOptions options = OptionsIn("UTC");
  const ImportedLog unsaid = ReadWell(text, options);
  ASSERT_THAT(unsaid.entries, SizeIs(3));
  EXPECT_FALSE(unsaid.entries[0].entry.detail().feed().has_amount_ml());
  EXPECT_EQ(unsaid.entries[0].entry.text(), "type: formula\nmethod: bottle\namount: 3.4");
  EXPECT_EQ(unsaid.entries[1].entry.detail().feed().kind(), v1::FEED_KIND_BREAST);
  EXPECT_EQ(unsaid.entries[2].entry.detail().feed().kind(), v1::FEED_KIND_SOLID);
  options.amounts = VolumeUnit::kOunce;
  const ImportedLog said = ReadWell(text, options);
  ASSERT_THAT(said.entries, SizeIs(3));
  EXPECT_NEAR(said.entries[0].entry.detail().feed().amount_ml(), 100.55, 0.01);
  EXPECT_EQ(said.entries[0].id, unsaid.entries[0].id);
}

TEST(BabyBuddyTest, EachFileHasTheKindThatItsColumnsTell) {
  const ImportOptions options = OptionsIn("UTC");
  const ImportedLog note =
      ReadWell("child_id,note,time\n1,slept badly,2026-02-17 06:37:12\n", options);
  ASSERT_THAT(note.entries, SizeIs(1));
  EXPECT_EQ(note.entries[0].entry.text(), "slept badly");
  const ImportedLog nappy =
      ReadWell("child_id,time,wet,solid,color\n1,2026-02-17 06:37:12,1,0,\n", options);
  ASSERT_THAT(nappy.entries, SizeIs(1));
  EXPECT_EQ(nappy.entries[0].entry.text(), "diaper\nwet: 1\nsolid: 0");
  const std::string times = "1,2026-02-17 06:00:00,2026-02-17 06:10:00,";
  const ImportedLog tummy =
      ReadWell(absl::StrCat("child_id,start,end,milestone\n", times, "\n"), options);
  const ImportedLog sleep =
      ReadWell(absl::StrCat("child_id,start,end,notes\n", times, "\n"), options);
  ASSERT_THAT(tummy.entries, SizeIs(1));
  ASSERT_THAT(sleep.entries, SizeIs(1));
  EXPECT_TRUE(tummy.entries[0].entry.detail().has_note());
  EXPECT_TRUE(sleep.entries[0].entry.detail().has_sleep());
  EXPECT_NE(tummy.entries[0].id, sleep.entries[0].id);
}

TEST(BabyBuddyTest, RowsThatSayNothingOfATimeAreSetAside) {
  const ImportedLog log =
      ReadWell("child_id,start,end,notes\n1,,,x\n1,2026-02-17 06:00:00,soon,\n", OptionsIn("UTC"));
  ASSERT_THAT(log.set_aside, SizeIs(2));
  EXPECT_THAT(log.set_aside[1].text(), HasSubstr("soon"));
}

}  // namespace
}  // namespace nightlog::imports
