#include "clients/cli/words.h"

#include <cmath>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/local_time.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"

namespace nightlog::cli {
namespace {

// The zero value of every enum of ours is PREFIX_UNSPECIFIED.
absl::string_view PrefixOf(const google::protobuf::EnumDescriptor& type) {
  absl::string_view zero = type.FindValueByNumber(0)->name();
  zero.remove_suffix(absl::string_view("UNSPECIFIED").size());
  return zero;
}

// A part of a list, where there is something to say.
void AddPart(std::vector<std::string>& parts, std::string part) {
  if (!part.empty()) parts.push_back(std::move(part));
}

std::string Spaced(absl::string_view word) { return absl::StrReplaceAll(word, {{"_", " "}}); }

// What an edit says of a group without a form of its own: `name: Robin`. Empty for ids.
std::string GroupInWords(const v1::Edit& edit, const google::protobuf::FieldDescriptor& group) {
  if (group.type() == google::protobuf::FieldDescriptor::TYPE_BYTES) return "";
  const std::string name = Spaced(group.name());
  const google::protobuf::Message& value = edit.GetReflection()->GetMessage(
      edit, edit.GetDescriptor()->FindFieldByNumber(static_cast<int>(KindOf(edit))));
  const google::protobuf::Reflection& reflection = *value.GetReflection();
  if (group.type() != google::protobuf::FieldDescriptor::TYPE_STRING) return name;
  if (!group.is_repeated()) {
    const std::string text = reflection.GetString(value, &group);
    return text.empty() ? absl::StrCat("no ", name) : absl::StrCat(name, ": ", text);
  }
  std::vector<std::string> elements;
  for (int i = 0; i < reflection.FieldSize(value, &group); ++i) {
    elements.push_back(reflection.GetRepeatedString(value, &group, i));
  }
  for (const std::string& removed : edit.removed_elements()) {
    elements.push_back(absl::StrCat("not ", removed));
  }
  return absl::StrCat(name, ": ", absl::StrJoin(elements, ", "));
}

}  // namespace

std::string EnumWord(const google::protobuf::EnumDescriptor& type, int number) {
  if (number == 0) return "";
  const google::protobuf::EnumValueDescriptor* value = type.FindValueByNumber(number);
  if (value == nullptr) return absl::StrCat(number);
  return absl::AsciiStrToLower(absl::string_view(value->name()).substr(PrefixOf(type).size()));
}

absl::StatusOr<int> ParseEnumWord(const google::protobuf::EnumDescriptor& type,
                                  absl::string_view word) {
  const std::string wanted =
      absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"-", "_"}, {" ", "_"}});
  std::vector<std::string> words;
  for (int i = 1; i < type.value_count(); ++i) {
    words.push_back(EnumWord(type, type.value(i)->number()));
    if (words.back() == wanted) return type.value(i)->number();
  }
  return absl::InvalidArgumentError(
      absl::StrCat("'", word, "' is none of: ", absl::StrJoin(words, ", ")));
}

std::string MinutesInWords(double minutes) {
  const int64_t rounded = std::llround(minutes);
  if (rounded < 60) return absl::StrCat(rounded, " min");
  return absl::StrCat(rounded / 60, " h ", rounded % 60, " min");
}

std::string ClockTime(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%H:%M", time, zone);
}

std::string DateAndTime(absl::Time time, absl::TimeZone zone) {
  return absl::FormatTime("%Y-%m-%d %H:%M", time, zone);
}

std::string DetailInWords(const v1::EntryDetail& detail) {
  std::vector<std::string> parts;
  switch (detail.kind_case()) {
    case v1::EntryDetail::kPutDown:
      return "put down";
    case v1::EntryDetail::kSleep:
      parts.push_back("asleep");
      AddPart(parts, Spaced(Word(detail.sleep().place())));
      break;
    case v1::EntryDetail::kAwake:
      return "awake";
    case v1::EntryDetail::kCrying: {
      static constexpr const char* kIntensities[] = {"", "fussing", "", "screaming"};
      parts.push_back("crying");
      const uint32_t intensity = detail.crying().intensity();
      if (intensity <= 3) AddPart(parts, kIntensities[intensity]);
      break;
    }
    case v1::EntryDetail::kResponse: {
      const v1::Response& response = detail.response();
      static constexpr const char* kLevels[] = {"monitor only", "presence",  "voice",
                                                "touch",        "picked up", "held, rocked",
                                                "fed, own bed"};
      parts.push_back(absl::StrCat("response level ", response.level()));
      parts.push_back(!response.action().empty() ? response.action()
                      : response.level() < 7     ? kLevels[response.level()]
                                                 : "");
      AddPart(parts, Spaced(Word(response.position())));
      AddPart(parts, Spaced(Word(response.exempt_reason())));
      break;
    }
    case v1::EntryDetail::kFeed:
      parts.push_back("feed");
      AddPart(parts, Word(detail.feed().kind()));
      if (detail.feed().has_amount_ml()) {
        parts.push_back(absl::StrFormat("%.0f ml", detail.feed().amount_ml()));
      }
      break;
    case v1::EntryDetail::kRise:
      return "up for the day";
    case v1::EntryDetail::kNote:
      return "note";
    case v1::EntryDetail::KIND_NOT_SET:
      return "something this version does not know";
  }
  return absl::StrJoin(parts, ", ");
}

