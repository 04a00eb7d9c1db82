#include "storage/repair.h"

#include <algorithm>
#include <map>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "google/protobuf/empty.pb.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/column_families.h"
#include "storage/core/hash.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/family_writer.h"
#include "storage/keys.h"
#include "storage/overlay_view.h"
#include "storage/store.h"

namespace nightlog {
namespace {

using storage::v1::FamilyHead;
using storage::v1::JournalEntry;
using storage::v1::StoredRecord;
using storage::v1::StoredVerdict;

using Rows = std::map<std::string, std::string>;

class Planner {
 public:
  Planner(const ReadView& view, const FamilyId& family, const Deriver& deriver, absl::Time now)
      : family_(family), deriver_(deriver), now_(now), view_(view), overlay_(view) {}

  absl::StatusOr<Repair> Plan() {
    RETURN_IF_ERROR(VerifyFamilyTail(view_, family_));
    ASSIGN_OR_RETURN(const absl::optional<std::string> head,
                     view_.Get(kHeadColumn, FamilyHeadKey(family_)));
    if (!head.has_value()) return Lost("the head");
    RETURN_IF_ERROR(ParseRow(*head, head_));
    RETURN_IF_ERROR(ReadJournal(
        view_, family_, head_.revision(),
        [this](uint64_t revision, const JournalEntry& entry) { return Take(revision, entry); }));
    RETURN_IF_ERROR(ReadRecords());
    PlaceRecords();
    RETURN_IF_ERROR(RestoreRowsOfRecords());
    RestoreStateHash();
    RETURN_IF_ERROR(RestoreDevices());
    RETURN_IF_ERROR(RestoreEvents());
    RETURN_IF_ERROR(ReadQuarantine());
    RETURN_IF_ERROR(RestoreVerdicts());
    RETURN_IF_ERROR(RestoreReplicas());
    RETURN_IF_ERROR(DeriveLostRecords());
    if (!overlay_.empty()) {
      repair_.batch.Require(kHeadColumn, FamilyHeadKey(family_), *head);
      overlay_.AppendTo(repair_.batch);
    }
    return std::move(repair_);
  }

 private:
  absl::Status Lost(absl::string_view what) const { return FamilyDamagedError(what, family_); }

  void AddDamage(size_t count, absl::string_view one, absl::string_view many) {
    if (count > 0) repair_.damages.push_back(absl::StrCat(count, " ", count == 1 ? one : many));
  }

  absl::Status Take(uint64_t revision, const JournalEntry& entry) {
    for (const std::string& id : entry.server_record_ids()) {
      if (!RecordId::IsId(id)) return DamagedRow();
      named_[RecordId(id)] = revision;
    }
    if (entry.transaction().empty()) return absl::OkStatus();
    v1::Transaction transaction;
    RETURN_IF_ERROR(ParseRow(entry.transaction(), transaction));
    for (const v1::Edit& edit : transaction.edits()) {
      if (!RecordId::IsId(edit.record_id())) return DamagedRow();
      named_[RecordId(edit.record_id())] = revision;
    }
    if (!ReplicaId::IsId(entry.replica_id())) return DamagedRow();
    v1::Verdict verdict;
    verdict.set_seq(transaction.seq());
    StoredVerdict& stored =
        committed_[TransactionKey(family_, ReplicaId(entry.replica_id()), transaction.seq())];
    stored.set_hash(transaction.hash());
    if (entry.accepted_by().empty()) {
      verdict.mutable_committed()->set_revision(revision);
    } else {
      verdict.mutable_quarantined();
      stored.set_decided_revision(revision);
      stored.set_accepted(true);
    }
    stored.set_verdict(verdict.SerializeAsString());
    return absl::OkStatus();
  }

  // Tells records that agree with themselves from lost ones.
  absl::Status ReadRecords() {
    auto it = view_.Scan(kRecordColumn, FamilyStart(family_), FamilyLimit(family_));
    for (; it->Valid(); it->Next()) {
      if (it->key().size() != RecordKey(family_, RecordId()).size()) {
        return Lost("the key of a record");
      }
      const RecordId id = RecordIdOfKey(it->key());
      if (named_.count(id) == 0) {
        return Lost(absl::StrCat("record ", id.hex(), ", which the journal does not name,"));
      }
      StoredRecord record;
      if (ParseRow(it->value(), record).ok() && record.digest() == DigestOf(id.bytes(), record)) {
        sums_[record.kind()].Add(record.digest());
        records_.emplace(id, std::move(record));
      }
    }
    RETURN_IF_ERROR(it->status());
    for (const auto& [id, revision] : named_) {
      if (records_.count(id) == 0) lost_.insert(id);
    }
    return absl::OkStatus();
  }

