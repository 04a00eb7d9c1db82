#include "tests/crash/fault_file_system.h"

#include <algorithm>
#include <filesystem>
#include <utility>

#include "absl/strings/match.h"

namespace nightlog {

namespace fs = std::filesystem;
using rocksdb::FileOptions;
using rocksdb::FSDirectory;
using rocksdb::FSWritableFile;
using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

namespace {

IOStatus Dead() { return IOStatus::IOError("the machine crashed"); }

std::string FolderOf(const std::string& name) { return fs::path(name).parent_path().string(); }

bool IsLog(const std::string& name) { return absl::EndsWith(name, ".log"); }

}  // namespace

class FaultFileSystem::File final : public rocksdb::FSWritableFileOwnerWrapper {
 public:
  File(FaultFileSystem& system, std::string name, std::unique_ptr<FSWritableFile> file)
      : FSWritableFileOwnerWrapper(std::move(file)), system_(system), name_(std::move(name)) {}

  using FSWritableFileOwnerWrapper::Append;
  IOStatus Append(const Slice& bytes, const IOOptions& options, IODebugContext* debug) override {
    return system_.AppendTo(name_, *target(), bytes, options, debug);
  }
  IOStatus Append(const Slice& bytes, const IOOptions& options,
                  const rocksdb::DataVerificationInfo& /*verification*/,
                  IODebugContext* debug) override {
    return Append(bytes, options, debug);
  }
  IOStatus Truncate(uint64_t size, const IOOptions& options, IODebugContext* debug) override {
    const IOStatus noted = system_.TruncateFile(name_, size);
    return noted.ok() ? target()->Truncate(size, options, debug) : noted;
  }
  IOStatus Sync(const IOOptions&, IODebugContext*) override { return system_.SyncFile(name_); }
  IOStatus Fsync(const IOOptions&, IODebugContext*) override { return system_.SyncFile(name_); }
  IOStatus RangeSync(uint64_t, uint64_t, const IOOptions&, IODebugContext*) override {
    return IOStatus::OK();
  }

 private:
  FaultFileSystem& system_;
  const std::string name_;
};

class FaultFileSystem::Directory final : public rocksdb::FSDirectoryWrapper {
 public:
  Directory(FaultFileSystem& system, std::string name, std::unique_ptr<FSDirectory> directory)
      : FSDirectoryWrapper(std::move(directory)), system_(system), name_(std::move(name)) {}

  IOStatus Fsync(const IOOptions&, IODebugContext*) override {
    absl::MutexLock lock(&system_.mu_);
    if (system_.dead_) return Dead();
    system_.SyncNames(name_);
    return IOStatus::OK();
  }
  IOStatus FsyncWithDirOptions(const IOOptions& options, IODebugContext* debug,
                               const rocksdb::DirFsyncOptions& /*options*/) override {
    return Fsync(options, debug);
  }

