#include "services/access_events.h"

#include <set>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/keys.h"
#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

class AccessEventsTest : public ServiceFixture {
 protected:
  absl::StatusOr<v1::ListEventsResponse> List(const Phone& phone, int page_size = 0,
                                              const std::string& page_token = "") {
    v1::ListEventsRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_page_size(page_size);
    request.set_page_token(page_token);
    return family_service_.ListEvents(phone.token, request);
  }

  // Newest first.
  std::vector<v1::AccessEvent> Events(const Phone& phone) {
    const auto response = List(phone, 200);
    EXPECT_TRUE(response.ok()) << response.status();
    return {response->events().begin(), response->events().end()};
  }

  std::vector<v1::AccessEventKind> Kinds(const Phone& phone) {
    std::vector<v1::AccessEventKind> kinds;
    for (const v1::AccessEvent& event : Events(phone)) kinds.push_back(event.kind());
    return kinds;
  }

  v1::AccessEvent Newest(const Phone& phone) { return Events(phone).front(); }

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

  absl::Status SetConsent(const Phone& phone, const Phone& target, absl::Time until) {
    v1::SetConsentRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_member_id(target.pairing.member_id());
    request.set_scope(v1::CONSENT_SCOPE_ENTRIES);
    *request.mutable_until() = ToProto(until);
    return Call(&FamilyService::SetConsent, phone, request).status();
  }

  absl::Status Renew(const Phone& phone) {
    v1::RenewReplicaRequest request;
    request.set_family_id(phone.pairing.family_id());
    return Call(&FamilyService::RenewReplica, phone, request).status();
  }

  // Rows of events in the store.
  int CountRows(const Phone& phone) {
    const auto view = engine_.Snapshot();
    int rows = 0;
    EXPECT_TRUE(FamilyReader(*view, phone.family())
                    .ScanEvents(~uint64_t{0},
                                [&rows](uint64_t, const storage::v1::StoredEvent&) {
                                  ++rows;
                                  return true;
                                })
                    .ok());
    return rows;
  }

  storage::v1::FamilyHead Head(const Phone& phone) {
    return **FamilyReader(*engine_.Snapshot(), phone.family()).Head();
  }

  uint64_t NewestInHead(const Phone& phone) { return Head(phone).newest_event(); }

  void SetNewestInHead(const Phone& phone, uint64_t number) {
    storage::v1::FamilyHead head = Head(phone);
    head.set_newest_event(number);
    WriteBatch batch;
    batch.Put(kHeadColumn, FamilyHeadKey(phone.family()), head.SerializeAsString());
    ASSERT_TRUE(engine_.Write(batch).ok());
  }

  void DeleteEvent(const Phone& phone, uint64_t number) {
    WriteBatch batch;
    batch.Delete(kAccessColumn, EventKey(phone.family(), number));
    ASSERT_TRUE(engine_.Write(batch).ok());
  }
};

MATCHER_P2(IsBy, phone, kind, "") {
  return arg.kind() == kind && arg.actor_member_id() == phone.pairing.member_id() &&
         arg.actor_device_id() == phone.pairing.device_id();
}

TEST_F(AccessEventsTest, TellsWhoMadeTheFamilyWhoInvitedAndWhoCame) {
  const Phone owner = CreateFamily();
  clock_.Advance(absl::Minutes(1));
  const Phone sam = Join(owner, v1::ROLE_CAREGIVER);
  const std::vector<v1::AccessEvent> events = Events(sam);
  ASSERT_THAT(events, ElementsAre(IsBy(owner, v1::ACCESS_EVENT_KIND_DEVICE_PAIRED),
                                  IsBy(owner, v1::ACCESS_EVENT_KIND_INVITE_GIVEN),
                                  IsBy(owner, v1::ACCESS_EVENT_KIND_FAMILY_CREATED)));
  EXPECT_EQ(events[0].subject_member_id(), sam.pairing.member_id());
  EXPECT_EQ(events[0].subject_device_id(), sam.pairing.device_id());
  EXPECT_EQ(events[0].role(), v1::ROLE_CAREGIVER);
  EXPECT_EQ(events[0].invite_number(), events[1].number());
  EXPECT_EQ(FromProto(events[0].at()), clock_.Now());
  EXPECT_EQ(FromProto(events[1].invite_expires_at()), clock_.Now() + absl::Hours(24));
  EXPECT_EQ(FromProto(events[2].at()), clock_.Now() - absl::Minutes(1));
  EXPECT_EQ(events[2].number(), 1u);
}

