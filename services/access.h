#ifndef NIGHTLOG_SERVICES_ACCESS_H_
#define NIGHTLOG_SERVICES_ACCESS_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nightlog/v1/records.pb.h"
#include "storage/core/ids.h"
#include "storage/engine/engine.h"
#include "storage/family_reader.h"

namespace nightlog {

// Who may do what. One table, in access.cc, states role × action and role × record kind;
// PROTOCOL.md shows it, and one test walks all of it. Pure functions over a view; thread-safe.

// What a caller can ask for, one an RPC that names a family.
enum class Action {
  kPush,
  kFollow,  // and Acknowledge
  kListHistory,
  kWatch,
  kReadProgress,  // GetProgress, ListNights
  kListMembers,
  kInviteMember,
  kInviteOwnDevice,
  kRevokeOwnDevice,
  kRevokeOtherDevice,
  kLeave,
  kRemoveMember,
  kSetConsent,
  kRenewReplica,
  kRotateToken,
  kDecideQuarantine,  // and ListQuarantine
  kListEvents,
  kExportFamily,
  kImportRecords,
  kReadLog,  // and UploadLog
  kEraseFamily,
};
constexpr int kActionCount = static_cast<int>(Action::kEraseFamily) + 1;

// What a device is in a family at one moment.
struct Access {
  MemberId member;
  ReplicaId replica;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  v1::ConsentScope consent_scope = v1::CONSENT_SCOPE_UNSPECIFIED;
  // When it ends by itself.
  absl::Time until = absl::InfiniteFuture();
};

// The device a token belongs to. UNAUTHENTICATED (UNKNOWN_DEVICE) for an unknown or empty one.
// Tokens are looked up by their SHA-256, so the time of it tells nothing about them.
absl::StatusOr<DeviceId> Authenticate(const ReadView& view, absl::string_view token);

// OK for a token that Authenticate() knows, and for one that was announced and waits for its first
// call.
absl::Status CheckToken(const ReadView& view, absl::string_view token);

// OK while `token`, with which a stream was opened, is the device's. ABORTED (TOKEN_EXCHANGED) once
// another has come into use in its place.
absl::Status CheckStreamToken(const ReadView& view, absl::string_view token);

// What the device is in the family now. PERMISSION_DENIED (NO_ACCESS) if it is nothing, or nothing
// any more: revoked, removed, or its consent over; also if there is no such family, which is not
// told. OK: the family has a head. DATA_LOSS: the device is known to a family that has none.
absl::StatusOr<Access> Authorize(const FamilyReader& reader, const DeviceId& device,
                                 absl::Time now);

// OK, or PERMISSION_DENIED (ROLE_NOT_ALLOWED).
absl::Status RequireAction(const Access& access, Action action);

bool MayCall(v1::Role role, Action action);
bool MayWrite(v1::Role role, uint32_t kind);
bool MayRead(v1::Role role, v1::ConsentScope scope, uint32_t kind);

// A new device token, as text: 256 bits from 32 random bytes of the server. Whoever has the id of
// the request it answers, which may be empty, and these bytes can make it again; it is not stored.
std::string MakeToken(absl::string_view salt, absl::string_view request_id);
// Under which a token or an invite code is stored; 32 bytes.
std::string SecretHash(absl::string_view secret);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_ACCESS_H_
