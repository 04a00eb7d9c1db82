#include "storage/engine/rocksdb_engine.h"

#include <algorithm>
#include <memory>
#include <thread>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "absl/time/clock.h"
#include "rocksdb/cache.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/filter_policy.h"
#include "rocksdb/listener.h"
#include "rocksdb/table.h"
#include "storage/core/check.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

constexpr absl::string_view kMarkerText =
    "nightlog made a database in db/ beside this file. If db/ is gone, its data is lost: nightlog\n"
    "refuses to start empty in its place. Move the whole directory away, then restore a backup\n"
    "(nightlogctl restore) or start new.\n";

rocksdb::Slice ToSlice(absl::string_view bytes) { return {bytes.data(), bytes.size()}; }
absl::string_view ToView(const rocksdb::Slice& slice) { return {slice.data(), slice.size()}; }

absl::Status DamagedError(const std::string& path, absl::string_view what) {
  return MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED,
                   absl::StrCat("the store in ", path, " is damaged (", what, "): move ", path,
                                " away, then restore a backup (nightlogctl restore) or start new"),
                   {{"path", path}});
}

absl::Status NoSpaceError(const std::string& path, absl::string_view what = "") {
  return absl::ResourceExhaustedError(
      absl::StrCat("no space left for the store in ", path, what, ": free some, then start again"));
}

absl::Status FromRocksdb(const std::string& path, const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption()) return DamagedError(path, status.ToString());
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
    return NoSpaceError(path);
  }
  if (absl::EndsWith(status.ToString(), "Permission denied")) {
    return absl::UnavailableError(
        absl::StrCat("the store in ", path, " is not this user's (", status.ToString(),
                     "): give another directory, or start it as the user whose it is"));
  }
  return absl::UnavailableError(absl::StrCat("the store in ", path, ": ", status.ToString()));
}

absl::Status FromRocksdbOpen(const std::string& path, const rocksdb::Status& status) {
  if (status.IsIOError() && (absl::StrContains(status.ToString(), "While lock file") ||
                             absl::StrContains(status.ToString(), "lock hold by"))) {
    return absl::FailedPreconditionError(
        absl::StrCat("another process uses ", path, "; stop it first"));
  }
  if (status.IsInvalidArgument()) {
    return absl::FailedPreconditionError(
        absl::StrCat("the store in ", path, " was written by a newer nightlog (", status.ToString(),
                     "): install that version"));
  }
  return FromRocksdb(path, status);
}

// Refuses a directory whose marker says that there was a database, or a log, which is not there.
absl::Status CheckMarker(rocksdb::Env* env, const std::string& path) {
  if (!env->FileExists(path + "/STORE").ok()) return absl::OkStatus();
  if (!env->FileExists(path + "/db/CURRENT").ok()) return DamagedError(path, "db/ is missing");
  std::vector<std::string> files;
  RETURN_IF_ERROR(FromRocksdb(path, env->GetChildren(path + "/db", &files)));
  // An open database always has a log, and a closed one keeps it.
  const bool has_log = std::any_of(files.begin(), files.end(), [](const std::string& file) {
    return absl::EndsWith(file, ".log");
  });
  return has_log ? absl::OkStatus() : DamagedError(path, "db/*.log is missing");
}

// Refuses a disk that is full: RocksDB 7.8 aborts where it finds no space as it opens a database.
// It writes small files, and tables of what is in the logs.
absl::Status CheckSpace(rocksdb::Env* env, const std::string& path) {
  uint64_t needed = 1 << 20;
  uint64_t free = 0;
  if (!env->GetFreeSpace(path, &free).ok()) return absl::OkStatus();
  std::vector<rocksdb::Env::FileAttributes> files;
  if (env->GetChildrenFileAttributes(path + "/db", &files).ok()) {
    for (const rocksdb::Env::FileAttributes& file : files) {
      if (absl::EndsWith(file.name, ".log")) needed += file.size_bytes;
    }
  }
  if (free >= needed) return absl::OkStatus();
  constexpr uint64_t kMebibyte = 1 << 20;
  return NoSpaceError(path, absl::StrCat(" (", (needed + kMebibyte - 1) / kMebibyte,
                                         " MiB needed, ", free / kMebibyte, " MiB free)"));
}

rocksdb::Status WriteMarker(rocksdb::Env* env, const std::string& path) {
  const std::string marker = path + "/STORE";
  if (env->FileExists(marker).ok()) return rocksdb::Status::OK();
  std::unique_ptr<rocksdb::WritableFile> file;
  rocksdb::Status status = env->NewWritableFile(marker + ".new", &file, rocksdb::EnvOptions());
  if (status.ok()) status = file->Append(ToSlice(kMarkerText));
  if (status.ok()) status = file->Fsync();
  if (status.ok()) status = file->Close();
  if (status.ok()) status = env->RenameFile(marker + ".new", marker);
  std::unique_ptr<rocksdb::Directory> directory;
  if (status.ok()) status = env->NewDirectory(path, &directory);
  if (status.ok()) status = directory->Fsync();
  return status;
}

