#ifndef NIGHTLOG_SERVICES_IMPORTS_IMPORTED_LOG_H_
#define NIGHTLOG_SERVICES_IMPORTS_IMPORTED_LOG_H_

#include <limits>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/time/civil_time.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "nightlog/v1/import_service.pb.h"
#include "nightlog/v1/records.pb.h"
#include "services/imports/measures.h"
#include "storage/core/ids.h"

namespace nightlog::imports {

// What a file of another app does not say of itself.
struct ImportOptions {
  // Where its local times were local.
  absl::TimeZone zone;
  // Whose log it is.
  RecordId child;
  // Who of several children the file tells of; nullopt: it tells of one.
  absl::optional<std::string> file_child;
  // How it writes dates with slashes; nullopt: they tell, or else have the month first. Set for
  // those who read a format.
  absl::optional<DateOrder> date_order;
  // What its amounts are in, where it names no unit; nullopt: not known, they stay in the text.
  absl::optional<VolumeUnit> amounts;
  // `csv`: which column holds what, by the words of csv's help: `began` → `Start`.
  std::map<std::string, std::string> columns;
  // `csv`: what the file's own words for kinds mean: `Schlaf` → `sleep`.
  std::map<std::string, std::string> kinds;
  // `spreadsheet`: the day that its heading would number 0; nullopt: its heading has dates.
  absl::optional<absl::CivilDay> day_zero;
  // More rows than these are not read.
  size_t rows_max = std::numeric_limits<size_t>::max();
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

// What a file holds. Every row is part of an entry, set aside, or about another child.
struct ImportedLog {
  // Of the format that the file was read as.
  absl::string_view format;
  // `csv`: which column was read as what, as in ImportOptions.
  std::map<std::string, std::string> columns;
  int rows = 0;
  // In the order of their begins.
  std::vector<ImportedEntry> entries;
  // Rows about other children than ImportOptions.file_child.
  int of_other_children = 0;
  // Rows that could not be made an entry, and why.
  std::vector<v1::ImportRemark> set_aside;
  // Entries in which something was read in one of several ways, such as a local time that happened
  // twice.
  std::vector<v1::ImportRemark> adjusted;
};

// OK, or a refusal: why the server would not take the entry.
absl::Status CheckEntry(const v1::LogEntry& entry);

// Puts the entries into the order of their begins; equal ones stay as they were.
void SortByBegin(std::vector<ImportedEntry>& entries);

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_IMPORTED_LOG_H_
