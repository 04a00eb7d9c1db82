// The CSV export of Nara. What is known of it: one table for all kinds, whose columns name their
// kind in brackets; times as milliseconds since 1970, with the zone of the phone beside them; and
// rows of Type `Profile` that are the child itself.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/imports/format.h"
#include "services/imports/remark.h"
#include "services/imports/row_times.h"
#include "services/imports/table.h"
#include "storage/core/local_reading.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

constexpr absl::string_view kStart = "Start Date/time";
constexpr absl::string_view kSleepEnd = "[Sleep] End Date/time";

// The moment in the epoch column of a time, or else its local one.
absl::StatusOr<absl::optional<Stamp>> ReadStamp(const TableRow& row, absl::string_view column,
                                                DateOrder order) {
  const std::string epoch = absl::StrCat(column, " (Epoch)");
  return OptionalStampIn(row, row[epoch].empty() ? column : absl::string_view(epoch), order);
}

absl::optional<absl::Duration> SecondsIn(absl::string_view text) {
  int64_t seconds;
  if (!absl::SimpleAtoi(text, &seconds) || seconds < 0 || seconds > 1e8) return absl::nullopt;
  return absl::Seconds(seconds);
}

absl::StatusOr<RowTimes> ReadTimes(const TableRow& row, absl::string_view type, DateOrder order) {
  RowTimes times;
  ASSIGN_OR_RETURN(const absl::optional<Stamp> began, ReadStamp(row, kStart, order));
  if (!began.has_value()) return Refusal(v1::IMPORT_REASON_NO_TIME);
  times.began = *began;
  if (type == "Sleep") {
    ASSIGN_OR_RETURN(times.ended, ReadStamp(row, kSleepEnd, order));
    times.length = SecondsIn(row["[Sleep] Duration (Seconds)"]);
    RETURN_IF_ERROR(CheckLength(row, "[Sleep] Duration (Seconds)", times));
  } else if (type == "Breastfeed") {
    const auto left = SecondsIn(row["[Breastfeed] Left Duration (Seconds)"]);
    const auto right = SecondsIn(row["[Breastfeed] Right Duration (Seconds)"]);
    if (left.has_value() || right.has_value()) {
      times.length = left.value_or(absl::ZeroDuration()) + right.value_or(absl::ZeroDuration());
    }
  }
  return times;
}

// A bottle's parts, or its whole.
void SetBottle(const TableRow& row, absl::optional<VolumeUnit> unit, v1::LogEntry& entry,
               std::vector<v1::ImportRemark>& remarks) {
  v1::Feed& feed = *entry.mutable_detail()->mutable_feed();
  feed.set_kind(v1::FEED_KIND_BOTTLE);
  double total = 0;
  bool any = false;
  for (const absl::string_view part : {"Breast Milk Volume", "Formula Volume", "Volume"}) {
    if (part == "Volume" && any) break;
    const std::string column = absl::StrCat("[Bottle Feed] ", part);
    if (row[column].empty()) continue;
    const std::string unit_column = absl::StrCat(column, " Unit");
    v1::Feed read;
    SetAmount(absl::StrCat(row[column], " ", row[unit_column]), unit, read, remarks);
    if (!read.has_amount_ml()) AddColumns(row, {column, unit_column}, entry);
    any = any || read.has_amount_ml();
    total += read.amount_ml();
  }
  if (any) feed.set_amount_ml(total);
}

// The zone the row was logged in, if this build knows it.
absl::TimeZone ZoneOf(const TableRow& row, absl::TimeZone otherwise) {
  const auto zone = FindZone(row["Time Zone"]);
  return zone.ok() ? *zone : otherwise;
}

absl::StatusOr<v1::LogEntry> ReadRow(const TableRow& row, const ImportOptions& options,
                                     std::vector<v1::ImportRemark>& remarks) {
  const absl::string_view type = row["Type"];
  if (type == "Profile") return Refusal(v1::IMPORT_REASON_NO_EVENT);
  v1::LogEntry entry;
  ASSIGN_OR_RETURN(const RowTimes times, ReadTimes(row, type, *options.date_order));
  ASSIGN_OR_RETURN(*entry.mutable_interval(), PlaceRow(times, ZoneOf(row, options.zone), remarks));
  v1::EntryDetail& detail = *entry.mutable_detail();
  if (type == "Sleep") {
    detail.mutable_sleep();
  } else if (type == "Breastfeed") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_BREAST);
  } else if (type == "Bottle Feed") {
    SetBottle(row, options.amounts, entry, remarks);
  } else if (absl::StartsWith(type, "Solid")) {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_SOLID);
  } else {
    detail.mutable_note();
    AddText(type, entry);
  }
  AddText(row["Note"], entry);
  entry.mutable_import_origin()->set_activity(std::string(type));
  entry.mutable_import_origin()->set_author(std::string(row["Created By Caregiver"]));
  return entry;
}

absl::StatusOr<ImportedLog> Read(const std::vector<CsvRow>& rows, const ImportOptions& options) {
  TableFormat format;
  format.source = kNaraFormat.name;
  format.columns = {"Type",
                    "Start Date/time (Epoch)",
                    "Start Date/time",
                    "[Sleep] End Date/time (Epoch)",
                    "[Sleep] End Date/time",
                    "[Sleep] Duration (Seconds)",
                    "[Breastfeed] Left Duration (Seconds)",
                    "[Breastfeed] Right Duration (Seconds)",
                    "[Bottle Feed] Breast Milk Volume",
                    "[Bottle Feed] Formula Volume",
                    "[Bottle Feed] Volume",
                    "[Diaper] Type",
                    "[Medical] Medication",
                    "Note"};
  format.idle = {std::string(kStart), std::string(kSleepEnd)};  // beside their epochs
  format.child_column = "Profile Name";
  format.required = {"Type"};
  format.read = [&options](const TableRow& row, std::vector<v1::ImportRemark>& remarks) {
    return ReadRow(row, options, remarks);
  };
  return ReadTable(rows, format, options);
}

}  // namespace

const ImportFormat kNaraFormat = {"nara", "Nara's CSV export",
                                  [](const CsvRow& heading) {
                                    return HasColumns(heading, {"Type", kStart, kSleepEnd});
                                  },
                                  Read};

}  // namespace nightlog::imports
