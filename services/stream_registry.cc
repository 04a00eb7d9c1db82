#include "services/stream_registry.h"

#include <utility>

#include "storage/core/planted_defect.h"

namespace nightlog {

StreamRegistry::Registration::~Registration() {
  absl::MutexLock lock(&registry_->mu_);
  const auto stream = registry_->streams_.find({device_, number_});
  for (const auto& [family, end] : stream->second.ends) {
    registry_->ends_.erase({end, stream->first, family});
  }
  registry_->streams_.erase(stream);
}

void StreamRegistry::Registration::SetEnd(const FamilyId& family, absl::Time end) {
  absl::MutexLock lock(&registry_->mu_);
  const Key key(device_, number_);
  std::map<FamilyId, absl::Time>& ends = registry_->streams_.at(key).ends;
  if (const auto before = ends.find(family); before != ends.end()) {
    registry_->ends_.erase({before->second, key, family});
    ends.erase(before);
  }
  if (end == absl::InfiniteFuture()) return;
  ends.emplace(family, end);
  registry_->ends_.emplace(end, key, family);
}

std::unique_ptr<StreamRegistry::Registration> StreamRegistry::Register(const DeviceId& device,
                                                                       absl::string_view stream_id,
                                                                       Callbacks callbacks) {
  absl::MutexLock lock(&mu_);
  const uint64_t number = next_number_++;
  streams_.emplace(Key(device, number), Stream{std::string(stream_id), std::move(callbacks), {}});
  return std::unique_ptr<Registration>(new Registration(this, device, number));
}

void StreamRegistry::AccessChanged(const DeviceId& device, const FamilyId& family) {
  absl::MutexLock lock(&mu_);
  for (auto it = streams_.lower_bound({device, 0});
       it != streams_.end() && it->first.first == device; ++it) {
    it->second.callbacks.access_changed(family);
  }
}

void StreamRegistry::TokenExchanged(const DeviceId& device) {
  absl::MutexLock lock(&mu_);
  for (auto it = streams_.lower_bound({device, 0});
       it != streams_.end() && it->first.first == device; ++it) {
    it->second.callbacks.token_exchanged();
  }
}

void StreamRegistry::EndExpired(absl::Time now) {
  absl::MutexLock lock(&mu_);
  while (!ends_.empty() && std::get<absl::Time>(*ends_.begin()) <= now) {
    const auto [end, key, family] = *ends_.begin();
    ends_.erase(ends_.begin());
    Stream& stream = streams_.at(key);
    stream.ends.erase(family);
    stream.callbacks.access_changed(family);
  }
}

void StreamRegistry::Received(const DeviceId& device, absl::string_view stream_id, uint64_t bytes) {
  if (stream_id.empty()) return;
  absl::MutexLock lock(&mu_);
  for (auto it = streams_.lower_bound({device, 0});
       it != streams_.end() && it->first.first == device; ++it) {
    if (it->second.id == stream_id || Planted("received_counts_for_every_stream"))
      it->second.callbacks.received(bytes);
  }
}

}  // namespace nightlog
