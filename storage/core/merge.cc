#include "storage/core/merge.h"

#include <algorithm>
#include <memory>

#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "storage/core/check.h"
#include "storage/core/field_rules.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"

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

using Saw = google::protobuf::RepeatedPtrField<v1::EditId>;

bool Names(const Saw& saw, const StoredEditId& id) {
  for (const v1::EditId& seen : saw) {
    if (seen.seq() == id.seq() && seen.index() == id.index() &&
        seen.replica_id() == id.replica_id()) {
      return true;
    }
  }
  return false;
}

// Whoever saw a version, or an edit that agreed with it, saw it.
bool HasSeen(const Saw& saw, const StoredVersion& version) {
  if (Names(saw, version.edit())) return true;
  if (Planted("seen_one_level_deep")) return false;
  return std::any_of(version.agreed().begin(), version.agreed().end(),
                     [&saw](const StoredEditId& id) { return Names(saw, id); });
}

// The record message in an edit. REQUIRES: IsEditable(KindOf(edit)).
const Message& ValueMessageOf(const v1::Edit& edit) {
  return edit.GetReflection()->GetMessage(
      edit, v1::Edit::descriptor()->FindFieldByNumber(static_cast<int>(KindOf(edit))));
}

StoredVersion VersionOf(const AuthoredEdit& edit) {
  StoredVersion version;
  *version.mutable_edit() = edit.id;
  version.set_member_id(edit.member.str());
  *version.mutable_made_at() = ToProto(edit.made_at);
  version.set_value(ValueOf(*edit.edit));
  return version;
}

// Shown first: the later estimate; of equal ones, the greater edit id, so that all agree.
bool ShownBefore(const StoredVersion& a, const StoredVersion& b) {
  const absl::Time time_a = FromProto(a.made_at());
  const absl::Time time_b = FromProto(b.made_at());
  if (time_a != time_b) return (time_a > time_b) != Planted("earlier_tap_wins");
  if (Planted("tie_by_arrival")) return false;
  const auto key = [](const StoredVersion& version) {
    return std::make_tuple(absl::string_view(version.edit().replica_id()), version.edit().seq(),
                           version.edit().index());
  };
  return key(a) > key(b);
}

// Takes the versions that the edit saw out of the group and returns them.
std::vector<StoredVersion> TakeSeen(const Saw& saw, StoredGroup& group) {
  std::vector<StoredVersion> seen;
  google::protobuf::RepeatedPtrField<StoredVersion> standing;
  for (StoredVersion& version : *group.mutable_versions()) {
    if ((HasSeen(saw, version) && (seen.empty() || !Planted("conflict_survives_its_resolve"))) ||
        Planted("unseen_value_replaced")) {
      seen.push_back(std::move(version));
    } else {
      *standing.Add() = std::move(version);
    }
  }
  group.mutable_versions()->Swap(&standing);
  return seen;
}

// The interval in a value of an INTERVAL group.
bool IntervalOf(const Descriptor& type, uint32_t group, const std::string& value,
                v1::Interval& interval) {
  std::unique_ptr<Message> body(
      google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type)->New());
  const FieldDescriptor* field = type.FindFieldByNumber(static_cast<int>(group));
  if (!body->ParseFromString(value) || !body->GetReflection()->HasField(*body, field)) return false;
  interval.CopyFrom(body->GetReflection()->GetMessage(*body, field));
  return true;
}

bool Close(const google::protobuf::Timestamp& a, const google::protobuf::Timestamp& b) {
  const absl::Duration apart = absl::AbsDuration(FromProto(a) - FromProto(b));
  return Planted("interval_tolerance_off") ? apart < kIntervalAgreement
                                           : apart <= kIntervalAgreement;
}

// Whether two concurrent values say the same; if so, whether the new one stands for both.
struct Agreement {
  bool agree;
  bool new_stands;
};

Agreement Compare(const Descriptor& type, uint32_t group, v1::MergeRule rule,
                  const std::string& standing, const std::string& added) {
  if (standing == added) return {true, false};
  if (rule != v1::MERGE_RULE_INTERVAL) return {false, false};
  v1::Interval a;
  v1::Interval b;
  if (!IntervalOf(type, group, standing, a) || !IntervalOf(type, group, added, b)) {
    return {false, false};
  }
  const bool agree = Close(a.began_at(), b.began_at()) && a.has_ended_at() == b.has_ended_at() &&
                     (!a.has_ended_at() || Close(a.ended_at(), b.ended_at()));
  const bool earlier = FromProto(b.began_at()) < FromProto(a.began_at());
  return {agree, agree && earlier != Planted("later_begin_stands")};
}

