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
      options_(options),
      memories_(options.remembered_bytes_max) {
  for (int i = 0; i < std::max(options_.threads, 1); ++i) {
    workers_.push_back(std::make_unique<Worker>());
  }
  if (options_.threads == 0) return;
  for (const auto& worker : workers_) {
    worker->thread = std::thread([this, &worker = *worker] { Run(worker); });
  }
}

Committer::~Committer() { Stop(); }

void Committer::Submit(const FamilyId& family, Operation operation, Done done, size_t cost) {
  absl::Status refusal;
  {
    absl::MutexLock lock(&mu_);
    const auto it = families_.find(family);
    if (stopping_) {
      refusal = MakeError(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING,
                          "The server is stopping; try again.");
    } else if (waiting_ >= options_.queue_max ||
               (it != families_.end() &&
                it->second.operations.size() >= options_.family_queue_max)) {
      refusal =
          WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUSY,
                                   "The server has too much to write; try again in a second."),
                         absl::Seconds(1));
    } else {
      FamilyQueue& queue = it != families_.end() ? it->second : families_[family];
      queue.operations.push_back({family, std::move(operation), std::move(done), cost});
      ++waiting_;
      if (!queue.in_batch && queue.operations.size() == 1) AwaitTurn(family, queue);
      return;
    }
  }
  done(std::move(refusal));
}

absl::Duration Committer::LongestBatch() const {
  int64_t longest_ns = 0;
  for (const auto& worker : workers_) {
    const int64_t began_ns = worker->batch_began_ns.load(std::memory_order_relaxed);
    if (began_ns != kNoBatch) longest_ns = std::max(longest_ns, SteadyNanos() - began_ns);
  }
  return absl::Nanoseconds(longest_ns);
}

void Committer::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  if (options_.threads == 0) CommitWaiting();
  for (const auto& worker : workers_) {
    if (worker->thread.joinable()) worker->thread.join();
  }
}

void Committer::CommitWaiting() {
  CHECK(options_.threads == 0);
  for (;;) {
    Batch batch;
    {
      absl::MutexLock lock(&mu_);
      batch = TakeBatch();
    }
    if (batch.operations.empty()) return;
    CommitBatch(*workers_.front(), std::move(batch));
  }
}

void Committer::Run(Worker& worker) {
  for (;;) {
    Batch batch;
    {
      absl::MutexLock lock(&mu_);
      const auto has_work = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return HasTurn() || HasTurnOfLarge() || stopping_;
      };
      mu_.Await(absl::Condition(&has_work));
      batch = TakeBatch();
    }
    // What still waits then is taken by whoever commits what it waits for.
    if (batch.operations.empty()) return;
    CommitBatch(worker, std::move(batch));
  }
}

bool Committer::HasTurn() const { return !turns_.empty(); }

bool Committer::HasTurnOfLarge() const {
  return !turns_of_large_.empty() && large_batches_ < std::max(options_.threads - 1, 1);
}

Committer::Batch Committer::TakeBatch() {
  Batch batch;
  batch.is_large = HasTurnOfLarge() && (!HasTurn() || !last_was_large_);
  last_was_large_ = batch.is_large;
  if (batch.is_large) ++large_batches_;
  std::deque<FamilyId>& turns = batch.is_large ? turns_of_large_ : turns_;
  const size_t family_cost_max =
      batch.is_large || turns.size() == 1 ? options_.family_cost_max : options_.small_cost_max;
  size_t cost = 0;
  while (!turns.empty()) {
    const size_t next_cost = families_.at(turns.front()).operations.front().cost;
    if (cost > 0 && cost + next_cost > options_.batch_cost_max) break;
    cost += TakeTurn(turns, std::min(family_cost_max, options_.batch_cost_max - cost),
                     batch.operations);
  }
  return batch;
}

size_t Committer::TakeTurn(std::deque<FamilyId>& turns, size_t cost_max,
                           std::vector<Waiting>& taken) {
  FamilyQueue& queue = families_.at(turns.front());
  turns.pop_front();
  queue.in_batch = true;
  size_t cost = 0;
  while (!queue.operations.empty() &&
         (cost == 0 || cost + queue.operations.front().cost <= cost_max)) {
    cost += queue.operations.front().cost;
    taken.push_back(std::move(queue.operations.front()));
    queue.operations.pop_front();
    --waiting_;
  }
  return cost;
}

