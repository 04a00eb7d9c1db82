#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cpp/tap.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Record record, ids.Find(arguments.words()[0]));
  const RecordId id(record.record_id());
  Tap tap;
  if (arguments.Has("undo")) {
    tap.Restore(id);
    return phone.Save(family, {tap}, "brought back", {id});
  }
  tap.Delete(id);
  return phone.Save(
      family, {tap},
      absl::StrCat("deleted; 'nightlog delete ", ids.Short(id.bytes()), " --undo' brings it back"),
      {id});
}

}  // namespace

const Command kDeleteCommand = {"delete",
                                "ID",
                                "delete an entry, plan or child; or bring it back",
                                {{"undo", "", "bring it back"}},
                                Run};

}  // namespace nightlog::cli