// Adds a version to those that stand, or makes it one with the first that says the same, with the
// later estimate; true in that case. The order of the versions is then to be restored.
bool AddVersion(const Descriptor& type, v1::MergeRule rule, StoredVersion added,
                StoredGroup& group) {
  for (StoredVersion& standing : *group.mutable_versions()) {
    const Agreement agreement = Compare(type, group.group(), rule, standing.value(), added.value());
    if (!agreement.agree) continue;
    if (agreement.new_stands) std::swap(standing, added);
    if (!Planted("agreed_edit_forgotten")) *standing.add_agreed() = added.edit();
    if (!Planted("agreed_edits_of_a_later_begin_forgotten")) {
      standing.mutable_agreed()->MergeFrom(added.agreed());
    }
    if (FromProto(standing.made_at()) < FromProto(added.made_at()) &&
        !Planted("agreement_keeps_first_time")) {
      *standing.mutable_made_at() = added.made_at();
    }
    return true;
  }
  if (Planted("loser_dropped_with_three_writers") && group.versions_size() == 2) {
    group.mutable_versions()->RemoveLast();
  }
  *group.add_versions() = std::move(added);
  return false;
}

MergeOutcome MergeRegister(const AuthoredEdit& edit, const Descriptor& type, v1::MergeRule rule,
                           StoredGroup& group) {
  const StoredEditId shown_before =
      group.versions().empty() ? StoredEditId() : group.versions(0).edit();
  MergeOutcome outcome;
  outcome.replaced = TakeSeen(edit.edit->saw(), group);
  const bool saw_shown =
      std::any_of(outcome.replaced.begin(), outcome.replaced.end(),
                  [&](const StoredVersion& v) { return SameEdit(v.edit(), shown_before); });
  const bool alone = group.versions().empty();
  const bool agreed = AddVersion(type, rule, VersionOf(edit), group);
  SortVersions(group);
  if (agreed) {
    outcome.effect = v1::EDIT_EFFECT_AGREED;
  } else if (!SameEdit(group.versions(0).edit(), edit.id)) {
    outcome.effect = v1::EDIT_EFFECT_KEPT_AS_CONFLICT;
  } else {
    outcome.effect = alone || saw_shown ? v1::EDIT_EFFECT_APPLIED : v1::EDIT_EFFECT_WON;
  }
  return outcome;
}

// Adds the edit's elements; takes the removed ones out of the versions it saw.
MergeOutcome MergeSet(const AuthoredEdit& edit, const Descriptor& type, StoredGroup& group) {
  MergeOutcome outcome{v1::EDIT_EFFECT_APPLIED, {}};
  const FieldDescriptor* field = type.FindFieldByNumber(static_cast<int>(group.group()));
  const Message& prototype =
      *google::protobuf::MessageFactory::generated_factory()->GetPrototype(&type);
  google::protobuf::RepeatedPtrField<StoredVersion> standing;
  for (StoredVersion& version : *group.mutable_versions()) {
    std::unique_ptr<Message> before(prototype.New());
    std::unique_ptr<Message> after(prototype.New());
    const Reflection& reflection = *before->GetReflection();
    if ((HasSeen(edit.edit->saw(), version) || Planted("unseen_tag_removed")) &&
        before->ParseFromString(version.value())) {
      for (int i = 0; i < reflection.FieldSize(*before, field); ++i) {
        const std::string element = reflection.GetRepeatedString(*before, field, i);
        const auto& removed = edit.edit->removed_elements();
        if (std::find(removed.begin(), removed.end(), element) == removed.end()) {
          reflection.AddString(after.get(), field, element);
        }
      }
      const std::string value = after->SerializeAsString();
      if (value != version.value()) outcome.replaced.push_back(version);
      if (value.empty()) continue;
      version.set_value(value);
    }
    *standing.Add() = std::move(version);
  }
  group.mutable_versions()->Swap(&standing);
  StoredVersion added = VersionOf(edit);
  if (!added.value().empty()) *group.add_versions() = std::move(added);
  SortVersions(group);
  return outcome;
}

