#include "clients/cli/words.h"

#include <string>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"

namespace nightlog::cli {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(WordsTest, AnEnumValueIsItsNameWithoutThatOfTheEnum) {
  EXPECT_EQ(Word(v1::SLEEP_PLACE_PARENTS_BED), "parents_bed");
  EXPECT_EQ(Word(v1::SLEEP_PLACE_UNSPECIFIED), "");
  EXPECT_EQ(Word(static_cast<v1::SleepPlace>(99)), "99");
}

TEST(WordsTest, AWordOfAnEnumIsReadWithBlanksDashesAndCapitals) {
  EXPECT_EQ(*ParseWord<v1::SleepPlace>("Parents bed"), v1::SLEEP_PLACE_PARENTS_BED);
  EXPECT_EQ(*ParseWord<v1::SleepPlace>("parents-bed"), v1::SLEEP_PLACE_PARENTS_BED);
}

TEST(WordsTest, AnUnknownWordIsAnsweredWithTheOnesThereAre) {
  const absl::Status status = ParseWord<v1::SleepPlace>("sofa").status();
  EXPECT_THAT(std::string(status.message()), HasSubstr("crib, parents_bed"));
  EXPECT_THAT(std::string(status.message()), Not(HasSubstr("unspecified")));
}

TEST(WordsTest, MinutesAreRoundedAndSplitIntoHours) {
  EXPECT_EQ(MinutesInWords(59.4), "59 min");
  EXPECT_EQ(MinutesInWords(59.5), "1 h 0 min");
  EXPECT_EQ(MinutesInWords(125), "2 h 5 min");
}

TEST(WordsTest, WhatGoesOnHasAnOpenEndAndAPointInTimeHasNone) {
  v1::LogEntry entry;
  *entry.mutable_interval()->mutable_began_at() = ToProto(absl::FromUnixSeconds(12 * 60));
  entry.mutable_detail()->mutable_sleep();
  EXPECT_EQ(IntervalInWords(entry, absl::UTCTimeZone()), "00:12–");
  entry.mutable_detail()->mutable_rise();
  EXPECT_EQ(IntervalInWords(entry, absl::UTCTimeZone()), "00:12");
  *entry.mutable_interval()->mutable_ended_at() = ToProto(absl::FromUnixSeconds(20 * 60));
  EXPECT_EQ(IntervalInWords(entry, absl::UTCTimeZone()), "00:12–00:20");
}

TEST(WordsTest, AWrongFieldIsToldOnceAndByItsOwnName) {
  FieldViolation ended;
  ended.set_field("edits[0].log_entry.interval.ended_at");
  ended.set_description("is before the begin");
  EXPECT_EQ(ErrorInWords(InvalidFieldsError({ended, ended})), "ended at is before the begin");
}

TEST(WordsTest, AnErrorOfTheNetworkLibraryIsNotShownInItsWords) {
  const std::string words =
      ErrorInWords(absl::UnavailableError("failed to connect to all addresses; fd 12"));
  EXPECT_THAT(words, HasSubstr("cannot be reached"));
  EXPECT_THAT(words, Not(HasSubstr("fd 12")));
}

TEST(WordsTest, AnErrorIsOneLine) {
  EXPECT_EQ(ErrorInWords(absl::NotFoundError("one\ntwo\x1B[2J")), "one two [2J");
}

}  // namespace
}  // namespace nightlog::cli
