#include "tests/bench/world.h"

#include <cstdlib>

#include "absl/time/clock.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/column_families.h"
#include "storage/core/check.h"
#include "storage/core/proto_time.h"
#include "storage/keys.h"
#include "storage/push.h"
#include "storage/store.h"

namespace nightlog {

World::World(Engine& engine, int families) : engine_(engine), member_(MemberId::Make(random_)) {
  CHECK(OpenStore(engine).ok());
  Committer::Options options;
  options.threads = 0;
  committer_ = std::make_unique<Committer>(
      engine, feed_, deriver_, clock_, [](const absl::Status&) { std::abort(); }, options);
  for (int i = 0; i < families; ++i) {
    Family& family = families_.emplace_back();
    family.id = FamilyId::Make(random_);
    family.replica = ReplicaId::Make(random_);
    family.child = RecordId::Make(random_);
    family.taps = std::make_unique<Taps>(family.replica, family.child, random_);
    committer_->Submit(
        family.id,
        [this, &family](FamilyWriter& writer) {
          writer.Create("the owls", random_);
          writer.Put(kReplicaColumn, ReplicaKey(family.id, family.replica), storage::v1::Replica());
          return absl::OkStatus();
        },
        [](absl::Status status) { CHECK(status.ok()); });
    Submit(family, {family.taps->MakeChild(), family.taps->MakePlan()});
  }
  Commit();
}

void World::GoToNight(int night) {
  for (Family& family : families_) family.taps->GoToNight(night);
}

void World::SubmitTaps() {
  for (Family& family : families_) Submit(family, {family.taps->Next()});
}

void World::Commit() { committer_->CommitWaiting(); }

void World::LogNights(int nights) {
  for (int night = 0; night < nights; ++night) {
    for (Family& family : families_) {
      std::vector<v1::Transaction> taps;
      for (int i = 0; i < kTapsPerNight; ++i) taps.push_back(family.taps->Next());
      Submit(family, taps);
    }
    Commit();
  }
}

World::Rows World::FamilyRows() const {
  Rows rows;
  const FamilyId& family = families_.front().id;
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  for (Column column = 0; column < static_cast<Column>(kColumnFamilyNames.size()); ++column) {
    auto it = view->Scan(column, FamilyStart(family), FamilyLimit(family));
    for (; it->Valid(); it->Next()) {
      rows[{column, std::string(it->key())}] = std::string(it->value());
    }
  }
  return rows;
}

void World::Submit(const Family& family, const std::vector<v1::Transaction>& transactions) {
  auto request = std::make_shared<v1::PushRequest>();
  request->set_family_id(family.id.str());
  request->set_replica_id(family.replica.str());
  *request->mutable_sent_at()->mutable_wall() = ToProto(absl::Now());
  for (const v1::Transaction& transaction : transactions) {
    *request->add_transactions() = transaction;
  }
  committer_->Submit(
      family.id,
      [this, request](FamilyWriter& writer) -> absl::Status {
        const Pusher pusher = {member_, [](uint32_t) { return true; }, false};
        return ApplyPush(*request, pusher, clock_.Now(), writer).status();
      },
      [](absl::Status status) { CHECK(status.ok()); });
}

}  // namespace nightlog
