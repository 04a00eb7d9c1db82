#include "clients/cpp/sync.h"

#include <functional>
#include <thread>

#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/record_state.h"
#include "tests/clients/cpp/phone.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::SizeIs;

TEST(SyncTest, TwoPhonesEndWithTheSameRecordsAndStateHash) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  a.Write(Tap().Set(Rec(1), Crying()));
  u.Write(Tap().Set(Rec(2), Crying()));
  a.MustSync();
  u.MustSync();
  a.MustSync();
  EXPECT_EQ(a.Shown(Rec(2)).record.SerializeAsString(), u.Shown(Rec(2)).record.SerializeAsString());
  EXPECT_EQ(a.state().state_hash, u.state().state_hash);
  EXPECT_EQ(a.state().cursor.revision(), 2u);
  EXPECT_EQ(server.seen().acknowledgements.back().cursor().revision(), 2u);
  EXPECT_GT(server.seen().acknowledgements.back().received_bytes(), 0u);
}

TEST(SyncTest, LostAnswerCommitsOnce) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  server.LoseNextPushAnswer();
  EXPECT_EQ(a.SyncOnce().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(a.state().pending, 1u);
  a.MustSync();
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_EQ(server.seen().committed, 1);
  EXPECT_THAT(server.seen().pushes, SizeIs(2));
}

TEST(SyncTest, TriesAgainWhileTheServerIsDownAndTimeIsLeft) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  server.SetDown(true);
  SyncOptions options;
  int sleeps = 0;
  options.sleep = [&](absl::Duration) {
    if (++sleeps == 3) server.SetDown(false);
  };
  Syncer syncer(*a.replica, server, a.clock, a.random, options);
  EXPECT_TRUE(syncer.SyncOnce(a.family, absl::InfiniteFuture()).ok());
  EXPECT_EQ(sleeps, 3);
  EXPECT_EQ(a.state().pending, 0u);
}

TEST(SyncTest, RecordsBecomeVisibleOnlyAtTheBookmarkAndAllAtOnce) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  u.Write(Tap().Set(Rec(1), Crying()).Set(Rec(2), Crying()));
  u.MustSync();
  server.CutNextStreamAfter(1);
  EXPECT_EQ(a.SyncOnce().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(a.Shown(Rec(1)).record.record_id(), "");
  EXPECT_EQ(a.state().cursor.revision(), 0u);
  a.MustSync();
  EXPECT_EQ(a.Shown(Rec(1)).record.record_id(), Rec(1).bytes());
  EXPECT_EQ(a.Shown(Rec(2)).record.record_id(), Rec(2).bytes());
}

TEST(SyncTest, ResumesFromItsCursor) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  u.Write(Tap().Set(Rec(1), Crying()));
  u.MustSync();
  a.MustSync();
  u.Write(Tap().Set(Rec(2), Crying()));
  u.MustSync();
  a.MustSync();
  EXPECT_EQ(server.seen().follows.back().cursor().revision(), 1u);
  EXPECT_EQ(a.Shown(Rec(1)).record.record_id(), Rec(1).bytes());
  EXPECT_EQ(a.Shown(Rec(2)).record.record_id(), Rec(2).bytes());
}

TEST(SyncTest, GivesUpOnAServerThatIsNotReachedAtTheEndOfItsPatience) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  server.SetDown(true);
  SyncOptions options;
  options.patience = absl::Seconds(5);
  absl::Duration waited;
  options.sleep = [&](absl::Duration duration) { waited += duration; };
  Syncer syncer(*a.replica, server, a.clock, a.random, options);
  EXPECT_EQ(syncer.SyncOnce(a.family, absl::InfiniteFuture()).code(),
            absl::StatusCode::kUnavailable);
  EXPECT_GT(waited, absl::ZeroDuration());
  EXPECT_LE(waited, options.patience);
}