  // Gives each record the revision that the journal names and the index keys that it has now. A
  // record of another revision is an old one, unless the state hash says that it is as it must be.
  void PlaceRecords() {
    std::map<uint32_t, StateHash> told;
    for (const auto& kind_hash : head_.kind_hashes()) {
      told[kind_hash.kind()] = StateHash(kind_hash.sum());
    }
    size_t revisions = 0;
    size_t index_keys = 0;
    for (auto& [id, record] : records_) {
      const uint64_t revision = named_.at(id);
      // A revision may name a member without a change.
      const bool fits =
          record.kind() == kMember ? record.revision() <= revision : record.revision() == revision;
      if (!fits && sums_[record.kind()] != told[record.kind()]) {
        lost_.insert(id);
        continue;
      }
      const std::vector<std::string> keys = deriver_.IndexKeys(id, record);
      const bool has_keys = std::equal(keys.begin(), keys.end(), record.index_keys().begin(),
                                       record.index_keys().end());
      if (fits && has_keys) continue;
      revisions += fits ? 0 : 1;
      index_keys += has_keys ? 0 : 1;
      if (!fits) record.set_revision(revision);
      record.clear_index_keys();
      for (const std::string& key : keys) record.add_index_keys(key);
      overlay_.Put(kRecordColumn, RecordKey(family_, id), record.SerializeAsString());
    }
    for (const RecordId& id : lost_) {
      const auto it = records_.find(id);
      if (it != records_.end()) {
        sums_[it->second.kind()].Remove(it->second.digest());
        records_.erase(it);
      }
      overlay_.Delete(kRecordColumn, RecordKey(family_, id));
    }
    AddDamage(revisions, "revision of a record", "revisions of records");
    AddDamage(index_keys, "record's index keys", "records' index keys");
  }

  absl::Status RestoreRowsOfRecords() {
    Rows feed;
    Rows index;
    Rows conflict;
    for (const auto& [id, record] : records_) {
      feed.emplace(FeedKey(family_, record.revision(), id), "");
      for (const std::string& key : record.index_keys()) {
        index.emplace(IndexKey(family_, key), id.str());
      }
      if (HasConflict(record)) conflict.emplace(RecordKey(family_, id), "");
    }
    RETURN_IF_ERROR(RestoreColumn(kFeedColumn, std::move(feed)));
    RETURN_IF_ERROR(RestoreColumn(kIndexColumn, std::move(index)));
    return RestoreColumn(kConflictColumn, std::move(conflict));
  }

  // Makes the family's rows in a column what they must be. Those of lost records go, too, but are
  // no damage of their own.
  absl::Status RestoreColumn(Column column, Rows expected) {
    size_t damaged = 0;
    auto it = view_.Scan(column, FamilyStart(family_), FamilyLimit(family_));
    for (; it->Valid(); it->Next()) {
      const std::string key(it->key());
      const auto row = expected.find(key);
      if (row != expected.end() && row->second == it->value()) {
        expected.erase(row);
      } else if (row == expected.end()) {
        overlay_.Delete(column, key);
        if (!IsOfLostRecord(key, it->value())) ++damaged;
      }
    }
    RETURN_IF_ERROR(it->status());
    for (const auto& [key, value] : expected) overlay_.Put(column, key, value);
    damaged += expected.size();
    AddDamage(damaged, absl::StrCat("row of ", kColumnFamilyNames[column]),
              absl::StrCat("rows of ", kColumnFamilyNames[column]));
    return absl::OkStatus();
  }

  // Rows name their record in the value, or else at the end of the key.
  bool IsOfLostRecord(absl::string_view key, absl::string_view value) const {
    if (value.empty() && key.size() >= RecordId::kSize) value = LastIdOf(key);
    return RecordId::IsId(value) && lost_.count(RecordId(value)) > 0;
  }

