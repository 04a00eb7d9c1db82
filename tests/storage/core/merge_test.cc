#include "storage/core/merge.h"

#include <algorithm>

#include "absl/types/optional.h"
#include "gmock/gmock.h"
#include "google/protobuf/unknown_field_set.h"
#include "gtest/gtest.h"
#include "tests/storage/core/edit_builder.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::UnorderedElementsAre;

// A record that edits are merged into, in the order of the calls. What a valid edit says.
class MergedRecord {
 public:
  // Merges; gives the effect.
  v1::EditEffect Take(const TestEdit& edit) {
    std::vector<FieldViolation> violations;
    ValidateEdit(edit.edit, "edit", violations);
    EXPECT_THAT(violations, IsEmpty()) << violations.front().ShortDebugString();
    outcome_ = Merge(edit.authored(), state);
    return outcome_.effect;
  }

  // The ids, as letter and number, of the versions that the last edit replaced.
  std::vector<std::string> Replaced() const {
    std::vector<std::string> names;
    for (const auto& version : outcome_.replaced) names.push_back(NameOf(version.edit()));
    return names;
  }

  // The same of the versions that stand, the one shown first.
  std::vector<std::string> Standing(uint32_t group) const {
    std::vector<std::string> names;
    const storage::v1::StoredGroup* found = FindGroup(state, group);
    if (found == nullptr) return names;
    for (const auto& version : found->versions()) names.push_back(NameOf(version.edit()));
    return names;
  }

  v1::Child Child() const { return Body<v1::Child>(); }
  v1::LogEntry Entry() const { return Body<v1::LogEntry>(); }

  template <typename Message>
  Message Body() const {
    Message body;
    EXPECT_TRUE(ParseBody(state, body));
    return body;
  }

  storage::v1::StoredRecord state;

 private:
  static std::string NameOf(const storage::v1::StoredEditId& id) {
    return id.replica_id().substr(0, 1) + std::to_string(id.seq());
  }

  MergeOutcome outcome_;
};

constexpr uint32_t kName = v1::Child::kNameFieldNumber;
constexpr uint32_t kInterval = v1::LogEntry::kIntervalFieldNumber;
constexpr uint32_t kTags = v1::LogEntry::kTagsFieldNumber;
constexpr uint32_t kText = v1::LogEntry::kTextFieldNumber;

// ---- REGISTER

TEST(MergeRegisterTest, AnEditThatSawTheValueReplacesIt) {
  MergedRecord record;
  EXPECT_EQ(record.Take(NameEdit('a', 1, Minute(0), "Mia")), v1::EDIT_EFFECT_APPLIED);
  EXPECT_EQ(record.Take(NameEdit('b', 1, Minute(1), "Mika", {EditIdOf('a', 1)})),
            v1::EDIT_EFFECT_APPLIED);
  EXPECT_THAT(record.Replaced(), ElementsAre("a1"));
  EXPECT_EQ(record.Child().name(), "Mika");
  EXPECT_THAT(record.Standing(kName), ElementsAre("b1"));
  EXPECT_FALSE(HasConflict(record.state));
}

TEST(MergeRegisterTest, OfConcurrentEditsTheLaterEstimateIsShownAndTheLoserIsKept) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(5), "Mia"));
  EXPECT_EQ(record.Take(NameEdit('b', 1, Minute(9), "Mika")), v1::EDIT_EFFECT_WON);
  EXPECT_THAT(record.Replaced(), IsEmpty());
  EXPECT_EQ(record.Child().name(), "Mika");
  EXPECT_THAT(record.Standing(kName), ElementsAre("b1", "a1"));
  EXPECT_TRUE(HasConflict(record.state));
}

TEST(MergeRegisterTest, AnEditThatComesLateButWasMadeEarlierIsKeptAsTheConflict) {
  MergedRecord record;
  record.Take(NameEdit('b', 1, Minute(9), "Mika"));
  EXPECT_EQ(record.Take(NameEdit('a', 1, Minute(5), "Mia")), v1::EDIT_EFFECT_KEPT_AS_CONFLICT);
  EXPECT_EQ(record.Child().name(), "Mika");
  EXPECT_THAT(record.Standing(kName), ElementsAre("b1", "a1"));
}

TEST(MergeRegisterTest, ThreeWritersKeepAllTheirValues) {
  std::vector<TestEdit> edits = {NameEdit('a', 1, Minute(1), "Mia"),
                                 NameEdit('b', 1, Minute(2), "Mika"),
                                 NameEdit('c', 1, Minute(3), "Mila")};
  std::vector<int> order = {0, 1, 2};
  do {
    MergedRecord record;
    for (int i : order) record.Take(edits[i]);
    EXPECT_THAT(record.Standing(kName), ElementsAre("c1", "b1", "a1"));
  } while (std::next_permutation(order.begin(), order.end()));
}

