#ifndef NIGHTLOG_CLIENTS_CLI_ENTRY_FLAGS_H_
#define NIGHTLOG_CLIENTS_CLI_ENTRY_FLAGS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cli/arguments.h"
#include "nightlog/v1/records.pb.h"

namespace nightlog::cli {

// The flags by which `log` and `edit` take what an entry says.

// Flags for the details of a kind: `--level`, `--place` and so on.
const std::vector<Flag>& DetailFlags();

// Sets what the flags say. False: none was given. INVALID_ARGUMENT: one does not fit the kind, or
// its value is wrong.
absl::StatusOr<bool> ApplyDetailFlags(const Arguments& arguments, v1::EntryDetail& detail);

// A moment typed or tapped, and what was made of it.
struct GivenMoment {
  absl::Time time;
  bool tapped = false;
  std::string remark;
};

// The moment that `text` names (see ParseMoment); `now` is a tap.
absl::StatusOr<GivenMoment> ReadMoment(absl::string_view text, absl::Time now, absl::TimeZone zone);

// A duration as people write it: `10m`, `1h30m`.
absl::StatusOr<absl::Duration> ReadDuration(absl::string_view text);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_ENTRY_FLAGS_H_
