#include "services/sleep/night.h"

#include <algorithm>
#include <deque>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

#include "services/sleep/adherence.h"
#include "services/sleep/local_time.h"
#include "services/sleep/norms.h"
#include "storage/core/proto_time.h"

namespace nightlog::sleep {
namespace {

using Detail = v1::EntryDetail;

constexpr int kWindowDayStartHour = 8;
constexpr absl::Duration kPutDownBeforeWindow = absl::Hours(3);
constexpr absl::Duration kRiseAfterNoon = absl::Hours(3);
constexpr absl::Duration kWakingMin = absl::Minutes(1);
constexpr absl::Duration kLongWakingMin = absl::Minutes(5);
constexpr absl::Duration kSleepingThrough = absl::Hours(8);
// Sadeh 2004, BISQ cut-offs.
constexpr int kManyWakings = 3;
constexpr double kLongAwakeMin = 60;
constexpr double kShortSleepMin = 9 * 60;

double Minutes(absl::Duration duration) { return absl::ToDoubleMinutes(duration); }

double Percent(absl::Duration part, absl::Duration whole) {
  return RoundToTenth(100 * absl::FDivDuration(part, whole));
}

void Add(const Event& event, google::protobuf::RepeatedPtrField<std::string>* ids) {
  ids->Add(std::string(event.source->record_id));
}

class Summarizer {
 public:
  Summarizer(const v1::Child& child, absl::CivilDay night, absl::Span<const LoggedEntry> entries)
      : child_(child),
        night_(night),
        hours_(NightHours::Of(child)),
        home_(HomeZone(child)),
        home_frame_(FrameOf(home_)),
        entries_(entries) {}

  v1::NightSummary Run(const PlanInForce* plan) {
    ReadEvents();
    FindSleep();
    FindRise();
    FindOngoing();
    WriteSleep();
    WriteTimeline();
    WritePhase();
    ListResponses();
    WriteCrying(plan);
    WriteResponses();
    if (plan != nullptr) Score(*plan);
    WriteClinicalFlags();
    return std::move(summary_);
  }

 private:
  bool complete() const { return summary_.status() == v1::NIGHT_STATUS_COMPLETE; }
  bool HasSleep() const { return !bouts_.empty(); }

  // Boundaries of the night in `zone`.
  const NightFrame& FrameOf(absl::TimeZone zone) {
    for (const NightFrame& frame : frames_) {
      if (frame.zone() == zone) return frame;
    }
    return frames_.emplace_back(night_, zone, hours_);
  }
  const NightFrame& Frame(absl::string_view zone) { return FrameOf(ZoneOr(zone, home_)); }
  const NightFrame& Frame(const Event& event) {
    return Frame(event.source->entry->interval().zone());
  }

  // Reads, rejects and sorts what can influence the night.
  void ReadEvents() {
    const TimeRange window = EntriesWindow(child_, night_);
    events_.reserve(entries_.size());
    for (const LoggedEntry& logged : entries_) {
      const Detail::KindCase kind = logged.entry->detail().kind_case();
      if (kind == Detail::kFeed || kind == Detail::kNote || kind == Detail::KIND_NOT_SET) continue;
      const v1::Interval& interval = logged.entry->interval();
      const absl::Time begin = FromProto(interval.began_at());
      if (begin < window.begin || begin >= window.end) continue;
      const bool open = !interval.has_ended_at();
      const absl::Time end = open ? begin : FromProto(interval.ended_at());
      events_.push_back({kind, begin, end, open, &logged});
    }
    std::sort(events_.begin(), events_.end(), [](const Event& a, const Event& b) {
      return std::tie(a.kind, a.begin, a.source->record_id) <
             std::tie(b.kind, b.begin, b.source->record_id);
    });
    events_.erase(std::remove_if(events_.begin(), events_.end(),
                                 [this](Event& event) { return Reject(event); }),
                  events_.end());
    by_kind_.put_downs = OfKind(Detail::kPutDown);
    by_kind_.sleeps = OfKind(Detail::kSleep);
    by_kind_.awakes = OfKind(Detail::kAwake);
    by_kind_.cryings = OfKind(Detail::kCrying);
    by_kind_.responses = OfKind(Detail::kResponse);
    by_kind_.rises = OfKind(Detail::kRise);
  }

