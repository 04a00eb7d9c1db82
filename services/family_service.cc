#include "services/family_service.h"

#include <map>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "services/access.h"
#include "services/access_events.h"
#include "services/family_export.h"
#include "services/family_import.h"
#include "services/invite_code.h"
#include "services/membership.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/hash.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"
#include "storage/push.h"

namespace nightlog {
namespace {

using storage::v1::StoredEvent;
using storage::v1::StoredFamilyDevice;
using storage::v1::StoredInvite;
using storage::v1::StoredMember;

// Transactions in a page of the quarantine, about.
constexpr size_t kPageBytes = 64 << 10;

constexpr int kQuarantinePageDefault = 50;

constexpr size_t kTokenHashBytes = 32;

absl::Status NotFound(absl::string_view what, const std::string& id_hex) {
  return MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                   absl::StrCat("There is no such ", what, " in this family."), {{what, id_hex}});
}

absl::Status SetupCodeInUse() {
  return WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUSY,
                                  "A family is being made with this set-up code; try again."),
                        absl::Seconds(1));
}

// Who calls, and what they are in the family.
struct Caller {
  DeviceId device;
  Access access;
};

absl::StatusOr<Caller> Admit(const ReadView& view, const FamilyReader& reader,
                             const std::string& token, absl::Time now) {
  Caller caller;
  ASSIGN_OR_RETURN(caller.device, Authenticate(view, token));
  ASSIGN_OR_RETURN(caller.access, Authorize(reader, caller.device, now));
  return caller;
}

absl::StatusOr<Caller> Admit(const FamilyWriter& writer, const std::string& token) {
  return Admit(writer.view(), writer.reader(), token, writer.now());
}

StoredEvent EventBy(const Caller& caller, v1::AccessEventKind kind) {
  return EventBy(caller.device, caller.access.member, kind);
}

// The id of the family to make. One that a request id makes has an id of it, so that a repeat comes
// to the same place.
FamilyId NewFamilyId(const v1::CreateFamilyRequest& request, Random& random) {
  if (!request.family_id().empty()) return FamilyId(request.family_id());
  if (request.request_id().empty()) return FamilyId::Make(random);
  return FamilyId(Sha256(absl::StrCat("family", request.request_id())).substr(0, FamilyId::kSize));
}

absl::Status DecidedOtherwise(bool accepted) {
  return MakeError(absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_ALREADY_DECIDED,
                   accepted ? "An owner accepted it already; undo its edits where they are wrong."
                            : "An owner refused it already, and it is gone.");
}

absl::StatusOr<uint64_t> AcceptQuarantined(FamilyWriter& writer, const ReplicaId& replica,
                                           const storage::v1::QuarantinedTransaction& row,
                                           const MemberId& owner) {
  Pusher author;
  author.member = Planted("accepted_tap_is_the_owners") ? owner : MemberId(row.member_id());
  ASSIGN_OR_RETURN(const absl::optional<StoredMember> member,
                   writer.reader().Member(author.member));
  if (!member.has_value()) return DamagedRow();
  author.may_write = [role = static_cast<v1::Role>(member->role())](uint32_t kind) {
    return MayWrite(role, kind);
  };
  return CommitQuarantined(replica, row, author, owner, writer);
}

absl::StatusOr<uint64_t> RefuseQuarantined(FamilyWriter& writer, const MemberId& owner) {
  ASSIGN_OR_RETURN(const uint64_t revision, writer.BeginRevision());
  storage::v1::JournalEntry entry;
  entry.set_member_id(owner.str());
  *entry.mutable_made_at() = ToProto(writer.now());
  entry.set_operation("refuse");
  writer.EndRevision(std::move(entry));
  return revision;
}

}  // namespace

template <typename Response>
void FamilyService::Commit(const FamilyId& family, Operation<Response> operation,
                           Done<Response> done) const {
  struct Outcome {
    Response response;
    std::vector<DeviceId> access_changed;
  };
  auto outcome = std::make_shared<Outcome>();
  committer_.Submit(
      family,
      [operation = std::move(operation), outcome](FamilyWriter& writer) {
        return operation(writer, outcome->response, outcome->access_changed);
      },
      [this, family, outcome, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        for (const DeviceId& device : outcome->access_changed) {
          streams_.AccessChanged(device, family);
        }
        done(std::move(outcome->response));
      });
}

