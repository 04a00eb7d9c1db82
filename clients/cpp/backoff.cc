#include "clients/cpp/backoff.h"

#include <algorithm>
#include <cstdint>
#include <string>

namespace nightlog {

Backoff::Backoff(const BackoffOptions& options, Random& random)
    : options_(options), random_(random), delay_(options.first) {}

absl::Duration Backoff::Next() {
  const absl::Duration delay = delay_;
  delay_ = std::min(2 * delay_, options_.longest);
  const std::string bytes = random_.Bytes(2);
  const uint32_t fraction =
      static_cast<uint8_t>(bytes[0]) << 8 | static_cast<uint8_t>(bytes[1]);  // of 65,536
  return delay / 2 + delay / 2 * (fraction / 65536.0);
}

void Backoff::Reset() { delay_ = options_.first; }

}  // namespace nightlog
