#include "services/sleep/methods.h"

#include <cstring>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "nlohmann/json.hpp"
#include "services/sleep/local_time.h"
#include "services/sleep/norms.h"

namespace nightlog::sleep {
namespace {

using Json = nlohmann::json;

Json LevelsOf(LevelSet set) {
  Json levels = Json::array();
  for (int level = 0; level < kLevels; ++level) {
    if (Contains(set, level)) levels.push_back(level);
  }
  return levels;
}

Json RowOf(absl::Span<const double> row) {
  Json list = Json::array();
  for (double minutes : row) list.push_back(static_cast<int>(minutes));
  return list;
}

// methods.json spells one position otherwise.
std::string PositionName(v1::Position position) {
  if (position == v1::POSITION_CHAIR_HALF_METRE) return "chair_0.5m";
  return absl::AsciiStrToLower(v1::Position_Name(position).substr(strlen("POSITION_")));
}

Json StepsOf(const Method& method) {
  Json steps = Json::array();
  for (const MethodStep& step : method.steps) {
    Json json = {{"position", PositionName(step.position)},
                 {"allowed_levels", LevelsOf(step.allowed_levels)}};
    if (method.method == v1::PLAN_METHOD_CAMPING_OUT) {
      // Three nights a step by default; the file numbers its steps.
      EXPECT_EQ(step.to_night - step.from_night + 1, 3);
      json["step"] = (step.from_night + 2) / 3;
    } else {
      json["from_night"] = step.from_night;
      json["to_night"] = step.to_night;
    }
    steps.push_back(json);
  }
  return steps;
}

// What the table must say under `key`; null for a key that is prose.
Json TableValue(const Method& method, const std::string& key) {
  if (key == "id") return std::string(method.id);
  if (key == "aliases") {
    Json aliases = Json::array();
    for (absl::string_view alias : method.aliases) aliases.push_back(std::string(alias));
    return aliases;
  }
  if (key == "min_age_months") return method.min_age_months;
  if (key == "allowed_levels") return LevelsOf(method.allowed_levels);
  if (key == "forbidden_levels") return LevelsOf(kAnyHelp & ~method.allowed_levels);
  if (key == "first_check_allowed") return method.first_check_allowed;
  if (key == "fixed_interval_min") return method.waits.at(0).at(0);
  if (key == "intervals_min") {
    Json nights = Json::object();
    for (size_t i = 0; i < method.waits.size(); ++i) {
      nights[std::to_string(i + 1)] = RowOf(method.waits[i]);
    }
    return nights;
  }
  if (key == "variant_intervals_min") return RowOf(method.variant_waits);
  if (key == "max_visit_min") return method.max_visit_min;
  if (key == "steps") return StepsOf(method);
  if (key == "rungs") return std::vector<int>(method.rungs.begin(), method.rungs.end());
  if (key == "min_rung_min") return method.min_rung_min;
  if (key == "max_rung_min") return method.max_rung_min;
  if (key == "checks") {
    return {{"pickup_requires_open_cry", method.pickup_requires_cry},
            {"max_hold_min_3_4_months", method.max_hold_min_below_5_months},
            {"max_hold_min_5_plus_months", method.max_hold_min_from_5_months}};
  }
  if (key == "expected_days") return {method.expected_nights_min, method.expected_nights_max};
  if (key == "review_after_nights") return method.review_after_nights;
  return nullptr;
}

// Keys that hold words, behaviour every method shares (scored by tests of adherence), or advice on
// how a consultant moves a fading bedtime.
const std::set<std::string>& ProseKeys() {
  static const auto* const kKeys = new std::set<std::string>{"sources",
                                                             "first_check",
                                                             "expected_days_source",
                                                             "check",
                                                             "restart_each_waking",
                                                             "last_interval_repeats",
                                                             "night_over_7",
                                                             "note",
                                                             "after_waking",
                                                             "pickup",
                                                             "nights_per_step",
                                                             "same_rule_for_naps_and_wakings",
                                                             "start",
                                                             "step_down",
                                                             "sources_for_waits",
                                                             "detail_rungs",
                                                             "sequence",
                                                             "initial_shift_min",
                                                             "rule",
                                                             "sol_target_min",
                                                             "earlier_step_min",
                                                             "earlier_every_days",
                                                             "fixed_rise_time",
                                                             "night_wakings",
                                                             "adherence"};
  return *kKeys;
}

TEST(MethodsTest, TheTableIsMethodsJsonFieldByField) {
  std::ifstream file(NIGHTLOG_SOURCE_DIR "/tests/vectors/methods.json");
  const Json json = Json::parse(file);
  ASSERT_EQ(json.at("methods").size(), AllMethods().size());
  for (size_t i = 0; i < AllMethods().size(); ++i) {
    const Method& method = AllMethods()[i];
    for (const auto& [key, value] : json["methods"][i].items()) {
      if (ProseKeys().count(key) > 0) continue;
      EXPECT_EQ(TableValue(method, key), value) << method.id << " " << key;
    }
    // And nothing stands in the table that the file does not say.
    const Json& said = json["methods"][i];
    EXPECT_EQ(method.min_age_months > 0, said.value("min_age_months", 0) > 0) << method.id;
    EXPECT_EQ(!method.waits.empty(),
              said.contains("intervals_min") || said.contains("fixed_interval_min"))
        << method.id;
    EXPECT_EQ(!method.variant_waits.empty(), said.contains("variant_intervals_min")) << method.id;
    EXPECT_EQ(method.max_visit_min > 0, said.contains("max_visit_min")) << method.id;
    EXPECT_EQ(!method.steps.empty(), said.contains("steps")) << method.id;
    EXPECT_EQ(!method.rungs.empty(), said.contains("rungs")) << method.id;
    EXPECT_EQ(method.pickup_requires_cry, said.contains("checks")) << method.id;
    EXPECT_EQ(method.expected_nights_max > 0, said.contains("expected_days")) << method.id;
    EXPECT_EQ(method.review_after_nights > 0, said.contains("review_after_nights")) << method.id;
    EXPECT_EQ(method.first_check_allowed, said.value("first_check_allowed", false)) << method.id;
    EXPECT_EQ(method.allowed_levels != kAnyHelp, said.contains("allowed_levels")) << method.id;
  }
}

TEST(MethodsTest, FadingToleranceIsWhatItsAdherenceTextSays) {
  std::ifstream file(NIGHTLOG_SOURCE_DIR "/tests/vectors/methods.json");
  const Json json = Json::parse(file);
  const Method& fading = *FindMethod(v1::PLAN_METHOD_BEDTIME_FADING);
  EXPECT_THAT(json["methods"][10]["adherence"].get<std::string>(),
              testing::StartsWith(absl::StrCat(
                  "abs(put_down - planned) <= ", fading.put_down_tolerance_min,
                  " min AND abs(rise - planned) <= ", fading.rise_tolerance_min, " min")));
}

TEST(MethodsTest, EveryMethodOfTheContractIsKnown) {
  const auto* type = v1::PlanMethod_descriptor();
  for (int i = 0; i < type->value_count(); ++i) {
    const auto number = static_cast<v1::PlanMethod>(type->value(i)->number());
    const Method* method = FindMethod(number);
    if (number == v1::PLAN_METHOD_UNSPECIFIED) {
      EXPECT_EQ(method, nullptr);
      continue;
    }
    ASSERT_NE(method, nullptr) << type->value(i)->name();
    EXPECT_EQ(absl::AsciiStrToLower(type->value(i)->name()),
              absl::StrCat("plan_method_", method->id));
  }
}

v1::Plan PlanFor(absl::string_view first, absl::string_view last = "") {
  v1::Plan plan;
  plan.mutable_approach()->set_method(v1::PLAN_METHOD_CHAIR);
  plan.mutable_nights()->set_first_night(first.data(), first.size());
  plan.mutable_nights()->set_last_night(last.data(), last.size());
  return plan;
}

std::string InForceOn(absl::Span<const PlanRecord> plans, absl::string_view night) {
  const auto plan = FindPlanInForce(plans, *ParseDay(night));
  return plan ? absl::StrCat(plan->plan_id, " night ", plan->plan_night) : "none";
}

TEST(PlanInForceTest, CoversFromItsFirstNightToItsLastInclusive) {
  const v1::Plan plan = PlanFor("2025-03-01", "2025-03-03");
  const PlanRecord plans[] = {{"a", &plan}};
  EXPECT_EQ(InForceOn(plans, "2025-02-28"), "none");
  EXPECT_EQ(InForceOn(plans, "2025-03-01"), "a night 1");
  EXPECT_EQ(InForceOn(plans, "2025-03-03"), "a night 3");
  EXPECT_EQ(InForceOn(plans, "2025-03-04"), "none");
}

TEST(PlanInForceTest, TheLaterFirstNightWinsAndTheEarlierPlanResumesOnlyIfItHasALastNight) {
  const v1::Plan open = PlanFor("2025-03-01");
  const v1::Plan bounded = PlanFor("2025-03-01", "2025-03-20");
  const v1::Plan later = PlanFor("2025-03-05", "2025-03-06");
  const PlanRecord open_first[] = {{"a", &open}, {"b", &later}};
  const PlanRecord bounded_first[] = {{"b", &later}, {"a", &bounded}};
  for (const auto& plans : {absl::MakeConstSpan(open_first), absl::MakeConstSpan(bounded_first)}) {
    EXPECT_EQ(InForceOn(plans, "2025-03-04"), "a night 4");
    EXPECT_EQ(InForceOn(plans, "2025-03-05"), "b night 1");
  }
  EXPECT_EQ(InForceOn(open_first, "2025-03-07"), "none");
  EXPECT_EQ(InForceOn(bounded_first, "2025-03-07"), "a night 7");
}

TEST(PlanInForceTest, OfTheSameFirstNightTheGreaterIdWins) {
  const v1::Plan plan = PlanFor("2025-03-01");
  const v1::Plan short_plan = PlanFor("2025-03-01", "2025-03-02");
  const PlanRecord plans[] = {{"b", &short_plan}, {"a", &plan}};
  EXPECT_EQ(InForceOn(plans, "2025-03-02"), "b night 2");
  EXPECT_EQ(InForceOn(plans, "2025-03-03"), "a night 3");
}

TEST(PlanInForceTest, AMalformedFirstNightCoversNothing) {
  const v1::Plan plan = PlanFor("2025-02-30");
  const PlanRecord plans[] = {{"a", &plan}};
  EXPECT_EQ(InForceOn(plans, "2025-03-05"), "none");
}

TEST(RulesTest, ParametersOfThePlanReplaceTheMethodsDefaults) {
  v1::PlanApproach approach;
  approach.set_method(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  EXPECT_THAT(RulesFor(approach, 7, absl::nullopt).waits, testing::ElementsAre(20, 25, 30));
  EXPECT_THAT(RulesFor(approach, 12, absl::nullopt).waits, testing::ElementsAre(20, 25, 30));

  approach.add_waits()->add_wait_min(1);
  approach.add_waits()->add_wait_min(2);
  approach.add_allowed_levels(2);
  approach.set_max_visit_min(9);
  const NightRules rules = RulesFor(approach, 5, absl::nullopt);
  EXPECT_THAT(rules.waits, testing::ElementsAre(2));
  EXPECT_EQ(LevelsOf(rules.allowed_levels), Json({2}));
  EXPECT_EQ(rules.max_visit_min, 9);
}

TEST(RulesTest, TheLastStepHoldsForLaterNights) {
  v1::PlanApproach approach;
  approach.set_method(v1::PLAN_METHOD_CHAIR);
  EXPECT_EQ(RulesFor(approach, 3, absl::nullopt).position, v1::POSITION_BESIDE_CRIB);
  EXPECT_EQ(RulesFor(approach, 4, absl::nullopt).position, v1::POSITION_HALFWAY);
  EXPECT_EQ(RulesFor(approach, 30, absl::nullopt).position, v1::POSITION_OUT_OF_VIEW);

  v1::PlanStep* step = approach.add_steps();
  step->set_from_night(1);
  step->set_to_night(2);
  step->set_position(v1::POSITION_DOORWAY_INSIDE);
  EXPECT_EQ(RulesFor(approach, 5, absl::nullopt).position, v1::POSITION_DOORWAY_INSIDE);
}

TEST(RulesTest, HoldLimitGoesByAge) {
  v1::PlanApproach approach;
  approach.set_method(v1::PLAN_METHOD_PICK_UP_PUT_DOWN);
  EXPECT_EQ(RulesFor(approach, 1, 4).max_hold_min, 5);
  EXPECT_EQ(RulesFor(approach, 1, 5).max_hold_min, 1);
  EXPECT_EQ(RulesFor(approach, 1, absl::nullopt).max_hold_min, 5);
  approach.set_max_hold_min(2);
  EXPECT_EQ(RulesFor(approach, 1, 9).max_hold_min, 2);
}

TEST(AgeTest, IsCountedFromTheDueDateOfAChildBornEarly) {
  v1::Child child;
  EXPECT_EQ(AgeInMonths(child, absl::CivilDay(2025, 6, 1)), absl::nullopt);
  child.set_birth_date("2025-01-15");
  EXPECT_EQ(AgeInMonths(child, absl::CivilDay(2025, 6, 14)), 4);
  EXPECT_EQ(AgeInMonths(child, absl::CivilDay(2025, 6, 15)), 5);
  child.set_due_date("2025-03-15");
  EXPECT_EQ(AgeInMonths(child, absl::CivilDay(2025, 6, 15)), 3);
  EXPECT_EQ(AgeInMonths(child, absl::CivilDay(2025, 2, 1)), 0);
  child.set_due_date("2025-01-01");
  EXPECT_EQ(AgeInMonths(child, absl::CivilDay(2025, 6, 15)), 5);
}

TEST(AgeTest, ExtinctionInAnyFormIsAdvisedFromSixMonths) {
  v1::Child child;
  child.set_birth_date("2025-01-15");
  const absl::CivilDay five_months(2025, 6, 20);
  for (const Method& method : AllMethods()) {
    const AgeAdvice advice = AdviseOnAge(method.method, child, five_months);
    EXPECT_EQ(advice.age_months, 5);
    EXPECT_EQ(advice.below_min_age, method.extinction_type) << method.id;
    EXPECT_FALSE(AdviseOnAge(method.method, child, five_months + 31).below_min_age) << method.id;
  }
  const AgeAdvice unknown = AdviseOnAge(v1::PLAN_METHOD_EXTINCTION, v1::Child(), five_months);
  EXPECT_FALSE(unknown.below_min_age);
  EXPECT_EQ(unknown.min_age_months, 6);
}

TEST(NormsTest, AreThoseOfTheAgeBand) {
  EXPECT_EQ(NormFor(3)->recommended.low, 14);
  EXPECT_FALSE(NormFor(3)->aasm.has_value());
  EXPECT_FALSE(NormFor(3)->observed_mean.has_value());
  EXPECT_EQ(NormFor(11)->may_be_appropriate.high, 18);
  EXPECT_EQ(NormFor(11)->aasm->low, 12);
  EXPECT_EQ(NormFor(12)->aasm->low, 11);
  // Values METRICS.md computed from the same fit.
  EXPECT_NEAR(*NormFor(6)->observed_mean, 13.19, 0.01);
  EXPECT_NEAR(*NormFor(12)->observed_mean, 12.68, 0.01);
  EXPECT_NEAR(*NormFor(24)->observed_mean, 11.95, 0.01);
  EXPECT_FALSE(NormFor(36).has_value());
  EXPECT_FALSE(NormFor(-1).has_value());
}

}  // namespace
}  // namespace nightlog::sleep
