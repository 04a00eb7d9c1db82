// The eleven sleep training methods and their defaults, as METHODS.md and methods.json give them:
// the one table in C++. A test compares it with tests/vectors/methods.json field by field. None is
// judged, and nothing here refuses anything.
#ifndef NIGHTLOG_SERVICES_SLEEP_METHODS_H_
#define NIGHTLOG_SERVICES_SLEEP_METHODS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "nightlog/v1/plan_method.pb.h"
#include "nightlog/v1/records.pb.h"

namespace nightlog::sleep {

// A set of response levels 0 to 6, one bit each.
using LevelSet = uint8_t;
constexpr int kLevels = 7;
// Every level at which somebody helps; level 0 only watches.
constexpr LevelSet kAnyHelp = 0b1111110;

constexpr bool Contains(LevelSet levels, int level) {
  return level >= 0 && level < kLevels && (levels >> level & 1) != 0;
}

// A stretch of nights with one place for the caregiver. The last step holds for later nights.
struct MethodStep {
  int from_night;
  int to_night;
  v1::Position position;
  LevelSet allowed_levels;
};

// Zero and empty mean: the method says nothing about it.
struct Method {
  v1::PlanMethod method = v1::PLAN_METHOD_UNSPECIFIED;
  // As methods.json spells it, and what else people call it.
  absl::string_view id;
  absl::Span<const absl::string_view> aliases;
  int min_age_months = 0;
  // Extinction in some form: advised from 6 months only, whatever `min_age_months` says
  // (METHODS.md, "Guard rails").
  bool extinction_type = false;
  LevelSet allowed_levels = kAnyHelp;
  // One silent look (level 1) at the night's first crying is within the plan.
  bool first_check_allowed = false;
  // Minutes to wait before each check, by night; the last row and the last wait repeat.
  absl::Span<const absl::Span<const double>> waits;
  // Another row in use for the same method, for a plan to choose.
  absl::Span<const double> variant_waits;
  double max_visit_min = 0;
  absl::Span<const MethodStep> steps;
  absl::Span<const int> rungs;
  double min_rung_min = 0;
  double max_rung_min = 0;
  // Picking up (level 4) is for a child that cries, and not for longer than this.
  bool pickup_requires_cry = false;
  double max_hold_min_below_5_months = 0;
  double max_hold_min_from_5_months = 0;
  // Bedtime fading: conforming put-downs and rises are this near the planned time.
  double put_down_tolerance_min = 0;
  double rise_tolerance_min = 0;
  // When the method is said to show; claims, not promises.
  int expected_nights_min = 0;
  int expected_nights_max = 0;
  int review_after_nights = 0;
};

// All methods, in the order of methods.json.
absl::Span<const Method> AllMethods();

// The method of that number; nullptr for PLAN_METHOD_UNSPECIFIED or one this build does not know.
const Method* FindMethod(v1::PlanMethod method);

// A plan with its record id. Both must outlive this.
struct PlanRecord {
  PlanRecord(absl::string_view plan_id, const v1::Plan* plan);

  absl::string_view plan_id;
  const v1::Plan* plan;
  // The plan's, read once; nullopt where unset or malformed.
  absl::optional<absl::CivilDay> first_night;
  absl::optional<absl::CivilDay> last_night;
};

// The plan that covers a night, with the number of that night within it (1 on its first night).
// Its id and its plan are those of the PlanRecord.
struct PlanInForce {
  absl::string_view plan_id;
  const v1::Plan* plan = nullptr;
  int plan_night = 0;
};

// Which of one child's plans is in force on `night`, by the rule of PlanNights: of those that cover
// it the one with the later first night, of two such the greater id. A plan without a last night
// covers until the next later plan begins, and does not come back when that one ends. nullopt:
// none. Plans with a malformed first night cover nothing. `plans` in any order.
absl::optional<PlanInForce> FindPlanInForce(absl::Span<const PlanRecord> plans,
                                            absl::CivilDay night);

// What the parameters of a plan and the defaults of its method come to on one night.
struct NightRules {
  const Method* method = nullptr;
  LevelSet allowed_levels = kAnyHelp;
  // Minutes before each check; empty: no checks by the clock.
  absl::Span<const double> waits;
  double max_visit_min = 0;
  v1::Position position = v1::POSITION_UNSPECIFIED;
  // Rung index of a level; -1 where it is none.
  int8_t rung_of_level[kLevels] = {-1, -1, -1, -1, -1, -1, -1};
  double min_rung_min = 0;
  double max_rung_min = 0;
  double max_hold_min = 0;
};

// `age_months` chooses the hold limit of pick up, put down; without it the longer one holds. Points
// into `approach`. REQUIRES: FindMethod(approach.method()) is not nullptr, plan_night >= 1.
NightRules RulesFor(const v1::PlanApproach& approach, int plan_night,
                    absl::optional<int> age_months);

// What to say about a method at a child's age; advice to show, never a reason to refuse.
struct AgeAdvice {
  // Completed months, corrected; nullopt: no birth date.
  absl::optional<int> age_months;
  // The age from which the method is advised: the method's own, and 6 for extinction in any form.
  int min_age_months = 0;
  // True: known to be younger than that.
  bool below_min_age = false;
};
AgeAdvice AdviseOnAge(v1::PlanMethod method, const v1::Child& child, absl::CivilDay day);

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_SERVICES_SLEEP_METHODS_H_
