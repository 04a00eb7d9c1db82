#include "storage/engine/rocksdb_backups.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "rocksdb/db.h"
#include "rocksdb/env.h"
#include "rocksdb/utilities/backup_engine.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

absl::Status FromRocksdb(const std::string& path, const rocksdb::Status& status) {
  if (status.ok()) return absl::OkStatus();
  if (status.IsCorruption()) {
    return MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED,
                     absl::StrCat("the backup in ", path, " is damaged (", status.ToString(),
                                  "); use another one"),
                     {{"path", path}});
  }
  if (status.IsNoSpace() || status.subcode() == rocksdb::Status::kSpaceLimit) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no space left for the backups in ", path, "; free some"));
  }
  if (status.IsNotFound()) {
    return absl::NotFoundError(absl::StrCat("there is no such backup in ", path));
  }
  return absl::UnavailableError(absl::StrCat("the backups in ", path, ": ", status.ToString()));
}

rocksdb::BackupEngineOptions OptionsFor(const std::string& path) {
  rocksdb::BackupEngineOptions options(path);
  options.share_table_files = true;
  options.share_files_with_checksum = true;
  options.sync = true;
  return options;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RocksdbBackupReader>> RocksdbBackupReader::Open(
    const std::string& path) {
  rocksdb::BackupEngineReadOnly* backups = nullptr;
  const rocksdb::Status opened =
      rocksdb::BackupEngineReadOnly::Open(OptionsFor(path), rocksdb::Env::Default(), &backups);
  if (opened.IsNotFound() || opened.IsPathNotFound()) {
    // To RocksDB what may not be read is not there, either.
    if (faccessat(AT_FDCWD, path.c_str(), R_OK | X_OK, AT_EACCESS) != 0 && errno != ENOENT) {
      return absl::ErrnoToStatus(errno, absl::StrCat("the backups in ", path, " cannot be read"));
    }
    return absl::NotFoundError(absl::StrCat("there are no backups in ", path));
  }
  RETURN_IF_ERROR(FromRocksdb(path, opened));
  return std::unique_ptr<RocksdbBackupReader>(
      new RocksdbBackupReader(path, std::unique_ptr<rocksdb::BackupEngineReadOnlyBase>(backups)));
}

RocksdbBackupReader::RocksdbBackupReader(std::string path,
                                         std::unique_ptr<rocksdb::BackupEngineReadOnlyBase> backups)
    : path_(std::move(path)), backups_(std::move(backups)) {}

RocksdbBackupReader::~RocksdbBackupReader() = default;

absl::StatusOr<std::unique_ptr<RocksdbBackups>> RocksdbBackups::Open(const std::string& path) {
  rocksdb::BackupEngine* backups = nullptr;
  RETURN_IF_ERROR(FromRocksdb(
      path, rocksdb::BackupEngine::Open(OptionsFor(path), rocksdb::Env::Default(), &backups)));
  return std::unique_ptr<RocksdbBackups>(new RocksdbBackups(path, backups));
}

RocksdbBackups::RocksdbBackups(std::string path, rocksdb::BackupEngine* backups)
    : RocksdbBackupReader(std::move(path),
                          std::unique_ptr<rocksdb::BackupEngineReadOnlyBase>(backups)),
      writer_(*backups) {}

absl::StatusOr<uint32_t> RocksdbBackups::Create(RocksdbEngine& engine,
                                                absl::string_view description) {
  rocksdb::CreateBackupOptions options;
  options.flush_before_backup = false;  // logs are copied too
  rocksdb::BackupID id = 0;
  RETURN_IF_ERROR(
      FromRocksdb(path_, writer_.CreateNewBackupWithMetadata(options, engine.db_.get(),
                                                             std::string(description), &id)));
  const absl::Status verified = Verify(id);
  if (!verified.ok()) {
    RETURN_IF_ERROR(FromRocksdb(path_, writer_.DeleteBackup(id)));
    return verified;
  }
  return id;
}

std::vector<BackupInfo> RocksdbBackupReader::List() const {
  std::vector<rocksdb::BackupInfo> infos;
  backups_->GetBackupInfo(&infos);
  std::vector<BackupInfo> list;
  for (const rocksdb::BackupInfo& info : infos) {
    list.push_back(
        {info.backup_id, absl::FromUnixSeconds(info.timestamp), info.size, info.app_metadata});
  }
  return list;
}

absl::Status RocksdbBackupReader::Verify(uint32_t id) const {
  return FromRocksdb(path_, backups_->VerifyBackup(id, /*verify_with_checksum=*/true));
}

absl::Status RocksdbBackupReader::Restore(uint32_t id, const std::string& path) const {
  rocksdb::Env* env = rocksdb::Env::Default();
  if (env->FileExists(path + "/STORE").ok() || env->FileExists(path + "/db/CURRENT").ok()) {
    return absl::FailedPreconditionError(
        absl::StrCat("there is a store in ", path,
                     ", which a backup must not overwrite; move it away, or name another "
                     "directory"));
  }
  RETURN_IF_ERROR(Verify(id));
  const rocksdb::Status made = env->CreateDirIfMissing(path);
  if (!made.ok()) return absl::UnavailableError(made.ToString());
  const rocksdb::Status restored = backups_->RestoreDBFromBackup(id, path + "/db", path + "/db");
  if (restored.IsNoSpace()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no space left in ", path, " for what the backup holds; free some there"));
  }
  return FromRocksdb(path_, restored);
}

absl::Status RocksdbBackups::KeepNewest(uint32_t count) {
  return FromRocksdb(path_, writer_.PurgeOldBackups(count));
}

void RocksdbBackups::Stop() { writer_.StopBackup(); }

}  // namespace nightlog