  // True: leave it out. A point in time, or a visit, loses an impossible end instead.
  bool Reject(Event& event) {
    if (event.kind != Detail::kSleep && event.kind != Detail::kAwake &&
        event.kind != Detail::kCrying) {
      event.end = std::max(event.begin, event.end);
      return false;
    }
    if (event.open || (event.end > event.begin && event.end - event.begin <= kEntryLengthMax)) {
      return false;
    }
    if (Frame(event).Owns(event.begin)) Add(event, summary_.mutable_rejected_entry_ids());
    return true;
  }

  absl::Span<Event> OfKind(Detail::KindCase kind) {
    const auto range =
        std::equal_range(events_.begin(), events_.end(), kind,
                         [](const auto& a, const auto& b) { return KindOf(a) < KindOf(b); });
    return absl::MakeSpan(events_.data() + (range.first - events_.begin()),
                          range.second - range.first);
  }
  static Detail::KindCase KindOf(const Event& event) { return event.kind; }
  static Detail::KindCase KindOf(Detail::KindCase kind) { return kind; }

  // Sorts all bouts into the night's, the date's naps and others'.
  void FindSleep() {
    std::vector<const Event*> imputed;
    all_bouts_ = FindBouts(by_kind_, &imputed);
    for (const Event* sleep : imputed) {
      if (Frame(*sleep).Owns(sleep->begin + (sleep->end - sleep->begin) / 2)) {
        Add(*sleep, summary_.mutable_imputed_entry_ids());
      }
    }
    FindPutDown();
    for (const Bout& bout : all_bouts_) {
      if (IsNight(bout)) {
        const bool before_put_down = put_down_ && !bout.open && bout.end <= put_down_->begin;
        (before_put_down ? naps_ : bouts_).push_back(bout);
      } else if (IsNap(bout)) {
        naps_.push_back(bout);
      }
    }
    const bool open =
        std::any_of(bouts_.begin(), bouts_.end(), [](const Bout& b) { return b.open; });
    summary_.set_status(bouts_.empty() ? v1::NIGHT_STATUS_NO_SLEEP
                        : open         ? v1::NIGHT_STATUS_INCOMPLETE
                                       : v1::NIGHT_STATUS_COMPLETE);
    absl::string_view zone = child_.home_zone();
    if (put_down_) zone = put_down_->source->entry->interval().zone();
    if (HasSleep()) zone = bouts_.front().zone;
    summary_.set_zone(zone.data(), zone.size());
  }

  bool IsNight(const Bout& bout) {
    const NightFrame& frame = Frame(bout.zone);
    if (!frame.OwnsNightTime(Middle(bout))) return false;
    if (!bout.open) return frame.IsNightSleep(bout.begin, bout.end);
    return frame.InWindow(bout.begin) || (put_down_ && put_down_->begin <= bout.begin);
  }

  bool IsNap(const Bout& bout) {
    const NightFrame& frame = Frame(bout.zone);
    if (!frame.OwnsDayTime(Middle(bout))) return false;
    return bout.open ? !frame.InWindow(bout.begin) : !frame.IsNightSleep(bout.begin, bout.end);
  }

  static absl::Time Middle(const Bout& bout) { return bout.begin + (bout.end - bout.begin) / 2; }

