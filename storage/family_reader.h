#ifndef NIGHTLOG_STORAGE_FAMILY_READER_H_
#define NIGHTLOG_STORAGE_FAMILY_READER_H_

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "storage/core/ids.h"
#include "storage/engine/engine.h"

namespace nightlog {

// Reads the rows of one family in a view. Every method answers nullopt, or nothing, for what is not
// there, and DATA_LOSS (STORAGE_DAMAGED) for bytes that do not parse. As thread-safe as the view.
class FamilyReader {
 public:
  // `view` must outlive this.
  FamilyReader(const ReadView& view, const FamilyId& family) : view_(view), family_(family) {}

  const FamilyId& family() const { return family_; }

  // nullopt: there is no such family.
  absl::StatusOr<absl::optional<storage::v1::FamilyHead>> Head() const;
  absl::StatusOr<absl::optional<storage::v1::StoredRecord>> Record(const RecordId& record) const;
  absl::StatusOr<absl::optional<storage::v1::JournalEntry>> Journal(uint64_t revision) const;
  absl::StatusOr<absl::optional<storage::v1::Replica>> Replica(const ReplicaId& replica) const;
  absl::StatusOr<absl::optional<storage::v1::StoredVerdict>> Verdict(const ReplicaId& replica,
                                                                     uint64_t seq) const;
  absl::StatusOr<absl::optional<storage::v1::QuarantinedTransaction>> Quarantined(
      const ReplicaId& replica, uint64_t seq) const;
  absl::StatusOr<absl::optional<storage::v1::StoredMember>> Member(const MemberId& member) const;
  absl::StatusOr<absl::optional<storage::v1::StoredFamilyDevice>> Device(
      const DeviceId& device) const;

  // Visitors return false to stop early; then, as at the end, the scan answers OK.
  using MemberVisitor = std::function<bool(const MemberId&, const storage::v1::StoredMember&)>;
  absl::Status ScanMembers(const MemberVisitor& visit) const;
  using DeviceVisitor =
      std::function<bool(const DeviceId&, const storage::v1::StoredFamilyDevice&)>;
  absl::Status ScanDevices(const DeviceVisitor& visit) const;

  // Events of access with a number below `before`, the newest first.
  using EventVisitor = std::function<bool(uint64_t number, const storage::v1::StoredEvent&)>;
  absl::Status ScanEvents(uint64_t before, const EventVisitor& visit) const;

  // What waits in quarantine, from `start_key` on: FamilyStart, or a row's own key.
  using QuarantineVisitor =
      std::function<bool(absl::string_view key, const storage::v1::QuarantinedTransaction&)>;
  absl::Status ScanQuarantine(absl::string_view start_key, const QuarantineVisitor& visit) const;

  // Records in the order of their last change, from `start_key`, a key built by FeedKey or
  // FeedKeyAfter. `key` is the row's own.
  using FeedVisitor = std::function<bool(absl::string_view key, const RecordId&)>;
  absl::Status ScanFeed(absl::string_view start_key, const FeedVisitor& visit) const;

  // Records whose index key (see Deriver) lies in [start, limit); an empty limit means no bound.
  using IndexVisitor = std::function<bool(absl::string_view index_key, const RecordId&)>;
  absl::Status ScanIndex(absl::string_view start, absl::string_view limit, ScanOrder order,
                         const IndexVisitor& visit) const;

 private:
  template <typename Row>
  absl::StatusOr<absl::optional<Row>> Get(Column column, const std::string& key) const;

  const ReadView& view_;
  const FamilyId family_;
};

// The newest events of access that a family keeps: a few years of a family's life, and some 100
// KiB. They are numbered from 1 without gaps.
constexpr uint64_t kEventsKept = 1000;

// DATA_LOSS (STORAGE_DAMAGED): a row does not say what it must.
absl::Status DamagedRow();

// A stored row parsed; DATA_LOSS if its bytes are damaged.
absl::Status ParseRow(absl::string_view bytes, google::protobuf::MessageLite& row);
// These also find ids and hashes of a wrong size.
absl::Status ParseRow(absl::string_view bytes, storage::v1::FamilyHead& row);
absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredRecord& row);
absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredFamilyDevice& row);
absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredInvite& row);
absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredDevice& row);
absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredNewToken& row);
absl::Status ParseRow(absl::string_view bytes, storage::v1::StoredPairing& row);
absl::Status ParseRow(absl::string_view bytes, storage::v1::QuarantinedTransaction& row);

// Rows of the store that belong to no family.
absl::StatusOr<absl::optional<storage::v1::StoredDevice>> ReadDevice(const ReadView& view,
                                                                     absl::string_view token_hash);
absl::StatusOr<absl::optional<storage::v1::StoredNewToken>> ReadNewToken(
    const ReadView& view, absl::string_view token_hash);
absl::StatusOr<absl::optional<storage::v1::StoredInvite>> ReadInvite(const ReadView& view,
                                                                     absl::string_view code_hash);
absl::StatusOr<absl::optional<storage::v1::StoredPairing>> ReadPairing(
    const ReadView& view, absl::string_view request_hash);
// The families a device was ever paired with, in order of id.
absl::StatusOr<std::vector<FamilyId>> FamiliesOfDevice(const ReadView& view,
                                                       const DeviceId& device);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_FAMILY_READER_H_
