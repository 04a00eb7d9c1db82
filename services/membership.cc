#include "services/membership.h"

#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/str_cat.h"
#include "google/protobuf/empty.pb.h"
#include "services/access.h"
#include "services/access_events.h"
#include "services/invite_code.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

using storage::v1::StoredEvent;
using storage::v1::StoredFamilyDevice;
using storage::v1::StoredInvite;
using storage::v1::StoredMember;
using storage::v1::StoredPairing;

// How long a pairing may be asked for again.
constexpr absl::Duration kPairingRepeatable = absl::Hours(24);
// Rows that a new invite or pairing looks at: an expired one costs nobody much for long.
constexpr int kRowsSwept = 8;

constexpr absl::Duration kInviteValidMin = absl::Minutes(1);
constexpr absl::Duration kInviteValidMax = absl::Hours(24 * 30);
constexpr absl::Duration kInviteValidDefault = absl::Hours(24);
constexpr absl::Duration kConsentDefault = absl::Hours(24 * 60);

// Removes what has expired among a few of the store's rows under `prefix`, from a random one on.
// Called as often as such rows are made, so few expired ones are left at any time.
template <typename Row>
absl::Status SweepExpired(const std::string& prefix, FamilyWriter& writer, Random& random) {
  const std::string middle = absl::StrCat(prefix, random.Bytes(32));
  std::vector<std::string> expired;
  int looked_at = 0;
  for (const auto& [start, limit] :
       {std::make_pair(middle, PrefixLimit(prefix)), std::make_pair(prefix, middle)}) {
    auto it = writer.view().Scan(kAccessColumn, start, limit, ScanOrder::kAscending);
    for (; it->Valid() && looked_at < kRowsSwept; it->Next(), ++looked_at) {
      Row row;
      if (ParseRow(it->value(), row).ok() && FromProto(row.expires_at()) <= writer.now()) {
        expired.emplace_back(it->key());
      }
    }
    RETURN_IF_ERROR(it->status());
  }
  for (const std::string& key : expired) writer.Delete(kAccessColumn, key);
  return absl::OkStatus();
}

}  // namespace

absl::Status InviteNotValid() {
  return MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_INVITE_NOT_VALID,
                   "The code is wrong, used or expired; ask for a new one.");
}

absl::StatusOr<StoredInvite> InviteFor(const v1::CreateInviteRequest& request, absl::Time now) {
  StoredInvite invite;
  invite.set_family_id(request.family_id());
  invite.set_member_id(request.member_id());
  if (!request.member_id().empty()) return invite;
  if (request.role() == v1::ROLE_UNSPECIFIED || !v1::Role_IsValid(request.role())) {
    return InvalidFieldError("role", "must be one that this server knows, unless member_id is set");
  }
  invite.set_role(request.role());
  if (request.role() != v1::ROLE_CONSULTANT) return invite;
  if (!v1::ConsentScope_IsValid(request.consent_scope())) {
    return InvalidFieldError("consent_scope", "must be one that this server knows");
  }
  invite.set_consent_scope(request.consent_scope() == v1::CONSENT_SCOPE_UNSPECIFIED
                               ? v1::CONSENT_SCOPE_NIGHTS
                               : request.consent_scope());
  *invite.mutable_consent_until() =
      request.has_consent_until() ? request.consent_until() : ToProto(now + kConsentDefault);
  if (FromProto(invite.consent_until()) <= now) {
    return InvalidFieldError("consent_until", "must be in the future");
  }
  return invite;
}

absl::StatusOr<absl::Duration> ValidityOf(const v1::CreateInviteRequest& request) {
  if (!request.has_valid_for()) return kInviteValidDefault;
  const absl::Duration valid_for =
      absl::Seconds(request.valid_for().seconds()) + absl::Nanoseconds(request.valid_for().nanos());
  if (valid_for < kInviteValidMin || valid_for > kInviteValidMax) {
    return InvalidFieldError("valid_for", "must be 1 minute to 30 days");
  }
  return valid_for;
}

absl::StatusOr<std::string> PutInvite(FamilyWriter& writer, const StoredInvite& invite,
                                      Random& random) {
  RETURN_IF_ERROR(SweepExpired<StoredInvite>(InvitesPrefix(), writer, random));
  std::string code = MakeInviteCode(random);
  writer.Put(kAccessColumn, InviteKey(SecretHash(*NormalizeInviteCode(code))), invite);
  return code;
}

