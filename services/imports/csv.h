#ifndef NIGHTLOG_SERVICES_IMPORTS_CSV_H_
#define NIGHTLOG_SERVICES_IMPORTS_CSV_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace nightlog::imports {

// A row of a file, not looked into.
struct CsvRow {
  // Line of the file on which the row begins, from 1.
  int line = 0;
  std::vector<std::string> fields;
  // True: the row has a quote that the file never closes, and holds the rest of the file.
  bool unclosed_quote = false;
};

// Every row of a comma-separated file as RFC 4180 has it: quoted fields may hold commas, line
// breaks and doubled quotes. Lines end in LF, CRLF or CR; a byte order mark and empty lines are
// passed over.
std::vector<CsvRow> ParseCsv(absl::string_view text);

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_CSV_H_
