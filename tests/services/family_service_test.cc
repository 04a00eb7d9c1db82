#include "services/family_service.h"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_replace.h"
#include "absl/synchronization/blocking_counter.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/record_state.h"
#include "storage/family_reader.h"
#include "storage/keys.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Not;
using ::testing::SizeIs;
using ::testing::UnorderedElementsAre;

class FamilyServiceTest : public ServiceFixture {
 protected:
  absl::Status Revoke(const Phone& phone, const Phone& target) {
    v1::RevokeDeviceRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_device_id(target.pairing.device_id());
    return Call(&FamilyService::RevokeDevice, phone, request).status();
  }

  absl::Status Remove(const Phone& phone, const Phone& target) {
    v1::RemoveMemberRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_member_id(target.pairing.member_id());
    return Call(&FamilyService::RemoveMember, phone, request).status();
  }

  absl::Status SetConsent(const Phone& phone, const Phone& target, v1::ConsentScope scope,
                          absl::Time until) {
    v1::SetConsentRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_member_id(target.pairing.member_id());
    request.set_scope(scope);
    *request.mutable_until() = ToProto(until);
    return Call(&FamilyService::SetConsent, phone, request).status();
  }

  // The public record of the phone's member.
  v1::Member MemberRecord(const Phone& phone) {
    const auto view = engine_.Snapshot();
    const auto record =
        FamilyReader(*view, phone.family()).Record(RecordId(phone.pairing.member_id()));
    v1::Member member;
    EXPECT_TRUE(record.ok() && record->has_value() && ParseBody(**record, member));
    return member;
  }

  storage::v1::FamilyHead Head(const Phone& phone) {
    const auto view = engine_.Snapshot();
    const auto head = FamilyReader(*view, phone.family()).Head();
    EXPECT_TRUE(head.ok() && head->has_value());
    return **head;
  }

  storage::v1::JournalEntry NewestEntry(const Phone& phone) {
    const auto view = engine_.Snapshot();
    const auto entry = FamilyReader(*view, phone.family()).Journal(Head(phone).revision());
    EXPECT_TRUE(entry.ok() && entry->has_value());
    return **entry;
  }

  // Registers a stream of the phone that counts how often its access changed.
  std::unique_ptr<StreamRegistry::Registration> Listen(const Phone& phone, int& changes) {
    StreamRegistry::Callbacks callbacks;
    callbacks.access_changed = [&changes, family = phone.family()](const FamilyId& changed) {
      if (changed == family) ++changes;
    };
    callbacks.token_exchanged = [] {};
    callbacks.received = [](uint64_t) {};
    return streams_.Register(DeviceId(phone.pairing.device_id()), "", std::move(callbacks));
  }

  // Pushes entries as a phone that has no access any more; the same ones each time.
  std::vector<v1::Verdict> PushLateEntries(const Phone& phone, int count) {
    v1::PushRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_replica_id(phone.pairing.replica_id());
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    TransactionBuilder transactions{ReplicaId(phone.pairing.replica_id())};
    for (int i = 0; i < count; ++i) {
      v1::LogEntry entry;
      entry.set_child_id(child_.str());
      entry.mutable_detail()->mutable_awake();
      entry.mutable_interval()->mutable_began_at()->set_seconds(1'700'000'000);
      entry.mutable_interval()->set_zone("Europe/London");
      *request.add_transactions() =
          transactions.Make(EditsOf(TestId<RecordId>(200 + i), entry), absl::UnixEpoch());
    }
    const auto response = Await(sync_service_, &SyncService::Push, phone.token, request);
    EXPECT_TRUE(response.ok()) << response.status();
    for (const v1::Verdict& verdict : response->verdicts()) {
      EXPECT_TRUE(verdict.has_quarantined()) << verdict.ShortDebugString();
    }
    return {response->verdicts().begin(), response->verdicts().end()};
  }

  absl::StatusOr<v1::DecideQuarantineResponse> Decide(const Phone& phone, const Phone& author,
                                                      uint64_t seq,
                                                      v1::QuarantineDecision decision) {
    v1::DecideQuarantineRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_replica_id(author.pairing.replica_id());
    request.set_seq(seq);
    request.set_decision(decision);
    return Call(&FamilyService::DecideQuarantine, phone, request);
  }
};

TEST_F(FamilyServiceTest, ANewFamilyHasItsOwner) {
  const Phone owner = CreateFamily();
  EXPECT_EQ(owner.pairing.family_name(), "the owls");
  EXPECT_EQ(owner.pairing.role(), v1::ROLE_OWNER);
  EXPECT_TRUE(ReplicaId::IsId(owner.pairing.replica_id()));
  const v1::Member member = MemberRecord(owner);
  EXPECT_EQ(member.name(), "Robin");
  EXPECT_EQ(member.role(), v1::ROLE_OWNER);
  EXPECT_EQ(FromProto(member.since()), clock_.Now());
  EXPECT_FALSE(member.has_until());
  EXPECT_EQ(Head(owner).revision(), 1u);
  EXPECT_EQ(NewestEntry(owner).operation(), "create");
  EXPECT_EQ(NewestEntry(owner).member_id(), owner.pairing.member_id());
  EXPECT_TRUE(Verify(owner).ok()) << Verify(owner);
}

TEST_F(FamilyServiceTest, APairedDeviceKeepsItsTokenInASecondFamily) {
  const Phone first = CreateFamily();
  const Phone second = CreateFamily(first);
  EXPECT_EQ(second.pairing.device_token(), "");
  EXPECT_EQ(second.pairing.device_id(), first.pairing.device_id());
  EXPECT_NE(second.pairing.replica_id(), first.pairing.replica_id());
  const auto families = family_service_.ListFamilies(first.token, v1::ListFamiliesRequest());
  ASSERT_TRUE(families.ok()) << families.status();
  std::vector<std::string> ids;
  for (const v1::Pairing& pairing : families->pairings()) {
    ids.push_back(pairing.family_id());
    EXPECT_EQ(pairing.device_token(), "");
  }
  EXPECT_THAT(ids, UnorderedElementsAre(first.pairing.family_id(), second.pairing.family_id()));
}

TEST_F(FamilyServiceTest, ATokenThatTheServerDoesNotKnowGetsANewOne) {
  Phone forgotten;
  forgotten.token = "from a server that was lost";
  const Phone phone = CreateFamily(forgotten);
  EXPECT_NE(phone.token, forgotten.token);
  EXPECT_EQ(Refusal(phone), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(FamilyServiceTest, TokensAndCodesAreNotInTheStore) {
  const Phone owner = CreateFamily();
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER));
  ASSERT_TRUE(code.ok());
  const std::string typed = absl::StrReplaceAll(*code, {{"-", ""}});
  for (Column column = 0; column < static_cast<Column>(kColumnFamilyNames.size()); ++column) {
    const auto view = engine_.Snapshot();
    for (auto it = view->Scan(column, "", ""); it->Valid(); it->Next()) {
      for (const std::string& secret : {owner.token, *code, typed}) {
        EXPECT_EQ(it->key().find(secret), absl::string_view::npos);
        EXPECT_EQ(it->value().find(secret), absl::string_view::npos);
      }
    }
  }
}

TEST_F(FamilyServiceTest, AnInviteLetsOneDeviceJoinOnce) {
  const Phone owner = CreateFamily();
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_CAREGIVER));
  ASSERT_TRUE(code.ok()) << code.status();
  // As people type it.
  const auto joined = TryJoin(absl::AsciiStrToLower(absl::StrReplaceAll(*code, {{"-", " "}})));
  ASSERT_TRUE(joined.ok()) << joined.status();
  const Phone phone = Paired(Phone(), joined->pairing());
  EXPECT_EQ(phone.pairing.role(), v1::ROLE_CAREGIVER);
  EXPECT_NE(phone.pairing.member_id(), owner.pairing.member_id());
  EXPECT_EQ(MemberRecord(phone).name(), "Sam");
  EXPECT_EQ(NewestEntry(phone).operation(), "join");
  EXPECT_EQ(Refusal(phone), v1::ERROR_REASON_UNSPECIFIED);

  const auto again = TryJoin(*code);
  EXPECT_EQ(again.status().code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(ReasonOfResult(again), v1::ERROR_REASON_INVITE_NOT_VALID);
  EXPECT_TRUE(Verify(owner).ok()) << Verify(owner);
}

