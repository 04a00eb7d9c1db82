#include "clients/cli/entry_flags.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "clients/cli/local_time.h"
#include "clients/cli/words.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

constexpr double kMillilitresPerOunce = 29.5735295625;

absl::Status Unfit(absl::string_view flag) {
  return absl::InvalidArgumentError(absl::StrCat("--", flag, " does not fit this kind of entry"));
}

absl::StatusOr<uint32_t> WholeNumber(const Arguments& arguments, absl::string_view flag) {
  ASSIGN_OR_RETURN(const absl::optional<double> number, arguments.Number(flag));
  const double value = number.value_or(0);
  if (value < 0 || value > 1000 || value != static_cast<uint32_t>(value)) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag, " takes a small whole number"));
  }
  return static_cast<uint32_t>(value);
}

}  // namespace

const std::vector<Flag>& DetailFlags() {
  static const std::vector<Flag>& flags = *new std::vector<Flag>{
      {"action", "TEXT", "response: what was done, in your own words"},
      {"reason", "WORD",
       "response: why it is outside the plan: illness, safety, soiled_nappy, feed_due_in_plan"},
      {"position", "WORD", "response: where you were, such as beside_crib or doorway_inside"},
      {"level", "0-6", "response: how much help"},
      {"intensity", "1-3", "crying: 1 fussing, 2 crying, 3 screaming"},
      {"place", "WORD", "sleep: crib, parents_bed, stroller, car, arms, other"},
      {"kind", "WORD", "feed: breast, bottle, solid"},
      {"ml", "NUMBER", "feed: amount"},
      {"oz", "NUMBER", "feed: amount in US fluid ounces"},
  };
  return flags;
}

absl::StatusOr<bool> ApplyDetailFlags(const Arguments& arguments, v1::EntryDetail& detail) {
  bool any = false;
  for (const Flag& flag : DetailFlags()) {
    if (!arguments.Has(flag.name)) continue;
    any = true;
    const std::string value = *arguments.Get(flag.name);
    const bool of_response = flag.name == "action" || flag.name == "reason" ||
                             flag.name == "position" || flag.name == "level";
    const bool of_feed = flag.name == "kind" || flag.name == "ml" || flag.name == "oz";
    if (of_response && !detail.has_response()) return Unfit(flag.name);
    if (of_feed && !detail.has_feed()) return Unfit(flag.name);
    if (flag.name == "action") {
      detail.mutable_response()->set_action(value);
    } else if (flag.name == "reason") {
      ASSIGN_OR_RETURN(const auto reason, ParseWord<v1::ExemptReason>(value));
      detail.mutable_response()->set_exempt_reason(reason);
    } else if (flag.name == "position") {
      ASSIGN_OR_RETURN(const auto position, ParseWord<v1::Position>(value));
      detail.mutable_response()->set_position(position);
    } else if (flag.name == "level") {
      ASSIGN_OR_RETURN(const uint32_t level, WholeNumber(arguments, "level"));
      detail.mutable_response()->set_level(level);
    } else if (flag.name == "intensity") {
      if (!detail.has_crying()) return Unfit(flag.name);
      ASSIGN_OR_RETURN(const uint32_t intensity, WholeNumber(arguments, "intensity"));
      detail.mutable_crying()->set_intensity(intensity);
    } else if (flag.name == "place") {
      if (!detail.has_sleep()) return Unfit(flag.name);
      ASSIGN_OR_RETURN(const auto place, ParseWord<v1::SleepPlace>(value));
      detail.mutable_sleep()->set_place(place);
    } else if (flag.name == "kind") {
      ASSIGN_OR_RETURN(const auto kind, ParseWord<v1::FeedKind>(value));
      detail.mutable_feed()->set_kind(kind);
    } else {
      ASSIGN_OR_RETURN(const absl::optional<double> amount, arguments.Number(flag.name));
      detail.mutable_feed()->set_amount_ml(flag.name == "ml" ? *amount
                                                             : *amount * kMillilitresPerOunce);
    }
  }
  return any;
}

absl::StatusOr<GivenMoment> ReadMoment(absl::string_view text, absl::Time now,
                                       absl::TimeZone zone) {
  ASSIGN_OR_RETURN(LocalReading reading, ParseMoment(text, now, zone));
  return GivenMoment{reading.time, text == "now", std::move(reading.remark)};
}

absl::StatusOr<absl::Duration> ReadDuration(absl::string_view text) {
  absl::Duration duration;
  if (!absl::ParseDuration(text, &duration) || duration < absl::ZeroDuration()) {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not a duration; write 10m or 1h30m"));
  }
  return duration;
}

}  // namespace nightlog::cli
