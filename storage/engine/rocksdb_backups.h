#ifndef NIGHTLOG_STORAGE_ENGINE_ROCKSDB_BACKUPS_H_
#define NIGHTLOG_STORAGE_ENGINE_ROCKSDB_BACKUPS_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/engine/rocksdb_engine.h"

namespace rocksdb {
class BackupEngine;
class BackupEngineReadOnlyBase;
}  // namespace rocksdb

namespace nightlog {

// What a directory of backups says of one of them.
struct BackupInfo {
  uint32_t id = 0;
  absl::Time made_at;
  uint64_t bytes = 0;
  // What Create() was given.
  std::string description;
};

// Reads a directory of backups of one store, which share the files they have in common. Writes
// nothing to it, so that any number of these may be open beside a RocksdbBackups of another
// process; each sees the backups that there were when it was opened. Thread-safe.
//
// Errors: DATA_LOSS where a backup is damaged, NOT_FOUND for a directory or an id that is not
// there, PERMISSION_DENIED for a directory that may not be read, UNAVAILABLE for other errors of
// the file system.
class RocksdbBackupReader {
 public:
  static absl::StatusOr<std::unique_ptr<RocksdbBackupReader>> Open(const std::string& path);
  virtual ~RocksdbBackupReader();

  // Oldest first.
  std::vector<BackupInfo> List() const;

  // Reads every file of the backup and compares checksums.
  absl::Status Verify(uint32_t id) const;

  // Verifies the backup and puts its files where RocksdbEngine::Open(path) finds them. Call
  // BeginNewLineages() (storage/store.h) before anything else touches the store.
  // FAILED_PRECONDITION: there is a store already, which is never overwritten. RESOURCE_EXHAUSTED:
  // no space is left there; what was written so far makes no store, and may be restored over.
  absl::Status Restore(uint32_t id, const std::string& path) const;

 protected:
  RocksdbBackupReader(std::string path, std::unique_ptr<rocksdb::BackupEngineReadOnlyBase> backups);

  const std::string path_;

 private:
  const std::unique_ptr<rocksdb::BackupEngineReadOnlyBase> backups_;
};

// The same, to add backups to. One process at a time may open it. Thread-safe.
//
// Errors: also RESOURCE_EXHAUSTED where no space is left.
class RocksdbBackups final : public RocksdbBackupReader {
 public:
  // Opens the directory `path`, which is made where it is missing.
  static absl::StatusOr<std::unique_ptr<RocksdbBackups>> Open(const std::string& path);

  // Copies what is on disk of the engine, while it goes on, and reads the copy again to verify it.
  // Everything whose Write() returned before the call is in it. A failed one is removed.
  absl::StatusOr<uint32_t> Create(RocksdbEngine& engine, absl::string_view description);

  // Deletes all but the newest `count`.
  absl::Status KeepNewest(uint32_t count);

  // Makes a running and each further Create() fail soon.
  void Stop();

 private:
  // Takes `backups`.
  RocksdbBackups(std::string path, rocksdb::BackupEngine* backups);

  rocksdb::BackupEngine& writer_;  // the base has it
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_ENGINE_ROCKSDB_BACKUPS_H_