TEST(MergeRegisterTest, EqualEstimatesAreOrderedByEditIdWhateverTheOrderOfCommits) {
  const TestEdit a = NameEdit('a', 7, Minute(0), "Mia");
  const TestEdit b = NameEdit('b', 1, Minute(0), "Mika");
  for (const auto& order : {std::make_pair(a, b), std::make_pair(b, a)}) {
    MergedRecord record;
    record.Take(order.first);
    record.Take(order.second);
    EXPECT_THAT(record.Standing(kName), ElementsAre("b1", "a7"));
  }
}

TEST(MergeRegisterTest, EqualConcurrentValuesAgreeAndTheLaterEstimateCounts) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(1), "Mia"));
  EXPECT_EQ(record.Take(NameEdit('b', 1, Minute(5), "Mia")), v1::EDIT_EFFECT_AGREED);
  EXPECT_FALSE(HasConflict(record.state));
  EXPECT_EQ(FromProto(FindGroup(record.state, kName)->versions(0).made_at()), Minute(5));
  // Between the two estimates: later than one of those who agreed, earlier than the other.
  EXPECT_EQ(record.Take(NameEdit('c', 1, Minute(3), "Mika")), v1::EDIT_EFFECT_KEPT_AS_CONFLICT);
}

TEST(MergeRegisterTest, WhoeverSawOneOfTheEditsThatAgreedSawTheValue) {
  for (char seen : {'a', 'b', 'c'}) {
    MergedRecord record;
    for (char who : {'a', 'b', 'c'}) record.Take(NameEdit(who, 1, Minute(1), "Mia"));
    EXPECT_EQ(record.Take(NameEdit('d', 1, Minute(5), "Mika", {EditIdOf(seen, 1)})),
              v1::EDIT_EFFECT_APPLIED);
    EXPECT_THAT(record.Standing(kName), ElementsAre("d1"));
  }
}

TEST(MergeRegisterTest, AnEditThatSawEveryValueResolvesTheConflict) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(1), "Mia"));
  record.Take(NameEdit('b', 1, Minute(2), "Mika"));
  record.Take(NameEdit('c', 1, Minute(3), "Mila"));
  EXPECT_EQ(record.Take(NameEdit('a', 2, Minute(4), "Mika",
                                 {EditIdOf('a', 1), EditIdOf('b', 1), EditIdOf('c', 1)})),
            v1::EDIT_EFFECT_APPLIED);
  EXPECT_THAT(record.Replaced(), UnorderedElementsAre("a1", "b1", "c1"));
  EXPECT_FALSE(HasConflict(record.state));
}

TEST(MergeRegisterTest, AnEditThatSawOnlyTheShownValueLeavesTheConflictOpen) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(1), "Mia"));
  record.Take(NameEdit('b', 1, Minute(2), "Mika"));
  EXPECT_EQ(record.Take(NameEdit('b', 2, Minute(3), "Mila", {EditIdOf('b', 1)})),
            v1::EDIT_EFFECT_APPLIED);
  EXPECT_THAT(record.Standing(kName), ElementsAre("b2", "a1"));
}

TEST(MergeRegisterTest, AnEditThatSawOnlyTheLoserWinsAgainstTheShownValue) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(1), "Mia"));
  record.Take(NameEdit('b', 1, Minute(2), "Mika"));
  EXPECT_EQ(record.Take(NameEdit('a', 2, Minute(3), "Mila", {EditIdOf('a', 1)})),
            v1::EDIT_EFFECT_WON);
  EXPECT_THAT(record.Standing(kName), ElementsAre("a2", "b1"));
}

TEST(MergeRegisterTest, ClearingIsAValueThatConflictsLikeAnyOther) {
  MergedRecord record;
  const auto edit = [](char who, uint64_t seq, double minute, const char* date, const Seen& saw) {
    TestEdit made = MakeEdit(who, seq, Minute(minute), saw);
    made.edit.set_group(v1::Child::kBirthDateFieldNumber);
    made.edit.mutable_child();
    if (date != nullptr) made.edit.mutable_child()->set_birth_date(date);
    return made;
  };
  record.Take(NameEdit('a', 1, Minute(0), "Mia"));
  record.Take(edit('a', 2, 1, "2026-01-05", {}));
  record.Take(edit('a', 3, 2, nullptr, {EditIdOf('a', 2)}));
  EXPECT_FALSE(record.Child().has_birth_date());
  EXPECT_EQ(record.Take(edit('b', 1, 3, "2026-01-06", {EditIdOf('a', 2)})), v1::EDIT_EFFECT_WON);
  EXPECT_EQ(record.Child().birth_date(), "2026-01-06");
  EXPECT_TRUE(HasConflict(record.state));
}