TEST_F(AccessEventsTest, TellsWhenARoleAndConsentChange) {
  const Phone owner = CreateFamily();
  const Phone sam = Join(owner, v1::ROLE_CAREGIVER);
  Join(owner, InviteRequest(owner, v1::ROLE_VIEWER), sam);
  EXPECT_EQ(Newest(owner).kind(), v1::ACCESS_EVENT_KIND_ROLE_CHANGED);
  EXPECT_EQ(Newest(owner).role(), v1::ROLE_VIEWER);
  EXPECT_EQ(Newest(owner).subject_member_id(), sam.pairing.member_id());
  // The same once more changes nothing.
  Join(owner, InviteRequest(owner, v1::ROLE_VIEWER), sam);
  EXPECT_EQ(Newest(owner).kind(), v1::ACCESS_EVENT_KIND_DEVICE_PAIRED);

  const Phone dana = Join(owner, v1::ROLE_CONSULTANT);
  EXPECT_EQ(Newest(owner).consent_scope(), v1::CONSENT_SCOPE_NIGHTS);
  EXPECT_EQ(FromProto(Newest(owner).consent_until()), clock_.Now() + absl::Hours(24 * 60));
  ASSERT_TRUE(SetConsent(owner, dana, clock_.Now() + absl::Hours(5)).ok());
  EXPECT_THAT(Newest(owner), IsBy(owner, v1::ACCESS_EVENT_KIND_CONSENT_CHANGED));
  EXPECT_EQ(Newest(owner).consent_scope(), v1::CONSENT_SCOPE_ENTRIES);
  EXPECT_EQ(FromProto(Newest(owner).consent_until()), clock_.Now() + absl::Hours(5));
  v1::CreateInviteRequest longer = InviteRequest(owner, v1::ROLE_CONSULTANT);
  *longer.mutable_consent_until() = ToProto(clock_.Now() + absl::Hours(9));
  Join(owner, longer, dana);
  EXPECT_EQ(Newest(owner).kind(), v1::ACCESS_EVENT_KIND_CONSENT_CHANGED);
  ASSERT_TRUE(SetConsent(owner, dana, clock_.Now()).ok());
  EXPECT_THAT(Newest(owner), IsBy(owner, v1::ACCESS_EVENT_KIND_CONSENT_ENDED));
  EXPECT_EQ(Newest(owner).subject_member_id(), dana.pairing.member_id());
}

TEST_F(AccessEventsTest, TellsWhoseAccessWasEndedAndWhichInvitesWentWithIt) {
  const Phone owner = CreateFamily();
  const Phone sam = Join(owner, v1::ROLE_OWNER);
  ASSERT_TRUE(Invite(sam, InviteRequest(sam, v1::ROLE_VIEWER)).ok());
  v1::CreateInviteRequest brief = InviteRequest(sam, v1::ROLE_VIEWER);
  brief.mutable_valid_for()->set_seconds(60);
  ASSERT_TRUE(Invite(sam, brief).ok());
  const Phone wren = Join(sam, v1::ROLE_VIEWER);
  ASSERT_TRUE(Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)).ok());
  clock_.Advance(absl::Minutes(2));
  const uint64_t open = 4;  // created, two of Sam's coming, then this one
  ASSERT_TRUE(Revoke(owner, sam).ok());
  const std::vector<v1::AccessEvent> events = Events(owner);
  EXPECT_THAT(events[0], IsBy(owner, v1::ACCESS_EVENT_KIND_INVITE_VOIDED));
  EXPECT_EQ(events[0].invite_number(), open);
  EXPECT_EQ(events[0].subject_member_id(), sam.pairing.member_id());
  EXPECT_THAT(events[1], IsBy(owner, v1::ACCESS_EVENT_KIND_DEVICE_REVOKED));
  EXPECT_EQ(events[1].subject_device_id(), sam.pairing.device_id());
  EXPECT_EQ(events[2].kind(), v1::ACCESS_EVENT_KIND_INVITE_GIVEN) << "one alone was open";

  // What is done already is not told again.
  ASSERT_TRUE(Revoke(owner, sam).ok());
  EXPECT_EQ(Newest(owner).number(), events[0].number());
  ASSERT_TRUE(Remove(owner, sam).ok());
  EXPECT_THAT(Newest(owner), IsBy(owner, v1::ACCESS_EVENT_KIND_MEMBER_REMOVED));
  EXPECT_EQ(Newest(owner).subject_member_id(), sam.pairing.member_id());
  ASSERT_TRUE(Remove(owner, sam).ok());
  EXPECT_EQ(Newest(owner).number(), events[0].number() + 1);
  ASSERT_TRUE(Remove(wren, wren).ok());
  EXPECT_THAT(Newest(owner), IsBy(wren, v1::ACCESS_EVENT_KIND_MEMBER_LEFT));
}

