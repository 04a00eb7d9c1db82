#include "clients/cpp/replica.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/core/check.h"
#include "storage/core/edit_time.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/hash.h"
#include "storage/core/merge.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/engine/rocksdb_engine.h"

namespace nightlog {
namespace {

using storage::v1::DeviceFamily;
using storage::v1::DeviceTransaction;
using storage::v1::StoredRecord;

// Columns. The names are on disk; device.proto says what each holds. Keys start with the family id;
// positions are big-endian.
enum ReplicaColumn : Column {
  kDeviceColumn,
  kFamilyColumn,
  kRecordColumn,
  kOutboxColumn,
  kSentColumn,
  kAttentionColumn,
};
constexpr std::array<absl::string_view, 6> kColumnNames = {"device", "family", "record",
                                                           "outbox", "sent",   "attention"};

constexpr uint32_t kFormatVersion = 1;
constexpr absl::string_view kHeadKey = "head";

// Bounds of a push, below the server's (sync_service.proto).
constexpr int kPushTransactionsMax = 512;
constexpr size_t kPushBytesMax = 900 << 10;
constexpr int kTransactionEditsMax = 64;

// Acknowledged transactions kept for a server that is never backed up.
constexpr uint64_t kSentMax = 10'000;
constexpr size_t kTokenBytes = 32;

// A phone needs little memory.
RocksdbOptions PhoneOptions() {
  RocksdbOptions options;
  options.block_cache_bytes = 8 << 20;
  options.write_buffer_bytes = 8 << 20;
  return options;
}

std::string RecordKey(const FamilyId& family, const RecordId& record) {
  return absl::StrCat(family.bytes(), record.bytes());
}

std::string PositionKey(const FamilyId& family, uint64_t position) {
  std::string key = family.str();
  for (int shift = 56; shift >= 0; shift -= 8) key.push_back(static_cast<char>(position >> shift));
  return key;
}

uint64_t PositionOf(absl::string_view key) {
  uint64_t position = 0;
  for (char byte : key.substr(FamilyId::kSize))
    position = position << 8 | static_cast<uint8_t>(byte);
  return position;
}

// What the device's own disk could not do: UNAVAILABLE is a server that is not reached.
absl::Status OfThisDevice(const absl::Status& status) {
  return absl::IsUnavailable(status) ? absl::FailedPreconditionError(status.message()) : status;
}

// The first key after all that start with the family id; empty where there is none.
std::string FamilyLimit(const FamilyId& family) {
  std::string limit = family.str();
  while (!limit.empty() && limit.back() == '\xff') limit.pop_back();
  if (!limit.empty()) ++limit.back();
  return limit;
}

std::unique_ptr<Iterator> ScanFamily(const ReadView& view, Column column, const FamilyId& family) {
  return view.Scan(column, family.bytes(), FamilyLimit(family));
}

template <typename Message>
absl::Status ParseRow(absl::string_view bytes, Message& message) {
  if (message.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) return absl::OkStatus();
  return MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED,
                   "a row of this device's database is damaged: move its directory away and pair "
                   "again");
}

// hash = SHA-256(previous hash ‖ the transaction's bytes without its hash).
void SealTransaction(uint64_t seq, const std::string& previous_hash, v1::Transaction& transaction) {
  transaction.set_seq(seq);
  transaction.set_previous_hash(previous_hash);
  transaction.clear_hash();
  transaction.set_hash(Sha256(absl::StrCat(previous_hash, transaction.SerializeAsString())));
}

std::set<RecordId> RecordsOf(const v1::Transaction& transaction) {
  std::set<RecordId> records;
  for (const v1::Edit& edit : transaction.edits()) records.insert(RecordId(edit.record_id()));
  return records;
}

// True if the version says what that edit said.
bool IsOf(const storage::v1::StoredVersion& version, const storage::v1::StoredEditId& id) {
  return SameEdit(version.edit(), id) ||
         std::any_of(version.agreed().begin(), version.agreed().end(),
                     [&id](const auto& agreed) { return SameEdit(agreed, id); });
}

// True if the edit is part of the record already, as a version that stands.
bool Holds(const StoredRecord& record, uint32_t group, const storage::v1::StoredEditId& id) {
  const storage::v1::StoredGroup* state = FindGroup(record, group);
  return state != nullptr && std::any_of(state->versions().begin(), state->versions().end(),
                                         [&id](const auto& version) { return IsOf(version, id); });
}

bool HoldsAnyElement(const storage::v1::StoredVersion& version, const v1::Edit& edit) {
  v1::LogEntry entry;
  if (!entry.ParseFromString(version.value())) return false;
  return std::any_of(entry.tags().begin(), entry.tags().end(), [&](const std::string& tag) {
    return std::count(edit.removed_elements().begin(), edit.removed_elements().end(), tag) > 0;
  });
}

// What of `group` the screen shows, which is what the edit replaces: see Replica::Write().
bool IsReplaced(const Tap::Change& change, const storage::v1::StoredGroup& group, int version,
                const StoredRecord& record) {
  const v1::Edit& edit = change.edit;
  if (edit.group() == kExistence) return edit.existence().deleted() || group.group() == kExistence;
  // The screen said "deleted", and the edit brings the record back.
  if (group.group() == kExistence) return record.deleted();
  if (group.group() != edit.group()) return false;
  if (change.replaced.has_value()) {
    return IsOf(group.versions(version), ToStored(*change.replaced));
  }
  switch (MergeRuleOf(*DescriptorOf(record.kind()), group.group())) {
    case v1::MERGE_RULE_TEXT:
      return true;
    case v1::MERGE_RULE_SET:
      return change.resolves || HoldsAnyElement(group.versions(version), edit);
    case v1::MERGE_RULE_APPEND:
      return false;
    default:
      return version == 0 || change.resolves;
  }
}

v1::Edit WithSaw(const Tap::Change& change, const StoredRecord& record) {
  v1::Edit edit = change.edit;
  edit.clear_saw();
  for (const storage::v1::StoredGroup& group : record.groups()) {
    for (int i = 0; i < group.versions_size(); ++i) {
      if (IsReplaced(change, group, i, record)) *edit.add_saw() = ToWire(group.versions(i).edit());
    }
  }
  return edit;
}

// A record of the transaction for want of which the server rejected it; nullopt: it had another
// reason.
absl::optional<RecordId> LackedRecord(const v1::Transaction& transaction,
                                      const google::rpc::Status& rejection) {
  const absl::Status status = FromRpcStatus(rejection);
  if (ReasonOf(status) != v1::ERROR_REASON_INVALID_EDIT) return absl::nullopt;
  for (const FieldViolation& violation : ViolationsOf(status)) {
    for (const RecordId& record : RecordsOf(transaction)) {
      if (violation.field() == absl::StrCat("record ", record.hex())) return record;
    }
  }
  return absl::nullopt;
}

// What a device was sent up to a bookmark.
struct Followed {
  bool from_nothing = false;  // all that the family has, not only what has changed
  bool new_lineage = false;
  std::map<RecordId, const v1::Record*> records;  // the newest of each
  const v1::Bookmark* bookmark = nullptr;
};

// INTERNAL: the messages make no sense to a device that has `stored`. They must outlive the answer.
absl::StatusOr<Followed> ReadFollowed(const std::vector<v1::FollowResponse>& messages,
                                      const DeviceFamily& stored) {
  Followed followed;
  followed.from_nothing = stored.revision() == 0 || stored.follow_from_nothing();
  for (const v1::FollowResponse& message : messages) {
    if (message.has_reset()) {
      followed.from_nothing = true;
      followed.records.clear();
    }
    for (const v1::Record& record : message.records()) {
      if (!RecordId::IsId(record.record_id()) || record.digest().size() != 32) {
        return absl::InternalError("the server sent a record without id or digest");
      }
      followed.records[RecordId(record.record_id())] = &record;
    }
  }
  if (messages.empty() || !messages.back().has_bookmark() ||
      messages.back().bookmark().state_hash().size() != 32) {
    return absl::InternalError("the server sent no bookmark, or one without a state hash");
  }
  followed.bookmark = &messages.back().bookmark();
  const v1::Cursor& cursor = followed.bookmark->cursor();
  followed.new_lineage = !stored.lineage().empty() && cursor.lineage() != stored.lineage();
  if (!followed.from_nothing && (followed.new_lineage || cursor.revision() < stored.revision())) {
    return absl::InternalError("the server's bookmark goes back, or to another lineage");
  }
  return followed;
}

}  // namespace

