#include "services/sync_service.h"

#include <algorithm>
#include <atomic>
#include <utility>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "services/access.h"
#include "services/change_reader.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"
#include "storage/push.h"

namespace nightlog {
namespace {

constexpr size_t kPushBytesMax = 1 << 20;
constexpr int kPushTransactionsMax = 512;
constexpr size_t kHashBytesMax = 32;
constexpr int kHistoryPageDefault = 50;

void Require(bool holds, const std::string& field, absl::string_view otherwise,
             std::vector<FieldViolation>& violations) {
  if (!holds) violations.push_back(MakeViolation(field, otherwise));
}

// What must hold of a push before its edits are looked at. Wrong edits are rejected one transaction
// at a time, so that a single one never holds up an outbox.
absl::Status ValidateEnvelope(const v1::PushRequest& request) {
  if (request.ByteSizeLong() > kPushBytesMax) {
    return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_TOO_LARGE,
                     absl::StrCat("The push has ", request.ByteSizeLong(), " bytes; send at most ",
                                  kPushBytesMax, " at once."),
                     {{"bytes", absl::StrCat(request.ByteSizeLong())}});
  }
  std::vector<FieldViolation> violations;
  for (int number : {v1::PushRequest::kFamilyIdFieldNumber, v1::PushRequest::kReplicaIdFieldNumber,
                     v1::PushRequest::kSentAtFieldNumber}) {
    ValidateField(request, *v1::PushRequest::descriptor()->FindFieldByNumber(number), "",
                  violations);
  }
  const int count = request.transactions_size();
  Require(count >= 1 && count <= kPushTransactionsMax, "transactions",
          absl::StrCat("has ", count, " elements; 1 to ", kPushTransactionsMax), violations);
  for (int i = 0; i < count && violations.empty(); ++i) {
    const v1::Transaction& transaction = request.transactions(i);
    const std::string path = absl::StrCat("transactions[", i, "].");
    Require(transaction.seq() >= 1, path + "seq", "is required; counted from 1", violations);
    Require(!transaction.hash().empty() && transaction.hash().size() <= kHashBytesMax,
            path + "hash", "is required; at most 32 bytes", violations);
    Require(transaction.previous_hash().size() <= kHashBytesMax, path + "previous_hash",
            "has more than 32 bytes", violations);
  }
  return violations.empty() ? absl::OkStatus() : InvalidFieldsError(violations);
}

// Who pushes, at the commit's revision. A removed device's late edits are not refused: they go to
// quarantine, whoever it belonged to.
absl::StatusOr<Pusher> AuthorizePush(const FamilyWriter& writer, const std::string& token,
                                     const ReplicaId& replica_id) {
  ASSIGN_OR_RETURN(const DeviceId device, Authenticate(writer.view(), token));
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredFamilyDevice> paired,
                   writer.reader().Device(device));
  const absl::StatusOr<Access> access = Authorize(writer.reader(), device, writer.now());
  if (!paired.has_value()) return access.status();
  if (!access.ok() && ReasonOf(access.status()) != v1::ERROR_REASON_NO_ACCESS) {
    return access.status();
  }
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::Replica> replica,
                   writer.reader().Replica(replica_id));
  if (!replica.has_value() ||
      (replica->device_id() != device.bytes() && !Planted("replica_of_another_device"))) {
    return MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_REPLICA_NOT_YOURS,
                     "The replica id was not issued to this device; pair it again.");
  }
  Pusher pusher;
  pusher.member = MemberId(paired->member_id());
  pusher.quarantined = !access.ok();
  if (access.ok()) {
    if (!Planted("viewer_may_push")) RETURN_IF_ERROR(RequireAction(*access, Action::kPush));
    pusher.may_write = [role = access->role](uint32_t kind) { return MayWrite(role, kind); };
  }
  return pusher;
}

// More of this lineage than there is: the server lost data.
bool IsAhead(const v1::Cursor& cursor, const storage::v1::FamilyHead& head) {
  return cursor.lineage() == head.lineage() && cursor.revision() > head.revision();
}

// A tap made by somebody who saw more than there is. The word of those who may write the log is
// taken as proof.
bool ProvesLoss(const v1::PushRequest& request, const Pusher& pusher,
                const storage::v1::FamilyHead& head) {
  return !pusher.quarantined && pusher.may_write(kLogEntry) && !Planted("lost_data_not_noticed") &&
         !Planted("lost_data_not_noticed_by_a_push") &&
         std::any_of(request.transactions().begin(), request.transactions().end(),
                     [&head](const v1::Transaction& transaction) {
                       return IsAhead(transaction.made_at_cursor(), head);
                     });
}

