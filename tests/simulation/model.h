#ifndef NIGHTLOG_TESTS_SIMULATION_MODEL_H_
#define NIGHTLOG_TESTS_SIMULATION_MODEL_H_

#include <iterator>
#include <map>
#include <set>
#include <string>
#include <unordered_map>
#include <vector>

#include "absl/time/time.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/core/ids.h"
#include "storage/engine/engine.h"
#include "tests/simulation/naive_record.h"

namespace nightlog::simulation {

// What a tap says and when: names it across re-sending and re-homing.
std::string NameOf(const v1::Transaction& transaction);

// A push that the server was given.
struct GivenPush {
  v1::PushRequest request;
  MemberId member;
  absl::Time received;
};

// A transaction that came from a device without access.
struct Quarantined {
  v1::Transaction transaction;
  MemberId member;
  absl::Time estimate;
  absl::Time received;
  // Where an owner decided; 0: not yet.
  uint64_t decided_revision = 0;
  bool accepted = false;
};

// Whether a transaction was rejected only because a record was not there.
bool LacksItsRecord(const google::rpc::Status& rejection);

// What a device may see.
struct Entitlement {
  // Access has not been ended by anybody.
  bool member = false;
  // And its time is not over.
  bool access = false;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  v1::ConsentScope scope = v1::CONSENT_SCOPE_UNSPECIFIED;

  bool Sees(uint32_t kind) const;
};

// One lineage of the family, as it must be by what was committed: each record at each revision, who
// may see it, and what became of each transaction. It learns what the server has written, one write
// after the other, and decides everything anew by naive_record.h. A value; copied for a backup.
class Model {
 public:
  explicit Model(const FamilyId& family) : family_(family) {}

  // Takes over what the disk holds more than at the last call; `given` are the pushes that may have
  // led to it. Empty, or what is wrong with it.
  std::string Learn(const ReadView& view, const std::vector<GivenPush>& given, absl::Time now);

  // Whether the answer to a push says what is on disk. Empty, or what is wrong with it.
  std::string CheckAnswer(const v1::PushRequest& request, const v1::PushResponse& response) const;

  // Whether the store holds the records and no others, every summary is what the log says, and
  // nothing committed was lost. Reads everything.
  std::string CheckStore(const ReadView& view) const;

  const std::string& lineage() const { return lineage_; }
  uint64_t revision() const { return revision_; }

  // The record as it stood at a revision; null: it was not there.
  const NaiveRecord* At(const std::string& id, uint64_t revision) const;
  // Visits each with its id, in the order of ids.
  template <typename Visitor>
  void ForEachAt(uint64_t revision, const Visitor& visit) const {
    for (const auto& [id, history] : records_) {
      const auto after = history.upper_bound(revision);
      if (after != history.begin()) visit(id, std::prev(after)->second);
    }
  }
  // All of them.
  std::map<std::string, const NaiveRecord*> AllAt(uint64_t revision) const;
  // What people did to a record, the newest first.
  std::vector<v1::HistoryItem> HistoryOf(const std::string& id) const;

  // Where the tap was committed; 0: it was not.
  uint64_t RevisionOf(const std::string& tap) const;
  // Whether the server has taken the transaction of that edit, whatever became of it.
  bool WasConsumed(const v1::EditId& edit) const;
  // How often each was committed.
  const std::map<std::string, int>& taps() const { return taps_; }

  // By replica and seq.
  const std::map<std::pair<std::string, uint64_t>, Quarantined>& quarantine() const {
    return quarantine_;
  }
  // Whether it takes nothing more until an owner has decided.
  bool QuarantineIsFull() const;
  // Why it cannot be accepted now; empty: it can.
  std::string ProblemOf(const Quarantined& quarantined) const;

  const std::map<std::string, storage::v1::StoredFamilyDevice>& devices() const { return devices_; }
  // What the family is told of the newest backup.
  uint64_t backed_up() const { return backed_up_; }

  Entitlement EntitlementOf(const DeviceId& device, absl::Time now) const;
  const storage::v1::StoredMember* MemberOf(const MemberId& member) const;

 private:
  // A transaction that the server has answered for good.
  struct Consumed {
    std::string hash;
    v1::Verdict verdict;
    // The newest revision before the write that brought it.
    uint64_t after;
  };

