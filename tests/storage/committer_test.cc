#include "storage/committer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/mutex.h"
#include "google/rpc/error_details.pb.h"
#include "storage/core/errors.h"
#include "tests/testing/family_fixture.h"

namespace nightlog {
namespace {

using storage::v1::StoredMember;
using ::testing::ElementsAre;

// A real engine whose writes can be counted, held back, and made to fail.
class GatedEngine final : public Engine {
 public:
  explicit GatedEngine(Engine& engine) : engine_(engine) {}

  std::unique_ptr<ReadView> Snapshot() const override { return engine_.Snapshot(); }

  absl::Status Write(const WriteBatch& batch) override {
    {
      absl::MutexLock lock(&mu_);
      ++writes_;
      mu_.Await(absl::Condition(&open_));
      if (!failure_.ok()) return failure_;
    }
    return engine_.Write(batch);
  }

  // Lets no write through until Release.
  void Hold() {
    absl::MutexLock lock(&mu_);
    open_ = false;
  }
  void Release() {
    absl::MutexLock lock(&mu_);
    open_ = true;
  }
  void FailWith(absl::Status failure) {
    absl::MutexLock lock(&mu_);
    failure_ = std::move(failure);
  }
  // Blocks until the engine was asked for that many writes since it was made.
  void AwaitWrites(int count) {
    absl::MutexLock lock(&mu_);
    const auto reached = [this, count]()
                             ABSL_NO_THREAD_SAFETY_ANALYSIS { return writes_ >= count; };
    mu_.Await(absl::Condition(&reached));
  }
  int writes() const {
    absl::MutexLock lock(&mu_);
    return writes_;
  }

 private:
  Engine& engine_;
  mutable absl::Mutex mu_;
  bool open_ ABSL_GUARDED_BY(mu_) = true;
  int writes_ ABSL_GUARDED_BY(mu_) = 0;
  absl::Status failure_ ABSL_GUARDED_BY(mu_);
};

// Derives nothing but the error it is told.
class FailingDeriver final : public Deriver {
 public:
  explicit FailingDeriver(const FamilyId& family) : family_(family) {}
  std::vector<std::string> IndexKeys(const RecordId&,
                                     const storage::v1::StoredRecord&) const override {
    return {};
  }
  absl::Status Derive(const FamilyReader& reader, absl::Span<const RecordChange>,
                      std::unique_ptr<Memory>&,
                      std::vector<DerivedRecord>& derived) const override {
    if (reader.family() != family_) return absl::OkStatus();
    // Half done before the damage shows.
    derived.push_back({TestId<RecordId>(99), kNightSummary, ""});
    return absl::DataLossError("a stored row is damaged");
  }

 private:
  const FamilyId family_;
};

// Derives nothing, and notes for each time it is called how often it was called for this memory
// before. Fails where it is told to.
class RememberingDeriver final : public Deriver {
 public:
  std::vector<std::string> IndexKeys(const RecordId&,
                                     const storage::v1::StoredRecord&) const override {
    return {};
  }
  absl::Status Derive(const FamilyReader&, absl::Span<const RecordChange>,
                      std::unique_ptr<Memory>& memory, std::vector<DerivedRecord>&) const override {
    if (memory == nullptr) memory = std::make_unique<Calls>();
    absl::MutexLock lock(&mu_);
    calls_.push_back(static_cast<Calls&>(*memory).count++);
    return std::exchange(failure_, absl::OkStatus());
  }
  void FailOnce() {
    absl::MutexLock lock(&mu_);
    failure_ = absl::DataLossError("a stored row is damaged");
  }
  std::vector<int> calls() const {
    absl::MutexLock lock(&mu_);
    return calls_;
  }

 private:
  struct Calls final : Memory {
    size_t bytes() const override { return 100; }
    int count = 0;
  };
  mutable absl::Mutex mu_;
  mutable std::vector<int> calls_ ABSL_GUARDED_BY(mu_);
  mutable absl::Status failure_ ABSL_GUARDED_BY(mu_);
};

class CommitterTest : public ::testing::Test {
 protected:
  CommitterTest() : memory_(kColumns), engine_(memory_) { EXPECT_OK(OpenStore(memory_)); }

  void Start(Committer::Options options = {}) { Start(no_deriver_, options); }
  void Start(const Deriver& deriver, Committer::Options options = {}) {
    committer_ = std::make_unique<Committer>(
        engine_, feed_, deriver, clock_,
        [](const absl::Status& status) { ADD_FAILURE() << "the store failed: " << status; },
        options);
  }

