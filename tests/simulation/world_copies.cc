#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

void World::Backup(Phone&) {
  Trace("backup");
  TakeBackup();
}

void World::TakeBackup() {
  if (server_.process() == nullptr) return;
  // What their devices have is told without a commit.
  neighbours_head_.reset();
  LearnNeighbours();
  backup_ = server_.Copy();
  backup_model_ = std::make_unique<Model>(model_);
  neighbours_backup_model_ = std::make_unique<Model>(neighbours_model_);
  backed_up_ = model_.revision();
  const auto told = server_.Enter<bool>([&](SimServer::Process& process, Done<bool> done) {
    process.committer.Submit(
        family_,
        [revision = backed_up_](FamilyWriter& writer) {
          writer.SetBackedUpRevision(revision);
          return absl::OkStatus();
        },
        [done](const absl::Status&) { done(true); });
  });
  server_.Commit();
}

void World::RestoreServer(Phone&) {
  Trace("server is restored from its backup");
  follows_.clear();
  watches_.clear();
  delayed_.clear();  // no connection outlives a restore
  invites_.clear();
  Forget(model_);
  model_ = *backup_model_;
  neighbours_model_ = *neighbours_backup_model_;
  server_.Replace(*backup_);
  const std::string before = model_.lineage();
  FailUnless(server_.BeginAnew(), "restore");
  FailUnless(server_.Start(), "start after restore");
  Learn();
  LearnNeighbours();
  AnnounceTokens();
  if (model_.lineage() == before || lineages_.count(model_.lineage()) > 0) {
    Fail("C3: a restore did not begin a new lineage");
  }
}

void World::Forget(const Model& model) {
  const auto it = lineages_.find(model.lineage());
  if (it == lineages_.end() || it->second->revision() < model.revision()) {
    lineages_[model.lineage()] = std::make_shared<Model>(model);
  }
}

void World::LoseData(Phone& phone) {
  if (server_.process() == nullptr || backup_model_->lineage() != model_.lineage()) return;
  const auto state = phone.replica->FamilyStateOf(family_);
  // Then the server has the roles of before.
  const Entitlement entitled = backup_model_->EntitlementOf(phone.device, server_.clock().Now());
  if (!state.ok() || !entitled.access || entitled.role == v1::ROLE_CONSULTANT ||
      entitled.role == v1::ROLE_VIEWER ||
      !model_.EntitlementOf(phone.device, server_.clock().Now()).access ||
      state->cursor.lineage() != backup_model_->lineage() ||
      state->cursor.revision() <= backup_model_->revision()) {
    return;
  }
  Trace("server loses data");
  follows_.clear();
  watches_.clear();
  delayed_.clear();
  invites_.clear();
  Forget(model_);
  server_.Replace(*backup_);
  FailUnless(server_.Start(), "start after a loss");
  model_ = *backup_model_;
  neighbours_model_ = *neighbours_backup_model_;
  AnnounceTokens();
  // Nothing is pushed before it is noticed.
  phone.disk.crash_at = CrashPoint::kNone;
  const absl::Status noticed = NoticeLoss(phone, state->cursor);
  if (ReasonOf(noticed) != v1::ERROR_REASON_AHEAD_OF_SERVER) {
    Fail(absl::StrCat("a device ahead of the server was told ", noticed.ToString(kPlain)));
  }
  const uint64_t head = model_.revision();
  for (auto& other : phones_) {
    const absl::Status synced = Sync(*other);
    if (model_.revision() != head) return Fail("a family that lost data takes writes");
    if (synced.ok() && &phone == other.get()) Fail("a device ahead of the server synced");
  }
  FailUnless(server_.BeginAnew(), "new lineage");
  FailUnless(server_.Start(), "start in a new lineage");
  Learn();
  LearnNeighbours();
}

