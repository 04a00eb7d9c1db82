#include "clients/cli/export/csv_tables.h"

#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "google/protobuf/message.h"
#include "google/protobuf/timestamp.pb.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/utf8.h"

namespace nightlog::cli {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::OneofDescriptor;

constexpr std::pair<uint32_t, absl::string_view> kTables[] = {
    {kChild, "children"},    {kLogEntry, "log_entries"}, {kPlan, "plans"},
    {kComment, "comments"},  {kMember, "members"},       {kNightSummary, "nights"},
    {kProgress, "progress"},
};

using Row = std::vector<std::string>;

std::string Line(const Row& cells) {
  return absl::StrCat(
      absl::StrJoin(
          cells, ",",
          [](std::string* out, const std::string& cell) {
            if (cell.find_first_of("\",\r\n") == std::string::npos) {
              absl::StrAppend(out, cell);
            } else {
              absl::StrAppend(out, "\"", absl::StrReplaceAll(cell, {{"\"", "\"\""}}), "\"");
            }
          }),
      "\r\n");
}

std::string Harmless(const std::string& text) {
  return !text.empty() && absl::StrContains("=+-@\t\r", text.substr(0, 1)) ? absl::StrCat("'", text)
                                                                           : text;
}

std::string TimeText(const google::protobuf::Timestamp& time) {
  return absl::FormatTime("%Y-%m-%dT%H:%M:%E*SZ", FromProto(time), absl::UTCTimeZone());
}

// The value of a field that holds no message; of its item at `index` where it is repeated.
std::string Scalar(const Message& message, const FieldDescriptor& field, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  const bool repeated = field.is_repeated();
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = repeated ? reflection.GetRepeatedString(message, &field, index)
                                        : reflection.GetString(message, &field);
      return field.type() == FieldDescriptor::TYPE_BYTES ? absl::BytesToHexString(text)
                                                         : Harmless(text);
    }
    case FieldDescriptor::CPPTYPE_ENUM:
      return EnumWord(*field.enum_type(),
                      repeated ? reflection.GetRepeatedEnumValue(message, &field, index)
                               : reflection.GetEnumValue(message, &field));
    case FieldDescriptor::CPPTYPE_BOOL:
      return (repeated ? reflection.GetRepeatedBool(message, &field, index)
                       : reflection.GetBool(message, &field))
                 ? "yes"
                 : "no";
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberText(repeated ? reflection.GetRepeatedDouble(message, &field, index)
                                 : reflection.GetDouble(message, &field));
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(repeated ? reflection.GetRepeatedInt32(message, &field, index)
                                   : reflection.GetInt32(message, &field));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(repeated ? reflection.GetRepeatedUInt32(message, &field, index)
                                   : reflection.GetUInt32(message, &field));
    default:
      return "";  // no record has such a field
  }
}

bool IsTime(const FieldDescriptor& field) {
  return field.message_type() == google::protobuf::Timestamp::descriptor();
}

// Walks the columns of a message type in one order, for the heading and for each row: `message` is
// null for the heading, and for a part that a record does not have.
void AddCells(const Descriptor& type, const Message* message, const std::string& path, Row& names,
              Row& cells) {
  const auto add = [&](const std::string& name, std::string cell) {
    names.push_back(path + name);
    cells.push_back(std::move(cell));
  };
  const OneofDescriptor* told = nullptr;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    const google::protobuf::Reflection* reflection =
        message == nullptr ? nullptr : message->GetReflection();
    const OneofDescriptor* oneof = field.real_containing_oneof();
    if (oneof != nullptr && oneof != told) {
      told = oneof;
      const FieldDescriptor* set =
          message == nullptr ? nullptr : reflection->GetOneofFieldDescriptor(*message, oneof);
      add(oneof->name(), set == nullptr ? "" : set->name());
    }
    if (field.is_repeated()) {
      Row items;
      for (int item = 0; message != nullptr && item < reflection->FieldSize(*message, &field);
           ++item) {
        items.push_back(field.cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE
                            ? ToJson(reflection->GetRepeatedMessage(*message, &field, item))
                            : Scalar(*message, field, item));
      }
      add(field.name(), field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE
                            ? absl::StrJoin(items, " ")
                        : items.empty() ? ""
                                        : JsonList(items));
      continue;
    }
    const bool set =
        message != nullptr && (!field.has_presence() || reflection->HasField(*message, &field));
    if (field.cpp_type() != FieldDescriptor::CPPTYPE_MESSAGE) {
      add(field.name(), set ? Scalar(*message, field, 0) : "");
    } else if (IsTime(field)) {
      add(field.name(), set ? TimeText(static_cast<const google::protobuf::Timestamp&>(
                                  reflection->GetMessage(*message, &field)))
                            : "");
    } else {
      AddCells(*field.message_type(), set ? &reflection->GetMessage(*message, &field) : nullptr,
               absl::StrCat(path, field.name(), "."), names, cells);
    }
  }
}

const Message& BodyMessage(const v1::Record& record, uint32_t kind) {
  const FieldDescriptor* field =
      v1::Record::descriptor()->FindFieldByNumber(static_cast<int>(kind));
  return record.GetReflection()->GetMessage(record, field);
}

}  // namespace

std::map<std::string, std::string> ToCsvTables(const std::vector<v1::Record>& records) {
  std::map<std::string, std::string> names;
  for (const v1::Record& record : records) {
    if (record.has_member()) names[record.record_id()] = record.member().name();
  }
  std::map<std::string, std::string> tables;
  for (const auto& [kind, name] : kTables) {
    Row columns = {"record_id",  "deleted",         "open_conflict",
                   "created_by", "created_by_name", "created_at"};
    Row none;
    AddCells(*DescriptorOf(kind), nullptr, "", columns, none);
    std::string& table = tables[absl::StrCat(name, ".csv")];
    table = absl::StrCat(kByteOrderMark, Line(columns));
    for (const v1::Record& record : records) {
      if (static_cast<uint32_t>(record.body_case()) != kind) continue;
      Row cells = {absl::BytesToHexString(record.record_id()),
                   record.deleted() ? "yes" : "no",
                   HasConflict(record) ? "yes" : "no",
                   absl::BytesToHexString(record.created_by()),
                   Harmless(names[record.created_by()]),
                   record.has_created_at() ? TimeText(record.created_at()) : ""};
      Row ignored;
      AddCells(*DescriptorOf(kind), &BodyMessage(record, kind), "", ignored, cells);
      absl::StrAppend(&table, Line(cells));
    }
  }
  return tables;
}

}  // namespace nightlog::cli
