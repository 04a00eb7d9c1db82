#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  const DeviceSettings settings = phone.replica().settings();
  std::vector<std::string> items;
  for (const FamilyId& family : phone.replica().Families()) {
    ASSIGN_OR_RETURN(const FamilyState state, phone.replica().FamilyStateOf(family));
    if (phone.options().json) {
      items.push_back(JsonObject()
                          .AddJson("pairing", ToJson(state.pairing))
                          .AddJson("cursor", ToJson(state.cursor))
                          .Add("pending", state.pending)
                          .Add("needs_attention", state.needs_attention)
                          .Add("resyncs", state.resyncs)
                          .Add("closed", state.closed)
                          .str());
      continue;
    }
    std::cout << state.pairing.family_name() << ", as " << Word(state.pairing.role()) << ": ";
    if (!state.closed.empty()) std::cout << "access has ended: " << state.closed << " ";
    if (state.pending > 0 && state.pairing.role() == v1::ROLE_VIEWER) {
      std::cout << NotSharedInWords(state.pending);
    } else if (state.pending > 0) {
      std::cout << state.pending << (state.pending == 1 ? " tap is" : " taps are")
                << " saved on this phone, not synced yet";
    } else {
      std::cout << "all that was tapped here is synced";
    }
    if (state.needs_attention > 0) {
      std::cout << "; " << state.needs_attention
                << " the server did not take: see 'nightlog needs-attention'";
    }
    std::cout << " (revision " << state.cursor.revision() << ")\n";
  }
  if (phone.options().json) {
    std::cout << JsonObject()
                     .Add("server", settings.server_address)
                     .AddJson("families", JsonList(items))
                     .str()
              << "\n";
  } else if (phone.replica().Families().empty()) {
    std::cout << "this phone is in no family yet\n";
  } else {
    std::cout << "server: " << settings.server_address << (settings.ca_file.empty() ? "" : " (TLS)")
              << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kStatusCommand = {
    "status", "", "what is saved here, synced, waiting, or needs attention", {}, Run};

}  // namespace nightlog::cli
