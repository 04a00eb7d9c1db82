#ifndef NIGHTLOG_SERVICES_IMPORTS_TABLE_H_
#define NIGHTLOG_SERVICES_IMPORTS_TABLE_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "nightlog/v1/import_service.pb.h"
#include "nightlog/v1/records.pb.h"
#include "services/imports/csv.h"
#include "services/imports/imported_log.h"
#include "services/imports/row_times.h"

namespace nightlog::imports {

// A row of a table with a heading, by the names of its columns, whatever their case. Must not
// outlive either.
class TableRow {
 public:
  TableRow(const std::map<std::string, size_t>& positions, const CsvRow& row)
      : positions_(positions), row_(row), looked_at_(row.fields.size(), false) {}

  // Without blanks around it; empty where the heading has no such column.
  absl::string_view operator[](absl::string_view column) const;
  // As it stands in the file. This is not looking at it.
  absl::string_view Raw(absl::string_view column) const;
  bool HasColumn(absl::string_view column) const { return Position(column).has_value(); }
  // True once operator[] was asked for the column in that position.
  bool WasLookedAt(size_t position) const { return looked_at_.at(position); }

 private:
  absl::optional<size_t> Position(absl::string_view column) const;

  // By their names in small letters.
  const std::map<std::string, size_t>& positions_;
  const CsvRow& row_;
  mutable std::vector<bool> looked_at_;
};

// How an app writes its log: one event a row.
struct TableFormat {
  // ImportOrigin.source, and part of every imported id: never change it.
  absl::string_view source;
  // What all events of the file are, where no column says it; part of their ids.
  std::string activity;
  // The columns that tell one event from another, in the order in which they make its id: never
  // change it. A file need not have all of them.
  std::vector<std::string> columns;
  // Those that a file must have.
  std::vector<std::string> required;
  // Columns that say nothing beside what the others do, so that nobody needs them.
  std::vector<std::string> idle;
  // The column that says which child a row is about; empty: all are about one.
  std::string child_column;
  // True: a row may leave out empty columns at its end.
  bool rows_may_be_short = false;
  // The entry but for child, source and the columns that it did not look at, which become lines of
  // its text. INVALID_ARGUMENT: why the row becomes none.
  std::function<absl::StatusOr<v1::LogEntry>(const TableRow&,
                                             std::vector<v1::ImportRemark>& remarks)>
      read;
};

// The log in a table. A record id is made from the child, what stands in the format's columns and
// how many equal rows stand before it, not from the zone: a row that was imported once is never
// imported again. INVALID_ARGUMENT, with a sentence for the person: a required column is missing,
// or the file is about several children and the options do not say which is meant.
absl::StatusOr<ImportedLog> ReadTable(const std::vector<CsvRow>& rows, const TableFormat& format,
                                      const ImportOptions& options);

// Where the first column of that name is in a heading, whatever its case; nullopt: nowhere.
absl::optional<size_t> PositionOf(const CsvRow& heading, absl::string_view column);
// True: all of these are in it.
bool HasColumns(const CsvRow& heading, absl::Span<const absl::string_view> columns);

// Adds `line` to an entry's text; an empty one adds nothing.
void AddText(absl::string_view line, v1::LogEntry& entry);

// Adds a line `Column: value` for each of these columns that says something.
void AddColumns(const TableRow& row, absl::Span<const absl::string_view> columns,
                v1::LogEntry& entry);

// Sets the amount that `text` says, if any; a remark says when it is none.
void SetAmount(absl::string_view text, absl::optional<VolumeUnit> unit, v1::Feed& feed,
               std::vector<v1::ImportRemark>& remarks);

// The stamp in a column. INVALID_ARGUMENT: it is none.
absl::StatusOr<Stamp> StampIn(const TableRow& row, absl::string_view column, DateOrder order);
// nullopt: the column is empty.
absl::StatusOr<absl::optional<Stamp>> OptionalStampIn(const TableRow& row, absl::string_view column,
                                                      DateOrder order);

// INVALID_ARGUMENT: the only thing that tells when the row ended is a length in this column, which
// could not be read. It would go on for ever.
absl::Status CheckLength(const TableRow& row, absl::string_view column, const RowTimes& times);

// Minutes as a plain number; nullopt for what is none.
absl::optional<absl::Duration> MinutesIn(absl::string_view text);

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_TABLE_H_