// Lets whoever waits for the processor go on before the rest of a table is made.
class YieldAsTablesAreWritten final : public rocksdb::EventListener {
 public:
  bool ShouldBeNotifiedOnFileIO() override { return true; }
  void OnFileWriteFinish(const rocksdb::FileOperationInfo& info) override {
    if (absl::EndsWith(info.path, ".sst")) std::this_thread::yield();
  }
};

rocksdb::DBOptions DatabaseOptions(rocksdb::Env* env, const RocksdbOptions& options) {
  rocksdb::DBOptions database;
  database.env = env;
  database.create_if_missing = true;
  database.create_missing_column_families = true;
  database.paranoid_checks = true;
  // The default opens a log that is damaged in its middle, and silently drops what stands behind.
  database.wal_recovery_mode = rocksdb::WALRecoveryMode::kTolerateCorruptedTailRecords;
  // After a failed write nobody knows what is on disk; only opening again tells.
  database.max_bgerror_resume_count = 0;
  database.db_write_buffer_size = options.write_buffer_bytes;
  database.max_total_wal_size = 4 * options.write_buffer_bytes;
  database.max_open_files = 1000;
  database.skip_stats_update_on_db_open = true;
  // A tap would wait for the kernel's next tick where a flush or compaction has the processor.
  database.listeners.push_back(std::make_shared<YieldAsTablesAreWritten>());
  database.writable_file_max_buffer_size = 32 << 10;
  database.info_log_level = rocksdb::InfoLogLevel::WARN_LEVEL;
  database.keep_log_file_num = 4;
  return database;
}

rocksdb::ColumnFamilyOptions ColumnOptions(const RocksdbOptions& options) {
  rocksdb::BlockBasedTableOptions table;
  table.block_cache = rocksdb::NewLRUCache(options.block_cache_bytes);
  // In the cache, so that they are bounded by it, and do not grow with families at rest.
  table.cache_index_and_filter_blocks = true;
  table.pin_l0_filter_and_index_blocks_in_cache = true;
  table.filter_policy.reset(rocksdb::NewBloomFilterPolicy(10));
  // Keys of one family share their first 16 bytes: neighbours compress well.
  table.block_size = 16 << 10;
  table.format_version = 5;
  rocksdb::ColumnFamilyOptions column;
  column.table_factory.reset(rocksdb::NewBlockBasedTableFactory(table));
  column.compression = rocksdb::kLZ4Compression;
  column.bottommost_compression = rocksdb::kZSTD;
  column.level_compaction_dynamic_level_bytes = true;
  column.write_buffer_size = options.write_buffer_bytes / 4;
  return column;
}

class RocksdbIterator final : public Iterator {
 public:
  RocksdbIterator(std::string path, rocksdb::DB* db, rocksdb::ColumnFamilyHandle* column,
                  const rocksdb::Snapshot* snapshot, absl::string_view start,
                  absl::string_view limit, ScanOrder order)
      : path_(std::move(path)),
        start_(start),
        limit_(limit),
        start_slice_(start_),
        limit_slice_(limit_),
        ascending_(order == ScanOrder::kAscending) {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot;
    options.iterate_lower_bound = &start_slice_;
    if (!limit.empty()) options.iterate_upper_bound = &limit_slice_;
    it_.reset(db->NewIterator(options, column));
    ascending_ ? it_->SeekToFirst() : it_->SeekToLast();
  }

  bool Valid() const override { return it_->Valid(); }
  absl::string_view key() const override { return ToView(it_->key()); }
  absl::string_view value() const override { return ToView(it_->value()); }
  void Next() override { ascending_ ? it_->Next() : it_->Prev(); }
  absl::Status status() const override { return FromRocksdb(path_, it_->status()); }

 private:
  const std::string path_;
  const std::string start_;
  const std::string limit_;
  const rocksdb::Slice start_slice_;
  const rocksdb::Slice limit_slice_;
  const bool ascending_;
  std::unique_ptr<rocksdb::Iterator> it_;
};

}  // namespace

class RocksdbEngine::View final : public ReadView {
 public:
  explicit View(const RocksdbEngine* engine)
      : engine_(*engine), snapshot_(engine->db_->GetSnapshot()) {}
  ~View() override { engine_.db_->ReleaseSnapshot(snapshot_); }

