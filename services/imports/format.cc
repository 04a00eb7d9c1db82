#include "services/imports/format.h"

#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "services/imports/measures.h"
#include "services/imports/remark.h"
#include "services/imports/text.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

// Names of columns may stand in every entry: with this much they cannot make a file a thousand
// times its size.
constexpr size_t kHeadingBytesMax = 32 << 10;

// The first date with slashes that can only have the day first, only the month, or either.
struct DatesSeen {
  absl::optional<std::string> day_first;
  absl::optional<std::string> month_first;
  absl::optional<std::string> either;
  int line_of_either = 0;
};

bool IsDate(absl::string_view text, DateOrder order) {
  return ParseStamp(text, order).has_value() || ParseDay(text, order).has_value();
}

DatesSeen LookAtDates(const std::vector<CsvRow>& rows) {
  DatesSeen seen;
  for (const CsvRow& row : rows) {
    for (const std::string& field : row.fields) {
      const absl::string_view text = absl::StripAsciiWhitespace(field);
      const std::vector<absl::string_view> parts = absl::StrSplit(text, absl::MaxSplits('/', 2));
      int first = 0;
      int second = 0;
      if (parts.size() < 3 || !absl::SimpleAtoi(parts[0], &first) ||
          !absl::SimpleAtoi(parts[1], &second) || first == second) {
        continue;
      }
      const bool either = first <= 12 && second <= 12;
      auto& example = either ? seen.either : first > 12 ? seen.day_first : seen.month_first;
      const DateOrder order = first > 12 ? DateOrder::kDayFirst : DateOrder::kMonthFirst;
      if (example.has_value() || !IsDate(text, order)) continue;
      example = std::string(text);
      if (either) seen.line_of_either = row.line;
    }
  }
  return seen;
}

}  // namespace

const std::vector<const ImportFormat*>& AllImportFormats() {
  static const std::vector<const ImportFormat*>& formats = *new std::vector<const ImportFormat*>{
      &kBabyConnectFormat, &kHuckleberryFormat, &kNaraFormat,        &kBabyTrackerFormat,
      &kBabyBuddyFormat,   &kGlowFormat,        &kSpreadsheetFormat, &kMappedCsvFormat,
  };
  return formats;
}

absl::StatusOr<ImportedLog> ReadLog(absl::string_view file, absl::string_view name,
                                    const ImportOptions& options) {
  return ReadLog(ParseCsv(TextOf(file)), name, options);
}

absl::StatusOr<ImportedLog> ReadLog(const std::vector<CsvRow>& rows, absl::string_view name,
                                    const ImportOptions& options) {
  if (rows.empty()) return Refusal(v1::IMPORT_REASON_EMPTY);
  if (rows.size() > options.rows_max) {
    return Refusal(v1::IMPORT_REASON_TOO_MANY_ROWS, {absl::StrCat(options.rows_max)});
  }
  size_t heading_bytes = 0;
  for (const std::string& field : rows[0].fields) heading_bytes += field.size();
  if (heading_bytes > kHeadingBytesMax) return Refusal(v1::IMPORT_REASON_LONG_HEADING);
  ImportOptions resolved = options;
  absl::optional<v1::ImportRemark> assumed;
  if (!options.date_order.has_value()) {
    const DatesSeen seen = LookAtDates(rows);
    if (seen.day_first.has_value() && seen.month_first.has_value()) {
      return Refusal(v1::IMPORT_REASON_DATE_ORDERS, {*seen.day_first, *seen.month_first});
    }
    resolved.date_order =
        seen.day_first.has_value() ? DateOrder::kDayFirst : DateOrder::kMonthFirst;
    if (seen.either.has_value() && !seen.day_first.has_value() && !seen.month_first.has_value()) {
      assumed = MakeRemark(v1::IMPORT_REASON_DATE_ORDER_OPEN, {*seen.either}, seen.line_of_either);
    }
  }
  std::vector<std::string> names;
  for (const ImportFormat* format : AllImportFormats()) {
    const bool is_it = name.empty() ? format->recognises != nullptr && format->recognises(rows[0])
                                    : format->name == name;
    if (is_it) {
      ASSIGN_OR_RETURN(ImportedLog log, format->read(rows, resolved));
      if (assumed.has_value()) log.adjusted.insert(log.adjusted.begin(), *assumed);
      log.format = format->name;
      return log;
    }
    names.emplace_back(format->name);
  }
  return name.empty() ? Refusal(v1::IMPORT_REASON_UNKNOWN_HEADING)
                      : Refusal(v1::IMPORT_REASON_UNKNOWN_FORMAT, names);
}

}  // namespace nightlog::imports
