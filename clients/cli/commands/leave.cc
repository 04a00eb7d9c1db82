#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(FamilyState state, phone.replica().FamilyStateOf(family));
  if (state.closed.empty()) {
    const absl::Status synced = phone.Sync(family, absl::Minutes(1));
    ASSIGN_OR_RETURN(state, phone.replica().FamilyStateOf(family));
    // What the role does not allow to send is told below.
    const bool may_not = ReasonOf(synced) == v1::ERROR_REASON_ROLE_NOT_ALLOWED;
    if (state.closed.empty() && !may_not) RETURN_IF_ERROR(synced);
  }
  const uint64_t lost = state.pending + state.needs_attention;
  if (lost > 0 && !arguments.Has("drop-unsent")) {
    return absl::FailedPreconditionError(
        absl::StrCat(lost,
                     " taps are only on this phone and would be lost; see "
                     "'needs-attention', or say --drop-unsent"));
  }
  if (state.closed.empty()) {
    v1::RemoveMemberRequest request;
    request.set_family_id(family.str());
    request.set_member_id(state.pairing.member_id());
    ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
    RETURN_IF_ERROR(connection->RemoveMember(request, CallDeadline()).status());
  }
  RETURN_IF_ERROR(phone.replica().ForgetFamily(family));
  if (!phone.options().json) {
    std::cout << "you have left " << state.pairing.family_name()
              << "; nothing of it is on this phone any more\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kLeaveCommand = {
    "leave",
    "",
    "leave the family, on all your devices, and forget it here",
    {{"drop-unsent", "", "even if something tapped here was never synced"}},
    Run};

}  // namespace nightlog::cli
