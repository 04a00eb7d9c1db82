// Any CSV whose columns somebody names, such as the exports of Napper, and of Glow, which publishes
// no description of its own: both are read by the usual words where nothing is said.
//
// A column can hold one of these, and is named by `--map`:
//   began, ended   when; with `date`, only the time of day
//   date           the day of `began`; an end before it is on the next day
//   minutes        how long, as a number of minutes
//   length         how long, as `1:20` or `1h 20m`
//   kind           what happened; without it, all rows are sleeps
//   amount         of a bottle
//   text, author   what was noted, and by whom
// Every other column becomes a line of the entry's text. A column called "date" is taken for one
// only where no begin says its own day.

#include <algorithm>
#include <initializer_list>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "services/imports/format.h"
#include "services/imports/remark.h"
#include "services/imports/row_times.h"
#include "services/imports/table.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

// What a column can hold, in the order in which they make an id, and what it is usually called,
// with blanks or underscores.
struct Holds {
  absl::string_view what;
  std::vector<absl::string_view> usual_names;
};
const std::vector<Holds>& AllHolds() {
  static const std::vector<Holds>& holds = *new std::vector<Holds>{
      {"date", {"date", "day"}},
      {"began", {"began", "start", "start time", "start date", "begin", "begin time", "time"}},
      {"ended", {"ended", "end", "end time", "end date", "stop"}},
      {"minutes",
       {"minutes", "duration (min)", "duration (minutes)", "duration min", "duration minutes"}},
      {"length", {"length", "duration"}},
      {"kind", {"kind", "type", "activity", "category", "event"}},
      {"amount", {"amount", "quantity", "volume"}},
      {"text", {"text", "note", "notes", "comment", "comments"}},
      {"author", {"author", "caregiver", "logged by"}},
  };
  return holds;
}

// A kind of entry by a word of the file: the first of these that stands in it.
absl::optional<v1::EntryDetail> DetailOf(absl::string_view word) {
  v1::EntryDetail detail;
  const std::string lower = absl::StrReplaceAll(absl::AsciiStrToLower(word), {{"_", " "}});
  const auto has = [&lower](std::initializer_list<absl::string_view> words) {
    return std::any_of(words.begin(), words.end(), [&lower](absl::string_view candidate) {
      return absl::StrContains(lower, candidate);
    });
  };
  if (has({"sleep", "nap", "asleep"})) {
    detail.mutable_sleep();
  } else if (has({"put down", "bedtime", "bed time"})) {
    detail.mutable_put_down();
  } else if (has({"rise", "up for the day"})) {
    detail.mutable_rise();
  } else if (has({"awake", "waking", "woke"})) {
    detail.mutable_awake();
  } else if (has({"cry"})) {
    detail.mutable_crying();
  } else if (has({"bottle", "formula"})) {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_BOTTLE);
  } else if (has({"breast", "nurs"})) {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_BREAST);
  } else if (has({"solid", "meal"})) {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_SOLID);
  } else if (has({"feed"})) {
    detail.mutable_feed();
  } else if (has({"note"})) {
    detail.mutable_note();
  } else {
    return absl::nullopt;
  }
  return detail;
}

using Columns = std::map<std::string, std::string>;

// True: in some row the column says a day and a time.
bool AnyStampIn(const std::vector<CsvRow>& rows, absl::string_view column, DateOrder order) {
  const absl::optional<size_t> position = PositionOf(rows[0], column);
  return position.has_value() && absl::c_any_of(rows, [&](const CsvRow& row) {
           return *position < row.fields.size() &&
                  ParseStamp(row.fields[*position], order).has_value();
         });
}

// The columns as they were named, or by their usual names. INVALID_ARGUMENT: a word or a column
// that is none.
absl::StatusOr<Columns> FindColumns(const std::vector<CsvRow>& rows, const ImportOptions& options) {
  const CsvRow& heading = rows[0];
  Columns columns = options.columns;
  for (const auto& [what, column] : columns) {
    const bool known =
        std::any_of(AllHolds().begin(), AllHolds().end(),
                    [&what = what](const Holds& holds) { return holds.what == what; });
    if (!known) {
      return Refusal(v1::IMPORT_REASON_UNKNOWN_CONTENT, {what});
    }
    if (!HasColumns(heading, {column})) return Refusal(v1::IMPORT_REASON_NO_COLUMN, {column});
  }
  if (!columns.empty()) return columns;
  for (const Holds& holds : AllHolds()) {
    for (const std::string& field : heading.fields) {
      const std::string name = absl::StrReplaceAll(
          absl::AsciiStrToLower(absl::StripAsciiWhitespace(field)), {{"_", " "}});
      if (columns.count(std::string(holds.what)) == 0 &&
          absl::c_linear_search(holds.usual_names, absl::string_view(name))) {
        columns.emplace(holds.what, absl::StripAsciiWhitespace(field));
      }
    }
  }
  // Rows that were read without a day of their own keep their ids.
  if (columns.count("date") > 0 && columns.count("began") > 0 &&
      AnyStampIn(rows, columns["began"], *options.date_order)) {
    columns.erase("date");
  }
  return columns;
}

class MappedRows {
 public:
  MappedRows(Columns columns, const ImportOptions& options)
      : columns_(std::move(columns)), options_(options) {}

