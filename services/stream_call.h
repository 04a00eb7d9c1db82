#ifndef NIGHTLOG_SERVICES_STREAM_CALL_H_
#define NIGHTLOG_SERVICES_STREAM_CALL_H_

#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "services/executor.h"
#include "services/methods.h"

namespace nightlog {

class StreamCall;

// The streams of a door that are open. Thread-safe. Its lock comes before that of a stream.
class OpenStreams {
 public:
  // A stream added after DrainAll is told to end at once.
  void Add(StreamCall* stream);
  void Remove(StreamCall* stream);

  // Tells every stream to end with UNAVAILABLE (DRAINING). Does not wait for it.
  void DrainAll();

 private:
  absl::Mutex mu_;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<StreamCall*> streams_ ABSL_GUARDED_BY(mu_);
};

// Carries one stream over one call. A door derives from it what writes to its transport.
//
// All work is done by *steps* on the executor: the first opens the stream, each further one asks it
// for a message and starts the write. A step is posted when there may be something to do and
// neither a step nor a write is under way, so there is never more than one of each. What comes
// meanwhile (a wake, a stop) is remembered in `due_`. A step that ends the call destroys the stream
// first, which waits for a running wake; after that only the door knows this.
class StreamCall {
 public:
  // `method` is a server-streaming one. All references must outlive the call.
  StreamCall(const Method& method, Peer peer, Executor& executor, OpenStreams& open_streams);
  StreamCall(const StreamCall&) = delete;
  StreamCall& operator=(const StreamCall&) = delete;

  // The request has come: posts the first step, or ends the call with BUSY. Once.
  void Start(std::string request);

  // Ends the call with `status` as soon as no write is under way; the first one counts. Nothing
  // happens if it has ended. Thread-safe.
  void Stop(absl::Status status);

 protected:
  virtual ~StreamCall() = default;

  // Starts to write a message and returns; WriteDone() follows, perhaps before this returns.
  virtual void Write(std::shared_ptr<const std::string> message) = 0;

  // Writes `last`, if there is one, and ends the call. The last thing that is done here: the door
  // may destroy this from now on.
  virtual void Finish(const absl::Status& status, absl::optional<std::string> last) = 0;

  // The write is over; with `ok` false no other can follow.
  void WriteDone(bool ok);

 private:
  // There may be something to do.
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  void PostIfDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);

  // On the executor; one at a time.
  void RunStep();
  void End(const absl::Status& status, absl::optional<std::string> last = absl::nullopt);

  const Method& method_;
  const Peer peer_;
  Executor& executor_;
  OpenStreams& open_streams_;

  // Used by steps only.
  std::string request_;
  std::unique_ptr<ByteStream> stream_;

  absl::Mutex mu_;
  bool due_ ABSL_GUARDED_BY(mu_) = false;     // something may be to do after what is under way
  bool running_ ABSL_GUARDED_BY(mu_) = true;  // a step is posted or runs; the first from Start() on
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  absl::Status stop_ ABSL_GUARDED_BY(mu_);  // an error once the call shall end
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_STREAM_CALL_H_
