#ifndef NIGHTLOG_CLIENTS_CPP_UNDO_H_
#define NIGHTLOG_CLIENTS_CPP_UNDO_H_

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/replica.h"
#include "clients/cpp/tap.h"
#include "nightlog/v1/sync.pb.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/core/ids.h"

namespace nightlog {

// Undoing is saying again what stood before: a tap like any other, which replaces the change that
// it undoes and nothing else. So it is merged, kept and shown in the history like any other, and
// can be undone itself.
//
//   the newest change              its undo
//   made the record                deletes it
//   deleted it, brought it back    brings it back, deletes it
//   gave a value                   gives the value that stood before, or none where there was none
//   lost or won as a conflict      takes its value out; what others gave stays as it is
//   settled a conflict             gives the value that was shown before; the history has the
//                                  others
//   added or took off tags         takes them off or adds them; a tag that others gave too stays
//   wrote a text                   writes what was there before
//   posted a comment               there is none: what was said stays
//   said that two entries are two  there is none: that holds for good

// The undo of the newest change of a record. `shown` is the record as it stands with that change;
// `made_record` that it was the record's first. FAILED_PRECONDITION: it cannot be undone, with a
// sentence that says why.
absl::StatusOr<Tap> UndoOf(const v1::Record& shown, const v1::HistoryItem& newest,
                           bool made_record);

// The undo of the newest change of a record, by whomever it was. What only this device has is
// undone without the server; for the rest it is asked for the history, so `connection` may be null
// only where that is not needed. UNAVAILABLE otherwise. FAILED_PRECONDITION also where the server
// has a newer change than this device shows.
absl::StatusOr<Tap> UndoNewestChange(const Replica& replica, Connection* connection,
                                     const FamilyId& family, const RecordId& record,
                                     absl::Time deadline);

// The undo of the newest tap of this device, with the records it is about. The same errors; also
// FAILED_PRECONDITION where somebody changed one of the records since, and NOT_FOUND where this
// device keeps no tap any more.
struct UndoneTap {
  Tap tap;
  std::vector<RecordId> records;
};
absl::StatusOr<UndoneTap> UndoLastTap(const Replica& replica, Connection* connection,
                                      const FamilyId& family, absl::Time deadline);

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_UNDO_H_
