#include "services/call_limits.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/match.h"
#include "services/access.h"
#include "storage/core/errors.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

constexpr double kBytesPerCost = 16 << 10;
constexpr double kBurstSeconds = 60;
constexpr double kPairingsBurst = 20;
// How much dearer a call is whose token nobody has: no device of a family makes many of them.
constexpr double kUnknownTokenFactor = 16;
// Each takes some 20 bytes.
constexpr size_t kKeysMax = 1 << 17;
constexpr absl::Duration kSweepInterval = absl::Seconds(1);
// Until a stream of the same device may have ended.
constexpr absl::Duration kStreamRetry = absl::Seconds(10);

bool IsPairing(absl::string_view path) {
  return absl::EndsWith(path, "/CreateFamily") || absl::EndsWith(path, "/Join");
}

class LimitedStream final : public ByteStream {
 public:
  LimitedStream(std::unique_ptr<ByteStream> stream, std::vector<std::shared_ptr<void>> open)
      : open_(std::move(open)), stream_(std::move(stream)) {}
  StreamStep<std::string> Next() override { return stream_->Next(); }
  bool WriteIfOpen(absl::FunctionRef<void()> write) override { return stream_->WriteIfOpen(write); }

 private:
  const std::vector<std::shared_ptr<void>> open_;
  const std::unique_ptr<ByteStream> stream_;
};

}  // namespace

RateLimit::RateLimit(const Clock& clock, double per_second, double burst, size_t keys_max)
    : clock_(clock), keys_max_(keys_max), per_second_(per_second), burst_(burst) {}

void RateLimit::SetRate(double per_second, double burst) {
  absl::MutexLock lock(&mu_);
  per_second_ = per_second;
  burst_ = burst;
}

absl::Duration RateLimit::Take(absl::string_view key, double cost) {
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  if (per_second_ <= 0) return absl::ZeroDuration();
  const absl::Duration to_fill = absl::Seconds(burst_ / per_second_);
  absl::Time& full_at = FullAt(key, now);
  // Even where nothing is taken: after the clock was set back, a bucket fills from then on.
  full_at = std::min(std::max(full_at, now), now + 2 * to_fill);
  const absl::Time full_then = full_at + absl::Seconds(std::min(cost, burst_) / per_second_);
  const absl::Duration wait = full_then - now - to_fill;
  if (wait > absl::ZeroDuration()) return wait;
  full_at = full_then;
  return absl::ZeroDuration();
}

void RateLimit::Charge(absl::string_view key, double cost) {
  const absl::Time now = clock_.Now();
  absl::MutexLock lock(&mu_);
  if (per_second_ <= 0) return;
  absl::Time& full_at = FullAt(key, now);
  full_at = std::min(std::max(full_at, now) + absl::Seconds(cost / per_second_),
                     now + 2 * absl::Seconds(burst_ / per_second_));
}

absl::Time& RateLimit::FullAt(absl::string_view key, absl::Time now) {
  const uint64_t hash = absl::HashOf(key);
  if (full_at_.size() >= keys_max_ && !full_at_.contains(hash)) {
    if (swept_at_ + kSweepInterval <= now || now < swept_at_) {
      swept_at_ = now;
      absl::erase_if(full_at_, [now](const auto& entry) { return entry.second <= now; });
    }
    if (full_at_.size() >= keys_max_) return shared_full_at_;
  }
  return full_at_.try_emplace(hash, now).first->second;
}

CallLimits::CallLimits(const Clock& clock, const CallLimitOptions& options)
    : devices_(clock, 0, 0, kKeysMax),
      addresses_(clock, 0, 0, kKeysMax),
      pairings_(clock, 0, 0, kKeysMax) {
  SetOptions(options);
}

void CallLimits::SetOptions(const CallLimitOptions& options) {
  devices_.SetRate(options.device_calls_per_second,
                   options.device_calls_per_second * kBurstSeconds);
  addresses_.SetRate(options.address_calls_per_second,
                     options.address_calls_per_second * kBurstSeconds);
  pairings_.SetRate(options.address_pairings_per_minute / 60.0, kPairingsBurst);
  absl::MutexLock lock(&mu_);
  device_streams_max_ = options.device_streams_max;
  address_streams_max_ = options.address_streams_max;
}

