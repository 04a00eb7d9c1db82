#include "storage/family_reader.h"

#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

constexpr size_t kHashSize = 32;

template <typename Row>
absl::StatusOr<absl::optional<Row>> GetRow(const ReadView& view, Column column,
                                           const std::string& key) {
  ASSIGN_OR_RETURN(const absl::optional<std::string> bytes, view.Get(column, key));
  absl::optional<Row> row;
  if (bytes.has_value()) RETURN_IF_ERROR(ParseRow(*bytes, row.emplace()));
  return row;
}

absl::Status Require(bool holds) { return holds ? absl::OkStatus() : DamagedRow(); }

absl::Status ParseMessage(absl::string_view bytes, google::protobuf::MessageLite& row) {
  return Require(row.ParseFromArray(bytes.data(), static_cast<int>(bytes.size())));
}

// An empty one stands for the hash of nothing.
bool IsHash(absl::string_view bytes) { return bytes.empty() || bytes.size() == kHashSize; }

// Visits (id at the end of the key, parsed row) under a prefix.
template <typename RowId, typename Row>
absl::Status ScanRows(const ReadView& view, Column column, const std::string& prefix,
                      const std::function<bool(const RowId&, const Row&)>& visit) {
  auto it = view.Scan(column, prefix, PrefixLimit(prefix));
  for (; it->Valid(); it->Next()) {
    RETURN_IF_ERROR(Require(it->key().size() == prefix.size() + RowId::kSize));
    Row row;
    RETURN_IF_ERROR(ParseRow(it->value(), row));
    if (!visit(RowId(LastIdOf(it->key())), row)) break;
  }
  return it->status();
}

}  // namespace

absl::Status DamagedRow() {
  return MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED,
                   "A stored row is damaged; restore the newest backup.");
}

absl::Status ParseRow(absl::string_view bytes, google::protobuf::MessageLite& row) {
  return ParseMessage(bytes, row);
}

absl::Status ParseRow(absl::string_view bytes, storage::v1::FamilyHead& row) {
  RETURN_IF_ERROR(ParseMessage(bytes, row));
  for (const storage::v1::KindHash& kind_hash : row.kind_hashes()) {
    RETURN_IF_ERROR(Require(IsHash(kind_hash.sum())));
  }
  return absl::OkStatus();
}

absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredRecord& row) {
  RETURN_IF_ERROR(ParseMessage(bytes, row));
  return Require(IsHash(row.digest()));
}

absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredFamilyDevice& row) {
  RETURN_IF_ERROR(ParseMessage(bytes, row));
  return Require(MemberId::IsId(row.member_id()) && ReplicaId::IsId(row.replica_id()));
}

absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredInvite& row) {
  RETURN_IF_ERROR(ParseMessage(bytes, row));
  return Require(FamilyId::IsId(row.family_id()) && DeviceId::IsId(row.invited_by()));
}

absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredDevice& row) {
  RETURN_IF_ERROR(ParseMessage(bytes, row));
  return Require(DeviceId::IsId(row.device_id()));
}

absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredNewToken& row) {
  RETURN_IF_ERROR(ParseMessage(bytes, row));
  return Require(DeviceId::IsId(row.device_id()) && IsHash(row.replaces()));
}

absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredPairing& row) {
  RETURN_IF_ERROR(ParseMessage(bytes, row));
  return Require(FamilyId::IsId(row.family_id()) && DeviceId::IsId(row.device_id()));
}

absl::Status ParseRow(absl::string_view bytes, storage::v1::QuarantinedTransaction& row) {
  RETURN_IF_ERROR(ParseMessage(bytes, row));
  return Require(MemberId::IsId(row.member_id()));
}

template <typename Row>
absl::StatusOr<absl::optional<Row>> FamilyReader::Get(Column column, const std::string& key) const {
  return GetRow<Row>(view_, column, key);
}

absl::StatusOr<absl::optional<storage::v1::FamilyHead>> FamilyReader::Head() const {
  return Get<storage::v1::FamilyHead>(kHeadColumn, FamilyHeadKey(family_));
}
absl::StatusOr<absl::optional<storage::v1::StoredRecord>> FamilyReader::Record(
    const RecordId& record) const {
  return Get<storage::v1::StoredRecord>(kRecordColumn, RecordKey(family_, record));
}
absl::StatusOr<absl::optional<storage::v1::JournalEntry>> FamilyReader::Journal(
    uint64_t revision) const {
  return Get<storage::v1::JournalEntry>(kJournalColumn, JournalKey(family_, revision));
}
absl::StatusOr<absl::optional<storage::v1::Replica>> FamilyReader::Replica(
    const ReplicaId& replica) const {
  return Get<storage::v1::Replica>(kReplicaColumn, ReplicaKey(family_, replica));
}
absl::StatusOr<absl::optional<storage::v1::StoredVerdict>> FamilyReader::Verdict(
    const ReplicaId& replica, uint64_t seq) const {
  return Get<storage::v1::StoredVerdict>(kVerdictColumn, TransactionKey(family_, replica, seq));
}
absl::StatusOr<absl::optional<storage::v1::QuarantinedTransaction>> FamilyReader::Quarantined(
    const ReplicaId& replica, uint64_t seq) const {
  return Get<storage::v1::QuarantinedTransaction>(kQuarantineColumn,
                                                  TransactionKey(family_, replica, seq));
}
absl::StatusOr<absl::optional<storage::v1::StoredMember>> FamilyReader::Member(
    const MemberId& member) const {
  return Get<storage::v1::StoredMember>(kAccessColumn, MemberKey(family_, member));
}
absl::StatusOr<absl::optional<storage::v1::StoredFamilyDevice>> FamilyReader::Device(
    const DeviceId& device) const {
  return Get<storage::v1::StoredFamilyDevice>(kAccessColumn, FamilyDeviceKey(family_, device));
}

