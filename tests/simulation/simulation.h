#ifndef NIGHTLOG_TESTS_SIMULATION_SIMULATION_H_
#define NIGHTLOG_TESTS_SIMULATION_SIMULATION_H_

#include <cstdint>
#include <string>
#include <vector>

namespace nightlog::simulation {

// A family's life on a real server core and real client cores, over simulated clocks, chance,
// network and disks. One seed decides everything, so a failure can be run again. tests/README.md
// says what is simulated and what is checked.
struct SimOptions {
  uint64_t seed = 0;
  // The steps to take; each has its own chance, from the seed and its number, so that leaving some
  // out changes the others little. Empty: all of 0 to kSteps - 1.
  std::vector<int> steps;
  // Prints what happens.
  bool verbose = false;
};
constexpr int kSteps = 120;

// How a simulation ended.
struct SimResult {
  // The first promise that did not hold; empty if all did.
  std::string failure;
  // Of everything that happened.
  std::string trace_hash;
  // The steps taken.
  std::vector<int> steps;
};

SimResult Simulate(const SimOptions& options);

// The fewest steps found that still fail: `failing` made smaller by leaving steps out. REQUIRES:
// Simulate(failing) fails.
SimOptions Shrink(const SimOptions& failing);

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_SIMULATION_H_
