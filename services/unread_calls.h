#ifndef NIGHTLOG_SERVICES_UNREAD_CALLS_H_
#define NIGHTLOG_SERVICES_UNREAD_CALLS_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/open_counts.h"

namespace nightlog {

// A call whose request has not come.
class UnreadCall {
 public:
  // Ends it with `status`; the last thing that is done with it here.
  virtual void End(const absl::Status& status) = 0;

 protected:
  virtual ~UnreadCall() = default;
};

// The calls of a door whose request has not come. No work is under way for them, but each takes
// memory: an address has a bound of them, and they end when the server stops, or after kRequestMax.
// Thread-safe.
class UnreadCalls {
 public:
  // The most of one address, some 20 KB each.
  static constexpr int kAddressMax = 1000;

  // OK, or the error to answer with: BUSY where the address has too many, DRAINING after
  // DrainAll(). `address` is that of a Peer.
  [[nodiscard]] absl::Status Add(UnreadCall* call, const std::string& address);

  // For a call whose request has come, or will not. False: it is ended from here, and nothing else
  // may be done with it.
  [[nodiscard]] bool Remove(UnreadCall* call);

  // Ends with DEADLINE_EXCEEDED those that an EndLate() kRequestMax before `now`, or earlier, met.
  void EndLate(absl::Time now);

  // Ends all with UNAVAILABLE (DRAINING).
  void DrainAll();

 private:
  struct Entry {
    std::shared_ptr<void> counted;  // of `by_address_`
    // As EndLate() first met it.
    absl::Time since = absl::InfiniteFuture();
  };

  OpenCounts by_address_;
  absl::Mutex mu_;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_map<UnreadCall*, Entry> calls_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_UNREAD_CALLS_H_
