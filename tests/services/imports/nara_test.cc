#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/services/imports/reading.h"

namespace nightlog::imports {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

constexpr char kHeading[] =
    "\"Type\",\"Profile Name\",\"Start Date/time\",\"Start Date/time (Epoch)\",\"Created By "
    "Caregiver\",\"Note\",\"Time Zone\",\"[Breastfeed] Left Duration (Seconds)\",\"[Breastfeed] "
    "Right Duration (Seconds)\",\"[Bottle Feed] Breast Milk Volume\",\"[Bottle Feed] Breast Milk "
    "Volume Unit\",\"[Bottle Feed] Formula Volume\",\"[Bottle Feed] Formula Volume "
    "Unit\",\"[Bottle "
    "Feed] Volume\",\"[Bottle Feed] Volume Unit\",\"[Diaper] Type\",\"[Sleep] Duration "
    "(Seconds)\",\"[Sleep] End Date/time\",\"[Sleep] End Date/time (Epoch)\"\n";

ImportedLog Read(absl::string_view rows, const ImportOptions& options = OptionsIn("UTC")) {
  return ReadWell(absl::StrCat(kHeading, rows), options);
}

TEST(NaraTest, ASleepIsPlacedByItsMomentsAndKeepsItsZone) {
  const ImportedLog log =
      Read("Sleep,Robin,,1783353600000,Alex,ok,America/Toronto,,,,,,,,,,3000,,1783356600000\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  const v1::LogEntry& entry = log.entries[0].entry;
  EXPECT_EQ(LocalBegin(entry), "2026-07-06T12:00:00-04:00");
  EXPECT_EQ(MinutesOf(entry), 50);
  EXPECT_EQ(entry.text(), "ok");
  EXPECT_EQ(entry.import_origin().author(), "Alex");
}

TEST(NaraTest, ASleepWithoutAnEndHasItsLength) {
  const ImportedLog log = Read("Sleep,Robin,,1783353600000,,,,,,,,,,,,,600,,\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 10);
  EXPECT_EQ(log.entries[0].entry.interval().zone(), "UTC");
}

TEST(NaraTest, ALocalTimeStandsInForAMissingMoment) {
  ImportOptions options = OptionsIn("Europe/London");
  const ImportedLog log =
      Read("Sleep,Robin,2026-07-06 12:00,,,,,,,,,,,,,,,2026-07-06 13:00,\n", options);
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(LocalBegin(log.entries[0].entry), "2026-07-06T12:00:00+01:00");
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 60);
}

TEST(NaraTest, FeedsKeepTheirKindLengthAndAmount) {
  const ImportedLog log = Read(
      "Breastfeed,Robin,,1783353600000,,,,600,300,,,,,,,,,,\n"
      "Bottle Feed,Robin,,1783353700000,,,,,,60,ML,30,ML,,,,,,\n"
      "Bottle Feed,Robin,,1783353800000,,,,,,,,,,2,OZ,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(3));
  EXPECT_EQ(MinutesOf(log.entries[0].entry), 15);
  EXPECT_EQ(log.entries[1].entry.detail().feed().amount_ml(), 90);
  EXPECT_NEAR(log.entries[2].entry.detail().feed().amount_ml(), 59.15, 0.01);
  EXPECT_THAT(log.adjusted, IsEmpty());
}

TEST(NaraTest, AnAmountThatIsNoneStaysInTheText) {
  const ImportedLog log = Read(
      "Bottle Feed,Robin,,1783353700000,,ok,,,,60,ML,2,cups,,,,,,\n"
      "Bottle Feed,Robin,,1783353800000,,,,,,,,,,120,,,,,\n");
  ASSERT_THAT(log.entries, SizeIs(2));
  EXPECT_EQ(log.entries[0].entry.detail().feed().amount_ml(), 60);
  EXPECT_EQ(log.entries[0].entry.text(),
            "[Bottle Feed] Formula Volume: 2\n[Bottle Feed] Formula Volume Unit: cups\nok");
  EXPECT_EQ(log.entries[1].entry.text(), "[Bottle Feed] Volume: 120");
  EXPECT_THAT(log.adjusted, SizeIs(2));
}

TEST(NaraTest, ALengthThatIsNoneIsSetAside) {
  const ImportedLog log = Read(
      "Sleep,Robin,,1783353600000,,,,,,,,,,,,,ten,,\n"
      "Sleep,Robin,,1783353600000,,,,,,,,,,,,,10 min,,\n");
  ASSERT_THAT(log.set_aside, SizeIs(1));
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("'10 min'"));
}

TEST(NaraTest, OtherEventsAreNotesAndTheChildItselfIsSetAside) {
  const ImportedLog log = Read(
      "Diaper,Robin,,1783353600000,,big one,,,,,,,,,,Dirty Wet,,,\n"
      "Profile,Robin,,,,,,,,,,,,,,,,,\n"
      "Sleep,Robin,,,,,,,,,,,,,,,600,,\n");
  ASSERT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(log.entries[0].entry.text(), "Diaper\nbig one\n[Diaper] Type: Dirty Wet");
  ASSERT_THAT(log.set_aside, SizeIs(2));
  EXPECT_THAT(log.set_aside[0].text(), HasSubstr("not an event"));
  EXPECT_THAT(log.set_aside[1].text(), HasSubstr("no time"));
}

TEST(NaraTest, AFileOfSeveralChildrenIsReadForTheOneThatIsMeant) {
  const std::string rows =
      "Sleep,Robin,,1783353600000,,,,,,,,,,,,,600,,\n"
      "Sleep,Wren,,1783353600000,,,,,,,,,,,,,600,,\n";
  const auto unsaid = ReadLog(absl::StrCat(kHeading, rows), "", OptionsIn("UTC"));
  EXPECT_THAT(std::string(unsaid.status().message()), HasSubstr("say who"));
  ImportOptions options = OptionsIn("UTC");
  options.file_child = "Wren";
  const ImportedLog log = Read(rows, options);
  EXPECT_THAT(log.entries, SizeIs(1));
  EXPECT_EQ(log.of_other_children, 1);
}

}  // namespace
}  // namespace nightlog::imports