  void RestoreStateHash() {
    std::map<uint32_t, StateHash> unexplained = sums_;
    for (const auto& kind_hash : head_.kind_hashes()) {
      unexplained[kind_hash.kind()].Remove(kind_hash.sum());
    }
    bool differs = false;
    for (const auto& [kind, rest] : unexplained) differs |= rest != StateHash();
    if (!differs) return;
    head_.clear_kind_hashes();
    for (const auto& [kind, sum] : sums_) {
      auto& kind_hash = *head_.add_kind_hashes();
      kind_hash.set_kind(kind);
      kind_hash.set_sum(sum.bytes());
    }
    overlay_.Put(kHeadColumn, FamilyHeadKey(family_), head_.SerializeAsString());
    // Without lost records the sums must differ.
    if (lost_.empty()) repair_.damages.push_back("the state hash");
  }

  absl::Status RestoreDevices() {
    const FamilyReader reader(view_, family_);
    for (const auto& [id, record] : records_) {
      if (record.kind() == kMember) RETURN_IF_ERROR(RequireMember(MemberId(id.bytes())));
    }
    RETURN_IF_ERROR(reader.ScanDevices([&](const DeviceId& id, const auto& device) {
      devices_.emplace(id, device);
      return true;
    }));
    size_t ways = 0;
    for (const auto& [id, device] : devices_) {
      RETURN_IF_ERROR(RequireMember(MemberId(device.member_id())));
      const std::string key = DeviceFamilyKey(id, family_);
      ASSIGN_OR_RETURN(const absl::optional<std::string> way, view_.Get(kAccessColumn, key));
      if (way.has_value()) continue;
      ++ways;
      overlay_.Put(kAccessColumn, key, google::protobuf::Empty().SerializeAsString());
    }
    AddDamage(ways, "way from a device to the family", "ways from devices to the family");
    return absl::OkStatus();
  }

  absl::Status RequireMember(const MemberId& id) const {
    ASSIGN_OR_RETURN(const auto member, FamilyReader(view_, family_).Member(id));
    return member.has_value() ? absl::OkStatus() : Lost(absl::StrCat("member ", id.hex()));
  }

  // Events are numbered without gaps, up to the newest that the head or a row names: a build that
  // does not know of the head's number may have added some.
  absl::Status RestoreEvents() {
    const std::string prefix = EventsPrefix(family_);
    std::map<uint64_t, absl::optional<storage::v1::StoredEvent>> events;
    size_t strays = 0;
    auto it = view_.Scan(kAccessColumn, prefix, PrefixLimit(prefix));
    for (; it->Valid(); it->Next()) {
      if (it->key().size() != EventKey(family_, 0).size()) {
        ++strays;
        overlay_.Delete(kAccessColumn, std::string(it->key()));
        continue;
      }
      storage::v1::StoredEvent event;
      auto& read = events[NumberOfEventKey(it->key())];
      if (ParseRow(it->value(), event).ok()) read = std::move(event);
    }
    RETURN_IF_ERROR(it->status());
    AddDamage(strays, "row of access", "rows of access");
    const uint64_t newest =
        std::max(head_.newest_event(), events.empty() ? 0 : events.rbegin()->first);
    const uint64_t oldest = newest > kEventsKept ? newest - kEventsKept + 1 : 1;
    if (!events.empty() && events.begin()->first < oldest) {
      return Lost("the number of an event of access");
    }
    size_t blanks = 0;
    storage::v1::StoredEvent blank;  // about as old as the one before
    *blank.mutable_at() = head_.created_at();
    for (const auto& [number, event] : events) {
      if (!event.has_value()) continue;
      *blank.mutable_at() = event->at();
      break;
    }
    for (uint64_t number = oldest; number <= newest && number - oldest < kEventsKept; ++number) {
      if (const auto& event = events[number]; event.has_value()) {
        *blank.mutable_at() = event->at();
        continue;
      }
      ++blanks;
      overlay_.Put(kAccessColumn, EventKey(family_, number), blank.SerializeAsString());
    }
    AddDamage(blanks, "event of access, which stays blank", "events of access, which stay blank");
    return absl::OkStatus();
  }

