#ifndef NIGHTLOG_SERVICES_IMPORTS_ROW_TIMES_H_
#define NIGHTLOG_SERVICES_IMPORTS_ROW_TIMES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "nightlog/v1/import_service.pb.h"
#include "nightlog/v1/records.pb.h"
#include "services/imports/measures.h"

namespace nightlog::imports {

// What a row says of when it was.
struct RowTimes {
  Stamp began;
  absl::optional<Stamp> ended;
  absl::optional<absl::Duration> length;
};

// The interval of a row whose local times are each by the clock of their own moment. Where the
// clocks changed, the reading is taken whose length the row's own length confirms within a minute;
// failing that, the first one that does not end before it begins. A row with a length and no end
// ends that long after its begin. `remarks` hears of local times that were skipped or repeated.
// INVALID_ARGUMENT: why the row has no interval.
absl::StatusOr<v1::Interval> PlaceRow(const RowTimes& times, absl::TimeZone zone,
                                      std::vector<v1::ImportRemark>& remarks);

// The interval of a row both of whose local times are by the clock at its end, as an app writes
// them that formats a row when it is over: their difference is what went by, whatever the clocks
// did in between. A row with a length and no end ends that long after its begin. `remarks` hears of
// a begin that was another time by the clock of its own moment, and of an end that was repeated.
// INVALID_ARGUMENT: why the row has no interval.
absl::StatusOr<v1::Interval> PlaceRowByItsEnd(const RowTimes& times, absl::TimeZone zone,
                                              std::vector<v1::ImportRemark>& remarks);

}  // namespace nightlog::imports

#endif  // NIGHTLOG_SERVICES_IMPORTS_ROW_TIMES_H_