const int Replica::kColumns = static_cast<int>(kColumnNames.size());

// A transaction of the outbox.
struct Replica::Row {
  std::string replica_id;
  v1::Transaction transaction;
  uint64_t revision = 0;     // 0: pending, else acknowledged
  std::string lineage = "";  // of the revision, as far as the server said

  static absl::StatusOr<Row> Parse(absl::string_view bytes) {
    DeviceTransaction stored;
    Row row;
    RETURN_IF_ERROR(ParseRow(bytes, stored));
    RETURN_IF_ERROR(ParseRow(stored.transaction(), row.transaction));
    row.replica_id = stored.replica_id();
    row.revision = stored.revision();
    row.lineage = stored.lineage();
    return row;
  }

  storage::v1::StoredEditId IdOf(int index) const {
    storage::v1::StoredEditId id;
    id.set_replica_id(replica_id);
    id.set_seq(transaction.seq());
    id.set_index(static_cast<uint32_t>(index));
    return id;
  }

  DeviceTransaction ToStored() const {
    DeviceTransaction stored;
    stored.set_replica_id(replica_id);
    stored.set_transaction(transaction.SerializeAsString());
    stored.set_revision(revision);
    stored.set_lineage(lineage);
    return stored;
  }
};

struct Replica::Family {
  FamilyId id;
  DeviceFamily stored;
  v1::Pairing pairing;
  std::map<uint64_t, Row> outbox;  // by position
  // Where in the outbox each record is edited.
  absl::flat_hash_map<RecordId, std::set<uint64_t>> positions;
  uint64_t pending = 0;
  uint64_t sent = 0;
  uint64_t attention = 0;

  void PutRow(uint64_t position, Row row) {
    RemoveRow(position);
    pending += row.revision == 0 ? 1 : 0;
    for (const RecordId& record : RecordsOf(row.transaction)) positions[record].insert(position);
    outbox[position] = std::move(row);
  }

  void RemoveRow(uint64_t position) {
    const auto row = outbox.find(position);
    if (row == outbox.end()) return;
    pending -= row->second.revision == 0 ? 1 : 0;
    for (const RecordId& record : RecordsOf(row->second.transaction)) {
      const auto found = positions.find(record);
      found->second.erase(position);
      if (found->second.empty()) positions.erase(found);
    }
    outbox.erase(row);
  }

  // What a viewer may not send.
  std::map<uint64_t, const Row*> NotShared() const {
    std::map<uint64_t, const Row*> rows;
    if (pairing.role() != v1::ROLE_VIEWER) return rows;
    for (const auto& [position, row] : outbox) {
      if (row.revision == 0) rows.emplace(position, &row);
    }
    return rows;
  }

  // Lays one of this device's edits on top of `record`. nullopt: it is part of it already, or the
  // server will reject it.
  absl::optional<MergeOutcome> LayOver(const Row& row, int index, StoredRecord& record) const {
    v1::Edit edit = row.transaction.edits(index);
    const uint32_t kind = KindOf(edit);
    if (kind == 0 && (record.kind() == 0 || !edit.has_existence())) return absl::nullopt;
    if (kind != 0 && record.kind() != 0 && kind != record.kind()) return absl::nullopt;
    const MemberId member(pairing.member_id());
    AuthoredEdit authored{&edit, row.IdOf(index), member, absl::Time()};
    if (Holds(record, edit.group(), authored.id) && !Planted("own_edit_laid_over_twice")) {
      return absl::nullopt;
    }
    authored.made_at =
        std::max(FromProto(row.transaction.made_at().wall()), NewestSeen(edit, record));
    if (edit.has_comment()) {
      for (v1::CommentPost& post : *edit.mutable_comment()->mutable_posts()) {
        post.set_member_id(member.str());
        *post.mutable_posted_at() = ToProto(authored.made_at);
      }
    }
    if (record.kind() == 0) {
      record.set_created_by(member.str());
      *record.mutable_created_at() = ToProto(authored.made_at);
    }
    return Merge(authored, record);
  }

  // What is shown of `id`: `confirmed` with the outbox on top.
  StoredRecord Shown(const RecordId& id, const v1::Record& confirmed) const {
    StoredRecord record = RecordFromWire(confirmed);
    const auto edited = positions.find(id);
    if (edited == positions.end()) return record;
    for (uint64_t position : edited->second) {
      const Row& row = outbox.at(position);
      for (int i = 0; i < row.transaction.edits_size(); ++i) {
        if (row.transaction.edits(i).record_id() == id.bytes()) LayOver(row, i, record);
      }
    }
    return record;
  }

  // The same for the screen. nullopt: there is nothing to show.
  absl::optional<ShownRecord> Show(const RecordId& id, v1::Record confirmed) const {
    ShownRecord shown;
    const auto edited = positions.find(id);
    if (edited == positions.end()) {
      if (confirmed.record_id().empty()) return absl::nullopt;
      shown.record = std::move(confirmed);
      return shown;
    }
    const StoredRecord record = Shown(id, confirmed);
    if (record.kind() == 0) return absl::nullopt;
    CHECK(RecordToWire(id.bytes(), record, shown.record));
    shown.pending = std::any_of(edited->second.begin(), edited->second.end(),
                                [this](uint64_t p) { return outbox.at(p).revision == 0; });
    return shown;
  }
};