  absl::Status ReadQuarantine() {
    auto it = view_.Scan(kQuarantineColumn, FamilyStart(family_), FamilyLimit(family_));
    for (; it->Valid(); it->Next()) {
      if (it->key().size() != TransactionKey(family_, ReplicaId(), 0).size()) {
        return Lost("the key of a transaction in quarantine");
      }
      absl::optional<std::string>& hash = late_[std::string(it->key())];
      storage::v1::QuarantinedTransaction row;
      v1::Transaction transaction;
      if (!ParseRow(it->value(), row).ok() || !ParseRow(row.transaction(), transaction).ok() ||
          transaction.seq() != ParseTransactionKey(it->key()).seq) {
        continue;
      }
      RETURN_IF_ERROR(RequireMember(MemberId(row.member_id())));
      hash = transaction.hash();
    }
    return it->status();
  }

  // What was committed, or waits in quarantine, has its verdict; nothing else waits. Sorts what was
  // consumed by replica.
  absl::Status RestoreVerdicts() {
    std::map<std::string, StoredVerdict> missing = committed_;
    std::set<std::string> decided;
    for (const auto& [key, stored] : committed_) decided.insert(key);
    for (const auto& [key, hash] : late_) {
      if (!hash.has_value() || committed_.count(key) > 0) continue;
      v1::Verdict verdict;
      verdict.set_seq(ParseTransactionKey(key).seq);
      verdict.mutable_quarantined();
      missing[key].set_hash(*hash);
      missing[key].set_verdict(verdict.SerializeAsString());
    }
    auto it = view_.Scan(kVerdictColumn, FamilyStart(family_), FamilyLimit(family_));
    for (; it->Valid(); it->Next()) {
      if (it->key().size() != TransactionKey(family_, ReplicaId(), 0).size()) {
        return Lost("the key of a verdict");
      }
      const std::string key(it->key());
      const TransactionName name = ParseTransactionKey(key);
      const auto known = committed_.find(key);
      StoredVerdict stored;
      v1::Verdict verdict;
      const bool sound = ParseRow(it->value(), stored).ok() &&
                         ParseRow(stored.verdict(), verdict).ok() && verdict.seq() == name.seq &&
                         (known == committed_.end() ||
                          (stored.hash() == known->second.hash() &&
                           stored.decided_revision() == known->second.decided_revision()));
      if (!sound && missing.count(key) == 0) {
        return Lost(absl::StrCat("verdict ", name.seq, " of replica ", name.replica.hex()));
      }
      if (!sound) continue;
      missing.erase(key);
      consumed_[name.replica][name.seq] = stored.hash();
      if (!verdict.has_quarantined() || stored.decided_revision() != 0) {
        decided.insert(key);
      } else if (const auto late = late_.find(key);
                 late == late_.end() || late->second != stored.hash()) {
        return LostLate(name);
      }
    }
    RETURN_IF_ERROR(it->status());
    size_t leftover = 0;
    for (const auto& [key, hash] : late_) {
      if (decided.count(key) == 0) {
        if (!hash.has_value()) return LostLate(ParseTransactionKey(key));
        continue;
      }
      ++leftover;
      overlay_.Delete(kQuarantineColumn, key);
    }
    AddDamage(leftover, "row of quarantine", "rows of quarantine");
    for (const auto& [key, stored] : missing) {
      const TransactionName name = ParseTransactionKey(key);
      consumed_[name.replica][name.seq] = stored.hash();
      overlay_.Put(kVerdictColumn, key, stored.SerializeAsString());
    }
    AddDamage(missing.size(), "row of verdict", "rows of verdict");
    return absl::OkStatus();
  }

  absl::Status LostLate(const TransactionName& name) const {
    return Lost(absl::StrCat("transaction ", name.seq, " of replica ", name.replica.hex(),
                             ", which waits in quarantine,"));
  }

