#include "tests/clients/cpp/fake_server.h"

#include <deque>

#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/merge.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {
namespace {

absl::Status Down() { return absl::UnavailableError("the fake server is down"); }
absl::Status NotServed() { return absl::UnimplementedError("the fake server does not do that"); }

template <typename Response>
class EmptyStream final : public ServerStream<Response> {
 public:
  bool Read(Response&) override { return false; }
  void Cancel() override {}
  absl::Status Finish() override { return NotServed(); }
};

}  // namespace

class FakeServer::Stream final : public ServerStream<v1::FollowResponse> {
 public:
  Stream(FakeServer* server, const v1::FollowRequest& request, int messages_max)
      : server_(*server),
        until_head_(request.until_head()),
        cursor_(request.cursor()),
        messages_left_(messages_max) {}

  bool Read(v1::FollowResponse& response) override {
    absl::MutexLock lock(&server_.mu_);
    while (true) {
      if (!pending_.empty()) break;
      for (v1::FollowResponse& message : server_.Changes(cursor_, first_)) {
        pending_.push_back(std::move(message));
      }
      first_ = false;
      if (!pending_.empty()) break;
      if (until_head_) return false;
      server_.mu_.Await(absl::Condition(this, &Stream::HasNews));
      if (server_.down_ || cancelled_) break;
      if (server_.revoked_) {
        if (told_closed_) return false;
        told_closed_ = true;
        response.Clear();
        response.mutable_closed()->set_message("revoked by an owner");
        return true;
      }
    }
    if (server_.down_) status_ = Down();
    if (messages_left_ == 0) status_ = absl::UnavailableError("the connection was lost");
    if (cancelled_) status_ = absl::CancelledError();
    if (!status_.ok()) return false;
    if (messages_left_ > 0) --messages_left_;
    response = std::move(pending_.front());
    pending_.pop_front();
    if (response.has_bookmark()) cursor_ = response.bookmark().cursor();
    return true;
  }

  void Cancel() override {
    absl::MutexLock lock(&server_.mu_);
    cancelled_ = true;
  }

  absl::Status Finish() override {
    absl::MutexLock lock(&server_.mu_);
    return status_;
  }

 private:
  bool HasNews() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(server_.mu_) {
    return server_.down_ || server_.revoked_ || cancelled_ ||
           server_.history_.revision != cursor_.revision() ||
           server_.history_.lineage != cursor_.lineage();
  }

  FakeServer& server_;
  const bool until_head_;
  v1::Cursor cursor_;
  std::deque<v1::FollowResponse> pending_;
  int messages_left_;  // negative: no bound
  bool first_ = true;
  bool cancelled_ = false;
  bool told_closed_ = false;
  absl::Status status_;
};

FakeServer::FakeServer() {
  absl::MutexLock lock(&mu_);
  family_ = FamilyId(NewId());
  history_.lineage = NewId();
}

std::string FakeServer::NewId() { return TestId<FamilyId>(++ids_).str(); }

v1::Pairing FakeServer::NewPairing(const std::string& name) {
  absl::MutexLock lock(&mu_);
  v1::Pairing pairing;
  pairing.set_family_id(family_.str());
  pairing.set_family_name("Lindqvist");
  pairing.set_member_id(NewId());
  pairing.set_role(v1::ROLE_CAREGIVER);
  pairing.set_device_id(NewId());
  pairing.set_replica_id(NewId());
  pairing.set_device_token("token of " + name);
  history_.members[pairing.replica_id()] = pairing.member_id();
  return pairing;
}

