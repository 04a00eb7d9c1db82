#include "services/imports/table.h"

#include <set>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "services/imports/remark.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

// INVALID_ARGUMENT: the file is about several children, or not about the one that is asked for.
absl::Status CheckChildren(const std::set<std::string>& children,
                           const absl::optional<std::string>& wanted) {
  if (wanted.has_value() ? children.count(*wanted) > 0 : children.size() <= 1) {
    return absl::OkStatus();
  }
  return Refusal(v1::IMPORT_REASON_CHILDREN, {children.begin(), children.end()});
}

// A line `Column: value` for each column that nobody looked at, and that is not idle.
void AddTheRest(const CsvRow& heading, const CsvRow& csv_row, const TableRow& row,
                const std::vector<std::string>& idle, v1::LogEntry& entry) {
  for (size_t i = 0; i < csv_row.fields.size(); ++i) {
    const absl::string_view column = absl::StripAsciiWhitespace(heading.fields[i]);
    const absl::string_view value = absl::StripAsciiWhitespace(csv_row.fields[i]);
    const bool is_idle = absl::c_any_of(
        idle, [column](const std::string& name) { return absl::EqualsIgnoreCase(name, column); });
    if (row.WasLookedAt(i) || value.empty() || is_idle) continue;
    AddText(column.empty() ? std::string(value) : absl::StrCat(column, ": ", value), entry);
  }
}

}  // namespace

absl::optional<size_t> TableRow::Position(absl::string_view column) const {
  const auto it = positions_.find(absl::AsciiStrToLower(column));
  return it == positions_.end() ? absl::nullopt : absl::make_optional(it->second);
}

absl::string_view TableRow::operator[](absl::string_view column) const {
  const auto position = Position(column);
  if (position.has_value() && *position < looked_at_.size()) looked_at_[*position] = true;
  return absl::StripAsciiWhitespace(Raw(column));
}

absl::string_view TableRow::Raw(absl::string_view column) const {
  const auto position = Position(column);
  return position.has_value() && *position < row_.fields.size()
             ? absl::string_view(row_.fields[*position])
             : absl::string_view();
}

absl::StatusOr<ImportedLog> ReadTable(const std::vector<CsvRow>& rows, const TableFormat& format,
                                      const ImportOptions& options) {
  std::map<std::string, size_t> positions;
  for (size_t i = 0; i < rows[0].fields.size(); ++i) {
    // Of two columns with one name the first counts. One without a name is nobody's: `""` is what
    // formats ask for where they have no column for something.
    const absl::string_view name = absl::StripAsciiWhitespace(rows[0].fields[i]);
    if (!name.empty()) positions.emplace(absl::AsciiStrToLower(name), i);
  }
  for (const std::string& column : format.required) {
    if (positions.count(absl::AsciiStrToLower(column)) == 0) {
      return Refusal(v1::IMPORT_REASON_OTHER_FORMAT, {std::string(format.source), column});
    }
  }

  std::set<std::string> children;
  for (size_t i = 1; i < rows.size(); ++i) {
    const absl::string_view child = TableRow(positions, rows[i])[format.child_column];
    if (!child.empty()) children.insert(std::string(child));
  }
  RETURN_IF_ERROR(CheckChildren(children, options.file_child));

  ImportedLog log;
  std::map<std::string, int> equal_before;
  for (size_t i = 1; i < rows.size(); ++i) {
    const CsvRow& csv_row = rows[i];
    ++log.rows;
    const auto set_aside = [&](v1::ImportRemark remark) {
      remark.set_line(csv_row.line);
      log.set_aside.push_back(std::move(remark));
    };
    if (csv_row.unclosed_quote) {
      set_aside(MakeRemark(v1::IMPORT_REASON_OPEN_QUOTE));
      continue;
    }
    const size_t columns = csv_row.fields.size();
    const size_t heading_columns = rows[0].fields.size();
    if (columns > heading_columns || (columns < heading_columns && !format.rows_may_be_short)) {
      set_aside(MakeRemark(v1::IMPORT_REASON_COLUMN_COUNT,
                           {absl::StrCat(columns), absl::StrCat(heading_columns)}));
      continue;
    }
    const TableRow row(positions, csv_row);
    const absl::string_view child = row[format.child_column];
    if (options.file_child.has_value() && !child.empty() && child != *options.file_child) {
      ++log.of_other_children;
      continue;
    }
    const std::string values =
        absl::StrJoin(format.columns, "\x1f", [&row](std::string* out, const std::string& column) {
          absl::StrAppend(out, row.Raw(column));
        });
    const int occurrence = equal_before[values]++;
    std::vector<v1::ImportRemark> remarks;
    absl::StatusOr<v1::LogEntry> entry = format.read(row, remarks);
    if (!entry.ok()) {
      set_aside(RemarkOf(entry.status()));
      continue;
    }
    AddTheRest(rows[0], csv_row, row, format.idle, *entry);
    entry->set_child_id(options.child.str());
    entry->mutable_import_origin()->set_source(std::string(format.source));
    const absl::Status taken = CheckEntry(*entry);
    if (!taken.ok()) {
      set_aside(RemarkOf(taken));
      continue;
    }
    // Part of every imported id: never change it.
    const std::string content =
        absl::StrCat(options.child.hex(), "\x1f", format.activity,
                     format.activity.empty() ? "" : "\x1f", values, "\x1f", occurrence);
    log.entries.push_back({csv_row.line, RecordIdOf(format.source, content), *std::move(entry)});
    for (v1::ImportRemark& remark : remarks) {
      remark.set_line(csv_row.line);
      log.adjusted.push_back(std::move(remark));
    }
  }
  SortByBegin(log.entries);
  return log;
}