absl::Status FamilyReader::ScanMembers(const MemberVisitor& visit) const {
  return ScanRows(view_, kAccessColumn, MembersPrefix(family_), visit);
}
absl::Status FamilyReader::ScanDevices(const DeviceVisitor& visit) const {
  return ScanRows(view_, kAccessColumn, FamilyDevicesPrefix(family_), visit);
}

absl::Status FamilyReader::ScanEvents(uint64_t before, const EventVisitor& visit) const {
  auto it = view_.Scan(kAccessColumn, EventKey(family_, 0), EventKey(family_, before),
                       ScanOrder::kDescending);
  for (; it->Valid(); it->Next()) {
    RETURN_IF_ERROR(Require(it->key().size() == EventKey(family_, 0).size()));
    storage::v1::StoredEvent row;
    RETURN_IF_ERROR(ParseRow(it->value(), row));
    if (!visit(NumberOfEventKey(it->key()), row)) break;
  }
  return it->status();
}

absl::Status FamilyReader::ScanQuarantine(absl::string_view start_key,
                                          const QuarantineVisitor& visit) const {
  auto it = view_.Scan(kQuarantineColumn, start_key, FamilyLimit(family_));
  for (; it->Valid(); it->Next()) {
    RETURN_IF_ERROR(Require(it->key().size() == TransactionKey(family_, ReplicaId(), 0).size()));
    storage::v1::QuarantinedTransaction row;
    RETURN_IF_ERROR(ParseRow(it->value(), row));
    if (!visit(it->key(), row)) break;
  }
  return it->status();
}

absl::Status FamilyReader::ScanFeed(absl::string_view start_key, const FeedVisitor& visit) const {
  auto it = view_.Scan(kFeedColumn, start_key, FamilyLimit(family_));
  for (; it->Valid(); it->Next()) {
    RETURN_IF_ERROR(Require(it->key().size() == FeedKey(family_, 0, RecordId()).size()));
    if (!visit(it->key(), ParseFeedKey(it->key()).record)) break;
  }
  return it->status();
}

absl::Status FamilyReader::ScanIndex(absl::string_view start, absl::string_view limit,
                                     ScanOrder order, const IndexVisitor& visit) const {
  auto it = view_.Scan(kIndexColumn, IndexKey(family_, start),
                       limit.empty() ? FamilyLimit(family_) : IndexKey(family_, limit), order);
  for (; it->Valid(); it->Next()) {
    if (!RecordId::IsId(it->value())) return DamagedRow();
    if (!visit(DeriverPartOf(it->key()), RecordId(it->value()))) break;
  }
  return it->status();
}

absl::StatusOr<absl::optional<storage::v1::StoredDevice>> ReadDevice(const ReadView& view,
                                                                     absl::string_view token_hash) {
  return GetRow<storage::v1::StoredDevice>(view, kAccessColumn, DeviceKey(token_hash));
}

absl::StatusOr<absl::optional<storage::v1::StoredNewToken>> ReadNewToken(
    const ReadView& view, absl::string_view token_hash) {
  return GetRow<storage::v1::StoredNewToken>(view, kAccessColumn, NewTokenKey(token_hash));
}

absl::StatusOr<absl::optional<storage::v1::StoredInvite>> ReadInvite(const ReadView& view,
                                                                     absl::string_view code_hash) {
  return GetRow<storage::v1::StoredInvite>(view, kAccessColumn, InviteKey(code_hash));
}

absl::StatusOr<absl::optional<storage::v1::StoredPairing>> ReadPairing(
    const ReadView& view, absl::string_view request_hash) {
  return GetRow<storage::v1::StoredPairing>(view, kAccessColumn, PairingKey(request_hash));
}

absl::StatusOr<std::vector<FamilyId>> FamiliesOfDevice(const ReadView& view,
                                                       const DeviceId& device) {
  std::vector<FamilyId> families;
  const std::string prefix = DeviceFamiliesPrefix(device);
  auto it = view.Scan(kAccessColumn, prefix, PrefixLimit(prefix));
  for (; it->Valid(); it->Next()) {
    RETURN_IF_ERROR(Require(it->key().size() == prefix.size() + FamilyId::kSize));
    families.emplace_back(LastIdOf(it->key()));
  }
  RETURN_IF_ERROR(it->status());
  return families;
}

}  // namespace nightlog
