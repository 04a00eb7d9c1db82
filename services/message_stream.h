#ifndef NIGHTLOG_SERVICES_MESSAGE_STREAM_H_
#define NIGHTLOG_SERVICES_MESSAGE_STREAM_H_

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"

namespace nightlog {

// The answer of a use case, whichever door it came in by: exactly once, on any thread. Must not
// block.
template <typename Response>
using Done = std::function<void(absl::StatusOr<Response>)>;

// Sizes of streams. A simulation takes smaller ones, where little is to show what much would.
struct StreamLimits {
  // Records in one message, about.
  size_t message_bytes = 64 << 10;
  // How far Follow goes beyond what the device has told it has received. Streams that nobody
  // acknowledges have a message under way, and what the transport keeps.
  uint64_t window_bytes = 256 << 10;
};

// What a stream does next.
template <typename Response>
struct StreamStep {
  enum class Kind {
    kMessage,  // write `message`; then ask again, or wait if there is no `more`
    kWait,     // nothing now; the stream's wake will be called when there may be something
    kEnd,      // write `message` if there is one, then end the call with `status`
  };
  Kind kind = Kind::kWait;
  bool more = true;
  // Null: none. Other streams may send the same one.
  std::shared_ptr<const Response> message;
  // Not null: the message serialised, once for all streams that send it.
  std::shared_ptr<const std::string> bytes;
  absl::Status status;
};

// A server stream without a queue: a cursor, from which the door pulls when it may write, and a
// wake.
//
// The door: calls Next() on a thread that may block (never two at once); hands each message to the
// transport inside WriteIfOpen(); after kWait, or without more, calls Next() again once the wake
// has come, even if it came while Next() ran; destroys the stream when the call is over.
template <typename Response>
class MessageStream {
 public:
  virtual ~MessageStream() = default;

  virtual StreamStep<Response> Next() = 0;

  // Runs `write`, which hands a message to the transport and returns at once, unless access changed
  // since the message was read: then the message is dropped, false is the answer, and the next
  // Next() says what comes instead. So after Invalidate() has returned, nothing read before it is
  // sent.
  bool WriteIfOpen(absl::FunctionRef<void()> write) {
    absl::MutexLock lock(&write_mu_);
    dropped_ = invalid_;
    if (!invalid_) write();
    return !invalid_;
  }

  // Closes the gate until the next Next(); see WriteIfOpen. Thread-safe.
  void Invalidate() {
    absl::MutexLock lock(&write_mu_);
    invalid_ = true;
  }

 protected:
  // Opens the gate; true if it was closed, so that a message may have been dropped. Next() calls it
  // before it takes a view.
  bool Revalidate() {
    absl::MutexLock lock(&write_mu_);
    return std::exchange(invalid_, false);
  }
  // Whether the last message was dropped at the gate.
  bool WasDropped() {
    absl::MutexLock lock(&write_mu_);
    return std::exchange(dropped_, false);
  }

 private:
  absl::Mutex write_mu_;
  bool invalid_ ABSL_GUARDED_BY(write_mu_) = false;
  bool dropped_ ABSL_GUARDED_BY(write_mu_) = false;
};

// Called when a stream that waits may have something. Must not block; may come once more than
// needed.
using StreamWake = std::function<void()>;

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_MESSAGE_STREAM_H_