void FakeServer::SetDown(bool down) {
  absl::MutexLock lock(&mu_);
  down_ = down;
}
void FakeServer::LoseNextPushAnswer() {
  absl::MutexLock lock(&mu_);
  lose_answer_ = true;
}
void FakeServer::CutNextStreamAfter(int messages) {
  absl::MutexLock lock(&mu_);
  cut_after_ = messages;
}
void FakeServer::SpoilHashes(int count) {
  absl::MutexLock lock(&mu_);
  spoiled_hashes_ = count;
}
void FakeServer::RejectText(const std::string& text) {
  absl::MutexLock lock(&mu_);
  rejected_text_ = text;
}
void FakeServer::SetRole(const MemberId& member, v1::Role role) {
  absl::MutexLock lock(&mu_);
  if (role == v1::ROLE_VIEWER) {
    viewers_.insert(member.str());
  } else {
    viewers_.erase(member.str());
  }
  v1::Member body;
  body.set_role(role);
  storage::v1::StoredRecord& record = history_.records[RecordId(member.bytes())];
  record.set_kind(kMember);
  record.set_body(body.SerializeAsString());
  record.set_revision(++history_.revision);
  record.set_digest(DigestOf(member.bytes(), record));
}
void FakeServer::SetTooOld(bool too_old) {
  absl::MutexLock lock(&mu_);
  too_old_ = too_old;
}
void FakeServer::Revoke() {
  absl::MutexLock lock(&mu_);
  revoked_ = true;
}
void FakeServer::SetBackedUp(uint64_t revision) {
  absl::MutexLock lock(&mu_);
  backed_up_ = revision;
}
void FakeServer::Backup() {
  absl::MutexLock lock(&mu_);
  backup_ = history_;
}
void FakeServer::Restore() {
  SetBack();
  absl::MutexLock lock(&mu_);
  history_.lineage = NewId();
}
void FakeServer::SetBack() {
  absl::MutexLock lock(&mu_);
  history_ = backup_;
}

FakeServer::Seen FakeServer::seen() const {
  absl::MutexLock lock(&mu_);
  return seen_;
}

storage::v1::StoredRecord FakeServer::Record(const RecordId& id) const {
  absl::MutexLock lock(&mu_);
  const auto record = history_.records.find(id);
  return record == history_.records.end() ? storage::v1::StoredRecord() : record->second;
}

v1::Cursor FakeServer::head() const {
  absl::MutexLock lock(&mu_);
  v1::Cursor cursor;
  cursor.set_lineage(history_.lineage);
  cursor.set_revision(history_.revision);
  return cursor;
}

v1::Verdict FakeServer::Decide(const std::string& replica, const v1::Transaction& transaction) {
  ReplicaLog& log = history_.replicas[replica];
  const uint64_t last_seq = log.verdicts.size();
  v1::Verdict verdict;
  verdict.set_seq(transaction.seq());
  if (transaction.seq() <= last_seq) {
    const auto& [hash, stored] = log.verdicts[transaction.seq() - 1];
    if (hash == transaction.hash()) return stored;
    verdict.mutable_forked()->set_last_seq(last_seq);
    return verdict;
  }
  if (transaction.seq() > last_seq + 1) {
    verdict.mutable_gap()->set_expected_seq(last_seq + 1);
    return verdict;
  }
  if (transaction.previous_hash() != (last_seq == 0 ? "" : log.verdicts.back().first)) {
    verdict.mutable_forked()->set_last_seq(last_seq);
    return verdict;
  }
  if (too_old_) {
    verdict.mutable_retry_later()->set_message("not understood");
    return verdict;
  }
  bool rejected = false;
  for (const v1::Edit& edit : transaction.edits()) {
    rejected = rejected || (!rejected_text_.empty() && edit.log_entry().text() == rejected_text_);
  }
  if (rejected) {
    FieldViolation violation;
    violation.set_field("edits[0]");
    violation.set_description("is not allowed for your role; ask an owner");
    *verdict.mutable_rejected()->mutable_status() = ToRpcStatus(InvalidFieldsError({violation}));
  } else {
    ++history_.revision;
    ++seen_.committed;
    for (int i = 0; i < transaction.edits_size(); ++i) {
      const v1::Edit& edit = transaction.edits(i);
      storage::v1::StoredRecord& record = history_.records[RecordId(edit.record_id())];
      AuthoredEdit authored{&edit,
                            {},
                            MemberId(history_.members.at(replica)),
                            FromProto(transaction.made_at().wall())};
      authored.id.set_replica_id(replica);
      authored.id.set_seq(transaction.seq());
      authored.id.set_index(static_cast<uint32_t>(i));
      NoteHistory(edit, authored.id, record.kind(), Merge(authored, record));
      record.set_revision(history_.revision);
      record.set_digest(DigestOf(edit.record_id(), record));
    }
    verdict.mutable_committed()->set_revision(history_.revision);
  }
  log.verdicts.emplace_back(transaction.hash(), verdict);
  return verdict;
}