absl::Status World::NoticeLoss(Phone& phone, const v1::Cursor& cursor) {
  if (random_.Chance(50)) {
    TapComment(phone, FromProto(phone.clock->Read().wall()));
    const auto push = phone.replica->NextPush(family_);
    if (push.ok() && push->has_value() &&
        std::any_of((*push)->transactions().begin(), (*push)->transactions().end(),
                    [&](const v1::Transaction& transaction) {
                      return transaction.made_at_cursor().lineage() == model_.lineage() &&
                             transaction.made_at_cursor().revision() > model_.revision();
                    })) {
      v1::PushRequest request = **push;
      *request.mutable_sent_at() = phone.clock->Read();
      const auto pushed = server_.Call<v1::PushResponse>(phone.connection.Pushing(request));
      given_.clear();
      // A replica id that was issued since is not known any more.
      if (ReasonOf(pushed.status()) != v1::ERROR_REASON_REPLICA_NOT_YOURS) return pushed.status();
    }
  }
  const auto next = phone.replica->NextFollow(family_);
  if (!next.ok()) return next.status();
  v1::FollowRequest request = *next;
  if (!request.has_cursor()) *request.mutable_cursor() = cursor;
  const auto followed = server_.process()->sync.Follow(phone.connection.token(), request, [] {});
  server_.Commit();
  return followed.status();
}

void World::CopyPhone(Phone& phone) {
  phone.old_disk = std::make_shared<MemoryEngine>(*phone.disk.engine);
  phone.old_taps = phone.taps;
  phone.old_damaged = phone.damaged;
  Trace(phone.name + " is copied");
}

void World::SetBack(Phone& phone) {
  if (phone.old_disk == nullptr) return;
  Trace(phone.name + " is set back to a copy");
  UseCopy(phone, phone);
}

void World::UseCopy(const Phone& from, Phone& phone) {
  phone.syncer.reset();
  phone.replica.reset();
  phone.disk.engine = std::make_shared<MemoryEngine>(*from.old_disk);
  phone.taps = from.old_taps;
  phone.damaged = from.old_damaged;
  phone.was_damaged = phone.was_damaged || from.was_damaged;
  Boot(phone);
  NotePairing(phone);
  // What is pending in the copy may have been sent under another replica id since, which the copy
  // does not know. It is sent once more then, and says the same.
  const PhoneContent content = Content(phone);
  for (const KeptTransaction* row : content.outbox) ++tapped_[row->name];
  for (const KeptTransaction* row : content.sent) ++tapped_[row->name];
  for (const KeptTransaction* row : content.attention) {
    if (row->lacks_its_record) ++tapped_[row->name];
  }
}

void World::CloneOrReinstall(Phone& phone) {
  if (phones_.size() >= 7) return;
  if (phone.old_disk != nullptr && random_.Chance(50)) {
    Phone& twin = AddPhone();
    Trace(absl::StrCat(twin.name, " is a clone of ", phone.name));
    return UseCopy(phone, twin);
  }
  if (!model_.EntitlementOf(phone.device, server_.clock().Now()).member) return;
  v1::CreateInviteRequest invite;
  invite.set_family_id(family_.str());
  invite.set_member_id(phone.member.str());
  const auto code = Invite(invite);
  if (!code.ok()) return;
  Phone& added = AddPhone();
  const absl::Status joined = Join(added, *code);
  Trace(
      absl::StrCat(added.name, " is another phone of ", phone.name, " ", joined.ToString(kPlain)));
  if (!joined.ok()) {
    phones_.pop_back();
  } else if (random_.Chance(30)) {
    TapBeforeItsFirstBookmark(added);
  }
}

void World::TapBeforeItsFirstBookmark(Phone& phone) {
  TakeBackup();
  TapSomething(phone);
  const auto push = phone.replica->NextPush(family_);
  if (!push.ok() || !push->has_value()) return FailUnless(push.status(), "next push");
  v1::PushRequest request = **push;
  *request.mutable_sent_at() = phone.clock->Read();
  const auto pushed = server_.Call<v1::PushResponse>(phone.connection.Pushing(request));
  given_.clear();
  if (!pushed.ok()) return;
  FailUnless(phone.replica->ApplyVerdicts(request, *pushed).status(), "verdicts");
  RebootIfCrashed(phone);
  RestoreServer(phone);
}

void World::DamagePhone(Phone& phone) {
  const PhoneContent content = Content(phone);
  if (content.records.empty() || phone.disk.crashed) return;
  WriteBatch batch;
  batch.Delete(/*record*/ 2, absl::StrCat(family_.bytes(), content.records.begin()->first));
  FailUnless(phone.disk.engine->Write(batch), "damage");
  phone.damaged = phone.was_damaged = true;
  Trace(phone.name + " is damaged");
}

void World::UpdateServer(Phone&) {
  server_is_old_ = false;
  for (auto& phone : phones_) phone->connection.set_server_is_old(false);
}

}  // namespace nightlog::simulation