  // Each replica stands where its newest verdict is, and has all before.
  absl::Status RestoreReplicas() {
    std::map<ReplicaId, absl::optional<storage::v1::Replica>> replicas;
    auto it = view_.Scan(kReplicaColumn, FamilyStart(family_), FamilyLimit(family_));
    for (; it->Valid(); it->Next()) {
      if (it->key().size() != ReplicaKey(family_, ReplicaId()).size()) {
        return Lost("the key of a replica");
      }
      storage::v1::Replica& row = replicas[ReplicaId(LastIdOf(it->key()))].emplace();
      RETURN_IF_ERROR(ParseRow(it->value(), row));
      if (!row.device_id().empty() &&
          (!DeviceId::IsId(row.device_id()) || devices_.count(DeviceId(row.device_id())) == 0)) {
        return Lost("a device");
      }
    }
    RETURN_IF_ERROR(it->status());
    for (const auto& [replica, verdicts] : consumed_) replicas[replica];
    for (const auto& [id, device] : devices_) replicas[ReplicaId(device.replica_id())];
    size_t damaged = 0;
    for (auto& [id, row] : replicas) {
      const std::map<uint64_t, std::string>& verdicts = consumed_[id];
      const uint64_t newest = verdicts.empty() ? 0 : verdicts.rbegin()->first;
      const std::string newest_hash = verdicts.empty() ? "" : verdicts.rbegin()->second;
      if (verdicts.size() != newest || (row.has_value() && row->last_seq() > newest)) {
        return Lost(absl::StrCat("a verdict of replica ", id.hex()));
      }
      if (row.has_value() && row->last_seq() == newest && row->last_hash() == newest_hash) continue;
      if (!row.has_value()) {
        row.emplace();
        for (const auto& [device_id, device] : devices_) {
          if (device.replica_id() != id.bytes()) continue;
          row->set_device_id(device_id.str());
          row->set_member_id(device.member_id());
        }
        // One that its device has not any more.
        if (row->device_id().empty()) return Lost(absl::StrCat("replica ", id.hex()));
      }
      row->set_last_seq(newest);
      row->set_last_hash(newest_hash);
      ++damaged;
      overlay_.Put(kReplicaColumn, ReplicaKey(family_, id), row->SerializeAsString());
    }
    AddDamage(damaged, "row of replica", "rows of replica");
    return absl::OkStatus();
  }

  // A commit in which the deriver sees every record for the first time.
  absl::Status DeriveLostRecords() {
    if (lost_.empty()) return absl::OkStatus();
    FamilyWriter::State state;
    state.head = head_;
    for (const auto& [id, record] : records_) {
      if (IsEditable(record.kind())) state.before.emplace(id, absl::nullopt);
    }
    FamilyWriter writer(family_, deriver_, now_, overlay_, state);
    RETURN_IF_ERROR(writer.BeginRevision().status());
    JournalEntry entry;
    entry.set_operation("repair");
    *entry.mutable_made_at() = ToProto(now_);
    for (const RecordId& id : lost_) {
      ASSIGN_OR_RETURN(const auto member, writer.reader().Member(MemberId(id.bytes())));
      if (!member.has_value()) continue;
      RETURN_IF_ERROR(
          writer.PutServerRecord({id, kMember, SerializeDeterministic(PublicMember(*member))}));
      entry.add_server_record_ids(id.str());
    }
    writer.EndRevision(std::move(entry));
    RETURN_IF_ERROR(writer.Finish());
    for (const RecordId& id : lost_) {
      ASSIGN_OR_RETURN(const auto record, writer.reader().Record(id));
      if (!record.has_value()) return Lost(absl::StrCat("record ", id.hex()));
    }
    AddDamage(lost_.size(), "record of the server", "records of the server");
    return absl::OkStatus();
  }

  const FamilyId family_;
  const Deriver& deriver_;
  const absl::Time now_;
  const ReadView& view_;
  // The family as it will be.
  OverlayView overlay_;
  Repair repair_;
  FamilyHead head_;
  // The newest revision that names each record.
  std::map<RecordId, uint64_t> named_;
  // The verdict of each transaction in the journal, by its key.
  std::map<std::string, StoredVerdict> committed_;
  // Records that are as they must be, and the sums of their digests by kind.
  std::map<RecordId, StoredRecord> records_;
  std::map<uint32_t, StateHash> sums_;
  std::set<RecordId> lost_;
  std::map<DeviceId, storage::v1::StoredFamilyDevice> devices_;
  // What is in quarantine, by its key: the transaction's hash, none for a damaged one.
  std::map<std::string, absl::optional<std::string>> late_;
  // Hashes of consumed transactions, by replica and seq.
  std::map<ReplicaId, std::map<uint64_t, std::string>> consumed_;
};

}  // namespace

absl::StatusOr<Repair> PlanRepair(const ReadView& view, const FamilyId& family,
                                  const Deriver& deriver, absl::Time now) {
  return Planner(view, family, deriver, now).Plan();
}

}  // namespace nightlog
