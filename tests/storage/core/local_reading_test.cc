#include "storage/core/local_reading.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using TimeInfo = absl::TimeZone::TimeInfo;

absl::TimeZone London() { return *FindZone("Europe/London"); }

std::string Utc(const LocalReading& reading) {
  return absl::FormatTime("%Y-%m-%d %H:%M", reading.time, absl::UTCTimeZone());
}

TEST(LocalReadingTest, AnOrdinaryTimeHasOneReading) {
  for (const ClockChange side : {ClockChange::kBefore, ClockChange::kAfter}) {
    const LocalReading reading = ReadLocal(absl::CivilSecond(2026, 7, 1, 3, 12), London(), side);
    EXPECT_EQ(Utc(reading), "2026-07-01 02:12");
    EXPECT_EQ(reading.kind, TimeInfo::UNIQUE);
    EXPECT_THAT(reading.remark, IsEmpty());
  }
}

TEST(LocalReadingTest, ARepeatedTimeIsReadByTheClockThatIsMeant) {
  const absl::CivilSecond twice(2026, 10, 25, 1, 30);
  const LocalReading first = ReadLocal(twice, London());
  EXPECT_EQ(Utc(first), "2026-10-25 00:30");
  EXPECT_EQ(first.kind, TimeInfo::REPEATED);
  EXPECT_THAT(first.remark, HasSubstr("read as the first"));
  const LocalReading second = ReadLocal(twice, London(), ClockChange::kAfter);
  EXPECT_EQ(Utc(second), "2026-10-25 01:30");
  EXPECT_THAT(second.remark, HasSubstr("read as the second"));
}

TEST(LocalReadingTest, ASkippedTimeIsMovedByTheGap) {
  const LocalReading reading = ReadLocal(absl::CivilSecond(2026, 3, 29, 1, 30), London());
  EXPECT_EQ(Utc(reading), "2026-03-29 01:30");
  EXPECT_EQ(reading.kind, TimeInfo::SKIPPED);
  EXPECT_THAT(reading.remark, HasSubstr("did not happen, the clocks went forward; read as 02:30"));
}

TEST(LocalReadingTest, AnUnknownZoneIsNamedInTheError) {
  EXPECT_THAT(std::string(FindZone("Mars/Olympus").status().message()), HasSubstr("Mars/Olympus"));
}

}  // namespace
}  // namespace nightlog