void FamilyService::CreateFamily(const std::string& token, const v1::CreateFamilyRequest& request,
                                 Done<v1::CreateFamilyResponse> done) const {
  absl::Status valid = ValidateRequest(request);
  if (valid.ok() && request.family_id() == FamilyId().bytes()) {
    valid = InvalidFieldError("family_id", "is no id");
  }
  if (!valid.ok()) return done(valid);
  const FamilyId family = NewFamilyId(request, random_);
  std::string code_hash;
  if (registration_ == Registration::kBySetupCode) {
    absl::StatusOr<std::string> hash = HashSetupCode(request.setup_code());
    if (!hash.ok()) return done(hash.status());
    code_hash = *std::move(hash);
    // Calls with one code may be of families with different writers, which would both see it.
    bool is_free = false;
    {
      absl::MutexLock lock(&codes_mu_);
      is_free = codes_in_use_.insert(code_hash).second;
    }
    if (!is_free) return done(SetupCodeInUse());
    done = [this, code_hash,
            done = std::move(done)](absl::StatusOr<v1::CreateFamilyResponse> result) {
      {
        absl::MutexLock lock(&codes_mu_);
        codes_in_use_.erase(code_hash);
      }
      done(std::move(result));
    };
  }
  Commit<v1::CreateFamilyResponse>(
      family,
      [this, token, request, code_hash](FamilyWriter& writer, v1::CreateFamilyResponse& response,
                                        std::vector<DeviceId>& access_changed) -> absl::Status {
        v1::Pairing& pairing = *response.mutable_pairing();
        ASSIGN_OR_RETURN(const bool repeated,
                         RepeatPairing(writer, token, request.request_id(), pairing));
        if (repeated) return absl::OkStatus();
        if (!code_hash.empty()) RETURN_IF_ERROR(UseSetupCode(code_hash, writer));
        if (writer.exists()) {
          return request.family_id().empty()
                     ? InvalidFieldError("request_id", "is used up; make a new one")
                     : InvalidFieldError("family_id",
                                         "names a family that is here; ask an owner for an invite");
        }
        writer.Create(request.family_name(), random_);
        const bool importing = !request.imported_member_id().empty();
        if (importing) writer.SetImporting(true);
        const MemberId member_id =
            importing ? MemberId(request.imported_member_id()) : MemberId::Make(random_);
        StoredMember member;
        member.set_name(request.member_name());
        member.set_role(v1::ROLE_OWNER);
        *member.mutable_since() = ToProto(writer.now());
        RETURN_IF_ERROR(PutMember(writer, member_id, member, member_id, "create"));
        ASSIGN_OR_RETURN(const DeviceId device,
                         FindOrMakeDevice(writer, token, request.request_id(), random_, pairing));
        RETURN_IF_ERROR(PairDevice(writer, device, member_id, request.device_name(), random_));
        RETURN_IF_ERROR(
            AddEvent(EventBy(device, member_id, v1::ACCESS_EVENT_KIND_FAMILY_CREATED), writer)
                .status());
        access_changed.push_back(device);
        return FillPairing(writer.reader(), device, writer.now(), pairing);
      },
      std::move(done));
}

void FamilyService::CreateInvite(const std::string& token, const v1::CreateInviteRequest& request,
                                 Done<v1::CreateInviteResponse> done) const {
  absl::Status valid = ValidateRequest(request);
  if (!valid.ok()) return done(std::move(valid));
  const absl::StatusOr<absl::Duration> valid_for = ValidityOf(request);
  if (!valid_for.ok()) return done(valid_for.status());
  absl::StatusOr<StoredInvite> invite = InviteFor(request, clock_.Now());
  if (!invite.ok()) return done(invite.status());
  Commit<v1::CreateInviteResponse>(
      FamilyId(request.family_id()),
      [this, token, invite = *std::move(invite), valid_for = *valid_for](
          FamilyWriter& writer, v1::CreateInviteResponse& response,
          std::vector<DeviceId>&) mutable -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        const bool is_own = invite.member_id() == caller.access.member.bytes();
        RETURN_IF_ERROR(RequireAction(caller.access, is_own || Planted("anybody_may_invite")
                                                         ? Action::kInviteOwnDevice
                                                         : Action::kInviteMember));
        if (!invite.member_id().empty()) {
          const MemberId member_id(invite.member_id());
          ASSIGN_OR_RETURN(const auto member, writer.reader().Member(member_id));
          if (!member.has_value() || member->removed()) return NotFound("member", member_id.hex());
        }
        invite.set_invited_by(caller.device.str());
        *invite.mutable_expires_at() = ToProto(writer.now() + valid_for);
        StoredEvent event = EventBy(caller, v1::ACCESS_EVENT_KIND_INVITE_GIVEN);
        event.set_subject_member_id(invite.member_id());
        event.set_role(invite.role());
        event.set_consent_scope(invite.consent_scope());
        if (invite.has_consent_until()) *event.mutable_consent_until() = invite.consent_until();
        *event.mutable_invite_expires_at() = invite.expires_at();
        ASSIGN_OR_RETURN(const uint64_t number, AddEvent(std::move(event), writer));
        invite.set_event_number(number);
        ASSIGN_OR_RETURN(*response.mutable_code(), PutInvite(writer, invite, random_));
        *response.mutable_expires_at() = invite.expires_at();
        return absl::OkStatus();
      },
      std::move(done));
}