// Replaces the segments it saw; other segments stay beside it, in the order of their making. A text
// without a letter is no segment.
MergeOutcome MergeText(const AuthoredEdit& edit, const Descriptor& type, StoredGroup& group) {
  MergeOutcome outcome{v1::EDIT_EFFECT_APPLIED, TakeSeen(edit.edit->saw(), group)};
  const Message& body = ValueMessageOf(*edit.edit);
  const FieldDescriptor* field = type.FindFieldByNumber(static_cast<int>(group.group()));
  if (body.GetReflection()->GetString(body, field).empty()) return outcome;
  if (Planted("concurrent_text_lost")) group.clear_versions();
  if (AddVersion(type, v1::MERGE_RULE_TEXT, VersionOf(edit), group)) {
    outcome.effect = v1::EDIT_EFFECT_AGREED;
  }
  SortVersions(group);
  if (Planted("newest_text_first")) return outcome;
  std::reverse(group.mutable_versions()->pointer_begin(), group.mutable_versions()->pointer_end());
  return outcome;
}

MergeOutcome MergeAppend(const AuthoredEdit& edit, StoredGroup& group) {
  if (Planted("post_replaces_thread")) group.clear_versions();
  *group.add_versions() = VersionOf(edit);
  return {v1::EDIT_EFFECT_APPLIED, {}};
}

bool IsDeletion(const StoredVersion& version) {
  v1::Existence existence;
  return existence.ParseFromString(version.value()) && existence.deleted();
}

// Deletes the record only if the edit saw every value that stands in it; otherwise the record lives
// and the deletion is kept as a conflict. Bringing back always works.
MergeOutcome MergeExistence(const AuthoredEdit& edit, StoredRecord& record) {
  MergeOutcome outcome;
  if (record.kind() == 0) return outcome;
  StoredGroup& group = MutableGroup(record, kExistence);
  outcome.replaced = TakeSeen(edit.edit->saw(), group);
  bool unseen_value = false;
  bool unseen_deletion = false;
  for (const StoredGroup& other : record.groups()) {
    for (const StoredVersion& version : other.versions()) {
      if (other.group() == kExistence && IsDeletion(version)) {
        unseen_deletion = true;
      } else if (!HasSeen(edit.edit->saw(), version)) {
        unseen_value = true;
      }
    }
  }
  StoredVersion added = VersionOf(edit);
  const bool deletion = IsDeletion(added);
  const bool agreed =
      AddVersion(*DescriptorOf(record.kind()), v1::MERGE_RULE_REGISTER, std::move(added), group);
  SortVersions(group);
  const bool was_deleted = record.deleted();
  record.set_deleted(deletion && ((was_deleted && !Planted("deleted_twice_revives")) ||
                                  !unseen_value || Planted("deletion_beats_unseen_edit")));
  if (deletion && !record.deleted()) {
    outcome.effect = v1::EDIT_EFFECT_KEPT_AS_CONFLICT;
  } else if (!deletion && unseen_deletion) {
    outcome.effect = v1::EDIT_EFFECT_WON;
  } else {
    outcome.effect = agreed && record.deleted() == was_deleted ? v1::EDIT_EFFECT_AGREED
                                                               : v1::EDIT_EFFECT_APPLIED;
  }
  return outcome;
}

// An edit of a group brings a deleted record back: the edit wins, the deletion that it had not seen
// stays as a conflict.
void Revive(const AuthoredEdit& edit, StoredRecord& record, MergeOutcome& outcome) {
  record.set_deleted(false);
  StoredGroup& existence = MutableGroup(record, kExistence);
  if (Planted("lost_deletion_forgotten")) existence.clear_versions();
  for (StoredVersion& seen : TakeSeen(edit.edit->saw(), existence)) {
    seen.set_of_existence(true);
    outcome.replaced.push_back(std::move(seen));
  }
  const bool unseen = std::any_of(existence.versions().begin(), existence.versions().end(),
                                  [](const StoredVersion& v) { return IsDeletion(v); });
  if (unseen && outcome.effect == v1::EDIT_EFFECT_APPLIED) outcome.effect = v1::EDIT_EFFECT_WON;
}

}  // namespace

void SortVersions(StoredGroup& group) {
  std::sort(group.mutable_versions()->pointer_begin(), group.mutable_versions()->pointer_end(),
            [](const StoredVersion* a, const StoredVersion* b) { return ShownBefore(*a, *b); });
}

