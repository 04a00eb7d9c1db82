// The CSV export of Baby Connect. Its times are local, US style, and the file does not say where.
// Sleep becomes a sleep (open where the row has no end), Bottle, Nursing and Solid a feed,
// everything else a note; the row's own words become the entry's text.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/imports/format.h"
#include "services/imports/row_times.h"
#include "services/imports/table.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

constexpr absl::string_view kColumns[] = {"Date and Time", "End Time", "Duration (min)",
                                          "Activity",      "Quantity", "Extra data",
                                          "Text",          "Notes",    "Caregiver"};

absl::StatusOr<v1::Interval> ReadInterval(const TableRow& row, const ImportOptions& options,
                                          std::vector<v1::ImportRemark>& remarks) {
  RowTimes times;
  ASSIGN_OR_RETURN(times.began, StampIn(row, "Date and Time", *options.date_order));
  ASSIGN_OR_RETURN(times.ended, OptionalStampIn(row, "End Time", *options.date_order));
  // The export's minutes are rounded down. A row without an end is a point in time.
  if (times.ended.has_value()) times.length = MinutesIn(row["Duration (min)"]);
  return PlaceRow(times, options.zone, remarks);
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

v1::EntryDetail ReadDetail(const TableRow& row, std::vector<v1::ImportRemark>& remarks) {
  v1::EntryDetail detail;
  const absl::string_view activity = row["Activity"];
  if (activity == "Sleep") {
    detail.mutable_sleep()->set_place(PlaceIn(row["Text"]));
  } else if (activity == "Bottle") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_BOTTLE);
    const bool metric = absl::StrContains(row["Text"], " ml");
    SetAmount(row["Quantity"], metric ? VolumeUnit::kMillilitre : VolumeUnit::kOunce,
              *detail.mutable_feed(), remarks);
  } else if (activity == "Nursing") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_BREAST);
  } else if (activity == "Solid") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_SOLID);
  } else {
    detail.mutable_note();
  }
  return detail;
}

absl::StatusOr<v1::LogEntry> ReadRow(const TableRow& row, const ImportOptions& options,
                                     std::vector<v1::ImportRemark>& remarks) {
  v1::LogEntry entry;
  ASSIGN_OR_RETURN(*entry.mutable_interval(), ReadInterval(row, options, remarks));
  *entry.mutable_detail() = ReadDetail(row, remarks);
  AddText(row["Text"], entry);
  AddText(row["Notes"], entry);
  entry.mutable_import_origin()->set_activity(std::string(row["Activity"]));
  entry.mutable_import_origin()->set_author(std::string(row["Caregiver"]));
  return entry;
}

absl::StatusOr<ImportedLog> Read(const std::vector<CsvRow>& rows, const ImportOptions& options) {
  TableFormat format;
  format.source = kBabyConnectFormat.name;
  for (const absl::string_view column : kColumns) format.columns.emplace_back(column);
  format.required = format.columns;
  format.idle = {"Duration (min)", "Quantity", "Extra data"};  // the Text says it in words
  format.read = [&options](const TableRow& row, std::vector<v1::ImportRemark>& remarks) {
    return ReadRow(row, options, remarks);
  };
  return ReadTable(rows, format, options);
}

}  // namespace

const ImportFormat kBabyConnectFormat = {
    "baby-connect", "Baby Connect's CSV export",
    [](const CsvRow& heading) { return HasColumns(heading, kColumns); }, Read};

}  // namespace nightlog::imports
