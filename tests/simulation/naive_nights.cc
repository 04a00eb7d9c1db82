#include "tests/simulation/naive_nights.h"

#include <algorithm>
#include <set>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "services/sleep/night.h"
#include "services/sleep/progress.h"
#include "services/sleep_deriver.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"

namespace nightlog::simulation {
namespace {

using Detail = v1::EntryDetail;

// An entry of the child that stands.
struct Logged {
  std::string id;
  const NaiveRecord* record;
  v1::LogEntry entry;

  absl::Time begin() const { return FromProto(entry.interval().began_at()); }
};

// Whether two people logged one thing without knowing of each other; `a` was committed first.
bool AreOne(const Logged& a, const Logged& b) {
  if (a.entry.detail().kind_case() != b.entry.detail().kind_case()) return false;
  if (a.record->created_by == b.record->created_by) return false;
  if (b.record->author_saw_revision >= a.record->created_revision) return false;
  const auto& apart_a = a.entry.separate_from();
  const auto& apart_b = b.entry.separate_from();
  if (std::count(apart_a.begin(), apart_a.end(), b.id) > 0) return false;
  if (std::count(apart_b.begin(), apart_b.end(), a.id) > 0) return false;
  const Logged& first = a.begin() <= b.begin() ? a : b;
  const Logged& second = a.begin() <= b.begin() ? b : a;
  if (second.begin() - first.begin() <= absl::Minutes(10)) return true;
  return first.entry.interval().has_ended_at() &&
         second.begin() < FromProto(first.entry.interval().ended_at());
}

bool CanBeOne(const Logged& logged) {
  const Detail::KindCase kind = logged.entry.detail().kind_case();
  return kind == Detail::kPutDown || kind == Detail::kAwake || kind == Detail::kCrying ||
         kind == Detail::kRise;
}

// The entries in groups all of whose members are one with each other, in the order of commits.
std::vector<std::vector<Logged>> Group(std::vector<Logged> entries) {
  std::sort(entries.begin(), entries.end(), [](const Logged& a, const Logged& b) {
    return std::tie(a.record->created_revision, a.id) < std::tie(b.record->created_revision, b.id);
  });
  std::vector<std::vector<Logged>> groups;
  for (const Logged& entry : entries) {
    std::vector<Logged>* joined = nullptr;
    for (std::vector<Logged>& group : groups) {
      bool with_all = CanBeOne(entry) && CanBeOne(group[0]);
      for (const Logged& member : group) with_all = with_all && AreOne(member, entry);
      if (with_all && joined == nullptr) joined = &group;
    }
    if (joined != nullptr) {
      joined->push_back(entry);
    } else {
      groups.push_back({entry});
    }
  }
  return groups;
}

// A group as the one entry that it counts as.
v1::LogEntry AsOne(const std::vector<Logged>& group) {
  v1::LogEntry one = group[0].entry;
  for (const Logged& logged : group) {
    if (logged.begin() < FromProto(one.interval().began_at())) one = logged.entry;
  }
  const google::protobuf::Timestamp* end = nullptr;
  for (const Logged& logged : group) {
    const v1::Interval& interval = logged.entry.interval();
    if (!interval.has_ended_at()) continue;
    if (end == nullptr || FromProto(*end) < FromProto(interval.ended_at())) {
      end = &interval.ended_at();
    }
  }
  if (end != nullptr) *one.mutable_interval()->mutable_ended_at() = *end;
  return one;
}

// Figures that must fit together, whatever made them.
std::string CheckFigures(const v1::NightSummary& summary, const std::vector<Logged>& entries) {
  int by_level = 0;
  int interventions = 0;
  for (const auto& [level, count] : summary.interventions_by_level()) {
    by_level += count;
    if (level > 0) interventions += count;
  }
  int by_caregiver = 0;
  for (const v1::CaregiverNight& caregiver : summary.caregivers()) {
    by_caregiver += caregiver.responses();
  }
  if (by_level != by_caregiver) return "responses by level and by caregiver differ";
  if (summary.has_interventions() && summary.interventions() != interventions) {
    return "interventions and their levels differ";
  }
  if (summary.has_put_down_at() && summary.has_rise_at()) {
    absl::Time from = FromProto(summary.put_down_at());
    if (summary.has_onset_at()) from = std::min(from, FromProto(summary.onset_at()));
    int responses = 0;
    for (const Logged& logged : entries) {
      responses += logged.entry.detail().has_response() && logged.begin() >= from &&
                   logged.begin() <= FromProto(summary.rise_at());
    }
    if (responses != by_level) return "not every response is counted once";
  }
  if (summary.status() != v1::NIGHT_STATUS_COMPLETE) return "";
  absl::Duration asleep;
  for (const v1::TimelineSpan& span : summary.timeline()) {
    if (span.phase() != v1::NIGHT_PHASE_ASLEEP) continue;
    asleep += FromProto(span.ended_at()) - FromProto(span.began_at());
  }
  if (summary.tst_night_min() != absl::ToDoubleMinutes(asleep)) {
    return "the sleep of the night is not that of its timeline";
  }
  return "";
}

class Child {
 public:
  Child(const std::string& id, const NaiveRecord& record,
        const std::map<std::string, const NaiveRecord*>& records)
      : id_(id) {
    child_.ParseFromString(BodyOf(id, record));
    if (!absl::LoadTimeZone(child_.home_zone(), &home_)) home_ = absl::UTCTimeZone();
    for (const auto& [other, state] : records) {
      if (state->deleted) continue;
      if (state->kind == v1::Record::kLogEntry) {
        Logged logged{other, state, {}};
        logged.entry.ParseFromString(BodyOf(other, *state));
        if (logged.entry.child_id() == id) entries_.push_back(std::move(logged));
      } else if (state->kind == v1::Record::kPlan) {
        v1::Plan plan;
        plan.ParseFromString(BodyOf(other, *state));
        if (plan.child_id() == id) plans_.emplace_back(other, std::move(plan));
      } else if (state->kind == v1::Record::kNightSummary) {
        v1::NightSummary summary;
        summary.ParseFromString(state->body);
        if (summary.child_id() == id) summaries_[summary.date()] = state->body;
      } else if (state->kind == v1::Record::kProgress && other == ProgressId(RecordId(id)).str()) {
        progress_ = state->body;
      }
    }
    for (const auto& [plan_id, plan] : plans_) plan_records_.push_back({plan_id, &plan});
  }

