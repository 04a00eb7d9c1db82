// Where a child stands on the way of the current plan: trends, regularity, and what can honestly be
// said. Pure and thread-safe. The choices below are the product's ([DEF]); METRICS.md gives the
// figures only where a source is named.
//
// - A complete night has status COMPLETE. A measure counts the complete nights that know it.
// - Baseline: median of the last up to 7 such nights dated before the plan's first night; where
// there
//   is none, of the plan's first 3. Now: median of the last 3 of the nights on which this plan was
//   in force. A direction is given from 3 nights on each side, which must not share a night; so a
//   plan without nights before it speaks from its sixth night.
// - Same: the change is below the measure's threshold or below 15 % of the baseline. Thresholds:
// SOL
//   5 min, NWAK 0.5, WASO 10 min, longest stretch 30 min, crying 5 min, night TST 20 min.
// - Verdict: measures vote, better against worse, medians against medians, as far as both sides
// have
//   a value. Setback: the newest night, or each of the newest two, is worse than the three before
//   (and no more nights than these), which were better than the baseline. Else the last three
//   nights against the baseline: improving, worsening or, without a majority, steady.
// - SDs: over the last up to 14 nights of the window that know the time, 7 at least, in wall-clock
//   minutes after noon of the night's date; nights in another zone than home are left out (Fischer
//   2021: the SD is required over a week).
// - SRI: over the newest 7 nights, which must be consecutive, complete, at home, and each with a
// nap,
//   for only then is day sleep known to be logged. One-minute epochs, sampled at their begin, from
//   noon of the first date to the last final wake; what is not logged sleep there is waking
//   (Phillips 2017).
// - Adherence and consistency are means over the plan's nights of the window that have them; nights
//   whose consistency is `low_n` are left out of the latter.
// - Without a plan in force on the newest night there are no trends. `segments` shows where plans
//   change, so that a baseline under another plan is seen for what it is.
#ifndef NIGHTLOG_SERVICES_SLEEP_PROGRESS_H_
#define NIGHTLOG_SERVICES_SLEEP_PROGRESS_H_

#include <array>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "nightlog/v1/records.pb.h"
#include "services/sleep/methods.h"

namespace nightlog::sleep {

// A window that holds every figure of a progress: nights to pass to DeriveProgress().
constexpr int kProgressWindowNights = 35;

// What the progress of a child takes from one of its nights. It is a small part of a summary, so
// that all of a child's can be kept, and walked with every tap.
struct ProgressNight {
  ProgressNight(const v1::Child& child, const v1::NightSummary& night);

  std::string date;
  absl::optional<absl::CivilDay> day;  // nullopt: the date is malformed
  bool is_complete;
  bool is_ongoing;
  bool is_at_home;
  bool has_naps;
  // What the night knows of each v1::Measure.
  std::array<absl::optional<double>, v1::Measure_ARRAYSIZE> measures;
  // By the wall clock, after noon of the date; of a night at home only.
  absl::optional<double> put_down_min;
  absl::optional<double> onset_min;
  absl::optional<double> rise_min;
  absl::Time final_wake_at;
  // Begins and ends of its sleep, naps included.
  std::vector<std::pair<absl::Time, absl::Time>> asleep;
  // The plan that the scores are of.
  std::string scored_plan_id;
  absl::optional<double> adherence_pct;
  absl::optional<double> consistency_pct;  // nullopt also of too few responses
};

// `nights`: of the newest summaries of the child, ascending by date, one a date, at least
// kProgressWindowNights of them if there are; more change nothing but `segments`, and the baseline
// and means of a plan that began before the window. `plans`: those of the child, in any order.
v1::Progress DeriveProgress(absl::string_view child_id, const v1::Child& child,
                            absl::Span<const ProgressNight> nights,
                            absl::Span<const PlanRecord> plans);

// Sleep regularity index of the newest 7 nights; nullopt where the conditions above do not hold.
absl::optional<double> SleepRegularityIndex(const v1::Child& child,
                                            absl::Span<const ProgressNight> nights);

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_SERVICES_SLEEP_PROGRESS_H_