// One atomic change of a family: what goes to disk, and what memory takes over once it is there.
struct Replica::Update {
  explicit Update(const Family& family)
      : family(family), stored(family.stored), sent(family.sent), attention(family.attention) {}

  void PutOutbox(uint64_t position, Row row) {
    if (row.revision == 0 || !Planted("pending_mark_not_told")) Touch(row);
    batch.Put(kOutboxColumn, PositionKey(family.id, position), row.ToStored().SerializeAsString());
    outbox[position] = std::move(row);
  }

  void RemoveOutbox(uint64_t position, const Row& row) {
    Touch(row);
    batch.Delete(kOutboxColumn, PositionKey(family.id, position));
    outbox[position] = absl::nullopt;
  }

  void Move(uint64_t position, const Row& row, Column to, const DeviceTransaction& stored_row) {
    RemoveOutbox(position, row);
    batch.Put(to, PositionKey(family.id, position), stored_row.SerializeAsString());
    ++(to == kSentColumn ? sent : attention);
  }

  // Makes the transaction at `position` pending again, in whichever column it is.
  void Reopen(Column from, uint64_t position, Row row) {
    if (from != kOutboxColumn) {
      batch.Delete(from, PositionKey(family.id, position));
      if (!Planted("counts_drift")) --(from == kSentColumn ? sent : attention);
    }
    row.revision = 0;
    row.lineage.clear();
    PutOutbox(position, std::move(row));
  }

  // Seals the transaction as the next one of the family's replica and appends it.
  void Append(v1::Transaction transaction) {
    SealTransaction(stored.last_seq() + 1, stored.last_hash(), transaction);
    stored.set_last_seq(transaction.seq());
    stored.set_last_hash(transaction.hash());
    stored.set_last_position(stored.last_position() + 1);
    PutOutbox(stored.last_position(), Row{pairing().replica_id(), std::move(transaction)});
  }

  // A record with edits of this replica that it does not know shows that this phone was set back or
  // cloned. Further taps must not be named like those: they go on after them, with a chain that
  // fits to nothing, so that the server answers with a fork.
  void LeaveNamesTaken(const v1::Record& record) {
    const auto leave = [this](const v1::EditId& edit) {
      if (edit.replica_id() != pairing().replica_id() || edit.seq() <= stored.last_seq()) return;
      if (Planted("names_used_again_after_set_back")) return;
      stored.set_last_seq(edit.seq());
      stored.clear_last_hash();
    };
    for (const v1::Group& group : record.groups()) {
      for (const v1::Version& version : group.versions()) {
        leave(version.edit());
        if (Planted("agreed_name_used_again")) continue;
        for (const v1::EditId& agreed : version.agreed()) leave(agreed);
      }
    }
  }

  // New taps are made under the pairing's replica id from now on.
  void SetPairing(v1::Pairing pairing) {
    if (pairing.replica_id() != this->pairing().replica_id()) {
      stored.clear_last_seq();
      stored.clear_last_hash();
    }
    pairing.clear_device_token();
    stored.set_pairing(pairing.SerializeAsString());
    new_pairing = std::move(pairing);
  }

  // The role is what one's own record says now: another device may have joined with another one.
  void TakeRole(const v1::Record& member) {
    const v1::Role role = member.member().role();
    if (role == v1::ROLE_UNSPECIFIED || role == pairing().role()) return;
    v1::Pairing changed_pairing = pairing();
    changed_pairing.set_role(role);
    SetPairing(std::move(changed_pairing));
  }

  const v1::Pairing& pairing() const {
    return new_pairing.has_value() ? *new_pairing : family.pairing;
  }

  // Appends what is pending under `from`, or under any id, anew under the pairing's replica id, in
  // its order, and rewrites what refers to it: what was tapped later under another id, and what
  // followed under that, was not sent yet.
  void Rehome(const absl::optional<ReplicaId>& from) {
    std::map<uint64_t, Row> pending;
    for (const auto& [position, row] : family.outbox) {
      if (outbox.count(position) == 0) pending.emplace(position, row);
    }
    for (const auto& [position, row] : outbox) {
      if (row.has_value()) pending.emplace(position, *row);
    }
    std::map<std::pair<std::string, uint64_t>, uint64_t> new_seqs;
    const auto names_moved = [&](const Row& row) {
      for (const v1::Edit& edit : row.transaction.edits()) {
        for (const v1::EditId& saw : edit.saw()) {
          if (new_seqs.count({saw.replica_id(), saw.seq()}) > 0) return true;
        }
      }
      return false;
    };
    std::set<std::string> moving;
    if (from.has_value()) moving.insert(from->str());
    for (const auto& [position, row] : pending) {
      if (row.revision != 0) continue;
      if (from.has_value() && moving.count(row.replica_id) == 0 && !names_moved(row)) continue;
      moving.insert(row.replica_id);
      // An edit may also name one before it in its own transaction.
      new_seqs[{row.replica_id, row.transaction.seq()}] = stored.last_seq() + 1;
      v1::Transaction transaction = row.transaction;
      for (v1::Edit& edit : *transaction.mutable_edits()) {
        for (v1::EditId& saw : *edit.mutable_saw()) {
          const auto seq = new_seqs.find({saw.replica_id(), saw.seq()});
          if (seq == new_seqs.end() || Planted("saw_not_renamed")) continue;
          saw.set_replica_id(pairing().replica_id());
          saw.set_seq(seq->second);
        }
      }
      RemoveOutbox(position, row);
      Append(std::move(transaction));
    }
  }

  // Removes all records that the device has of the family.
  absl::Status RemoveRecords(const ReadView& view) {
    auto it = ScanFamily(view, kRecordColumn, family.id);
    for (; it->Valid(); it->Next()) {
      if (Planted("screen_not_told_of_a_reset")) break;
      changed.insert(RecordId(it->key().substr(FamilyId::kSize)));
    }
    RETURN_IF_ERROR(it->status());
    if (!Planted("reset_keeps_old_records")) {
      batch.DeleteRange(kRecordColumn, family.id.bytes(), FamilyLimit(family.id));
    }
    return absl::OkStatus();
  }

  // The records here are those of the bookmark, and add up to `hash`.
  void SetCursor(const v1::Bookmark& bookmark, const StateHash& hash) {
    stored.set_lineage(bookmark.cursor().lineage());
    stored.set_revision(bookmark.cursor().revision());
    stored.set_state_hash(hash.bytes());
    if (!Planted("backup_not_noted")) stored.set_backed_up_revision(bookmark.backed_up_revision());
    stored.clear_follow_from_nothing();
    if (!Planted("closed_for_good")) stored.clear_closed();
  }

