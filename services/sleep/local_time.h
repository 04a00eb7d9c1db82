// Wall-clock helpers of the sleep library. Durations are elapsed; only the questions "which night",
// "in the night window" and "by which clock time" are asked of a wall clock, and each event is
// asked in its own zone (METRICS.md, section 0).
//
// All functions are pure and thread-safe.
#ifndef NIGHTLOG_SERVICES_SLEEP_LOCAL_TIME_H_
#define NIGHTLOG_SERVICES_SLEEP_LOCAL_TIME_H_

#include <array>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "nightlog/v1/records.pb.h"

namespace nightlog::sleep {

// The zone of that IANA name; `fallback` where the name is unknown. Loads each name once a thread.
absl::TimeZone ZoneOr(absl::string_view name, absl::TimeZone fallback);

// The child's home zone; UTC where it is unset or unknown.
absl::TimeZone HomeZone(const v1::Child& child);

// `YYYY-MM-DD` and `HH:MM` (as minutes after midnight); nullopt for anything else.
absl::optional<absl::CivilDay> ParseDay(absl::string_view text);
absl::optional<int> ParseTimeOfDay(absl::string_view text);

// `YYYY-MM-DD`.
std::string FormatDay(absl::CivilDay day);

// One decimal, halves away from zero: how percentages and response latencies are given.
double RoundToTenth(double value);

// The night window and the desired rise of a child, in minutes after midnight.
struct NightHours {
  int start = 19 * 60;
  int end = 7 * 60;
  int desired_rise = 6 * 60;

  // The child's own hours; defaults for what is unset or malformed.
  static NightHours Of(const v1::Child& child);
};

// The boundaries of night D (the evening of date D) in one zone, as absolute times. A clock time
// that a DST change skips or repeats is taken by the offset before the change.
class NightFrame {
 public:
  NightFrame(absl::CivilDay night, absl::TimeZone zone, const NightHours& hours);

  absl::TimeZone zone() const { return zone_; }
  // The night window of this night.
  absl::Time window_begin() const { return windows_[kThisNight].begin; }
  absl::Time window_end() const { return windows_[kThisNight].end; }

  // True: at least half of [begin, end) lies in night windows; a tie is night.
  bool IsNightSleep(absl::Time begin, absl::Time end) const;
  bool InWindow(absl::Time time) const;
  // True: `time` is in noon(D)..noon(D+1).
  bool OwnsNightTime(absl::Time time) const { return noon_ <= time && time < next_noon_; }
  // True: `time` has the date D.
  bool OwnsDayTime(absl::Time time) const { return midnight_ <= time && time < next_midnight_; }
  // True: something that happened at `time` is told with night D: from noon to noon, but a morning
  // outside the window goes with its own date, as its naps do. Exactly one night owns a time.
  bool Owns(absl::Time time) const;

  // Minutes of `minute_of_day` on the date D, or on D+1.
  absl::Time OnEvening(int minute_of_day) const { return At(night_, minute_of_day); }
  absl::Time OnMorning(int minute_of_day) const { return At(night_ + 1, minute_of_day); }

 private:
  struct Span {
    absl::Time begin;
    absl::Time end;
  };
  static constexpr int kThisNight = 2;

  absl::Time At(absl::CivilDay day, int minute_of_day) const;

  absl::CivilDay night_;
  absl::TimeZone zone_;
  absl::Time midnight_, noon_, next_midnight_, next_noon_;
  // Windows of the nights D-2 to D+1, which every bout that D can own lies within.
  std::array<Span, 4> windows_;
};

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_SERVICES_SLEEP_LOCAL_TIME_H_
