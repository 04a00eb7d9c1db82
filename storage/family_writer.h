#ifndef NIGHTLOG_STORAGE_FAMILY_WRITER_H_
#define NIGHTLOG_STORAGE_FAMILY_WRITER_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/records.pb.h"
#include "storage/core/random.h"
#include "storage/deriver.h"
#include "storage/family_reader.h"
#include "storage/overlay_view.h"

namespace nightlog {

// FAILED_PRECONDITION (AHEAD_OF_SERVER): a device has shown that the server lost data of the
// family.
absl::Status FamilyHaltedError();

// What everybody in the family sees of a membership: the body of its record.
v1::Member PublicMember(const storage::v1::StoredMember& stored);

// Writes one family within a batch of the committer. Keeps what must change together with a record:
// its revision and digest, the feed's row, the index, the open conflicts, the state hash, the
// journal and its chain. Used on the family's committer thread only.
//
//   ASSIGN_OR_RETURN(uint64_t revision, writer.BeginRevision());
//   RETURN_IF_ERROR(writer.PutRecord(id, state));
//   writer.EndRevision(entry);
class FamilyWriter {
 public:
  // What a writer carries from one step of a batch to the next.
  struct State {
    absl::optional<storage::v1::FamilyHead> head;
    // Between BeginRevision and EndRevision.
    bool in_revision = false;
    // The newest journal entry, kept open until the next one, so that it can name what is derived.
    absl::optional<storage::v1::JournalEntry> open_entry;
    // Records changed in this batch, by id, as they stood before it.
    absl::flat_hash_map<RecordId, absl::optional<storage::v1::StoredRecord>> before;
    // The family was erased, and perhaps made anew: what stood before the batch is of no matter.
    bool erased = false;
    // Edits of the revisions that left a conflict, whichever side won.
    int conflicts = 0;
    // What the deriver made of the family before, and makes of it now; a step has none.
    std::unique_ptr<Deriver::Memory> memory;

    // What a step starts with; it has changed no record yet.
    State ForNextStep() const;
    // Takes over what a step has made of it.
    void Absorb(State&& step);
  };

  // All must outlive this.
  FamilyWriter(const FamilyId& family, const Deriver& deriver, absl::Time now, OverlayView& view,
               State& state)
      : deriver_(deriver), now_(now), view_(view), reader_(view, family), state_(state) {}

  const FamilyId& family() const { return reader_.family(); }
  // Sees what was written through this.
  const FamilyReader& reader() const { return reader_; }
  const ReadView& view() const { return view_; }
  // The time of the commit.
  absl::Time now() const { return now_; }

  // False: there is no such family; then only Create may be called.
  bool exists() const { return state_.head.has_value(); }
  const storage::v1::FamilyHead& head() const { return *state_.head; }

  // Makes the family, with a new lineage. REQUIRES: !exists(), and an id that is not all zeros.
  void Create(absl::string_view name, Random& random);
  // Stops the family: no revision begins until a new lineage does; see BeginNewLineages. Reads go
  // on. REQUIRES: exists().
  void Halt();
  // Marks the family as made for the records of an export, or as one that has them all.
  // REQUIRES: exists().
  void SetImporting(bool importing);
  // Says which revision a verified backup holds; devices hear of it with their next bookmark.
  // REQUIRES: exists().
  void SetBackedUpRevision(uint64_t revision);
  // Says which event of access is the newest, so that it is missed once it is lost. REQUIRES:
  // exists().
  void SetNewestEvent(uint64_t number);
  // Removes every row of the family, its invites and what its pairings are repeated from included;
  // devices stay known. Costs a read of each row, and of all such rows of the store. The bytes
  // leave the disk with the next PurgeErased(). REQUIRES: exists(). Afterwards exists() is false.
  absl::Status Erase();

  // FAILED_PRECONDITION (AHEAD_OF_SERVER) if the family was stopped; the message says the way out.
  // REQUIRES: exists().
  absl::Status RequireRunning() const;

  // Starts the next revision and gives its number. What is put until EndRevision belongs to it.
  // FAILED_PRECONDITION as RequireRunning(). REQUIRES: exists().
  absl::StatusOr<uint64_t> BeginRevision();
  // Writes a record of people, as Merge left it. REQUIRES: within a revision.
  absl::Status PutRecord(const RecordId& id, storage::v1::StoredRecord state);
  // Writes a record of the server; the same body again changes nothing. REQUIRES: within a
  // revision.
  absl::Status PutServerRecord(const DerivedRecord& record);
  // Closes the current revision with its journal entry (whose chain and time are set here).
  void EndRevision(storage::v1::JournalEntry entry);

  // Other rows, which need no revision.
  void Put(Column column, const std::string& key, const google::protobuf::MessageLite& row);
  void Delete(Column column, const std::string& key);

  // Derives from everything changed since the batch began and closes the journal and the head. The
  // committer calls it once at the end of a batch. An error: nothing of the batch may be written.
  absl::Status Finish();

 private:
  // Those of this family among the store's rows under `prefix`.
  template <typename Row>
  absl::Status EraseStoreRows(const std::string& prefix);
  // Writes a record in the place of `before`.
  absl::Status Replace(const RecordId& id, absl::optional<storage::v1::StoredRecord> before,
                       storage::v1::StoredRecord record);
  // False: the body stands already.
  absl::StatusOr<bool> ReplaceServerRecord(const DerivedRecord& record);
  // The next link of the chain, into the journal and the head.
  void CloseEntry();
  storage::v1::KindHash& MutableKindHash(uint32_t kind);

  const Deriver& deriver_;
  const absl::Time now_;
  OverlayView& view_;
  const FamilyReader reader_;
  State& state_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_FAMILY_WRITER_H_
