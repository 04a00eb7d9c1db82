#include "storage/committer.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/hash/hash.h"
#include "storage/column_families.h"
#include "storage/core/check.h"
#include "storage/core/errors.h"
#include "storage/core/planted_defect.h"
#include "storage/core/status_macros.h"
#include "storage/core/steady_clock.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

// Preparing a batch: others wait as long, and then for their own.
constexpr absl::Duration kLongBatch = absl::Milliseconds(5);

// A view that reads each row once, however many steps of a batch ask for it. Not thread-safe.
class ReadOnceView final : public ReadView {
 public:
  explicit ReadOnceView(const ReadView& base) : base_(base) {}

  absl::StatusOr<absl::optional<std::string>> Get(Column column,
                                                  absl::string_view key) const override {
    std::pair<Column, std::string> name(column, key);
    const auto known = rows_.find(name);
    if (known != rows_.end()) return known->second;
    ASSIGN_OR_RETURN(absl::optional<std::string> row, base_.Get(column, key));
    return rows_.emplace(std::move(name), std::move(row)).first->second;
  }

  std::unique_ptr<Iterator> Scan(Column column, absl::string_view start, absl::string_view limit,
                                 ScanOrder order) const override {
    return base_.Scan(column, start, limit, order);
  }

 private:
  const ReadView& base_;
  mutable std::map<std::pair<Column, std::string>, absl::optional<std::string>> rows_;
};

}  // namespace
Committer::Committer(Engine& engine, Feed& feed, const Deriver& deriver, const Clock& clock,
                     OnFailure on_failure, const Options& options)
    : engine_(engine),
      feed_(feed),
      deriver_(deriver),
      clock_(clock),
      on_failure_(std::move(on_failure)),
      options_(options) {
  for (int i = 0; i < std::max(options_.shards, 1); ++i) {
    shards_.push_back(std::make_unique<Shard>(options_));
    Shard& shard = *shards_.back();
    shard.number = static_cast<uint32_t>(i);
    if (options_.shards > 0) shard.thread = std::thread([this, &shard] { Run(shard); });
  }
}

Committer::~Committer() { Stop(); }

void Committer::Submit(const FamilyId& family, Operation operation, Done done, size_t cost) {
  Shard& shard = *shards_[absl::HashOf(family) % shards_.size()];
  absl::Status refusal;
  {
    absl::MutexLock lock(&shard.mu);
    if (shard.stopping) {
      refusal = MakeError(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING,
                          "The server is stopping; try again.");
    } else if (shard.queue.size() >= options_.queue_max ||
               shard.waiting[family] >= options_.family_queue_max) {
      refusal =
          WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUSY,
                                   "The server has too much to write; try again in a second."),
                         absl::Seconds(1));
    } else {
      shard.queue.push_back({family, std::move(operation), std::move(done), cost});
      ++shard.waiting[family];
      return;
    }
  }
  done(std::move(refusal));
}

absl::Duration Committer::LongestBatch() const {
  int64_t longest_ns = 0;
  for (const auto& shard : shards_) {
    const int64_t began_ns = shard->batch_began_ns.load(std::memory_order_relaxed);
    if (began_ns != kNoBatch) longest_ns = std::max(longest_ns, SteadyNanos() - began_ns);
  }
  return absl::Nanoseconds(longest_ns);
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
  struct Share {
    size_t cost = 0;
    bool is_full = false;  // what follows is left, too: it comes after
  };
  std::vector<Waiting> batch;
  std::deque<Waiting> left;
  absl::flat_hash_map<FamilyId, Share> shares;
  while (!shard.queue.empty() && batch.size() < options_.batch_max) {
    Waiting next = std::move(shard.queue.front());
    shard.queue.pop_front();
    Share& share = shares[next.family];
    share.is_full |= share.cost > 0 && share.cost + next.cost > shard.family_cost_max;
    if (share.is_full) {
      left.push_back(std::move(next));
      continue;
    }
    share.cost += next.cost;
    const auto waiting = shard.waiting.find(next.family);
    if (--waiting->second == 0) shard.waiting.erase(waiting);
    batch.push_back(std::move(next));
  }
  // They keep their places before what came later.
  while (!left.empty()) {
    shard.queue.push_front(std::move(left.back()));
    left.pop_back();
  }
  return batch;
}

// What a batch makes of one family.
struct Committer::FamilyBatch {
  explicit FamilyBatch(const ReadView& snapshot) : stored(snapshot), view(stored) {}

  // Reads the head as the disk has it.
  absl::Status Open(const FamilyId& id) {
    ASSIGN_OR_RETURN(stored_head, stored.Get(kHeadColumn, FamilyHeadKey(id)));
    return stored_head.has_value() ? ParseRow(*stored_head, state.head.emplace())
                                   : absl::OkStatus();
  }

  const ReadOnceView stored;
  OverlayView view;
  FamilyWriter::State state;
  absl::optional<std::string> stored_head;
  // An error: nothing of this family is written.
  absl::Status status;
};

std::unique_ptr<Deriver::Memory> Committer::Memories::Take(const FamilyId& family) {
  const auto it = by_family_.find(family);
  if (it == by_family_.end()) return nullptr;
  std::unique_ptr<Deriver::Memory> memory = std::move(it->second->memory);
  bytes_ -= it->second->bytes;
  newest_first_.erase(it->second);
  by_family_.erase(it);
  return memory;
}

