#ifndef NIGHTLOG_STORAGE_REPAIR_H_
#define NIGHTLOG_STORAGE_REPAIR_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "storage/deriver.h"
#include "storage/engine/engine.h"

namespace nightlog {

// What is damaged in a family and follows from the rest of it.
struct Repair {
  // What is damaged, such as `2 rows of feed`: numbers and ids only. Empty: nothing is.
  std::vector<std::string> damages;
  // Makes it again, all or nothing.
  WriteBatch batch;
};

// Finds damage that can be made good without a backup, and how. The journal, the head, the records
// of people and the rows of access are taken as they stand, once each row agrees with itself and
// the records with what the journal names; from them follow
//
//   feed, index, conflict, the state hash, where a record's revision and index keys stand
//   the way from a device to its families
//   verdicts of what was committed or waits in quarantine, and where a replica stands
//   that what an owner decided is not in quarantine any more
//   records of the server: members, and what the deriver makes
//
// A record of the server that was lost comes back with a revision of its own, so that devices hear
// of it; with it the deriver says anew what it makes of the whole family. An event of access that
// was lost comes back blank: what it told is lost, but nothing stands on it, and people see that
// something was there. Reads everything.
//
// DATA_LOSS (STORAGE_DAMAGED), with what is lost: it follows from nothing, so only a backup has it.
// FAILED_PRECONDITION: a record of the server is lost in a family that was stopped.
// REQUIRES: nothing writes to the store meanwhile.
absl::StatusOr<Repair> PlanRepair(const ReadView& view, const FamilyId& family,
                                  const Deriver& deriver, absl::Time now);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_REPAIR_H_