TEST(SyncTest, PhoneThatDiffersFromTheStateHashFetchesEverythingAgainAndReportsIt) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  a.Write(Tap().Set(Rec(1), Text("kept meanwhile")));
  server.SpoilHashes(1);
  a.MustSync();
  EXPECT_EQ(a.state().resyncs, 1u);
  ASSERT_THAT(server.seen().follows, SizeIs(4)) << "the last once it has pushed again what it has";
  EXPECT_FALSE(server.seen().follows[2].has_cursor());
  EXPECT_EQ(a.TextOf(Rec(1)), "kept meanwhile");
  EXPECT_EQ(a.state().cursor.revision(), 2u);
  EXPECT_EQ(server.seen().committed, 2) << "nothing twice";
  a.MustSync();
  EXPECT_EQ(server.seen().follows.back().cursor().revision(), 2u);
}

TEST(SyncTest, RecordsThatNeverAddUpAreReportedAndWhatIsShownStays) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  server.SpoilHashes(2);
  a.Write(Tap().Set(Rec(1), Text("still shown")));
  EXPECT_EQ(a.SyncOnce().code(), absl::StatusCode::kDataLoss);
  EXPECT_EQ(a.TextOf(Rec(1)), "still shown");
  EXPECT_EQ(a.state().cursor.revision(), 1u);
  a.MustSync();
  EXPECT_EQ(a.state().cursor.revision(), 2u);
  EXPECT_EQ(a.state().resyncs, 2u);
}

TEST(SyncTest, RejectedTapMovesToNeedsAttentionAndWhatFollowsGoesOn) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.Write(Tap().Set(Rec(1), Text("forbidden")));
  a.Write(Tap().Set(Rec(2), Crying()));
  server.RejectText("forbidden");
  a.MustSync();
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_EQ(a.state().needs_attention, 1u);
  EXPECT_EQ(a.TextOf(Rec(1)), "");
  EXPECT_EQ(a.Shown(Rec(2)).record.revision(), 2u);
  const auto list = a.replica->ListNeedsAttention(a.family);
  ASSERT_TRUE(list.ok());
  ASSERT_THAT(*list, SizeIs(1));
  EXPECT_EQ((*list)[0].transaction.edits(0).log_entry().text(), "forbidden");
  EXPECT_THAT(std::string((*list)[0].status.message()), HasSubstr("ask an owner"));
  EXPECT_THAT(ViolationsOf((*list)[0].status), SizeIs(1));

  EXPECT_TRUE(a.replica->Discard(a.family, (*list)[0].position).ok());
  EXPECT_EQ(a.replica->Discard(a.family, (*list)[0].position).code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(a.state().needs_attention, 0u);
}

TEST(SyncTest, ServerTooOldForATapKeepsItPendingAndThePullGoesOn) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  u.Write(Tap().Set(Rec(2), Crying()));
  u.MustSync();
  a.Write(Tap().Set(Rec(1), Crying()));
  server.SetTooOld(true);
  EXPECT_EQ(a.SyncOnce().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(a.state().pending, 1u);
  EXPECT_EQ(a.Shown(Rec(2)).record.revision(), 1u);
  server.SetTooOld(false);
  a.MustSync();
  EXPECT_EQ(a.state().pending, 0u);
}

TEST(SyncTest, WhatNamesALostTapGoesAfterItThoughItsReplicaIdIsLostToo) {
  FakeServer server;
  server.NewPairing("U");
  server.Backup();
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  a.Write(Tap().Set(Rec(1), Text("more")));
  server.Restore();
  a.MustSync();
  const storage::v1::StoredRecord record = server.Record(Rec(1));
  const std::string replica = a.state().pairing.replica_id();
  EXPECT_EQ(server.seen().committed, 3);
  for (const storage::v1::StoredGroup& group : record.groups()) {
    EXPECT_EQ(group.versions(0).edit().replica_id(), replica);
  }
  const v1::PushRequest last = server.seen().pushes.back();
  ASSERT_THAT(last.transactions(), SizeIs(2));
  EXPECT_EQ(last.transactions(1).edits(0).log_entry().text(), "more");
}

