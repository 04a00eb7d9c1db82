#ifndef NIGHTLOG_SERVICES_METRICS_H_
#define NIGHTLOG_SERVICES_METRICS_H_

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace nightlog {

// What the server counts of itself while it works. To count takes no lock and no allocation: a few
// relaxed additions, so what is read at one moment may be of two calls that are a few instructions
// apart. All are thread-safe.

// A number that only grows.
class Counter {
 public:
  void Add(uint64_t count = 1) { value_.fetch_add(count, std::memory_order_relaxed); }
  uint64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<uint64_t> value_{0};
};

// A number that rises and falls.
class Gauge {
 public:
  void Add(int64_t change) { value_.fetch_add(change, std::memory_order_relaxed); }
  void Set(int64_t value) { value_.store(value, std::memory_order_relaxed); }
  int64_t value() const { return value_.load(std::memory_order_relaxed); }

 private:
  std::atomic<int64_t> value_{0};
};

// How often a value was at most each of some bounds.
class Histogram {
 public:
  static constexpr size_t kBoundsMax = 16;

  // Ascending, at most kBoundsMax, and constant for ever. Values, bounds and the sum are in the
  // same small unit, such as nanoseconds.
  explicit Histogram(absl::Span<const uint64_t> bounds);

  void Add(uint64_t value);

  absl::Span<const uint64_t> bounds() const { return bounds_; }
  // Values at most each bound, and in all.
  std::vector<uint64_t> CumulativeCounts() const;
  uint64_t sum() const { return sum_.load(std::memory_order_relaxed); }

 private:
  const absl::Span<const uint64_t> bounds_;
  std::array<std::atomic<uint64_t>, kBoundsMax + 1> counts_{};
  std::atomic<uint64_t> sum_{0};
};

// For how long things take: 100 microseconds to 30 seconds, in nanoseconds.
absl::Span<const uint64_t> DurationBounds();
// For how many things there are: 1 to 1024.
absl::Span<const uint64_t> SizeBounds();

// What is counted of one method, over both doors.
struct MethodMetrics {
  // Calls that ended, by code. A stream that its caller left ended as cancelled.
  std::array<Counter, 17> ended;
  bool is_stream = false;
  Histogram took{DurationBounds()};  // of a unary call, in nanoseconds
  Gauge open_streams;
  // From the moment a stream had something to send until it was handed to the door, in nanoseconds:
  // how far a follower is behind.
  Histogram lag{DurationBounds()};
};

// All of it.
class Metrics {
 public:
  // Makes those of the method at `path`. Not thread-safe: call it for all methods before there are
  // calls. The answer lives as long as this.
  MethodMetrics& AddMethod(absl::string_view path, bool is_stream);
  const std::map<std::string, std::unique_ptr<MethodMetrics>, std::less<>>& methods() const {
    return methods_;
  }

  Histogram commit_took{DurationBounds()};  // in nanoseconds
  Histogram commit_operations{SizeBounds()};
  Counter conflicts;

  Counter backups_made;
  Counter backups_failed;
  // Of the newest there is, in seconds since 1970; 0: none.
  Gauge backup_made_at;
  Gauge backup_every_seconds;  // 0: none by itself
  // When the newest that could be read ends to be valid, in seconds since 1970; 0: there is none.
  Gauge certificate_end;

 private:
  std::map<std::string, std::unique_ptr<MethodMetrics>, std::less<>> methods_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_METRICS_H_