  void FindPutDown() {
    for (const Event& put_down : by_kind_.put_downs) {
      const NightFrame& frame = Frame(put_down);
      const absl::Time begin = frame.window_begin();
      const absl::Time end = frame.window_end();
      if (put_down.begin < begin - kPutDownBeforeWindow || put_down.begin >= end) continue;
      const auto next = std::find_if(all_bouts_.begin(), all_bouts_.end(), [&](const Bout& bout) {
        return bout.open ? bout.begin >= put_down.begin : bout.end > put_down.begin;
      });
      if (next != all_bouts_.end() && !next->open && IsNap(*next)) continue;
      if (put_down.begin > begin + (end - begin) / 2 &&
          std::any_of(all_bouts_.begin(), next,
                      [this](const Bout& bout) { return IsNight(bout); })) {
        continue;
      }
      put_down_ = &put_down;
      summary_.mutable_put_down_at()->CopyFrom(ToProto(put_down.begin));
      return;
    }
  }

  // REQUIRES: the rise is found.
  void FindOngoing() {
    const absl::Time over = home_frame_.window_end();
    summary_.set_ongoing(
        (put_down_ != nullptr || HasSleep()) && rise_ == nullptr &&
        std::none_of(entries_.begin(), entries_.end(), [over](const LoggedEntry& logged) {
          const v1::Interval& interval = logged.entry->interval();
          return FromProto(interval.has_ended_at() ? interval.ended_at() : interval.began_at()) >=
                 over;
        }));
  }

  void FindRise() {
    const absl::Time latest =
        home_frame_.OnMorning(12 * 60) + (HasSleep() ? kRiseAfterNoon : absl::ZeroDuration());
    if (!HasSleep()) {
      for (const Event& rise : by_kind_.rises) {
        if (!Frame(rise).OwnsNightTime(rise.begin) || rise.begin > latest) continue;
        // Without sleep only a morning's rise is told from a nap's.
        if (rise.begin < home_frame_.window_begin()) continue;
        SetRise(rise, rise.begin);
        return;
      }
      return;
    }
    const absl::Time wake = bouts_.back().end;
    const auto next = std::find_if(all_bouts_.begin(), all_bouts_.end(),
                                   [wake](const Bout& bout) { return bout.begin > wake; });
    const absl::Time limit = next == all_bouts_.end() ? latest : std::min(latest, next->begin);
    const Event* just_before = nullptr;
    for (const Event& rise : by_kind_.rises) {
      if (rise.begin >= wake && rise.begin <= limit) {
        SetRise(rise, rise.begin);
        return;
      }
      if (rise.begin < wake && wake - rise.begin <= kSameEvent) just_before = &rise;
    }
    if (just_before != nullptr) SetRise(*just_before, wake);
  }

  void SetRise(const Event& rise, absl::Time at) {
    rise_ = &rise;
    rise_at_ = at;
    summary_.mutable_rise_at()->CopyFrom(ToProto(at));
  }

  void WriteSleep() {
    WriteNaps();
    if (!HasSleep()) return;
    const absl::Time onset = bouts_.front().begin;
    const Bout& last = bouts_.back();
    summary_.mutable_onset_at()->CopyFrom(ToProto(onset));
    if (!last.open) summary_.mutable_final_wake_at()->CopyFrom(ToProto(last.end));

    int wakings = 0, long_wakings = 0;
    absl::Duration longest, asleep;
    for (size_t i = 0; i < bouts_.size(); ++i) {
      longest = std::max(longest, bouts_[i].end - bouts_[i].begin);
      asleep += bouts_[i].end - bouts_[i].begin;
      // What follows a sleep without a known end is not a known waking.
      if (i == 0 || bouts_[i - 1].open) continue;
      const absl::Duration gap = bouts_[i].begin - bouts_[i - 1].end;
      wakings += gap >= kWakingMin;
      long_wakings += gap >= kLongWakingMin;
    }
    summary_.set_nwak(wakings);
    summary_.set_nwak5(long_wakings);
    WriteSleepingThrough(longest);
    if (!complete()) return;

    const absl::Time put_down = put_down_ ? put_down_->begin : onset;
    const absl::Time up = rise_ ? rise_at_ : last.end;
    const absl::Duration period = last.end - onset;
    const absl::Duration in_bed = up - std::min(put_down, onset);
    if (put_down_) summary_.set_sol_min(Minutes(std::max(absl::ZeroDuration(), onset - put_down)));
    summary_.set_waso_min(Minutes(period - asleep));
    summary_.set_tst_night_min(Minutes(asleep));
    summary_.set_longest_stretch_min(Minutes(longest));
    summary_.set_spt_min(Minutes(period));
    summary_.set_tib_min(Minutes(in_bed));
    summary_.set_tib_fallback(!put_down_ || !rise_);
    summary_.set_sleep_efficiency_pct(Percent(asleep, in_bed));
    summary_.set_sleep_maintenance_pct(Percent(asleep, period));
    if (rise_) summary_.set_terminal_wake_min(Minutes(rise_at_ - last.end));
    const absl::Time desired = Frame(last.zone).OnMorning(hours_.desired_rise);
    if (!summary_.ongoing() || last.end >= desired) {
      summary_.set_early_wake_min(Minutes(std::max(absl::ZeroDuration(), desired - last.end)));
    }
    if (summary_.has_nap_min()) summary_.set_tst24_min(Minutes(asleep) + summary_.nap_min());
  }

