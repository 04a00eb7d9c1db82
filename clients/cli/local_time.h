#ifndef NIGHTLOG_CLIENTS_CLI_LOCAL_TIME_H_
#define NIGHTLOG_CLIENTS_CLI_LOCAL_TIME_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace nightlog::cli {

// A moment that a person named by a clock on the wall.
struct LocalReading {
  absl::Time time;
  // Empty, or one sentence for the person: what was made of a local time that a change to or from
  // summer time skips or repeats.
  std::string remark;
};

// Which of the two readings of a repeated (or skipped) local time is meant.
enum class ClockChange { kBefore, kAfter };

// The moment of `local` in `zone`. A repeated time is read by the clock before or after the change,
// as `side` says; a skipped one likewise, which moves it by the length of the gap.
LocalReading ReadLocal(absl::CivilSecond local, absl::TimeZone zone,
                       ClockChange side = ClockChange::kBefore);

// The zone of an IANA name such as `Europe/London`. INVALID_ARGUMENT, with a sentence for the
// person, if there is none of that name.
absl::StatusOr<absl::TimeZone> FindZone(absl::string_view name);

// `YYYY-MM-DD`. INVALID_ARGUMENT, with a sentence for the person, for anything else.
absl::StatusOr<absl::CivilDay> ParseDate(absl::string_view text);

// The night a moment belongs to where nothing is known of the child: noon to noon, by the date of
// the evening.
absl::CivilDay NightOf(absl::Time time, absl::TimeZone zone);

// A moment as `--at` takes it: `now`; `HH:MM`, the latest such time that is not after `now`;
// `YYYY-MM-DD HH:MM` (also with seconds or a `T`), local in `zone`; or RFC 3339 with an offset.
// INVALID_ARGUMENT, with a sentence for the person, for anything else.
absl::StatusOr<LocalReading> ParseMoment(absl::string_view text, absl::Time now,
                                         absl::TimeZone zone);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_LOCAL_TIME_H_
