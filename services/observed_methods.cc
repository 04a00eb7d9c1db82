#include "services/observed_methods.h"

#include <memory>
#include <string>
#include <utility>

#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

// What one method's calls are observed with.
class MethodObserver {
 public:
  MethodObserver(std::string path, const Log& log) : path_(std::move(path)), log_(log) {}

  void Ended(const absl::Status& status) const {
    switch (status.code()) {
      case absl::StatusCode::kUnknown:
      case absl::StatusCode::kInternal:
      case absl::StatusCode::kDataLoss:
        // Only the store makes messages of these, and it writes of ids.
        return log_.Error("call failed", {{"method", path_},
                                          {"code", absl::StatusCodeToString(status.code())},
                                          {"reason", v1::ErrorReason_Name(ReasonOf(status))},
                                          {"message", status.message()}});
      default:
        return;
    }
  }

 private:
  const std::string path_;
  const Log& log_;
};

class ObservedStream final : public ByteStream {
 public:
  ObservedStream(std::shared_ptr<const MethodObserver> observer, std::unique_ptr<ByteStream> stream)
      : observer_(std::move(observer)), stream_(std::move(stream)) {}

  StreamStep<std::string> Next() override {
    StreamStep<std::string> step = stream_->Next();
    if (step.kind == StreamStep<std::string>::Kind::kEnd) observer_->Ended(step.status);
    return step;
  }

  bool WriteIfOpen(absl::FunctionRef<void()> write) override { return stream_->WriteIfOpen(write); }

 private:
  const std::shared_ptr<const MethodObserver> observer_;
  const std::unique_ptr<ByteStream> stream_;
};

}  // namespace

Methods ObserveMethods(const Methods& methods, const Log& log) {
  Methods observed;
  for (const auto& [path, method] : methods) {
    const auto observer = std::make_shared<const MethodObserver>(path, log);
    if (method.call != nullptr) {
      observed[path].call = [observer, &method = method](const Peer& peer,
                                                         absl::string_view request,
                                                         Done<std::string> done) {
        method.call(peer, request,
                    [observer, done = std::move(done)](absl::StatusOr<std::string> answer) {
                      observer->Ended(answer.status());
                      done(std::move(answer));
                    });
      };
    } else {
      observed[path].open = [observer, &method = method](
                                const Peer& peer, absl::string_view request,
                                StreamWake wake) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
        absl::StatusOr<std::unique_ptr<ByteStream>> stream =
            method.open(peer, request, std::move(wake));
        if (!stream.ok()) {
          observer->Ended(stream.status());
          return stream;
        }
        return std::make_unique<ObservedStream>(observer, *std::move(stream));
      };
    }
  }
  return observed;
}

}  // namespace nightlog