  // The cursor goes to the bookmark, and what was tapped here goes on from there.
  absl::Status TakeBookmark(const ReadView& view, const Followed& followed, const StateHash& hash) {
    SetCursor(*followed.bookmark, hash);
    const bool rehome = stored.rehome_at_bookmark();
    if (rehome) {
      // What was tapped since was not sent; it may have to come after what the server lost.
      stored.clear_rehome_at_bookmark();
      stored.clear_last_seq();
      stored.clear_last_hash();
    }
    const auto own = followed.records.find(RecordId(pairing().member_id()));
    if (own != followed.records.end()) TakeRole(*own->second);
    for (const auto& [record, wire] : followed.records) LeaveNamesTaken(*wire);
    if (followed.new_lineage || (family.stored.follow_from_nothing() && !rehome)) {
      RETURN_IF_ERROR(ReopenAll(view));
    } else {
      SettleOutbox();
      RETURN_IF_ERROR(ForgetBackedUp(view));
    }
    if (family.attention > 0 && !Planted("rejected_edit_not_pushed_again")) {
      RETURN_IF_ERROR(ReopenRejected(view, followed.records));
    }
    if (rehome) Rehome(absl::nullopt);
    return absl::OkStatus();
  }

  // The server may have lost what it had acknowledged: all of it is pushed again. It knows what it
  // has.
  absl::Status ReopenAll(const ReadView& view) {
    for (Column column : {kOutboxColumn, kSentColumn}) {
      auto it = ScanFamily(view, column, family.id);
      for (; it->Valid(); it->Next()) {
        ASSIGN_OR_RETURN(Row row, Row::Parse(it->value()));
        if (Planted("sent_not_pushed_again") && column == kSentColumn) continue;
        const uint64_t position = PositionOf(it->key());
        if (column == kOutboxColumn && row.lineage == stored.lineage() && row.revision != 0 &&
            row.revision <= stored.revision()) {
          Move(position, row, kSentColumn, row.ToStored());  // taken since
        } else {
          Reopen(column, position, std::move(row));
        }
      }
      RETURN_IF_ERROR(it->status());
    }
    return absl::OkStatus();
  }

  // What was acknowledged and is in the records now leaves the outbox.
  void SettleOutbox() {
    for (const auto& [position, row] : family.outbox) {
      if (row.revision == 0) continue;
      if (!row.lineage.empty() && row.lineage != stored.lineage() &&
          !Planted("acknowledged_by_what_was_lost")) {
        // Acknowledged before the first bookmark, by what the server has lost since.
        Reopen(kOutboxColumn, position, row);
      } else if (row.revision <= stored.revision()) {
        Move(position, row, kSentColumn, row.ToStored());
      }
    }
  }

  // What a backup of the server has need not be kept here.
  absl::Status ForgetBackedUp(const ReadView& view) {
    auto it = ScanFamily(view, kSentColumn, family.id);
    for (; it->Valid(); it->Next()) {
      DeviceTransaction row;
      RETURN_IF_ERROR(ParseRow(it->value(), row));
      if (Planted("sent_kept_for_ever")) break;
      if (row.revision() > stored.backed_up_revision() && sent <= kSentMax &&
          !Planted("sent_forgotten_before_backup")) {
        break;
      }
      batch.Delete(kSentColumn, it->key());
      --sent;
    }
    return it->status();
  }

  // Reopens what was rejected for want of a record that has come now.
  absl::Status ReopenRejected(const ReadView& view,
                              const std::map<RecordId, const v1::Record*>& come) {
    auto it = ScanFamily(view, kAttentionColumn, family.id);
    for (; it->Valid(); it->Next()) {
      DeviceTransaction rejected;
      google::rpc::Status status;
      RETURN_IF_ERROR(ParseRow(it->value(), rejected));
      RETURN_IF_ERROR(ParseRow(rejected.status(), status));
      ASSIGN_OR_RETURN(Row row, Row::Parse(it->value()));
      const absl::optional<RecordId> lacked = LackedRecord(row.transaction, status);
      if (!lacked.has_value() || come.count(*lacked) == 0) continue;
      Reopen(kAttentionColumn, PositionOf(it->key()), std::move(row));
    }
    return it->status();
  }

  void Touch(const Row& row) {
    for (const RecordId& record : RecordsOf(row.transaction)) changed.insert(record);
  }

  const Family& family;
  WriteBatch batch;
  DeviceFamily stored;
  absl::optional<v1::Pairing> new_pairing;
  std::map<uint64_t, absl::optional<Row>> outbox;  // nullopt: removed
  uint64_t sent;
  uint64_t attention;
  std::set<RecordId> changed;  // shown differently
};

Replica::Replica(std::unique_ptr<Engine> engine, const DeviceClock& clock)
    : engine_(std::move(engine)), clock_(clock) {}

Replica::~Replica() = default;

absl::StatusOr<std::unique_ptr<Replica>> Replica::Open(const std::string& path,
                                                       const DeviceClock& clock) {
  absl::StatusOr<std::unique_ptr<Engine>> engine =
      RocksdbEngine::Open(path, kColumnNames, PhoneOptions());
  if (!engine.ok()) return OfThisDevice(engine.status());
  return Open(*std::move(engine), clock);
}

absl::StatusOr<std::unique_ptr<Replica>> Replica::Open(std::unique_ptr<Engine> engine,
                                                       const DeviceClock& clock) {
  auto replica = std::unique_ptr<Replica>(new Replica(std::move(engine), clock));
  absl::MutexLock lock(&replica->mu_);
  RETURN_IF_ERROR(replica->Load());
  return replica;
}

absl::Status Replica::Load() {
  const std::unique_ptr<ReadView> view = engine_->Snapshot();
  ASSIGN_OR_RETURN(const absl::optional<std::string> head, view->Get(kDeviceColumn, kHeadKey));
  if (head.has_value()) {
    RETURN_IF_ERROR(ParseRow(*head, head_));
    if (head_.format_version() > kFormatVersion) {
      return absl::FailedPreconditionError(absl::StrCat(
          "this device's database has format ", head_.format_version(),
          " and this nightlog reads up to ", kFormatVersion, ": install a newer nightlog"));
    }
  }
  head_.set_format_version(kFormatVersion);
  auto families = view->Scan(kFamilyColumn, "", "");
  for (; families->Valid(); families->Next()) {
    auto family = std::make_unique<Family>();
    family->id = FamilyId(families->key());
    RETURN_IF_ERROR(ParseRow(families->value(), family->stored));
    RETURN_IF_ERROR(ParseRow(family->stored.pairing(), family->pairing));
    auto rows = ScanFamily(*view, kOutboxColumn, family->id);
    for (; rows->Valid(); rows->Next()) {
      ASSIGN_OR_RETURN(Row row, Row::Parse(rows->value()));
      family->PutRow(PositionOf(rows->key()), std::move(row));
    }
    RETURN_IF_ERROR(rows->status());
    auto sent = ScanFamily(*view, kSentColumn, family->id);
    for (; sent->Valid(); sent->Next()) ++family->sent;
    RETURN_IF_ERROR(sent->status());
    auto attention = ScanFamily(*view, kAttentionColumn, family->id);
    for (; attention->Valid(); attention->Next()) ++family->attention;
    RETURN_IF_ERROR(attention->status());
    families_[family->id] = std::move(family);
  }
  return families->status();
}

