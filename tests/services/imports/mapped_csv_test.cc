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

ImportOptions Mapped(const std::map<std::string, std::string>& columns) {
  ImportOptions options = OptionsIn("Europe/London");
  options.columns = columns;
  return options;
}

TEST(MappedCsvTest, ColumnsAreWhatTheyAreSaidToBe) {
  ImportOptions options =
      Mapped({{"began", "Von"}, {"ended", "Bis"}, {"kind", "Was"}, {"text", "Notiz"}});
  options.kinds = {{"Schlaf", "sleep"}, {"Flasche", "bottle"}};
  const ImportedLog log = ReadWell(
      "Was,Von,Bis,Notiz,Laune\n"
      "Schlaf,2026-01-10 19:00,2026-01-11 06:00,gut,froh\n"
      "Flasche,2026-01-10 18:30,,,\n"
      "Bad,2026-01-10 18:00,,,\n",
      options, "csv");
  ASSERT_THAT(log.entries, SizeIs(3));
  EXPECT_EQ(log.entries[0].entry.text(), "Bad");  // a kind that is not known is a note
  EXPECT_TRUE(log.entries[0].entry.detail().has_note());
  EXPECT_EQ(log.entries[1].entry.detail().feed().kind(), v1::FEED_KIND_BOTTLE);
  EXPECT_TRUE(log.entries[2].entry.detail().has_sleep());
  EXPECT_EQ(MinutesOf(log.entries[2].entry), 660);
  EXPECT_EQ(log.entries[2].entry.text(), "gut\nLaune: froh");
  EXPECT_EQ(log.entries[2].entry.import_origin().activity(), "Schlaf");
}

TEST(MappedCsvTest, TheUsualNamesOfColumnsNeedNotBeSaid) {
  const std::string text =
      "Type,Start Time,End Time,Notes\nNight sleep,3/4/26 7:00 PM,3/5/26 6:00 AM,ok\n";
  const ImportedLog log = ReadWell(text, OptionsIn("America/New_York"), "csv");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-03-04T19:00:00-05:00");
  EXPECT_TRUE(log.entries[0].entry.detail().has_sleep());
  const ImportedLog glow = ReadWell(text, OptionsIn("America/New_York"), "glow");
  ASSERT_THAT(glow.entries, SizeIs(1));
  EXPECT_EQ(glow.entries[0].entry.import_origin().source(), "glow");
}

TEST(MappedCsvTest, UnderscoresInNamesOfColumnsAreBlanks) {
  const ImportedLog log = ReadWell(
      "start_time,END_TIME,duration_minutes,type\n"
      "2026-01-10 19:00,2026-01-11 06:00,,sleep\n2026-01-11 12:00,,75,nap\n",
      OptionsIn("Europe/London"), "csv");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 660);
  EXPECT_EQ(MinutesOf(log.entries[1].entry), 75);
  EXPECT_EQ(log.entries[1].entry.text(), "");
}

TEST(MappedCsvTest, AColumnOfDatesIsFoundWhereTheTimesLackThem) {
  const ImportedLog log = ReadWell(
      "Date,Start Time,End Time\n"
      "12 Nov 2026,7:30 PM,6:00 AM\n\"Nov 13, 2026\",12:00 PM,1:15 PM\n",
      OptionsIn("Europe/London"), "csv");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-11-12T19:30:00+00:00");
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 630);
  EXPECT_EQ(MinutesOf(log.entries[1].entry), 75);
  EXPECT_EQ(log.columns.at("date"), "Date");
}

TEST(MappedCsvTest, AColumnOfDatesBesideWholeTimesIsALineOfTheText) {
  const std::string rows = "2026-01-10,2026-01-10 19:00\n2026-01-11,late\n";
  const ImportedLog log =
      ReadWell(absl::StrCat("Date,Start Time\n", rows), OptionsIn("Europe/London"), "csv");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(log.entries[0].entry.text(), "Date: 2026-01-10");
  EXPECT_THAT(log.set_aside, SizeIs(1));
  // As with a name that says nothing.
  const ImportedLog other =
      ReadWell(absl::StrCat("When,Start Time\n", rows), OptionsIn("Europe/London"), "csv");
  ASSERT_THAT(other.entries, SizeIs(1));
  EXPECT_EQ(log.entries[0].id, other.entries[0].id);
}

