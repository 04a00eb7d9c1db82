#ifndef NIGHTLOG_CLIENTS_CLI_IMPORT_IMPORTED_LOG_H_
#define NIGHTLOG_CLIENTS_CLI_IMPORT_IMPORTED_LOG_H_

#include <map>
#include <string>
#include <vector>

#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "clients/cli/import/measures.h"
#include "nightlog/v1/records.pb.h"
#include "storage/core/ids.h"

namespace nightlog::cli {

// What a file of another app does not say of itself.
struct ImportOptions {
  // Where its local times were local.
  absl::TimeZone zone;
  // Whose log it is.
  RecordId child;
  // Who of several children the file tells of; nullopt: it tells of one.
  absl::optional<std::string> file_child;
  // How it writes dates with slashes.
  DateOrder date_order = DateOrder::kMonthFirst;
  // What its amounts are in, where it names no unit; nullopt: not known, they stay in the text.
  absl::optional<VolumeUnit> amounts;
  // `csv`: which column holds what, by the words of csv's help: `began` → `Start`.
  std::map<std::string, std::string> columns;
  // `csv`: what the file's own words for kinds mean: `Schlaf` → `sleep`.
  std::map<std::string, std::string> kinds;
  // `spreadsheet`: the day that its heading would number 0; nullopt: its heading has dates.
  absl::optional<absl::CivilDay> day_zero;
};

// A row as the log entry it becomes.
struct ImportedEntry {
  // Line of the file on which it begins, from 1.
  int line = 0;
  // The same for the same row of the same child, whenever and wherever it is imported.
  RecordId id;
  v1::LogEntry entry;
  // How many rows it was made of: more than 1 where the rows are the cells of a spreadsheet.
  int rows = 1;
};

// Something to tell about one row.
struct RowRemark {
  int line = 0;
  std::string text;
};

// What a file holds. Every row is part of an entry, set aside, or about another child.
struct ImportedLog {
  int rows = 0;
  // In the order of their begins.
  std::vector<ImportedEntry> entries;
  // Rows about other children than ImportOptions.file_child.
  int of_other_children = 0;
  // Rows that could not be made an entry, and why.
  std::vector<RowRemark> set_aside;
  // Entries in which something was read in one of several ways, such as a local time that happened
  // twice.
  std::vector<RowRemark> adjusted;
};

// Why the server would not take the entry; empty if it would.
std::string ObjectionTo(const v1::LogEntry& entry);

// Puts the entries into the order of their begins; equal ones stay as they were.
void SortByBegin(std::vector<ImportedEntry>& entries);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_IMPORT_IMPORTED_LOG_H_
