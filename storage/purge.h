#ifndef NIGHTLOG_STORAGE_PURGE_H_
#define NIGHTLOG_STORAGE_PURGE_H_

#include <atomic>
#include <functional>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "storage/committer.h"
#include "storage/engine/rocksdb_engine.h"

namespace nightlog {

// Takes the bytes of families that were erased (FamilyWriter::Erase) off the disk; how many there
// were. Costs a seek where there are none, and a rewrite of the table files that hold their
// neighbours otherwise. Safe to repeat and to break off: what is not done is done by the next one.
// An error: nothing is known to be gone. CANCELLED: `stop` became true.
absl::StatusOr<int> PurgeErased(RocksdbEngine& engine, Committer& committer,
                                std::atomic<bool>& stop);

// Purges within seconds of each erasure, and what a process that ended had left to do. On a thread
// of its own, from the constructor to the destructor, which breaks off a running purge.
// Thread-safe.
class PurgeSchedule {
 public:
  // Is told of each purge that found something and of each that failed, on the schedule's thread.
  using OnPurge = std::function<void(const absl::StatusOr<int>&)>;

  // All must outlive this.
  PurgeSchedule(RocksdbEngine& engine, Committer& committer, OnPurge on_purge);
  ~PurgeSchedule();

 private:
  void Run();

  RocksdbEngine& engine_;
  Committer& committer_;
  const OnPurge on_purge_;
  std::atomic<bool> stop_{false};
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::thread thread_;  // last: it uses the rest
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_PURGE_H_
