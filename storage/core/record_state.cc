#include "storage/core/record_state.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "storage/core/check.h"
#include "storage/core/field_rules.h"
#include "storage/core/hash.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"

namespace nightlog {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;
using storage::v1::StoredEditId;
using storage::v1::StoredGroup;
using storage::v1::StoredRecord;
using storage::v1::StoredVersion;

// A message of the type of a kind of record, by its number as a field of a wire message.
const FieldDescriptor* BodyField(const Descriptor* wire, uint32_t kind) {
  const FieldDescriptor* field = wire->FindFieldByNumber(static_cast<int>(kind));
  return field != nullptr && field->containing_oneof() != nullptr &&
                 field->message_type() != nullptr &&
                 field->message_type() != v1::Existence::descriptor()
             ? field
             : nullptr;
}

std::unique_ptr<Message> NewBody(uint32_t kind) {
  const Descriptor* type = DescriptorOf(kind);
  CHECK(type != nullptr);
  return std::unique_ptr<Message>(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(type)->New());
}

// The bytes of `body` with only field `group`.
std::string OnlyGroup(const Message& body, uint32_t group) {
  std::unique_ptr<Message> copy(body.New());
  copy->CopyFrom(body);
  if (Planted("unknown_fields_dropped_on_phone")) copy->DiscardUnknownFields();
  const Reflection& reflection = *copy->GetReflection();
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(*copy, &fields);
  for (const FieldDescriptor* field : fields) {
    if (static_cast<uint32_t>(field->number()) != group) reflection.ClearField(copy.get(), field);
  }
  google::protobuf::UnknownFieldSet* unknown = reflection.MutableUnknownFields(copy.get());
  for (int i = unknown->field_count(); i-- > 0;) {
    if (static_cast<uint32_t>(unknown->field(i).number()) != group) {
      unknown->DeleteSubrange(i, 1);
    }
  }
  return SerializeDeterministic(*copy);
}

// Concurrent texts are shown one under the other.
std::string JoinTexts(uint32_t kind, uint32_t group, const StoredGroup& state) {
  std::unique_ptr<Message> body = NewBody(kind);
  const FieldDescriptor* field = body->GetDescriptor()->FindFieldByNumber(static_cast<int>(group));
  const Reflection& reflection = *body->GetReflection();
  std::string text;
  for (const StoredVersion& version : state.versions()) {
    std::unique_ptr<Message> segment = NewBody(kind);
    if (!segment->ParseFromString(version.value())) continue;
    absl::StrAppend(&text, text.empty() ? "" : "\n", reflection.GetString(*segment, field));
  }
  reflection.SetString(body.get(), field, text);
  return SerializeDeterministic(*body);
}

std::string UniteSets(uint32_t kind, uint32_t group, const StoredGroup& state) {
  std::unique_ptr<Message> body = NewBody(kind);
  const FieldDescriptor* field = body->GetDescriptor()->FindFieldByNumber(static_cast<int>(group));
  const Reflection& reflection = *body->GetReflection();
  std::set<std::string> elements;
  for (const StoredVersion& version : state.versions()) {
    std::unique_ptr<Message> part = NewBody(kind);
    if (!part->ParseFromString(version.value())) continue;
    for (int i = 0; i < reflection.FieldSize(*part, field); ++i) {
      elements.insert(reflection.GetRepeatedString(*part, field, i));
    }
  }
  for (const std::string& element : elements) reflection.AddString(body.get(), field, element);
  return SerializeDeterministic(*body);
}

// The bytes that a group shows.
std::string ShownValue(uint32_t kind, const StoredGroup& group) {
  if (group.group() == kExistence || group.versions().empty()) return "";
  std::string bytes;
  switch (MergeRuleOf(*DescriptorOf(kind), group.group())) {
    case v1::MERGE_RULE_TEXT:
      return group.versions_size() == 1 ? group.versions(0).value()
                                        : JoinTexts(kind, group.group(), group);
    case v1::MERGE_RULE_SET:
      return UniteSets(kind, group.group(), group);
    case v1::MERGE_RULE_APPEND:
      for (const StoredVersion& version : group.versions()) bytes += version.value();
      return bytes;
    default:
      return group.versions(0).value();
  }
}

bool IsRegister(uint32_t kind, uint32_t group) {
  const v1::MergeRule rule = MergeRuleOf(*DescriptorOf(kind), group);
  return rule == v1::MERGE_RULE_REGISTER || rule == v1::MERGE_RULE_INTERVAL;
}

Message* MutableOneof(Message& message, uint32_t number) {
  const FieldDescriptor* field = BodyField(message.GetDescriptor(), number);
  return field == nullptr ? nullptr : message.GetReflection()->MutableMessage(&message, field);
}

const Message* GetOneof(const Message& message, uint32_t number) {
  const FieldDescriptor* field = BodyField(message.GetDescriptor(), number);
  return field == nullptr || !message.GetReflection()->HasField(message, field)
             ? nullptr
             : &message.GetReflection()->GetMessage(message, field);
}

bool ConvertVersion(uint32_t kind, uint32_t group, bool with_value, const StoredVersion& stored,
                    v1::Version& version) {
  *version.mutable_edit() = ToWire(stored.edit());
  version.set_member_id(stored.member_id());
  *version.mutable_made_at() = stored.made_at();
  for (const StoredEditId& agreed : stored.agreed()) *version.add_agreed() = ToWire(agreed);
  if (group == kExistence) return version.mutable_existence()->ParseFromString(stored.value());
  return !with_value || MutableOneof(version, kind)->ParseFromString(stored.value());
}

void AppendPart(std::string& canonical, absl::string_view part) {
  absl::StrAppend(&canonical, part.size(), ":", part, ",");
}

void AppendPart(std::string& canonical, const StoredEditId& id) {
  AppendPart(canonical, absl::StrCat(id.replica_id(), "/", id.seq(), "/", id.index()));
}

}  // namespace

