#include "clients/cli/export/diary.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/proto_time.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

absl::Time At(const char* text) {
  absl::Time time;
  std::string error;
  EXPECT_TRUE(absl::ParseTime(absl::RFC3339_full, text, &time, &error)) << error;
  return time;
}

int Count(const std::string& text, const std::string& part) {
  return static_cast<int>(std::vector<std::string>(absl::StrSplit(text, part)).size()) - 1;
}

v1::Record AChild(const std::string& name) {
  v1::Record record;
  record.set_record_id(TestId<RecordId>(1).str());
  record.mutable_child()->set_name(name);
  record.mutable_child()->set_home_zone("Europe/London");
  return record;
}

v1::Record ANight(const std::string& date) {
  v1::Record record;
  record.set_record_id(absl::StrCat("night ", date));
  v1::NightSummary& night = *record.mutable_night_summary();
  night.set_child_id(TestId<RecordId>(1).str());
  night.set_date(date);
  night.set_zone("Europe/London");
  return record;
}

void AddSpan(const char* begin, const char* end, v1::TimelineSpan& span) {
  span.set_phase(v1::NIGHT_PHASE_ASLEEP);
  *span.mutable_began_at() = ToProto(At(begin));
  *span.mutable_ended_at() = ToProto(At(end));
}

TEST(DiaryTest, ANightIsALineWithItsSleepFromNoonToNoon) {
  v1::Record night = ANight("2026-01-10");
  AddSpan("2026-01-10T18:00:00Z", "2026-01-11T06:00:00Z",
          *night.mutable_night_summary()->add_timeline());
  night.mutable_night_summary()->set_tst_night_min(720);
  night.mutable_night_summary()->set_nwak(3);
  night.mutable_night_summary()->mutable_adherence()->set_adherence_pct(62.5);
  const std::string html = SleepDiary("Robins", {AChild("Robin"), night});
  EXPECT_THAT(html, HasSubstr("<td>Sat 2026-01-10</td>"));
  EXPECT_THAT(html, HasSubstr("<i style=\"left:25.00%;width:50.00%\"></i>"));
  EXPECT_THAT(html, HasSubstr("<td>12 h 0 min</td>"));
  EXPECT_THAT(html, HasSubstr("<td>3</td>"));
  EXPECT_THAT(html, HasSubstr("<td>63%</td>"));
}

TEST(DiaryTest, ANightInWhichTheClocksGoBackHas25Hours) {
  v1::Record night = ANight("2026-10-24");
  AddSpan("2026-10-24T11:00:00Z", "2026-10-25T12:00:00Z",
          *night.mutable_night_summary()->add_timeline());
  EXPECT_THAT(SleepDiary("Robins", {AChild("Robin"), night}),
              HasSubstr("<i style=\"left:0.00%;width:100.00%\"></i>"));
}

TEST(DiaryTest, ANapOfTheMorningStandsInTheBarOfTheNightBefore) {
  v1::Record night = ANight("2026-01-11");
  AddSpan("2026-01-11T09:00:00Z", "2026-01-11T10:12:00Z",
          *night.mutable_night_summary()->add_naps());
  const std::string html = SleepDiary("Robins", {AChild("Robin"), ANight("2026-01-10"), night});
  const std::string before = html.substr(0, html.find("Sun 2026-01-11"));
  EXPECT_THAT(before, HasSubstr("<i class=\"nap\" style=\"left:87.50%;width:5.00%\"></i>"));
  EXPECT_EQ(Count(html, "class=\"nap\""), 1);
}

TEST(DiaryTest, APageHoldsTwoWeeksAndOneOfWhichNothingIsKnownIsLeftOut) {
  const std::string html =
      SleepDiary("Robins", {AChild("Robin"), ANight("2026-01-01"), ANight("2026-01-14"),
                            ANight("2026-01-15"), ANight("2026-06-01")});
  EXPECT_EQ(Count(html, "<section>"), 3);
  EXPECT_EQ(Count(html, "<tr><td>"), 14 + 14 + 1);
  EXPECT_THAT(html, HasSubstr("2026-01-01 to 2026-01-14"));
  EXPECT_THAT(html, HasSubstr("2026-06-01 to 2026-06-01"));
}

TEST(DiaryTest, NotesStandBesideTheirNightAndAllTextIsEscaped) {
  v1::Record entry;
  entry.mutable_log_entry()->set_child_id(TestId<RecordId>(1).str());
  *entry.mutable_log_entry()->mutable_interval()->mutable_began_at() =
      ToProto(At("2026-01-11T02:00:00Z"));
  entry.mutable_log_entry()->set_text("<script>alert('1')</script>");
  v1::Record comment;
  comment.mutable_comment()->mutable_target()->mutable_night()->set_child_id(
      TestId<RecordId>(1).str());
  comment.mutable_comment()->mutable_target()->mutable_night()->set_date("2026-01-10");
  comment.mutable_comment()->add_posts()->set_text("well \"done\" & so on");
  v1::Record deleted = entry;
  deleted.set_deleted(true);
  deleted.mutable_log_entry()->set_text("gone");
  v1::Record imported = entry;
  imported.mutable_log_entry()->set_text("drank 8 oz");
  imported.mutable_log_entry()->mutable_import_origin()->set_source("huckleberry");
  const std::string html = SleepDiary(
      "<b>", {AChild("Robin <i>"), ANight("2026-01-10"), entry, comment, deleted, imported});
  EXPECT_THAT(html, Not(HasSubstr("<script")));
  EXPECT_THAT(html, HasSubstr("02:00 &lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"));
  EXPECT_THAT(html, HasSubstr("“well &quot;done&quot; &amp; so on”"));
  EXPECT_THAT(html, HasSubstr("Robin &lt;i&gt;"));
  EXPECT_THAT(html, Not(HasSubstr("gone")));
  EXPECT_THAT(html, Not(HasSubstr("8 oz")));
}

}  // namespace
}  // namespace nightlog::cli
