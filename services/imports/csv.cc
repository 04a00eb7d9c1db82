#include "services/imports/csv.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "storage/core/utf8.h"

namespace nightlog::imports {

char SeparatorOf(absl::string_view text) {
  absl::ConsumePrefix(&text, kByteOrderMark);
  text = text.substr(std::min(text.find_first_not_of("\r\n"), text.size()));
  std::map<char, int> counts;
  bool quoted = false;
  for (const char c : text) {
    if (c == '"') quoted = !quoted;
    if (quoted) continue;
    if (c == '\n' || c == '\r') break;
    ++counts[c];
  }
  char most = ',';
  for (const char candidate : {';', '\t'}) {
    if (counts[candidate] > counts[most]) most = candidate;
  }
  return most;
}

std::vector<CsvRow> ParseCsv(absl::string_view text) {
  const char separator = SeparatorOf(text);
  absl::ConsumePrefix(&text, kByteOrderMark);
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
      while (at < text.size() && text[at] != separator && !at_break()) field.push_back(text[at++]);
      row.fields.push_back(std::move(field));
      more = at < text.size() && text[at] == separator;
      if (more) ++at;
    }
    if (at < text.size()) advance();
    const bool names_separator = row.line == 1 && row.fields[0] == "sep=";
    if (names_separator || (row.fields.size() == 1 && row.fields[0].empty())) continue;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace nightlog::imports
