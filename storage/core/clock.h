#ifndef NIGHTLOG_STORAGE_CORE_CLOCK_H_
#define NIGHTLOG_STORAGE_CORE_CLOCK_H_

#include "absl/time/clock.h"
#include "absl/time/time.h"

namespace nightlog {

// Tells the time. Everything that needs it takes a Clock, so that tests and the simulation decide
// what time it is. Implementations are thread-safe.
class Clock {
 public:
  virtual ~Clock() = default;

  virtual absl::Time Now() const = 0;
};

// The machine's clock.
class SystemClock final : public Clock {
 public:
  absl::Time Now() const override { return absl::Now(); }
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_CLOCK_H_