void ValidateEdit(const v1::Edit& edit, absl::string_view path,
                  std::vector<FieldViolation>& violations) {
  const size_t before = violations.size();
  const auto add = [&](absl::string_view field, absl::string_view description) {
    violations.push_back(MakeViolation(absl::StrCat(path, ".", field), description));
  };
  if (edit.has_existence() != (edit.group() == kExistence)) {
    add("group", "0 goes with an existence, and an existence with 0");
    return;
  }
  for (int number : {v1::Edit::kRemovedElementsFieldNumber, v1::Edit::kSawFieldNumber}) {
    ValidateField(edit, *v1::Edit::descriptor()->FindFieldByNumber(number), path, violations);
  }
  if (edit.has_existence()) return;
  const uint32_t kind = KindOf(edit);
  if (!IsEditable(kind)) {
    add("value",
        "is missing or of a kind that only the server writes; set the record message the "
        "group belongs to");
    return;
  }
  const Message& value = ValueMessageOf(edit);
  const std::string value_name =
      v1::Edit::descriptor()->FindFieldByNumber(static_cast<int>(kind))->name();
  const Reflection& reflection = *value.GetReflection();
  const FieldDescriptor* group =
      value.GetDescriptor()->FindFieldByNumber(static_cast<int>(edit.group()));
  std::vector<const FieldDescriptor*> fields;
  reflection.ListFields(value, &fields);
  for (const FieldDescriptor* field : fields) {
    if (field != group) {
      add(value_name, absl::StrCat("sets ", field->name(), ", which is not the group"));
    }
  }
  const google::protobuf::UnknownFieldSet& unknown = reflection.GetUnknownFields(value);
  for (int i = 0; i < unknown.field_count(); ++i) {
    // A field that is known, yet not parsed, has bytes of another type.
    if (group != nullptr || static_cast<uint32_t>(unknown.field(i).number()) != edit.group()) {
      add(value_name, absl::StrCat("sets field ", unknown.field(i).number(),
                                   ", which is not the group or not of its type"));
    }
  }
  if (violations.size() > before || group == nullptr) return;
  ValidateField(value, *group, absl::StrCat(path, ".", value_name), violations);
  if (!edit.removed_elements().empty() &&
      MergeRuleOf(*value.GetDescriptor(), edit.group()) != v1::MERGE_RULE_SET) {
    add("removed_elements", "goes with a SET group only");
  }
}

void ValidateNewRecord(const StoredRecord& record, absl::string_view path,
                       std::vector<FieldViolation>& violations) {
  const Descriptor* type = DescriptorOf(record.kind());
  CHECK(type != nullptr);
  for (int i = 0; i < type->field_count(); ++i) {
    const FieldDescriptor* field = type->field(i);
    if (!field->options().GetExtension(v1::rules).required()) continue;
    if (FindGroup(record, static_cast<uint32_t>(field->number())) != nullptr) continue;
    violations.push_back(MakeViolation(
        path, absl::StrCat("creates a ", type->name(), " without its ", field->name())));
  }
}

MergeOutcome Merge(const AuthoredEdit& edit, StoredRecord& record) {
  if (edit.edit->group() == kExistence) return MergeExistence(edit, record);
  const uint32_t kind = KindOf(*edit.edit);
  if (record.kind() == 0) record.set_kind(kind);
  CHECK(record.kind() == kind);
  const Descriptor& type = *DescriptorOf(kind);
  StoredGroup& group = MutableGroup(record, edit.edit->group());
  const v1::MergeRule rule = MergeRuleOf(type, edit.edit->group());
  MergeOutcome outcome;
  switch (rule) {
    case v1::MERGE_RULE_SET:
      outcome = MergeSet(edit, type, group);
      break;
    case v1::MERGE_RULE_TEXT:
      outcome = MergeText(edit, type, group);
      break;
    case v1::MERGE_RULE_APPEND:
      outcome = MergeAppend(edit, group);
      break;
    default:
      outcome = MergeRegister(edit, type, rule, group);
  }
  if (record.deleted() && !Planted("edit_does_not_revive")) Revive(edit, record, outcome);
  return outcome;
}

absl::Time NewestSeen(const v1::Edit& edit, const StoredRecord& record) {
  absl::Time newest = absl::InfinitePast();
  for (const StoredGroup& group : record.groups()) {
    for (const StoredVersion& version : group.versions()) {
      if (HasSeen(edit.saw(), version)) newest = std::max(newest, FromProto(version.made_at()));
    }
  }
  return newest;
}

}  // namespace nightlog