 private:
  FaultFileSystem& system_;
  const std::string name_;
};

FaultFileSystem::FaultFileSystem(uint64_t seed)
    : FileSystemWrapper(rocksdb::FileSystem::Default()), random_(seed) {}

void FaultFileSystem::Arm(DiskFault fault, int operations) {
  absl::MutexLock lock(&mu_);
  fault_ = fault;
  operations_left_ = operations;
}

void FaultFileSystem::Disarm() { Arm(DiskFault::kNone, 0); }

bool FaultFileSystem::log_failed() const {
  absl::MutexLock lock(&mu_);
  return log_failed_;
}

void FaultFileSystem::EndProcess() {
  absl::MutexLock lock(&mu_);
  dead_ = true;
}

void FaultFileSystem::Start() {
  absl::MutexLock lock(&mu_);
  dead_ = false;
  log_failed_ = false;
}

void FaultFileSystem::LosePower() {
  absl::MutexLock lock(&mu_);
  for (auto it = files_.begin(); it != files_.end();) {
    FileState& file = it->second;
    if (!file.name_synced && UpTo(1) == 1) {
      fs::remove(it->first);
      it = files_.erase(it);
      continue;
    }
    if (file.size > file.synced) {
      file.size = file.synced + (file.sync_lost ? 0 : UpTo(file.size - file.synced));
      fs::resize_file(it->first, file.size);
    }
    file = {file.size, file.size};
    ++it;
  }
}

IOStatus FaultFileSystem::NewWritableFile(const std::string& name, const FileOptions& options,
                                          std::unique_ptr<FSWritableFile>* file,
                                          IODebugContext* debug) {
  absl::MutexLock lock(&mu_);
  if (dead_) return Dead();
  std::unique_ptr<FSWritableFile> target;
  IOStatus status = target_->NewWritableFile(name, options, &target, debug);
  if (!status.ok()) return status;
  FileState state;
  state.name_synced = false;
  files_[name] = state;
  *file = std::make_unique<File>(*this, name, std::move(target));
  return status;
}

IOStatus FaultFileSystem::ReopenWritableFile(const std::string&, const FileOptions&,
                                             std::unique_ptr<FSWritableFile>*, IODebugContext*) {
  return IOStatus::NotSupported("not used");
}

IOStatus FaultFileSystem::ReuseWritableFile(const std::string&, const std::string&,
                                            const FileOptions&, std::unique_ptr<FSWritableFile>*,
                                            IODebugContext*) {
  return IOStatus::NotSupported("not used");
}

IOStatus FaultFileSystem::NewDirectory(const std::string& name, const IOOptions& options,
                                       std::unique_ptr<FSDirectory>* directory,
                                       IODebugContext* debug) {
  std::unique_ptr<FSDirectory> target;
  IOStatus status = target_->NewDirectory(name, options, &target, debug);
  if (status.ok()) *directory = std::make_unique<Directory>(*this, name, std::move(target));
  return status;
}

IOStatus FaultFileSystem::DeleteFile(const std::string& name, const IOOptions& options,
                                     IODebugContext* debug) {
  absl::MutexLock lock(&mu_);
  if (dead_) return Dead();
  SyncNames(FolderOf(name));
  files_.erase(name);
  return target_->DeleteFile(name, options, debug);
}

IOStatus FaultFileSystem::RenameFile(const std::string& from, const std::string& to,
                                     const IOOptions& options, IODebugContext* debug) {
  absl::MutexLock lock(&mu_);
  if (dead_) return Dead();
  IOStatus status = target_->RenameFile(from, to, options, debug);
  const auto it = files_.find(from);
  if (status.ok() && it != files_.end()) {
    SyncNames(FolderOf(from));
    files_[to] = it->second;
    files_.erase(it);
  }
  return status;
}

IOStatus FaultFileSystem::AppendTo(const std::string& name, FSWritableFile& target,
                                   const Slice& bytes, const IOOptions& options,
                                   IODebugContext* debug) {
  absl::MutexLock lock(&mu_);
  if (dead_) return Dead();
  const DiskFault fault = Next(name);
  const bool fails = fault == DiskFault::kCrash || fault == DiskFault::kFull;
  const Slice written(bytes.data(), fails ? UpTo(bytes.size()) : bytes.size());
  IOStatus status = target.Append(written, options, debug);
  if (status.ok()) files_[name].size += written.size();
  if (fault == DiskFault::kCrash) dead_ = true;
  if (!fails) return status;
  NoteFailure(name);
  return fault == DiskFault::kCrash ? Dead() : IOStatus::NoSpace("no space left on device");
}

IOStatus FaultFileSystem::SyncFile(const std::string& name) {
  absl::MutexLock lock(&mu_);
  if (dead_) return Dead();
  const DiskFault fault = Next(name);
  FileState& file = files_[name];
  if (fault == DiskFault::kCrash) {
    dead_ = true;
    NoteFailure(name);
    if (UpTo(1) == 1 && !file.sync_lost) file.synced = file.size;
    return Dead();
  }
  if (fault == DiskFault::kSyncFails) {
    fault_ = DiskFault::kNone;
    file.sync_lost = true;
    NoteFailure(name);
    return IOStatus::IOError("fsync failed");
  }
  if (!file.sync_lost) file.synced = file.size;
  return IOStatus::OK();
}

IOStatus FaultFileSystem::TruncateFile(const std::string& name, uint64_t size) {
  absl::MutexLock lock(&mu_);
  if (dead_) return Dead();
  FileState& file = files_[name];
  file.size = size;
  file.synced = std::min(file.synced, size);
  return IOStatus::OK();
}

void FaultFileSystem::SyncNames(const std::string& directory) {
  for (auto& [name, file] : files_) {
    if (FolderOf(name) == directory) file.name_synced = true;
  }
}

DiskFault FaultFileSystem::Next(const std::string& name) {
  // The text log of RocksDB, where nothing matters.
  if (fault_ == DiskFault::kNone || fs::path(name).filename() == "LOG") return DiskFault::kNone;
  if (operations_left_ > 0) --operations_left_;
  return operations_left_ == 0 ? fault_ : DiskFault::kNone;
}

void FaultFileSystem::NoteFailure(const std::string& name) {
  if (IsLog(name)) log_failed_ = true;
}

uint64_t FaultFileSystem::UpTo(uint64_t most) { return random_() % (most + 1); }

}  // namespace nightlog
