#include "services/sleep/adherence.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/services/sleep/night_builder.h"

namespace nightlog::sleep {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

std::vector<std::string> Verdicts(const v1::NightSummary& summary) {
  std::vector<std::string> verdicts;
  for (const auto& verdict : summary.adherence().verdicts()) {
    verdicts.push_back(absl::AsciiStrToLower(
        v1::ResponseVerdictKind_Name(verdict.verdict()).substr(strlen("RESPONSE_VERDICT_KIND_"))));
  }
  return verdicts;
}

// A night with 40 minutes of crying at bedtime, and 30 in the night.
NightBuilder NightOf(v1::PlanMethod method, int plan_night = 1) {
  NightBuilder night;
  night.PutDown("19:30").Cry("19:30", "20:10").Sleep("20:10", "02:00");
  night.Cry("02:00", "02:30").Sleep("02:30", "06:30").Rise("06:40");
  night.UsePlan(method, plan_night);
  return night;
}

TEST(ToleranceTest, IsTheGreaterOfOneMinuteAndAFifth) {
  EXPECT_EQ(ToleranceOf(absl::Minutes(3)), absl::Minutes(1));
  EXPECT_EQ(ToleranceOf(absl::Minutes(10)), absl::Minutes(2));
}

TEST(ExtinctionTest, WatchingIsOkAndOneSilentLookAtTheFirstCrying) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_EXTINCTION);
  night.Respond(0, "19:32").Respond(1, "19:40").Respond(0, "02:05");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_THAT(Verdicts(summary), ElementsAre("ok", "ok", "ok"));
  EXPECT_EQ(summary.adherence().adherence_pct(), 100);
  EXPECT_EQ(summary.adherence().missed_checks(), 0);
}

TEST(ExtinctionTest, ASecondLookATouchAndALookWithoutCryingAreNotOk) {
  NightBuilder second = NightOf(v1::PLAN_METHOD_EXTINCTION);
  second.Respond(1, "19:40").Respond(1, "02:05");
  EXPECT_THAT(Verdicts(second.Summarize()), ElementsAre("ok", "not_allowed"));

  NightBuilder touch = NightOf(v1::PLAN_METHOD_EXTINCTION);
  touch.Respond(3, "19:40");
  EXPECT_THAT(Verdicts(touch.Summarize()), ElementsAre("not_allowed"));

  NightBuilder quiet = NightOf(v1::PLAN_METHOD_EXTINCTION);
  quiet.Respond(1, "23:00");
  EXPECT_THAT(Verdicts(quiet.Summarize()), ElementsAre("no_cry"));
}

TEST(ExtinctionTest, AnExemptVisitDoesNotSpendTheLook) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_EXTINCTION);
  night.Respond(3, "19:40", "", "mom", v1::POSITION_UNSPECIFIED, v1::EXEMPT_REASON_SOILED_NAPPY);
  night.Respond(1, "02:05");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok"));
}

TEST(ModifiedExtinctionTest, ChecksEveryTwentyMinutes) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_MODIFIED_EXTINCTION);
  // 20 is due, give or take 4: 19:46 is the earliest, 02:24 the latest.
  night.Respond(1, "19:46").Respond(1, "02:24");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_THAT(Verdicts(summary), ElementsAre("ok", "ok"));
  // 19:46 to 20:10 is 24 minutes, the last within tolerance.
  EXPECT_EQ(summary.adherence().missed_checks(), 0);

  NightBuilder off = NightOf(v1::PLAN_METHOD_MODIFIED_EXTINCTION);
  off.Respond(1, "19:45").Respond(2, "20:05").Respond(1, "02:25");
  EXPECT_THAT(Verdicts(off.Summarize()), ElementsAre("early", "not_allowed", "late"));
}

TEST(GraduatedExtinctionTest, WaitsOfTheNightRunFromCryingAndFromTheEndOfEachVisit) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_GRADUATED_EXTINCTION);  // 3, 5, 10.
  night.Respond(2, "19:33", "19:35").Respond(2, "19:40", "19:41").Respond(3, "19:51", "19:52");
  night.Respond(2, "20:02", "20:03");  // The last wait repeats.
  night.Respond(1, "02:03", "02:04");  // A new waking: the first wait again.
  const v1::NightSummary summary = night.Summarize();
  EXPECT_THAT(Verdicts(summary), ElementsAre("ok", "ok", "ok", "ok", "ok"));
  // From 02:04 to 02:30 nobody came, though 5 minutes were due: one missed check, however long.
  EXPECT_EQ(summary.adherence().missed_checks(), 1);
  EXPECT_EQ(summary.adherence().adherence_pct(), 83.3);
}