void FamilyService::Join(const std::string& token, const v1::JoinRequest& request,
                         Done<v1::JoinResponse> done) const {
  const absl::Status valid = ValidateRequest(request);
  if (!valid.ok()) return done(valid);
  const absl::optional<std::string> code = NormalizeInviteCode(request.code());
  if (!code.has_value()) return done(InviteNotValid());
  const std::string code_hash = SecretHash(*code);
  // The invite names the family, or what is left of it once it was used; whether it holds is
  // decided at the commit.
  const absl::StatusOr<FamilyId> family =
      FamilyToJoin(*engine_.Snapshot(), code_hash, request.request_id());
  if (!family.ok()) return done(family.status());
  // A refusal that the family is told of: that is a commit, too.
  auto refusal = std::make_shared<absl::Status>();
  Commit<v1::JoinResponse>(
      *family,
      [this, token, request, code_hash, refusal](
          FamilyWriter& writer, v1::JoinResponse& response,
          std::vector<DeviceId>& access_changed) -> absl::Status {
        v1::Pairing& pairing = *response.mutable_pairing();
        ASSIGN_OR_RETURN(const bool repeated,
                         RepeatPairing(writer, token, request.request_id(), pairing));
        if (repeated) return absl::OkStatus();
        const absl::StatusOr<StoredInvite> usable = UsableInvite(writer, code_hash);
        if (ReasonOf(usable.status()) == v1::ERROR_REASON_INVITE_NOT_VALID) {
          ASSIGN_OR_RETURN(const bool told, AddRefusedInvite(writer, token, code_hash));
          if (!told) return usable.status();
          *refusal = usable.status();
          return absl::OkStatus();
        }
        RETURN_IF_ERROR(usable.status());
        const StoredInvite& invite = *usable;
        if (!Planted("invite_used_twice")) writer.Delete(kAccessColumn, InviteKey(code_hash));
        ASSIGN_OR_RETURN(const DeviceId device,
                         FindOrMakeDevice(writer, token, request.request_id(), random_, pairing));
        absl::optional<StoredMember> before;
        ASSIGN_OR_RETURN(const MemberId member,
                         JoinAs(writer, invite, device, request.member_name(), random_, before));
        RETURN_IF_ERROR(PairDevice(writer, device, member, request.device_name(), random_));
        RETURN_IF_ERROR(AddPairing(writer, invite, device, member, before));
        ASSIGN_OR_RETURN(access_changed, DevicesOf(writer.reader(), member));
        if (Planted("joining_tells_no_watcher")) access_changed.clear();
        return FillPairing(writer.reader(), device, writer.now(), pairing);
      },
      [refusal, done = std::move(done)](absl::StatusOr<v1::JoinResponse> answer) {
        if (answer.ok() && !refusal->ok()) return done(*refusal);
        done(std::move(answer));
      });
}

absl::StatusOr<v1::ListFamiliesResponse> FamilyService::ListFamilies(
    const std::string& token, const v1::ListFamiliesRequest& request) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  ASSIGN_OR_RETURN(const DeviceId device, Authenticate(*view, token));
  ASSIGN_OR_RETURN(const std::vector<FamilyId> families, FamiliesOfDevice(*view, device));
  v1::ListFamiliesResponse response;
  for (const FamilyId& family : families) {
    v1::Pairing pairing;
    const absl::Status filled =
        FillPairing(FamilyReader(*view, family), device, clock_.Now(), pairing);
    if (absl::IsPermissionDenied(filled)) continue;
    RETURN_IF_ERROR(filled);
    *response.add_pairings() = std::move(pairing);
  }
  return response;
}

