#ifndef NIGHTLOG_SERVICES_OPEN_COUNTS_H_
#define NIGHTLOG_SERVICES_OPEN_COUNTS_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/synchronization/mutex.h"

namespace nightlog {

// How much is open by whom, such as streams by device. Thread-safe.
class OpenCounts {
 public:
  // Counts one more of `key` while what it returns lives, which must not be longer than this; null
  // if `max` are open already. Nothing is counted, and never null, if there is no key or no bound
  // (`max` 0).
  std::shared_ptr<void> Open(const std::string& key, int max) {
    if (key.empty() || max == 0) return std::shared_ptr<void>(this, [](void*) {});
    absl::MutexLock lock(&mu_);
    int& open = open_[key];
    if (open >= max) return nullptr;
    ++open;
    return std::shared_ptr<void>(this, [this, key](void*) {
      absl::MutexLock closing(&mu_);
      const auto found = open_.find(key);
      if (--found->second == 0) open_.erase(found);
    });
  }

 private:
  absl::Mutex mu_;
  absl::flat_hash_map<std::string, int> open_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_OPEN_COUNTS_H_
