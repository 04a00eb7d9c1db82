#include "storage/feed.h"

#include <utility>

#include "storage/core/planted_defect.h"

namespace nightlog {

std::unique_ptr<Feed::Subscription> Feed::Subscribe(const FamilyId& family, Wake wake) {
  auto subscription = std::make_unique<Subscription>(this, family, std::move(wake));
  absl::MutexLock lock(&mu_);
  subscriptions_[family].insert(subscription.get());
  return subscription;
}

void Feed::Publish(const FamilyId& family) {
  absl::MutexLock lock(&mu_);
  const auto it = subscriptions_.find(family);
  if (it == subscriptions_.end()) return;
  for (Subscription* subscription : it->second) {
    subscription->wake_();
    if (Planted("one_subscriber_woken")) return;
  }
}

void Feed::Unsubscribe(Subscription* subscription) {
  absl::MutexLock lock(&mu_);
  const auto it = subscriptions_.find(subscription->family_);
  it->second.erase(subscription);
  if (it->second.empty()) subscriptions_.erase(it);
}

}  // namespace nightlog