  std::string LearnAccess(const ReadView& view, absl::Time now);
  std::string LearnJournal(const storage::v1::JournalEntry& entry,
                           const std::vector<GivenPush>& given, std::set<std::string>& touched);
  std::string LearnTransaction(const storage::v1::JournalEntry& entry,
                               const std::vector<GivenPush>& given, std::set<std::string>& touched);
  std::string LearnServerRecords(const ReadView& view, uint64_t after,
                                 std::set<std::string>& touched);
  std::string CheckTouched(const ReadView& view, uint64_t after,
                           const std::set<std::string>& touched);
  std::string LearnDecisions(const ReadView& view, uint64_t after);
  bool MayHaveLackedARecord(const std::string& replica, const v1::Transaction& transaction) const;
  std::string LearnVerdict(const ReadView& view, const std::vector<GivenPush>& given,
                           uint64_t after, const std::string& replica, uint64_t seq);
  std::string LearnVerdicts(const ReadView& view, const std::vector<GivenPush>& given,
                            uint64_t after);
  std::string CheckRejected(const v1::Transaction& transaction, const GivenPush& push,
                            uint64_t after) const;

  FamilyId family_;
  std::string lineage_;
  uint64_t revision_ = 0;
  uint64_t learnt_after_ = 0;  // the revision before the newest write
  uint64_t backed_up_ = 0;
  // By id and revision.
  std::map<std::string, std::map<uint64_t, NaiveRecord>> records_;
  std::map<uint64_t, v1::HistoryItem> history_;            // by revision
  std::map<std::string, std::vector<Consumed>> consumed_;  // by replica
  std::map<std::string, uint64_t> last_committed_seq_;
  // By replica, seqs that were rejected for want of a record: they are decided again when they are
  // pushed again.
  std::map<std::string, std::set<uint64_t>> lacking_;
  // What each revision committed: replica and seq.
  std::map<uint64_t, std::pair<std::string, uint64_t>> commits_;
  std::map<std::pair<std::string, uint64_t>, Quarantined> quarantine_;
  std::set<uint64_t> refusals_;  // revisions
  std::map<std::string, int> taps_;
  std::map<std::string, uint64_t> tap_revisions_;
  std::map<std::string, storage::v1::StoredMember> members_;
  std::map<std::string, absl::Time> members_changed_at_;
  std::map<std::string, storage::v1::StoredFamilyDevice> devices_;
  // What has a digest, but for its times and revision: no two things may have the same.
  std::unordered_map<std::string, std::string> digests_;
};

// What anybody could make of a stream who knows PROTOCOL.md: checks that it brings exactly what the
// model has, in an order that makes sense.
class Receiver {
 public:
  // `device` may see what the model says, of kinds other than those in `never`.
  Receiver(const DeviceId& device, const v1::Cursor& cursor, std::set<uint32_t> never)
      : device_(device), cursor_(cursor), never_(std::move(never)) {}

  // A Follow or Watch message that goes out now and was read at `read_at`, when the family was told
  // that a backup holds `backed_up`. Empty, or what is wrong with it.
  template <typename Message>
  std::string Take(const Message& message, const Model& model, absl::Time read_at,
                   uint64_t backed_up) {
    if (message.records().empty() && !message.has_bookmark() && !message.has_reset()) return "";
    if (!model.EntitlementOf(device_, read_at).access) {
      return "C8: something was sent after access had ended";
    }
    return Take(message.has_reset(), message.records(),
                message.has_bookmark() ? &message.bookmark() : nullptr, model, backed_up);
  }

  const v1::Cursor& cursor() const { return cursor_; }

  // The stream broke; another one goes on from the cursor.
  void Reconnect() {
    received_.clear();
    from_nothing_ = false;
  }

 private:
  std::string Take(bool reset, const google::protobuf::RepeatedPtrField<v1::Record>& records,
                   const v1::Bookmark* bookmark, const Model& model, uint64_t backed_up);
  std::string TakeBookmark(const v1::Bookmark& bookmark, const Model& model, uint64_t backed_up,
                           const Entitlement& entitled);

  DeviceId device_;
  v1::Cursor cursor_;
  std::set<uint32_t> never_;
  bool from_nothing_ = false;
  std::map<std::string, std::string> records_;   // id → wire; since the stream's first bookmark
  std::map<std::string, std::string> received_;  // since the last bookmark
  bool complete_ = false;                        // records_ hold all there is at cursor_
};

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_MODEL_H_
