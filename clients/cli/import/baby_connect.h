#ifndef NIGHTLOG_CLIENTS_CLI_IMPORT_BABY_CONNECT_H_
#define NIGHTLOG_CLIENTS_CLI_IMPORT_BABY_CONNECT_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nightlog/v1/records.pb.h"
#include "storage/core/ids.h"

namespace nightlog::cli {

// A row as the log entry it becomes.
struct ImportedEntry {
  // Line of the file on which the row begins, from 1.
  int line = 0;
  // The same for the same row of the same child, whenever and wherever it is imported.
  RecordId id;
  v1::LogEntry entry;
};

// Something to tell about one row.
struct RowRemark {
  int line = 0;
  std::string text;
};

// What a file holds. Every row is either an entry or set aside.
struct ImportedLog {
  int rows = 0;
  // In the order of their begins.
  std::vector<ImportedEntry> entries;
  // Rows that could not be made an entry, and why.
  std::vector<RowRemark> set_aside;
  // Entries in which something was read in one of several ways, such as a local time that happened
  // twice.
  std::vector<RowRemark> adjusted;
};

// Reads the CSV export of Baby Connect. Its times are local, US style, and the file does not say
// where: `zone` does. Sleep becomes a sleep (open where the row has no end), Bottle, Nursing and
// Solid a feed, everything else a note; the row's own words become the entry's text, and its author
// is kept in ImportOrigin.
//
// A record id is made from the child, the row's content and how many equal rows stand before it,
// not from the zone: a row that was imported once is never imported again.
//
// Pure. INVALID_ARGUMENT, with a sentence for the person, if the file is not such an export.
absl::StatusOr<ImportedLog> ReadBabyConnect(absl::string_view csv, absl::TimeZone zone,
                                            const RecordId& child);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_IMPORT_BABY_CONNECT_H_
