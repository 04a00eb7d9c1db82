#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "clients/cpp/tap.h"
#include "google/protobuf/message.h"
#include "storage/core/field_rules.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

// The body of a record or version, whichever kind it is; null if it has none. Record, Version and
// Edit number their bodies alike.
const Message* BodyIn(const Message& holder) {
  const google::protobuf::OneofDescriptor* oneof = holder.GetDescriptor()->oneof_decl(0);
  const FieldDescriptor* field = holder.GetReflection()->GetOneofFieldDescriptor(holder, oneof);
  return field == nullptr ? nullptr : &holder.GetReflection()->GetMessage(holder, field);
}

// A group whose values people choose between.
struct Choice {
  uint32_t group;
  // The group's name; `existence` for group 0.
  std::string name;
  // The first is the one shown.
  std::vector<v1::Version> versions;
};

std::vector<Choice> ChoicesOf(const v1::Record& record) {
  std::vector<Choice> choices;
  const Message* body = BodyIn(record);
  if (body == nullptr || record.groups_size() == 0) return choices;
  const google::protobuf::Descriptor& type = *body->GetDescriptor();
  for (const v1::Group& group : record.groups()) {
    std::vector<v1::Version> versions(group.versions().begin(), group.versions().end());
    if (group.group() == kExistence) {
      // A record that is there needs no version to say so: whatever stands here says otherwise.
      const bool opposed = absl::c_any_of(
          versions, [](const v1::Version& version) { return version.existence().deleted(); });
      if (record.deleted() || !opposed) continue;
      if (versions[0].existence().deleted()) {
        v1::Version kept;
        kept.mutable_existence();
        versions.insert(versions.begin(), kept);
      }
      choices.push_back({kExistence, "existence", std::move(versions)});
      continue;
    }
    const v1::MergeRule rule = MergeRuleOf(type, group.group());
    if (group.versions_size() < 2 ||
        (rule != v1::MERGE_RULE_REGISTER && rule != v1::MERGE_RULE_INTERVAL)) {
      continue;
    }
    const FieldDescriptor* field = type.FindFieldByNumber(group.group());
    choices.push_back({group.group(),
                       field == nullptr ? absl::StrCat(group.group()) : field->name(),
                       std::move(versions)});
  }
  return choices;
}

// The record message with only the group as that version has it. The shown version's value is in
// the record itself.
std::unique_ptr<Message> ValueOf(const v1::Record& record, uint32_t group,
                                 const v1::Version& version) {
  const Message& shown = *BodyIn(record);
  const Message* own = BodyIn(version);
  std::unique_ptr<Message> value(shown.New());
  value->CopyFrom(own == nullptr ? shown : *own);
  std::vector<const FieldDescriptor*> set;
  value->GetReflection()->ListFields(*value, &set);
  for (const FieldDescriptor* field : set) {
    if (static_cast<uint32_t>(field->number()) != group) {
      value->GetReflection()->ClearField(value.get(), field);
    }
  }
  return value;
}

std::string ValueInWords(const v1::Record& record, uint32_t group, const v1::Version& version) {
  if (group == kExistence) return version.existence().deleted() ? "deleted" : "kept";
  const std::unique_ptr<Message> value = ValueOf(record, group, version);
  if (record.has_log_entry()) {
    v1::LogEntry entry;
    entry.CopyFrom(*value);
    if (entry.has_detail()) return DetailInWords(entry.detail());
    if (entry.has_interval()) {
      absl::TimeZone zone = absl::UTCTimeZone();
      absl::LoadTimeZone(entry.interval().zone(), &zone);
      *entry.mutable_detail() = record.log_entry().detail();
      return absl::StrCat(
          IntervalInWords(entry, zone), " on ",
          absl::FormatTime("%Y-%m-%d", FromProto(entry.interval().began_at()), zone));
    }
  }
  std::vector<const FieldDescriptor*> set;
  value->GetReflection()->ListFields(*value, &set);
  if (set.empty()) return "nothing";
  if (set[0]->type() == FieldDescriptor::TYPE_STRING) {
    return value->GetReflection()->GetString(*value, set[0]);
  }
  return ToJson(*value);
}

// What the record is, for a person who has to choose.
std::string RecordInWords(const v1::Record& record) {
  if (record.has_log_entry()) {
    absl::TimeZone zone = absl::UTCTimeZone();
    absl::LoadTimeZone(record.log_entry().interval().zone(), &zone);
    return absl::StrCat(DateAndTime(FromProto(record.log_entry().interval().began_at()), zone), " ",
                        DetailInWords(record.log_entry().detail()));
  }
  if (record.has_child()) return record.child().name();
  if (record.has_plan()) return absl::StrCat("plan from ", record.plan().nights().first_night());
  return "comment";
}

