#include "storage/core/ids.h"

#include <set>

#include "absl/hash/hash_testing.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/fixed_random.h"

namespace nightlog {
namespace {

int VersionOf(const RecordId& id) { return static_cast<uint8_t>(id.bytes()[6]) >> 4; }
int VariantOf(const RecordId& id) { return static_cast<uint8_t>(id.bytes()[8]) >> 6; }

TEST(IdTest, OnlySixteenBytesAreAnId) {
  EXPECT_FALSE(RecordId::IsId(""));
  EXPECT_FALSE(RecordId::IsId(std::string(15, 'a')));
  EXPECT_TRUE(RecordId::IsId(std::string(16, 'a')));
  EXPECT_FALSE(RecordId::IsId(std::string(17, 'a')));
  EXPECT_DEATH(RecordId(std::string(15, 'a')), "check failed");
}

TEST(IdTest, KeepsItsBytesAndOrdersByThemUnsigned) {
  const std::string low(16, '\x7f');
  const std::string high(16, '\x80');
  EXPECT_EQ(RecordId(low).str(), low);
  EXPECT_EQ(RecordId(high).hex(), "80808080808080808080808080808080");
  EXPECT_LT(RecordId(low), RecordId(high));
  EXPECT_NE(RecordId(low), RecordId(high));
}

TEST(IdTest, TheDefaultNamesNothing) {
  EXPECT_TRUE(RecordId().empty());
  EXPECT_FALSE(RecordId(std::string(16, 'a')).empty());
}

TEST(IdTest, HashesLikeItCompares) {
  FixedRandom random(1);
  EXPECT_TRUE(absl::VerifyTypeImplementsAbslHashCorrectly(
      {RecordId(), RecordId::Make(random), RecordId::Make(random)}));
}

TEST(IdTest, KindsOfIdsDoNotMix) {
  EXPECT_FALSE((std::is_convertible<FamilyId, RecordId>::value));
  EXPECT_FALSE((std::is_constructible<RecordId, FamilyId>::value));
}

TEST(MakeRecordIdTest, IsAUuidOfVersionSevenThatHoldsTheMillisecond) {
  FixedRandom random(2);
  const RecordId id = MakeRecordId(absl::FromUnixMillis(0x0123456789ab), random);
  EXPECT_EQ(id.hex().substr(0, 12), "0123456789ab");
  EXPECT_EQ(VersionOf(id), 7);
  EXPECT_EQ(VariantOf(id), 2);
}

TEST(MakeRecordIdTest, SortsByTimeAndDiffersWithinAMillisecond) {
  FixedRandom random(3);
  const absl::Time now = absl::FromUnixMillis(1'700'000'000'000);
  EXPECT_LT(MakeRecordId(now, random), MakeRecordId(now + absl::Milliseconds(1), random));
  std::set<RecordId> ids;
  for (int i = 0; i < 1000; ++i) ids.insert(MakeRecordId(now, random));
  EXPECT_EQ(ids.size(), 1000u);
}

TEST(MakeRecordIdTest, AClockFarOffStillGivesAnId) {
  FixedRandom random(4);
  for (absl::Time time : {absl::InfinitePast(), absl::InfiniteFuture(), absl::UnixEpoch()}) {
    EXPECT_EQ(VersionOf(MakeRecordId(time, random)), 7);
  }
}

TEST(RecordIdOfTest, TheSamePartsGiveTheSameIdAndOthersAnother) {
  EXPECT_EQ(RecordIdOf("import", "row 1"), RecordIdOf("import", "row 1"));
  EXPECT_NE(RecordIdOf("import", "row 1"), RecordIdOf("import", "row 2"));
  EXPECT_NE(RecordIdOf("import", "row 1"), RecordIdOf("night", "row 1"));
  EXPECT_NE(RecordIdOf("a", "bc"), RecordIdOf("ab", "c"));
}

TEST(RecordIdOfTest, IsAUuidOfVersionEight) {
  const RecordId id = RecordIdOf("import", "row 1");
  EXPECT_EQ(VersionOf(id), 8);
  EXPECT_EQ(VariantOf(id), 2);
}

}  // namespace
}  // namespace nightlog
