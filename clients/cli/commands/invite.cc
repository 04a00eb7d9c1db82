#include <iostream>
#include <string>

#include "clients/cli/command.h"
#include "clients/cli/entry_flags.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  v1::CreateInviteRequest request;
  request.set_family_id(family.str());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  if (arguments.Has("device")) {
    request.set_member_id(view.own_member_id());
  } else if (arguments.Has("member")) {
    ASSIGN_OR_RETURN(*request.mutable_member_id(), view.MemberCalled(*arguments.Get("member")));
  } else {
    ASSIGN_OR_RETURN(const v1::Role role,
                     ParseWord<v1::Role>(arguments.GetOr("role", "caregiver")));
    request.set_role(role);
  }
  if (arguments.Has("valid-for")) {
    ASSIGN_OR_RETURN(const absl::Duration valid, ReadDuration(*arguments.Get("valid-for")));
    request.mutable_valid_for()->set_seconds(absl::ToInt64Seconds(valid));
  }
  if (arguments.Has("scope")) {
    ASSIGN_OR_RETURN(const auto scope, ParseWord<v1::ConsentScope>(*arguments.Get("scope")));
    request.set_consent_scope(scope);
  }
  if (arguments.Has("until")) {
    ASSIGN_OR_RETURN(const GivenMoment until,
                     ReadMoment(*arguments.Get("until"), phone.Now(), absl::LocalTimeZone()));
    *request.mutable_consent_until() = ToProto(until.time);
  }
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  ASSIGN_OR_RETURN(const v1::CreateInviteResponse invite,
                   connection->CreateInvite(request, CallDeadline()));
  if (phone.options().json) {
    std::cout << ToJson(invite) << "\n";
  } else {
    std::cout << invite.code() << "\n"
              << "on the other phone: nightlog join " << invite.code()
              << " --name NAME --server HOST:PORT\nvalid once, until "
              << DateAndTime(FromProto(invite.expires_at()), absl::LocalTimeZone()) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kInviteCommand = {
    "invite",
    "[--role ROLE]\n--device\n--member NAME",
    "make a code that pairs one more phone",
    {{"role", "WORD", "caregiver (the default), owner, viewer or consultant"},
     {"device", "", "for another phone of your own"},
     {"member", "NAME", "for a phone of somebody who is a member already"},
     {"valid-for", "DURATION", "1m to 720h; default 24h"},
     {"scope", "WORD", "consultant: nights (the default) or entries"},
     {"until", "TIME", "consultant: when consent ends; default in 60 days"}},
    Run};

}  // namespace nightlog::cli
