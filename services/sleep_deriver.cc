#include "services/sleep_deriver.h"

#include <algorithm>
#include <deque>
#include <map>
#include <set>
#include <utility>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "nightlog/v1/records.pb.h"
#include "services/sleep/episodes.h"
#include "services/sleep/local_time.h"
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

// Most entries of a child that are remembered beyond what a night needs.
constexpr size_t kEntriesMax = 256;

// Everything of one child that a derivation needs, read once and remembered: child and plans, the
// entries that begin in one range, and the newest summaries. It is as of the newest commit, once
// the changes of that commit were taken.
class RememberedChild {
 public:
  explicit RememberedChild(const RecordId& child_id) : child_id_(child_id) {}

  // False: there is no such child, or it was deleted, so nothing is derived.
  absl::StatusOr<bool> Load(const FamilyReader& reader) {
    ASSIGN_OR_RETURN(const absl::optional<StoredRecord> record, reader.Record(child_id_));
    if (!record.has_value() || record->deleted() || !ParseBody(*record, child_)) return false;
    const std::string plans = Tagged(kPlanTag, child_id_, "");
    RETURN_IF_ERROR(
        ScanRecords(reader, plans, PrefixLimit(plans), ScanOrder::kAscending,
                    [this](absl::string_view, const RecordId& id, const StoredRecord& record) {
                      OwnedPlan& plan = plans_.emplace_back();
                      plan.id = id.str();
                      if (!ParseBody(record, plan.plan)) plans_.pop_back();
                      return true;
                    }));
    for (const OwnedPlan& plan : plans_) plan_records_.push_back({plan.id, &plan.plan});
    const std::string nights = NightIndexPrefix(child_id_);
    int read = 0;
    RETURN_IF_ERROR(
        ScanRecords(reader, nights, PrefixLimit(nights), ScanOrder::kDescending,
                    [&](absl::string_view, const RecordId&, const StoredRecord& record) {
                      v1::NightSummary summary;
                      if (ParseBody(record, summary)) newest_nights_.emplace_back(child_, summary);
                      return ++read < sleep::kProgressWindowNights;
                    }));
    std::reverse(newest_nights_.begin(), newest_nights_.end());
    return true;
  }

  // Takes the change of an entry.
  void Take(const RecordChange& change) {
    if (change.before.has_value() && !Planted("moved_entry_remembered_twice")) {
      for (const std::string& key : change.before->index_keys()) {
        const auto [first, last] = entries_.equal_range(key);
        Forget(first, last);
      }
    }
    for (const std::string& key : change.after.index_keys()) {
      if (key >= entries_from_ && key < entries_to_) AddEntry(key, change.id, change.after);
    }
  }

  const v1::Child& child() const { return child_; }

  // What this holds, about.
  size_t bytes() const {
    size_t bytes = kChildBytes + newest_nights_.size() * kNightBytes + entries_bytes_;
    for (const auto& [night, body] : last_bodies_) bytes += body.size();
    return bytes;
  }

