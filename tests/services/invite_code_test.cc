#include "services/invite_code.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace nightlog {
namespace {

// Gives the same byte for ever.
class OneByte final : public Random {
 public:
  explicit OneByte(char byte) : byte_(byte) {}
  std::string Bytes(size_t count) override { return std::string(count, byte_); }

 private:
  const char byte_;
};

TEST(InviteCodeTest, ACodeIsFourGroupsOfFour) {
  OneByte zeros('\0'), ones('\xff'), mixed('\x88');
  EXPECT_EQ(MakeInviteCode(zeros), "0000-0000-0000-0000");
  EXPECT_EQ(MakeInviteCode(ones), "ZZZZ-ZZZZ-ZZZZ-ZZZZ");
  // 10001 00010 00100 01000, twice over.
  EXPECT_EQ(MakeInviteCode(mixed), "H248-H248-H248-H248");
}

TEST(InviteCodeTest, CodesAreNeverTheSame) {
  SystemRandom random;
  std::set<std::string> codes;
  for (int i = 0; i < 1000; ++i) codes.insert(MakeInviteCode(random));
  EXPECT_EQ(codes.size(), 1000u);
}

TEST(InviteCodeTest, HowItIsTypedDoesNotMatter) {
  for (const char* typed : {"K7QF-2M9X-RD4T-B8HW", "k7qf2m9xrd4tb8hw", " K7QF 2M9X RD4T B8HW\n",
                            "k-7-q-f-2m9xrd4tb8hw"}) {
    EXPECT_EQ(NormalizeInviteCode(typed), "K7QF2M9XRD4TB8HW") << typed;
  }
  EXPECT_EQ(NormalizeInviteCode("oOiI lL11 0000 0000"), "0011111100000000");
}

TEST(InviteCodeTest, WhatCannotBeACodeIsNone) {
  for (const char* typed : {"", "K7QF-2M9X-RD4T-B8H", "K7QF-2M9X-RD4T-B8HWX", "K7QF-2M9X-RD4T-B8HU",
                            "K7QF_2M9X_RD4T_B8HW", "K7QF-2M9X-RD4T-B8H\xc3"}) {
    EXPECT_FALSE(NormalizeInviteCode(typed).has_value()) << typed;
  }
}

}  // namespace
}  // namespace nightlog
