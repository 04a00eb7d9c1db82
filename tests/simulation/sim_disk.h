#ifndef NIGHTLOG_TESTS_SIMULATION_SIM_DISK_H_
#define NIGHTLOG_TESTS_SIMULATION_SIM_DISK_H_

#include <functional>
#include <memory>

#include "storage/column_families.h"
#include "storage/core/planted_defect.h"
#include "storage/engine/engine.h"
#include "storage/engine/memory_engine.h"

namespace nightlog::simulation {

// When the machine crashes: at its next write to disk, before or after that write took effect.
// There is no third moment, since a write is atomic and what is not written is gone anyway.
enum class CrashPoint { kNone, kBeforeWrite, kAfterWrite };

// A machine's disk, which outlives its processes.
struct SimDisk {
  explicit SimDisk(int columns) : engine(std::make_shared<MemoryEngine>(columns)) {}

  std::shared_ptr<MemoryEngine> engine;
  CrashPoint crash_at = CrashPoint::kNone;
  // True: the process that used the disk is dead; its writes no longer reach it.
  bool crashed = false;
  bool is_server = false;
  // Other threads of the process run while a write is under way; and whoever looks at the disk
  // after each write sees what a crash would leave.
  std::function<void()> before_write = [] {};
  std::function<void()> after_write = [] {};
};

// What one process sees of the disk. After a crash its writes have no effect and fail.
class SimEngine final : public Engine {
 public:
  explicit SimEngine(SimDisk& disk) : disk_(disk), engine_(disk.engine) {}

  std::unique_ptr<ReadView> Snapshot() const override { return engine_->Snapshot(); }

  absl::Status Write(const WriteBatch& batch) override {
    if (dead_ || disk_.crashed) {
      dead_ = true;
      return absl::UnavailableError("the process is dead");
    }
    disk_.before_write();
    const CrashPoint crash_at = disk_.crash_at;
    if (crash_at != CrashPoint::kBeforeWrite) {
      const absl::Status written = disk_.is_server && Planted("dedupe_outside_the_batch")
                                       ? WriteInTwo(batch)
                                       : engine_->Write(batch);
      if (written.ok()) disk_.after_write();
      if (!written.ok() || crash_at == CrashPoint::kNone) return written;
    }
    disk_.crash_at = CrashPoint::kNone;
    disk_.crashed = true;
    dead_ = true;
    return absl::UnavailableError("the machine crashed");
  }

 private:
  // What a server would do that kept its verdicts elsewhere.
  absl::Status WriteInTwo(const WriteBatch& batch) {
    WriteBatch first;
    WriteBatch second;
    for (const WriteBatch::Change& change : batch.changes()) {
      const bool late = change.column == kVerdictColumn || change.column == kReplicaColumn;
      WriteBatch& part = late ? second : first;
      if (change.kind == WriteBatch::Change::Kind::kPut) {
        part.Put(change.column, change.key, change.value);
      } else {
        part.Delete(change.column, change.key);
      }
    }
    const absl::Status written = engine_->Write(first);
    if (!written.ok() || disk_.crash_at == CrashPoint::kAfterWrite) return written;
    return engine_->Write(second);
  }

  SimDisk& disk_;
  const std::shared_ptr<MemoryEngine> engine_;
  bool dead_ = false;
};

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_SIM_DISK_H_
