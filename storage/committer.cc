#include "storage/committer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/hash/hash.h"
#include "storage/column_families.h"
#include "storage/core/check.h"
#include "storage/core/errors.h"
#include "storage/keys.h"

namespace nightlog {

Committer::Committer(Engine& engine, Feed& feed, const Deriver& deriver, const Clock& clock,
                     OnFailure on_failure, const Options& options)
    : engine_(engine),
      feed_(feed),
      deriver_(deriver),
      clock_(clock),
      on_failure_(std::move(on_failure)),
      options_(options) {
  for (int i = 0; i < std::max(options_.shards, 1); ++i) {
    shards_.push_back(std::make_unique<Shard>());
    Shard& shard = *shards_.back();
    shard.number = static_cast<uint32_t>(i);
    shard.batches = WrittenBatches(shard.number);
    if (options_.shards > 0) shard.thread = std::thread([this, &shard] { Run(shard); });
  }
}

Committer::~Committer() { Stop(); }

uint64_t Committer::WrittenBatches(uint32_t shard) const {
  const auto stored = engine_.Snapshot()->Get(kHeadColumn, ShardHeadKey(shard));
  storage::v1::ShardHead head;
  CHECK(stored.ok());
  if (stored->has_value()) CHECK(ParseRow(**stored, head).ok());
  return head.batches();
}

void Committer::Submit(const FamilyId& family, Operation operation, Done done) {
  Shard& shard = *shards_[absl::HashOf(family) % shards_.size()];
  absl::Status refusal;
  {
    absl::MutexLock lock(&shard.mu);
    if (shard.stopping) {
      refusal = MakeError(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING,
                          "The server is stopping; try again.");
    } else if (shard.queue.size() >= options_.queue_max) {
      refusal =
          WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUSY,
                                   "The server has too much to write; try again in a second."),
                         absl::Seconds(1));
    } else {
      shard.queue.push_back({family, std::move(operation), std::move(done)});
    }
  }
  if (!refusal.ok()) done(std::move(refusal));
}

void Committer::Stop() {
  for (const auto& shard : shards_) {
    absl::MutexLock lock(&shard->mu);
    shard->stopping = true;
  }
  if (options_.shards == 0) CommitWaiting();
  for (const auto& shard : shards_) {
    if (shard->thread.joinable()) shard->thread.join();
  }
}

void Committer::CommitWaiting() {
  CHECK(options_.shards == 0);
  Shard& shard = *shards_.front();
  for (;;) {
    std::vector<Waiting> batch;
    {
      absl::MutexLock lock(&shard.mu);
      batch = TakeBatch(shard);
    }
    if (batch.empty()) return;
    CommitBatch(shard, std::move(batch));
  }
}

void Committer::Run(Shard& shard) {
  for (;;) {
    std::vector<Waiting> batch;
    {
      absl::MutexLock lock(&shard.mu);
      const auto has_work = [&shard]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return !shard.queue.empty() || shard.stopping;
      };
      shard.mu.Await(absl::Condition(&has_work));
      batch = TakeBatch(shard);
    }
    if (batch.empty()) return;
    CommitBatch(shard, std::move(batch));
  }
}

std::vector<Committer::Waiting> Committer::TakeBatch(Shard& shard) {
  std::vector<Waiting> batch;
  while (!shard.queue.empty() && batch.size() < options_.batch_max) {
    batch.push_back(std::move(shard.queue.front()));
    shard.queue.pop_front();
  }
  return batch;
}

void Committer::Fail(const absl::Status& status) {
  on_failure_(status);
  CHECK(false);
}

void Committer::CommitBatch(Shard& shard, std::vector<Waiting> batch) {
  const absl::Time now = clock_.Now();
  const std::unique_ptr<ReadView> snapshot = engine_.Snapshot();
  OverlayView view(*snapshot);

  // The families of this batch, and their heads as the disk has them.
  struct Family {
    absl::optional<std::string> stored_head;
    FamilyWriter::State state;
  };
  std::map<FamilyId, Family> families;
  const auto open_family = [&](const FamilyId& id) -> absl::StatusOr<Family*> {
    const auto it = families.find(id);
    if (it != families.end()) return &it->second;
    Family family;
    auto stored = snapshot->Get(kHeadColumn, FamilyHeadKey(id));
    if (!stored.ok()) return stored.status();
    family.stored_head = *std::move(stored);
    if (family.stored_head.has_value()) {
      absl::Status parsed = ParseRow(*family.stored_head, family.state.head.emplace());
      if (!parsed.ok()) return parsed;
    }
    return &families.emplace(id, std::move(family)).first->second;
  };

  std::vector<absl::Status> results;
  for (const Waiting& waiting : batch) {
    absl::StatusOr<Family*> family = open_family(waiting.family);
    if (!family.ok()) {
      results.push_back(family.status());
      continue;
    }
    FamilyWriter::State& state = (*family)->state;
    OverlayView step_view(view);
    FamilyWriter::State step_state;
    step_state.head = state.head;
    step_state.open_entry = state.open_entry;
    FamilyWriter writer(waiting.family, deriver_, now, step_view, step_state);
    results.push_back(waiting.operation(writer));
    if (results.back().ok()) {
      view.Absorb(std::move(step_view));
      state.head = std::move(step_state.head);
      state.open_entry = std::move(step_state.open_entry);
      for (auto& [id, before] : step_state.before) state.before.emplace(id, std::move(before));
      if (!state.head.has_value()) state.before.clear();  // erased
    }
  }

  WriteBatch write;
  storage::v1::ShardHead shard_head;
  for (auto& [id, family] : families) {
    FamilyWriter writer(id, deriver_, now, view, family.state);
    const absl::Status finished = writer.Finish();
    if (!finished.ok()) Fail(finished);
    write.Require(kHeadColumn, FamilyHeadKey(id), family.stored_head);
    if (family.state.head.has_value()) shard_head.add_family_ids(id.str());
  }
  view.AppendTo(write);
  if (!write.empty()) {
    shard_head.set_batches(++shard.batches);
    write.Put(kHeadColumn, ShardHeadKey(shard.number), shard_head.SerializeAsString());
    const absl::Status written = engine_.Write(write);
    if (!written.ok()) Fail(written);
    for (const auto& [id, family] : families) feed_.Publish(id);
  }
  for (size_t i = 0; i < batch.size(); ++i) batch[i].done(std::move(results[i]));
}

}  // namespace nightlog
