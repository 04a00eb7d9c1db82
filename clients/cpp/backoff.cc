#include "clients/cpp/backoff.h"

#include <algorithm>
#include <cstdint>
#include <string>

#include "storage/core/errors.h"

namespace nightlog {

Backoff::Backoff(const BackoffOptions& options, Random& random)
    : options_(options), random_(random), delay_(options.first) {}

bool IsWorthRetrying(const absl::Status& status) {
  return absl::IsUnavailable(status) ||
         (absl::IsResourceExhausted(status) && RetryDelayOf(status) > absl::ZeroDuration());
}

absl::Duration Backoff::Next(const absl::Status& error) {
  const absl::Duration delay = delay_;
  delay_ = std::min(2 * delay_, options_.longest);
  const std::string bytes = random_.Bytes(2);
  const uint32_t fraction =
      static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1]);  // of 65,536
  const absl::Duration asked = std::min(RetryDelayOf(error), options_.longest);
  return std::max(delay / 2, asked) + delay / 2 * (fraction / 65536.0);
}

void Backoff::Reset() { delay_ = options_.first; }

}  // namespace nightlog