std::string SerializeDeterministic(const Message& message) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    CHECK(message.SerializeToCodedStream(&coded));
  }
  return bytes;
}

bool IsEditable(uint32_t kind) { return BodyField(v1::Edit::descriptor(), kind) != nullptr; }

const Descriptor* DescriptorOf(uint32_t kind) {
  const FieldDescriptor* field = BodyField(v1::Record::descriptor(), kind);
  return field == nullptr ? nullptr : field->message_type();
}

uint32_t KindOf(const v1::Edit& edit) {
  return edit.value_case() == v1::Edit::kExistence ? 0 : static_cast<uint32_t>(edit.value_case());
}

std::string ValueOf(const v1::Edit& edit) {
  if (edit.has_existence()) return SerializeDeterministic(edit.existence());
  const Message* value = GetOneof(edit, static_cast<uint32_t>(edit.value_case()));
  return value == nullptr ? "" : SerializeDeterministic(*value);
}

std::string BodyOf(const StoredRecord& record) {
  if (!IsEditable(record.kind())) return record.body();
  if (record.deleted() && Planted("tombstone_without_last_state")) return "";
  std::string bytes;
  for (const StoredGroup& group : record.groups()) bytes += ShownValue(record.kind(), group);
  return bytes;
}

bool RecordToWire(absl::string_view record_id, const StoredRecord& state, v1::Record& record) {
  record.Clear();
  record.set_record_id(std::string(record_id));
  record.set_revision(state.revision());
  record.set_deleted(state.deleted());
  record.set_digest(state.digest());
  record.set_created_by(state.created_by());
  if (state.has_created_at()) *record.mutable_created_at() = state.created_at();
  Message* body = MutableOneof(record, state.kind());
  if (body == nullptr || !body->ParseFromString(BodyOf(state))) return false;
  for (const StoredGroup& stored : state.groups()) {
    v1::Group& group = *record.add_groups();
    group.set_group(stored.group());
    const v1::MergeRule rule = MergeRuleOf(*DescriptorOf(state.kind()), stored.group());
    for (int i = 0; i < stored.versions_size(); ++i) {
      const bool with_value =
          rule != v1::MERGE_RULE_APPEND && (i > 0 || !IsRegister(state.kind(), stored.group()));
      if (!ConvertVersion(state.kind(), stored.group(), with_value, stored.versions(i),
                          *group.add_versions())) {
        return false;
      }
    }
  }
  return true;
}

v1::Version VersionToWire(uint32_t kind, uint32_t group, const StoredVersion& stored) {
  v1::Version version;
  ConvertVersion(kind, stored.of_existence() ? kExistence : group, /*with_value=*/true, stored,
                 version);
  return version;
}