TEST_F(FamilyServiceTest, OfTwoDevicesThatUseACodeAtOnceOneJoins) {
  const Phone owner = CreateFamily();
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_CAREGIVER));
  ASSERT_TRUE(code.ok());
  v1::JoinRequest request;
  request.set_code(*code);
  request.set_member_name("Sam");
  request.set_device_name("phone");
  std::vector<v1::ErrorReason> reasons;
  absl::BlockingCounter answered(2);
  for (int i = 0; i < 2; ++i) {
    family_service_.Join("", request, [&](absl::StatusOr<v1::JoinResponse> response) {
      reasons.push_back(ReasonOfResult(response));  // answers come from one thread
      answered.DecrementCount();
    });
  }
  answered.Wait();
  EXPECT_THAT(reasons,
              ElementsAre(v1::ERROR_REASON_UNSPECIFIED, v1::ERROR_REASON_INVITE_NOT_VALID));
}

TEST_F(FamilyServiceTest, AWrongCodeIsNotFound) {
  const Phone owner = CreateFamily();
  for (const char* code : {"0000-0000-0000-0000", "no code at all", "U"}) {
    EXPECT_EQ(ReasonOfResult(TryJoin(code)), v1::ERROR_REASON_INVITE_NOT_VALID) << code;
  }
}

TEST_F(FamilyServiceTest, AnInviteExpires) {
  const Phone owner = CreateFamily();
  v1::CreateInviteRequest request = InviteRequest(owner, v1::ROLE_VIEWER);
  request.mutable_valid_for()->set_seconds(60);
  const auto early = Invite(owner, request);
  const auto late = Invite(owner, request);
  const auto by_default = Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER));
  ASSERT_TRUE(early.ok() && late.ok() && by_default.ok());
  clock_.Advance(absl::Seconds(60) - absl::Nanoseconds(1));
  EXPECT_TRUE(TryJoin(*early).ok());
  clock_.Advance(absl::Nanoseconds(1));
  EXPECT_EQ(ReasonOfResult(TryJoin(*late)), v1::ERROR_REASON_INVITE_NOT_VALID);
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(ReasonOfResult(TryJoin(*by_default)), v1::ERROR_REASON_INVITE_NOT_VALID);
}

TEST_F(FamilyServiceTest, ExpiredInvitesAndPairingsAreRemovedAsNewOnesAreMade) {
  const auto rows_under = [this](const std::string& prefix) {
    const auto view = engine_.Snapshot();
    int rows = 0;
    auto it = view->Scan(kAccessColumn, prefix, PrefixLimit(prefix));
    for (; it->Valid(); it->Next()) ++rows;
    return rows;
  };
  const Phone owner = CreateFamily();
  for (int i = 0; i < 7; ++i) {
    v1::JoinRequest request;
    request.set_code(*Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)));
    request.set_member_name("Sam");
    request.set_device_name("Sam's phone");
    request.set_request_id(random_.Bytes(16));
    ASSERT_TRUE(Call(&FamilyService::Join, Phone(), request).ok());
    ASSERT_TRUE(Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)).ok());
  }
  EXPECT_EQ(rows_under(InvitesPrefix()), 7);
  EXPECT_EQ(rows_under(PairingsPrefix()), 7);
  clock_.Advance(absl::Hours(24));
  v1::JoinRequest request;
  request.set_code(*Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)));
  request.set_member_name("Sam");
  request.set_device_name("Sam's phone");
  request.set_request_id(random_.Bytes(16));
  EXPECT_EQ(rows_under(InvitesPrefix()), 1);
  ASSERT_TRUE(Call(&FamilyService::Join, Phone(), request).ok());
  EXPECT_EQ(rows_under(PairingsPrefix()), 1);
}

