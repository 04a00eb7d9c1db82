#include "clients/cpp/undo.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/record_state.h"
#include "tests/clients/cpp/phone.h"
#include "tests/testing/status_matchers.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

// Two phones of one family; entry 1 is on both.
class UndoTest : public ::testing::Test {
 protected:
  UndoTest() {
    a_.Write(Tap().Set(Rec(1), Crying()));
    Sync();
  }

  void Sync() {
    for (Phone* phone : {&a_, &u_, &a_}) phone->MustSync();
  }

  absl::StatusOr<Tap> TryUndo(Phone& phone, const RecordId& record) {
    return UndoNewestChange(*phone.replica, &server_, phone.family, record, absl::InfiniteFuture());
  }
  void Undo(Phone& phone, const RecordId& record) {
    const absl::StatusOr<Tap> tap = TryUndo(phone, record);
    ASSERT_OK(tap);
    phone.Write(*tap);
  }
  // The same where the server is not reached.
  void UndoOffline(Phone& phone, const RecordId& record) {
    const absl::StatusOr<Tap> tap =
        UndoNewestChange(*phone.replica, nullptr, phone.family, record, absl::InfiniteFuture());
    ASSERT_OK(tap);
    phone.Write(*tap);
  }
  absl::StatusOr<UndoneTap> LastTap(Phone& phone) {
    return UndoLastTap(*phone.replica, &server_, phone.family, absl::InfiniteFuture());
  }

  std::vector<std::string> Tags(Phone& phone) {
    const auto entry = phone.Shown(Rec(1)).record.log_entry();
    return {entry.tags().begin(), entry.tags().end()};
  }
  static v1::LogEntry Tagged(const std::vector<std::string>& tags) {
    v1::LogEntry entry;
    for (const std::string& tag : tags) entry.add_tags(tag);
    return entry;
  }
  std::string CaregiverOf(Phone& phone) {
    return phone.Shown(Rec(1)).record.log_entry().caregiver_id();
  }
  bool InConflict(Phone& phone) { return HasConflict(phone.Shown(Rec(1)).record); }

  FakeServer server_;
  Phone a_{server_, "A"};
  Phone u_{server_, "U"};
  const MemberId one_ = TestId<MemberId>(1);
  const MemberId two_ = TestId<MemberId>(2);
  const MemberId three_ = TestId<MemberId>(3);
};

TEST_F(UndoTest, OfWhatMadeARecordDeletesItAndTheNextBringsItBack) {
  Undo(u_, Rec(1));
  Sync();
  EXPECT_TRUE(a_.Shown(Rec(1)).record.deleted());
  Undo(a_, Rec(1));
  Sync();
  EXPECT_FALSE(u_.Shown(Rec(1)).record.deleted());
  EXPECT_FALSE(InConflict(u_));
  EXPECT_TRUE(u_.Shown(Rec(1)).record.log_entry().detail().has_crying());
}

TEST_F(UndoTest, OfAPendingTapNeedsNoServer) {
  a_.Write(Tap().Set(Rec(2), Crying()));
  UndoOffline(a_, Rec(2));
  EXPECT_TRUE(a_.Shown(Rec(2)).record.deleted());
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)));
  a_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  UndoOffline(a_, Rec(1));
  EXPECT_EQ(CaregiverOf(a_), one_.bytes());
  UndoOffline(a_, Rec(1));
  EXPECT_EQ(CaregiverOf(a_), two_.bytes()) << "an undo is undone like anything";
  Sync();
  EXPECT_EQ(CaregiverOf(u_), two_.bytes());
  EXPECT_FALSE(InConflict(u_));
  EXPECT_TRUE(absl::IsUnavailable(
      UndoNewestChange(*a_.replica, nullptr, a_.family, Rec(1), absl::InfiniteFuture()).status()));
}

TEST_F(UndoTest, GivesTheValueThatStoodBeforeWhoeverGaveIt) {
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)));
  Sync();
  u_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  Sync();
  Undo(a_, Rec(1));
  Sync();
  EXPECT_EQ(CaregiverOf(u_), one_.bytes());
  EXPECT_FALSE(InConflict(u_));
}

TEST_F(UndoTest, GivesNothingWhereNothingStood) {
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)));
  a_.Write(Tap().Set(Rec(1), Text("hm")));
  UndoOffline(a_, Rec(1));
  EXPECT_EQ(a_.TextOf(Rec(1)), "");
  Sync();
  EXPECT_EQ(u_.TextOf(Rec(1)), "");
  EXPECT_EQ(CaregiverOf(u_), one_.bytes()) << "another group";
}

TEST_F(UndoTest, TakesAValueOutOfAConflictAndLeavesWhatOthersGave) {
  // Both at once; A's is later and shown.
  u_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  u_.MustSync();
  a_.clock.Advance(absl::Minutes(1));
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)));
  Sync();
  ASSERT_EQ(CaregiverOf(u_), one_.bytes());
  ASSERT_TRUE(InConflict(u_));
  a_.clock.Advance(absl::Minutes(1));
  Undo(a_, Rec(1));
  Sync();
  EXPECT_EQ(CaregiverOf(u_), two_.bytes()) << "it won, and is gone";
  EXPECT_FALSE(InConflict(u_));
}

TEST_F(UndoTest, OfALoserLeavesTheValueShown) {
  a_.clock.Advance(absl::Minutes(1));
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)));
  a_.MustSync();
  u_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  Sync();
  ASSERT_EQ(CaregiverOf(u_), one_.bytes());
  ASSERT_TRUE(InConflict(u_));
  Undo(u_, Rec(1));
  Sync();
  EXPECT_EQ(CaregiverOf(a_), one_.bytes());
  EXPECT_FALSE(InConflict(a_));
}

