#ifndef NIGHTLOG_CLIENTS_CPP_CONNECTION_H_
#define NIGHTLOG_CLIENTS_CPP_CONNECTION_H_

#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "nightlog/v1/family_service.pb.h"
#include "nightlog/v1/progress_service.pb.h"
#include "nightlog/v1/sync_service.pb.h"

namespace nightlog {

// Messages from the server until it or the caller ends it. Cancel() may be called from any thread;
// the rest from one.
template <typename Response>
class ServerStream {
 public:
  virtual ~ServerStream() = default;

  // Waits for the next message. False: the stream is over.
  virtual bool Read(Response& response) = 0;

  // Ends the stream soon: a waiting Read() returns false.
  virtual void Cancel() = 0;

  // How it ended. REQUIRES: Read() returned false.
  virtual absl::Status Finish() = 0;
};

// The calls that a device makes, one method each; sync_service.proto, family_service.proto and
// progress_service.proto say what they do. Thread-safe.
//
// `deadline` bounds a call with all its repeats. Errors are the server's, with reason and details
// (storage/core/errors.h); UNAVAILABLE also says that the server cannot be reached, and
// DEADLINE_EXCEEDED that it did not answer in time.
class Connection {
 public:
  virtual ~Connection() = default;

  // The device token for all further calls; empty: none.
  virtual void SetToken(const std::string& token) = 0;

  virtual absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request,
                                                absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::AcknowledgeResponse> Acknowledge(const v1::AcknowledgeRequest& request,
                                                              absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::ListHistoryResponse> ListHistory(const v1::ListHistoryRequest& request,
                                                              absl::Time deadline) = 0;
  // A stream is not repeated: its user goes on from what it has.
  virtual std::unique_ptr<ServerStream<v1::FollowResponse>> Follow(const v1::FollowRequest& request,
                                                                   absl::Time deadline) = 0;

  virtual std::unique_ptr<ServerStream<v1::WatchResponse>> Watch(const v1::WatchRequest& request,
                                                                 absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::GetProgressResponse> GetProgress(const v1::GetProgressRequest& request,
                                                              absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::ListNightsResponse> ListNights(const v1::ListNightsRequest& request,
                                                            absl::Time deadline) = 0;

  virtual absl::StatusOr<v1::CreateFamilyResponse> CreateFamily(
      const v1::CreateFamilyRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::CreateInviteResponse> CreateInvite(
      const v1::CreateInviteRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::JoinResponse> Join(const v1::JoinRequest& request,
                                                absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::ListFamiliesResponse> ListFamilies(
      const v1::ListFamiliesRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::ListMembersResponse> ListMembers(const v1::ListMembersRequest& request,
                                                              absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::RevokeDeviceResponse> RevokeDevice(
      const v1::RevokeDeviceRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::RemoveMemberResponse> RemoveMember(
      const v1::RemoveMemberRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::SetConsentResponse> SetConsent(const v1::SetConsentRequest& request,
                                                            absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::RenewReplicaResponse> RenewReplica(
      const v1::RenewReplicaRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::RotateTokenResponse> RotateToken(const v1::RotateTokenRequest& request,
                                                              absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::ListQuarantineResponse> ListQuarantine(
      const v1::ListQuarantineRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::DecideQuarantineResponse> DecideQuarantine(
      const v1::DecideQuarantineRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::ListEventsResponse> ListEvents(const v1::ListEventsRequest& request,
                                                            absl::Time deadline) = 0;
  virtual std::unique_ptr<ServerStream<v1::ExportFamilyResponse>> ExportFamily(
      const v1::ExportFamilyRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::ImportRecordsResponse> ImportRecords(
      const v1::ImportRecordsRequest& request, absl::Time deadline) = 0;
  virtual absl::StatusOr<v1::EraseFamilyResponse> EraseFamily(const v1::EraseFamilyRequest& request,
                                                              absl::Time deadline) = 0;
};

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_CONNECTION_H_
