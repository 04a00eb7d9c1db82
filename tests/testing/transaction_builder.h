#ifndef NIGHTLOG_TESTS_TESTING_TRANSACTION_BUILDER_H_
#define NIGHTLOG_TESTS_TESTING_TRANSACTION_BUILDER_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/message.h"
#include "nightlog/v1/sync.pb.h"
#include "storage/core/check.h"
#include "storage/core/hash.h"
#include "storage/core/ids.h"
#include "storage/core/proto_time.h"

namespace nightlog {

// The same id for the same number, in the order of numbers.
template <typename SomeId>
SomeId TestId(uint32_t number) {
  std::string bytes(SomeId::kSize, '\x11');
  for (int i = 0; i < 4; ++i) bytes[12 + i] = static_cast<char>(number >> (24 - 8 * i));
  return SomeId(bytes);
}

using SeenEdits = std::vector<v1::EditId>;

namespace internal {
inline v1::Child& BodyOf(v1::Edit& edit, const v1::Child&) { return *edit.mutable_child(); }
inline v1::LogEntry& BodyOf(v1::Edit& edit, const v1::LogEntry&) {
  return *edit.mutable_log_entry();
}
inline v1::Plan& BodyOf(v1::Edit& edit, const v1::Plan&) { return *edit.mutable_plan(); }
inline v1::Comment& BodyOf(v1::Edit& edit, const v1::Comment&) { return *edit.mutable_comment(); }
}  // namespace internal

// One edit for each field set in `body` (a Child, LogEntry, Plan or Comment): a new record as a
// device makes it, or, with one field, a change. All have seen `saw`.
template <typename Body>
std::vector<v1::Edit> EditsOf(const RecordId& record, const Body& body, const SeenEdits& saw = {}) {
  std::vector<const google::protobuf::FieldDescriptor*> fields;
  body.GetReflection()->ListFields(body, &fields);
  std::vector<v1::Edit> edits;
  for (const auto* group : fields) {
    v1::Edit& edit = edits.emplace_back();
    edit.set_record_id(record.str());
    edit.set_group(static_cast<uint32_t>(group->number()));
    Body& value = internal::BodyOf(edit, body);
    value = body;
    for (const auto* other : fields) {
      if (other != group) value.GetReflection()->ClearField(&value, other);
    }
    for (const v1::EditId& seen : saw) *edit.add_saw() = seen;
  }
  return edits;
}

// An edit of a record's existence.
inline v1::Edit ExistenceEdit(const RecordId& record, bool deleted, const SeenEdits& saw) {
  v1::Edit edit;
  edit.set_record_id(record.str());
  edit.mutable_existence()->set_deleted(deleted);
  for (const v1::EditId& seen : saw) *edit.add_saw() = seen;
  return edit;
}

// Makes the transactions of one replica as a device does: dense numbers and a chain of hashes. The
// device's clock is right unless the caller changes `made_at`; then call Seal. A value type: a copy
// is a cloned phone.
class TransactionBuilder {
 public:
  explicit TransactionBuilder(const ReplicaId& replica) : replica_(replica) {}

  const ReplicaId& replica() const { return replica_; }

  // The next transaction.
  v1::Transaction Make(std::vector<v1::Edit> edits, absl::Time made_at) {
    v1::Transaction transaction;
    transaction.set_seq(++seq_);
    transaction.set_previous_hash(hash_);
    for (v1::Edit& edit : edits) *transaction.add_edits() = std::move(edit);
    *transaction.mutable_made_at()->mutable_wall() = ToProto(made_at);
    Seal(transaction);
    return transaction;
  }

  // Hashes the newest transaction again, after the caller changed it.
  void Seal(v1::Transaction& transaction) {
    CHECK(transaction.seq() == seq_);
    transaction.clear_hash();
    hash_ = Sha256(transaction.previous_hash() + transaction.SerializeAsString());
    transaction.set_hash(hash_);
  }

  // The id of an edit of the newest transaction.
  v1::EditId Id(uint32_t index) const {
    v1::EditId id;
    id.set_replica_id(replica_.str());
    id.set_seq(seq_);
    id.set_index(index);
    return id;
  }

 private:
  ReplicaId replica_;
  uint64_t seq_ = 0;
  std::string hash_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_TESTING_TRANSACTION_BUILDER_H_
