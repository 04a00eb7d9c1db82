#ifndef NIGHTLOG_STORAGE_STORE_H_
#define NIGHTLOG_STORAGE_STORE_H_

#include <cstdint>
#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "storage/core/random.h"
#include "storage/engine/engine.h"
#include "storage/family_reader.h"

namespace nightlog {

// Version of the keys and values this build writes. FORMAT.md says what changed when.
constexpr uint32_t kFormatVersion = 1;

// Makes an engine ready to be used as a server's store: marks a new one with the format version,
// refuses one of a newer format (FAILED_PRECONDITION), and verifies the families of the newest
// batch of every shard, where a damaged log would show (DATA_LOSS). The messages say what to do.
absl::Status OpenStore(Engine& engine);

// Forgets which families the shards of an earlier process wrote last: OpenStore has verified them,
// and a family goes to another shard in each process, so that a note of an erased one could stay.
// REQUIRES: OpenStore(engine) was OK and no committer runs.
absl::Status ForgetShards(Engine& engine);

// Begins a new lineage in every family, after the store was restored from a backup or found to have
// lost data. Devices notice it, follow from the beginning, and push again what the store lacks.
// REQUIRES: OpenStore(engine) was OK and no committer runs.
absl::Status BeginNewLineages(Engine& engine, Random& random);

// Verifies that a family's head fits its journal: the newest entry is there, its hash is the head's
// chain hash, and no entry lies beyond it. DATA_LOSS (STORAGE_DAMAGED) otherwise. A family without
// a head and without a journal, such as an erased one, is as it must be.
absl::Status VerifyFamilyTail(const ReadView& view, const FamilyId& family);

// Verifies the family as a whole: the hash chain of the journal from its first entry on, every
// record's digest, its rows in feed, index and conflict (and that there are no others), the state
// hashes, and that each consumed transaction has its verdict. For `doctor` and tests; reads
// everything. DATA_LOSS (STORAGE_DAMAGED), with what is wrong; so too where there is no such
// family.
absl::Status VerifyFamily(const ReadView& view, const FamilyId& family);

// DATA_LOSS (STORAGE_DAMAGED): `what` of the family is not as it must be; the message says the way
// out.
absl::Status FamilyDamagedError(absl::string_view what, const FamilyId& family);

// Visits the journal from its first entry to that of the head's revision, and verifies its chain.
// An error of the visitor ends it. DATA_LOSS (STORAGE_DAMAGED).
using JournalVisitor =
    std::function<absl::Status(uint64_t revision, const storage::v1::JournalEntry&)>;
absl::Status ReadJournal(const ReadView& view, const FamilyId& family, uint64_t head_revision,
                         const JournalVisitor& visit);

// Every family that has a head, a journal or records, in the order of ids; a damaged one may lack
// its head.
absl::StatusOr<std::vector<FamilyId>> FamiliesOf(const ReadView& view);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_STORE_H_
