#include "tests/simulation/naive_record.h"

#include <algorithm>
#include <set>

#include "absl/strings/str_cat.h"
#include "google/protobuf/message.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"

namespace nightlog::simulation {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

enum class Rule { kRegister, kInterval, kSet, kText, kAppend };

// The rules that records.proto gives beside the fields.
Rule RuleOf(uint32_t kind, uint32_t group) {
  if (kind == v1::Edit::kLogEntry) {
    if (group == 3) return Rule::kInterval;
    if (group == 4 || group == 8) return Rule::kSet;
    if (group == 5) return Rule::kText;
  }
  if (kind == v1::Edit::kPlan && group == 4) return Rule::kText;
  if (kind == v1::Edit::kComment && group == 2) return Rule::kAppend;
  return Rule::kRegister;
}

bool IsChoice(uint32_t kind, uint32_t group) {
  return RuleOf(kind, group) == Rule::kRegister || RuleOf(kind, group) == Rule::kInterval;
}

template <typename Body>
Body Parse(const std::string& bytes) {
  Body body;
  body.ParsePartialFromString(bytes);
  return body;
}

bool IsDeletion(const NaiveValue& value) { return Parse<v1::Existence>(value.value).deleted(); }

bool Seen(const v1::Edit& edit, const NaiveValue& value) {
  for (const v1::EditId& saw : edit.saw()) {
    if (std::count(value.said_by.begin(), value.said_by.end(), NameOf(saw)) > 0) return true;
  }
  return false;
}

// Takes out what the edit saw.
std::vector<NaiveValue> TakeOut(const v1::Edit& edit, std::vector<NaiveValue>& values) {
  std::vector<NaiveValue> out;
  std::vector<NaiveValue> rest;
  for (NaiveValue& value : values) (Seen(edit, value) ? out : rest).push_back(std::move(value));
  values = std::move(rest);
  return out;
}

bool Within3Minutes(const google::protobuf::Timestamp& a, const google::protobuf::Timestamp& b) {
  return FromProto(a) - FromProto(b) <= absl::Minutes(3) &&
         FromProto(b) - FromProto(a) <= absl::Minutes(3);
}

bool SayTheSame(Rule rule, const std::string& a, const std::string& b) {
  if (a == b || rule != Rule::kInterval) return a == b;
  const v1::LogEntry x = Parse<v1::LogEntry>(a);
  const v1::LogEntry y = Parse<v1::LogEntry>(b);
  if (!x.has_interval() || !y.has_interval()) return false;
  if (x.interval().has_ended_at() != y.interval().has_ended_at()) return false;
  return Within3Minutes(x.interval().began_at(), y.interval().began_at()) &&
         (!x.interval().has_ended_at() ||
          Within3Minutes(x.interval().ended_at(), y.interval().ended_at()));
}

bool BeginsEarlier(const std::string& a, const std::string& b) {
  return FromProto(Parse<v1::LogEntry>(a).interval().began_at()) <
         FromProto(Parse<v1::LogEntry>(b).interval().began_at());
}

// Later first; of the same time, the greater name.
void LatestFirst(std::vector<NaiveValue>& values) {
  std::sort(values.begin(), values.end(), [](const NaiveValue& a, const NaiveValue& b) {
    return std::tie(a.made_at, a.said_by[0]) > std::tie(b.made_at, b.said_by[0]);
  });
}

// Puts a value beside the others, or makes it one with the first that says the same; true then.
bool PutBeside(Rule rule, const NaiveValue& added, std::vector<NaiveValue>& values) {
  for (NaiveValue& value : values) {
    if (!SayTheSame(rule, value.value, added.value)) continue;
    const absl::Time later = std::max(value.made_at, added.made_at);
    std::vector<EditName> said_by = value.said_by;
    if (value.value != added.value && BeginsEarlier(added.value, value.value)) {
      said_by.insert(said_by.begin(), added.said_by[0]);
      value = added;
    } else {
      said_by.push_back(added.said_by[0]);
    }
    value.said_by = said_by;
    value.made_at = later;
    return true;
  }
  values.push_back(added);
  return false;
}

google::protobuf::RepeatedPtrField<std::string>& Elements(v1::LogEntry& entry, uint32_t group) {
  return group == 4 ? *entry.mutable_tags() : *entry.mutable_separate_from();
}

NaiveOutcome ApplyToSet(const NaiveEdit& edit, const NaiveValue& added,
                        std::vector<NaiveValue>& values) {
  NaiveOutcome outcome{v1::EDIT_EFFECT_APPLIED, {}};
  const auto& removed = edit.edit.removed_elements();
  std::vector<NaiveValue> standing;
  for (const NaiveValue& value : values) {
    NaiveValue left = value;
    if (Seen(edit.edit, value)) {
      v1::LogEntry entry = Parse<v1::LogEntry>(value.value);
      v1::LogEntry rest;
      for (const std::string& element : Elements(entry, edit.edit.group())) {
        if (std::count(removed.begin(), removed.end(), element) > 0) continue;
        Elements(rest, edit.edit.group()).Add(std::string(element));
      }
      left.value = SerializeDeterministic(rest);
      if (left.value != value.value) outcome.replaced.push_back(value);
      if (left.value.empty()) continue;
    }
    standing.push_back(left);
  }
  if (!added.value.empty()) standing.push_back(added);
  LatestFirst(standing);
  values = std::move(standing);
  return outcome;
}

NaiveOutcome ApplyToText(const NaiveEdit& edit, const NaiveValue& added,
                         std::vector<NaiveValue>& values) {
  NaiveOutcome outcome{v1::EDIT_EFFECT_APPLIED, TakeOut(edit.edit, values)};
  const bool empty =
      edit.edit.has_plan() ? edit.edit.plan().text().empty() : edit.edit.log_entry().text().empty();
  if (empty) return outcome;
  if (PutBeside(Rule::kText, added, values)) outcome.effect = v1::EDIT_EFFECT_AGREED;
  LatestFirst(values);
  std::reverse(values.begin(), values.end());
  return outcome;
}

NaiveOutcome ApplyToChoice(const NaiveEdit& edit, Rule rule, const NaiveValue& added,
                           std::vector<NaiveValue>& values) {
  const bool any = !values.empty();
  const bool saw_shown = any && Seen(edit.edit, values[0]);
  NaiveOutcome outcome{v1::EDIT_EFFECT_APPLIED, TakeOut(edit.edit, values)};
  const bool alone = values.empty();
  const bool agreed = PutBeside(rule, added, values);
  LatestFirst(values);
  if (agreed) {
    outcome.effect = v1::EDIT_EFFECT_AGREED;
  } else if (values[0].said_by[0] != edit.name) {
    outcome.effect = v1::EDIT_EFFECT_KEPT_AS_CONFLICT;
  } else if (!alone && !saw_shown) {
    outcome.effect = v1::EDIT_EFFECT_WON;
  }
  return outcome;
}

NaiveOutcome ApplyToExistence(const NaiveEdit& edit, const NaiveValue& added, NaiveRecord& record) {
  std::vector<NaiveValue>& existence = record.groups[0];
  NaiveOutcome outcome{v1::EDIT_EFFECT_APPLIED, TakeOut(edit.edit, existence)};
  bool unseen_value = false;
  bool unseen_deletion = false;
  for (const auto& [group, values] : record.groups) {
    for (const NaiveValue& value : values) {
      if (group == 0 && IsDeletion(value)) {
        unseen_deletion = true;
      } else if (!Seen(edit.edit, value)) {
        unseen_value = true;
      }
    }
  }
  const bool agreed = PutBeside(Rule::kRegister, added, existence);
  LatestFirst(existence);
  const bool deletes = IsDeletion(added);
  const bool was_deleted = record.deleted;
  record.deleted = deletes && (was_deleted || !unseen_value);
  if (deletes && !record.deleted) {
    outcome.effect = v1::EDIT_EFFECT_KEPT_AS_CONFLICT;
  } else if (!deletes && unseen_deletion) {
    outcome.effect = v1::EDIT_EFFECT_WON;
  } else if (agreed && record.deleted == was_deleted) {
    outcome.effect = v1::EDIT_EFFECT_AGREED;
  }
  return outcome;
}

// What the server fills in: the error of the clock in tapped times, and the authors of posts.
v1::Edit Stamped(const NaiveEdit& edit, absl::Time made_at) {
  v1::Edit stamped = edit.edit;
  if (stamped.has_comment()) {
    for (v1::CommentPost& post : *stamped.mutable_comment()->mutable_posts()) {
      post.set_member_id(edit.member);
      *post.mutable_posted_at() = ToProto(made_at);
    }
  }
  if (!stamped.log_entry().has_interval() || edit.on_phone) return stamped;
  v1::Interval& interval = *stamped.mutable_log_entry()->mutable_interval();
  absl::Duration error = std::min(edit.estimate, edit.received) - edit.made_wall;
  if (error < absl::Seconds(30) && error > -absl::Seconds(30)) error = absl::ZeroDuration();
  const auto moved = [&](absl::Time tapped) {
    return ToProto((tapped > edit.made_wall ? edit.made_wall : tapped) + error);
  };
  if (interval.began_tapped() && !interval.has_began_raw()) {
    *interval.mutable_began_raw() = interval.began_at();
    *interval.mutable_began_at() = moved(FromProto(interval.began_at()));
  }
  if (!interval.has_ended_at()) return stamped;
  if (interval.ended_tapped() && !interval.has_ended_raw()) {
    *interval.mutable_ended_raw() = interval.ended_at();
    *interval.mutable_ended_at() = moved(FromProto(interval.ended_at()));
  }
  if (FromProto(interval.ended_at()) < FromProto(interval.began_at())) {
    if (interval.ended_tapped()) {
      *interval.mutable_ended_at() = interval.began_at();
    } else {
      *interval.mutable_began_at() = interval.ended_at();
    }
  }
  return stamped;
}

// The message of a kind within a record, a version or an edit.
Message* BodyIn(Message& message, uint32_t kind) {
  const FieldDescriptor* field = message.GetDescriptor()->FindFieldByNumber(static_cast<int>(kind));
  return message.GetReflection()->MutableMessage(&message, field);
}

std::set<uint32_t> RequiredGroups(uint32_t kind) {
  switch (kind) {
    case v1::Edit::kChild:
      return {1, 4};
    case v1::Edit::kLogEntry:
    case v1::Edit::kPlan:
      return {1, 2, 3};
    default:
      return {1, 2};
  }
}

bool MayWrite(v1::Role role, uint32_t kind) {
  if (role == v1::ROLE_OWNER || role == v1::ROLE_CAREGIVER) return true;
  return role == v1::ROLE_CONSULTANT && (kind == v1::Edit::kPlan || kind == v1::Edit::kComment);
}

}  // namespace