TEST_F(FamilyServiceTest, ARepeatedJoinGetsTheSamePairingAndNobodyElseDoes) {
  const Phone owner = CreateFamily();
  v1::JoinRequest request;
  request.set_code(*Invite(owner, InviteRequest(owner, v1::ROLE_CAREGIVER)));
  request.set_member_name("Sam");
  request.set_device_name("Sam's phone");
  request.set_request_id(random_.Bytes(16));
  const auto first = Call(&FamilyService::Join, Phone(), request);
  ASSERT_TRUE(first.ok()) << first.status();
  const uint64_t revision = Head(owner).revision();
  const auto again = Call(&FamilyService::Join, Phone(), request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  EXPECT_EQ(Head(owner).revision(), revision);
  EXPECT_EQ(ListMembers(owner)->members_size(), 2);
  EXPECT_EQ(Refusal(Paired(Phone(), again->pairing())), v1::ERROR_REASON_UNSPECIFIED);
  const auto view = engine_.Snapshot();
  auto rows = view->Scan(kAccessColumn, "", "");
  for (; rows->Valid(); rows->Next()) {
    for (const std::string& secret : {request.request_id(), first->pairing().device_token()}) {
      EXPECT_THAT(std::string(rows->value()), Not(HasSubstr(secret)));
      EXPECT_THAT(std::string(rows->key()), Not(HasSubstr(secret)));
    }
  }

  v1::JoinRequest other = request;
  other.set_request_id(random_.Bytes(16));
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::Join, Phone(), other)),
            v1::ERROR_REASON_INVITE_NOT_VALID);
  ASSERT_TRUE(Revoke(owner, Paired(Phone(), first->pairing())).ok());
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::Join, Phone(), request)),
            v1::ERROR_REASON_NO_ACCESS)
      << "a repeat is no way back in";
  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::Join, Phone(), request)),
            v1::ERROR_REASON_INVITE_NOT_VALID);
}

TEST_F(FamilyServiceTest, ARepeatedCreationGetsTheSameFamily) {
  v1::CreateFamilyRequest request;
  request.set_family_name("the owls");
  request.set_member_name("Robin");
  request.set_device_name("Robin's phone");
  request.set_request_id(random_.Bytes(16));
  const auto first = Call(&FamilyService::CreateFamily, Phone(), request);
  ASSERT_TRUE(first.ok()) << first.status();
  const auto again = Call(&FamilyService::CreateFamily, Phone(), request);
  ASSERT_TRUE(again.ok()) << again.status();
  EXPECT_EQ(again->SerializeAsString(), first->SerializeAsString());
  const Phone owner = Paired(Phone(), first->pairing());
  EXPECT_EQ(Head(owner).revision(), 1u);

  // A phone that is paired already keeps its token, and its request is of use to it alone.
  request.set_request_id(random_.Bytes(16));
  const auto second = Call(&FamilyService::CreateFamily, owner, request);
  ASSERT_TRUE(second.ok()) << second.status();
  EXPECT_EQ(second->pairing().device_token(), "");
  EXPECT_EQ(Call(&FamilyService::CreateFamily, owner, request)->SerializeAsString(),
            second->SerializeAsString());
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::CreateFamily, Phone(), request)),
            v1::ERROR_REASON_UNKNOWN_DEVICE);
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::CreateFamily, CreateFamily(), request)),
            v1::ERROR_REASON_INVALID_FIELD);

  clock_.Advance(absl::Hours(24));
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::CreateFamily, owner, request)),
            v1::ERROR_REASON_INVALID_FIELD)
      << "too late for a repeat, and the family is there";
}

TEST_F(FamilyServiceTest, AFamilyIsMadeAgainUnderItsIdOnlyWhereItIsNot) {
  const Phone owner = CreateFamily();
  v1::CreateFamilyRequest request;
  request.set_family_name("the owls");
  request.set_member_name("Robin");
  request.set_device_name("Robin's phone");
  request.set_family_id(owner.pairing.family_id());
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::CreateFamily, owner, request)),
            v1::ERROR_REASON_INVALID_FIELD);
  request.set_family_id(std::string(16, '\0'));
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::CreateFamily, owner, request)),
            v1::ERROR_REASON_INVALID_FIELD);
  const FamilyId lost = FamilyId::Make(random_);
  request.set_family_id(lost.str());
  const auto made = Call(&FamilyService::CreateFamily, Phone(), request);
  ASSERT_TRUE(made.ok()) << made.status();
  EXPECT_EQ(made->pairing().family_id(), lost.bytes());
}

TEST_F(FamilyServiceTest, MembersOfAHaltedFamilyStayAsTheyAreAndReadOn) {
  const Phone owner = CreateFamily();
  const Phone caregiver = Join(owner, v1::ROLE_CAREGIVER);
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER));
  absl::Notification halted;
  committer_.Submit(
      owner.family(),
      [](FamilyWriter& writer) {
        writer.Halt();
        return absl::OkStatus();
      },
      [&](absl::Status) { halted.Notify(); });
  halted.WaitForNotification();
  EXPECT_EQ(ReasonOf(Remove(owner, caregiver)), v1::ERROR_REASON_AHEAD_OF_SERVER);
  EXPECT_EQ(ReasonOfResult(TryJoin(*code)), v1::ERROR_REASON_AHEAD_OF_SERVER);
  EXPECT_EQ(Refusal(caregiver), v1::ERROR_REASON_UNSPECIFIED);
  EXPECT_TRUE(Revoke(owner, caregiver).ok()) << "access ends at any time";
  EXPECT_EQ(Refusal(caregiver), v1::ERROR_REASON_NO_ACCESS);
}

TEST_F(FamilyServiceTest, AnInviteIsVoidOnceItsMakerHasLostAccess) {
  const Phone owner = CreateFamily();
  const Phone stolen = Join(owner, v1::ROLE_CAREGIVER);
  v1::CreateInviteRequest request = InviteRequest(stolen, v1::ROLE_UNSPECIFIED);
  request.set_member_id(stolen.pairing.member_id());
  const auto code = Invite(stolen, request);
  ASSERT_TRUE(code.ok()) << code.status();
  ASSERT_TRUE(Revoke(owner, stolen).ok());
  EXPECT_EQ(ReasonOfResult(TryJoin(*code)), v1::ERROR_REASON_INVITE_NOT_VALID);
}

