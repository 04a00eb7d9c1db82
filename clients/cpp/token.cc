#include "clients/cpp/token.h"

#include <string>

#include "nightlog/v1/family_service.pb.h"
#include "storage/core/hash.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

v1::RotateTokenRequest Announcement(const FamilyId& family, const std::string& token) {
  v1::RotateTokenRequest request;
  request.set_family_id(family.str());
  request.set_new_token_hash(Sha256(token));
  return request;
}

}  // namespace

absl::Status RotateToken(Connection& connection, Replica& replica, Random& random,
                         const FamilyId& family, absl::Time deadline) {
  ASSIGN_OR_RETURN(const std::string next, replica.NextToken(random));
  RETURN_IF_ERROR(connection.RotateToken(Announcement(family, next), deadline).status());
  RETURN_IF_ERROR(replica.TakeNextToken(next));
  connection.SetToken(replica.settings().device_token);
  return absl::OkStatus();
}

absl::Status AnnounceTokenAgain(Connection& connection, Replica& replica, const FamilyId& family,
                                absl::Time deadline) {
  const std::string previous = replica.previous_token();
  const std::string token = replica.settings().device_token;
  if (previous.empty()) return absl::UnauthenticatedError("there was no token before");
  connection.SetToken(previous);
  const absl::Status announced =
      connection.RotateToken(Announcement(family, token), deadline).status();
  connection.SetToken(token);
  return announced;
}

}  // namespace nightlog