EditName NameOf(const v1::EditId& id) { return {id.replica_id(), id.seq(), id.index()}; }

absl::Time NaiveEstimate(const v1::ClockReading& made, const v1::ClockReading& sent,
                         absl::Time received) {
  absl::Duration ago = FromProto(sent.wall()) - FromProto(made.wall());
  if (!made.boot_id().empty() && made.boot_id() == sent.boot_id() &&
      made.monotonic_ms() <= sent.monotonic_ms()) {
    ago = absl::Milliseconds(sent.monotonic_ms() - made.monotonic_ms());
  }
  return ago < absl::ZeroDuration() ? received : received - ago;
}

NaiveOutcome Apply(const NaiveEdit& edit, NaiveRecord& record) {
  absl::Time made_at = edit.estimate;
  for (const auto& [group, values] : record.groups) {
    for (const NaiveValue& value : values) {
      if (Seen(edit.edit, value)) made_at = std::max(made_at, value.made_at);
    }
  }
  made_at = std::min(made_at, edit.received);
  const v1::Edit stamped = Stamped(edit, made_at);
  if (record.kind == 0) {
    record.kind = static_cast<uint32_t>(stamped.value_case());
    record.created_by = edit.member;
    record.created_at = made_at;
  }
  const NaiveValue added{{edit.name}, edit.member, made_at, ValueOf(stamped), stamped.group()};
  if (stamped.group() == 0) return ApplyToExistence(edit, added, record);
  std::vector<NaiveValue>& values = record.groups[stamped.group()];
  NaiveOutcome outcome;
  const Rule rule = RuleOf(record.kind, stamped.group());
  if (rule == Rule::kSet) {
    outcome = ApplyToSet(edit, added, values);
  } else if (rule == Rule::kText) {
    outcome = ApplyToText(edit, added, values);
  } else if (rule == Rule::kAppend) {
    values.push_back(added);
    outcome.effect = v1::EDIT_EFFECT_APPLIED;
  } else {
    outcome = ApplyToChoice(edit, rule, added, values);
  }
  if (record.deleted) {
    record.deleted = false;
    for (NaiveValue& seen : TakeOut(edit.edit, record.groups[0])) outcome.replaced.push_back(seen);
    const std::vector<NaiveValue>& left = record.groups[0];
    if (outcome.effect == v1::EDIT_EFFECT_APPLIED &&
        std::any_of(left.begin(), left.end(), IsDeletion)) {
      outcome.effect = v1::EDIT_EFFECT_WON;
    }
  }
  return outcome;
}

