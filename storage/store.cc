#include "storage/store.h"

#include <map>
#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

using storage::v1::FamilyHead;
using storage::v1::JournalEntry;

absl::Status Damaged(absl::string_view what, const FamilyId& family) {
  return MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED,
                   absl::StrCat("The store is damaged: ", what, " of family ", family.hex(),
                                ". Stop the server and restore the newest backup."),
                   {{"family", family.hex()}});
}

absl::StatusOr<FamilyHead> RequireHead(const FamilyReader& reader) {
  ASSIGN_OR_RETURN(absl::optional<FamilyHead> head, reader.Head());
  if (!head.has_value()) return Damaged("the head is missing", reader.family());
  return *std::move(head);
}

absl::Status VerifyRecords(const ReadView& view, const FamilyReader& reader,
                           const FamilyHead& head) {
  const FamilyId& family = reader.family();
  std::map<uint32_t, StateHash> sums;
  size_t records = 0;
  auto it = view.Scan(kRecordColumn, FamilyStart(family), FamilyLimit(family));
  for (; it->Valid(); it->Next(), ++records) {
    const RecordId id = RecordIdOfKey(it->key());
    storage::v1::StoredRecord record;
    RETURN_IF_ERROR(ParseRow(it->value(), record));
    if (record.digest() != DigestOf(id.bytes(), record))
      return Damaged("a record's digest", family);
    sums[record.kind()].Add(record.digest());
    ASSIGN_OR_RETURN(const auto feed_row,
                     view.Get(kFeedColumn, FeedKey(family, record.revision(), id)));
    if (!feed_row.has_value()) return Damaged("a record's feed row", family);
    for (const std::string& key : record.index_keys()) {
      ASSIGN_OR_RETURN(const auto index_row, view.Get(kIndexColumn, IndexKey(family, key)));
      if (index_row != id.str()) return Damaged("a record's index row", family);
    }
  }
  RETURN_IF_ERROR(it->status());
  size_t feed_rows = 0;
  RETURN_IF_ERROR(reader.ScanFeed(FamilyStart(family), [&](absl::string_view, const RecordId&) {
    ++feed_rows;
    return true;
  }));
  if (feed_rows != records) return Damaged("the number of feed rows", family);
  for (const auto& kind_hash : head.kind_hashes()) {
    if (StateHash(kind_hash.sum()) != sums[kind_hash.kind()]) {
      return Damaged("the state hash", family);
    }
  }
  return absl::OkStatus();
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
  if (head.format_version() > kFormatVersion) {
    return absl::FailedPreconditionError(absl::StrCat(
        "The store has format version ", head.format_version(), "; this build knows up to ",
        kFormatVersion, ". Start the newer nightlogd, or restore a backup made by this one."));
  }
  const std::string shards_prefix = ShardHeadKey(0).substr(0, FamilyId::kSize + 1);
  auto it = view->Scan(kHeadColumn, shards_prefix, PrefixLimit(shards_prefix));
  for (; it->Valid(); it->Next()) {
    storage::v1::ShardHead shard;
    RETURN_IF_ERROR(ParseRow(it->value(), shard));
    for (const std::string& family : shard.family_ids()) {
      if (!FamilyId::IsId(family)) return Damaged("the shard head", FamilyId());
      RETURN_IF_ERROR(VerifyFamilyTail(*view, FamilyId(family)));
    }
  }
  return it->status();
}

absl::Status VerifyFamilyTail(const ReadView& view, const FamilyId& family) {
  const FamilyReader reader(view, family);
  ASSIGN_OR_RETURN(const FamilyHead head, RequireHead(reader));
  const std::string row_key = JournalKey(family, head.revision());
  ASSIGN_OR_RETURN(const absl::optional<std::string> row, view.Get(kJournalColumn, row_key));
  const std::string chain_hash = row.has_value() ? Sha256(*row) : "";
  if (chain_hash != head.chain_hash()) return Damaged("the newest journal entry", family);
  auto beyond =
      view.Scan(kJournalColumn, JournalKey(family, head.revision() + 1), FamilyLimit(family));
  RETURN_IF_ERROR(beyond->status());
  if (beyond->Valid()) return Damaged("the head, which is older than the journal,", family);
  return absl::OkStatus();
}

absl::Status VerifyFamily(const ReadView& view, const FamilyId& family) {
  RETURN_IF_ERROR(VerifyFamilyTail(view, family));
  const FamilyReader reader(view, family);
  ASSIGN_OR_RETURN(const FamilyHead head, RequireHead(reader));
  std::string chain_hash;
  for (uint64_t revision = 1; revision <= head.revision(); ++revision) {
    ASSIGN_OR_RETURN(const absl::optional<std::string> row,
                     view.Get(kJournalColumn, JournalKey(family, revision)));
    JournalEntry entry;
    if (!row.has_value()) return Damaged("a journal entry", family);
    RETURN_IF_ERROR(ParseRow(*row, entry));
    if (entry.previous_chain_hash() != chain_hash) return Damaged("the journal's chain", family);
    chain_hash = Sha256(*row);
  }
  return VerifyRecords(view, reader, head);
}

}  // namespace nightlog