TEST(SyncTest, PhoneBringsBackWhatARestoredServerLost) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  v1::Comment comment;
  comment.mutable_target()->set_log_entry_id(Rec(1).str());
  comment.add_posts()->set_text("first");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.Write(Tap().Set(Rec(3), comment));
  a.MustSync();
  server.Backup();
  v1::Comment post;
  post.add_posts()->set_text("second");
  a.Write(Tap().Set(Rec(3), post));
  a.Write(Tap().Set(Rec(2), Crying()));
  a.MustSync();
  u.MustSync();
  server.Restore();
  ASSERT_EQ(server.Record(Rec(2)).kind(), 0u);

  a.MustSync();
  u.MustSync();
  for (Phone* phone : {&a, &u}) {
    EXPECT_EQ(phone->Shown(Rec(2)).record.record_id(), Rec(2).bytes());
    EXPECT_THAT(phone->Shown(Rec(3)).record.comment().posts(), SizeIs(2));
    EXPECT_EQ(phone->state().cursor.lineage(), server.head().lineage());
    EXPECT_EQ(phone->state().pending, 0u);
  }
  EXPECT_EQ(a.state().state_hash, u.state().state_hash);
  EXPECT_EQ(server.seen().renewals, 0);
}

TEST(SyncTest, PhoneBringsBackWhatAServerLostWhereItsHeadShowsNoLoss) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  server.Backup();
  a.Write(Tap().Set(Rec(2), Crying()));
  a.Write(Tap().Set(Rec(1), Text("before")));
  a.MustSync();
  server.SetBack();
  // The other phone saw nothing of it, and brings the head to where A's was.
  for (uint32_t i = 10; i < 13; ++i) u.Write(Tap().Set(Rec(i), Crying()));
  u.MustSync();
  ASSERT_GT(server.head().revision(), a.state().cursor.revision());

  a.MustSync();
  u.MustSync();
  for (Phone* phone : {&a, &u}) {
    EXPECT_EQ(phone->Shown(Rec(2)).record.record_id(), Rec(2).bytes());
    EXPECT_EQ(phone->TextOf(Rec(1)), "before");
    EXPECT_EQ(phone->state().pending, 0u);
  }
  EXPECT_EQ(a.state().state_hash, u.state().state_hash);
  EXPECT_EQ(server.seen().committed, 3 + 3 + 2) << "nothing twice";
}

TEST(SyncTest, WhatWasAcknowledgedBeforeTheFirstBookmarkIsBroughtBackToo) {
  FakeServer server;
  Phone a(server, "A");
  server.Backup();
  a.Write(Tap().Set(Rec(1), Crying()));
  v1::PushRequest request = **a.replica->NextPush(a.family);
  *request.mutable_sent_at() = a.clock.Read();
  const auto response = server.Push(request, absl::InfiniteFuture());
  ASSERT_TRUE(response.ok()) << response.status();
  ASSERT_TRUE(a.replica->ApplyVerdicts(request, *response).ok());
  ASSERT_EQ(a.state().pending, 0u);
  server.Restore();

  a.MustSync();
  EXPECT_NE(server.Record(Rec(1)).kind(), 0u);
}

TEST(SyncTest, GapBeyondARejectedTapIsFilledWithItToo) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  server.Backup();
  server.RejectText("forbidden");
  a.Write(Tap().Set(Rec(1), Text("forbidden")));
  a.Write(Tap().Set(Rec(2), Crying()));
  a.MustSync();
  server.Restore();
  a.Write(Tap().Set(Rec(4), Crying()));
  a.MustSync();
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_EQ(a.state().needs_attention, 1u);
  EXPECT_NE(server.Record(Rec(2)).kind(), 0u);
  EXPECT_NE(server.Record(Rec(4)).kind(), 0u);
  EXPECT_EQ(server.seen().renewals, 0);
}

TEST(SyncTest, GapThatCannotBeFilledIsAnsweredUnderANewReplicaId) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  server.Backup();
  a.Write(Tap().Set(Rec(2), Crying()));
  a.MustSync();
  server.SetBackedUp(2);  // so the phone forgets both, and the backup is older all the same
  a.Write(Tap().Set(Rec(3), Crying()));
  a.MustSync();
  a.Write(Tap().Set(Rec(4), Crying()));
  a.MustSync();
  server.Restore();
  a.Write(Tap().Set(Rec(5), Crying()));
  a.MustSync();
  EXPECT_EQ(server.seen().renewals, 2) << "once to hear of the new lineage";
  EXPECT_EQ(a.state().pending, 0u);
  for (int number : {3, 4, 5}) EXPECT_NE(server.Record(Rec(number)).kind(), 0u) << number;
}

