#include "storage/push.h"

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/column_families.h"
#include "storage/core/check.h"
#include "storage/core/edit_time.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/merge.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

using storage::v1::StoredRecord;

// What one replica made, transaction by transaction.
class TransactionApplier {
 public:
  TransactionApplier(const ReplicaId& replica, const Pusher& pusher, absl::Time received,
                     FamilyWriter& writer)
      : replica_id_(replica), pusher_(pusher), received_(received), writer_(writer) {}

  absl::StatusOr<std::vector<v1::Verdict>> Push(const v1::PushRequest& request) {
    ASSIGN_OR_RETURN(absl::optional<storage::v1::Replica> replica,
                     writer_.reader().Replica(replica_id_));
    CHECK(replica.has_value());
    replica_ = *std::move(replica);
    std::vector<v1::Verdict> verdicts;
    bool consumed_any = false;
    for (const v1::Transaction& transaction : request.transactions()) {
      const absl::Time estimate =
          EstimateEditTime(transaction.made_at(), request.sent_at(), received_);
      if (IsRepeat(request, transaction)) {
        ASSIGN_OR_RETURN(v1::Verdict verdict, Repeat(transaction));
        if (LacksItsRecord(verdict) && !Planted("rejected_stays_rejected")) {
          ASSIGN_OR_RETURN(const bool has_room, HasRoom(transaction));
          if (has_room) RETURN_IF_ERROR(Consume(transaction, estimate, verdict));
        }
        verdicts.push_back(std::move(verdict));
        if (verdicts.back().has_forked() && !Planted("verdicts_go_on_after_a_fork")) break;
        continue;
      }
      v1::Verdict verdict;
      verdict.set_seq(transaction.seq());
      if (transaction.seq() > replica_.last_seq() + 1 && !Planted("gap_not_detected")) {
        verdict.mutable_gap()->set_expected_seq(replica_.last_seq() + 1);
      } else if (transaction.previous_hash() != replica_.last_hash() &&
                 !Planted("chain_not_compared")) {
        verdict.mutable_forked()->set_last_seq(replica_.last_seq());
      } else if (IsFromNewerClient(transaction) && !Planted("newer_client_rejected")) {
        verdict.mutable_retry_later()->set_message(
            "The transaction holds a kind of record that this server does not know yet.");
      } else {
        ASSIGN_OR_RETURN(const bool has_room, HasRoom(transaction));
        if (!has_room && verdicts.empty()) return QuarantineFullError();
        if (!has_room) break;
        RETURN_IF_ERROR(Consume(transaction, estimate, verdict));
        consumed_any = true;
        verdicts.push_back(std::move(verdict));
        continue;
      }
      verdicts.push_back(std::move(verdict));
      break;
    }
    if (consumed_any) {
      writer_.Put(kReplicaColumn, ReplicaKey(writer_.family(), replica_id_), replica_);
    }
    return verdicts;
  }

  // Commits the transaction and gives its revision; `accepted_by` is for the journal.
  // INVALID_ARGUMENT: why it cannot.
  absl::StatusOr<uint64_t> Commit(const v1::Transaction& transaction, absl::Time estimate,
                                  const MemberId& accepted_by) {
    std::map<RecordId, StoredRecord> records;
    storage::v1::JournalEntry entry;
    const absl::Status decided = Decide(transaction, estimate, records, entry);
    const bool partly = Planted("transaction_applied_partly") && !entry.effects().empty();
    if (!decided.ok() && !partly) return decided;
    if (!accepted_by.empty()) entry.set_accepted_by(accepted_by.str());
    return Write(transaction, estimate, std::move(records), std::move(entry));
  }

 private:
  // Consumed before.
  bool IsRepeat(const v1::PushRequest& request, const v1::Transaction& transaction) const {
    const v1::Transaction& compared =
        Planted("dedupe_by_batch") ? *request.transactions().rbegin() : transaction;
    return compared.seq() <= replica_.last_seq();
  }

