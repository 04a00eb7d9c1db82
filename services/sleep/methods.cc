#include "services/sleep/methods.h"

#include <algorithm>
#include <initializer_list>
#include <vector>

#include "services/sleep/local_time.h"
#include "services/sleep/norms.h"

namespace nightlog::sleep {
namespace {

constexpr LevelSet Levels(std::initializer_list<int> levels) {
  LevelSet set = 0;
  for (int level : levels) set |= 1 << level;
  return set;
}

constexpr int kExtinctionMinAgeMonths = 6;

using Row = absl::Span<const double>;

constexpr absl::string_view kExtinctionAliases[] = {"cry it out", "CIO", "unmodified extinction"};
constexpr absl::string_view kGraduatedAliases[] = {"Ferber", "progressive waiting", "check-ins"};
constexpr absl::string_view kComfortingAliases[] = {"controlled crying",
                                                    "Gradisar graduated extinction"};
constexpr absl::string_view kPresenceAliases[] = {"Sadeh presence"};
constexpr absl::string_view kChairAliases[] = {"Sleep Lady Shuffle"};
constexpr absl::string_view kCampingAliases[] = {"adult fading", "gradual fading of presence"};
constexpr absl::string_view kLadderAliases[] = {"soothing ladder"};
constexpr absl::string_view kPickUpAliases[] = {"PUPD"};

constexpr double kEvery20[] = {20};
constexpr double kEvery5[] = {5};
constexpr double kNight1[] = {3, 5, 10};
constexpr double kNight2[] = {5, 10, 12};
constexpr double kNight3[] = {10, 12, 15};
constexpr double kNight4[] = {12, 15, 17};
constexpr double kNight5[] = {15, 17, 20};
constexpr double kNight6[] = {17, 20, 25};
constexpr double kNight7[] = {20, 25, 30};
constexpr double kComforting[] = {2, 4, 6};
constexpr double kComfortingVariant[] = {2, 4, 6, 8};

constexpr Row kModifiedWaits[] = {kEvery20};
constexpr Row kGraduatedWaits[] = {kNight1, kNight2, kNight3, kNight4, kNight5, kNight6, kNight7};
constexpr Row kComfortingWaits[] = {kComforting};
constexpr Row kCheckingWaits[] = {kEvery5};

constexpr LevelSet kInCrib = Levels({1, 2, 3});
constexpr LevelSet kNoTouch = Levels({1, 2});

constexpr MethodStep kPresenceSteps[] = {
    {1, 7, v1::POSITION_SLEEPS_IN_ROOM, kInCrib},
    {8, 21, v1::POSITION_OUT_OF_ROOM, kInCrib},
};
constexpr MethodStep kChairSteps[] = {
    {1, 3, v1::POSITION_BESIDE_CRIB, kInCrib},
    {4, 6, v1::POSITION_HALFWAY, kNoTouch},
    {7, 9, v1::POSITION_DOORWAY_INSIDE, kNoTouch},
    {10, 12, v1::POSITION_HALLWAY_IN_VIEW, kNoTouch},
    {13, 14, v1::POSITION_OUT_OF_VIEW, Levels({2})},
};
// Three nights a step, the default of "a few, until used to it".
constexpr MethodStep kCampingSteps[] = {
    {1, 3, v1::POSITION_CHAIR_AT_COT, kInCrib},
    {4, 6, v1::POSITION_CHAIR_AT_COT, kNoTouch},
    {7, 9, v1::POSITION_CHAIR_HALF_METRE, kNoTouch},
    {10, 12, v1::POSITION_TOWARD_DOOR_THEN_OUT, kNoTouch},
};

constexpr int kLadderRungs[] = {1, 2, 3, 4, 5, 6};

std::vector<Method> BuildMethods() {
  std::vector<Method> methods;
  const auto add = [&methods](v1::PlanMethod method, absl::string_view id,
                              absl::Span<const absl::string_view> aliases) -> Method& {
    methods.push_back({});
    methods.back().method = method;
    methods.back().id = id;
    methods.back().aliases = aliases;
    return methods.back();
  };
  {
    Method& m = add(v1::PLAN_METHOD_EXTINCTION, "extinction", kExtinctionAliases);
    m.extinction_type = true;
    m.min_age_months = 6;
    m.allowed_levels = Levels({0});
    m.first_check_allowed = true;
    m.expected_nights_min = 3;
    m.expected_nights_max = 5;
    m.review_after_nights = 7;
  }
  {
    Method& m = add(v1::PLAN_METHOD_MODIFIED_EXTINCTION, "modified_extinction", {});
    m.extinction_type = true;
    m.allowed_levels = Levels({0, 1});
    m.waits = kModifiedWaits;
  }
  {
    Method& m =
        add(v1::PLAN_METHOD_GRADUATED_EXTINCTION, "graduated_extinction", kGraduatedAliases);
    m.extinction_type = true;
    m.min_age_months = 5;
    m.allowed_levels = kInCrib;
    m.max_visit_min = 2;
    m.waits = kGraduatedWaits;
    m.expected_nights_min = 3;
    m.expected_nights_max = 7;
  }
  {
    Method& m =
        add(v1::PLAN_METHOD_CONTROLLED_COMFORTING, "controlled_comforting", kComfortingAliases);
    m.extinction_type = true;
    m.min_age_months = 6;
    m.allowed_levels = kInCrib;
    m.max_visit_min = 3;
    m.waits = kComfortingWaits;
    m.variant_waits = kComfortingVariant;
    m.expected_nights_min = 3;
    m.expected_nights_max = 14;
  }
  {
    Method& m = add(v1::PLAN_METHOD_FIXED_CHECKING, "fixed_checking", {});
    m.extinction_type = true;
    m.allowed_levels = kInCrib;
    m.waits = kCheckingWaits;
  }
  {
    Method& m = add(v1::PLAN_METHOD_PARENTAL_PRESENCE, "parental_presence", kPresenceAliases);
    m.steps = kPresenceSteps;
  }
  {
    Method& m = add(v1::PLAN_METHOD_CHAIR, "chair", kChairAliases);
    m.steps = kChairSteps;
    m.expected_nights_min = 14;
    m.expected_nights_max = 14;
  }
  {
    Method& m = add(v1::PLAN_METHOD_CAMPING_OUT, "camping_out", kCampingAliases);
    m.steps = kCampingSteps;
    m.expected_nights_min = 7;
    m.expected_nights_max = 21;
  }
  {
    Method& m = add(v1::PLAN_METHOD_LADDER, "ladder", kLadderAliases);
    m.rungs = kLadderRungs;
    m.min_rung_min = 0.5;
    m.max_rung_min = 2;
    m.expected_nights_min = 7;
    m.expected_nights_max = 21;
  }
  {
    Method& m = add(v1::PLAN_METHOD_PICK_UP_PUT_DOWN, "pick_up_put_down", kPickUpAliases);
    m.min_age_months = 3;
    m.allowed_levels = Levels({1, 2, 3, 4});
    m.pickup_requires_cry = true;
    m.max_hold_min_below_5_months = 5;
    m.max_hold_min_from_5_months = 1;
  }
  {
    Method& m = add(v1::PLAN_METHOD_BEDTIME_FADING, "bedtime_fading", {});
    m.put_down_tolerance_min = 10;
    m.rise_tolerance_min = 30;
  }
  return methods;
}

LevelSet ToSet(const google::protobuf::RepeatedField<uint32_t>& levels) {
  LevelSet set = 0;
  for (uint32_t level : levels) {
    if (level < kLevels) set |= 1 << level;
  }
  return set;
}

}  // namespace

absl::Span<const Method> AllMethods() {
  static const auto* const kMethods = new std::vector<Method>(BuildMethods());
  return *kMethods;
}

const Method* FindMethod(v1::PlanMethod method) {
  for (const Method& known : AllMethods()) {
    if (known.method == method) return &known;
  }
  return nullptr;
}

PlanRecord::PlanRecord(absl::string_view plan_id, const v1::Plan* plan)
    : plan_id(plan_id),
      plan(plan),
      first_night(ParseDay(plan->nights().first_night())),
      last_night(ParseDay(plan->nights().last_night())) {}

absl::optional<PlanInForce> FindPlanInForce(absl::Span<const PlanRecord> plans,
                                            absl::CivilDay night) {
  // A plan without a last night yields to the latest one begun.
  absl::optional<absl::CivilDay> latest_first;
  for (const PlanRecord& record : plans) {
    const auto& first = record.first_night;
    if (first && *first <= night && (!latest_first || *latest_first < *first)) {
      latest_first = first;
    }
  }
  const PlanRecord* best = nullptr;
  absl::CivilDay best_first;
  for (const PlanRecord& record : plans) {
    const auto& first = record.first_night;
    if (!first || *first > night) continue;
    const auto& last = record.last_night;
    if (last ? *last < night : *first < *latest_first) continue;
    if (best == nullptr || *first > best_first ||
        (*first == best_first && record.plan_id > best->plan_id)) {
      best = &record;
      best_first = *first;
    }
  }
  if (best == nullptr) return absl::nullopt;
  return PlanInForce{best->plan_id, best->plan, static_cast<int>(night - best_first) + 1};
}

NightRules RulesFor(const v1::PlanApproach& approach, int plan_night,
                    absl::optional<int> age_months) {
  const Method& method = *FindMethod(approach.method());
  NightRules rules;
  rules.method = &method;
  rules.allowed_levels = method.allowed_levels;

  if (!approach.steps().empty()) {
    const v1::PlanStep* held = &approach.steps(0);
    for (const v1::PlanStep& step : approach.steps()) {
      if (step.from_night() <= plan_night) held = &step;
    }
    rules.position = held->position();
    if (!approach.allowed_levels().empty()) rules.allowed_levels = ToSet(approach.allowed_levels());
    if (!held->allowed_levels().empty()) rules.allowed_levels = ToSet(held->allowed_levels());
  } else {
    for (const MethodStep& step : method.steps) {
      if (step.from_night > plan_night) break;
      rules.position = step.position;
      rules.allowed_levels = step.allowed_levels;
    }
    if (!approach.allowed_levels().empty()) rules.allowed_levels = ToSet(approach.allowed_levels());
  }

  if (!approach.waits().empty()) {
    const auto& row = approach.waits(std::min(plan_night, approach.waits_size()) - 1).wait_min();
    rules.waits = absl::MakeConstSpan(row.data(), row.size());
  } else if (!method.waits.empty()) {
    rules.waits = method.waits[std::min<size_t>(plan_night, method.waits.size()) - 1];
  }

  rules.max_visit_min =
      approach.has_max_visit_min() ? approach.max_visit_min() : method.max_visit_min;
  rules.min_rung_min = approach.has_min_rung_min() ? approach.min_rung_min() : method.min_rung_min;
  rules.max_rung_min = approach.has_max_rung_min() ? approach.max_rung_min() : method.max_rung_min;
  if (approach.has_max_hold_min()) {
    rules.max_hold_min = approach.max_hold_min();
  } else {
    rules.max_hold_min = age_months.value_or(0) < 5 ? method.max_hold_min_below_5_months
                                                    : method.max_hold_min_from_5_months;
  }

  int8_t rung = 0;
  if (!approach.rungs().empty()) {
    for (uint32_t level : approach.rungs()) {
      if (level < kLevels) rules.rung_of_level[level] = rung++;
    }
  } else {
    for (int level : method.rungs) rules.rung_of_level[level] = rung++;
  }
  return rules;
}

AgeAdvice AdviseOnAge(v1::PlanMethod method, const v1::Child& child, absl::CivilDay day) {
  AgeAdvice advice;
  advice.age_months = AgeInMonths(child, day);
  if (const Method* known = FindMethod(method)) {
    advice.min_age_months =
        std::max(known->min_age_months, known->extinction_type ? kExtinctionMinAgeMonths : 0);
  }
  advice.below_min_age =
      advice.age_months.has_value() && *advice.age_months < advice.min_age_months;
  return advice;
}

}  // namespace nightlog::sleep
