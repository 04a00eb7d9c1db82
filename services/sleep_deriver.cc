#include "services/sleep_deriver.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "nightlog/v1/records.pb.h"
#include "services/sleep/episodes.h"
#include "services/sleep/night.h"
#include "services/sleep/progress.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

using storage::v1::StoredRecord;

// Kinds of index keys; they are on disk.
constexpr char kEntryTag = 'E';
constexpr char kNightTag = 'N';
constexpr char kPlanTag = 'P';

std::string Tagged(char tag, const RecordId& child, absl::string_view rest) {
  return absl::StrCat(absl::string_view(&tag, 1), child.bytes(), rest);
}

// Seconds since 1970 as eight bytes whose order is the order of time, also before 1970.
std::string SortableSeconds(absl::Time time) {
  const uint64_t seconds = static_cast<uint64_t>(absl::ToUnixSeconds(time)) ^ (uint64_t{1} << 63);
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes.push_back(static_cast<char>(seconds >> shift));
  return bytes;
}

bool HasId(const std::string& bytes) { return RecordId::IsId(bytes); }

// Everything of one child that a derivation needs, read once. The summaries that this derivation
// makes lie over those that the reader has.
class ChildDeriver {
 public:
  ChildDeriver(const FamilyReader& reader, const RecordId& child_id)
      : reader_(reader), child_id_(child_id) {}

  // False: there is no such child, or it was deleted, so nothing is derived.
  absl::StatusOr<bool> Load() {
    ASSIGN_OR_RETURN(const absl::optional<StoredRecord> record, reader_.Record(child_id_));
    if (!record.has_value() || record->deleted() || !ParseBody(*record, child_)) return false;
    const std::string prefix = Tagged(kPlanTag, child_id_, "");
    absl::Status damaged;
    RETURN_IF_ERROR(reader_.ScanIndex(prefix, PrefixLimit(prefix), ScanOrder::kAscending,
                                      [&](absl::string_view, const RecordId& id) {
                                        auto plan = reader_.Record(id);
                                        if (!plan.ok()) {
                                          damaged = plan.status();
                                          return false;
                                        }
                                        if (plan->has_value()) {
                                          plans_.emplace_back();
                                          plans_.back().id = id.str();
                                          if (!ParseBody(**plan, plans_.back().plan))
                                            plans_.pop_back();
                                        }
                                        return true;
                                      }));
    RETURN_IF_ERROR(damaged);
    for (const OwnedPlan& plan : plans_) plan_records_.push_back({plan.id, &plan.plan});
    return true;
  }

  const v1::Child& child() const { return child_; }

  absl::Status DeriveNight(absl::CivilDay night, std::vector<DerivedRecord>& derived) {
    std::deque<OwnedEntry> entries;
    int open_conflicts = 0;
    RETURN_IF_ERROR(
        ReadEntries(sleep::EntriesWindow(child_, night), night, entries, open_conflicts));
    std::vector<std::vector<size_t>> episodes;
    const std::deque<OwnedEntry> counted = UniteEpisodes(entries, episodes);
    std::vector<sleep::LoggedEntry> logged;
    for (const OwnedEntry& entry : counted) {
      logged.push_back({entry.id, entry.member, &entry.entry});
    }
    const absl::optional<sleep::PlanInForce> plan = sleep::FindPlanInForce(plan_records_, night);
    const sleep::PlanInForce* in_force = plan.has_value() ? &*plan : nullptr;
    v1::NightSummary summary =
        sleep::SummarizeNight(child_id_.bytes(), child_, night, logged, in_force, open_conflicts);
    for (const std::vector<size_t>& episode : episodes) {
      if (NightOf(entries[episode[0]].entry) != night) continue;
      v1::Episode& told = *summary.add_episodes();
      for (const size_t index : episode) told.add_entry_ids(entries[index].id);
    }
    const std::string body = SerializeDeterministic(summary);
    const RecordId id = NightSummaryId(child_id_, summary.date());
    ASSIGN_OR_RETURN(const absl::optional<StoredRecord> before, reader_.Record(id));
    if (before.has_value() ? before->body() == body : IsEmpty(night, in_force, body)) {
      return absl::OkStatus();
    }
    derived.push_back({id, kNightSummary, body});
    summaries_[summary.date()] = std::move(summary);
    return absl::OkStatus();
  }

