#ifndef NIGHTLOG_TESTS_TESTING_FAMILY_FIXTURE_H_
#define NIGHTLOG_TESTS_TESTING_FAMILY_FIXTURE_H_

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/column_families.h"
#include "storage/committer.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/engine/memory_engine.h"
#include "storage/keys.h"
#include "storage/push.h"
#include "storage/store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fixed_random.h"
#include "tests/testing/status_matchers.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {

constexpr int kColumns = static_cast<int>(kColumnFamilyNames.size());

// Derives nothing.
class NoDeriver final : public Deriver {
 public:
  std::vector<std::string> IndexKeys(const RecordId&,
                                     const storage::v1::StoredRecord&) const override {
    return {};
  }
  absl::Status Derive(const FamilyReader&, absl::Span<const RecordChange>, std::unique_ptr<Memory>&,
                      std::vector<DerivedRecord>&) const override {
    return absl::OkStatus();
  }
};

// Derives, for each child named by a changed log entry, a NightSummary without a date whose
// `open_conflicts` counts the child's live entries: the smallest deriver that reads through the
// index what it needs and what it wrote before.
class CountingDeriver final : public Deriver {
 public:
  static RecordId CountId(const std::string& child_id) { return RecordIdOf("count", child_id); }

  std::vector<std::string> IndexKeys(const RecordId& id,
                                     const storage::v1::StoredRecord& record) const override {
    v1::LogEntry entry;
    if (record.deleted() || !ParseBody(record, entry)) return {};
    return {entry.child_id() + id.str()};
  }

  absl::Status Derive(const FamilyReader& reader, absl::Span<const RecordChange> changes,
                      std::unique_ptr<Memory>&,
                      std::vector<DerivedRecord>& derived) const override {
    std::set<std::string> children;
    for (const RecordChange& change : changes) {
      v1::LogEntry entry;
      if (ParseBody(change.after, entry)) children.insert(entry.child_id());
      if (change.before.has_value() && ParseBody(*change.before, entry)) {
        children.insert(entry.child_id());
      }
    }
    for (const std::string& child : children) {
      v1::NightSummary summary;
      summary.set_child_id(child);
      int entries = 0;
      RETURN_IF_ERROR(reader.ScanIndex(child, PrefixLimit(child), ScanOrder::kAscending,
                                       [&entries](absl::string_view, const RecordId&) {
                                         ++entries;
                                         return true;
                                       }));
      summary.set_open_conflicts(entries);
      derived.push_back({CountId(child), kNightSummary, SerializeDeterministic(summary)});
    }
    return absl::OkStatus();
  }
};

// Hands an operation to the committer and waits for its answer.
inline absl::Status CommitAndWait(Committer& committer, const FamilyId& family,
                                  Committer::Operation operation) {
  absl::Status result;
  absl::Notification done;
  committer.Submit(family, std::move(operation), [&](absl::Status status) {
    result = std::move(status);
    done.Notify();
  });
  done.WaitForNotification();
  return result;
}

// A store with one family and one paired replica, written through a real committer. Nothing here is
// a fake but the engine's memory and the clock.
class FamilyFixture : public ::testing::Test {
 protected:
  explicit FamilyFixture(std::unique_ptr<Deriver> deriver = std::make_unique<CountingDeriver>())
      : deriver_(std::move(deriver)), engine_(kColumns) {
    EXPECT_OK(OpenStore(engine_));
    committer_ = std::make_unique<Committer>(
        engine_, feed_, *deriver_, clock_,
        [](const absl::Status& status) { ADD_FAILURE() << "the store failed: " << status; },
        Committer::Options());
    EXPECT_OK(CreateFamily(family_));
    AddReplica(replica_);
  }

  absl::Status CreateFamily(const FamilyId& family) {
    return CommitAndWait(*committer_, family, [this](FamilyWriter& writer) {
      writer.Create("the owls", random_);
      return absl::OkStatus();
    });
  }

  void AddReplica(const ReplicaId& replica) {
    EXPECT_OK(Commit([&](FamilyWriter& writer) {
      writer.Put(kReplicaColumn, ReplicaKey(family_, replica), storage::v1::Replica());
      return absl::OkStatus();
    }));
  }

  absl::Status Commit(Committer::Operation operation) {
    return CommitAndWait(*committer_, family_, std::move(operation));
  }

  // A pusher who may write everything.
  Pusher Owner() const {
    return {member_, [](uint32_t) { return true; }, false};
  }

