// A spreadsheet that somebody keeps by hand: a column for each day, a row for each span of the day,
// 15 minutes as a rule, and in each cell what the child did then: `S` asleep, `E` eating, empty
// awake, or a remark.
//
//   time,86,87,88          days by number, or by date
//   0,s,S,E                hours as a number, or `0:15`, or `12:15 AM`
//   0.25,s,S,S
//
// Neighbouring cells that say asleep, also from one day to the next, are one sleep; so it is with
// eating. `6 oz bottle` is a feed with its amount, any other remark a note. What stands in a cell
// beside `S` ends the sleep: the sheet does not say more. A cell is a row here: each one that says
// something is part of an entry or set aside, as those of a row or column of totals are.

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/time/civil_time.h"
#include "services/imports/format.h"
#include "services/imports/remark.h"
#include "services/imports/row_times.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

// Minutes after midnight that a row's first cell names.
absl::optional<int> MinuteOfDay(absl::string_view text) {
  text = absl::StripAsciiWhitespace(text);
  absl::optional<double> hours;
  if (absl::StrContains(text, ":")) {
    const auto stamp = ParseStamp(absl::StrCat("2000-01-01 ", text), DateOrder::kMonthFirst);
    if (stamp.has_value() && !stamp->moment.has_value()) {
      hours = stamp->local.hour() + stamp->local.minute() / 60.0;
    }
  } else {
    hours = ParseNumber(text);
  }
  if (!hours.has_value() || !(*hours >= 0 && *hours < 24)) return absl::nullopt;
  return static_cast<int>(std::lround(*hours * 60));
}

// The spans of the day that rows stand for, in minutes.
struct Steps {
  int first = 0;  // when the first begins
  int length = 0;

  int BeginOf(size_t row) const { return first + static_cast<int>(row) * length; }
};

// The rows of a sheet that say something. Must not outlive the file's.
struct Sheet {
  const CsvRow* heading = nullptr;
  std::vector<const CsvRow*> spans;
  std::vector<const CsvRow*> without_time;  // such as totals
  Steps steps;
};

// INVALID_ARGUMENT: what begins with a time is not one row for each of even steps.
absl::StatusOr<Sheet> SheetOf(const std::vector<CsvRow>& rows) {
  Sheet sheet;
  // A time that was typed wrong is missing from the others.
  const auto refusal = [&sheet](v1::ImportReason reason, int line) {
    if (sheet.without_time.empty()) return Refusal(reason, {}, line);
    const CsvRow& row = *sheet.without_time.front();
    return Refusal(v1::IMPORT_REASON_NO_TIME_OF_DAY, {row.fields[0]}, row.line);
  };
  for (const CsvRow& row : rows) {
    // A spreadsheet writes rows of empty cells below what was filled in.
    if (absl::c_all_of(row.fields, [](const std::string& cell) { return cell.empty(); })) continue;
    if (sheet.heading == nullptr) {
      sheet.heading = &row;
      continue;
    }
    if (row.unclosed_quote) return Refusal(v1::IMPORT_REASON_OPEN_QUOTE, {}, row.line);
    const absl::optional<int> minute = MinuteOfDay(row.fields[0]);
    if (!minute.has_value()) {
      sheet.without_time.push_back(&row);
      continue;
    }
    Steps& steps = sheet.steps;
    if (sheet.spans.empty()) steps.first = *minute;
    if (sheet.spans.size() == 1) steps.length = *minute - steps.first;
    if (!sheet.spans.empty() &&
        (steps.length <= 0 || *minute != steps.BeginOf(sheet.spans.size()))) {
      return refusal(v1::IMPORT_REASON_UNEVEN_STEPS, row.line);
    }
    sheet.spans.push_back(&row);
  }
  if (sheet.heading == nullptr) return Refusal(v1::IMPORT_REASON_EMPTY);
  if (sheet.spans.size() < 2) return refusal(v1::IMPORT_REASON_TOO_FEW_ROWS, 0);
  return sheet;
}