void PrintChoice(const v1::Record& record, const Choice& choice, const FamilyView& view,
                 const ShortIds& ids) {
  std::cout << ids.Short(record.record_id()) << " " << choice.name << " of "
            << RecordInWords(record) << "\n";
  for (int i = 0; i < static_cast<int>(choice.versions.size()); ++i) {
    const v1::Version& version = choice.versions[i];
    std::cout << "  " << i + 1 << (i == 0 ? " (shown) " : "         ")
              << ValueInWords(record, choice.group, version);
    if (version.has_made_at()) {
      std::cout << "  (" << view.MemberName(version.member_id()) << ", "
                << DateAndTime(FromProto(version.made_at()), absl::LocalTimeZone()) << ")";
    }
    std::cout << "\n";
  }
}

std::string ChoiceToJson(const v1::Record& record, const Choice& choice, const FamilyView& view) {
  std::vector<std::string> values;
  for (const v1::Version& version : choice.versions) {
    JsonObject value;
    value.Add("in_words", ValueInWords(record, choice.group, version));
    if (version.has_made_at()) {
      value.Add("member", view.MemberName(version.member_id()))
          .AddJson("made_at", ToJson(version.made_at()));
    }
    if (choice.group != kExistence) {
      value.AddJson("value", ToJson(*ValueOf(record, choice.group, version)));
    }
    values.push_back(value.str());
  }
  return JsonObject()
      .Add("record_id", absl::BytesToHexString(record.record_id()))
      .Add("group", choice.name)
      .AddJson("values", JsonList(values))
      .str();
}

absl::Status List(Phone& phone, const FamilyId& family) {
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  std::vector<std::string> items;
  for (const uint32_t kind : {kChild, kLogEntry, kPlan, kComment}) {
    ASSIGN_OR_RETURN(const std::vector<ShownRecord> records, phone.replica().List(family, kind));
    for (const ShownRecord& shown : records) {
      for (const Choice& choice : ChoicesOf(shown.record)) {
        items.push_back(ChoiceToJson(shown.record, choice, view));
        if (!phone.options().json) PrintChoice(shown.record, choice, view, ids);
      }
    }
  }
  if (phone.options().json) {
    std::cout << JsonObject().AddJson("conflicts", JsonList(items)).str() << "\n";
  } else if (items.empty()) {
    std::cout << "no conflicts\n";
  } else {
    std::cout << "'nightlog conflicts resolve ID WHAT --keep N' keeps one of the values\n";
  }
  return absl::OkStatus();
}

absl::Status Resolve(Phone& phone, const FamilyId& family, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const absl::optional<double> keep, arguments.Number("keep"));
  if (!keep.has_value()) {
    return absl::InvalidArgumentError(
        "say which value stays: --keep N; for another one use 'edit' with --resolve");
  }
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Record record, ids.Find(arguments.words()[1]));
  const RecordId id(record.record_id());
  for (const Choice& choice : ChoicesOf(record)) {
    if (choice.name != arguments.words()[2]) continue;
    const int index = static_cast<int>(*keep) - 1;
    if (index < 0 || index >= static_cast<int>(choice.versions.size())) {
      return absl::InvalidArgumentError("there is no value of that number; see 'conflicts'");
    }
    const v1::Version& version = choice.versions[index];
    Tap tap;
    if (choice.group == kExistence) {
      version.existence().deleted() ? tap.Delete(id) : tap.Restore(id);
    } else {
      const std::unique_ptr<Message> value = ValueOf(record, choice.group, version);
      std::vector<const FieldDescriptor*> set;
      value->GetReflection()->ListFields(*value, &set);
      if (set.empty()) {
        return absl::FailedPreconditionError(
            "this value is empty; use 'edit' with --resolve to say what is right");
      }
      tap.Resolve(id, *value);
    }
    return phone.Save(family, {tap},
                      absl::StrCat("kept: ", ValueInWords(record, choice.group, version)), {id});
  }
  return absl::NotFoundError("there is no such conflict, or no more; see 'conflicts'");
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  if (words.empty() || (words.size() == 1 && words[0] == "list")) return List(phone, family);
  if (words.size() == 3 && words[0] == "resolve") return Resolve(phone, family, arguments);
  return WrongWords();
}

}  // namespace

const Command kConflictsCommand = {"conflicts",
                                   "list\nresolve ID WHAT --keep N",
                                   "values that two people gave without knowing of each other",
                                   {{"keep", "N", "which of the values stays"}},
                                   Run};

}  // namespace nightlog::cli
