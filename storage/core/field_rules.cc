#include "storage/core/field_rules.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "nightlog/v1/records.pb.h"
#include "nightlog/v1/sync.pb.h"
#include "storage/core/check.h"
#include "storage/core/ids.h"
#include "storage/core/proto_time.h"
#include "storage/core/utf8.h"

namespace nightlog {
namespace {

using google::protobuf::Descriptor;
using google::protobuf::FieldDescriptor;
using google::protobuf::Message;
using google::protobuf::Reflection;

using Violations = std::vector<FieldViolation>;

// Where a value stands, below what a caller named. It is put into words for a violation only: most
// messages have none. What it is made of must outlive it.
class Path {
 public:
  explicit Path(absl::string_view root) : name_(root) {}
  Path(const Path& parent, absl::string_view field) : parent_(&parent), name_(field) {}
  Path(const Path& parent, int index) : parent_(&parent), index_(index) {}

  std::string str() const {
    if (parent_ == nullptr) return std::string(name_);
    std::string path = parent_->str();
    if (index_ >= 0) return absl::StrCat(path, "[", index_, "]");
    return path.empty() ? std::string(name_) : absl::StrCat(path, ".", name_);
  }

 private:
  const Path* parent_ = nullptr;
  absl::string_view name_;
  int index_ = -1;
};

void Add(const Path& path, absl::string_view description, Violations& violations) {
  violations.push_back(MakeViolation(path.str(), description));
}

bool IsDate(const std::string& value) {
  absl::CivilDay day;
  return value.size() == 10 && absl::ParseCivilTime(value, &day) &&
         absl::FormatCivilTime(day) == value;
}

bool IsTimeOfDay(const std::string& value) {
  return value.size() == 5 && value[2] == ':' && value >= "00:00" && value <= "23:59" &&
         absl::ascii_isdigit(static_cast<unsigned char>(value[0])) &&
         absl::ascii_isdigit(static_cast<unsigned char>(value[1])) &&
         absl::ascii_isdigit(static_cast<unsigned char>(value[3])) && value[3] <= '5' &&
         absl::ascii_isdigit(static_cast<unsigned char>(value[4]));
}

// LoadTimeZone also takes paths of files and forms of its own, and remembers what it was asked for.
bool IsZone(const std::string& value) {
  const auto is_plain = [](char c) {
    return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-' || c == '+' ||
           c == '/';
  };
  absl::TimeZone zone;
  return absl::ascii_isupper(static_cast<unsigned char>(value[0])) &&
         std::all_of(value.begin(), value.end(), is_plain) && absl::LoadTimeZone(value, &zone);
}

void ValidateString(const v1::FieldRules& rules, const std::string& value, const Path& path,
                    Violations& violations) {
  if (value.empty()) return;  // `required` tells whether that is allowed
  if (rules.format() != v1::FieldRules::FORMAT_ID && rules.max_bytes() != 0 &&
      value.size() > rules.max_bytes()) {
    Add(path, absl::StrCat("is ", value.size(), " bytes long; at most ", rules.max_bytes()),
        violations);
    return;
  }
  switch (rules.format()) {
    case v1::FieldRules::FORMAT_ID:
      if (!RecordId::IsId(value)) {
        Add(path, absl::StrCat("is ", value.size(), " bytes long; an id has 16"), violations);
      }
      break;
    case v1::FieldRules::FORMAT_DATE:
      if (!IsDate(value)) Add(path, "is not a date like 2026-03-29", violations);
      break;
    case v1::FieldRules::FORMAT_ZONE:
      if (!IsZone(value)) Add(path, "is not a time zone like Europe/London", violations);
      break;
    case v1::FieldRules::FORMAT_TIME_OF_DAY:
      if (!IsTimeOfDay(value)) Add(path, "is not a time of day like 19:30", violations);
      break;
    default:
      break;
  }
}

void ValidateNumber(const v1::FieldRules& rules, double value, const Path& path,
                    Violations& violations) {
  if (std::isnan(value)) {
    Add(path, "is not a number", violations);
  } else if ((rules.min_value() != 0 || rules.max_value() != 0) &&
             (value < rules.min_value() || value > rules.max_value())) {
    Add(path, absl::StrCat("is ", value, "; from ", rules.min_value(), " to ", rules.max_value()),
        violations);
  }
}

// The number in a field, or in element `index` of a repeated one; nullopt for other types.
absl::optional<double> NumberOf(const Message& message, const FieldDescriptor* field, int index) {
  const Reflection& reflection = *message.GetReflection();
  const bool repeated = field->is_repeated();
  switch (field->cpp_type()) {
    case FieldDescriptor::CPPTYPE_INT32:
      return repeated ? reflection.GetRepeatedInt32(message, field, index)
                      : reflection.GetInt32(message, field);
    case FieldDescriptor::CPPTYPE_UINT32:
      return repeated ? reflection.GetRepeatedUInt32(message, field, index)
                      : reflection.GetUInt32(message, field);
    case FieldDescriptor::CPPTYPE_DOUBLE:
      return repeated ? reflection.GetRepeatedDouble(message, field, index)
                      : reflection.GetDouble(message, field);
    default:
      return absl::nullopt;
  }
}

// True if the field is there and says something.
bool IsSet(const Message& message, const FieldDescriptor* field) {
  const Reflection& reflection = *message.GetReflection();
  if (field->is_repeated()) return reflection.FieldSize(message, field) > 0;
  if (!reflection.HasField(message, field)) return false;
  if (field->cpp_type() != FieldDescriptor::CPPTYPE_STRING) return true;
  std::string scratch;
  return !reflection.GetStringReference(message, field, &scratch).empty();
}

// What no rule beside a single field can say.
void ValidateMeaning(const Message& message, const Path& path, Violations& violations) {
  static const Descriptor* const kIntervalType = v1::Interval::descriptor();
  static const Descriptor* const kDetailType = v1::EntryDetail::descriptor();
  static const Descriptor* const kTargetType = v1::CommentTarget::descriptor();
  static const Descriptor* const kWindowType = v1::NightWindow::descriptor();
  static const Descriptor* const kNightsType = v1::PlanNights::descriptor();
  static const Descriptor* const kStepType = v1::PlanStep::descriptor();
  static const Descriptor* const kTimestampType = google::protobuf::Timestamp::descriptor();
  const Descriptor* type = message.GetDescriptor();
  if (type == kIntervalType) {
    const auto& interval = static_cast<const v1::Interval&>(message);
    if (interval.has_ended_at() &&
        FromProto(interval.ended_at()) < FromProto(interval.began_at())) {
      Add(Path(path, "ended_at"), "is before began_at", violations);
    }
  } else if (type == kDetailType) {
    // A kind of a newer client stands in the unknown fields.
    if (message.ByteSizeLong() == 0) Add(path, "says nothing; set one kind", violations);
  } else if (type == kTargetType) {
    if (message.ByteSizeLong() == 0) Add(path, "names nothing; set one target", violations);
  } else if (type == kWindowType) {
    const auto& window = static_cast<const v1::NightWindow&>(message);
    if (window.start() == window.end()) Add(Path(path, "end"), "equals start", violations);
  } else if (type == kNightsType) {
    const auto& nights = static_cast<const v1::PlanNights&>(message);
    if (!nights.last_night().empty() && nights.last_night() < nights.first_night()) {
      Add(Path(path, "last_night"), "is before first_night", violations);
    }
  } else if (type == kStepType) {
    const auto& step = static_cast<const v1::PlanStep&>(message);
    if (step.to_night() < step.from_night()) {
      Add(Path(path, "to_night"), "is before from_night", violations);
    }
  } else if (type == kTimestampType) {
    const auto& timestamp = static_cast<const google::protobuf::Timestamp&>(message);
    if (timestamp.seconds() < -62135596800 || timestamp.seconds() > 253402300799 ||
        timestamp.nanos() < 0 || timestamp.nanos() > 999999999) {
      Add(path, "is not a time between the years 1 and 9999", violations);
    }
  }
}

void ValidateAt(const Message& message, const Path& path, Violations& violations);

void ValidateElement(const Message& message, const FieldDescriptor* field, int index,
                     const v1::FieldRules& rules, const Path& path, Violations& violations) {
  const Reflection& reflection = *message.GetReflection();
  if (field->cpp_type() == FieldDescriptor::CPPTYPE_MESSAGE) {
    ValidateAt(field->is_repeated() ? reflection.GetRepeatedMessage(message, field, index)
                                    : reflection.GetMessage(message, field),
               path, violations);
  } else if (field->cpp_type() == FieldDescriptor::CPPTYPE_STRING) {
    std::string scratch;
    const std::string& value =
        field->is_repeated()
            ? reflection.GetRepeatedStringReference(message, field, index, &scratch)
            : reflection.GetStringReference(message, field, &scratch);
    // A message with such a string cannot be read again.
    if (field->type() == FieldDescriptor::TYPE_STRING && !IsUtf8(value)) {
      Add(path, "is not UTF-8", violations);
    } else {
      ValidateString(rules, value, path, violations);
    }
  } else if (const absl::optional<double> number = NumberOf(message, field, index)) {
    ValidateNumber(rules, *number, path, violations);
  }
}

void ValidateFieldAt(const Message& message, const FieldDescriptor& field, const Path& path,
                     Violations& violations) {
  const v1::FieldRules& rules = field.options().GetExtension(v1::rules);
  const Path field_path(path, field.name());
  if (!IsSet(message, &field)) {
    // A member of a oneof that was chosen and then left empty says nothing either.
    const bool chosen = field.real_containing_oneof() != nullptr &&
                        message.GetReflection()->HasField(message, &field);
    if (rules.required() || chosen) {
      Add(field_path, "is required", violations);
      return;
    }
    // A number that is always there says 0, which may be out of bounds.
    if (field.is_repeated() || field.has_presence()) return;
  }
  if (!field.is_repeated()) {
    ValidateElement(message, &field, 0, rules, field_path, violations);
    return;
  }
  const int size = message.GetReflection()->FieldSize(message, &field);
  if (rules.max_items() != 0 && static_cast<uint32_t>(size) > rules.max_items()) {
    Add(field_path, absl::StrCat("has ", size, " elements; at most ", rules.max_items()),
        violations);
    return;
  }
  for (int i = 0; i < size; ++i) {
    ValidateElement(message, &field, i, rules, Path(field_path, i), violations);
  }
}

void ValidateAt(const Message& message, const Path& path, Violations& violations) {
  const Descriptor* type = message.GetDescriptor();
  for (int i = 0; i < type->field_count(); ++i) {
    ValidateFieldAt(message, *type->field(i), path, violations);
  }
  ValidateMeaning(message, path, violations);
}

}  // namespace

v1::MergeRule MergeRuleOf(const Descriptor& record, uint32_t group) {
  const FieldDescriptor* field = record.FindFieldByNumber(static_cast<int>(group));
  const v1::MergeRule rule = field == nullptr ? v1::MERGE_RULE_UNSPECIFIED
                                              : field->options().GetExtension(v1::rules).merge();
  return rule == v1::MERGE_RULE_UNSPECIFIED ? v1::MERGE_RULE_REGISTER : rule;
}

void ValidateField(const Message& message, const FieldDescriptor& field, absl::string_view path,
                   Violations& violations) {
  ValidateFieldAt(message, field, Path(path), violations);
}

void Validate(const Message& message, absl::string_view path, Violations& violations) {
  ValidateAt(message, Path(path), violations);
}

absl::Status ValidateRequest(const Message& request) {
  Violations violations;
  Validate(request, "", violations);
  return violations.empty() ? absl::OkStatus() : InvalidFieldsError(violations);
}

}  // namespace nightlog
