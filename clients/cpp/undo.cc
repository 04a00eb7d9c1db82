#include "clients/cpp/undo.h"

#include <algorithm>
#include <memory>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/merge.h"
#include "storage/core/planted_defect.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using storage::v1::StoredRecord;

// The record message in an edit or a version, which number theirs alike; null if it has another.
const Message* ValueIn(const Message& holder, uint32_t kind) {
  const FieldDescriptor* field = holder.GetDescriptor()->FindFieldByNumber(static_cast<int>(kind));
  if (!holder.GetReflection()->HasField(holder, field)) return nullptr;
  return &holder.GetReflection()->GetMessage(holder, field);
}

bool IsOf(const storage::v1::StoredVersion& version, const v1::EditId& edit) {
  const storage::v1::StoredEditId id = ToStored(edit);
  return SameEdit(version.edit(), id) ||
         std::any_of(version.agreed().begin(), version.agreed().end(),
                     [&id](const auto& agreed) { return SameEdit(agreed, id); });
}

// What the group showed before the change, as the bytes of the record message.
std::string ValueBefore(const StoredRecord& shown, const v1::EditOutcome& outcome) {
  const uint32_t number = outcome.change().group();
  const v1::MergeRule rule = MergeRuleOf(*DescriptorOf(shown.kind()), number);
  StoredRecord before;
  before.set_kind(shown.kind());
  storage::v1::StoredGroup& group = MutableGroup(before, number);
  for (const v1::Version& replaced : outcome.replaced()) {
    if (replaced.has_existence()) continue;
    storage::v1::StoredVersion& version = *group.add_versions();
    *version.mutable_edit() = ToStored(replaced.edit());
    *version.mutable_made_at() = replaced.made_at();
    const Message* value = ValueIn(replaced, shown.kind());
    if (value != nullptr) version.set_value(value->SerializeAsString());
  }
  // Elements and segments of others stand beside it, before and after. Values stood against it.
  if (rule == v1::MERGE_RULE_REGISTER || rule == v1::MERGE_RULE_INTERVAL) {
    const storage::v1::StoredGroup* now = FindGroup(shown, number);
    for (int i = 0; now != nullptr && i < now->versions_size(); ++i) {
      if (!IsOf(now->versions(i), outcome.edit())) *group.add_versions() = now->versions(i);
    }
    SortVersions(group);
  }
  return BodyOf(before);
}

// Takes off what the change added to a set of words, and adds what it took off.
void InvertSet(const StoredRecord& shown, const v1::EditOutcome& outcome,
               const FieldDescriptor& field, Message& value, v1::Edit& undo) {
  if (const Message* added = ValueIn(outcome.change(), shown.kind())) {
    for (int i = 0; i < added->GetReflection()->FieldSize(*added, &field); ++i) {
      undo.add_removed_elements(added->GetReflection()->GetRepeatedString(*added, &field, i));
    }
  }
  std::unique_ptr<Message> before(value.New());
  before->ParseFromString(ValueBefore(shown, outcome));
  const auto& removed = outcome.change().removed_elements();
  for (int i = 0; i < before->GetReflection()->FieldSize(*before, &field); ++i) {
    const std::string element = before->GetReflection()->GetRepeatedString(*before, &field, i);
    if (std::count(removed.begin(), removed.end(), element) > 0 &&
        !Planted("undo_brings_no_tag_back")) {
      value.GetReflection()->AddString(&value, &field, element);
    }
  }
}

absl::Status Invert(const StoredRecord& shown, const RecordId& record,
                    const v1::EditOutcome& outcome, Tap& tap) {
  const v1::Edit& change = outcome.change();
  if (change.has_existence()) {
    change.existence().deleted() ? tap.Restore(record) : tap.Delete(record);
    return absl::OkStatus();
  }
  const Descriptor& type = *DescriptorOf(shown.kind());
  const FieldDescriptor* field = type.FindFieldByNumber(static_cast<int>(change.group()));
  if (field == nullptr) {
    return absl::FailedPreconditionError(
        "a newer version of nightlog made the newest change; undo it with that one");
  }
  v1::Edit undo;
  undo.set_record_id(record.str());
  undo.set_group(change.group());
  Message& value = *undo.GetReflection()->MutableMessage(
      &undo, undo.GetDescriptor()->FindFieldByNumber(static_cast<int>(shown.kind())));
  switch (MergeRuleOf(type, change.group())) {
    case v1::MERGE_RULE_APPEND:
      return absl::FailedPreconditionError("what was said stays; say more in another comment");
    case v1::MERGE_RULE_SET:
      if (field->type() == FieldDescriptor::TYPE_BYTES) {
        return absl::FailedPreconditionError("what was said to be two stays two");
      }
      InvertSet(shown, outcome, *field, value, undo);
      break;
    default:
      // It said what stood already.
      if (outcome.effect() == v1::EDIT_EFFECT_AGREED && outcome.replaced().empty()) {
        return absl::OkStatus();
      }
      value.ParseFromString(ValueBefore(shown, outcome));
  }
  tap.Replace(undo, outcome.edit());
  return absl::OkStatus();
}

