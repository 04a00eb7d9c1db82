#ifndef NIGHTLOG_TESTS_SERVICES_SERVICE_FIXTURE_H_
#define NIGHTLOG_TESTS_SERVICES_SERVICE_FIXTURE_H_

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/access.h"
#include "services/family_service.h"
#include "services/import_service.h"
#include "services/methods.h"
#include "services/peer.h"
#include "services/progress_service.h"
#include "services/sleep_deriver.h"
#include "services/stream_registry.h"
#include "services/sync_service.h"
#include "storage/column_families.h"
#include "storage/committer.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"
#include "storage/core/random.h"
#include "storage/engine/memory_engine.h"
#include "storage/feed.h"
#include "storage/store.h"
#include "tests/testing/fake_clock.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {

// The reason of a result that must be an error; UNSPECIFIED if it is none.
template <typename Result>
v1::ErrorReason ReasonOfResult(const absl::StatusOr<Result>& result) {
  return ReasonOf(result.status());
}

// Waits for the answer of a use case.
template <typename Service, typename Request, typename Response>
absl::StatusOr<Response> Await(const Service& service,
                               void (Service::*use_case)(const std::string&, const Request&,
                                                         Done<Response>) const,
                               const std::string& token, const Request& request) {
  absl::StatusOr<Response> answer = absl::UnknownError("not answered");
  absl::Notification answered;
  (service.*use_case)(token, request, [&](absl::StatusOr<Response> result) {
    answer = std::move(result);
    answered.Notify();
  });
  answered.WaitForNotification();
  return answer;
}

// A phone (or the consultant's tablet): what it got when it was paired.
struct Phone {
  std::string token;
  v1::Pairing pairing;

  FamilyId family() const { return FamilyId(pairing.family_id()); }
};

// The use cases over a real store in memory, with the real committer and the real deriver. Only the
// clock is a fake.
class ServiceFixture : public ::testing::Test {
 protected:
  ServiceFixture()
      : engine_(static_cast<int>(kColumnFamilyNames.size())),
        store_opened_(OpenStore(engine_)),
        committer_(
            engine_, feed_, deriver_, clock_,
            [](const absl::Status& status) { ADD_FAILURE() << "the store failed: " << status; },
            Committer::Options()),
        family_service_(engine_, committer_, streams_, random_, clock_, Registration::kOpen),
        sync_service_(engine_, committer_, feed_, streams_, clock_),
        progress_service_(engine_, feed_, streams_, clock_),
        import_service_(engine_, clock_) {
    EXPECT_TRUE(store_opened_.ok()) << store_opened_;
  }

  template <typename Request, typename Response>
  absl::StatusOr<Response> Call(void (FamilyService::*use_case)(const std::string&, const Request&,
                                                                Done<Response>) const,
                                const Phone& phone, const Request& request) {
    return Await(family_service_, use_case, phone.token, request);
  }

  // A new family with its owner, on a phone that may be paired already.
  Phone CreateFamily(Phone phone = Phone()) {
    v1::CreateFamilyRequest request;
    request.set_family_name("the owls");
    request.set_member_name("Robin");
    request.set_device_name("Robin's phone");
    auto response = Call(&FamilyService::CreateFamily, phone, request);
    EXPECT_TRUE(response.ok()) << response.status();
    return Paired(phone, response->pairing());
  }

  v1::CreateInviteRequest InviteRequest(const Phone& phone, v1::Role role) {
    v1::CreateInviteRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_role(role);
    return request;
  }

  absl::StatusOr<std::string> Invite(const Phone& phone, const v1::CreateInviteRequest& request) {
    auto response = Call(&FamilyService::CreateInvite, phone, request);
    if (!response.ok()) return response.status();
    return response->code();
  }

  absl::StatusOr<v1::JoinResponse> TryJoin(const std::string& code, const Phone& phone = Phone()) {
    v1::JoinRequest request;
    request.set_code(code);
    request.set_member_name("Sam");
    request.set_device_name("Sam's phone");
    return Call(&FamilyService::Join, phone, request);
  }

