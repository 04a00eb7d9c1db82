#ifndef NIGHTLOG_CLIENTS_CPP_REPLICA_H_
#define NIGHTLOG_CLIENTS_CPP_REPLICA_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "clients/cpp/device_clock.h"
#include "clients/cpp/tap.h"
#include "nightlog/storage/v1/device.pb.h"
#include "nightlog/v1/family_service.pb.h"
#include "nightlog/v1/sync.pb.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/core/ids.h"
#include "storage/core/random.h"
#include "storage/engine/engine.h"

namespace nightlog {

// A record as the screen shows it.
struct ShownRecord {
  // The confirmed record with this device's own unconfirmed edits on top. Its `revision` and
  // `digest` are those of the confirmed one; 0 and empty for a record that only this device has.
  v1::Record record;
  // True: part of it is only saved here so far.
  bool pending = false;
};

// A transaction that the server will not commit. It is kept until a person discards it.
struct NeedsAttention {
  // Names it within the family on this device.
  uint64_t position;
  v1::Transaction transaction;
  // Why it was rejected, with field violations; OK: quarantined, an owner decides about it.
  absl::Status status;
};

// A change of a record that the confirmed records do not hold yet.
struct LocalChange {
  // As ListHistory would tell it, with what it replaced; no revision and no time of a commit.
  v1::HistoryItem change;
  // True: before it there was no such record.
  bool made_record = false;
};

// A transaction of this device, and the records it edits.
struct LastTap {
  ReplicaId replica;
  uint64_t seq = 0;
  std::vector<RecordId> records;
};

// How a family stands on this device.
struct FamilyState {
  v1::Pairing pairing;  // without the token; the role as of the newest bookmark
  // What the confirmed records are as of; revision 0: nothing yet.
  v1::Cursor cursor;
  // Sum of their digests, as in Bookmark; devices of one role at one cursor have the same.
  std::string state_hash;
  // Transactions that the server has not acknowledged, and those that need attention.
  uint64_t pending = 0;
  uint64_t needs_attention = 0;
  // Newest revision that a backup of the server holds.
  uint64_t backed_up_revision = 0;
  // How often the confirmed records differed from the server's state hash and were fetched again.
  // Anything but 0 is a bug or a damaged disk.
  uint64_t resyncs = 0;
  // Why access ended, in the server's words; empty while it has not.
  std::string closed;
};

// How this device reaches its server.
struct DeviceSettings {
  std::string server_address;  // HOST:PORT
  // PEM file of the authority that signed the server's certificate; empty: plaintext.
  std::string ca_file;
  std::string device_token;  // empty before the first pairing
};

// What a push leads to.
enum class PushStep {
  kGoOn,          // push what is pending now, if anything is
  kWait,          // the server does not understand the next transaction yet; try again later
  kRenewReplica,  // get a new replica id (FamilyService.RenewReplica), then call Rehome()
};

// The database of one device: what it knows of its families, and its outbox.
//
// For each family it holds the *confirmed* records as of a cursor, and the *outbox*: transactions
// of this device that the confirmed records do not hold yet. What is shown is the confirmed records
// with the outbox laid on top by the same merge code that the server decides with; nothing else is
// ever decided here. Every change of this class is one atomic, synced batch: when a call returns
// OK, it survives a crash of the phone.
//
// Thread-safe. After a failed write (DATA_LOSS, UNAVAILABLE, RESOURCE_EXHAUSTED) nobody knows what
// is on disk: each further write fails with the same error until the replica is opened again.
class Replica {
 public:
  // Is told of changes, after they are durable, on the thread that made them. It may read the
  // replica, but must neither change it nor add or remove observers.
  class Observer {
   public:
    virtual ~Observer() = default;
    // These records are shown differently now, or their pending mark changed.
    virtual void OnRecordsChanged(const FamilyId& family, const std::set<RecordId>& records) = 0;
    // FamilyStateOf(family) changed.
    virtual void OnFamilyChanged(const FamilyId& family) = 0;
  };

