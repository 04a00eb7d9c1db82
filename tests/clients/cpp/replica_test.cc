#include "clients/cpp/replica.h"

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/record_state.h"
#include "tests/clients/cpp/phone.h"

namespace nightlog {
namespace {

using ::testing::Contains;
using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Pair;
using ::testing::Property;
using ::testing::SizeIs;

// A folder of its own for each test, removed at its end.
class ReplicaFolderTest : public testing::Test {
 protected:
  ReplicaFolderTest() : clock_(kEvening, "boot") {
    std::string name =
        (std::filesystem::temp_directory_path() / "nightlog_replica_XXXXXX").string();
    EXPECT_NE(::mkdtemp(&name[0]), nullptr);
    path_ = name;
  }
  ~ReplicaFolderTest() override { std::filesystem::remove_all(path_); }

  std::unique_ptr<Replica> Open() {
    absl::StatusOr<std::unique_ptr<Replica>> replica = Replica::Open(path_, clock_);
    EXPECT_TRUE(replica.ok()) << replica.status();
    return replica.ok() ? *std::move(replica) : nullptr;
  }

  std::string path_;
  ManualDeviceClock clock_;
  FakeServer server_;
};

TEST_F(ReplicaFolderTest, TapIsThereAfterThePhoneStartsAgain) {
  const v1::Pairing pairing = server_.NewPairing("A");
  ASSERT_TRUE(Open()->AddFamily(pairing).ok());
  ASSERT_TRUE(Open()->Write(server_.family(), Tap().Set(Rec(1), Crying())).ok());
  ASSERT_TRUE(Open()->Write(server_.family(), Tap().Set(Rec(1), Text("loud"))).ok());

  const auto replica = Open();
  EXPECT_EQ(replica->settings().device_token, "token of A");
  const auto state = replica->FamilyStateOf(server_.family());
  ASSERT_TRUE(state.ok());
  EXPECT_EQ(state->pending, 2u);
  EXPECT_EQ(state->pairing.replica_id(), pairing.replica_id());
  EXPECT_EQ(state->pairing.device_token(), "");
  const auto shown = replica->Get(server_.family(), Rec(1));
  ASSERT_TRUE(shown.ok() && shown->has_value());
  EXPECT_EQ((*shown)->record.log_entry().text(), "loud");
  EXPECT_TRUE((*shown)->record.log_entry().detail().has_crying());
  EXPECT_TRUE((*shown)->pending);
}

TEST_F(ReplicaFolderTest, SecondProcessIsToldThatTheDirectoryIsInUse) {
  const auto replica = Open();
  const absl::Status second = Replica::Open(path_, clock_).status();
  EXPECT_EQ(second.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(second.message()), HasSubstr("another process uses"));
}

TEST(ReplicaTest, ADatabaseOfANewerFormatIsRefusedWithAWayOut) {
  auto engine = std::make_unique<MemoryEngine>(Replica::kColumns);
  storage::v1::DeviceHead head;
  head.set_format_version(2);
  WriteBatch batch;
  batch.Put(/*column=*/0, "head", head.SerializeAsString());
  ASSERT_TRUE(engine->Write(batch).ok());
  const ManualDeviceClock clock(kEvening, "boot");
  const absl::Status refused = Replica::Open(std::move(engine), clock).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_THAT(std::string(refused.message()), HasSubstr("format 2"));
  EXPECT_THAT(std::string(refused.message()), HasSubstr("install a newer nightlog"));
}

TEST(ReplicaTest, TransactionsAreDenseAndChainedByTheirHashes) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.Write(Tap().Set(Rec(2), Crying()));
  std::vector<v1::Transaction> pending = a.Pending();
  ASSERT_THAT(pending, SizeIs(2));
  EXPECT_EQ(pending[0].seq(), 1u);
  EXPECT_EQ(pending[0].previous_hash(), "");
  EXPECT_EQ(pending[1].seq(), 2u);
  EXPECT_EQ(pending[1].previous_hash(), pending[0].hash());
  v1::Transaction stored = pending[1];
  stored.clear_hash();
  EXPECT_EQ(pending[1].hash(), Sha256(pending[0].hash() + stored.SerializeAsString()));
}

TEST(ReplicaTest, TransactionCarriesTheClocksAndTheCursorOfItsTap) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  a.clock.Advance(absl::Seconds(90));
  a.clock.SetWall(kEvening - absl::Hours(1));
  a.Write(Tap().Set(Rec(1), Text("x")));
  const v1::Transaction transaction = a.Pending().at(0);
  EXPECT_EQ(FromProto(transaction.made_at().wall()), kEvening - absl::Hours(1));
  EXPECT_EQ(transaction.made_at().monotonic_ms(), 90'000u);
  EXPECT_EQ(transaction.made_at().boot_id(), "boot of A");
  EXPECT_EQ(transaction.made_at_cursor().revision(), 1u);
  EXPECT_EQ(transaction.made_at_cursor().lineage(), server.head().lineage());
}

TEST(ReplicaTest, ManyTapsBecomeATransactionEachAndSeeOneAnother) {
  FakeServer server;
  Phone a(server, "A");
  const std::vector<Tap> taps = {Tap().Set(Rec(1), Crying()), Tap().Set(Rec(1), Text("one")),
                                 Tap().Set(Rec(1), Text("two"))};
  ASSERT_TRUE(a.replica->Write(a.family, taps).ok());
  const std::vector<v1::Transaction> pending = a.Pending();
  ASSERT_THAT(pending, SizeIs(3));
  EXPECT_THAT(pending[1].edits(0).saw(), IsEmpty());
  ASSERT_THAT(pending[2].edits(0).saw(), SizeIs(1));
  EXPECT_EQ(pending[2].edits(0).saw(0).SerializeAsString(), a.Edit(2).SerializeAsString());
  EXPECT_EQ(a.TextOf(Rec(1)), "two");
}

TEST(ReplicaTest, ShowsOwnEditsOnTopOfConfirmedRecords) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  u.Write(Tap().Set(Rec(1), Crying()));
  u.MustSync();
  a.MustSync();
  EXPECT_FALSE(a.Shown(Rec(1)).pending);
  a.Write(Tap().Set(Rec(1), Text("mine")));
  EXPECT_EQ(a.TextOf(Rec(1)), "mine");
  EXPECT_TRUE(a.Shown(Rec(1)).pending);
  EXPECT_TRUE(a.Shown(Rec(1)).record.log_entry().detail().has_crying());
  EXPECT_EQ(a.Shown(Rec(1)).record.created_by(), "");  // as the fake server sends it
}

