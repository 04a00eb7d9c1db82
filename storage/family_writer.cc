#include "storage/family_writer.h"

#include <algorithm>
#include <utility>

#include "nightlog/v1/sync_service.pb.h"
#include "storage/column_families.h"
#include "storage/core/check.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {

using storage::v1::FamilyHead;
using storage::v1::JournalEntry;
using storage::v1::KindHash;
using storage::v1::StoredRecord;

namespace {

void Add(absl::string_view digest, KindHash& kind_hash) {
  StateHash sum(kind_hash.sum());
  sum.Add(digest);
  kind_hash.set_sum(sum.bytes());
}

void Subtract(absl::string_view digest, KindHash& kind_hash) {
  StateHash sum(kind_hash.sum());
  sum.Remove(digest);
  kind_hash.set_sum(sum.bytes());
}

}  // namespace

absl::Status FamilyHaltedError() {
  return MakeError(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_AHEAD_OF_SERVER,
                   "The server has lost data of this family, so nothing in it changes until the "
                   "server's operator restores a backup or starts it with --new_lineage. What is "
                   "logged meanwhile stays saved on each phone.");
}

v1::Member PublicMember(const storage::v1::StoredMember& stored) {
  v1::Member member;
  member.set_name(stored.name());
  member.set_role(static_cast<v1::Role>(stored.role()));
  *member.mutable_since() = stored.since();
  if (stored.has_until()) *member.mutable_until() = stored.until();
  member.set_consent_scope(static_cast<v1::ConsentScope>(stored.consent_scope()));
  member.set_removed(stored.removed());
  return member;
}

FamilyWriter::State FamilyWriter::State::ForNextStep() const {
  State step;
  step.head = head;
  step.open_entry = open_entry;
  return step;
}

void FamilyWriter::State::Absorb(State&& step) {
  CHECK(!step.in_revision);
  head = std::move(step.head);
  open_entry = std::move(step.open_entry);
  conflicts += step.conflicts;
  if (step.erased) {
    before.clear();
    memory.reset();
  }
  if (Planted("batch_forgets_what_it_changed")) before.clear();
  if (Planted("batch_compares_with_its_own_middle"))
    step.before.merge(before), before.swap(step.before);
  // What is known already is older, and stays.
  before.merge(step.before);
}

void FamilyWriter::Create(absl::string_view name, Random& random) {
  CHECK(!exists() && !family().empty());
  FamilyHead& head = state_.head.emplace();
  head.set_lineage(LineageId::Make(random).str());
  head.set_name(std::string(name));
  *head.mutable_created_at() = ToProto(now_);
  Put(kHeadColumn, FamilyHeadKey(family()), head);
}

void FamilyWriter::Halt() {
  CHECK(exists());
  if (Planted("halt_not_kept")) return;
  state_.head->set_halted(true);
  Put(kHeadColumn, FamilyHeadKey(family()), head());
}

void FamilyWriter::SetImporting(bool importing) {
  CHECK(exists());
  state_.head->set_importing(importing);
  Put(kHeadColumn, FamilyHeadKey(family()), head());
}

void FamilyWriter::SetBackedUpRevision(uint64_t revision) {
  CHECK(exists());
  state_.head->set_backed_up_revision(revision);
  Put(kHeadColumn, FamilyHeadKey(family()), head());
}

void FamilyWriter::SetNewestEvent(uint64_t number) {
  CHECK(exists());
  state_.head->set_newest_event(number);
  Put(kHeadColumn, FamilyHeadKey(family()), head());
}

