#ifndef NIGHTLOG_TESTS_FUZZ_WORLD_H_
#define NIGHTLOG_TESTS_FUZZ_WORLD_H_

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/optional.h"
#include "services/family_service.h"
#include "services/import_service.h"
#include "services/progress_service.h"
#include "services/sleep_deriver.h"
#include "services/stream_registry.h"
#include "services/sync_service.h"
#include "storage/column_families.h"
#include "storage/committer.h"
#include "storage/core/check.h"
#include "storage/core/errors.h"
#include "storage/engine/memory_engine.h"
#include "storage/feed.h"
#include "storage/store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/fixed_random.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog::fuzz {

// An error must say what it is: its reason, and not that we do not know.
inline void RequireClear(const absl::Status& status) {
  if (status.ok()) return;
  if (ReasonOf(status) != v1::ERROR_REASON_UNSPECIFIED && !absl::IsInternal(status) &&
      !absl::IsUnknown(status)) {
    return;
  }
  std::fprintf(stderr, "no clear status: %s\n", status.ToString().c_str());
  std::abort();
}

// A phone that is paired.
struct Phone {
  std::string token;
  v1::Pairing pairing;
  // Goes on after what it has pushed; copy it.
  TransactionBuilder transactions{ReplicaId()};
  RecordId entry;
};

// What a server holds: the use cases over an engine in memory, in one thread.
class World {
 public:
  explicit World(const MemoryEngine& engine, uint64_t seed = 2)
      : random_(seed),
        engine_(engine),
        committer_(
            engine_, feed_, deriver_, clock_, [](const absl::Status&) { std::abort(); },
            Committer::Options{/*threads=*/0}),
        sync_(engine_, committer_, feed_, streams_, clock_),
        progress_(engine_, feed_, streams_, clock_),
        family_(engine_, committer_, streams_, random_, clock_, Registration::kOpen),
        imports_(engine_, clock_) {}

  MemoryEngine& engine() { return engine_; }
  const SyncService& sync() const { return sync_; }
  const ProgressService& progress() const { return progress_; }
  const FamilyService& family() const { return family_; }
  const ImportService& imports() const { return imports_; }
  FakeClock& clock() { return clock_; }
  FixedRandom& random() { return random_; }

  // The answer of a use case that commits.
  template <typename Service, typename Request, typename Response>
  absl::StatusOr<Response> Call(const Service& service,
                                void (Service::*use_case)(const std::string&, const Request&,
                                                          Done<Response>) const,
                                const std::string& token, const Request& request) {
    absl::optional<absl::StatusOr<Response>> answer;
    (service.*use_case)(token, request, [&](absl::StatusOr<Response> response) {
      CHECK(!answer.has_value());  // an answer comes once
      answer.emplace(std::move(response));
    });
    committer_.CommitWaiting();
    CHECK(answer.has_value());
    return *std::move(answer);
  }

  // Reads a stream until it waits or ends, or for long enough; how it ended.
  template <typename Response>
  absl::Status Drain(absl::StatusOr<std::unique_ptr<MessageStream<Response>>> stream) {
    if (!stream.ok()) return stream.status();
    committer_.CommitWaiting();
    for (int i = 0; i < 50; ++i) {
      const StreamStep<Response> step = (*stream)->Next();
      committer_.CommitWaiting();
      if (step.kind == StreamStep<Response>::Kind::kEnd) return step.status;
      if (step.kind == StreamStep<Response>::Kind::kWait) break;
    }
    return absl::OkStatus();
  }

 private:
  FakeClock clock_;
  FixedRandom random_;
  MemoryEngine engine_;
  Feed feed_;
  StreamRegistry streams_;
  const SleepDeriver deriver_;
  Committer committer_;
  const SyncService sync_;
  const ProgressService progress_;
  const FamilyService family_;
  const ImportService imports_;
};

// Two families with a child, a night, a conflict and something in quarantine each; made once.
struct Example {
  Example() {
    MemoryEngine empty(static_cast<int>(kColumnFamilyNames.size()));
    CHECK(OpenStore(empty).ok());
    World world(empty, /*seed=*/1);
    for (Phone* phone : {&mine, &other}) Populate(world, *phone);
    ids.push_back(std::string());
    engine = std::make_unique<MemoryEngine>(world.engine());
  }

  std::unique_ptr<MemoryEngine> engine;
  Phone mine;
  Phone other;
  // Ids that mean something in `mine`.
  std::vector<std::string> ids;

