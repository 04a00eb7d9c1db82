#ifndef NIGHTLOG_SERVICES_INVITE_CODE_H_
#define NIGHTLOG_SERVICES_INVITE_CODE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "storage/core/random.h"

namespace nightlog {

// The codes by which a device joins a family: 80 random bits in Crockford's base32, which people
// can read out and type. Pure functions; thread-safe.

// A new code, in four groups: `K7QF-2M9X-RD4T-B8HW`.
std::string MakeInviteCode(Random& random);

// The one form in which a code is compared and stored: 16 capitals and digits. Case, dashes and
// spaces do not matter, and O, I and L count as the digits they look like. nullopt: no code can
// look like that.
absl::optional<std::string> NormalizeInviteCode(absl::string_view typed);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_INVITE_CODE_H_
