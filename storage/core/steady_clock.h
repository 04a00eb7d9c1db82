#ifndef NIGHTLOG_STORAGE_CORE_STEADY_CLOCK_H_
#define NIGHTLOG_STORAGE_CORE_STEADY_CLOCK_H_

#include <chrono>
#include <cstdint>

namespace nightlog {

// Nanoseconds since some moment, for how long things take: unlike a Clock it never goes back, and
// nothing that is stored or decided depends on it.
inline int64_t SteadyNanos() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_STEADY_CLOCK_H_