TEST_F(FamilyServiceTest, AnInviteIsVoidOnceItsMakerMayNotGiveItAnyMore) {
  const Phone owner = CreateFamily();
  const Phone second = Join(owner, v1::ROLE_OWNER);
  const auto code = Invite(second, InviteRequest(second, v1::ROLE_OWNER));
  v1::CreateInviteRequest own = InviteRequest(second, v1::ROLE_UNSPECIFIED);
  own.set_member_id(second.pairing.member_id());
  const auto further = Invite(second, own);
  const Phone demoted = Join(owner, InviteRequest(owner, v1::ROLE_VIEWER), second);
  EXPECT_EQ(ReasonOfResult(TryJoin(*code, demoted)), v1::ERROR_REASON_INVITE_NOT_VALID);
  EXPECT_EQ(ReasonOfResult(Invite(demoted, InviteRequest(demoted, v1::ROLE_VIEWER))),
            v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  const auto joined = TryJoin(*further);
  ASSERT_TRUE(joined.ok()) << joined.status();
  EXPECT_EQ(joined->pairing().role(), v1::ROLE_VIEWER);
}

TEST_F(FamilyServiceTest, AnInviteNeedsARoleABoundedTimeAndAnOpenConsent) {
  const Phone owner = CreateFamily();
  const v1::CreateInviteRequest valid = InviteRequest(owner, v1::ROLE_CONSULTANT);
  ASSERT_TRUE(Invite(owner, valid).ok());
  std::vector<std::pair<std::string, v1::CreateInviteRequest>> wrong(6, {"", valid});
  wrong[0].first = "role";
  wrong[0].second.clear_role();
  wrong[1].first = "role";
  wrong[1].second.set_role(static_cast<v1::Role>(99));
  wrong[2].first = "valid_for";
  wrong[2].second.mutable_valid_for()->set_seconds(59);
  wrong[3].first = "valid_for";
  wrong[3].second.mutable_valid_for()->set_seconds(30 * 24 * 3600 + 1);
  wrong[4].first = "consent_scope";
  wrong[4].second.set_consent_scope(static_cast<v1::ConsentScope>(99));
  wrong[5].first = "consent_until";
  *wrong[5].second.mutable_consent_until() = ToProto(clock_.Now());
  for (const auto& [field, request] : wrong) {
    const absl::Status status = Invite(owner, request).status();
    ASSERT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_FIELD) << field;
    EXPECT_EQ(ViolationsOf(status).at(0).field(), field);
  }
}

TEST_F(FamilyServiceTest, OwnersInviteAnyoneAndEveryoneTheirOwnFurtherDevice) {
  const Phone owner = CreateFamily();
  for (const v1::Role role : {v1::ROLE_CAREGIVER, v1::ROLE_VIEWER, v1::ROLE_CONSULTANT}) {
    const Phone phone = Join(owner, role);
    EXPECT_EQ(ReasonOfResult(Invite(phone, InviteRequest(phone, v1::ROLE_VIEWER))),
              v1::ERROR_REASON_ROLE_NOT_ALLOWED);
    v1::CreateInviteRequest further = InviteRequest(phone, v1::ROLE_UNSPECIFIED);
    further.set_member_id(owner.pairing.member_id());
    EXPECT_EQ(ReasonOfResult(Invite(phone, further)), v1::ERROR_REASON_ROLE_NOT_ALLOWED);
    further.set_member_id(phone.pairing.member_id());
    const uint64_t revision = Head(owner).revision();
    for (const Phone& inviter : {phone, owner}) {
      const Phone tablet = Join(inviter, further);
      EXPECT_EQ(tablet.pairing.member_id(), phone.pairing.member_id());
      EXPECT_EQ(tablet.pairing.role(), role);
      EXPECT_NE(tablet.pairing.device_id(), phone.pairing.device_id());
      EXPECT_NE(tablet.pairing.replica_id(), phone.pairing.replica_id());
    }
    EXPECT_EQ(Head(owner).revision(), revision) << "members have not changed";
  }
}

TEST_F(FamilyServiceTest, AConsultantSeesNightsForSixtyDaysUnlessToldOtherwise) {
  const Phone owner = CreateFamily();
  const v1::Member by_default = MemberRecord(Join(owner, v1::ROLE_CONSULTANT));
  EXPECT_EQ(by_default.consent_scope(), v1::CONSENT_SCOPE_NIGHTS);
  EXPECT_EQ(FromProto(by_default.until()), clock_.Now() + absl::Hours(24 * 60));
  v1::CreateInviteRequest request = InviteRequest(owner, v1::ROLE_CONSULTANT);
  request.set_consent_scope(v1::CONSENT_SCOPE_ENTRIES);
  *request.mutable_consent_until() = ToProto(clock_.Now() + absl::Hours(1));
  const Phone told = Join(owner, request);
  EXPECT_EQ(MemberRecord(told).consent_scope(), v1::CONSENT_SCOPE_ENTRIES);
  clock_.Advance(absl::Hours(1));
  EXPECT_EQ(Refusal(told), v1::ERROR_REASON_NO_ACCESS);
}

TEST_F(FamilyServiceTest, ANewMemberNeedsANameAndTheCodeIsNotLostWithoutIt) {
  const Phone owner = CreateFamily();
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER));
  v1::JoinRequest request;
  request.set_code(*code);
  request.set_device_name("phone");
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::Join, Phone(), request)),
            v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_TRUE(TryJoin(*code).ok());
}

TEST_F(FamilyServiceTest, ADeviceThatIsInTheFamilyKeepsItsMemberAndReplicaAndGetsTheRole) {
  const Phone owner = CreateFamily();
  const Phone phone = Join(owner, v1::ROLE_VIEWER);
  int changes = 0;
  const auto stream = Listen(phone, changes);
  const Phone again = Join(owner, InviteRequest(owner, v1::ROLE_OWNER), phone);
  EXPECT_EQ(again.pairing.member_id(), phone.pairing.member_id());
  EXPECT_EQ(again.pairing.replica_id(), phone.pairing.replica_id());
  EXPECT_EQ(again.token, phone.token);
  EXPECT_EQ(again.pairing.role(), v1::ROLE_OWNER);
  EXPECT_EQ(MemberRecord(phone).role(), v1::ROLE_OWNER);
  EXPECT_EQ(changes, 1);
  // So an owner can hand the family over.
  EXPECT_TRUE(Remove(owner, owner).ok());
  EXPECT_TRUE(Verify(phone).ok()) << Verify(phone);
}

