#ifndef NIGHTLOG_CLIENTS_CLI_LOCAL_TIME_H_
#define NIGHTLOG_CLIENTS_CLI_LOCAL_TIME_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "storage/core/local_reading.h"

namespace nightlog::cli {

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
