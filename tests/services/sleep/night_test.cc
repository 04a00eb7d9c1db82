#include "services/sleep/night.h"

#include <algorithm>
#include <random>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/io/zero_copy_stream_impl_lite.h"
#include "gtest/gtest.h"
#include "storage/core/proto_time.h"
#include "tests/services/sleep/night_builder.h"

namespace nightlog::sleep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

// Maps in key order, so that equal messages are equal bytes.
std::string Bytes(const v1::NightSummary& summary) {
  std::string bytes;
  {
    google::protobuf::io::StringOutputStream stream(&bytes);
    google::protobuf::io::CodedOutputStream coded(&stream);
    coded.SetSerializationDeterministic(true);
    summary.SerializeToCodedStream(&coded);
  }
  return bytes;
}

std::string Local(const google::protobuf::Timestamp& time,
                  absl::string_view zone = "America/New_York") {
  return absl::FormatTime("%m-%d %H:%M", FromProto(time), ZoneOr(zone, absl::UTCTimeZone()));
}

// Three caregivers, two of whom log most things.
NightBuilder BusyNight() {
  NightBuilder night;
  night.Sleep("=09:30", "=10:30").Sleep("=13:00", "=14:00", "dad").PutDown("19:15");
  night.Sleep("19:30", "02:00").Sleep("19:40", "01:50", "dad").Sleep("22:00", "23:30", "gran");
  night.Awake("23:00", "23:20", "dad").Cry("23:00", "23:12").Cry("23:05", "23:18", "dad");
  night.Respond(3, "23:06", "", "dad").Respond(3, "23:06", "", "gran").Respond(6, "02:10");
  night.Sleep("02:25", "", "dad").Sleep("02:30", "").Rise("06:00").Rise("06:05", "dad");
  night.Cry("02:00", "").Sleep("+09:00", "+10:00").PutDown("+19:30").Sleep("+19:45", "");
  return night;
}

TEST(NightTest, TheOrderOfEntriesDoesNotMatter) {
  NightBuilder night = BusyNight();
  night.UsePlan(v1::PLAN_METHOD_LADDER);
  const std::string expected = Bytes(night.Summarize());
  std::mt19937 random(20250512);
  for (int i = 0; i < 50; ++i) {
    std::shuffle(night.entries().begin(), night.entries().end(), random);
    ASSERT_EQ(Bytes(night.Summarize()), expected);
  }
}

TEST(NightTest, SleepsOfThreeCaregiversAreUnitedAndASeenWakingIsCutOut) {
  const v1::NightSummary summary = BusyNight().Summarize();
  EXPECT_EQ(summary.status(), v1::NIGHT_STATUS_COMPLETE);
  EXPECT_EQ(summary.nap_min(), 120);
  EXPECT_EQ(summary.tst_night_min(), 210 + 160 + 215);
  EXPECT_EQ(summary.nwak(), 2);
  EXPECT_EQ(summary.waso_min(), 20 + 25);
  // 23:00 to 23:18, and the open one from 02:00 to the next sleep.
  EXPECT_EQ(summary.cry_min(), 18 + 25);
  EXPECT_EQ(Local(summary.rise_at()), "05-13 06:00");
  EXPECT_EQ(summary.imputed_entry_ids_size(), 2);
}

TEST(NightTest, EntriesOfNeighbouringNightsAreIgnored) {
  const auto add_night = [](NightBuilder* night) {
    night->PutDown("19:30").Sleep("19:45", "06:30").Cry("19:35", "19:40").Respond(2, "19:36");
    night->Rise("06:45");
  };
  NightBuilder alone;
  add_night(&alone);
  NightBuilder among;
  add_night(&among);
  for (int offset : {-2, -1, 1, 2}) {
    NightBuilder other(FormatDay(among.night() + offset));
    other.PutDown("20:30").Sleep("20:45", "05:30").Cry("20:35", "").Respond(5, "20:36");
    other.Awake("01:00", "01:30", "dad").Rise("06:00");
    for (const LoggedEntry& entry : other.entries()) {
      among.Add(entry.entry->detail(), FromProto(entry.entry->interval().began_at()),
                entry.entry->interval().has_ended_at()
                    ? absl::make_optional(FromProto(entry.entry->interval().ended_at()))
                    : absl::nullopt,
                entry.member_id);
    }
  }
  EXPECT_EQ(Bytes(among.Summarize()), Bytes(alone.Summarize()));
}

