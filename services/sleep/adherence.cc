#include "services/sleep/adherence.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "services/sleep/local_time.h"

namespace nightlog::sleep {
namespace {

using Verdict = v1::ResponseVerdictKind;
constexpr Verdict kUnscored = v1::RESPONSE_VERDICT_KIND_UNSPECIFIED;
constexpr Verdict kOk = v1::RESPONSE_VERDICT_KIND_OK;
constexpr int kPickUp = 4;

const v1::Response& ResponseOf(const Event& event) {
  return event.source->entry->detail().response();
}

int LevelOf(const Event& event) { return static_cast<int>(ResponseOf(event).level()); }

bool IsExempt(const Event& event) {
  return ResponseOf(event).exempt_reason() != v1::EXEMPT_REASON_UNSPECIFIED;
}

// Walks through a night's responses in order, and says of each how it meets the rules.
class Judge {
 public:
  Judge(const NightRules& rules, const ScoredNight& night) : rules_(rules), night_(night) {}

  // REQUIRES: responses come in the order of their begins.
  Verdict Next(const Event& response) {
    const bool exempt = IsExempt(response);
    const int level = LevelOf(response);
    if (level == 0) {
      return exempt || !Contains(rules_.allowed_levels, 0) ? kUnscored : kOk;
    }
    EnterEpisodeOf(response);
    const Verdict by_time = TakeTurn(response, level);
    if (exempt) return kUnscored;
    const Verdict by_level = JudgeLevel(response, level);
    ++visits_;
    return by_level != kOk ? by_level : by_time != kOk ? by_time : JudgeLength(response, level);
  }

  // Checks that were due in a crying and not made. Call once, after the last response.
  int MissedChecks() {
    while (next_episode_ < night_.episodes.size()) Open(next_episode_);
    CloseEpisode();
    return missed_checks_;
  }

 private:
  bool TimesChecks() const { return !rules_.waits.empty(); }
  bool IsLadder() const { return !rules_.method->rungs.empty(); }
  bool CryingIsLogged() const { return !night_.episodes.empty(); }

  absl::Duration Target() const {
    return absl::Minutes(rules_.waits[std::min(wait_, rules_.waits.size() - 1)]);
  }

  bool SleptBetween(absl::Time from, absl::Time to) const {
    return std::any_of(night_.bouts.begin(), night_.bouts.end(),
                       [=](const Bout& bout) { return from <= bout.begin && bout.begin < to; });
  }

  void EnterEpisodeOf(const Event& response) {
    while (next_episode_ < night_.episodes.size() &&
           night_.episodes[next_episode_].begin <= response.begin) {
      Open(next_episode_);
    }
    in_episode_ = episode_ != nullptr && episode_->Contains(response.begin);
  }

  void Open(size_t index) {
    CloseEpisode();
    const CryEpisode& opened = night_.episodes[index];
    // Every new waking starts with the first wait.
    if (episode_ == nullptr || SleptBetween(episode_->begin, opened.begin)) wait_ = 0;
    episode_ = &opened;
    next_episode_ = index + 1;
    clock_ = std::max(opened.begin, visit_end_);
    rung_ = -1;
  }

  void CloseEpisode() {
    if (episode_ == nullptr || !TimesChecks()) return;
    const absl::Duration unattended = episode_->end - clock_;
    if (unattended > Target() + ToleranceOf(Target())) ++missed_checks_;
  }

  Verdict JudgeLevel(const Event& response, int level) const {
    const Method& method = *rules_.method;
    const bool needs_cry = TimesChecks() || IsLadder() || method.first_check_allowed ||
                           (method.pickup_requires_cry && level == kPickUp);
    const bool first_check = method.first_check_allowed && visits_ == 0 && level == 1;
    const bool allowed = IsLadder() ? rules_.rung_of_level[level] >= 0
                                    : first_check || Contains(rules_.allowed_levels, level);
    if (!allowed) return v1::RESPONSE_VERDICT_KIND_NOT_ALLOWED;
    const v1::Position position = ResponseOf(response).position();
    if (rules_.position != v1::POSITION_UNSPECIFIED && position != v1::POSITION_UNSPECIFIED &&
        position != rules_.position) {
      return v1::RESPONSE_VERDICT_KIND_WRONG_POSITION;
    }
    if (needs_cry && CryingIsLogged() && !in_episode_) return v1::RESPONSE_VERDICT_KIND_NO_CRY;
    return kOk;
  }