  // In the order that makes an id.
  std::vector<std::string> IdColumns() const {
    std::vector<std::string> columns;
    for (const Holds& holds : AllHolds()) columns.push_back(ColumnOf(holds.what));
    return columns;
  }

  std::string ColumnOf(absl::string_view what) const {
    const auto it = columns_.find(std::string(what));
    return it == columns_.end() ? "" : it->second;
  }

  absl::StatusOr<v1::LogEntry> Read(const TableRow& row,
                                    std::vector<v1::ImportRemark>& remarks) const {
    v1::LogEntry entry;
    const absl::string_view kind = row[ColumnOf("kind")];
    ASSIGN_OR_RETURN(const RowTimes times, ReadTimes(row));
    ASSIGN_OR_RETURN(*entry.mutable_interval(), PlaceRow(times, options_.zone, remarks));
    *entry.mutable_detail() = ReadDetail(row, kind, remarks, entry);
    AddText(row[ColumnOf("text")], entry);
    entry.mutable_import_origin()->set_activity(std::string(kind));
    entry.mutable_import_origin()->set_author(std::string(row[ColumnOf("author")]));
    return entry;
  }

 private:
  v1::EntryDetail ReadDetail(const TableRow& row, absl::string_view kind,
                             std::vector<v1::ImportRemark>& remarks, v1::LogEntry& entry) const {
    v1::EntryDetail detail;
    const absl::string_view amount = row[ColumnOf("amount")];
    const auto word = options_.kinds.find(std::string(kind));
    const auto known =
        DetailOf(word == options_.kinds.end() ? kind : absl::string_view(word->second));
    if (ColumnOf("kind").empty()) {
      detail.mutable_sleep();
    } else if (known.has_value()) {
      detail = *known;
    } else {
      detail.mutable_note();
      AddText(kind, entry);
    }
    if (detail.has_feed() && ParseMillilitres(amount, options_.amounts).has_value()) {
      SetAmount(amount, options_.amounts, *detail.mutable_feed(), remarks);
    } else {
      AddColumns(row, {ColumnOf("amount")}, entry);
    }
    return detail;
  }

  absl::StatusOr<RowTimes> ReadTimes(const TableRow& row) const {
    RowTimes times;
    const std::string began = ColumnOf("began");
    const std::string ended = ColumnOf("ended");
    if (ColumnOf("date").empty()) {
      ASSIGN_OR_RETURN(times.began, StampIn(row, began, *options_.date_order));
      ASSIGN_OR_RETURN(times.ended, OptionalStampIn(row, ended, *options_.date_order));
    } else {
      ASSIGN_OR_RETURN(times.began, StampOnDay(row, began));
      if (!row[ended].empty()) {
        ASSIGN_OR_RETURN(times.ended, StampOnDay(row, ended));
        if (times.ended->local < times.began.local) times.ended->local += 24 * 60 * 60;
      }
    }
    times.length = MinutesIn(row[ColumnOf("minutes")]);
    if (!times.length.has_value()) times.length = ParseLength(row[ColumnOf("length")]);
    RETURN_IF_ERROR(CheckLength(row, ColumnOf("minutes"), times));
    RETURN_IF_ERROR(CheckLength(row, ColumnOf("length"), times));
    return times;
  }

  // A time of day on the day that the row names.
  absl::StatusOr<Stamp> StampOnDay(const TableRow& row, absl::string_view column) const {
    const std::string text = absl::StrCat(row[ColumnOf("date")], " ", row[column]);
    const absl::optional<Stamp> stamp = ParseStamp(text, *options_.date_order);
    if (!stamp.has_value() || stamp->moment.has_value()) {
      return Refusal(v1::IMPORT_REASON_TIME, {text, std::string(column)});
    }
    return *stamp;
  }

  const Columns columns_;
  const ImportOptions& options_;
};

absl::StatusOr<ImportedLog> Read(absl::string_view source, const std::vector<CsvRow>& rows,
                                 const ImportOptions& options) {
  ASSIGN_OR_RETURN(Columns columns, FindColumns(rows, options));
  if (columns.count("began") == 0) return Refusal(v1::IMPORT_REASON_NO_BEGIN);
  const MappedRows mapped(columns, options);
  TableFormat format;
  format.source = source;
  format.columns = mapped.IdColumns();
  format.read = [&mapped](const TableRow& row, std::vector<v1::ImportRemark>& remarks) {
    return mapped.Read(row, remarks);
  };
  ASSIGN_OR_RETURN(ImportedLog log, ReadTable(rows, format, options));
  log.columns = std::move(columns);
  return log;
}

}  // namespace

bool IsKind(absl::string_view word) { return DetailOf(word).has_value(); }

const ImportFormat kGlowFormat = {
    "glow", "Glow's CSV export, by the usual names of its columns; --map where they differ",
    nullptr, [](const std::vector<CsvRow>& rows, const ImportOptions& options) {
      return Read(kGlowFormat.name, rows, options);
    }};

const ImportFormat kMappedCsvFormat = {
    "csv", "any CSV, such as Napper's, with its columns named by --map", nullptr,
    [](const std::vector<CsvRow>& rows, const ImportOptions& options) {
      return Read(kMappedCsvFormat.name, rows, options);
    }};

}  // namespace nightlog::imports
