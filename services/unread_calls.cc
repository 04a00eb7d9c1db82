#include "services/unread_calls.h"

#include <algorithm>
#include <utility>
#include <vector>

#include "services/methods.h"

namespace nightlog {

absl::Status UnreadCalls::Add(UnreadCall* call, const std::string& address) {
  Entry entry;
  entry.counted = by_address_.Open(address, kAddressMax);
  if (entry.counted == nullptr) {
    return TooMuchError("Your network has too many calls whose request has not come",
                        absl::Seconds(1));
  }
  absl::MutexLock lock(&mu_);
  if (draining_) return DrainingError();
  calls_.emplace(call, std::move(entry));
  return absl::OkStatus();
}

bool UnreadCalls::Remove(UnreadCall* call) {
  absl::MutexLock lock(&mu_);
  return calls_.erase(call) == 1;
}

void UnreadCalls::EndLate(absl::Time now) {
  std::vector<UnreadCall*> late;
  {
    absl::MutexLock lock(&mu_);
    absl::erase_if(calls_, [&](auto& call) {
      absl::Time& since = call.second.since;
      since = std::min(since, now);  // also where the clock was set back
      if (now - since < kRequestMax) return false;
      late.push_back(call.first);
      return true;
    });
  }
  for (UnreadCall* call : late) call->End(LateRequestError());
}

void UnreadCalls::DrainAll() {
  absl::flat_hash_map<UnreadCall*, Entry> calls;
  {
    absl::MutexLock lock(&mu_);
    draining_ = true;
    calls.swap(calls_);
  }
  for (const auto& [call, entry] : calls) call->End(DrainingError());
}

}  // namespace nightlog