absl::StatusOr<v1::ListMembersResponse> FamilyService::ListMembers(
    const std::string& token, const v1::ListMembersRequest& request) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  const FamilyReader reader(*view, FamilyId(request.family_id()));
  ASSIGN_OR_RETURN(const Caller caller, Admit(*view, reader, token, clock_.Now()));
  RETURN_IF_ERROR(RequireAction(caller.access, Action::kListMembers));
  std::map<std::string, v1::MemberWithDevices> members;
  RETURN_IF_ERROR(reader.ScanMembers([&](const MemberId& id, const StoredMember& stored) {
    v1::MemberWithDevices& member = members[id.str()];
    member.set_member_id(id.str());
    *member.mutable_member() = PublicMember(stored);
    if (Planted("members_told_without_their_end")) member.mutable_member()->clear_until();
    return true;
  }));
  RETURN_IF_ERROR(reader.ScanDevices([&](const DeviceId& id, const StoredFamilyDevice& stored) {
    v1::Device& device = *members[stored.member_id()].add_devices();
    device.set_device_id(id.str());
    device.set_name(stored.name());
    *device.mutable_paired_at() = stored.paired_at();
    if (stored.has_acknowledged_at()) {
      device.mutable_acknowledged()->set_lineage(stored.acknowledged_lineage());
      device.mutable_acknowledged()->set_revision(stored.acknowledged_revision());
      *device.mutable_acknowledged_at() = stored.acknowledged_at();
    }
    if (!Planted("revoked_device_told_as_paired")) device.set_revoked(stored.revoked());
    return true;
  }));
  v1::ListMembersResponse response;
  for (auto& [id, member] : members) *response.add_members() = std::move(member);
  return response;
}

void FamilyService::RevokeDevice(const std::string& token, const v1::RevokeDeviceRequest& request,
                                 Done<v1::RevokeDeviceResponse> done) const {
  const absl::Status valid = ValidateRequest(request);
  if (!valid.ok()) return done(valid);
  Commit<v1::RevokeDeviceResponse>(
      FamilyId(request.family_id()),
      [token, id = DeviceId(request.device_id())](
          FamilyWriter& writer, v1::RevokeDeviceResponse&,
          std::vector<DeviceId>& access_changed) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        ASSIGN_OR_RETURN(absl::optional<StoredFamilyDevice> device, writer.reader().Device(id));
        const bool is_own =
            device.has_value() && device->member_id() == caller.access.member.bytes();
        RETURN_IF_ERROR(RequireAction(caller.access, is_own || Planted("anybody_may_revoke")
                                                         ? Action::kRevokeOwnDevice
                                                         : Action::kRevokeOtherDevice));
        if (!device.has_value()) return NotFound("device", id.hex());
        if (!device->revoked()) {
          ASSIGN_OR_RETURN(const absl::optional<StoredMember> member,
                           writer.reader().Member(MemberId(device->member_id())));
          if (!member.has_value()) return DamagedRow();
          if (member->role() == v1::ROLE_OWNER && !member->removed()) {
            RETURN_IF_ERROR(RequireOwnerWithout(writer.reader(), {id}));
          }
          StoredEvent event = EventBy(caller, v1::ACCESS_EVENT_KIND_DEVICE_REVOKED);
          event.set_subject_member_id(device->member_id());
          event.set_subject_device_id(id.str());
          RETURN_IF_ERROR(AddEvent(event, writer).status());
          event = EventBy(caller, v1::ACCESS_EVENT_KIND_INVITE_VOIDED);
          RETURN_IF_ERROR(AddVoidedInvites({id}, std::move(event), writer));
        }
        device->set_revoked(true);
        writer.Put(kAccessColumn, FamilyDeviceKey(writer.family(), id), *device);
        if (!Planted("revocation_closes_no_stream")) access_changed.push_back(id);
        return absl::OkStatus();
      },
      std::move(done));
}

