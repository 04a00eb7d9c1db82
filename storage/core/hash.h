#ifndef NIGHTLOG_STORAGE_CORE_HASH_H_
#define NIGHTLOG_STORAGE_CORE_HASH_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"

namespace nightlog {

// SHA-256 of `bytes`; 32 bytes.
std::string Sha256(absl::string_view bytes);

// An order-free hash over a set of digests: each 32-byte digest is read as four little-endian
// 64-bit numbers, and these are added lane by lane modulo 2^64. So it can be kept up to date by the
// change alone. A value type.
class StateHash {
 public:
  StateHash() : lanes_{} {}

  // From bytes() of another; an empty string is the hash of nothing. Any other length is a bug.
  explicit StateHash(absl::string_view bytes);

  // REQUIRES: `digest` has 32 bytes, or none (which changes nothing).
  void Add(absl::string_view digest);
  void Remove(absl::string_view digest);
  void Add(const StateHash& other);

  std::string bytes() const;

  friend bool operator==(const StateHash& a, const StateHash& b) { return a.lanes_ == b.lanes_; }
  friend bool operator!=(const StateHash& a, const StateHash& b) { return a.lanes_ != b.lanes_; }

 private:
  std::array<uint64_t, 4> lanes_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_HASH_H_
