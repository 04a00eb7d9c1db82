#ifndef NIGHTLOG_SERVICES_CALL_LIMITS_H_
#define NIGHTLOG_SERVICES_CALL_LIMITS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "services/methods.h"
#include "services/open_counts.h"
#include "services/peer.h"
#include "storage/core/clock.h"

namespace nightlog {

// Buckets that fill at a rate, one a key, each full at first. One may be in debt, by as much as it
// holds. Thread-safe.
//
// Memory is bounded: a bucket that is full again is forgotten, and when there are `keys_max` that
// are not, all further keys share one.
class RateLimit {
 public:
  // `per_second` 0: no limit. The clock must outlive this; if it is set back, a bucket is full at
  // the latest after it has filled twice.
  RateLimit(const Clock& clock, double per_second, double burst, size_t keys_max);

  // From now on. What has been taken from a bucket is not given back.
  void SetRate(double per_second, double burst);

  // Takes `cost`, at most the burst, from the bucket of `key` and returns zero. Where there is not
  // as much, takes nothing and returns how long it will be until there is.
  absl::Duration Take(absl::string_view key, double cost);

  // Takes `cost` in any case.
  void Charge(absl::string_view key, double cost);

 private:
  // The key's bucket, by the time when it will be full.
  absl::Time& FullAt(absl::string_view key, absl::Time now) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  const Clock& clock_;
  const size_t keys_max_;
  absl::Mutex mu_;
  double per_second_ ABSL_GUARDED_BY(mu_);
  double burst_ ABSL_GUARDED_BY(mu_);
  // By hash of the key: two keys that share a bucket harm nobody.
  absl::flat_hash_map<uint64_t, absl::Time> full_at_ ABSL_GUARDED_BY(mu_);
  absl::Time swept_at_ ABSL_GUARDED_BY(mu_) = absl::InfinitePast();
  absl::Time shared_full_at_ ABSL_GUARDED_BY(mu_);
};

// How much callers may ask for. What is called from this machine itself (see AddressOf) is not
// limited. 0: no limit.
struct CallLimitOptions {
  // A call costs 1, and 1 more for each 16 KiB of its request, which is known once it was read: its
  // next calls wait for it. A minute's worth may come at once. With a token that nobody has it
  // costs its address 16 times as much.
  int device_calls_per_second = 20;
  int address_calls_per_second = 200;
  // Calls that make or join a family, so that nobody guesses codes; 20 may come at once.
  int address_pairings_per_minute = 6;
  // Streams that are open at the same time.
  int device_streams_max = 32;
  int address_streams_max = 1000;
};

class CallLimits;

// The same methods within the limits, whichever door a call comes in by: what goes beyond them is
// RESOURCE_EXHAUSTED (BUSY) and says when to try again. Both must outlive what is returned.
Methods LimitMethods(const Methods& methods, CallLimits& limits);

// The same check, which charges for what it refuses as if that had been read and called. `limits`
// must outlive what is returned.
TokenCheck LimitTokenCheck(TokenCheck check, CallLimits& limits);

// What has been asked for by whom. Thread-safe.
class CallLimits {
 public:
  // The clock must outlive this.
  CallLimits(const Clock& clock, const CallLimitOptions& options);

  // From now on. Streams that are open go on.
  void SetOptions(const CallLimitOptions& options);

 private:
  friend Methods LimitMethods(const Methods& methods, CallLimits& limits);
  friend TokenCheck LimitTokenCheck(TokenCheck check, CallLimits& limits);

  // OK, or the error for the caller.
  absl::Status Admit(const Peer& peer, bool is_pairing);

  // For what was admitted and read.
  void Charge(const Peer& peer, size_t request_bytes);

  // What a call costs more whose answer says that nobody has its token.
  void ChargeIfTokenIsUnknown(const absl::Status& answer, const Peer& peer, size_t request_bytes);

  // Counts an open stream while what it returns lives; the error for the caller if there are too
  // many.
  absl::StatusOr<std::vector<std::shared_ptr<void>>> OpenStream(const Peer& peer);

  RateLimit devices_;
  RateLimit addresses_;
  RateLimit pairings_;

  absl::Mutex mu_;
  int device_streams_max_ ABSL_GUARDED_BY(mu_) = 0;
  int address_streams_max_ ABSL_GUARDED_BY(mu_) = 0;
  OpenCounts streams_of_devices_;
  OpenCounts streams_of_addresses_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_CALL_LIMITS_H_