  void WriteNaps() {
    if (!HasSleep() && naps_.empty()) return;
    absl::Duration asleep;
    bool all_known = true;
    for (const Bout& nap : naps_) {
      asleep += nap.end - nap.begin;
      all_known &= !nap.open;
      AddSpan(v1::NIGHT_PHASE_ASLEEP, nap.begin, nap.end, nap.open, summary_.mutable_naps());
    }
    summary_.set_nap_count(static_cast<int>(naps_.size()));
    if (all_known) summary_.set_nap_min(Minutes(asleep));
  }

  void WriteSleepingThrough(absl::Duration longest) {
    bool from_0_to_5 = false, from_22_to_6 = false;
    for (const Bout& bout : bouts_) {
      const NightFrame& frame = Frame(bout.zone);
      const bool at_midnight = bout.begin <= frame.OnMorning(0);
      from_0_to_5 |= at_midnight && bout.end >= frame.OnMorning(5 * 60);
      from_22_to_6 |= bout.begin <= frame.OnEvening(22 * 60) && bout.end >= frame.OnMorning(6 * 60);
    }
    const bool eight_hours = longest >= kSleepingThrough;
    if (complete() || from_0_to_5) summary_.set_stn_24_05(from_0_to_5);
    if (complete() || eight_hours) summary_.set_stn_8h(eight_hours);
    if (complete() || from_22_to_6) summary_.set_stn_22_06(from_22_to_6);
  }

  static void AddSpan(v1::NightPhase phase, absl::Time begin, absl::Time end, bool open,
                      google::protobuf::RepeatedPtrField<v1::TimelineSpan>* spans) {
    if (!open && end <= begin) return;
    v1::TimelineSpan* span = spans->Add();
    span->set_phase(phase);
    span->mutable_began_at()->CopyFrom(ToProto(begin));
    if (!open) span->mutable_ended_at()->CopyFrom(ToProto(end));
  }

  void WriteTimeline() {
    if (!HasSleep()) return;
    auto* spans = summary_.mutable_timeline();
    if (put_down_) {
      AddSpan(v1::NIGHT_PHASE_SETTLING, put_down_->begin, bouts_.front().begin, false, spans);
    }
    for (size_t i = 0; i < bouts_.size(); ++i) {
      if (i > 0 && !bouts_[i - 1].open) {
        AddSpan(v1::NIGHT_PHASE_AWAKE, bouts_[i - 1].end, bouts_[i].begin, false, spans);
      }
      AddSpan(v1::NIGHT_PHASE_ASLEEP, bouts_[i].begin, bouts_[i].end, bouts_[i].open, spans);
    }
    if (rise_ && !bouts_.back().open) {
      AddSpan(v1::NIGHT_PHASE_AWAKE, bouts_.back().end, rise_at_, false, spans);
    }
  }

