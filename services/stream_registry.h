#ifndef NIGHTLOG_SERVICES_STREAM_REGISTRY_H_
#define NIGHTLOG_SERVICES_STREAM_REGISTRY_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "storage/core/ids.h"

namespace nightlog {

// The open streams of all devices, for what reaches a stream from elsewhere: that it must close, or
// begin anew, because access changed, and what the device has received. Thread-safe.
class StreamRegistry {
 public:
  struct Callbacks {
    // Access of the device to `family` ended, or changed: nothing read before may be sent. Must not
    // block.
    std::function<void(const FamilyId& family)> access_changed;
    // The device's token was exchanged: nothing read before may be sent. Must not block.
    std::function<void()> token_exchanged;
    // The device has received this many bytes on the stream. Must not block.
    std::function<void(uint64_t bytes)> received;
  };

  // Ends the registration when destroyed; waits for a running callback. Must not outlive the
  // registry.
  class Registration {
   public:
    ~Registration();
    Registration(const Registration&) = delete;
    Registration& operator=(const Registration&) = delete;

    // Says when the device's access to `family` ends by itself, for EndExpired(); the last word of
    // a family counts, and InfiniteFuture is never.
    void SetEnd(const FamilyId& family, absl::Time end);

   private:
    friend class StreamRegistry;
    Registration(StreamRegistry* registry, DeviceId device, uint64_t number)
        : registry_(registry), device_(device), number_(number) {}
    StreamRegistry* const registry_;
    const DeviceId device_;
    const uint64_t number_;
  };

  // `stream_id` may be empty: then nothing is told to be received.
  [[nodiscard]] std::unique_ptr<Registration> Register(const DeviceId& device,
                                                       absl::string_view stream_id,
                                                       Callbacks callbacks);

  // Tells every stream of the device. When it returns, all have been told.
  void AccessChanged(const DeviceId& device, const FamilyId& family);

  // Tells every stream of the device. When it returns, all have been told.
  void TokenExchanged(const DeviceId& device);

  // Tells each stream of each family whose end has come that access changed, once.
  void EndExpired(absl::Time now);

  // Tells the device's stream of that id, if it is open.
  void Received(const DeviceId& device, absl::string_view stream_id, uint64_t bytes);

 private:
  struct Stream {
    std::string id;
    Callbacks callbacks;
    std::map<FamilyId, absl::Time> ends;  // see SetEnd()
  };
  // By device and number of registration.
  using Key = std::pair<DeviceId, uint64_t>;

  absl::Mutex mu_;
  uint64_t next_number_ ABSL_GUARDED_BY(mu_) = 0;
  std::map<Key, Stream> streams_ ABSL_GUARDED_BY(mu_);
  // What `ends` say, the next one first.
  std::set<std::tuple<absl::Time, Key, FamilyId>> ends_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_STREAM_REGISTRY_H_