TEST(ReplicaTest, ListsConfirmedAndOwnRecordsOfOneKind) {
  FakeServer server;
  Phone a(server, "A");
  v1::Child child;
  child.set_name("Bo");
  child.set_home_zone("Europe/Stockholm");
  a.Write(Tap().Set(Rec(0), child));
  a.Write(Tap().Set(Rec(2), Crying()));
  a.MustSync();
  a.Write(Tap().Set(Rec(1), Crying()));
  const auto entries = a.replica->List(a.family, kLogEntry);
  ASSERT_TRUE(entries.ok()) << entries.status();
  ASSERT_THAT(*entries, SizeIs(2));
  EXPECT_EQ((*entries)[0].record.record_id(), Rec(1).bytes());
  EXPECT_TRUE((*entries)[0].pending);
  EXPECT_FALSE((*entries)[1].pending);
  const auto children = a.replica->List(a.family, kChild);
  ASSERT_TRUE(children.ok());
  EXPECT_THAT(*children, SizeIs(1));
}

TEST(ReplicaTest, TwoPendingEditsWithAPullBetweenKeepBothValues) {
  // The trace that a base revision a push loses: A edits offline, pulls U's edit of the same field,
  // edits again, and pushes both. U's value was not on A's screen when A's first edit was made.
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  u.MustSync();
  const MemberId first = TestId<MemberId>(1);
  const MemberId second = TestId<MemberId>(2);
  const MemberId theirs = TestId<MemberId>(3);
  a.clock.Advance(absl::Minutes(2));
  a.Write(Tap().Set(Rec(1), Caregiver(first)));  // seq 2
  u.clock.Advance(absl::Minutes(1));
  u.Write(Tap().Set(Rec(1), Caregiver(theirs)));
  u.MustSync();
  server.SetTooOld(true);  // A's push does not get through, the pull does
  EXPECT_EQ(a.SyncOnce().code(), absl::StatusCode::kFailedPrecondition);
  server.SetTooOld(false);
  ASSERT_EQ(a.Shown(Rec(1)).record.log_entry().caregiver_id(), first.bytes());
  a.clock.Advance(absl::Minutes(2));
  a.Write(Tap().Set(Rec(1), Caregiver(second)));  // seq 3
  const v1::Edit edit = a.Pending().at(1).edits(0);
  ASSERT_THAT(edit.saw(), SizeIs(1));
  EXPECT_EQ(edit.saw(0).SerializeAsString(), a.Edit(2).SerializeAsString());

  a.MustSync();
  u.MustSync();
  for (Phone* phone : {&a, &u}) {
    const v1::Record shown = phone->Shown(Rec(1)).record;
    EXPECT_EQ(shown.log_entry().caregiver_id(), second.bytes());
    EXPECT_TRUE(HasConflict(shown));
    EXPECT_THAT(shown.ShortDebugString(),
                HasSubstr(v1::LogEntry(Caregiver(theirs)).ShortDebugString()));
  }
}

