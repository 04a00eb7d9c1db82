#include "storage/store.h"

#include <map>
#include <memory>
#include <set>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/planted_defect.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

using storage::v1::FamilyHead;
using storage::v1::JournalEntry;

absl::StatusOr<size_t> CountRows(const ReadView& view, Column column, const FamilyId& family) {
  size_t rows = 0;
  auto it = view.Scan(column, FamilyStart(family), FamilyLimit(family));
  for (; it->Valid(); it->Next()) ++rows;
  RETURN_IF_ERROR(it->status());
  return rows;
}

// A column that is derived from others holds what it must; this tells that it holds no more.
absl::Status RequireRows(const ReadView& view, Column column, const FamilyId& family,
                         size_t expected) {
  ASSIGN_OR_RETURN(const size_t rows, CountRows(view, column, family));
  return rows == expected ? absl::OkStatus()
                          : FamilyDamagedError(absl::StrCat("the number of rows in column ",
                                                            kColumnFamilyNames[column]),
                                               family);
}

absl::Status VerifyRecords(const FamilyReader& reader, const ReadView& view,
                           const FamilyHead& head) {
  const FamilyId& family = reader.family();
  std::map<uint32_t, StateHash> unexplained;
  for (const auto& kind_hash : head.kind_hashes()) {
    if (kind_hash.sum().size() != Sha256("").size())
      return FamilyDamagedError("the state hash", family);
    unexplained[kind_hash.kind()] = StateHash(kind_hash.sum());
  }
  size_t records = 0;
  size_t index_keys = 0;
  size_t conflicts = 0;
  auto it = view.Scan(kRecordColumn, FamilyStart(family), FamilyLimit(family));
  for (; it->Valid(); it->Next(), ++records) {
    if (it->key().size() != RecordKey(family, RecordId()).size()) {
      return FamilyDamagedError("the key of a record", family);
    }
    const RecordId id = RecordIdOfKey(it->key());
    storage::v1::StoredRecord record;
    RETURN_IF_ERROR(ParseRow(it->value(), record));
    if (record.digest() != DigestOf(id.bytes(), record)) {
      return FamilyDamagedError("a record's digest", family);
    }
    unexplained[record.kind()].Remove(record.digest());
    ASSIGN_OR_RETURN(const auto feed_row,
                     view.Get(kFeedColumn, FeedKey(family, record.revision(), id)));
    if (!feed_row.has_value()) return FamilyDamagedError("a record's feed row", family);
    for (const std::string& key : record.index_keys()) {
      ASSIGN_OR_RETURN(const auto index_row, view.Get(kIndexColumn, IndexKey(family, key)));
      if (index_row != id.str()) return FamilyDamagedError("a record's index row", family);
      ++index_keys;
    }
    if (HasConflict(record)) {
      ASSIGN_OR_RETURN(const auto conflict_row, view.Get(kConflictColumn, RecordKey(family, id)));
      if (!conflict_row.has_value()) return FamilyDamagedError("a record's conflict row", family);
      ++conflicts;
    }
  }
  RETURN_IF_ERROR(it->status());
  for (const auto& [kind, rest] : unexplained) {
    if (rest != StateHash()) return FamilyDamagedError("the state hash", family);
  }
  RETURN_IF_ERROR(RequireRows(view, kFeedColumn, family, records));
  RETURN_IF_ERROR(RequireRows(view, kIndexColumn, family, index_keys));
  return RequireRows(view, kConflictColumn, family, conflicts);
}

// Each consumed transaction has its verdict.
absl::Status VerifyVerdicts(const FamilyReader& reader, const ReadView& view) {
  const FamilyId& family = reader.family();
  uint64_t consumed = 0;
  auto it = view.Scan(kReplicaColumn, FamilyStart(family), FamilyLimit(family));
  for (; it->Valid(); it->Next()) {
    if (it->key().size() != ReplicaKey(family, ReplicaId()).size()) {
      return FamilyDamagedError("the key of a replica", family);
    }
    storage::v1::Replica replica;
    RETURN_IF_ERROR(ParseRow(it->value(), replica));
    if (replica.last_seq() == 0) continue;
    consumed += replica.last_seq();
    ASSIGN_OR_RETURN(const auto verdict,
                     reader.Verdict(ReplicaId(LastIdOf(it->key())), replica.last_seq()));
    if (!verdict.has_value() || verdict->hash() != replica.last_hash()) {
      return FamilyDamagedError("the newest verdict of a replica", family);
    }
  }
  RETURN_IF_ERROR(it->status());
  return RequireRows(view, kVerdictColumn, family, consumed);
}

}  // namespace

absl::Status OpenStore(Engine& engine) {
  const std::unique_ptr<ReadView> view = engine.Snapshot();
  ASSIGN_OR_RETURN(const absl::optional<std::string> bytes, view->Get(kHeadColumn, StoreHeadKey()));
  storage::v1::StoreHead head;
  if (!bytes.has_value()) {
    auto first = view->Scan(kHeadColumn, "", "");
    RETURN_IF_ERROR(first->status());
    if (first->Valid()) {
      return MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED,
                       "The store has rows but no format version. Stop the server and restore the "
                       "newest backup.");
    }
    head.set_format_version(kFormatVersion);
    WriteBatch batch;
    batch.Require(kHeadColumn, StoreHeadKey(), absl::nullopt);
    batch.Put(kHeadColumn, StoreHeadKey(), head.SerializeAsString());
    return engine.Write(batch);
  }
  RETURN_IF_ERROR(ParseRow(*bytes, head));
  if (head.format_version() == 0) return FamilyDamagedError("the format version", FamilyId());
  if (head.format_version() > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "The store has format version ", head.format_version(), "; this build knows up to ",
        kFormatVersion, ". Start the newer nightlogd, or restore a backup made by this one."));
  }
  auto it = view->Scan(kHeadColumn, ShardHeadsPrefix(), PrefixLimit(ShardHeadsPrefix()));
  for (; it->Valid(); it->Next()) {
    storage::v1::ShardHead shard;
    RETURN_IF_ERROR(ParseRow(it->value(), shard));
    for (const std::string& family : shard.family_ids()) {
      if (!FamilyId::IsId(family)) return FamilyDamagedError("the shard head", FamilyId());
      RETURN_IF_ERROR(VerifyFamilyTail(*view, FamilyId(family)));
    }
  }
  return it->status();
}

