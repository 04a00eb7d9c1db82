#include "clients/cli/event_words.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"

namespace nightlog::cli {
namespace {

std::string NameOf(const NamesById& names, const std::string& id, absl::string_view otherwise) {
  const auto name = names.find(id);
  return name == names.end() ? std::string(otherwise) : name->second;
}

// What a role may do beyond its name: `caregiver`, `consultant who sees nights until 2026-12-31`.
std::string GrantInWords(const v1::AccessEvent& event, absl::TimeZone zone) {
  std::string words = Word(event.role());
  if (event.role() == v1::ROLE_CONSULTANT) {
    absl::StrAppend(&words, " who sees ", Word(event.consent_scope()), " until ",
                    DateAndTime(FromProto(event.consent_until()), zone));
  }
  return words;
}

}  // namespace

NamesById NamesOf(const v1::ListMembersResponse& members) {
  NamesById names;
  for (const v1::MemberWithDevices& member : members.members()) {
    names[member.member_id()] = member.member().name();
    for (const v1::Device& device : member.devices()) names[device.device_id()] = device.name();
  }
  return names;
}

std::string EventInWords(const v1::AccessEvent& event, const NamesById& names,
                         absl::TimeZone zone) {
  const std::string actor = NameOf(names, event.actor_member_id(), "somebody");
  const std::string phone = NameOf(names, event.actor_device_id(), "a phone");
  const std::string subject = NameOf(names, event.subject_member_id(), "somebody");
  const std::string device = NameOf(names, event.subject_device_id(), "a phone");
  std::string words;
  switch (event.kind()) {
    case v1::ACCESS_EVENT_KIND_FAMILY_CREATED:
      words = absl::StrCat(actor, " made the family, on ", phone);
      break;
    case v1::ACCESS_EVENT_KIND_INVITE_GIVEN:
      words = absl::StrCat(
          actor, " gave an invite for ",
          event.subject_member_id().empty() ? absl::StrCat("a ", GrantInWords(event, zone))
                                            : absl::StrCat("a further device of ", subject),
          "; its code holds until ", DateAndTime(FromProto(event.invite_expires_at()), zone));
      break;
    case v1::ACCESS_EVENT_KIND_DEVICE_PAIRED:
      words = absl::StrCat(subject, " joined with ", device, " as ", GrantInWords(event, zone),
                           ", by an invite of ", actor);
      break;
    case v1::ACCESS_EVENT_KIND_INVITE_VOIDED:
      words = absl::StrCat("an open invite of ", subject, " holds no longer");
      break;
    case v1::ACCESS_EVENT_KIND_INVITE_REFUSED:
      words = absl::StrCat(actor, " tried an invite of ", subject, " that holds no longer");
      break;
    case v1::ACCESS_EVENT_KIND_DEVICE_REVOKED:
      words = absl::StrCat(actor, " shut out ", device, " of ", subject);
      break;
    case v1::ACCESS_EVENT_KIND_MEMBER_REMOVED:
      words = absl::StrCat(actor, " removed ", subject);
      break;
    case v1::ACCESS_EVENT_KIND_MEMBER_LEFT:
      words = absl::StrCat(actor, " left");
      break;
    case v1::ACCESS_EVENT_KIND_ROLE_CHANGED:
      words = absl::StrCat(subject, " is a ", GrantInWords(event, zone), " now, by an invite of ",
                           actor);
      break;
    case v1::ACCESS_EVENT_KIND_CONSENT_CHANGED:
      words = absl::StrCat(actor, " made ", subject, " a ", GrantInWords(event, zone));
      break;
    case v1::ACCESS_EVENT_KIND_CONSENT_ENDED:
      words = absl::StrCat(actor, " ended what ", subject, " may see");
      break;
    case v1::ACCESS_EVENT_KIND_REPLICA_RENEWED:
      words = absl::StrCat(phone, " of ", actor, " was restored or copied, and got a new replica");
      break;
    case v1::ACCESS_EVENT_KIND_TOKEN_ROTATED:
      words = absl::StrCat(phone, " of ", actor, " got a new token");
      break;
    case v1::ACCESS_EVENT_KIND_FAMILY_EXPORTED:
      words = absl::StrCat(actor, " took an export, with ", phone);
      break;
    case v1::ACCESS_EVENT_KIND_QUARANTINE_ACCEPTED:
      words = absl::StrCat(actor, " took in what ", subject, " sent late");
      break;
    case v1::ACCESS_EVENT_KIND_QUARANTINE_REFUSED:
      words = absl::StrCat(actor, " dropped what ", subject, " sent late");
      break;
    default:
      words = absl::StrCat(actor, ": ", Word(event.kind()));
  }
  if (event.count() > 1) absl::StrAppend(&words, ", ", event.count(), " times");
  return words;
}

}  // namespace nightlog::cli