TEST(GraduatedExtinctionTest, EachWayToBeOffHasItsVerdict) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  night.Respond(2, "19:31:30", "19:32:30");  // 1.5 of 3 (at least 2).
  night.Respond(2, "19:40", "19:41");        // 7.5 of 5 (at most 6).
  night.Respond(2, "19:51", "19:54");        // In time, 3 minutes of at most 2.
  night.Respond(4, "20:04", "20:05");        // Picked up.
  night.Respond(2, "23:00");                 // Nobody cried.
  EXPECT_THAT(Verdicts(night.Summarize()),
              ElementsAre("early", "late", "visit_too_long", "not_allowed", "no_cry"));
}

TEST(GraduatedExtinctionTest, ANewCryingInTheSameWakingKeepsTheNextWait) {
  NightBuilder night;
  night.PutDown("19:30").Cry("19:30", "19:34").Cry("19:45", "20:10").Sleep("20:10", "06:30");
  night.UsePlan(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  night.Respond(2, "19:33", "19:34").Respond(2, "19:50", "19:51").Respond(2, "20:01", "20:02");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "ok", "ok"));
}

TEST(GraduatedExtinctionTest, ThePlansMergeGapJoinsCryingsIntoOneEpisode) {
  NightBuilder night;
  night.PutDown("19:30").Cry("19:30", "19:32").Cry("19:34", "20:00").Sleep("20:00", "06:30");
  v1::Plan& plan = night.UsePlan(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  night.Respond(2, "19:34", "19:35");
  EXPECT_EQ(night.Summarize().cry_episodes(), 2);
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("early"));
  plan.mutable_approach()->set_cry_merge_gap_min(2);
  EXPECT_EQ(night.Summarize().cry_episodes(), 1);
  EXPECT_EQ(night.Summarize().cry_min(), 28);
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok"));
}

TEST(GraduatedExtinctionTest, TwoCaregiversInTheRoomAtOnceAreOneVisit) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  night.Respond(2, "19:33", "19:34", "mom").Respond(3, "19:33:30", "19:34:30", "dad");
  night.Respond(2, "19:39:30", "19:40", "mom");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "ok", "ok"));
}

TEST(GraduatedExtinctionTest, OngoingCryingIsNotYetAMissedCheck) {
  NightBuilder night;
  night.PutDown("19:30").Cry("19:30", "");
  night.UsePlan(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  night.Respond(2, "19:33", "19:34").Respond(2, "19:45", "19:46");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_THAT(Verdicts(summary), ElementsAre("ok", "late"));
  EXPECT_EQ(summary.adherence().missed_checks(), 0);
}

TEST(GraduatedExtinctionTest, WithoutLoggedCryingNothingIsTimed) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("20:10", "06:30");
  night.UsePlan(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  night.Respond(2, "19:31", "19:32").Respond(5, "19:40");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_THAT(Verdicts(summary), ElementsAre("ok", "not_allowed"));
  EXPECT_FALSE(summary.adherence().has_missed_checks());
}

TEST(ControlledComfortingTest, WaitsTwoFourSixEveryNight) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_CONTROLLED_COMFORTING, 4);
  night.Respond(2, "19:32", "19:35").Respond(3, "19:39", "19:40").Respond(1, "19:46", "19:47");
  night.Respond(2, "19:50", "19:51").Respond(2, "19:57", "20:01");
  EXPECT_THAT(Verdicts(night.Summarize()),
              ElementsAre("ok", "ok", "ok", "early", "visit_too_long"));
}

TEST(FixedCheckingTest, ChecksEveryFiveMinutes) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_FIXED_CHECKING);
  night.Respond(3, "19:35", "19:40").Respond(3, "19:45").Respond(2, "19:48").Respond(6, "02:05");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "ok", "early", "not_allowed"));
}

TEST(FixedCheckingTest, AVisitThatLastsIntoTheCryingStartsTheClockAtItsEnd) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_FIXED_CHECKING);
  night.Respond(2, "01:55", "02:05").Respond(2, "02:10");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("no_cry", "ok"));
}

TEST(ParentalPresenceTest, TheParentLeavesTheRoomAfterTheFirstWeek) {
  for (int plan_night : {7, 8}) {
    NightBuilder night = NightOf(v1::PLAN_METHOD_PARENTAL_PRESENCE, plan_night);
    night.Respond(3, "19:35", "", "mom", v1::POSITION_SLEEPS_IN_ROOM);
    night.Respond(4, "02:05", "", "mom", v1::POSITION_OUT_OF_ROOM);
    EXPECT_THAT(Verdicts(night.Summarize()),
                ElementsAre(plan_night == 7 ? "ok" : "wrong_position", "not_allowed"));
  }
}

