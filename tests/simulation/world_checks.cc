#include <algorithm>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

void World::Learn() {
  FailIf(model_.Learn(*server_.disk().engine->Snapshot(), given_, server_.clock().Now()));
  if (model_.backed_up() > backed_up_) Fail("a family is told of a backup that is not");
  if (model_.revision() == learnt_) return;
  learnt_ = model_.revision();
  for (const auto& [tap, count] : model_.taps()) {
    const auto tapped = tapped_.find(tap);
    if (tapped == tapped_.end()) return Fail("a transaction that nobody made was committed");
    if (count > tapped->second) return Fail("C1: a tap was committed twice");
  }
}

const Model* World::ModelOf(const std::string& lineage) const {
  const auto it = lineages_.find(lineage);
  if (it != lineages_.end()) return it->second.get();
  return lineage == model_.lineage() ? &model_ : nullptr;
}

void World::CheckPhoneDisk(Phone& phone) {
  const PhoneContent content = Content(phone);
  const storage::v1::DeviceFamily& family = content.family;
  const Model* model = ModelOf(family.lineage());
  if (family.revision() > 0) {
    if (model == nullptr) return Fail("C3: a phone is in a lineage that never was");
    if (family.revision() > model->revision()) return Fail("C3: a phone is ahead of the server");
    const std::string failure = CheckRecords(phone, content, *model);
    if (failure.empty()) phone.damaged = false;
    // A consultant who lost the only entry looks like one who may see none.
    const bool may_be =
        phone.damaged && (phone.role == v1::ROLE_CONSULTANT || !absl::StartsWith(failure, "C6"));
    if (!may_be) FailIf(failure);
  }
  std::set<std::string> kept;
  std::set<std::pair<std::string, uint64_t>> names;
  for (const auto* rows : {&content.outbox, &content.sent, &content.attention}) {
    for (const KeptTransaction* row : *rows) {
      kept.insert(row->name);
      names.insert({row->replica_id, row->transaction.seq()});
    }
  }
  CheckNames(content, names);
  for (const std::string& tap : phone.taps) {
    if (kept.count(tap) > 0) continue;
    const uint64_t revision = model == nullptr ? 0 : model->RevisionOf(tap);
    if (revision == 0 || revision > family.revision()) {
      return Fail(absl::StrCat("C1: ", phone.name, " lost a tap that nobody else has"));
    }
    if (backup_model_ == nullptr || backup_model_->RevisionOf(tap) == 0) {
      return Fail(absl::StrCat("C1: ", phone.name, " lost a tap that no backup has"));
    }
  }
}

void World::CheckNames(const PhoneContent& content,
                       const std::set<std::pair<std::string, uint64_t>>& on_phone) {
  for (const KeptTransaction* row : content.outbox) {
    if (row->revision != 0) continue;
    for (const v1::Edit& edit : row->transaction.edits()) {
      for (const v1::EditId& saw : edit.saw()) {
        if (on_phone.count({saw.replica_id(), saw.seq()}) > 0) continue;
        if (!WasConsumed(saw)) return Fail("C4: an edit names one that never was");
      }
    }
  }
}

bool World::WasConsumed(const v1::EditId& edit) const {
  if (model_.WasConsumed(edit)) return true;
  return std::any_of(lineages_.begin(), lineages_.end(),
                     [&edit](const auto& model) { return model.second->WasConsumed(edit); });
}

std::string World::CheckRecords(const Phone& phone, const PhoneContent& content,
                                const Model& model) {
  size_t all = 0;
  size_t entries = 0;
  model.ForEachAt(content.family.revision(), [&](const std::string&, const NaiveRecord& record) {
    ++all;
    entries += record.kind == v1::Record::kLogEntry;
  });
  // A consultant has all but the entries, or all.
  const bool few = phone.role == v1::ROLE_CONSULTANT && content.records.size() == all - entries;
  if (!few && content.records.size() != all) {
    return "C3: a phone has more or fewer records than its cursor says";
  }
  StateHash hash;
  for (const auto& [id, row] : content.records) {
    const NaiveRecord* record = model.At(id, content.family.revision());
    if (record == nullptr) return "C3: a phone has a record that is not there";
    if (few && record->kind == v1::Record::kLogEntry) {
      return "C8: a phone has a record that it may not see";
    }
    if (WireOf(row) != record->wire) return "C3: a phone has a record of another revision";
    hash.Add(record->digest);
  }
  if (hash != StateHash(content.family.state_hash())) return "C6: a phone has a wrong state hash";
  return "";
}