// A and U wrote the caregiver of one entry without seeing one another; A's is shown.
struct Conflict {
  Conflict() : a(server, "A"), u(server, "U") {
    a.Write(Tap().Set(Rec(1), Crying()));
    a.MustSync();
    u.MustSync();
    u.Write(Tap().Set(Rec(1), Caregiver(TestId<MemberId>(3))));
    a.clock.Advance(absl::Minutes(1));
    a.Write(Tap().Set(Rec(1), Caregiver(TestId<MemberId>(2))));
    u.MustSync();
    a.MustSync();
    u.MustSync();
    EXPECT_TRUE(HasConflict(a.Shown(Rec(1)).record));
    EXPECT_TRUE(HasConflict(u.Shown(Rec(1)).record));
  }
  FakeServer server;
  Phone a;
  Phone u;
};

TEST(ReplicaTest, EditOfAConflictLeavesTheOtherValueUntilSomebodyResolvesIt) {
  Conflict c;
  c.u.clock.Advance(absl::Hours(1));
  c.u.Write(Tap().Set(Rec(1), Caregiver(TestId<MemberId>(4))));
  EXPECT_THAT(c.u.Pending().at(0).edits(0).saw(), SizeIs(1));
  c.u.MustSync();
  EXPECT_TRUE(HasConflict(c.u.Shown(Rec(1)).record));

  c.u.Write(Tap().Resolve(Rec(1), Caregiver(TestId<MemberId>(3))));
  EXPECT_THAT(c.u.Pending().at(0).edits(0).saw(), SizeIs(2));
  EXPECT_FALSE(HasConflict(c.u.Shown(Rec(1)).record));
  c.u.MustSync();
  c.a.MustSync();
  EXPECT_FALSE(HasConflict(c.a.Shown(Rec(1)).record));
  EXPECT_EQ(c.a.Shown(Rec(1)).record.log_entry().caregiver_id(), TestId<MemberId>(3).bytes());
}

TEST(ReplicaTest, EditOfTextReplacesAllTheSegmentsOnTheScreen) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  u.MustSync();
  a.Write(Tap().Set(Rec(1), Text("a")));
  u.Write(Tap().Set(Rec(1), Text("u")));
  a.MustSync();
  u.MustSync();
  ASSERT_THAT(u.TextOf(Rec(1)), HasSubstr("a"));
  ASSERT_THAT(u.TextOf(Rec(1)), HasSubstr("u"));
  u.Write(Tap().Set(Rec(1), Text("both")));
  EXPECT_EQ(u.TextOf(Rec(1)), "both");
  u.MustSync();
  a.MustSync();
  EXPECT_EQ(a.TextOf(Rec(1)), "both");
}