absl::StatusOr<Replica::Family*> Replica::Find(const FamilyId& family) const {
  const auto found = families_.find(family);
  if (found == families_.end()) {
    return MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                     "this device is not paired with that family; join it with an invite");
  }
  return found->second.get();
}

absl::Status Replica::WriteBatchOrBreak(const WriteBatch& batch) {
  RETURN_IF_ERROR(broken_);
  broken_ = OfThisDevice(engine_->Write(batch));
  return broken_;
}

absl::Status Replica::Commit(Family& family, const Update& update) {
  WriteBatch batch = update.batch;
  batch.Put(kFamilyColumn, family.id.bytes(), update.stored.SerializeAsString());
  RETURN_IF_ERROR(WriteBatchOrBreak(batch));
  family.stored = update.stored;
  if (update.new_pairing.has_value()) family.pairing = *update.new_pairing;
  for (const auto& [position, row] : update.outbox) {
    if (row.has_value()) {
      family.PutRow(position, *row);
    } else {
      family.RemoveRow(position);
    }
  }
  family.sent = update.sent;
  family.attention = update.attention;
  return absl::OkStatus();
}

void Replica::Tell(const FamilyId& family, const std::set<RecordId>& changed) {
  absl::MutexLock lock(&observers_mu_);
  for (Observer* observer : observers_) {
    if (!changed.empty()) observer->OnRecordsChanged(family, changed);
    observer->OnFamilyChanged(family);
  }
}

void Replica::AddObserver(Observer* observer) {
  absl::MutexLock lock(&observers_mu_);
  observers_.insert(observer);
}

void Replica::RemoveObserver(Observer* observer) {
  absl::MutexLock lock(&observers_mu_);
  observers_.erase(observer);
}

DeviceSettings Replica::settings() const {
  absl::MutexLock lock(&mu_);
  return {head_.server_address(), head_.ca_file(), head_.device_token()};
}

absl::Status Replica::SetSettings(const DeviceSettings& settings) {
  absl::MutexLock lock(&mu_);
  storage::v1::DeviceHead head = head_;
  head.set_server_address(settings.server_address);
  head.set_ca_file(settings.ca_file);
  head.set_device_token(settings.device_token);
  return WriteHead(std::move(head));
}

std::string Replica::pairing_request() const {
  absl::MutexLock lock(&mu_);
  return head_.pairing_request();
}

absl::Status Replica::SavePairingRequest(const std::string& request) {
  absl::MutexLock lock(&mu_);
  storage::v1::DeviceHead head = head_;
  head.set_pairing_request(request);
  return WriteHead(std::move(head));
}

absl::StatusOr<std::string> Replica::NextToken(Random& random) {
  absl::MutexLock lock(&mu_);
  if (head_.next_device_token().empty()) {
    storage::v1::DeviceHead head = head_;
    head.set_next_device_token(absl::WebSafeBase64Escape(random.Bytes(kTokenBytes)));
    RETURN_IF_ERROR(WriteHead(std::move(head)));
  }
  return head_.next_device_token();
}

absl::Status Replica::TakeNextToken(const std::string& token) {
  absl::MutexLock lock(&mu_);
  if (head_.next_device_token() != token) return absl::OkStatus();
  storage::v1::DeviceHead head = head_;
  if (!Planted("previous_token_forgotten")) {
    head.set_previous_device_token(head_.device_token());
  }
  head.set_device_token(token);
  head.clear_next_device_token();
  *head.mutable_token_since() = clock_.Read().wall();
  return WriteHead(std::move(head));
}

std::string Replica::previous_token() const {
  absl::MutexLock lock(&mu_);
  return head_.previous_device_token();
}

absl::Time Replica::token_since() const {
  absl::MutexLock lock(&mu_);
  return FromProto(head_.token_since());
}

absl::Status Replica::WriteHead(storage::v1::DeviceHead head) {
  WriteBatch batch;
  batch.Put(kDeviceColumn, kHeadKey, head.SerializeAsString());
  RETURN_IF_ERROR(WriteBatchOrBreak(batch));
  head_ = std::move(head);
  return absl::OkStatus();
}

absl::Status Replica::AddFamily(const v1::Pairing& pairing) {
  if (!FamilyId::IsId(pairing.family_id()) || !MemberId::IsId(pairing.member_id()) ||
      !ReplicaId::IsId(pairing.replica_id())) {
    return absl::InternalError("the server's pairing lacks an id");
  }
  const FamilyId id(pairing.family_id());
  std::set<RecordId> changed;
  {
    absl::MutexLock lock(&mu_);
    const auto found = families_.find(id);
    auto added = std::make_unique<Family>();
    added->id = id;
    Family& family = found == families_.end() ? *added : *found->second;
    Update update(family);
    if (found != families_.end()) {
      if (family.pairing.replica_id() != pairing.replica_id()) {
        update.stored.set_rehome_at_bookmark(true);
      }
      update.stored.set_follow_from_nothing(true);
      update.stored.clear_closed();
    }
    update.SetPairing(pairing);
    storage::v1::DeviceHead head = head_;
    if (!pairing.device_token().empty()) {
      head.set_device_token(pairing.device_token());
      head.clear_next_device_token();
      head.clear_previous_device_token();
      *head.mutable_token_since() = clock_.Read().wall();
    }
    head.clear_pairing_request();
    update.batch.Put(kDeviceColumn, kHeadKey, head.SerializeAsString());
    RETURN_IF_ERROR(Commit(family, update));
    head_ = std::move(head);
    if (found == families_.end()) families_[id] = std::move(added);
    changed = std::move(update.changed);
  }
  Tell(id, changed);
  return absl::OkStatus();
}

absl::Status Replica::ForgetFamily(const FamilyId& family) {
  std::vector<Engine::KeyRange> ranges;
  {
    absl::MutexLock lock(&mu_);
    RETURN_IF_ERROR(Find(family).status());
    WriteBatch batch;
    for (Column column :
         {kFamilyColumn, kRecordColumn, kOutboxColumn, kSentColumn, kAttentionColumn}) {
      ranges.push_back({column, family.str(), FamilyLimit(family)});
      batch.DeleteRange(column, ranges.back().start, ranges.back().limit);
    }
    RETURN_IF_ERROR(WriteBatchOrBreak(batch));
    families_.erase(family);
  }
  Tell(family, {});
  std::atomic<bool> stop{false};
  return OfThisDevice(engine_->Purge(ranges, stop));
}