TEST(NightTest, TouchedNightsAreThoseWhoseWindowHoldsTheBegin) {
  v1::Child child;
  child.set_home_zone("America/New_York");
  // Over both DST changes, hour by hour.
  for (absl::string_view around : {"2025-03-09 02:00", "2025-11-02 02:00"}) {
    const absl::Time middle = LocalTime(around, child.home_zone());
    for (int hour = -80; hour <= 80; ++hour) {
      v1::Interval interval;
      *interval.mutable_began_at() = ToProto(middle + absl::Hours(hour));
      const auto touched = NightsTouched(child, interval);
      for (absl::CivilDay night = touched[0] - 3; night <= touched[2] + 3; ++night) {
        const TimeRange window = EntriesWindow(child, night);
        const absl::Time begin = middle + absl::Hours(hour);
        EXPECT_EQ(window.begin <= begin && begin < window.end,
                  touched[0] <= night && night <= touched[2])
            << FormatDay(night) << " " << begin;
      }
    }
  }
}

TEST(DstTest, ASpringNightIsAnHourShorterThanTheClockSays) {
  NightBuilder night("2025-03-08");
  night.PutDown("19:30").Sleep("19:45", "06:45").Rise("07:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.tst_night_min(), 10 * 60);
  EXPECT_EQ(summary.tib_min(), 10 * 60 + 30);
  EXPECT_TRUE(summary.stn_24_05());
}

TEST(DstTest, AnAutumnNightIsAnHourLongerThanTheClockSays) {
  NightBuilder night("2025-11-01");
  night.PutDown("19:30").Sleep("19:45", "05:45").Rise("06:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.tst_night_min(), 11 * 60);
  EXPECT_EQ(summary.early_wake_min(), 15);
  EXPECT_FALSE(summary.stn_22_06());
}

TEST(DstTest, AMidnightThatDoesNotExistStillDividesTheNaps) {
  // In Cairo the clocks went from 24:00 to 01:00 on 25 April 2025.
  NightBuilder night("2025-04-24", "Africa/Cairo");
  night.Sleep("=13:00", "=14:00").Sleep("19:30", "05:30").Sleep("+13:00", "+14:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.tst_night_min(), 9 * 60);
  EXPECT_EQ(summary.nap_min(), 60);
  EXPECT_TRUE(summary.stn_24_05());
}

TEST(MissingEndTest, AnEventOfLaterThanFourteenHoursDoesNotCloseASleep) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:45", "").Rise("+09:46");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.status(), v1::NIGHT_STATUS_INCOMPLETE);
  EXPECT_THAT(summary.imputed_entry_ids(), IsEmpty());
  NightBuilder closed;
  closed.PutDown("19:30").Sleep("19:45", "").Rise("+09:45");
  EXPECT_EQ(closed.Summarize().status(), v1::NIGHT_STATUS_COMPLETE);
}

TEST(MissingEndTest, ASleepThatTheNextOneFollowsUnseenLeavesNoDuration) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:45", "22:00").Sleep("22:30", "").Sleep("01:00", "06:00");
  night.Cry("22:00", "22:10").Respond(2, "22:05").Rise("06:10");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.status(), v1::NIGHT_STATUS_INCOMPLETE);
  EXPECT_EQ(summary.nwak(), 1);  // 22:00 to 22:30 is known; more is possible.
  EXPECT_FALSE(summary.has_sol_min());
  EXPECT_FALSE(summary.has_waso_min());
  EXPECT_FALSE(summary.has_tst_night_min());
  EXPECT_FALSE(summary.has_longest_stretch_min());
  EXPECT_FALSE(summary.has_spt_min());
  EXPECT_FALSE(summary.has_tib_min());
  EXPECT_FALSE(summary.has_sleep_efficiency_pct());
  EXPECT_FALSE(summary.has_sleep_maintenance_pct());
  EXPECT_FALSE(summary.has_terminal_wake_min());
  EXPECT_FALSE(summary.has_early_wake_min());
  EXPECT_FALSE(summary.has_tst24_min());
  EXPECT_FALSE(summary.has_stn_8h());
  EXPECT_FALSE(summary.has_self_settled_pct());
  EXPECT_EQ(summary.cry_min(), 10);
  EXPECT_EQ(summary.interventions(), 1);
}

