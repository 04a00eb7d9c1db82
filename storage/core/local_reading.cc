#include "storage/core/local_reading.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"

namespace nightlog {

LocalReading ReadLocal(absl::CivilSecond local, absl::TimeZone zone, ClockChange side) {
  const absl::TimeZone::TimeInfo info = zone.At(local);
  LocalReading reading;
  reading.time = side == ClockChange::kBefore ? info.pre : info.post;
  reading.kind = info.kind;
  if (info.kind == absl::TimeZone::TimeInfo::UNIQUE) return reading;
  const bool repeated = info.kind == absl::TimeZone::TimeInfo::REPEATED;
  reading.remark = absl::StrCat("local time ", absl::FormatCivilTime(absl::CivilMinute(local)),
                                repeated ? " happened twice when the clocks went back; read as the "
                                         : " did not happen, the clocks went forward; read as ",
                                repeated ? (side == ClockChange::kBefore ? "first" : "second")
                                         : absl::FormatTime("%H:%M", reading.time, zone));
  return reading;
}

absl::StatusOr<absl::TimeZone> FindZone(absl::string_view name) {
  absl::TimeZone zone;
  if (name.empty() || !absl::LoadTimeZone(name, &zone)) {
    return absl::InvalidArgumentError(absl::StrCat(
        "there is no time zone '", name, "'; give a name such as Europe/London or America/Denver"));
  }
  return zone;
}

}  // namespace nightlog
