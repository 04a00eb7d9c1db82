#include "absl/strings/str_cat.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "tests/simulation/sim_connection.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

void World::SyncWithFaults(Phone& phone) {
  NetworkFaults faults;
  faults.drop_request = random_.Below(3) * 10;
  faults.drop_response = random_.Below(3) * 15;
  faults.duplicate = random_.Below(3) * 10;
  faults.cut_stream = random_.Below(3) * 10;
  phone.connection.set_faults(faults);
  if (random_.Chance(8)) {
    phone.disk.crash_at = random_.Chance(50) ? CrashPoint::kBeforeWrite : CrashPoint::kAfterWrite;
  }
  Sync(phone).IgnoreError();
  phone.connection.set_faults({});
}

absl::Status World::Sync(Phone& phone) {
  phone.connection.ResetCalls();
  const absl::Status synced = phone.syncer->SyncOnce(family_, Deadline());
  given_.clear();
  Trace(absl::StrCat(phone.name, " syncs ", synced.ToString(kPlain)));
  const bool crashed = phone.disk.crashed;
  RebootIfCrashed(phone);
  if (std::exchange(phone.told_closed, false) && !crashed &&
      phone.replica->FamilyStateOf(family_)->closed.empty()) {
    Fail("C8: a phone does not say that its access ended");
  }
  if (synced.ok() && !crashed) CheckSynced(phone);
  if (!crashed && random_.Chance(10)) CheckWholeScreen(phone, Content(phone));
  return synced;
}

void World::SyncQuietly(Phone& phone) {
  phone.connection.set_faults({});
  phone.disk.crash_at = CrashPoint::kNone;
  Sync(phone).IgnoreError();
}

void World::PushNonsense(Phone& phone) {
  v1::RenewReplicaRequest renew;
  renew.set_family_id(family_.str());
  const auto renewed = phone.connection.RenewReplica(renew, Deadline());
  const absl::optional<ShownRecord> shown = SomeRecord(phone, kLogEntry);
  if (!renewed.ok() || !shown.has_value()) return;
  v1::PushRequest request;
  request.set_family_id(family_.str());
  request.set_replica_id(renewed->replica_id());
  *request.mutable_sent_at() = phone.clock->Read();
  v1::Transaction& transaction = *request.add_transactions();
  transaction.set_seq(1);
  transaction.set_hash(random_.Bytes(32));
  *transaction.mutable_made_at() = request.sent_at();
  v1::Edit edit;
  switch (random_.Below(3)) {
    case 0:  // a record that only the server writes
      edit.set_record_id(phone.member.str());
      edit.mutable_existence()->set_deleted(true);
      *transaction.add_edits() = edit;
      break;
    case 1:  // one group twice
      edit.set_record_id(shown->record.record_id());
      edit.set_group(v1::LogEntry::kTextFieldNumber);
      edit.mutable_log_entry()->set_text("nonsense");
      *transaction.add_edits() = edit;
      *transaction.add_edits() = edit;
      break;
    default:  // too many edits
      while (transaction.edits_size() < 66) {
        edit.set_record_id(MakeRecordId(server_.clock().Now(), random_).str());
        edit.set_group(v1::Comment::kTargetFieldNumber);
        v1::NightKey& night = *edit.mutable_comment()->mutable_target()->mutable_night();
        night.set_child_id(children_[0].str());
        night.set_date("2026-01-01");
        *transaction.add_edits() = edit;
        edit.set_group(v1::Comment::kPostsFieldNumber);
        edit.mutable_comment()->Clear();
        edit.mutable_comment()->add_posts()->set_text("nonsense");
        *transaction.add_edits() = edit;
        edit.clear_comment();
      }
  }
  const auto pushed = server_.Call<v1::PushResponse>(phone.connection.Pushing(request));
  given_.clear();
  Trace(absl::StrCat(phone.name, " pushes nonsense ", pushed.status().ToString(kPlain)));
  if (pushed.ok() && pushed->verdicts(0).has_committed()) Fail("nonsense was committed");
}

