#ifndef NIGHTLOG_TESTS_CLIENTS_CPP_FAKE_SERVER_H_
#define NIGHTLOG_TESTS_CLIENTS_CPP_FAKE_SERVER_H_

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "clients/cpp/connection.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "storage/core/ids.h"
#include "storage/core/merge.h"

namespace nightlog {

// A server of one family in memory, and the connection to it, for tests of the devices alone: it
// decides pushes as PROTOCOL.md says, with the real merge, and answers Follow and ListHistory (one
// page). It has no access rules but that a viewer may not push, no summaries and no disk. And it
// fails on demand: a connection that is down, an answer that is lost, a history that is rolled
// back, a hash that is wrong. Thread-safe.
class FakeServer : public Connection {
 public:
  FakeServer();

  FamilyId family() const { return family_; }
  // The pairing of a new device, with a member and a replica of its own.
  v1::Pairing NewPairing(const std::string& name);

  // Every call is UNAVAILABLE while down, and open streams end.
  void SetDown(bool down);
  // The next push is committed, and its answer is lost.
  void LoseNextPushAnswer();
  // The next stream ends after this many messages.
  void CutNextStreamAfter(int messages);
  // The next `count` bookmarks have a wrong state hash.
  void SpoilHashes(int count);
  // Transactions that write this text are rejected, as a role would be.
  void RejectText(const std::string& text);
  // What a member may do from now on, told by the member's record; a viewer may not push.
  void SetRole(const MemberId& member, v1::Role role);
  // Understands no transaction for now.
  void SetTooOld(bool too_old);
  // Streams end with Closed.
  void Revoke();
  void SetBackedUp(uint64_t revision);
  // A backup, and the restore of it: what came later is lost, replica ids too, and a new lineage
  // starts.
  void Backup();
  void Restore();
  // The same, and the server does not know: the lineage stays.
  void SetBack();

  struct Seen {
    std::vector<v1::PushRequest> pushes;
    std::vector<v1::FollowRequest> follows;
    std::vector<v1::AcknowledgeRequest> acknowledgements;
    int committed = 0;
    int renewals = 0;
  };
  Seen seen() const;
  storage::v1::StoredRecord Record(const RecordId& id) const;
  v1::Cursor head() const;

  void SetToken(const std::string& token) override {}
  absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request,
                                        absl::Time deadline) override;
  absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request,
                                                      absl::Time deadline) override;
  std::unique_ptr<ServerStream<v1::FollowResponse>> Follow(const v1::FollowRequest& request,
                                                           absl::Time deadline) override;
  absl::StatusOr<v1::RenewReplicaResponse> RenewReplica(const v1::RenewReplicaRequest& request,
                                                        absl::Time deadline) override;

  // Not served.
  std::unique_ptr<ServerStream<v1::WatchResponse>> Watch(const v1::WatchRequest&,
                                                         absl::Time) override;
  std::unique_ptr<ServerStream<v1::ExportFamilyResponse>> ExportFamily(
      const v1::ExportFamilyRequest&, absl::Time) override;
  absl::StatusOr<v1::ListHistoryResponse> ListHistory(const v1::ListHistoryRequest&,
                                                      absl::Time) override;
  absl::StatusOr<v1::GetProgressResponse> GetProgress(const v1::GetProgressRequest&,
                                                      absl::Time) override;
  absl::StatusOr<v1::ListNightsResponse> ListNights(const v1::ListNightsRequest&,
                                                    absl::Time) override;
  absl::StatusOr<v1::CreateFamilyResponse> CreateFamily(const v1::CreateFamilyRequest&,
                                                        absl::Time) override;
  absl::StatusOr<v1::CreateInviteResponse> CreateInvite(const v1::CreateInviteRequest&,
                                                        absl::Time) override;
  absl::StatusOr<v1::JoinResponse> Join(const v1::JoinRequest&, absl::Time) override;
  absl::StatusOr<v1::ListFamiliesResponse> ListFamilies(const v1::ListFamiliesRequest&,
                                                        absl::Time) override;
  absl::StatusOr<v1::ListMembersResponse> ListMembers(const v1::ListMembersRequest&,
                                                      absl::Time) override;
  absl::StatusOr<v1::RevokeDeviceResponse> RevokeDevice(const v1::RevokeDeviceRequest&,
                                                        absl::Time) override;
  absl::StatusOr<v1::RemoveMemberResponse> RemoveMember(const v1::RemoveMemberRequest&,
                                                        absl::Time) override;
  absl::StatusOr<v1::SetConsentResponse> SetConsent(const v1::SetConsentRequest&,
                                                    absl::Time) override;
  absl::StatusOr<v1::RotateTokenResponse> RotateToken(const v1::RotateTokenRequest&,
                                                      absl::Time) override;
  absl::StatusOr<v1::ListQuarantineResponse> ListQuarantine(const v1::ListQuarantineRequest&,
                                                            absl::Time) override;
  absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest&,
                                                    absl::Time) override;
  absl::StatusOr<v1::DecideQuarantineResponse> DecideQuarantine(const v1::DecideQuarantineRequest&,
                                                                absl::Time) override;
  absl::StatusOr<v1::ImportRecordsResponse> ImportRecords(const v1::ImportRecordsRequest&,
                                                          absl::Time) override;
  absl::StatusOr<v1::EraseFamilyResponse> EraseFamily(const v1::EraseFamilyRequest&,
                                                      absl::Time) override;

 private:
  class Stream;
  struct ReplicaLog {
    std::vector<std::pair<std::string, v1::Verdict>> verdicts;  // hash and verdict, by seq − 1
  };
  struct History {
    std::string lineage;
    uint64_t revision = 0;
    std::map<RecordId, storage::v1::StoredRecord> records;
    std::map<std::string, std::string> members;  // by replica id
    std::map<std::string, ReplicaLog> replicas;
    std::map<RecordId, std::vector<v1::HistoryItem>> items;  // oldest first
  };

  v1::Verdict Decide(const std::string& replica, const v1::Transaction& transaction)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteHistory(const v1::Edit& edit, const storage::v1::StoredEditId& id, uint32_t kind,
                   const MergeOutcome& outcome) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // What a stream at `cursor` sends next, the bookmark last; empty at the head.
  std::vector<v1::FollowResponse> Changes(const v1::Cursor& cursor, bool first)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  std::string NewId() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  FamilyId family_;

  mutable absl::Mutex mu_;
  uint32_t ids_ ABSL_GUARDED_BY(mu_) = 0;
  History history_ ABSL_GUARDED_BY(mu_);
  History backup_ ABSL_GUARDED_BY(mu_);
  bool down_ ABSL_GUARDED_BY(mu_) = false;
  bool lose_answer_ ABSL_GUARDED_BY(mu_) = false;
  int cut_after_ ABSL_GUARDED_BY(mu_) = -1;
  int spoiled_hashes_ ABSL_GUARDED_BY(mu_) = 0;
  std::string rejected_text_ ABSL_GUARDED_BY(mu_);
  std::set<std::string> viewers_ ABSL_GUARDED_BY(mu_);  // members
  bool too_old_ ABSL_GUARDED_BY(mu_) = false;
  bool revoked_ ABSL_GUARDED_BY(mu_) = false;
  uint64_t backed_up_ ABSL_GUARDED_BY(mu_) = 0;
  Seen seen_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_CLIENTS_CPP_FAKE_SERVER_H_