TEST(MergeRegisterTest, GroupsOfARecordDoNotMeet) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(1), "Mia"));
  TestEdit zone = MakeEdit('b', 1, Minute(2), {});
  zone.edit.set_group(v1::Child::kHomeZoneFieldNumber);
  zone.edit.mutable_child()->set_home_zone("Europe/London");
  EXPECT_EQ(record.Take(zone), v1::EDIT_EFFECT_APPLIED);
  EXPECT_EQ(record.Child().name(), "Mia");
  EXPECT_EQ(record.Child().home_zone(), "Europe/London");
}

TEST(MergeRegisterTest, TheSixStepTraceTwoPendingEditsWithAPullBetweenKeepsBothValues) {
  MergedRecord hub;
  hub.Take(NameEdit('h', 1, Minute(0), "Mia"));
  // 1. Sam edits offline. 2. Dana edits. 3. Dana pushes.
  const TestEdit sam1 = NameEdit('s', 1, Minute(1), "Mika", {EditIdOf('h', 1)});
  hub.Take(NameEdit('d', 1, Minute(2), "Mila", {EditIdOf('h', 1)}));
  // 4. Sam pulls: his own pending edit lies over Dana's on his screen, which shows Dana's later
  // one.
  MergedRecord sam;
  v1::Record wire;
  ASSERT_TRUE(RecordToWire("r", hub.state, wire));
  sam.state = RecordFromWire(wire);
  sam.Take(sam1);
  EXPECT_THAT(sam.Standing(kName), ElementsAre("d1", "s1"));
  // 5. Sam edits his own value further, having seen nothing but it at the tap.
  const TestEdit sam2 = NameEdit('s', 2, Minute(3), "Mina", {EditIdOf('s', 1)});
  // 6. Sam pushes both.
  EXPECT_EQ(hub.Take(sam1), v1::EDIT_EFFECT_KEPT_AS_CONFLICT);
  EXPECT_EQ(hub.Take(sam2), v1::EDIT_EFFECT_WON);
  EXPECT_THAT(hub.Standing(kName), ElementsAre("s2", "d1"));
}

// ---- INTERVAL

TestEdit IntervalEdit(char who, uint64_t seq, double made_minute, double began_min,
                      absl::optional<double> ended_min, const Seen& saw = {}) {
  TestEdit made = MakeEdit(who, seq, Minute(made_minute), saw);
  made.edit.set_group(kInterval);
  v1::Interval& interval = *made.edit.mutable_log_entry()->mutable_interval();
  *interval.mutable_began_at() = ToProto(Minute(began_min));
  if (ended_min.has_value()) *interval.mutable_ended_at() = ToProto(Minute(*ended_min));
  interval.set_zone("Europe/London");
  return made;
}

TEST(MergeIntervalTest, ValuesWithinThreeMinutesAgreeAndTheEarlierBeginStands) {
  for (double earlier_first : {true, false}) {
    MergedRecord record;
    record.Take(IntervalEdit('a', 1, 100, earlier_first ? 10 : 13, 40));
    EXPECT_EQ(record.Take(IntervalEdit('b', 1, 100, earlier_first ? 13 : 10, 43)),
              v1::EDIT_EFFECT_AGREED);
    EXPECT_EQ(FromProto(record.Entry().interval().began_at()), Minute(10));
    EXPECT_FALSE(HasConflict(record.state));
    EXPECT_THAT(record.Standing(kInterval), ElementsAre(earlier_first ? "a1" : "b1"));
  }
}

TEST(MergeIntervalTest, ABeginOrAnEndMoreThanThreeMinutesOffIsAConflict) {
  const double just_over = 3 + 1.0 / 60;
  for (const TestEdit& other : {IntervalEdit('b', 1, 100, 10 + just_over, 40),
                                IntervalEdit('b', 1, 100, 10 - just_over, 40),
                                IntervalEdit('b', 1, 100, 10, 40 + just_over)}) {
    MergedRecord record;
    record.Take(IntervalEdit('a', 1, 100, 10, 40));
    record.Take(other);
    EXPECT_THAT(record.Standing(kInterval), ElementsAre("b1", "a1"));
    EXPECT_TRUE(HasConflict(record.state));
  }
}