void World::PushTogether(Phone&) {
  struct Pushed {
    Phone* phone;
    v1::PushRequest request;
    SimServer::Answer<v1::PushResponse> answer;
  };
  std::vector<Pushed> pushes;
  for (uint64_t i = 0; i < 5; ++i) {
    Phone& phone = *phones_[random_.Below(phones_.size())];
    const auto next = phone.replica->NextPush(family_);
    if (!next.ok()) return FailUnless(next.status(), "next push");
    if (i == 2 && random_.Chance(15)) EnterRevocation();
    if (!next->has_value()) continue;
    v1::PushRequest request = **next;
    // A part of it may have been sent before.
    while (request.transactions_size() > 1 && random_.Chance(20)) {
      request.mutable_transactions()->RemoveLast();
    }
    *request.mutable_sent_at() = phone.clock->Read();
    auto answer = server_.Enter<v1::PushResponse>(phone.connection.Pushing(request));
    pushes.push_back({&phone, std::move(request), std::move(answer)});
  }
  const auto theirs = neighbour_->replica->NextPush(neighbours_);
  if (!theirs.ok()) return FailUnless(theirs.status(), "neighbours' push");
  if (theirs->has_value()) {
    v1::PushRequest request = **theirs;
    *request.mutable_sent_at() = neighbour_->clock->Read();
    server_.Enter<v1::PushResponse>(neighbour_->connection.Pushing(request));
  }
  server_.Commit();
  given_.clear();
  neighbours_given_.clear();
  Trace(absl::StrCat(pushes.size(), " pushes together"));
  for (const Pushed& pushed : pushes) {
    const auto response = server_.Take<v1::PushResponse>(pushed.answer);
    if (!response.ok() || random_.Chance(25)) continue;
    const auto step = pushed.phone->replica->ApplyVerdicts(pushed.request, *response);
    const bool crashed = pushed.phone->disk.crashed;
    if (!crashed) FailUnless(step.status(), "verdicts");
    RebootIfCrashed(*pushed.phone);
    // It is acknowledged, and no record has come yet.
    const PhoneContent content = Content(*pushed.phone);
    if (!crashed && random_.Chance(30)) CheckWholeScreen(*pushed.phone, content);
    for (const v1::Edit& edit : pushed.request.transactions(0).edits()) {
      CheckScreen(*pushed.phone, content, edit.record_id());
    }
  }
}

void World::EnterRevocation() {
  Phone& phone = *phones_[random_.Below(phones_.size())];
  if (&phone == phones_[0].get() || phone.device == phones_[0]->device) return;
  v1::RevokeDeviceRequest request;
  request.set_family_id(family_.str());
  request.set_device_id(phone.device.str());
  server_.Enter<v1::RevokeDeviceResponse>(
      [&](SimServer::Process& process, Done<v1::RevokeDeviceResponse> done) {
        process.family.RevokeDevice(phones_[0]->connection.token(), request, std::move(done));
      });
  Trace(phone.name + " is revoked meanwhile");
}

void World::CrashPhone(Phone& phone) {
  if (random_.Chance(50)) {
    phone.disk.crash_at = random_.Chance(50) ? CrashPoint::kBeforeWrite : CrashPoint::kAfterWrite;
    Trace(phone.name + " will crash");
  } else {
    Trace(phone.name + " is killed");
    Boot(phone);
  }
}

void World::CrashServer(Phone&) {
  server_.disk().crash_at = random_.Chance(50) ? CrashPoint::kBeforeWrite : CrashPoint::kAfterWrite;
  Trace("server will crash");
}

void World::StartServerIfDown(Phone&) {
  if (server_.process() != nullptr) return;
  Trace("server starts");
  FailUnless(server_.Start(), "restart");
}

void World::DisturbClock(Phone& phone) {
  const absl::Time now = server_.clock().Now();
  switch (random_.Below(5)) {
    case 0:
      phone.clock->SetWall(now + absl::Hours(24 * 365));
      break;
    case 1:
      phone.clock->SetWall(now - absl::Hours(24 * 365));
      break;
    case 2:
      phone.clock->SetWall(now + absl::Hours(1) - random_.Within(absl::Hours(2)));
      break;
    case 3:  // within what is tolerated, or just beyond
      phone.clock->SetWall(now + absl::Seconds(28 + random_.Below(5)));
      break;
    default: {
      // A restart of the phone: the monotonic clock begins anew.
      const absl::Time wall = FromProto(phone.clock->Read().wall());
      auto clock = std::make_unique<ManualDeviceClock>(wall, absl::StrCat("boot", ++phone.boots));
      // It may have run a while, longer than the one before or not.
      if (random_.Chance(50)) {
        clock->Advance(random_.Within(absl::Hours(10)));
        clock->SetWall(wall);
      }
      phone.syncer.reset();
      phone.replica.reset();
      phone.clock = std::move(clock);
      Boot(phone);
    }
  }
  Trace(phone.name + " has another clock");
}

void World::DeliverOldPacket(Phone& phone) {
  if (delayed_.empty()) return;
  const DelayedPush push = delayed_[random_.Below(delayed_.size())];
  Phone& sender = random_.Chance(80) ? *phones_[push.phone] : phone;
  delivering_ = true;
  const auto response = server_.Call<v1::PushResponse>(sender.connection.Pushing(push.request));
  delivering_ = false;
  given_.clear();
  if (response.ok() && sender.device != push.device) {
    Fail("C8: a device pushed what is another's");
  }
  Trace(absl::StrCat("an old packet arrives ", response.status().ToString(kPlain)));
}

}  // namespace nightlog::simulation