TEST(MissingEndTest, AnOpenSleepWithinAnothersClosedOneIsIgnored) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:45", "06:00").Sleep("20:30", "", "dad").Rise("06:30");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.status(), v1::NIGHT_STATUS_COMPLETE);
  EXPECT_EQ(summary.tst_night_min(), 615);
  EXPECT_THAT(summary.imputed_entry_ids(), IsEmpty());
}

TEST(MissingEndTest, TheSameFallingAsleepOnTwoPhonesTakesTheKnownEnd) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:40", "", "dad").Sleep("19:45", "06:00").Rise("06:30");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.status(), v1::NIGHT_STATUS_COMPLETE);
  EXPECT_EQ(summary.tst_night_min(), 620);
  EXPECT_EQ(summary.imputed_entry_ids_size(), 1);
  // Both open: the rise closes both.
  NightBuilder open;
  open.PutDown("19:30").Sleep("19:40", "", "dad").Sleep("19:45", "").Rise("06:30");
  EXPECT_EQ(open.Summarize().tst_night_min(), 650);
  EXPECT_EQ(open.Summarize().imputed_entry_ids_size(), 2);
  // The same caregiver twice: something between is missing.
  NightBuilder twice;
  twice.PutDown("19:30").Sleep("19:40", "").Sleep("19:45", "06:00").Rise("06:30");
  EXPECT_EQ(twice.Summarize().status(), v1::NIGHT_STATUS_INCOMPLETE);
}

TEST(MissingEndTest, AnOpenWakingEndsWithTheNextSleepOrBreaksTheStretchAlone) {
  NightBuilder until;
  until.Sleep("19:30", "06:00").Awake("23:00", "", "dad").Sleep("23:20", "05:00", "dad");
  EXPECT_EQ(until.Summarize().waso_min(), 20);
  NightBuilder unknown;
  unknown.Sleep("19:30", "06:00").Awake("23:00", "", "dad");
  const v1::NightSummary summary = unknown.Summarize();
  EXPECT_EQ(summary.waso_min(), 0);
  EXPECT_EQ(summary.nwak(), 0);
  EXPECT_EQ(summary.longest_stretch_min(), 7 * 60);
  EXPECT_FALSE(summary.stn_8h());
}

TEST(MissingEndTest, ANapWithoutEndLeavesTheNightAlone) {
  NightBuilder night;
  night.Sleep("=13:00", "").PutDown("19:30").Sleep("19:45", "06:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.status(), v1::NIGHT_STATUS_COMPLETE);
  EXPECT_EQ(summary.nap_count(), 1);
  EXPECT_FALSE(summary.has_nap_min());
  EXPECT_FALSE(summary.has_tst24_min());
  EXPECT_EQ(summary.tst_night_min(), 615);
}

TEST(RejectedTest, BackwardAndEndlessSleepsAreReportedAndLeftOut) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:45", "06:00");
  night.Sleep("22:00", "21:00").Sleep("23:00", "23:00").Sleep("=18:00", "+10:01");
  night.Cry("20:00", "19:50");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_THAT(summary.rejected_entry_ids(), ElementsAre("e105", "e103", "e104", "e106"));
  EXPECT_EQ(summary.tst_night_min(), 615);
  EXPECT_FALSE(summary.has_cry_min());
}

