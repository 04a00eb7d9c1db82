#ifndef NIGHTLOG_CLIENTS_CLI_NIGHT_WORDS_H_
#define NIGHTLOG_CLIENTS_CLI_NIGHT_WORDS_H_

#include <string>
#include <vector>

#include "absl/time/time.h"
#include "nightlog/v1/records.pb.h"

namespace nightlog::cli {

// How the server's figures are put into words. Pure. What is not known is not said, and never zero.

// A night in a line: `complete, 2 wakings, asleep 9 h 40 min, longest 5 h 3 min`; of a night that
// goes on, what the child is doing since when.
std::string NightInALine(const v1::NightSummary& night, absl::TimeZone zone);

// All that is known of a night, a line each.
std::vector<std::string> NightInLines(const v1::NightSummary& night, absl::TimeZone zone);

// How the plan goes, a line each.
std::vector<std::string> ProgressInLines(const v1::Progress& progress);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_NIGHT_WORDS_H_
