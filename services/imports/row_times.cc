#include "services/imports/row_times.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "services/imports/remark.h"
#include "storage/core/local_reading.h"
#include "storage/core/proto_time.h"

namespace nightlog::imports {
namespace {

absl::Status EndsBeforeItBegins() { return Refusal(v1::IMPORT_REASON_ENDS_BEFORE_IT_BEGINS); }

// A moment, and what there is to tell of how it was read.
struct Reading {
  absl::Time time;
  absl::optional<v1::ImportRemark> remark;
};

Reading Read(absl::CivilSecond local, absl::TimeZone zone, ClockChange side) {
  using TimeInfo = absl::TimeZone::TimeInfo;
  const LocalReading reading = ReadLocal(local, zone, side);
  const std::string named = absl::FormatCivilTime(absl::CivilMinute(local));
  switch (reading.kind) {
    case TimeInfo::REPEATED:
      return {reading.time,
              MakeRemark(side == ClockChange::kBefore ? v1::IMPORT_REASON_REPEATED_TIME_FIRST
                                                      : v1::IMPORT_REASON_REPEATED_TIME_SECOND,
                         {named})};
    case TimeInfo::SKIPPED:
      return {reading.time, MakeRemark(v1::IMPORT_REASON_SKIPPED_TIME,
                                       {named, absl::FormatTime("%H:%M", reading.time, zone)})};
    default:
      return {reading.time, absl::nullopt};
  }
}

Reading Read(const Stamp& stamp, absl::TimeZone zone, ClockChange side) {
  return stamp.moment.has_value() ? Reading{*stamp.moment, absl::nullopt}
                                  : Read(stamp.local, zone, side);
}

v1::Interval MakeInterval(absl::Time began, absl::optional<absl::Time> ended, absl::TimeZone zone) {
  v1::Interval interval;
  *interval.mutable_began_at() = ToProto(began);
  if (ended.has_value()) *interval.mutable_ended_at() = ToProto(*ended);
  interval.set_zone(zone.name());
  return interval;
}

void AddRemark(const Reading& reading, std::vector<v1::ImportRemark>& remarks) {
  if (reading.remark.has_value()) remarks.push_back(*reading.remark);
}

}  // namespace

absl::StatusOr<v1::Interval> PlaceRow(const RowTimes& times, absl::TimeZone zone,
                                      std::vector<v1::ImportRemark>& remarks) {
  if (!times.ended.has_value()) {
    const Reading began = Read(times.began, zone, ClockChange::kBefore);
    AddRemark(began, remarks);
    absl::optional<absl::Time> ended;
    if (times.length.has_value()) ended = began.time + *times.length;
    return MakeInterval(began.time, ended, zone);
  }
  std::vector<std::pair<Reading, Reading>> possible;
  for (const ClockChange begin_side : {ClockChange::kBefore, ClockChange::kAfter}) {
    const Reading began = Read(times.began, zone, begin_side);
    for (const ClockChange end_side : {ClockChange::kBefore, ClockChange::kAfter}) {
      const Reading ended = Read(*times.ended, zone, end_side);
      if (ended.time >= began.time) possible.emplace_back(began, ended);
    }
  }
  if (possible.empty()) return EndsBeforeItBegins();
  auto chosen = possible.begin();
  if (times.length.has_value()) {
    const auto confirmed = std::find_if(possible.begin(), possible.end(), [&](const auto& reading) {
      const absl::Duration length = reading.second.time - reading.first.time;
      return absl::AbsDuration(length - *times.length) <= absl::Minutes(1);
    });
    if (confirmed != possible.end()) chosen = confirmed;
  }
  AddRemark(chosen->first, remarks);
  AddRemark(chosen->second, remarks);
  return MakeInterval(chosen->first.time, chosen->second.time, zone);
}

absl::StatusOr<v1::Interval> PlaceRowByItsEnd(const RowTimes& times, absl::TimeZone zone,
                                              std::vector<v1::ImportRemark>& remarks) {
  if (times.began.moment.has_value() || (times.ended.has_value() && times.ended->moment)) {
    return PlaceRow(times, zone, remarks);
  }
  const absl::CivilSecond begin = times.began.local;
  absl::Duration length = times.length.value_or(absl::ZeroDuration());
  if (times.ended.has_value()) length = absl::Seconds(times.ended->local - begin);
  if (length < absl::ZeroDuration()) return EndsBeforeItBegins();
  const Reading ended = Read(begin + absl::ToInt64Seconds(length), zone, ClockChange::kBefore);
  AddRemark(ended, remarks);
  const absl::Time began = ended.time - length;
  const absl::CivilSecond by_its_own_clock = absl::ToCivilSecond(began, zone);
  if (by_its_own_clock != begin) {
    remarks.push_back(MakeRemark(v1::IMPORT_REASON_CLOCK_AT_ITS_END,
                                 {absl::FormatCivilTime(absl::CivilMinute(by_its_own_clock))}));
  }
  const bool has_end = times.ended.has_value() || times.length.has_value();
  return MakeInterval(began, has_end ? absl::make_optional(ended.time) : absl::nullopt, zone);
}

}  // namespace nightlog::imports
