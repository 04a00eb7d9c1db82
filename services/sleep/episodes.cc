#include "services/sleep/episodes.h"

#include <algorithm>
#include <numeric>
#include <tuple>

#include "absl/time/time.h"
#include "services/sleep/bouts.h"
#include "services/sleep/local_time.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"

namespace nightlog::sleep {
namespace {

bool IsLinkable(v1::EntryDetail::KindCase kind) {
  return kind == v1::EntryDetail::kPutDown || kind == v1::EntryDetail::kAwake ||
         kind == v1::EntryDetail::kCrying || kind == v1::EntryDetail::kRise;
}

bool Names(const v1::LogEntry& entry, absl::string_view other) {
  if (Planted("veto_forgotten")) return false;
  return std::any_of(entry.separate_from().begin(), entry.separate_from().end(),
                     [other](const std::string& id) { return id == other; });
}

bool AreNear(const v1::Interval& a, const v1::Interval& b) {
  const absl::Time begin_a = FromProto(a.began_at());
  const absl::Time begin_b = FromProto(b.began_at());
  if (absl::AbsDuration(begin_a - begin_b) <= kSameEvent) return true;
  return (a.has_ended_at() && begin_a < begin_b && begin_b < FromProto(a.ended_at())) ||
         (b.has_ended_at() && begin_b < begin_a && begin_a < FromProto(b.ended_at()));
}

// REQUIRES: `later` was not committed before `earlier`.
bool AreLinked(const AuthoredEntry& earlier, const AuthoredEntry& later) {
  return earlier.entry->detail().kind_case() == later.entry->detail().kind_case() &&
         (earlier.author_id != later.author_id || Planted("own_entries_linked")) &&
         (later.author_saw_revision < earlier.created_revision || Planted("seen_entries_linked")) &&
         !Names(*earlier.entry, later.record_id) && !Names(*later.entry, earlier.record_id) &&
         AreNear(earlier.entry->interval(), later.entry->interval());
}

}  // namespace

std::vector<std::vector<size_t>> FindEpisodes(absl::Span<const AuthoredEntry> entries) {
  // Most nights have one author, and nobody's entries are linked with their own.
  const auto is_of_first_author = [&](const AuthoredEntry& entry) {
    return entry.author_id == entries.front().author_id;
  };
  if (std::all_of(entries.begin(), entries.end(), is_of_first_author) &&
      !Planted("own_entries_linked")) {
    return {};
  }
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), 0);
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return std::tie(entries[a].created_revision, entries[a].record_id) <
           std::tie(entries[b].created_revision, entries[b].record_id);
  });
  std::vector<std::vector<size_t>> episodes;
  for (const size_t index : order) {
    if (!IsLinkable(entries[index].entry->detail().kind_case())) continue;
    const auto fits = [&](const std::vector<size_t>& episode) {
      if (Planted("links_chain")) return AreLinked(entries[episode.back()], entries[index]);
      return std::all_of(episode.begin(), episode.end(),
                         [&](size_t member) { return AreLinked(entries[member], entries[index]); });
    };
    const auto episode = std::find_if(episodes.begin(), episodes.end(), fits);
    if (episode == episodes.end()) {
      episodes.push_back({index});
    } else {
      episode->push_back(index);
    }
  }
  episodes.erase(std::remove_if(episodes.begin(), episodes.end(),
                                [](const std::vector<size_t>& e) { return e.size() < 2; }),
                 episodes.end());
  return episodes;
}

v1::LogEntry UniteEpisode(absl::Span<const v1::LogEntry* const> entries) {
  const v1::LogEntry* first = entries[0];
  absl::Time end = absl::InfinitePast();
  const v1::LogEntry* last = nullptr;
  for (const v1::LogEntry* entry : entries) {
    const v1::Interval& interval = entry->interval();
    if (FromProto(interval.began_at()) < FromProto(first->interval().began_at())) first = entry;
    if (interval.has_ended_at() && FromProto(interval.ended_at()) > end) {
      end = FromProto(interval.ended_at());
      last = entry;
    }
  }
  v1::LogEntry united = *first;
  if (last != nullptr) {
    *united.mutable_interval()->mutable_ended_at() = last->interval().ended_at();
  }
  return united;
}

}  // namespace nightlog::sleep
