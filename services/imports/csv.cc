#include "services/imports/csv.h"

#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace nightlog::imports {

std::vector<CsvRow> ParseCsv(absl::string_view text) {
  absl::ConsumePrefix(&text, "\xEF\xBB\xBF");
  std::vector<CsvRow> rows;
  int line = 1;
  size_t at = 0;
  const auto at_break = [&] { return at < text.size() && (text[at] == '\n' || text[at] == '\r'); };
  // Passes over one line break, or one other character.
  const auto advance = [&] {
    if (at_break()) {
      ++line;
      if (absl::StartsWith(text.substr(at), "\r\n")) ++at;
    }
    ++at;
  };
  while (at < text.size()) {
    CsvRow row;
    row.line = line;
    bool more = true;
    while (more) {
      std::string field;
      if (at < text.size() && text[at] == '"') {
        row.unclosed_quote = true;
        ++at;
        while (at < text.size()) {
          if (text[at] == '"') {
            ++at;
            if (at == text.size() || text[at] != '"') {
              row.unclosed_quote = false;
              break;
            }
          }
          const size_t begin = at;
          advance();
          absl::StrAppend(&field, text.substr(begin, at - begin));
        }
      }
      // What is not quoted, or stands behind the closing quote.
      while (at < text.size() && text[at] != ',' && !at_break()) field.push_back(text[at++]);
      row.fields.push_back(std::move(field));
      more = at < text.size() && text[at] == ',';
      if (more) ++at;
    }
    if (at < text.size()) advance();
    if (row.fields.size() > 1 || !row.fields[0].empty()) rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace nightlog::imports