  // Pushes as a device whose clock is right.
  absl::StatusOr<std::vector<v1::Verdict>> Push(const Pusher& pusher, const ReplicaId& replica,
                                                const std::vector<v1::Transaction>& transactions) {
    v1::PushRequest request;
    request.set_family_id(family_.str());
    request.set_replica_id(replica.str());
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    for (const v1::Transaction& transaction : transactions) {
      *request.add_transactions() = transaction;
    }
    return Push(pusher, request);
  }
  absl::StatusOr<std::vector<v1::Verdict>> Push(const std::vector<v1::Transaction>& transactions) {
    return Push(Owner(), replica_, transactions);
  }
  absl::StatusOr<std::vector<v1::Verdict>> Push(const Pusher& pusher,
                                                const v1::PushRequest& request) {
    std::vector<v1::Verdict> verdicts;
    RETURN_IF_ERROR(Commit([&](FamilyWriter& writer) -> absl::Status {
      ASSIGN_OR_RETURN(verdicts, ApplyPush(request, pusher, clock_.Now(), writer));
      return absl::OkStatus();
    }));
    return verdicts;
  }

  // What stands on disk now. Each fails the test if the row is damaged; a missing one is empty.
  storage::v1::FamilyHead Head() const {
    return Read<storage::v1::FamilyHead>([](const FamilyReader& r) { return r.Head(); });
  }
  absl::optional<storage::v1::StoredRecord> Record(const RecordId& id) const {
    const auto view = engine_.Snapshot();
    auto record = FamilyReader(*view, family_).Record(id);
    EXPECT_OK(record.status());
    return record.ok() ? *std::move(record) : absl::nullopt;
  }
  storage::v1::JournalEntry Journal(uint64_t revision) const {
    return Read<storage::v1::JournalEntry>(
        [revision](const FamilyReader& r) { return r.Journal(revision); });
  }
  storage::v1::Replica Replica() const {
    return Read<storage::v1::Replica>(
        [this](const FamilyReader& r) { return r.Replica(replica_); });
  }
  absl::Status Verify() const { return VerifyFamily(*engine_.Snapshot(), family_); }

  // Rows of the family in a column, by key.
  std::map<std::string, std::string> Rows(Column column) const { return Rows(column, family_); }
  std::map<std::string, std::string> Rows(Column column, const FamilyId& family) const {
    std::map<std::string, std::string> rows;
    const auto view = engine_.Snapshot();
    auto it = view->Scan(column, FamilyStart(family), FamilyLimit(family));
    for (; it->Valid(); it->Next()) rows.emplace(it->key(), it->value());
    EXPECT_OK(it->status());
    return rows;
  }

  // Writes past the committer, as damage would.
  void PutRow(Column column, const std::string& key, const std::string& value) {
    WriteBatch batch;
    batch.Put(column, key, value);
    EXPECT_OK(engine_.Write(batch));
  }
  void DeleteRow(Column column, const std::string& key) {
    WriteBatch batch;
    batch.Delete(column, key);
    EXPECT_OK(engine_.Write(batch));
  }

  // A valid new entry of `child`: awake at `began`, by the clock's time where it is not given.
  v1::LogEntry Awake(const RecordId& child, absl::Time began) const {
    v1::LogEntry entry;
    entry.set_child_id(child.str());
    entry.mutable_detail()->mutable_awake();
    *entry.mutable_interval()->mutable_began_at() = ToProto(began);
    entry.mutable_interval()->set_zone("Europe/London");
    return entry;
  }
  v1::LogEntry Awake() const { return Awake(child_, clock_.Now()); }

  const std::unique_ptr<Deriver> deriver_;
  MemoryEngine engine_;
  Feed feed_;
  FakeClock clock_;
  FixedRandom random_{1};
  const FamilyId family_ = TestId<FamilyId>(1);
  const MemberId member_ = TestId<MemberId>(2);
  const ReplicaId replica_ = TestId<ReplicaId>(3);
  const RecordId child_ = TestId<RecordId>(4);
  std::unique_ptr<Committer> committer_;

 private:
  template <typename Row, typename Reading>
  Row Read(const Reading& reading) const {
    const auto view = engine_.Snapshot();
    const absl::StatusOr<absl::optional<Row>> row = reading(FamilyReader(*view, family_));
    EXPECT_OK(row.status());
    return row.ok() && row->has_value() ? **row : Row();
  }
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_TESTING_FAMILY_FIXTURE_H_
