#ifndef NIGHTLOG_CLIENTS_CPP_DEVICE_CLOCK_H_
#define NIGHTLOG_CLIENTS_CPP_DEVICE_CLOCK_H_

#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "nightlog/v1/sync.pb.h"

namespace nightlog {

// Reads a device's clocks: each tap and each push carries a reading, from which the server works
// out when the tap really happened. Implementations are thread-safe.
class DeviceClock {
 public:
  virtual ~DeviceClock() = default;

  virtual v1::ClockReading Read() const = 0;
};

// The machine's clocks: the wall clock, the time since boot (sleeps of the machine included), and
// the boot id that Linux gives. Without a boot id the server goes by the wall clock alone.
class SystemDeviceClock final : public DeviceClock {
 public:
  SystemDeviceClock();

  v1::ClockReading Read() const override;

 private:
  const std::string boot_id_;
};

// A device's clocks under the caller's hand: for tests, simulations and replays.
class ManualDeviceClock final : public DeviceClock {
 public:
  ManualDeviceClock(absl::Time wall, std::string boot_id)
      : wall_(wall), boot_id_(std::move(boot_id)) {}

  v1::ClockReading Read() const override;

  // Time passes: both clocks move on. REQUIRES: `duration` is not negative.
  void Advance(absl::Duration duration);

  // Somebody sets the wall clock, to a right time or a wrong one.
  void SetWall(absl::Time wall);

 private:
  mutable absl::Mutex mu_;
  absl::Time wall_ ABSL_GUARDED_BY(mu_);
  absl::Duration since_boot_ ABSL_GUARDED_BY(mu_) = absl::ZeroDuration();
  const std::string boot_id_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_DEVICE_CLOCK_H_
