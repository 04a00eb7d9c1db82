#include "storage/committer.h"

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <limits>
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

// The lowest: beside another that wants the processor, such a thread gets a seventieth of it.
constexpr int kNicenessOfLarge = 19;
// Where something small began in the last second, a family gets an eighth of a processor for what
// is large: it rests until so many times its time is over.
constexpr double kTimesOfLarge = 8;
constexpr int64_t kBesideSmallNs = 1'000'000'000;

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
      large_batches_max_(std::max(options.threads - 1, 1)),
      memories_(options.remembered_bytes_max) {
  if (options_.threads == 0) return;
  for (int i = 0; i < options_.threads; ++i) threads_.emplace_back([this] { Commit(); });
  for (int i = 0; i < large_batches_max_; ++i) threads_.emplace_back([this] { PrepareLarge(); });
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
      queue.cost += cost;
      ++waiting_;
      AwaitTurn(family, queue);
      return;
    }
  }
  done(std::move(refusal));
}

absl::Duration Committer::LongestBatch() const {
  absl::MutexLock lock(&mu_);
  return batches_began_ns_.empty() ? absl::ZeroDuration()
                                   : absl::Nanoseconds(SteadyNanos() - *batches_began_ns_.begin());
}

void Committer::Stop() {
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
    EndRests();
  }
  if (options_.threads == 0) CommitWaiting();
  for (std::thread& thread : threads_) {
    if (thread.joinable()) thread.join();
  }
}

void Committer::CommitWaiting() {
  CHECK(options_.threads == 0);
  bool is_large = true;
  for (;;) {
    Batch batch;
    {
      absl::MutexLock lock(&mu_);
      // Both kinds in turn, where both wait.
      is_large = turns_.empty() || (!is_large && !turns_of_large_.empty());
      batch = TakeBatch(is_large);
    }
    if (batch.operations.empty()) return;
    Finish(*Prepare(std::move(batch)));
  }
}

void Committer::Commit() {
  for (;;) {
    std::unique_ptr<Prepared> prepared;
    Batch batch;
    {
      absl::MutexLock lock(&mu_);
      const auto has_work = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return !prepared_.empty() || !turns_.empty() || IsOver();
      };
      mu_.Await(absl::Condition(&has_work));
      if (prepared_.empty()) {
        batch = TakeBatch(/*is_large=*/false);
        if (batch.operations.empty()) return;
      } else {
        prepared = std::move(prepared_.front());
        prepared_.pop_front();
      }
    }
    if (prepared == nullptr) prepared = Prepare(std::move(batch));
    Finish(*prepared);
  }
}

void Committer::PrepareLarge() {
  // Of this thread alone. Where it is forbidden, taps wait longer beside what is large.
  static_cast<void>(setpriority(PRIO_PROCESS, static_cast<id_t>(gettid()), kNicenessOfLarge));
  for (;;) {
    Batch batch;
    {
      absl::MutexLock lock(&mu_);
      const auto has_work = [this]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
        return (!turns_of_large_.empty() && large_batches_ < large_batches_max_) || IsOver();
      };
      for (EndRests(); !has_work(); EndRests()) {
        const int64_t end_ns = NextEndOfARest();
        const auto is_due = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
          return has_work() || NextEndOfARest() < end_ns;
        };
        mu_.AwaitWithTimeout(absl::Condition(&is_due), absl::Nanoseconds(end_ns - SteadyNanos()));
      }
      batch = TakeBatch(/*is_large=*/true);
    }
    if (batch.operations.empty()) return;
    std::unique_ptr<Prepared> prepared = Prepare(std::move(batch));
    absl::MutexLock lock(&mu_);
    prepared_.push_back(std::move(prepared));
  }
}

bool Committer::IsOver() const { return stopping_ && families_.empty(); }

Committer::Batch Committer::TakeBatch(bool is_large) {
  Batch batch;
  std::deque<FamilyId>& turns = is_large ? turns_of_large_ : turns_;
  if (turns.empty()) return batch;
  batch.is_large = is_large;
  batch.began_ns = SteadyNanos();
  batches_began_ns_.insert(batch.began_ns);
  if (is_large) ++large_batches_;
  const size_t family_cost_max = is_large ? options_.family_cost_max : options_.small_cost_max;
  size_t cost = 0;
  while (!turns.empty()) {
    const size_t next_cost = families_.at(turns.front()).operations.front().cost;
    if (cost > 0 && cost + next_cost > options_.batch_cost_max) break;
    if (!is_large) last_small_.Note(turns.front(), batch.began_ns);
    cost += TakeTurn(turns, std::min(family_cost_max, options_.batch_cost_max - cost),
                     batch.operations);
  }
  return batch;
}

size_t Committer::TakeTurn(std::deque<FamilyId>& turns, size_t cost_max,
                           std::vector<Waiting>& taken) {
  FamilyQueue& queue = families_.at(turns.front());
  turns.pop_front();
  queue.awaits_turn = false;
  queue.in_batch = true;
  size_t cost = 0;
  while (!queue.operations.empty() &&
         (cost == 0 || cost + queue.operations.front().cost <= cost_max)) {
    cost += queue.operations.front().cost;
    queue.cost -= queue.operations.front().cost;
    taken.push_back(std::move(queue.operations.front()));
    queue.operations.pop_front();
    --waiting_;
  }
  return cost;
}