TEST(RejectedTest, AMorningsMistakeIsReportedWithItsDateAndANightsWithTheEvening) {
  for (int days : {-1, 0, 1}) {
    NightBuilder night(FormatDay(absl::CivilDay(2025, 5, 12) + days));
    NightBuilder log;
    log.Sleep("=09:30", "=09:00").Sleep("=05:00", "=04:00").Sleep("22:00", "21:00");
    night.entries() = log.entries();
    const v1::NightSummary summary = night.Summarize();
    if (days == -1) EXPECT_THAT(summary.rejected_entry_ids(), ElementsAre("e102"));
    if (days == 0) EXPECT_THAT(summary.rejected_entry_ids(), ElementsAre("e101", "e103"));
    if (days == 1) EXPECT_THAT(summary.rejected_entry_ids(), IsEmpty());
  }
}

TEST(RejectedTest, SixteenHoursAreStillASleep) {
  NightBuilder night;
  night.Sleep("18:00", "+10:00");
  EXPECT_EQ(night.Summarize().tst_night_min(), 16 * 60);
}

TEST(PutDownTest, TheFirstOfTheEveningCountsAndSleepBeforeItIsANap) {
  NightBuilder night;
  night.Sleep("19:05", "19:40").PutDown("20:00").PutDown("20:20").Sleep("20:30", "06:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.sol_min(), 30);
  EXPECT_EQ(summary.nap_count(), 1);
  EXPECT_EQ(summary.nap_min(), 35);
  EXPECT_EQ(summary.nwak(), 0);
}

TEST(PutDownTest, AFalseStartIsSleepOfTheNight) {
  NightBuilder night;
  night.PutDown("19:15").Sleep("19:30", "19:34").Sleep("20:30", "06:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.sol_min(), 15);
  EXPECT_EQ(summary.nwak(), 1);
  EXPECT_EQ(summary.waso_min(), 56);
}

TEST(PutDownTest, APutDownForANapOrBackInTheNightIsNotTheEvenings) {
  NightBuilder night;
  night.PutDown("=13:00").Sleep("=13:10", "=14:00").PutDown("16:30").Sleep("16:40", "17:20");
  night.Sleep("19:45", "02:00").PutDown("02:20").Sleep("02:30", "06:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_FALSE(summary.has_put_down_at());
  EXPECT_FALSE(summary.has_sol_min());
  EXPECT_TRUE(summary.tib_fallback());
  EXPECT_EQ(summary.nap_count(), 2);
  EXPECT_EQ(summary.tib_min(), 615);
}

TEST(PutDownTest, AChildPutDownAsleepHasNoLatency) {
  NightBuilder night;
  night.Sleep("19:20", "06:00").PutDown("19:40").Rise("06:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.sol_min(), 0);
  EXPECT_EQ(summary.sleep_efficiency_pct(), 100);
}

TEST(RiseTest, TheFirstAfterTheFinalWakeCountsAndOneJustBeforeItIsAtIt) {
  NightBuilder two;
  two.PutDown("19:30").Sleep("19:45", "06:00").Rise("06:10").Rise("06:12", "dad");
  EXPECT_EQ(two.Summarize().terminal_wake_min(), 10);
  NightBuilder before;
  before.PutDown("19:30").Sleep("19:45", "06:00").Rise("05:57", "dad");
  EXPECT_EQ(before.Summarize().terminal_wake_min(), 0);
  EXPECT_FALSE(before.Summarize().tib_fallback());
  NightBuilder after_nap;
  after_nap.PutDown("19:30").Sleep("19:45", "06:00").Sleep("+09:00", "+10:00").Rise("+10:00");
  EXPECT_FALSE(after_nap.Summarize().has_rise_at());
}

TEST(RiseTest, EarlyWakingIsCountedToTheDesiredRise) {
  NightBuilder night;
  night.Sleep("19:45", "05:20").Rise("05:40");
  EXPECT_EQ(night.Summarize().early_wake_min(), 40);
  night.child().set_desired_rise_time("07:15");
  EXPECT_EQ(night.Summarize().early_wake_min(), 115);
}

TEST(WakingTest, GapsBelowAMinuteAreNoWakingsButBreakTheStretch) {
  NightBuilder night;
  night.Sleep("19:30", "23:00").Sleep("23:00:30", "02:00").Sleep("02:01", "04:00");
  night.Sleep("04:05", "06:00");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.nwak(), 2);
  EXPECT_EQ(summary.nwak5(), 1);
  EXPECT_EQ(summary.waso_min(), 6.5);
  EXPECT_EQ(summary.longest_stretch_min(), 210);
}

TEST(WakingTest, OneThatNobodyAnsweredWasSettledAlone) {
  NightBuilder night;
  night.Sleep("19:30", "23:00").Sleep("23:10", "02:00").Sleep("02:10", "04:00");
  night.Sleep("04:05", "06:00").Respond(0, "23:05").Respond(1, "02:10");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.self_settled_wakings(), 2);
  EXPECT_EQ(summary.self_settled_pct(), 66.7);
}

TEST(WakingTest, WithoutWakingsTheShareOfSettledOnesIsUnknown) {
  NightBuilder night;
  night.Sleep("19:30", "06:00");
  EXPECT_FALSE(night.Summarize().has_self_settled_pct());
}

TEST(CryTest, NoLogOfCryingIsNotZeroMinutes) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:45", "06:00");
  EXPECT_FALSE(night.Summarize().has_cry_min());
  EXPECT_FALSE(night.Summarize().has_cry_episodes());
}

TEST(CryTest, IsClippedToPutDownAndRise) {
  NightBuilder night;
  night.Cry("19:00", "19:40").PutDown("19:30").Sleep("19:45", "06:00").Cry("06:00", "06:30");
  night.Rise("06:10").Cry("=15:00", "=15:20").Cry("+10:00", "+10:20");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.cry_min(), 20);
  EXPECT_EQ(summary.cry_bedtime_min(), 10);
  EXPECT_EQ(summary.cry_episodes(), 2);
}

