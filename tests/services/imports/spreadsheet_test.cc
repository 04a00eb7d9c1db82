#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/services/imports/reading.h"

namespace nightlog::imports {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SpreadsheetTest, NeighbouringCellsAreOneSleepEvenOverMidnight) {
  const ImportedLog log = ReadWell(
      "time,2026-01-10,2026-01-11\n"
      "0:00,,s\n"
      "6:00,,S\n"
      "12:00,E,\n"
      "18:00,S,\n",
      OptionsIn("Europe/London"));
  EXPECT_EQ(log.rows, 4);
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_TRUE(log.entries[0].entry.detail().has_feed());
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-01-10T12:00:00+00:00");
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 360);
  EXPECT_TRUE(log.entries[1].entry.detail().has_sleep());
  EXPECT_EQ(log.entries[1].rows, 3);
  EXPECT_EQ(LocalBegin(log.entries[1].entry), "2026-01-10T18:00:00+00:00");
  EXPECT_EQ(LocalEnd(log.entries[1].entry), "2026-01-11T12:00:00+00:00");
}

TEST(SpreadsheetTest, HoursMayHaveADecimalComma) {
  const ImportedLog log =
      ReadWell("time;10.01.2026;11.01.2026\n23,5;S;\n23,75;S;\n", OptionsIn("Europe/London"));
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-01-10T23:30:00+00:00");
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 30);
}

TEST(SpreadsheetTest, TimesOfDayMayBeByAClockOfTwelveHours) {
  const ImportedLog log =
      ReadWell(" Time , 2026-01-10 \n12:00 AM,E\n12:15 am,\n12:30 AM,S\n12:45 AM,\n1:00 a.m.,\n",
               OptionsIn("UTC"));
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-01-10T00:00:00+00:00");
  EXPECT_EQ(LocalBegin(log.entries[1].entry), "2026-01-10T00:30:00+00:00");
  EXPECT_EQ(MinutesOf(log.entries[1].entry), 15);
  const ImportedLog noon = ReadWell("time,2026-01-10\n12:45 PM,S\n1:00 PM,S\n", OptionsIn("UTC"));
  ASSERT_THAT(noon.entries, SizeIs(1));
  EXPECT_EQ(LocalEnd(noon.entries[0].entry), "2026-01-10T13:15:00+00:00");
}

TEST(SpreadsheetTest, RowsOfEmptyCellsAloneSayNothing) {
  const ImportedLog log =
      ReadWell("time,2026-01-10\n0:00,S\n0:15,\n,\n0:30,S\n,\n,\n", OptionsIn("UTC"));
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(log.entries[1].line, 5);
  EXPECT_FALSE(ReadLog(",,\n,,\n", "spreadsheet", OptionsIn("UTC")).ok());
}

TEST(SpreadsheetTest, NumberedDaysCountFromADayThatIsSaid) {
  const std::string text = "time,86,87\n23.5,S,\n23.75,S,\n";
  const auto unsaid = ReadLog(text, "", OptionsIn("UTC"));
  EXPECT_THAT(std::string(unsaid.status().message()), HasSubstr("which day is number 0"));
  ImportOptions options = OptionsIn("UTC");
  options.day_zero = absl::CivilDay(2026, 1, 1);
  const ImportedLog log = ReadWell(text, options);
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-03-28T23:30:00+00:00");
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 30);
}

TEST(SpreadsheetTest, ARemarkIsANoteAndABottleInItAFeed) {
  const ImportedLog log = ReadWell(
      "time,2026-01-10\n18:00,6 oz bottle\n18:15,S\n18:30,new cot\n18:45,S\n", OptionsIn("UTC"));
  ASSERT_THAT(log.entries, SizeIs(4));
  EXPECT_NEAR(log.entries[0].entry.detail().feed().amount_ml(), 177.44, 0.01);
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "");
  EXPECT_TRUE(log.entries[2].entry.detail().has_note());
  EXPECT_EQ(log.entries[2].entry.text(), "new cot");
}

TEST(SpreadsheetTest, ANightInWhichTheClocksGoBackHasTheMinutesThatWentBy) {
  const ImportedLog log =
      ReadWell("time,2026-10-24,2026-10-25\n0,,S\n12,S,\n", OptionsIn("Europe/London"));
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 25 * 60);
}

