#include "clients/cli/import/row_times.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/local_time.h"
#include "storage/core/proto_time.h"

namespace nightlog::cli {
namespace {

absl::Status EndsBeforeItBegins() { return absl::InvalidArgumentError("it ends before it begins"); }

LocalReading Read(const Stamp& stamp, absl::TimeZone zone, ClockChange side) {
  return stamp.moment.has_value() ? LocalReading{*stamp.moment, ""}
                                  : ReadLocal(stamp.local, zone, side);
}

v1::Interval MakeInterval(absl::Time began, absl::optional<absl::Time> ended, absl::TimeZone zone) {
  v1::Interval interval;
  *interval.mutable_began_at() = ToProto(began);
  if (ended.has_value()) *interval.mutable_ended_at() = ToProto(*ended);
  interval.set_zone(zone.name());
  return interval;
}

void AddRemark(const LocalReading& reading, std::vector<std::string>& remarks) {
  if (!reading.remark.empty()) remarks.push_back(reading.remark);
}

}  // namespace

absl::StatusOr<v1::Interval> PlaceRow(const RowTimes& times, absl::TimeZone zone,
                                      std::vector<std::string>& remarks) {
  if (!times.ended.has_value()) {
    const LocalReading began = Read(times.began, zone, ClockChange::kBefore);
    AddRemark(began, remarks);
    absl::optional<absl::Time> ended;
    if (times.length.has_value()) ended = began.time + *times.length;
    return MakeInterval(began.time, ended, zone);
  }
  std::vector<std::pair<LocalReading, LocalReading>> possible;
  for (const ClockChange begin_side : {ClockChange::kBefore, ClockChange::kAfter}) {
    const LocalReading began = Read(times.began, zone, begin_side);
    for (const ClockChange end_side : {ClockChange::kBefore, ClockChange::kAfter}) {
      const LocalReading ended = Read(*times.ended, zone, end_side);
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
                                              std::vector<std::string>& remarks) {
  if (times.began.moment.has_value() || (times.ended.has_value() && times.ended->moment)) {
    return PlaceRow(times, zone, remarks);
  }
  const absl::CivilSecond begin = times.began.local;
  absl::Duration length = times.length.value_or(absl::ZeroDuration());
  if (times.ended.has_value()) length = absl::Seconds(times.ended->local - begin);
  if (length < absl::ZeroDuration()) return EndsBeforeItBegins();
  const LocalReading ended = ReadLocal(begin + absl::ToInt64Seconds(length), zone);
  AddRemark(ended, remarks);
  const absl::Time began = ended.time - length;
  const absl::CivilSecond by_its_own_clock = absl::ToCivilSecond(began, zone);
  if (by_its_own_clock != begin) {
    remarks.push_back(absl::StrCat(
        "its times are by the clock at its end; by the clock of its begin it began at ",
        absl::FormatCivilTime(absl::CivilMinute(by_its_own_clock))));
  }
  const bool has_end = times.ended.has_value() || times.length.has_value();
  return MakeInterval(began, has_end ? absl::make_optional(ended.time) : absl::nullopt, zone);
}

}  // namespace nightlog::cli
