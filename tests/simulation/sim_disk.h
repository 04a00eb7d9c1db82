#ifndef NIGHTLOG_TESTS_SIMULATION_SIM_DISK_H_
#define NIGHTLOG_TESTS_SIMULATION_SIM_DISK_H_

#include <memory>

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
    const CrashPoint crash_at = disk_.crash_at;
    if (crash_at != CrashPoint::kBeforeWrite) {
      const absl::Status written = engine_->Write(batch);
      if (!written.ok() || crash_at == CrashPoint::kNone) return written;
    }
    disk_.crash_at = CrashPoint::kNone;
    disk_.crashed = true;
    dead_ = true;
    return absl::UnavailableError("the machine crashed");
  }

 private:
  SimDisk& disk_;
  const std::shared_ptr<MemoryEngine> engine_;
  bool dead_ = false;
};

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_SIM_DISK_H_