  absl::Status DeriveProgress(std::vector<DerivedRecord>& derived) {
    const std::string prefix = NightIndexPrefix(child_id_);
    int read = 0;
    absl::Status damaged;
    RETURN_IF_ERROR(reader_.ScanIndex(prefix, PrefixLimit(prefix), ScanOrder::kDescending,
                                      [&](absl::string_view, const RecordId& id) {
                                        auto record = reader_.Record(id);
                                        if (!record.ok()) {
                                          damaged = record.status();
                                          return false;
                                        }
                                        v1::NightSummary summary;
                                        if (record->has_value() && ParseBody(**record, summary)) {
                                          std::string date = summary.date();
                                          summaries_.emplace(std::move(date), std::move(summary));
                                        }
                                        return ++read < sleep::kProgressWindowNights;
                                      }));
    RETURN_IF_ERROR(damaged);
    std::vector<v1::NightSummary> window;
    for (auto& [date, summary] : summaries_) window.push_back(std::move(summary));
    if (window.size() > sleep::kProgressWindowNights) {
      window.erase(window.begin(), window.end() - sleep::kProgressWindowNights);
    }
    const v1::Progress progress =
        sleep::DeriveProgress(child_id_.bytes(), child_, window, plan_records_);
    derived.push_back({ProgressId(child_id_), kProgress, SerializeDeterministic(progress)});
    return absl::OkStatus();
  }

  // Dates of the nights from `first` on that have a summary.
  absl::Status AddSummarizedNights(absl::string_view first, std::set<absl::CivilDay>& nights) {
    return reader_.ScanIndex(NightIndexKey(child_id_, first),
                             PrefixLimit(NightIndexPrefix(child_id_)), ScanOrder::kAscending,
                             [&](absl::string_view key, const RecordId&) {
                               absl::CivilDay day;
                               if (absl::ParseCivilTime(DateOfNightIndexKey(key), &day)) {
                                 nights.insert(day);
                               }
                               return true;
                             });
  }

  // The nights of every entry of the child.
  absl::Status AddLoggedNights(std::set<absl::CivilDay>& nights) {
    const std::string prefix = EntryIndexPrefix(child_id_);
    absl::Status damaged;
    RETURN_IF_ERROR(reader_.ScanIndex(prefix, PrefixLimit(prefix), ScanOrder::kAscending,
                                      [&](absl::string_view, const RecordId& id) {
                                        auto record = reader_.Record(id);
                                        if (!record.ok()) {
                                          damaged = record.status();
                                          return false;
                                        }
                                        v1::LogEntry entry;
                                        if (record->has_value() && ParseBody(**record, entry)) {
                                          for (absl::CivilDay day :
                                               sleep::NightsTouched(child_, entry.interval())) {
                                            nights.insert(day);
                                          }
                                        }
                                        return true;
                                      }));
    return damaged;
  }

 private:
  struct OwnedPlan {
    std::string id;
    v1::Plan plan;
  };
  struct OwnedEntry {
    std::string id;
    std::string member;
    v1::LogEntry entry;
    std::string author;
    uint64_t created_revision = 0;
    uint64_t author_saw_revision = 0;
  };

  // The entries as they count: those of an episode as one, in the place of its first.
  static std::deque<OwnedEntry> UniteEpisodes(const std::deque<OwnedEntry>& entries,
                                              std::vector<std::vector<size_t>>& episodes) {
    std::vector<sleep::AuthoredEntry> authored;
    for (const OwnedEntry& entry : entries) {
      authored.push_back({entry.id, entry.author, &entry.entry, entry.created_revision,
                          entry.author_saw_revision});
    }
    episodes = sleep::FindEpisodes(authored);
    std::deque<OwnedEntry> counted = entries;
    std::set<size_t> counted_with_another;
    for (const std::vector<size_t>& episode : episodes) {
      std::vector<const v1::LogEntry*> linked;
      for (const size_t index : episode) linked.push_back(&entries[index].entry);
      counted[episode[0]].entry = sleep::UniteEpisode(linked);
      if (Planted("linked_entries_counted_twice")) continue;
      counted_with_another.insert(episode.begin() + 1, episode.end());
    }
    for (auto it = counted_with_another.rbegin(); it != counted_with_another.rend(); ++it) {
      counted.erase(counted.begin() + static_cast<std::ptrdiff_t>(*it));
    }
    return counted;
  }

