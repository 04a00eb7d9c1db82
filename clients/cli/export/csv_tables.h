#ifndef NIGHTLOG_CLIENTS_CLI_EXPORT_CSV_TABLES_H_
#define NIGHTLOG_CLIENTS_CLI_EXPORT_CSV_TABLES_H_

#include <map>
#include <string>
#include <vector>

#include "nightlog/v1/sync.pb.h"

namespace nightlog::cli {

// Records as tables for a spreadsheet, one a kind of record, by the name of its file, such as
// `log_entries.csv`. RFC 4180 with a heading and CRLF; a kind of which there is nothing has its
// heading alone. UTF-8 with a byte order mark, without which Excel takes it for another encoding: a
// program that reads the tables passes over it (Python calls that `utf-8-sig`). Pure.
//
// Each field of the record message has a column, a field of a field one named `interval.began_at`;
// where a message holds one of several, a column says which (`detail.kind`). Lists are joined by
// blanks, lists of messages are JSON. Ids are in hex, times in UTC (RFC 3339). Before these come
// record_id, deleted, open_conflict (there are further values, see the JSON Lines), created_by with
// the member's name, and created_at.
//
// A text that a spreadsheet would run as a formula (it begins with = + - @) has a ' before it.
std::map<std::string, std::string> ToCsvTables(const std::vector<v1::Record>& records);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_EXPORT_CSV_TABLES_H_
