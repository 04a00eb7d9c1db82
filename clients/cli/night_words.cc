#include "clients/cli/night_words.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"

namespace nightlog::cli {
namespace {

std::string Wakings(const v1::NightSummary& night) {
  return absl::StrCat(night.status() == v1::NIGHT_STATUS_INCOMPLETE ? "at least " : "",
                      night.nwak(), night.nwak() == 1 ? " waking" : " wakings");
}

std::string Percent(double percent) { return absl::StrFormat("%.0f %%", percent); }

std::string Spaced(absl::string_view word) { return absl::StrReplaceAll(word, {{"_", " "}}); }

// `3 min` of a trend in minutes, `2` of one that counts.
std::string MeasureValue(v1::Measure measure, double value) {
  return measure == v1::MEASURE_NWAK ? absl::StrFormat("%g", value) : MinutesInWords(value);
}

}  // namespace

std::string NightInALine(const v1::NightSummary& night, absl::TimeZone zone) {
  std::vector<std::string> parts;
  if (night.status() == v1::NIGHT_STATUS_NO_SLEEP) parts.push_back("no sleep logged yet");
  if (night.phase() != v1::NIGHT_PHASE_UNSPECIFIED && night.has_phase_since()) {
    parts.push_back(absl::StrCat(Word(night.phase()), " since ",
                                 ClockTime(FromProto(night.phase_since()), zone)));
  }
  if (night.has_nwak()) parts.push_back(Wakings(night));
  if (night.has_tst_night_min()) {
    parts.push_back(absl::StrCat("asleep for ", MinutesInWords(night.tst_night_min())));
  }
  if (night.has_longest_stretch_min()) {
    parts.push_back(absl::StrCat("longest ", MinutesInWords(night.longest_stretch_min())));
  }
  if (night.adherence().has_adherence_pct()) {
    parts.push_back(absl::StrCat("plan kept ", Percent(night.adherence().adherence_pct())));
  }
  if (night.status() == v1::NIGHT_STATUS_INCOMPLETE) parts.push_back("a sleep has no end");
  if (night.open_conflicts() > 0) {
    parts.push_back(absl::StrCat(night.open_conflicts(), " open conflict",
                                 night.open_conflicts() == 1 ? "" : "s"));
  }
  return absl::StrJoin(parts, ", ");
}

std::vector<std::string> NightInLines(const v1::NightSummary& night, absl::TimeZone zone) {
  std::vector<std::string> lines = {NightInALine(night, zone)};
  const auto add_minutes = [&](absl::string_view what, bool known, double minutes) {
    if (known) lines.push_back(absl::StrCat(what, ": ", MinutesInWords(minutes)));
  };
  add_minutes("put down to asleep", night.has_sol_min(), night.sol_min());
  add_minutes("awake in the night", night.has_waso_min(), night.waso_min());
  if (night.has_sleep_efficiency_pct()) {
    lines.push_back(
        absl::StrCat("asleep while in bed: ", Percent(night.sleep_efficiency_pct()),
                     night.tib_fallback() ? " (too good: no put-down or rise was logged)" : ""));
  }
  add_minutes("up earlier than wished by", night.early_wake_min() > 0, night.early_wake_min());
  if (night.has_nap_count()) {
    lines.push_back(absl::StrCat(
        "naps: ", night.nap_count(),
        night.has_nap_min() ? absl::StrCat(", ", MinutesInWords(night.nap_min())) : ""));
  }
  add_minutes("asleep in 24 h", night.has_tst24_min(), night.tst24_min());
  add_minutes("crying", night.has_cry_min(), night.cry_min());
  add_minutes("first answer after, median", night.has_response_latency_median_min(),
              night.response_latency_median_min());
  if (night.has_interventions() && night.interventions() > 0) {
    lines.push_back(absl::StrCat("responses: ", night.interventions()));
  }
  const v1::Adherence& adherence = night.adherence();
  if (adherence.has_adherence_pct()) {
    lines.push_back(absl::StrCat(
        "night ", adherence.plan_night(), " of ", Spaced(Word(adherence.method())), ": kept ",
        Percent(adherence.adherence_pct()), ", ", adherence.missed_checks(), " checks missed"));
    if (adherence.has_caregiver_consistency_pct() && !adherence.low_n()) {
      lines.push_back(absl::StrCat("both keep it the same way: ",
                                   Percent(adherence.caregiver_consistency_pct())));
    }
  }
  if (night.clinical_flags_size() > 0) {
    std::vector<std::string> flags;
    for (const int flag : night.clinical_flags()) {
      flags.push_back(Spaced(Word(static_cast<v1::ClinicalFlag>(flag))));
    }
    lines.push_back(absl::StrCat("worth a talk with a professional: ", absl::StrJoin(flags, ", ")));
  }
  return lines;
}

std::vector<std::string> ProgressInLines(const v1::Progress& progress) {
  std::vector<std::string> lines;
  if (progress.method() != v1::PLAN_METHOD_UNSPECIFIED) {
    std::string line =
        absl::StrCat("night ", progress.plan_night(), " of ", Spaced(Word(progress.method())));
    if (progress.has_expected_nights_max()) {
      absl::StrAppend(&line, " (said to show within ", progress.expected_nights_min(), "–",
                      progress.expected_nights_max(), " nights)");
    }
    lines.push_back(line);
  }
  lines.push_back(
      absl::StrCat("up to ", progress.latest_night(), ": ", Spaced(Word(progress.verdict()))));
  for (const v1::Trend& trend : progress.trends()) {
    if (!trend.has_now()) continue;
    std::string line = absl::StrCat(Spaced(Word(trend.measure())), ": ");
    if (trend.has_baseline()) {
      absl::StrAppend(&line, MeasureValue(trend.measure(), trend.baseline()), " before, ");
    }
    absl::StrAppend(&line, MeasureValue(trend.measure(), trend.now()), " now, ",
                    Spaced(Word(trend.direction())));
    lines.push_back(line);
  }
  if (progress.has_adherence_pct()) {
    lines.push_back(absl::StrCat("plan kept: ", Percent(progress.adherence_pct())));
  }
  if (progress.has_caregiver_consistency_pct()) {
    lines.push_back(
        absl::StrCat("the same way by both: ", Percent(progress.caregiver_consistency_pct())));
  }
  const auto add_spread = [&](absl::string_view what, bool known, double minutes) {
    if (known) lines.push_back(absl::StrCat(what, " varies by ", MinutesInWords(minutes)));
  };
  add_spread("bedtime", progress.has_bedtime_sd_min(), progress.bedtime_sd_min());
  add_spread("falling asleep", progress.has_onset_sd_min(), progress.onset_sd_min());
  add_spread("getting up", progress.has_rise_sd_min(), progress.rise_sd_min());
  if (progress.has_sri())
    lines.push_back(absl::StrFormat("sleep regularity: %.0f", progress.sri()));
  return lines;
}

}  // namespace nightlog::cli
