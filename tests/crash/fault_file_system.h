#ifndef NIGHTLOG_TESTS_CRASH_FAULT_FILE_SYSTEM_H_
#define NIGHTLOG_TESTS_CRASH_FAULT_FILE_SYSTEM_H_

#include <cstdint>
#include <map>
#include <memory>
#include <random>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "rocksdb/file_system.h"

namespace nightlog {

// What goes wrong.
enum class DiskFault {
  kNone,
  kCrash,      // the machine stops in the middle of a write, or just before or after a sync
  kSyncFails,  // one sync fails, and what it should have kept will never be on disk
  kFull,       // no space: the first write that does not fit may leave a part of itself
};

// A disk that fails as disks do, over files of the machine. It knows which bytes were synced, so
// that LosePower() can drop the others, as a machine's cache is dropped. Nothing really waits for
// the hardware, which makes it fast.
//
// A new file is lost with the power too, until its directory was synced, or until another file of
// it was deleted: file systems with a journal keep the order of names. Renames are kept.
//
// Thread-safe.
class FaultFileSystem final : public rocksdb::FileSystemWrapper {
 public:
  explicit FaultFileSystem(uint64_t seed);

  const char* Name() const override { return "FaultFileSystem"; }

  // The fault comes at the `operations`th write or sync from now on.
  void Arm(DiskFault fault, int operations);
  // Space was freed; no fault is to come.
  void Disarm();
  // True: a write or sync of a log failed since the last Start().
  bool log_failed() const;

  // The process is dead: nothing it does reaches the disk any more.
  void EndProcess();
  // Drops what was not synced; of each file's unsynced bytes a prefix may stay. REQUIRES: all files
  // are closed.
  void LosePower();
  // A new process begins.
  void Start();

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReopenWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                       std::unique_ptr<rocksdb::FSWritableFile>* file,
                                       rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus ReuseWritableFile(const std::string& name, const std::string& old_name,
                                      const rocksdb::FileOptions& options,
                                      std::unique_ptr<rocksdb::FSWritableFile>* file,
                                      rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus NewDirectory(const std::string& name, const rocksdb::IOOptions& options,
                                 std::unique_ptr<rocksdb::FSDirectory>* directory,
                                 rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;

 private:
  class File;
  class Directory;
  struct FileState {
    uint64_t size = 0;
    uint64_t synced = 0;
    bool sync_lost = false;  // a sync failed: nothing more will be on disk
    bool name_synced = true;
  };

  rocksdb::IOStatus AppendTo(const std::string& name, rocksdb::FSWritableFile& target,
                             const rocksdb::Slice& bytes, const rocksdb::IOOptions& options,
                             rocksdb::IODebugContext* debug);
  rocksdb::IOStatus SyncFile(const std::string& name);
  rocksdb::IOStatus TruncateFile(const std::string& name, uint64_t size);
  void SyncNames(const std::string& directory) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  // The fault of this write or sync.
  DiskFault Next(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void NoteFailure(const std::string& name) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  uint64_t UpTo(uint64_t most) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  mutable absl::Mutex mu_;
  std::mt19937_64 random_ ABSL_GUARDED_BY(mu_);
  std::map<std::string, FileState> files_ ABSL_GUARDED_BY(mu_);
  DiskFault fault_ ABSL_GUARDED_BY(mu_) = DiskFault::kNone;
  int operations_left_ ABSL_GUARDED_BY(mu_) = 0;
  bool dead_ ABSL_GUARDED_BY(mu_) = false;
  bool log_failed_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_CRASH_FAULT_FILE_SYSTEM_H_