// Whether a device that says it holds `cursor` has what it said before, or more: a call that was
// long under way, or is of another lineage, tells nothing of now.
bool IsProgress(const v1::Cursor& cursor, const storage::v1::FamilyHead& head,
                const storage::v1::StoredFamilyDevice& told) {
  if (cursor.lineage() != head.lineage() && !Planted("acknowledged_in_any_lineage")) return false;
  if (cursor.revision() > head.revision()) return false;
  return told.acknowledged_lineage() != cursor.lineage() ||
         told.acknowledged_revision() <= cursor.revision() || Planted("acknowledged_goes_back");
}

class FollowStream final : public MessageStream<v1::FollowResponse> {
 public:
  using Step = StreamStep<v1::FollowResponse>;

  FollowStream(const Engine& engine, const Clock& clock, const StreamLimits& limits,
               ChangeReader::SharedParts& shared_parts, std::string token, const DeviceId& device,
               const v1::FollowRequest& request)
      : engine_(engine),
        clock_(clock),
        limits_(limits),
        shared_parts_(shared_parts),
        token_(std::move(token)),
        device_(device),
        has_window_(!request.stream_id().empty()),
        until_head_(request.until_head()),
        reader_(FamilyId(request.family_id()), device, request.cursor(),
                [](uint32_t) { return true; }) {}

  void Start(Feed& feed, StreamRegistry& streams, const DeviceId& device,
             const std::string& stream_id, const StreamWake& wake) {
    StreamRegistry::Callbacks callbacks;
    callbacks.access_changed = [this, wake](const FamilyId& family) {
      if (family != reader_.family()) return;
      if (!Planted("stream_not_stopped_at_once")) Invalidate();
      wake();
    };
    callbacks.token_exchanged = [this, wake] {
      Invalidate();
      wake();
    };
    callbacks.received = [this, wake](uint64_t bytes) {
      // One that was overtaken says less than is known.
      uint64_t known = received_bytes_.load();
      while (known < bytes && !received_bytes_.compare_exchange_weak(known, bytes)) {
      }
      wake();
    };
    registration_ = streams.Register(device, stream_id, std::move(callbacks));
    subscription_ = feed.Subscribe(reader_.family(), wake);
  }

  Step Next() override {
    if (WasDropped() && !Planted("dropped_bytes_fill_the_window")) sent_bytes_ -= last_bytes_;
    const bool changed = Revalidate();
    if (changed && !Planted("dropped_message_not_sent_again")) reader_.StartOver();
    Step step;
    if (until_head_ && bookmarked_) {
      step.kind = Step::Kind::kEnd;
      return step;
    }
    const std::unique_ptr<ReadView> view = engine_.Snapshot();
    if (changed) {
      step.status = CheckStreamToken(*view, token_);
      if (!step.status.ok()) {
        step.kind = Step::Kind::kEnd;
        return step;
      }
      end_ = absl::InfiniteFuture();  // its time may have come, by a clock that was set back since
    }
    if (has_window_ && sent_bytes_ > received_bytes_.load() + limits_.window_bytes &&
        !Planted("window_ignored")) {
      // A full window holds back what there is to tell, but not that access ended.
      const FamilyReader family(*view, reader_.family());
      const absl::StatusOr<Access> access = Authorize(family, device_, clock_.Now());
      if (access.ok()) ExpectEnd(access->until);
      if (access.ok() || Planted("full_window_hides_the_end_of_access")) return step;
    }
    if (!has_window_ && live_bytes_ > limits_.window_bytes &&
        !Planted("slow_reader_without_id_not_stopped")) {
      step.kind = Step::Kind::kEnd;
      step.status = MakeError(absl::StatusCode::kAborted, v1::ERROR_REASON_SLOW_READER,
                              "The stream has no id to acknowledge by; follow again from the last "
                              "bookmark.");
      return step;
    }
    absl::StatusOr<ChangeReader::Part> part =
        reader_.Next(*view, clock_.Now(), limits_.message_bytes, &shared_parts_);
    if (!part.ok()) {
      step.kind = Step::Kind::kEnd;
      step.status = part.status();
      if (ReasonOf(step.status) == v1::ERROR_REASON_NO_ACCESS) {
        auto closed = std::make_shared<v1::FollowResponse>();
        closed->mutable_closed()->set_message(std::string(step.status.message()));
        step.message = std::move(closed);
      }
      return step;
    }
    ExpectEnd(reader_.access_until());
    if (part->message == nullptr) return step;
    step.kind = Step::Kind::kMessage;
    step.message = std::move(part->message);
    step.bytes = std::move(part->bytes);
    last_bytes_ = step.bytes != nullptr ? step.bytes->size() : step.message->ByteSizeLong();
    sent_bytes_ += last_bytes_;
    if (bookmarked_) live_bytes_ += last_bytes_ - step.message->bookmark().ByteSizeLong();
    // Whatever comes after the bookmark's revision wakes the stream.
    step.more = !step.message->has_bookmark() || until_head_;
    bookmarked_ |= step.message->has_bookmark();
    return step;
  }