StoredRecord RecordFromWire(const v1::Record& record) {
  StoredRecord state;
  state.set_kind(static_cast<uint32_t>(record.body_case()));
  state.set_revision(record.revision());
  state.set_deleted(record.deleted());
  state.set_digest(record.digest());
  state.set_created_by(record.created_by());
  if (record.has_created_at()) *state.mutable_created_at() = record.created_at();
  const Message* body = GetOneof(record, state.kind());
  if (body == nullptr) return state;
  if (!IsEditable(state.kind())) {
    state.set_body(SerializeDeterministic(*body));
    return state;
  }
  for (const v1::Group& group : record.groups()) {
    StoredGroup& stored = *state.add_groups();
    stored.set_group(group.group());
    // APPEND: all of it stands in the body, and its first version takes it.
    const bool shown_in_body =
        group.group() != kExistence &&
        (IsRegister(state.kind(), group.group()) ||
         MergeRuleOf(*DescriptorOf(state.kind()), group.group()) == v1::MERGE_RULE_APPEND);
    for (const v1::Version& version : group.versions()) {
      StoredVersion& stored_version = *stored.add_versions();
      *stored_version.mutable_edit() = ToStored(version.edit());
      stored_version.set_member_id(version.member_id());
      *stored_version.mutable_made_at() = version.made_at();
      for (const v1::EditId& agreed : version.agreed()) {
        *stored_version.add_agreed() = ToStored(agreed);
      }
      const Message* value = GetOneof(version, state.kind());
      if (group.group() == kExistence) {
        stored_version.set_value(SerializeDeterministic(version.existence()));
      } else if (shown_in_body && stored.versions_size() == 1) {
        stored_version.set_value(OnlyGroup(*body, group.group()));
      } else if (value != nullptr) {
        stored_version.set_value(SerializeDeterministic(*value));
      }
    }
  }
  return state;
}

std::string DigestOf(absl::string_view record_id, const StoredRecord& record) {
  std::string canonical;
  AppendPart(canonical, absl::StrCat(record.kind()));
  AppendPart(canonical, record_id);
  AppendPart(canonical, record.deleted() ? "deleted" : "live");
  AppendPart(canonical, record.created_by());
  AppendPart(canonical, record.body());
  for (const StoredGroup& group : record.groups()) {
    AppendPart(canonical, absl::StrCat(group.group()));
    AppendPart(canonical, absl::StrCat(group.versions_size()));
    for (const StoredVersion& version : group.versions()) {
      AppendPart(canonical, version.edit());
      if (!Planted("digest_without_values")) AppendPart(canonical, version.value());
      AppendPart(canonical, absl::StrCat(version.agreed_size()));
      for (const StoredEditId& agreed : version.agreed()) AppendPart(canonical, agreed);
    }
  }
  return Sha256(canonical);
}

StoredEditId ToStored(const v1::EditId& id) {
  StoredEditId stored;
  stored.set_replica_id(id.replica_id());
  stored.set_seq(id.seq());
  stored.set_index(id.index());
  return stored;
}

v1::EditId ToWire(const StoredEditId& id) {
  v1::EditId wire;
  wire.set_replica_id(id.replica_id());
  wire.set_seq(id.seq());
  wire.set_index(id.index());
  return wire;
}

bool SameEdit(const StoredEditId& a, const StoredEditId& b) {
  return a.seq() == b.seq() && a.index() == b.index() && a.replica_id() == b.replica_id();
}

const StoredGroup* FindGroup(const StoredRecord& record, uint32_t group) {
  for (const StoredGroup& candidate : record.groups()) {
    if (candidate.group() == group) return &candidate;
  }
  return nullptr;
}

StoredGroup& MutableGroup(StoredRecord& record, uint32_t group) {
  int position = 0;
  while (position < record.groups_size() && record.groups(position).group() < group) ++position;
  if (position < record.groups_size() && record.groups(position).group() == group) {
    return *record.mutable_groups(position);
  }
  record.add_groups()->set_group(group);
  for (int i = record.groups_size() - 1; i > position; --i) {
    record.mutable_groups()->SwapElements(i, i - 1);
  }
  return *record.mutable_groups(position);
}

bool HasConflict(const StoredRecord& record) {
  if (!IsEditable(record.kind())) return false;
  for (const StoredGroup& group : record.groups()) {
    if (group.group() == kExistence) {
      if (record.deleted()) continue;
      for (const StoredVersion& version : group.versions()) {
        v1::Existence existence;
        if (existence.ParseFromString(version.value()) && existence.deleted()) return true;
      }
    } else if (group.versions_size() > 1 && IsRegister(record.kind(), group.group())) {
      return true;
    }
  }
  return false;
}

bool HasConflict(const v1::Record& record) { return HasConflict(RecordFromWire(record)); }

}  // namespace nightlog
