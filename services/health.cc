#include "services/health.h"

#include <memory>
#include <utility>

#include "absl/types/optional.h"
#include "grpc/health/v1/health.pb.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

using grpc::health::v1::HealthCheckRequest;
using grpc::health::v1::HealthCheckResponse;

// Anybody may watch, without a token.
constexpr size_t kWatchersMax = 1000;

absl::StatusOr<std::string> ServiceIn(absl::string_view bytes) {
  HealthCheckRequest request;
  if (request.ParseFromArray(bytes.data(), static_cast<int>(bytes.size()))) {
    return request.service();
  }
  return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_INVALID_FIELD,
                   "The request is not a HealthCheckRequest.");
}

HealthCheckResponse::ServingStatus StatusOf(bool serving) {
  return serving ? HealthCheckResponse::SERVING : HealthCheckResponse::NOT_SERVING;
}

std::string ResponseOf(HealthCheckResponse::ServingStatus status) {
  HealthCheckResponse response;
  response.set_status(status);
  return response.SerializeAsString();
}

}  // namespace

// Sends the status, and again whenever it is another.
class Health::Watcher final : public ByteStream {
 public:
  Watcher(Health& health, std::string service, StreamWake wake)
      : health_(health), service_(std::move(service)) {
    absl::MutexLock lock(&health_.mu_);
    health_.wakes_.emplace(this, std::move(wake));
  }
  ~Watcher() override {
    absl::MutexLock lock(&health_.mu_);
    health_.wakes_.erase(this);
  }

  StreamStep<std::string> Next() override {
    StreamStep<std::string> step;
    const State state = health_.state();
    const HealthCheckResponse::ServingStatus status =
        health_.Has(service_) ? StatusOf(state.serving) : HealthCheckResponse::SERVICE_UNKNOWN;
    if (state.stopped) {
      step.kind = StreamStep<std::string>::Kind::kEnd;
      step.message =
          std::make_shared<const std::string>(ResponseOf(HealthCheckResponse::NOT_SERVING));
      step.status = DrainingError();
    } else if (told_ != status) {
      told_ = status;
      step.kind = StreamStep<std::string>::Kind::kMessage;
      step.message = std::make_shared<const std::string>(ResponseOf(status));
    }
    return step;
  }

  bool WriteIfOpen(absl::FunctionRef<void()> write) override {
    write();
    return true;
  }

 private:
  Health& health_;
  const std::string service_;
  absl::optional<HealthCheckResponse::ServingStatus> told_;
};

Health::Health(std::set<std::string> services) : services_(std::move(services)) {
  methods_["/grpc.health.v1.Health/Check"].call = [this](const Peer&, absl::string_view bytes,
                                                         Done<std::string> done) {
    const absl::StatusOr<std::string> service = ServiceIn(bytes);
    if (!service.ok()) return done(service.status());
    if (!Has(*service)) {
      return done(MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                            "This server has no such service."));
    }
    const State now = state();
    done(ResponseOf(StatusOf(now.serving && !now.stopped)));
  };
  methods_["/grpc.health.v1.Health/Watch"].open =
      [this](const Peer&, absl::string_view bytes,
             StreamWake wake) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
    ASSIGN_OR_RETURN(std::string service, ServiceIn(bytes));
    {
      absl::MutexLock lock(&mu_);
      if (wakes_.size() >= kWatchersMax) return BusyError();
    }
    return std::make_unique<Watcher>(*this, std::move(service), std::move(wake));
  };
}

void Health::SetServing(bool serving) {
  absl::MutexLock lock(&mu_);
  if (std::exchange(state_.serving, serving) == serving) return;
  for (const auto& [watcher, wake] : wakes_) wake();
}

void Health::Stop() {
  absl::MutexLock lock(&mu_);
  state_.stopped = true;
  for (const auto& [watcher, wake] : wakes_) wake();
}

Health::State Health::state() const {
  absl::MutexLock lock(&mu_);
  return state_;
}

bool Health::Has(const std::string& service) const {
  return service.empty() || services_.count(service) > 0;
}

}  // namespace nightlog