 private:
  // The stream shall be told when the device's access ends by itself.
  void ExpectEnd(absl::Time end) {
    if (end != std::exchange(end_, end)) registration_->SetEnd(reader_.family(), end);
  }

  const Engine& engine_;
  const Clock& clock_;
  const StreamLimits limits_;
  ChangeReader::SharedParts& shared_parts_;
  const std::string token_;
  const DeviceId device_;
  const bool has_window_;
  const bool until_head_;
  ChangeReader reader_;
  bool bookmarked_ = false;
  uint64_t sent_bytes_ = 0;
  uint64_t last_bytes_ = 0;  // of it, the last message
  // Sent after the first bookmark.
  uint64_t live_bytes_ = 0;
  // What the registry knows of the end of access.
  absl::Time end_ = absl::InfiniteFuture();
  std::atomic<uint64_t> received_bytes_{0};
  // Last, so that they go first: no callback comes after.
  std::unique_ptr<StreamRegistry::Registration> registration_;
  std::unique_ptr<Feed::Subscription> subscription_;
};

v1::EditOutcome OutcomeOf(const v1::Transaction& transaction, const std::string& replica_id,
                          uint32_t kind, const storage::v1::JournalEffect& effect) {
  v1::EditOutcome outcome;
  outcome.mutable_edit()->set_replica_id(replica_id);
  outcome.mutable_edit()->set_seq(transaction.seq());
  outcome.mutable_edit()->set_index(effect.index());
  *outcome.mutable_change() = transaction.edits(static_cast<int>(effect.index()));
  outcome.set_effect(static_cast<v1::EditEffect>(effect.effect()));
  for (const storage::v1::StoredVersion& replaced : effect.replaced()) {
    if (Planted("history_forgets_what_was_replaced")) break;
    *outcome.add_replaced() = VersionToWire(kind, outcome.change().group(), replaced);
  }
  return outcome;
}

}  // namespace

void SyncService::Push(const std::string& token, const v1::PushRequest& request,
                       Done<v1::PushResponse> done) const {
  const absl::Time received = clock_.Now();
  const absl::Status valid = ValidateEnvelope(request);
  if (!valid.ok()) return done(valid);
  auto response = std::make_shared<v1::PushResponse>();
  auto shared_request = std::make_shared<const v1::PushRequest>(request);
  auto halted = std::make_shared<bool>(false);
  committer_.Submit(
      FamilyId(request.family_id()),
      [token, received, shared_request, response, halted](FamilyWriter& writer) -> absl::Status {
        ASSIGN_OR_RETURN(const Pusher pusher,
                         AuthorizePush(writer, token, ReplicaId(shared_request->replica_id())));
        RETURN_IF_ERROR(writer.RequireRunning());
        if (ProvesLoss(*shared_request, pusher, writer.head())) {
          writer.Halt();
          *halted = true;
          return absl::OkStatus();
        }
        ASSIGN_OR_RETURN(std::vector<v1::Verdict> verdicts,
                         ApplyPush(*shared_request, pusher, received, writer));
        for (v1::Verdict& verdict : verdicts) *response->add_verdicts() = std::move(verdict);
        response->set_lineage(writer.head().lineage());
        return absl::OkStatus();
      },
      [response, halted, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        if (*halted) return done(FamilyHaltedError());
        done(std::move(*response));
      },
      static_cast<size_t>(request.transactions_size()));
}

absl::StatusOr<std::unique_ptr<MessageStream<v1::FollowResponse>>> SyncService::Follow(
    const std::string& token, const v1::FollowRequest& request, StreamWake wake) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  ASSIGN_OR_RETURN(const DeviceId device, Authenticate(*view, token));
  ASSIGN_OR_RETURN(
      const Access access,
      Authorize(FamilyReader(*view, FamilyId(request.family_id())), device, clock_.Now()));
  RETURN_IF_ERROR(RequireAction(access, Action::kFollow));
  RETURN_IF_ERROR(HaltIfAhead(*view, FamilyId(request.family_id()), access, request.cursor()));
  auto stream = std::make_unique<FollowStream>(engine_, clock_, limits_, *shared_parts_, token,
                                               device, request);
  stream->Start(feed_, streams_, device, request.stream_id(), wake);
  // Before, it could not be told.
  RETURN_IF_ERROR(CheckStreamToken(*engine_.Snapshot(), token));
  return stream;
}

