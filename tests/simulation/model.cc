#include "tests/simulation/model.h"

#include <algorithm>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "services/sleep_deriver.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/family_reader.h"
#include "storage/keys.h"
#include "storage/push.h"
#include "storage/repair.h"
#include "storage/store.h"
#include "tests/simulation/conservation.h"
#include "tests/simulation/naive_nights.h"

namespace nightlog::simulation {
namespace {

using storage::v1::JournalEntry;
using storage::v1::StoredRecord;

std::string Hex(const std::string& bytes) { return absl::BytesToHexString(bytes.substr(0, 8)); }

bool IsOfServer(uint32_t kind) { return kind >= v1::Record::kMember; }

// The record without what a digest does not tell.
std::string Told(v1::Record wire) {
  wire.clear_digest();
  wire.clear_revision();
  wire.clear_created_at();
  for (v1::Group& group : *wire.mutable_groups()) {
    for (v1::Version& version : *group.mutable_versions()) {
      version.clear_made_at();
      version.clear_member_id();
    }
  }
  return SerializeDeterministic(wire);
}

const v1::Transaction* Find(const GivenPush& push, const std::string& replica, uint64_t seq,
                            const std::string& hash) {
  if (push.request.replica_id() != replica) return nullptr;
  for (const v1::Transaction& transaction : push.request.transactions()) {
    if (transaction.seq() == seq && transaction.hash() == hash) return &transaction;
  }
  return nullptr;
}

// An edit of a kind that the server does not know.
bool IsOfNewerApp(const v1::Transaction& transaction) {
  return std::any_of(
      transaction.edits().begin(), transaction.edits().end(),
      [](const v1::Edit& edit) { return edit.value_case() == v1::Edit::VALUE_NOT_SET; });
}

v1::Member PublicMember(const storage::v1::StoredMember& stored) {
  v1::Member member;
  member.set_name(stored.name());
  member.set_role(static_cast<v1::Role>(stored.role()));
  *member.mutable_since() = stored.since();
  if (stored.has_until()) *member.mutable_until() = stored.until();
  member.set_consent_scope(static_cast<v1::ConsentScope>(stored.consent_scope()));
  member.set_removed(stored.removed());
  return member;
}

}  // namespace

std::string NameOf(const v1::Transaction& transaction) {
  std::string content = SerializeDeterministic(transaction.made_at());
  for (const v1::Edit& edit : transaction.edits()) {
    v1::Edit bare = edit;
    bare.clear_saw();
    content += SerializeDeterministic(bare);
  }
  return Sha256(content);
}

bool LacksItsRecord(const google::rpc::Status& rejection) {
  return ReasonOf(FromRpcStatus(rejection)) == v1::ERROR_REASON_INVALID_EDIT;
}

bool Entitlement::Sees(uint32_t kind) const {
  if (!member || role == v1::ROLE_UNSPECIFIED) return false;
  if (role != v1::ROLE_CONSULTANT) return true;
  return scope == v1::CONSENT_SCOPE_ENTRIES ||
         (scope == v1::CONSENT_SCOPE_NIGHTS && kind != v1::Record::kLogEntry);
}

const NaiveRecord* Model::At(const std::string& id, uint64_t revision) const {
  const auto record = records_.find(id);
  if (record == records_.end()) return nullptr;
  auto after = record->second.upper_bound(revision);
  return after == record->second.begin() ? nullptr : &std::prev(after)->second;
}

std::map<std::string, const NaiveRecord*> Model::AllAt(uint64_t revision) const {
  std::map<std::string, const NaiveRecord*> all;
  ForEachAt(revision,
            [&all](const std::string& id, const NaiveRecord& record) { all[id] = &record; });
  return all;
}

std::vector<v1::HistoryItem> Model::HistoryOf(const std::string& id) const {
  std::vector<v1::HistoryItem> items;
  const auto record = records_.find(id);
  if (record == records_.end()) return items;
  for (auto it = record->second.rbegin(); it != record->second.rend(); ++it) {
    const auto commit = history_.find(it->first);
    if (commit == history_.end()) continue;  // of the server
    v1::HistoryItem& item = items.emplace_back(commit->second);
    item.clear_outcomes();
    for (const v1::EditOutcome& outcome : commit->second.outcomes()) {
      if (outcome.change().record_id() == id) *item.add_outcomes() = outcome;
    }
  }
  return items;
}

uint64_t Model::RevisionOf(const std::string& tap) const {
  const auto found = tap_revisions_.find(tap);
  return found == tap_revisions_.end() ? 0 : found->second;
}

bool Model::WasConsumed(const v1::EditId& edit) const {
  const auto consumed = consumed_.find(edit.replica_id());
  return consumed != consumed_.end() && edit.seq() <= consumed->second.size();
}

Entitlement Model::EntitlementOf(const DeviceId& device, absl::Time now) const {
  Entitlement entitled;
  const auto paired = devices_.find(device.str());
  if (paired == devices_.end()) return entitled;
  const auto member = members_.find(paired->second.member_id());
  if (member == members_.end()) return entitled;
  const absl::Time until =
      member->second.has_until() ? FromProto(member->second.until()) : absl::InfiniteFuture();
  entitled.member = !paired->second.revoked() && !member->second.removed() &&
                    until > members_changed_at_.at(member->first);
  entitled.access = entitled.member && until > now;
  entitled.role = static_cast<v1::Role>(member->second.role());
  entitled.scope = static_cast<v1::ConsentScope>(member->second.consent_scope());
  return entitled;
}

const storage::v1::StoredMember* Model::MemberOf(const MemberId& member) const {
  const auto found = members_.find(member.str());
  return found == members_.end() ? nullptr : &found->second;
}

std::string Model::Learn(const ReadView& view, const std::vector<GivenPush>& given,
                         absl::Time now) {
  const FamilyReader reader(view, family_);
  const auto head = reader.Head();
  if (!head.ok()) return absl::StrCat("head: ", head.status().message());
  if (!head->has_value()) return "";
  lineage_ = (*head)->lineage();
  backed_up_ = (*head)->backed_up_revision();
  const uint64_t before = revision_;
  learnt_after_ = before;
  if ((*head)->revision() < before) return "C1: the head went back";
  std::string failure = LearnAccess(view, now);
  std::set<std::string> touched;
  while (failure.empty() && revision_ < (*head)->revision()) {
    ++revision_;
    const auto entry = reader.Journal(revision_);
    if (!entry.ok() || !entry->has_value()) return absl::StrCat("C1: no journal at ", revision_);
    failure = LearnJournal(**entry, given, touched);
    if (failure.empty() && FromProto((*entry)->committed_at()) != now) {
      failure = "the journal tells another time of its commit";
    }
  }
  if (failure.empty()) failure = LearnServerRecords(view, before, touched);
  if (failure.empty()) failure = CheckTouched(view, before, touched);
  if (failure.empty()) failure = LearnVerdicts(view, given, before);
  if (failure.empty()) failure = LearnDecisions(view, before);
  return failure;
}

std::string Model::LearnAccess(const ReadView& view, absl::Time now) {
  const FamilyReader reader(view, family_);
  auto scanned = reader.ScanMembers([&](const MemberId& id, const auto& member) {
    storage::v1::StoredMember& known = members_[id.str()];
    if (known.SerializeAsString() != member.SerializeAsString()) {
      members_changed_at_[id.str()] = now;
    }
    known = member;
    return true;
  });
  if (!scanned.ok()) return absl::StrCat("members: ", scanned.message());
  std::string failure;
  scanned = reader.ScanDevices([&](const DeviceId& id, const auto& device) {
    storage::v1::StoredFamilyDevice& known = devices_[id.str()];
    if (device.acknowledged_lineage() == known.acknowledged_lineage() &&
        device.acknowledged_revision() < known.acknowledged_revision()) {
      failure = "what a device has went back";
    }
    if (device.acknowledged_lineage() != known.acknowledged_lineage() &&
        device.acknowledged_lineage() != lineage_) {
      failure = "a device has another lineage than there is";
    }
    if (device.acknowledged_lineage() == lineage_ &&
        device.acknowledged_revision() > std::max(revision_, known.acknowledged_revision())) {
      failure = "a device has what is not there";
    }
    known = device;
    return true;
  });
  return scanned.ok() ? failure : absl::StrCat("devices: ", scanned.message());
}

std::string Model::LearnJournal(const JournalEntry& entry, const std::vector<GivenPush>& given,
                                std::set<std::string>& touched) {
  if (!entry.transaction().empty()) return LearnTransaction(entry, given, touched);
  if (entry.operation() == "refuse") {
    refusals_.insert(revision_);
    return "";
  }
  // What the server did of itself is about one member.
  const auto member = std::find_if(members_.begin(), members_.end(), [&](const auto& row) {
    return entry.server_record_ids_size() > 0 && entry.server_record_ids(0) == row.first;
  });
  if (member == members_.end()) return "a commit of the server is about nobody";
  return "";
}

// Whether the transaction may have been rejected for want of a record: before the newest write or
// within it.
bool Model::MayHaveLackedARecord(const std::string& replica,
                                 const v1::Transaction& transaction) const {
  const auto lacking = lacking_.find(replica);
  if (lacking != lacking_.end() && lacking->second.count(transaction.seq()) > 0) return true;
  return std::any_of(
      transaction.edits().begin(), transaction.edits().end(),
      [this](const v1::Edit& edit) { return At(edit.record_id(), learnt_after_) == nullptr; });
}

std::string Model::LearnTransaction(const JournalEntry& entry, const std::vector<GivenPush>& given,
                                    std::set<std::string>& touched) {
  v1::Transaction transaction;
  if (!transaction.ParseFromString(entry.transaction())) return "damaged journal";
  const std::string& replica = entry.replica_id();
  const v1::Transaction* sent = nullptr;
  MemberId member;
  absl::Time estimate;
  absl::Time received;
  const auto late = quarantine_.find({replica, transaction.seq()});
  if (!entry.accepted_by().empty()) {
    // An owner let in what had come late.
    if (late == quarantine_.end()) return "an owner accepted what was not in quarantine";
    if (late->second.decided_revision != 0) return "C1: a quarantined tap was decided twice";
    sent = &late->second.transaction;
    member = late->second.member;
    estimate = late->second.estimate;
    received = late->second.received;
    late->second.decided_revision = revision_;
    late->second.accepted = true;
  } else {
    for (const GivenPush& push : given) {
      const v1::Transaction* found = Find(push, replica, transaction.seq(), transaction.hash());
      if (found == nullptr) continue;
      sent = found;
      member = push.member;
      estimate = NaiveEstimate(transaction.made_at(), push.request.sent_at(), push.received);
      received = push.received;
      // The first one decides, unless it had a gap or a record was missing then.
      if (FromProto(entry.made_at()) == std::min(estimate, received)) break;
    }
    uint64_t& last_seq = last_committed_seq_[replica];
    if (transaction.seq() <= last_seq && !MayHaveLackedARecord(replica, transaction)) {
      return absl::StrCat("C2: seq ", transaction.seq(), " after ", last_seq, " at ", revision_);
    }
    last_seq = std::max(last_seq, transaction.seq());
    commits_[revision_] = {replica, transaction.seq()};
  }
  if (sent == nullptr) return "a transaction was committed that nobody has sent";
  if (SerializeDeterministic(*sent) != SerializeDeterministic(transaction)) {
    return "C5: the journal holds a transaction otherwise than it was sent";
  }
  const std::string name = NameOf(transaction);
  ++taps_[name];
  tap_revisions_.emplace(name, revision_);
  if (entry.member_id() != member.bytes()) return "the journal names another author";
  if (FromProto(entry.made_at()) != std::min(estimate, received)) {
    return "the journal tells another time of the tap";
  }
  std::map<std::string, NaiveRecord> records;
  for (const v1::Edit& edit : transaction.edits()) {
    const NaiveRecord* current = At(edit.record_id(), revision_);
    if (current != nullptr) records[edit.record_id()] = *current;
  }
  const auto author = members_.find(entry.member_id());
  const v1::Role role = author == members_.end() ? v1::ROLE_UNSPECIFIED
                                                 : static_cast<v1::Role>(author->second.role());
  const std::string problem = ProblemWith(transaction, role, records);
  if (!problem.empty()) return absl::StrCat("an invalid transaction was committed: ", problem);
  if (entry.effects_size() != transaction.edits_size()) return "an edit was left out of its commit";

  v1::HistoryItem& item = history_[revision_];
  item.set_revision(revision_);
  item.set_member_id(entry.member_id());
  *item.mutable_made_at() = entry.made_at();
  *item.mutable_committed_at() = entry.committed_at();
  item.set_accepted_by(entry.accepted_by());
  for (int i = 0; i < transaction.edits_size(); ++i) {
    const v1::Edit& edit = transaction.edits(i);
    NaiveRecord& record = records[edit.record_id()];
    const storage::v1::JournalEffect& effect = entry.effects(i);
    if (effect.previous_revision() != record.revision) return "the history of a record is cut";
    const NaiveEdit naive{edit,
                          {replica, transaction.seq(), static_cast<uint32_t>(i)},
                          entry.member_id(),
                          estimate,
                          received,
                          FromProto(transaction.made_at().wall())};
    const NaiveOutcome outcome = Apply(naive, record);
    if (effect.effect() != static_cast<uint32_t>(outcome.effect)) {
      return absl::StrCat("the journal tells effect ", effect.effect(), " of an edit, not ",
                          outcome.effect);
    }
    if (effect.replaced_size() != static_cast<int>(outcome.replaced.size())) {
      return "the journal tells of other values that were replaced";
    }
    for (int k = 0; k < effect.replaced_size(); ++k) {
      if (effect.replaced(k).value() != outcome.replaced[static_cast<size_t>(k)].value) {
        return "the journal tells another value that was replaced";
      }
    }
    v1::EditOutcome& told = *item.add_outcomes();
    told.mutable_edit()->set_replica_id(replica);
    told.mutable_edit()->set_seq(transaction.seq());
    told.mutable_edit()->set_index(static_cast<uint32_t>(i));
    *told.mutable_change() = edit;
    told.set_effect(outcome.effect);
    for (const NaiveValue& value : outcome.replaced) {
      *told.add_replaced() = ToWire(record.kind, value);
    }
  }
  const v1::Cursor& seen = transaction.made_at_cursor();
  for (auto& [id, record] : records) {
    if (record.created_revision == 0) {
      record.created_revision = revision_;
      if (seen.lineage() == lineage_) {
        record.author_saw_revision = std::min(seen.revision(), revision_ - 1);
      }
    }
    record.revision = revision_;
    records_[id][revision_] = record;
    touched.insert(id);
  }
  return "";
}

// Records of the server belong to the newest revision of a write, or to the one that is about them.
std::string Model::LearnServerRecords(const ReadView& view, uint64_t after,
                                      std::set<std::string>& touched) {
  const FamilyReader reader(view, family_);
  for (uint64_t revision = after + 1; revision <= revision_; ++revision) {
    const auto entry = reader.Journal(revision);
    for (const std::string& id : (*entry)->server_record_ids()) {
      const auto stored = reader.Record(RecordId(id));
      if (!stored.ok() || !stored->has_value()) return "a record of the server is missing";
      if (!IsOfServer((*stored)->kind())) return "the server wrote a record of people";
      if ((*stored)->revision() < revision) {
        // It says again what it said before.
        const NaiveRecord* known = At(id, revision);
        if (known != nullptr && known->body == (*stored)->body()) continue;
        return "a record of the server is of an old revision";
      }
      NaiveRecord record;
      record.kind = (*stored)->kind();
      record.revision = revision;
      record.body = (*stored)->body();
      records_[id][revision] = record;
      touched.insert(id);
      const auto member = members_.find(id);
      if (record.kind == v1::Record::kMember && member != members_.end() &&
          record.body != SerializeDeterministic(PublicMember(member->second))) {
        return "a member is shown otherwise than it is";
      }
    }
  }
  return "";
}

std::string Model::CheckTouched(const ReadView& view, uint64_t after,
                                const std::set<std::string>& touched) {
  const FamilyReader reader(view, family_);
  for (const std::string& id : touched) {
    const auto stored = reader.Record(RecordId(id));
    if (!stored.ok() || !stored->has_value()) return "C5: a committed record is missing";
    const uint64_t revision = (*stored)->revision();
    auto& history = records_[id];
    if (history.empty() || history.rbegin()->first != revision) {
      return absl::StrCat("record ", Hex(id), " is not of the revision that changed it");
    }
    v1::Record wire;
    if (!RecordToWire(id, **stored, wire)) return "a record cannot be told";
    const std::string told = Told(wire);
    const auto [digest, added] = digests_.emplace(wire.digest(), told);
    if (!added && digest->second != told) return "C6: two different records have one digest";
    for (auto& [at, record] : history) {
      if (at <= after) continue;
      v1::Record expected = ToWire(id, record);
      if (at == revision) {
        if ((*stored)->created_revision() != record.created_revision ||
            (*stored)->author_saw_revision() != record.author_saw_revision) {
          return "what the author of a record had seen is told otherwise";
        }
        expected.set_digest(wire.digest());
        if (SerializeDeterministic(expected) != SerializeDeterministic(wire)) {
          return absl::StrCat("C3: a record is not what the journal makes of it\nexpected ",
                              expected.ShortDebugString(), "\nstored   ", wire.ShortDebugString());
        }
        record.digest = wire.digest();
      }
      record.wire = SerializeDeterministic(expected);
    }
  }
  // The feed holds what changed and nothing else.
  size_t fed = 0;
  std::string failure;
  const auto scanned =
      reader.ScanFeed(FeedKeyAfter(family_, after), [&](absl::string_view key, const RecordId& id) {
        ++fed;
        if (touched.count(id.str()) == 0)
          failure = "the feed tells of a record that did not change";
        return failure.empty();
      });
  if (!scanned.ok()) return absl::StrCat("feed: ", scanned.message());
  if (failure.empty() && fed != touched.size()) failure = "the feed lacks a record that changed";
  return failure;
}

// Takes what the store says of a transaction that is new, or lacked a record so far.
std::string Model::LearnVerdict(const ReadView& view, const std::vector<GivenPush>& given,
                                uint64_t after, const std::string& replica, uint64_t seq) {
  Consumed& place = consumed_[replica][seq - 1];
  const auto stored = FamilyReader(view, family_).Verdict(ReplicaId(replica), seq);
  if (!stored.ok() || !stored->has_value()) return "C1: a consumed transaction has no verdict";
  Consumed next{(*stored)->hash(), {}, after};
  if (!next.verdict.ParseFromString((*stored)->verdict())) return "damaged verdict";
  const bool again = !place.hash.empty();
  if (again && next.hash != place.hash)
    return "C1: a verdict about another transaction than before";
  if (again && SerializeDeterministic(next.verdict) == SerializeDeterministic(place.verdict)) {
    return "";
  }
  const GivenPush* push = nullptr;
  const v1::Transaction* transaction = nullptr;
  for (const GivenPush& candidate : given) {
    transaction = Find(candidate, replica, seq, next.hash);
    push = &candidate;
    if (transaction != nullptr) break;
  }
  if (transaction == nullptr) return "C1: a verdict about what nobody has sent";
  if (next.verdict.seq() != seq) return "C1: a verdict about another transaction";
  if (IsOfNewerApp(*transaction)) return "C1: what a newer app says was not put off";
  if (seq > 1 && transaction->previous_hash() != consumed_[replica][seq - 2].hash) {
    return "C2: a transaction was consumed that does not follow the one before";
  }
  lacking_[replica].erase(seq);
  if (next.verdict.has_committed()) {
    const auto commit = commits_.find(next.verdict.committed().revision());
    if (commit == commits_.end() || commit->second != std::make_pair(replica, seq)) {
      return "C1: a verdict says committed of what is not in the journal";
    }
  } else if (next.verdict.has_rejected()) {
    const std::string failure = CheckRejected(*transaction, *push, after);
    if (!failure.empty()) return failure;
    if (LacksItsRecord(next.verdict.rejected().status())) lacking_[replica].insert(seq);
  } else if (next.verdict.has_quarantined()) {
    const auto row_of =
        view.Get(kQuarantineColumn, TransactionKey(family_, ReplicaId(replica), seq));
    storage::v1::QuarantinedTransaction kept;
    if (!row_of.ok() || !row_of->has_value() || !kept.ParseFromString(**row_of) ||
        kept.transaction() != transaction->SerializeAsString()) {
      return "C1: a quarantined transaction is not kept";
    }
    quarantine_[{replica, seq}] = {
        *transaction, push->member,
        NaiveEstimate(transaction->made_at(), push->request.sent_at(), push->received),
        push->received};
  } else {
    return "C1: a transaction was consumed without a decision";
  }
  place = std::move(next);
  return "";
}

std::string Model::LearnVerdicts(const ReadView& view, const std::vector<GivenPush>& given,
                                 uint64_t after) {
  auto it = view.Scan(kReplicaColumn, FamilyStart(family_), FamilyLimit(family_));
  for (; it->Valid(); it->Next()) {
    const std::string replica(LastIdOf(it->key()));
    storage::v1::Replica row;
    if (!row.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return "damaged replica";
    }
    std::vector<Consumed>& consumed = consumed_[replica];
    if (row.last_seq() < consumed.size()) return "C1: a replica's place went back";
    // What lacked a record may have been pushed again.
    for (const uint64_t seq : std::set<uint64_t>(lacking_[replica])) {
      const std::string failure = LearnVerdict(view, given, after, replica, seq);
      if (!failure.empty()) return failure;
    }
    while (consumed.size() < row.last_seq()) {
      consumed.push_back({});
      const std::string failure = LearnVerdict(view, given, after, replica, consumed.size());
      if (!failure.empty()) return failure;
    }
    if (!consumed.empty() && row.last_hash() != consumed.back().hash) {
      return "C1: a replica's place tells another transaction";
    }
  }
  // Each commit of a transaction has its verdict.
  for (auto commit = commits_.upper_bound(after); commit != commits_.end(); ++commit) {
    const auto& [replica, seq] = commit->second;
    const auto consumed = consumed_.find(replica);
    if (consumed == consumed_.end() || consumed->second.size() < seq ||
        consumed->second[seq - 1].verdict.committed().revision() != commit->first) {
      return "C1: a commit without its verdict";
    }
  }
  return "";
}

// What waits is there, and what was decided is in the journal, once.
std::string Model::LearnDecisions(const ReadView& view, uint64_t after) {
  const FamilyReader reader(view, family_);
  for (auto& [key, quarantined] : quarantine_) {
    const bool was_decided =
        quarantined.decided_revision != 0 && quarantined.decided_revision <= after;
    if (was_decided) continue;
    const auto verdict = reader.Verdict(ReplicaId(key.first), key.second);
    const auto row =
        view.Get(kQuarantineColumn, TransactionKey(family_, ReplicaId(key.first), key.second));
    if (!verdict.ok() || !verdict->has_value() || !row.ok()) return "C1: a verdict is gone";
    const uint64_t decided = (*verdict)->decided_revision();
    if (decided != 0 && quarantined.decided_revision == 0) {
      if (refusals_.erase(decided) == 0) return "C1: a decision is not in the journal";
      quarantined.decided_revision = decided;
    }
    if (decided != quarantined.decided_revision || (*verdict)->accepted() != quarantined.accepted ||
        row->has_value() != (decided == 0)) {
      return "C1: what an owner decided is told otherwise";
    }
  }
  return refusals_.empty() ? "" : "an owner refused nothing";
}

std::string Model::ProblemOf(const Quarantined& quarantined) const {
  std::map<std::string, NaiveRecord> records;
  for (const v1::Edit& edit : quarantined.transaction.edits()) {
    const NaiveRecord* current = At(edit.record_id(), revision_);
    if (current != nullptr) records[edit.record_id()] = *current;
  }
  const auto member = members_.find(quarantined.member.str());
  if (member == members_.end()) return "nobody made it";
  return ProblemWith(quarantined.transaction, static_cast<v1::Role>(member->second.role()),
                     records);
}

std::string Model::CheckRejected(const v1::Transaction& transaction, const GivenPush& push,
                                 uint64_t after) const {
  const auto member = members_.find(push.member.str());
  if (member == members_.end()) return "C1: rejected, though nobody sent it";
  for (uint64_t revision : {after, revision_}) {
    std::map<std::string, NaiveRecord> records;
    for (const v1::Edit& edit : transaction.edits()) {
      const NaiveRecord* current = At(edit.record_id(), revision);
      if (current != nullptr) records[edit.record_id()] = *current;
    }
    const auto role = static_cast<v1::Role>(member->second.role());
    if (!ProblemWith(transaction, role, records).empty()) return "";
  }
  return "a valid transaction was rejected";
}

std::string Model::CheckAnswer(const v1::PushRequest& request,
                               const v1::PushResponse& response) const {
  const auto found = consumed_.find(request.replica_id());
  const std::vector<Consumed> none;
  const std::vector<Consumed>& consumed = found == consumed_.end() ? none : found->second;
  if (response.lineage() != lineage_) return "C1: verdicts of another lineage";
  if (response.verdicts_size() > request.transactions_size()) return "C1: too many verdicts";
  for (int i = 0; i < response.verdicts_size(); ++i) {
    const v1::Verdict& verdict = response.verdicts(i);
    const v1::Transaction& transaction = request.transactions(i);
    const bool known = transaction.seq() <= consumed.size();
    const bool same = known && consumed[transaction.seq() - 1].hash == transaction.hash();
    if (verdict.seq() != transaction.seq()) return "C1: a verdict about another transaction";
    if (verdict.has_committed() || verdict.has_rejected() || verdict.has_quarantined()) {
      if (!same) return "C1: a verdict was told that is not on disk";
      // A record may have come between the answer and now.
      if (!LacksItsRecord(verdict.rejected().status()) &&
          SerializeDeterministic(verdict) !=
              SerializeDeterministic(consumed[transaction.seq() - 1].verdict)) {
        return "C1: two verdicts about one transaction";
      }
      continue;
    }
    if (i + 1 != response.verdicts_size()) return "C2: a verdict after one that was not consumed";
    // What came with the same write may have come after this.
    if (same && consumed[transaction.seq() - 1].after != learnt_after_) {
      return "C1: a transaction on disk was not told as such";
    }
    if (verdict.has_gap()) {
      if (verdict.gap().expected_seq() >= transaction.seq() ||
          verdict.gap().expected_seq() > consumed.size() + 1) {
        return "a gap was told where there is none";
      }
    } else if (verdict.has_forked()) {
      const bool chain_differs =
          transaction.seq() <= consumed.size() + 1 &&
          (transaction.seq() == 1
               ? !transaction.previous_hash().empty()
               : transaction.previous_hash() != consumed[transaction.seq() - 2].hash);
      if (!known && !chain_differs) return "a fork was told where there is none";
    } else if (verdict.has_retry_later()) {
      if (!IsOfNewerApp(transaction)) return "the server puts off what it knows";
    } else {
      return "C1: a verdict that says nothing";
    }
    return "";
  }
  if (response.verdicts_size() == request.transactions_size()) return "";
  return !response.verdicts().empty() && QuarantineIsFull() ? "" : "C1: a verdict is missing";
}

bool Model::QuarantineIsFull() const {
  size_t rows = 0;
  size_t bytes = 0;
  for (const auto& [key, quarantined] : quarantine_) {
    if (quarantined.decided_revision != 0) continue;
    ++rows;
    bytes += quarantined.transaction.ByteSizeLong();
  }
  return rows >= kQuarantineRowsMax || bytes >= kQuarantineBytesMax;
}

std::string Model::CheckStore(const ReadView& view) const {
  const absl::Status verified = VerifyFamily(view, family_);
  if (!verified.ok()) return absl::StrCat("VerifyFamily: ", verified.message());
  const auto head = FamilyReader(view, family_).Head();
  if ((*head)->revision() != revision_) return "the model does not know the head";
  const std::map<std::string, const NaiveRecord*> all = AllAt(revision_);
  std::map<uint32_t, StateHash> hashes;
  for (const auto& [id, record] : all) hashes[record->kind].Add(record->digest);
  for (const storage::v1::KindHash& told : (*head)->kind_hashes()) {
    if (StateHash(told.sum()) != hashes[told.kind()]) return "C6: the state hash is wrong";
    hashes.erase(told.kind());
  }
  for (const auto& [kind, hash] : hashes) {
    if (hash != StateHash()) return "C6: the state hash leaves out a kind";
  }
  size_t rows = 0;
  auto it = view.Scan(kRecordColumn, FamilyStart(family_), FamilyLimit(family_));
  for (; it->Valid(); it->Next(), ++rows) {
    const auto record = all.find(RecordIdOfKey(it->key()).str());
    StoredRecord stored;
    if (!stored.ParseFromArray(it->value().data(), static_cast<int>(it->value().size()))) {
      return "damaged record";
    }
    if (record == all.end() || stored.digest() != record->second->digest ||
        stored.revision() != record->second->revision) {
      return "C3: a record is there that no commit made";
    }
  }
  if (rows != all.size()) return "C5: a record is gone";
  const auto repair = PlanRepair(view, family_, SleepDeriver(), absl::UnixEpoch());
  if (!repair.ok()) return absl::StrCat("doctor: ", repair.status().message());
  if (!repair->damages.empty()) return absl::StrCat("doctor: ", repair->damages.front());
  std::string failure = CheckConservation(view, family_);
  if (failure.empty()) failure = CheckNights(all);
  return failure;
}

std::string Receiver::Take(bool reset,
                           const google::protobuf::RepeatedPtrField<v1::Record>& records,
                           const v1::Bookmark* bookmark, const Model& model, uint64_t backed_up) {
  const Entitlement entitled = model.EntitlementOf(device_, absl::InfinitePast());
  if (reset) {
    from_nothing_ = true;
    received_.clear();
  }
  if (cursor_.revision() == 0) from_nothing_ = true;
  for (const v1::Record& record : records) {
    const auto kind = static_cast<uint32_t>(record.body_case());
    if (!entitled.Sees(kind)) return "C8: something was sent that this device may not see";
    if (never_.count(kind) > 0) return "a stream sent a kind of record that it is not for";
    const NaiveRecord* expected = model.At(record.record_id(), record.revision());
    if (expected == nullptr || expected->revision != record.revision()) {
      return "C3: a record was sent that no commit made";
    }
    std::string wire = SerializeDeterministic(record);
    if (wire != expected->wire) return "C3: a record was sent otherwise than it is";
    if (!from_nothing_ && record.revision() <= cursor_.revision()) {
      return "a record was sent again that had not changed";
    }
    received_[record.record_id()] = std::move(wire);
  }
  return bookmark == nullptr ? "" : TakeBookmark(*bookmark, model, backed_up, entitled);
}

std::string Receiver::TakeBookmark(const v1::Bookmark& bookmark, const Model& model,
                                   uint64_t backed_up, const Entitlement& entitled) {
  if (bookmark.cursor().lineage() != model.lineage()) return "C3: a bookmark of another lineage";
  if (bookmark.cursor().revision() > model.revision()) return "C3: a bookmark beyond the head";
  if (!from_nothing_ && (bookmark.cursor().lineage() != cursor_.lineage() ||
                         bookmark.cursor().revision() < cursor_.revision())) {
    return "C3: a bookmark goes back";
  }
  if (bookmark.backed_up_revision() != backed_up) return "a bookmark tells of another backup";
  if (from_nothing_) {
    records_.clear();
    complete_ = true;
  }
  for (auto& [id, wire] : received_) records_[id] = std::move(wire);
  received_.clear();
  cursor_ = bookmark.cursor();
  from_nothing_ = false;
  StateHash hash;
  size_t visible = 0;
  std::string failure;
  model.ForEachAt(cursor_.revision(), [&](const std::string& id, const NaiveRecord& record) {
    if (!entitled.Sees(record.kind) || never_.count(record.kind) > 0) return;
    ++visible;
    hash.Add(record.digest);
    const auto received = records_.find(id);
    if (received == records_.end()) {
      if (complete_) failure = "C3: a bookmark came before its records";
    } else if (received->second != record.wire) {
      failure = "C3: a bookmark came with an old record";
    }
  });
  if (!failure.empty()) return failure;
  if (complete_ && visible != records_.size()) return "C3: a stream brought more than there is";
  if (hash != StateHash(bookmark.state_hash())) return "C6: a bookmark tells a wrong state hash";
  return "";
}

}  // namespace nightlog::simulation