void FamilyService::RemoveMember(const std::string& token, const v1::RemoveMemberRequest& request,
                                 Done<v1::RemoveMemberResponse> done) const {
  const absl::Status valid = ValidateRequest(request);
  if (!valid.ok()) return done(valid);
  Commit<v1::RemoveMemberResponse>(
      FamilyId(request.family_id()),
      [token, id = MemberId(request.member_id())](
          FamilyWriter& writer, v1::RemoveMemberResponse&,
          std::vector<DeviceId>& access_changed) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        const bool is_self = id == caller.access.member;
        RETURN_IF_ERROR(
            RequireAction(caller.access, is_self ? Action::kLeave : Action::kRemoveMember));
        ASSIGN_OR_RETURN(absl::optional<StoredMember> member, writer.reader().Member(id));
        if (!member.has_value()) return NotFound("member", id.hex());
        if (member->removed()) return absl::OkStatus();
        ASSIGN_OR_RETURN(access_changed, DevicesOf(writer.reader(), id));
        if (member->role() == v1::ROLE_OWNER) {
          RETURN_IF_ERROR(RequireOwnerWithout(writer.reader(), access_changed));
        }
        member->set_removed(true);
        *member->mutable_until() = ToProto(writer.now());
        StoredEvent event = EventBy(caller, is_self ? v1::ACCESS_EVENT_KIND_MEMBER_LEFT
                                                    : v1::ACCESS_EVENT_KIND_MEMBER_REMOVED);
        event.set_subject_member_id(id.str());
        RETURN_IF_ERROR(AddEvent(event, writer).status());
        event.clear_subject_member_id();
        RETURN_IF_ERROR(AddVoidedInvites(access_changed, std::move(event), writer));
        if (Planted("removal_closes_no_stream")) access_changed.clear();
        return PutMember(writer, id, *member, caller.access.member, is_self ? "leave" : "remove");
      },
      std::move(done));
}

void FamilyService::SetConsent(const std::string& token, const v1::SetConsentRequest& request,
                               Done<v1::SetConsentResponse> done) const {
  absl::Status valid = ValidateRequest(request);
  if (valid.ok() && (request.scope() == v1::CONSENT_SCOPE_UNSPECIFIED ||
                     !v1::ConsentScope_IsValid(request.scope()))) {
    valid = InvalidFieldError("scope", "must be one that this server knows");
  }
  if (!valid.ok()) return done(std::move(valid));
  Commit<v1::SetConsentResponse>(
      FamilyId(request.family_id()),
      [token, request](FamilyWriter& writer, v1::SetConsentResponse&,
                       std::vector<DeviceId>& access_changed) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        RETURN_IF_ERROR(RequireAction(caller.access, Action::kSetConsent));
        const MemberId id(request.member_id());
        ASSIGN_OR_RETURN(absl::optional<StoredMember> member, writer.reader().Member(id));
        if (!member.has_value() || member->removed()) return NotFound("member", id.hex());
        if (member->role() != v1::ROLE_CONSULTANT) {
          return InvalidFieldError("member_id", "must be a consultant");
        }
        member->set_consent_scope(request.scope());
        *member->mutable_until() = request.until();
        const bool ended = FromProto(request.until()) <= writer.now();
        StoredEvent event = EventBy(caller, ended ? v1::ACCESS_EVENT_KIND_CONSENT_ENDED
                                                  : v1::ACCESS_EVENT_KIND_CONSENT_CHANGED);
        event.set_subject_member_id(id.str());
        event.set_role(member->role());
        event.set_consent_scope(member->consent_scope());
        *event.mutable_consent_until() = member->until();
        RETURN_IF_ERROR(AddEvent(std::move(event), writer).status());
        ASSIGN_OR_RETURN(access_changed, DevicesOf(writer.reader(), id));
        if (Planted("consent_closes_no_stream")) access_changed.clear();
        return PutMember(writer, id, *member, caller.access.member, "consent");
      },
      std::move(done));
}

