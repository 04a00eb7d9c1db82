// Runs simulations: `simulate FIRST_SEED COUNT`, or `simulate SEED --verbose` for one with its
// trace. A failing seed is shrunk and printed; exit code 1. Ends with what was run. `--no-shrink`
// after the count leaves the shrinking out.

#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "absl/strings/str_join.h"
#include "tests/simulation/simulation.h"

int main(int argc, char** argv) {
  using nightlog::simulation::Shrink;
  using nightlog::simulation::SimOptions;
  using nightlog::simulation::SimResult;
  using nightlog::simulation::Simulate;

  if (argc < 3) {
    std::fprintf(stderr,
                 "usage: simulate FIRST_SEED COUNT [--no-shrink] | SEED --verbose [STEP..]\n");
    return 2;
  }
  SimOptions options;
  options.seed = std::strtoull(argv[1], nullptr, 10);
  options.verbose = std::strcmp(argv[2], "--verbose") == 0;
  const uint64_t count = options.verbose ? 1 : std::strtoull(argv[2], nullptr, 10);
  const bool shrinks = !options.verbose && argc == 3;
  for (int i = 3; i < argc && options.verbose; ++i) options.steps.push_back(std::atoi(argv[i]));
  for (uint64_t i = 0; i < count; ++i, ++options.seed) {
    const SimResult result = Simulate(options);
    if (result.failure.empty()) continue;
    std::printf("seed %llu: %s\n", static_cast<unsigned long long>(options.seed),
                result.failure.c_str());
    std::fflush(stdout);
    if (shrinks) {
      const SimOptions small = Shrink(options);
      std::printf("seed %llu: steps {%s} are enough: %s\n",
                  static_cast<unsigned long long>(options.seed),
                  absl::StrJoin(small.steps, ", ").c_str(), Simulate(small).failure.c_str());
    }
    return 1;
  }
  std::printf("%llu seeds, no failure\n", static_cast<unsigned long long>(count));
  return 0;
}