TEST_F(AccessEventsTest, TellsWhoTriedAnInviteThatHoldsNoLonger) {
  const Phone owner = CreateFamily();
  const Phone sam = Join(owner, v1::ROLE_OWNER);
  const auto expired = Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER));
  clock_.Advance(absl::Hours(25));
  const uint64_t before = Newest(owner).number();
  EXPECT_EQ(ReasonOfResult(TryJoin(*expired)), v1::ERROR_REASON_INVITE_NOT_VALID);
  EXPECT_EQ(Newest(owner).kind(), v1::ACCESS_EVENT_KIND_INVITE_REFUSED);
  EXPECT_EQ(Newest(owner).number(), before + 1);
  EXPECT_EQ(Newest(owner).actor_member_id(), "");
  EXPECT_EQ(Newest(owner).subject_member_id(), owner.pairing.member_id());
  EXPECT_EQ(Newest(owner).invite_number(), before);
  EXPECT_EQ(ReasonOfResult(TryJoin(*expired, sam)), v1::ERROR_REASON_INVITE_NOT_VALID);
  EXPECT_THAT(Newest(owner), IsBy(sam, v1::ACCESS_EVENT_KIND_INVITE_REFUSED));

  const auto for_wren = Join(owner, v1::ROLE_VIEWER);
  v1::CreateInviteRequest further = InviteRequest(owner, v1::ROLE_UNSPECIFIED);
  further.set_member_id(for_wren.pairing.member_id());
  const auto of_the_removed = Invite(owner, further);
  ASSERT_TRUE(Remove(owner, for_wren).ok());
  EXPECT_EQ(ReasonOfResult(TryJoin(*of_the_removed)), v1::ERROR_REASON_INVITE_NOT_VALID);
  EXPECT_EQ(Newest(owner).kind(), v1::ACCESS_EVENT_KIND_INVITE_REFUSED);

  const auto of_sam = Invite(sam, InviteRequest(sam, v1::ROLE_VIEWER));
  ASSERT_TRUE(Remove(owner, sam).ok());
  EXPECT_EQ(ReasonOfResult(TryJoin(*of_sam)), v1::ERROR_REASON_INVITE_NOT_VALID);
  EXPECT_EQ(Newest(owner).subject_member_id(), sam.pairing.member_id());

  // A guess names no family.
  const uint64_t last = Newest(owner).number();
  EXPECT_EQ(ReasonOfResult(TryJoin("K7QF-2M9X-RD4T-B8HW")), v1::ERROR_REASON_INVITE_NOT_VALID);
  EXPECT_EQ(Newest(owner).number(), last);
}

TEST_F(AccessEventsTest, TellsOfAnExportBeforeItsFirstRecord) {
  const Phone owner = CreateFamily();
  const auto stream = Export(owner);
  ASSERT_TRUE(stream.ok()) << stream.status();
  EXPECT_THAT(Newest(owner), IsBy(owner, v1::ACCESS_EVENT_KIND_FAMILY_EXPORTED));
  EXPECT_NE((*stream)->Next().message, nullptr);
}

TEST_F(AccessEventsTest, AnExportWhoseEventCannotBeWrittenSendsNothing) {
  const Phone owner = CreateFamily();
  committer_.Stop();
  const auto stream = Export(owner);
  ASSERT_TRUE(stream.ok()) << stream.status();
  const auto step = (*stream)->Next();
  EXPECT_EQ(step.kind, StreamStep<v1::ExportFamilyResponse>::Kind::kEnd);
  EXPECT_EQ(ReasonOf(step.status), v1::ERROR_REASON_DRAINING);
  EXPECT_EQ(step.message, nullptr);
}

TEST_F(AccessEventsTest, TheSameWithinAnHourIsCountedOnce) {
  const Phone owner = CreateFamily();
  for (int i = 0; i < 3; ++i) ASSERT_TRUE(Renew(owner).ok());
  EXPECT_THAT(Events(owner), SizeIs(2));
  EXPECT_EQ(Newest(owner).count(), 3u);
  clock_.Advance(absl::Hours(1));
  ASSERT_TRUE(Renew(owner).ok());
  EXPECT_THAT(Events(owner), SizeIs(3));
  EXPECT_EQ(Newest(owner).count(), 0u);
  // An invite is always one of its own.
  ASSERT_TRUE(Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)).ok());
  ASSERT_TRUE(Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)).ok());
  EXPECT_THAT(Events(owner), SizeIs(5));
}