void FakeServer::NoteHistory(const v1::Edit& edit, const storage::v1::StoredEditId& id,
                             uint32_t kind, const MergeOutcome& outcome) {
  std::vector<v1::HistoryItem>& items = history_.items[RecordId(edit.record_id())];
  if (items.empty() || items.back().revision() != history_.revision) {
    items.emplace_back().set_revision(history_.revision);
  }
  v1::EditOutcome& noted = *items.back().add_outcomes();
  *noted.mutable_edit() = ToWire(id);
  *noted.mutable_change() = edit;
  noted.set_effect(outcome.effect);
  for (const storage::v1::StoredVersion& replaced : outcome.replaced) {
    *noted.add_replaced() = VersionToWire(kind == 0 ? KindOf(edit) : kind, edit.group(), replaced);
  }
}

std::vector<v1::FollowResponse> FakeServer::Changes(const v1::Cursor& cursor, bool first) {
  const bool reset = !cursor.lineage().empty() && cursor.lineage() != history_.lineage;
  if (!first && !reset && cursor.revision() == history_.revision) return {};
  std::vector<v1::FollowResponse> messages;
  if (reset) messages.emplace_back().mutable_reset()->set_lineage(history_.lineage);
  StateHash hash;
  for (const auto& [id, record] : history_.records) {
    hash.Add(record.digest());
    if (!reset && record.revision() <= cursor.revision()) continue;
    RecordToWire(id.bytes(), record, *messages.emplace_back().add_records());
  }
  if (spoiled_hashes_ > 0) {
    --spoiled_hashes_;
    hash.Add(Sha256("spoiled"));
  }
  v1::Bookmark& bookmark = *messages.emplace_back().mutable_bookmark();
  bookmark.mutable_cursor()->set_lineage(history_.lineage);
  bookmark.mutable_cursor()->set_revision(history_.revision);
  bookmark.set_state_hash(hash.bytes());
  bookmark.set_backed_up_revision(backed_up_);
  return messages;
}

absl::StatusOr<v1::PushResponse> FakeServer::Push(const v1::PushRequest& request, absl::Time) {
  absl::MutexLock lock(&mu_);
  if (down_) return Down();
  seen_.pushes.push_back(request);
  if (history_.members.count(request.replica_id()) == 0) {
    return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_REPLICA_NOT_YOURS,
                     "the replica id was not issued to this device");
  }
  if (viewers_.count(history_.members.at(request.replica_id())) > 0) {
    return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_ROLE_NOT_ALLOWED,
                     "your role does not allow that");
  }
  v1::PushResponse response;
  response.set_lineage(history_.lineage);
  for (const v1::Transaction& transaction : request.transactions()) {
    *response.add_verdicts() = Decide(request.replica_id(), transaction);
    const v1::Verdict& verdict = *response.verdicts().rbegin();
    if (verdict.has_gap() || verdict.has_forked() || verdict.has_retry_later()) break;
  }
  if (lose_answer_) {
    lose_answer_ = false;
    return absl::UnavailableError("the answer was lost");
  }
  return response;
}

absl::StatusOr<v1::AcknowledgeResponse> FakeServer::Acknowledge(
    const v1::AcknowledgeRequest& request, absl::Time) {
  absl::MutexLock lock(&mu_);
  if (down_) return Down();
  seen_.acknowledgements.push_back(request);
  return v1::AcknowledgeResponse();
}