std::string ProblemWith(const v1::Transaction& transaction, v1::Role role,
                        std::map<std::string, NaiveRecord> records) {
  if (transaction.edits_size() > 64) return "too many edits";
  std::map<std::string, std::set<uint32_t>> created;
  std::set<std::pair<std::string, uint32_t>> edited;
  for (const v1::Edit& edit : transaction.edits()) {
    if (!edited.emplace(edit.record_id(), edit.group()).second) return "a group twice";
    NaiveRecord& record = records[edit.record_id()];
    const uint32_t kind =
        edit.has_existence() ? record.kind : static_cast<uint32_t>(edit.value_case());
    if (kind == 0) return "no such record";
    if (record.kind != 0 && record.kind != kind) return "another kind";
    if (kind >= v1::Record::kMember) return "a record of the server";
    if (!MayWrite(role, kind)) return "not for this role";
    if (record.kind == 0 || created.count(edit.record_id()) > 0) {
      record.kind = kind;
      created[edit.record_id()].insert(edit.group());
    }
  }
  for (const auto& [id, groups] : created) {
    for (uint32_t required : RequiredGroups(records[id].kind)) {
      if (groups.count(required) == 0) return "a required group is missing";
    }
  }
  return "";
}

v1::Version ToWire(uint32_t kind, const NaiveValue& value) {
  v1::Version version;
  for (const auto& [replica, seq, index] : value.said_by) {
    v1::EditId& name = version.has_edit() ? *version.add_agreed() : *version.mutable_edit();
    name.set_replica_id(replica);
    name.set_seq(seq);
    name.set_index(index);
  }
  version.set_member_id(value.member);
  *version.mutable_made_at() = ToProto(value.made_at);
  if (value.group == 0) {
    version.mutable_existence()->ParseFromString(value.value);
  } else {
    BodyIn(version, kind)->ParseFromString(value.value);
  }
  return version;
}

