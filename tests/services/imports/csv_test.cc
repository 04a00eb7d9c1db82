#include "services/imports/csv.h"

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog::imports {
namespace {

using ::testing::ElementsAre;

TEST(CsvTest, AQuotedFieldHoldsCommasQuotesAndLineBreaks) {
  const auto rows = ParseCsv("a,\"b, \"\"c\"\"\r\nd\",e\nf,g,h\n");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b, \"c\"\r\nd", "e"));
  EXPECT_THAT(rows[1].fields, ElementsAre("f", "g", "h"));
}

TEST(CsvTest, ARowKnowsItsLineEvenBehindAFieldOfSeveralLines) {
  const auto rows = ParseCsv("a,b\r\n\"one\ntwo\",c\r\n\r\nd,e");
  ASSERT_EQ(rows.size(), 3);
  EXPECT_EQ(rows[0].line, 1);
  EXPECT_EQ(rows[1].line, 2);
  EXPECT_EQ(rows[2].line, 5);
}

TEST(CsvTest, AByteOrderMarkIsNotPartOfTheFirstField) {
  EXPECT_THAT(ParseCsv("\xEF\xBB\xBFname,age\n")[0].fields, ElementsAre("name", "age"));
}

TEST(CsvTest, LinesMayEndInCarriageReturnsAlone) {
  const auto rows = ParseCsv("a,b\rc,d\r");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_THAT(rows[1].fields, ElementsAre("c", "d"));
}

TEST(CsvTest, EmptyFieldsCountAndEmptyLinesDoNot) {
  const auto rows = ParseCsv("\n,,\n\na,,\"\"");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_THAT(rows[0].fields, ElementsAre("", "", ""));
  EXPECT_THAT(rows[1].fields, ElementsAre("a", "", ""));
}

TEST(CsvTest, AQuoteThatIsNeverClosedIsSaidSo) {
  const auto rows = ParseCsv("a,b\nc,\"d\ne,f\n");
  ASSERT_EQ(rows.size(), 2);
  EXPECT_FALSE(rows[0].unclosed_quote);
  EXPECT_TRUE(rows[1].unclosed_quote);
}

TEST(CsvTest, FieldsMayBeSeparatedBySemicolonsOrTabs) {
  EXPECT_THAT(ParseCsv("a;b,c;\"d;e\"\n1,5;2;3\n")[0].fields, ElementsAre("a", "b,c", "d;e"));
  EXPECT_THAT(ParseCsv("a;b;c\n1,5;2,5;3,5\n")[1].fields, ElementsAre("1,5", "2,5", "3,5"));
  EXPECT_THAT(ParseCsv("\xEF\xBB\xBF\r\n\"a\nb,c\"\td\r\n1,5\t2\r\n")[1].fields,
              ElementsAre("1,5", "2"));
  EXPECT_THAT(ParseCsv("a,\"b;;;\",c;;\n")[0].fields, ElementsAre("a", "b;;;", "c;;"));
}

TEST(CsvTest, ALineThatNamesTheSeparatorIsNoRow) {
  const auto rows = ParseCsv("sep=;\r\na;b,c,d\r\n");
  ASSERT_EQ(rows.size(), 1);
  EXPECT_EQ(rows[0].line, 2);
  EXPECT_THAT(rows[0].fields, ElementsAre("a", "b,c,d"));
}

TEST(CsvTest, NothingIsNoRows) { EXPECT_TRUE(ParseCsv("").empty()); }

}  // namespace
}  // namespace nightlog::imports