std::unique_ptr<ServerStream<v1::FollowResponse>> FakeServer::Follow(
    const v1::FollowRequest& request, absl::Time) {
  absl::MutexLock lock(&mu_);
  seen_.follows.push_back(request);
  const int cut_after = cut_after_;
  cut_after_ = -1;
  return std::make_unique<Stream>(this, request, cut_after);
}

absl::StatusOr<v1::RenewReplicaResponse> FakeServer::RenewReplica(const v1::RenewReplicaRequest&,
                                                                  absl::Time) {
  absl::MutexLock lock(&mu_);
  if (down_) return Down();
  ++seen_.renewals;
  v1::RenewReplicaResponse response;
  response.set_replica_id(NewId());
  response.set_lineage(history_.lineage);
  // Whose it is makes no difference to these tests.
  history_.members[response.replica_id()] = history_.members.begin()->second;
  return response;
}

std::unique_ptr<ServerStream<v1::WatchResponse>> FakeServer::Watch(const v1::WatchRequest&,
                                                                   absl::Time) {
  return std::make_unique<EmptyStream<v1::WatchResponse>>();
}
std::unique_ptr<ServerStream<v1::ExportFamilyResponse>> FakeServer::ExportFamily(
    const v1::ExportFamilyRequest&, absl::Time) {
  return std::make_unique<EmptyStream<v1::ExportFamilyResponse>>();
}
absl::StatusOr<v1::ListHistoryResponse> FakeServer::ListHistory(
    const v1::ListHistoryRequest& request, absl::Time) {
  absl::MutexLock lock(&mu_);
  if (down_) return Down();
  v1::ListHistoryResponse response;
  const auto& items = history_.items[RecordId(request.record_id())];
  for (auto item = items.rbegin(); item != items.rend(); ++item) {
    if (response.items_size() == request.page_size()) {
      response.set_next_page_token("more");
      break;
    }
    *response.add_items() = *item;
  }
  return response;
}
absl::StatusOr<v1::GetProgressResponse> FakeServer::GetProgress(const v1::GetProgressRequest&,
                                                                absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::ListNightsResponse> FakeServer::ListNights(const v1::ListNightsRequest&,
                                                              absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::CreateFamilyResponse> FakeServer::CreateFamily(const v1::CreateFamilyRequest&,
                                                                  absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::CreateInviteResponse> FakeServer::CreateInvite(const v1::CreateInviteRequest&,
                                                                  absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::JoinResponse> FakeServer::Join(const v1::JoinRequest&, absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::ListFamiliesResponse> FakeServer::ListFamilies(const v1::ListFamiliesRequest&,
                                                                  absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::ListMembersResponse> FakeServer::ListMembers(const v1::ListMembersRequest&,
                                                                absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::RevokeDeviceResponse> FakeServer::RevokeDevice(const v1::RevokeDeviceRequest&,
                                                                  absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::RemoveMemberResponse> FakeServer::RemoveMember(const v1::RemoveMemberRequest&,
                                                                  absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::SetConsentResponse> FakeServer::SetConsent(const v1::SetConsentRequest&,
                                                              absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::ListQuarantineResponse> FakeServer::ListQuarantine(
    const v1::ListQuarantineRequest&, absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::RotateTokenResponse> FakeServer::RotateToken(const v1::RotateTokenRequest&,
                                                                absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::ListEventsResponse> FakeServer::ListEvents(const v1::ListEventsRequest&,
                                                              absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::DecideQuarantineResponse> FakeServer::DecideQuarantine(
    const v1::DecideQuarantineRequest&, absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::ImportRecordsResponse> FakeServer::ImportRecords(const v1::ImportRecordsRequest&,
                                                                    absl::Time) {
  return NotServed();
}
absl::StatusOr<v1::EraseFamilyResponse> FakeServer::EraseFamily(const v1::EraseFamilyRequest&,
                                                                absl::Time) {
  return NotServed();
}

}  // namespace nightlog