TEST(SyncTest, ClonedPhoneKeepsItsOutboxUnderANewReplicaId) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  Phone clone(server, "A's clone", a);
  a.Write(Tap().Set(Rec(2), Crying()));
  a.MustSync();
  const std::string old_replica = clone.state().pairing.replica_id();
  clone.Write(Tap().Set(Rec(3), Crying()));
  clone.Write(Tap().Set(Rec(3), Caregiver(TestId<MemberId>(1))));
  clone.Write(Tap().Set(Rec(3), Caregiver(TestId<MemberId>(2))));
  clone.MustSync();

  EXPECT_EQ(server.seen().renewals, 1);
  const v1::PushRequest last = server.seen().pushes.back();
  EXPECT_NE(last.replica_id(), old_replica);
  EXPECT_EQ(last.replica_id(), clone.state().pairing.replica_id());
  ASSERT_THAT(last.transactions(), SizeIs(3));
  for (int i = 0; i < 3; ++i) EXPECT_EQ(last.transactions(i).seq(), i + 1u);
  ASSERT_THAT(last.transactions(2).edits(0).saw(), SizeIs(1));
  EXPECT_EQ(last.transactions(2).edits(0).saw(0).replica_id(), last.replica_id());
  EXPECT_EQ(last.transactions(2).edits(0).saw(0).seq(), 2u);

  a.MustSync();
  for (Phone* phone : {&a, &clone}) {
    EXPECT_EQ(phone->state().pending, 0u);
    EXPECT_EQ(phone->Shown(Rec(2)).record.record_id(), Rec(2).bytes());
    const v1::Record shown = phone->Shown(Rec(3)).record;
    EXPECT_EQ(shown.log_entry().caregiver_id(), TestId<MemberId>(2).bytes());
    EXPECT_FALSE(HasConflict(shown));
  }
  EXPECT_EQ(a.state().state_hash, clone.state().state_hash);
  EXPECT_EQ(server.seen().committed, 5);
}

// The server has taps of the phone that it does not remember. What it taps now must not be taken
// for those, by itself or by others.
TEST(SyncTest, PhoneThatWasSetBackDoesNotNameItsTapsLikeThoseItForgot) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  Phone set_back(server, "A, set back", a);
  a.Write(Tap().Set(Rec(2), Crying()));
  a.Write(Tap().Set(Rec(1), Caregiver(TestId<MemberId>(1))));
  a.MustSync();
  // Nothing is pending, so nothing tells of the fork before the records do.
  set_back.MustSync();
  set_back.Write(Tap().Set(Rec(1), Text("one")));
  set_back.Write(Tap().Set(Rec(1), Text("two")));
  set_back.Write(Tap().Set(Rec(1), Caregiver(TestId<MemberId>(2))));
  set_back.MustSync();
  EXPECT_EQ(server.seen().renewals, 1);
  a.MustSync();
  for (Phone* phone : {&a, &set_back}) {
    const v1::Record shown = phone->Shown(Rec(1)).record;
    EXPECT_EQ(shown.log_entry().text(), "two");
    EXPECT_EQ(shown.log_entry().caregiver_id(), TestId<MemberId>(2).bytes());
    EXPECT_FALSE(HasConflict(shown));
  }
}

TEST(SyncTest, PhoneBringsBackUnderANewReplicaIdWhatTheServerForgotWithItsOldOne) {
  FakeServer server;
  Phone a(server, "A");
  server.Backup();
  Phone u(server, "U");
  u.Write(Tap().Set(Rec(1), Crying()));
  u.Write(Tap().Set(Rec(1), Text("kept")));
  u.MustSync();
  server.Restore();
  u.MustSync();
  a.MustSync();
  EXPECT_EQ(server.seen().renewals, 1);
  EXPECT_EQ(u.state().pending, 0u);
  EXPECT_EQ(a.TextOf(Rec(1)), "kept");
  EXPECT_EQ(a.state().state_hash, u.state().state_hash);
}

