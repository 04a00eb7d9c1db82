#ifndef NIGHTLOG_SERVICES_IMPORTS_FORMAT_H_
#define NIGHTLOG_SERVICES_IMPORTS_FORMAT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "services/imports/csv.h"
#include "services/imports/imported_log.h"

namespace nightlog::imports {

// One way in which another app, or a person, writes a log. Pure.
//
// Every format keeps what it does not understand: an event that is none of nightlog's kinds becomes
// a note, and columns without a field of their own become lines of the entry's text. What cannot be
// an entry is set aside with its line and the reason.
struct ImportFormat {
  // What `--format` calls it.
  absl::string_view name;
  absl::string_view help;
  // True: a file with this heading is of this format. Null: only `--format` can tell.
  bool (*recognises)(const CsvRow& heading);
  // `rows` holds the heading and whatever stands below. INVALID_ARGUMENT, with a sentence for the
  // person, if the file as a whole is not of this format.
  absl::StatusOr<ImportedLog> (*read)(const std::vector<CsvRow>& rows,
                                      const ImportOptions& options);
};

// Every format, in the order of the help. The first that recognises a heading has it.
const std::vector<const ImportFormat*>& AllImportFormats();

// Reads a file of the format called `name`; by its heading, if that is empty. A
// refusal, which RemarkOf() understands: there is no such format, the heading is of none, or the
// file is not of the format.
absl::StatusOr<ImportedLog> ReadLog(absl::string_view file, absl::string_view name,
                                    const ImportOptions& options);
// The same for its rows.
absl::StatusOr<ImportedLog> ReadLog(const std::vector<CsvRow>& rows, absl::string_view name,
                                    const ImportOptions& options);

// True if `word` means a kind of entry to `csv`, as `sleep` does: what ImportOptions.kinds may say.
// Any other word makes notes.
bool IsKind(absl::string_view word);

extern const ImportFormat kBabyBuddyFormat;
extern const ImportFormat kBabyConnectFormat;
extern const ImportFormat kBabyTrackerFormat;
extern const ImportFormat kGlowFormat;
extern const ImportFormat kHuckleberryFormat;
extern const ImportFormat kMappedCsvFormat;
extern const ImportFormat kNaraFormat;
extern const ImportFormat kSpreadsheetFormat;

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_FORMAT_H_