void FamilyService::RenewReplica(const std::string& token, const v1::RenewReplicaRequest& request,
                                 Done<v1::RenewReplicaResponse> done) const {
  const absl::Status valid = ValidateRequest(request);
  if (!valid.ok()) return done(valid);
  Commit<v1::RenewReplicaResponse>(
      FamilyId(request.family_id()),
      [this, token](FamilyWriter& writer, v1::RenewReplicaResponse& response,
                    std::vector<DeviceId>&) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        RETURN_IF_ERROR(RequireAction(caller.access, Action::kRenewReplica));
        // What was lost comes back first, under the ids that it had.
        RETURN_IF_ERROR(writer.RequireRunning());
        ASSIGN_OR_RETURN(absl::optional<StoredFamilyDevice> device,
                         writer.reader().Device(caller.device));
        const ReplicaId replica = ReplicaId::Make(random_);
        PutReplica(writer, replica, caller.device, caller.access.member);
        device->set_replica_id(replica.str());
        writer.Put(kAccessColumn, FamilyDeviceKey(writer.family(), caller.device), *device);
        response.set_replica_id(replica.str());
        response.set_lineage(writer.head().lineage());
        return AddEvent(EventBy(caller, v1::ACCESS_EVENT_KIND_REPLICA_RENEWED), writer).status();
      },
      std::move(done));
}

void FamilyService::RotateToken(const std::string& token, const v1::RotateTokenRequest& request,
                                Done<v1::RotateTokenResponse> done) const {
  absl::Status valid = ValidateRequest(request);
  if (valid.ok() && request.new_token_hash().size() != kTokenHashBytes) {
    valid = InvalidFieldError("new_token_hash", "must have 32 bytes");
  }
  if (!valid.ok()) return done(std::move(valid));
  Commit<v1::RotateTokenResponse>(
      FamilyId(request.family_id()),
      [token, hash = request.new_token_hash()](FamilyWriter& writer, v1::RotateTokenResponse&,
                                               std::vector<DeviceId>&) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        RETURN_IF_ERROR(RequireAction(caller.access, Action::kRotateToken));
        ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredDevice> used,
                         ReadDevice(writer.view(), hash));
        ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredNewToken> announced,
                         ReadNewToken(writer.view(), hash));
        if (used.has_value() || announced.has_value()) {
          const bool is_own = (used.has_value() ? used->device_id() : announced->device_id()) ==
                              caller.device.bytes();
          return is_own ? absl::OkStatus()
                        : InvalidFieldError("new_token_hash", "is taken; make a new token");
        }
        ASSIGN_OR_RETURN(absl::optional<StoredFamilyDevice> device,
                         writer.reader().Device(caller.device));
        // Of those that were never used, the newest is kept.
        if (!device->new_token_hash().empty()) {
          writer.Delete(kAccessColumn, NewTokenKey(device->new_token_hash()));
        }
        device->set_new_token_hash(hash);
        writer.Put(kAccessColumn, FamilyDeviceKey(writer.family(), caller.device), *device);
        storage::v1::StoredNewToken row;
        row.set_device_id(caller.device.str());
        row.set_replaces(SecretHash(token));
        writer.Put(kAccessColumn, NewTokenKey(hash), row);
        return AddEvent(EventBy(caller, v1::ACCESS_EVENT_KIND_TOKEN_ROTATED), writer).status();
      },
      std::move(done));
}

void FamilyService::UseNewToken(const std::string& token,
                                std::function<void(absl::Status)> done) const {
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  const absl::StatusOr<absl::optional<storage::v1::StoredNewToken>> announced =
      ReadNewToken(*view, SecretHash(token));
  if (!announced.ok()) return done(announced.status());
  // Another call with it may have been first.
  if (!announced->has_value()) return done(Authenticate(*view, token).status());
  // Under the device's id, which is no family's: so what becomes of its tokens is decided by one
  // after the other, and of two new ones in place of the same only the first comes into use.
  auto exchanged = std::make_shared<bool>(false);
  committer_.Submit(
      FamilyId((*announced)->device_id()),
      [token, exchanged](FamilyWriter& writer) -> absl::Status {
        ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredNewToken> row,
                         ReadNewToken(writer.view(), SecretHash(token)));
        if (!row.has_value()) return Authenticate(writer.view(), token).status();
        ASSIGN_OR_RETURN(absl::optional<storage::v1::StoredDevice> device,
                         ReadDevice(writer.view(), row->replaces()));
        if (!device.has_value() || device->device_id() != row->device_id()) {
          return Authenticate(writer.view(), token).status();
        }
        *device->mutable_created_at() = ToProto(writer.now());
        if (!Planted("exchanged_token_holds")) {
          writer.Delete(kAccessColumn, DeviceKey(row->replaces()));
        }
        writer.Delete(kAccessColumn, NewTokenKey(SecretHash(token)));
        writer.Put(kAccessColumn, DeviceKey(SecretHash(token)), *device);
        *exchanged = true;
        return absl::OkStatus();
      },
      [this, device = DeviceId((*announced)->device_id()), exchanged,
       done = std::move(done)](absl::Status status) {
        if (status.ok() && *exchanged && !Planted("exchange_closes_no_stream")) {
          streams_.TokenExchanged(device);
        }
        done(std::move(status));
      });
}

