#ifndef NIGHTLOG_CLIENTS_CPP_SYNC_H_
#define NIGHTLOG_CLIENTS_CPP_SYNC_H_

#include <cstdint>
#include <functional>
#include <set>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cpp/backoff.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/device_clock.h"
#include "clients/cpp/replica.h"
#include "storage/core/random.h"

namespace nightlog {

// What a person should know about the sync of a family, in order of what matters most.
enum class SyncState {
  kNeedsAttention,  // the server will not take something that was logged here
  kClosed,          // access ended
  kNotShared,       // some taps are saved here and stay here: the role does not allow to send them
  kOffline,         // the server is not reached; everything is saved here
  kSavedHere,       // some taps are saved here and on their way
  kSynced,          // the server has everything, and this device has all of the server's
};

// How a family's sync stands, and why.
struct SyncStatus {
  SyncState state = SyncState::kOffline;
  // Why the last attempt failed; OK while connected.
  absl::Status error;
};

// What a Syncer may be told otherwise; the defaults suit a phone.
struct SyncOptions {
  BackoffOptions backoff;
  // Bounds each call but the stream.
  absl::Duration call_timeout = absl::Seconds(20);
  // A stream stops 256 KiB beyond what is acknowledged; to acknowledge this often lets it flow.
  uint64_t acknowledge_bytes = 64 << 10;
  // How long SyncOnce() waits in all, between attempts, for a server that is not reached.
  absl::Duration patience = absl::InfiniteDuration();
  // How old a token becomes before it is exchanged for a new one, by the device's wall clock.
  absl::Duration token_age = absl::Hours(24 * 90);
  // Waits between the attempts of SyncOnce().
  std::function<void(absl::Duration)> sleep = absl::SleepFor;
};

// Moves a replica's transactions up and the server's records down. Any step may be interrupted and
// repeated: the replica knows what is pending, the server knows what it has seen. It also exchanges
// the device's token when that is old.
//
// Thread-safe, but one family must not be synced by two calls at once.
class Syncer {
 public:
  // All must outlive the syncer. `clock` is the one of the replica.
  Syncer(Replica& replica, Connection& connection, const DeviceClock& clock, Random& random,
         const SyncOptions& options = {});

  // Pushes all that is pending, follows until the head, and acknowledges what is durable; tries
  // again while the server is UNAVAILABLE, until the deadline or the end of patience. OK: the
  // server had answered everything, and the replica is at the head it had then. Otherwise the first
  // error; PERMISSION_DENIED stands for an access that ended, or with ROLE_NOT_ALLOWED for taps
  // that the role does not allow to send any more, where the replica is at the head nonetheless;
  // FAILED_PRECONDITION for a server too old for what is pending.
  absl::Status SyncOnce(const FamilyId& family, absl::Time deadline);

  // Keeps the family in sync until Stop(): holds a stream open, applies what comes, and pushes when
  // something is saved; after errors it goes on with backoff from where it was. What the role does
  // not allow to send waits until the role changes, or a stream opens again. `on_status` is
  // called at the beginning and on each change, never by two threads at once; it may Stop(), but
  // must not change the replica. Blocks.
  void Run(const FamilyId& family, const std::function<void(const SyncStatus&)>& on_status);

  // Makes each Run() return soon, for good.
  void Stop();

 private:
  class Session;  // one Run()

  absl::Status Push(const FamilyId& family, absl::Time deadline);
  // What one stream tells its user.
  struct FollowHooks {
    // The stream to cancel, and null before it is gone.
    std::function<void(ServerStream<v1::FollowResponse>*)> on_stream;
    std::function<void()> on_bookmark;
  };
  // Applies each bookmark of one stream until it ends.
  absl::Status Follow(const FamilyId& family, bool until_head, absl::Time deadline,
                      const FollowHooks& hooks);
  absl::Status SyncAttempt(const FamilyId& family, absl::Time deadline);
  // Exchanges an old token. What goes wrong with it holds nothing up, and is tried again.
  void RotateOldToken(const FamilyId& family, absl::Time deadline);
  // After `status`: true if the server did not know the token and does now.
  bool IsKnownAgain(const absl::Status& status, const FamilyId& family, absl::Time deadline);
  absl::Time CallDeadline(absl::Time deadline) const;

  Replica& replica_;
  Connection& connection_;
  const DeviceClock& clock_;
  Random& random_;
  const SyncOptions options_;

  absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  std::set<Session*> sessions_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_SYNC_H_