TEST(ChairTest, PositionAndHelpFadeByNight) {
  NightBuilder first = NightOf(v1::PLAN_METHOD_CHAIR, 3);
  first.Respond(3, "19:35", "", "mom", v1::POSITION_BESIDE_CRIB);
  first.Respond(1, "23:00");  // Sitting there needs no crying; where was not said.
  EXPECT_THAT(Verdicts(first.Summarize()), ElementsAre("ok", "ok"));

  NightBuilder later = NightOf(v1::PLAN_METHOD_CHAIR, 4);
  later.Respond(3, "19:35", "", "mom", v1::POSITION_HALFWAY);
  later.Respond(2, "19:40", "", "mom", v1::POSITION_BESIDE_CRIB);
  later.Respond(2, "19:45", "", "mom", v1::POSITION_HALFWAY);
  EXPECT_THAT(Verdicts(later.Summarize()), ElementsAre("not_allowed", "wrong_position", "ok"));
}

TEST(CampingOutTest, TakesThreeNightsAStep) {
  NightBuilder third = NightOf(v1::PLAN_METHOD_CAMPING_OUT, 3);
  third.Respond(3, "19:35", "", "mom", v1::POSITION_CHAIR_AT_COT);
  EXPECT_THAT(Verdicts(third.Summarize()), ElementsAre("ok"));
  NightBuilder fourth = NightOf(v1::PLAN_METHOD_CAMPING_OUT, 4);
  fourth.Respond(3, "19:35", "", "mom", v1::POSITION_CHAIR_AT_COT);
  fourth.Respond(2, "19:36", "", "mom", v1::POSITION_CHAIR_AT_COT);
  EXPECT_THAT(Verdicts(fourth.Summarize()), ElementsAre("not_allowed", "ok"));
  NightBuilder seventh = NightOf(v1::PLAN_METHOD_CAMPING_OUT, 7);
  seventh.Respond(2, "19:35", "", "mom", v1::POSITION_CHAIR_AT_COT);
  seventh.Respond(2, "19:36", "", "mom", v1::POSITION_CHAIR_HALF_METRE);
  EXPECT_THAT(Verdicts(seventh.Summarize()), ElementsAre("wrong_position", "ok"));
}

TEST(LadderTest, EachRungHasItsTimeAndEachEpisodeStartsAtTheBottom) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_LADDER);
  night.Respond(1, "19:31").Respond(2, "19:32").Respond(3, "19:32:20").Respond(4, "19:35");
  night.Respond(2, "19:36").Respond(2, "19:37").Respond(3, "19:37:30").Respond(5, "19:39");
  night.Respond(1, "02:01").Respond(1, "04:00");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "ok", "early", "late", "ok", "ok",
                                                       "ok", "skipped_rung", "ok", "no_cry"));
}

TEST(LadderTest, ItsLimitsAreInclusive) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_LADDER);
  night.Respond(1, "19:31").Respond(2, "19:31:30").Respond(3, "19:33:30");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "ok", "ok"));
}

TEST(LadderTest, ALevelOffThePlansRungsIsNotAllowed) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_LADDER);
  v1::PlanApproach* approach = night.UsePlan(v1::PLAN_METHOD_LADDER).mutable_approach();
  for (int rung : {1, 2, 4}) approach->add_rungs(rung);
  night.Respond(1, "19:31").Respond(2, "19:32").Respond(3, "19:33").Respond(4, "19:33:30");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "ok", "not_allowed", "ok"));
}

TEST(LadderTest, WithoutLoggedCryingSleepEndsAnEpisode) {
  NightBuilder night;
  night.PutDown("19:30").Sleep("20:10", "02:00").Sleep("02:30", "06:30");
  night.UsePlan(v1::PLAN_METHOD_LADDER);
  night.Respond(1, "19:31").Respond(2, "19:32").Respond(2, "02:05");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "ok", "skipped_rung"));
}

TEST(PickUpPutDownTest, PicksUpOnlyACryingChildAndNotForLong) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_PICK_UP_PUT_DOWN);
  night.child().set_birth_date("2024-11-01");  // 6 months: at most a minute.
  night.Respond(2, "19:31").Respond(4, "19:33", "19:34").Respond(4, "19:40", "19:43");
  night.Respond(5, "19:50").Respond(4, "23:00").Respond(3, "23:01");
  EXPECT_THAT(Verdicts(night.Summarize()),
              ElementsAre("ok", "ok", "visit_too_long", "not_allowed", "no_cry", "ok"));
  night.child().set_birth_date("2025-01-01");  // 4 months: up to 5.
  EXPECT_THAT(Verdicts(night.Summarize()),
              ElementsAre("ok", "ok", "ok", "not_allowed", "no_cry", "ok"));
}