TEST(MappedCsvTest, DatesMayBeWrittenDayFirst) {
  ImportOptions options = Mapped({{"began", "at"}});
  options.date_order = DateOrder::kDayFirst;
  const ImportedLog log = ReadWell("at\n4/3/26 19:00\n", options, "csv");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-03-04T19:00:00+00:00");
}

TEST(MappedCsvTest, WithADateOfItsOwnAnEndBeforeTheBeginIsOnTheNextDay) {
  const ImportedLog log =
      ReadWell("day,from,to\n2026-10-24,19:30,06:00\n2026-10-26,12:00,13:15\n",
               Mapped({{"date", "day"}, {"began", "from"}, {"ended", "to"}}), "csv");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 690);  // the clocks went back
  EXPECT_EQ(MinutesOf(log.entries[1].entry), 75);
}

TEST(MappedCsvTest, ARowWhoseOnlyLengthCannotBeReadIsSetAside) {
  const ImportedLog log = ReadWell(
      "Start,End,Duration,Minutes,Type\n"
      "2026-01-10 19:00,,90,,sleep\n"
      "2026-01-10 20:00,,,1:30,sleep\n"
      "2026-01-10 21:00,2026-01-10 22:00,90,,sleep\n"
      "2026-01-10 22:00,,-,0,bottle\n"
      "2026-01-10 23:00,,1h 20m,soon,sleep\n",
      OptionsIn("Europe/London"), "csv");
  ASSERT_THAT(log.set_aside, SizeIs(2));
  EXPECT_EQ(log.set_aside[0].line(), 2);
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("'90' in column 'Duration'"));
  EXPECT_EQ(log.set_aside[1].line(), 3);
  EXPECT_THAT(log.set_aside[1].text(), HasSubstr("'1:30' in column 'Minutes'"));
  ASSERT_THAT(log.entries, SizeIs(3));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 60);
  EXPECT_EQ(MinutesOf(log.entries[2].entry), 80);
}

TEST(MappedCsvTest, AFileOfASpreadsheetWithDecimalCommasIsRead) {
  ImportOptions options =
      Mapped({{"date", "tag"}, {"began", "von"}, {"minutes", "min"}, {"kind", "Was"}});
  const ImportedLog log = ReadWell(
      "Was;Tag;Von;Min\r\nNIGHT_SLEEP;10.01.2026;19:30;690,5\r\nBED_TIME;10.01.2026;19:00;\r\n",
      options, "csv");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_TRUE(log.entries[0].entry.detail().has_put_down());
  EXPECT_EQ(LocalBegin(log.entries[1].entry), "2026-01-10T19:30:00+00:00");
  EXPECT_EQ(MinutesOf(log.entries[1].entry), 690.5);
}

TEST(MappedCsvTest, ALengthStandsInForAnEnd) {
  const ImportedLog log = ReadWell("at,min\n2026-01-10 19:00,90\n2026-01-11 19:00,\n",
                                   Mapped({{"began", "at"}, {"minutes", "min"}}), "csv");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 90);
  EXPECT_EQ(LocalEnd(log.entries[1].entry), "");
}

TEST(MappedCsvTest, AMapThatDoesNotFitIsRefusedWithOneLine) {
  const auto message = [](const ImportOptions& options) {
    return std::string(ReadLog("a,b\n1,2\n", "csv", options).status().message());
  };
  EXPECT_THAT(message(Mapped({{"begin", "a"}})), HasSubstr("can hold 'begin'"));
  EXPECT_THAT(message(Mapped({{"began", "c"}})), HasSubstr("no column 'c'"));
  EXPECT_THAT(message(Mapped({})), HasSubstr("known to say when"));
}

// As programs write them that number their rows.
TEST(MappedCsvTest, AColumnWithoutANameIsNotTakenForOneThatLacks) {
  const ImportedLog log =
      ReadWell(",Start\n7,2026-01-10 19:30\n", OptionsIn("Europe/London"), "csv");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalEnd(log.entries[0].entry), "");
  EXPECT_EQ(log.entries[0].entry.text(), "7");
}

TEST(MappedCsvTest, RowsThatCannotBeReadAreSetAside) {
  const ImportedLog log = ReadWell("day,from\nsoon,19:30\n2026-10-26,late\n",
                                   Mapped({{"date", "day"}, {"began", "from"}}), "csv");
  EXPECT_THAT(log.entries, IsEmpty());
  ASSERT_THAT(log.set_aside, SizeIs(2));
  EXPECT_THAT(log.set_aside[1].text(), HasSubstr("late"));
}

}  // namespace
}  // namespace nightlog::imports
