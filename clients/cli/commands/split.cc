#include <string>

#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cpp/tap.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 2) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Record one, ids.Find(arguments.words()[0]));
  ASSIGN_OR_RETURN(const v1::Record other, ids.Find(arguments.words()[1]));
  if (!one.has_log_entry() || !other.has_log_entry() || one.record_id() == other.record_id()) {
    return absl::InvalidArgumentError("name two different log entries");
  }
  v1::LogEntry change;
  change.add_separate_from(other.record_id());
  const RecordId id(one.record_id());
  return phone.Save(family, {Tap().Set(id, change)}, "these were two", {id});
}

}  // namespace

const Command kSplitCommand = {
    "split", "ENTRY ENTRY", "say that two entries are not about the same event", {}, Run};

}  // namespace nightlog::cli
