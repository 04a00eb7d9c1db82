#include <iostream>
#include <string>

#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  // This needs the server anyway, and the member may have joined since the last sync.
  RETURN_IF_ERROR(phone.Sync(family, absl::Minutes(1)));
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  v1::RemoveMemberRequest request;
  request.set_family_id(family.str());
  ASSIGN_OR_RETURN(*request.mutable_member_id(), view.MemberCalled(arguments.words()[0]));
  if (request.member_id() == view.own_member_id()) {
    return absl::InvalidArgumentError("that is you; use 'leave'");
  }
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  RETURN_IF_ERROR(connection->RemoveMember(request, CallDeadline()).status());
  if (!phone.options().json) {
    std::cout << view.MemberName(request.member_id()) << " is no longer in the family\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kRemoveMemberCommand = {
    "remove-member", "MEMBER", "end somebody's access, on all their devices", {}, Run};

}  // namespace nightlog::cli
