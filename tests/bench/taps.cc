#include "tests/bench/taps.h"

#include <string>

#include "absl/time/civil_time.h"
#include "absl/time/clock.h"
#include "nightlog/v1/records.pb.h"
#include "storage/core/proto_time.h"

namespace nightlog {
namespace {

constexpr char kZone[] = "Europe/London";
absl::CivilDay FirstNight() { return absl::CivilDay(2023, 1, 1); }

// One entry of a night: when it begins and ends, in minutes after 19:00; no end: a point in time.
struct NightTap {
  int began;
  int ended;
};
constexpr NightTap kNight[kTapsPerNight] = {{30, 0},    {50, 200},  {200, 212}, {203, 215},
                                            {215, 420}, {420, 430}, {424, 426}, {431, 560},
                                            {560, 575}, {562, 574}, {575, 670}, {675, 0}};

void SetDetail(int tap, v1::EntryDetail& detail) {
  switch (tap) {
    case 0:
      detail.mutable_put_down();
      break;
    case 2:
    case 5:
    case 8:
      detail.mutable_crying()->set_intensity(2);
      break;
    case 3:
    case 6:
      detail.mutable_response()->set_level(tap == 3 ? 3 : 2);
      detail.mutable_response()->set_action("hand on the back, sang");
      break;
    case 9:
      detail.mutable_feed()->set_amount_ml(120);
      break;
    case 11:
      detail.mutable_rise();
      break;
    default:
      detail.mutable_sleep()->set_place(v1::SLEEP_PLACE_CRIB);
  }
}

}  // namespace

Taps::Taps(const ReplicaId& replica, const RecordId& child, Random& random, int first, int stride)
    : builder_(replica), child_(child), random_(random), next_(first), stride_(stride) {}

v1::Transaction Taps::MakeChild() {
  v1::Child child;
  child.set_name("Robin");
  child.set_birth_date("2022-06-01");
  child.set_home_zone(kZone);
  return Make(child, child_);
}

v1::Transaction Taps::MakePlan() {
  v1::Plan plan;
  plan.set_child_id(child_.str());
  plan.mutable_approach()->set_method(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  plan.mutable_nights()->set_first_night(absl::FormatCivilTime(FirstNight()));
  return Make(plan, MakeRecordId(absl::Now(), random_));
}

v1::Transaction Taps::Next() {
  const int night = next_ / kTapsPerNight;
  const int tap = next_ % kTapsPerNight;
  next_ += stride_;
  const absl::Time begin =
      absl::FromCivil(absl::CivilHour(FirstNight() + night) + 19, absl::UTCTimeZone());
  v1::LogEntry entry;
  entry.set_child_id(child_.str());
  SetDetail(tap, *entry.mutable_detail());
  v1::Interval& interval = *entry.mutable_interval();
  *interval.mutable_began_at() = ToProto(begin + absl::Minutes(kNight[tap].began));
  if (kNight[tap].ended > 0) {
    *interval.mutable_ended_at() = ToProto(begin + absl::Minutes(kNight[tap].ended));
  }
  interval.set_zone(kZone);
  return Make(entry, MakeRecordId(absl::Now(), random_));
}

template <typename Body>
v1::Transaction Taps::Make(const Body& body, const RecordId& record) {
  return builder_.Make(EditsOf(record, body), absl::Now());
}

}  // namespace nightlog
