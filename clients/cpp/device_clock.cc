#include "clients/cpp/device_clock.h"

#include <time.h>

#include <fstream>

#include "absl/time/clock.h"
#include "storage/core/check.h"
#include "storage/core/proto_time.h"

namespace nightlog {
namespace {

v1::ClockReading MakeReading(absl::Time wall, absl::Duration since_boot,
                             const std::string& boot_id) {
  v1::ClockReading reading;
  *reading.mutable_wall() = ToProto(wall);
  reading.set_monotonic_ms(static_cast<uint64_t>(absl::ToInt64Milliseconds(since_boot)));
  reading.set_boot_id(boot_id);
  return reading;
}

std::string ReadBootId() {
  std::string id;
  std::ifstream("/proc/sys/kernel/random/boot_id") >> id;
  return id;
}

}  // namespace

SystemDeviceClock::SystemDeviceClock() : boot_id_(ReadBootId()) {}

v1::ClockReading SystemDeviceClock::Read() const {
  timespec since_boot;
  CHECK(clock_gettime(CLOCK_BOOTTIME, &since_boot) == 0);
  return MakeReading(absl::Now(), absl::DurationFromTimespec(since_boot), boot_id_);
}

v1::ClockReading ManualDeviceClock::Read() const {
  absl::MutexLock lock(&mu_);
  return MakeReading(wall_, since_boot_, boot_id_);
}

void ManualDeviceClock::Advance(absl::Duration duration) {
  CHECK(duration >= absl::ZeroDuration());
  absl::MutexLock lock(&mu_);
  wall_ += duration;
  since_boot_ += duration;
}

void ManualDeviceClock::SetWall(absl::Time wall) {
  absl::MutexLock lock(&mu_);
  wall_ = wall;
}

}  // namespace nightlog
