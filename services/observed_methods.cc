#include "services/observed_methods.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "storage/core/errors.h"
#include "storage/core/steady_clock.h"

namespace nightlog {
namespace {

constexpr int64_t kNotWoken = 0;

// What one method's calls are observed with.
struct MethodObserver {
  const std::string path;
  const Log& log;
  MethodMetrics& metrics;

  void Ended(const absl::Status& status) const {
    metrics.ended.at(static_cast<size_t>(status.code())).Add();
    switch (status.code()) {
      case absl::StatusCode::kUnknown:
      case absl::StatusCode::kInternal:
      case absl::StatusCode::kDataLoss:
        // Only the store makes messages of these, and it writes of ids.
        return log.Error("call failed", {{"method", path},
                                         {"code", absl::StatusCodeToString(status.code())},
                                         {"reason", v1::ErrorReason_Name(ReasonOf(status))},
                                         {"message", status.message()}});
      default:
        return;
    }
  }
};

class ObservedStream final : public ByteStream {
 public:
  // `woken_ns` is when the stream was first woken since the last step; kNotWoken: it was not.
  ObservedStream(const MethodObserver& observer, std::shared_ptr<std::atomic<int64_t>> woken_ns,
                 std::unique_ptr<ByteStream> stream)
      : observer_(observer), woken_ns_(std::move(woken_ns)), stream_(std::move(stream)) {
    observer_.metrics.open_streams.Add(1);
  }

  ~ObservedStream() override {
    observer_.metrics.open_streams.Add(-1);
    if (!ended_) observer_.Ended(absl::CancelledError());
  }

  StreamStep<std::string> Next() override {
    const int64_t woken_ns = woken_ns_->exchange(kNotWoken, std::memory_order_relaxed);
    StreamStep<std::string> step = stream_->Next();
    if (step.kind == StreamStep<std::string>::Kind::kMessage && woken_ns != kNotWoken) {
      observer_.metrics.lag.Add(static_cast<uint64_t>(SteadyNanos() - woken_ns));
    } else if (step.kind == StreamStep<std::string>::Kind::kEnd) {
      ended_ = true;
      observer_.Ended(step.status);
    }
    return step;
  }

  bool WriteIfOpen(absl::FunctionRef<void()> write) override { return stream_->WriteIfOpen(write); }

 private:
  const MethodObserver& observer_;
  const std::shared_ptr<std::atomic<int64_t>> woken_ns_;
  const std::unique_ptr<ByteStream> stream_;
  bool ended_ = false;
};

Method ObserveCall(const Method& method, std::shared_ptr<const MethodObserver> observer) {
  Method observed;
  observed.call = [observer = std::move(observer), &method](
                      const Peer& peer, absl::string_view request, Done<std::string> done) {
    method.call(peer, request,
                [&observer = *observer, began_ns = SteadyNanos(),
                 done = std::move(done)](absl::StatusOr<std::string> answer) {
                  observer.metrics.took.Add(static_cast<uint64_t>(SteadyNanos() - began_ns));
                  observer.Ended(answer.status());
                  done(std::move(answer));
                });
  };
  return observed;
}

Method ObserveStream(const Method& method, std::shared_ptr<const MethodObserver> observer) {
  Method observed;
  observed.open = [observer = std::move(observer), &method](
                      const Peer& peer, absl::string_view request,
                      StreamWake wake) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
    auto woken_ns = std::make_shared<std::atomic<int64_t>>(kNotWoken);
    absl::StatusOr<std::unique_ptr<ByteStream>> stream =
        method.open(peer, request, [woken_ns, wake = std::move(wake)] {
          int64_t not_woken = kNotWoken;
          woken_ns->compare_exchange_strong(not_woken, SteadyNanos(), std::memory_order_relaxed);
          wake();
        });
    if (!stream.ok()) {
      observer->Ended(stream.status());
      return stream;
    }
    return std::make_unique<ObservedStream>(*observer, std::move(woken_ns), *std::move(stream));
  };
  return observed;
}

}  // namespace

Methods ObserveMethods(const Methods& methods, const Log& log, Metrics& metrics) {
  Methods observed;
  for (const auto& [path, method] : methods) {
    const bool is_stream = method.open != nullptr;
    auto observer = std::make_shared<const MethodObserver>(
        MethodObserver{path, log, metrics.AddMethod(path, is_stream)});
    observed[path] = is_stream ? ObserveStream(method, observer) : ObserveCall(method, observer);
    if (method.admit == nullptr) continue;
    observed[path].admit = [observer = std::move(observer), &method = method](const Peer& peer) {
      absl::Status admitted = method.admit(peer);
      if (!admitted.ok()) observer->Ended(admitted);
      return admitted;
    };
  }
  return observed;
}

}  // namespace nightlog
