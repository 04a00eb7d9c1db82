#include "storage/keys.h"

#include <limits>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {
namespace {

const FamilyId kFamily = TestId<FamilyId>(7);
const std::string kHash(32, 'h');

// Numbers on both sides of each byte's carry, in order.
std::vector<uint64_t> OrderedNumbers() {
  std::vector<uint64_t> numbers = {0, 1};
  for (int bits = 8; bits < 64; bits += 8) {
    numbers.push_back((uint64_t{1} << bits) - 1);
    numbers.push_back(uint64_t{1} << bits);
    numbers.push_back((uint64_t{1} << bits) + 1);
  }
  numbers.push_back(std::numeric_limits<uint64_t>::max());
  return numbers;
}

// Every row that a family can have, by key.
std::vector<std::string> KeysOf(const FamilyId& family) {
  std::vector<std::string> keys = {
      FamilyHeadKey(family),
      RecordKey(family, TestId<RecordId>(1)),
      ReplicaKey(family, TestId<ReplicaId>(1)),
      IndexKey(family, ""),
      IndexKey(family, "\xff\xff"),
      MemberKey(family, TestId<MemberId>(1)),
      FamilyDeviceKey(family, TestId<DeviceId>(1)),
  };
  for (uint64_t number : OrderedNumbers()) {
    keys.push_back(FeedKey(family, number, RecordId(std::string(16, '\xff'))));
    keys.push_back(JournalKey(family, number));
    keys.push_back(EventKey(family, number));
    keys.push_back(TransactionKey(family, ReplicaId(std::string(16, '\xff')), number));
  }
  return keys;
}

TEST(KeysTest, KeysGiveBackWhatTheyWereBuiltFrom) {
  const RecordId record = TestId<RecordId>(0xfffefd);
  EXPECT_EQ(RecordIdOfKey(RecordKey(kFamily, record)), record);
  EXPECT_EQ(DeriverPartOf(IndexKey(kFamily, "some key")), "some key");
  EXPECT_EQ(DeriverPartOf(IndexKey(kFamily, "")), "");
  const MemberId member = TestId<MemberId>(3);
  EXPECT_EQ(LastIdOf(MemberKey(kFamily, member)), member.bytes());
  const DeviceId device = TestId<DeviceId>(4);
  EXPECT_EQ(LastIdOf(FamilyDeviceKey(kFamily, device)), device.bytes());
  EXPECT_EQ(LastIdOf(DeviceFamilyKey(device, kFamily)), kFamily.bytes());
  for (uint64_t number : OrderedNumbers()) {
    EXPECT_EQ(RevisionOfJournalKey(JournalKey(kFamily, number)), number);
    EXPECT_EQ(NumberOfEventKey(EventKey(kFamily, number)), number);
    const TransactionName name =
        ParseTransactionKey(TransactionKey(kFamily, TestId<ReplicaId>(5), number));
    EXPECT_EQ(name.replica, TestId<ReplicaId>(5));
    EXPECT_EQ(name.seq, number);
    const FeedPosition position = ParseFeedKey(FeedKey(kFamily, number, record));
    EXPECT_EQ(position.revision, number);
    EXPECT_EQ(position.record, record);
  }
}

TEST(KeysTest, ByteOrderIsNumberOrder) {
  const std::vector<uint64_t> numbers = OrderedNumbers();
  const RecordId first(std::string(16, '\0'));
  const RecordId last(std::string(16, '\xff'));
  const ReplicaId replica = TestId<ReplicaId>(1);
  for (size_t i = 1; i < numbers.size(); ++i) {
    EXPECT_LT(JournalKey(kFamily, numbers[i - 1]), JournalKey(kFamily, numbers[i]));
    EXPECT_LT(TransactionKey(kFamily, replica, numbers[i - 1]),
              TransactionKey(kFamily, replica, numbers[i]));
    EXPECT_LT(FeedKey(kFamily, numbers[i - 1], last), FeedKey(kFamily, numbers[i], first));
  }
  EXPECT_LT(ShardHeadKey(255), ShardHeadKey(256));
}

TEST(KeysTest, FeedKeyAfterLiesBetweenARevisionAndTheNext) {
  for (uint64_t revision : {uint64_t{0}, uint64_t{1}, uint64_t{255}, uint64_t{65535}}) {
    const std::string after = FeedKeyAfter(kFamily, revision);
    EXPECT_LT(FeedKey(kFamily, revision, RecordId(std::string(16, '\xff'))), after);
    EXPECT_LE(after, FeedKey(kFamily, revision + 1, RecordId(std::string(16, '\0'))));
  }
  EXPECT_EQ(FeedKeyAfter(kFamily, std::numeric_limits<uint64_t>::max()), FamilyLimit(kFamily));
}

TEST(KeysTest, EveryRowOfAFamilyLiesInItsRangeAndInNoOther) {
  // Neighbours, also across a carry, and the last id there is.
  const FamilyId before(std::string(15, '\x11') + '\xfe');
  const FamilyId family(std::string(15, '\x11') + '\xff');
  const FamilyId after(std::string(14, '\x11') + std::string("\x12\x00", 2));
  const FamilyId last(std::string(16, '\xff'));
  for (const std::string& key : KeysOf(family)) {
    EXPECT_LE(FamilyStart(family), key);
    EXPECT_LT(key, FamilyLimit(family));
    EXPECT_LE(FamilyLimit(before), key);
    EXPECT_LT(key, FamilyStart(after));
  }
  for (const std::string& key : KeysOf(last)) EXPECT_LE(FamilyStart(last), key);
  EXPECT_EQ(FamilyLimit(last), "") << "no bound: nothing comes after";
}

TEST(KeysTest, RowsOfTheStoreLieUnderTheIdOfZerosAndDoNotMix) {
  const std::string limit = FamilyLimit(FamilyId());
  std::vector<std::string> keys = {
      StoreHeadKey(),           ShardHeadKey(0),
      ShardHeadKey(0xffffffff), DeviceKey(kHash),
      InviteKey(kHash),         SetupCodeKey(kHash),
      PairingKey(kHash),        DeviceFamilyKey(DeviceId(std::string(16, '\xff')), kFamily),
      NewTokenKey(kHash)};
  for (const std::string& key : keys) {
    EXPECT_LT(FamilyStart(FamilyId()), key);
    EXPECT_LT(key, limit);
    EXPECT_NE(key, FamilyHeadKey(FamilyId())) << "the id of zeros must not look like a family";
  }
  const auto under = [](const std::string& key, const std::string& prefix) {
    return key >= prefix && key < PrefixLimit(prefix);
  };
  EXPECT_TRUE(under(ShardHeadKey(0xffffffff), ShardHeadsPrefix()));
  EXPECT_FALSE(under(StoreHeadKey(), ShardHeadsPrefix()));
  EXPECT_TRUE(under(InviteKey(kHash), InvitesPrefix()));
  EXPECT_FALSE(under(DeviceKey(kHash), InvitesPrefix()));
  EXPECT_TRUE(under(SetupCodeKey(kHash), SetupCodesPrefix()));
  EXPECT_FALSE(under(InviteKey(kHash), SetupCodesPrefix()));
  EXPECT_TRUE(under(PairingKey(kHash), PairingsPrefix()));
  EXPECT_FALSE(under(InviteKey(kHash), PairingsPrefix()));
  const DeviceId device = TestId<DeviceId>(1);
  EXPECT_TRUE(under(DeviceFamilyKey(device, kFamily), DeviceFamiliesPrefix(device)));
  EXPECT_FALSE(under(DeviceFamilyKey(TestId<DeviceId>(2), kFamily), DeviceFamiliesPrefix(device)));
}

TEST(KeysTest, MembersAndDevicesOfAFamilyAreApart) {
  const std::string member = MemberKey(kFamily, MemberId(std::string(16, '\xff')));
  const std::string device = FamilyDeviceKey(kFamily, DeviceId(std::string(16, '\xff')));
  EXPECT_GE(member, MembersPrefix(kFamily));
  EXPECT_LT(member, PrefixLimit(MembersPrefix(kFamily)));
  EXPECT_GE(device, FamilyDevicesPrefix(kFamily));
  EXPECT_LT(device, PrefixLimit(FamilyDevicesPrefix(kFamily)));
  EXPECT_FALSE(device >= MembersPrefix(kFamily) && device < PrefixLimit(MembersPrefix(kFamily)));
}

TEST(KeysTest, PrefixLimitIsTheFirstKeyAfterAllThatBeginWithIt) {
  EXPECT_EQ(PrefixLimit("a"), "b");
  EXPECT_EQ(PrefixLimit(absl::string_view("a\0", 2)), "a\x01");
  EXPECT_EQ(PrefixLimit("a\x7f"), "a\x80") << "bytes are unsigned";
  EXPECT_EQ(PrefixLimit("a\xff"), "b");
  EXPECT_EQ(PrefixLimit("a\xff\xff"), "b");
  EXPECT_EQ(PrefixLimit("\xff"), "");
  EXPECT_EQ(PrefixLimit(""), "");
}

TEST(KeysDeathTest, AKeyOfAnotherShapeIsABugOfOurs) {
  EXPECT_DEATH(ParseFeedKey(JournalKey(kFamily, 1)), "check failed");
  EXPECT_DEATH(RevisionOfJournalKey(RecordKey(kFamily, TestId<RecordId>(1))), "check failed");
  EXPECT_DEATH(RecordIdOfKey(JournalKey(kFamily, 1)), "check failed");
  EXPECT_DEATH(ParseTransactionKey(JournalKey(kFamily, 1)), "check failed");
  EXPECT_DEATH(InviteKey("short"), "check failed");
}

}  // namespace
}  // namespace nightlog
