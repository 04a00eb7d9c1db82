#include "services/metrics.h"

#include <algorithm>

#include "storage/core/check.h"

namespace nightlog {
namespace {

constexpr uint64_t kMicro = 1000;
constexpr uint64_t kMilli = 1000 * kMicro;
constexpr uint64_t kSecond = 1000 * kMilli;

constexpr uint64_t kDurationBounds[] = {100 * kMicro,  250 * kMicro, 500 * kMicro, 1 * kMilli,
                                        2500 * kMicro, 5 * kMilli,   10 * kMilli,  25 * kMilli,
                                        50 * kMilli,   100 * kMilli, 250 * kMilli, 500 * kMilli,
                                        1 * kSecond,   3 * kSecond,  10 * kSecond, 30 * kSecond};
constexpr uint64_t kSizeBounds[] = {1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024};

}  // namespace

absl::Span<const uint64_t> DurationBounds() { return kDurationBounds; }
absl::Span<const uint64_t> SizeBounds() { return kSizeBounds; }

Histogram::Histogram(absl::Span<const uint64_t> bounds) : bounds_(bounds) {
  CHECK(bounds.size() <= kBoundsMax);
}

void Histogram::Add(uint64_t value) {
  const auto* const bound = std::lower_bound(bounds_.begin(), bounds_.end(), value);
  counts_.at(static_cast<size_t>(bound - bounds_.begin())).fetch_add(1, std::memory_order_relaxed);
  sum_.fetch_add(value, std::memory_order_relaxed);
}

std::vector<uint64_t> Histogram::CumulativeCounts() const {
  std::vector<uint64_t> cumulative;
  uint64_t count = 0;
  for (size_t i = 0; i <= bounds_.size(); ++i) {
    count += counts_.at(i).load(std::memory_order_relaxed);
    cumulative.push_back(count);
  }
  return cumulative;
}

MethodMetrics& Metrics::AddMethod(absl::string_view path, bool is_stream) {
  std::unique_ptr<MethodMetrics>& metrics = methods_[std::string(path)];
  metrics = std::make_unique<MethodMetrics>();
  metrics->is_stream = is_stream;
  return *metrics;
}

}  // namespace nightlog