TEST_F(UndoTest, OfAResolveShowsWhatWasShownBefore) {
  u_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  u_.MustSync();
  a_.clock.Advance(absl::Minutes(1));
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)));
  Sync();
  u_.clock.Advance(absl::Minutes(2));
  u_.Write(Tap().Resolve(Rec(1), Caregiver(three_)));
  Sync();
  ASSERT_FALSE(InConflict(a_));
  Undo(a_, Rec(1));
  Sync();
  EXPECT_EQ(CaregiverOf(u_), one_.bytes());
  EXPECT_FALSE(InConflict(u_)) << "the history has the other value";
}

TEST_F(UndoTest, TakesOffItsOwnTagsAndAddsWhatItTookOff) {
  a_.Write(Tap().Set(Rec(1), Tagged({"teeth", "hot"})));
  Sync();
  a_.Write(Tap().Set(Rec(1), Tagged({"loud"})).RemoveTags(Rec(1), {"hot"}));
  u_.Write(Tap().Set(Rec(1), Tagged({"loud"})));
  u_.MustSync();
  a_.MustSync();
  ASSERT_THAT(Tags(a_), UnorderedElementsAre("teeth", "loud"));
  Undo(a_, Rec(1));
  Sync();
  EXPECT_THAT(Tags(u_), UnorderedElementsAre("teeth", "hot", "loud"))
      << "the other phone said loud";
}

TEST_F(UndoTest, OfATextWritesWhatWasThereBefore) {
  a_.Write(Tap().Set(Rec(1), Text("calm")));
  u_.Write(Tap().Set(Rec(1), Text("tired")));
  Sync();
  const std::string both = a_.TextOf(Rec(1));
  ASSERT_THAT(both, HasSubstr("\n"));
  a_.Write(Tap().Set(Rec(1), Text("calm and tired")));
  Sync();
  Undo(u_, Rec(1));
  Sync();
  EXPECT_EQ(a_.TextOf(Rec(1)), both);
}

TEST_F(UndoTest, OfAnEditThatBroughtARecordBackDeletesItAgain) {
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)));
  a_.Write(Tap().Delete(Rec(1)));
  Sync();
  u_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  Sync();
  ASSERT_FALSE(a_.Shown(Rec(1)).record.deleted());
  Undo(a_, Rec(1));
  Sync();
  EXPECT_TRUE(u_.Shown(Rec(1)).record.deleted());
  EXPECT_EQ(CaregiverOf(u_), one_.bytes());
}

TEST_F(UndoTest, OfAnEditThatBeatADeletionKeepsWhatStoodBefore) {
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)));
  Sync();
  a_.Write(Tap().Delete(Rec(1)));
  a_.MustSync();
  u_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  Sync();
  Undo(u_, Rec(1));
  Sync();
  EXPECT_EQ(CaregiverOf(a_), one_.bytes());
}

TEST_F(UndoTest, IsRefusedWhereThereIsNoneAndSaysWhy) {
  v1::Comment comment;
  comment.mutable_target()->set_log_entry_id(Rec(1).str());
  comment.add_posts()->set_text("first");
  a_.Write(Tap().Set(Rec(3), comment));
  Sync();
  v1::Comment post;
  post.add_posts()->set_text("second");
  a_.Write(Tap().Set(Rec(3), post));
  EXPECT_THAT(TryUndo(a_, Rec(3)).status().message(), HasSubstr("what was said stays"));
  EXPECT_TRUE(absl::IsNotFound(TryUndo(a_, Rec(9)).status()));

  u_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  u_.MustSync();
  EXPECT_THAT(TryUndo(a_, Rec(1)).status().message(), HasSubstr("changed meanwhile"))
      << "nobody undoes what they have not seen";
}

TEST_F(UndoTest, ThatTwoEntriesAreTwoHoldsForGood) {
  v1::LogEntry two;
  two.add_separate_from(Rec(7).str());
  a_.Write(Tap().Set(Rec(1), two));
  EXPECT_THAT(TryUndo(a_, Rec(1)).status().message(), HasSubstr("stays two"));
}

TEST_F(UndoTest, TheLastTapIsUndoneAsAWhole) {
  a_.Write(Tap().Set(Rec(1), Caregiver(one_)).Set(Rec(2), Crying()));
  for (const bool synced : {false, true}) {
    if (synced) Sync();
    const absl::StatusOr<UndoneTap> last = LastTap(a_);
    ASSERT_OK(last);
    EXPECT_THAT(last->records, UnorderedElementsAre(Rec(1), Rec(2)));
    EXPECT_THAT(last->tap.changes(), SizeIs(2));
  }
  a_.Write(LastTap(a_)->tap);
  Sync();
  EXPECT_EQ(CaregiverOf(u_), "");
  EXPECT_TRUE(u_.Shown(Rec(2)).record.deleted());

  a_.Write(Tap().Set(Rec(1), Caregiver(two_)));
  Sync();
  u_.Write(Tap().Set(Rec(1), Caregiver(three_)));
  Sync();
  EXPECT_THAT(LastTap(a_).status().message(), HasSubstr("since your last tap"));
  Phone fresh(server_, "F");
  EXPECT_TRUE(absl::IsNotFound(LastTap(fresh).status()));
}

}  // namespace
}  // namespace nightlog