  // The latest of: last sleep, last put-down, rise. Before the evening: of the date's naps.
  void WritePhase() {
    v1::NightPhase phase = v1::NIGHT_PHASE_UNSPECIFIED;
    absl::Time since = absl::InfinitePast();
    const auto enter = [&](v1::NightPhase next, absl::Time at) {
      if (at < since) return;
      phase = next;
      since = at;
    };
    if (!naps_.empty()) {
      const Bout& nap = naps_.back();
      enter(nap.open ? v1::NIGHT_PHASE_ASLEEP : v1::NIGHT_PHASE_UP, nap.end);
    }
    for (const Event& put_down : by_kind_.put_downs) {
      if (Frame(put_down).Owns(put_down.begin)) enter(v1::NIGHT_PHASE_SETTLING, put_down.begin);
    }
    if (HasSleep()) {
      const Bout& last = bouts_.back();
      // Put down asleep: an open night sleep goes on.
      if (last.open) since = std::min(since, last.begin);
      enter(last.open ? v1::NIGHT_PHASE_ASLEEP : v1::NIGHT_PHASE_AWAKE, last.end);
    }
    if (rise_) enter(v1::NIGHT_PHASE_UP, rise_at_);
    if (phase == v1::NIGHT_PHASE_UNSPECIFIED) return;
    summary_.set_phase(phase);
    summary_.mutable_phase_since()->CopyFrom(ToProto(since));
  }

  // Decides where the night's crying and responses lie.
  void ListResponses() {
    const NightFrame& frame = Frame(summary_.zone());
    const absl::Time onset = HasSleep() ? bouts_.front().begin : absl::InfiniteFuture();
    from_ = std::min(onset, put_down_ ? put_down_->begin : frame.window_begin());
    const absl::Time last_known = HasSleep() ? bouts_.back().end : absl::InfinitePast();
    until_ = rise_ ? rise_at_ : std::max(last_known, frame.window_end());
    const auto begins_before = [](const Event& event, absl::Time time) {
      return event.begin < time;
    };
    const auto begins_after = [](absl::Time time, const Event& event) {
      return time < event.begin;
    };
    const auto all = by_kind_.responses;
    const auto first = std::lower_bound(all.begin(), all.end(), from_, begins_before);
    const auto limit = std::upper_bound(first, all.end(), until_, begins_after);
    responses_ = absl::MakeConstSpan(first, limit - first);
  }

  struct Crying {
    absl::Time begin;
    absl::Time end;
    bool ongoing;
  };

  // The night's cryings, ends found, clipped to the night; in the order of their begins.
  std::vector<Crying> FindCrying() {
    std::vector<Crying> found;
    found.reserve(by_kind_.cryings.size());
    for (const Event& event : by_kind_.cryings) {
      Crying crying = {event.begin, event.end, false};
      if (event.open) {
        const auto bout = std::find_if(all_bouts_.begin(), all_bouts_.end(), [&](const Bout& b) {
          return b.end > event.begin || b.begin >= event.begin;
        });
        absl::Time end = absl::InfiniteFuture();
        if (bout != all_bouts_.end()) end = std::max(event.begin, bout->begin);
        for (const Event& rise : by_kind_.rises) {
          if (rise.begin > event.begin) end = std::min(end, rise.begin);
        }
        crying.ongoing = end == absl::InfiniteFuture();
        crying.end = crying.ongoing ? event.begin : end;
      }
      if (crying.begin > until_ || crying.end < from_) continue;
      // One that only touches the night from outside is not of it.
      if (!event.open && (crying.end == from_ || crying.begin == until_)) continue;
      crying.begin = std::max(crying.begin, from_);
      crying.end = std::min(std::max(crying.end, crying.begin), until_);
      found.push_back(crying);
    }
    return found;
  }

  static absl::Duration UnionLength(const std::vector<Crying>& cryings, absl::Time until) {
    absl::Duration length;
    absl::Time covered = absl::InfinitePast();
    for (const Crying& crying : cryings) {
      const absl::Time begin = std::max(crying.begin, covered);
      const absl::Time end = std::min(crying.end, until);
      if (end > begin) length += end - begin;
      covered = std::max(covered, end);
    }
    return length;
  }

