#include "services/peer.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <cstring>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"

namespace nightlog {
namespace {

constexpr size_t kAddressBytesMax = 64;
constexpr size_t kNetworkBytes = 8;  // of an IPv6 address: its /64

// An IPv4 address that came by an IPv6 socket is what it is.
absl::string_view Unmapped(absl::string_view ip) {
  return absl::StartsWithIgnoreCase(ip, "::ffff:") && absl::StrContains(ip, '.') ? ip.substr(7)
                                                                                 : ip;
}

bool IsThisMachine(absl::string_view ip) {
  return ip.empty() || ip == "::1" || absl::StartsWith(ip, "127.");
}

std::string Network(absl::string_view ip) {
  in6_addr address;
  if (inet_pton(AF_INET6, std::string(ip).c_str(), &address) != 1) {
    return std::string(ip.substr(0, kAddressBytesMax));
  }
  std::memset(address.s6_addr + kNetworkBytes, 0, sizeof(address) - kNetworkBytes);
  char text[INET6_ADDRSTRLEN];
  return absl::StrCat(inet_ntop(AF_INET6, &address, text, sizeof(text)), "/64");
}

}  // namespace

std::string AddressOf(absl::string_view ip, absl::string_view forwarded_for) {
  ip = Unmapped(ip);
  if (!IsThisMachine(ip)) return Network(ip);
  // npos + 1 is 0: there is one only.
  forwarded_for = absl::StripAsciiWhitespace(forwarded_for.substr(forwarded_for.rfind(',') + 1));
  forwarded_for = Unmapped(absl::StripSuffix(absl::StripPrefix(forwarded_for, "["), "]"));
  return IsThisMachine(forwarded_for) ? "" : Network(forwarded_for);
}

}  // namespace nightlog
