#ifndef NIGHTLOG_SERVICES_FAMILY_SERVICE_H_
#define NIGHTLOG_SERVICES_FAMILY_SERVICE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "nightlog/v1/family_service.pb.h"
#include "services/message_stream.h"
#include "services/setup_code.h"
#include "services/stream_registry.h"
#include "storage/committer.h"
#include "storage/core/clock.h"
#include "storage/core/ids.h"
#include "storage/core/random.h"
#include "storage/engine/engine.h"

namespace nightlog {

// The use cases of nightlog.v1.FamilyService, for any door. `token` is the caller's device token.
// Errors carry the reasons that error_reason.proto names. Thread-safe.
//
// What takes a Done commits, and answers when the change is on disk. Who may do it is decided at
// the revision of the commit. Streams whose access a commit ends or changes, or whose token, are
// told before it is answered.
class FamilyService {
 public:
  // Is told of each family that was erased, on any thread, before that is answered. Must not block.
  using OnErased = std::function<void(const FamilyId&)>;

  // All must outlive this and its streams. `on_erased` may be null.
  FamilyService(const Engine& engine, Committer& committer, StreamRegistry& streams, Random& random,
                const Clock& clock, Registration registration, OnErased on_erased = nullptr)
      : engine_(engine),
        committer_(committer),
        streams_(streams),
        random_(random),
        clock_(clock),
        registration_(registration),
        on_erased_(std::move(on_erased)) {}

  // A token that the server does not know, or none, makes a new device. A set-up code is looked at
  // only if registration is not open, by one call at a time: RESOURCE_EXHAUSTED (BUSY) for others.
  // The same request id within a day gets the same pairing.
  void CreateFamily(const std::string& token, const v1::CreateFamilyRequest& request,
                    Done<v1::CreateFamilyResponse> done) const;

  void CreateInvite(const std::string& token, const v1::CreateInviteRequest& request,
                    Done<v1::CreateInviteResponse> done) const;

  // The invite is used up in the commit that pairs the device; it is void once whoever made it has
  // lost access. The same request id within a day gets the same pairing; without one, an answer
  // that got lost costs a new invite. A device that is in the family already keeps its member, who
  // gets the role of the invite. A token that the server does not know, or none, makes a new
  // device. May block on the disk.
  void Join(const std::string& token, const v1::JoinRequest& request,
            Done<v1::JoinResponse> done) const;

  // May block on the disk.
  absl::StatusOr<v1::ListFamiliesResponse> ListFamilies(
      const std::string& token, const v1::ListFamiliesRequest& request) const;

  // May block on the disk.
  absl::StatusOr<v1::ListMembersResponse> ListMembers(const std::string& token,
                                                      const v1::ListMembersRequest& request) const;

  void RevokeDevice(const std::string& token, const v1::RevokeDeviceRequest& request,
                    Done<v1::RevokeDeviceResponse> done) const;

  void RemoveMember(const std::string& token, const v1::RemoveMemberRequest& request,
                    Done<v1::RemoveMemberResponse> done) const;

  void SetConsent(const std::string& token, const v1::SetConsentRequest& request,
                  Done<v1::SetConsentResponse> done) const;

  void RenewReplica(const std::string& token, const v1::RenewReplicaRequest& request,
                    Done<v1::RenewReplicaResponse> done) const;

  // Announces the new token; UseNewToken() does the rest.
  void RotateToken(const std::string& token, const v1::RotateTokenRequest& request,
                   Done<v1::RotateTokenResponse> done) const;

  // Takes a token that RotateToken announced into use, and the one that it replaces out of it: OK
  // when that is on disk, or was before, and no stream that was opened with the one replaced sends
  // any more. UNAUTHENTICATED (UNKNOWN_DEVICE) if no such token was
  // announced. Doors call it where a use case does not know a token (see methods.h). May block on
  // the disk.
  void UseNewToken(const std::string& token, std::function<void(absl::Status)> done) const;

  // May block on the disk.
  absl::StatusOr<v1::ListQuarantineResponse> ListQuarantine(
      const std::string& token, const v1::ListQuarantineRequest& request) const;

  // The author's role at the decision says what an accepted transaction may write, whether or not
  // they are still in the family. INVALID_ARGUMENT, with violations: it fits no record as they are
  // now; it stays in quarantine.
  void DecideQuarantine(const std::string& token, const v1::DecideQuarantineRequest& request,
                        Done<v1::DecideQuarantineResponse> done) const;

  // May block on the disk.
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const std::string& token,
                                                    const v1::ListEventsRequest& request) const;

  // Every record, deleted ones included, in the order of their last change. A record that changes
  // meanwhile comes again, so the last of each id is the newest. The stream waits only until the
  // event that tells of it is on disk. May block on the disk.
  absl::StatusOr<std::unique_ptr<MessageStream<v1::ExportFamilyResponse>>> ExportFamily(
      const std::string& token, const v1::ExportFamilyRequest& request, StreamWake wake) const;

  // Looks at the records before it commits. May block.
  void ImportRecords(const std::string& token, const v1::ImportRecordsRequest& request,
                     Done<v1::ImportRecordsResponse> done) const;

  void EraseFamily(const std::string& token, const v1::EraseFamilyRequest& request,
                   Done<v1::EraseFamilyResponse> done) const;

 private:
  // What happens within a commit: fills the response and adds the devices whose access ended or
  // changed.
  template <typename Response>
  using Operation = std::function<absl::Status(FamilyWriter&, Response&, std::vector<DeviceId>&)>;

  // Commits, tells the streams, answers.
  template <typename Response>
  void Commit(const FamilyId& family, Operation<Response> operation, Done<Response> done) const;

  const Engine& engine_;
  Committer& committer_;
  StreamRegistry& streams_;
  Random& random_;
  const Clock& clock_;
  const Registration registration_;
  const OnErased on_erased_;

  mutable absl::Mutex codes_mu_;
  // Hashes of set-up codes that commits under way use.
  mutable absl::flat_hash_set<std::string> codes_in_use_ ABSL_GUARDED_BY(codes_mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_FAMILY_SERVICE_H_
