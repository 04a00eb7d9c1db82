#ifndef NIGHTLOG_STORAGE_PUSH_H_
#define NIGHTLOG_STORAGE_PUSH_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/core/ids.h"
#include "storage/family_writer.h"

namespace nightlog {

// Who pushes, as the store knows them at this revision.
struct Pusher {
  MemberId member;
  // Whether the member may write records of a kind.
  std::function<bool(uint32_t kind)> may_write;
  // True: the device was removed; what it still has goes to quarantine, for an owner to decide.
  bool quarantined = false;
};

// How much a family's quarantine holds, so that a removed device that pushes for ever fills no
// disk: transactions of so many bytes, but for the last one, and so many of them.
constexpr size_t kQuarantineBytesMax = 4 << 20;
constexpr size_t kQuarantineRowsMax = 4096;

// Decides each transaction of a push and writes what it commits: a revision each, its verdict and
// the replica's place in the same batch. Answers one verdict a transaction and ends at the first
// that is not consumed (a gap, a fork, or something only a newer server understands).
//
//   seq seen before, same hash     the stored verdict again; one that was rejected because a record
//                                  was not here is decided once more
//   seq seen before, other hash    Forked: a cloned or restored phone
//   seq after the next one         Gap
//   previous hash is another       Forked
//   invalid for good               Rejected, with field violations; consumed
//   otherwise                      Committed, with its revision
//
// Where the quarantine is full, the answer ends before the first transaction that it does not take;
// RESOURCE_EXHAUSTED (QUARANTINE_FULL) if that is the first of the push.
//
// `received` is the server's time as the request came in. REQUIRES: the request is valid in its
// envelope (ids, sent_at, seq and hash of each transaction), writer.exists(), and the replica is of
// this family. Runs on the committer thread.
absl::StatusOr<std::vector<v1::Verdict>> ApplyPush(const v1::PushRequest& request,
                                                   const Pusher& pusher, absl::Time received,
                                                   FamilyWriter& writer);

// Commits what was quarantined, as its author's: merged like any push, with the time of the tap as
// it was estimated when it came in. Gives the revision; `accepted_by` is noted in the journal. The
// row is the caller's to change. INVALID_ARGUMENT, with the violations: it fits no record as they
// are now, such as an edit of an entry that is quarantined itself. Runs on the committer thread.
absl::StatusOr<uint64_t> CommitQuarantined(const ReplicaId& replica,
                                           const storage::v1::QuarantinedTransaction& row,
                                           const Pusher& author, const MemberId& accepted_by,
                                           FamilyWriter& writer);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_PUSH_H_
