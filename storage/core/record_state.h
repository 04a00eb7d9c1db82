#ifndef NIGHTLOG_STORAGE_CORE_RECORD_STATE_H_
#define NIGHTLOG_STORAGE_CORE_RECORD_STATE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/sync.pb.h"
#include "storage/core/ids.h"

namespace nightlog {

// The state of a record (storage.v1.StoredRecord) and the record that people see (v1.Record). The
// state keeps, for each field group, the versions that stand, each with its value as the bytes of
// the record message with only that group set. Protobuf messages concatenate, so the record's body
// is the concatenation of what its groups show, fields that this build does not know included.
//
// Pure functions; thread-safe.

// Kinds of records: the field numbers of v1.Record's body.
enum RecordKind : uint32_t {
  kChild = v1::Record::kChildFieldNumber,
  kLogEntry = v1::Record::kLogEntryFieldNumber,
  kPlan = v1::Record::kPlanFieldNumber,
  kComment = v1::Record::kCommentFieldNumber,
  kMember = v1::Record::kMemberFieldNumber,
  kNightSummary = v1::Record::kNightSummaryFieldNumber,
  kProgress = v1::Record::kProgressFieldNumber,
};

// Group number of a record's existence.
constexpr uint32_t kExistence = 0;

// The same bytes for equal messages, maps included, from one build to the next of a protobuf
// version.
std::string SerializeDeterministic(const google::protobuf::Message& message);

// True for the kinds that people edit, by groups; the others the server writes as a whole.
bool IsEditable(uint32_t kind);

// The message type of a kind, or null for a kind that this build does not know.
const google::protobuf::Descriptor* DescriptorOf(uint32_t kind);

// The kind of record an edit's value is of; 0 for an existence edit, and for an edit without a
// value that this build knows.
uint32_t KindOf(const v1::Edit& edit);

// The bytes of an edit's value: the record message with only its group set; empty if cleared.
std::string ValueOf(const v1::Edit& edit);

// What the groups of an editable record show, as the bytes of its record message; or the body of a
// record of the server.
std::string BodyOf(const storage::v1::StoredRecord& record);

// BodyOf() parsed. False if the bytes are damaged or the kind is another one.
template <typename Body>
bool ParseBody(const storage::v1::StoredRecord& record, Body& body) {
  return DescriptorOf(record.kind()) == Body::descriptor() && body.ParseFromString(BodyOf(record));
}

// The record that people see. False if stored bytes are damaged.
bool RecordToWire(absl::string_view record_id, const storage::v1::StoredRecord& state,
                  v1::Record& record);

// A version of the group with its value; of the existence if it says so (of_existence).
// REQUIRES: IsEditable(kind).
v1::Version VersionToWire(uint32_t kind, uint32_t group, const storage::v1::StoredVersion& stored);

// The state a device lays its outbox over. RecordToWire() gives `record` again.
storage::v1::StoredRecord RecordFromWire(const v1::Record& record);

// SHA-256 over the record's content in a canonical form: kind, id, whether deleted, who created it,
// and of each group the versions that stand, with their edit ids and values. Not the revision and
// no times, so that two servers with the same edits agree.
std::string DigestOf(absl::string_view record_id, const storage::v1::StoredRecord& record);

// Edit ids of the wire and of the disk.
storage::v1::StoredEditId ToStored(const v1::EditId& id);
v1::EditId ToWire(const storage::v1::StoredEditId& id);
bool SameEdit(const storage::v1::StoredEditId& a, const storage::v1::StoredEditId& b);

// The state of a group, or null. The mutable form makes it, keeping groups in order of number.
const storage::v1::StoredGroup* FindGroup(const storage::v1::StoredRecord& record, uint32_t group);
storage::v1::StoredGroup& MutableGroup(storage::v1::StoredRecord& record, uint32_t group);

// True where people have a choice to make: a group with values that were not seen by the one shown,
// or a deletion that lost against an edit.
bool HasConflict(const storage::v1::StoredRecord& record);
bool HasConflict(const v1::Record& record);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_RECORD_STATE_H_
