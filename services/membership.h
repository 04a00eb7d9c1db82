#ifndef NIGHTLOG_SERVICES_MEMBERSHIP_H_
#define NIGHTLOG_SERVICES_MEMBERSHIP_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/family_service.pb.h"
#include "storage/core/ids.h"
#include "storage/core/random.h"
#include "storage/engine/engine.h"
#include "storage/family_reader.h"
#include "storage/family_writer.h"

namespace nightlog {

// How people and their devices come into a family: invites, members and pairings. What takes a
// writer is part of a commit and is there with it or not at all. Who may do it is not decided here
// (see access.h), but for what an invite allows. Pure functions over a view or a writer; any may
// fail as reads of the store do.

// --- Invites ---

// NOT_FOUND (INVITE_NOT_VALID): what is said of every code that leads nowhere, whatever the reason.
absl::Status InviteNotValid();

// The invite that the request asks for, but for who gives it and how long it is valid.
// INVALID_ARGUMENT (INVALID_FIELD).
absl::StatusOr<storage::v1::StoredInvite> InviteFor(const v1::CreateInviteRequest& request,
                                                    absl::Time now);

// How long an invite is to be valid. INVALID_ARGUMENT (INVALID_FIELD): too short or too long.
absl::StatusOr<absl::Duration> ValidityOf(const v1::CreateInviteRequest& request);

// Writes the invite and gives its code, which is stored only as a hash.
absl::StatusOr<std::string> PutInvite(FamilyWriter& writer, const storage::v1::StoredInvite& invite,
                                      Random& random);

// Of the invite, or of the pairing that it was used for by this request. NOT_FOUND
// (INVITE_NOT_VALID) if there is neither.
absl::StatusOr<FamilyId> FamilyToJoin(const ReadView& view, const std::string& code_hash,
                                      const std::string& request_id);

// The invite of a code, if it can be used now: it has not expired, and who gave it may still do so.
// NOT_FOUND (INVITE_NOT_VALID) otherwise.
absl::StatusOr<storage::v1::StoredInvite> UsableInvite(const FamilyWriter& writer,
                                                       const std::string& code_hash);

// Tells the family that somebody tried an invite of it that holds no longer. False: no family can
// be told, since the server knows no such code.
absl::StatusOr<bool> AddRefusedInvite(FamilyWriter& writer, const std::string& token,
                                      const std::string& code_hash);

// --- Members ---

// The devices that were ever paired as the member's.
absl::StatusOr<std::vector<DeviceId>> DevicesOf(const FamilyReader& reader, const MemberId& member);

// FAILED_PRECONDITION (LAST_OWNER) if no owner has a device but those that go: without one an owner
// can do nothing for the family.
absl::Status RequireOwnerWithout(const FamilyReader& reader, const std::vector<DeviceId>& going);

// Writes the member and its public record, in a revision of its own.
absl::Status PutMember(FamilyWriter& writer, const MemberId& id,
                       const storage::v1::StoredMember& member, const MemberId& actor,
                       absl::string_view operation);

// The member that an invite makes of a device: the invite's own, the one the device has already, or
// a new one. Of a member that it changes, `before` is what they were. FAILED_PRECONDITION
// (LAST_OWNER). INVALID_ARGUMENT (INVALID_FIELD): a new one has no name.
absl::StatusOr<MemberId> JoinAs(FamilyWriter& writer, const storage::v1::StoredInvite& invite,
                                const DeviceId& device, const std::string& member_name,
                                Random& random, absl::optional<storage::v1::StoredMember>& before);

// --- Pairings ---

// The device of a token; a new device, and its new token in `pairing`, for one that is not known.
// With a request id, notes what RepeatPairing() needs, for a day.
absl::StatusOr<DeviceId> FindOrMakeDevice(FamilyWriter& writer, const std::string& token,
                                          const std::string& request_id, Random& random,
                                          v1::Pairing& pairing);

// Makes the device one of the member's. One that is so already keeps its replica.
absl::Status PairDevice(FamilyWriter& writer, const DeviceId& device, const MemberId& member,
                        const std::string& name, Random& random);

// From now on what `id` pushes is the device's and the member's.
void PutReplica(FamilyWriter& writer, const ReplicaId& id, const DeviceId& device,
                const MemberId& member);

// Tells of a pairing, and of what it changed for a member who was in the family already.
absl::Status AddPairing(FamilyWriter& writer, const storage::v1::StoredInvite& invite,
                        const DeviceId& device, const MemberId& member_id,
                        const absl::optional<storage::v1::StoredMember>& before);

// What the device is in the family now; the token, if any, stays. Errors are those of Authorize().
absl::Status FillPairing(const FamilyReader& reader, const DeviceId& device, absl::Time now,
                         v1::Pairing& pairing);

// True: the request was answered before, and `pairing` says the same again. INVALID_ARGUMENT
// (INVALID_FIELD): its id is that of another request.
absl::StatusOr<bool> RepeatPairing(const FamilyWriter& writer, const std::string& token,
                                   const std::string& request_id, v1::Pairing& pairing);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_MEMBERSHIP_H_
