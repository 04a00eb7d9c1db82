#include "services/stream_registry.h"

#include <utility>

#include "storage/core/planted_defect.h"

namespace nightlog {

StreamRegistry::Registration::~Registration() {
  absl::MutexLock lock(&registry_->mu_);
  registry_->streams_.erase({device_, number_});
}

std::unique_ptr<StreamRegistry::Registration> StreamRegistry::Register(const DeviceId& device,
                                                                       absl::string_view stream_id,
                                                                       Callbacks callbacks) {
  absl::MutexLock lock(&mu_);
  const uint64_t number = next_number_++;
  streams_.emplace(std::make_pair(device, number),
                   Stream{std::string(stream_id), std::move(callbacks)});
  return std::unique_ptr<Registration>(new Registration(this, device, number));
}

void StreamRegistry::AccessChanged(const DeviceId& device, const FamilyId& family) {
  absl::MutexLock lock(&mu_);
  for (auto it = streams_.lower_bound({device, 0});
       it != streams_.end() && it->first.first == device; ++it) {
    it->second.callbacks.access_changed(family);
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