  absl::Status DeriveNight(const FamilyReader& reader, absl::CivilDay night,
                           std::vector<DerivedRecord>& derived) {
    const sleep::TimeRange window = sleep::EntriesWindow(child_, night);
    const std::string begin = EntryIndexStart(child_id_, window.begin);
    const std::string end = EntryIndexStart(child_id_, window.end);
    RETURN_IF_ERROR(RememberEntries(reader, begin, end));
    std::vector<const OwnedEntry*> entries;
    int open_conflicts = 0;
    for (auto it = entries_.lower_bound(begin); it != entries_.end() && it->first < end; ++it) {
      entries.push_back(&it->second);
      if (it->second.has_conflict && NightOf(it->second.entry) == night &&
          !Planted("conflicts_not_counted")) {
        ++open_conflicts;
      }
    }
    std::vector<std::vector<size_t>> episodes;
    std::deque<v1::LogEntry> united;
    const std::vector<sleep::LoggedEntry> logged = UniteEpisodes(entries, episodes, united);
    const absl::optional<sleep::PlanInForce> plan = sleep::FindPlanInForce(plan_records_, night);
    const sleep::PlanInForce* in_force = plan.has_value() ? &*plan : nullptr;
    v1::NightSummary summary =
        sleep::SummarizeNight(child_id_.bytes(), child_, night, logged, in_force, open_conflicts);
    for (const std::vector<size_t>& episode : episodes) {
      if (NightOf(entries[episode[0]]->entry) != night) continue;
      v1::Episode& told = *summary.add_episodes();
      for (const size_t index : episode) told.add_entry_ids(entries[index]->id);
    }
    std::string body = SerializeDeterministic(summary);
    std::string& last_body = last_bodies_[night];
    if (body == last_body) return absl::OkStatus();
    const RecordId id = NightSummaryId(child_id_, summary.date());
    ASSIGN_OR_RETURN(const absl::optional<StoredRecord> before, reader.Record(id));
    if (before.has_value() ? before->body() != body : !IsEmpty(night, in_force, body)) {
      derived.push_back({id, kNightSummary, body});
      RememberNight(sleep::ProgressNight(child_, summary));
    }
    last_body = std::move(body);
    // The three nights that a tap touches, and some of what is corrected meanwhile.
    constexpr size_t kBodiesMax = 8;
    if (last_bodies_.size() > kBodiesMax) last_bodies_.erase(last_bodies_.begin());
    return absl::OkStatus();
  }

  void DeriveProgress(std::vector<DerivedRecord>& derived) const {
    const v1::Progress progress =
        sleep::DeriveProgress(child_id_.bytes(), child_, newest_nights_, plan_records_);
    derived.push_back({ProgressId(child_id_), kProgress, SerializeDeterministic(progress)});
  }

  // Adds the nights from the date `first` on, or all for "", that have a summary or an entry: what
  // was logged of a night may say nothing without a plan, and something with one.
  absl::Status AddNights(const FamilyReader& reader, const std::string& first,
                         std::set<absl::CivilDay>& nights) const {
    RETURN_IF_ERROR(
        reader.ScanIndex(NightIndexKey(child_id_, first), PrefixLimit(NightIndexPrefix(child_id_)),
                         ScanOrder::kAscending, [&](absl::string_view key, const RecordId&) {
                           absl::CivilDay day;
                           if (absl::ParseCivilTime(DateOfNightIndexKey(key), &day)) {
                             nights.insert(day);
                           }
                           return true;
                         }));
    const std::string prefix = EntryIndexPrefix(child_id_);
    std::string begin = prefix;
    absl::CivilDay first_day = absl::CivilDay::min();
    if (absl::ParseCivilTime(first, &first_day)) {
      begin = EntryIndexStart(child_id_, sleep::EntriesWindow(child_, first_day).begin);
    }
    return ScanRecords(
        reader, begin, PrefixLimit(prefix), ScanOrder::kAscending,
        [&](absl::string_view, const RecordId&, const StoredRecord& record) {
          v1::LogEntry entry;
          if (ParseBody(record, entry)) {
            for (absl::CivilDay day : sleep::NightsTouched(child_, entry.interval())) {
              if (day >= first_day) nights.insert(day);
            }
          }
          return true;
        });
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
    bool has_conflict = false;
    size_t bytes = 0;  // that this takes, about
  };
  // What one takes beyond its own text, about.
  static constexpr size_t kChildBytes = 1024;
  static constexpr size_t kEntryBytes = 768;
  static constexpr size_t kNightBytes = 1024;

  // Records whose index key lies in [start, limit).
  static absl::Status ScanRecords(
      const FamilyReader& reader, absl::string_view start, absl::string_view limit, ScanOrder order,
      absl::FunctionRef<bool(absl::string_view key, const RecordId&, const StoredRecord&)> visit) {
    absl::Status damaged;
    RETURN_IF_ERROR(
        reader.ScanIndex(start, limit, order, [&](absl::string_view key, const RecordId& id) {
          auto record = reader.Record(id);
          damaged = record.status();
          if (!damaged.ok()) return false;
          return !record->has_value() || visit(key, id, **record);
        }));
    return damaged;
  }