absl::Status ForgetShards(Engine& engine) {
  const std::unique_ptr<ReadView> view = engine.Snapshot();
  WriteBatch batch;
  auto it = view->Scan(kHeadColumn, ShardHeadsPrefix(), PrefixLimit(ShardHeadsPrefix()));
  for (; it->Valid(); it->Next()) batch.Delete(kHeadColumn, it->key());
  RETURN_IF_ERROR(it->status());
  return batch.empty() ? absl::OkStatus() : engine.Write(batch);
}

absl::Status BeginNewLineages(Engine& engine, Random& random) {
  const std::unique_ptr<ReadView> view = engine.Snapshot();
  WriteBatch batch;
  // Rows of the store itself stand under the id of zeros.
  auto it = view->Scan(kHeadColumn, FamilyLimit(FamilyId()), "");
  for (; it->Valid(); it->Next()) {
    FamilyHead head;
    RETURN_IF_ERROR(ParseRow(it->value(), head));
    if (!Planted("lineage_not_changed_on_restore")) {
      head.set_lineage(LineageId::Make(random).str());
    }
    if (!Planted("new_lineage_stays_halted")) head.clear_halted();
    head.clear_backed_up_revision();
    batch.Put(kHeadColumn, it->key(), head.SerializeAsString());
  }
  RETURN_IF_ERROR(it->status());
  if (Planted("restore_forgets_replicas")) batch.DeleteRange(kReplicaColumn, "", "\xff");
  return batch.empty() ? absl::OkStatus() : engine.Write(batch);
}

absl::Status VerifyFamilyTail(const ReadView& view, const FamilyId& family) {
  ASSIGN_OR_RETURN(const absl::optional<FamilyHead> stored, FamilyReader(view, family).Head());
  // A family without a head was erased, and has no journal either.
  const FamilyHead head = stored.value_or(FamilyHead());
  const std::string row_key = JournalKey(family, head.revision());
  ASSIGN_OR_RETURN(const absl::optional<std::string> row, view.Get(kJournalColumn, row_key));
  const std::string chain_hash = row.has_value() ? Sha256(*row) : "";
  if (chain_hash != head.chain_hash())
    return FamilyDamagedError("the newest journal entry", family);
  auto beyond =
      view.Scan(kJournalColumn, JournalKey(family, head.revision() + 1), FamilyLimit(family));
  RETURN_IF_ERROR(beyond->status());
  if (beyond->Valid())
    return FamilyDamagedError("the head, which is older than the journal,", family);
  return absl::OkStatus();
}

absl::Status VerifyFamily(const ReadView& view, const FamilyId& family) {
  RETURN_IF_ERROR(VerifyFamilyTail(view, family));
  const FamilyReader reader(view, family);
  ASSIGN_OR_RETURN(const absl::optional<FamilyHead> head, reader.Head());
  if (!head.has_value()) return FamilyDamagedError("the head", family);
  RETURN_IF_ERROR(ReadJournal(view, family, head->revision(),
                              [](uint64_t, const JournalEntry&) { return absl::OkStatus(); }));
  RETURN_IF_ERROR(VerifyRecords(reader, view, *head));
  return VerifyVerdicts(reader, view);
}

absl::Status FamilyDamagedError(absl::string_view what, const FamilyId& family) {
  return MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED,
                   absl::StrCat("The store is damaged: ", what, " of family ", family.hex(),
                                ". Stop the server and restore the newest backup."),
                   {{"family", family.hex()}});
}

absl::Status ReadJournal(const ReadView& view, const FamilyId& family, uint64_t head_revision,
                         const JournalVisitor& visit) {
  std::string chain_hash;
  for (uint64_t revision = 1; revision <= head_revision; ++revision) {
    ASSIGN_OR_RETURN(const absl::optional<std::string> row,
                     view.Get(kJournalColumn, JournalKey(family, revision)));
    JournalEntry entry;
    if (!row.has_value()) return FamilyDamagedError("a journal entry", family);
    RETURN_IF_ERROR(ParseRow(*row, entry));
    if (entry.previous_chain_hash() != chain_hash) {
      return FamilyDamagedError("the journal's chain", family);
    }
    RETURN_IF_ERROR(visit(revision, entry));
    chain_hash = Sha256(*row);
  }
  return absl::OkStatus();
}

absl::StatusOr<std::vector<FamilyId>> FamiliesOf(const ReadView& view) {
  std::set<FamilyId> families;
  for (const Column column :
       {kHeadColumn, kJournalColumn, kRecordColumn, kAccessColumn, kQuarantineColumn}) {
    // Rows of the store itself stand under the id of zeros.
    std::string start = FamilyLimit(FamilyId());
    while (!start.empty()) {
      const auto it = view.Scan(column, start, "");
      RETURN_IF_ERROR(it->status());
      if (!it->Valid()) break;
      if (it->key().size() < FamilyId::kSize) return DamagedRow();
      const FamilyId family(it->key().substr(0, FamilyId::kSize));
      families.insert(family);
      start = FamilyLimit(family);
    }
  }
  return std::vector<FamilyId>(families.begin(), families.end());
}

}  // namespace nightlog
