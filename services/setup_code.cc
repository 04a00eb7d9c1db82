#include "services/setup_code.h"

#include <memory>

#include "absl/types/optional.h"
#include "google/protobuf/empty.pb.h"
#include "services/access.h"
#include "services/invite_code.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

absl::Status NotValid(absl::string_view message) {
  return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_SETUP_CODE_NOT_VALID,
                   message);
}

absl::StatusOr<bool> HasRow(const ReadView& view, Column column, absl::string_view begin,
                            absl::string_view end) {
  const auto it = view.Scan(column, begin, end);
  RETURN_IF_ERROR(it->status());
  return it->Valid();
}

}  // namespace

absl::StatusOr<bool> NeedsSetupCode(const ReadView& view) {
  // Rows of the store itself stand under the id of zeros.
  ASSIGN_OR_RETURN(const bool has_family, HasRow(view, kHeadColumn, FamilyLimit(FamilyId()), ""));
  ASSIGN_OR_RETURN(const bool has_code, HasRow(view, kAccessColumn, SetupCodesPrefix(),
                                               PrefixLimit(SetupCodesPrefix())));
  return !has_family && !has_code;
}

absl::StatusOr<std::string> MakeSetupCode(Engine& engine, Random& random) {
  const std::string code = MakeInviteCode(random);
  ASSIGN_OR_RETURN(const std::string code_hash, HashSetupCode(code));
  WriteBatch batch;
  batch.DeleteRange(kAccessColumn, SetupCodesPrefix(), PrefixLimit(SetupCodesPrefix()));
  batch.Put(kAccessColumn, SetupCodeKey(code_hash), google::protobuf::Empty().SerializeAsString());
  RETURN_IF_ERROR(engine.Write(batch));
  return code;
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
  if (!row.has_value()) {
    return NotValid("The set-up code is wrong or used; ask whoever runs the server for a new one.");
  }
  writer.Delete(kAccessColumn, key);
  return absl::OkStatus();
}

}  // namespace nightlog
