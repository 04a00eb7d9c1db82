#include "clients/cli/export/json_lines.h"

#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/exported_record.h"
#include "storage/core/record_state.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

v1::Record ARecord(uint32_t number, uint64_t created, uint64_t saw) {
  v1::Record record;
  record.set_record_id(TestId<RecordId>(number).str());
  record.set_digest(std::string(32, static_cast<char>(number)));
  record.set_created_revision(created);
  record.set_author_saw_revision(saw);
  return record;
}

FamilyExport AnExport() {
  FamilyExport exported;
  exported.family_name = "the \"Robins\" \xE2\x98\x83";
  exported.exported_by = TestId<MemberId>(2);
  exported.exported_at = absl::FromUnixSeconds(1'700'000'000);
  v1::Record& entry = exported.records.emplace_back(ARecord(4, 7, 3));
  entry.set_deleted(true);
  entry.mutable_log_entry()->set_text("one\ntwo");
  entry.GetReflection()->MutableUnknownFields(&entry)->AddVarint(500, 7);
  v1::Version& version = *entry.add_groups()->add_versions();
  version.mutable_edit()->set_seq(UINT64_MAX);
  exported.records.push_back(ARecord(2, 0, 0));
  exported.records.back().mutable_member()->set_name("Alex");
  for (v1::Record& record : exported.records) {
    std::vector<FieldViolation> ignored;
    record.set_digest(DigestOf(record.record_id(), RecordFromExport(record, "", ignored)));
  }
  return exported;
}

std::string Complaint(const std::string& text) {
  return std::string(FromJsonLines(text).status().message());
}

TEST(JsonLinesTest, EverythingComesBackToTheLastBit) {
  const FamilyExport exported = AnExport();
  const auto again = FromJsonLines(ToJsonLines(exported));
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->family_name, exported.family_name);
  EXPECT_EQ(again->exported_by, exported.exported_by);
  EXPECT_EQ(again->exported_at, exported.exported_at);
  ASSERT_THAT(again->records, SizeIs(2));
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(SerializeDeterministic(again->records[i]),
              SerializeDeterministic(exported.records[i]));
  }
}

TEST(JsonLinesTest, AFileThatAnotherProgramWroteAnewIsTheSame) {
  std::string text = ToJsonLines(AnExport());
  EXPECT_TRUE(IsJsonLines(text));
  text = absl::StrReplaceAll(text, {{"\n", "\r\n"}, {"{\"bytes\"", "{ \"more\" : [1], \"bytes\""}});
  EXPECT_TRUE(FromJsonLines(text).ok()) << FromJsonLines(text).status();
}

TEST(JsonLinesTest, AFileThatAnEditorSavedAgainIsTheSame) {
  const FamilyExport exported = AnExport();
  const std::string text =
      absl::StrCat("\xEF\xBB\xBF", absl::StrReplaceAll(ToJsonLines(exported), {{"\n", "\r\n"}}));
  EXPECT_TRUE(IsJsonLines(text));
  const auto again = FromJsonLines(text);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->family_name, exported.family_name);
  EXPECT_EQ(again->StateHash(), exported.StateHash());
}

TEST(JsonLinesTest, AFileThatASpreadsheetSavedAgainIsRefusedAsThat) {
  const std::string text = ToJsonLines(AnExport());
  const std::string in_cells = absl::StrCat(
      "\"", absl::StrReplaceAll(text, {{"\"", "\"\""}, {",", "\",\""}, {"\n", "\"\r\n\""}}));
  EXPECT_TRUE(IsJsonLines(in_cells));
  std::string in_utf16 = "\xFF\xFE";
  for (const char c : text) absl::StrAppend(&in_utf16, std::string{c, '\0'});
  const std::string in_windows = absl::StrReplaceAll(text, {{"\xE2\x98\x83", "\xE9"}});
  for (const std::string& saved : {in_cells, in_utf16, in_windows}) {
    EXPECT_THAT(Complaint(saved), HasSubstr("take the original file"));
  }
}

TEST(JsonLinesTest, AFileThatLacksALineOrHasAnotherIsRefused) {
  const std::vector<std::string> lines = absl::StrSplit(ToJsonLines(AnExport()), '\n');
  EXPECT_THAT(Complaint(absl::StrCat(lines[0], "\n", lines[1])), HasSubstr("number of records"));
  EXPECT_THAT(Complaint(absl::StrCat(lines[0], "\n", lines[1], "\n", lines[1])),
              HasSubstr("state hash"));
  EXPECT_THAT(Complaint(absl::StrCat(lines[0], "\n", lines[1], "\n", lines[2].substr(0, 40))),
              HasSubstr("line 3"));
  EXPECT_THAT(Complaint(absl::StrCat(lines[0], "\n{\"bytes\":\"AAAA\"}\n")), HasSubstr("line 2"));
}

TEST(JsonLinesTest, ARecordThatWasChangedIsRefused) {
  FamilyExport exported = AnExport();
  exported.records[1].mutable_member()->set_name("Sam");
  EXPECT_THAT(Complaint(ToJsonLines(exported)), HasSubstr("line 3 was changed"));
}

TEST(JsonLinesTest, AFileOfAnotherKindIsRefused) {
  EXPECT_FALSE(IsJsonLines("Type,Start,End\n"));
  EXPECT_THAT(Complaint(""), HasSubstr("line 1"));
  EXPECT_THAT(Complaint("{}"), HasSubstr("no export"));
  EXPECT_THAT(Complaint("{\"nightlog_export\":2}"), HasSubstr("newer"));
  EXPECT_THAT(Complaint("{\"nightlog_export\":1}"), HasSubstr("line 1"));
}

TEST(JsonLinesTest, RecordsAreNumberedAnewAsTheyCompared) {
  FamilyExport exported;
  exported.records = {ARecord(9, 0, 0),   ARecord(5, 40, 39), ARecord(6, 40, 12), ARecord(7, 12, 4),
                      ARecord(8, 90, 41), ARecord(2, 0, 0),   ARecord(3, 0, 0)};
  for (int i = 1; i < 5; ++i) exported.records[i].mutable_log_entry();
  exported.records[0].mutable_night_summary();
  exported.records[5].mutable_member();
  exported.records[6].mutable_member();
  const std::vector<v1::Record> ordered = InImportOrder(exported, TestId<MemberId>(3));
  std::vector<std::string> told;
  for (const v1::Record& record : ordered) {
    told.push_back(absl::StrCat(static_cast<int>(record.record_id().back()), ": ",
                                record.created_revision(), " after ",
                                record.author_saw_revision()));
  }
  EXPECT_THAT(told, ElementsAre("3: 0 after 0", "2: 0 after 0", "7: 1 after 0", "5: 2 after 1",
                                "6: 2 after 1", "8: 3 after 2", "9: 0 after 0"));
}

}  // namespace
}  // namespace nightlog::cli