// The day of a column; nullopt where its heading names none.
absl::optional<absl::CivilDay> DayOf(absl::string_view heading, const ImportOptions& options) {
  int number;
  if (absl::SimpleAtoi(heading, &number)) {
    if (!options.day_zero.has_value() || number < 0 || number > 100000) return absl::nullopt;
    return *options.day_zero + number;
  }
  return ParseDay(heading, *options.date_order);
}

enum class Says { kNothing, kAsleep, kEating, kRemark };

Says WhatItSays(absl::string_view cell) {
  if (cell.empty()) return Says::kNothing;
  if (absl::EqualsIgnoreCase(cell, "s")) return Says::kAsleep;
  if (absl::EqualsIgnoreCase(cell, "e")) return Says::kEating;
  return Says::kRemark;
}

// Neighbouring cells that say the same.
struct Run {
  int line = 0;  // of the first cell
  Says says = Says::kNothing;
  std::string cell;
  absl::CivilSecond begin;
  absl::CivilSecond end;
  std::vector<int> lines;  // of all cells
};

class SheetReader {
 public:
  SheetReader(const Sheet& sheet, const ImportOptions& options)
      : sheet_(sheet), options_(options) {}

  ImportedLog Read() {
    const size_t columns = Columns();
    for (size_t column = 1; column < columns; ++column) {
      const std::string heading = Cell(*sheet_.heading, column);
      const absl::optional<absl::CivilDay> day = DayOf(heading, options_);
      for (size_t i = 0; i < sheet_.spans.size(); ++i) {
        const CsvRow& row = *sheet_.spans[i];
        const std::string cell = Cell(row, column);
        if (!cell.empty()) ++log_.rows;
        if (day.has_value()) {
          Add(*day, i, cell);
        } else if (!cell.empty()) {
          log_.set_aside.push_back(MakeRemark(v1::IMPORT_REASON_COLUMN_IS_NO_DAY,
                                              {absl::StrCat(column + 1), heading}, row.line));
        }
      }
    }
    for (const CsvRow* row : sheet_.without_time) {
      for (size_t column = 1; column < row->fields.size(); ++column) {
        if (Cell(*row, column).empty()) continue;
        ++log_.rows;
        log_.set_aside.push_back(
            MakeRemark(v1::IMPORT_REASON_NO_TIME_OF_DAY, {row->fields[0]}, row->line));
      }
    }
    EndRun();
    SortByBegin(log_.entries);
    return std::move(log_);
  }

 private:
  size_t Columns() const {
    size_t columns = sheet_.heading->fields.size();
    for (const CsvRow* row : sheet_.spans) columns = std::max(columns, row->fields.size());
    return columns;
  }

  static std::string Cell(const CsvRow& row, size_t column) {
    return column < row.fields.size() ? std::string(absl::StripAsciiWhitespace(row.fields[column]))
                                      : "";
  }

  void Add(absl::CivilDay day, size_t span, const std::string& cell) {
    const Says says = WhatItSays(cell);
    const int line = sheet_.spans[span]->line;
    const absl::CivilSecond begin =
        absl::CivilSecond(day) + 60 * static_cast<int64_t>(sheet_.steps.BeginOf(span));
    const bool goes_on =
        says == run_.says && begin == run_.end && (says != Says::kRemark || cell == run_.cell);
    if (!goes_on) {
      EndRun();
      run_ = Run{line, says, cell, begin, begin, {}};
    }
    run_.end = begin + 60 * static_cast<int64_t>(sheet_.steps.length);
    run_.lines.push_back(line);
  }