TEST_F(AccessEventsTest, OnlyTheNewestAreKept) {
  const Phone owner = CreateFamily();
  for (uint64_t i = 0; i < kEventsKept + 5; ++i) {
    ASSERT_TRUE(Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)).ok());
  }
  EXPECT_EQ(CountRows(owner), static_cast<int>(kEventsKept));
  EXPECT_EQ(Newest(owner).number(), kEventsKept + 6);
}

TEST_F(AccessEventsTest, TheHeadKnowsTheNewestAndItsNumberIsNotGivenAgainIfItIsLost) {
  const Phone owner = CreateFamily();
  ASSERT_TRUE(Renew(owner).ok());
  ASSERT_TRUE(Renew(owner).ok());
  EXPECT_EQ(NewestInHead(owner), 2u) << "a repeat is no event of its own";
  DeleteEvent(owner, 2);
  ASSERT_TRUE(Renew(owner).ok());
  EXPECT_EQ(Newest(owner).number(), 3u);
  EXPECT_EQ(NewestInHead(owner), 3u);
  EXPECT_THAT(Events(owner), SizeIs(2));
}

TEST_F(AccessEventsTest, AStoreThatDidNotCountIsCountedFromItsNextEventOn) {
  const Phone owner = CreateFamily();
  for (const uint64_t counted : {0, 1}) {  // never, or not since another build went on
    ASSERT_TRUE(Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)).ok());
    SetNewestInHead(owner, counted);
    ASSERT_TRUE(Renew(owner).ok());
    EXPECT_EQ(NewestInHead(owner), Newest(owner).number());
    SetNewestInHead(owner, counted);
    ASSERT_TRUE(Renew(owner).ok());
    EXPECT_EQ(Newest(owner).count(), 2u);
    EXPECT_EQ(NewestInHead(owner), Newest(owner).number());
  }
}

TEST_F(AccessEventsTest, PagesHoldEachEventOnce) {
  const Phone owner = CreateFamily();
  for (int i = 0; i < 6; ++i) {
    ASSERT_TRUE(Invite(owner, InviteRequest(owner, v1::ROLE_VIEWER)).ok());
  }
  std::vector<uint64_t> numbers;
  std::string token;
  do {
    const auto page = List(owner, 3, token);
    ASSERT_TRUE(page.ok()) << page.status();
    EXPECT_LE(page->events_size(), 3);
    for (const v1::AccessEvent& event : page->events()) numbers.push_back(event.number());
    token = page->next_page_token();
  } while (!token.empty());
  EXPECT_THAT(numbers, ElementsAre(7, 6, 5, 4, 3, 2, 1));
  EXPECT_EQ(ReasonOfResult(List(owner, 3, "x")), v1::ERROR_REASON_PAGE_TOKEN);
  EXPECT_EQ(ReasonOfResult(List(owner, 201)), v1::ERROR_REASON_INVALID_FIELD);
}

TEST_F(AccessEventsTest, HoldNoSecretsAndNoWords) {
  const Phone owner = CreateFamily();
  const auto code = Invite(owner, InviteRequest(owner, v1::ROLE_CAREGIVER));
  const auto joined = TryJoin(*code);
  ASSERT_TRUE(joined.ok());
  const auto view = engine_.Snapshot();
  auto it = view->Scan(kAccessColumn, EventKey(owner.family(), 0), EventKey(owner.family(), 100));
  for (; it->Valid(); it->Next()) {
    for (const std::string& secret :
         {*code, owner.token, joined->pairing().device_token(), std::string("Robin"),
          std::string("Sam"), std::string("phone")}) {
      EXPECT_EQ(std::string(it->value()).find(secret), std::string::npos) << secret;
    }
  }
}

TEST_F(AccessEventsTest, GoWithTheFamily) {
  const Phone owner = CreateFamily();
  v1::EraseFamilyRequest request;
  request.set_family_id(owner.pairing.family_id());
  request.set_family_name("the owls");
  ASSERT_GT(CountRows(owner), 0);
  ASSERT_TRUE(Call(&FamilyService::EraseFamily, owner, request).ok());
  EXPECT_EQ(CountRows(owner), 0);
}

}  // namespace
}  // namespace nightlog