  absl::StatusOr<absl::optional<std::string>> Get(Column column,
                                                  absl::string_view key) const override {
    rocksdb::ReadOptions options;
    options.snapshot = snapshot_;
    std::string value;
    const rocksdb::Status status =
        engine_.db_->Get(options, engine_.columns_.at(column), ToSlice(key), &value);
    if (status.IsNotFound()) return absl::optional<std::string>();
    RETURN_IF_ERROR(FromRocksdb(engine_.path_, status));
    return absl::optional<std::string>(std::move(value));
  }

  std::unique_ptr<Iterator> Scan(Column column, absl::string_view start, absl::string_view limit,
                                 ScanOrder order) const override {
    return std::make_unique<RocksdbIterator>(engine_.path_, engine_.db_.get(),
                                             engine_.columns_.at(column), snapshot_, start, limit,
                                             order);
  }

 private:
  const RocksdbEngine& engine_;
  const rocksdb::Snapshot* const snapshot_;
};

absl::StatusOr<std::unique_ptr<RocksdbEngine>> RocksdbEngine::Open(
    const std::string& path, absl::Span<const absl::string_view> columns,
    const RocksdbOptions& options) {
  rocksdb::Env* env = options.env != nullptr ? options.env : rocksdb::Env::Default();
  RETURN_IF_ERROR(FromRocksdb(path, env->CreateDirIfMissing(path)));
  RETURN_IF_ERROR(CheckMarker(env, path));
  RETURN_IF_ERROR(CheckSpace(env, path));

  const rocksdb::ColumnFamilyOptions column_options = ColumnOptions(options);
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors = {
      {rocksdb::kDefaultColumnFamilyName, column_options}};
  for (absl::string_view column : columns) {
    descriptors.emplace_back(std::string(column), column_options);
  }
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  RETURN_IF_ERROR(FromRocksdbOpen(
      path,
      rocksdb::DB::Open(DatabaseOptions(env, options), path + "/db", descriptors, &handles, &raw)));
  std::unique_ptr<rocksdb::DB> db(raw);
  db->DestroyColumnFamilyHandle(handles.front());
  handles.erase(handles.begin());
  auto engine =
      std::unique_ptr<RocksdbEngine>(new RocksdbEngine(path, std::move(db), std::move(handles)));
  RETURN_IF_ERROR(FromRocksdb(path, WriteMarker(env, path)));
  return engine;
}

RocksdbEngine::RocksdbEngine(std::string path, std::unique_ptr<rocksdb::DB> db,
                             std::vector<rocksdb::ColumnFamilyHandle*> columns)
    : path_(std::move(path)), db_(std::move(db)), columns_(std::move(columns)) {}

RocksdbEngine::~RocksdbEngine() {
  for (rocksdb::ColumnFamilyHandle* column : columns_) db_->DestroyColumnFamilyHandle(column);
}

std::unique_ptr<ReadView> RocksdbEngine::Snapshot() const { return std::make_unique<View>(this); }

absl::Status RocksdbEngine::Purge(absl::Span<const KeyRange> ranges, std::atomic<bool>& stop) {
  // A view that is older than what was deleted keeps it alive.
  constexpr absl::Duration kPoll = absl::Milliseconds(20);
  constexpr int kPolls = 1500;
  const uint64_t now = db_->GetLatestSequenceNumber();
  for (int polls = 0;; ++polls) {
    uint64_t oldest = 0;
    CHECK(db_->GetIntProperty(rocksdb::DB::Properties::kOldestSnapshotSequence, &oldest));
    if (oldest == 0 || oldest >= now) break;
    if (stop) return absl::CancelledError("stopped");
    if (polls == kPolls) return absl::UnavailableError("a view of the store stays open");
    absl::SleepFor(kPoll);
  }
  RETURN_IF_ERROR(FromRocksdb(path_, db_->Flush(rocksdb::FlushOptions(), columns_)));
  rocksdb::CompactRangeOptions options;
  options.exclusive_manual_compaction = false;
  options.bottommost_level_compaction = rocksdb::BottommostLevelCompaction::kForceOptimized;
  options.canceled = &stop;
  for (const KeyRange& range : ranges) {
    if (stop) return absl::CancelledError("stopped");
    const rocksdb::Slice start = ToSlice(range.start);
    const rocksdb::Slice limit = ToSlice(range.limit);
    const rocksdb::Status status = db_->CompactRange(options, columns_.at(range.column), &start,
                                                     range.limit.empty() ? nullptr : &limit);
    if (status.IsIncomplete()) return absl::CancelledError("stopped");
    RETURN_IF_ERROR(FromRocksdb(path_, status));
  }
  // Deletes the files that are not needed any more at once, unless a backup is using them.
  RETURN_IF_ERROR(FromRocksdb(path_, db_->DisableFileDeletions()));
  return FromRocksdb(path_, db_->EnableFileDeletions(/*force=*/false));
}