TEST(SpreadsheetTest, CellsWithoutADayAreSetAsideEachWithItsLine) {
  const ImportedLog log = ReadWell("time,2026-01-10,,someday\n0,S,S,\n12,,,E\n", OptionsIn("UTC"));
  EXPECT_THAT(log.entries, SizeIs(1));
  ASSERT_THAT(log.set_aside, SizeIs(2));
  EXPECT_EQ(log.set_aside[0].line(), 2);
  EXPECT_EQ(log.set_aside[1].line(), 3);
  EXPECT_THAT(log.set_aside[1].text(), HasSubstr("someday"));
}

TEST(SpreadsheetTest, TotalsAreSetAsideEachCellWithItsLine) {
  const ImportedLog log = ReadWell(
      "time,Total,2026-01-10,2026-01-11\n"
      "Total,24,12,12\n"
      "0,12,S,\n"
      "12,12,,S\n"
      "Average,,12,\n"
      "Notes,,,\n",
      OptionsIn("UTC"));
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(LocalBegin(log.entries[1].entry), "2026-01-11T12:00:00+00:00");
  std::vector<std::string> told;
  for (const v1::ImportRemark& remark : log.set_aside) {
    told.push_back(absl::StrCat(remark.line(), ": ", remark.text()));
  }
  const std::string total = "2: it begins with 'Total', which is no time of day";
  EXPECT_THAT(told, ElementsAre("3: column 2 is headed 'Total', which is no day",
                                "4: column 2 is headed 'Total', which is no day", total, total,
                                total, "5: it begins with 'Average', which is no time of day"));
  // The days may be numbers.
  EXPECT_THAT(
      std::string(ReadLog("time,Total,86\n0,,S\n12,,\n", "", OptionsIn("UTC")).status().message()),
      HasSubstr("which day is number 0"));
}

TEST(SpreadsheetTest, ATimeThatWasTypedWrongIsNamed) {
  for (const char* text : {"time,2026-01-10\n0:00,S\n0:3O,S\n1:00,S\n1:30,S\n0:15,S\n",
                           "time,2026-01-10\n0:00,S\n0:3O,S\n"}) {
    EXPECT_THAT(std::string(ReadLog(text, "", OptionsIn("UTC")).status().message()),
                HasSubstr("line 3: it begins with '0:3O'"));
  }
}

TEST(SpreadsheetTest, ASheetWhoseTimesAreNotEvenIsRefused) {
  for (const char* text :
       {"time,2026-01-10\n0,S\n1,S\n3,S\n", "time,2026-01-10\n0,S\nlate,S\n",
        "time,2026-01-10\n0,S\n", "time,2026-01-10\n1,S\n0,S\n", "time,2026-01-10\n0,S\n1,\"S\n"}) {
    EXPECT_FALSE(ReadLog(text, "", OptionsIn("UTC")).ok()) << text;
  }
}

TEST(SpreadsheetTest, AllOfARealSheetOf450DaysIsRead) {
  ImportOptions options = OptionsIn("America/New_York");
  options.day_zero = absl::CivilDay(2016, 1, 1);
  const ImportedLog log = ReadWell(TestData("jitney86-spreadsheet/sleep-eat.csv"), options);
  EXPECT_EQ(log.rows, 25703);
  EXPECT_THAT(log.set_aside, IsEmpty());
  int sleeps = 0;
  int feeds = 0;
  int notes = 0;
  double minutes = 0;
  for (const ImportedEntry& entry : log.entries) {
    const v1::EntryDetail& detail = entry.entry.detail();
    sleeps += detail.has_sleep() ? 1 : 0;
    feeds += detail.has_feed() ? 1 : 0;
    notes += detail.has_note() ? 1 : 0;
    if (detail.has_sleep()) minutes += MinutesOf(entry.entry);
  }
  EXPECT_EQ(notes, 7);
  EXPECT_EQ(log.entries.size(), sleeps + feeds + notes);
  // 23,087 cells of 15 minutes; an hour less where the clocks went forward, more where back.
  EXPECT_NEAR(minutes, 23087 * 15, 120);
}

}  // namespace
}  // namespace nightlog::imports