absl::optional<size_t> PositionOf(const CsvRow& heading, absl::string_view column) {
  for (size_t i = 0; i < heading.fields.size(); ++i) {
    if (absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(heading.fields[i]), column)) return i;
  }
  return absl::nullopt;
}

bool HasColumns(const CsvRow& heading, absl::Span<const absl::string_view> columns) {
  return absl::c_all_of(columns, [&heading](absl::string_view column) {
    return PositionOf(heading, column).has_value();
  });
}

void AddText(absl::string_view line, v1::LogEntry& entry) {
  if (line.empty()) return;
  absl::StrAppend(entry.mutable_text(), entry.text().empty() ? "" : "\n", line);
}

void AddColumns(const TableRow& row, absl::Span<const absl::string_view> columns,
                v1::LogEntry& entry) {
  for (const absl::string_view column : columns) {
    if (!row[column].empty()) AddText(absl::StrCat(column, ": ", row[column]), entry);
  }
}

void SetAmount(absl::string_view text, absl::optional<VolumeUnit> unit, v1::Feed& feed,
               std::vector<v1::ImportRemark>& remarks) {
  if (text.empty()) return;
  const absl::optional<double> amount = ParseMillilitres(text, unit);
  if (amount.has_value() && *amount <= 2000) {
    feed.set_amount_ml(*amount);
    return;
  }
  remarks.push_back(MakeRemark(v1::IMPORT_REASON_AMOUNT, {std::string(text)}));
}

absl::StatusOr<Stamp> StampIn(const TableRow& row, absl::string_view column, DateOrder order) {
  const absl::optional<Stamp> stamp = ParseStamp(row[column], order);
  if (!stamp.has_value()) {
    return Refusal(v1::IMPORT_REASON_TIME, {std::string(row[column]), std::string(column)});
  }
  return *stamp;
}

absl::StatusOr<absl::optional<Stamp>> OptionalStampIn(const TableRow& row, absl::string_view column,
                                                      DateOrder order) {
  if (row[column].empty()) return absl::optional<Stamp>();
  ASSIGN_OR_RETURN(const Stamp stamp, StampIn(row, column, order));
  return absl::make_optional(stamp);
}

absl::Status CheckLength(const TableRow& row, absl::string_view column, const RowTimes& times) {
  if (times.ended.has_value() || times.length.has_value()) return absl::OkStatus();
  const absl::string_view text = row[column];
  // What has no length may say so in many ways.
  if (text.find_first_of("123456789") == text.npos) return absl::OkStatus();
  return Refusal(v1::IMPORT_REASON_TIME, {std::string(text), std::string(column)});
}

absl::optional<absl::Duration> MinutesIn(absl::string_view text) {
  const absl::optional<double> minutes = ParseNumber(text);
  if (!minutes.has_value() || !(*minutes >= 0 && *minutes <= 1e6)) return absl::nullopt;
  return absl::Minutes(*minutes);
}

}  // namespace nightlog::imports
