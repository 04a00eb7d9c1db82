#ifndef NIGHTLOG_STORAGE_CORE_RANDOM_H_
#define NIGHTLOG_STORAGE_CORE_RANDOM_H_

#include <cstddef>
#include <string>

namespace nightlog {

// Gives random bytes. Everything that needs some takes a Random, so that a simulation can decide
// them from its seed. Implementations are thread-safe.
class Random {
 public:
  virtual ~Random() = default;

  // `count` random bytes.
  virtual std::string Bytes(size_t count) = 0;
};

// Bytes that nobody can guess, from the operating system.
class SystemRandom final : public Random {
 public:
  std::string Bytes(size_t count) override;
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_RANDOM_H_
