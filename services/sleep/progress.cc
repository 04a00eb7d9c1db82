#include "services/sleep/progress.h"

#include <algorithm>
#include <cmath>
#include <iterator>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "services/sleep/local_time.h"
#include "storage/core/proto_time.h"

namespace nightlog::sleep {
namespace {

using Nights = std::vector<const ProgressNight*>;

constexpr int kBaselineNightsMax = 7;
constexpr int kNowNights = 3;
constexpr int kComparableNightsMin = 3;
constexpr double kChangeShareMin = 0.15;
constexpr int kRegularityNights = 7;
constexpr int kDeviationNightsMin = 7;
constexpr int kDeviationNightsMax = 14;
constexpr int64_t kEpochsPerDay = 24 * 60;

struct MeasureSpec {
  v1::Measure measure;
  double change_min;
  bool more_is_better;
};

const MeasureSpec kMeasures[] = {
    {v1::MEASURE_SOL, 5, false},   {v1::MEASURE_NWAK, 0.5, false},
    {v1::MEASURE_WASO, 10, false}, {v1::MEASURE_LONGEST_STRETCH, 30, true},
    {v1::MEASURE_CRY, 5, false},   {v1::MEASURE_TST_NIGHT, 20, true},
};

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : (values[middle - 1] + values[middle]) / 2;
}

// The nights that know a measure.
Nights Knowing(const MeasureSpec& spec, const Nights& nights) {
  Nights knowing;
  std::copy_if(
      nights.begin(), nights.end(), std::back_inserter(knowing),
      [&](const ProgressNight* night) { return night->measures[spec.measure].has_value(); });
  return knowing;
}

Nights Last(const Nights& nights, size_t count) {
  return Nights(nights.end() - std::min(count, nights.size()), nights.end());
}

Nights First(const Nights& nights, size_t count) {
  return Nights(nights.begin(), nights.begin() + std::min(count, nights.size()));
}

absl::optional<double> MedianOf(const MeasureSpec& spec, const Nights& nights) {
  std::vector<double> values;
  for (const ProgressNight* night : nights) {
    if (const auto& value = night->measures[spec.measure]) values.push_back(*value);
  }
  if (values.empty()) return absl::nullopt;
  return Median(std::move(values));
}

v1::TrendDirection Direction(const MeasureSpec& spec, double before, double after) {
  const double change = after - before;
  if (std::abs(change) < std::max(spec.change_min, kChangeShareMin * std::abs(before))) {
    return v1::TREND_DIRECTION_SAME;
  }
  return (change > 0) == spec.more_is_better ? v1::TREND_DIRECTION_BETTER
                                             : v1::TREND_DIRECTION_WORSE;
}

// +1 where more measures are better `after`, −1 where more are worse, else 0.
int Vote(const Nights& before, const Nights& after) {
  int votes = 0;
  for (const MeasureSpec& spec : kMeasures) {
    const auto was = MedianOf(spec, before);
    const auto is = MedianOf(spec, after);
    if (!was || !is) continue;
    const v1::TrendDirection direction = Direction(spec, *was, *is);
    votes += direction == v1::TREND_DIRECTION_BETTER;
    votes -= direction == v1::TREND_DIRECTION_WORSE;
  }
  return (votes > 0) - (votes < 0);
}

// The whole nights before the plan, and those on which it was in force.
struct PlanNights {
  Nights before;
  Nights within;
};

// What the last nights are compared with.
Nights BaselineOf(const PlanNights& nights) {
  if (!nights.before.empty()) return Last(nights.before, kBaselineNightsMax);
  return First(nights.within, kNowNights);
}

// True: baseline and now are long enough and share no night.
bool Comparable(const PlanNights& nights) {
  if (nights.before.empty()) return nights.within.size() >= 2 * kNowNights;
  return nights.before.size() >= kComparableNightsMin && nights.within.size() >= kNowNights;
}

void AddTrends(const PlanNights& nights, v1::Progress* progress) {
  for (const MeasureSpec& spec : kMeasures) {
    const PlanNights knowing = {Knowing(spec, nights.before), Knowing(spec, nights.within)};
    const Nights baseline = BaselineOf(knowing);
    const Nights now = Last(knowing.within, kNowNights);
    v1::Trend* trend = progress->add_trends();
    trend->set_measure(spec.measure);
    trend->set_baseline_nights(static_cast<int>(baseline.size()));
    trend->set_now_nights(static_cast<int>(now.size()));
    const auto was = MedianOf(spec, baseline);
    const auto is = MedianOf(spec, now);
    if (was) trend->set_baseline(*was);
    if (is) trend->set_now(*is);
    trend->set_direction(Comparable(knowing) ? Direction(spec, *was, *is)
                                             : v1::TREND_DIRECTION_NOT_ENOUGH_NIGHTS);
  }
}

v1::ProgressVerdict VerdictOn(const PlanNights& nights) {
  if (!Comparable(nights)) return v1::PROGRESS_VERDICT_NOT_ENOUGH_NIGHTS;
  const Nights& within = nights.within;
  const Nights baseline = BaselineOf(nights);
  for (size_t newest : {1, 2}) {
    if (within.size() < newest + kNowNights) break;
    const Nights earlier = Last(Nights(within.begin(), within.end() - newest), kNowNights);
    const auto worse = [&earlier](const ProgressNight* night) {
      return Vote(earlier, {night}) < 0;
    };
    if (Vote(baseline, earlier) > 0 && !worse(earlier.back()) &&
        std::all_of(within.end() - newest, within.end(), worse)) {
      return v1::PROGRESS_VERDICT_SETBACK;
    }
  }
  const int vote = Vote(baseline, Last(within, kNowNights));
  return vote > 0   ? v1::PROGRESS_VERDICT_IMPROVING
         : vote < 0 ? v1::PROGRESS_VERDICT_WORSENING
                    : v1::PROGRESS_VERDICT_STEADY;
}

// Sample SD of a wall-clock time over the nights at home that know it.
absl::optional<double> DeviationOf(absl::Span<const ProgressNight> nights,
                                   absl::optional<double> ProgressNight::*time) {
  std::vector<double> minutes;
  for (auto night = nights.rbegin(); night != nights.rend(); ++night) {
    if (!((*night).*time).has_value()) continue;
    minutes.push_back(*((*night).*time));
    if (minutes.size() == kDeviationNightsMax) break;
  }
  if (minutes.size() < kDeviationNightsMin) return absl::nullopt;
  double sum = 0, squares = 0;
  for (double minute : minutes) sum += minute;
  const double mean = sum / minutes.size();
  for (double minute : minutes) squares += (minute - mean) * (minute - mean);
  return std::sqrt(squares / (minutes.size() - 1));
}

using InForce = std::vector<absl::optional<PlanInForce>>;

// The plan in force on each night.
InForce PlansOf(absl::Span<const ProgressNight> nights, absl::Span<const PlanRecord> plans) {
  InForce in_force;
  in_force.reserve(nights.size());
  for (const ProgressNight& night : nights) {
    in_force.push_back(night.day ? FindPlanInForce(plans, *night.day) : absl::nullopt);
  }
  return in_force;
}

void AddSegments(absl::Span<const ProgressNight> nights, const InForce& in_force,
                 v1::Progress* progress) {
  for (size_t i = 0; i < nights.size(); ++i) {
    if (!in_force[i]) continue;
    if (i == 0 || !in_force[i - 1] || in_force[i - 1]->plan_id != in_force[i]->plan_id) {
      v1::PlanSegment* segment = progress->add_segments();
      segment->set_plan_id(in_force[i]->plan_id.data(), in_force[i]->plan_id.size());
      segment->set_method(in_force[i]->plan->approach().method());
      segment->set_first_night(nights[i].date);
    }
    v1::PlanSegment& last = *progress->mutable_segments()->rbegin();
    last.set_nights(last.nights() + 1);
  }
}

// Means of the scores that nights of one plan have.
void AddMeans(absl::Span<const ProgressNight> nights, v1::Progress* progress) {
  double adherence = 0, consistency = 0;
  int scored = 0, consistent = 0;
  for (const ProgressNight& night : nights) {
    if (night.scored_plan_id != progress->plan_id()) continue;
    if (night.adherence_pct.has_value()) {
      adherence += *night.adherence_pct;
      ++scored;
    }
    if (night.consistency_pct.has_value()) {
      consistency += *night.consistency_pct;
      ++consistent;
    }
  }
  if (scored > 0) progress->set_adherence_pct(RoundToTenth(adherence / scored));
  if (consistent > 0) {
    progress->set_caregiver_consistency_pct(RoundToTenth(consistency / consistent));
  }
}

}  // namespace

