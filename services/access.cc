#include "services/access.h"

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

constexpr unsigned kOwner = 1u << v1::ROLE_OWNER;
constexpr unsigned kCaregiver = 1u << v1::ROLE_CAREGIVER;
constexpr unsigned kViewer = 1u << v1::ROLE_VIEWER;
constexpr unsigned kConsultant = 1u << v1::ROLE_CONSULTANT;
constexpr unsigned kParents = kOwner | kCaregiver;
constexpr unsigned kAll = kParents | kViewer | kConsultant;

// The roles that may ask for an action.
unsigned RolesFor(Action action) {
  switch (action) {
    case Action::kPush:
      return kParents | kConsultant;
    case Action::kFollow:
    case Action::kListHistory:
    case Action::kWatch:
    case Action::kReadProgress:
    case Action::kListMembers:
    case Action::kInviteOwnDevice:
    case Action::kRevokeOwnDevice:
    case Action::kLeave:
    case Action::kRenewReplica:
    case Action::kRotateToken:
      return kAll;
    case Action::kListEvents:
    case Action::kExportFamily:
    case Action::kReadLog:
      return kParents;
    case Action::kInviteMember:
    case Action::kRevokeOtherDevice:
    case Action::kRemoveMember:
    case Action::kSetConsent:
    case Action::kDecideQuarantine:
    case Action::kImportRecords:
    case Action::kEraseFamily:
      return kOwner;
  }
  return 0;
}

// The roles that may write records of a kind.
unsigned WritersOf(uint32_t kind) {
  switch (kind) {
    case kChild:
    case kLogEntry:
      return kParents;
    case kPlan:
    case kComment:
      return kParents | kConsultant;
    default:
      return 0;  // the server's own
  }
}

bool Has(unsigned roles, v1::Role role) {
  return role > v1::ROLE_UNSPECIFIED && role <= v1::ROLE_CONSULTANT && (roles & (1u << role)) != 0;
}

absl::Status NoAccess() {
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NO_ACCESS,
                   "This device has no access to that family; ask an owner for an invite.");
}

}  // namespace

absl::StatusOr<DeviceId> Authenticate(const ReadView& view, absl::string_view token) {
  if (!token.empty()) {
    ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredDevice> device,
                     ReadDevice(view, SecretHash(token)));
    if (device.has_value()) return DeviceId(device->device_id());
  }
  return MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_UNKNOWN_DEVICE,
                   "This device is not paired with the server; join a family with a code.");
}

absl::Status CheckToken(const ReadView& view, absl::string_view token) {
  absl::Status known = Authenticate(view, token).status();
  if (!absl::IsUnauthenticated(known) || token.empty()) return known;
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredNewToken> announced,
                   ReadNewToken(view, SecretHash(token)));
  return announced.has_value() ? absl::OkStatus() : known;
}

absl::Status CheckStreamToken(const ReadView& view, absl::string_view token) {
  const absl::Status known = Authenticate(view, token).status();
  if (!absl::IsUnauthenticated(known)) return known;
  return MakeError(absl::StatusCode::kAborted, v1::ERROR_REASON_TOKEN_EXCHANGED,
                   "The device exchanged its token; open the stream again with the new one.");
}

absl::StatusOr<Access> Authorize(const FamilyReader& reader, const DeviceId& device,
                                 absl::Time now) {
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredFamilyDevice> paired,
                   reader.Device(device));
  if (!paired.has_value()) return NoAccess();
  // Whoever has a device in a family may go by its head.
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::FamilyHead> head, reader.Head());
  if (!head.has_value()) return DamagedRow();
  if (paired->revoked() && !Planted("revoked_device_has_access")) return NoAccess();
  Access access;
  access.member = MemberId(paired->member_id());
  access.replica = ReplicaId(paired->replica_id());
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredMember> member,
                   reader.Member(access.member));
  const bool until_then = Planted("removal_holds_from_the_next_moment_on");
  if (!member.has_value() || (member->removed() && !until_then)) return NoAccess();
  if (member->has_until()) access.until = FromProto(member->until());
  if (until_then ? access.until < now : access.until <= now) return NoAccess();
  access.role = static_cast<v1::Role>(member->role());
  access.consent_scope = static_cast<v1::ConsentScope>(member->consent_scope());
  return access;
}

absl::Status RequireAction(const Access& access, Action action) {
  if (MayCall(access.role, action)) return absl::OkStatus();
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_NOT_ALLOWED,
                   "Your role in this family does not allow that; ask an owner.");
}

bool MayCall(v1::Role role, Action action) { return Has(RolesFor(action), role); }

bool MayWrite(v1::Role role, uint32_t kind) { return Has(WritersOf(kind), role); }

bool MayRead(v1::Role role, v1::ConsentScope scope, uint32_t kind) {
  if (!Has(kAll, role)) return false;
  if (role != v1::ROLE_CONSULTANT) return true;
  return kind == kLogEntry ? scope >= v1::CONSENT_SCOPE_ENTRIES : scope >= v1::CONSENT_SCOPE_NIGHTS;
}

std::string MakeToken(absl::string_view salt, absl::string_view request_id) {
  return absl::WebSafeBase64Escape(Sha256(absl::StrCat(salt, request_id)));
}

std::string SecretHash(absl::string_view secret) { return Sha256(secret); }

}  // namespace nightlog
