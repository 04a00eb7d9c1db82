#ifndef NIGHTLOG_STORAGE_ENGINE_MEMORY_ENGINE_H_
#define NIGHTLOG_STORAGE_ENGINE_MEMORY_ENGINE_H_

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "storage/engine/engine.h"

namespace nightlog {

// Keeps everything in memory and forgets it when destroyed: for simulations and unit tests. Writes
// never fail but for preconditions. A write while a view is open copies the columns it changes, so
// this is not for large data. Thread-safe.
class MemoryEngine final : public Engine {
 public:
  explicit MemoryEngine(int columns);
  // A copy of what the other holds now.
  MemoryEngine(const MemoryEngine& other);
  MemoryEngine& operator=(const MemoryEngine&) = delete;

  std::unique_ptr<ReadView> Snapshot() const override;
  absl::Status Write(const WriteBatch& batch) override;

 private:
  class View;
  using Rows = std::map<std::string, std::string, std::less<>>;
  // Rows that a view shares are never changed.
  using Columns = std::vector<std::shared_ptr<Rows>>;

  mutable absl::Mutex mu_;
  Columns columns_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_ENGINE_MEMORY_ENGINE_H_
