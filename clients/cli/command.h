#ifndef NIGHTLOG_CLIENTS_CLI_COMMAND_H_
#define NIGHTLOG_CLIENTS_CLI_COMMAND_H_

#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cli/arguments.h"
#include "clients/cli/phone.h"

namespace nightlog::cli {

// One verb. `arguments` holds the words behind it. What it prints on success goes to standard
// output; an error is one sentence for the person, INVALID_ARGUMENT where the command line is
// wrong.
struct Command {
  absl::string_view name;
  // What may follow the name, one form a line.
  absl::string_view usage;
  absl::string_view summary;
  std::vector<Flag> flags;
  absl::Status (*run)(Phone& phone, const Arguments& arguments);
};

// Every verb, in the order of the help.
const std::vector<const Command*>& AllCommands();

// The error for words that fit no form of a command.
inline absl::Status WrongWords() {
  return absl::InvalidArgumentError("these words fit no form of this command");
}

extern const Command kChildCommand;
extern const Command kCommentCommand;
extern const Command kConflictsCommand;
extern const Command kConsentCommand;
extern const Command kDeleteCommand;
extern const Command kEditCommand;
extern const Command kEraseCommand;
extern const Command kExportCommand;
extern const Command kFamilyCommand;
extern const Command kHistoryCommand;
extern const Command kImportCommand;
extern const Command kInviteCommand;
extern const Command kJoinCommand;
extern const Command kLeaveCommand;
extern const Command kLogCommand;
extern const Command kNeedsAttentionCommand;
extern const Command kNightCommand;
extern const Command kNightsCommand;
extern const Command kPlanCommand;
extern const Command kProgressCommand;
extern const Command kQuarantineCommand;
extern const Command kRemoveMemberCommand;
extern const Command kRevokeDeviceCommand;
extern const Command kSplitCommand;
extern const Command kStatusCommand;
extern const Command kSyncCommand;
extern const Command kUndoCommand;
extern const Command kWatchCommand;

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_COMMAND_H_