  // Makes the run an entry, or sets its cells aside.
  void EndRun() {
    const Run run = std::move(run_);
    run_ = Run();
    if (run.says == Says::kNothing) return;
    std::vector<v1::ImportRemark> remarks;
    const absl::StatusOr<v1::LogEntry> entry = ReadRun(run, remarks);
    const absl::Status taken = entry.ok() ? CheckEntry(*entry) : entry.status();
    if (!taken.ok()) {
      v1::ImportRemark remark = RemarkOf(taken);
      for (const int line : run.lines) {
        remark.set_line(line);
        log_.set_aside.push_back(remark);
      }
      return;
    }
    // Part of every imported id: never change it.
    const std::string content =
        absl::StrCat(options_.child.hex(), "\x1f", absl::FormatCivilTime(run.begin), "\x1f",
                     absl::FormatCivilTime(run.end), "\x1f", absl::AsciiStrToLower(run.cell));
    log_.entries.push_back({run.line, RecordIdOf(kSpreadsheetFormat.name, content), *entry,
                            static_cast<int>(run.lines.size())});
    for (v1::ImportRemark& remark : remarks) {
      remark.set_line(run.line);
      log_.adjusted.push_back(std::move(remark));
    }
  }

  absl::StatusOr<v1::LogEntry> ReadRun(const Run& run,
                                       std::vector<v1::ImportRemark>& remarks) const {
    v1::LogEntry entry;
    RowTimes times;
    times.began.local = run.begin;
    if (run.says != Says::kRemark) times.ended = Stamp{absl::nullopt, run.end};
    ASSIGN_OR_RETURN(*entry.mutable_interval(), PlaceRow(times, options_.zone, remarks));
    entry.set_child_id(options_.child.str());
    entry.mutable_import_origin()->set_source(std::string(kSpreadsheetFormat.name));
    v1::EntryDetail& detail = *entry.mutable_detail();
    if (run.says == Says::kAsleep) {
      detail.mutable_sleep();
    } else if (run.says == Says::kEating) {
      detail.mutable_feed();
    } else if (const auto amount = BottleIn(run.cell)) {
      detail.mutable_feed()->set_kind(v1::FEED_KIND_BOTTLE);
      detail.mutable_feed()->set_amount_ml(*amount);
    } else {
      detail.mutable_note();
    }
    if (run.says == Says::kRemark) entry.set_text(run.cell);
    entry.mutable_import_origin()->set_activity(run.says == Says::kRemark ? "remark" : run.cell);
    return entry;
  }

  // `6 oz bottle`.
  static absl::optional<double> BottleIn(const std::string& cell) {
    absl::string_view text = cell;
    return absl::ConsumeSuffix(&text, "bottle") ? ParseMillilitres(text, absl::nullopt)
                                                : absl::nullopt;
  }

  const Sheet& sheet_;
  const ImportOptions& options_;
  Run run_;
  ImportedLog log_;
};

// The first heading that is a day, be it a number or a date; empty: none is.
absl::string_view FirstDay(const CsvRow& heading) {
  for (size_t column = 1; column < heading.fields.size(); ++column) {
    const absl::string_view text = heading.fields[column];
    int number;
    if (absl::SimpleAtoi(text, &number) || ParseDay(text, DateOrder::kMonthFirst).has_value() ||
        ParseDay(text, DateOrder::kDayFirst).has_value()) {
      return text;
    }
  }
  return "";
}

absl::StatusOr<ImportedLog> Read(const std::vector<CsvRow>& rows, const ImportOptions& options) {
  ASSIGN_OR_RETURN(const Sheet sheet, SheetOf(rows));
  int number;
  if (absl::SimpleAtoi(FirstDay(*sheet.heading), &number) && !options.day_zero.has_value()) {
    return Refusal(v1::IMPORT_REASON_NUMBERED_DAYS);
  }
  return SheetReader(sheet, options).Read();
}

bool Recognises(const CsvRow& heading) {
  return absl::EqualsIgnoreCase(absl::StripAsciiWhitespace(heading.fields[0]), "time") &&
         !FirstDay(heading).empty();
}

}  // namespace

const ImportFormat kSpreadsheetFormat = {
    "spreadsheet", "a sheet with a column a day and a row each 15 minutes: S asleep, E eating",
    Recognises, Read};

}  // namespace nightlog::imports