TEST(ReplicaTest, TagsAreTakenOffWhereTheyWereSeenAndNowhereElse) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  v1::LogEntry tagged = Crying();
  tagged.add_tags("teeth");
  tagged.add_tags("travel");
  a.Write(Tap().Set(Rec(1), tagged));
  a.MustSync();
  u.MustSync();
  v1::LogEntry again;
  again.add_tags("teeth");
  u.Write(Tap().Set(Rec(1), again));
  v1::LogEntry added;
  added.add_tags("fever");
  a.Write(Tap().Set(Rec(1), added).RemoveTags(Rec(1), {"teeth"}));
  EXPECT_THAT(a.Pending().at(0).edits(), SizeIs(1));
  EXPECT_THAT(a.Shown(Rec(1)).record.log_entry().tags(), ElementsAre("fever", "travel"));
  u.MustSync();
  a.MustSync();
  EXPECT_THAT(a.Shown(Rec(1)).record.log_entry().tags(), ElementsAre("fever", "teeth", "travel"));
}

TEST(ReplicaTest, DeleteNamesAllThatItSawSoThatAnUnseenEditKeepsTheRecordAlive) {
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  a.Write(Tap().Set(Rec(1), Crying()).Set(Rec(2), Crying()));
  a.MustSync();
  u.MustSync();
  u.Write(Tap().Set(Rec(2), Text("still here")));
  u.MustSync();
  a.Write(Tap().Delete(Rec(1)).Delete(Rec(2)));
  EXPECT_THAT(a.Pending().at(0).edits(0).saw(), SizeIs(3));
  EXPECT_TRUE(a.Shown(Rec(1)).record.deleted());
  EXPECT_TRUE(a.Shown(Rec(2)).record.deleted());
  a.MustSync();
  EXPECT_TRUE(a.Shown(Rec(1)).record.deleted());
  EXPECT_FALSE(a.Shown(Rec(2)).record.deleted());
  EXPECT_TRUE(HasConflict(a.Shown(Rec(2)).record));

  a.Write(Tap().Restore(Rec(1)).Restore(Rec(2)));
  a.MustSync();
  EXPECT_FALSE(a.Shown(Rec(1)).record.deleted());
  EXPECT_FALSE(HasConflict(a.Shown(Rec(2)).record));
}

TEST(ReplicaTest, EditOfARecordShownAsDeletedHasSeenTheDeletion) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.Write(Tap().Delete(Rec(1)));
  a.MustSync();
  a.Write(Tap().Set(Rec(1), Text("after all")));
  a.MustSync();
  EXPECT_FALSE(a.Shown(Rec(1)).record.deleted());
  EXPECT_FALSE(HasConflict(a.Shown(Rec(1)).record));
}

TEST(ReplicaTest, InvalidTapIsRefusedWithItsViolationsAndNothingIsSaved) {
  FakeServer server;
  Phone a(server, "A");
  v1::LogEntry no_zone = Crying();
  no_zone.mutable_interval()->clear_zone();
  const std::vector<Tap> invalid = {
      Tap(),
      Tap().Set(Rec(1), no_zone),
      Tap().Set(Rec(1), Text("only a text")),
      Tap().Delete(Rec(1)),
      Tap().Clear(Rec(1), kLogEntry, v1::LogEntry::kDetailFieldNumber),
  };
  for (const Tap& tap : invalid) {
    const absl::Status status = a.replica->Write(a.family, {Tap().Set(Rec(9), Crying()), tap});
    EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
    EXPECT_THAT(ViolationsOf(status), testing::Not(IsEmpty()));
  }
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_THAT(a.Pending(), IsEmpty());
}