  // Opens the database in directory `path`, which is made where it is missing: one directory is one
  // phone. `clock` must outlive the replica.
  //
  // FAILED_PRECONDITION: another process uses the directory, or a newer version wrote it.
  // DATA_LOSS: files are damaged or missing. The messages say what to do.
  static absl::StatusOr<std::unique_ptr<Replica>> Open(const std::string& path,
                                                       const DeviceClock& clock);

  // The same on any engine with kColumns columns.
  static absl::StatusOr<std::unique_ptr<Replica>> Open(std::unique_ptr<Engine> engine,
                                                       const DeviceClock& clock);
  static const int kColumns;

  ~Replica();

  // --- Device and families ---

  DeviceSettings settings() const;
  absl::Status SetSettings(const DeviceSettings& settings);

  // The request that is to pair this device (see pairing.h): durable until AddFamily().
  std::string pairing_request() const;
  absl::Status SavePairingRequest(const std::string& request);

  // The token that is to take the place of the device's (see token.h), made at the first call:
  // durable, and the same, until TakeNextToken().
  absl::StatusOr<std::string> NextToken(Random& random);
  // The server knows it: it is the device's now. Does nothing if `token` is not the one to come.
  absl::Status TakeNextToken(const std::string& token);
  // The one before the device's; empty: there was none.
  std::string previous_token() const;
  // When the device got its token, by its wall clock; long ago if that is not known.
  absl::Time token_since() const;

  // Adds the family of a pairing, or takes a new pairing for one it has: records are followed from
  // the beginning then, and what is unacknowledged is sent under the new replica id, once the next
  // bookmark has told what the server has. A token in it becomes the device's.
  absl::Status AddFamily(const v1::Pairing& pairing);

  // Forgets the family, its unsent transactions included, and takes it off the disk.
  // FAILED_PRECONDITION: it is forgotten, but its bytes may be there for a while, as somebody read
  // for long or the disk failed.
  absl::Status ForgetFamily(const FamilyId& family);

  std::vector<FamilyId> Families() const;

  // NOT_FOUND: this device is not paired with the family.
  absl::StatusOr<FamilyState> FamilyStateOf(const FamilyId& family) const;

  // --- What is shown ---

  // nullopt: no such record. A deleted record is shown as deleted.
  absl::StatusOr<absl::optional<ShownRecord>> Get(const FamilyId& family,
                                                  const RecordId& record) const;

  // All records of a kind, in order of record id, deleted ones included.
  absl::StatusOr<std::vector<ShownRecord>> List(const FamilyId& family, uint32_t kind) const;

  // --- Taps ---

  // Saves the tap as a transaction in the outbox: durable when this returns, and shown at once.
  // Each edit names as `saw` what the screen shows for its group: the value shown (all that stand,
  // if the edit resolves, and for TEXT); for SET groups the versions that hold an element it
  // removes; for a delete the versions of all groups.
  //
  // INVALID_ARGUMENT: the server would reject it; nothing is saved. See ViolationsOf().
  absl::Status Write(const FamilyId& family, const Tap& tap);

  // The same for many taps with one write to disk, a transaction each.
  absl::Status Write(const FamilyId& family, absl::Span<const Tap> taps);

  // The newest change of a record by this device that the confirmed records do not hold; nullopt:
  // they hold all there is.
  absl::StatusOr<absl::optional<LocalChange>> NewestLocalChange(const FamilyId& family,
                                                                const RecordId& record) const;

  // The newest transaction of this device that the server has not refused; nullopt: none is kept.
  absl::StatusOr<absl::optional<LastTap>> NewestTap(const FamilyId& family) const;

  // Oldest first.
  absl::StatusOr<std::vector<NeedsAttention>> ListNeedsAttention(const FamilyId& family) const;

  // Drops a transaction that needs attention. NOT_FOUND: there is none at that position.
  absl::Status Discard(const FamilyId& family, uint64_t position);

  // What is pending where a viewer may not send it, by position; in any other role nothing.
  absl::StatusOr<std::map<uint64_t, v1::Transaction>> ListNotShared(const FamilyId& family) const;

  // Drops all of that: what was tapped later builds on what was before. FAILED_PRECONDITION: it is
  // not exactly `taps` any more, and nothing is dropped. No name is used again, so that the server
  // answers the next transaction with a gap, and it goes up under a new replica id.
  absl::Status DiscardNotShared(const FamilyId& family,
                                const std::map<uint64_t, v1::Transaction>& taps);