absl::Status FamilyWriter::Erase() {
  CHECK(exists());
  std::vector<DeviceId> devices;
  RETURN_IF_ERROR(reader_.ScanDevices([&](const DeviceId& device, const auto&) {
    devices.push_back(device);
    return true;
  }));
  for (const DeviceId& device : devices) {
    if (Planted("erased_family_stays_with_its_devices")) break;
    view_.Delete(kAccessColumn, DeviceFamilyKey(device, family()));
  }
  if (!Planted("invite_outlives_its_family"))
    RETURN_IF_ERROR(EraseStoreRows<storage::v1::StoredInvite>(InvitesPrefix()));
  RETURN_IF_ERROR(EraseStoreRows<storage::v1::StoredPairing>(PairingsPrefix()));
  for (Column column = 0; column < static_cast<Column>(kColumnFamilyNames.size()); ++column) {
    std::vector<std::string> keys;
    auto it =
        view_.Scan(column, FamilyStart(family()), FamilyLimit(family()), ScanOrder::kAscending);
    for (; it->Valid(); it->Next()) keys.emplace_back(it->key());
    RETURN_IF_ERROR(it->status());
    for (const std::string& key : keys) view_.Delete(column, key);
  }
  view_.Put(kHeadColumn, ErasedKey(family()), "");
  state_ = State();
  state_.erased = true;
  return absl::OkStatus();
}

template <typename Row>
absl::Status FamilyWriter::EraseStoreRows(const std::string& prefix) {
  std::vector<std::string> keys;
  auto it = view_.Scan(kAccessColumn, prefix, PrefixLimit(prefix), ScanOrder::kAscending);
  for (; it->Valid(); it->Next()) {
    Row row;
    // One that is damaged is of no use to anybody.
    if (!ParseRow(it->value(), row).ok() || row.family_id() == family().bytes() ||
        Planted("erasing_takes_the_invites_of_others")) {
      keys.emplace_back(it->key());
    }
  }
  RETURN_IF_ERROR(it->status());
  for (const std::string& key : keys) view_.Delete(kAccessColumn, key);
  return absl::OkStatus();
}

absl::Status FamilyWriter::RequireRunning() const {
  return head().halted() && !Planted("halted_family_takes_writes") ? FamilyHaltedError()
                                                                   : absl::OkStatus();
}

absl::StatusOr<uint64_t> FamilyWriter::BeginRevision() {
  CHECK(exists() && !state_.in_revision);
  RETURN_IF_ERROR(RequireRunning());
  if (state_.open_entry.has_value()) CloseEntry();
  state_.in_revision = true;
  state_.head->set_revision(state_.head->revision() + 1);
  return state_.head->revision();
}

absl::Status FamilyWriter::PutRecord(const RecordId& id, StoredRecord record) {
  ASSIGN_OR_RETURN(absl::optional<StoredRecord> before, reader_.Record(id));
  return Replace(id, std::move(before), std::move(record));
}

absl::Status FamilyWriter::Replace(const RecordId& id, absl::optional<StoredRecord> before,
                                   StoredRecord record) {
  CHECK(state_.in_revision);
  record.set_revision(head().revision());
  record.set_digest(DigestOf(id.bytes(), record));
  record.clear_index_keys();
  for (std::string& key : deriver_.IndexKeys(id, record)) record.add_index_keys(std::move(key));

  // An index row that stays needs no write.
  const bool same_keys =
      before.has_value() && std::equal(before->index_keys().begin(), before->index_keys().end(),
                                       record.index_keys().begin(), record.index_keys().end());
  if (before.has_value()) {
    if (!Planted("old_feed_row_kept")) {
      view_.Delete(kFeedColumn, FeedKey(family(), before->revision(), id));
    }
    for (const std::string& key : before->index_keys()) {
      if (!same_keys && !Planted("old_index_row_kept")) {
        view_.Delete(kIndexColumn, IndexKey(family(), key));
      }
    }
  }
  if (IsEditable(record.kind()) || !Planted("server_writes_not_fed")) {
    view_.Put(kFeedColumn, FeedKey(family(), record.revision(), id), "");
  }
  for (const std::string& key : record.index_keys()) {
    if (!same_keys) view_.Put(kIndexColumn, IndexKey(family(), key), id.str());
  }
  const bool had_conflict = before.has_value() && HasConflict(*before);
  if (HasConflict(record)) {
    view_.Put(kConflictColumn, RecordKey(family(), id), "");
  } else if (had_conflict && !Planted("conflict_row_kept")) {
    view_.Delete(kConflictColumn, RecordKey(family(), id));
  }
  if (before.has_value() && !(record.deleted() && Planted("state_hash_keeps_the_deleted")))
    Subtract(before->digest(), MutableKindHash(before->kind()));
  Add(record.digest(), MutableKindHash(record.kind()));
  view_.Put(kRecordColumn, RecordKey(family(), id), record.SerializeAsString());
  state_.before.emplace(id, std::move(before));
  return absl::OkStatus();
}

