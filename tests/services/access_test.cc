#include "services/access.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/engine/memory_engine.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

// access_table_test.cc walks the table of who may do what.

TEST(AccessTest, ARoleThatIsNotKnownMayDoNothing) {
  for (int number : {-1, 0, 5, 31, 32, 1000}) {
    const auto role = static_cast<v1::Role>(number);
    for (int action = 0; action < kActionCount; ++action) {
      EXPECT_FALSE(MayCall(role, static_cast<Action>(action))) << number;
    }
    for (uint32_t kind = kChild; kind <= kProgress; ++kind) {
      EXPECT_FALSE(MayWrite(role, kind)) << number;
      EXPECT_FALSE(MayRead(role, v1::CONSENT_SCOPE_ENTRIES, kind)) << number;
    }
  }
}

// One family with one member on one device, as rows.
class AuthorizeTest : public ::testing::Test {
 protected:
  AuthorizeTest() : engine_(static_cast<int>(kColumnFamilyNames.size())) {
    row_.set_device_id(device_.str());
    paired_.set_member_id(member_id_.str());
    paired_.set_replica_id(replica_.str());
    member_.set_role(v1::ROLE_CONSULTANT);
    member_.set_consent_scope(v1::CONSENT_SCOPE_NIGHTS);
    *member_.mutable_until() = ToProto(now_ + absl::Hours(1));
  }

  void Write() {
    WriteBatch batch;
    batch.Put(kHeadColumn, FamilyHeadKey(family_), storage::v1::FamilyHead().SerializeAsString());
    batch.Put(kAccessColumn, DeviceKey(SecretHash("the token")), row_.SerializeAsString());
    batch.Put(kAccessColumn, FamilyDeviceKey(family_, device_), paired_.SerializeAsString());
    batch.Put(kAccessColumn, MemberKey(family_, member_id_), member_.SerializeAsString());
    ASSERT_TRUE(engine_.Write(batch).ok());
  }

  absl::StatusOr<Access> AuthorizeAt(absl::Time now) {
    const auto view = engine_.Snapshot();
    return Authorize(FamilyReader(*view, family_), device_, now);
  }

  void ExpectNoAccess(absl::Time now) {
    const absl::Status status = AuthorizeAt(now).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NO_ACCESS);
  }

  SystemRandom random_;
  MemoryEngine engine_;
  const absl::Time now_ = absl::FromUnixSeconds(1700000000);
  const FamilyId family_ = FamilyId::Make(random_);
  const MemberId member_id_ = MemberId::Make(random_);
  const DeviceId device_ = DeviceId::Make(random_);
  const ReplicaId replica_ = ReplicaId::Make(random_);
  storage::v1::StoredDevice row_;
  storage::v1::StoredFamilyDevice paired_;
  storage::v1::StoredMember member_;
};

TEST_F(AuthorizeTest, ATokenNamesItsDevice) {
  Write();
  const auto view = engine_.Snapshot();
  const absl::StatusOr<DeviceId> device = Authenticate(*view, "the token");
  ASSERT_TRUE(device.ok()) << device.status();
  EXPECT_EQ(*device, device_);
  for (const char* wrong : {"", "the toke", "the token ", "The token"}) {
    const absl::Status status = Authenticate(*view, wrong).status();
    EXPECT_EQ(status.code(), absl::StatusCode::kUnauthenticated);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_UNKNOWN_DEVICE);
  }
}

TEST_F(AuthorizeTest, APairedDeviceIsItsMember) {
  Write();
  const absl::StatusOr<Access> access = AuthorizeAt(now_);
  ASSERT_TRUE(access.ok()) << access.status();
  EXPECT_EQ(access->member, member_id_);
  EXPECT_EQ(access->replica, replica_);
  EXPECT_EQ(access->role, v1::ROLE_CONSULTANT);
  EXPECT_EQ(access->consent_scope, v1::CONSENT_SCOPE_NIGHTS);
}

TEST_F(AuthorizeTest, ADeviceThatWasNeverPairedHasNoAccess) { ExpectNoAccess(now_); }

TEST_F(AuthorizeTest, ARevokedDeviceHasNoAccess) {
  paired_.set_revoked(true);
  Write();
  ExpectNoAccess(now_);
}

TEST_F(AuthorizeTest, TheDeviceOfARemovedMemberHasNoAccess) {
  member_.set_removed(true);
  Write();
  ExpectNoAccess(now_);
}

TEST_F(AuthorizeTest, ConsentEndsAtTheMomentItSays) {
  Write();
  EXPECT_TRUE(AuthorizeAt(now_ + absl::Hours(1) - absl::Nanoseconds(1)).ok());
  ExpectNoAccess(now_ + absl::Hours(1));
}

TEST_F(AuthorizeTest, ADamagedRowIsNotTakenForNoAccess) {
  Write();
  WriteBatch batch;
  batch.Put(kAccessColumn, MemberKey(family_, member_id_), "\xff");
  ASSERT_TRUE(engine_.Write(batch).ok());
  EXPECT_EQ(AuthorizeAt(now_).status().code(), absl::StatusCode::kDataLoss);
}

TEST_F(AuthorizeTest, IdsOfAWrongSizeAreDamage) {
  row_.set_device_id("x");
  paired_.set_member_id("x");
  Write();
  EXPECT_EQ(ReasonOf(Authenticate(*engine_.Snapshot(), "the token").status()),
            v1::ERROR_REASON_STORAGE_DAMAGED);
  EXPECT_EQ(ReasonOf(AuthorizeAt(now_).status()), v1::ERROR_REASON_STORAGE_DAMAGED);
}

TEST_F(AuthorizeTest, AFamilyThatHasDevicesAndNoHeadIsDamaged) {
  Write();
  WriteBatch batch;
  batch.Delete(kHeadColumn, FamilyHeadKey(family_));
  ASSERT_TRUE(engine_.Write(batch).ok());
  EXPECT_EQ(ReasonOf(AuthorizeAt(now_).status()), v1::ERROR_REASON_STORAGE_DAMAGED);
}

TEST(TokenTest, TokensAreLongAndTheSameOnlyOfTheSameSaltAndRequest) {
  SystemRandom random;
  std::set<std::string> tokens;
  for (int i = 0; i < 100; ++i) {
    const std::string salt = random.Bytes(32);
    for (const std::string& request_id : {std::string(), random.Bytes(16)}) {
      tokens.insert(MakeToken(salt, request_id));
      EXPECT_EQ(MakeToken(salt, request_id), MakeToken(salt, request_id));
    }
  }
  EXPECT_EQ(tokens.size(), 200u);
  for (const std::string& token : tokens) EXPECT_GE(token.size() * 6, 256u);
}

}  // namespace
}  // namespace nightlog
