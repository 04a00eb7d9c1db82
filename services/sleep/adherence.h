// How a night's responses compare with the plan in force, and the caregivers with each other.
// Source: METHODS.md, methods.json, METRICS.md section 2. What those leave open is decided here:
//
// - Level 0 (monitor only) is scored where the plan allows it, and is then ok; elsewhere it is not.
// - A response with an exempt reason is not scored, but restarts the clock as any visit does. One
//   exempt for illness suspends the night: no verdicts, `scored` false.
// - A night without any logged crying cannot be timed: missing is not zero. Levels, positions,
// rungs
//   and lengths are still judged; nothing is `no_cry`, early, late or missed.
// - Several verdicts would fit: not_allowed, wrong_position, no_cry, early or late or skipped_rung,
//   visit_too_long, in this order; the first stands.
// - Interval clock: the wait runs from the begin of the crying or the end of the last visit; every
//   visit moves to the next wait, whatever its verdict. A new crying in the same waking starts the
//   clock anew, but only a new waking goes back to the first wait. A visit that begins before the
//   last one ended is part of it and not timed. A late visit is `late` and not also a missed check.
//   Crying known to have gone on past target and tolerance without a visit is one missed check,
//   however long it was.
// - Tolerance widens targets only (waits), never limits (visit, hold, rung).
// - Ladder: time on a rung runs from the first response on it to the first on the next, begin to
//   begin; longer than the longest is late. A response leads to its rung even if early or skipped.
// - Presence methods: a response without a position is not judged on it. A position other than the
//   step's is wrong. Crying is not needed: the caregiver sits there.
// - Pick up, put down: only picking up needs crying; any order of voice, touch and picking up is
// ok.
// - Extinction: the one look is the night's first response that is not exempt.
// - Bedtime fading: its verdicts are those of the put-down and of the rise, and the night conforms
//   (100) or does not (0). Without a planned put-down, or a put-down or rise, it is not scored; an
//   empty planned rise is the child's desired rise. Responses are not scored.
// - Consistency compares all responses but exempt ones, level 0 included; gap is a mean of pairs,
// too.
//   Both are given where they can be computed, and `low_n` says not to show them.
#ifndef NIGHTLOG_SERVICES_SLEEP_ADHERENCE_H_
#define NIGHTLOG_SERVICES_SLEEP_ADHERENCE_H_

#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "nightlog/v1/records.pb.h"
#include "services/sleep/bouts.h"
#include "services/sleep/methods.h"

namespace nightlog::sleep {

// A stretch of crying. `ongoing`: its end is not known, and `end` equals the last time known.
struct CryEpisode {
  absl::Time begin;
  absl::Time end;
  bool ongoing;

  // True: a response at `time` answers it. One at its very end does: it may have ended it.
  bool Contains(absl::Time time) const { return begin <= time && (ongoing || time <= end); }
};

// Responses below this have not met a caregiver's way often enough to compare it.
constexpr int kComparableResponsesMin = 3;

// max(1 minute, 20 % of the target): product choice, no literature value.
absl::Duration ToleranceOf(absl::Duration target);

// What the scoring needs to know of a night.
struct ScoredNight {
  // In the order of their begins.
  absl::Span<const Event> responses;
  absl::Span<const CryEpisode> episodes;
  absl::Span<const Bout> bouts;
  absl::optional<int> age_months;
  // Of the evening and of the morning; nullptr where not logged. Times as planned, where they are.
  const Event* put_down = nullptr;
  const Event* rise = nullptr;
  absl::optional<absl::Time> planned_put_down;
  absl::optional<absl::Time> planned_rise;
};

// Fills `summary->adherence` and the adherence of `summary->caregivers`, which must hold every
// member of `night.responses`. Leaves adherence unset where the plan's method is not known.
void ScoreAdherence(const PlanInForce& plan, const ScoredNight& night, v1::NightSummary* summary);

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_SERVICES_SLEEP_ADHERENCE_H_