TEST(SyncTest, EndOfAccessIsSaidAndEverythingIsKept) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  server.Revoke();
  std::vector<SyncState> states;
  a.syncer.Run(a.family, [&](const SyncStatus& status) {
    states.push_back(status.state);
    if (status.state == SyncState::kClosed) a.syncer.Stop();
  });
  EXPECT_EQ(states.back(), SyncState::kClosed);
  EXPECT_EQ(a.state().closed, "revoked by an owner");
  EXPECT_EQ(a.Shown(Rec(1)).record.record_id(), Rec(1).bytes());
}

TEST(SyncTest, WhatTheRoleDoesNotAllowToSendStaysHereWhileTheRestOfTheFamilyIsFollowed) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  a.Write(Tap().Set(Rec(1), Crying()));
  server.SetRole(MemberId(a.state().pairing.member_id()), v1::ROLE_VIEWER);
  u.Write(Tap().Set(Rec(2), Crying()));
  u.MustSync();
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(ReasonOf(a.SyncOnce()), v1::ERROR_REASON_ROLE_NOT_ALLOWED);
    EXPECT_EQ(a.state().pairing.role(), v1::ROLE_VIEWER);
    EXPECT_EQ(a.state().pending, 1u);
    EXPECT_EQ(a.state().needs_attention, 0u);
    EXPECT_EQ(a.Shown(Rec(2)).record.record_id(), Rec(2).bytes());
    EXPECT_TRUE(a.Shown(Rec(1)).pending);
  }
  server.SetRole(MemberId(a.state().pairing.member_id()), v1::ROLE_CAREGIVER);
  a.MustSync();
  EXPECT_EQ(a.state().pairing.role(), v1::ROLE_CAREGIVER);
  EXPECT_EQ(a.state().pending, 0u);
  u.MustSync();
  EXPECT_EQ(u.Shown(Rec(1)).record.record_id(), Rec(1).bytes());
}

// A Run() on a thread of its own, and the states it told.
class Live {
 public:
  explicit Live(Phone& phone)
      : phone_(phone), thread_([this] {
          phone_.syncer.Run(phone_.family, [this](const SyncStatus& status) {
            absl::MutexLock lock(&mu_);
            state_ = status.state;
          });
        }) {}
  ~Live() {
    phone_.syncer.Stop();
    thread_.join();
  }

  void WaitFor(SyncState state) {
    absl::MutexLock lock(&mu_);
    const auto reached = [this, state]()
                             ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return state_ == state; };
    mu_.Await(absl::Condition(&reached));
  }

 private:
  Phone& phone_;
  absl::Mutex mu_;
  SyncState state_ ABSL_GUARDED_BY(mu_) = SyncState::kOffline;
  std::thread thread_;
};

// Waits until a record is shown.
class ShownWait final : public Replica::Observer {
 public:
  ShownWait(Phone& phone, const RecordId& record) : phone_(phone), record_(record) {
    phone_.replica->AddObserver(this);
    OnRecordsChanged(phone_.family, {record_});
  }
  ~ShownWait() override { phone_.replica->RemoveObserver(this); }
  void OnRecordsChanged(const FamilyId&, const std::set<RecordId>&) override {
    if (!phone_.Shown(record_).record.record_id().empty() && !shown_.HasBeenNotified()) {
      shown_.Notify();
    }
  }
  void OnFamilyChanged(const FamilyId&) override {}
  void Wait() { shown_.WaitForNotification(); }

 private:
  Phone& phone_;
  const RecordId record_;
  absl::Notification shown_;
};

TEST(SyncTest, TapOnOnePhoneArrivesOnTheOtherWhileBothAreLive) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  Live live_a(a);
  Live live_u(u);
  ShownWait arrives(u, Rec(1));
  a.Write(Tap().Set(Rec(1), Crying()));
  arrives.Wait();
  live_a.WaitFor(SyncState::kSynced);
  live_u.WaitFor(SyncState::kSynced);
}

TEST(SyncTest, GoesOnWhereItWasWhenTheServerIsBack) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  Live live_a(a);
  Live live_u(u);
  live_a.WaitFor(SyncState::kSynced);
  server.SetDown(true);
  live_a.WaitFor(SyncState::kOffline);
  a.Write(Tap().Set(Rec(1), Crying()));
  EXPECT_EQ(a.state().pending, 1u);
  ShownWait arrives(u, Rec(1));
  server.SetDown(false);
  arrives.Wait();
  live_a.WaitFor(SyncState::kSynced);
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_EQ(server.seen().committed, 1);
}