std::vector<FamilyId> Replica::Families() const {
  absl::MutexLock lock(&mu_);
  std::vector<FamilyId> ids;
  for (const auto& [id, family] : families_) ids.push_back(id);
  return ids;
}

absl::StatusOr<FamilyState> Replica::FamilyStateOf(const FamilyId& id) const {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Family* family, Find(id));
  FamilyState state;
  state.pairing = family->pairing;
  state.cursor.set_lineage(family->stored.lineage());
  state.cursor.set_revision(family->stored.revision());
  state.state_hash = family->stored.state_hash();
  state.pending = family->pending;
  state.needs_attention = family->attention;
  state.backed_up_revision = family->stored.backed_up_revision();
  state.resyncs = family->stored.resyncs();
  state.closed = family->stored.closed();
  return state;
}

namespace {

absl::StatusOr<v1::Record> Confirmed(const ReadView& view, const FamilyId& family,
                                     const RecordId& record) {
  v1::Record confirmed;
  ASSIGN_OR_RETURN(const absl::optional<std::string> row,
                   view.Get(kRecordColumn, RecordKey(family, record)));
  if (row.has_value()) RETURN_IF_ERROR(ParseRow(*row, confirmed));
  return confirmed;
}

}  // namespace

absl::StatusOr<absl::optional<ShownRecord>> Replica::Get(const FamilyId& id,
                                                         const RecordId& record) const {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Family* family, Find(id));
  ASSIGN_OR_RETURN(v1::Record confirmed, Confirmed(*engine_->Snapshot(), id, record));
  return family->Show(record, std::move(confirmed));
}

absl::StatusOr<std::vector<ShownRecord>> Replica::List(const FamilyId& id, uint32_t kind) const {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Family* family, Find(id));
  const std::unique_ptr<ReadView> view = engine_->Snapshot();
  std::map<RecordId, v1::Record> confirmed;
  for (const auto& [record, positions] : family->positions) confirmed[record];
  auto it = ScanFamily(*view, kRecordColumn, id);
  for (; it->Valid(); it->Next()) {
    RETURN_IF_ERROR(ParseRow(it->value(), confirmed[RecordId(it->key().substr(FamilyId::kSize))]));
  }
  RETURN_IF_ERROR(it->status());
  std::vector<ShownRecord> records;
  for (auto& [record, wire] : confirmed) {
    if (!wire.record_id().empty() && wire.body_case() != static_cast<int>(kind)) continue;
    absl::optional<ShownRecord> shown = family->Show(record, std::move(wire));
    if (shown.has_value() && shown->record.body_case() == static_cast<int>(kind)) {
      records.push_back(*std::move(shown));
    }
  }
  return records;
}

absl::Status Replica::Write(const FamilyId& family, const Tap& tap) {
  return Write(family, absl::MakeConstSpan(&tap, 1));
}

absl::Status Replica::Write(const FamilyId& id, absl::Span<const Tap> taps) {
  std::set<RecordId> changed;
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(Family * family, Find(id));
    const std::unique_ptr<ReadView> view = engine_->Snapshot();
    const v1::ClockReading now = clock_.Read();
    Update update(*family);
    std::map<RecordId, StoredRecord> shown;  // with the taps before
    std::vector<FieldViolation> violations;
    for (const Tap& tap : taps) {
      if (tap.changes().empty() || tap.changes().size() > kTransactionEditsMax) {
        violations.push_back(MakeViolation("edits", "has no or too many elements; 1 to 64"));
      }
      Row row{family->pairing.replica_id(), v1::Transaction()};
      row.transaction.set_seq(update.stored.last_seq() + 1);
      *row.transaction.mutable_made_at() = now;
      row.transaction.mutable_made_at_cursor()->set_lineage(family->stored.lineage());
      if (!Planted("tap_forgets_what_was_seen"))
        row.transaction.mutable_made_at_cursor()->set_revision(family->stored.revision());
      std::set<RecordId> created;
      for (const Tap::Change& change : tap.changes()) {
        const int index = row.transaction.edits_size();
        const std::string path = absl::StrCat("edits[", index, "]");
        ValidateEdit(change.edit, path, violations);
        if (!violations.empty()) return InvalidFieldsError(violations);
        const RecordId record(change.edit.record_id());
        auto found = shown.find(record);
        if (found == shown.end()) {
          ASSIGN_OR_RETURN(const v1::Record confirmed, Confirmed(*view, id, record));
          found = shown.emplace(record, family->Shown(record, confirmed)).first;
          if (Planted("saw_without_own_pending")) found->second = RecordFromWire(confirmed);
        }
        StoredRecord& state = found->second;
        const uint32_t kind = KindOf(change.edit);
        if (kind == 0 && state.kind() == 0) {
          violations.push_back(MakeViolation(path, "is about a record that does not exist"));
        } else if (state.kind() == 0) {
          created.insert(record);
        } else if (!IsEditable(state.kind()) || (kind != 0 && kind != state.kind())) {
          violations.push_back(MakeViolation(path, "is of another kind than the record"));
        }
        if (!violations.empty()) return InvalidFieldsError(violations);
        *row.transaction.add_edits() = WithSaw(change, state);
        family->LayOver(row, index, state);
      }
      for (const RecordId& record : created) {
        ValidateNewRecord(shown.at(record), absl::StrCat("record ", record.hex()), violations);
      }
      if (!violations.empty()) return InvalidFieldsError(violations);
      update.Append(std::move(row.transaction));
    }
    RETURN_IF_ERROR(Commit(*family, update));
    changed = std::move(update.changed);
  }
  Tell(id, changed);
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<LocalChange>> Replica::NewestLocalChange(
    const FamilyId& id, const RecordId& record) const {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Family* family, Find(id));
  ASSIGN_OR_RETURN(const v1::Record confirmed, Confirmed(*engine_->Snapshot(), id, record));
  StoredRecord state = RecordFromWire(confirmed);
  absl::optional<LocalChange> newest;
  const auto edited = family->positions.find(record);
  if (edited == family->positions.end()) return newest;
  for (const uint64_t position : edited->second) {
    const Row& row = family->outbox.at(position);
    LocalChange change;
    change.made_record = state.kind() == 0 && !Planted("undo_does_not_see_what_was_made");
    change.change.set_member_id(family->pairing.member_id());
    *change.change.mutable_made_at() = row.transaction.made_at().wall();
    for (int i = 0; i < row.transaction.edits_size(); ++i) {
      const v1::Edit& edit = row.transaction.edits(i);
      if (edit.record_id() != record.bytes()) continue;
      const absl::optional<MergeOutcome> merged = family->LayOver(row, i, state);
      if (!merged.has_value()) continue;
      v1::EditOutcome& outcome = *change.change.add_outcomes();
      *outcome.mutable_edit() = ToWire(row.IdOf(i));
      *outcome.mutable_change() = edit;
      outcome.set_effect(merged->effect);
      for (const storage::v1::StoredVersion& replaced : merged->replaced) {
        *outcome.add_replaced() = VersionToWire(state.kind(), edit.group(), replaced);
      }
    }
    if (change.change.outcomes_size() > 0) newest = std::move(change);
  }
  return newest;
}

