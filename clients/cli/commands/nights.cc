#include <iostream>
#include <string>
#include <vector>

#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/night_words.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const NamedChild child, view.ChildCalled(arguments.Get("child")));
  ASSIGN_OR_RETURN(std::vector<v1::NightSummary> nights,
                   NightsOf(phone.replica(), family, child.id));
  ASSIGN_OR_RETURN(const absl::optional<double> last, arguments.Number("last"));
  if (last.has_value() && *last >= 0 && *last < nights.size()) {
    nights.erase(nights.begin(), nights.end() - static_cast<size_t>(*last));
  }
  std::vector<std::string> items;
  for (const v1::NightSummary& night : nights) {
    if (phone.options().json) {
      items.push_back(ToJson(night));
    } else {
      std::cout << night.date() << "  " << NightInALine(night, child.zone) << "\n";
    }
  }
  if (phone.options().json) {
    std::cout
        << JsonObject().Add("child_id", child.id.hex()).AddJson("nights", JsonList(items)).str()
        << "\n";
  } else if (nights.empty()) {
    std::cout << "no night yet; the figures come with the first sync\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kNightsCommand = {
    "nights",
    "",
    "the figures of every night, a line each",
    {{"last", "N", "only the last N"}, {"child", "NAME", "which child, where there are several"}},
    Run};

}  // namespace nightlog::cli