  // Makes the remembered range hold [begin, end), of index keys.
  absl::Status RememberEntries(const FamilyReader& reader, const std::string& begin,
                               const std::string& end) {
    if (end < entries_from_ || begin > entries_to_) {
      Forget(entries_.begin(), entries_.end());
      entries_from_ = entries_to_ = begin;
    }
    const auto add = [this](absl::string_view key, const RecordId& id, const StoredRecord& record) {
      AddEntry(std::string(key), id, record);
      return true;
    };
    if (begin < entries_from_) {
      RETURN_IF_ERROR(ScanRecords(reader, begin, entries_from_, ScanOrder::kAscending, add));
      entries_from_ = begin;
    }
    if (end > entries_to_) {
      RETURN_IF_ERROR(ScanRecords(reader, entries_to_, end, ScanOrder::kAscending, add));
      entries_to_ = end;
    }
    if (entries_.size() > kEntriesMax) {
      Forget(entries_.begin(), entries_.lower_bound(begin));
      Forget(entries_.lower_bound(end), entries_.end());
      entries_from_ = begin;
      entries_to_ = end;
    }
    return absl::OkStatus();
  }

  void AddEntry(const std::string& key, const RecordId& id, const StoredRecord& record) {
    OwnedEntry owned;
    if (!ParseBody(record, owned.entry)) return;
    owned.id = id.str();
    owned.member = HasId(owned.entry.caregiver_id()) && !Planted("caregiver_ignored")
                       ? owned.entry.caregiver_id()
                       : record.created_by();
    // A log of another app was written by its caregivers, not by whoever imported it, and they had
    // seen nothing of the log here.
    const bool imported = owned.entry.has_import_origin();
    owned.author = imported ? owned.member : record.created_by();
    owned.created_revision = record.created_revision();
    owned.author_saw_revision = imported ? 0 : record.author_saw_revision();
    owned.has_conflict = HasConflict(record);
    owned.bytes = kEntryBytes + owned.entry.ByteSizeLong();
    entries_bytes_ += owned.bytes;
    OwnedEntry& entry = entries_[key];
    entries_bytes_ -= entry.bytes;  // of what it takes the place of
    entry = std::move(owned);
  }

  using Entries = std::map<std::string, OwnedEntry>;
  void Forget(Entries::iterator first, Entries::iterator last) {
    for (auto it = first; it != last; ++it) entries_bytes_ -= it->second.bytes;
    entries_.erase(first, last);
  }

  void RememberNight(sleep::ProgressNight night) {
    auto it = std::lower_bound(
        newest_nights_.begin(), newest_nights_.end(), night.date,
        [](const sleep::ProgressNight& a, const std::string& date) { return a.date < date; });
    if (it != newest_nights_.end() && it->date == night.date) {
      *it = std::move(night);
      return;
    }
    newest_nights_.insert(it, std::move(night));
    if (newest_nights_.size() > sleep::kProgressWindowNights) {
      newest_nights_.erase(newest_nights_.begin());
    }
  }

