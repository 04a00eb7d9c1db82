#include "clients/cli/import/format.h"

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace nightlog::cli {

const std::vector<const ImportFormat*>& AllImportFormats() {
  static const std::vector<const ImportFormat*>& formats = *new std::vector<const ImportFormat*>{
      &kBabyConnectFormat, &kHuckleberryFormat, &kNaraFormat,        &kBabyTrackerFormat,
      &kBabyBuddyFormat,   &kGlowFormat,        &kSpreadsheetFormat, &kMappedCsvFormat,
  };
  return formats;
}

absl::StatusOr<ImportedLog> ReadLog(absl::string_view text, absl::string_view name,
                                    const ImportOptions& options) {
  const std::vector<CsvRow> rows = ParseCsv(text);
  if (rows.empty()) return absl::InvalidArgumentError("the file is empty");
  for (const ImportFormat* format : AllImportFormats()) {
    const bool is_it = name.empty() ? format->recognises != nullptr && format->recognises(rows[0])
                                    : format->name == name;
    if (is_it) return format->read(rows, options);
  }
  if (name.empty()) {
    return absl::InvalidArgumentError(
        "its heading is of no app that is known; name the columns with --format csv and --map");
  }
  return absl::InvalidArgumentError(absl::StrCat(
      "the formats known are: ",
      absl::StrJoin(AllImportFormats(), ", ", [](std::string* out, const ImportFormat* format) {
        absl::StrAppend(out, format->name);
      })));
}

}  // namespace nightlog::cli
