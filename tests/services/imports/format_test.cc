#include "services/imports/format.h"

#include <string>

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

}  // namespace
}  // namespace nightlog::imports
