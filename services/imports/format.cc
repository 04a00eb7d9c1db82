#include "services/imports/format.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "services/imports/remark.h"
#include "services/imports/text.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

// Names of columns may stand in every entry: with this much they cannot make a file a thousand
// times its size.
constexpr size_t kHeadingBytesMax = 32 << 10;

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
  std::vector<std::string> names;
  for (const ImportFormat* format : AllImportFormats()) {
    const bool is_it = name.empty() ? format->recognises != nullptr && format->recognises(rows[0])
                                    : format->name == name;
    if (is_it) {
      ASSIGN_OR_RETURN(ImportedLog log, format->read(rows, options));
      log.format = format->name;
      return log;
    }
    names.emplace_back(format->name);
  }
  return name.empty() ? Refusal(v1::IMPORT_REASON_UNKNOWN_HEADING)
                      : Refusal(v1::IMPORT_REASON_UNKNOWN_FORMAT, names);
}

}  // namespace nightlog::imports