absl::StatusOr<FamilyId> FamilyToJoin(const ReadView& view, const std::string& code_hash,
                                      const std::string& request_id) {
  ASSIGN_OR_RETURN(const absl::optional<StoredInvite> invite, ReadInvite(view, code_hash));
  if (invite.has_value()) return FamilyId(invite->family_id());
  ASSIGN_OR_RETURN(const absl::optional<StoredPairing> pairing,
                   ReadPairing(view, SecretHash(request_id)));
  if (pairing.has_value()) return FamilyId(pairing->family_id());
  return InviteNotValid();
}

absl::StatusOr<StoredInvite> UsableInvite(const FamilyWriter& writer,
                                          const std::string& code_hash) {
  ASSIGN_OR_RETURN(const absl::optional<StoredInvite> invite, ReadInvite(writer.view(), code_hash));
  if (!invite.has_value() || !writer.exists() ||
      (FromProto(invite->expires_at()) <= writer.now() && !Planted("expired_invite_holds"))) {
    return InviteNotValid();
  }
  const absl::StatusOr<Access> inviter =
      Authorize(writer.reader(), DeviceId(invite->invited_by()), writer.now());
  if (Planted("invite_outlives_its_giver")) return *invite;
  if (absl::IsPermissionDenied(inviter.status())) return InviteNotValid();
  RETURN_IF_ERROR(inviter.status());
  const bool is_own = invite->member_id() == inviter->member.bytes();
  if (!MayCall(inviter->role, is_own ? Action::kInviteOwnDevice : Action::kInviteMember) &&
      !Planted("invite_outlives_its_givers_role")) {
    return InviteNotValid();
  }
  if (!invite->member_id().empty()) {
    ASSIGN_OR_RETURN(const absl::optional<StoredMember> member,
                     writer.reader().Member(MemberId(invite->member_id())));
    if (!member.has_value() || member->removed()) return InviteNotValid();
  }
  return *invite;
}

absl::StatusOr<bool> AddRefusedInvite(FamilyWriter& writer, const std::string& token,
                                      const std::string& code_hash) {
  ASSIGN_OR_RETURN(const absl::optional<StoredInvite> invite, ReadInvite(writer.view(), code_hash));
  if (!invite.has_value() || !writer.exists()) return false;
  StoredEvent event;
  event.set_kind(v1::ACCESS_EVENT_KIND_INVITE_REFUSED);
  const absl::StatusOr<DeviceId> device = Authenticate(writer.view(), token);
  if (device.ok()) {
    ASSIGN_OR_RETURN(const absl::optional<StoredFamilyDevice> paired,
                     writer.reader().Device(*device));
    if (paired.has_value()) {
      event = EventBy(*device, MemberId(paired->member_id()), v1::ACCESS_EVENT_KIND_INVITE_REFUSED);
    }
  }
  ASSIGN_OR_RETURN(const absl::optional<StoredFamilyDevice> giver,
                   writer.reader().Device(DeviceId(invite->invited_by())));
  if (giver.has_value()) event.set_subject_member_id(giver->member_id());
  event.set_subject_device_id(invite->invited_by());
  event.set_role(invite->role());
  event.set_invite_number(invite->event_number());
  RETURN_IF_ERROR(AddEvent(std::move(event), writer).status());
  return true;
}

absl::StatusOr<std::vector<DeviceId>> DevicesOf(const FamilyReader& reader,
                                                const MemberId& member) {
  std::vector<DeviceId> devices;
  RETURN_IF_ERROR(reader.ScanDevices([&](const DeviceId& id, const StoredFamilyDevice& device) {
    if (device.member_id() == member.bytes()) devices.push_back(id);
    return true;
  }));
  return devices;
}

absl::Status RequireOwnerWithout(const FamilyReader& reader, const std::vector<DeviceId>& going) {
  std::set<std::string> reachable;  // members who keep a device
  RETURN_IF_ERROR(reader.ScanDevices([&](const DeviceId& id, const StoredFamilyDevice& device) {
    if (!device.revoked() && !absl::c_linear_search(going, id)) {
      reachable.insert(device.member_id());
    }
    return true;
  }));
  bool found = false;
  RETURN_IF_ERROR(reader.ScanMembers([&](const MemberId& id, const StoredMember& member) {
    found = Planted("last_owner_may_leave") ||
            (!member.removed() && member.role() == v1::ROLE_OWNER && reachable.count(id.str()) > 0);
    return !found;
  }));
  if (found) return absl::OkStatus();
  return MakeError(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_LAST_OWNER,
                   "A family keeps at least one owner who has a device; make someone else an owner "
                   "first.");
}