ProgressNight::ProgressNight(const v1::Child& child, const v1::NightSummary& night)
    : date(night.date()),
      day(ParseDay(night.date())),
      is_complete(night.status() == v1::NIGHT_STATUS_COMPLETE),
      is_ongoing(night.ongoing()),
      is_at_home(night.zone() == child.home_zone()),
      has_naps(!night.naps().empty()),
      final_wake_at(FromProto(night.final_wake_at())),
      scored_plan_id(night.adherence().plan_id()) {
  if (night.has_sol_min()) measures[v1::MEASURE_SOL] = night.sol_min();
  if (night.has_nwak()) measures[v1::MEASURE_NWAK] = night.nwak();
  if (night.has_waso_min()) measures[v1::MEASURE_WASO] = night.waso_min();
  if (night.has_longest_stretch_min()) {
    measures[v1::MEASURE_LONGEST_STRETCH] = night.longest_stretch_min();
  }
  if (night.has_cry_min()) measures[v1::MEASURE_CRY] = night.cry_min();
  if (night.has_tst_night_min()) measures[v1::MEASURE_TST_NIGHT] = night.tst_night_min();

  if (day && is_at_home) {
    const absl::TimeZone home = HomeZone(child);
    const absl::CivilSecond noon = absl::CivilSecond(absl::CivilHour(*day) + 12);
    const auto minutes_after_noon = [&](const google::protobuf::Timestamp& time) {
      return static_cast<double>(absl::ToCivilSecond(FromProto(time), home) - noon) / 60;
    };
    if (night.has_put_down_at()) put_down_min = minutes_after_noon(night.put_down_at());
    if (night.has_onset_at()) onset_min = minutes_after_noon(night.onset_at());
    if (night.has_rise_at()) rise_min = minutes_after_noon(night.rise_at());
  }

  const v1::Adherence& adherence = night.adherence();
  if (adherence.has_adherence_pct()) adherence_pct = adherence.adherence_pct();
  if (adherence.has_caregiver_consistency_pct() && !adherence.low_n()) {
    consistency_pct = adherence.caregiver_consistency_pct();
  }

  const auto add_asleep = [this](const v1::TimelineSpan& span) {
    if (span.phase() != v1::NIGHT_PHASE_ASLEEP) return;
    asleep.emplace_back(FromProto(span.began_at()), FromProto(span.ended_at()));
  };
  for (const v1::TimelineSpan& nap : night.naps()) add_asleep(nap);
  for (const v1::TimelineSpan& span : night.timeline()) add_asleep(span);
}

