#include "tests/simulation/simulation.h"

#include "absl/strings/str_join.h"
#include "gtest/gtest.h"

namespace nightlog::simulation {
namespace {

// More by hand, with the program `simulate`.
#ifndef NIGHTLOG_SIMULATION_SEEDS
#define NIGHTLOG_SIMULATION_SEEDS 2000
#endif

TEST(SimulationTest, EveryPromiseHoldsForEverySeed) {
  for (int i = 0; i < NIGHTLOG_SIMULATION_SEEDS; ++i) {
    SimOptions options;
    options.seed = static_cast<uint64_t>(i);
    const SimResult result = Simulate(options);
    if (result.failure.empty()) continue;
    const SimOptions small = Shrink(options);
    FAIL() << "seed " << i << ": " << result.failure << "\nsteps {"
           << absl::StrJoin(small.steps, ", ") << "} are enough: " << Simulate(small).failure;
  }
}

// Seeds that failed once, with the steps that were enough.
TEST(SimulationTest, ARevocationWhoseAnswerWasLostInACrashStillEndsAccess) {
  SimOptions options;
  options.seed = 462;
  options.steps = {14, 17};
  EXPECT_EQ(Simulate(options).failure, "");
}

// The undo of "these were two" was a tap that the phone could not read again.
TEST(SimulationTest, ThatEntriesAreTwoIsNotUndone) {
  SimOptions options;
  options.seed = 6;
  EXPECT_EQ(Simulate(options).failure, "");
}

TEST(SimulationTest, TheSameSeedHappensTheSameWayTwice) {
  for (uint64_t seed : {3u, 77u, 4001u}) {
    SimOptions options;
    options.seed = seed;
    EXPECT_EQ(Simulate(options).trace_hash, Simulate(options).trace_hash) << "seed " << seed;
  }
}

TEST(SimulationTest, AnotherSeedHappensOtherwise) {
  SimOptions one;
  one.seed = 1;
  SimOptions two;
  two.seed = 2;
  EXPECT_NE(Simulate(one).trace_hash, Simulate(two).trace_hash);
}

}  // namespace
}  // namespace nightlog::simulation