  void WriteCrying(const PlanInForce* plan) {
    const std::vector<Crying> cryings = FindCrying();
    const absl::Duration merge_gap =
        plan ? absl::Minutes(plan->plan->approach().cry_merge_gap_min()) : absl::ZeroDuration();
    for (const Crying& crying : cryings) {
      if (!episodes_.empty() &&
          (episodes_.back().ongoing || crying.begin - episodes_.back().end <= merge_gap)) {
        episodes_.back().end = std::max(episodes_.back().end, crying.end);
        episodes_.back().ongoing |= crying.ongoing;
      } else {
        episodes_.push_back({crying.begin, crying.end, crying.ongoing});
      }
    }
    // What follows the final wake is told as crying of the night only once the night went on.
    const absl::Time counted_until = rise_ || !complete() ? until_ : bouts_.back().end;
    int counted = 0, unanswered = 0;
    std::vector<double> latencies;
    for (const CryEpisode& episode : episodes_) {
      if (episode.begin >= counted_until) break;
      ++counted;
      const auto answer =
          std::find_if(responses_.begin(), responses_.end(), [&](const Event& response) {
            return Level(response) >= 1 && episode.Contains(response.begin);
          });
      if (answer == responses_.end()) {
        ++unanswered;
      } else {
        latencies.push_back(Minutes(answer->begin - episode.begin));
      }
    }
    if (counted == 0) return;
    summary_.set_cry_min(Minutes(UnionLength(cryings, counted_until)));
    if (put_down_) {
      const absl::Time onset = HasSleep() ? bouts_.front().begin : counted_until;
      summary_.set_cry_bedtime_min(Minutes(UnionLength(cryings, onset)));
    }
    summary_.set_cry_episodes(counted);
    summary_.set_cry_episodes_unanswered(unanswered);
    if (latencies.empty()) return;
    std::sort(latencies.begin(), latencies.end());
    const size_t middle = latencies.size() / 2;
    const double median = latencies.size() % 2 == 1
                              ? latencies[middle]
                              : (latencies[middle - 1] + latencies[middle]) / 2;
    summary_.set_response_latency_median_min(RoundToTenth(median));
    summary_.set_response_latency_max_min(RoundToTenth(latencies.back()));
  }

  static int Level(const Event& response) {
    return static_cast<int>(response.source->entry->detail().response().level());
  }

  void WriteResponses() {
    if (HasSleep() || put_down_ || !responses_.empty()) {
      summary_.set_interventions(static_cast<int>(std::count_if(
          responses_.begin(), responses_.end(), [](const Event& r) { return Level(r) >= 1; })));
    }
    auto* caregivers = summary_.mutable_caregivers();
    for (const Event& response : responses_) {
      ++(*summary_.mutable_interventions_by_level())[Level(response)];
      const absl::string_view member = response.source->member_id;
      auto caregiver =
          std::find_if(caregivers->begin(), caregivers->end(),
                       [member](const v1::CaregiverNight& c) { return c.member_id() == member; });
      if (caregiver == caregivers->end()) {
        caregivers->Add()->set_member_id(member.data(), member.size());
        caregiver = caregivers->end() - 1;
      }
      caregiver->set_responses(caregiver->responses() + 1);
      ++(*caregiver->mutable_by_level())[Level(response)];
    }
    std::sort(caregivers->begin(), caregivers->end(),
              [](const auto& a, const auto& b) { return a.member_id() < b.member_id(); });
    if (!complete()) return;
    int settled = 0;
    for (size_t i = 1; i < bouts_.size(); ++i) {
      const absl::Time wake = bouts_[i - 1].end;
      const absl::Time resume = bouts_[i].begin;
      if (resume - wake < kWakingMin) continue;
      settled += std::none_of(responses_.begin(), responses_.end(), [&](const Event& response) {
        return Level(response) >= 1 && wake <= response.begin && response.begin <= resume;
      });
    }
    summary_.set_self_settled_wakings(settled);
    if (summary_.nwak() > 0) {
      summary_.set_self_settled_pct(RoundToTenth(100.0 * settled / summary_.nwak()));
    }
  }