absl::Status PutMember(FamilyWriter& writer, const MemberId& id, const StoredMember& member,
                       const MemberId& actor, absl::string_view operation) {
  RETURN_IF_ERROR(writer.BeginRevision().status());
  writer.Put(kAccessColumn, MemberKey(writer.family(), id), member);
  const RecordId record_id(id.bytes());
  if (!Planted("public_member_stale")) {
    RETURN_IF_ERROR(
        writer.PutServerRecord({record_id, kMember, SerializeDeterministic(PublicMember(member))}));
  }
  storage::v1::JournalEntry entry;
  entry.set_member_id(actor.str());
  *entry.mutable_made_at() = ToProto(writer.now());
  entry.add_server_record_ids(record_id.str());
  entry.set_operation(std::string(operation));
  writer.EndRevision(std::move(entry));
  return absl::OkStatus();
}

absl::StatusOr<MemberId> JoinAs(FamilyWriter& writer, const StoredInvite& invite,
                                const DeviceId& device, const std::string& member_name,
                                Random& random, absl::optional<StoredMember>& before) {
  const FamilyReader& reader = writer.reader();
  if (!invite.member_id().empty()) return MemberId(invite.member_id());
  MemberId id;
  absl::optional<StoredMember> member;
  ASSIGN_OR_RETURN(const absl::optional<StoredFamilyDevice> paired, reader.Device(device));
  if (paired.has_value() && !paired->revoked()) {
    id = MemberId(paired->member_id());
    ASSIGN_OR_RETURN(member, reader.Member(id));
  }
  if (!member.has_value() || member->removed()) {
    if (member_name.empty()) return InvalidFieldError("member_name", "is required");
    id = MemberId::Make(random);
    member.emplace();
    *member->mutable_since() = ToProto(writer.now());
  } else {
    before = member;
    if (member->role() == v1::ROLE_OWNER && invite.role() != v1::ROLE_OWNER) {
      ASSIGN_OR_RETURN(const std::vector<DeviceId> devices, DevicesOf(reader, id));
      RETURN_IF_ERROR(RequireOwnerWithout(reader, devices));
    }
  }
  if (!member_name.empty()) member->set_name(member_name);
  if (!before.has_value() || !Planted("joining_keeps_the_role")) member->set_role(invite.role());
  member->set_consent_scope(invite.consent_scope());
  member->clear_until();
  if (invite.has_consent_until()) *member->mutable_until() = invite.consent_until();
  RETURN_IF_ERROR(PutMember(writer, id, *member, id, "join"));
  return id;
}

absl::StatusOr<DeviceId> FindOrMakeDevice(FamilyWriter& writer, const std::string& token,
                                          const std::string& request_id, Random& random,
                                          v1::Pairing& pairing) {
  StoredPairing repeatable;
  absl::StatusOr<DeviceId> device = Authenticate(writer.view(), token);
  // One that was announced is no stranger's.
  if (absl::IsUnauthenticated(device.status()) && !CheckToken(writer.view(), token).ok()) {
    device = DeviceId::Make(random);
    repeatable.set_token_salt(random.Bytes(32));
    pairing.set_device_token(MakeToken(repeatable.token_salt(), request_id));
    storage::v1::StoredDevice row;
    row.set_device_id(device->str());
    *row.mutable_created_at() = ToProto(writer.now());
    writer.Put(kAccessColumn, DeviceKey(SecretHash(pairing.device_token())), row);
  }
  if (!device.ok() || request_id.empty()) return device;
  RETURN_IF_ERROR(SweepExpired<StoredPairing>(PairingsPrefix(), writer, random));
  repeatable.set_family_id(writer.family().str());
  repeatable.set_device_id(device->str());
  *repeatable.mutable_expires_at() = ToProto(writer.now() + kPairingRepeatable);
  writer.Put(kAccessColumn, PairingKey(SecretHash(request_id)), repeatable);
  return device;
}

