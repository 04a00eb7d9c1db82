#include <unistd.h>

#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/event_words.h"
#include "clients/cli/export/json_lines.h"
#include "clients/cli/family_view.h"
#include "clients/cli/files.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "clients/cpp/pairing.h"
#include "clients/cpp/token.h"
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

// The owner of the export who brings it here: the one of that name, or whoever made it.
absl::StatusOr<v1::Record> FindCaller(const FamilyExport& exported,
                                      const absl::optional<std::string>& name) {
  for (const v1::Record& record : exported.records) {
    if (!record.has_member() || record.member().role() != v1::ROLE_OWNER ||
        record.member().removed()) {
      continue;
    }
    if (name.has_value() ? record.member().name() == *name
                         : record.record_id() == exported.exported_by.bytes()) {
      return record;
    }
  }
  return absl::NotFoundError(
      name.has_value() ? absl::StrCat("no owner in the export is called ", *name)
                       : "an owner brings a family to another server; say who you are with --name");
}

// Sends all records in requests that the server takes.
absl::Status SendRecords(Connection& connection, const FamilyId& family,
                         const std::vector<v1::Record>& records) {
  constexpr size_t kBytes = 512 << 10;
  constexpr int kCount = 256;
  const bool shows_progress = isatty(STDERR_FILENO) == 1;
  size_t sent = 0;
  while (true) {
    v1::ImportRecordsRequest request;
    request.set_family_id(family.str());
    size_t bytes = 0;
    while (sent < records.size() && bytes < kBytes && request.records_size() < kCount) {
      *request.add_records() = records[sent++];
      bytes += request.records(request.records_size() - 1).ByteSizeLong();
    }
    request.set_last(sent == records.size());
    RETURN_IF_ERROR(connection.ImportRecords(request, absl::Now() + absl::Minutes(5)).status());
    if (shows_progress) {
      std::cerr << "\rsent " << sent << " of " << records.size() << " records" << std::flush;
      if (request.last()) std::cerr << "\r\033[K";
    }
    if (request.last()) return absl::OkStatus();
  }
}

absl::Status Import(Phone& phone, const Arguments& arguments) {
  ASSIGN_OR_RETURN(const std::string text, ReadFile(arguments.words()[1]));
  ASSIGN_OR_RETURN(const FamilyExport exported, FromJsonLines(text));
  ASSIGN_OR_RETURN(const v1::Record caller, FindCaller(exported, arguments.Get("name")));
  v1::CreateFamilyRequest request;
  request.set_family_name(exported.family_name);
  request.set_member_name(caller.member().name());
  request.set_device_name(
      arguments.GetOr("device", absl::StrCat(caller.member().name(), "'s phone")));
  request.set_setup_code(arguments.GetOr("setup-code", ""));
  request.set_imported_member_id(caller.record_id());
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  ASSIGN_OR_RETURN(const FamilyId family, CreateFamily(*connection, phone.replica(), phone.random(),
                                                       request, CallDeadline()));
  RETURN_IF_ERROR(
      SendRecords(*connection, family, InImportOrder(exported, MemberId(caller.record_id()))));
  RETURN_IF_ERROR(phone.Sync(family, absl::Minutes(5)));
  ASSIGN_OR_RETURN(const FamilyState state, phone.replica().FamilyStateOf(family));
  const bool equal = state.state_hash == exported.StateHash();
  if (phone.options().json) {
    std::cout << JsonObject()
                     .Add("family_id", family.hex())
                     .Add("records", static_cast<uint64_t>(exported.records.size()))
                     .Add("state_hash", absl::BytesToHexString(state.state_hash))
                     .Add("equal", equal)
                     .str()
              << "\n";
  } else {
    std::cout << exported.records.size() << " records of the family " << exported.family_name
              << " are here; you are " << caller.member().name() << "\n"
              << (equal
                      ? "they are the same to the last bit"
                      : "this server derives other summaries from them than the one they are from")
              << "; the others join again: nightlog invite --member NAME\n";
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

// Who came and went, and what was given and taken away.
absl::Status ShowEvents(Phone& phone) {
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  v1::ListMembersRequest members_request;
  members_request.set_family_id(family.str());
  ASSIGN_OR_RETURN(const v1::ListMembersResponse members,
                   connection->ListMembers(members_request, CallDeadline()));
  const NamesById names = NamesOf(members);
  v1::ListEventsRequest request;
  request.set_family_id(family.str());
  request.set_page_size(200);
  std::vector<std::string> shown;
  do {
    ASSIGN_OR_RETURN(const v1::ListEventsResponse page,
                     connection->ListEvents(request, CallDeadline()));
    for (const v1::AccessEvent& event : page.events()) {
      const std::string words = EventInWords(event, names, absl::LocalTimeZone());
      shown.push_back(phone.options().json
                          ? JsonObject().AddJson("event", ToJson(event)).Add("words", words).str()
                          : absl::StrCat(DateAndTime(FromProto(event.at()), absl::LocalTimeZone()),
                                         "  ", words));
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (phone.options().json) {
    std::cout << JsonObject().AddJson("events", JsonList(shown)).str() << "\n";
  } else {
    for (const std::string& line : shown) std::cout << line << "\n";
  }
  return absl::OkStatus();
}

absl::Status RotateTokenNow(Phone& phone) {
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  RETURN_IF_ERROR(
      RotateToken(*connection, phone.replica(), phone.random(), family, CallDeadline()));
  // The first call with the new token ends the old one.
  RETURN_IF_ERROR(connection->ListFamilies(v1::ListFamiliesRequest(), CallDeadline()).status());
  if (!phone.options().json) {
    std::cout << "this phone has a new token; the old one holds no longer\n";
  }
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  if (words.size() == 2 && words[0] == "create") return Create(phone, arguments);
  if (words.size() == 1 && words[0] == "remake") return Remake(phone, arguments);
  if (words.size() == 2 && words[0] == "import") return Import(phone, arguments);
  if (words.size() == 1 && words[0] == "events") return ShowEvents(phone);
  if (words.size() == 1 && words[0] == "rotate-token") return RotateTokenNow(phone);
  if (words.empty() || (words.size() == 1 && words[0] == "show")) return Show(phone);
  return WrongWords();
}

}  // namespace

const Command kFamilyCommand = {
    "family",
    "create FAMILY --name YOUR_NAME --server HOST:PORT\n"
    "import FILE [--name YOUR_NAME] --server HOST:PORT\n"
    "show\nevents\nrotate-token\nremake",
    "make a family, bring one from another server, remake one that the server lost, show it, "
    "show who came and went (events; owners and caregivers; asks the server), or exchange this "
    "phone's token for a new one, as it does by itself every 90 days",
    {{"name", "NAME",
      "create: what you are called in the family; import: which owner of it you are"},
     {"setup-code", "CODE", "where the server asks for one; its set-up link ends with it"},
     {"device", "NAME", "what this phone is called; default NAME's phone"}},
    Run};

}  // namespace nightlog::cli