  // The night whose noon to noon, at home, holds the entry's begin.
  absl::CivilDay NightOf(const v1::LogEntry& entry) const {
    return absl::CivilDay(absl::ToCivilHour(FromProto(entry.interval().began_at()), Home()) - 12);
  }
  absl::TimeZone Home() const {
    absl::TimeZone home;
    return absl::LoadTimeZone(child_.home_zone(), &home) ? home : absl::UTCTimeZone();
  }

  // Entries that begin in the window; how many of those that begin from noon of the night to the
  // next have an open conflict.
  absl::Status ReadEntries(const sleep::TimeRange& window, absl::CivilDay night,
                           std::deque<OwnedEntry>& entries, int& open_conflicts) {
    absl::Status damaged;
    RETURN_IF_ERROR(reader_.ScanIndex(
        EntryIndexStart(child_id_, window.begin), EntryIndexStart(child_id_, window.end),
        ScanOrder::kAscending, [&](absl::string_view, const RecordId& id) {
          auto record = reader_.Record(id);
          if (!record.ok()) {
            damaged = record.status();
            return false;
          }
          OwnedEntry& owned = entries.emplace_back();
          if (!record->has_value() || !ParseBody(**record, owned.entry)) {
            entries.pop_back();
            return true;
          }
          owned.id = id.str();
          owned.member = HasId(owned.entry.caregiver_id()) && !Planted("caregiver_ignored")
                             ? owned.entry.caregiver_id()
                             : (*record)->created_by();
          // A log of another app was written by its caregivers, not by whoever imported it.
          owned.author = owned.entry.has_import_origin() ? owned.member : (*record)->created_by();
          owned.created_revision = (*record)->created_revision();
          owned.author_saw_revision = (*record)->author_saw_revision();
          if (HasConflict(**record) && NightOf(owned.entry) == night &&
              !Planted("conflicts_not_counted")) {
            ++open_conflicts;
          }
          return true;
        }));
    return damaged;
  }

  // A night about which nothing was logged has no summary.
  bool IsEmpty(absl::CivilDay night, const sleep::PlanInForce* plan,
               const std::string& body) const {
    return body == SerializeDeterministic(sleep::SummarizeNight(child_id_.bytes(), child_, night,
                                                                {}, plan, /*open_conflicts=*/0));
  }

  const FamilyReader& reader_;
  const RecordId child_id_;
  v1::Child child_;
  std::deque<OwnedPlan> plans_;
  std::vector<sleep::PlanRecord> plan_records_;
  // By date.
  std::map<std::string, v1::NightSummary> summaries_;
};

// What a change of one record makes stale.
struct Stale {
  // Children whose nights from a date on are stale, by the earliest such date.
  std::map<RecordId, std::string> nights_from;
  // Children all of whose entries are to be looked at.
  std::set<RecordId> children;
  // Entries whose nights depend on the child's zone, which is not read yet.
  std::vector<std::pair<RecordId, v1::Interval>> intervals;
};

void AddStale(const RecordId& id, const StoredRecord& record, Stale& stale) {
  if (record.kind() == kLogEntry) {
    v1::LogEntry entry;
    if (ParseBody(record, entry) && HasId(entry.child_id())) {
      stale.intervals.emplace_back(RecordId(entry.child_id()), entry.interval());
    }
  } else if (record.kind() == kPlan) {
    v1::Plan plan;
    if (!ParseBody(record, plan) || !HasId(plan.child_id()) || Planted("plan_not_derived")) return;
    const auto [it, inserted] =
        stale.nights_from.emplace(RecordId(plan.child_id()), plan.nights().first_night());
    if (!inserted) it->second = std::min(it->second, plan.nights().first_night());
  } else if (record.kind() == kChild && !Planted("child_not_derived")) {
    stale.children.insert(id);
  }
}

}  // namespace

