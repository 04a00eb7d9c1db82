#ifndef NIGHTLOG_CLIENTS_CPP_TOKEN_H_
#define NIGHTLOG_CLIENTS_CPP_TOKEN_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/replica.h"
#include "storage/core/ids.h"
#include "storage/core/random.h"

namespace nightlog {

// Exchanges the device's token for a new one, which holds in all its families; `family` is one of
// them, whose people can read of it. The old token goes with the first call that the connection
// makes afterwards. The new one is saved before it is announced: when the answer is lost, the same
// call again, even after a restart, ends the same way.
absl::Status RotateToken(Connection& connection, Replica& replica, Random& random,
                         const FamilyId& family, absl::Time deadline);

// For a server that does not know the device's token since it was restored from a backup of before
// the exchange: announces the token again, by the one before. OK: the next call will be known.
// UNAUTHENTICATED: the server knows neither.
absl::Status AnnounceTokenAgain(Connection& connection, Replica& replica, const FamilyId& family,
                                absl::Time deadline);

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_TOKEN_H_