  std::string Check() const {
    std::set<std::string> dates;
    for (const auto& [date, body] : summaries_) dates.insert(date);
    for (const Logged& logged : entries_) {
      const absl::CivilDay day(absl::ToCivilDay(logged.begin(), home_));
      for (int i = -2; i <= 2; ++i) dates.insert(absl::FormatCivilTime(day + i));
    }
    for (const std::string& date : dates) {
      absl::CivilDay day;
      absl::ParseCivilTime(date, &day);
      const std::string failure = CheckNight(day, date);
      if (!failure.empty()) return absl::StrCat("C7: the night of ", date, ": ", failure);
    }
    return CheckProgress();
  }

 private:
  // The night whose noon to noon holds a time.
  absl::CivilDay NightOf(absl::Time time) const {
    return absl::CivilDay(absl::ToCivilHour(time, home_) - 12);
  }

  std::string CheckNight(absl::CivilDay night, const std::string& date) const {
    const sleep::TimeRange window = sleep::EntriesWindow(child_, night);
    std::vector<Logged> within;
    int open_conflicts = 0;
    for (const Logged& logged : entries_) {
      if (logged.begin() < window.begin || logged.begin() >= window.end) continue;
      within.push_back(logged);
      if (HasOpenConflict(*logged.record) && NightOf(logged.begin()) == night) ++open_conflicts;
    }
    const auto stored = summaries_.find(date);
    if (stored == summaries_.end() && within.empty()) return "";

    const std::vector<std::vector<Logged>> groups = Group(within);
    std::vector<v1::LogEntry> counted;
    for (const std::vector<Logged>& group : groups) counted.push_back(AsOne(group));
    std::vector<sleep::LoggedEntry> logged;
    for (size_t i = 0; i < groups.size(); ++i) {
      const Logged& first = groups[i][0];
      logged.push_back({first.id,
                        first.entry.caregiver_id().empty() ? first.record->created_by
                                                           : first.entry.caregiver_id(),
                        &counted[i]});
    }
    const auto plan = sleep::FindPlanInForce(plan_records_, night);
    v1::NightSummary expected = sleep::SummarizeNight(
        id_, child_, night, logged, plan.has_value() ? &*plan : nullptr, open_conflicts);
    for (const std::vector<Logged>& group : groups) {
      if (group.size() < 2 || NightOf(group[0].begin()) != night) continue;
      v1::Episode& episode = *expected.add_episodes();
      for (const Logged& member : group) episode.add_entry_ids(member.id);
    }
    const std::string body = SerializeDeterministic(expected);
    if (stored == summaries_.end()) {
      const v1::NightSummary empty =
          sleep::SummarizeNight(id_, child_, night, {}, plan.has_value() ? &*plan : nullptr, 0);
      return body == SerializeDeterministic(empty) ? "" : "has no summary";
    }
    if (body != stored->second) {
      v1::NightSummary actual;
      actual.ParseFromString(stored->second);
      return absl::StrCat("the summary is not what the log says\nexpected ",
                          expected.ShortDebugString(), "\nstored   ", actual.ShortDebugString());
    }
    return CheckFigures(expected, within);
  }

  std::string CheckProgress() const {
    if (entries_.empty() && plans_.empty() && progress_.empty()) return "";
    std::vector<sleep::ProgressNight> nights;
    for (const auto& [date, body] : summaries_) {
      v1::NightSummary night;
      night.ParseFromString(body);
      nights.emplace_back(child_, night);
    }
    if (nights.size() > sleep::kProgressWindowNights) {
      nights.erase(nights.begin(), nights.end() - sleep::kProgressWindowNights);
    }
    const v1::Progress expected = sleep::DeriveProgress(id_, child_, nights, plan_records_);
    return SerializeDeterministic(expected) == progress_ ? "" : "C7: the progress is stale";
  }

  const std::string id_;
  v1::Child child_;
  absl::TimeZone home_;
  std::vector<Logged> entries_;
  std::vector<std::pair<std::string, v1::Plan>> plans_;
  std::vector<sleep::PlanRecord> plan_records_;
  std::map<std::string, std::string> summaries_;  // by date
  std::string progress_;
};

}  // namespace

std::string CheckNights(const std::map<std::string, const NaiveRecord*>& records) {
  for (const auto& [id, record] : records) {
    if (record->kind != v1::Record::kChild || record->deleted) continue;
    const std::string failure = Child(id, *record, records).Check();
    if (!failure.empty()) return failure;
  }
  return "";
}

}  // namespace nightlog::simulation
