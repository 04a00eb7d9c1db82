#include "services/sleep/episodes.h"

#include <deque>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/sleep/local_time.h"

namespace nightlog::sleep {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

// Entries in the order of their commits, one a revision.
class EpisodesTest : public ::testing::Test {
 protected:
  // A waking logged by `author`, who had seen nothing of the others; minutes after some begin.
  v1::LogEntry& Awake(const std::string& author, double begin, double end = -1) {
    v1::LogEntry& entry = stored_.emplace_back();
    entry.mutable_detail()->mutable_awake();
    SetMinutes(begin, *entry.mutable_interval()->mutable_began_at());
    if (end >= 0) SetMinutes(end, *entry.mutable_interval()->mutable_ended_at());
    texts_.push_back(author);
    const std::string& kept_author = texts_.back();
    texts_.push_back(std::string(1, static_cast<char>('a' + entries_.size())));
    entries_.push_back({texts_.back(), kept_author, &entry, entries_.size() + 1, 0});
    return entry;
  }

  static void SetMinutes(double minutes, google::protobuf::Timestamp& timestamp) {
    timestamp.set_seconds(1'700'000'000 + static_cast<int64_t>(minutes * 60));
  }

  std::deque<v1::LogEntry> stored_;
  std::deque<std::string> texts_;
  std::vector<AuthoredEntry> entries_;
};

TEST_F(EpisodesTest, OneWakingLoggedOnTwoPhonesIsOneEpisode) {
  Awake("Alex", 10, 12);
  Awake("Sam", 14, 20);
  EXPECT_THAT(FindEpisodes(entries_), ElementsAre(ElementsAre(0, 1)));
}

TEST_F(EpisodesTest, BeginsTenMinutesApartAreNearAndASecondMoreIsNot) {
  Awake("Alex", 0);
  Awake("Sam", 10);
  EXPECT_THAT(FindEpisodes(entries_), ElementsAre(ElementsAre(0, 1)));
  stored_[1].mutable_interval()->mutable_began_at()->set_seconds(1'700'000'000 + 601);
  EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
}

TEST_F(EpisodesTest, WhatOverlapsIsNearHoweverFarItBegins) {
  Awake("Alex", 0, 60);
  Awake("Sam", 50, 55);
  EXPECT_THAT(FindEpisodes(entries_), ElementsAre(ElementsAre(0, 1)));
  SetMinutes(50, *stored_[0].mutable_interval()->mutable_ended_at());
  EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
}

TEST_F(EpisodesTest, AnEntryWithoutAnEndOverlapsNothing) {
  Awake("Alex", 0);
  Awake("Sam", 50, 55);
  EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
}

TEST_F(EpisodesTest, WhoHadSeenTheOtherMeantAnother) {
  Awake("Alex", 10);
  Awake("Sam", 14);
  entries_[1].author_saw_revision = 1;
  EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
}

TEST_F(EpisodesTest, WhatOnePersonLogsTwiceIsTwo) {
  Awake("Alex", 10);
  Awake("Alex", 14);
  EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
}

TEST_F(EpisodesTest, OtherKindsAreOtherEvents) {
  Awake("Alex", 10);
  Awake("Sam", 10).mutable_detail()->mutable_crying();
  EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
  for (v1::LogEntry& entry : stored_) entry.mutable_detail()->mutable_sleep();
  EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
  for (v1::LogEntry& entry : stored_) entry.mutable_detail()->mutable_response();
  EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
  for (v1::LogEntry& entry : stored_) entry.mutable_detail()->mutable_crying();
  EXPECT_THAT(FindEpisodes(entries_), ElementsAre(ElementsAre(0, 1)));
}

TEST_F(EpisodesTest, EitherOfTheTwoMaySayThatTheyAreTwo) {
  Awake("Alex", 10);
  Awake("Sam", 14);
  for (const size_t says : {0, 1}) {
    stored_[says].add_separate_from(std::string(entries_[1 - says].record_id));
    EXPECT_THAT(FindEpisodes(entries_), IsEmpty());
    stored_[says].clear_separate_from();
  }
}

TEST_F(EpisodesTest, AnEpisodeIsACliqueAndNoChain) {
  Awake("Alex", 0);
  Awake("Sam", 8);
  Awake("Kim", 16);  // near Sam's, not near Alex's
  EXPECT_THAT(FindEpisodes(entries_), ElementsAre(ElementsAre(0, 1)));
  SetMinutes(9, *stored_[2].mutable_interval()->mutable_began_at());
  EXPECT_THAT(FindEpisodes(entries_), ElementsAre(ElementsAre(0, 1, 2)));
}

TEST_F(EpisodesTest, ThirdOfAVetoedPairJoinsTheFirstCommitted) {
  Awake("Alex", 0);
  Awake("Sam", 1).add_separate_from("a");
  Awake("Kim", 2);
  EXPECT_THAT(FindEpisodes(entries_), ElementsAre(ElementsAre(0, 2)));
}

TEST_F(EpisodesTest, TheOrderOfTheEntriesDoesNotMatter) {
  Awake("Alex", 0);
  Awake("Sam", 8);
  Awake("Kim", 16);
  std::swap(entries_[0], entries_[2]);
  EXPECT_THAT(FindEpisodes(entries_), ElementsAre(ElementsAre(2, 1)));
}

TEST_F(EpisodesTest, TheUnionGoesFromTheFirstBeginToTheLastKnownEnd) {
  Awake("Alex", 14, 20);
  Awake("Sam", 10);
  Awake("Kim", 12, 13);
  const v1::LogEntry united = UniteEpisode({&stored_[0], &stored_[1], &stored_[2]});
  EXPECT_EQ(united.interval().began_at().seconds(), 1'700'000'000 + 10 * 60);
  EXPECT_EQ(united.interval().ended_at().seconds(), 1'700'000'000 + 20 * 60);
  EXPECT_FALSE(UniteEpisode({&stored_[1]}).interval().has_ended_at());
}

}  // namespace
}  // namespace nightlog::sleep