absl::Status SyncService::HaltIfAhead(const ReadView& view, const FamilyId& family,
                                      const Access& access, const v1::Cursor& cursor) const {
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::FamilyHead> head,
                   FamilyReader(view, family).Head());
  // The word of those who may write the log is taken as proof, as in a push.
  if (!IsAhead(cursor, *head) || !MayWrite(access.role, kLogEntry) ||
      Planted("lost_data_not_noticed")) {
    return absl::OkStatus();
  }
  committer_.Submit(
      family,
      [cursor](FamilyWriter& writer) {
        if (writer.exists() && IsAhead(cursor, writer.head())) writer.Halt();
        return absl::OkStatus();
      },
      [](absl::Status) {});
  return FamilyHaltedError();
}

void SyncService::Acknowledge(const std::string& token, const v1::AcknowledgeRequest& request,
                              Done<v1::AcknowledgeResponse> done) const {
  const absl::Status valid = ValidateRequest(request);
  if (!valid.ok()) return done(valid);
  auto device = std::make_shared<DeviceId>();
  committer_.Submit(
      FamilyId(request.family_id()),
      [token, request, device](FamilyWriter& writer) -> absl::Status {
        ASSIGN_OR_RETURN(*device, Authenticate(writer.view(), token));
        if (!Planted("anybody_may_acknowledge")) {
          ASSIGN_OR_RETURN(const Access access, Authorize(writer.reader(), *device, writer.now()));
          RETURN_IF_ERROR(RequireAction(access, Action::kFollow));
        }
        ASSIGN_OR_RETURN(absl::optional<storage::v1::StoredFamilyDevice> row,
                         writer.reader().Device(*device));
        if (!IsProgress(request.cursor(), writer.head(), *row)) return absl::OkStatus();
        row->set_acknowledged_lineage(request.cursor().lineage());
        row->set_acknowledged_revision(request.cursor().revision());
        *row->mutable_acknowledged_at() = ToProto(writer.now());
        if (Planted("acknowledgement_not_kept")) return absl::OkStatus();
        writer.Put(kAccessColumn, FamilyDeviceKey(writer.family(), *device), *row);
        return absl::OkStatus();
      },
      [this, request, device, done = std::move(done)](absl::Status status) {
        if (!status.ok()) return done(std::move(status));
        streams_.Received(*device, request.stream_id(), request.received_bytes());
        done(v1::AcknowledgeResponse());
      });
}

absl::StatusOr<v1::ListHistoryResponse> SyncService::ListHistory(
    const std::string& token, const v1::ListHistoryRequest& request) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  const FamilyReader reader(*view, FamilyId(request.family_id()));
  ASSIGN_OR_RETURN(const DeviceId device, Authenticate(*view, token));
  ASSIGN_OR_RETURN(const Access access, Authorize(reader, device, clock_.Now()));
  RETURN_IF_ERROR(RequireAction(access, Action::kListHistory));
  const RecordId id(request.record_id());
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredRecord> record, reader.Record(id));
  if (!record.has_value() || (!MayRead(access.role, access.consent_scope, record->kind()) &&
                              !Planted("history_outside_scope"))) {
    return MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                     "There is no such record in this family.", {{"record", id.hex()}});
  }
  // The page token is the revision to go on from.
  uint64_t revision = IsEditable(record->kind()) ? record->revision() : 0;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &revision)) {
    return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_PAGE_TOKEN,
                     "The page token is not one of this server; start over without it.");
  }
  const int page_size = request.page_size() > 0 ? request.page_size() : kHistoryPageDefault;
  v1::ListHistoryResponse response;
  while (revision != 0 && response.items_size() < page_size) {
    ASSIGN_OR_RETURN(const absl::optional<storage::v1::JournalEntry> entry,
                     reader.Journal(revision));
    v1::Transaction transaction;
    if (!entry.has_value() || !transaction.ParseFromString(entry->transaction())) break;
    v1::HistoryItem& item = *response.add_items();
    item.set_revision(revision);
    item.set_member_id(Planted("history_names_who_made_the_record") ? record->created_by()
                                                                    : entry->member_id());
    *item.mutable_made_at() = entry->made_at();
    *item.mutable_committed_at() = entry->committed_at();
    item.set_accepted_by(entry->accepted_by());
    revision = 0;
    for (const storage::v1::JournalEffect& effect : entry->effects()) {
      if (static_cast<int>(effect.index()) >= transaction.edits_size() ||
          (transaction.edits(static_cast<int>(effect.index())).record_id() != id.bytes() &&
           !Planted("history_tells_of_other_records"))) {
        continue;
      }
      revision = effect.previous_revision();
      *item.add_outcomes() = OutcomeOf(transaction, entry->replica_id(), record->kind(), effect);
    }
  }
  if (revision != 0) response.set_next_page_token(absl::StrCat(revision));
  return response;
}

}  // namespace nightlog