TEST(ReplicaTest, PushesAtMost512TransactionsAndAMebibyteAtOnce) {
  FakeServer server;
  Phone a(server, "A");
  std::vector<Tap> small;
  for (int i = 0; i < 513; ++i) small.push_back(Tap().Set(Rec(100 + i), Crying()));
  ASSERT_TRUE(a.replica->Write(a.family, small).ok());
  EXPECT_THAT(a.Pending(), SizeIs(512));
  a.MustSync();
  EXPECT_EQ(a.state().pending, 0u);

  std::vector<Tap> large;
  for (int i = 0; i < 400; ++i) {
    v1::LogEntry entry = Crying();
    entry.set_text(std::string(4000, 'x'));
    large.push_back(Tap().Set(Rec(1000 + i), entry));
  }
  ASSERT_TRUE(a.replica->Write(a.family, large).ok());
  const auto push = a.replica->NextPush(a.family);
  ASSERT_TRUE(push.ok());
  EXPECT_LT((*push)->ByteSizeLong(), 1u << 20);
  EXPECT_GT((*push)->transactions_size(), 200);
  a.MustSync();
  EXPECT_EQ(a.state().pending, 0u);
}

TEST(ReplicaTest, AcknowledgedTapStaysOnTheScreenUntilTheRecordsHoldIt) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  v1::PushRequest request = **a.replica->NextPush(a.family);
  *request.mutable_sent_at() = a.clock.Read();
  const auto response = server.Push(request, absl::InfiniteFuture());
  ASSERT_TRUE(response.ok());
  ASSERT_TRUE(a.replica->ApplyVerdicts(request, *response).ok());
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_FALSE(a.Shown(Rec(1)).pending);
  EXPECT_TRUE(a.Shown(Rec(1)).record.log_entry().detail().has_crying());
  EXPECT_EQ(a.Shown(Rec(1)).record.revision(), 0u);
  a.MustSync();
  EXPECT_EQ(a.Shown(Rec(1)).record.revision(), 1u);
}

TEST(ReplicaTest, TapTakenByARestoredServerStaysOnTheScreenWhateverItsRevision) {
  FakeServer server;
  Phone a(server, "A");
  server.Backup();
  for (uint32_t i = 1; i <= 3; ++i) a.Write(Tap().Set(Rec(i), Crying()));
  a.MustSync();
  server.Restore();
  a.Write(Tap().Set(Rec(4), Crying()));
  v1::PushRequest request = **a.replica->NextPush(a.family);
  *request.mutable_sent_at() = a.clock.Read();
  v1::PushResponse response;
  response.set_lineage(server.head().lineage());
  v1::Verdict& verdict = *response.add_verdicts();
  verdict.set_seq(request.transactions(0).seq());
  verdict.mutable_committed()->set_revision(1);
  ASSERT_LT(1u, a.state().cursor.revision());
  ASSERT_TRUE(a.replica->ApplyVerdicts(request, response).ok());
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_TRUE(a.Shown(Rec(4)).record.log_entry().detail().has_crying());
}

TEST(ReplicaTest, AppendedPostIsShownOnceWhenItsRecordComesBeforeItsVerdict) {
  FakeServer server;
  Phone a(server, "A");
  v1::Comment comment;
  comment.mutable_target()->set_log_entry_id(Rec(1).str());
  comment.add_posts()->set_text("slept well");
  a.Write(Tap().Set(Rec(2), comment));
  EXPECT_EQ(a.Shown(Rec(2)).record.comment().posts(0).member_id(), a.state().pairing.member_id());
  server.LoseNextPushAnswer();
  EXPECT_EQ(a.SyncOnce().code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(a.state().pending, 1u);
  const auto stream = server.Follow(*a.replica->NextFollow(a.family), absl::InfiniteFuture());
  std::vector<v1::FollowResponse> messages(2);
  ASSERT_TRUE(stream->Read(messages[0]) && stream->Read(messages[1]));
  ASSERT_TRUE(a.replica->ApplyBookmark(a.family, messages).ok());
  EXPECT_THAT(a.Shown(Rec(2)).record.comment().posts(), SizeIs(1));
  a.MustSync();
  EXPECT_THAT(a.Shown(Rec(2)).record.comment().posts(), SizeIs(1));
}

TEST(ReplicaTest, QuarantinedTapNeedsAttentionWithoutAReason) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  const v1::PushRequest request = **a.replica->NextPush(a.family);
  v1::PushResponse response;
  response.add_verdicts()->set_seq(1);
  response.mutable_verdicts(0)->mutable_quarantined();
  ASSERT_TRUE(a.replica->ApplyVerdicts(request, response).ok());
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_EQ(a.Shown(Rec(1)).record.record_id(), "");
  const auto list = a.replica->ListNeedsAttention(a.family);
  ASSERT_TRUE(list.ok());
  ASSERT_THAT(*list, SizeIs(1));
  EXPECT_TRUE((*list)[0].status.ok());
}