TEST_F(FamilyServiceTest, TheLastOwnerCannotBecomeSomethingElse) {
  const Phone owner = CreateFamily();
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER));
  EXPECT_EQ(ReasonOfResult(TryJoin(*code, owner)), v1::ERROR_REASON_LAST_OWNER);
  EXPECT_EQ(MemberRecord(owner).role(), v1::ROLE_OWNER);
}

TEST_F(FamilyServiceTest, MembersAreListedWithTheirDevices) {
  const Phone owner = CreateFamily();
  const Phone phone = Join(owner, v1::ROLE_CAREGIVER);
  v1::CreateInviteRequest further = InviteRequest(phone, v1::ROLE_UNSPECIFIED);
  further.set_member_id(phone.pairing.member_id());
  const Phone tablet = Join(phone, further);
  ASSERT_TRUE(Revoke(owner, tablet).ok());
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_family_id(phone.pairing.family_id());
  acknowledge.mutable_cursor()->set_lineage(Head(phone).lineage());
  acknowledge.mutable_cursor()->set_revision(2);
  ASSERT_TRUE(Await(sync_service_, &SyncService::Acknowledge, phone.token, acknowledge).ok());

  const auto listed = ListMembers(phone);
  ASSERT_TRUE(listed.ok()) << listed.status();
  std::map<std::string, v1::MemberWithDevices> members;
  for (const auto& member : listed->members()) members[member.member_id()] = member;
  ASSERT_THAT(members, SizeIs(2));
  const v1::MemberWithDevices& robin = members[owner.pairing.member_id()];
  EXPECT_EQ(robin.member().name(), "Robin");
  ASSERT_EQ(robin.devices_size(), 1);
  EXPECT_EQ(robin.devices(0).device_id(), owner.pairing.device_id());
  EXPECT_EQ(robin.devices(0).name(), "Robin's phone");
  EXPECT_FALSE(robin.devices(0).has_acknowledged());
  std::map<std::string, v1::Device> devices;
  for (const v1::Device& device : members[phone.pairing.member_id()].devices()) {
    devices[device.device_id()] = device;
  }
  ASSERT_THAT(devices, SizeIs(2));
  EXPECT_TRUE(devices[tablet.pairing.device_id()].revoked());
  EXPECT_FALSE(devices[phone.pairing.device_id()].revoked());
  EXPECT_EQ(devices[phone.pairing.device_id()].acknowledged().revision(), 2u);
  EXPECT_EQ(FromProto(devices[phone.pairing.device_id()].acknowledged_at()), clock_.Now());
}

TEST_F(FamilyServiceTest, ARevokedDeviceIsOutAndItsStreamsAreToldBeforeTheAnswer) {
  const Phone owner = CreateFamily();
  const Phone phone = Join(owner, v1::ROLE_CAREGIVER);
  int changes = 0, others = 0;
  const auto stream = Listen(phone, changes);
  const auto other_stream = Listen(owner, others);
  v1::RevokeDeviceRequest request;
  request.set_family_id(owner.pairing.family_id());
  request.set_device_id(phone.pairing.device_id());
  int changes_at_answer = 0;
  absl::Notification answered;
  family_service_.RevokeDevice(owner.token, request,
                               [&](absl::StatusOr<v1::RevokeDeviceResponse> response) {
                                 EXPECT_TRUE(response.ok()) << response.status();
                                 changes_at_answer = changes;
                                 answered.Notify();
                               });
  answered.WaitForNotification();
  EXPECT_EQ(changes_at_answer, 1);
  EXPECT_EQ(others, 0);
  EXPECT_EQ(Refusal(phone), v1::ERROR_REASON_NO_ACCESS);
  EXPECT_EQ(Refusal(owner), v1::ERROR_REASON_UNSPECIFIED);
  const auto families = family_service_.ListFamilies(phone.token, v1::ListFamiliesRequest());
  ASSERT_TRUE(families.ok()) << "the device itself is still known";
  EXPECT_THAT(families->pairings(), IsEmpty());
}

TEST_F(FamilyServiceTest, ARevokedDeviceThatJoinsAgainGetsANewReplica) {
  const Phone owner = CreateFamily();
  const Phone phone = Join(owner, v1::ROLE_CAREGIVER);
  ASSERT_TRUE(Revoke(owner, phone).ok());
  v1::CreateInviteRequest request = InviteRequest(owner, v1::ROLE_UNSPECIFIED);
  request.set_member_id(phone.pairing.member_id());
  const Phone again = Join(owner, request, phone);
  EXPECT_EQ(again.pairing.member_id(), phone.pairing.member_id());
  EXPECT_EQ(again.pairing.device_id(), phone.pairing.device_id());
  EXPECT_NE(again.pairing.replica_id(), phone.pairing.replica_id());
  EXPECT_EQ(Refusal(again), v1::ERROR_REASON_UNSPECIFIED);
}