TEST(MergeIntervalTest, OpenAndClosedDoNotAgreeAndTwoOpenOnesDo) {
  MergedRecord record;
  record.Take(IntervalEdit('a', 1, 100, 10, absl::nullopt));
  EXPECT_EQ(record.Take(IntervalEdit('b', 1, 101, 10, 40)), v1::EDIT_EFFECT_WON);
  EXPECT_EQ(record.Take(IntervalEdit('c', 1, 102, 12, absl::nullopt)), v1::EDIT_EFFECT_AGREED);
  EXPECT_THAT(record.Standing(kInterval), UnorderedElementsAre("a1", "b1"));
}

TEST(MergeIntervalTest, WhoeverSawTheValueThatDidNotStandSawBoth) {
  MergedRecord record;
  record.Take(IntervalEdit('a', 1, 100, 12, 40));
  record.Take(IntervalEdit('b', 1, 101, 10, 40));
  EXPECT_EQ(record.Take(IntervalEdit('a', 2, 102, 20, 40, {EditIdOf('a', 1)})),
            v1::EDIT_EFFECT_APPLIED);
  EXPECT_THAT(record.Standing(kInterval), ElementsAre("a2"));
}

TEST(MergeIntervalTest, AValueBetweenTwoThatConflictAgreesWithTheShownOneAndSettlesNothing) {
  MergedRecord record;
  record.Take(IntervalEdit('a', 1, 100, 10, 40));
  record.Take(IntervalEdit('b', 1, 101, 15, 40));
  EXPECT_EQ(record.Take(IntervalEdit('c', 1, 102, 12.5, 40)), v1::EDIT_EFFECT_AGREED);
  EXPECT_THAT(record.Standing(kInterval), ElementsAre("c1", "a1"));
  EXPECT_TRUE(HasConflict(record.state));
}

// ---- SET

TEST(MergeSetTest, ConcurrentAddsAreAllKept) {
  MergedRecord record;
  record.Take(TagsEdit('a', 1, Minute(1), {"teeth", "cold"}));
  record.Take(TagsEdit('b', 1, Minute(0), {"cold", "travel"}));
  EXPECT_THAT(record.Entry().tags(), ElementsAre("cold", "teeth", "travel"));
  EXPECT_FALSE(HasConflict(record.state));
}

TEST(MergeSetTest, ARemovalTakesWhatItSawAndAnUnseenAddOfTheSameElementSurvives) {
  MergedRecord record;
  record.Take(TagsEdit('a', 1, Minute(1), {"teeth", "cold"}));
  record.Take(TagsEdit('b', 1, Minute(2), {"cold"}));
  record.Take(TagsEdit('c', 1, Minute(3), {}, {"cold", "teeth"}, {EditIdOf('a', 1)}));
  EXPECT_THAT(record.Replaced(), ElementsAre("a1"));
  EXPECT_THAT(record.Entry().tags(), ElementsAre("cold"));
  EXPECT_THAT(record.Standing(kTags), ElementsAre("b1"));
}

TEST(MergeSetTest, ARemovalLeavesTheOtherElementsOfTheEditItSaw) {
  MergedRecord record;
  record.Take(TagsEdit('a', 1, Minute(1), {"teeth", "cold"}));
  record.Take(TagsEdit('b', 1, Minute(2), {"travel"}, {"cold"}, {EditIdOf('a', 1)}));
  EXPECT_THAT(record.Entry().tags(), ElementsAre("teeth", "travel"));
  record.Take(TagsEdit('c', 1, Minute(3), {}, {"teeth"}, {EditIdOf('a', 1)}));
  EXPECT_THAT(record.Entry().tags(), ElementsAre("travel"));
}

TEST(MergeSetTest, SeeingWithoutRemovingTakesNothing) {
  MergedRecord record;
  record.Take(TagsEdit('a', 1, Minute(1), {"teeth"}));
  record.Take(TagsEdit('b', 1, Minute(2), {"cold"}, {}, {EditIdOf('a', 1)}));
  EXPECT_THAT(record.Replaced(), IsEmpty());
  EXPECT_THAT(record.Entry().tags(), ElementsAre("cold", "teeth"));
}

// ---- TEXT

TEST(MergeTextTest, ConcurrentTextsAreKeptAsSegmentsInTheOrderOfTheirMaking) {
  MergedRecord record;
  record.Take(TextEdit('b', 1, Minute(2), "second"));
  record.Take(TextEdit('a', 1, Minute(1), "first"));
  record.Take(TextEdit('c', 1, Minute(3), "third"));
  EXPECT_EQ(record.Entry().text(), "first\nsecond\nthird");
  EXPECT_THAT(record.Standing(kText), ElementsAre("a1", "b1", "c1"));
  EXPECT_FALSE(HasConflict(record.state));
}

