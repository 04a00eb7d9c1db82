// The CSV export of Huckleberry. What is known of it:
//
// - `Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes`, and lately
//   `Logged By`. The other columns mean something else for each type: of a bottle the amount is the
//   End Condition, of a nursing the sides are the two conditions (`00:06R`, `00:04L`), of a nappy
//   the Duration is a colour.
// - Conditions and locations of a sleep are tokens joined by commas.
// - Start and End are local without an offset, both by the clock at the row's end.
// - A Duration is `1:20` or `1h 20m`. It leaves out the pauses of the timer, of which the file says
//   neither when nor how many: End − Start is what went by.
// - A timer that still runs has neither End nor Duration.
// - Line breaks of a note are in quotes, or `\n` in letters.

#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "services/imports/format.h"
#include "services/imports/remark.h"
#include "services/imports/row_times.h"
#include "services/imports/table.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::imports {
namespace {

constexpr absl::string_view kDescriptions[] = {"Start Condition", "Start Location",
                                               "End Condition"};

// The first of the tokens that is a place.
v1::SleepPlace PlaceIn(absl::string_view tokens) {
  static constexpr std::pair<absl::string_view, v1::SleepPlace> kPlaces[] = {
      {"on own in bed", v1::SLEEP_PLACE_CRIB},
      {"co sleep", v1::SLEEP_PLACE_PARENTS_BED},
      {"co-sleep", v1::SLEEP_PLACE_PARENTS_BED},
      {"stroller", v1::SLEEP_PLACE_STROLLER},
      {"car", v1::SLEEP_PLACE_CAR},
      {"worn or held", v1::SLEEP_PLACE_ARMS},
      {"next to carer", v1::SLEEP_PLACE_OTHER},
      {"next to caregiver", v1::SLEEP_PLACE_OTHER},
      {"swing", v1::SLEEP_PLACE_OTHER},
  };
  for (const absl::string_view token : absl::StrSplit(tokens, ',')) {
    const std::string word = absl::AsciiStrToLower(absl::StripAsciiWhitespace(token));
    for (const auto& [name, place] : kPlaces) {
      if (word == name) return place;
    }
  }
  return v1::SLEEP_PLACE_UNSPECIFIED;
}

// `00:06R`: how long on one side.
absl::optional<absl::Duration> SideLength(absl::string_view text) {
  return absl::EndsWithIgnoreCase(text, "L") || absl::EndsWithIgnoreCase(text, "R")
             ? ParseLength(text.substr(0, text.size() - 1))
             : absl::nullopt;
}

absl::StatusOr<RowTimes> ReadTimes(const TableRow& row, DateOrder order) {
  RowTimes times;
  ASSIGN_OR_RETURN(times.began, StampIn(row, "Start", order));
  ASSIGN_OR_RETURN(times.ended, OptionalStampIn(row, "End", order));
  times.length = ParseLength(row["Duration"]);  // not where it is a colour
  if (!times.length.has_value() && row["Start Location"] == "Breast") {
    const auto first = SideLength(row["Start Condition"]);
    const auto second = SideLength(row["End Condition"]);
    if (first.has_value() || second.has_value()) {
      times.length = first.value_or(absl::ZeroDuration()) + second.value_or(absl::ZeroDuration());
    }
  }
  return times;
}

// Tells where the row's own length is not what its times say.
void CompareLength(const RowTimes& times, const v1::Interval& interval,
                   std::vector<v1::ImportRemark>& remarks) {
  if (!times.length.has_value() || !times.ended.has_value()) return;
  const absl::Duration elapsed = FromProto(interval.ended_at()) - FromProto(interval.began_at());
  const absl::Duration missing = elapsed - *times.length;
  if (absl::AbsDuration(missing) <= absl::Minutes(1)) return;
  const int64_t minutes = absl::ToInt64Minutes(absl::AbsDuration(missing));
  remarks.push_back(MakeRemark(missing > absl::ZeroDuration()
                                   ? v1::IMPORT_REASON_TIMER_PAUSED
                                   : v1::IMPORT_REASON_LONGER_THAN_ITS_TIMES,
                               {absl::StrCat(minutes)}));
}

absl::StatusOr<v1::LogEntry> ReadRow(const TableRow& row, const ImportOptions& options,
                                     std::vector<v1::ImportRemark>& remarks) {
  const absl::string_view type = row["Type"];
  if (type.empty()) return Refusal(v1::IMPORT_REASON_NO_TYPE);
  v1::LogEntry entry;
  ASSIGN_OR_RETURN(const RowTimes times, ReadTimes(row, *options.date_order));
  if (type == "Sleep") RETURN_IF_ERROR(CheckLength(row, "Duration", times));
  ASSIGN_OR_RETURN(*entry.mutable_interval(), PlaceRowByItsEnd(times, options.zone, remarks));
  v1::EntryDetail& detail = *entry.mutable_detail();
  if (type == "Sleep") {
    detail.mutable_sleep()->set_place(PlaceIn(row["Start Location"]));
    CompareLength(times, entry.interval(), remarks);
  } else if (type == "Feed") {
    v1::Feed& feed = *detail.mutable_feed();
    if (row["Start Location"] == "Bottle") {
      feed.set_kind(v1::FEED_KIND_BOTTLE);
      SetAmount(row["End Condition"], options.amounts, feed, remarks);
    } else if (row["Start Location"] == "Breast") {
      feed.set_kind(v1::FEED_KIND_BREAST);
    }
  } else if (type == "Solids") {
    detail.mutable_feed()->set_kind(v1::FEED_KIND_SOLID);
  } else {
    detail.mutable_note();
    AddText(type, entry);
    if (!times.length.has_value()) AddColumns(row, {"Duration"}, entry);
  }
  AddColumns(row, kDescriptions, entry);
  AddText(absl::StrReplaceAll(row["Notes"], {{"\\n", "\n"}}), entry);
  entry.mutable_import_origin()->set_activity(std::string(type));
  entry.mutable_import_origin()->set_author(std::string(row["Logged By"]));
  return entry;
}

absl::StatusOr<ImportedLog> Read(const std::vector<CsvRow>& rows, const ImportOptions& options) {
  TableFormat format;
  format.source = kHuckleberryFormat.name;
  format.columns = {"Type",           "Start",         "End",  "Duration", "Start Condition",
                    "Start Location", "End Condition", "Notes"};
  format.required = {"Type", "Start", "End"};
  format.rows_may_be_short = true;
  format.read = [&options](const TableRow& row, std::vector<v1::ImportRemark>& remarks) {
    return ReadRow(row, options, remarks);
  };
  return ReadTable(rows, format, options);
}

}  // namespace

const ImportFormat kHuckleberryFormat = {
    "huckleberry", "Huckleberry's CSV export",
    [](const CsvRow& heading) {
      return HasColumns(heading, {"Type", "Start", "End", "Start Condition"});
    },
    Read};

}  // namespace nightlog::imports
