#include "services/imports/remark.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/substitute.h"

namespace nightlog::imports {
namespace {

constexpr absl::string_view kPayload = "nightlog.v1.ImportRemark";
// A file may say anything at any length, and a remark may come with each of its rows.
constexpr size_t kValueBytesMax = 80;
constexpr size_t kValuesMax = 20;

std::string CutShort(std::string value) {
  if (value.size() <= kValueBytesMax) return value;
  size_t end = kValueBytesMax;
  // Not within a character of UTF-8.
  while (end > 0 && (static_cast<unsigned char>(value[end]) & 0xC0) == 0x80) --end;
  value.resize(end);
  return value + "…";
}

// $0, $1 are the values; $2 all of them in a row.
absl::string_view SentenceOf(v1::ImportReason reason) {
  switch (reason) {
    case v1::IMPORT_REASON_TIME:
      return "its time '$0' in column '$1' cannot be read";
    case v1::IMPORT_REASON_NO_TIME:
      return "it has no time";
    case v1::IMPORT_REASON_ENDS_BEFORE_IT_BEGINS:
      return "it ends before it begins";
    case v1::IMPORT_REASON_NO_TYPE:
      return "it has no type";
    case v1::IMPORT_REASON_NO_EVENT:
      return "it is the child, not an event";
    case v1::IMPORT_REASON_OPEN_QUOTE:
      return "a quote is opened in it and never closed, so the rest of the file counts as part of "
             "it";
    case v1::IMPORT_REASON_COLUMN_COUNT:
      return "it has $0 columns, the heading has $1";
    case v1::IMPORT_REASON_NOT_VALID:
      return "$0: $1";
    case v1::IMPORT_REASON_COLUMN_IS_NO_DAY:
      return "column $0 is headed '$1', which is no day";
    case v1::IMPORT_REASON_REPEATED_TIME_FIRST:
      return "local time $0 happened twice when the clocks went back; read as the first";
    case v1::IMPORT_REASON_REPEATED_TIME_SECOND:
      return "local time $0 happened twice when the clocks went back; read as the second";
    case v1::IMPORT_REASON_SKIPPED_TIME:
      return "local time $0 did not happen, the clocks went forward; read as $1";
    case v1::IMPORT_REASON_CLOCK_AT_ITS_END:
      return "its times are by the clock at its end; by the clock of its begin it began at $0";
    case v1::IMPORT_REASON_TIMER_PAUSED:
      return "its timer was paused for $0 min, the file does not say when; imported as it began "
             "and ended";
    case v1::IMPORT_REASON_LONGER_THAN_ITS_TIMES:
      return "its duration is $0 min longer than its times; imported as it began and ended";
    case v1::IMPORT_REASON_AMOUNT:
      return "its amount '$0' is not one; imported without";
    case v1::IMPORT_REASON_DATE_ORDER_OPEN:
      return "dates such as '$0' are read with the month first; nothing in the file says otherwise";
    case v1::IMPORT_REASON_EMPTY:
      return "the file is empty";
    case v1::IMPORT_REASON_UNKNOWN_HEADING:
      return "its heading is of no app that is known; name the format and the columns";
    case v1::IMPORT_REASON_UNKNOWN_FORMAT:
      return "the formats known are: $2";
    case v1::IMPORT_REASON_OTHER_FORMAT:
      return "this is not a file of $0: it has no column '$1'";
    case v1::IMPORT_REASON_CHILDREN:
      return "the file is about $2; say who of them is meant";
    case v1::IMPORT_REASON_UNKNOWN_CONTENT:
      return "no column can hold '$0'";
    case v1::IMPORT_REASON_NO_COLUMN:
      return "the file has no column '$0'";
    case v1::IMPORT_REASON_NO_BEGIN:
      return "no column is known to say when; name it";
    case v1::IMPORT_REASON_NUMBERED_DAYS:
      return "its days are numbered; say which day is number 0, or when the child was born";
    case v1::IMPORT_REASON_NO_TIME_OF_DAY:
      return "it begins with '$0', which is no time of day";
    case v1::IMPORT_REASON_UNEVEN_STEPS:
      return "the times of day do not go on in even steps";
    case v1::IMPORT_REASON_TOO_FEW_ROWS:
      return "the sheet has fewer than two rows";
    case v1::IMPORT_REASON_TOO_MANY_ROWS:
      return "the file has more than $0 rows";
    case v1::IMPORT_REASON_LONG_HEADING:
      return "the names of its columns are longer than those of any log";
    case v1::IMPORT_REASON_DATE_ORDERS:
      return "dates such as '$0' have the day first, and such as '$1' the month; say which is "
             "meant";
    default:
      return "it cannot be read";
  }
}

}  // namespace

v1::ImportRemark MakeRemark(v1::ImportReason reason, const std::vector<std::string>& values,
                            int line) {
  v1::ImportRemark remark;
  remark.set_line(line);
  remark.set_reason(reason);
  for (const std::string& value : values) {
    if (static_cast<size_t>(remark.values_size()) == kValuesMax) break;
    remark.add_values(CutShort(value));
  }
  const auto value = [&remark](int i) {
    return i < remark.values_size() ? remark.values(i) : std::string();
  };
  remark.set_text(absl::Substitute(SentenceOf(reason), value(0), value(1),
                                   absl::StrJoin(remark.values(), ", ")));
  return remark;
}

absl::Status Refusal(v1::ImportReason reason, const std::vector<std::string>& values, int line) {
  const v1::ImportRemark remark = MakeRemark(reason, values, line);
  absl::Status status = absl::InvalidArgumentError(
      line == 0 ? remark.text() : absl::StrCat("line ", line, ": ", remark.text()));
  status.SetPayload(kPayload, absl::Cord(remark.SerializeAsString()));
  return status;
}

v1::ImportRemark RemarkOf(const absl::Status& refusal) {
  v1::ImportRemark remark;
  const auto payload = refusal.GetPayload(kPayload);
  if (payload.has_value()) remark.ParseFromString(std::string(*payload));
  return remark;
}

}  // namespace nightlog::imports
