#include "services/imports/format.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/services/imports/reading.h"

namespace nightlog::imports {
namespace {

using ::testing::HasSubstr;

std::string Complaint(absl::string_view text, absl::string_view name = "") {
  const auto log = ReadLog(text, name, OptionsIn("UTC"));
  EXPECT_TRUE(absl::IsInvalidArgument(log.status()));
  return std::string(log.status().message());
}

TEST(FormatTest, AFileThatIsNoneIsRefusedWithOneLine) {
  EXPECT_THAT(Complaint(""), HasSubstr("empty"));
  EXPECT_THAT(Complaint("\xEF\xBB\xBF\r\n\r\n"), HasSubstr("empty"));
  EXPECT_THAT(Complaint("date,what\n1/1/20,slept\n"), HasSubstr("no app that is known"));
  EXPECT_THAT(Complaint("a,b\n", "babyplus"), HasSubstr("baby-connect, huckleberry, nara"));
}

TEST(FormatTest, EachFormatRefusesTheFilesOfTheOthers) {
  for (const ImportFormat* format : AllImportFormats()) {
    const auto log = ReadLog("date,what\n1/1/20,slept\n", format->name, OptionsIn("UTC"));
    EXPECT_TRUE(absl::IsInvalidArgument(log.status())) << format->name;
  }
}

TEST(FormatTest, AByteOrderMarkAndOtherLineEndsDoNotMatter) {
  const std::string rows = "Type,Start,End,Start Condition\nSleep,2026-01-10 09:00,,\n";
  std::string windows = "\xEF\xBB\xBF";
  for (const char c : rows) windows += c == '\n' ? "\r\n" : std::string(1, c);
  const ImportedLog plain = ReadWell(rows, OptionsIn("UTC"));
  const ImportedLog marked = ReadWell(windows, OptionsIn("UTC"));
  ASSERT_EQ(marked.entries.size(), 1);
  EXPECT_EQ(marked.entries[0].id, plain.entries[0].id);
}

ImportOptions OrderUnsaid() {
  ImportOptions options = OptionsIn("UTC");
  options.date_order.reset();
  return options;
}

constexpr char kBaby[] = "Baby,Time,Duration(minutes),Note\n";

TEST(FormatTest, DatesThatCanBeReadInOneOrderOnlyTellThatOfTheOthers) {
  for (const auto& [telling, march] :
       {std::pair("13/3/26 19:00", "5/3/26 19:00"), {"3/13/26 19:00", "3/5/26 19:00"}}) {
    const ImportedLog log =
        ReadWell(absl::StrCat(kBaby, "Robin,", march, ",60,1/2 cup\nRobin,", telling, ",60,\n"),
                 OrderUnsaid());
    ASSERT_EQ(log.entries.size(), 2) << telling;
    EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-03-05T19:00:00+00:00");
    EXPECT_TRUE(log.adjusted.empty());
  }
  // A day in a column, or in a heading, tells as much.
  const ImportedLog sheet = ReadWell("time,5/3/26,13/3/26\n6,S,\n12,,\n", OrderUnsaid());
  ASSERT_EQ(sheet.entries.size(), 1);
  EXPECT_EQ(LocalBegin(sheet.entries[0].entry), "2026-03-05T06:00:00+00:00");
}

TEST(FormatTest, DatesThatDoNotTellAreReadWithTheMonthFirstAndToldOf) {
  const std::string rows =
      "Robin,2026-03-03 19:00,60,13/20/26 and more\nRobin,3/3/26 19:00,60,\n"
      "Robin,3/5/26 19:00,60,\n";
  const ImportedLog log = ReadWell(absl::StrCat(kBaby, rows), OrderUnsaid());
  ASSERT_EQ(log.entries.size(), 3);
  EXPECT_EQ(LocalBegin(log.entries[2].entry), "2026-03-05T19:00:00+00:00");
  ASSERT_EQ(log.adjusted.size(), 1);
  EXPECT_EQ(log.adjusted[0].line(), 4);
  EXPECT_THAT(log.adjusted[0].text(), HasSubstr("such as '3/5/26 19:00' are read with the month"));
  EXPECT_TRUE(ReadWell(absl::StrCat(kBaby, rows), OptionsIn("UTC")).adjusted.empty());
}

TEST(FormatTest, DatesOfBothOrdersAreRefusedUntilSomebodySaysWhichIsMeant) {
  const std::string text =
      absl::StrCat(kBaby, "Robin,13/3/26 19:00,60,\nRobin,3/14/26 19:00,60,\n");
  const auto unsaid = ReadLog(text, "", OrderUnsaid());
  EXPECT_THAT(std::string(unsaid.status().message()), HasSubstr("'13/3/26 19:00' have the day"));
  EXPECT_THAT(std::string(unsaid.status().message()), HasSubstr("'3/14/26 19:00' the month"));
  const ImportedLog log = ReadWell(text, OptionsIn("UTC"));
  EXPECT_EQ(log.entries.size(), 1);
  EXPECT_EQ(log.set_aside.size(), 1);
}

// As a spreadsheet of a language with decimal commas saves what it has opened.
TEST(FormatTest, SeparatorsAndTheCaseOfTheHeadingDoNotMatter) {
  const std::string heading = "Type,Start,End,Start Condition,Mood\n";
  const std::string row = "Sleep,2026-01-10 09:00,2026-01-10 10:00,,merry\n";
  const ImportedLog plain = ReadWell(absl::StrCat(heading, row), OptionsIn("UTC"));
  ASSERT_EQ(plain.entries.size(), 1);
  for (const char* separator : {";", "\t"}) {
    const ImportedLog log = ReadWell(
        absl::StrReplaceAll(absl::StrCat(absl::AsciiStrToUpper(heading), row), {{",", separator}}),
        OptionsIn("UTC"));
    ASSERT_EQ(log.entries.size(), 1);
    EXPECT_EQ(log.entries[0].id, plain.entries[0].id);
    EXPECT_EQ(log.entries[0].entry.text(), "MOOD: merry");
  }
}

// What an app adds to its files is not lost with a build that has not heard of it.
TEST(FormatTest, AColumnThatNobodyKnowsBecomesALineOfTheText) {
  for (const auto& [heading, row] : {
           std::pair("Type,Start,End,Start Condition,Notes", "Sleep,2026-01-10 19:30,,,hm"),
           {"Type,Start Date/time,[Sleep] End Date/time,Note", "Sleep,2026-01-10 19:30,,hm"},
           {"child_id,start,end,notes", "1,2026-01-10 19:30,,hm"},
           {"Baby,Time,Duration(minutes),Note", "Robin,2026-01-10 19:30,,hm"},
           {"Date and Time,End Time,Duration (min),Activity,Quantity,Extra data,Text,Notes,"
            "Caregiver",
            "2026-01-10 19:30,,,Sleep,,,,hm,Alex"},
       }) {
    const ImportedLog log =
        ReadWell(absl::StrCat(heading, ",Mood,,Weather\n", row, ", merry ,and more,\n"),
                 OptionsIn("Europe/London"));
    ASSERT_EQ(log.entries.size(), 1) << heading;
    EXPECT_EQ(log.entries[0].entry.text(), "hm\nMood: merry\nand more") << heading;
  }
}

}  // namespace
}  // namespace nightlog::imports