// The newest change of a record, and the id of one of its edits.
struct Newest {
  v1::HistoryItem change;
  bool made_record = false;
};

absl::StatusOr<Newest> NewestChange(const Replica& replica, Connection* connection,
                                    const FamilyId& family, const RecordId& record,
                                    absl::Time deadline) {
  Newest newest;
  ASSIGN_OR_RETURN(absl::optional<LocalChange> local, replica.NewestLocalChange(family, record));
  if (local.has_value()) return Newest{std::move(local->change), local->made_record};
  if (connection == nullptr) {
    return absl::UnavailableError(
        "only the server knows what stood before this change; undo it when it is reached");
  }
  v1::ListHistoryRequest request;
  request.set_family_id(family.str());
  request.set_record_id(record.str());
  request.set_page_size(1);
  ASSIGN_OR_RETURN(const v1::ListHistoryResponse response,
                   connection->ListHistory(request, deadline));
  if (response.items().empty()) {
    return absl::FailedPreconditionError("the server knows of no change of this");
  }
  ASSIGN_OR_RETURN(const FamilyState state, replica.FamilyStateOf(family));
  if (response.items(0).revision() > state.cursor.revision()) {
    return absl::FailedPreconditionError(
        "this was changed meanwhile; look at it again before you undo it");
  }
  newest.change = response.items(0);
  newest.made_record = response.next_page_token().empty();
  return newest;
}

absl::StatusOr<v1::Record> ShownRecordOf(const Replica& replica, const FamilyId& family,
                                         const RecordId& record) {
  ASSIGN_OR_RETURN(absl::optional<ShownRecord> shown, replica.Get(family, record));
  if (shown.has_value()) return std::move(shown->record);
  return MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                   "there is no such record on this device");
}

}  // namespace

absl::StatusOr<Tap> UndoOf(const v1::Record& shown, const v1::HistoryItem& newest,
                           bool made_record) {
  const RecordId record(shown.record_id());
  Tap tap;
  if (made_record) return tap.Delete(record);
  const StoredRecord state = RecordFromWire(shown);
  bool was_deleted = false;
  for (const v1::EditOutcome& outcome : newest.outcomes()) {
    RETURN_IF_ERROR(Invert(state, record, outcome, tap));
    if (outcome.change().has_existence()) continue;
    was_deleted = was_deleted || std::any_of(outcome.replaced().begin(), outcome.replaced().end(),
                                             [](const v1::Version& version) {
                                               return version.existence().deleted();
                                             });
  }
  if (was_deleted && !Planted("undo_leaves_it_revived")) tap.Delete(record);
  if (tap.changes().empty()) {
    return absl::FailedPreconditionError("the newest change said what stood already");
  }
  return tap;
}

absl::StatusOr<Tap> UndoNewestChange(const Replica& replica, Connection* connection,
                                     const FamilyId& family, const RecordId& record,
                                     absl::Time deadline) {
  ASSIGN_OR_RETURN(const v1::Record shown, ShownRecordOf(replica, family, record));
  ASSIGN_OR_RETURN(const Newest newest,
                   NewestChange(replica, connection, family, record, deadline));
  return UndoOf(shown, newest.change, newest.made_record);
}

absl::StatusOr<UndoneTap> UndoLastTap(const Replica& replica, Connection* connection,
                                      const FamilyId& family, absl::Time deadline) {
  ASSIGN_OR_RETURN(const absl::optional<LastTap> last, replica.NewestTap(family));
  if (!last.has_value()) {
    return absl::NotFoundError("this phone remembers no tap of its own; undo an entry by its id");
  }
  UndoneTap undone;
  undone.records = last->records;
  for (const RecordId& record : last->records) {
    ASSIGN_OR_RETURN(const v1::Record shown, ShownRecordOf(replica, family, record));
    ASSIGN_OR_RETURN(const Newest newest,
                     NewestChange(replica, connection, family, record, deadline));
    // An import's end, for one, has no edits.
    const v1::EditId edit =
        newest.change.outcomes().empty() ? v1::EditId() : newest.change.outcomes(0).edit();
    if (edit.replica_id() != last->replica.bytes() || edit.seq() != last->seq) {
      return absl::FailedPreconditionError(
          "somebody changed this since your last tap; undo the newest change by its id");
    }
    ASSIGN_OR_RETURN(const Tap tap, UndoOf(shown, newest.change, newest.made_record));
    undone.tap.Append(tap);
  }
  return undone;
}

}  // namespace nightlog