  // Moves clock and rung on, and says how the response came in time.
  Verdict TakeTurn(const Event& response, int level) {
    if (IsLadder()) return TakeRung(response, level);
    const bool same_visit = response.begin <= visit_end_;
    visit_end_ = std::max(visit_end_, response.end);
    if (!TimesChecks() || !in_episode_) return kOk;
    Verdict verdict = kOk;
    if (!same_visit) {
      const absl::Duration wait = response.begin - clock_;
      if (wait < Target() - ToleranceOf(Target())) verdict = v1::RESPONSE_VERDICT_KIND_EARLY;
      if (wait > Target() + ToleranceOf(Target())) verdict = v1::RESPONSE_VERDICT_KIND_LATE;
      ++wait_;
    }
    clock_ = std::max(clock_, response.end);
    return verdict;
  }

  Verdict TakeRung(const Event& response, int level) {
    const int rung = rules_.rung_of_level[level];
    if (rung < 0) return kOk;
    // Without logged crying a ladder begins anew after each sleep.
    if (!CryingIsLogged() && rung_ >= 0 && SleptBetween(rung_since_, response.begin)) rung_ = -1;
    Verdict verdict = kOk;
    if (rung > rung_ + 1) {
      verdict = v1::RESPONSE_VERDICT_KIND_SKIPPED_RUNG;
    } else if (rung == rung_ + 1 && rung_ >= 0) {
      const absl::Duration stay = response.begin - rung_since_;
      if (stay < absl::Minutes(rules_.min_rung_min)) verdict = v1::RESPONSE_VERDICT_KIND_EARLY;
      if (rules_.max_rung_min > 0 && stay > absl::Minutes(rules_.max_rung_min)) {
        verdict = v1::RESPONSE_VERDICT_KIND_LATE;
      }
    }
    if (rung != rung_) rung_since_ = response.begin;
    rung_ = rung;
    return verdict;
  }

  Verdict JudgeLength(const Event& response, int level) const {
    const absl::Duration length = response.end - response.begin;
    const double hold_max =
        rules_.method->pickup_requires_cry && level == kPickUp ? rules_.max_hold_min : 0;
    for (double max : {rules_.max_visit_min, hold_max}) {
      if (max > 0 && length > absl::Minutes(max)) return v1::RESPONSE_VERDICT_KIND_VISIT_TOO_LONG;
    }
    return kOk;
  }

  const NightRules& rules_;
  const ScoredNight& night_;