absl::StatusOr<absl::optional<LastTap>> Replica::NewestTap(const FamilyId& id) const {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Family* family, Find(id));
  absl::optional<Row> newest;
  if (!family->outbox.empty()) {
    newest = family->outbox.rbegin()->second;
  } else {
    auto sent = engine_->Snapshot();
    const auto it = sent->Scan(kSentColumn, id.bytes(), FamilyLimit(id), ScanOrder::kDescending);
    RETURN_IF_ERROR(it->status());
    if (it->Valid()) {
      ASSIGN_OR_RETURN(newest, Row::Parse(it->value()));
    }
  }
  absl::optional<LastTap> tap;
  if (!newest.has_value()) return tap;
  tap.emplace();
  tap->replica = ReplicaId(newest->replica_id);
  tap->seq = newest->transaction.seq();
  for (const RecordId& record : RecordsOf(newest->transaction)) tap->records.push_back(record);
  return tap;
}

absl::StatusOr<std::vector<NeedsAttention>> Replica::ListNeedsAttention(const FamilyId& id) const {
  absl::MutexLock lock(&mu_);
  RETURN_IF_ERROR(Find(id).status());
  const std::unique_ptr<ReadView> view = engine_->Snapshot();
  std::vector<NeedsAttention> list;
  auto it = ScanFamily(*view, kAttentionColumn, id);
  for (; it->Valid(); it->Next()) {
    DeviceTransaction stored;
    google::rpc::Status status;
    NeedsAttention item;
    RETURN_IF_ERROR(ParseRow(it->value(), stored));
    RETURN_IF_ERROR(ParseRow(stored.transaction(), item.transaction));
    RETURN_IF_ERROR(ParseRow(stored.status(), status));
    item.position = PositionOf(it->key());
    item.status = FromRpcStatus(status);
    list.push_back(std::move(item));
  }
  RETURN_IF_ERROR(it->status());
  return list;
}

absl::Status Replica::Discard(const FamilyId& id, uint64_t position) {
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(Family * family, Find(id));
    const std::string key = PositionKey(id, position);
    ASSIGN_OR_RETURN(const absl::optional<std::string> row,
                     engine_->Snapshot()->Get(kAttentionColumn, key));
    if (!row.has_value()) return absl::NotFoundError("nothing needs attention at that position");
    Update update(*family);
    update.batch.Delete(kAttentionColumn, key);
    --update.attention;
    RETURN_IF_ERROR(Commit(*family, update));
  }
  Tell(id, {});
  return absl::OkStatus();
}

absl::StatusOr<std::map<uint64_t, v1::Transaction>> Replica::ListNotShared(
    const FamilyId& id) const {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Family* family, Find(id));
  std::map<uint64_t, v1::Transaction> taps;
  for (const auto& [position, row] : family->NotShared()) {
    taps.emplace(position, row->transaction);
  }
  return taps;
}

absl::Status Replica::DiscardNotShared(const FamilyId& id,
                                       const std::map<uint64_t, v1::Transaction>& taps) {
  std::set<RecordId> changed;
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(Family * family, Find(id));
    const std::map<uint64_t, const Row*> waiting = family->NotShared();
    if (!std::equal(waiting.begin(), waiting.end(), taps.begin(), taps.end(),
                    [](const auto& a, const auto& b) { return a.first == b.first; })) {
      return absl::FailedPreconditionError("other taps wait by now; look again");
    }
    Update update(*family);
    for (const auto& [position, row] : waiting) update.RemoveOutbox(position, *row);
    changed = update.changed;
    RETURN_IF_ERROR(Commit(*family, update));
  }
  Tell(id, changed);
  return absl::OkStatus();
}

absl::StatusOr<absl::optional<v1::PushRequest>> Replica::NextPush(const FamilyId& id) const {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Family* family, Find(id));
  if (family->stored.rehome_at_bookmark()) return absl::optional<v1::PushRequest>();
  v1::PushRequest request;
  request.set_family_id(id.str());
  size_t bytes = 0;
  for (const auto& [position, row] : family->outbox) {
    if (row.revision != 0) continue;
    if (request.transactions().empty()) request.set_replica_id(row.replica_id);
    bytes += row.transaction.ByteSizeLong();
    if (row.replica_id != request.replica_id() ||
        request.transactions_size() == kPushTransactionsMax ||
        (bytes > kPushBytesMax && !request.transactions().empty())) {
      break;
    }
    *request.add_transactions() = row.transaction;
  }
  if (request.transactions().empty()) return absl::optional<v1::PushRequest>();
  return absl::optional<v1::PushRequest>(std::move(request));
}

absl::StatusOr<bool> Replica::Reopen(const Family& family, const std::string& replica,
                                     uint64_t expected, Update& update) const {
  const std::unique_ptr<ReadView> view = engine_->Snapshot();
  bool found = false;
  for (Column column : {kOutboxColumn, kSentColumn, kAttentionColumn}) {
    auto it = ScanFamily(*view, column, family.id);
    for (; it->Valid(); it->Next()) {
      ASSIGN_OR_RETURN(Row row, Row::Parse(it->value()));
      if (row.replica_id != replica || row.transaction.seq() < expected) continue;
      found = found || row.transaction.seq() == expected;
      update.Reopen(column, PositionOf(it->key()), std::move(row));
    }
    RETURN_IF_ERROR(it->status());
  }
  return found;
}