TEST(ReplicaTest, RefusesAnAnswerThatMakesNoSense) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  const v1::PushRequest request = **a.replica->NextPush(a.family);
  v1::PushResponse response;
  EXPECT_EQ(a.replica->ApplyVerdicts(request, response).status().code(),
            absl::StatusCode::kInternal);
  response.add_verdicts()->set_seq(7);
  EXPECT_EQ(a.replica->ApplyVerdicts(request, response).status().code(),
            absl::StatusCode::kInternal);
  response.mutable_verdicts(0)->set_seq(1);
  response.mutable_verdicts(0)->mutable_gap()->set_expected_seq(1);
  EXPECT_EQ(a.replica->ApplyVerdicts(request, response).status().code(),
            absl::StatusCode::kInternal);
  EXPECT_EQ(a.state().pending, 1u);
}

TEST(ReplicaTest, ForgottenFamilyLeavesNothing) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  ASSERT_TRUE(a.replica->ForgetFamily(a.family).ok());
  EXPECT_THAT(a.replica->Families(), IsEmpty());
  EXPECT_EQ(a.replica->Get(a.family, Rec(1)).status().code(), absl::StatusCode::kNotFound);
  ASSERT_TRUE(a.replica->AddFamily(server.NewPairing("A again")).ok());
  EXPECT_EQ(a.Shown(Rec(1)).record.record_id(), "");
  EXPECT_EQ(a.state().cursor.revision(), 0u);
}

TEST(ReplicaTest, NewPairingKeepsTheOutboxAndFollowsFromTheBeginning) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  a.Write(Tap().Set(Rec(1), Text("not sent yet")));
  ASSERT_TRUE(a.replica->AddFamily(server.NewPairing("A again")).ok());
  EXPECT_EQ(a.TextOf(Rec(1)), "not sent yet");
  EXPECT_FALSE((*a.replica->NextPush(a.family)).has_value()) << "before the first bookmark";
  a.MustSync();
  EXPECT_FALSE(server.seen().follows.at(1).has_cursor());
  EXPECT_EQ(a.state().pending, 0u);
  EXPECT_EQ(server.seen().committed, 2) << "nothing twice";
  EXPECT_EQ(a.TextOf(Rec(1)), "not sent yet");
}

TEST(ReplicaTest, NewPairingBringsWhatTheServerLostBeforeWhatNamesIt) {
  FakeServer server;
  Phone a(server, "A");
  a.MustSync();
  server.Backup();
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  a.Write(Tap().Set(Rec(1), Text("first")));
  server.Restore();
  const v1::Pairing anew = server.NewPairing("A again");
  ASSERT_TRUE(a.replica->AddFamily(anew).ok());
  a.Write(Tap().Set(Rec(1), Text("second")));
  a.MustSync();
  EXPECT_EQ(server.seen().committed, 4);
  const storage::v1::StoredRecord record = server.Record(Rec(1));
  for (const storage::v1::StoredGroup& group : record.groups()) {
    ASSERT_EQ(group.versions_size(), 1) << group.ShortDebugString();
    EXPECT_EQ(group.versions(0).edit().replica_id(), anew.replica_id());
  }
  EXPECT_EQ(a.TextOf(Rec(1)), "second");
}

