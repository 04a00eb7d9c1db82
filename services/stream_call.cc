#include "services/stream_call.h"

#include <utility>

#include "absl/status/statusor.h"

namespace nightlog {

void OpenStreams::Add(StreamCall* stream) {
  absl::MutexLock lock(&mu_);
  streams_.insert(stream);
  if (draining_) stream->Stop(DrainingError());
}

void OpenStreams::Remove(StreamCall* stream) {
  absl::MutexLock lock(&mu_);
  streams_.erase(stream);
}

void OpenStreams::DrainAll() {
  absl::MutexLock lock(&mu_);
  draining_ = true;
  for (StreamCall* stream : streams_) stream->Stop(DrainingError());
}

StreamCall::StreamCall(const Method& method, Peer peer, Executor& executor,
                       OpenStreams& open_streams)
    : method_(method), peer_(std::move(peer)), executor_(executor), open_streams_(open_streams) {}

void StreamCall::Start(std::string request) {
  request_ = std::move(request);
  open_streams_.Add(this);
  if (!executor_.TryPost([this] { RunStep(); })) End(BusyError());
}

void StreamCall::Stop(absl::Status status) {
  absl::MutexLock lock(&mu_);
  if (stop_.ok()) stop_ = std::move(status);
  Wake();
}

void StreamCall::WriteDone(bool ok) {
  absl::MutexLock lock(&mu_);
  writing_ = false;
  if (!ok) {
    if (stop_.ok()) stop_ = absl::CancelledError("The call was cancelled.");
    due_ = true;
  }
  PostIfDue();
}

void StreamCall::Wake() {
  due_ = true;
  PostIfDue();
}

void StreamCall::PostIfDue() {
  if (!due_ || running_ || writing_) return;
  due_ = false;
  running_ = true;
  executor_.Post([this] { RunStep(); });
}

void StreamCall::RunStep() {
  using Kind = StreamStep<std::string>::Kind;
  absl::Status stop;
  {
    absl::MutexLock lock(&mu_);
    stop = stop_;
  }
  if (!stop.ok()) return End(stop);
  if (stream_ == nullptr) {
    absl::StatusOr<std::unique_ptr<ByteStream>> opened = method_.open(peer_, request_, [this] {
      absl::MutexLock lock(&mu_);
      Wake();
    });
    if (!opened.ok()) return End(opened.status());
    stream_ = *std::move(opened);
  }
  StreamStep<std::string> step = stream_->Next();
  if (step.kind == Kind::kEnd) {
    // A last message says why the stream ends and carries no records, so it needs no gate.
    absl::optional<std::string> last;
    if (step.message != nullptr) last = *step.message;
    return End(step.status, std::move(last));
  }
  if (step.kind == Kind::kMessage) {
    // The write may be over before this returns; as long as this runs, no other step does.
    stream_->WriteIfOpen([this, &step] {
      {
        absl::MutexLock lock(&mu_);
        writing_ = true;
      }
      Write(std::move(step.message));
    });
  }
  absl::MutexLock lock(&mu_);
  running_ = false;
  if (step.kind == Kind::kMessage && step.more) due_ = true;
  PostIfDue();
}

void StreamCall::End(const absl::Status& status, absl::optional<std::string> last) {
  // Nothing of ours knows this any more. `running_` stays true, so that nothing is posted again.
  stream_.reset();
  open_streams_.Remove(this);
  Finish(status, std::move(last));
}

}  // namespace nightlog