absl::StatusOr<PushStep> Replica::ApplyVerdicts(const v1::PushRequest& request,
                                                const v1::PushResponse& response) {
  const absl::Status nonsense = absl::InternalError("the server's answer to a push makes no sense");
  if (response.verdicts().empty()) return nonsense;
  if (response.verdicts_size() > request.transactions_size()) return nonsense;
  const FamilyId id(request.family_id());
  PushStep step = PushStep::kGoOn;
  std::set<RecordId> changed;
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(Family * family, Find(id));
    std::map<uint64_t, uint64_t> positions;  // by seq, of what is pending
    for (const auto& [position, row] : family->outbox) {
      if (row.revision == 0 && row.replica_id == request.replica_id()) {
        positions[row.transaction.seq()] = position;
      }
    }
    // The server may have been restored since: its revisions then say nothing about the records
    // here.
    const bool same_lineage = response.lineage().empty() ||
                              response.lineage() == family->stored.lineage() ||
                              Planted("verdict_of_another_lineage_counts");
    Update update(*family);
    for (int i = 0; i < response.verdicts_size(); ++i) {
      const v1::Verdict& verdict = response.verdicts(i);
      if (verdict.seq() != request.transactions(i).seq()) return nonsense;
      const auto position = positions.find(verdict.seq());
      if (position == positions.end()) continue;  // answered before
      Row row = family->outbox.at(position->second);
      DeviceTransaction stored = row.ToStored();
      switch (verdict.outcome_case()) {
        case v1::Verdict::kCommitted:
          row.revision = verdict.committed().revision();
          row.lineage = response.lineage();
          stored = row.ToStored();
          if (row.revision == 0) return nonsense;
          if (Planted("outbox_row_removed_on_acknowledgement")) {
            update.RemoveOutbox(position->second, row);
            continue;
          }
          if (same_lineage && row.revision <= family->stored.revision()) {
            update.Move(position->second, row, kSentColumn, stored);
          } else {
            update.PutOutbox(position->second, std::move(row));
          }
          continue;
        case v1::Verdict::kRejected: {
          const absl::optional<RecordId> lacked =
              LackedRecord(row.transaction, verdict.rejected().status());
          if (same_lineage && lacked.has_value()) {
            ASSIGN_OR_RETURN(const v1::Record confirmed,
                             Confirmed(*engine_->Snapshot(), id, *lacked));
            if (!confirmed.record_id().empty()) continue;  // came meanwhile: once more
          }
          if (!Planted("rejected_without_its_reason")) {
            stored.set_status(verdict.rejected().status().SerializeAsString());
          }
          if (Planted("rejected_tap_dropped")) {
            update.RemoveOutbox(position->second, row);
            continue;
          }
          update.Move(position->second, row, kAttentionColumn, stored);
          continue;
        }
        case v1::Verdict::kQuarantined:
          if (Planted("quarantined_tap_dropped")) {
            update.RemoveOutbox(position->second, row);
            continue;
          }
          update.Move(position->second, row, kAttentionColumn, stored);
          continue;
        case v1::Verdict::kGap: {
          if (verdict.gap().expected_seq() >= verdict.seq()) return nonsense;
          ASSIGN_OR_RETURN(const bool held, Reopen(*family, request.replica_id(),
                                                   verdict.gap().expected_seq(), update));
          if (!held) step = PushStep::kRenewReplica;
          break;
        }
        case v1::Verdict::kForked:
          step = PushStep::kRenewReplica;
          break;
        case v1::Verdict::kRetryLater:
          if (Planted("retry_later_dropped")) {
            update.RemoveOutbox(position->second, row);
            continue;
          }
          step = PushStep::kWait;
          break;
        default:  // an outcome of a newer server
          step = PushStep::kWait;
      }
      break;
    }
    RETURN_IF_ERROR(Commit(*family, update));
    changed = std::move(update.changed);
  }
  Tell(id, changed);
  return step;
}

absl::Status Replica::Rehome(const FamilyId& id, const ReplicaId& from, const ReplicaId& to) {
  std::set<RecordId> changed;
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(Family * family, Find(id));
    // Paired anew meanwhile: the next bookmark moves it all.
    if (family->stored.rehome_at_bookmark()) return absl::OkStatus();
    Update update(*family);
    v1::Pairing pairing = family->pairing;
    pairing.set_replica_id(to.str());
    update.SetPairing(std::move(pairing));
    update.Rehome(from);
    RETURN_IF_ERROR(Commit(*family, update));
    changed = std::move(update.changed);
  }
  Tell(id, changed);
  return absl::OkStatus();
}

absl::StatusOr<v1::FollowRequest> Replica::NextFollow(const FamilyId& id) const {
  absl::MutexLock lock(&mu_);
  ASSIGN_OR_RETURN(const Family* family, Find(id));
  v1::FollowRequest request;
  request.set_family_id(id.str());
  if (family->stored.revision() > 0 && !family->stored.follow_from_nothing()) {
    request.mutable_cursor()->set_lineage(family->stored.lineage());
    request.mutable_cursor()->set_revision(family->stored.revision());
  }
  return request;
}

absl::Status Replica::ApplyBookmark(const FamilyId& id,
                                    const std::vector<v1::FollowResponse>& messages) {
  std::set<RecordId> changed;
  absl::Status result;
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(Family * family, Find(id));
    const std::unique_ptr<ReadView> view = engine_->Snapshot();
    ASSIGN_OR_RETURN(const Followed followed, ReadFollowed(messages, family->stored));
    Update update(*family);
    StateHash hash(followed.from_nothing ? "" : family->stored.state_hash());
    if (followed.from_nothing) RETURN_IF_ERROR(update.RemoveRecords(*view));
    for (const auto& [record, wire] : followed.records) {
      if (!followed.from_nothing) {
        ASSIGN_OR_RETURN(const v1::Record old, Confirmed(*view, id, record));
        hash.Remove(old.digest());
      }
      hash.Add(wire->digest());
      update.batch.Put(kRecordColumn, RecordKey(id, record), wire->SerializeAsString());
      if (Planted("transaction_split")) RETURN_IF_ERROR(WriteBatchOrBreak(update.batch));
      update.changed.insert(record);
    }
    if (hash == StateHash(followed.bookmark->state_hash()) || Planted("state_hash_not_compared")) {
      if (Planted("cursor_stored_before_the_records")) {
        Update early(*family);
        early.SetCursor(*followed.bookmark, hash);
        RETURN_IF_ERROR(Commit(*family, early));
      }
      RETURN_IF_ERROR(update.TakeBookmark(*view, followed, hash));
      RETURN_IF_ERROR(Commit(*family, update));
      changed = std::move(update.changed);
    } else {
      Update again(*family);
      again.stored.set_follow_from_nothing(true);
      again.stored.set_resyncs(family->stored.resyncs() + 1);
      RETURN_IF_ERROR(Commit(*family, again));
      result = followed.from_nothing
                   ? MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED,
                               "the server's records do not add up to its state hash")
                   : absl::AbortedError(
                         "the records here differ from the server's; following "
                         "from the beginning");
    }
  }
  Tell(id, changed);
  return result;
}

absl::Status Replica::SetClosed(const FamilyId& id, const std::string& message) {
  {
    absl::MutexLock lock(&mu_);
    ASSIGN_OR_RETURN(Family * family, Find(id));
    Update update(*family);
    if (!Planted("end_of_access_not_told")) {
      update.stored.set_closed(message.empty() ? "access ended" : message);
    }
    RETURN_IF_ERROR(Commit(*family, update));
  }
  Tell(id, {});
  return absl::OkStatus();
}

}  // namespace nightlog
