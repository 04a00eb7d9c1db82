#include "clients/cli/import/baby_connect.h"

#include <algorithm>
#include <array>
#include <map>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/types/optional.h"
#include "clients/cli/import/csv.h"
#include "clients/cli/local_time.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

constexpr absl::string_view kSource = "baby-connect";
constexpr double kMillilitresPerOunce = 29.5735295625;

enum Column {
  kBegin,
  kEnd,
  kMinutes,
  kActivity,
  kQuantity,
  kExtra,
  kText,
  kNotes,
  kCaregiver,
  kColumns
};
constexpr std::array<absl::string_view, kColumns> kColumnNames = {
    "Date and Time", "End Time", "Duration (min)", "Activity", "Quantity",
    "Extra data",    "Text",     "Notes",          "Caregiver"};

// The row's values in the order of Column, whatever the order in the file.
using Row = std::array<std::string, kColumns>;

// Where each column stands in the file.
absl::StatusOr<std::array<size_t, kColumns>> FindColumns(const CsvRow& header) {
  std::array<size_t, kColumns> positions;
  for (int column = 0; column < kColumns; ++column) {
    const auto found = std::find(header.fields.begin(), header.fields.end(), kColumnNames[column]);
    if (found == header.fields.end()) {
      return absl::InvalidArgumentError(absl::StrCat(
          "this is not a Baby Connect export: it has no column '", kColumnNames[column], "'"));
    }
    positions[column] = found - header.fields.begin();
  }
  return positions;
}

absl::optional<absl::CivilSecond> ParseUsTime(absl::string_view text) {
  absl::Time time;
  std::string error;
  for (const char* format : {"%m/%d/%y %I:%M %p", "%m/%d/%Y %I:%M %p"}) {
    if (absl::ParseTime(format, text, absl::UTCTimeZone(), &time, &error)) {
      return absl::ToCivilSecond(time, absl::UTCTimeZone());
    }
  }
  return absl::nullopt;
}

// The row's interval. Where the clocks changed, the reading is taken whose length the row's own
// minutes confirm; failing that, the first one that does not end before it begins.
// INVALID_ARGUMENT: why the row has none.
absl::StatusOr<v1::Interval> ReadInterval(const Row& row, absl::TimeZone zone,
                                          std::vector<std::string>& remarks) {
  const absl::optional<absl::CivilSecond> begin = ParseUsTime(row[kBegin]);
  if (!begin.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("its time '", row[kBegin], "' cannot be read"));
  }
  absl::optional<absl::CivilSecond> end;
  if (!row[kEnd].empty()) {
    end = ParseUsTime(row[kEnd]);
    if (!end.has_value()) {
      return absl::InvalidArgumentError(
          absl::StrCat("its end time '", row[kEnd], "' cannot be read"));
    }
  }
  std::vector<std::pair<LocalReading, LocalReading>> possible;
  for (const ClockChange begin_side : {ClockChange::kBefore, ClockChange::kAfter}) {
    const LocalReading began = ReadLocal(*begin, zone, begin_side);
    for (const ClockChange end_side : {ClockChange::kBefore, ClockChange::kAfter}) {
      const LocalReading ended = end.has_value() ? ReadLocal(*end, zone, end_side) : began;
      if (ended.time >= began.time) possible.emplace_back(began, ended);
    }
  }
  if (possible.empty()) return absl::InvalidArgumentError("it ends before it begins");
  auto chosen = possible.begin();
  double minutes;
  if (end.has_value() && absl::SimpleAtod(row[kMinutes], &minutes)) {
    // The export's minutes are rounded down.
    const auto confirmed = std::find_if(possible.begin(), possible.end(), [&](const auto& reading) {
      const absl::Duration length = reading.second.time - reading.first.time;
      return absl::AbsDuration(length - absl::Minutes(minutes)) <= absl::Minutes(1);
    });
    if (confirmed != possible.end()) chosen = confirmed;
  }
  v1::Interval interval;
  *interval.mutable_began_at() = ToProto(chosen->first.time);
  if (end.has_value()) *interval.mutable_ended_at() = ToProto(chosen->second.time);
  interval.set_zone(zone.name());
  if (!chosen->first.remark.empty()) remarks.push_back(chosen->first.remark);
  if (end.has_value() && !chosen->second.remark.empty()) remarks.push_back(chosen->second.remark);
  return interval;
}

v1::SleepPlace PlaceIn(absl::string_view text) {
  static constexpr std::pair<absl::string_view, v1::SleepPlace> kPlaces[] = {
      {" crib", v1::SLEEP_PLACE_CRIB},
      {"stroller", v1::SLEEP_PLACE_STROLLER},
      {"parents' bed", v1::SLEEP_PLACE_PARENTS_BED},
      {"parents bed", v1::SLEEP_PLACE_PARENTS_BED},
      {" car seat", v1::SLEEP_PLACE_CAR},
      {" in the car", v1::SLEEP_PLACE_CAR},
      {" arms", v1::SLEEP_PLACE_ARMS},
  };
  for (const auto& [words, place] : kPlaces) {
    if (absl::StrContains(text, words)) return place;
  }
  return v1::SLEEP_PLACE_UNSPECIFIED;
}

