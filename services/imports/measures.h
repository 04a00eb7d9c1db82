#ifndef NIGHTLOG_SERVICES_IMPORTS_MEASURES_H_
#define NIGHTLOG_SERVICES_IMPORTS_MEASURES_H_

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace nightlog::imports {

// Times, lengths and amounts as the files of other apps write them. Pure; nullopt for what is none,
// as is a year before 1970 or after 2099: it stands for no time, or was typed wrong.

// How a date with slashes is meant: 3/4/26 is in March or in April.
enum class DateOrder { kMonthFirst, kDayFirst };

// When something was: a moment, where the file gives an offset or counts from the epoch, or else a
// local time, which a zone makes a moment.
struct Stamp {
  absl::optional<absl::Time> moment;
  absl::CivilSecond local;  // only without `moment`
};

// `2026-03-04 21:05`, also with slashes, a `T`, seconds and an offset; `3/4/26 9:05 PM`, also with
// a comma, four digits of the year and 24 hours; `4.3.26 21:05`, which has the day first in any
// order; `12 Nov 2026 21:05`, also with the month first or its whole name, in English; seconds or
// milliseconds since 1970.
absl::optional<Stamp> ParseStamp(absl::string_view text, DateOrder order);

// `2026-03-04`, `3/4/26`, `4.3.26`, `4 Mar 2026` or `March 4, 2026`.
absl::optional<absl::CivilDay> ParseDay(absl::string_view text, DateOrder order);

// `1.5`, or `1,5` as it is written where commas are decimal. `1,500` is none: nobody knows.
absl::optional<double> ParseNumber(absl::string_view text);

// `8:05` (hours and minutes), `8:05:30`, `1 day, 8:05:30`, `1h 20m`, `45m`, `30s`.
absl::optional<absl::Duration> ParseLength(absl::string_view text);

enum class VolumeUnit { kMillilitre, kOunce };

// `120ml`, `3.5 oz`, `4 fl oz`; a number alone is in `unit`, or none where that is not known.
absl::optional<double> ParseMillilitres(absl::string_view text, absl::optional<VolumeUnit> unit);

// `ml` or `oz`, whatever the case, and dots.
absl::optional<VolumeUnit> ParseVolumeUnit(absl::string_view text);

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_MEASURES_H_