absl::optional<double> SleepRegularityIndex(const v1::Child& child,
                                            absl::Span<const ProgressNight> nights) {
  if (nights.size() < kRegularityNights) return absl::nullopt;
  nights = nights.last(kRegularityNights);
  const auto& first_day = nights.front().day;
  if (!first_day) return absl::nullopt;
  for (int i = 0; i < kRegularityNights; ++i) {
    if (nights[i].day != *first_day + i || !nights[i].has_naps || !nights[i].is_complete ||
        !nights[i].is_at_home) {
      return absl::nullopt;
    }
  }
  const absl::Time begin =
      absl::FromCivil(absl::CivilSecond(absl::CivilHour(*first_day) + 12), HomeZone(child));
  const int64_t epochs = absl::ToInt64Minutes(nights.back().final_wake_at - begin);
  if (epochs <= kEpochsPerDay) return absl::nullopt;
  // Asleep at the begin of each epoch.
  std::vector<bool> asleep(epochs);
  for (const ProgressNight& night : nights) {
    for (const auto& [began_at, ended_at] : night.asleep) {
      const absl::Duration from = began_at - begin;
      const absl::Duration until = ended_at - begin;
      const int64_t first = absl::Ceil(from, absl::Minutes(1)) / absl::Minutes(1);
      for (int64_t i = std::max<int64_t>(first, 0); i < epochs && absl::Minutes(i) < until; ++i) {
        asleep[i] = true;
      }
    }
  }
  const int64_t pairs = epochs - kEpochsPerDay;
  int64_t same = 0;
  for (int64_t i = 0; i < pairs; ++i) same += asleep[i] == asleep[i + kEpochsPerDay];
  return RoundToTenth(-100 + 200.0 * same / pairs);
}

v1::Progress DeriveProgress(absl::string_view child_id, const v1::Child& child,
                            absl::Span<const ProgressNight> nights,
                            absl::Span<const PlanRecord> plans) {
  v1::Progress progress;
  progress.set_child_id(child_id.data(), child_id.size());
  progress.set_verdict(v1::PROGRESS_VERDICT_NO_PLAN);
  if (nights.empty()) return progress;
  progress.set_latest_night(nights.back().date);
  const InForce in_force = PlansOf(nights, plans);
  AddSegments(nights, in_force, &progress);
  if (auto sd = DeviationOf(nights, &ProgressNight::put_down_min)) progress.set_bedtime_sd_min(*sd);
  if (auto sd = DeviationOf(nights, &ProgressNight::onset_min)) progress.set_onset_sd_min(*sd);
  if (auto sd = DeviationOf(nights, &ProgressNight::rise_min)) progress.set_rise_sd_min(*sd);
  if (auto sri = SleepRegularityIndex(child, nights)) progress.set_sri(*sri);

  if (!in_force.back()) return progress;
  const PlanInForce& plan = *in_force.back();
  progress.set_plan_id(plan.plan_id.data(), plan.plan_id.size());
  progress.set_method(plan.plan->approach().method());
  progress.set_plan_night(plan.plan_night);
  if (const Method* method = FindMethod(progress.method());
      method != nullptr && method->expected_nights_max > 0) {
    progress.set_expected_nights_min(method->expected_nights_min);
    progress.set_expected_nights_max(method->expected_nights_max);
  }
  AddMeans(nights, &progress);
  PlanNights compared;
  for (size_t i = 0; i < nights.size(); ++i) {
    if (!nights[i].is_complete || nights[i].is_ongoing) continue;
    if (nights[i].date < plan.plan->nights().first_night()) {
      compared.before.push_back(&nights[i]);
    } else if (in_force[i] && in_force[i]->plan_id == plan.plan_id) {
      compared.within.push_back(&nights[i]);
    }
  }
  AddTrends(compared, &progress);
  progress.set_verdict(VerdictOn(compared));
  return progress;
}

}  // namespace nightlog::sleep
