#ifndef NIGHTLOG_STORAGE_BACKUP_H_
#define NIGHTLOG_STORAGE_BACKUP_H_

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <thread>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/committer.h"
#include "storage/core/clock.h"
#include "storage/engine/rocksdb_backups.h"
#include "storage/engine/rocksdb_engine.h"

namespace nightlog {

// Makes a verified backup of a store that goes on serving; its id. What was erased before the call
// is not in it (see PurgeErased). Then tells each family that has
// changed since the last one which of its revisions the backup holds (FamilyHead's
// backed_up_revision), so that devices need not keep what it has. Costs a read of every family's
// head, and a write of those that changed. An error: there is no new backup, or some families were
// not told, which the next backup makes up for.
// CANCELLED: `stop` became true.
absl::StatusOr<uint32_t> BackUp(RocksdbEngine& engine, RocksdbBackups& backups,
                                Committer& committer, std::atomic<bool>& stop);

// Makes a backup each time the newest one is `every` old, and when asked; keeps the newest `kept`.
// On a thread of its own, from the constructor to the destructor, which ends a running backup.
// Thread-safe.
class BackupSchedule {
 public:
  // Is told how each backup went, on the schedule's thread. Must not block.
  using OnBackup = std::function<void(const absl::StatusOr<uint32_t>&)>;

  // All must outlive this; nothing else may use `backups`.
  BackupSchedule(RocksdbEngine& engine, RocksdbBackups& backups, Committer& committer,
                 const Clock& clock, absl::Duration every, uint32_t kept, OnBackup on_backup);
  ~BackupSchedule();

  // Makes one soon.
  void RequestBackup();

  // From now on. What is no longer kept goes with the next backup.
  void SetPlan(absl::Duration every, uint32_t kept);

 private:
  void Run();
  absl::Duration UntilNext(absl::Duration every) const;
  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopping_ || requested_ || planned_;
  }

  RocksdbEngine& engine_;
  RocksdbBackups& backups_;
  Committer& committer_;
  const Clock& clock_;
  const OnBackup on_backup_;

  std::atomic<bool> stop_{false};
  absl::Mutex mu_;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  bool requested_ ABSL_GUARDED_BY(mu_) = false;
  bool planned_ ABSL_GUARDED_BY(mu_) = false;  // the plan changed
  absl::Duration every_ ABSL_GUARDED_BY(mu_);
  uint32_t kept_ ABSL_GUARDED_BY(mu_);
  std::thread thread_;  // last: it uses the rest
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_BACKUP_H_