  absl::StatusOr<v1::Verdict> Repeat(const v1::Transaction& transaction) const {
    v1::Verdict verdict;
    ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredVerdict> stored,
                     writer_.reader().Verdict(replica_id_, transaction.seq()));
    if (stored.has_value() &&
        (stored->hash() == transaction.hash() || Planted("fork_of_equal_seq_not_detected"))) {
      RETURN_IF_ERROR(ParseRow(stored->verdict(), verdict));
      if (Planted("repeat_told_a_new_revision") && verdict.has_committed()) {
        verdict.mutable_committed()->set_revision(writer_.head().revision());
      }
    } else {
      verdict.set_seq(transaction.seq());
      verdict.mutable_forked()->set_last_seq(replica_.last_seq());
    }
    return verdict;
  }

  // Rejected only because a record was not here; it may have come since.
  static bool LacksItsRecord(const v1::Verdict& verdict) {
    return verdict.has_rejected() &&
           ReasonOf(FromRpcStatus(verdict.rejected().status())) == v1::ERROR_REASON_INVALID_EDIT;
  }

  // An edit whose value is of a kind this build does not know stands in its unknown fields.
  static bool IsFromNewerClient(const v1::Transaction& transaction) {
    for (const v1::Edit& edit : transaction.edits()) {
      if (edit.value_case() == v1::Edit::VALUE_NOT_SET &&
          !edit.GetReflection()->GetUnknownFields(edit).empty()) {
        return true;
      }
    }
    return false;
  }

  // Commits, rejects or quarantines the transaction, and notes that it was consumed. `verdict` has
  // its seq.
  absl::Status Consume(const v1::Transaction& transaction, absl::Time estimate,
                       v1::Verdict& verdict) {
    if (pusher_.quarantined) {
      if (!Planted("quarantine_not_stored")) Quarantine(transaction, estimate);
      verdict.mutable_quarantined();
    } else {
      const absl::StatusOr<uint64_t> revision = Commit(transaction, estimate, MemberId());
      if (revision.ok()) {
        verdict.mutable_committed()->set_revision(*revision);
      } else if (absl::IsInvalidArgument(revision.status())) {
        *verdict.mutable_rejected()->mutable_status() = ToRpcStatus(revision.status());
      } else {
        return revision.status();
      }
    }
    storage::v1::StoredVerdict stored;
    stored.set_hash(transaction.hash());
    stored.set_verdict(verdict.SerializeAsString());
    if (!Planted("verdict_of_rejected_not_stored") || !verdict.has_rejected()) {
      writer_.Put(kVerdictColumn, TransactionKey(writer_.family(), replica_id_, transaction.seq()),
                  stored);
    }
    if (verdict.has_rejected() && Planted("rejected_not_consumed")) return absl::OkStatus();
    if (transaction.seq() > replica_.last_seq()) {
      replica_.set_last_seq(transaction.seq());
      replica_.set_last_hash(transaction.hash());
    }
    return absl::OkStatus();
  }

  static absl::Status QuarantineFullError() {
    return MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_QUARANTINE_FULL,
                     "An owner must first decide on what this device sent since it was removed; "
                     "the rest stays on the device.");
  }

  // Whether the transaction may be consumed: of a removed device, if its quarantine is not full.
  absl::StatusOr<bool> HasRoom(const v1::Transaction& transaction) {
    if (!pusher_.quarantined) return true;
    if (!quarantined_.has_value()) {
      quarantined_.emplace();
      RETURN_IF_ERROR(writer_.reader().ScanQuarantine(
          FamilyStart(writer_.family()), [this](absl::string_view, const auto& row) {
            quarantined_->bytes += row.transaction().size();
            return ++quarantined_->rows < kQuarantineRowsMax;
          }));
    }
    if (quarantined_->rows >= kQuarantineRowsMax || quarantined_->bytes >= kQuarantineBytesMax) {
      return false;
    }
    ++quarantined_->rows;
    quarantined_->bytes += transaction.ByteSizeLong();
    return true;
  }

  void Quarantine(const v1::Transaction& transaction, absl::Time estimate) {
    storage::v1::QuarantinedTransaction row;
    row.set_transaction(transaction.SerializeAsString());
    row.set_member_id(pusher_.member.str());
    *row.mutable_made_at() = ToProto(estimate);
    *row.mutable_received_at() = ToProto(received_);
    writer_.Put(kQuarantineColumn, TransactionKey(writer_.family(), replica_id_, transaction.seq()),
                row);
  }

  // Merges every edit into copies of the records. INVALID_ARGUMENT: what is not valid; the copies
  // are to be dropped. Its reason is INVALID_EDIT if all that is wrong is that a record is not
  // here.
  absl::Status Decide(const v1::Transaction& transaction, absl::Time estimate,
                      std::map<RecordId, StoredRecord>& records,
                      storage::v1::JournalEntry& entry) const {
    std::vector<FieldViolation> violations;
    std::vector<FieldViolation> missing;
    ValidateTransaction(transaction, violations);
    if (!violations.empty()) return InvalidFieldsError(violations);
    std::set<RecordId> created;
    for (int i = 0; i < transaction.edits_size(); ++i) {
      v1::Edit edit = transaction.edits(i);
      if (Planted("unknown_fields_dropped")) edit.DiscardUnknownFields();
      const std::string path = absl::StrCat("edits[", i, "]");
      const RecordId id(edit.record_id());
      auto it = records.find(id);
      if (it == records.end() || Planted("edits_of_one_record_overwrite")) {
        if (it != records.end()) records.erase(it);
        ASSIGN_OR_RETURN(absl::optional<StoredRecord> stored, writer_.reader().Record(id));
        if (!stored.has_value()) created.insert(id);
        it = records.emplace(id, std::move(stored).value_or(StoredRecord())).first;
      }
      StoredRecord& record = it->second;
      if (KindOf(edit) == 0 && record.kind() == 0) {
        missing.push_back(MakeViolation(absl::StrCat("record ", id.hex()), "does not exist"));
        continue;
      }
      const std::string problem = ProblemWith(edit, record);
      if (!problem.empty()) {
        violations.push_back(MakeViolation(path, problem));
        continue;
      }
      const absl::Time made_at = ClampEditTime(estimate, NewestSeen(edit, record), received_);
      Stamp(estimate, made_at, transaction.made_at(), edit);
      if (created.count(id) > 0 && record.kind() == 0) {
        record.set_created_by(pusher_.member.str());
        *record.mutable_created_at() =
            ToProto(Planted("created_when_received") ? received_ : made_at);
      }
      AuthoredEdit authored{&edit, {}, pusher_.member, made_at};
      authored.id.set_replica_id(replica_id_.str());
      authored.id.set_seq(transaction.seq());
      authored.id.set_index(static_cast<uint32_t>(i));
      const uint64_t previous_revision = record.revision();
      MergeOutcome outcome = Merge(authored, record);
      storage::v1::JournalEffect& effect = *entry.add_effects();
      effect.set_index(static_cast<uint32_t>(i));
      effect.set_effect(outcome.effect);
      effect.set_previous_revision(previous_revision);
      for (storage::v1::StoredVersion& version : outcome.replaced) {
        *effect.add_replaced() = std::move(version);
      }
    }
    if (!violations.empty()) return InvalidFieldsError(violations);
    for (const RecordId& id : created) {
      if (Planted("new_record_not_validated")) continue;
      const StoredRecord& record = records.at(id);
      if (record.kind() == 0) continue;  // told above
      ValidateNewRecord(record, absl::StrCat("record ", id.hex()), missing);
    }
    if (missing.empty()) return absl::OkStatus();
    return InvalidFieldsError(missing, v1::ERROR_REASON_INVALID_EDIT);
  }

  static void ValidateTransaction(const v1::Transaction& transaction,
                                  std::vector<FieldViolation>& violations) {
    std::set<std::pair<absl::string_view, uint32_t>> groups;
    const auto& edits_field =
        *v1::Transaction::descriptor()->FindFieldByNumber(v1::Transaction::kEditsFieldNumber);
    const auto& made_at_field =
        *v1::Transaction::descriptor()->FindFieldByNumber(v1::Transaction::kMadeAtFieldNumber);
    if (transaction.edits_size() == 0 ||
        (static_cast<uint32_t>(transaction.edits_size()) >
             edits_field.options().GetExtension(v1::rules).max_items() &&
         !Planted("edits_not_counted"))) {
      violations.push_back(MakeViolation("edits", "has no or too many elements; 1 to 64"));
      return;
    }
    ValidateField(transaction, made_at_field, "", violations);
    for (int i = 0; i < transaction.edits_size(); ++i) {
      const v1::Edit& edit = transaction.edits(i);
      const std::string path = absl::StrCat("edits[", i, "]");
      if (!RecordId::IsId(edit.record_id())) {
        violations.push_back(
            MakeViolation(absl::StrCat(path, ".record_id"), "is not an id of 16 bytes"));
      } else if (!groups.emplace(edit.record_id(), edit.group()).second &&
                 !Planted("group_edited_twice")) {
        violations.push_back(
            MakeViolation(path, "is the second edit of one group in a transaction"));
      }
      ValidateEdit(edit, path, violations);
    }
  }

  // What is wrong with a valid edit for this record, which it may make; empty if nothing.
  std::string ProblemWith(const v1::Edit& edit, const StoredRecord& record) const {
    const uint32_t kind = KindOf(edit);
    if (kind != 0 && record.kind() != 0 && kind != record.kind()) {
      return "is of another kind than the record";
    }
    const uint32_t record_kind = kind == 0 ? record.kind() : kind;
    if (!IsEditable(record_kind)) return "is about a record that only the server writes";
    if (!pusher_.may_write(record_kind) && !Planted("role_not_checked"))
      return "is not allowed for your role; ask an owner";
    return "";
  }

  // Fills in what the server knows: corrected times of taps, and authors of posts. What an edit saw
  // says nothing about its clock: it may stand with what the phone had not seen, and be later.
  void Stamp(absl::Time estimate, absl::Time made_at, const v1::ClockReading& made,
             v1::Edit& edit) const {
    if (edit.has_log_entry() && edit.log_entry().has_interval()) {
      CorrectTappedTimes(ClampEditTime(estimate, absl::InfinitePast(), received_),
                         FromProto(made.wall()), *edit.mutable_log_entry()->mutable_interval());
    }
    if (edit.has_comment() && !Planted("author_of_comment_not_stamped")) {
      for (v1::CommentPost& post : *edit.mutable_comment()->mutable_posts()) {
        post.set_member_id(pusher_.member.str());
        *post.mutable_posted_at() = ToProto(made_at);
      }
    }
  }

  absl::StatusOr<uint64_t> Write(const v1::Transaction& transaction, absl::Time estimate,
                                 std::map<RecordId, StoredRecord> records,
                                 storage::v1::JournalEntry entry) {
    ASSIGN_OR_RETURN(const uint64_t revision, writer_.BeginRevision());
    for (auto& [id, record] : records) {
      if (record.created_revision() == 0) {
        const v1::Cursor& seen = transaction.made_at_cursor();
        record.set_created_revision(revision);
        if (seen.lineage() == writer_.head().lineage() || Planted("author_saw_another_lineage")) {
          record.set_author_saw_revision(std::min(seen.revision(), revision - 1));
        }
      }
      RETURN_IF_ERROR(writer_.PutRecord(id, std::move(record)));
    }
    entry.set_transaction(transaction.SerializeAsString());
    entry.set_replica_id(replica_id_.str());
    entry.set_member_id(pusher_.member.str());
    *entry.mutable_made_at() = ToProto(ClampEditTime(estimate, absl::InfinitePast(), received_));
    writer_.EndRevision(std::move(entry));
    return revision;
  }

  const ReplicaId replica_id_;
  const Pusher& pusher_;
  const absl::Time received_;
  FamilyWriter& writer_;
  storage::v1::Replica replica_;
  // What the family's quarantine holds; not counted yet: nullopt.
  struct Quarantined {
    size_t rows = 0;
    size_t bytes = 0;
  };
  absl::optional<Quarantined> quarantined_;
};

}  // namespace

absl::StatusOr<std::vector<v1::Verdict>> ApplyPush(const v1::PushRequest& request,
                                                   const Pusher& pusher, absl::Time received,
                                                   FamilyWriter& writer) {
  return TransactionApplier(ReplicaId(request.replica_id()), pusher, received, writer)
      .Push(request);
}

absl::StatusOr<uint64_t> CommitQuarantined(const ReplicaId& replica,
                                           const storage::v1::QuarantinedTransaction& row,
                                           const Pusher& author, const MemberId& accepted_by,
                                           FamilyWriter& writer) {
  v1::Transaction transaction;
  RETURN_IF_ERROR(ParseRow(row.transaction(), transaction));
  const bool dated_now = Planted("late_tap_dated_at_its_acceptance");
  const absl::Time made_at = dated_now ? writer.now() : FromProto(row.made_at());
  const absl::Time received = dated_now ? writer.now() : FromProto(row.received_at());
  return TransactionApplier(replica, author, received, writer)
      .Commit(transaction, made_at, accepted_by);
}

}  // namespace nightlog