PhoneContent World::Content(const Phone& phone) {
  return phone_reader_.Read(*phone.disk.engine->Snapshot(), family_);
}

const std::string& World::WireOf(const std::string& row) {
  std::string& wire = wires_[row];
  if (wire.empty()) {
    v1::Record record;
    record.ParseFromString(row);
    wire = SerializeDeterministic(record);
  }
  return wire;
}

void World::CheckAcknowledged(Phone& phone, const v1::AcknowledgeRequest& request) {
  const PhoneContent content = Content(phone);
  if (request.cursor().lineage() == content.family.lineage() &&
      request.cursor().revision() > content.family.revision()) {
    Fail("a device says it has what it has not");
  }
  if (!request.cursor().lineage().empty() &&
      request.cursor().lineage() != content.family.lineage()) {
    Fail("a device says it has another lineage");
  }
}

void World::CheckSynced(Phone& phone) {
  const auto state = phone.replica->FamilyStateOf(family_);
  if (!state.ok()) return FailUnless(state.status(), "state");
  // A consultant's records change with what she may see, without a commit; then she starts over.
  if (state->resyncs > 0 && phone.role != v1::ROLE_CONSULTANT && !phone.was_damaged) {
    return Fail("C6: records did not add up to the state hash");
  }
  const PhoneContent content = Content(phone);
  CheckCounts(phone, content, *state);
  std::set<std::string> edited;
  for (const KeptTransaction* row : content.outbox) {
    for (const v1::Edit& edit : row->transaction.edits()) edited.insert(edit.record_id());
  }
  for (const std::string& id : edited) CheckScreen(phone, content, id);
}

void World::CheckCounts(Phone& phone, const PhoneContent& content, const FamilyState& state) {
  uint64_t pending = 0;
  for (const KeptTransaction* row : content.outbox) pending += row->revision == 0 ? 1 : 0;
  if (state.pending != pending || state.needs_attention != content.attention.size()) {
    return Fail("C1: a phone tells otherwise how much is pending");
  }
  const auto list = phone.replica->ListNeedsAttention(family_);
  if (!list.ok()) return FailUnless(list.status(), "needs attention");
  if (list->size() != content.attention.size()) return Fail("C1: what needs attention is hidden");
  for (const NeedsAttention& item : *list) {
    const std::string name = NameOf(item.transaction);
    if ((item.status.ok() ? quarantined_ : rejected_).count(name) == 0) {
      return Fail("C1: a tap needs attention for another reason");
    }
  }
}

void World::CheckWholeScreen(Phone& phone, const PhoneContent& content) {
  if (phone.was_damaged) return;
  std::set<RecordId> ids;
  for (const auto& [id, row] : content.records) ids.insert(RecordId(id));
  for (const KeptTransaction* row : content.outbox) {
    for (const v1::Edit& edit : row->transaction.edits()) ids.insert(RecordId(edit.record_id()));
  }
  FailIf(phone.screen.Check(*phone.replica, family_, ids));
}

void World::CheckServer() {
  if (server_.process() == nullptr || !failure_.empty()) return;
  FailIf(model_.CheckStore(*server_.process()->engine.Snapshot()));
  FailIf(neighbours_model_.CheckStore(*server_.process()->engine.Snapshot()));
  CheckStreams();
}

void World::Heal() {
  Trace("heal");
  heals_ = true;
  UpdateServer(*phones_[0]);
  StartServerIfDown(*phones_[0]);
  server_.disk().crash_at = CrashPoint::kNone;
  for (auto& phone : phones_) {
    Boot(*phone);
    CheckWholeScreen(*phone, Content(*phone));
  }
  for (int round = 0; round < 3 && failure_.empty(); ++round) {
    for (auto& phone : phones_) {
      PassTime(absl::Seconds(1));
      if (absl::IsUnauthenticated(Sync(*phone))) PairAgain(*phone);
    }
  }
  for (auto& phone : phones_) {
    if (!failure_.empty()) return;
    CheckAtRest(*phone);
  }
  CheckServer();
  EraseNeighbours();
  FailIf(model_.CheckStore(*server_.process()->engine.Snapshot()));
  follows_.clear();
  watches_.clear();
}

