#ifndef NIGHTLOG_TESTS_SIMULATION_SIM_RANDOM_H_
#define NIGHTLOG_TESTS_SIMULATION_SIM_RANDOM_H_

#include <cstdint>
#include <string>

#include "absl/time/time.h"
#include "storage/core/random.h"

namespace nightlog::simulation {

// All chance of a simulation comes from its seed (splitmix64). Not thread-safe: a simulation has
// one thread.
class SimRandom final : public Random {
 public:
  explicit SimRandom(uint64_t seed) : state_(seed) {}

  uint64_t Next() {
    uint64_t z = (state_ += 0x9e3779b97f4a7c15);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
  }

  // A number from 0 to `limit` - 1. REQUIRES: limit > 0.
  uint64_t Below(uint64_t limit) { return Next() % limit; }

  // True in `percent` of 100 cases.
  bool Chance(uint64_t percent) { return Below(100) < percent; }

  absl::Duration Within(absl::Duration limit) {
    return absl::Milliseconds(Below(static_cast<uint64_t>(absl::ToInt64Milliseconds(limit)) + 1));
  }

  std::string Bytes(size_t count) override {
    std::string bytes;
    while (bytes.size() < count) bytes.push_back(static_cast<char>(Next()));
    return bytes;
  }

 private:
  uint64_t state_;
};

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_SIM_RANDOM_H_