absl::Status CallLimits::Admit(const Peer& peer, bool is_pairing) {
  if (peer.address.empty()) return absl::OkStatus();
  absl::Duration wait = addresses_.Take(peer.address, 1);
  if (wait == absl::ZeroDuration() && is_pairing) wait = pairings_.Take(peer.address, 1);
  if (wait > absl::ZeroDuration()) {
    return TooMuchError("Your network asks for too much at once", wait);
  }
  if (!peer.token.empty()) wait = devices_.Take(peer.token, 1);
  if (wait > absl::ZeroDuration()) {
    return TooMuchError("This device asks for too much at once", wait);
  }
  return absl::OkStatus();
}

void CallLimits::Charge(const Peer& peer, size_t request_bytes) {
  if (peer.address.empty()) return;
  const double cost = static_cast<double>(request_bytes) / kBytesPerCost;
  addresses_.Charge(peer.address, cost);
  if (!peer.token.empty()) devices_.Charge(peer.token, cost);
}

void CallLimits::ChargeIfTokenIsUnknown(const absl::Status& answer, const Peer& peer,
                                        size_t request_bytes) {
  if (peer.address.empty() || ReasonOf(answer) != v1::ERROR_REASON_UNKNOWN_DEVICE) return;
  const double cost = 1 + static_cast<double>(request_bytes) / kBytesPerCost;
  addresses_.Charge(peer.address, cost * (kUnknownTokenFactor - 1));
}

absl::StatusOr<std::vector<std::shared_ptr<void>>> CallLimits::OpenStream(const Peer& peer) {
  if (peer.address.empty()) return std::vector<std::shared_ptr<void>>();
  int device_max = 0;
  int address_max = 0;
  {
    absl::MutexLock lock(&mu_);
    device_max = device_streams_max_;
    address_max = address_streams_max_;
  }
  std::vector<std::shared_ptr<void>> open = {
      streams_of_addresses_.Open(peer.address, address_max),
      streams_of_devices_.Open(SecretHash(peer.token.empty() ? peer.address : peer.token),
                               device_max)};
  if (open[0] == nullptr) {
    return TooMuchError("Your network has too many streams open", kStreamRetry);
  }
  if (open[1] == nullptr) {
    return TooMuchError("This device has too many streams open", kStreamRetry);
  }
  return open;
}

Methods LimitMethods(const Methods& methods, CallLimits& limits) {
  Methods limited;
  for (const auto& [path, method] : methods) {
    limited[path].admit = [&limits, is_pairing = IsPairing(path)](const Peer& peer) {
      return limits.Admit(peer, is_pairing);
    };
    if (method.call != nullptr) {
      limited[path].call = [&limits, &method = method](const Peer& peer, absl::string_view request,
                                                       Done<std::string> done) {
        if (peer.address.empty()) return method.call(peer, request, std::move(done));
        limits.Charge(peer, request.size());
        method.call(peer, request,
                    [&limits, peer, request_bytes = request.size(),
                     done = std::move(done)](absl::StatusOr<std::string> answer) {
                      limits.ChargeIfTokenIsUnknown(answer.status(), peer, request_bytes);
                      done(std::move(answer));
                    });
      };
    } else {
      limited[path].open = [&limits, &method = method](
                               const Peer& peer, absl::string_view request,
                               StreamWake wake) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
        limits.Charge(peer, request.size());
        ASSIGN_OR_RETURN(std::vector<std::shared_ptr<void>> open, limits.OpenStream(peer));
        absl::StatusOr<std::unique_ptr<ByteStream>> stream =
            method.open(peer, request, std::move(wake));
        limits.ChargeIfTokenIsUnknown(stream.status(), peer, request.size());
        RETURN_IF_ERROR(stream.status());
        return std::make_unique<LimitedStream>(*std::move(stream), std::move(open));
      };
    }
  }
  return limited;
}

TokenCheck LimitTokenCheck(TokenCheck check, CallLimits& limits) {
  return [&limits, check = std::move(check)](const Peer& peer, size_t request_bytes) {
    absl::Status known = check(peer, request_bytes);
    if (!known.ok()) limits.Charge(peer, request_bytes);
    limits.ChargeIfTokenIsUnknown(known, peer, request_bytes);
    return known;
  };
}

}  // namespace nightlog