TEST(ReplicaTest, TapWhoseEditsNameOneAnotherKeepsThatUnderItsNewName) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.Write(Tap().Delete(Rec(1)));
  a.Write(Tap().Set(Rec(1), Text("back")).Delete(Rec(1)));
  const v1::Edit deletion = a.Pending().at(2).edits(1);
  ASSERT_THAT(deletion.saw(), Contains(Property(&v1::EditId::seq, 3u)));
  const ReplicaId other(server.NewPairing("other").replica_id());
  ASSERT_TRUE(a.replica->Rehome(a.family, ReplicaId(a.state().pairing.replica_id()), other).ok());
  const v1::Edit renamed = a.Pending().at(2).edits(1);
  for (const v1::EditId& saw : renamed.saw()) {
    EXPECT_EQ(saw.replica_id(), other.bytes());
  }
}

TEST(ReplicaTest, WhatIsPendingUnderAnotherNameMovesOnlyIfItNamesWhatMoves) {
  FakeServer server;
  Phone a(server, "A");
  a.Write(Tap().Set(Rec(1), Crying()));
  a.MustSync();
  a.Write(Tap().Set(Rec(1), Text("first")));
  const ReplicaId first(a.state().pairing.replica_id());
  const ReplicaId second(server.NewPairing("second").replica_id());
  const ReplicaId third(server.NewPairing("third").replica_id());
  // Nothing is pending under `third`: new taps are made under `second`, and that is all.
  ASSERT_TRUE(a.replica->Rehome(a.family, third, second).ok());
  a.Write(Tap().Set(Rec(2), Crying()));
  a.Write(Tap().Set(Rec(1), Text("on top")));
  a.Write(Tap().Set(Rec(3), Crying()));
  ASSERT_TRUE(a.replica->Rehome(a.family, first, third).ok());
  a.MustSync();
  const auto names = [&](const RecordId& record) {
    std::map<std::string, uint64_t> names;
    const storage::v1::StoredRecord stored = server.Record(record);
    for (const storage::v1::StoredGroup& group : stored.groups()) {
      for (const storage::v1::StoredVersion& version : group.versions()) {
        names[version.edit().replica_id()] = version.edit().seq();
      }
    }
    return names;
  };
  EXPECT_THAT(names(Rec(2)), ElementsAre(Pair(second.bytes(), 1)));
  EXPECT_THAT(names(Rec(1)), ElementsAre(Pair(first.bytes(), 1), Pair(third.bytes(), 2)));
  EXPECT_FALSE(HasConflict(server.Record(Rec(1))));
  EXPECT_THAT(names(Rec(3)), ElementsAre(Pair(third.bytes(), 3)));
}

TEST(ReplicaTest, ObserversHearWhatIsShownDifferently) {
  struct Ear final : Replica::Observer {
    void OnRecordsChanged(const FamilyId&, const std::set<RecordId>& records) override {
      heard.push_back(records);
    }
    void OnFamilyChanged(const FamilyId&) override { ++family_changes; }
    std::vector<std::set<RecordId>> heard;
    int family_changes = 0;
  } ear;
  FakeServer server;
  Phone a(server, "A");
  Phone u(server, "U");
  u.Write(Tap().Set(Rec(2), Crying()));
  u.MustSync();
  a.replica->AddObserver(&ear);
  a.Write(Tap().Set(Rec(1), Crying()));
  EXPECT_THAT(ear.heard, ElementsAre(std::set<RecordId>{Rec(1)}));
  EXPECT_EQ(ear.family_changes, 1);
  ear.heard.clear();
  a.MustSync();
  EXPECT_THAT(ear.heard, ElementsAre(std::set<RecordId>{Rec(1)},            // acknowledged
                                     std::set<RecordId>{Rec(1), Rec(2)}));  // confirmed
  a.replica->RemoveObserver(&ear);
}

}  // namespace
}  // namespace nightlog
