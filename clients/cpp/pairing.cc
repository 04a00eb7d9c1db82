#include "clients/cpp/pairing.h"

#include <string>

#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

// The request with an id: the one that was saved with the same request, or a new one, saved now.
template <typename Request>
absl::StatusOr<Request> WithRequestId(Request request, Replica& replica, Random& random) {
  const std::string saved = replica.pairing_request();
  Request before;
  if (before.ParseFromString(saved)) {
    request.set_request_id(before.request_id());
    if (!request.request_id().empty() && request.SerializeAsString() == saved) return request;
  }
  request.set_request_id(random.Bytes(16));
  RETURN_IF_ERROR(replica.SavePairingRequest(request.SerializeAsString()));
  return request;
}

absl::StatusOr<FamilyId> TakePairing(const v1::Pairing& pairing, Connection& connection,
                                     Replica& replica) {
  RETURN_IF_ERROR(replica.AddFamily(pairing));
  connection.SetToken(replica.settings().device_token);
  return FamilyId(pairing.family_id());
}

}  // namespace

absl::StatusOr<FamilyId> CreateFamily(Connection& connection, Replica& replica, Random& random,
                                      const v1::CreateFamilyRequest& request, absl::Time deadline) {
  ASSIGN_OR_RETURN(const v1::CreateFamilyRequest named, WithRequestId(request, replica, random));
  ASSIGN_OR_RETURN(const v1::CreateFamilyResponse response,
                   connection.CreateFamily(named, deadline));
  return TakePairing(response.pairing(), connection, replica);
}

absl::StatusOr<FamilyId> JoinFamily(Connection& connection, Replica& replica, Random& random,
                                    const v1::JoinRequest& request, absl::Time deadline) {
  ASSIGN_OR_RETURN(const v1::JoinRequest named, WithRequestId(request, replica, random));
  ASSIGN_OR_RETURN(const v1::JoinResponse response, connection.Join(named, deadline));
  return TakePairing(response.pairing(), connection, replica);
}

}  // namespace nightlog