absl::Status PairDevice(FamilyWriter& writer, const DeviceId& device, const MemberId& member,
                        const std::string& name, Random& random) {
  ASSIGN_OR_RETURN(absl::optional<StoredFamilyDevice> row, writer.reader().Device(device));
  if (!row.has_value() || row->revoked() || row->member_id() != member.bytes()) {
    const ReplicaId replica = ReplicaId::Make(random);
    PutReplica(writer, replica, device, member);
    row.emplace();
    row->set_member_id(member.str());
    row->set_replica_id(replica.str());
    *row->mutable_paired_at() = ToProto(writer.now());
  }
  row->set_name(name);
  writer.Put(kAccessColumn, FamilyDeviceKey(writer.family(), device), *row);
  writer.Put(kAccessColumn, DeviceFamilyKey(device, writer.family()), google::protobuf::Empty());
  return absl::OkStatus();
}

void PutReplica(FamilyWriter& writer, const ReplicaId& id, const DeviceId& device,
                const MemberId& member) {
  storage::v1::Replica replica;
  replica.set_device_id(device.str());
  replica.set_member_id(member.str());
  writer.Put(kReplicaColumn, ReplicaKey(writer.family(), id), replica);
}

absl::Status AddPairing(FamilyWriter& writer, const StoredInvite& invite, const DeviceId& device,
                        const MemberId& member_id, const absl::optional<StoredMember>& before) {
  ASSIGN_OR_RETURN(const absl::optional<StoredFamilyDevice> giver,
                   writer.reader().Device(DeviceId(invite.invited_by())));
  ASSIGN_OR_RETURN(const absl::optional<StoredMember> member, writer.reader().Member(member_id));
  if (!giver.has_value() || !member.has_value()) return DamagedRow();
  StoredEvent event = EventBy(DeviceId(invite.invited_by()), MemberId(giver->member_id()),
                              v1::ACCESS_EVENT_KIND_DEVICE_PAIRED);
  event.set_subject_member_id(member_id.str());
  event.set_subject_device_id(device.str());
  event.set_role(member->role());
  event.set_consent_scope(member->consent_scope());
  if (member->has_until()) *event.mutable_consent_until() = member->until();
  event.set_invite_number(invite.event_number());
  RETURN_IF_ERROR(AddEvent(event, writer).status());
  if (!before.has_value()) return absl::OkStatus();
  if (before->role() != member->role()) {
    event.set_kind(v1::ACCESS_EVENT_KIND_ROLE_CHANGED);
  } else if (before->consent_scope() != member->consent_scope() ||
             FromProto(before->until()) != FromProto(member->until())) {
    event.set_kind(v1::ACCESS_EVENT_KIND_CONSENT_CHANGED);
  } else {
    return absl::OkStatus();
  }
  return AddEvent(std::move(event), writer).status();
}

absl::Status FillPairing(const FamilyReader& reader, const DeviceId& device, absl::Time now,
                         v1::Pairing& pairing) {
  ASSIGN_OR_RETURN(const Access access, Authorize(reader, device, now));
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::FamilyHead> head, reader.Head());
  pairing.set_family_id(reader.family().str());
  if (head.has_value()) pairing.set_family_name(head->name());
  pairing.set_member_id(access.member.str());
  pairing.set_role(access.role);
  pairing.set_device_id(device.str());
  pairing.set_replica_id(access.replica.str());
  return absl::OkStatus();
}

absl::StatusOr<bool> RepeatPairing(const FamilyWriter& writer, const std::string& token,
                                   const std::string& request_id, v1::Pairing& pairing) {
  if (request_id.empty()) return false;
  ASSIGN_OR_RETURN(const absl::optional<StoredPairing> stored,
                   ReadPairing(writer.view(), SecretHash(request_id)));
  if (!stored.has_value() || FromProto(stored->expires_at()) <= writer.now() ||
      Planted("pairing_not_repeatable")) {
    return false;
  }
  if (stored->family_id() != writer.family().bytes()) {
    return InvalidFieldError("request_id", "names another request; make a new one");
  }
  if (!stored->token_salt().empty()) {
    pairing.set_device_token(MakeToken(stored->token_salt(), request_id));
  }
  ASSIGN_OR_RETURN(
      const DeviceId device,
      Authenticate(writer.view(), stored->token_salt().empty() ? token : pairing.device_token()));
  if (device.bytes() != stored->device_id()) {
    return InvalidFieldError("request_id", "names a request of another device; make a new one");
  }
  RETURN_IF_ERROR(FillPairing(writer.reader(), device, writer.now(), pairing));
  return true;
}

}  // namespace nightlog