TEST(MergeTextTest, AnEditReplacesTheSegmentsItSaw) {
  MergedRecord record;
  record.Take(TextEdit('a', 1, Minute(1), "first"));
  record.Take(TextEdit('b', 1, Minute(2), "second"));
  record.Take(TextEdit('c', 1, Minute(3), "third"));
  record.Take(TextEdit('a', 2, Minute(4), "both", {EditIdOf('a', 1), EditIdOf('b', 1)}));
  EXPECT_THAT(record.Replaced(), ElementsAre("a1", "b1"));
  EXPECT_EQ(record.Entry().text(), "third\nboth");
}

TEST(MergeTextTest, TheSameTextTwiceIsOneSegmentAndMovesToItsLaterEstimate) {
  MergedRecord record;
  record.Take(TextEdit('a', 1, Minute(1), "same"));
  record.Take(TextEdit('b', 1, Minute(2), "other"));
  EXPECT_EQ(record.Take(TextEdit('c', 1, Minute(3), "same")), v1::EDIT_EFFECT_AGREED);
  EXPECT_EQ(record.Entry().text(), "other\nsame");
}

TEST(MergeTextTest, ClearingTakesTheSegmentsItSawAndLeavesTheOthers) {
  MergedRecord record;
  record.Take(TextEdit('a', 1, Minute(1), "first"));
  record.Take(TextEdit('b', 1, Minute(2), "second"));
  record.Take(TextEdit('a', 2, Minute(3), "", {EditIdOf('a', 1)}));
  EXPECT_EQ(record.Entry().text(), "second");
}

TEST(MergeTextTest, AnEmptyTextClearsToo) {
  MergedRecord record;
  record.Take(TextEdit('a', 1, Minute(1), "first"));
  TestEdit empty = TextEdit('a', 2, Minute(2), "", {EditIdOf('a', 1)});
  empty.edit.mutable_log_entry()->set_text("");
  record.Take(empty);
  EXPECT_FALSE(record.Entry().has_text());
  EXPECT_THAT(record.Standing(kText), IsEmpty());
}

// ---- APPEND

TEST(MergeAppendTest, EveryPostIsKeptInTheOrderOfCommitsWhateverWasSeen) {
  MergedRecord record;
  const auto post = [](char who, double minute, const std::string& text, const Seen& saw) {
    TestEdit made = MakeEdit(who, 1, Minute(minute), saw);
    made.edit.set_group(v1::Comment::kPostsFieldNumber);
    made.edit.mutable_comment()->add_posts()->set_text(text);
    return made;
  };
  record.Take(post('a', 2, "one", {}));
  record.Take(post('b', 1, "two", {}));
  EXPECT_EQ(record.Take(post('c', 3, "two", {EditIdOf('a', 1)})), v1::EDIT_EFFECT_APPLIED);
  EXPECT_THAT(record.Replaced(), IsEmpty());
  const v1::Comment comment = record.Body<v1::Comment>();
  ASSERT_EQ(comment.posts_size(), 3);
  EXPECT_EQ(comment.posts(0).text(), "one");
  EXPECT_EQ(comment.posts(1).text(), "two");
  EXPECT_EQ(comment.posts(2).text(), "two");
  EXPECT_FALSE(HasConflict(record.state));
}

// ---- Existence

class MergeExistenceTest : public ::testing::Test {
 protected:
  MergeExistenceTest() { record_.Take(NameEdit('a', 1, Minute(0), "Mia")); }

  MergedRecord record_;
  const Seen base_ = {EditIdOf('a', 1)};
};

TEST_F(MergeExistenceTest, ADeleteThatSawEveryValueDeletes) {
  EXPECT_EQ(record_.Take(ExistenceEdit('b', 1, Minute(1), true, base_)), v1::EDIT_EFFECT_APPLIED);
  EXPECT_TRUE(record_.state.deleted());
  EXPECT_FALSE(HasConflict(record_.state));
  EXPECT_EQ(record_.Child().name(), "Mia");  // the last state stays, to bring it back
}

TEST_F(MergeExistenceTest, ADeleteThatMissedAnEditIsKeptAsAConflict) {
  record_.Take(NameEdit('b', 1, Minute(1), "Mika", base_));
  EXPECT_EQ(record_.Take(ExistenceEdit('c', 1, Minute(2), true, base_)),
            v1::EDIT_EFFECT_KEPT_AS_CONFLICT);
  EXPECT_FALSE(record_.state.deleted());
  EXPECT_TRUE(HasConflict(record_.state));
  EXPECT_THAT(record_.Standing(kExistence), ElementsAre("c1"));
}

TEST_F(MergeExistenceTest, ADeleteMustHaveSeenTheConflictsOfAGroupToo) {
  record_.Take(NameEdit('b', 1, Minute(1), "Mika"));
  record_.Take(ExistenceEdit('c', 1, Minute(2), true, {EditIdOf('b', 1)}));
  EXPECT_FALSE(record_.state.deleted());
}