  absl::Status Commit(const FamilyId& family, Committer::Operation operation) {
    return CommitAndWait(*committer_, family, std::move(operation));
  }
  absl::Status Create(const FamilyId& family) {
    return Commit(family, [this](FamilyWriter& writer) {
      writer.Create("the owls", random_);
      return absl::OkStatus();
    });
  }

  // Holds the engine with one write in it, so that whatever is submitted meanwhile waits together.
  void HoldAWrite() {
    const int before = engine_.writes();
    engine_.Hold();
    Submit(TestId<FamilyId>(1000), PutsMember(1));
    engine_.AwaitWrites(before + 1);
  }

  // Notes each answer; AwaitAnswers blocks until all that was submitted is answered.
  void Submit(const FamilyId& family, Committer::Operation operation, size_t cost = 1) {
    size_t place;
    {
      absl::MutexLock lock(&mu_);
      place = answers_.size();
      answers_.emplace_back();
      ++open_answers_;
    }
    committer_->Submit(
        family, std::move(operation),
        [this, place](absl::Status status) {
          absl::MutexLock lock(&mu_);
          answers_[place] = std::move(status);
          --open_answers_;
        },
        cost);
  }
  std::vector<absl::Status> AwaitAnswers() {
    absl::MutexLock lock(&mu_);
    const auto answered = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS { return open_answers_ == 0; };
    mu_.Await(absl::Condition(&answered));
    return answers_;
  }
  size_t OpenAnswers() {
    absl::MutexLock lock(&mu_);
    return open_answers_;
  }

  static Committer::Operation PutsMember(uint32_t number) {
    return [number](FamilyWriter& writer) {
      writer.Put(kAccessColumn, MemberKey(writer.family(), TestId<MemberId>(number)),
                 StoredMember());
      return absl::OkStatus();
    };
  }
  // A revision of its own that writes a record.
  static Committer::Operation PutsRecord(uint32_t number) {
    return [number](FamilyWriter& writer) -> absl::Status {
      RETURN_IF_ERROR(writer.BeginRevision().status());
      v1::Member member;
      member.set_name(absl::StrCat("member ", number));
      RETURN_IF_ERROR(writer.PutServerRecord(
          {TestId<RecordId>(number), kMember, SerializeDeterministic(member)}));
      writer.EndRevision({});
      return absl::OkStatus();
    };
  }
  static Committer::Operation ThenFails(Committer::Operation operation) {
    return [operation = std::move(operation)](FamilyWriter& writer) -> absl::Status {
      RETURN_IF_ERROR(operation(writer));
      return absl::PermissionDeniedError("no");
    };
  }

  bool HasMember(const FamilyId& family, uint32_t number) const {
    const auto row =
        memory_.Snapshot()->Get(kAccessColumn, MemberKey(family, TestId<MemberId>(number)));
    EXPECT_OK(row);
    return row.ok() && row->has_value();
  }
  uint64_t RevisionOf(const FamilyId& family) const {
    const auto view = memory_.Snapshot();
    const auto head = FamilyReader(*view, family).Head();
    EXPECT_OK(head);
    return head.ok() && head->has_value() ? (*head)->revision() : 0;
  }

