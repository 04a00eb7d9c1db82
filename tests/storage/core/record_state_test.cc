#include "storage/core/record_state.h"

#include <functional>
#include <random>
#include <set>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/core/random_state.h"

namespace nightlog {
namespace {

using storage::v1::StoredGroup;
using storage::v1::StoredRecord;
using storage::v1::StoredVersion;
using ::testing::ElementsAre;

TEST(RecordWireTest, AReplicasStateGivesTheSameRecordAgain) {
  int conflicts = 0;
  int deleted = 0;
  for (uint64_t seed = 0; seed < 500; ++seed) {
    const StoredRecord state = RandomState(seed);
    v1::Record wire;
    ASSERT_TRUE(RecordToWire(kRecordId, state, wire)) << seed;
    const StoredRecord replica = RecordFromWire(wire);
    v1::Record again;
    ASSERT_TRUE(RecordToWire(kRecordId, replica, again)) << seed;
    ASSERT_EQ(again.DebugString(), wire.DebugString()) << seed;
    ASSERT_EQ(BodyOf(replica).size(), BodyOf(state).size()) << seed;
    ASSERT_EQ(HasConflict(wire), HasConflict(state)) << seed;
    // The device can tell the same digest, but for posts, whose parts the wire does not separate.
    if (state.kind() != kComment) ASSERT_EQ(DigestOf(kRecordId, replica), state.digest()) << seed;
    conflicts += HasConflict(state) ? 1 : 0;
    deleted += state.deleted() ? 1 : 0;
  }
  EXPECT_GT(conflicts, 50);
  EXPECT_GT(deleted, 10);
}

TEST(RecordWireTest, AValueTravelsOnceWhereTheBodyHasIt) {
  StoredRecord state;
  Merge(NameEdit('a', 1, Minute(1), "loser").authored(), state);
  Merge(NameEdit('b', 1, Minute(2), "winner").authored(), state);
  v1::Record wire;
  ASSERT_TRUE(RecordToWire(kRecordId, state, wire));
  EXPECT_EQ(wire.child().name(), "winner");
  ASSERT_EQ(wire.groups(0).versions_size(), 2);
  EXPECT_FALSE(wire.groups(0).versions(0).has_child());
  EXPECT_EQ(wire.groups(0).versions(1).child().name(), "loser");
  EXPECT_EQ(wire.groups(0).versions(1).member_id(), std::string(16, 'a'));
}

TEST(RecordWireTest, ARecordOfTheServerTravelsAsAWhole) {
  v1::Member member;
  member.set_name("Dana");
  StoredRecord state;
  state.set_kind(kMember);
  state.set_body(member.SerializeAsString());
  v1::Record wire;
  ASSERT_TRUE(RecordToWire(kRecordId, state, wire));
  EXPECT_EQ(wire.member().name(), "Dana");
  EXPECT_EQ(RecordFromWire(wire).body(), state.body());
  EXPECT_FALSE(HasConflict(state));
}

TEST(RecordWireTest, DamagedBytesAndUnknownKindsAreToldApartFromRecords) {
  v1::Record wire;
  StoredRecord state;
  EXPECT_FALSE(RecordToWire(kRecordId, state, wire));
  state.set_kind(4321);
  EXPECT_FALSE(RecordToWire(kRecordId, state, wire));
  state.Clear();
  Merge(NameEdit('a', 1, Minute(1), "Mia").authored(), state);
  state.mutable_groups(0)->mutable_versions(0)->set_value("\xff");
  EXPECT_FALSE(RecordToWire(kRecordId, state, wire));
}

TEST(BodyOfTest, ComposesTheGroupsByTheirRules) {
  StoredRecord record;
  Merge(TextEdit('a', 1, Minute(2), "second").authored(), record);
  Merge(TextEdit('b', 1, Minute(1), "first").authored(), record);
  Merge(TagsEdit('a', 2, Minute(2), {"teeth", "cold"}).authored(), record);
  Merge(TagsEdit('b', 2, Minute(1), {"cold"}).authored(), record);
  Merge(ExistenceEdit('b', 3, Minute(3), true).authored(), record);
  v1::LogEntry entry;
  ASSERT_TRUE(ParseBody(record, entry));
  EXPECT_EQ(entry.text(), "first\nsecond");
  EXPECT_THAT(entry.tags(), ElementsAre("cold", "teeth"));
  v1::Child other;
  EXPECT_FALSE(ParseBody(record, other));
}

TEST(MutableGroupTest, KeepsGroupsInTheOrderOfTheirNumbers) {
  StoredRecord record;
  for (uint32_t group : {5u, 1u, 9u, 0u, 5u}) MutableGroup(record, group);
  std::vector<uint32_t> numbers;
  for (const StoredGroup& group : record.groups()) numbers.push_back(group.group());
  EXPECT_THAT(numbers, ElementsAre(0, 1, 5, 9));
  EXPECT_EQ(FindGroup(record, 9), &record.groups(3));
  EXPECT_EQ(FindGroup(record, 4), nullptr);
}

class DigestTest : public ::testing::Test {
 protected:
  DigestTest() {
    Merge(NameEdit('a', 1, Minute(1), "Mia").authored(), record_);
    Merge(NameEdit('b', 1, Minute(1), "Mia").authored(), record_);
    Merge(NameEdit('c', 1, Minute(2), "Mika").authored(), record_);
    record_.set_created_by(std::string(16, 'm'));
  }

