#include "clients/cli/export/csv_tables.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/imports/csv.h"
#include "storage/core/proto_time.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog::cli {
namespace {

using imports::CsvRow;
using imports::ParseCsv;
using ::testing::SizeIs;
using ::testing::StartsWith;

// The cell of a column in a row of a table, as a reader of CSV finds it.
std::string Cell(const std::string& table, size_t row, const std::string& column) {
  const std::vector<CsvRow> rows = ParseCsv(table);
  for (size_t i = 0; row < rows.size() && i < rows[0].fields.size(); ++i) {
    if (rows[0].fields[i] == column) return rows[row].fields[i];
  }
  ADD_FAILURE() << "no column " << column;
  return "";
}

std::vector<v1::Record> TwoRecords() {
  std::vector<v1::Record> records(2);
  records[0].set_record_id(TestId<RecordId>(1).str());
  records[0].mutable_member()->set_name("Alex");
  v1::Record& entry = records[1];
  entry.set_record_id(TestId<RecordId>(2).str());
  entry.set_created_by(records[0].record_id());
  v1::LogEntry& body = *entry.mutable_log_entry();
  body.mutable_detail()->mutable_response()->set_level(2);
  body.mutable_detail()->mutable_response()->set_position(v1::POSITION_HALLWAY_IN_VIEW);
  *body.mutable_interval()->mutable_began_at() = ToProto(absl::FromUnixSeconds(1'700'000'000));
  body.set_text("said \"shh\",\nthen left");
  body.add_tags("=HYPERLINK(\"x\")");
  body.add_tags("teething");
  return records;
}

TEST(CsvTablesTest, EachKindHasATableAndEachFieldAColumn) {
  const auto tables = ToCsvTables(TwoRecords());
  EXPECT_THAT(tables, SizeIs(7));
  const std::string& entries = tables.at("log_entries.csv");
  EXPECT_EQ(Cell(entries, 1, "record_id"), TestId<RecordId>(2).hex());
  EXPECT_EQ(Cell(entries, 1, "created_by_name"), "Alex");
  EXPECT_EQ(Cell(entries, 1, "detail.kind"), "response");
  EXPECT_EQ(Cell(entries, 1, "detail.response.level"), "2");
  EXPECT_EQ(Cell(entries, 1, "detail.response.position"), "hallway_in_view");
  EXPECT_EQ(Cell(entries, 1, "detail.crying.intensity"), "");
  EXPECT_EQ(Cell(entries, 1, "interval.began_at"), "2023-11-14T22:13:20Z");
  EXPECT_EQ(Cell(entries, 1, "interval.ended_at"), "");
  EXPECT_EQ(Cell(entries, 1, "text"), "said \"shh\",\nthen left");
  EXPECT_EQ(Cell(tables.at("members.csv"), 1, "name"), "Alex");
  EXPECT_THAT(ParseCsv(tables.at("plans.csv")), SizeIs(1));
}

TEST(CsvTablesTest, EveryRowHasAsManyCellsAsTheHeading) {
  for (const auto& [name, table] : ToCsvTables(TwoRecords())) {
    const std::vector<CsvRow> rows = ParseCsv(table);
    for (const CsvRow& row : rows) EXPECT_EQ(row.fields.size(), rows[0].fields.size()) << name;
  }
}

TEST(CsvTablesTest, EachTableSaysThatItIsInUtf8) {
  for (const auto& [name, table] : ToCsvTables(TwoRecords())) {
    EXPECT_THAT(table, StartsWith("\xEF\xBB\xBFrecord_id,")) << name;
    EXPECT_EQ(ParseCsv(table)[0].fields[0], "record_id") << name;
  }
}

TEST(CsvTablesTest, ANumberIsNotCut) {
  std::vector<v1::Record> records(1);
  records[0].mutable_night_summary()->set_tst_night_min(37.0 / 3);
  EXPECT_EQ(Cell(ToCsvTables(records).at("nights.csv"), 1, "tst_night_min"), "12.333333333333334");
}

TEST(CsvTablesTest, ASpreadsheetRunsNoTextAsAFormula) {
  const auto tables = ToCsvTables(TwoRecords());
  EXPECT_EQ(Cell(tables.at("log_entries.csv"), 1, "tags"), "'=HYPERLINK(\"x\") teething");
}

TEST(CsvTablesTest, AListOfMessagesIsJson) {
  std::vector<v1::Record> records(1);
  records[0].mutable_comment()->add_posts()->set_text("hi");
  const auto tables = ToCsvTables(records);
  EXPECT_EQ(Cell(tables.at("comments.csv"), 1, "posts"),
            "[{\"text\": \"hi\", \"member_id\": \"\"}]");
}

}  // namespace
}  // namespace nightlog::cli