v1::Record ToWire(const std::string& id, const NaiveRecord& record) {
  v1::Record wire;
  wire.set_record_id(id);
  wire.set_revision(record.revision);
  wire.set_deleted(record.deleted);
  Message& body = *BodyIn(wire, record.kind);
  if (!record.body.empty()) {
    body.ParseFromString(record.body);
    return wire;
  }
  if (record.groups.empty()) return wire;
  wire.set_created_by(record.created_by);
  *wire.mutable_created_at() = ToProto(record.created_at);
  for (const auto& [group, values] : record.groups) {
    const Rule rule = RuleOf(record.kind, group);
    const FieldDescriptor* field = body.GetDescriptor()->FindFieldByNumber(static_cast<int>(group));
    std::string text;
    std::set<std::string> elements;
    for (const NaiveValue& value : values) {
      if (group == 0) break;
      v1::LogEntry entry = Parse<v1::LogEntry>(value.value);
      if (rule == Rule::kSet) {
        for (const std::string& element : Elements(entry, group)) elements.insert(element);
      } else if (rule == Rule::kText) {
        const std::string segment =
            record.kind == v1::Edit::kPlan ? Parse<v1::Plan>(value.value).text() : entry.text();
        absl::StrAppend(&text, text.empty() ? "" : "\n", segment);
      } else if (rule == Rule::kAppend || &value == &values[0]) {
        body.MergeFromString(value.value);
      }
    }
    if (!text.empty()) body.GetReflection()->SetString(&body, field, text);
    for (const std::string& element : elements) {
      body.GetReflection()->AddString(&body, field, element);
    }
    v1::Group& told = *wire.add_groups();
    told.set_group(group);
    for (const NaiveValue& value : values) {
      v1::Version& version = *told.add_versions();
      version = ToWire(record.kind, value);
      const bool in_body = rule == Rule::kAppend ||
                           (IsChoice(record.kind, group) && &value == &values[0] && group != 0);
      if (in_body) version.clear_value();
    }
  }
  return wire;
}

bool HasOpenConflict(const NaiveRecord& record) {
  for (const auto& [group, values] : record.groups) {
    if (group == 0) {
      if (!record.deleted && std::any_of(values.begin(), values.end(), IsDeletion)) return true;
    } else if (IsChoice(record.kind, group) && values.size() > 1) {
      return true;
    }
  }
  return false;
}

std::string BodyOf(const std::string& id, const NaiveRecord& record) {
  v1::Record wire = ToWire(id, record);
  return SerializeDeterministic(*BodyIn(wire, record.kind));
}

}  // namespace nightlog::simulation