TEST_F(FamilyServiceTest, PermissionIsCheckedBeforeExistence) {
  const Phone owner = CreateFamily();
  const Phone caregiver = Join(owner, v1::ROLE_CAREGIVER);
  Phone nobody = owner;
  nobody.pairing.set_device_id(DeviceId::Make(random_).str());
  nobody.pairing.set_member_id(MemberId::Make(random_).str());
  const absl::Time later = clock_.Now() + absl::Hours(1);
  EXPECT_EQ(ReasonOf(Revoke(caregiver, nobody)), v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  EXPECT_EQ(ReasonOf(Remove(caregiver, nobody)), v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  EXPECT_EQ(ReasonOf(SetConsent(caregiver, nobody, v1::CONSENT_SCOPE_NIGHTS, later)),
            v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  EXPECT_EQ(ReasonOf(Revoke(owner, nobody)), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ReasonOf(Remove(owner, nobody)), v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(ReasonOf(SetConsent(owner, nobody, v1::CONSENT_SCOPE_NIGHTS, later)),
            v1::ERROR_REASON_NOT_FOUND);
  Phone elsewhere = caregiver;
  elsewhere.pairing.set_family_id(FamilyId::Make(random_).str());
  EXPECT_EQ(Refusal(elsewhere), v1::ERROR_REASON_NO_ACCESS) << "as for a family of others";
  EXPECT_EQ(ReasonOf(Revoke(elsewhere, nobody)), v1::ERROR_REASON_NO_ACCESS);
  Phone unknown = caregiver;
  unknown.token = "unknown";
  EXPECT_EQ(ReasonOf(Revoke(unknown, nobody)), v1::ERROR_REASON_UNKNOWN_DEVICE);
}

TEST_F(FamilyServiceTest, ARemovedMemberIsOutOnAllDevicesAndStaysOnRecord) {
  const Phone owner = CreateFamily();
  const Phone phone = Join(owner, v1::ROLE_CAREGIVER);
  v1::CreateInviteRequest further = InviteRequest(phone, v1::ROLE_UNSPECIFIED);
  further.set_member_id(phone.pairing.member_id());
  const Phone tablet = Join(phone, further);
  const auto unused = Invite(owner, further);
  int on_phone = 0, on_tablet = 0;
  const auto phone_stream = Listen(phone, on_phone);
  const auto tablet_stream = Listen(tablet, on_tablet);
  ASSERT_TRUE(Remove(owner, phone).ok());
  EXPECT_EQ(on_phone, 1);
  EXPECT_EQ(on_tablet, 1);
  EXPECT_EQ(Refusal(phone), v1::ERROR_REASON_NO_ACCESS);
  EXPECT_EQ(Refusal(tablet), v1::ERROR_REASON_NO_ACCESS);
  EXPECT_TRUE(MemberRecord(phone).removed());
  EXPECT_EQ(MemberRecord(phone).name(), "Sam");
  EXPECT_EQ(FromProto(MemberRecord(phone).until()), clock_.Now());
  EXPECT_EQ(NewestEntry(owner).operation(), "remove");
  EXPECT_EQ(NewestEntry(owner).member_id(), owner.pairing.member_id());
  EXPECT_EQ(ReasonOfResult(TryJoin(*unused)), v1::ERROR_REASON_INVITE_NOT_VALID);
  const uint64_t revision = Head(owner).revision();
  EXPECT_TRUE(Remove(owner, phone).ok()) << "removing again changes nothing";
  EXPECT_EQ(Head(owner).revision(), revision);
  EXPECT_TRUE(Verify(owner).ok()) << Verify(owner);
}

TEST_F(FamilyServiceTest, AnOwnerDecidesWhatARemovedMemberSendsLate) {
  const Phone owner = CreateFamily();
  const Phone caregiver = Join(owner, v1::ROLE_CAREGIVER);
  const Phone gone = Join(owner, v1::ROLE_CAREGIVER);
  ASSERT_TRUE(Remove(owner, gone).ok());
  const std::vector<v1::Verdict> verdicts = PushLateEntries(gone, 3);
  v1::ListQuarantineRequest list;
  list.set_family_id(owner.pairing.family_id());
  list.set_page_size(2);
  EXPECT_EQ(ReasonOfResult(family_service_.ListQuarantine(caregiver.token, list)),
            v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  EXPECT_EQ(ReasonOfResult(family_service_.ListQuarantine(gone.token, list)),
            v1::ERROR_REASON_NO_ACCESS);
  const auto page = family_service_.ListQuarantine(owner.token, list);
  ASSERT_TRUE(page.ok()) << page.status();
  ASSERT_THAT(page->items(), SizeIs(2));
  EXPECT_EQ(page->items(0).replica_id(), gone.pairing.replica_id());
  EXPECT_EQ(page->items(0).member_id(), gone.pairing.member_id());
  EXPECT_EQ(page->items(0).transaction().seq(), 1u);
  list.set_page_token(page->next_page_token());
  const auto rest = family_service_.ListQuarantine(owner.token, list);
  ASSERT_TRUE(rest.ok()) << rest.status();
  ASSERT_THAT(rest->items(), SizeIs(1));
  EXPECT_EQ(rest->items(0).transaction().seq(), 3u);
  EXPECT_EQ(rest->next_page_token(), "");
  for (const char* token : {"00", "no hex in here but as long as a token should be  "}) {
    list.set_page_token(token);
    EXPECT_EQ(ReasonOfResult(family_service_.ListQuarantine(owner.token, list)),
              v1::ERROR_REASON_PAGE_TOKEN);
  }

  const uint64_t head = Head(owner).revision();
  EXPECT_EQ(ReasonOfResult(Decide(caregiver, gone, 1, v1::QUARANTINE_DECISION_ACCEPT)),
            v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  EXPECT_EQ(ReasonOfResult(Decide(owner, gone, 1, v1::QUARANTINE_DECISION_UNSPECIFIED)),
            v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(ReasonOfResult(Decide(owner, gone, 4, v1::QUARANTINE_DECISION_ACCEPT)),
            v1::ERROR_REASON_NOT_FOUND);
  EXPECT_EQ(Head(owner).revision(), head);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Decide(owner, gone, 1, v1::QUARANTINE_DECISION_ACCEPT)->revision(), head + 1);
  }
  EXPECT_EQ(NewestEntry(owner).accepted_by(), owner.pairing.member_id());
  EXPECT_EQ(NewestEntry(owner).member_id(), gone.pairing.member_id());
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(Decide(owner, gone, 2, v1::QUARANTINE_DECISION_REFUSE)->revision(), head + 2);
  }
  EXPECT_EQ(NewestEntry(owner).operation(), "refuse");
  EXPECT_EQ(NewestEntry(owner).member_id(), owner.pairing.member_id());
  EXPECT_EQ(ReasonOfResult(Decide(owner, gone, 1, v1::QUARANTINE_DECISION_REFUSE)),
            v1::ERROR_REASON_ALREADY_DECIDED);
  EXPECT_EQ(ReasonOfResult(Decide(owner, gone, 2, v1::QUARANTINE_DECISION_ACCEPT)),
            v1::ERROR_REASON_ALREADY_DECIDED);
  EXPECT_EQ(Head(owner).revision(), head + 2);
  list.clear_page_token();
  EXPECT_THAT(family_service_.ListQuarantine(owner.token, list)->items(), SizeIs(1));

  const std::vector<v1::Verdict> again = PushLateEntries(gone, 3);
  ASSERT_EQ(again.size(), verdicts.size());
  for (size_t i = 0; i < verdicts.size(); ++i) {
    EXPECT_EQ(again[i].SerializeAsString(), verdicts[i].SerializeAsString())
        << "its author is told no more";
  }
  EXPECT_TRUE(Verify(owner).ok());
}

TEST_F(FamilyServiceTest, AnAcceptedTransactionDoesNoMoreThanItsAuthorMight) {
  const Phone owner = CreateFamily();
  const Phone consultant = Join(owner, v1::ROLE_CONSULTANT);
  ASSERT_TRUE(Remove(owner, consultant).ok());
  PushLateEntries(consultant, 1);
  const auto decided = Decide(owner, consultant, 1, v1::QUARANTINE_DECISION_ACCEPT);
  EXPECT_EQ(ReasonOfResult(decided), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_THAT(ViolationsOf(decided.status())[0].description(), HasSubstr("role"));
  EXPECT_TRUE(Decide(owner, consultant, 1, v1::QUARANTINE_DECISION_REFUSE).ok());
}

TEST_F(FamilyServiceTest, EveryoneMayLeaveButTheLastOwner) {
  const Phone owner = CreateFamily();
  const Phone viewer = Join(owner, v1::ROLE_VIEWER);
  EXPECT_EQ(ReasonOf(Remove(viewer, owner)), v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  EXPECT_TRUE(Remove(viewer, viewer).ok());
  EXPECT_EQ(NewestEntry(owner).operation(), "leave");
  const absl::Status last = Remove(owner, owner);
  EXPECT_EQ(last.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(ReasonOf(last), v1::ERROR_REASON_LAST_OWNER);
  const Phone second = Join(owner, v1::ROLE_OWNER);
  EXPECT_TRUE(Remove(owner, owner).ok());
  EXPECT_EQ(ReasonOf(Remove(second, second)), v1::ERROR_REASON_LAST_OWNER)
      << "an owner who left does not count";
}

TEST_F(FamilyServiceTest, AnOwnerWithoutADeviceDoesNotLetTheLastOtherOneGo) {
  const Phone owner = CreateFamily();
  const Phone second = Join(owner, v1::ROLE_OWNER);
  ASSERT_TRUE(Revoke(owner, second).ok());
  EXPECT_EQ(ReasonOf(Remove(owner, owner)), v1::ERROR_REASON_LAST_OWNER);
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_CAREGIVER));
  EXPECT_EQ(ReasonOfResult(TryJoin(*code, owner)), v1::ERROR_REASON_LAST_OWNER);
  v1::CreateInviteRequest again;
  again.set_family_id(owner.pairing.family_id());
  again.set_member_id(second.pairing.member_id());
  ASSERT_TRUE(TryJoin(*Invite(owner, again)).ok());
  EXPECT_TRUE(Remove(owner, owner).ok());
}

TEST_F(FamilyServiceTest, TheLastDeviceOfTheLastOwnerCannotBeRevoked) {
  const Phone owner = CreateFamily();
  const Phone caregiver = Join(owner, v1::ROLE_CAREGIVER);
  EXPECT_EQ(ReasonOf(Revoke(owner, owner)), v1::ERROR_REASON_LAST_OWNER);
  v1::CreateInviteRequest further;
  further.set_family_id(owner.pairing.family_id());
  further.set_member_id(owner.pairing.member_id());
  const Phone tablet = Join(owner, further);
  EXPECT_TRUE(Revoke(owner, owner).ok());
  EXPECT_EQ(ReasonOf(Revoke(tablet, tablet)), v1::ERROR_REASON_LAST_OWNER)
      << "a device that was revoked does not count";
  const Phone second = Join(tablet, v1::ROLE_OWNER);
  EXPECT_TRUE(Revoke(tablet, tablet).ok());
  EXPECT_TRUE(Revoke(caregiver, caregiver).ok());
}

TEST_F(FamilyServiceTest, ConsentIsChangedAndEndedAtOnce) {
  const Phone owner = CreateFamily();
  const Phone consultant = Join(owner, v1::ROLE_CONSULTANT);
  int changes = 0;
  const auto stream = Listen(consultant, changes);
  const absl::Time until = clock_.Now() + absl::Hours(5);
  ASSERT_TRUE(SetConsent(owner, consultant, v1::CONSENT_SCOPE_ENTRIES, until).ok());
  EXPECT_EQ(changes, 1);
  EXPECT_EQ(MemberRecord(consultant).consent_scope(), v1::CONSENT_SCOPE_ENTRIES);
  EXPECT_EQ(FromProto(MemberRecord(consultant).until()), until);
  EXPECT_EQ(NewestEntry(owner).operation(), "consent");
  ASSERT_TRUE(SetConsent(owner, consultant, v1::CONSENT_SCOPE_NIGHTS, clock_.Now()).ok());
  EXPECT_EQ(changes, 2);
  EXPECT_EQ(Refusal(consultant), v1::ERROR_REASON_NO_ACCESS);
  ASSERT_TRUE(SetConsent(owner, consultant, v1::CONSENT_SCOPE_NIGHTS, until).ok());
  EXPECT_EQ(Refusal(consultant), v1::ERROR_REASON_UNSPECIFIED) << "and given again";
  EXPECT_TRUE(Verify(owner).ok()) << Verify(owner);
}

TEST_F(FamilyServiceTest, ConsentIsForConsultantsAndHasAScope) {
  const Phone owner = CreateFamily();
  const Phone consultant = Join(owner, v1::ROLE_CONSULTANT);
  const absl::Time until = clock_.Now() + absl::Hours(5);
  EXPECT_EQ(ReasonOf(SetConsent(owner, owner, v1::CONSENT_SCOPE_NIGHTS, until)),
            v1::ERROR_REASON_INVALID_FIELD);
  for (const int scope : {0, 99}) {
    EXPECT_EQ(ReasonOf(SetConsent(owner, consultant, static_cast<v1::ConsentScope>(scope), until)),
              v1::ERROR_REASON_INVALID_FIELD);
  }
}

TEST_F(FamilyServiceTest, ARenewedReplicaIsTheDevicesOnly) {
  Phone owner = CreateFamily();
  PushEntries(owner, 1, 1);
  v1::RenewReplicaRequest request;
  request.set_family_id(owner.pairing.family_id());
  const auto renewed = Call(&FamilyService::RenewReplica, owner, request);
  ASSERT_TRUE(renewed.ok()) << renewed.status();
  EXPECT_NE(renewed->replica_id(), owner.pairing.replica_id());
  const auto families = family_service_.ListFamilies(owner.token, v1::ListFamiliesRequest());
  ASSERT_TRUE(families.ok());
  EXPECT_EQ(families->pairings(0).replica_id(), renewed->replica_id());
  // It begins with an empty history.
  owner.pairing.set_replica_id(renewed->replica_id());
  PushEntries(owner, 1, 1);
  EXPECT_TRUE(Verify(owner).ok()) << Verify(owner);
}

TEST_F(FamilyServiceTest, AnExportHoldsEveryRecordOnceInMessagesOfABoundedSize) {
  const Phone owner = CreateFamily();
  PushEntries(owner, 100, 4000);
  auto stream = Export(owner);
  ASSERT_TRUE(stream.ok()) << stream.status();
  std::set<std::string> ids;
  int messages = 0;
  uint64_t revision = 0;
  for (;;) {
    const auto step = (*stream)->Next();
    if (step.kind == StreamStep<v1::ExportFamilyResponse>::Kind::kEnd) {
      EXPECT_TRUE(step.status.ok()) << step.status;
      break;
    }
    ++messages;
    EXPECT_LT(step.message->ByteSizeLong(), 80u << 10);
    for (const v1::Record& record : step.message->records()) {
      EXPECT_TRUE(ids.insert(record.record_id()).second);
      EXPECT_GE(record.revision(), revision);
      revision = record.revision();
    }
  }
  EXPECT_GT(messages, 3);
  std::set<std::string> stored;
  const auto view = engine_.Snapshot();
  auto it = view->Scan(kRecordColumn, FamilyStart(owner.family()), FamilyLimit(owner.family()));
  for (; it->Valid(); it->Next()) stored.insert(RecordIdOfKey(it->key()).str());
  EXPECT_GE(stored.size(), 101u);
  EXPECT_EQ(ids, stored);
}

TEST_F(FamilyServiceTest, AnExportEndsWhenAccessEnds) {
  const Phone owner = CreateFamily();
  PushEntries(owner, 40, 4000);
  const Phone caregiver = Join(owner, v1::ROLE_CAREGIVER);
  EXPECT_EQ(ReasonOf(Export(Join(owner, v1::ROLE_VIEWER)).status()),
            v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  auto stream = Export(caregiver);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const auto first = (*stream)->Next();
  ASSERT_NE(first.message, nullptr);
  ASSERT_TRUE(Revoke(owner, caregiver).ok());
  EXPECT_FALSE((*stream)->WriteIfOpen([] { FAIL() << "sent after the revocation"; }));
  const auto second = (*stream)->Next();
  EXPECT_EQ(second.kind, StreamStep<v1::ExportFamilyResponse>::Kind::kEnd);
  EXPECT_EQ(second.message, nullptr);
  EXPECT_EQ(ReasonOf(second.status), v1::ERROR_REASON_NO_ACCESS);
}

TEST_F(FamilyServiceTest, AMessageThatAChangeOfAccessDroppedComesAgain) {
  const Phone owner = CreateFamily();
  PushEntries(owner, 40, 4000);
  auto stream = Export(owner);
  ASSERT_TRUE(stream.ok()) << stream.status();
  ASSERT_NE((*stream)->Next().message, nullptr);
  const auto dropped = (*stream)->Next();
  Join(owner, InviteRequest(owner, v1::ROLE_OWNER), owner);
  EXPECT_FALSE((*stream)->WriteIfOpen([] { FAIL(); }));
  const auto again = (*stream)->Next();
  ASSERT_NE(again.message, nullptr);
  EXPECT_EQ(again.message->records(0).record_id(), dropped.message->records(0).record_id());
}

TEST_F(FamilyServiceTest, AnErasedFamilyIsGone) {
  const Phone owner = CreateFamily();
  const Phone caregiver = Join(owner, v1::ROLE_CAREGIVER);
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER));
  PushEntries(owner, 3, 10);
  int on_owner = 0, on_caregiver = 0;
  const auto owner_stream = Listen(owner, on_owner);
  const auto caregiver_stream = Listen(caregiver, on_caregiver);
  v1::EraseFamilyRequest request;
  request.set_family_id(owner.pairing.family_id());
  request.set_family_name("The Owls");
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::EraseFamily, owner, request)),
            v1::ERROR_REASON_INVALID_FIELD);
  request.set_family_name("the owls");
  EXPECT_EQ(ReasonOfResult(Call(&FamilyService::EraseFamily, caregiver, request)),
            v1::ERROR_REASON_ROLE_NOT_ALLOWED);
  EXPECT_EQ(on_owner + on_caregiver, 0);
  const auto erased = Call(&FamilyService::EraseFamily, owner, request);
  ASSERT_TRUE(erased.ok()) << erased.status();
  EXPECT_EQ(on_owner, 1);
  EXPECT_EQ(on_caregiver, 1);
  EXPECT_EQ(Refusal(owner), v1::ERROR_REASON_NO_ACCESS);
  EXPECT_EQ(ReasonOfResult(TryJoin(*code)), v1::ERROR_REASON_INVITE_NOT_VALID);
  for (Column column = 0; column < static_cast<Column>(kColumnFamilyNames.size()); ++column) {
    const auto view = engine_.Snapshot();
    EXPECT_FALSE(
        view->Scan(column, FamilyStart(owner.family()), FamilyLimit(owner.family()))->Valid());
  }
}

TEST_F(FamilyServiceTest, NamesAreRequiredAndBounded) {
  v1::CreateFamilyRequest request;
  request.set_family_name(std::string(201, 'x'));
  request.set_device_name("phone");
  const absl::Status status = Call(&FamilyService::CreateFamily, Phone(), request).status();
  std::vector<std::string> fields;
  for (const FieldViolation& violation : ViolationsOf(status)) fields.push_back(violation.field());
  EXPECT_THAT(fields, UnorderedElementsAre("family_name", "member_name"));
}

TEST_F(FamilyServiceTest, AfterTheCommitterStoppedEveryWriteIsRefused) {
  const Phone owner = CreateFamily();
  committer_.Stop();
  EXPECT_EQ(ReasonOf(Remove(owner, owner)), v1::ERROR_REASON_DRAINING);
}

}  // namespace
}  // namespace nightlog
