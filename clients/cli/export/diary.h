#ifndef NIGHTLOG_CLIENTS_CLI_EXPORT_DIARY_H_
#define NIGHTLOG_CLIENTS_CLI_EXPORT_DIARY_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "nightlog/v1/sync.pb.h"

namespace nightlog::cli {

// The nights of each child as a sleep diary to print: an HTML file that needs no other, two weeks a
// page, a line a night from noon to noon. What is shown are the summaries that the records hold,
// and what was noted (not the words of another app's log, which has some for every bottle); nothing
// is counted anew. All text is escaped. Pure.
std::string SleepDiary(absl::string_view family_name, const std::vector<v1::Record>& records);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_EXPORT_DIARY_H_