void Committer::AwaitTurn(const FamilyId& family, const FamilyQueue& queue) {
  const bool is_large = queue.operations.front().cost > options_.small_cost_max;
  (is_large ? turns_of_large_ : turns_).push_back(family);
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

void Committer::CommitBatch(Worker& worker, Batch batch) {
  const int64_t began_ns = SteadyNanos();
  worker.batch_began_ns.store(began_ns, std::memory_order_relaxed);
  const absl::Time now = clock_.Now();
  const std::unique_ptr<ReadView> snapshot = engine_.Snapshot();
  std::map<FamilyId, FamilyBatch> families;
  std::vector<absl::Status> results;
  for (const Waiting& waiting : batch.operations) {
    // Whoever woke up while something large is under way would wait for the kernel's next tick.
    if (batch.is_large) std::this_thread::yield();
    const auto [it, added] = families.try_emplace(waiting.family, *snapshot);
    FamilyBatch& family = it->second;
    if (added) {
      family.status = family.Open(waiting.family);
      absl::MutexLock lock(&memories_mu_);
      family.state.memory = memories_.Take(waiting.family);
    }
    results.push_back(family.status.ok() ? RunStep(waiting, now, family) : family.status);
  }

  WriteBatch write;
  std::map<uint32_t, storage::v1::ShardHead> shard_heads;
  std::vector<FamilyId> advanced;
  for (auto& [id, family] : families) {
    if (!family.status.ok() || family.view.empty()) continue;
    family.status = FamilyWriter(id, deriver_, now, family.view, family.state).Finish();
    if (!family.status.ok()) continue;
    family.view.AppendTo(write);
    write.Require(kHeadColumn, FamilyHeadKey(id), family.stored_head);
    storage::v1::ShardHead& shard_head =
        shard_heads[static_cast<uint32_t>(absl::HashOf(id) % workers_.size())];
    if (family.state.head.has_value()) shard_head.add_family_ids(id.str());
    const auto head = family.view.Get(kHeadColumn, FamilyHeadKey(id));
    if (!head.ok() || *head != family.stored_head) advanced.push_back(id);
  }
  if (!write.empty()) {
    for (const auto& [shard, head] : shard_heads) {
      write.Put(kHeadColumn, ShardHeadKey(shard), head.SerializeAsString());
    }
    if (Planted("notify_before_sync")) Publish(advanced);
    if (Planted("acknowledge_before_sync")) Answer(batch.operations, families, results);
    // Others wait for the end of this write: it begins with a slice of its own.
    if (batch.is_large) std::this_thread::yield();
    const absl::Status written = engine_.Write(write);
    if (!written.ok()) Fail(written);
    if (!Planted("notify_before_sync") && !Planted("no_notification")) Publish(advanced);
  }
  // Of a family whose changes were dropped, it may be of what is not there.
  for (auto& [id, family] : families) {
    absl::MutexLock lock(&memories_mu_);
    if (family.status.ok()) memories_.Keep(id, std::move(family.state.memory));
  }
  if (!write.empty() && options_.on_batch != nullptr) {
    BatchReport report;
    report.operations = results.size();
    for (const auto& [id, family] : families) {
      if (family.status.ok()) report.conflicts += family.state.conflicts;
    }
    report.took = absl::Nanoseconds(SteadyNanos() - began_ns);
    options_.on_batch(report);
  }
  worker.batch_began_ns.store(kNoBatch, std::memory_order_relaxed);
  Answer(batch.operations, families, results);
  Release(families, batch.is_large);
}

void Committer::Release(const std::map<FamilyId, FamilyBatch>& families, bool is_large) {
  absl::MutexLock lock(&mu_);
  if (is_large) --large_batches_;
  for (const auto& [id, unused] : families) {
    const auto it = families_.find(id);
    it->second.in_batch = false;
    if (it->second.operations.empty()) {
      families_.erase(it);
    } else {
      AwaitTurn(id, it->second);
    }
  }
}

void Committer::Publish(const std::vector<FamilyId>& families) {
  if (options_.around_publish == nullptr) return TellFeed(families);
  options_.around_publish([&] { TellFeed(families); });
}

void Committer::TellFeed(const std::vector<FamilyId>& families) {
  for (const FamilyId& id : families) {
    feed_.Publish(id);
    if (Planted("only_one_family_published")) return;
  }
}

void Committer::Answer(std::vector<Waiting>& operations,
                       const std::map<FamilyId, FamilyBatch>& families,
                       std::vector<absl::Status>& results) {
  for (size_t i = 0; i < operations.size(); ++i) {
    if (results[i].ok()) results[i] = families.at(operations[i].family).status;
    operations[i].done(std::move(results[i]));
  }
  operations.clear();
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
