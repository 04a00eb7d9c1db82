#ifndef NIGHTLOG_CLIENTS_CPP_BACKOFF_H_
#define NIGHTLOG_CLIENTS_CPP_BACKOFF_H_

#include "absl/status/status.h"
#include "absl/time/time.h"
#include "storage/core/random.h"

namespace nightlog {

// Whether the same call may succeed later without anybody doing anything: the server is not reached
// or stopping, or it has too much to do and says when to come again.
bool IsWorthRetrying(const absl::Status& status);

// The bounds of the waits.
struct BackoffOptions {
  absl::Duration first = absl::Milliseconds(250);
  absl::Duration longest = absl::Seconds(30);
};

// How long to wait before the next attempt: twice as long each time up to the longest, and at
// random between half of that and all of it, so that many phones do not come back at once. Not
// thread-safe.
class Backoff {
 public:
  // `random` must outlive this.
  Backoff(const BackoffOptions& options, Random& random);

  // `error` is what the last attempt ended with. A delay that the server asked for is kept, up to
  // the longest, and the random half of ours comes on top.
  absl::Duration Next(const absl::Status& error);

  // After progress: starts from the first delay again.
  void Reset();

 private:
  const BackoffOptions options_;
  Random& random_;
  absl::Duration delay_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_BACKOFF_H_