  std::string After(const std::function<void(StoredRecord&)>& change) const {
    StoredRecord changed = record_;
    change(changed);
    return DigestOf(kRecordId, changed);
  }
  static StoredVersion& First(StoredRecord& record) {
    return *record.mutable_groups(0)->mutable_versions(0);
  }

  StoredRecord record_;
};

TEST_F(DigestTest, ChangesWithEverythingThatIsContent) {
  const std::vector<std::function<void(StoredRecord&)>> changes = {
      [](StoredRecord& r) { r.set_kind(kPlan); },
      [](StoredRecord& r) { r.set_deleted(true); },
      [](StoredRecord& r) { r.set_created_by(std::string(16, 'n')); },
      [](StoredRecord& r) { r.set_body("body"); },
      [](StoredRecord& r) { r.mutable_groups(0)->set_group(2); },
      [](StoredRecord& r) { r.add_groups()->set_group(2); },
      [](StoredRecord& r) { r.mutable_groups(0)->mutable_versions()->RemoveLast(); },
      [](StoredRecord& r) { r.mutable_groups(0)->mutable_versions()->SwapElements(0, 1); },
      [](StoredRecord& r) { First(r).mutable_edit()->set_replica_id(std::string(16, 'z')); },
      [](StoredRecord& r) { First(r).mutable_edit()->set_seq(9); },
      [](StoredRecord& r) { First(r).mutable_edit()->set_index(9); },
      [](StoredRecord& r) { First(r).set_value("other"); },
      [](StoredRecord& r) {
        r.mutable_groups(0)->mutable_versions(1)->mutable_agreed(0)->set_seq(9);
      },
      [](StoredRecord& r) { First(r).add_agreed(); },
  };
  std::set<std::string> digests = {DigestOf(kRecordId, record_),
                                   DigestOf("fedcba9876543210", record_)};
  for (const auto& change : changes) digests.insert(After(change));
  EXPECT_EQ(digests.size(), changes.size() + 2);
}

TEST_F(DigestTest, DoesNotChangeWithRevisionsAndEstimates) {
  const std::string digest = DigestOf(kRecordId, record_);
  EXPECT_EQ(digest.size(), 32u);
  EXPECT_EQ(After([](StoredRecord& r) { r.set_revision(99); }), digest);
  EXPECT_EQ(After([](StoredRecord& r) { r.set_digest("old"); }), digest);
  EXPECT_EQ(After([](StoredRecord& r) { *r.mutable_created_at() = ToProto(Minute(9)); }), digest);
  EXPECT_EQ(After([](StoredRecord& r) { *First(r).mutable_made_at() = ToProto(Minute(9)); }),
            digest);
}

}  // namespace
}  // namespace nightlog