std::vector<RocksdbEngine::Property> RocksdbEngine::Properties() const {
  constexpr absl::string_view kProperties[][2] = {
      {"estimate-num-keys", "Rows, about"},
      {"estimate-live-data-size", "Bytes of rows that are not overwritten, about"},
      {"total-sst-files-size", "Bytes of table files"},
      {"cur-size-all-mem-tables", "Bytes of rows that are not in a table file yet"},
      {"estimate-table-readers-mem", "Bytes of indexes and filters outside the block cache"},
      {"num-immutable-mem-table", "Full write buffers that wait to be written out"},
      {"estimate-pending-compaction-bytes", "Bytes that compaction is behind"},
      {"num-files-at-level0", "Table files that are not sorted in yet"},
  };
  // Of the database as a whole.
  constexpr absl::string_view kShared[][2] = {
      {"block-cache-usage", "Bytes in the block cache"},
      {"num-running-compactions", "Compactions under way"},
      {"num-running-flushes", "Flushes under way"},
      {"num-snapshots", "Views that are open"},
      {"background-errors", "Background work that failed"},
      {"is-write-stopped", "1 while writes wait for compaction"},
      {"actual-delayed-write-rate",
       "Bytes a second that writes are slowed down to; 0: they are not"},
  };
  std::vector<Property> properties;
  const auto add = [&properties](const absl::string_view(&property)[2]) -> uint64_t& {
    Property& added = properties.emplace_back();
    added.name = absl::StrReplaceAll(property[0], {{"-", "_"}});
    added.help = std::string(property[1]);
    return added.value;
  };
  const auto read = [this](rocksdb::ColumnFamilyHandle* column, absl::string_view name) {
    std::string text;
    uint64_t value = 0;
    // Some are numbers only in text.
    if (db_->GetProperty(column, absl::StrCat("rocksdb.", name), &text)) {
      static_cast<void>(absl::SimpleAtoi(text, &value));
    }
    return value;
  };
  for (const auto& property : kProperties) {
    uint64_t& sum = add(property);
    for (rocksdb::ColumnFamilyHandle* column : columns_) sum += read(column, property[0]);
  }
  for (const auto& property : kShared) add(property) = read(columns_.front(), property[0]);
  return properties;
}

absl::Status RocksdbEngine::Write(const WriteBatch& batch) {
  {
    absl::MutexLock lock(&required_mu_);
    const auto is_free = [&]() ABSL_NO_THREAD_SAFETY_ANALYSIS {
      return std::none_of(batch.preconditions().begin(), batch.preconditions().end(),
                          [this](const WriteBatch::Precondition& required)
                              ABSL_NO_THREAD_SAFETY_ANALYSIS {
                                return required_.contains({required.column, required.key});
                              });
    };
    required_mu_.Await(absl::Condition(&is_free));
    for (const auto& required : batch.preconditions()) {
      required_.emplace(required.column, required.key);
    }
  }
  const absl::Status status = WriteIfRequirementsHold(batch);
  absl::MutexLock lock(&required_mu_);
  for (const auto& required : batch.preconditions()) {
    required_.erase({required.column, required.key});
  }
  return status;
}

absl::Status RocksdbEngine::WriteIfRequirementsHold(const WriteBatch& batch) {
  for (const WriteBatch::Precondition& required : batch.preconditions()) {
    std::string value;
    const rocksdb::Status status =
        db_->Get(rocksdb::ReadOptions(), columns_.at(required.column), required.key, &value);
    if (!status.IsNotFound()) RETURN_IF_ERROR(FromRocksdb(path_, status));
    const bool holds =
        required.value.has_value() ? status.ok() && value == *required.value : status.IsNotFound();
    if (!holds) return absl::AbortedError("a precondition of the batch does not hold");
  }
  rocksdb::WriteBatch changes;
  for (const WriteBatch::Change& change : batch.changes()) {
    rocksdb::ColumnFamilyHandle* column = columns_.at(change.column);
    rocksdb::Status status;
    switch (change.kind) {
      case WriteBatch::Change::Kind::kPut:
        status = changes.Put(column, change.key, change.value);
        break;
      case WriteBatch::Change::Kind::kDelete:
        status = changes.Delete(column, change.key);
        break;
      case WriteBatch::Change::Kind::kDeleteRange:
        CHECK(change.key <= change.value);
        status = changes.DeleteRange(column, change.key, change.value);
        break;
    }
    CHECK(status.ok());  // it only fills memory
  }
  rocksdb::WriteOptions durable;
  durable.sync = true;
  return FromRocksdb(path_, db_->Write(durable, &changes));
}

}  // namespace nightlog