TEST(CryTest, WithoutRiseItEndsWithTheFinalWake) {
  NightBuilder night;
  night.PutDown("19:30").Cry("19:35", "19:40").Sleep("19:45", "06:00").Cry("06:00", "06:30");
  EXPECT_EQ(night.Summarize().cry_min(), 5);
  EXPECT_EQ(night.Summarize().cry_episodes(), 1);
}

TEST(CryTest, OneThatEndsAsTheNightBeginsIsNotOfTheNight) {
  NightBuilder night;
  night.Cry("19:00", "19:30").PutDown("19:30").Sleep("19:45", "06:00").Rise("06:10");
  EXPECT_FALSE(night.Summarize().has_cry_min());
}

TEST(CryTest, UnansweredEpisodesAreCountedNotImputed) {
  NightBuilder night;
  night.PutDown("19:30").Cry("19:30", "19:40").Cry("19:50", "20:00").Cry("20:10", "20:20");
  night.Sleep("20:30", "06:00").Respond(0, "19:31").Respond(2, "19:54").Respond(2, "20:20");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.cry_episodes(), 3);
  EXPECT_EQ(summary.cry_episodes_unanswered(), 1);
  EXPECT_EQ(summary.response_latency_median_min(), 7);
  EXPECT_EQ(summary.response_latency_max_min(), 10);
}

TEST(WindowTest, IsTheChildsOwn) {
  NightBuilder night;
  night.Sleep("20:00", "06:00").Sleep("07:30", "09:30");
  EXPECT_EQ(night.Summarize().tst_night_min(), 600);
  night.child().mutable_night_window()->set_start("19:00");
  night.child().mutable_night_window()->set_end("10:00");
  EXPECT_EQ(night.Summarize().tst_night_min(), 720);
}