  // --- Sync; used by Syncer ---

  // The oldest transactions that are not acknowledged: of one replica id, in order of seq, at most
  // 512 and about 900 KiB. nullopt: there are none, or this device was paired anew and has had no
  // bookmark since. The request lacks `sent_at`.
  absl::StatusOr<absl::optional<v1::PushRequest>> NextPush(const FamilyId& family) const;

  // Takes the server's answer to `request`. Committed transactions are acknowledged and stay on the
  // screen as part of the outbox until the confirmed records hold them; rejected and quarantined
  // ones move to "needs attention"; after a gap everything from there on is pending again. What was
  // rejected only because its record is not on the server is pending once more when ApplyBookmark
  // brings that record.
  // INTERNAL: the answer makes no sense.
  absl::StatusOr<PushStep> ApplyVerdicts(const v1::PushRequest& request,
                                         const v1::PushResponse& response);

  // Moves what is unacknowledged under `from`, and what was tapped on top of it under another
  // replica id, to the replica id `to`, as new transactions that say the same: seq and hashes are
  // made anew, and `saw` follows. What else is pending keeps its names: the server may have it, and
  // its answer was lost. New taps are made under `to`.
  absl::Status Rehome(const FamilyId& family, const ReplicaId& from, const ReplicaId& to);

  // What to follow from: the request lacks `stream_id` and `until_head`.
  absl::StatusOr<v1::FollowRequest> NextFollow(const FamilyId& family) const;

  // Takes what was received on one stream up to and including a bookmark. Records, cursor and the
  // outbox change in one batch; observers hear of it.
  //
  // After a Reset (of another lineage), or a start from nothing because the records here differed,
  // the records replace all confirmed ones, and acknowledged transactions that are still kept are
  // pending again: the server may have lost them. So are those that were acknowledged before the
  // first bookmark, if that is of another lineage.
  // Where they show that this phone was set back or cloned (edits of its own replica that it does
  // not know), further taps are numbered after those, and a push of them is answered Forked.
  // ABORTED: the records do not add up to the bookmark's state hash. Nothing is applied; the next
  // NextFollow() starts from nothing, and what is shown stays until its bookmark.
  // DATA_LOSS: the same after such a start from nothing.
  absl::Status ApplyBookmark(const FamilyId& family,
                             const std::vector<v1::FollowResponse>& messages);

  // Access ended: keeps everything, and says so in FamilyState.
  absl::Status SetClosed(const FamilyId& family, const std::string& message);

  // Observers must be removed before they are destroyed; RemoveObserver waits for a running call.
  void AddObserver(Observer* observer);
  void RemoveObserver(Observer* observer);

 private:
  struct Row;
  struct Family;
  struct Update;

  Replica(std::unique_ptr<Engine> engine, const DeviceClock& clock);
  absl::Status Load() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  absl::StatusOr<Family*> Find(const FamilyId& family) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status WriteBatchOrBreak(const WriteBatch& batch) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  absl::Status WriteHead(storage::v1::DeviceHead head) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Writes the update, then takes it into memory.
  absl::Status Commit(Family& family, const Update& update) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Adds to `update` that everything of `replica` from `expected` on is pending again. False: the
  // transaction `expected` is not held any more.
  absl::StatusOr<bool> Reopen(const Family& family, const std::string& replica, uint64_t expected,
                              Update& update) const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void Tell(const FamilyId& family, const std::set<RecordId>& changed) ABSL_LOCKS_EXCLUDED(mu_);

  const std::unique_ptr<Engine> engine_;
  const DeviceClock& clock_;

  mutable absl::Mutex mu_;
  std::map<FamilyId, std::unique_ptr<Family>> families_ ABSL_GUARDED_BY(mu_);
  storage::v1::DeviceHead head_ ABSL_GUARDED_BY(mu_);
  absl::Status broken_ ABSL_GUARDED_BY(mu_);  // set by a failed write

  // Held while observers are called, so never taken with mu_ held.
  absl::Mutex observers_mu_;
  std::set<Observer*> observers_ ABSL_GUARDED_BY(observers_mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_REPLICA_H_