TEST_F(MergeExistenceTest, AnEditThatHadNotSeenTheDeletionRevivesAndKeepsItAsAConflict) {
  record_.Take(ExistenceEdit('b', 1, Minute(1), true, base_));
  EXPECT_EQ(record_.Take(NameEdit('c', 1, Minute(2), "Mika", base_)), v1::EDIT_EFFECT_WON);
  EXPECT_FALSE(record_.state.deleted());
  EXPECT_TRUE(HasConflict(record_.state));
  EXPECT_THAT(record_.Standing(kExistence), ElementsAre("b1"));
}

TEST_F(MergeExistenceTest, AnEditThatSawTheDeletionRevivesWithoutAConflict) {
  record_.Take(ExistenceEdit('b', 1, Minute(1), true, base_));
  EXPECT_EQ(record_.Take(NameEdit('c', 1, Minute(2), "Mika", {EditIdOf('a', 1), EditIdOf('b', 1)})),
            v1::EDIT_EFFECT_APPLIED);
  EXPECT_FALSE(record_.state.deleted());
  EXPECT_FALSE(HasConflict(record_.state));
  EXPECT_THAT(record_.Replaced(), UnorderedElementsAre("a1", "b1"));
}

TEST_F(MergeExistenceTest, BringingBackWorksAndClearsTheDeletionItSaw) {
  record_.Take(ExistenceEdit('b', 1, Minute(1), true, base_));
  EXPECT_EQ(record_.Take(ExistenceEdit('c', 1, Minute(2), false, {EditIdOf('b', 1)})),
            v1::EDIT_EFFECT_APPLIED);
  EXPECT_FALSE(record_.state.deleted());
  EXPECT_FALSE(HasConflict(record_.state));
}

TEST_F(MergeExistenceTest, BringingBackThatHadNotSeenADeletionWinsAgainstIt) {
  record_.Take(ExistenceEdit('b', 1, Minute(5), true, base_));
  EXPECT_EQ(record_.Take(ExistenceEdit('c', 1, Minute(2), false)), v1::EDIT_EFFECT_WON);
  EXPECT_FALSE(record_.state.deleted());
  EXPECT_TRUE(HasConflict(record_.state));
}

TEST_F(MergeExistenceTest, ADeleteThatHadNotSeenTheBringingBackIsKeptAsAConflict) {
  record_.Take(ExistenceEdit('b', 1, Minute(1), true, base_));
  record_.Take(ExistenceEdit('c', 1, Minute(2), false, {EditIdOf('b', 1)}));
  EXPECT_EQ(record_.Take(ExistenceEdit('d', 1, Minute(3), true, base_)),
            v1::EDIT_EFFECT_KEPT_AS_CONFLICT);
  EXPECT_FALSE(record_.state.deleted());
}

TEST_F(MergeExistenceTest, TwoDeletesAgreeAndOneSightOfThemIsEnoughToBringBack) {
  record_.Take(ExistenceEdit('b', 1, Minute(1), true, base_));
  EXPECT_EQ(record_.Take(ExistenceEdit('c', 1, Minute(2), true, base_)), v1::EDIT_EFFECT_AGREED);
  EXPECT_TRUE(record_.state.deleted());
  EXPECT_EQ(record_.Take(ExistenceEdit('c', 2, Minute(3), false, {EditIdOf('c', 1)})),
            v1::EDIT_EFFECT_APPLIED);
  EXPECT_THAT(record_.Standing(kExistence), ElementsAre("c2"));
}

TEST_F(MergeExistenceTest, AnInformedDeleteCarriesOutTheOneThatWasKeptAsAConflict) {
  record_.Take(NameEdit('b', 1, Minute(1), "Mika", base_));
  record_.Take(ExistenceEdit('c', 1, Minute(2), true, base_));
  EXPECT_EQ(record_.Take(ExistenceEdit('d', 1, Minute(3), true, {EditIdOf('b', 1)})),
            v1::EDIT_EFFECT_APPLIED);
  EXPECT_TRUE(record_.state.deleted());
  // And a late delete of what is deleted changes nothing.
  EXPECT_EQ(record_.Take(ExistenceEdit('e', 1, Minute(1), true, base_)), v1::EDIT_EFFECT_AGREED);
  EXPECT_TRUE(record_.state.deleted());
}

TEST(MergeExistenceOfNothingTest, MakesNothing) {
  storage::v1::StoredRecord record;
  const MergeOutcome outcome = Merge(ExistenceEdit('a', 1, Minute(0), true).authored(), record);
  EXPECT_EQ(outcome.effect, v1::EDIT_EFFECT_UNSPECIFIED);
  EXPECT_EQ(record.ByteSizeLong(), 0u);
}

