// Entries by different people about the same event, logged without knowing of each other: one
// waking on two phones. They count once (protos/PROTOCOL.md). Decided here:
//
// - Two entries are linked when they are of one kind, by different authors, the author of the one
//   committed later had not seen the other, they overlap or begin within kSameEvent of each other,
//   and nobody said that they are two (LogEntry.separate_from, on either). An entry without an end
//   overlaps nothing. The author of an imported entry is its caregiver, who had seen nothing.
// - An episode is a clique: in the order of commits, an entry joins the first episode with all of
//   whose entries it is linked. So it never grows along a chain.
// - Kinds: put down, awake, crying, rise. Sleeps are united anyway where they overlap (bouts.h),
//   and what lies between two sleeps may be a waking that somebody saw. Responses are all kept.
// - Nothing is stored and nothing deleted: episodes follow from the entries alone.
//
// Pure functions of their arguments; thread-safe.
#ifndef NIGHTLOG_SERVICES_SLEEP_EPISODES_H_
#define NIGHTLOG_SERVICES_SLEEP_EPISODES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "nightlog/v1/records.pb.h"

namespace nightlog::sleep {

// An entry of one child with what the server knows of its making. All of it must outlive the call.
struct AuthoredEntry {
  absl::string_view record_id;
  absl::string_view author_id;
  const v1::LogEntry* entry = nullptr;
  // Revision of the commit that made it, and the newest one its author had seen by then.
  uint64_t created_revision = 0;
  uint64_t author_saw_revision = 0;
};

// The episodes of two or more entries: indices into `entries`, in the order of commits.
std::vector<std::vector<size_t>> FindEpisodes(absl::Span<const AuthoredEntry> entries);

// An episode as one entry: the one that begins first, from the first begin to the last end that is
// known. REQUIRES: at least one entry.
v1::LogEntry UniteEpisode(absl::Span<const v1::LogEntry* const> entries);

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_SERVICES_SLEEP_EPISODES_H_
