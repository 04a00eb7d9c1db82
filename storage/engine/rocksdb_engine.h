#ifndef NIGHTLOG_STORAGE_ENGINE_ROCKSDB_ENGINE_H_
#define NIGHTLOG_STORAGE_ENGINE_ROCKSDB_ENGINE_H_

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "storage/engine/engine.h"

namespace rocksdb {
class ColumnFamilyHandle;
class DB;
class Env;
}  // namespace rocksdb

namespace nightlog {

// Bounds of memory, and where files are.
struct RocksdbOptions {
  // Memory for blocks read, index and filter blocks included; shared by all columns.
  size_t block_cache_bytes = 64 << 20;
  // Memory for rows written and not yet in a table file; shared by all columns.
  size_t write_buffer_bytes = 32 << 20;
  // Where files are; null: the machine's file system. Must outlive the engine.
  rocksdb::Env* env = nullptr;
};

// Keeps everything in a directory of one machine. Thread-safe.
//
// The directory holds `db`, the RocksDB database, and `STORE`, a marker that says a database was
// made here. RocksDB alone takes a deleted database or a deleted log for a new one; the marker
// tells. RocksdbBackups restores a backup.
class RocksdbEngine final : public Engine {
 public:
  // Opens the store in directory `path`, which is made where it is missing, with `columns` by name;
  // columns new to the store are added.
  //
  // FAILED_PRECONDITION: another process has it open, or it has columns this build does not know.
  // DATA_LOSS (reason STORAGE_DAMAGED): the log is damaged before its end, or files are damaged or
  // missing. The half-written end of a log, which was never acknowledged, is no damage.
  // RESOURCE_EXHAUSTED: no space. UNAVAILABLE: other errors of the file system.
  static absl::StatusOr<std::unique_ptr<RocksdbEngine>> Open(
      const std::string& path, absl::Span<const absl::string_view> columns,
      const RocksdbOptions& options = {});

  ~RocksdbEngine() override;

  std::unique_ptr<ReadView> Snapshot() const override;

  // After an error that may have lost bytes, each further Write fails too, until the store is
  // opened again.
  absl::Status Write(const WriteBatch& batch) override;

  // A figure that RocksDB keeps of itself, summed over all columns.
  struct Property {
    std::string name;  // without RocksDB's prefix, as a word: `total_sst_files_size`
    std::string help;
    uint64_t value = 0;
  };
  // Those an operator looks at. Cheap.
  std::vector<Property> Properties() const;

  // Writes out what is in memory and in the log, and rewrites the table files that hold keys of the
  // ranges. Only the bounds of table files may keep a key in the MANIFEST, until the store is
  // opened again.
  absl::Status Purge(absl::Span<const KeyRange> ranges, std::atomic<bool>& stop) override;

 private:
  friend class RocksdbBackups;
  class View;

  absl::Status WriteIfRequirementsHold(const WriteBatch& batch);

  RocksdbEngine(std::string path, std::unique_ptr<rocksdb::DB> db,
                std::vector<rocksdb::ColumnFamilyHandle*> columns);

  const std::string path_;
  const std::unique_ptr<rocksdb::DB> db_;
  const std::vector<rocksdb::ColumnFamilyHandle*> columns_;  // by Column

  absl::Mutex required_mu_;
  // What the batches under way require: from the check of their preconditions until they are
  // written, no other batch that requires one of these keys begins. Others do, and share a sync.
  absl::flat_hash_set<std::pair<Column, std::string>> required_ ABSL_GUARDED_BY(required_mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_ENGINE_ROCKSDB_ENGINE_H_
