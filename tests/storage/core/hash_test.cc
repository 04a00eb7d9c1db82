#include "storage/core/hash.h"

#include <algorithm>
#include <vector>

#include "absl/strings/escaping.h"
#include "gtest/gtest.h"

namespace nightlog {
namespace {

// FIPS 180-2, appendix B.1.
TEST(Sha256Test, GivesTheDigestOfTheStandardsExample) {
  EXPECT_EQ(absl::BytesToHexString(Sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

StateHash HashOf(const std::vector<std::string>& parts) {
  StateHash hash;
  for (const std::string& part : parts) hash.Add(Sha256(part));
  return hash;
}

TEST(StateHashTest, DoesNotDependOnTheOrder) {
  std::vector<std::string> parts = {"a", "b", "c", "d"};
  const StateHash hash = HashOf(parts);
  while (std::next_permutation(parts.begin(), parts.end())) EXPECT_EQ(HashOf(parts), hash);
}

TEST(StateHashTest, CountsEachDigest) {
  EXPECT_NE(HashOf({"a"}), HashOf({"a", "a"}));
  EXPECT_NE(HashOf({"a", "b"}), HashOf({"a", "c"}));
  EXPECT_NE(HashOf({"a"}), StateHash());
}

TEST(StateHashTest, RemovingWhatWasAddedLeavesTheRest) {
  StateHash hash = HashOf({"a", "b"});
  hash.Remove(Sha256("a"));
  EXPECT_EQ(hash, HashOf({"b"}));
  hash.Remove(Sha256("b"));
  EXPECT_EQ(hash, StateHash());
  EXPECT_EQ(hash.bytes(), std::string(32, '\0'));
}

TEST(StateHashTest, AddingAnotherHashIsAddingWhatItHolds) {
  StateHash hash = HashOf({"a", "b"});
  hash.Add(HashOf({"c"}));
  EXPECT_EQ(hash, HashOf({"a", "b", "c"}));
}

TEST(StateHashTest, ReadsFourLittleEndianLanesThatCarryApart) {
  std::string ones(32, '\xff');
  std::string one(32, '\0');
  one[0] = 1;
  StateHash hash;
  hash.Add(ones);
  hash.Add(one);
  EXPECT_EQ(hash.bytes(), std::string(8, '\0') + std::string(24, '\xff'));

  StateHash carried;
  carried.Add(one);
  for (int i = 0; i < 255; ++i) carried.Add(one);
  EXPECT_EQ(carried.bytes(), std::string("\0\1", 2) + std::string(30, '\0'));
}

TEST(StateHashTest, ComesBackFromItsBytes) {
  const StateHash hash = HashOf({"a", "b"});
  EXPECT_EQ(StateHash(hash.bytes()), hash);
  EXPECT_EQ(StateHash(""), StateHash());
}

TEST(StateHashTest, ADigestOfAnotherLengthIsABug) {
  StateHash hash;
  EXPECT_DEATH(hash.Add("short"), "check failed");
  EXPECT_DEATH(hash.Remove(std::string(33, 'a')), "check failed");
}

}  // namespace
}  // namespace nightlog
