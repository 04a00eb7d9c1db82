#include "services/sleep/local_time.h"

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

namespace nightlog::sleep {
namespace {

constexpr int kNoon = 12 * 60;
// A family meets one zone, two when it travels; a thread serves many families.
constexpr size_t kCachedZonesMax = 32;

absl::optional<int> ParseNumber(absl::string_view digits) {
  int value = 0;
  for (char c : digits) {
    if (c < '0' || c > '9') return absl::nullopt;
    value = value * 10 + (c - '0');
  }
  return value;
}

}  // namespace

absl::TimeZone ZoneOr(absl::string_view name, absl::TimeZone fallback) {
  thread_local std::vector<std::pair<std::string, absl::TimeZone>> cache;
  for (const auto& [known, zone] : cache) {
    if (known == name) return zone;
  }
  absl::TimeZone zone;
  if (name.empty() || !absl::LoadTimeZone(name, &zone)) return fallback;
  if (cache.size() == kCachedZonesMax) cache.clear();
  cache.emplace_back(std::string(name), zone);
  return zone;
}

absl::TimeZone HomeZone(const v1::Child& child) {
  return ZoneOr(child.home_zone(), absl::UTCTimeZone());
}

absl::optional<absl::CivilDay> ParseDay(absl::string_view text) {
  if (text.size() != 10 || text[4] != '-' || text[7] != '-') return absl::nullopt;
  const auto year = ParseNumber(text.substr(0, 4));
  const auto month = ParseNumber(text.substr(5, 2));
  const auto day = ParseNumber(text.substr(8, 2));
  if (!year || !month || !day) return absl::nullopt;
  const absl::CivilDay parsed(*year, *month, *day);
  // A civil day normalises 30 February; the text then named no day.
  if (parsed.month() != *month || parsed.day() != *day) return absl::nullopt;
  return parsed;
}

absl::optional<int> ParseTimeOfDay(absl::string_view text) {
  if (text.size() != 5 || text[2] != ':') return absl::nullopt;
  const auto hour = ParseNumber(text.substr(0, 2));
  const auto minute = ParseNumber(text.substr(3, 2));
  if (!hour || !minute || *hour > 23 || *minute > 59) return absl::nullopt;
  return *hour * 60 + *minute;
}

std::string FormatDay(absl::CivilDay day) { return absl::FormatCivilTime(day); }

double RoundToTenth(double value) { return std::round(value * 10) / 10; }

NightHours NightHours::Of(const v1::Child& child) {
  NightHours hours;
  const auto start = ParseTimeOfDay(child.night_window().start());
  const auto end = ParseTimeOfDay(child.night_window().end());
  if (start && end && *start != *end) {
    hours.start = *start;
    hours.end = *end;
  }
  hours.desired_rise = ParseTimeOfDay(child.desired_rise_time()).value_or(hours.desired_rise);
  return hours;
}

NightFrame::NightFrame(absl::CivilDay night, absl::TimeZone zone, const NightHours& hours)
    : night_(night),
      zone_(zone),
      midnight_(At(night, 0)),
      noon_(At(night, kNoon)),
      next_midnight_(At(night + 1, 0)),
      next_noon_(At(night + 1, kNoon)) {
  // The window of a night is the one that begins between its noon and the next.
  const int start_day = hours.start < kNoon ? 1 : 0;
  const int end_day = start_day + (hours.end <= hours.start ? 1 : 0);
  for (int i = 0; i < static_cast<int>(windows_.size()); ++i) {
    const absl::CivilDay day = night + (i - kThisNight);
    windows_[i] = {At(day + start_day, hours.start), At(day + end_day, hours.end)};
  }
}

absl::Time NightFrame::At(absl::CivilDay day, int minute_of_day) const {
  return absl::FromCivil(absl::CivilMinute(day) + minute_of_day, zone_);
}

bool NightFrame::IsNightSleep(absl::Time begin, absl::Time end) const {
  absl::Duration inside;
  for (const Span& window : windows_) {
    inside +=
        std::max(absl::ZeroDuration(), std::min(end, window.end) - std::max(begin, window.begin));
  }
  return 2 * inside >= end - begin;
}

bool NightFrame::InWindow(absl::Time time) const {
  return std::any_of(windows_.begin(), windows_.end(), [time](const Span& window) {
    return window.begin <= time && time < window.end;
  });
}

bool NightFrame::Owns(absl::Time time) const {
  const bool before_noon =
      (midnight_ <= time && time < noon_) || (next_midnight_ <= time && time < next_noon_);
  if (before_noon && !InWindow(time)) return OwnsDayTime(time);
  return OwnsNightTime(time);
}

}  // namespace nightlog::sleep
