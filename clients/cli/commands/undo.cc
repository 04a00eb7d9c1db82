#include "clients/cpp/undo.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/words.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// What is said again, such as `deleted` or `at 2026-11-02 19:40`.
std::string InWords(const Tap& tap) {
  v1::Transaction undo;
  for (const Tap::Change& change : tap.changes()) *undo.add_edits() = change.edit;
  const std::vector<std::string> lines = TransactionInWords(undo);
  return absl::StrCat("undone", lines.empty() ? "" : "; now: ", absl::StrJoin(lines, ", "));
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() > 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  // What everybody sees is undone; offline, only what this phone alone has.
  Connection* connection = nullptr;
  const absl::Status synced = phone.Sync(family, absl::Seconds(10));
  if (synced.ok()) {
    ASSIGN_OR_RETURN(connection, phone.Connect());
  } else if (!IsOffline(synced)) {
    return synced;
  }
  if (arguments.words().empty() || arguments.words()[0] == "last") {
    ASSIGN_OR_RETURN(const UndoneTap undone,
                     UndoLastTap(phone.replica(), connection, family, CallDeadline()));
    return phone.Save(family, {undone.tap}, InWords(undone.tap), undone.records);
  }
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Record record, ids.Find(arguments.words()[0]));
  const RecordId id(record.record_id());
  ASSIGN_OR_RETURN(const Tap tap,
                   UndoNewestChange(phone.replica(), connection, family, id, CallDeadline()));
  return phone.Save(family, {tap}, InWords(tap), {id});
}

}  // namespace

const Command kUndoCommand = {
    "undo",
    "last\nID",
    "set back your last tap, or the newest change of an entry; undo again "
    "to have it back",
    {},
    Run};

}  // namespace nightlog::cli
