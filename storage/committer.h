#ifndef NIGHTLOG_STORAGE_COMMITTER_H_
#define NIGHTLOG_STORAGE_COMMITTER_H_

#include <cstdint>
#include <deque>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/core/clock.h"
#include "storage/deriver.h"
#include "storage/engine/engine.h"
#include "storage/family_writer.h"
#include "storage/feed.h"

namespace nightlog {

// Committer is the only writer of the store. A thread takes operations that wait, runs them one
// after the other, derives, and writes one synced batch for all of them: one fsync serves many
// phones. Then it publishes families with a new head to the feed, then it answers. A family is in
// one batch at a time, so nothing on the way of a commit takes a lock, and the others find a thread
// that is free, however much one family writes.
//
// Families take turns, and what is large has turns of its own: a tap waits for the rest of a batch
// that is under way at most, and never for a phone that sends all its nights to be decided with it.
// Threads of their own run and derive what is large, and whoever else wants the processor comes
// before them; what they made is written by those that commit, because others wait for the end of a
// write. Beside taps, a family rests after what is large for most of the time: one that floods
// leaves processors and disk to others.
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

  // Gets what tells the feed of a batch that is on disk, and runs it, on the committer thread. What
  // it does afterwards comes before the answers. Must not block.
  using AroundPublish = std::function<void(absl::FunctionRef<void()> publish)>;

  struct Options {
    // Those that commit. One less, but one at least, run what is large for them. 0: none; what was
    // submitted waits for CommitWaiting(), which a simulation calls.
    int threads = 1;
    // Most operations that wait; more are answered RESOURCE_EXHAUSTED (BUSY) at once.
    size_t queue_max = 32768;
    // The same of one family, so that others always find room.
    size_t family_queue_max = 4096;
    // Most cost of a batch, and of one family in it; but for a single operation that costs more.
    // What is beyond waits for a later turn.
    size_t batch_cost_max = 1024;
    size_t family_cost_max = 64;
    // The latter in a batch of what is small. Where more waits of a family, it is large.
    size_t small_cost_max = 8;
    // What the deriver's memories of families hold, about. That of the family committed to last is
    // kept in any case.
    size_t remembered_bytes_max = 128 << 20;
    // May be null.
    OnBatch on_batch = nullptr;
    // May be null.
    AroundPublish around_publish = nullptr;
  };

  // All must outlive this. REQUIRES: OpenStore(engine) was OK.
  Committer(Engine& engine, Feed& feed, const Deriver& deriver, const Clock& clock,
            OnFailure on_failure, const Options& options);
  ~Committer();

  // Commits `operation` on `family`; operations of one family run in the order of their submission.
  // `cost` is how long it takes, in transactions. After Stop: answers UNAVAILABLE (DRAINING) at
  // once.
  void Submit(const FamilyId& family, Operation operation, Done done, size_t cost = 1);

  // Commits what waits, on the caller's thread. REQUIRES: options.threads is 0.
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
  // What waits of one family.
  struct FamilyQueue {
    std::deque<Waiting> operations;
    size_t cost = 0;  // of them
    bool awaits_turn = false;
    bool in_batch = false;
    bool rests = false;  // nothing large of it begins
  };
  struct Batch {
    std::vector<Waiting> operations;
    bool is_large = false;
    int64_t began_ns = 0;    // by SteadyNanos()
    double ns_per_cost = 0;  // that running it took
  };
  struct FamilyBatch;
  struct Prepared;

  // When something small was taken last, by SteadyNanos().
  class LastSmall {
   public:
    void Note(const FamilyId& family, int64_t now_ns) {
      if (family != family_) others_ns_ = ns_;
      family_ = family;
      ns_ = now_ns;
    }
    int64_t OfOthers(const FamilyId& family) const { return family == family_ ? others_ns_ : ns_; }

   private:
    FamilyId family_;
    int64_t ns_ = 0;
    int64_t others_ns_ = 0;  // of another than `family_`
  };

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

  // What a thread does that commits, and one that runs what is large.
  void Commit();
  void PrepareLarge();
  bool IsOver() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The next operations to commit together; empty if none of the kind wait.
  Batch TakeBatch(bool is_large) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Moves the next operations of the first of `turns` to `taken`, up to `cost_max` together, and
  // gives their cost.
  size_t TakeTurn(std::deque<FamilyId>& turns, size_t cost_max, std::vector<Waiting>& taken)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Puts a family of which something waits at the end of its turns, unless it is there, in a batch,
  // or rests.
  void AwaitTurn(const FamilyId& family, FamilyQueue& queue) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // By SteadyNanos(); far in the future if no family rests.
  int64_t NextEndOfARest() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Of those that have rested enough, and when this stops, of all.
  void EndRests() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // Runs a batch and derives.
  std::unique_ptr<Prepared> Prepare(Batch batch);
  // Writes and publishes it, and answers.
  void Finish(Prepared& prepared);
  // The families of a batch, which is answered, may be in another.
  void Release(const Prepared& prepared);
  absl::Status RunStep(const Waiting& waiting, absl::Time now, FamilyBatch& family) const;
  void Publish(const std::vector<FamilyId>& families);
  void TellFeed(const std::vector<FamilyId>& families);
  // Tells each what became of it, and empties `operations`.
  static void Answer(std::vector<Waiting>& operations,
                     const std::map<FamilyId, FamilyBatch>& families,
                     std::vector<absl::Status>& results);
  [[noreturn]] void Fail(const absl::Status& status);

  Engine& engine_;
  Feed& feed_;
  const Deriver& deriver_;
  const Clock& clock_;
  const OnFailure on_failure_;
  const Options options_;
  const int large_batches_max_;  // under way at the same time

  mutable absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  size_t waiting_ ABSL_GUARDED_BY(mu_) = 0;
  // Of families of which something waits or is in a batch, and of those that rest.
  absl::flat_hash_map<FamilyId, FamilyQueue> families_ ABSL_GUARDED_BY(mu_);
  // Families that await a turn, by whether what waited of them when they came was large.
  std::deque<FamilyId> turns_ ABSL_GUARDED_BY(mu_);
  std::deque<FamilyId> turns_of_large_ ABSL_GUARDED_BY(mu_);
  std::multimap<int64_t, FamilyId> rests_ ABSL_GUARDED_BY(mu_);  // by their end
  LastSmall last_small_ ABSL_GUARDED_BY(mu_);
  std::multiset<int64_t> batches_began_ns_ ABSL_GUARDED_BY(mu_);  // of those under way
  int large_batches_ ABSL_GUARDED_BY(mu_) = 0;                    // under way
  // Those of them that were run.
  std::deque<std::unique_ptr<Prepared>> prepared_ ABSL_GUARDED_BY(mu_);

  absl::Mutex memories_mu_;
  Memories memories_ ABSL_GUARDED_BY(memories_mu_);

  std::vector<std::thread> threads_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_COMMITTER_H_
