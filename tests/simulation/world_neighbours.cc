#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/pairing.h"
#include "storage/column_families.h"
#include "storage/keys.h"
#include "tests/simulation/sim_connection.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

void World::SetUpNeighbours() {
  SimConnection::Observer observer;
  observer.on_push = [this](const std::string&, const v1::PushRequest& request) {
    neighbours_given_.push_back({request, neighbour_->member, server_.clock().Now()});
  };
  observer.on_answer = [](const auto&, const auto&) {};
  observer.on_acknowledge = [](const auto&) {};
  observer.on_follow = [](const auto&) { return [](const v1::FollowResponse&) {}; };
  observer.on_half_open = [](const auto&, const auto&) {};
  observer.meanwhile = [] {};
  observer.on_endless = [this] { Fail("liveness: there is no end to a neighbour's sync"); };
  neighbour_ = std::make_unique<Phone>(99, random_.Next(), server_, std::move(observer));
  Boot(*neighbour_);
  v1::CreateFamilyRequest create;
  create.set_family_name("neighbours");
  create.set_member_name("owner");
  create.set_device_name("phone");
  const auto made =
      CreateFamily(neighbour_->connection, *neighbour_->replica, random_, create, Deadline());
  if (!made.ok()) return FailUnless(made.status(), "create neighbours");
  neighbours_ = *made;
  neighbour_->member =
      MemberId(neighbour_->replica->FamilyStateOf(neighbours_)->pairing.member_id());
  neighbours_model_ = Model(neighbours_);
  LearnNeighbours();
  neighbours_child_ = MakeRecordId(server_.clock().Now(), random_);
  v1::Child child;
  child.set_name("child");
  child.set_home_zone("Europe/London");
  FailUnless(neighbour_->replica->Write(neighbours_, Tap().Set(neighbours_child_, child)),
             "neighbours' child");
  FailUnless(SyncNeighbours(), "neighbours");
}

void World::NeighboursLive(Phone& phone) {
  NeighboursTap();
  if (random_.Chance(50)) SyncNeighbours().IgnoreError();
  if (random_.Chance(40)) TakeOrLeaveConsultant();
  if (random_.Chance(20)) FlapConsent(phone);
  v1::ListMembersRequest request;
  request.set_family_id(neighbours_.str());
  if (phone.connection.ListMembers(request, Deadline()).ok() &&
      !neighbours_model_.EntitlementOf(phone.device, server_.clock().Now()).access) {
    Fail("C8: a family is told to its neighbours");
  }
}

void World::TakeOrLeaveConsultant() {
  if (!neighbours_model_.EntitlementOf(consultant_->device, server_.clock().Now()).member) {
    v1::CreateInviteRequest invite;
    invite.set_family_id(neighbours_.str());
    invite.set_role(v1::ROLE_CONSULTANT);
    const auto made = neighbour_->connection.CreateInvite(invite, Deadline());
    if (!made.ok()) return;
    v1::JoinRequest join;
    join.set_code(made->code());
    join.set_member_name("consultant");
    join.set_device_name("desk");
    const auto joined = consultant_->connection.Join(join, Deadline());
    Trace(absl::StrCat("the neighbours take the consultant ", joined.status().ToString(kPlain)));
    return;
  }
  const std::string& member = neighbours_model_.devices().at(consultant_->device.str()).member_id();
  if (random_.Chance(30)) {
    v1::RemoveMemberRequest remove;
    remove.set_family_id(neighbours_.str());
    remove.set_member_id(member);
    const auto removed = neighbour_->connection.RemoveMember(remove, Deadline());
    Trace(absl::StrCat("the neighbours part with her ", removed.status().ToString(kPlain)));
    return;
  }
  const auto set = neighbour_->connection.SetConsent(SomeConsent(neighbours_, member), Deadline());
  Trace(absl::StrCat("the neighbours' consent ", set.status().ToString(kPlain)));
}

void World::NeighboursTap() {
  v1::LogEntry entry;
  entry.set_child_id(neighbours_child_.str());
  *entry.mutable_detail() = SomeDetail();
  *entry.mutable_interval() = SomeInterval(*neighbour_);
  const RecordId id = MakeRecordId(server_.clock().Now(), random_);
  FailUnless(neighbour_->replica->Write(neighbours_, Tap().Set(id, entry)), "neighbours");
}

absl::Status World::SyncNeighbours() {
  neighbour_->connection.ResetCalls();
  const absl::Status synced = neighbour_->syncer->SyncOnce(neighbours_, Deadline());
  neighbours_given_.clear();
  Trace(absl::StrCat("neighbours sync ", synced.ToString(kPlain)));
  return synced;
}

void World::LearnNeighbours() {
  if (neighbours_.empty()) return;
  const std::unique_ptr<ReadView> view = server_.disk().engine->Snapshot();
  const auto head = view->Get(kHeadColumn, FamilyHeadKey(neighbours_));
  if (!head.ok() || !head->has_value() || *head == neighbours_head_) return;
  neighbours_head_ = *head;
  FailIf(neighbours_model_.Learn(*view, neighbours_given_, server_.clock().Now()));
}

void World::EraseNeighbours() {
  const absl::Status synced = SyncNeighbours();
  FailUnless(synced, "liveness: neighbours");
  if (!failure_.empty()) return;
  if (neighbour_->replica->FamilyStateOf(neighbours_)->cursor.revision() !=
      neighbours_model_.revision()) {
    return Fail("liveness: a neighbour is not at the head");
  }
  for (const auto& [connection, id] : {std::make_pair(&neighbour_->connection, neighbours_),
                                       std::make_pair(&phones_[0]->connection, family_)}) {
    v1::CreateInviteRequest invite;
    invite.set_family_id(id.str());
    invite.set_role(v1::ROLE_CAREGIVER);
    FailUnless(connection->CreateInvite(invite, Deadline()).status(), "invite");
  }
  // A message about their last tap is under way when they go.
  OpenWatch(*consultant_, server_.process());
  for (auto& live : watches_) Exhaust(live);
  NeighboursTap();
  FailUnless(SyncNeighbours(), "neighbours' last tap");
  for (auto& live : watches_) {
    if (!live.in_flight.has_value()) Move(live);
  }
  const size_t rows = RowsThatName(family_);
  v1::EraseFamilyRequest erase;
  erase.set_family_id(neighbours_.str());
  erase.set_family_name("neighbours");
  FailUnless(neighbour_->connection.EraseFamily(erase, Deadline()).status(), "erase");
  erased_ = true;
  if (RowsThatName(neighbours_) != 0) Fail("an erased family is still in the store");
  // A row of the store that tells the newest families is another one now.
  if (RowsThatName(family_) + 1 < rows) Fail("C5: erasing a family took rows of another");
  for (auto& live : watches_) {
    Exhaust(live);
    if (Runs(live) && live.joined.count(neighbours_) > 0) {
      Fail("C8: a watcher was not told that a family was erased");
    }
  }
}

size_t World::RowsThatName(const FamilyId& family) {
  const std::unique_ptr<ReadView> view = server_.disk().engine->Snapshot();
  size_t rows = 0;
  for (Column column = 0; column < static_cast<Column>(kColumnFamilyNames.size()); ++column) {
    auto it = view->Scan(column, "", "");
    for (; it->Valid(); it->Next()) {
      rows += absl::StrContains(it->key(), family.bytes()) ||
              absl::StrContains(it->value(), family.bytes());
    }
  }
  return rows;
}

}  // namespace nightlog::simulation