// ---- What this build does not know

constexpr int kUnknownField = 4321;

// A Child with a field that this build does not know, as a newer client would send it.
TestEdit UnknownGroupEdit(char who, uint64_t seq, double minute, uint64_t value,
                          const Seen& saw = {}) {
  TestEdit made = MakeEdit(who, seq, Minute(minute), saw);
  made.edit.set_group(kUnknownField);
  google::protobuf::UnknownFieldSet unknown;
  unknown.AddVarint(kUnknownField, value);
  std::string bytes;
  EXPECT_TRUE(unknown.SerializeToString(&bytes));
  EXPECT_TRUE(made.edit.mutable_child()->ParseFromString(bytes));
  return made;
}

std::vector<uint64_t> UnknownValues(const v1::Child& child) {
  std::vector<uint64_t> values;
  const auto& unknown = child.GetReflection()->GetUnknownFields(child);
  for (int i = 0; i < unknown.field_count(); ++i) values.push_back(unknown.field(i).varint());
  return values;
}

TEST(MergeUnknownTest, AGroupOfANewerClientIsARegisterAndSurvivesTheWire) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(0), "Mia"));
  record.Take(UnknownGroupEdit('a', 2, 1, 7));
  record.Take(UnknownGroupEdit('b', 1, 2, 8, {EditIdOf('a', 2)}));
  EXPECT_EQ(record.Take(UnknownGroupEdit('c', 1, 3, 9, {EditIdOf('a', 2)})), v1::EDIT_EFFECT_WON);
  EXPECT_THAT(UnknownValues(record.Child()), ElementsAre(9));
  EXPECT_EQ(record.Child().name(), "Mia");

  v1::Record wire;
  ASSERT_TRUE(RecordToWire("r", record.state, wire));
  EXPECT_THAT(UnknownValues(wire.child()), ElementsAre(9));
  record.state = RecordFromWire(wire);
  record.Take(UnknownGroupEdit('c', 2, 4, 10, {EditIdOf('c', 1), EditIdOf('b', 1)}));
  EXPECT_THAT(UnknownValues(record.Child()), ElementsAre(10));
  EXPECT_FALSE(HasConflict(record.state));
}

TEST(MergeUnknownTest, AFieldWithinAKnownGroupSurvives) {
  MergedRecord record;
  TestEdit edit = IntervalEdit('a', 1, 1, 0, absl::nullopt);
  v1::Interval& interval = *edit.edit.mutable_log_entry()->mutable_interval();
  interval.GetReflection()->MutableUnknownFields(&interval)->AddVarint(kUnknownField, 7);
  record.Take(edit);
  v1::Record wire;
  ASSERT_TRUE(RecordToWire("r", record.state, wire));
  const v1::Interval& back = wire.log_entry().interval();
  EXPECT_EQ(back.GetReflection()->GetUnknownFields(back).field_count(), 1);
  EXPECT_EQ(RecordFromWire(wire).groups(0).versions(0).value(),
            record.state.groups(0).versions(0).value());
}

// ---- NewestSeen

TEST(NewestSeenTest, IsTheNewestEstimateOfTheVersionsSeenInAnyGroup) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(3), "Mia"));
  record.Take(NameEdit('b', 1, Minute(9), "Mika"));
  record.Take(NameEdit('b', 2, Minute(5), "Mika"));  // agrees with b1
  EXPECT_EQ(NewestSeen(NameEdit('c', 1, Minute(0), "Mila", {EditIdOf('a', 1)}).edit, record.state),
            Minute(3));
  EXPECT_EQ(
      NewestSeen(ExistenceEdit('c', 1, Minute(0), true, {EditIdOf('a', 1), EditIdOf('b', 2)}).edit,
                 record.state),
      Minute(9));
  EXPECT_EQ(NewestSeen(NameEdit('c', 1, Minute(0), "Mila").edit, record.state),
            absl::InfinitePast());
}

// ---- ValidateEdit, ValidateNewRecord

std::vector<std::string> PathsOf(const v1::Edit& edit) {
  std::vector<FieldViolation> violations;
  ValidateEdit(edit, "edits[3]", violations);
  std::vector<std::string> paths;
  for (const FieldViolation& violation : violations) paths.push_back(violation.field());
  return paths;
}

