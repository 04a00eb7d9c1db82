#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "clients/cpp/pairing.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  v1::JoinRequest request;
  request.set_code(arguments.words()[0]);
  request.set_member_name(arguments.GetOr("name", ""));
  request.set_device_name(arguments.GetOr(
      "device",
      arguments.Has("name") ? absl::StrCat(request.member_name(), "'s phone") : "another phone"));
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  ASSIGN_OR_RETURN(const FamilyId family, JoinFamily(*connection, phone.replica(), phone.random(),
                                                     request, CallDeadline()));
  const absl::Status synced = phone.Sync(family, absl::Seconds(60));
  const bool may_not = ReasonOf(synced) == v1::ERROR_REASON_ROLE_NOT_ALLOWED;
  if (!may_not) RETURN_IF_ERROR(synced);
  ASSIGN_OR_RETURN(const FamilyState state, phone.replica().FamilyStateOf(family));
  if (phone.options().json) {
    std::cout << JsonObject().Add("family_id", family.hex()).str() << "\n";
  } else {
    std::cout << "joined the family " << state.pairing.family_name() << " as "
              << Word(state.pairing.role()) << "\n";
    if (may_not) std::cout << ErrorInWords(synced) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kJoinCommand = {
    "join",
    "CODE --name YOUR_NAME --server HOST:PORT",
    "pair this phone by a code from 'invite'",
    {{"name", "NAME", "what you are called in the family; not for your own second phone"},
     {"device", "NAME", "what this phone is called; default NAME's phone"}},
    Run};

}  // namespace nightlog::cli