  size_t next_episode_ = 0;
  // The latest begun, and whether the response at hand is within it.
  const CryEpisode* episode_ = nullptr;
  bool in_episode_ = false;
  int visits_ = 0;
  // Interval clock: since when, and which wait.
  absl::Time clock_;
  size_t wait_ = 0;
  absl::Time visit_end_ = absl::InfinitePast();
  int missed_checks_ = 0;
  // Ladder: rung reached in this episode, -1 below the first.
  int rung_ = -1;
  absl::Time rung_since_;
};

struct Tally {
  absl::string_view member_id;
  int responses = 0;
  int by_level[kLevels] = {};
  int scored = 0;
  int ok = 0;
};

double Percent(int part, int whole) { return 100.0 * part / whole; }

// Consistency and gap over the pairs of caregivers.
void CompareCaregivers(const std::vector<Tally>& tallies, v1::Adherence* adherence) {
  double consistency = 0, gap = 0;
  int pairs = 0, scored_pairs = 0;
  for (size_t i = 0; i < tallies.size(); ++i) {
    for (size_t j = i + 1; j < tallies.size(); ++j) {
      const Tally& a = tallies[i];
      const Tally& b = tallies[j];
      if (std::min(a.responses, b.responses) < kComparableResponsesMin) adherence->set_low_n(true);
      double difference = 0;
      for (int level = 0; level < kLevels; ++level) {
        difference += std::abs(static_cast<double>(a.by_level[level]) / a.responses -
                               static_cast<double>(b.by_level[level]) / b.responses);
      }
      consistency += 100 * (1 - difference / 2);
      ++pairs;
      if (a.scored > 0 && b.scored > 0) {
        gap += std::abs(Percent(a.ok, a.scored) - Percent(b.ok, b.scored));
        ++scored_pairs;
      }
    }
  }
  if (pairs > 0) adherence->set_caregiver_consistency_pct(RoundToTenth(consistency / pairs));
  if (scored_pairs > 0) adherence->set_adherence_gap_pp(RoundToTenth(gap / scored_pairs));
}

void AddVerdict(const Event& event, Verdict verdict, v1::Adherence* adherence) {
  v1::ResponseVerdict* added = adherence->add_verdicts();
  added->set_entry_id(event.source->record_id.data(), event.source->record_id.size());
  added->set_member_id(event.source->member_id.data(), event.source->member_id.size());
  added->set_verdict(verdict);
}

Verdict NearPlanned(absl::Time actual, absl::Time planned, double tolerance_min) {
  const absl::Duration tolerance = absl::Minutes(tolerance_min);
  if (actual < planned - tolerance) return v1::RESPONSE_VERDICT_KIND_EARLY;
  if (actual > planned + tolerance) return v1::RESPONSE_VERDICT_KIND_LATE;
  return kOk;
}

void ScoreFading(const Method& method, const ScoredNight& night, v1::Adherence* adherence) {
  if (!night.put_down || !night.rise || !night.planned_put_down || !night.planned_rise) return;
  const Verdict put_down =
      NearPlanned(night.put_down->begin, *night.planned_put_down, method.put_down_tolerance_min);
  const Verdict rise =
      NearPlanned(night.rise->begin, *night.planned_rise, method.rise_tolerance_min);
  AddVerdict(*night.put_down, put_down, adherence);
  AddVerdict(*night.rise, rise, adherence);
  adherence->set_adherence_pct(put_down == kOk && rise == kOk ? 100 : 0);
  adherence->set_scored(true);
}

}  // namespace

absl::Duration ToleranceOf(absl::Duration target) {
  return std::max(absl::Minutes(1), 0.2 * target);
}

void ScoreAdherence(const PlanInForce& plan, const ScoredNight& night, v1::NightSummary* summary) {
  const v1::PlanApproach& approach = plan.plan->approach();
  if (FindMethod(approach.method()) == nullptr) return;
  v1::Adherence* adherence = summary->mutable_adherence();
  adherence->set_plan_id(plan.plan_id.data(), plan.plan_id.size());
  adherence->set_method(approach.method());
  adherence->set_plan_night(plan.plan_night);

  if (std::any_of(night.responses.begin(), night.responses.end(), [](const Event& response) {
        return ResponseOf(response).exempt_reason() == v1::EXEMPT_REASON_ILLNESS;
      })) {
    return;
  }

  const NightRules rules = RulesFor(approach, plan.plan_night, night.age_months);
  const bool fading = rules.method->put_down_tolerance_min > 0;
  Judge judge(rules, night);
  std::vector<Tally> tallies;
  tallies.reserve(summary->caregivers_size());
  int scored = 0, ok = 0;
  for (const Event& response : night.responses) {
    const Verdict verdict = fading ? kUnscored : judge.Next(response);
    if (IsExempt(response)) continue;
    auto tally = std::find_if(tallies.begin(), tallies.end(), [&](const Tally& t) {
      return t.member_id == response.source->member_id;
    });
    if (tally == tallies.end()) {
      tally = tallies.insert(tally, Tally{response.source->member_id});
    }
    ++tally->responses;
    ++tally->by_level[LevelOf(response)];
    if (verdict == kUnscored) continue;
    AddVerdict(response, verdict, adherence);
    ++scored;
    ++tally->scored;
    if (verdict == kOk) {
      ++ok;
      ++tally->ok;
    }
  }
  CompareCaregivers(tallies, adherence);
  if (fading) {
    ScoreFading(*rules.method, night, adherence);
    return;
  }

  const int missed = judge.MissedChecks();
  // Without logged crying it is not known whether a check was due.
  if (rules.waits.empty() || !night.episodes.empty()) adherence->set_missed_checks(missed);
  if (scored + missed == 0) return;
  adherence->set_adherence_pct(RoundToTenth(Percent(ok, scored + missed)));
  adherence->set_scored(true);
  for (const Tally& tally : tallies) {
    if (tally.scored == 0) continue;
    for (v1::CaregiverNight& caregiver : *summary->mutable_caregivers()) {
      if (caregiver.member_id() == tally.member_id) {
        caregiver.set_adherence_pct(RoundToTenth(Percent(tally.ok, tally.scored)));
      }
    }
  }
}

}  // namespace nightlog::sleep
