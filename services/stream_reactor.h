#ifndef NIGHTLOG_SERVICES_STREAM_REACTOR_H_
#define NIGHTLOG_SERVICES_STREAM_REACTOR_H_

#include <grpcpp/support/server_callback.h>

#include <functional>
#include <memory>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "services/executor.h"
#include "services/message_stream.h"
#include "services/rpc_status.h"
#include "storage/core/errors.h"

namespace nightlog {

// The answer where the executor has too much to do.
inline absl::Status BusyError() {
  return WithRetryDelay(MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_BUSY,
                                  "The server has too much to do; try again in a second."),
                        absl::Seconds(1));
}

// A stream that can be told to end because the server stops.
class DrainableStream {
 public:
  virtual ~DrainableStream() = default;
  virtual void Drain() = 0;
};

// The streams that are open. Thread-safe. Its lock comes before that of a stream.
class OpenStreams {
 public:
  // A stream added after DrainAll is told to end at once.
  void Add(DrainableStream* stream) {
    absl::MutexLock lock(&mu_);
    streams_.insert(stream);
    if (draining_) stream->Drain();
  }

  void Remove(DrainableStream* stream) {
    absl::MutexLock lock(&mu_);
    streams_.erase(stream);
  }

  // Tells every stream to end with UNAVAILABLE (DRAINING). Does not wait for it.
  void DrainAll() {
    absl::MutexLock lock(&mu_);
    draining_ = true;
    for (DrainableStream* stream : streams_) stream->Drain();
  }

 private:
  absl::Mutex mu_;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
  absl::flat_hash_set<DrainableStream*> streams_ ABSL_GUARDED_BY(mu_);
};

// Carries one MessageStream over one server-streaming call. Owns itself: make it with new, call
// Start(), hand it to gRPC.
//
// All work is done by *steps* on the executor: the first opens the stream, each further one asks it
// for a message and starts the write. A step is posted when there may be something to do and
// neither a step nor a write is under way, so there is never more than one of each. What comes
// meanwhile (a wake, the end of a write, a cancellation, a drain) is remembered in `due_`. A step
// that ends the call destroys the stream first, which waits for a running wake; after that nothing
// but gRPC knows this, and OnDone deletes it.
template <typename Response>
class StreamReactor final : public grpc::ServerWriteReactor<Response>, public DrainableStream {
 public:
  using Stream = MessageStream<Response>;
  using Step = StreamStep<Response>;
  // May block.
  using Open = std::function<absl::StatusOr<std::unique_ptr<Stream>>(StreamWake wake)>;

  // Both must outlive the call.
  StreamReactor(Executor& executor, OpenStreams& open_streams, Open open)
      : executor_(executor), open_streams_(open_streams), open_(std::move(open)) {}

  // Posts the first step, or ends the call with BUSY.
  void Start() {
    open_streams_.Add(this);
    if (!executor_.TryPost([this] { RunStep(); })) End(BusyError());
  }

  void Drain() override {
    absl::MutexLock lock(&mu_);
    draining_ = true;
    Wake();
  }

 private:
  void OnWriteDone(bool ok) override {
    absl::MutexLock lock(&mu_);
    writing_ = false;
    if (!ok) cancelled_ = true;
    Wake();
  }

  void OnCancel() override {
    absl::MutexLock lock(&mu_);
    cancelled_ = true;
    Wake();
  }

  void OnDone() override { delete this; }

  // There may be something to do.
  void Wake() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    due_ = true;
    PostIfDue();
  }

  void PostIfDue() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    if (!due_ || running_ || writing_) return;
    due_ = false;
    running_ = true;
    executor_.Post([this] { RunStep(); });
  }

  // On the executor; one at a time.
  void RunStep() {
    bool cancelled = false;
    bool draining = false;
    {
      absl::MutexLock lock(&mu_);
      cancelled = cancelled_;
      draining = draining_;
    }
    if (cancelled) return End(absl::CancelledError("The call was cancelled."));
    if (draining) {
      return End(MakeError(absl::StatusCode::kUnavailable, v1::ERROR_REASON_DRAINING,
                           "The server is stopping; try again."));
    }
    if (stream_ == nullptr) {
      absl::StatusOr<std::unique_ptr<Stream>> opened = open_([this] {
        absl::MutexLock lock(&mu_);
        Wake();
      });
      if (!opened.ok()) return End(opened.status());
      stream_ = *std::move(opened);
    }
    Step step = stream_->Next();
    if (step.kind == Step::Kind::kEnd) return EndWith(std::move(step));
    if (step.kind == Step::Kind::kMessage) {
      message_ = std::move(step.message);
      // The write may be over before this returns; as long as this runs, no other step does.
      stream_->WriteIfOpen([this] {
        {
          absl::MutexLock lock(&mu_);
          writing_ = true;
        }
        this->StartWrite(&message_);
      });
    }
    absl::MutexLock lock(&mu_);
    running_ = false;
    if (step.kind == Step::Kind::kMessage) due_ = true;  // there may be another
    PostIfDue();
  }

  // A last message says why the stream ends and carries no records, so it needs no gate.
  void EndWith(Step step) {
    if (!step.has_message) return End(step.status);
    message_ = std::move(step.message);
    Leave();
    this->StartWriteAndFinish(&message_, grpc::WriteOptions(), ToGrpcStatus(step.status));
  }

  void End(const absl::Status& status) {
    Leave();
    this->Finish(ToGrpcStatus(status));
  }

  // Nothing of ours knows this any more. `running_` stays true, so that nothing is posted again.
  void Leave() {
    stream_.reset();
    open_streams_.Remove(this);
  }

  Executor& executor_;
  OpenStreams& open_streams_;
  const Open open_;

  // Used by steps only.
  std::unique_ptr<Stream> stream_;
  // Lives until the write that sends it is over.
  Response message_;

  absl::Mutex mu_;
  bool due_ ABSL_GUARDED_BY(mu_) = false;     // something may be to do after what is under way
  bool running_ ABSL_GUARDED_BY(mu_) = true;  // a step is posted or runs; the first from Start() on
  bool writing_ ABSL_GUARDED_BY(mu_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mu_) = false;
  bool draining_ ABSL_GUARDED_BY(mu_) = false;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_STREAM_REACTOR_H_