TEST(WindowTest, SleepingThroughNeedsOneBoutOverTheWholeSpan) {
  NightBuilder night;
  night.Sleep("22:00", "06:00");
  EXPECT_TRUE(night.Summarize().stn_24_05());
  EXPECT_TRUE(night.Summarize().stn_8h());
  EXPECT_TRUE(night.Summarize().stn_22_06());
  NightBuilder late;
  late.Sleep("22:01", "06:00");
  EXPECT_TRUE(late.Summarize().stn_24_05());
  EXPECT_FALSE(late.Summarize().stn_8h());
  EXPECT_FALSE(late.Summarize().stn_22_06());
}

TEST(FlagsTest, StandForTheCutOffsOfBisq) {
  NightBuilder night;
  night.Sleep("19:30", "22:00").Sleep("22:16", "00:00").Sleep("00:15", "02:00");
  night.Sleep("02:15", "04:00").Sleep("04:15", "05:00").Rise("05:00");
  EXPECT_THAT(night.Summarize().clinical_flags(),
              ElementsAre(v1::CLINICAL_FLAG_MANY_WAKINGS, v1::CLINICAL_FLAG_LONG_AWAKE,
                          v1::CLINICAL_FLAG_SHORT_SLEEP));
  NightBuilder limits;  // 3 wakings, 60 minutes, 9 hours.
  limits.Sleep("19:00", "22:00").Sleep("22:20", "00:00").Sleep("00:20", "02:00");
  limits.Sleep("02:20", "05:00").Rise("05:00");
  EXPECT_THAT(limits.Summarize().clinical_flags(), IsEmpty());
}

// What the child is doing, as the log grows.
TEST(PhaseTest, FollowsTheNight) {
  NightBuilder night;
  const auto phase = [&night] {
    const v1::NightSummary summary = night.Summarize();
    return absl::StrCat(v1::NightPhase_Name(summary.phase()), " ", Local(summary.phase_since()));
  };
  EXPECT_EQ(night.Summarize().phase(), v1::NIGHT_PHASE_UNSPECIFIED);
  EXPECT_EQ(night.Summarize().status(), v1::NIGHT_STATUS_NO_SLEEP);
  night.Sleep("=13:00", "");
  EXPECT_EQ(phase(), "NIGHT_PHASE_ASLEEP 05-12 13:00");
  night.Awake("=14:00", "");
  EXPECT_EQ(phase(), "NIGHT_PHASE_UP 05-12 14:00");
  night.PutDown("19:30");
  EXPECT_EQ(phase(), "NIGHT_PHASE_SETTLING 05-12 19:30");
  night.Cry("19:31", "").Respond(2, "19:35");
  EXPECT_EQ(phase(), "NIGHT_PHASE_SETTLING 05-12 19:30");
  EXPECT_EQ(night.Summarize().cry_episodes(), 1);
  EXPECT_EQ(night.Summarize().response_latency_max_min(), 4);
  night.Sleep("19:50", "");
  EXPECT_EQ(phase(), "NIGHT_PHASE_ASLEEP 05-12 19:50");
  EXPECT_EQ(night.Summarize().status(), v1::NIGHT_STATUS_INCOMPLETE);
  EXPECT_EQ(night.Summarize().cry_bedtime_min(), 19);
  night.Cry("23:00", "").Respond(3, "23:05");
  EXPECT_EQ(phase(), "NIGHT_PHASE_AWAKE 05-12 23:00");
  EXPECT_EQ(night.Summarize().interventions(), 2);
  night.PutDown("23:10");
  EXPECT_EQ(phase(), "NIGHT_PHASE_SETTLING 05-12 23:10");
  night.Sleep("23:20", "");
  EXPECT_EQ(phase(), "NIGHT_PHASE_ASLEEP 05-12 23:20");
  EXPECT_EQ(night.Summarize().nwak(), 1);
  night.Rise("06:30");
  EXPECT_EQ(phase(), "NIGHT_PHASE_UP 05-13 06:30");
  EXPECT_EQ(night.Summarize().status(), v1::NIGHT_STATUS_COMPLETE);
  EXPECT_EQ(night.Summarize().sol_min(), 20);
}

