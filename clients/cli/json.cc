#include "clients/cli/json.h"

#include <charconv>
#include <cmath>
#include <cstdint>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/time/time.h"
#include "clients/cli/words.h"
#include "google/protobuf/duration.pb.h"
#include "google/protobuf/timestamp.pb.h"
#include "storage/core/proto_time.h"

namespace nightlog::cli {
namespace {

using google::protobuf::FieldDescriptor;
using google::protobuf::Message;

std::string Quoted(absl::string_view text) {
  std::string quoted = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      quoted.push_back('\\');
      quoted.push_back(c);
    } else if (static_cast<unsigned char>(c) < 0x20) {
      absl::StrAppendFormat(&quoted, "\\u%04x", c);
    } else {
      quoted.push_back(c);
    }
  }
  quoted.push_back('"');
  return quoted;
}

// The value of a field; of its item at `index` where it is repeated.
std::string Value(const Message& message, const FieldDescriptor& field, int index) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
#define NIGHTLOG_VALUE_(Type)                                                 \
  (field.is_repeated() ? reflection.GetRepeated##Type(message, &field, index) \
                       : reflection.Get##Type(message, &field))
  switch (field.cpp_type()) {
    case FieldDescriptor::CPPTYPE_BOOL:
      return NIGHTLOG_VALUE_(Bool) ? "true" : "false";
    case FieldDescriptor::CPPTYPE_INT32:
      return absl::StrCat(NIGHTLOG_VALUE_(Int32));
    case FieldDescriptor::CPPTYPE_INT64:
      return absl::StrCat(NIGHTLOG_VALUE_(Int64));
    case FieldDescriptor::CPPTYPE_UINT32:
      return absl::StrCat(NIGHTLOG_VALUE_(UInt32));
    case FieldDescriptor::CPPTYPE_UINT64:
      return absl::StrCat(NIGHTLOG_VALUE_(UInt64));
    case FieldDescriptor::CPPTYPE_FLOAT:
      return NumberText(NIGHTLOG_VALUE_(Float));
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return NumberText(NIGHTLOG_VALUE_(Double));
    case FieldDescriptor::CPPTYPE_ENUM:
      return Quoted(EnumWord(*field.enum_type(), NIGHTLOG_VALUE_(EnumValue)));
    case FieldDescriptor::CPPTYPE_STRING: {
      const std::string text = NIGHTLOG_VALUE_(String);
      const bool is_text = field.type() == FieldDescriptor::TYPE_STRING;
      return Quoted(is_text ? text : absl::BytesToHexString(text));
    }
    case FieldDescriptor::CPPTYPE_MESSAGE:
      return ToJson(field.is_repeated() ? reflection.GetRepeatedMessage(message, &field, index)
                                        : reflection.GetMessage(message, &field));
  }
#undef NIGHTLOG_VALUE_
  return "null";
}

// The entries of a map, which are messages of a key (1) and a value (2), as one object.
std::string MapValue(const Message& message, const FieldDescriptor& field) {
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  JsonObject object;
  for (int i = 0; i < reflection.FieldSize(message, &field); ++i) {
    const Message& entry = reflection.GetRepeatedMessage(message, &field, i);
    const google::protobuf::Descriptor& type = *entry.GetDescriptor();
    object.AddJson(Value(entry, *type.map_key(), 0), Value(entry, *type.map_value(), 0));
  }
  return object.str();
}

}  // namespace

std::string NumberText(double number) {
  if (!std::isfinite(number)) return "null";
  char text[512];  // no double needs more
  const std::to_chars_result end =
      std::to_chars(std::begin(text), std::end(text), number, std::chars_format::fixed);
  return std::string(text, end.ptr);
}

std::string ToJson(const Message& message) {
  const google::protobuf::Descriptor& type = *message.GetDescriptor();
  if (&type == google::protobuf::Timestamp::descriptor()) {
    google::protobuf::Timestamp time;
    time.CopyFrom(message);
    return Quoted(absl::FormatTime("%Y-%m-%d%ET%H:%M:%E*SZ", FromProto(time), absl::UTCTimeZone()));
  }
  if (&type == google::protobuf::Duration::descriptor()) {
    google::protobuf::Duration duration;
    duration.CopyFrom(message);
    return NumberText(static_cast<double>(duration.seconds()) + duration.nanos() * 1e-9);
  }
  const google::protobuf::Reflection& reflection = *message.GetReflection();
  JsonObject object;
  for (int i = 0; i < type.field_count(); ++i) {
    const FieldDescriptor& field = *type.field(i);
    if (field.is_map()) {
      object.AddJson(field.name(), MapValue(message, field));
    } else if (field.is_repeated()) {
      std::vector<std::string> items;
      for (int item = 0; item < reflection.FieldSize(message, &field); ++item) {
        items.push_back(Value(message, field, item));
      }
      object.AddJson(field.name(), JsonList(items));
    } else if (!field.has_presence() || reflection.HasField(message, &field)) {
      object.AddJson(field.name(), Value(message, field, 0));
    }
  }
  return object.str();
}

JsonObject& JsonObject::Add(absl::string_view name, absl::string_view text) {
  return AddJson(name, Quoted(text));
}

JsonObject& JsonObject::Add(absl::string_view name, const char* text) {
  return Add(name, absl::string_view(text));
}

JsonObject& JsonObject::Add(absl::string_view name, bool value) {
  return AddJson(name, value ? "true" : "false");
}

JsonObject& JsonObject::Add(absl::string_view name, uint64_t number) {
  return AddJson(name, absl::StrCat(number));
}

JsonObject& JsonObject::AddJson(absl::string_view name, absl::string_view json) {
  members_.push_back(absl::StrCat(Quoted(name), ": ", json));
  return *this;
}

std::string JsonObject::str() const {
  return absl::StrCat("{", absl::StrJoin(members_, ", "), "}");
}

std::string JsonList(const std::vector<std::string>& items) {
  return absl::StrCat("[", absl::StrJoin(items, ", "), "]");
}

}  // namespace nightlog::cli
