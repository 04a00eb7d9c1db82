#include "storage/core/edit_time.h"

#include <limits>

#include "gtest/gtest.h"
#include "storage/core/proto_time.h"

namespace nightlog {
namespace {

const absl::Time kReceived = absl::FromUnixSeconds(1'700'000'000);

v1::ClockReading Reading(absl::Time wall, uint64_t monotonic_ms, const std::string& boot_id) {
  v1::ClockReading reading;
  *reading.mutable_wall() = ToProto(wall);
  reading.set_monotonic_ms(monotonic_ms);
  reading.set_boot_id(boot_id);
  return reading;
}

// A tap ten minutes before the push, on a phone whose wall clock is `error` ahead.
absl::Time EstimateWithClockError(absl::Duration error, const std::string& boot_at_tap,
                                  const std::string& boot_at_push) {
  return EstimateEditTime(Reading(kReceived - absl::Minutes(10) + error, 1'000, boot_at_tap),
                          Reading(kReceived + error, 601'000, boot_at_push), kReceived);
}

TEST(EstimateEditTimeTest, AWrongClockDoesNotMatterOnOneBootNorAcrossAReboot) {
  for (absl::Duration error : {absl::ZeroDuration(), absl::Hours(1), -absl::Hours(1),
                               absl::Hours(24 * 365), -absl::Hours(24 * 365)}) {
    EXPECT_EQ(EstimateWithClockError(error, "boot", "boot"), kReceived - absl::Minutes(10));
    EXPECT_EQ(EstimateWithClockError(error, "boot", "other"), kReceived - absl::Minutes(10));
    EXPECT_EQ(EstimateWithClockError(error, "", ""), kReceived - absl::Minutes(10));
  }
}

TEST(EstimateEditTimeTest, OnOneBootTheMonotonicClockWinsOverAWallClockSetInBetween) {
  const v1::ClockReading made = Reading(kReceived + absl::Hours(1), 1'000, "boot");
  const v1::ClockReading sent = Reading(kReceived, 61'000, "boot");
  EXPECT_EQ(EstimateEditTime(made, sent, kReceived), kReceived - absl::Minutes(1));
}

TEST(EstimateEditTimeTest, AMonotonicClockOfAnotherBootIsNotUsed) {
  const v1::ClockReading made = Reading(kReceived - absl::Minutes(5), 1'000, "boot");
  const v1::ClockReading sent = Reading(kReceived, 2'000, "next boot");
  EXPECT_EQ(EstimateEditTime(made, sent, kReceived), kReceived - absl::Minutes(5));
}

TEST(EstimateEditTimeTest, AMonotonicClockThatWentBackwardsIsNotUsed) {
  const v1::ClockReading made = Reading(kReceived - absl::Minutes(5), 9'000, "boot");
  const v1::ClockReading sent = Reading(kReceived, 8'999, "boot");
  EXPECT_EQ(EstimateEditTime(made, sent, kReceived), kReceived - absl::Minutes(5));
}

TEST(EstimateEditTimeTest, IsNeverAfterTheServersTime) {
  const v1::ClockReading made = Reading(kReceived + absl::Hours(9), 0, "boot");
  const v1::ClockReading sent = Reading(kReceived, 0, "other");
  EXPECT_EQ(EstimateEditTime(made, sent, kReceived), kReceived);
}

TEST(EstimateEditTimeTest, ExtremeReadingsGiveATimeThatCanBeStored) {
  const auto extreme = [](int64_t seconds, int32_t nanos, uint64_t monotonic_ms,
                          const std::string& boot_id) {
    v1::ClockReading reading;
    reading.mutable_wall()->set_seconds(seconds);
    reading.mutable_wall()->set_nanos(nanos);
    reading.set_monotonic_ms(monotonic_ms);
    reading.set_boot_id(boot_id);
    return reading;
  };
  constexpr int64_t kSeconds[] = {std::numeric_limits<int64_t>::min(), 0,
                                  std::numeric_limits<int64_t>::max()};
  constexpr uint64_t kMonotonic[] = {0, 1ull << 63, std::numeric_limits<uint64_t>::max()};
  for (int64_t made : kSeconds) {
    for (int64_t sent : kSeconds) {
      for (uint64_t made_ms : kMonotonic) {
        for (uint64_t sent_ms : kMonotonic) {
          for (const char* boot : {"", "boot"}) {
            const absl::Time estimate = EstimateEditTime(
                extreme(made, std::numeric_limits<int32_t>::max(), made_ms, boot),
                extreme(sent, std::numeric_limits<int32_t>::min(), sent_ms, boot), kReceived);
            EXPECT_LE(estimate, kReceived);
            EXPECT_LE(FromProto(ToProto(estimate)), kReceived);
          }
        }
      }
    }
  }
}

TEST(ClampEditTimeTest, StaysBetweenWhatWasSeenAndTheServersTime) {
  const absl::Time seen = kReceived - absl::Minutes(5);
  EXPECT_EQ(ClampEditTime(kReceived - absl::Minutes(9), seen, kReceived), seen);
  EXPECT_EQ(ClampEditTime(kReceived - absl::Minutes(2), seen, kReceived),
            kReceived - absl::Minutes(2));
  EXPECT_EQ(ClampEditTime(kReceived + absl::Minutes(2), seen, kReceived), kReceived);
  EXPECT_EQ(ClampEditTime(kReceived, kReceived + absl::Minutes(1), kReceived), kReceived);
}

// The clock of the phone was `error` behind at the tap.
v1::Interval Corrected(v1::Interval interval, absl::Duration error) {
  CorrectTappedTimes(kReceived, kReceived - error, interval);
  return interval;
}

v1::Interval Between(double began_min, double ended_min) {
  v1::Interval interval;
  *interval.mutable_began_at() = ToProto(kReceived + absl::Minutes(1) * began_min);
  *interval.mutable_ended_at() = ToProto(kReceived + absl::Minutes(1) * ended_min);
  return interval;
}

double BeganMin(const v1::Interval& interval) {
  return absl::ToDoubleMinutes(FromProto(interval.began_at()) - kReceived);
}
double EndedMin(const v1::Interval& interval) {
  return absl::ToDoubleMinutes(FromProto(interval.ended_at()) - kReceived);
}

TEST(CorrectTappedTimesTest, MovesTappedTimesByTheErrorAndKeepsWhatTheClockSaid) {
  v1::Interval interval = Between(-60, -10);
  interval.set_began_tapped(true);
  interval.set_ended_tapped(true);
  const v1::Interval corrected = Corrected(interval, absl::Minutes(7));
  EXPECT_EQ(BeganMin(corrected), -53);
  EXPECT_EQ(EndedMin(corrected), -3);
  EXPECT_EQ(corrected.began_raw().seconds(), interval.began_at().seconds());
  EXPECT_EQ(corrected.ended_raw().seconds(), interval.ended_at().seconds());
}

TEST(CorrectTappedTimesTest, LeavesTypedTimesAlone) {
  v1::Interval interval = Between(-60, -10);
  interval.set_ended_tapped(true);
  const v1::Interval corrected = Corrected(interval, absl::Minutes(7));
  EXPECT_EQ(BeganMin(corrected), -60);
  EXPECT_FALSE(corrected.has_began_raw());
  EXPECT_EQ(EndedMin(corrected), -3);
}

TEST(CorrectTappedTimesTest, CorrectsOnlyOnce) {
  v1::Interval interval = Between(-60, -10);
  interval.set_began_tapped(true);
  const v1::Interval once = Corrected(interval, absl::Minutes(7));
  const v1::Interval twice = Corrected(once, absl::Minutes(7));
  EXPECT_EQ(twice.SerializeAsString(), once.SerializeAsString());
}

TEST(CorrectTappedTimesTest, AnErrorWithinTheToleranceMovesNothing) {
  v1::Interval interval = Between(-60, -10);
  interval.set_began_tapped(true);
  interval.set_ended_tapped(true);
  for (absl::Duration error : {kClockErrorTolerated - absl::Nanoseconds(1),
                               -kClockErrorTolerated + absl::Nanoseconds(1)}) {
    EXPECT_EQ(BeganMin(Corrected(interval, error)), -60);
    EXPECT_EQ(EndedMin(Corrected(interval, error)), -10);
  }
  EXPECT_EQ(BeganMin(Corrected(interval, kClockErrorTolerated)), -59.5);
}

// Dana's clock is right and she taps "asleep"; Sam's is an hour behind and he taps "awake".
TEST(CorrectTappedTimesTest, APartnersWrongClockDoesNotMoveABeginThatWasTappedOnARightOne) {
  v1::Interval dana = Between(-60, 0);
  dana.clear_ended_at();
  dana.set_began_tapped(true);
  v1::Interval sam = Corrected(dana, absl::ZeroDuration());
  *sam.mutable_ended_at() = ToProto(kReceived - absl::Minutes(61));
  sam.set_ended_tapped(true);
  const v1::Interval corrected = Corrected(sam, absl::Hours(1));
  EXPECT_EQ(BeganMin(corrected), -60);
  EXPECT_EQ(EndedMin(corrected), -1);
}

// Sam's clock is three hours behind: his phone can only end Dana's sleep at its begin.
TEST(CorrectTappedTimesTest, AnEndAheadOfTheClockOfItsTapIsTheTimeOfTheTap) {
  v1::Interval sam = Between(-30, -30);
  sam.set_began_tapped(true);
  *sam.mutable_began_raw() = sam.began_at();
  sam.set_ended_tapped(true);
  const v1::Interval corrected = Corrected(sam, absl::Hours(3));
  EXPECT_EQ(BeganMin(corrected), -30);
  EXPECT_EQ(EndedMin(corrected), 0);
  EXPECT_EQ(corrected.ended_raw().seconds(), sam.ended_at().seconds());
}

TEST(CorrectTappedTimesTest, ATappedEndStopsAtItsBegin) {
  v1::Interval interval = Between(-10, -5);
  interval.set_ended_tapped(true);
  const v1::Interval corrected = Corrected(interval, -absl::Minutes(20));
  EXPECT_EQ(BeganMin(corrected), -10);
  EXPECT_EQ(EndedMin(corrected), -10);
  EXPECT_EQ(corrected.ended_raw().seconds(), interval.ended_at().seconds());
}

TEST(CorrectTappedTimesTest, ATappedBeginStopsAtATypedEnd) {
  v1::Interval interval = Between(-10, -5);
  interval.set_began_tapped(true);
  const v1::Interval corrected = Corrected(interval, absl::Minutes(20));
  EXPECT_EQ(BeganMin(corrected), -5);
  EXPECT_EQ(EndedMin(corrected), -5);
}

TEST(CorrectTappedTimesTest, AnOpenIntervalStaysOpen) {
  v1::Interval interval = Between(-10, 0);
  interval.clear_ended_at();
  interval.set_began_tapped(true);
  interval.set_ended_tapped(true);
  const v1::Interval corrected = Corrected(interval, absl::Minutes(20));
  EXPECT_FALSE(corrected.has_ended_at());
  EXPECT_FALSE(corrected.has_ended_raw());
}

TEST(CorrectTappedTimesTest, ExtremeErrorsGiveTimesThatCanBeStored) {
  for (absl::Time wall : {absl::InfinitePast(), absl::InfiniteFuture()}) {
    v1::Interval interval = Between(-10, -5);
    interval.set_began_tapped(true);
    interval.set_ended_tapped(true);
    CorrectTappedTimes(kReceived, wall, interval);
    EXPECT_LE(FromProto(interval.began_at()), FromProto(interval.ended_at()));
    EXPECT_GE(interval.began_at().seconds(), -62135596800);
    EXPECT_LE(interval.ended_at().seconds(), 253402300799);
  }
}

}  // namespace
}  // namespace nightlog
