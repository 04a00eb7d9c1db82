#include "clients/cpp/pairing.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "tests/simulation/sim_connection.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

void World::SetUp() {
  server_.disk().before_write = [this] { RunWoken(); };
  server_.disk().after_write = [this] {
    Learn();
    LearnNeighbours();
  };
  FailUnless(server_.Start(), "start");
  const int caregivers = 2 + static_cast<int>(random_.Below(2));
  server_is_old_ = random_.Chance(20);
  AddPhone();
  v1::CreateFamilyRequest create;
  create.set_family_name("family");
  create.set_member_name("owner");
  create.set_device_name("phone");
  Phone& owner = *phones_[0];
  const auto family = CreateFamily(owner.connection, *owner.replica, random_, create, Deadline());
  if (!family.ok()) return FailUnless(family.status(), "create");
  family_ = *family;
  model_ = Model(family_);
  Learn();
  NotePairing(owner);
  for (int i = 1; i < caregivers; ++i) AddMember(v1::ROLE_CAREGIVER);
  if (random_.Chance(25)) AddMember(v1::ROLE_OWNER);
  if (random_.Chance(25)) AddMember(v1::ROLE_VIEWER);
  AddMember(v1::ROLE_CONSULTANT);
  consultant_ = phones_.back().get();
  for (RecordId& id : children_) {
    id = MakeRecordId(server_.clock().Now(), random_);
    v1::Child child;
    child.set_name("child");
    child.set_home_zone("Europe/London");
    FailUnless(Save(owner, Tap().Set(id, child)), "child");
  }
  for (auto& phone : phones_) SyncQuietly(*phone);
  SetUpNeighbours();
  TakeBackup();
}

Phone& World::AddPhone() {
  const size_t number = phones_.size();
  SimConnection::Observer observer;
  observer.on_push = [this, number](const std::string& token, const v1::PushRequest& request) {
    given_.push_back({request, phones_[number]->member, server_.clock().Now()});
    // Old packets may come again later.
    if (!delivering_ && random_.Chance(10))
      delayed_.push_back({number, phones_[number]->device, request});
  };
  observer.on_answer = [this, number](const v1::PushRequest& request,
                                      const absl::StatusOr<v1::PushResponse>& response) {
    if (!response.ok()) return;
    const Entitlement entitled =
        model_.EntitlementOf(phones_[number]->device, server_.clock().Now());
    if (entitled.access && entitled.role == v1::ROLE_VIEWER) Fail("C8: a viewer may push");
    FailIf(model_.CheckAnswer(request, *response));
    for (int i = 0; i < response->verdicts_size() && failure_.empty(); ++i) {
      const v1::Verdict& verdict = response->verdicts(i);
      if (verdict.has_rejected()) rejected_.insert(NameOf(request.transactions(i)));
      if (verdict.has_quarantined()) quarantined_.insert(NameOf(request.transactions(i)));
    }
  };
  observer.on_acknowledge = [this, number](const v1::AcknowledgeRequest& request) {
    CheckAcknowledged(*phones_[number], request);
  };
  observer.on_follow = [this, number](const v1::FollowRequest& request) {
    auto receiver =
        std::make_shared<Receiver>(phones_[number]->device, request.cursor(), std::set<uint32_t>());
    return [this, receiver, number](const v1::FollowResponse& message) {
      if (message.has_closed()) phones_[number]->told_closed = true;
      FailIf(receiver->Take(message, model_, server_.clock().Now(), model_.backed_up()));
    };
  };
  observer.on_half_open = [this, number](std::shared_ptr<SimServer::Process> process,
                                         std::unique_ptr<MessageStream<v1::FollowResponse>> s) {
    follows_.push_back({std::move(process), phones_[number].get(), "", /*deaf=*/true, {}});
    follows_.back().stream = std::move(s);
    follows_.back().ended = true;  // only its being there matters
  };
  observer.meanwhile = [this, number] { Meanwhile(*phones_[number]); };
  observer.on_endless = [this] { Fail("liveness: there is no end to the calls of a sync"); };
  phones_.push_back(std::make_unique<Phone>(static_cast<int>(number), random_.Next(), server_,
                                            std::move(observer)));
  Phone& added = *phones_.back();
  added.connection.set_server_is_old(server_is_old_);
  added.disk.after_write = [this, &added] { CheckPhoneDisk(added); };
  Boot(added);
  return added;
}

absl::StatusOr<std::string> World::Invite(const v1::CreateInviteRequest& request) {
  const auto code = phones_[0]->connection.CreateInvite(request, Deadline());
  if (!code.ok()) return code.status();
  return code->code();
}

absl::Status World::Join(Phone& phone, const std::string& code) {
  v1::JoinRequest join;
  join.set_code(code);
  join.set_member_name(phone.name);
  join.set_device_name(phone.name);
  if (random_.Chance(25)) {
    // The answer is lost, the app is started again perhaps, and asks once more.
    phone.connection.LoseNextPairing();
    const auto lost = JoinFamily(phone.connection, *phone.replica, random_, join, Deadline());
    if (lost.ok()) Fail("an answer that was lost came");
    if (random_.Chance(50)) Boot(phone);
  }
  const auto joined = JoinFamily(phone.connection, *phone.replica, random_, join, Deadline());
  if (!joined.ok()) return joined.status();
  NotePairing(phone);
  // A code is good for once.
  const auto again = phone.connection.Join(join, Deadline());
  if (again.ok()) Fail("C8: an invite was used twice");
  return absl::OkStatus();
}

void World::AddMember(v1::Role role) {
  v1::CreateInviteRequest invite;
  invite.set_family_id(family_.str());
  invite.set_role(role);
  invite.set_consent_scope(v1::CONSENT_SCOPE_NIGHTS);
  if (role == v1::ROLE_CONSULTANT) {
    *invite.mutable_consent_until() = ToProto(server_.clock().Now() + absl::Hours(24 * 365));
  }
  const auto code = Invite(invite);
  if (!code.ok()) return FailUnless(code.status(), "invite");
  FailUnless(Join(AddPhone(), *code), "join");
}

void World::NotePairing(Phone& phone) {
  const auto state = phone.replica->FamilyStateOf(family_);
  if (!state.ok()) return FailUnless(state.status(), "pairing");
  phone.device = DeviceId(state->pairing.device_id());
  phone.member = MemberId(state->pairing.member_id());
  phone.role = state->pairing.role();
}

void World::Boot(Phone& phone) {
  phone.syncer.reset();
  phone.replica.reset();
  phone.disk.crashed = false;
  phone.disk.crash_at = CrashPoint::kNone;
  auto replica = Replica::Open(std::make_unique<SimEngine>(phone.disk), *phone.clock);
  if (!replica.ok()) return FailUnless(replica.status(), "open replica");
  phone.replica = *std::move(replica);
  phone.screen.Restart();
  phone.replica->AddObserver(&phone.screen);
  phone.connection.SetToken(phone.replica->settings().device_token);
  SyncOptions options;
  options.acknowledge_bytes = limits_.window_bytes / 4;
  // The use cases stand here without the doors, which take a new token into use.
  options.token_age = absl::InfiniteDuration();
  phone.syncer = std::make_unique<Syncer>(*phone.replica, phone.connection, *phone.clock,
                                          phone.random, options);
}

void World::RebootIfCrashed(Phone& phone) {
  if (!phone.disk.crashed) return;
  Trace(phone.name + " crashed");
  ++phone.boots;
  Boot(phone);
}

}  // namespace nightlog::simulation
