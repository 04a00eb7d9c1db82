#include <iostream>
#include <string>
#include <vector>

#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/night_words.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const NamedChild child, view.ChildCalled(arguments.Get("child")));
  ASSIGN_OR_RETURN(const std::vector<ShownRecord> shown, phone.replica().List(family, kProgress));
  for (const ShownRecord& record : shown) {
    const v1::Progress& progress = record.record.progress();
    if (record.record.deleted() || progress.child_id() != child.id.bytes()) continue;
    if (phone.options().json) {
      std::cout << ToJson(progress) << "\n";
      return absl::OkStatus();
    }
    std::cout << child.child.name() << "\n";
    for (const std::string& line : ProgressInLines(progress)) std::cout << "  " << line << "\n";
    return absl::OkStatus();
  }
  return absl::NotFoundError("there is no progress yet; it comes with the first sync");
}

}  // namespace

const Command kProgressCommand = {"progress",
                                  "",
                                  "whether it is getting better: the plan, before and now",
                                  {{"child", "NAME", "which child, where there are several"}},
                                  Run};

}  // namespace nightlog::cli
