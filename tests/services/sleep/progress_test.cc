#include "services/sleep/progress.h"

#include <cmath>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/sleep/local_time.h"
#include "tests/services/sleep/night_builder.h"

namespace nightlog::sleep {
namespace {

// One figure says how bad a night was: minutes to fall asleep, and awake in the middle of it.
v1::NightSummary NightWith(absl::CivilDay date, int awake_min, absl::Duration later = {},
                           absl::string_view zone = "America/New_York") {
  NightBuilder night(FormatDay(date), zone);
  const auto add = [&](auto set, absl::string_view begin, absl::Duration after_begin,
                       absl::string_view end, absl::Duration after_end) {
    v1::EntryDetail detail;
    set(&detail);
    night.Add(detail, night.At(begin) + after_begin + later,
              end.empty() ? absl::optional<absl::Time>() : night.At(end) + after_end + later,
              "mom");
  };
  const absl::Duration awake = absl::Minutes(awake_min);
  const auto sleep = [](v1::EntryDetail* detail) { detail->mutable_sleep(); };
  add(sleep, "=13:00", {}, "=14:00", {});
  add([](v1::EntryDetail* detail) { detail->mutable_put_down(); }, "19:30", {}, "", {});
  add(sleep, "19:30", awake, "01:00", {});
  add(sleep, "01:00", awake, "06:00", {});
  add([](v1::EntryDetail* detail) { detail->mutable_rise(); }, "06:10", {}, "", {});
  return night.Summarize();
}

v1::Child Home() {
  v1::Child child;
  child.set_home_zone("America/New_York");
  return child;
}

std::vector<ProgressNight> AtHome(const std::vector<v1::NightSummary>& nights) {
  std::vector<ProgressNight> taken;
  for (const v1::NightSummary& night : nights) taken.emplace_back(Home(), night);
  return taken;
}

v1::Plan PlanFrom(absl::CivilDay first, v1::PlanMethod method = v1::PLAN_METHOD_CHAIR) {
  v1::Plan plan;
  plan.mutable_approach()->set_method(method);
  plan.mutable_nights()->set_first_night(FormatDay(first));
  return plan;
}

constexpr absl::CivilDay kPlanStart(2025, 5, 12);

// Nights with these minutes awake, the first `before` of them before the plan.
v1::Progress ProgressOf(const std::vector<int>& awake_min, int before) {
  std::vector<v1::NightSummary> nights;
  absl::CivilDay date = kPlanStart - before;
  for (int awake : awake_min) nights.push_back(NightWith(date++, awake));
  const v1::Plan plan = PlanFrom(kPlanStart);
  return DeriveProgress("child", Home(), AtHome(nights), {PlanRecord{"plan", &plan}});
}

v1::Trend TrendOf(const v1::Progress& progress, v1::Measure measure) {
  for (const v1::Trend& trend : progress.trends()) {
    if (trend.measure() == measure) return trend;
  }
  ADD_FAILURE() << "no trend of " << v1::Measure_Name(measure);
  return {};
}

TEST(ProgressTest, NamesThePlanItsNightAndWhenItIsSaidToShow) {
  const v1::Progress progress = ProgressOf({40, 40, 40, 30, 30}, 3);
  EXPECT_EQ(progress.child_id(), "child");
  EXPECT_EQ(progress.plan_id(), "plan");
  EXPECT_EQ(progress.method(), v1::PLAN_METHOD_CHAIR);
  EXPECT_EQ(progress.plan_night(), 2);
  EXPECT_EQ(progress.latest_night(), "2025-05-13");
  EXPECT_EQ(progress.expected_nights_min(), 14);
  EXPECT_EQ(progress.expected_nights_max(), 14);
}

TEST(ProgressTest, WithoutAPlanThereIsNothingToCompare) {
  const v1::NightSummary night = NightWith(kPlanStart, 20);
  const v1::Progress progress = DeriveProgress("child", Home(), AtHome({night}), {});
  EXPECT_EQ(progress.verdict(), v1::PROGRESS_VERDICT_NO_PLAN);
  EXPECT_EQ(progress.trends_size(), 0);
  EXPECT_EQ(DeriveProgress("child", Home(), {}, {}).verdict(), v1::PROGRESS_VERDICT_NO_PLAN);
}

TEST(ProgressTest, ComparesTheLastThreeNightsWithUpToSevenBeforeThePlan) {
  // The first two nights fall out of the baseline.
  const v1::Progress progress = ProgressOf({99, 99, 40, 42, 44, 46, 48, 50, 52, 60, 20, 22, 24}, 9);
  const v1::Trend sol = TrendOf(progress, v1::MEASURE_SOL);
  EXPECT_EQ(sol.baseline(), 46);
  EXPECT_EQ(sol.baseline_nights(), 7);
  EXPECT_EQ(sol.now(), 22);
  EXPECT_EQ(sol.now_nights(), 3);
  EXPECT_EQ(sol.direction(), v1::TREND_DIRECTION_BETTER);
  EXPECT_EQ(TrendOf(progress, v1::MEASURE_WASO).direction(), v1::TREND_DIRECTION_BETTER);
  EXPECT_EQ(TrendOf(progress, v1::MEASURE_NWAK).direction(), v1::TREND_DIRECTION_SAME);
  const v1::Trend cry = TrendOf(progress, v1::MEASURE_CRY);
  EXPECT_EQ(cry.direction(), v1::TREND_DIRECTION_NOT_ENOUGH_NIGHTS);
  EXPECT_FALSE(cry.has_baseline());
  EXPECT_EQ(progress.verdict(), v1::PROGRESS_VERDICT_IMPROVING);
}

TEST(ProgressTest, ThreeNightsOnEachSideAreNeeded) {
  EXPECT_EQ(ProgressOf({40, 40, 40, 20, 20}, 3).verdict(), v1::PROGRESS_VERDICT_NOT_ENOUGH_NIGHTS);
  EXPECT_EQ(ProgressOf({40, 40, 20, 20, 20}, 2).verdict(), v1::PROGRESS_VERDICT_NOT_ENOUGH_NIGHTS);
  EXPECT_EQ(ProgressOf({40, 40, 40, 20, 20, 20}, 3).verdict(), v1::PROGRESS_VERDICT_IMPROVING);
}

TEST(ProgressTest, WithoutNightsBeforeItAPlanIsComparedWithItsFirstThree) {
  EXPECT_EQ(ProgressOf({40, 40, 40, 20, 20}, 0).verdict(), v1::PROGRESS_VERDICT_NOT_ENOUGH_NIGHTS);
  const v1::Progress progress = ProgressOf({40, 40, 40, 20, 20, 20}, 0);
  EXPECT_EQ(progress.verdict(), v1::PROGRESS_VERDICT_IMPROVING);
  EXPECT_EQ(TrendOf(progress, v1::MEASURE_SOL).baseline_nights(), 3);
}

TEST(ProgressTest, ASmallChangeIsSteady) {
  const v1::Progress progress = ProgressOf({40, 40, 40, 36, 36, 36}, 3);
  EXPECT_EQ(TrendOf(progress, v1::MEASURE_SOL).direction(), v1::TREND_DIRECTION_SAME);
  EXPECT_EQ(progress.verdict(), v1::PROGRESS_VERDICT_STEADY);
}

TEST(ProgressTest, WorseOverTheWholeWindowIsWorsening) {
  EXPECT_EQ(ProgressOf({20, 20, 20, 40, 45, 50, 55}, 3).verdict(), v1::PROGRESS_VERDICT_WORSENING);
}

TEST(ProgressTest, OneOrTwoWorseNightsAfterBetterOnesAreASetback) {
  EXPECT_EQ(ProgressOf({40, 40, 40, 20, 20, 20, 50}, 3).verdict(), v1::PROGRESS_VERDICT_SETBACK);
  EXPECT_EQ(ProgressOf({40, 40, 40, 20, 20, 20, 50, 50}, 3).verdict(),
            v1::PROGRESS_VERDICT_SETBACK);
  EXPECT_EQ(ProgressOf({40, 40, 40, 20, 20, 20, 60, 60, 60}, 3).verdict(),
            v1::PROGRESS_VERDICT_WORSENING);
  EXPECT_EQ(ProgressOf({40, 40, 40, 20, 20, 20, 50, 20}, 3).verdict(),
            v1::PROGRESS_VERDICT_IMPROVING);
}

TEST(ProgressTest, IncompleteNightsAreNotCompared) {
  std::vector<v1::NightSummary> nights;
  for (int i = 0; i < 6; ++i) nights.push_back(NightWith(kPlanStart - 3 + i, i < 3 ? 40 : 20));
  NightBuilder open(FormatDay(kPlanStart + 3));
  open.PutDown("19:30").Sleep("21:30", "");
  nights.push_back(open.Summarize());
  const v1::Plan plan = PlanFrom(kPlanStart);
  const v1::Progress progress =
      DeriveProgress("child", Home(), AtHome(nights), {PlanRecord{"plan", &plan}});
  EXPECT_EQ(progress.plan_night(), 4);
  EXPECT_EQ(progress.verdict(), v1::PROGRESS_VERDICT_IMPROVING);
}

TEST(ProgressTest, TonightIsNotComparedBeforeItIsOver) {
  std::vector<v1::NightSummary> nights;
  absl::CivilDay date = kPlanStart - 3;
  for (int awake : {40, 40, 40, 20, 20, 20, 80}) nights.push_back(NightWith(date++, awake));
  const v1::Plan plan = PlanFrom(kPlanStart);
  const std::vector<PlanRecord> plans = {PlanRecord{"plan", &plan}};
  EXPECT_EQ(DeriveProgress("child", Home(), AtHome(nights), plans).verdict(),
            v1::PROGRESS_VERDICT_SETBACK);
  nights.back().set_ongoing(true);
  EXPECT_EQ(DeriveProgress("child", Home(), AtHome(nights), plans).verdict(),
            v1::PROGRESS_VERDICT_IMPROVING);
}

TEST(ProgressTest, ASwitchStartsANewSegmentAndANewComparison) {
  std::vector<v1::NightSummary> nights;
  for (int i = -2; i < 6; ++i) nights.push_back(NightWith(kPlanStart + i, 30));
  const v1::Plan chair = PlanFrom(kPlanStart);
  const v1::Plan ladder = PlanFrom(kPlanStart + 4, v1::PLAN_METHOD_LADDER);
  const PlanRecord plans[] = {{"b", &ladder}, {"a", &chair}};
  const v1::Progress progress = DeriveProgress("child", Home(), AtHome(nights), plans);
  ASSERT_EQ(progress.segments_size(), 2);
  EXPECT_EQ(progress.segments(0).plan_id(), "a");
  EXPECT_EQ(progress.segments(0).first_night(), "2025-05-12");
  EXPECT_EQ(progress.segments(0).nights(), 4);
  EXPECT_EQ(progress.segments(1).method(), v1::PLAN_METHOD_LADDER);
  EXPECT_EQ(progress.segments(1).nights(), 2);
  EXPECT_EQ(progress.plan_id(), "b");
  EXPECT_EQ(progress.plan_night(), 2);
  EXPECT_EQ(progress.verdict(), v1::PROGRESS_VERDICT_NOT_ENOUGH_NIGHTS);
  EXPECT_EQ(TrendOf(progress, v1::MEASURE_SOL).baseline_nights(), 6);
}

TEST(ProgressTest, AdherenceIsTheMeanOfThePlansScoredNights) {
  std::vector<v1::NightSummary> nights;
  for (int i = 0; i < 4; ++i) {
    nights.push_back(NightWith(kPlanStart + i, 30));
    v1::Adherence* adherence = nights.back().mutable_adherence();
    adherence->set_plan_id(i == 0 ? "other" : "plan");
    if (i != 2) adherence->set_adherence_pct(i * 20);
    adherence->set_caregiver_consistency_pct(i * 30);
    adherence->set_low_n(i == 3);
  }
  const v1::Plan plan = PlanFrom(kPlanStart);
  const v1::Progress progress =
      DeriveProgress("child", Home(), AtHome(nights), {PlanRecord{"plan", &plan}});
  EXPECT_EQ(progress.adherence_pct(), 40);              // Of 20 and 60.
  EXPECT_EQ(progress.caregiver_consistency_pct(), 45);  // Of 30 and 60; the last has low n.
}

TEST(RegularityTest, DeviationsNeedSevenNightsAtHome) {
  std::vector<v1::NightSummary> nights;
  const int later_min[] = {0, 10, 20, 30, 40, 50, 60};
  for (int i = 0; i < 7; ++i) {
    nights.push_back(NightWith(kPlanStart + i, 10, absl::Minutes(later_min[i])));
  }
  // The sample SD of 0, 10, .. 60 is √(2800/6).
  const v1::Progress progress = DeriveProgress("child", Home(), AtHome(nights), {});
  EXPECT_NEAR(progress.bedtime_sd_min(), std::sqrt(2800.0 / 6), 1e-9);
  EXPECT_NEAR(progress.onset_sd_min(), std::sqrt(2800.0 / 6), 1e-9);
  EXPECT_NEAR(progress.rise_sd_min(), std::sqrt(2800.0 / 6), 1e-9);
  nights[3] = NightWith(kPlanStart + 3, 10, {}, "Europe/London");
  EXPECT_FALSE(DeriveProgress("child", Home(), AtHome(nights), {}).has_bedtime_sd_min());
}

TEST(RegularityTest, DeviationIsOfTheClockAcrossAChangeOfIt) {
  std::vector<v1::NightSummary> nights;
  for (int i = 0; i < 8; ++i) {
    NightBuilder night(FormatDay(absl::CivilDay(2025, 3, 5) + i));
    night.PutDown("19:30").Sleep("19:45", "06:00").Rise("06:10");
    nights.push_back(night.Summarize());
  }
  const v1::Progress progress = DeriveProgress("child", Home(), AtHome(nights), {});
  EXPECT_EQ(progress.bedtime_sd_min(), 0);
  EXPECT_EQ(progress.rise_sd_min(), 0);
}

TEST(RegularityTest, EqualDaysHaveAnIndexOfOneHundred) {
  std::vector<v1::NightSummary> nights;
  for (int i = 0; i < 7; ++i) nights.push_back(NightWith(kPlanStart + i, 10));
  EXPECT_EQ(SleepRegularityIndex(Home(), AtHome(nights)), 100);
}

TEST(RegularityTest, EachMinuteThatDiffersADayApartTakesItsShare) {
  std::vector<v1::NightSummary> nights;
  for (int i = 0; i < 7; ++i) {
    nights.push_back(NightWith(kPlanStart + i, 10, absl::Minutes(i % 2 == 0 ? 0 : 30)));
  }
  // From noon of day 1 to 06:00 of day 8: 6 days and 18 hours, so 5 days and 18 hours of pairs,
  // 8280. A day and the next, shifted by 30 minutes, differ 30 minutes at each edge of a sleep as
  // long as the sleep is; of the 10 minutes awake at 01:00 both sides differ. A whole pair of days
  // has 4 long edges (nap, night) of 30 and 2·10: 140 minutes. The sixth pair ends at 06:00, its
  // last edge is that of day 7, known to 06:00 only, while day 6 woke at 06:30: 30 minutes not
  // paired.
  const double differing = 6 * 140 - 30;
  EXPECT_NEAR(*SleepRegularityIndex(Home(), AtHome(nights)), -100 + 200 * (8280 - differing) / 8280,
              0.05);
}

TEST(RegularityTest, TheIndexNeedsSevenConsecutiveNightsWithNaps) {
  std::vector<v1::NightSummary> nights;
  for (int i = 0; i < 7; ++i) nights.push_back(NightWith(kPlanStart + i, 10));
  std::vector<v1::NightSummary> six(nights.begin() + 1, nights.end());
  EXPECT_FALSE(SleepRegularityIndex(Home(), AtHome(six)).has_value());
  std::vector<v1::NightSummary> gap = nights;
  gap[0] = NightWith(kPlanStart - 1, 10);
  EXPECT_FALSE(SleepRegularityIndex(Home(), AtHome(gap)).has_value());
  std::vector<v1::NightSummary> no_nap = nights;
  no_nap[4].clear_naps();
  EXPECT_FALSE(SleepRegularityIndex(Home(), AtHome(no_nap)).has_value());
  std::vector<v1::NightSummary> incomplete = nights;
  incomplete[2].set_status(v1::NIGHT_STATUS_INCOMPLETE);
  EXPECT_FALSE(SleepRegularityIndex(Home(), AtHome(incomplete)).has_value());
}

}  // namespace
}  // namespace nightlog::sleep
