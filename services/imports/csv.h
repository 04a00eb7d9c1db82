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

// What stands between the fields of a file: a comma, or the semicolon or tab that a spreadsheet
// writes where commas are decimal. The first line tells, by what it has most of outside quotes.
char SeparatorOf(absl::string_view text);

// Every row of a file as RFC 4180 has it: quoted fields may hold separators, line breaks and
// doubled quotes. Lines end in LF, CRLF or CR. A byte order mark, empty lines and a first line
// `sep=;`, which is for Excel, are passed over.
std::vector<CsvRow> ParseCsv(absl::string_view text);

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_CSV_H_
