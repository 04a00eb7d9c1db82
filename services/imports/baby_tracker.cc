// The CSV files of Baby Tracker, one a kind of event. What is known of them: none says its kind,
// which shows in its columns; a time is when it began, `1/13/26, 19:54`; lengths are in minutes;
// the unit of an amount stands in the heading; and rows end where nothing follows.
//
//   sleep     Baby,Time,Duration(minutes),Note
//   nursing   Baby,Time,Start Side,Left duration (min),Right duration (min),
//             Total Duration (min),Note
//   bottles   Baby,Time,Amount (oz.),Note
//   nappies   Baby,Time,Status,Note
//   pumping   Time,Start Side,..,Total Duration (min),..,Total amount (oz.),Note

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "services/imports/format.h"
#include "services/imports/row_times.h"
#include "services/imports/table.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

constexpr absl::string_view kSleepMinutes = "Duration(minutes)";
constexpr absl::string_view kTotalMinutes = "Total Duration (min)";
constexpr absl::string_view kOunces = "Amount (oz.)";
constexpr absl::string_view kMillilitres = "Amount (ml.)";

// The kind of all rows of a file.
absl::string_view ActivityOf(const CsvRow& heading) {
  if (HasColumns(heading, {kSleepMinutes})) return "sleep";
  if (HasColumns(heading, {"Baby", kTotalMinutes})) return "nursing";
  if (HasColumns(heading, {kTotalMinutes})) return "pumping";
  if (HasColumns(heading, {kOunces}) || HasColumns(heading, {kMillilitres})) return "bottle";
  if (HasColumns(heading, {"Baby", "Status"})) return "diaper";
  return "other";
}

absl::StatusOr<v1::LogEntry> ReadRow(const TableRow& row, absl::string_view activity,
                                     const ImportOptions& options,
                                     std::vector<v1::ImportRemark>& remarks) {
  v1::LogEntry entry;
  RowTimes times;
  ASSIGN_OR_RETURN(times.began, StampIn(row, "Time", *options.date_order));
  const absl::string_view minutes = row[kSleepMinutes].empty() ? kTotalMinutes : kSleepMinutes;
  times.length = MinutesIn(row[minutes]);
  RETURN_IF_ERROR(CheckLength(row, minutes, times));
  ASSIGN_OR_RETURN(*entry.mutable_interval(), PlaceRow(times, options.zone, remarks));
  v1::EntryDetail& detail = *entry.mutable_detail();
  if (activity == "sleep") {
    detail.mutable_sleep();
  } else if (activity == "nursing") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_BREAST);
  } else if (activity == "bottle") {
    v1::Feed& feed = *detail.mutable_feed();
    feed.set_kind(v1::FEED_KIND_BOTTLE);
    SetAmount(row[kOunces], VolumeUnit::kOunce, feed, remarks);
    SetAmount(row[kMillilitres], VolumeUnit::kMillilitre, feed, remarks);
    if (!feed.has_amount_ml()) AddColumns(row, {kOunces, kMillilitres}, entry);
  } else {
    detail.mutable_note();
    AddText(activity, entry);
    AddColumns(row, {"Status", "Total amount (oz.)", "Total amount (ml.)"}, entry);
  }
  AddText(row["Note"], entry);
  entry.mutable_import_origin()->set_activity(std::string(activity));
  return entry;
}

absl::StatusOr<ImportedLog> Read(const std::vector<CsvRow>& rows, const ImportOptions& options) {
  const absl::string_view activity = ActivityOf(rows[0]);
  TableFormat format;
  format.source = kBabyTrackerFormat.name;
  format.activity = std::string(activity);
  format.child_column = "Baby";
  format.columns = {"Time",
                    std::string(kSleepMinutes),
                    std::string(kTotalMinutes),
                    std::string(kOunces),
                    std::string(kMillilitres),
                    "Start Side",
                    "Left duration (min)",
                    "Right duration (min)",
                    "Status",
                    "Note"};
  format.required = {"Time"};
  format.rows_may_be_short = true;
  format.read = [&options, activity](const TableRow& row, std::vector<v1::ImportRemark>& remarks) {
    return ReadRow(row, activity, options, remarks);
  };
  return ReadTable(rows, format, options);
}

}  // namespace

const ImportFormat kBabyTrackerFormat = {"baby-tracker", "one of Baby Tracker's CSV files",
                                         [](const CsvRow& heading) {
                                           return HasColumns(heading, {"Time"}) &&
                                                  ActivityOf(heading) != "other";
                                         },
                                         Read};

}  // namespace nightlog::imports