  // The entries as they count: those of an episode as one, in the place of its first; `united`
  // holds these.
  static std::vector<sleep::LoggedEntry> UniteEpisodes(
      const std::vector<const OwnedEntry*>& entries, std::vector<std::vector<size_t>>& episodes,
      std::deque<v1::LogEntry>& united) {
    std::vector<sleep::AuthoredEntry> authored;
    std::vector<sleep::LoggedEntry> all;
    authored.reserve(entries.size());
    all.reserve(entries.size());
    for (const OwnedEntry* entry : entries) {
      authored.push_back({entry->id, entry->author, &entry->entry, entry->created_revision,
                          entry->author_saw_revision});
      all.push_back({entry->id, entry->member, &entry->entry});
    }
    episodes = sleep::FindEpisodes(authored);
    if (episodes.empty()) return all;
    std::set<size_t> counted_with_another;
    for (const std::vector<size_t>& episode : episodes) {
      std::vector<const v1::LogEntry*> linked;
      for (const size_t index : episode) linked.push_back(&entries[index]->entry);
      all[episode[0]].entry = &united.emplace_back(sleep::UniteEpisode(linked));
      if (Planted("linked_entries_counted_twice")) continue;
      counted_with_another.insert(episode.begin() + 1, episode.end());
    }
    std::vector<sleep::LoggedEntry> counted;
    for (size_t i = 0; i < all.size(); ++i) {
      if (counted_with_another.count(i) == 0) counted.push_back(all[i]);
    }
    return counted;
  }

  // The night whose noon to noon, at home, holds the entry's begin.
  absl::CivilDay NightOf(const v1::LogEntry& entry) const {
    return absl::CivilDay(
        absl::ToCivilHour(FromProto(entry.interval().began_at()), sleep::HomeZone(child_)) - 12);
  }

  // A night about which nothing was logged has no summary.
  bool IsEmpty(absl::CivilDay night, const sleep::PlanInForce* plan,
               const std::string& body) const {
    return body == SerializeDeterministic(sleep::SummarizeNight(child_id_.bytes(), child_, night,
                                                                {}, plan, /*open_conflicts=*/0));
  }

  const RecordId child_id_;
  v1::Child child_;
  std::deque<OwnedPlan> plans_;
  std::vector<sleep::PlanRecord> plan_records_;
  // The entries whose index keys lie in [entries_from_, entries_to_), by key.
  std::string entries_from_;
  std::string entries_to_;
  Entries entries_;
  size_t entries_bytes_ = 0;
  // The last kProgressWindowNights that have a summary, by date.
  std::vector<sleep::ProgressNight> newest_nights_;
  // What some nights came to when they were last derived: most taps change one of the three nights
  // that they touch.
  std::map<absl::CivilDay, std::string> last_bodies_;
};

class SleepMemory final : public Deriver::Memory {
 public:
  size_t bytes() const override {
    size_t bytes = 256;
    for (const auto& [id, child] : children) bytes += child.bytes();
    return bytes;
  }

  std::map<RecordId, RememberedChild> children;
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
                                  std::unique_ptr<Memory>& memory,
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

  if (memory == nullptr) memory = std::make_unique<SleepMemory>();
  auto& children = static_cast<SleepMemory&>(*memory).children;
  for (const RecordId& child_id : child_ids) {
    const bool changed =
        stale.children.count(child_id) > 0 || stale.nights_from.count(child_id) > 0;
    if (changed && !Planted("memory_outlives_its_child")) children.erase(child_id);
    const auto [it, is_new] = children.try_emplace(child_id, child_id);
    RememberedChild& child = it->second;
    if (is_new) {
      ASSIGN_OR_RETURN(const bool exists, child.Load(reader));
      if (!exists) {
        children.erase(it);
        continue;
      }
    } else {
      if (Planted("memory_takes_no_changes")) continue;
      for (const RecordChange& change : changes) child.Take(change);
    }
    std::set<absl::CivilDay> nights;
    for (const auto& [id, interval] : stale.intervals) {
      if (id != child_id) continue;
      for (absl::CivilDay day : sleep::NightsTouched(child.child(), interval)) nights.insert(day);
    }
    if (stale.children.count(child_id) > 0) {
      RETURN_IF_ERROR(child.AddNights(reader, /*first=*/"", nights));
    } else if (const auto first = stale.nights_from.find(child_id);
               first != stale.nights_from.end()) {
      RETURN_IF_ERROR(child.AddNights(reader, first->second, nights));
    }
    for (absl::CivilDay night : nights) RETURN_IF_ERROR(child.DeriveNight(reader, night, derived));
    if (!Planted("progress_stale")) child.DeriveProgress(derived);
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