absl::StatusOr<v1::ListQuarantineResponse> FamilyService::ListQuarantine(
    const std::string& token, const v1::ListQuarantineRequest& request) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  const FamilyReader reader(*view, FamilyId(request.family_id()));
  ASSIGN_OR_RETURN(const Caller caller, Admit(*view, reader, token, clock_.Now()));
  RETURN_IF_ERROR(RequireAction(caller.access, Action::kDecideQuarantine));
  // The page token is the hex of what a key holds beyond the family.
  std::string start = FamilyStart(reader.family());
  if (!request.page_token().empty()) {
    const size_t digits =
        2 * (TransactionKey(reader.family(), ReplicaId(), 0).size() - start.size());
    if (request.page_token().size() != digits ||
        !absl::c_all_of(request.page_token(), absl::ascii_isxdigit)) {
      return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_PAGE_TOKEN,
                       "The page token is not one of this server; start over without it.");
    }
    absl::StrAppend(&start, absl::HexStringToBytes(request.page_token()));
  }
  const int page_size = request.page_size() > 0 ? request.page_size() : kQuarantinePageDefault;
  v1::ListQuarantineResponse response;
  size_t bytes = 0;
  absl::Status parsed;
  RETURN_IF_ERROR(reader.ScanQuarantine(
      start, [&](absl::string_view key, const storage::v1::QuarantinedTransaction& row) {
        if (response.items_size() == page_size || bytes >= kPageBytes) {
          response.set_next_page_token(absl::BytesToHexString(key.substr(FamilyId::kSize)));
          return false;
        }
        v1::QuarantinedItem& item = *response.add_items();
        item.set_replica_id(ParseTransactionKey(key).replica.str());
        item.set_member_id(Planted("quarantine_names_the_asker") ? caller.access.member.str()
                                                                 : row.member_id());
        *item.mutable_made_at() = row.made_at();
        *item.mutable_received_at() = row.received_at();
        parsed = ParseRow(row.transaction(), *item.mutable_transaction());
        bytes += item.ByteSizeLong();
        return parsed.ok();
      }));
  RETURN_IF_ERROR(parsed);
  return response;
}

void FamilyService::DecideQuarantine(const std::string& token,
                                     const v1::DecideQuarantineRequest& request,
                                     Done<v1::DecideQuarantineResponse> done) const {
  absl::Status valid = ValidateRequest(request);
  if (valid.ok() && (request.decision() == v1::QUARANTINE_DECISION_UNSPECIFIED ||
                     !v1::QuarantineDecision_IsValid(request.decision()))) {
    valid = InvalidFieldError("decision", "must be one that this server knows");
  }
  if (!valid.ok()) return done(std::move(valid));
  Commit<v1::DecideQuarantineResponse>(
      FamilyId(request.family_id()),
      [token, request](FamilyWriter& writer, v1::DecideQuarantineResponse& response,
                       std::vector<DeviceId>&) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        if (!Planted("anybody_may_decide")) {
          RETURN_IF_ERROR(RequireAction(caller.access, Action::kDecideQuarantine));
        }
        const bool accept = request.decision() == v1::QUARANTINE_DECISION_ACCEPT;
        const ReplicaId replica(request.replica_id());
        ASSIGN_OR_RETURN(absl::optional<storage::v1::StoredVerdict> verdict,
                         writer.reader().Verdict(replica, request.seq()));
        ASSIGN_OR_RETURN(const absl::optional<storage::v1::QuarantinedTransaction> row,
                         writer.reader().Quarantined(replica, request.seq()));
        if (verdict.has_value() && verdict->decided_revision() != 0) {
          if (verdict->accepted() != accept) return DecidedOtherwise(verdict->accepted());
          response.set_revision(verdict->decided_revision());
          return absl::OkStatus();
        }
        if (!verdict.has_value() || !row.has_value()) {
          return NotFound("transaction", absl::StrCat(replica.hex(), "/", request.seq()));
        }
        ASSIGN_OR_RETURN(const uint64_t revision,
                         accept ? AcceptQuarantined(writer, replica, *row, caller.access.member)
                                : RefuseQuarantined(writer, caller.access.member));
        verdict->set_decided_revision(revision);
        verdict->set_accepted(accept);
        const std::string key = TransactionKey(writer.family(), replica, request.seq());
        writer.Put(kVerdictColumn, key, *verdict);
        if (!Planted("decided_stays_in_quarantine")) writer.Delete(kQuarantineColumn, key);
        response.set_revision(revision);
        StoredEvent event = EventBy(caller, accept ? v1::ACCESS_EVENT_KIND_QUARANTINE_ACCEPTED
                                                   : v1::ACCESS_EVENT_KIND_QUARANTINE_REFUSED);
        event.set_subject_member_id(row->member_id());
        return AddEvent(std::move(event), writer).status();
      },
      std::move(done));
}