absl::Status FamilyWriter::PutServerRecord(const DerivedRecord& record) {
  return ReplaceServerRecord(record).status();
}

absl::StatusOr<bool> FamilyWriter::ReplaceServerRecord(const DerivedRecord& derived) {
  ASSIGN_OR_RETURN(absl::optional<StoredRecord> before, reader_.Record(derived.id));
  if (before.has_value() && before->kind() == derived.kind && before->body() == derived.body) {
    return false;
  }
  // It takes the place of a record of people, which the deriver may have read.
  if (before.has_value() && before->kind() != derived.kind) state_.memory.reset();
  StoredRecord record;
  record.set_kind(derived.kind);
  record.set_body(derived.body);
  RETURN_IF_ERROR(Replace(derived.id, std::move(before), std::move(record)));
  return true;
}

void FamilyWriter::EndRevision(JournalEntry entry) {
  CHECK(state_.in_revision);
  state_.in_revision = false;
  *entry.mutable_committed_at() = ToProto(now_);
  for (const storage::v1::JournalEffect& effect : entry.effects()) {
    if (effect.effect() == v1::EDIT_EFFECT_WON ||
        effect.effect() == v1::EDIT_EFFECT_KEPT_AS_CONFLICT) {
      ++state_.conflicts;
    }
  }
  state_.open_entry = std::move(entry);
}

void FamilyWriter::Put(Column column, const std::string& key,
                       const google::protobuf::MessageLite& row) {
  view_.Put(column, key, row.SerializeAsString());
}

void FamilyWriter::Delete(Column column, const std::string& key) { view_.Delete(column, key); }

absl::Status FamilyWriter::Finish() {
  CHECK(!state_.in_revision);
  if (!exists() || !state_.open_entry.has_value()) return absl::OkStatus();
  std::vector<RecordChange> changes;
  for (const auto& [id, before] : state_.before) {
    ASSIGN_OR_RETURN(absl::optional<StoredRecord> after, reader_.Record(id));
    CHECK(after.has_value());
    changes.push_back({id, before, *std::move(after)});
  }
  std::sort(changes.begin(), changes.end(),
            [](const RecordChange& a, const RecordChange& b) { return a.id < b.id; });
  std::vector<DerivedRecord> derived;
  RETURN_IF_ERROR(deriver_.Derive(reader_, changes, state_.memory, derived));
  state_.in_revision = true;  // the newest one: its entry is still open
  for (const DerivedRecord& record : derived) {
    ASSIGN_OR_RETURN(const bool replaced, ReplaceServerRecord(record));
    if (replaced) state_.open_entry->add_server_record_ids(record.id.str());
  }
  state_.in_revision = false;
  CloseEntry();
  return absl::OkStatus();
}

void FamilyWriter::CloseEntry() {
  state_.open_entry->set_previous_chain_hash(head().chain_hash());
  const std::string row = state_.open_entry->SerializeAsString();
  view_.Put(kJournalColumn, JournalKey(family(), head().revision()), row);
  state_.head->set_chain_hash(Sha256(row));
  Put(kHeadColumn, FamilyHeadKey(family()), *state_.head);
  state_.open_entry.reset();
}

KindHash& FamilyWriter::MutableKindHash(uint32_t kind) {
  for (KindHash& candidate : *state_.head->mutable_kind_hashes()) {
    if (candidate.kind() == kind) return candidate;
  }
  KindHash& added = *state_.head->add_kind_hashes();
  added.set_kind(kind);
  return added;
}

}  // namespace nightlog