  // Joins by an invite of `inviter`, on a phone that may be paired already.
  Phone Join(const Phone& inviter, const v1::CreateInviteRequest& request, Phone phone = Phone()) {
    const absl::StatusOr<std::string> code = Invite(inviter, request);
    EXPECT_TRUE(code.ok()) << code.status();
    const auto response = TryJoin(*code, phone);
    EXPECT_TRUE(response.ok()) << response.status();
    return Paired(phone, response->pairing());
  }
  Phone Join(const Phone& inviter, v1::Role role) {
    return Join(inviter, InviteRequest(inviter, role));
  }

  absl::StatusOr<v1::ListMembersResponse> ListMembers(const Phone& phone) {
    v1::ListMembersRequest request;
    request.set_family_id(phone.pairing.family_id());
    return family_service_.ListMembers(phone.token, request);
  }

  // An export of the phone's, past the wait for the event that tells of it.
  absl::StatusOr<std::unique_ptr<MessageStream<v1::ExportFamilyResponse>>> Export(
      const Phone& phone) {
    v1::ExportFamilyRequest request;
    request.set_family_id(phone.pairing.family_id());
    auto recorded = std::make_shared<absl::Notification>();
    auto stream =
        family_service_.ExportFamily(phone.token, request, [recorded] { recorded->Notify(); });
    if (stream.ok()) recorded->WaitForNotification();
    return stream;
  }

  // What the phone is refused now; UNSPECIFIED: it has access.
  v1::ErrorReason Refusal(const Phone& phone) { return ReasonOfResult(ListMembers(phone)); }

  // Commits `count` log entries of one child, with a text of `text_bytes` each.
  void PushEntries(const Phone& phone, int count, size_t text_bytes) {
    v1::PushRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_replica_id(phone.pairing.replica_id());
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    TransactionBuilder transactions{ReplicaId(phone.pairing.replica_id())};
    for (int i = 0; i < count; ++i) {
      v1::LogEntry entry;
      entry.set_child_id(child_.str());
      entry.mutable_detail()->mutable_note();
      *entry.mutable_interval()->mutable_began_at() = ToProto(clock_.Now());
      entry.mutable_interval()->set_zone("Europe/London");
      entry.set_text(std::string(text_bytes, 'z'));
      *request.add_transactions() =
          transactions.Make(EditsOf(MakeRecordId(clock_.Now(), random_), entry), clock_.Now());
    }
    const auto response = Await(sync_service_, &SyncService::Push, phone.token, request);
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_EQ(response->verdicts_size(), count);
    for (const v1::Verdict& verdict : response->verdicts()) {
      ASSERT_TRUE(verdict.has_committed()) << verdict.ShortDebugString();
    }
  }

  // Says whether the server knows a device token.
  TokenCheck CheckToken() {
    return [this](const Peer& peer, size_t) {
      return nightlog::CheckToken(*engine_.Snapshot(), peer.token);
    };
  }

  absl::Status Verify(const Phone& phone) {
    return VerifyFamily(*engine_.Snapshot(), phone.family());
  }

  static Phone Paired(Phone phone, const v1::Pairing& pairing) {
    if (!pairing.device_token().empty()) phone.token = pairing.device_token();
    phone.pairing = pairing;
    return phone;
  }

  FakeClock clock_;
  SystemRandom random_;
  MemoryEngine engine_;
  const absl::Status store_opened_;
  Feed feed_;
  StreamRegistry streams_;
  const SleepDeriver deriver_;
  Committer committer_;
  const FamilyService family_service_;
  const SyncService sync_service_;
  const ProgressService progress_service_;
  const ImportService import_service_;
  const RecordId child_ = RecordId::Make(random_);
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_SERVICES_SERVICE_FIXTURE_H_