TEST(SyncTest, APushThatTheRoleDoesNotAllowIsTriedAgainWhenTheRoleChangesAndNoOftener) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  const MemberId member(a.state().pairing.member_id());
  Live live_a(a);
  live_a.WaitFor(SyncState::kSynced);
  server.SetRole(member, v1::ROLE_VIEWER);
  a.Write(Tap().Set(Rec(1), Crying()));
  live_a.WaitFor(SyncState::kNotShared);
  for (int i = 2; i < 22; ++i) {
    ShownWait arrives(a, Rec(i));
    u.Write(Tap().Set(Rec(i), Crying()));
    u.MustSync();
    a.Write(Tap().Set(Rec(100 + i), Crying()));
    arrives.Wait();
  }
  int tried = 0;
  for (const v1::PushRequest& push : server.seen().pushes) {
    tried += push.replica_id() == a.state().pairing.replica_id() ? 1 : 0;
  }
  EXPECT_LE(tried, 2) << "once more if the push was faster than the news of the role";
  server.SetRole(member, v1::ROLE_CAREGIVER);
  live_a.WaitFor(SyncState::kSynced);
  EXPECT_EQ(a.state().pending, 0u);
}

// Says between the messages of its streams that they are alive.
class TalkativeServer final : public FakeServer {
 public:
  std::unique_ptr<ServerStream<v1::FollowResponse>> Follow(const v1::FollowRequest& request,
                                                           absl::Time deadline) override {
    return std::make_unique<Talkative>(FakeServer::Follow(request, deadline));
  }

 private:
  class Talkative final : public ServerStream<v1::FollowResponse> {
   public:
    explicit Talkative(std::unique_ptr<ServerStream<v1::FollowResponse>> stream)
        : stream_(std::move(stream)) {}
    bool Read(v1::FollowResponse& response) override {
      talks_ = !talks_;
      if (!talks_) return stream_->Read(response);
      response.Clear();
      return true;
    }
    void Cancel() override { stream_->Cancel(); }
    absl::Status Finish() override { return stream_->Finish(); }

   private:
    const std::unique_ptr<ServerStream<v1::FollowResponse>> stream_;
    bool talks_ = false;
  };
};

TEST(SyncTest, MessagesThatSayNothingArePassedOver) {
  TalkativeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  u.Write(Tap().Set(Rec(1), Crying()));
  u.MustSync();
  a.MustSync();
  EXPECT_EQ(a.state().state_hash, u.state().state_hash);
  EXPECT_EQ(a.state().cursor.revision(), 1u);
}

// Answers the first push only once the stream, which opens during it, is up: as unreachable.
class OnlineDuringPushServer final : public FakeServer {
 public:
  absl::StatusOr<v1::PushResponse> Push(const v1::PushRequest& request,
                                        absl::Time deadline) override {
    if (pushing_.HasBeenNotified()) return FakeServer::Push(request, deadline);
    pushing_.Notify();
    online_.WaitForNotification();
    return absl::UnavailableError("lost on the way");
  }
  std::unique_ptr<ServerStream<v1::FollowResponse>> Follow(const v1::FollowRequest& request,
                                                           absl::Time deadline) override {
    pushing_.WaitForNotification();
    return FakeServer::Follow(request, deadline);
  }
  void SetOnline() {
    if (!online_.HasBeenNotified()) online_.Notify();
  }

 private:
  absl::Notification pushing_;
  absl::Notification online_;
};

TEST(SyncTest, PushThatFailsWhileTheStreamOpensIsTriedAtOnce) {
  OnlineDuringPushServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  SyncOptions options;
  options.backoff = {absl::Hours(1000), absl::Hours(1000)};
  Syncer syncer(*a.replica, server, a.clock, a.random, options);
  syncer.Run(a.family, [&](const SyncStatus& status) {
    if (status.state == SyncState::kSavedHere) server.SetOnline();
    if (status.state == SyncState::kSynced) syncer.Stop();
  });
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_EQ(server.seen().committed, 1);
}