void World::PairAgain(Phone& phone) {
  v1::CreateInviteRequest invite;
  invite.set_family_id(family_.str());
  const storage::v1::StoredMember* member = model_.MemberOf(phone.member);
  if (member == nullptr) {
    invite.set_role(phone.role == v1::ROLE_CONSULTANT ? phone.role : v1::ROLE_CAREGIVER);
  } else if (member->removed() ||
             (member->has_until() && FromProto(member->until()) <= server_.clock().Now())) {
    return;
  } else {
    invite.set_member_id(phone.member.str());
  }
  const auto code = Invite(invite);
  if (!code.ok()) return FailUnless(code.status(), "invite again");
  FailUnless(Join(phone, *code), "join again");
  Trace(phone.name + " is paired again");
}

void World::CheckAtRest(Phone& phone) {
  const absl::Status synced = Sync(phone);
  const Entitlement entitled = model_.EntitlementOf(phone.device, server_.clock().Now());
  if (!entitled.access) {
    // A removed phone is told of its full quarantine first.
    if (!absl::IsPermissionDenied(synced) && !absl::IsUnauthenticated(synced) &&
        !(ReasonOf(synced) == v1::ERROR_REASON_QUARANTINE_FULL && model_.QuarantineIsFull())) {
      Fail("C8: a device without access still syncs");
    }
    return;
  }
  const auto state = phone.replica->FamilyStateOf(family_);
  if (!state.ok()) return FailUnless(state.status(), "state");
  // What a viewer tapped waits until an owner lets it be sent.
  const bool waits = entitled.role == v1::ROLE_VIEWER && state->pending > 0;
  if (!waits) {
    FailUnless(synced, absl::StrCat("liveness: ", phone.name));
    if (state->pending > 0) Fail("liveness: an outbox is not empty");
  } else if (ReasonOf(synced) != v1::ERROR_REASON_ROLE_NOT_ALLOWED) {
    Fail(absl::StrCat("a viewer who tapped was told ", synced.ToString(kPlain)));
  }
  const PhoneContent content = Content(phone);
  if (content.family.revision() != model_.revision() ||
      content.family.lineage() != model_.lineage()) {
    return Fail("liveness: a phone is not at the head");
  }
  const storage::v1::StoredFamilyDevice& told = model_.devices().at(phone.device.str());
  if (told.acknowledged_lineage() != model_.lineage() ||
      told.acknowledged_revision() != model_.revision()) {
    Fail("liveness: others are not told that a device is at the head");
  }
  if (!state->closed.empty()) Fail("liveness: a phone is told that its access ended");
  if (content.family.backed_up_revision() != model_.backed_up()) {
    Fail("C1: a phone counts on another backup than the newest");
  }
  CheckWholeScreen(phone, content);
  if (!content.sent.empty() && content.sent.front()->revision <= model_.backed_up()) {
    Fail("a phone keeps what the server and its backup have");
  }
  size_t visible = 0;
  for (const auto& [id, record] : model_.AllAt(model_.revision())) {
    visible += entitled.Sees(record->kind);
  }
  if (content.records.size() != visible && !phone.damaged)
    Fail("C8: a phone has what it may not see, or lacks it");
  // C1: everything tapped is in the journal, or where people see it.
  std::set<std::string> attention;
  if (waits) {
    for (const KeptTransaction* row : content.outbox) attention.insert(row->name);
  }
  for (const KeptTransaction* row : content.attention) {
    attention.insert(row->name);
    const auto& edits = row->transaction.edits();
    const bool all_here = std::all_of(edits.begin(), edits.end(), [&](const v1::Edit& edit) {
      return content.HasRecord(edit.record_id());
    });
    if (row->lacks_its_record && all_here) {
      return Fail(absl::StrCat("liveness: a tap of ", phone.name, " waits for what is here"));
    }
  }
  for (const std::string& tap : phone.taps) {
    if (model_.RevisionOf(tap) == 0 && attention.count(tap) == 0) {
      return Fail(absl::StrCat("C1: a tap of ", phone.name, " is lost"));
    }
  }
}

}  // namespace nightlog::simulation