void Committer::Memories::Keep(const FamilyId& family, std::unique_ptr<Deriver::Memory> memory) {
  if (memory == nullptr) return;
  const size_t bytes = memory->bytes();
  newest_first_.push_front({family, std::move(memory), bytes});
  by_family_[family] = newest_first_.begin();
  bytes_ += bytes;
  while (bytes_ > bytes_max_ && newest_first_.size() > 1) {
    bytes_ -= newest_first_.back().bytes;
    by_family_.erase(newest_first_.back().family);
    newest_first_.pop_back();
  }
}

void Committer::CommitBatch(Shard& shard, std::vector<Waiting> batch) {
  const int64_t began_ns = SteadyNanos();
  shard.batch_began_ns.store(began_ns, std::memory_order_relaxed);
  const absl::Time now = clock_.Now();
  const std::unique_ptr<ReadView> snapshot = engine_.Snapshot();
  std::map<FamilyId, FamilyBatch> families;
  std::vector<absl::Status> results;
  for (const Waiting& waiting : batch) {
    const auto [it, added] = families.try_emplace(waiting.family, *snapshot);
    FamilyBatch& family = it->second;
    if (added) {
      family.status = family.Open(waiting.family);
      family.state.memory = shard.memories.Take(waiting.family);
    }
    results.push_back(family.status.ok() ? RunStep(waiting, now, family) : family.status);
  }

  WriteBatch write;
  storage::v1::ShardHead shard_head;
  std::vector<FamilyId> advanced;
  for (auto& [id, family] : families) {
    if (!family.status.ok() || family.view.empty()) continue;
    family.status = FamilyWriter(id, deriver_, now, family.view, family.state).Finish();
    if (!family.status.ok()) continue;
    family.view.AppendTo(write);
    write.Require(kHeadColumn, FamilyHeadKey(id), family.stored_head);
    if (family.state.head.has_value()) shard_head.add_family_ids(id.str());
    const auto head = family.view.Get(kHeadColumn, FamilyHeadKey(id));
    if (!head.ok() || *head != family.stored_head) advanced.push_back(id);
  }
  AdaptShare(shard, batch.size(), families.size(), absl::Nanoseconds(SteadyNanos() - began_ns));
  if (!write.empty()) {
    write.Put(kHeadColumn, ShardHeadKey(shard.number), shard_head.SerializeAsString());
    if (Planted("notify_before_sync")) Publish(advanced);
    if (Planted("acknowledge_before_sync")) Answer(batch, families, results);
    const absl::Status written = engine_.Write(write);
    if (!written.ok()) Fail(written);
    if (!Planted("notify_before_sync") && !Planted("no_notification")) Publish(advanced);
  }
  // Of a family whose changes were dropped, it may be of what is not there.
  for (auto& [id, family] : families) {
    if (family.status.ok()) shard.memories.Keep(id, std::move(family.state.memory));
  }
  if (!write.empty() && options_.on_batch != nullptr) {
    BatchReport report;
    report.operations = batch.size();
    for (const auto& [id, family] : families) {
      if (family.status.ok()) report.conflicts += family.state.conflicts;
    }
    report.took = absl::Nanoseconds(SteadyNanos() - began_ns);
    options_.on_batch(report);
  }
  shard.batch_began_ns.store(kNoBatch, std::memory_order_relaxed);
  Answer(batch, families, results);
}

void Committer::AdaptShare(Shard& shard, size_t operations, size_t families,
                           absl::Duration prepared) const {
  if (options_.shards == 0) return;  // what a simulation does must not depend on time
  if (prepared > kLongBatch && families > 1 && operations > families) {
    shard.family_cost_max = std::max<size_t>(shard.family_cost_max / 2, 1);
  } else if (prepared < kLongBatch / 4) {
    shard.family_cost_max = std::min(shard.family_cost_max * 2, options_.family_cost_max);
  }
}

void Committer::Publish(const std::vector<FamilyId>& families) {
  for (const FamilyId& id : families) {
    feed_.Publish(id);
    if (Planted("only_one_family_published")) return;
  }
}

void Committer::Answer(std::vector<Waiting>& batch, const std::map<FamilyId, FamilyBatch>& families,
                       std::vector<absl::Status>& results) {
  for (size_t i = 0; i < batch.size(); ++i) {
    if (results[i].ok()) results[i] = families.at(batch[i].family).status;
    batch[i].done(std::move(results[i]));
  }
  batch.clear();
}

absl::Status Committer::RunStep(const Waiting& waiting, absl::Time now, FamilyBatch& family) const {
  OverlayView view(family.view);
  FamilyWriter::State state = family.state.ForNextStep();
  FamilyWriter writer(waiting.family, deriver_, now, view, state);
  const absl::Status done = waiting.operation(writer);
  if (!done.ok() && !(Planted("failed_step_leaves_its_writes") && !state.in_revision)) return done;
  family.view.Absorb(std::move(view));
  family.state.Absorb(std::move(state));
  return absl::OkStatus();
}

void Committer::Fail(const absl::Status& status) {
  on_failure_(status);
  CHECK(false);
}

}  // namespace nightlog
