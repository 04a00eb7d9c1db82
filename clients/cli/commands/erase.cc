#include <iostream>
#include <string>

#include "clients/cli/command.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  v1::EraseFamilyRequest request;
  request.set_family_id(family.str());
  request.set_family_name(arguments.words()[0]);
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  RETURN_IF_ERROR(connection->EraseFamily(request, CallDeadline()).status());
  RETURN_IF_ERROR(phone.replica().ForgetFamily(family));
  if (!phone.options().json) std::cout << "the family is erased, for everybody and for good\n";
  return absl::OkStatus();
}

}  // namespace

const Command kEraseCommand = {
    "erase", "FAMILY_NAME", "erase the family for everybody and for good; type its name", {}, Run};

}  // namespace nightlog::cli