void SetAmount(const Row& row, v1::Feed& feed, std::vector<std::string>& remarks) {
  if (row[kQuantity].empty()) return;
  const bool metric = absl::StrContains(row[kText], " ml");
  double amount;
  if (absl::SimpleAtod(row[kQuantity], &amount)) {
    if (!metric) amount *= kMillilitresPerOunce;
    if (amount >= 0 && amount <= 2000) {
      feed.set_amount_ml(amount);
      return;
    }
  }
  remarks.push_back(absl::StrCat("its amount '", row[kQuantity], "' is not one; imported without"));
}

v1::EntryDetail ReadDetail(const Row& row, std::vector<std::string>& remarks) {
  v1::EntryDetail detail;
  const std::string& activity = row[kActivity];
  if (activity == "Sleep") {
    detail.mutable_sleep()->set_place(PlaceIn(row[kText]));
  } else if (activity == "Bottle") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_BOTTLE);
    SetAmount(row, *detail.mutable_feed(), remarks);
  } else if (activity == "Nursing") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_BREAST);
  } else if (activity == "Solid") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_SOLID);
  } else {
    detail.mutable_note();
  }
  return detail;
}

absl::StatusOr<v1::LogEntry> ReadEntry(const Row& row, absl::TimeZone zone, const RecordId& child,
                                       std::vector<std::string>& remarks) {
  v1::LogEntry entry;
  ASSIGN_OR_RETURN(*entry.mutable_interval(), ReadInterval(row, zone, remarks));
  entry.set_child_id(child.str());
  *entry.mutable_detail() = ReadDetail(row, remarks);
  const std::string text =
      absl::StrCat(row[kText], row[kText].empty() || row[kNotes].empty() ? "" : "\n", row[kNotes]);
  if (!text.empty()) entry.set_text(text);
  v1::ImportOrigin& origin = *entry.mutable_import_origin();
  origin.set_source(kSource.data(), kSource.size());
  origin.set_activity(row[kActivity]);
  origin.set_author(row[kCaregiver]);
  return entry;
}

// Why the server would not take the entry; empty if it would.
std::string Objection(const v1::LogEntry& entry) {
  std::vector<FieldViolation> violations;
  Validate(entry, "", violations);
  return violations.empty()
             ? ""
             : absl::StrCat(violations[0].field(), ": ", violations[0].description());
}

}  // namespace

absl::StatusOr<ImportedLog> ReadBabyConnect(absl::string_view csv, absl::TimeZone zone,
                                            const RecordId& child) {
  const std::vector<CsvRow> rows = ParseCsv(csv);
  if (rows.empty()) return absl::InvalidArgumentError("the file is empty");
  ASSIGN_OR_RETURN(const auto positions, FindColumns(rows[0]));

  ImportedLog log;
  std::map<Row, int> equal_before;
  for (size_t i = 1; i < rows.size(); ++i) {
    const CsvRow& csv_row = rows[i];
    ++log.rows;
    const auto set_aside = [&](std::string reason) {
      log.set_aside.push_back({csv_row.line, std::move(reason)});
    };
    if (csv_row.unclosed_quote) {
      set_aside("a quote is opened in it and never closed");
      continue;
    }
    if (csv_row.fields.size() != rows[0].fields.size()) {
      set_aside(absl::StrCat("it has ", csv_row.fields.size(), " columns, the heading has ",
                             rows[0].fields.size()));
      continue;
    }
    Row row;
    for (int column = 0; column < kColumns; ++column) {
      row[column] = csv_row.fields[positions[column]];
    }
    const int occurrence = equal_before[row]++;
    std::vector<std::string> remarks;
    absl::StatusOr<v1::LogEntry> entry = ReadEntry(row, zone, child, remarks);
    const std::string objection =
        entry.ok() ? Objection(*entry) : std::string(entry.status().message());
    if (!objection.empty()) {
      set_aside(objection);
      continue;
    }
    // Part of every imported id: never change it.
    const std::string content =
        absl::StrCat(child.hex(), "\x1f", absl::StrJoin(row, "\x1f"), "\x1f", occurrence);
    log.entries.push_back({csv_row.line, RecordIdOf(kSource, content), *std::move(entry)});
    for (std::string& remark : remarks) log.adjusted.push_back({csv_row.line, std::move(remark)});
  }
  std::stable_sort(
      log.entries.begin(), log.entries.end(), [](const ImportedEntry& a, const ImportedEntry& b) {
        return FromProto(a.entry.interval().began_at()) < FromProto(b.entry.interval().began_at());
      });
  return log;
}

}  // namespace nightlog::cli
