#include "storage/core/field_rules.h"

#include <cmath>
#include <limits>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nightlog/v1/records.pb.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/core/proto_time.h"
#include "tests/testing/status_matchers.h"

namespace nightlog {
namespace {

using google::protobuf::Message;
using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

std::vector<std::string> PathsOf(const Message& message, absl::string_view path = "") {
  std::vector<FieldViolation> violations;
  Validate(message, path, violations);
  std::vector<std::string> paths;
  for (const FieldViolation& violation : violations) paths.push_back(violation.field());
  return paths;
}

v1::Child GoodChild() {
  v1::Child child;
  child.set_name("Mia");
  child.set_home_zone("Europe/London");
  return child;
}

TEST(MergeRuleOfTest, ReadsTheOptionAndTakesRegisterForTheRest) {
  const auto& entry = *v1::LogEntry::descriptor();
  EXPECT_EQ(MergeRuleOf(entry, v1::LogEntry::kIntervalFieldNumber), v1::MERGE_RULE_INTERVAL);
  EXPECT_EQ(MergeRuleOf(entry, v1::LogEntry::kTagsFieldNumber), v1::MERGE_RULE_SET);
  EXPECT_EQ(MergeRuleOf(entry, v1::LogEntry::kTextFieldNumber), v1::MERGE_RULE_TEXT);
  EXPECT_EQ(MergeRuleOf(entry, v1::LogEntry::kDetailFieldNumber), v1::MERGE_RULE_REGISTER);
  EXPECT_EQ(MergeRuleOf(*v1::Comment::descriptor(), v1::Comment::kPostsFieldNumber),
            v1::MERGE_RULE_APPEND);
  for (uint32_t unknown : {0u, 4321u, std::numeric_limits<uint32_t>::max()}) {
    EXPECT_EQ(MergeRuleOf(entry, unknown), v1::MERGE_RULE_REGISTER);
  }
}

TEST(FieldRulesTest, RequiredFieldsMustSaySomething) {
  EXPECT_THAT(PathsOf(v1::Child(), "child"), UnorderedElementsAre("child.name", "child.home_zone"));
  v1::Child child = GoodChild();
  EXPECT_THAT(PathsOf(child), IsEmpty());
  child.set_name("");
  EXPECT_THAT(PathsOf(child), ElementsAre("name"));
  v1::Comment comment;
  comment.mutable_target()->set_plan_id(std::string(16, 'p'));
  EXPECT_THAT(PathsOf(comment), ElementsAre("posts"));
}

TEST(FieldRulesTest, StringsAreBoundedInBytes) {
  v1::Child child = GoodChild();
  child.set_name(std::string(200, 'x'));
  EXPECT_THAT(PathsOf(child), IsEmpty());
  child.set_name(std::string(198, 'x') + "\u00fc");
  EXPECT_THAT(PathsOf(child), IsEmpty());
  child.set_name(std::string(199, 'x') + "\u00fc");
  EXPECT_THAT(PathsOf(child), ElementsAre("name"));
}

TEST(FieldRulesTest, StringsAreUtf8) {
  v1::Child child = GoodChild();
  child.set_name("R\366bin");
  EXPECT_THAT(PathsOf(child), ElementsAre("name"));
}

TEST(FieldRulesTest, IdsHaveSixteenBytes) {
  v1::NightKey night;
  night.set_date("2026-03-29");
  for (size_t size : {1u, 15u, 17u, 100'000u}) {
    night.set_child_id(std::string(size, 'c'));
    EXPECT_THAT(PathsOf(night), ElementsAre("child_id")) << size;
  }
  night.set_child_id(std::string(16, 'c'));
  EXPECT_THAT(PathsOf(night), IsEmpty());
}

TEST(FieldRulesTest, DatesAreDaysOfTheCalendar) {
  v1::Child child = GoodChild();
  for (const char* date : {"2026-03-29", "2024-02-29", "1000-01-01", "9999-12-31"}) {
    child.set_birth_date(date);
    EXPECT_THAT(PathsOf(child), IsEmpty()) << date;
  }
  for (const char* date : {"2026-02-29", "2026-13-01", "2026-00-10", "2026-01-00", "2026-04-31",
                           "2026-1-01", "2026-01-1", "26-01-01", " 2026-01-1", "2026/01/01",
                           "0999-12-31", "2026-01-0x", "today", "2026-01-011"}) {
    child.set_birth_date(date);
    EXPECT_THAT(PathsOf(child), ElementsAre("birth_date")) << date;
  }
}

TEST(FieldRulesTest, TimesOfDayRunFromMidnightToTheLastMinute) {
  v1::Child child = GoodChild();
  for (const char* time : {"00:00", "09:59", "19:30", "23:59"}) {
    child.set_desired_rise_time(time);
    EXPECT_THAT(PathsOf(child), IsEmpty()) << time;
  }
  for (const char* time : {"24:00", "23:60", "19:60", "7:30", "07:3", "07.30", "0a:00", "00:0a",
                           "-1:00", "07:30:00", "1::00"}) {
    child.set_desired_rise_time(time);
    EXPECT_THAT(PathsOf(child), ElementsAre("desired_rise_time")) << time;
  }
}

TEST(FieldRulesTest, ZonesAreNamesOfTheIanaDatabaseAndNothingElse) {
  v1::Child child = GoodChild();
  for (const char* zone : {"Europe/London", "America/Argentina/Buenos_Aires", "Etc/GMT+5", "UTC",
                           "America/Port-au-Prince"}) {
    child.set_home_zone(zone);
    EXPECT_THAT(PathsOf(child), IsEmpty()) << zone;
  }
  for (const char* zone : {"Europe/Atlantis", "localtime", "/usr/share/zoneinfo/Europe/London",
                           "Europe/../Europe/London", "file:Europe/London", "libc:UTC",
                           "Fixed/UTC+01:00:00", "+01:00", "Europe/London "}) {
    child.set_home_zone(zone);
    EXPECT_THAT(PathsOf(child), ElementsAre("home_zone")) << zone;
  }
}

TEST(FieldRulesTest, NumbersKeepTheirBoundsAndAreNumbers) {
  v1::Response response;
  response.set_level(6);
  EXPECT_THAT(PathsOf(response), IsEmpty());
  response.set_level(7);
  EXPECT_THAT(PathsOf(response), ElementsAre("level"));
  v1::Feed feed;
  for (double ml : {0.0, 2000.0}) {
    feed.set_amount_ml(ml);
    EXPECT_THAT(PathsOf(feed), IsEmpty()) << ml;
  }
  for (double ml : {-0.1, 2000.1, std::nan(""), std::numeric_limits<double>::infinity(),
                    -std::numeric_limits<double>::infinity()}) {
    feed.set_amount_ml(ml);
    EXPECT_THAT(PathsOf(feed), ElementsAre("amount_ml")) << ml;
  }
}

TEST(FieldRulesTest, ANumberThatWasLeftOutIsZeroAndMayBeOutOfBounds) {
  v1::PlanStep step;
  step.set_to_night(3);
  EXPECT_THAT(PathsOf(step), ElementsAre("from_night"));
  for (int night : {1, 366}) {
    step.set_from_night(night);
    step.set_to_night(366);
    EXPECT_THAT(PathsOf(step), IsEmpty()) << night;
  }
  step.set_to_night(367);
  EXPECT_THAT(PathsOf(step), ElementsAre("to_night"));
}

TEST(FieldRulesTest, ListsAreBoundedAndTheirElementsToo) {
  v1::WaitRow row;
  for (int i = 0; i < 20; ++i) row.add_wait_min(240);
  EXPECT_THAT(PathsOf(row), IsEmpty());
  row.set_wait_min(7, 240.5);
  EXPECT_THAT(PathsOf(row, "waits[2]"), ElementsAre("waits[2].wait_min[7]"));
  row.add_wait_min(1);
  EXPECT_THAT(PathsOf(row), ElementsAre("wait_min"));
}

TEST(FieldRulesTest, PathsNameTheFieldFromTheRequest) {
  v1::Plan plan;
  plan.set_child_id(std::string(16, 'c'));
  plan.mutable_nights()->set_first_night("2026-03-01");
  plan.mutable_approach()->set_method(v1::PLAN_METHOD_EXTINCTION);
  v1::PlanStep& step = *plan.mutable_approach()->add_steps();
  step.set_from_night(2);
  step.set_to_night(2);
  step.add_allowed_levels(0);
  step.add_allowed_levels(9);
  EXPECT_THAT(PathsOf(plan, "edits[1].plan"),
              ElementsAre("edits[1].plan.approach.steps[0].allowed_levels[1]"));
}

TEST(FieldRulesTest, AnIntervalDoesNotEndBeforeItBegins) {
  v1::Interval interval;
  interval.set_zone("UTC");
  *interval.mutable_began_at() = ToProto(absl::FromUnixSeconds(1000));
  EXPECT_THAT(PathsOf(interval), IsEmpty());
  *interval.mutable_ended_at() = ToProto(absl::FromUnixSeconds(1000));
  EXPECT_THAT(PathsOf(interval), IsEmpty());
  *interval.mutable_ended_at() = ToProto(absl::FromUnixSeconds(1000) - absl::Nanoseconds(1));
  EXPECT_THAT(PathsOf(interval), ElementsAre("ended_at"));
}

TEST(FieldRulesTest, TimestampsLieWithinTheYearsTheyCanHold) {
  v1::Interval interval;
  interval.set_zone("UTC");
  const auto paths = [&interval](int64_t seconds, int32_t nanos) {
    interval.mutable_began_at()->set_seconds(seconds);
    interval.mutable_began_at()->set_nanos(nanos);
    return PathsOf(interval);
  };
  EXPECT_THAT(paths(-62135596800, 0), IsEmpty());
  EXPECT_THAT(paths(253402300799, 999'999'999), IsEmpty());
  EXPECT_THAT(paths(-62135596801, 0), ElementsAre("began_at"));
  EXPECT_THAT(paths(253402300800, 0), ElementsAre("began_at"));
  EXPECT_THAT(paths(1, -1), ElementsAre("began_at"));
  EXPECT_THAT(paths(1, 1'000'000'000), ElementsAre("began_at"));
  EXPECT_THAT(paths(std::numeric_limits<int64_t>::min(), 0), ElementsAre("began_at"));
}

TEST(FieldRulesTest, PlansWindowsAndStepsMustHaveALength) {
  v1::PlanNights nights;
  nights.set_first_night("2026-03-10");
  nights.set_last_night("2026-03-10");
  EXPECT_THAT(PathsOf(nights), IsEmpty());
  nights.set_last_night("2026-03-09");
  EXPECT_THAT(PathsOf(nights), ElementsAre("last_night"));

  v1::NightWindow window;
  window.set_start("19:00");
  window.set_end("07:00");
  EXPECT_THAT(PathsOf(window), IsEmpty());
  window.set_end("19:00");
  EXPECT_THAT(PathsOf(window), ElementsAre("end"));

  v1::PlanStep step;
  step.set_from_night(3);
  step.set_to_night(2);
  EXPECT_THAT(PathsOf(step), ElementsAre("to_night"));
}

TEST(FieldRulesTest, AnEntryAndATargetSaySomething) {
  v1::EntryDetail detail;
  EXPECT_THAT(PathsOf(detail, "detail"), ElementsAre("detail"));
  detail.mutable_put_down();
  EXPECT_THAT(PathsOf(detail, "detail"), IsEmpty());

  v1::CommentTarget target;
  EXPECT_THAT(PathsOf(target, "target"), ElementsAre("target"));
  target.set_log_entry_id("");
  EXPECT_THAT(PathsOf(target, "target"), ElementsAre("target.log_entry_id"));
  target.set_log_entry_id(std::string(16, 'e'));
  EXPECT_THAT(PathsOf(target, "target"), IsEmpty());
}

TEST(FieldRulesTest, WhatANewerClientKnowsPasses) {
  v1::EntryDetail detail;
  detail.GetReflection()->MutableUnknownFields(&detail)->AddLengthDelimited(4321, "new kind");
  EXPECT_THAT(PathsOf(detail), IsEmpty());
  detail.mutable_sleep()->set_place(static_cast<v1::SleepPlace>(99));
  EXPECT_THAT(PathsOf(detail), IsEmpty());
}

TEST(ValidateRequestTest, ListsEveryViolationInOneError) {
  v1::ListHistoryRequest request;
  request.set_family_id(std::string(16, 'f'));
  request.set_record_id(std::string(16, 'r'));
  EXPECT_THAT(ValidateRequest(request), IsOk());
  request.set_record_id("short");
  request.set_page_size(201);
  const absl::Status status = ValidateRequest(request);
  EXPECT_THAT(status, StatusIs(absl::StatusCode::kInvalidArgument,
                               "record_id: is 5 bytes long; an id has 16 (and 1 more)"));
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_FIELD);
  const std::vector<FieldViolation> violations = ViolationsOf(status);
  ASSERT_EQ(violations.size(), 2u);
  EXPECT_EQ(violations[0].field(), "record_id");
  EXPECT_EQ(violations[1].field(), "page_size");
  request.set_record_id(std::string(16, 'r'));
  request.set_page_size(-1);
  EXPECT_THAT(ValidateRequest(request), StatusIs(absl::StatusCode::kInvalidArgument));
}

}  // namespace
}  // namespace nightlog
