#ifndef NIGHTLOG_CLIENTS_CPP_PAIRING_H_
#define NIGHTLOG_CLIENTS_CPP_PAIRING_H_

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/replica.h"
#include "nightlog/v1/family_service.pb.h"
#include "storage/core/random.h"

namespace nightlog {

// The calls that pair a device. Each stores the pairing in the replica before it returns, and gives
// the device's token to the connection. The request gets an id that is saved before it is sent:
// when the answer is lost, the same call again, even after a restart, gets the same pairing. All
// other calls about families, members, nights and history are those of Connection.

absl::StatusOr<FamilyId> CreateFamily(Connection& connection, Replica& replica, Random& random,
                                      const v1::CreateFamilyRequest& request, absl::Time deadline);

absl::StatusOr<FamilyId> JoinFamily(Connection& connection, Replica& replica, Random& random,
                                    const v1::JoinRequest& request, absl::Time deadline);

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_PAIRING_H_
