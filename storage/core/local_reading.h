#ifndef NIGHTLOG_STORAGE_CORE_LOCAL_READING_H_
#define NIGHTLOG_STORAGE_CORE_LOCAL_READING_H_

#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"

namespace nightlog {

// A moment that a person, or a file, named by a clock on the wall.
struct LocalReading {
  absl::Time time;
  // Empty, or one sentence for the person: what was made of a local time that a change to or from
  // summer time skips or repeats.
  std::string remark;
  // Whether it is one of those.
  absl::TimeZone::TimeInfo::CivilKind kind = absl::TimeZone::TimeInfo::UNIQUE;
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

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_LOCAL_READING_H_
