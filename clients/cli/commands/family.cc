#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "clients/cpp/pairing.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Create(Phone& phone, const Arguments& arguments) {
  v1::CreateFamilyRequest request;
  request.set_family_name(arguments.words()[1]);
  ASSIGN_OR_RETURN(*request.mutable_member_name(), arguments.Required("name"));
  request.set_device_name(
      arguments.GetOr("device", absl::StrCat(request.member_name(), "'s phone")));
  request.set_setup_code(arguments.GetOr("setup-code", ""));
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  ASSIGN_OR_RETURN(const FamilyId family, CreateFamily(*connection, phone.replica(), phone.random(),
                                                       request, CallDeadline()));
  RETURN_IF_ERROR(phone.Sync(family, absl::Seconds(10)));
  if (phone.options().json) {
    std::cout << JsonObject().Add("family_id", family.hex()).str() << "\n";
  } else {
    std::cout << "made the family " << request.family_name() << "; you are its owner\n";
  }
  return absl::OkStatus();
}

// Makes the family once more on a server that lost it, such as one restored from an older backup.
absl::Status Remake(Phone& phone, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyState state, phone.replica().FamilyStateOf(family));
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  v1::CreateFamilyRequest request;
  request.set_family_id(family.str());
  request.set_family_name(state.pairing.family_name());
  request.set_member_name(view.MemberName(state.pairing.member_id()));
  request.set_device_name(absl::StrCat(request.member_name(), "'s phone"));
  request.set_setup_code(arguments.GetOr("setup-code", ""));
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  RETURN_IF_ERROR(
      CreateFamily(*connection, phone.replica(), phone.random(), request, CallDeadline()).status());
  RETURN_IF_ERROR(phone.Sync(family, absl::Seconds(60)));
  if (phone.options().json) {
    std::cout << JsonObject().Add("family_id", family.hex()).str() << "\n";
  } else {
    std::cout << "made the family " << request.family_name()
              << " again, with what this phone has; invite the others once more\n";
  }
  return absl::OkStatus();
}

// `on Sam's phone since 03:12`, if the device holds all that this phone does.
std::string DeviceInWords(const v1::Device& device, uint64_t head) {
  if (device.revoked()) return absl::StrCat(device.name(), ": revoked");
  if (!device.has_acknowledged_at()) return absl::StrCat(device.name(), ": nothing yet");
  const std::string when = DateAndTime(FromProto(device.acknowledged_at()), absl::LocalTimeZone());
  return device.acknowledged().revision() >= head
             ? absl::StrCat("everything is on ", device.name(), " since ", when)
             : absl::StrCat(device.name(), " has what there was at ", when);
}

absl::Status Show(Phone& phone) {
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyState state, phone.replica().FamilyStateOf(family));
  v1::ListMembersResponse members;
  bool online = false;
  if (!phone.options().offline) {
    ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
    v1::ListMembersRequest request;
    request.set_family_id(family.str());
    const auto response = connection->ListMembers(request, CallDeadline());
    if (response.ok()) {
      members = *response;
      online = true;
    } else if (!IsOffline(response.status())) {
      return response.status();
    }
  }
  if (!online) {
    ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
    for (const auto& [id, member] : view.members()) {
      v1::MemberWithDevices& shown = *members.add_members();
      shown.set_member_id(id);
      *shown.mutable_member() = member;
    }
  }
  if (phone.options().json) {
    std::cout << JsonObject()
                     .Add("family_id", family.hex())
                     .Add("name", state.pairing.family_name())
                     .AddJson("pairing", ToJson(state.pairing))
                     .Add("devices_known", online)
                     .AddJson("members", ToJson(members))
                     .str()
              << "\n";
    return absl::OkStatus();
  }
  std::cout << state.pairing.family_name() << "\n";
  for (const v1::MemberWithDevices& shown : members.members()) {
    const v1::Member& member = shown.member();
    std::cout << "  " << member.name() << ", " << Word(member.role());
    if (member.removed()) std::cout << ", has left";
    if (member.has_until()) {
      std::cout << ", until " << DateAndTime(FromProto(member.until()), absl::LocalTimeZone());
    }
    if (shown.member_id() == state.pairing.member_id()) std::cout << " (you)";
    std::cout << "\n";
    for (const v1::Device& device : shown.devices()) {
      std::cout << "    " << DeviceInWords(device, state.cursor.revision()) << "\n";
    }
  }
  if (!online) std::cout << "(offline: which device has what is not known)\n";
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  if (words.size() == 2 && words[0] == "create") return Create(phone, arguments);
  if (words.size() == 1 && words[0] == "remake") return Remake(phone, arguments);
  if (words.empty() || (words.size() == 1 && words[0] == "show")) return Show(phone);
  return WrongWords();
}

}  // namespace

const Command kFamilyCommand = {
    "family",
    "create FAMILY --name YOUR_NAME --server HOST:PORT\nshow\nremake",
    "make a family, or show its members and devices; remake one that the server lost",
    {{"name", "NAME", "create: what you are called in the family"},
     {"setup-code", "CODE", "where the server asks for one; its set-up link ends with it"},
     {"device", "NAME", "create: what this phone is called; default NAME's phone"}},
    Run};

}  // namespace nightlog::cli
