// The CSV files of Baby Buddy, one a table of its database, as its admin pages export and import
// them. None says its kind, which shows in its columns; times are `2020-02-17 00:14:09`, local to
// the server's zone, or with an offset; an amount has no unit.
//
//   sleep       child..,start,end[,duration,nap],notes
//   feeding     child..,start,end,type,method,amount,notes
//   pumping     child..,[start,end | time],amount,notes
//   nappies     child..,time,wet,solid,color,amount,notes
//   tummy time  child..,start,end,milestone
//   note        child..,note,time
//   temperature child..,temperature,time,notes
//
// `child..` is child_id, and in an export also child_first_name and child_last_name.

#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "services/imports/format.h"
#include "services/imports/row_times.h"
#include "services/imports/table.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

// The kind of all rows of a file.
absl::string_view ActivityOf(const CsvRow& heading) {
  if (HasColumns(heading, {"method"})) return "feeding";
  if (HasColumns(heading, {"wet"})) return "diaper";
  if (HasColumns(heading, {"milestone"})) return "tummy time";
  if (HasColumns(heading, {"temperature"})) return "temperature";
  if (HasColumns(heading, {"note"})) return "note";
  if (HasColumns(heading, {"amount"})) return "pumping";
  if (HasColumns(heading, {"start", "end"})) return "sleep";
  return "other";
}

absl::StatusOr<RowTimes> ReadTimes(const TableRow& row, DateOrder order) {
  RowTimes times;
  if (row.HasColumn("start")) {
    ASSIGN_OR_RETURN(times.began, StampIn(row, "start", order));
    ASSIGN_OR_RETURN(times.ended, OptionalStampIn(row, "end", order));
    times.length = ParseLength(row["duration"]);
    RETURN_IF_ERROR(CheckLength(row, "duration", times));
  } else {
    ASSIGN_OR_RETURN(times.began, StampIn(row, "time", order));
  }
  return times;
}

absl::StatusOr<v1::LogEntry> ReadRow(const TableRow& row, absl::string_view activity,
                                     const ImportOptions& options,
                                     std::vector<v1::ImportRemark>& remarks) {
  v1::LogEntry entry;
  ASSIGN_OR_RETURN(const RowTimes times, ReadTimes(row, *options.date_order));
  ASSIGN_OR_RETURN(*entry.mutable_interval(), PlaceRow(times, options.zone, remarks));
  v1::EntryDetail& detail = *entry.mutable_detail();
  if (activity == "sleep") {
    detail.mutable_sleep();
  } else if (activity == "feeding") {
    v1::Feed& feed = *detail.mutable_feed();
    const absl::string_view method = row["method"];
    feed.set_kind(row["type"] == "solid food"           ? v1::FEED_KIND_SOLID
                  : method == "bottle"                  ? v1::FEED_KIND_BOTTLE
                  : absl::StrContains(method, "breast") ? v1::FEED_KIND_BREAST
                                                        : v1::FEED_KIND_UNSPECIFIED);
    if (options.amounts.has_value()) SetAmount(row["amount"], options.amounts, feed, remarks);
    AddColumns(row, {"type", "method", "amount"}, entry);
  } else {
    detail.mutable_note();
    if (activity != "note") AddText(activity, entry);
    AddColumns(row, {"wet", "solid", "color", "amount", "milestone", "temperature"}, entry);
    AddText(row["note"], entry);
  }
  AddText(row["notes"], entry);
  AddColumns(row, {"tags"}, entry);
  entry.mutable_import_origin()->set_activity(std::string(activity));
  return entry;
}

absl::StatusOr<ImportedLog> Read(const std::vector<CsvRow>& rows, const ImportOptions& options) {
  const absl::string_view activity = ActivityOf(rows[0]);
  TableFormat format;
  format.source = kBabyBuddyFormat.name;
  format.activity = std::string(activity);
  format.columns = {"start", "end",   "time",      "type",        "method", "amount", "wet",
                    "solid", "color", "milestone", "temperature", "note",   "notes"};
  format.idle = {"id", "child_id", "child_first_name", "child_last_name", "duration", "nap"};
  format.child_column = HasColumns(rows[0], {"child_first_name"}) ? "child_first_name" : "child_id";
  format.required = {HasColumns(rows[0], {"start"}) ? "start" : "time"};
  format.read = [&options, activity](const TableRow& row, std::vector<v1::ImportRemark>& remarks) {
    return ReadRow(row, activity, options, remarks);
  };
  return ReadTable(rows, format, options);
}

}  // namespace

const ImportFormat kBabyBuddyFormat = {"baby-buddy", "one of Baby Buddy's CSV files",
                                       [](const CsvRow& heading) {
                                         return HasColumns(heading, {"child_id"}) &&
                                                ActivityOf(heading) != "other";
                                       },
                                       Read};

}  // namespace nightlog::imports