  void Score(const PlanInForce& plan) {
    ScoredNight scored;
    scored.responses = responses_;
    scored.episodes = episodes_;
    scored.bouts = all_bouts_;
    scored.age_months = AgeInMonths(child_, night_);
    scored.put_down = put_down_;
    scored.rise = rise_;
    const v1::PlanApproach& approach = plan.plan->approach();
    if (const auto minute = ParseTimeOfDay(approach.planned_put_down()); minute && put_down_) {
      const NightFrame& frame = Frame(*put_down_);
      scored.planned_put_down =
          *minute < 12 * 60 ? frame.OnMorning(*minute) : frame.OnEvening(*minute);
    }
    if (rise_) {
      scored.planned_rise = Frame(*rise_).OnMorning(
          ParseTimeOfDay(approach.planned_rise()).value_or(hours_.desired_rise));
    }
    ScoreAdherence(plan, scored, &summary_);
  }

  void WriteClinicalFlags() {
    if (summary_.nwak() > kManyWakings) {
      summary_.add_clinical_flags(v1::CLINICAL_FLAG_MANY_WAKINGS);
    }
    if (summary_.waso_min() > kLongAwakeMin) {
      summary_.add_clinical_flags(v1::CLINICAL_FLAG_LONG_AWAKE);
    }
    if (!summary_.ongoing() && summary_.has_tst24_min() && summary_.tst24_min() < kShortSleepMin) {
      summary_.add_clinical_flags(v1::CLINICAL_FLAG_SHORT_SLEEP);
    }
  }

  const v1::Child& child_;
  const absl::CivilDay night_;
  const NightHours hours_;
  const absl::TimeZone home_;
  // One a zone met; a deque, for they are referred to.
  std::deque<NightFrame> frames_;
  const NightFrame& home_frame_;
  const absl::Span<const LoggedEntry> entries_;

  std::vector<Event> events_;
  EventsByKind by_kind_;
  std::vector<Bout> all_bouts_;
  // Of this night, and of its date.
  std::vector<Bout> bouts_;
  std::vector<Bout> naps_;
  const Event* put_down_ = nullptr;
  const Event* rise_ = nullptr;
  absl::Time rise_at_;
  // Where the night's crying and responses lie.
  absl::Time from_;
  absl::Time until_;
  absl::Span<const Event> responses_;
  std::vector<CryEpisode> episodes_;
  v1::NightSummary summary_;
};

}  // namespace

TimeRange EntriesWindow(const v1::Child& child, absl::CivilDay night) {
  const absl::TimeZone home = HomeZone(child);
  const auto at = [&](absl::CivilDay day) {
    return absl::FromCivil(absl::CivilHour(day) + kWindowDayStartHour, home);
  };
  return {at(night - 1), at(night + 2)};
}

std::array<absl::CivilDay, 3> NightsTouched(const v1::Child& child, const v1::Interval& interval) {
  const absl::CivilHour hour = absl::ToCivilHour(FromProto(interval.began_at()), HomeZone(child));
  const absl::CivilDay day(hour - kWindowDayStartHour);
  return {day - 1, day, day + 1};
}

v1::NightSummary SummarizeNight(absl::string_view child_id, const v1::Child& child,
                                absl::CivilDay night, absl::Span<const LoggedEntry> entries,
                                const PlanInForce* plan, int open_conflicts) {
  v1::NightSummary summary = Summarizer(child, night, entries).Run(plan);
  summary.set_child_id(child_id.data(), child_id.size());
  summary.set_date(FormatDay(night));
  summary.set_open_conflicts(open_conflicts);
  return summary;
}

}  // namespace nightlog::sleep