TEST(BedtimeFadingTest, TheNightConformsIfPutDownAndRiseAreNearThePlan) {
  NightBuilder night;
  night.PutDown("20:10").Sleep("20:20", "06:20").Rise("06:30").Respond(5, "20:15");
  v1::PlanApproach* approach = night.UsePlan(v1::PLAN_METHOD_BEDTIME_FADING).mutable_approach();
  EXPECT_FALSE(night.Summarize().adherence().scored());  // Nothing was planned.
  EXPECT_FALSE(night.Summarize().adherence().has_adherence_pct());
  approach->set_planned_put_down("20:00");
  // The rise is that of the child, 06:00.
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "ok"));
  EXPECT_EQ(night.Summarize().adherence().adherence_pct(), 100);
  approach->set_planned_rise("05:59");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("ok", "late"));
  EXPECT_EQ(night.Summarize().adherence().adherence_pct(), 0);
  approach->set_planned_put_down("20:21");
  EXPECT_THAT(Verdicts(night.Summarize()), ElementsAre("early", "late"));
}

TEST(AdherenceTest, ExemptResponsesLeaveTheScoreButRestartTheClock) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  night.Respond(6, "02:03", "02:20", "mom", v1::POSITION_UNSPECIFIED,
                v1::EXEMPT_REASON_FEED_DUE_IN_PLAN);
  night.Respond(2, "02:25", "02:26");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_THAT(Verdicts(summary), ElementsAre("ok"));
  EXPECT_EQ(summary.interventions(), 2);
  // At bedtime nobody came: the one missed check.
  EXPECT_EQ(summary.adherence().adherence_pct(), 50);
}

TEST(AdherenceTest, IllnessSuspendsTheNight) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  night.Respond(2, "19:33");
  EXPECT_TRUE(night.Summarize().adherence().scored());
  night.Respond(5, "02:03", "", "dad", v1::POSITION_UNSPECIFIED, v1::EXEMPT_REASON_ILLNESS);
  const v1::Adherence adherence = night.Summarize().adherence();
  EXPECT_FALSE(adherence.scored());
  EXPECT_THAT(adherence.verdicts(), IsEmpty());
  EXPECT_FALSE(adherence.has_adherence_pct());
  EXPECT_FALSE(adherence.has_missed_checks());
  EXPECT_EQ(adherence.plan_night(), 1);
}

TEST(AdherenceTest, WatchingIsNotScoredWhereThePlanIsToRespond) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_CHAIR);
  night.Respond(0, "19:40");
  const v1::NightSummary summary = night.Summarize();
  EXPECT_THAT(Verdicts(summary), IsEmpty());
  EXPECT_FALSE(summary.adherence().scored());
  EXPECT_EQ(summary.interventions(), 0);
  EXPECT_EQ(summary.interventions_by_level().at(0), 1);
}

TEST(ConsistencyTest, IsTheMeanOverPairsOfCaregivers) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_CHAIR);  // Levels 1 to 3.
  for (absl::string_view at : {"19:31", "19:32", "19:33"}) night.Respond(1, at, "", "mom");
  for (absl::string_view at : {"19:41", "19:42", "19:43"}) night.Respond(1, at, "", "dad");
  for (absl::string_view at : {"02:01", "02:02", "02:03"}) night.Respond(4, at, "", "gran");
  const v1::NightSummary summary = night.Summarize();
  // mom–dad 100, the two pairs with gran 0; gaps 0, 100, 100.
  EXPECT_EQ(summary.adherence().caregiver_consistency_pct(), 33.3);
  EXPECT_EQ(summary.adherence().adherence_gap_pp(), 66.7);
  EXPECT_FALSE(summary.adherence().low_n());
  ASSERT_EQ(summary.caregivers_size(), 3);
  EXPECT_EQ(summary.caregivers(0).member_id(), "dad");
  EXPECT_EQ(summary.caregivers(0).adherence_pct(), 100);
  EXPECT_EQ(summary.caregivers(1).member_id(), "gran");
  EXPECT_EQ(summary.caregivers(1).adherence_pct(), 0);
}

TEST(ConsistencyTest, OneCaregiverHasNobodyToDifferFrom) {
  NightBuilder night = NightOf(v1::PLAN_METHOD_CHAIR);
  night.Respond(1, "19:31");
  const v1::Adherence adherence = night.Summarize().adherence();
  EXPECT_FALSE(adherence.has_caregiver_consistency_pct());
  EXPECT_FALSE(adherence.has_adherence_gap_pp());
  EXPECT_FALSE(adherence.low_n());
}

}  // namespace
}  // namespace nightlog::sleep