std::vector<std::string> TransactionInWords(const v1::Transaction& transaction) {
  std::vector<std::string> lines;
  for (const v1::Edit& edit : transaction.edits()) {
    const v1::LogEntry& entry = edit.log_entry();
    if (edit.has_existence()) {
      lines.push_back(edit.existence().deleted() ? "deleted" : "brought back");
    } else if (entry.has_detail()) {
      lines.push_back(DetailInWords(entry.detail()));
    } else if (entry.has_interval()) {
      absl::TimeZone zone = absl::UTCTimeZone();
      absl::LoadTimeZone(entry.interval().zone(), &zone);
      lines.push_back(absl::StrCat(
          "at ", absl::FormatTime("%Y-%m-%d ", FromProto(entry.interval().began_at()), zone),
          IntervalInWords(entry, zone)));
    } else if (const google::protobuf::Descriptor* type = DescriptorOf(KindOf(edit))) {
      const google::protobuf::FieldDescriptor* group =
          type->FindFieldByNumber(static_cast<int>(edit.group()));
      AddPart(lines, group == nullptr ? "something this version does not know"
                                      : GroupInWords(edit, *group));
    }
  }
  return lines;
}

bool Lasts(const v1::EntryDetail& detail) {
  return detail.has_sleep() || detail.has_awake() || detail.has_crying();
}

std::string IntervalInWords(const v1::LogEntry& entry, absl::TimeZone zone) {
  const v1::Interval& interval = entry.interval();
  std::string words = ClockTime(FromProto(interval.began_at()), zone);
  if (interval.has_ended_at()) {
    absl::StrAppend(&words, "–", ClockTime(FromProto(interval.ended_at()), zone));
  } else if (Lasts(entry.detail())) {
    absl::StrAppend(&words, "–");
  }
  return words;
}

std::string NotSharedInWords(uint64_t taps) {
  return absl::StrCat(taps, taps == 1 ? " tap stays" : " taps stay",
                      " on this phone, not shared: your role in this family is to look on. Join "
                      "with an owner's code for another role, and ",
                      taps == 1 ? "it is" : "they are", " sent");
}

std::string ErrorInWords(const absl::Status& status) {
  std::string message(status.message());
  // Of wrong fields each is told once, by its own name and not by its path in the message.
  std::vector<std::string> wrong;
  for (const FieldViolation& violation : ViolationsOf(status)) {
    absl::string_view name = violation.field();
    name.remove_prefix(name.rfind('.') == name.npos ? 0 : name.rfind('.') + 1);
    std::string words = absl::StrContains(name, '[')
                            ? violation.description()
                            : absl::StrCat(Spaced(name), " ", violation.description());
    if (!absl::c_linear_search(wrong, words)) wrong.push_back(std::move(words));
  }
  if (!wrong.empty()) message = absl::StrJoin(wrong, "; ");
  if (ReasonOf(status) == v1::ERROR_REASON_UNSPECIFIED) {
    // Not an error that nightlog's server made for people, so it may be in the words of a library.
    switch (status.code()) {
      case absl::StatusCode::kUnavailable:
      case absl::StatusCode::kDeadlineExceeded:
        message = "the server cannot be reached; look at the connection and try again";
        break;
      case absl::StatusCode::kUnimplemented:
        message = "the server does not know this command; it may be an older version";
        break;
      case absl::StatusCode::kInternal:
      case absl::StatusCode::kUnknown:
        message = absl::StrCat("something is wrong in nightlog itself: ", message);
        break;
      default:
        break;
    }
  }
  // Names in it are of other people.
  absl::c_replace_if(
      message, [](char c) { return absl::ascii_iscntrl(c); }, ' ');
  return message;
}

}  // namespace nightlog::cli
