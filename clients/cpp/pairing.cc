#include "clients/cpp/pairing.h"

#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

absl::StatusOr<FamilyId> TakePairing(const v1::Pairing& pairing, Connection& connection,
                                     Replica& replica) {
  RETURN_IF_ERROR(replica.AddFamily(pairing));
  connection.SetToken(replica.settings().device_token);
  return FamilyId(pairing.family_id());
}

}  // namespace

absl::StatusOr<FamilyId> CreateFamily(Connection& connection, Replica& replica,
                                      const v1::CreateFamilyRequest& request, absl::Time deadline) {
  ASSIGN_OR_RETURN(const v1::CreateFamilyResponse response,
                   connection.CreateFamily(request, deadline));
  return TakePairing(response.pairing(), connection, replica);
}

absl::StatusOr<FamilyId> JoinFamily(Connection& connection, Replica& replica,
                                    const v1::JoinRequest& request, absl::Time deadline) {
  ASSIGN_OR_RETURN(const v1::JoinResponse response, connection.Join(request, deadline));
  return TakePairing(response.pairing(), connection, replica);
}

}  // namespace nightlog
