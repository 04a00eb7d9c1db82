#include "storage/core/edit_time.h"

#include <algorithm>

#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"

namespace nightlog {

absl::Time EstimateEditTime(const v1::ClockReading& made, const v1::ClockReading& sent,
                            absl::Time received) {
  const bool same_boot = !made.boot_id().empty() &&
                         (made.boot_id() == sent.boot_id() || Planted("monotonic_across_boots")) &&
                         made.monotonic_ms() <= sent.monotonic_ms() && !Planted("wall_clock_only");
  const absl::Duration age = same_boot
                                 ? absl::Milliseconds(sent.monotonic_ms() - made.monotonic_ms())
                                 : FromProto(sent.wall()) - FromProto(made.wall());
  return std::min(received - age, received);
}

absl::Time ClampEditTime(absl::Time estimate, absl::Time floor, absl::Time received) {
  if (Planted("estimate_not_clamped")) return estimate;
  if (Planted("estimate_before_what_it_saw")) return std::min(estimate, received);
  return std::min(std::max(estimate, floor), received);
}

void CorrectTappedTimes(absl::Time estimate, absl::Time made_wall, v1::Interval& interval) {
  absl::Duration error = estimate - made_wall;
  if (absl::AbsDuration(error) < kClockErrorTolerated) error = absl::ZeroDuration();
  const auto corrected = [&](const google::protobuf::Timestamp& tapped) {
    return ToProto(std::min(FromProto(tapped), made_wall) + error);
  };
  if (interval.has_began_at() && (interval.began_tapped() || Planted("typed_time_corrected")) &&
      (!interval.has_began_raw() || Planted("tapped_time_corrected_twice"))) {
    *interval.mutable_began_raw() = interval.began_at();
    *interval.mutable_began_at() = corrected(interval.began_at());
  }
  if (interval.has_ended_at() && interval.ended_tapped() && !interval.has_ended_raw()) {
    *interval.mutable_ended_raw() = interval.ended_at();
    *interval.mutable_ended_at() = corrected(interval.ended_at());
  }
  if (interval.has_ended_at() && FromProto(interval.ended_at()) < FromProto(interval.began_at())) {
    if (interval.ended_tapped()) {
      *interval.mutable_ended_at() = interval.began_at();
    } else {
      *interval.mutable_began_at() = interval.ended_at();
    }
  }
}

}  // namespace nightlog
