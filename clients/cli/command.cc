#include "clients/cli/command.h"

namespace nightlog::cli {

const std::vector<const Command*>& AllCommands() {
  static const std::vector<const Command*>& commands = *new std::vector<const Command*>{
      &kFamilyCommand,       &kInviteCommand,  &kJoinCommand,    &kChildCommand,
      &kLogCommand,          &kEditCommand,    &kDeleteCommand,  &kUndoCommand,
      &kSplitCommand,        &kNightCommand,   &kNightsCommand,  &kProgressCommand,
      &kPlanCommand,         &kCommentCommand, &kWatchCommand,   &kConflictsCommand,
      &kHistoryCommand,      &kSyncCommand,    &kStatusCommand,  &kNeedsAttentionCommand,
      &kImportCommand,       &kExportCommand,  &kConsentCommand, &kRevokeDeviceCommand,
      &kRemoveMemberCommand, &kLeaveCommand,   &kEraseCommand,   &kQuarantineCommand,
  };
  return commands;
}

}  // namespace nightlog::cli