  // A push by the phone, whose clock is right.
  static v1::PushRequest PushOf(World& world, const Phone& phone,
                                const std::vector<v1::Transaction>& transactions) {
    v1::PushRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_replica_id(phone.pairing.replica_id());
    *request.mutable_sent_at()->mutable_wall() = ToProto(world.clock().Now());
    for (const v1::Transaction& transaction : transactions) {
      *request.add_transactions() = transaction;
    }
    return request;
  }

 private:
  void Populate(World& world, Phone& phone) {
    v1::CreateFamilyRequest create;
    create.set_family_name("the owls");
    create.set_member_name("Robin");
    create.set_device_name("Robin's phone");
    const auto created =
        world.Call(world.family(), &FamilyService::CreateFamily, phone.token, create);
    CHECK(created.ok());
    phone.pairing = created->pairing();
    phone.token = phone.pairing.device_token();

    TransactionBuilder& transactions = phone.transactions;
    transactions = TransactionBuilder(ReplicaId(phone.pairing.replica_id()));
    const RecordId child = MakeRecordId(world.clock().Now(), world.random());
    v1::Child wren;
    wren.set_name("Wren");
    wren.set_home_zone("Europe/London");
    std::vector<v1::Transaction> made = {
        transactions.Make(EditsOf(child, wren), world.clock().Now())};
    v1::LogEntry entry;
    entry.set_child_id(child.str());
    entry.mutable_detail()->mutable_awake();
    *entry.mutable_interval()->mutable_began_at() = ToProto(world.clock().Now());
    entry.mutable_interval()->set_zone("Europe/London");
    const RecordId record = MakeRecordId(world.clock().Now(), world.random());
    phone.entry = record;
    made.push_back(transactions.Make(EditsOf(record, entry), world.clock().Now()));
    for (const char* text : {"stayed", "sat near"}) {
      v1::LogEntry change;
      change.mutable_detail()->mutable_crying();
      change.set_text(text);
      made.push_back(transactions.Make(EditsOf(record, change), world.clock().Now()));
    }
    const auto pushed =
        world.Call(world.sync(), &SyncService::Push, phone.token, PushOf(world, phone, made));
    CHECK(pushed.ok());
    for (const v1::Verdict& verdict : pushed->verdicts()) CHECK(verdict.has_committed());
    const v1::Pairing removed = Quarantine(world, phone, record);
    for (const std::string& id :
         {removed.replica_id(), phone.pairing.family_id(), phone.pairing.replica_id(),
          phone.pairing.member_id(), phone.pairing.device_id(), child.str(), record.str(),
          made.back().hash()}) {
      // Mine more often than the other's.
      ids.push_back(id);
      if (&phone == &mine) ids.push_back(id);
    }
  }

  // A caregiver who joined and was removed, and then sent an edit of `record`.
  v1::Pairing Quarantine(World& world, const Phone& owner, const RecordId& record) {
    v1::CreateInviteRequest invite;
    invite.set_family_id(owner.pairing.family_id());
    invite.set_role(v1::ROLE_CAREGIVER);
    const auto code = world.Call(world.family(), &FamilyService::CreateInvite, owner.token, invite);
    CHECK(code.ok());
    v1::JoinRequest join;
    join.set_code(code->code());
    join.set_member_name("Sam");
    join.set_device_name("Sam's phone");
    join.set_request_id(world.random().Bytes(16));
    const auto joined = world.Call(world.family(), &FamilyService::Join, "", join);
    CHECK(joined.ok());
    v1::RemoveMemberRequest remove;
    remove.set_family_id(owner.pairing.family_id());
    remove.set_member_id(joined->pairing().member_id());
    CHECK(world.Call(world.family(), &FamilyService::RemoveMember, owner.token, remove).ok());
    Phone late;
    late.pairing = joined->pairing();
    TransactionBuilder transactions{ReplicaId(late.pairing.replica_id())};
    v1::LogEntry change;
    change.set_text("late");
    const auto pushed = world.Call(
        world.sync(), &SyncService::Push, late.pairing.device_token(),
        PushOf(world, late, {transactions.Make(EditsOf(record, change), world.clock().Now())}));
    CHECK(pushed.ok() && pushed->verdicts(0).has_quarantined());
    return joined->pairing();
  }
};

inline const Example& TheExample() {
  static const Example* const example = new Example();
  return *example;
}

}  // namespace nightlog::fuzz

#endif  // NIGHTLOG_TESTS_FUZZ_WORLD_H_
