// From what was logged to what the child did: bouts of sleep without overlaps, closed where a later
// entry says so. The rules of METRICS.md, section 0; what it leaves open is decided here:
//
// - Two sleeps that touch are one bout; sleeps of all caregivers are united, then every seen waking
//   is cut out. A waking without an end lasts until the next sleep begins where that lies within
//   the same sleep; otherwise its length is not known: it breaks the bout and takes no time.
// - An open sleep that begins within another, closed one is ignored. One that begins up to
//   10 minutes before a sleep of another caregiver is the same falling asleep on two phones (the
//   rule by which the server links entries): it takes the other's end, and does not end at its
//   begin.
// - Only then it closes at the first later waking, crying or rise, within 14 hours and before the
//   next sleep begins; both these closings are reported as imputed. Else it stays open.
#ifndef NIGHTLOG_SERVICES_SLEEP_BOUTS_H_
#define NIGHTLOG_SERVICES_SLEEP_BOUTS_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "nightlog/v1/records.pb.h"

namespace nightlog::sleep {

// An entry of the log, as the server resolved it: one per record id. All of it must outlive the
// call that takes it.
struct LoggedEntry {
  absl::string_view record_id;
  // Who was with the child: LogEntry.caregiver_id where it is set, else the author.
  absl::string_view member_id;
  const v1::LogEntry* entry = nullptr;
};

// A sleep longer than this is a mistake, and so is a waking or a crying.
constexpr absl::Duration kEntryLengthMax = absl::Hours(16);
// How far a later entry closes an open sleep.
constexpr absl::Duration kImputeReach = absl::Hours(14);
// Entries of different people this near may be about the same event.
constexpr absl::Duration kSameEvent = absl::Minutes(10);

// A logged entry with its times read. `end` equals `begin` where there is none.
struct Event {
  v1::EntryDetail::KindCase kind;
  absl::Time begin;
  absl::Time end;
  bool open;
  const LoggedEntry* source;
};

// The events of a night by kind, each in the order of begin and record id.
struct EventsByKind {
  absl::Span<Event> put_downs;
  absl::Span<Event> sleeps;
  absl::Span<Event> awakes;
  absl::Span<Event> cryings;
  absl::Span<Event> responses;
  absl::Span<Event> rises;
};

// One uninterrupted sleep, or the begin of one whose end cannot be known (`open`, no length).
struct Bout {
  absl::Time begin;
  absl::Time end;
  bool open;
  // Zone of the sleep it began as.
  absl::string_view zone;
};

// The bouts of `events`, disjoint and in order. Adds to `imputed` each sleep that was closed; sets
// its `end` in `events`. REQUIRES: closed sleeps and wakings end after they begin.
std::vector<Bout> FindBouts(const EventsByKind& events, std::vector<const Event*>* imputed);

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_SERVICES_SLEEP_BOUTS_H_
