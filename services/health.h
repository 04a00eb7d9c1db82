#ifndef NIGHTLOG_SERVICES_HEALTH_H_
#define NIGHTLOG_SERVICES_HEALTH_H_

#include <map>
#include <set>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/synchronization/mutex.h"
#include "services/methods.h"

namespace nightlog {

// The standard health protocol, grpc.health.v1, as methods like all others. gRPC has one of its
// own, but that keeps each watcher's call open while the server stops, and a stop waits for calls.
//
// Everything is SERVING until SetServing() says otherwise, or Stop(). Some 1,000 may watch at once;
// more are answered RESOURCE_EXHAUSTED (BUSY). Thread-safe.
class Health {
 public:
  // The full names of the services there are; `` stands for the server as a whole.
  explicit Health(std::set<std::string> services);

  // By path. The health must outlive every call.
  const Methods& methods() const { return methods_; }

  // Whether everything is SERVING or NOT_SERVING; watchers are told of each change.
  void SetServing(bool serving);

  // Everything is NOT_SERVING from now on. Watchers are told so, and their streams end.
  void Stop();

 private:
  class Watcher;

  struct State {
    bool serving = true;
    bool stopped = false;
  };
  State state() const;
  bool Has(const std::string& service) const;

  const std::set<std::string> services_;
  Methods methods_;

  mutable absl::Mutex mu_;  // held while wakes are called
  State state_ ABSL_GUARDED_BY(mu_);
  std::map<const Watcher*, StreamWake> wakes_ ABSL_GUARDED_BY(mu_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_HEALTH_H_
