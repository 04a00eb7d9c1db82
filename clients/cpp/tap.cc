#include "clients/cpp/tap.h"

#include <algorithm>
#include <memory>

#include "storage/core/check.h"
#include "storage/core/record_state.h"

namespace nightlog {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The value of an edit as a message of a kind that people edit.
Message& MutableValue(v1::Edit& edit, const google::protobuf::Descriptor* type) {
  const google::protobuf::OneofDescriptor* value = v1::Edit::descriptor()->FindOneofByName("value");
  for (int i = 0; i < value->field_count(); ++i) {
    if (value->field(i)->message_type() == type) {
      return *edit.GetReflection()->MutableMessage(&edit, value->field(i));
    }
  }
  CHECK(false && "not a kind of record that people edit");
  std::abort();
}

}  // namespace

Tap& Tap::AddEdits(const RecordId& record, const Message& groups, bool resolves) {
  std::vector<const FieldDescriptor*> fields;
  groups.GetReflection()->ListFields(groups, &fields);
  for (const FieldDescriptor* group : fields) {
    Change& change = ChangeOf(record, static_cast<uint32_t>(group->number()));
    change.resolves = resolves;
    Message& value = MutableValue(change.edit, groups.GetDescriptor());
    value.CopyFrom(groups);
    for (const FieldDescriptor* other : fields) {
      if (other != group) value.GetReflection()->ClearField(&value, other);
    }
  }
  return *this;
}

Tap& Tap::Clear(const RecordId& record, uint32_t kind, uint32_t group) {
  const google::protobuf::Descriptor* type = DescriptorOf(kind);
  CHECK(type != nullptr);
  MutableValue(ChangeOf(record, group).edit, type).Clear();
  return *this;
}

Tap& Tap::RemoveTags(const RecordId& record, const std::vector<std::string>& tags) {
  v1::Edit& edit = ChangeOf(record, v1::LogEntry::kTagsFieldNumber).edit;
  edit.mutable_log_entry();  // keeps the tags that this tap adds
  for (const std::string& tag : tags) edit.add_removed_elements(tag);
  return *this;
}

Tap& Tap::Delete(const RecordId& record) {
  ChangeOf(record, kExistence).edit.mutable_existence()->set_deleted(true);
  return *this;
}

Tap& Tap::Restore(const RecordId& record) {
  ChangeOf(record, kExistence).edit.mutable_existence()->set_deleted(false);
  return *this;
}

Tap& Tap::Replace(const v1::Edit& edit, const v1::EditId& replaced) {
  Change& change = ChangeOf(RecordId(edit.record_id()), edit.group());
  change.edit = edit;
  change.replaced = replaced;
  return *this;
}

Tap& Tap::Append(const Tap& other) {
  changes_.insert(changes_.end(), other.changes_.begin(), other.changes_.end());
  return *this;
}

Tap::Change& Tap::ChangeOf(const RecordId& record, uint32_t group) {
  for (Change& change : changes_) {
    if (change.edit.record_id() == record.bytes() && change.edit.group() == group) return change;
  }
  changes_.emplace_back();
  changes_.back().edit.set_record_id(record.str());
  changes_.back().edit.set_group(group);
  return changes_.back();
}

}  // namespace nightlog
