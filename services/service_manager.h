#ifndef NIGHTLOG_SERVICES_SERVICE_MANAGER_H_
#define NIGHTLOG_SERVICES_SERVICE_MANAGER_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nightlog {

// Tells whoever started the process, such as systemd, how it is: datagrams to the socket that the
// variable NOTIFY_SOCKET names (see sd_notify). Without one nobody is told. What cannot be told is
// dropped. Thread-safe.
class ServiceManager {
 public:
  // `socket` is a path, or `@` and a name of Linux's abstract ones; empty: there is none.
  explicit ServiceManager(absl::string_view socket) : socket_(socket) {}

  // Serves from now on.
  void Ready() const { Tell("READY=1"); }
  // Drains, and ends soon.
  void Stopping() const { Tell("STOPPING=1"); }
  // Makes progress. Whoever asked for a watchdog ends a process that does not say so for long.
  void Alive() const { Tell("WATCHDOG=1"); }

 private:
  void Tell(absl::string_view state) const;

  const std::string socket_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_SERVICE_MANAGER_H_
