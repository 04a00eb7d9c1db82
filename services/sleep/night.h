// From a night's log to its summary: METRICS.md, sections 0 to 2, and adherence.
//
// Pure functions of their arguments: no clock, no state, thread-safe. The order of entries does not
// matter, and equal inputs give equal messages (serialise the maps in them deterministically).
//
// Where METRICS.md is silent, this is decided (see bouts.h and adherence.h, too):
// - Put-down of the evening: the first within 3 hours before the night window or in it; not one
// that
//   a nap follows, and after the middle of the window not one that follows night sleep (that is a
//   putting back). A child already asleep then has SOL 0, and time in bed begins with the sleep.
// - A nap whose end cannot be known leaves nap_min and tst24_min unknown; the night is not touched.
//   An open sleep is the night's if it began in the window or after the put-down.
// - Rise: the first from the final wake to the next sleep, until 15:00; failing that, the last
//   within 10 minutes before the final wake, taken to be at it.
// - Incomplete: no duration or percentage of sleep is given; C1–C3 where a known bout meets them.
//   Crying, responses and adherence rest on entries of their own and are given, so that a night can
//   be followed live.
// - Without a put-down, crying and responses count from the onset or the window's begin (whichever
//   is earlier), and the bedtime part is unknown. Crying ends with the rise, else the final wake.
//   Responses also count after that until the window's end, so that the present waking is scored.
// - An open crying ends at the next bout of sleep or rise; within a bout, or at the log's end, its
//   length is not known and adds nothing.
// - `interventions` counts levels 1 to 6; `interventions_by_level` and `responses` level 0, too.
// - Naps are those of the date, also where a bout before the put-down became one. Where no sleep is
//   logged, nap_count is unknown, not 0.
// - Rejected and imputed entries are reported by the one night that owns their begin (rejected) or
//   midpoint (imputed).
// - Response latencies are rounded as percentages are: one decimal, halves up.
#ifndef NIGHTLOG_SERVICES_SLEEP_NIGHT_H_
#define NIGHTLOG_SERVICES_SLEEP_NIGHT_H_

#include <array>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "nightlog/v1/records.pb.h"
#include "services/sleep/bouts.h"
#include "services/sleep/methods.h"

namespace nightlog::sleep {

// [begin, end).
struct TimeRange {
  absl::Time begin;
  absl::Time end;
};

// An entry influences the summary of `night` only if it begins in this range: three days, from
// 08:00 of the day before in the home zone. It holds naps, every sleep of up to 16 hours that the
// night can own, what can close an open one, and the same nights lived in far zones.
TimeRange EntriesWindow(const v1::Child& child, absl::CivilDay night);

// The nights whose window holds the interval's begin, oldest first; what an entry with it can
// influence. When an edit moves an entry, both its old and its new interval touch nights. When the
// child's zone, window or desired rise change, all nights do.
std::array<absl::CivilDay, 3> NightsTouched(const v1::Child& child, const v1::Interval& interval);

// The summary of one night. `entries`: those of the child in EntriesWindow(), in any order; others
// are ignored. `plan`: the one in force on the night, or nullptr. `open_conflicts` is copied.
v1::NightSummary SummarizeNight(absl::string_view child_id, const v1::Child& child,
                                absl::CivilDay night, absl::Span<const LoggedEntry> entries,
                                const PlanInForce* plan, int open_conflicts);

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_SERVICES_SLEEP_NIGHT_H_
