#ifndef NIGHTLOG_TESTS_TESTING_FIXED_RANDOM_H_
#define NIGHTLOG_TESTS_TESTING_FIXED_RANDOM_H_

#include <random>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/core/random.h"

namespace nightlog {

// Bytes that follow from a seed, so that a run can be repeated. Thread-safe.
class FixedRandom final : public Random {
 public:
  explicit FixedRandom(uint64_t seed) : engine_(seed) {}

  std::string Bytes(size_t count) override {
    absl::MutexLock lock(&mu_);
    std::string bytes(count, '\0');
    for (char& byte : bytes) byte = static_cast<char>(engine_());
    return bytes;
  }

 private:
  absl::Mutex mu_;
  std::mt19937_64 engine_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_TESTING_FIXED_RANDOM_H_
