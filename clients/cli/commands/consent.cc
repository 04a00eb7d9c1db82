#include <iostream>
#include <string>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/entry_flags.h"
#include "clients/cli/family_view.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  // This needs the server anyway, and the member may have joined since the last sync.
  RETURN_IF_ERROR(phone.Sync(family, absl::Minutes(1)));
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  v1::SetConsentRequest request;
  request.set_family_id(family.str());
  ASSIGN_OR_RETURN(*request.mutable_member_id(), view.MemberCalled(arguments.words()[0]));
  const v1::Member& member = view.members().at(request.member_id());
  request.set_scope(member.consent_scope());
  *request.mutable_until() = member.until();
  if (arguments.Has("scope")) {
    ASSIGN_OR_RETURN(const auto scope, ParseWord<v1::ConsentScope>(*arguments.Get("scope")));
    request.set_scope(scope);
  }
  if (arguments.Has("end")) {
    *request.mutable_until() = ToProto(absl::UnixEpoch());  // any time that is past
  } else if (arguments.Has("until")) {
    ASSIGN_OR_RETURN(const GivenMoment until,
                     ReadMoment(*arguments.Get("until"), phone.Now(), absl::LocalTimeZone()));
    *request.mutable_until() = ToProto(until.time);
  }
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  RETURN_IF_ERROR(connection->SetConsent(request, CallDeadline()).status());
  if (phone.options().json) return absl::OkStatus();
  if (arguments.Has("end")) {
    std::cout << member.name() << " sees nothing of this family any more\n";
  } else {
    std::cout << member.name() << " may see "
              << (request.scope() == v1::CONSENT_SCOPE_ENTRIES ? "every entry" : "the nights")
              << " until " << DateAndTime(FromProto(request.until()), absl::LocalTimeZone())
              << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kConsentCommand = {
    "consent",
    "CONSULTANT --scope WORD --until TIME\nCONSULTANT --end",
    "what a consultant may see, and until when",
    {{"scope", "WORD", "nights (figures, plans, comments) or entries (the whole log)"},
     {"until", "TIME", "such as '2026-12-31 12:00'"},
     {"end", "", "from now on nothing"}},
    Run};

}  // namespace nightlog::cli
