#ifndef NIGHTLOG_SERVICES_PEER_H_
#define NIGHTLOG_SERVICES_PEER_H_

#include <string>

#include "absl/strings/string_view.h"

namespace nightlog {

// Who calls, as a door knows it.
struct Peer {
  // The device's; empty: there is none. Not looked at yet.
  std::string token;
  // What AddressOf says.
  std::string address;
};

// Whom calls from an IP address are counted for. Empty for this machine itself; but if
// `forwarded_for`, the value of x-forwarded-for, is not empty, a proxy on this machine tells for
// whom it calls: the last one named there. An IPv6 address stands for its /64, which one household
// has. Pure; thread-safe.
std::string AddressOf(absl::string_view ip, absl::string_view forwarded_for);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_PEER_H_