TEST(ValidateEditTest, TakesAnEditOfEachKindOfGroup) {
  EXPECT_THAT(PathsOf(NameEdit('a', 1, Minute(0), "Mia").edit), IsEmpty());
  EXPECT_THAT(PathsOf(TagsEdit('a', 1, Minute(0), {"cold"}, {"teeth"}).edit), IsEmpty());
  EXPECT_THAT(PathsOf(TextEdit('a', 1, Minute(0), "").edit), IsEmpty());
  EXPECT_THAT(PathsOf(ExistenceEdit('a', 1, Minute(0), true).edit), IsEmpty());
  EXPECT_THAT(PathsOf(UnknownGroupEdit('a', 1, 0, 7).edit), IsEmpty());
}

TEST(ValidateEditTest, ExistenceGoesWithGroupZeroAndBack) {
  v1::Edit edit = ExistenceEdit('a', 1, Minute(0), true).edit;
  edit.set_group(kName);
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].group"));
  edit = NameEdit('a', 1, Minute(0), "Mia").edit;
  edit.set_group(kExistence);
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].group"));
}

TEST(ValidateEditTest, AValueMustBeThereAndBeOfTheGroupOnly) {
  v1::Edit edit = NameEdit('a', 1, Minute(0), "Mia").edit;
  edit.mutable_child()->set_home_zone("Europe/London");
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].child"));
  edit.clear_child();
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].value"));
  edit = UnknownGroupEdit('a', 1, 0, 7).edit;
  edit.set_group(kUnknownField + 1);
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].child"));
}

TEST(ValidateEditTest, AKnownGroupWithBytesOfAnotherTypeIsWrong) {
  v1::Edit edit = TextEdit('a', 1, Minute(0), "").edit;
  v1::LogEntry& entry = *edit.mutable_log_entry();
  entry.GetReflection()->MutableUnknownFields(&entry)->AddVarint(kText, 7);
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].log_entry"));
}

TEST(ValidateEditTest, RulesBesideTheFieldHoldAndTheirPathsAreThoseOfTheRequest) {
  EXPECT_THAT(PathsOf(NameEdit('a', 1, Minute(0), "").edit), ElementsAre("edits[3].child.name"));
  v1::Edit edit = IntervalEdit('a', 1, 0, 5, 4).edit;
  edit.mutable_log_entry()->mutable_interval()->set_zone("Nowhere/Land");
  EXPECT_THAT(PathsOf(edit), UnorderedElementsAre("edits[3].log_entry.interval.zone",
                                                  "edits[3].log_entry.interval.ended_at"));
}

TEST(ValidateEditTest, RemovedElementsAreBoundedAndGoWithASetOnly) {
  v1::Edit edit = TextEdit('a', 1, Minute(0), "text").edit;
  edit.add_removed_elements("cold");
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].removed_elements"));
  edit = TagsEdit('a', 1, Minute(0), {}, std::vector<std::string>(32, std::string(64, 'x'))).edit;
  EXPECT_THAT(PathsOf(edit), IsEmpty());
  edit.add_removed_elements("one more");
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].removed_elements"));
  edit = TagsEdit('a', 1, Minute(0), {}, {std::string(65, 'x')}).edit;
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].removed_elements[0]"));
}

TEST(ValidateEditTest, WhatWasSeenIsBoundedAndNamesReplicas) {
  v1::Edit edit = NameEdit('a', 1, Minute(0), "Mia").edit;
  edit.add_saw()->set_replica_id("short");
  EXPECT_THAT(PathsOf(edit), ElementsAre("edits[3].saw[0].replica_id"));
}

TEST(ValidateEditTest, KindsThatOnlyTheServerWritesCannotBeSent) {
  v1::Edit edit;
  // Record.member's number as a field of Edit.
  edit.GetReflection()->MutableUnknownFields(&edit)->AddLengthDelimited(kMember, "");
  edit.set_group(1);
  EXPECT_FALSE(PathsOf(edit).empty());
}

TEST(ValidateNewRecordTest, NamesEachRequiredGroupThatIsNotThere) {
  MergedRecord record;
  record.Take(NameEdit('a', 1, Minute(0), "Mia"));
  std::vector<FieldViolation> violations;
  ValidateNewRecord(record.state, "record", violations);
  ASSERT_EQ(violations.size(), 1u);
  EXPECT_EQ(violations[0].field(), "record");
  EXPECT_THAT(violations[0].description(), HasSubstr("home_zone"));

  TestEdit zone = MakeEdit('a', 2, Minute(0), {});
  zone.edit.set_group(v1::Child::kHomeZoneFieldNumber);
  zone.edit.mutable_child()->set_home_zone("Europe/London");
  record.Take(zone);
  violations.clear();
  ValidateNewRecord(record.state, "record", violations);
  EXPECT_THAT(violations, IsEmpty());
}

}  // namespace
}  // namespace nightlog
