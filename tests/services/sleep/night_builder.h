// Builds the log of one night for tests: a line an entry, times as RFC 3339.
#ifndef NIGHTLOG_TESTS_SERVICES_SLEEP_NIGHT_BUILDER_H_
#define NIGHTLOG_TESTS_SERVICES_SLEEP_NIGHT_BUILDER_H_

#include <deque>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "nightlog/v1/records.pb.h"
#include "services/sleep/local_time.h"
#include "services/sleep/night.h"
#include "storage/core/proto_time.h"

namespace nightlog::sleep {

// The time that `local` ("2025-01-14 19:30" or with seconds) names in `zone`.
inline absl::Time LocalTime(absl::string_view local, absl::string_view zone) {
  absl::Time time;
  std::string error;
  const std::string format = local.size() > 16 ? "%Y-%m-%d %H:%M:%S" : "%Y-%m-%d %H:%M";
  if (!absl::ParseTime(format, local, ZoneOr(zone, absl::UTCTimeZone()), &time, &error)) {
    return absl::InfiniteFuture();
  }
  return time;
}

// Builds a night as a person would tell it: what happened, at which local time.
class NightBuilder {
 public:
  explicit NightBuilder(absl::string_view night = "2025-05-12",
                        absl::string_view zone = "America/New_York")
      : night_(*ParseDay(night)), zone_(zone) {
    child_.set_home_zone(zone_);
  }

  v1::Child& child() { return child_; }
  absl::CivilDay night() const { return night_; }
  const std::vector<LoggedEntry>& entries() const { return entries_; }
  std::vector<LoggedEntry>& entries() { return entries_; }

  // The instant of a clock time: "19:30" is on the night's date, one before noon on the next; a
  // leading '=' puts it on the night's own date ("=09:30"), a '+' one day later ("+13:00").
  absl::Time At(absl::string_view clock) const {
    absl::CivilDay day = night_;
    if (absl::ConsumePrefix(&clock, "+")) {
      ++day;
    } else if (!absl::ConsumePrefix(&clock, "=") && clock < "12") {
      ++day;
    }
    return LocalTime(absl::StrCat(FormatDay(day), " ", clock), zone_);
  }

  NightBuilder& Add(v1::EntryDetail detail, absl::Time begin, absl::optional<absl::Time> end,
                    absl::string_view member, absl::string_view zone = "",
                    absl::string_view id = "") {
    v1::LogEntry& entry = stored_.emplace_back();
    *entry.mutable_detail() = std::move(detail);
    *entry.mutable_interval()->mutable_began_at() = ToProto(begin);
    if (end) *entry.mutable_interval()->mutable_ended_at() = ToProto(*end);
    entry.mutable_interval()->set_zone(zone.empty() ? zone_ : std::string(zone));
    const std::string& kept_id =
        names_.emplace_back(id.empty() ? absl::StrCat("e", 100 + stored_.size()) : std::string(id));
    const std::string& kept_member = names_.emplace_back(member);
    entries_.push_back({kept_id, kept_member, &entry});
    return *this;
  }

  NightBuilder& PutDown(absl::string_view at, absl::string_view member = "mom") {
    v1::EntryDetail detail;
    detail.mutable_put_down();
    return Add(detail, At(at), absl::nullopt, member);
  }
  NightBuilder& Rise(absl::string_view at, absl::string_view member = "mom") {
    v1::EntryDetail detail;
    detail.mutable_rise();
    return Add(detail, At(at), absl::nullopt, member);
  }
  // An empty `end`: open.
  NightBuilder& Sleep(absl::string_view begin, absl::string_view end,
                      absl::string_view member = "mom") {
    v1::EntryDetail detail;
    detail.mutable_sleep();
    return Add(detail, At(begin), End(end), member);
  }
  NightBuilder& Awake(absl::string_view begin, absl::string_view end,
                      absl::string_view member = "mom") {
    v1::EntryDetail detail;
    detail.mutable_awake();
    return Add(detail, At(begin), End(end), member);
  }
  NightBuilder& Cry(absl::string_view begin, absl::string_view end,
                    absl::string_view member = "mom") {
    v1::EntryDetail detail;
    detail.mutable_crying();
    return Add(detail, At(begin), End(end), member);
  }
  NightBuilder& Respond(int level, absl::string_view begin, absl::string_view end = "",
                        absl::string_view member = "mom",
                        v1::Position position = v1::POSITION_UNSPECIFIED,
                        v1::ExemptReason reason = v1::EXEMPT_REASON_UNSPECIFIED) {
    v1::EntryDetail detail;
    detail.mutable_response()->set_level(level);
    detail.mutable_response()->set_position(position);
    detail.mutable_response()->set_exempt_reason(reason);
    return Add(detail, At(begin), End(end), member);
  }

  v1::Plan& UsePlan(v1::PlanMethod method, int plan_night = 1) {
    plan_.mutable_approach()->set_method(method);
    plan_.mutable_nights()->set_first_night(FormatDay(night_ - (plan_night - 1)));
    has_plan_ = true;
    return plan_;
  }

  v1::NightSummary Summarize() const {
    absl::optional<PlanInForce> plan;
    if (has_plan_) plan = FindPlanInForce({PlanRecord{"plan", &plan_}}, night_);
    return SummarizeNight("child", child_, night_, entries_, plan ? &*plan : nullptr, 0);
  }

 private:
  absl::optional<absl::Time> End(absl::string_view end) const {
    if (end.empty()) return absl::nullopt;
    return At(end);
  }

  absl::CivilDay night_;
  std::string zone_;
  v1::Child child_;
  v1::Plan plan_;
  bool has_plan_ = false;
  // Stable addresses: entries refer to these.
  std::deque<v1::LogEntry> stored_;
  std::deque<std::string> names_;
  std::vector<LoggedEntry> entries_;
};

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_TESTS_SERVICES_SLEEP_NIGHT_BUILDER_H_
