#ifndef NIGHTLOG_STORAGE_COMMITTER_H_
#define NIGHTLOG_STORAGE_COMMITTER_H_

#include <atomic>
#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/core/clock.h"
#include "storage/deriver.h"
#include "storage/engine/engine.h"
#include "storage/family_writer.h"
#include "storage/feed.h"

namespace nightlog {

// Committer is the only writer of the store. Families hash onto shards, and one thread a shard is
// the only writer of its families, so nothing on the way of a commit takes a lock. A thread takes
// all operations that wait, runs them one after the other, derives, and writes one synced batch for
// all of them: one fsync serves many phones. Then it publishes families with a new head to the
// feed, then it answers.
//
// Thread-safe. The destructor commits what was submitted.
class Committer {
 public:
  // Changes one family. OK: its changes become part of the batch. An error: they are dropped, and
  // `done` gets the error. Besides the family's own rows it may only touch rows of the store that
  // no other family touches. Runs on the committer thread: must not block.
  using Operation = std::function<absl::Status(FamilyWriter&)>;
  // Runs on the committer thread when the changes are on disk, or have been dropped, after the feed
  // was told. Where the family's stored rows turn out damaged as its batch ends (DATA_LOSS), all of
  // its operations in that batch are dropped and get that error; other families go on. Must not
  // block.
  using Done = std::function<void(absl::Status)>;
  // What happens when a write fails or its outcome is unclear: nobody can know what the disk holds.
  // Must not return; the server ends its process, and the retries of its clients find the truth.
  using OnFailure = std::function<void(const absl::Status&)>;

  // One batch that is on disk.
  struct BatchReport {
    size_t operations = 0;
    // Edits in it that left a conflict.
    int conflicts = 0;
    // From its first read until it was on disk and the feed was told.
    absl::Duration took;
  };
  // Runs on the committer thread. Must not block.
  using OnBatch = std::function<void(const BatchReport&)>;

  struct Options {
    // 0: no thread; what was submitted waits for CommitWaiting(), which a simulation calls.
    int shards = 1;
    // Most operations that wait in one shard; more are answered RESOURCE_EXHAUSTED (BUSY) at once.
    size_t queue_max = 16384;
    // The same of one family, so that others always find room.
    size_t family_queue_max = 4096;
    // Most operations in one batch.
    size_t batch_max = 1024;
    // Most cost that one family has in a batch, but for a single operation that costs more. What it
    // has beyond waits. While batches that families share take long, this shrinks, so that a family
    // that floods holds others up for little more than one operation.
    size_t family_cost_max = 64;
    // What the deriver's memories of one shard's families hold, about. That of the family committed
    // to last is kept in any case.
    size_t remembered_bytes_max = 64 << 20;
    // May be null.
    OnBatch on_batch = nullptr;
  };

  // All must outlive this. REQUIRES: OpenStore(engine) was OK.
  Committer(Engine& engine, Feed& feed, const Deriver& deriver, const Clock& clock,
            OnFailure on_failure, const Options& options);
  ~Committer();

  // Commits `operation` on `family`; operations of one family run in the order of their submission.
  // `cost` is how long it takes, in transactions. After Stop: answers UNAVAILABLE (DRAINING) at
  // once.
  void Submit(const FamilyId& family, Operation operation, Done done, size_t cost = 1);

  // Commits what waits, on the caller's thread. REQUIRES: options.shards is 0.
  void CommitWaiting();

  // How long the batch has been under way that takes longest right now; zero where none is. It
  // grows for as long as the disk hangs.
  absl::Duration LongestBatch() const;

  // Refuses new operations, commits what waits, and returns when all is answered. Once or more.
  void Stop();

 private:
  struct Waiting {
    FamilyId family;
    Operation operation;
    Done done;
    size_t cost;
  };
  struct FamilyBatch;

  // What the deriver remembers of the families that were committed to last.
  class Memories {
   public:
    explicit Memories(size_t bytes_max) : bytes_max_(bytes_max) {}
    // Null if there is none.
    std::unique_ptr<Deriver::Memory> Take(const FamilyId& family);
    // Forgets the oldest where they are too large.
    void Keep(const FamilyId& family, std::unique_ptr<Deriver::Memory> memory);

   private:
    struct Kept {
      FamilyId family;
      std::unique_ptr<Deriver::Memory> memory;
      size_t bytes;
    };
    const size_t bytes_max_;
    size_t bytes_ = 0;
    std::list<Kept> newest_first_;
    absl::flat_hash_map<FamilyId, std::list<Kept>::iterator> by_family_;
  };

  static constexpr int64_t kNoBatch = -1;

  struct Shard {
    explicit Shard(const Options& options)
        : memories(options.remembered_bytes_max), family_cost_max(options.family_cost_max) {}
    absl::Mutex mu;
    std::deque<Waiting> queue ABSL_GUARDED_BY(mu);
    // How much of it is whose.
    absl::flat_hash_map<FamilyId, size_t> waiting ABSL_GUARDED_BY(mu);
    bool stopping ABSL_GUARDED_BY(mu) = false;
    uint32_t number = 0;
    // Of the thread that commits.
    Memories memories;
    size_t family_cost_max;
    // When its batch began, by SteadyNanos(); kNoBatch between batches.
    std::atomic<int64_t> batch_began_ns{kNoBatch};
    std::thread thread;
  };

  void Run(Shard& shard);
  // The next operations to commit together; empty if none wait.
  std::vector<Waiting> TakeBatch(Shard& shard) ABSL_EXCLUSIVE_LOCKS_REQUIRED(shard.mu);
  void CommitBatch(Shard& shard, std::vector<Waiting> batch);
  // Sets a family's share of the next batch, after one that took `prepared` but for the disk.
  void AdaptShare(Shard& shard, size_t operations, size_t families, absl::Duration prepared) const;
  absl::Status RunStep(const Waiting& waiting, absl::Time now, FamilyBatch& family) const;
  void Publish(const std::vector<FamilyId>& families);
  // Tells each of the batch what became of it, and empties the batch.
  static void Answer(std::vector<Waiting>& batch, const std::map<FamilyId, FamilyBatch>& families,
                     std::vector<absl::Status>& results);
  [[noreturn]] void Fail(const absl::Status& status);

  Engine& engine_;
  Feed& feed_;
  const Deriver& deriver_;
  const Clock& clock_;
  const OnFailure on_failure_;
  const Options options_;
  std::vector<std::unique_ptr<Shard>> shards_;  // one without a thread if options_.shards is 0
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_COMMITTER_H_
