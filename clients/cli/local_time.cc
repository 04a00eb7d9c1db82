#include "clients/cli/local_time.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace nightlog::cli {

absl::StatusOr<absl::CivilDay> ParseDate(absl::string_view text) {
  absl::CivilDay day;
  // The parser also takes shorter forms and blanks; a date has one form here.
  if (!absl::ParseCivilTime(text, &day) || absl::FormatCivilTime(day) != text) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a date; write it like 2026-11-24"));
  }
  return day;
}

absl::CivilDay NightOf(absl::Time time, absl::TimeZone zone) {
  return absl::CivilDay(absl::CivilHour(absl::ToCivilHour(time, zone)) - 12);
}

absl::StatusOr<LocalReading> ParseMoment(absl::string_view text, absl::Time now,
                                         absl::TimeZone zone) {
  if (text == "now") return LocalReading{now, ""};
  absl::Time parsed;
  std::string error;
  // A local time is read as if in UTC first, only for its numbers.
  const auto local = [&](absl::string_view format) {
    return absl::ParseTime(format, text, absl::UTCTimeZone(), &parsed, &error);
  };
  if (local("%H:%M")) {
    const absl::CivilMinute clock = absl::ToCivilMinute(parsed, absl::UTCTimeZone());
    absl::CivilDay day = absl::ToCivilDay(now, zone);
    // Today or the day before. Of a time that happened twice, the later one that is past.
    for (int back = 0; back < 3; ++back, --day) {
      const absl::CivilSecond at(day.year(), day.month(), day.day(), clock.hour(), clock.minute());
      for (const ClockChange side : {ClockChange::kAfter, ClockChange::kBefore}) {
        LocalReading reading = ReadLocal(at, zone, side);
        if (reading.time <= now) return reading;
      }
    }
  }
  for (const char* format :
       {"%Y-%m-%d %H:%M", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"}) {
    if (local(format)) return ReadLocal(absl::ToCivilSecond(parsed, absl::UTCTimeZone()), zone);
  }
  if (absl::ParseTime(absl::RFC3339_full, text, &parsed, &error)) return LocalReading{parsed, ""};
  return absl::InvalidArgumentError(
      absl::StrCat("'", text, "' is not a time; write 03:12, '2026-11-24 03:12' or now"));
}

}  // namespace nightlog::cli
