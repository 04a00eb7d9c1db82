#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/command.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  const std::string& wanted = arguments.words()[0];
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  v1::ListMembersRequest list;
  list.set_family_id(family.str());
  ASSIGN_OR_RETURN(const v1::ListMembersResponse members,
                   connection->ListMembers(list, CallDeadline()));
  std::vector<v1::Device> fitting;
  std::vector<std::string> names;
  for (const v1::MemberWithDevices& member : members.members()) {
    for (const v1::Device& device : member.devices()) {
      if (device.revoked()) continue;
      names.push_back(device.name());
      const bool id_fits = wanted.size() >= 4 &&
                           absl::StartsWith(absl::BytesToHexString(device.device_id()), wanted);
      if (absl::EqualsIgnoreCase(device.name(), wanted) || id_fits) fitting.push_back(device);
    }
  }
  if (fitting.empty()) {
    return absl::NotFoundError(
        absl::StrCat("there is no device '", wanted, "', only ", absl::StrJoin(names, ", ")));
  }
  if (fitting.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("several devices are called '", wanted,
                     "'; give how the device's id begins ('nightlog family show --json' has it)"));
  }
  v1::RevokeDeviceRequest request;
  request.set_family_id(family.str());
  request.set_device_id(fitting[0].device_id());
  RETURN_IF_ERROR(connection->RevokeDevice(request, CallDeadline()).status());
  if (!phone.options().json) std::cout << fitting[0].name() << " is shut out\n";
  return absl::OkStatus();
}

}  // namespace

const Command kRevokeDeviceCommand = {"revoke-device", "DEVICE", "shut a lost phone out", {}, Run};

}  // namespace nightlog::cli