absl::StatusOr<v1::ListEventsResponse> FamilyService::ListEvents(
    const std::string& token, const v1::ListEventsRequest& request) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  const FamilyReader reader(*view, FamilyId(request.family_id()));
  ASSIGN_OR_RETURN(const Caller caller, Admit(*view, reader, token, clock_.Now()));
  RETURN_IF_ERROR(RequireAction(caller.access, Action::kListEvents));
  return ReadEvents(reader, request);
}

absl::StatusOr<std::unique_ptr<MessageStream<v1::ExportFamilyResponse>>>
FamilyService::ExportFamily(const std::string& token, const v1::ExportFamilyRequest& request,
                            StreamWake wake) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const FamilyId family(request.family_id());
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  ASSIGN_OR_RETURN(const Caller caller,
                   Admit(*view, FamilyReader(*view, family), token, clock_.Now()));
  RETURN_IF_ERROR(RequireAction(caller.access, Action::kExportFamily));
  auto stream = std::make_unique<ExportStream>(engine_, streams_, clock_, token, family,
                                               caller.device, std::move(wake));
  committer_.Submit(
      family,
      [token](FamilyWriter& writer) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        RETURN_IF_ERROR(RequireAction(caller.access, Action::kExportFamily));
        return AddEvent(EventBy(caller, v1::ACCESS_EVENT_KIND_FAMILY_EXPORTED), writer).status();
      },
      stream->OnEvent());
  return stream;
}

void FamilyService::ImportRecords(const std::string& token, const v1::ImportRecordsRequest& request,
                                  Done<v1::ImportRecordsResponse> done) const {
  absl::StatusOr<std::vector<ImportedRecord>> records = DecodeImport(request);
  if (!records.ok()) return done(records.status());
  Commit<v1::ImportRecordsResponse>(
      FamilyId(request.family_id()),
      [token, records = *std::move(records), last = request.last()](
          FamilyWriter& writer, v1::ImportRecordsResponse&,
          std::vector<DeviceId>&) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        RETURN_IF_ERROR(RequireAction(caller.access, Action::kImportRecords));
        return InstallImport(records, last, caller.access.member, writer);
      },
      std::move(done));
}

void FamilyService::EraseFamily(const std::string& token, const v1::EraseFamilyRequest& request,
                                Done<v1::EraseFamilyResponse> done) const {
  const absl::Status valid = ValidateRequest(request);
  if (!valid.ok()) return done(valid);
  const FamilyId family(request.family_id());
  Commit<v1::EraseFamilyResponse>(
      family,
      [token, name = request.family_name()](FamilyWriter& writer, v1::EraseFamilyResponse&,
                                            std::vector<DeviceId>& access_changed) -> absl::Status {
        ASSIGN_OR_RETURN(const Caller caller, Admit(writer, token));
        RETURN_IF_ERROR(RequireAction(caller.access, Action::kEraseFamily));
        if (name != writer.head().name()) {
          return InvalidFieldError("family_name", "must be the family's name");
        }
        RETURN_IF_ERROR(
            writer.reader().ScanDevices([&](const DeviceId& id, const StoredFamilyDevice&) {
              if (!Planted("erasing_tells_no_watcher")) access_changed.push_back(id);
              return true;
            }));
        return writer.Erase();
      },
      [this, family, done = std::move(done)](absl::StatusOr<v1::EraseFamilyResponse> answer) {
        if (answer.ok() && on_erased_ != nullptr) on_erased_(family);
        done(std::move(answer));
      });
}

}  // namespace nightlog