TEST(SyncTest, AViewersTapsAreDroppedIfTheyAreStillTheSame) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  a.Write(Tap().Set(Rec(2), Crying()));
  EXPECT_THAT(*a.replica->ListNotShared(a.family), IsEmpty());
  EXPECT_TRUE(a.replica->DiscardNotShared(a.family, {}).ok());
  EXPECT_EQ(a.state().pending, 1u);
  server.SetRole(MemberId(a.state().pairing.member_id()), v1::ROLE_VIEWER);
  a.SyncOnce().IgnoreError();
  const auto before = a.replica->ListNotShared(a.family);
  ASSERT_THAT(*before, SizeIs(1));
  a.Write(Tap().Set(Rec(3), Crying()));
  EXPECT_EQ(a.replica->DiscardNotShared(a.family, *before).code(),
            absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(a.state().pending, 2u);
  EXPECT_TRUE(a.replica->DiscardNotShared(a.family, *a.replica->ListNotShared(a.family)).ok());
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_FALSE(a.replica->Get(a.family, Rec(2))->has_value());
  EXPECT_TRUE(a.replica->Get(a.family, Rec(1))->has_value());
}

TEST(SyncTest, SaysWhenSomethingNeedsAttention) {
  FakeServer server;
  server.RejectText("forbidden");
  Phone a(server, "A");
  Live live(a);
  v1::LogEntry entry = Crying();
  entry.set_text("forbidden");
  a.Write(Tap().Set(Rec(1), entry));
  live.WaitFor(SyncState::kNeedsAttention);
  ASSERT_TRUE(
      a.replica->Discard(a.family, (*a.replica->ListNeedsAttention(a.family))[0].position).ok());
  live.WaitFor(SyncState::kSynced);
}

TEST(BackoffTest, DoublesUpToTheLongestAndStartsAgainAfterProgress) {
  SystemRandom random;
  Backoff backoff({absl::Seconds(1), absl::Seconds(5)}, random);
  for (int longest : {1, 2, 4, 5, 5}) {
    const absl::Duration delay = backoff.Next(absl::UnavailableError(""));
    EXPECT_GE(delay, absl::Seconds(longest) / 2);
    EXPECT_LE(delay, absl::Seconds(longest));
  }
  backoff.Reset();
  EXPECT_LE(backoff.Next(absl::UnavailableError("")), absl::Seconds(1));
}

TEST(BackoffTest, WaitsAsLongAsTheServerAskedForButNotLongerThanTheLongest) {
  SystemRandom random;
  Backoff backoff({absl::Seconds(1), absl::Seconds(20)}, random);
  const auto busy = [](absl::Duration delay) {
    return WithRetryDelay(absl::ResourceExhaustedError("busy"), delay);
  };
  const absl::Duration delay = backoff.Next(busy(absl::Seconds(7)));
  EXPECT_GE(delay, absl::Seconds(7));
  EXPECT_LE(delay, absl::Seconds(7.5));
  EXPECT_LE(backoff.Next(busy(absl::Hours(9))), absl::Seconds(21));
  EXPECT_TRUE(IsWorthRetrying(busy(absl::Seconds(1))));
  EXPECT_TRUE(IsWorthRetrying(absl::UnavailableError("")));
  EXPECT_FALSE(IsWorthRetrying(absl::ResourceExhaustedError("too large")));
  EXPECT_FALSE(IsWorthRetrying(absl::InternalError("")));
}

TEST(DeviceClockTest, SystemClockNamesItsBootAndMovesForward) {
  const SystemDeviceClock clock;
  const v1::ClockReading first = clock.Read();
  const v1::ClockReading second = SystemDeviceClock().Read();
  EXPECT_FALSE(first.boot_id().empty());
  EXPECT_LE(first.boot_id().size(), 64u);
  EXPECT_EQ(first.boot_id(), second.boot_id());
  EXPECT_GT(first.monotonic_ms(), 0u);
  EXPECT_LE(first.monotonic_ms(), second.monotonic_ms());
}

}  // namespace
}  // namespace nightlog
