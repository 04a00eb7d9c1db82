#include "services/setup_code.h"

#include <memory>

#include "absl/types/optional.h"
#include "google/protobuf/timestamp.pb.h"
#include "services/access.h"
#include "services/invite_code.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

absl::Status NotValid(absl::string_view message) {
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_SETUP_CODE_NOT_VALID,
                   message);
}

// Whether the code of a row holds. One of a build that did not date them does not.
absl::StatusOr<bool> Holds(absl::string_view row, absl::Time now) {
  google::protobuf::Timestamp until;
  RETURN_IF_ERROR(ParseRow(row, until));
  return now < FromProto(until);
}

}  // namespace

absl::StatusOr<bool> NeedsSetupCode(const ReadView& view, absl::Time now) {
  // Rows of the store itself stand under the id of zeros.
  const auto families = view.Scan(kHeadColumn, FamilyLimit(FamilyId()), "");
  RETURN_IF_ERROR(families->status());
  if (families->Valid()) return false;
  auto codes = view.Scan(kAccessColumn, SetupCodesPrefix(), PrefixLimit(SetupCodesPrefix()));
  for (; codes->Valid(); codes->Next()) {
    ASSIGN_OR_RETURN(const bool holds, Holds(codes->value(), now));
    if (holds) return false;
  }
  RETURN_IF_ERROR(codes->status());
  return true;
}

absl::Status StoreSetupCode(Engine& engine, absl::string_view code, absl::Time now) {
  ASSIGN_OR_RETURN(const std::string code_hash, HashSetupCode(code));
  WriteBatch batch;
  batch.DeleteRange(kAccessColumn, SetupCodesPrefix(), PrefixLimit(SetupCodesPrefix()));
  batch.Put(kAccessColumn, SetupCodeKey(code_hash),
            ToProto(now + kSetupCodeValid).SerializeAsString());
  return engine.Write(batch);
}

absl::StatusOr<std::string> HashSetupCode(absl::string_view typed) {
  if (typed.empty()) {
    return NotValid(
        "This server makes a family only for a set-up code; ask whoever runs it for the link.");
  }
  const absl::optional<std::string> code = NormalizeInviteCode(typed);
  if (!code.has_value()) return NotValid("This is not a set-up code; check it for typing errors.");
  return SecretHash(*code);
}

absl::Status UseSetupCode(absl::string_view code_hash, FamilyWriter& writer) {
  const std::string key = SetupCodeKey(code_hash);
  ASSIGN_OR_RETURN(const absl::optional<std::string> row, writer.view().Get(kAccessColumn, key));
  bool holds = false;
  if (row.has_value()) {
    ASSIGN_OR_RETURN(holds, Holds(*row, writer.now()));
  }
  if (!holds) {
    return NotValid(
        "The set-up code is wrong, used or expired; ask whoever runs the server for a new one.");
  }
  writer.Delete(kAccessColumn, key);
  return absl::OkStatus();
}

}  // namespace nightlog
