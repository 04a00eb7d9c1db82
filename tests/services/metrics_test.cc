#include "services/metrics.h"

#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;

TEST(MetricsTest, AValueIsCountedAtItsBoundAndAllAbove) {
  constexpr uint64_t kBounds[] = {10, 20};
  Histogram histogram(kBounds);
  for (const uint64_t value : {0, 10, 11, 20, 21, 1000}) histogram.Add(value);
  EXPECT_THAT(histogram.CumulativeCounts(), ElementsAre(2, 4, 6));
  EXPECT_EQ(histogram.sum(), 1062);
}

TEST(MetricsTest, BoundsRise) {
  for (const absl::Span<const uint64_t> bounds : {DurationBounds(), SizeBounds()}) {
    const Histogram fits(bounds);
    for (size_t i = 1; i < bounds.size(); ++i) EXPECT_LT(bounds[i - 1], bounds[i]);
  }
}

}  // namespace
}  // namespace nightlog
