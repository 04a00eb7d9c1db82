#include "services/peer.h"

#include "gtest/gtest.h"

namespace nightlog {
namespace {

TEST(PeerTest, AnAddressIsThatOfItsHousehold) {
  EXPECT_EQ(AddressOf("192.0.2.1", ""), "192.0.2.1");
  EXPECT_EQ(AddressOf("::ffff:192.0.2.1", ""), "192.0.2.1");
  EXPECT_EQ(AddressOf("2001:db8:1:2:3:4:5:6", ""), "2001:db8:1:2::/64");
  EXPECT_EQ(AddressOf("2001:db8:1:2::9", ""), "2001:db8:1:2::/64");
}

TEST(PeerTest, ThisMachineIsNoAddress) {
  for (const char* ip : {"", "127.0.0.1", "127.1.2.3", "::1", "::ffff:127.0.0.1"}) {
    EXPECT_EQ(AddressOf(ip, ""), "") << ip;
    EXPECT_EQ(AddressOf(ip, "127.0.0.1"), "") << ip;
  }
}

TEST(PeerTest, AProxyOfThisMachineIsBelievedAndNoOther) {
  EXPECT_EQ(AddressOf("127.0.0.1", "192.0.2.1"), "192.0.2.1");
  EXPECT_EQ(AddressOf("::1", "a lie, 2001:db8::1"), "2001:db8::/64");
  EXPECT_EQ(AddressOf("::1", "[2001:db8::1]"), "2001:db8::/64");
  EXPECT_EQ(AddressOf("192.0.2.1", "127.0.0.1"), "192.0.2.1");
  EXPECT_EQ(AddressOf("192.0.2.1", "192.0.2.9"), "192.0.2.1");
  EXPECT_EQ(AddressOf("127.0.0.1", std::string(1000, 'x')).size(), 64u);
}

}  // namespace
}  // namespace nightlog