std::vector<std::string> SleepDeriver::IndexKeys(const RecordId& id,
                                                 const StoredRecord& record) const {
  if (record.deleted() && !Planted("deleted_entry_counted")) return {};
  if (record.kind() == kLogEntry) {
    v1::LogEntry entry;
    if (!ParseBody(record, entry) || !HasId(entry.child_id())) return {};
    return {absl::StrCat(
        EntryIndexStart(RecordId(entry.child_id()), FromProto(entry.interval().began_at())),
        id.bytes())};
  }
  if (record.kind() == kPlan) {
    v1::Plan plan;
    if (!ParseBody(record, plan) || !HasId(plan.child_id())) return {};
    return {Tagged(kPlanTag, RecordId(plan.child_id()), id.bytes())};
  }
  if (record.kind() == kNightSummary) {
    v1::NightSummary summary;
    if (!ParseBody(record, summary)) return {};
    return {NightIndexKey(RecordId(summary.child_id()), summary.date())};
  }
  return {};
}

absl::Status SleepDeriver::Derive(const FamilyReader& reader,
                                  absl::Span<const RecordChange> changes,
                                  std::vector<DerivedRecord>& derived) const {
  Stale stale;
  for (const RecordChange& change : changes) {
    const bool is_new = !change.before.has_value();
    if (!is_new && !Planted("old_night_stays_stale")) AddStale(change.id, *change.before, stale);
    if (is_new || !Planted("new_night_stays_stale")) AddStale(change.id, change.after, stale);
  }
  std::set<RecordId> child_ids = stale.children;
  for (const auto& [child, first] : stale.nights_from) child_ids.insert(child);
  for (const auto& [child, interval] : stale.intervals) child_ids.insert(child);

  for (const RecordId& child_id : child_ids) {
    ChildDeriver child(reader, child_id);
    ASSIGN_OR_RETURN(const bool exists, child.Load());
    if (!exists) continue;
    std::set<absl::CivilDay> nights;
    for (const auto& [id, interval] : stale.intervals) {
      if (id != child_id) continue;
      for (absl::CivilDay day : sleep::NightsTouched(child.child(), interval)) nights.insert(day);
    }
    if (stale.children.count(child_id) > 0) {
      RETURN_IF_ERROR(child.AddSummarizedNights("", nights));
      RETURN_IF_ERROR(child.AddLoggedNights(nights));
    } else if (const auto it = stale.nights_from.find(child_id); it != stale.nights_from.end()) {
      RETURN_IF_ERROR(child.AddSummarizedNights(it->second, nights));
    }
    for (absl::CivilDay night : nights) RETURN_IF_ERROR(child.DeriveNight(night, derived));
    if (!Planted("progress_stale")) RETURN_IF_ERROR(child.DeriveProgress(derived));
  }
  return absl::OkStatus();
}

RecordId NightSummaryId(const RecordId& child, absl::string_view date) {
  return RecordIdOf("night", absl::StrCat(child.bytes(), date));
}
RecordId ProgressId(const RecordId& child) { return RecordIdOf("progress", child.bytes()); }

std::string NightIndexPrefix(const RecordId& child) { return Tagged(kNightTag, child, ""); }
std::string NightIndexKey(const RecordId& child, absl::string_view date) {
  return Tagged(kNightTag, child, date);
}
std::string DateOfNightIndexKey(absl::string_view index_key) {
  return std::string(index_key.substr(1 + RecordId::kSize));
}
std::string EntryIndexPrefix(const RecordId& child) { return Tagged(kEntryTag, child, ""); }
std::string EntryIndexStart(const RecordId& child, absl::Time began_at) {
  return Tagged(kEntryTag, child, SortableSeconds(began_at));
}

}  // namespace nightlog
