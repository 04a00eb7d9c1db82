#ifndef NIGHTLOG_STORAGE_FEED_H_
#define NIGHTLOG_STORAGE_FEED_H_

#include <functional>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "storage/core/ids.h"

namespace nightlog {

// Feed tells readers that a family has new commits. It carries nothing: it wakes subscribers, who
// then read the store from their own cursor. So a slow reader costs nothing here, and nothing can
// be delivered that is not on disk.
//
// Thread-safe.
class Feed {
 public:
  // Must not block, and must not call into this Feed. May come once more than needed, never once
  // less: whoever subscribes first and reads afterwards misses nothing.
  using Wake = std::function<void()>;

  // Ends the subscription when destroyed; waits for a running wake, so do not destroy one in a wake
  // or under a lock that a wake takes. Must not outlive the Feed.
  class Subscription {
   public:
    Subscription(Feed* feed, FamilyId family, Wake wake)
        : feed_(feed), family_(family), wake_(std::move(wake)) {}
    ~Subscription() { feed_->Unsubscribe(this); }
    Subscription(const Subscription&) = delete;
    Subscription& operator=(const Subscription&) = delete;

   private:
    friend class Feed;
    Feed* const feed_;
    const FamilyId family_;
    const Wake wake_;
  };

  [[nodiscard]] std::unique_ptr<Subscription> Subscribe(const FamilyId& family, Wake wake);

  // REQUIRES: everything that subscribers are to read has been written and synced.
  void Publish(const FamilyId& family);

 private:
  void Unsubscribe(Subscription* subscription);

  absl::Mutex mu_;
  absl::flat_hash_map<FamilyId, absl::flat_hash_set<Subscription*>> subscriptions_
      ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_FEED_H_