void Committer::AwaitTurn(const FamilyId& family, FamilyQueue& queue) {
  const bool is_large = queue.cost > options_.small_cost_max;
  if (queue.awaits_turn || queue.in_batch || (is_large && queue.rests)) return;
  queue.awaits_turn = true;
  (is_large ? turns_of_large_ : turns_).push_back(family);
}

int64_t Committer::NextEndOfARest() const {
  return rests_.empty() ? std::numeric_limits<int64_t>::max() : rests_.begin()->first;
}

void Committer::EndRests() {
  while (!rests_.empty() && (stopping_ || rests_.begin()->first <= SteadyNanos())) {
    const auto it = families_.find(rests_.begin()->second);
    rests_.erase(rests_.begin());
    FamilyQueue& queue = it->second;
    queue.rests = false;
    if (!queue.operations.empty()) {
      AwaitTurn(it->first, queue);
    } else if (!queue.in_batch) {
      families_.erase(it);
    }
  }
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
  size_t cost = 0;  // of its operations
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

// A batch that was run, and what is to be written of it.
struct Committer::Prepared {
  Batch batch;
  std::unique_ptr<ReadView> snapshot;  // which the families read
  std::map<FamilyId, FamilyBatch> families;
  std::vector<absl::Status> results;  // of the operations
  WriteBatch write;
  std::vector<FamilyId> advanced;  // have a new head
};

std::unique_ptr<Committer::Prepared> Committer::Prepare(Batch batch) {
  auto prepared = std::make_unique<Prepared>();
  size_t cost = 0;
  const absl::Time now = clock_.Now();
  prepared->snapshot = engine_.Snapshot();
  std::map<FamilyId, FamilyBatch>& families = prepared->families;
  for (const Waiting& waiting : batch.operations) {
    // Whoever woke up meanwhile would wait for the end of this thread's slice.
    if (batch.is_large) std::this_thread::yield();
    const auto [it, added] = families.try_emplace(waiting.family, *prepared->snapshot);
    FamilyBatch& family = it->second;
    family.cost += waiting.cost;
    cost += waiting.cost;
    if (added) {
      family.status = family.Open(waiting.family);
      absl::MutexLock lock(&memories_mu_);
      family.state.memory = memories_.Take(waiting.family);
    }
    prepared->results.push_back(family.status.ok() ? RunStep(waiting, now, family) : family.status);
  }
  prepared->batch = std::move(batch);

  WriteBatch& write = prepared->write;
  const size_t shards = std::max<size_t>(static_cast<size_t>(options_.threads), 1);
  std::map<uint32_t, storage::v1::ShardHead> shard_heads;
  for (auto& [id, family] : families) {
    if (!family.status.ok() || family.view.empty()) continue;
    if (prepared->batch.is_large) std::this_thread::yield();
    family.status = FamilyWriter(id, deriver_, now, family.view, family.state).Finish();
    if (!family.status.ok()) continue;
    family.view.AppendTo(write);
    write.Require(kHeadColumn, FamilyHeadKey(id), family.stored_head);
    storage::v1::ShardHead& shard_head =
        shard_heads[static_cast<uint32_t>(absl::HashOf(id) % shards)];
    if (family.state.head.has_value()) shard_head.add_family_ids(id.str());
    const auto head = family.view.Get(kHeadColumn, FamilyHeadKey(id));
    if (!head.ok() || *head != family.stored_head) prepared->advanced.push_back(id);
  }
  for (const auto& [shard, head] : shard_heads) {
    write.Put(kHeadColumn, ShardHeadKey(shard), head.SerializeAsString());
  }
  prepared->batch.ns_per_cost =
      static_cast<double>(SteadyNanos() - prepared->batch.began_ns) / static_cast<double>(cost);
  return prepared;
}

void Committer::Finish(Prepared& prepared) {
  auto& [batch, snapshot, families, results, write, advanced] = prepared;
  if (!write.empty()) {
    if (Planted("notify_before_sync")) Publish(advanced);
    if (Planted("acknowledge_before_sync")) Answer(batch.operations, families, results);
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
    report.took = absl::Nanoseconds(SteadyNanos() - batch.began_ns);
    options_.on_batch(report);
  }
  Answer(batch.operations, families, results);
  Release(prepared);
}

void Committer::Release(const Prepared& prepared) {
  absl::MutexLock lock(&mu_);
  batches_began_ns_.erase(batches_began_ns_.find(prepared.batch.began_ns));
  if (prepared.batch.is_large) --large_batches_;
  // CommitWaiting commits all that waits.
  const bool may_rest = prepared.batch.is_large && !stopping_ && options_.threads > 0;
  const int64_t beside_ns = SteadyNanos() - kBesideSmallNs;
  for (const auto& [id, family] : prepared.families) {
    const auto it = families_.find(id);
    FamilyQueue& queue = it->second;
    queue.in_batch = false;
    if (may_rest && last_small_.OfOthers(id) > beside_ns) {
      const double its_ns = prepared.batch.ns_per_cost * static_cast<double>(family.cost);
      queue.rests = true;
      rests_.emplace(prepared.batch.began_ns + static_cast<int64_t>(kTimesOfLarge * its_ns), id);
    }
    if (!queue.operations.empty()) {
      AwaitTurn(id, queue);
    } else if (!queue.rests) {
      families_.erase(it);
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