  const FamilyId owls_ = TestId<FamilyId>(1);
  const FamilyId foxes_ = TestId<FamilyId>(2);
  MemoryEngine memory_;
  GatedEngine engine_;
  Feed feed_;
  const NoDeriver no_deriver_;
  FakeClock clock_;
  FixedRandom random_{1};
  absl::Mutex mu_;
  std::vector<absl::Status> answers_ ABSL_GUARDED_BY(mu_);
  size_t open_answers_ ABSL_GUARDED_BY(mu_) = 0;
  std::unique_ptr<Committer> committer_;
};

TEST_F(CommitterTest, AllThatWaitsGoesIntoOneWrite) {
  Start();
  ASSERT_OK(Create(owls_));
  HoldAWrite();
  const int before = engine_.writes();
  for (uint32_t i = 0; i < 300; ++i) Submit(TestId<FamilyId>(1 + i % 50), PutsMember(i));
  engine_.Release();
  for (const absl::Status& answer : AwaitAnswers()) EXPECT_OK(answer);
  EXPECT_EQ(engine_.writes(), before + 1);
  for (uint32_t i = 0; i < 300; ++i) EXPECT_TRUE(HasMember(TestId<FamilyId>(1 + i % 50), i));
}

TEST_F(CommitterTest, ABatchHoldsNoMoreOperationsThanItsBound) {
  Committer::Options options;
  options.batch_cost_max = 10;
  Start(options);
  HoldAWrite();
  const int before = engine_.writes();
  for (uint32_t i = 0; i < 95; ++i) Submit(owls_, PutsMember(i));
  engine_.Release();
  AwaitAnswers();
  EXPECT_EQ(engine_.writes(), before + 10);
}

TEST_F(CommitterTest, FamiliesTakeTurnsAndWhatIsLargeHasItsOwn) {
  std::vector<std::string> order;
  Committer::Options options;
  options.threads = 0;
  options.small_cost_max = 10;
  options.family_cost_max = 60;
  options.batch_cost_max = 100;
  options.on_batch = [&](const Committer::BatchReport&) { order.emplace_back("written"); };
  Start(options);
  const auto submit = [&](uint32_t family, const std::string& name, size_t cost) {
    committer_->Submit(
        TestId<FamilyId>(family),
        [&order, name, put = PutsMember(1)](FamilyWriter& writer) {
          order.push_back(name);
          return put(writer);
        },
        [](const absl::Status& status) { EXPECT_OK(status); }, cost);
  };
  submit(1, "owls 6", 6);
  submit(1, "owls 5", 5);
  submit(1, "owls 1", 1);
  submit(1, "owls 60", 60);
  submit(2, "foxes 40", 40);
  submit(2, "foxes 20", 20);
  submit(2, "foxes 1", 1);
  submit(3, "wrens 50", 50);
  submit(4, "robins 40", 40);
  submit(5, "finches 1", 1);
  committer_->CommitWaiting();
  EXPECT_THAT(order, ElementsAre("owls 6", "finches 1", "written", "foxes 40", "foxes 20",
                                 "written", "foxes 1", "written", "wrens 50", "robins 40", "owls 5",
                                 "owls 1", "written", "owls 60", "written"));
}

TEST_F(CommitterTest, NobodyWaitsForAFamilyThatIsInABatchNorForWhatIsLarge) {
  Committer::Options options;
  options.threads = 3;
  Start(options);
  absl::Notification go_on;
  std::vector<std::string> order;  // guarded by mu_
  const auto note = [&](const std::string& name) {
    absl::MutexLock lock(&mu_);
    order.push_back(name);
  };
  const auto submit_large = [&](uint32_t family, absl::Notification* begun) {
    committer_->Submit(
        TestId<FamilyId>(family),
        [&, begun](FamilyWriter&) {
          if (begun != nullptr) {
            begun->Notify();
            go_on.WaitForNotification();
          }
          note("large");
          return absl::OkStatus();
        },
        [](const absl::Status& status) { EXPECT_OK(status); }, 500);
  };
  for (uint32_t family = 1; family <= 2; ++family) {
    absl::Notification begun;
    submit_large(family, &begun);
    begun.WaitForNotification();
  }
  submit_large(3, nullptr);
  submit_large(1, nullptr);
  for (uint32_t family = 4; family < 8; ++family) {
    EXPECT_OK(Commit(TestId<FamilyId>(family), [&](FamilyWriter&) {
      note("small");
      return absl::OkStatus();
    }));
  }
  go_on.Notify();
  committer_->Stop();
  absl::MutexLock lock(&mu_);
  EXPECT_THAT(order,
              ElementsAre("small", "small", "small", "small", "large", "large", "large", "large"));
}

TEST_F(CommitterTest, WhatIsLargeLeavesTheProcessorToOthersUntilItIsWritten) {
  Start();
  // Of the thread that asks.
  const auto niceness = [] { return getpriority(PRIO_PROCESS, static_cast<id_t>(gettid())); };
  const int usual = niceness();
  for (const size_t cost : {1, 500}) {
    int as_it_ran = 0;
    int as_it_was_answered = 0;
    absl::Notification answered;
    committer_->Submit(
        owls_,
        [&](FamilyWriter&) {
          as_it_ran = niceness();
          return absl::OkStatus();
        },
        [&](const absl::Status& status) {
          EXPECT_OK(status);
          as_it_was_answered = niceness();
          answered.Notify();
        },
        cost);
    answered.WaitForNotification();
    EXPECT_EQ(as_it_ran, cost == 1 ? usual : 19) << cost;
    EXPECT_EQ(as_it_was_answered, usual) << cost;
  }
}

TEST_F(CommitterTest, BesideWhatIsSmallAFamilyRestsAfterWhatIsLarge) {
  Start();
  constexpr int kSmall = 4000;
  const auto submit_large = [&](uint32_t family, absl::Notification& begun,
                                absl::Notification& end) {
    committer_->Submit(
        TestId<FamilyId>(family),
        [&](FamilyWriter&) {
          begun.Notify();
          end.WaitForNotification();
          return absl::OkStatus();
        },
        [](const absl::Status& status) { EXPECT_OK(status); }, 500);
  };
  const auto small_until = [&](const absl::Notification& begun) {
    int count = 0;
    for (; !begun.HasBeenNotified(); ++count) EXPECT_OK(Commit(owls_, PutsMember(1)));
    return count;
  };
  absl::Notification end;
  absl::Notification begun;
  absl::Notification next_begun;
  absl::Notification other_begun;
  submit_large(3, begun, end);
  begun.WaitForNotification();
  submit_large(3, next_begun, end);
  submit_large(4, other_begun, end);
  for (int i = 0; i < kSmall; ++i) EXPECT_OK(Commit(owls_, PutsMember(1)));
  end.Notify();
  const int until_other = small_until(other_begun);
  EXPECT_FALSE(next_begun.HasBeenNotified());
  const int until_next = until_other + small_until(next_begun);
  // Eight times as many, if all take as long.
  EXPECT_GT(until_next, kSmall / 4);
  EXPECT_LT(until_other, until_next / 2);
}

TEST_F(CommitterTest, WhatIsLargeIsNotRunAheadOfADiskThatHoldsBack) {
  Committer::Options options;
  options.threads = 3;
  options.batch_cost_max = 500;  // one of them in a batch
  Start(options);
  const int before = engine_.writes();
  engine_.Hold();
  std::atomic<int> run{0};
  for (uint32_t family = 1; family <= 5; ++family) {
    committer_->Submit(
        TestId<FamilyId>(family),
        [&run, put = PutsMember(1)](FamilyWriter& writer) {
          ++run;
          return put(writer);
        },
        [](const absl::Status& status) { EXPECT_OK(status); }, 500);
  }
  engine_.AwaitWrites(before + 2);
  Submit(TestId<FamilyId>(6), PutsMember(1));
  engine_.AwaitWrites(before + 3);
  EXPECT_EQ(run, 2);
  engine_.Release();
  committer_->Stop();
  EXPECT_EQ(run, 5);
}

TEST_F(CommitterTest, AFamilyHasABoundOfItsOwnInTheQueue) {
  Committer::Options options;
  options.family_queue_max = 2;
  Start(options);
  HoldAWrite();
  for (uint32_t i = 0; i < 3; ++i) Submit(owls_, PutsMember(i));
  for (uint32_t i = 0; i < 2; ++i) Submit(foxes_, PutsMember(i));
  engine_.Release();
  const std::vector<absl::Status> answers = AwaitAnswers();
  EXPECT_EQ(std::count_if(answers.begin(), answers.end(), absl::IsResourceExhausted), 1);
  EXPECT_FALSE(HasMember(owls_, 2));
  Submit(owls_, PutsMember(2));
  AwaitAnswers();
  EXPECT_TRUE(HasMember(owls_, 2));
}

TEST_F(CommitterTest, ABatchIsReportedOnceItIsOnDisk) {
  std::vector<size_t> reported;
  Committer::Options options;
  options.on_batch = [&](const Committer::BatchReport& batch) {
    EXPECT_GT(batch.took, absl::ZeroDuration());
    absl::MutexLock lock(&mu_);
    reported.push_back(batch.operations);
  };
  Start(options);
  ASSERT_OK(Create(owls_));
  HoldAWrite();
  for (uint32_t i = 0; i < 3; ++i) Submit(owls_, PutsMember(i));
  {
    absl::MutexLock lock(&mu_);
    EXPECT_THAT(reported, ElementsAre(1));
  }
  engine_.Release();
  AwaitAnswers();
  absl::MutexLock lock(&mu_);
  EXPECT_THAT(reported, ElementsAre(1, 1, 3));
}

TEST_F(CommitterTest, ABatchThatTheDiskHoldsBackIsSeenToTakeLong) {
  Start();
  EXPECT_EQ(committer_->LongestBatch(), absl::ZeroDuration());
  HoldAWrite();
  const absl::Duration held = committer_->LongestBatch();
  EXPECT_GT(held, absl::ZeroDuration());
  EXPECT_GT(committer_->LongestBatch(), held);
  engine_.Release();
  committer_->Stop();
  EXPECT_EQ(committer_->LongestBatch(), absl::ZeroDuration());
}

TEST_F(CommitterTest, AFailedOperationLeavesNoTraceWhileItsNeighboursCommit) {
  Start();
  ASSERT_OK(Create(owls_));
  ASSERT_OK(Create(foxes_));
  HoldAWrite();
  Submit(owls_, PutsRecord(1));
  Submit(owls_, ThenFails(PutsRecord(2)));
  Submit(owls_, ThenFails(PutsMember(3)));
  Submit(foxes_, ThenFails(PutsRecord(4)));
  Submit(owls_, PutsRecord(5));
  engine_.Release();
  const std::vector<absl::Status> answers = AwaitAnswers();
  EXPECT_OK(answers[1]);
  EXPECT_THAT(answers[2], StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(answers[3], StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_THAT(answers[4], StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_OK(answers[5]);

  const auto view = memory_.Snapshot();
  const FamilyReader reader(*view, owls_);
  EXPECT_TRUE(reader.Record(TestId<RecordId>(1))->has_value());
  EXPECT_FALSE(reader.Record(TestId<RecordId>(2))->has_value());
  EXPECT_TRUE(reader.Record(TestId<RecordId>(5))->has_value());
  EXPECT_FALSE(HasMember(owls_, 3));
  EXPECT_EQ(RevisionOf(owls_), 2u) << "revisions are dense";
  EXPECT_EQ(RevisionOf(foxes_), 0u);
  EXPECT_OK(VerifyFamily(*view, owls_));
  EXPECT_OK(VerifyFamily(*view, foxes_));
}

TEST_F(CommitterTest, ADeriversMemoryComesBackWithTheFamilysNextChanges) {
  const RememberingDeriver deriver;
  Start(deriver);
  for (const FamilyId& family : {owls_, foxes_}) ASSERT_OK(Create(family));
  ASSERT_OK(Commit(owls_, PutsRecord(1)));
  ASSERT_OK(Commit(owls_, PutsMember(1)));  // derives nothing, and is no change of a record
  ASSERT_OK(Commit(owls_, PutsRecord(2)));
  ASSERT_OK(Commit(foxes_, PutsRecord(3)));
  ASSERT_OK(Commit(owls_, PutsRecord(4)));
  EXPECT_THAT(deriver.calls(), ElementsAre(0, 1, 0, 2));
  committer_.reset();
}

TEST_F(CommitterTest, ADeriverRemembersNothingOfChangesThatWereDropped) {
  RememberingDeriver deriver;
  Start(deriver);
  ASSERT_OK(Create(owls_));
  ASSERT_OK(Commit(owls_, PutsRecord(1)));
  deriver.FailOnce();
  EXPECT_THAT(Commit(owls_, PutsRecord(2)), StatusIs(absl::StatusCode::kDataLoss));
  ASSERT_OK(Commit(owls_, PutsRecord(3)));
  EXPECT_THAT(deriver.calls(), ElementsAre(0, 1, 0));
  committer_.reset();
}

TEST_F(CommitterTest, ADeriverRemembersNothingOfAFamilyThatWasErased) {
  const RememberingDeriver deriver;
  Start(deriver);
  ASSERT_OK(Create(owls_));
  ASSERT_OK(Commit(owls_, PutsRecord(1)));
  ASSERT_OK(Commit(owls_, [](FamilyWriter& writer) { return writer.Erase(); }));
  ASSERT_OK(Create(owls_));
  ASSERT_OK(Commit(owls_, PutsRecord(2)));
  EXPECT_THAT(deriver.calls(), ElementsAre(0, 0));
  committer_.reset();
}

TEST_F(CommitterTest, TheMemoryOfTheFamilyCommittedToLongestAgoMakesRoom) {
  const RememberingDeriver deriver;
  Committer::Options options;
  options.remembered_bytes_max = 200;
  Start(deriver, options);
  const FamilyId wrens = TestId<FamilyId>(3);
  for (const FamilyId& family : {owls_, foxes_, wrens}) ASSERT_OK(Create(family));
  for (const FamilyId& family : {owls_, foxes_, owls_, wrens, owls_, foxes_}) {
    ASSERT_OK(Commit(family, PutsRecord(static_cast<uint32_t>(1 + deriver.calls().size()))));
  }
  EXPECT_THAT(deriver.calls(), ElementsAre(0, 0, 1, 0, 2, 0));
  committer_.reset();
}

TEST_F(CommitterTest, ALaterOperationOfABatchSeesAnEarlierOne) {
  Start();
  ASSERT_OK(Create(owls_));
  HoldAWrite();
  Submit(owls_, PutsRecord(1));
  Submit(owls_, [](FamilyWriter& writer) -> absl::Status {
    ASSIGN_OR_RETURN(const auto record, writer.reader().Record(TestId<RecordId>(1)));
    return record.has_value() && writer.head().revision() == 1 ? absl::OkStatus()
                                                               : absl::NotFoundError("nothing");
  });
  engine_.Release();
  EXPECT_OK(AwaitAnswers().back());
}

TEST_F(CommitterTest, WhatComesAroundPublishingIsOverBeforeTheAnswer) {
  std::vector<std::string> order;  // of the committer thread, until it has answered
  Committer::Options options;
  options.around_publish = [&](absl::FunctionRef<void()> publish) {
    order.push_back("before");
    publish();
    order.push_back("after");
  };
  const auto subscription = feed_.Subscribe(owls_, [&] { order.push_back("told"); });
  Start(options);
  absl::Notification answered;
  committer_->Submit(
      owls_,
      [this](FamilyWriter& writer) {
        writer.Create("the owls", random_);
        return absl::OkStatus();
      },
      [&](absl::Status status) {
        EXPECT_OK(status);
        order.push_back("answered");
        answered.Notify();
      });
  answered.WaitForNotification();
  EXPECT_THAT(order, ElementsAre("before", "told", "after", "answered"));
  committer_.reset();
}

TEST_F(CommitterTest, NothingIsAnsweredBeforeTheWriteIsDone) {
  Start();
  engine_.Hold();
  Submit(owls_, PutsMember(1));
  Submit(owls_, ThenFails(PutsMember(2)));
  engine_.AwaitWrites(1);
  EXPECT_GE(OpenAnswers(), 1u);
  EXPECT_FALSE(HasMember(owls_, 1));
  engine_.Release();
  AwaitAnswers();
  bool written = false;
  absl::Notification done;
  committer_->Submit(owls_, PutsMember(3), [&](absl::Status status) {
    EXPECT_OK(status);
    written = HasMember(owls_, 3);
    done.Notify();
  });
  done.WaitForNotification();
  EXPECT_TRUE(written);
}

TEST_F(CommitterTest, FollowersAreToldWhenAllIsReadableAndBeforeTheAnswer) {
  Start();
  ASSERT_OK(Create(owls_));
  std::atomic<uint64_t> revision_at_wake{0};
  const auto subscription = feed_.Subscribe(owls_, [&] { revision_at_wake = RevisionOf(owls_); });
  uint64_t revision_at_answer = 0;
  absl::Notification done;
  committer_->Submit(owls_, PutsRecord(1), [&](absl::Status status) {
    EXPECT_OK(status);
    revision_at_answer = revision_at_wake;
    done.Notify();
  });
  done.WaitForNotification();
  EXPECT_EQ(revision_at_answer, 1u);
}

TEST_F(CommitterTest, FollowersAreNotWokenByWhatMakesNoRevision) {
  Start();
  ASSERT_OK(Create(owls_));
  std::atomic<int> wakes{0};
  const auto subscription = feed_.Subscribe(owls_, [&] { ++wakes; });
  EXPECT_OK(Commit(owls_, PutsMember(1)));
  EXPECT_OK(Commit(owls_, [](FamilyWriter&) { return absl::OkStatus(); }));
  EXPECT_EQ(wakes, 0);
  EXPECT_OK(Commit(owls_, PutsRecord(1)));
  EXPECT_EQ(wakes, 1);
  EXPECT_OK(Commit(owls_, [](FamilyWriter& writer) { return writer.Erase(); }));
  EXPECT_EQ(wakes, 2);
}

TEST_F(CommitterTest, OperationsOfAFamilyRunInOrderOnAnyNumberOfThreads) {
  Committer::Options options;
  options.threads = 4;
  options.batch_cost_max = 7;
  Start(options);
  constexpr uint32_t kFamilies = 20;
  constexpr int kEach = 100;
  std::map<FamilyId, std::vector<int>> ran;
  for (uint32_t f = 0; f < kFamilies; ++f) {
    ASSERT_OK(Create(TestId<FamilyId>(f)));
    ran[TestId<FamilyId>(f)];
  }
  for (int i = 0; i < kEach; ++i) {
    for (uint32_t f = 0; f < kFamilies; ++f) {
      const FamilyId family = TestId<FamilyId>(f);
      Submit(
          family,
          [&runs = ran[family], i](FamilyWriter& writer) {
            runs.push_back(i);
            return PutsRecord(static_cast<uint32_t>(i))(writer);
          },
          i % 10 == 5 ? 20 : 1);
    }
  }
  for (const absl::Status& answer : AwaitAnswers()) EXPECT_OK(answer);
  for (const auto& [family, runs] : ran) {
    ASSERT_EQ(runs.size(), static_cast<size_t>(kEach));
    EXPECT_TRUE(std::is_sorted(runs.begin(), runs.end()));
    EXPECT_EQ(RevisionOf(family), static_cast<uint64_t>(kEach));
    EXPECT_OK(VerifyFamily(*memory_.Snapshot(), family));
  }
}

TEST_F(CommitterTest, AFullQueueRefusesAtOnceAndSaysWhenToRetry) {
  Committer::Options options;
  options.queue_max = 3;
  Start(options);
  HoldAWrite();
  for (uint32_t i = 0; i < 4; ++i) Submit(owls_, PutsMember(i));
  EXPECT_EQ(OpenAnswers(), 4u) << "the held one, and three of four";
  engine_.Release();
  const std::vector<absl::Status> answers = AwaitAnswers();
  for (size_t i = 0; i + 1 < answers.size(); ++i) EXPECT_OK(answers[i]);
  EXPECT_THAT(answers.back(), StatusIs(absl::StatusCode::kResourceExhausted));
  EXPECT_EQ(ReasonOf(answers.back()), v1::ERROR_REASON_BUSY);
  const auto payload = answers.back().GetPayload("type.googleapis.com/google.rpc.RetryInfo");
  ASSERT_TRUE(payload.has_value());
  google::rpc::RetryInfo retry;
  ASSERT_TRUE(retry.ParseFromString(std::string(*payload)));
  EXPECT_EQ(retry.retry_delay().seconds(), 1);
  EXPECT_FALSE(HasMember(owls_, 3));
}

TEST_F(CommitterTest, StopCommitsWhatWaitsAndRefusesWhatComesAfter) {
  Start();
  HoldAWrite();
  for (uint32_t i = 0; i < 50; ++i) Submit(owls_, PutsMember(i));
  engine_.Release();
  committer_->Stop();
  EXPECT_EQ(OpenAnswers(), 0u);
  for (uint32_t i = 0; i < 50; ++i) EXPECT_TRUE(HasMember(owls_, i));
  const absl::Status late = Commit(owls_, PutsMember(60));
  EXPECT_THAT(late, StatusIs(absl::StatusCode::kUnavailable));
  EXPECT_EQ(ReasonOf(late), v1::ERROR_REASON_DRAINING);
  EXPECT_FALSE(HasMember(owls_, 60));
  committer_->Stop();
}

// The process ends with the code of what happened first: 7 is the failure, 8 an answer, 9 a wake.
void CommitOn(Engine& engine, const Committer::Operation& operation) {
  Feed feed;
  NoDeriver deriver;
  SystemClock clock;
  Committer committer(
      engine, feed, deriver, clock, [](const absl::Status&) { _exit(7); }, Committer::Options());
  const auto subscription = feed.Subscribe(TestId<FamilyId>(1), [] { _exit(9); });
  committer.Submit(TestId<FamilyId>(1), operation, [](absl::Status) { _exit(8); });
  committer.Stop();
}

absl::Status CreateOwls(FamilyWriter& writer) {
  FixedRandom random(1);
  writer.Create("the owls", random);
  return absl::OkStatus();
}

TEST(CommitterDeathTest, AFailedWriteEndsTheProcessBeforeAnybodyIsTold) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  for (const absl::Status& failure :
       {absl::DataLossError(""), absl::UnavailableError(""), absl::ResourceExhaustedError("")}) {
    MemoryEngine memory(kColumns);
    GatedEngine engine(memory);
    engine.FailWith(failure);
    EXPECT_EXIT(CommitOn(engine, CreateOwls), ::testing::ExitedWithCode(7), "");
  }
}

TEST(CommitterDeathTest, AHeadMovedByAnotherHandEndsTheProcess) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  MemoryEngine memory(kColumns);
  const auto operation = [&memory](FamilyWriter& writer) -> absl::Status {
    WriteBatch other;
    other.Put(kHeadColumn, FamilyHeadKey(writer.family()), "");
    RETURN_IF_ERROR(memory.Write(other));
    return CreateOwls(writer);
  };
  EXPECT_EXIT(CommitOn(memory, operation), ::testing::ExitedWithCode(7), "");
}

TEST(CommitterDeathTest, ARevisionThatIsNotEndedIsABugOfOurs) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto run = [](const Committer::Operation& operation) {
    MemoryEngine memory(kColumns);
    Feed feed;
    NoDeriver deriver;
    SystemClock clock;
    FixedRandom random(1);
    Committer committer(
        memory, feed, deriver, clock, [](const absl::Status&) {}, Committer::Options());
    (void)CommitAndWait(committer, TestId<FamilyId>(1), [&](FamilyWriter& writer) {
      writer.Create("the owls", random);
      return operation(writer);
    });
  };
  EXPECT_DEATH(run([](FamilyWriter& writer) { return writer.BeginRevision().status(); }),
               "check failed: !step.in_revision");
  EXPECT_DEATH(run([](FamilyWriter& writer) {
                 return writer.PutServerRecord({TestId<RecordId>(1), kMember, "body"});
               }),
               "check failed: state_.in_revision");
}

TEST_F(CommitterTest, ADamagedHeadStopsOnlyItsFamily) {
  Start();
  ASSERT_OK(Create(owls_));
  WriteBatch damage;
  damage.Put(kHeadColumn, FamilyHeadKey(owls_), "\xff\xff");
  ASSERT_OK(memory_.Write(damage));
  HoldAWrite();
  Submit(owls_, PutsMember(1));
  Submit(foxes_, PutsMember(2));
  Submit(owls_, PutsMember(3));
  engine_.Release();
  const std::vector<absl::Status> answers = AwaitAnswers();
  EXPECT_THAT(answers[1], StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_EQ(ReasonOf(answers[1]), v1::ERROR_REASON_STORAGE_DAMAGED);
  EXPECT_OK(answers[2]);
  EXPECT_THAT(answers[3], StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_FALSE(HasMember(owls_, 1));
  EXPECT_TRUE(HasMember(foxes_, 2));
}

TEST_F(CommitterTest, DamageFoundWhileDerivingDropsTheBatchOfThatFamilyAlone) {
  const FailingDeriver deriver(owls_);
  Start(deriver);
  ASSERT_OK(Create(owls_));
  ASSERT_OK(Create(foxes_));
  HoldAWrite();
  Submit(owls_, PutsMember(1));
  Submit(owls_, PutsRecord(2));
  Submit(foxes_, PutsRecord(3));
  Submit(owls_, ThenFails(PutsMember(4)));
  engine_.Release();
  const std::vector<absl::Status> answers = AwaitAnswers();
  EXPECT_THAT(answers[1], StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_THAT(answers[2], StatusIs(absl::StatusCode::kDataLoss));
  EXPECT_OK(answers[3]);
  EXPECT_THAT(answers[4], StatusIs(absl::StatusCode::kPermissionDenied));
  EXPECT_FALSE(HasMember(owls_, 1));
  EXPECT_EQ(RevisionOf(owls_), 0u);
  EXPECT_EQ(RevisionOf(foxes_), 1u);
  const auto view = memory_.Snapshot();
  EXPECT_OK(VerifyFamily(*view, owls_));
  EXPECT_OK(VerifyFamily(*view, foxes_));
  EXPECT_OK(Commit(owls_, PutsMember(5))) << "it still takes what needs no derivation";
}

TEST_F(CommitterTest, AFamilyErasedAndMadeAnewInOneBatchBeginsAtNothing) {
  Start();
  ASSERT_OK(Create(owls_));
  ASSERT_OK(Commit(owls_, PutsRecord(1)));
  HoldAWrite();
  Submit(owls_, PutsRecord(2));
  Submit(owls_, [this](FamilyWriter& writer) -> absl::Status {
    RETURN_IF_ERROR(writer.Erase());
    writer.Create("the owls again", random_);
    return absl::OkStatus();
  });
  Submit(owls_, PutsRecord(3));
  engine_.Release();
  for (const absl::Status& answer : AwaitAnswers()) EXPECT_OK(answer);
  const auto view = memory_.Snapshot();
  const FamilyReader reader(*view, owls_);
  EXPECT_FALSE(reader.Record(TestId<RecordId>(1))->has_value());
  EXPECT_FALSE(reader.Record(TestId<RecordId>(2))->has_value());
  EXPECT_TRUE(reader.Record(TestId<RecordId>(3))->has_value());
  EXPECT_EQ(RevisionOf(owls_), 1u);
  EXPECT_OK(VerifyFamily(*view, owls_));
}

TEST_F(CommitterTest, AFamilyMadeAndErasedInOneBatchLeavesNothing) {
  Start();
  HoldAWrite();
  Submit(owls_, [this](FamilyWriter& writer) {
    writer.Create("the owls", random_);
    return absl::OkStatus();
  });
  Submit(owls_, PutsRecord(1));
  Submit(owls_, [](FamilyWriter& writer) { return writer.Erase(); });
  Submit(owls_, [](FamilyWriter& writer) {
    return writer.exists() ? absl::AlreadyExistsError("still there") : absl::OkStatus();
  });
  engine_.Release();
  for (const absl::Status& answer : AwaitAnswers()) EXPECT_OK(answer);
  const auto view = memory_.Snapshot();
  for (Column column = 0; column < kColumns; ++column) {
    EXPECT_FALSE(view->Scan(column, FamilyStart(owls_), FamilyLimit(owls_))->Valid())
        << kColumnFamilyNames[column];
  }
}

}  // namespace
}  // namespace nightlog