TEST(OngoingTest, ANightIsNotJudgedByItsFirstHours) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:45", "02:10").Cry("02:12", "");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_TRUE(summary.ongoing());
  EXPECT_EQ(summary.tst_night_min(), 385);
  EXPECT_FALSE(summary.has_early_wake_min());
  EXPECT_THAT(summary.clinical_flags(), IsEmpty());
}

TEST(OngoingTest, ANightThatNobodyLoggedDoesNotGoOn) {
  NightBuilder night;
  night.PutDown("+19:30").Sleep("+19:45", "");
  EXPECT_FALSE(night.Summarize().ongoing());
}

TEST(OngoingTest, ANightIsOverWhenSomebodyRoseOrWithAnythingFromAfterTheWindow) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:45", "05:40");
  EXPECT_TRUE(night.Summarize().ongoing());
  NightBuilder rose = night;
  rose.Rise("05:50");
  EXPECT_FALSE(rose.Summarize().ongoing());
  EXPECT_EQ(rose.Summarize().early_wake_min(), 20);
  NightBuilder later = night;
  later.Sleep("+06:40", "+06:59");
  EXPECT_TRUE(later.Summarize().ongoing());
  later.Sleep("+06:40", "+07:00");
  EXPECT_FALSE(later.Summarize().ongoing());
}

TEST(PhaseTest, AChildPutDownAsleepSleepsOn) {
  NightBuilder night;
  night.Sleep("19:20", "").PutDown("19:40");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_EQ(summary.phase(), v1::NIGHT_PHASE_ASLEEP);
  EXPECT_EQ(Local(summary.phase_since()), "05-12 19:20");
}

TEST(TimelineTest, IsDisjointAndInOrder) {
  NightBuilder night;
  night.Sleep("=09:00", "=10:00").PutDown("19:30").Sleep("19:45", "02:00").Sleep("02:20", "06:00");
  night.Rise("06:10");
  const v1::NightSummary summary = night.Summarize();
  std::vector<std::string> spans;
  for (const auto& span : summary.timeline()) {
    spans.push_back(absl::StrCat(v1::NightPhase_Name(span.phase()).substr(12), " ",
                                 Local(span.began_at()).substr(6), "-",
                                 Local(span.ended_at()).substr(6)));
  }
  EXPECT_THAT(spans, ElementsAre("SETTLING 19:30-19:45", "ASLEEP 19:45-02:00", "AWAKE 02:00-02:20",
                                 "ASLEEP 02:20-06:00", "AWAKE 06:00-06:10"));
  ASSERT_EQ(summary.naps_size(), 1);
  EXPECT_EQ(Local(summary.naps(0).began_at()), "05-12 09:00");
}

TEST(TimelineTest, ASleepWithoutKnownEndHasNone) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("19:45", "");
  const v1::NightSummary summary = night.Summarize();
  ASSERT_EQ(summary.timeline_size(), 2);
  EXPECT_FALSE(summary.timeline(1).has_ended_at());
}

TEST(NightTest, SaysWhoseAndWhichItIs) {
  NightBuilder night;
  night.Sleep("20:00", "06:00");
  const v1::NightSummary summary =
      SummarizeNight("child", night.child(), night.night(), night.entries(), nullptr, 2);
  EXPECT_EQ(summary.child_id(), "child");
  EXPECT_EQ(summary.date(), "2025-05-12");
  EXPECT_EQ(summary.zone(), "America/New_York");
  EXPECT_EQ(summary.open_conflicts(), 2);
  EXPECT_FALSE(summary.has_adherence());
}

}  // namespace
}  // namespace nightlog::sleep
