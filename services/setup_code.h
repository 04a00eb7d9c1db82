#ifndef NIGHTLOG_SERVICES_SETUP_CODE_H_
#define NIGHTLOG_SERVICES_SETUP_CODE_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/engine/engine.h"
#include "storage/family_writer.h"

namespace nightlog {

// Who may make a family.
enum class Registration {
  kOpen,        // whoever reaches the server
  kBySetupCode  // whoever has a set-up code
};

// Set-up codes look like the codes of invites, and each makes one family. The store keeps their
// hashes, and until when each holds.

// How long a code holds.
constexpr absl::Duration kSetupCodeValid = absl::Hours(24 * 7);

// True if there is nobody yet who could let others in: no family, and no code to make one that
// holds.
absl::StatusOr<bool> NeedsSetupCode(const ReadView& view, absl::Time now);

// Makes a code valid for kSetupCodeValid, on disk when this returns; all others are void then. Tell
// somebody first: nothing says again what a code is that holds.
absl::Status StoreSetupCode(Engine& engine, absl::string_view code, absl::Time now);

// The hash of a code as it was typed. PERMISSION_DENIED (SETUP_CODE_NOT_VALID) for what no code can
// look like, or if there is none.
absl::StatusOr<std::string> HashSetupCode(absl::string_view typed);

// Uses the code of that hash up, within a commit. PERMISSION_DENIED (SETUP_CODE_NOT_VALID) if it is
// wrong, used or expired.
// REQUIRES: no other commit that uses the code is under way.
absl::Status UseSetupCode(absl::string_view code_hash, FamilyWriter& writer);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_SETUP_CODE_H_
