#include <algorithm>

#include "absl/strings/str_cat.h"
#include "clients/cpp/token.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "tests/simulation/sim_connection.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {

bool World::HasRole(const Phone& phone, v1::Role role) const {
  return model_.EntitlementOf(phone.device, absl::InfinitePast()).role == role;
}

void World::ChangeRole(Phone& phone) {
  if (server_.process() == nullptr || phone.member == phones_[0]->member || &phone == consultant_ ||
      phone.role == v1::ROLE_CONSULTANT ||
      !model_.EntitlementOf(phone.device, server_.clock().Now()).access) {
    return;
  }
  Phone& asks = *phones_[random_.Chance(50) ? 0 : random_.Below(phones_.size())];
  v1::CreateInviteRequest invite;
  invite.set_family_id(family_.str());
  invite.set_role(random_.Chance(40)   ? v1::ROLE_CAREGIVER
                  : random_.Chance(50) ? v1::ROLE_OWNER
                                       : v1::ROLE_VIEWER);
  const auto made = asks.connection.CreateInvite(invite, Deadline());
  if (!made.ok()) return;
  if (!HasRole(asks, v1::ROLE_OWNER)) return Fail("C8: a role was given by one who may not");
  const bool left_a_code = HasRole(phone, v1::ROLE_OWNER) && LeaveCode(phone);
  v1::JoinRequest join;
  join.set_code(made->code());
  join.set_device_name(phone.name);
  const auto joined = phone.connection.Join(join, Deadline());
  Trace(absl::StrCat(phone.name, " becomes ", v1::Role_Name(invite.role()), " ",
                     joined.status().ToString(kPlain)));
  if (joined.ok() && (!HasRole(phone, invite.role()) || joined->pairing().role() != invite.role() ||
                      joined->pairing().member_id() != phone.member.bytes())) {
    Fail("C8: a role was given but is not there");
  }
  if (joined.ok() && left_a_code) UseInvite(invites_.size() - 1);
}

bool World::LeaveCode(Phone& owner) {
  v1::CreateInviteRequest request;
  request.set_family_id(family_.str());
  request.set_member_id(phones_[0]->member.str());
  const auto made = owner.connection.CreateInvite(request, Deadline());
  if (!made.ok()) return false;
  invites_.push_back(
      {made->code(), server_.clock().Now() + absl::Minutes(20), owner.device, phones_[0]->member});
  return true;
}

bool World::IsKnown(const std::string& token) {
  const auto listed = server_.Call<v1::ListFamiliesResponse>(
      [&](SimServer::Process& process, Done<v1::ListFamiliesResponse> done) {
        done(process.family.ListFamilies(token, {}));
      });
  return listed.ok();
}

template <typename Message>
void World::CheckEndsWithItsToken(const Phone& phone, LiveStream<Message>& live) {
  if (live.phone != &phone) return;
  for (int i = 0; i < 3000 && Runs(live) && (live.in_flight.has_value() || *live.woken); ++i) {
    Move(live);
  }
  if (Runs(live)) Fail("C8: a stream outlived its token");
}

void World::ExchangeToken(Phone& phone) {
  const bool has_twin = std::any_of(phones_.begin(), phones_.end(), [&phone](const auto& other) {
    return other.get() != &phone && other->device == phone.device;
  });
  if (server_.process() == nullptr || has_twin ||
      !model_.EntitlementOf(phone.device, server_.clock().Now()).access) {
    return;
  }
  if (random_.Chance(20)) CrashServer(phone);
  if (random_.Chance(20)) {
    phone.disk.crash_at = random_.Chance(50) ? CrashPoint::kBeforeWrite : CrashPoint::kAfterWrite;
  }
  std::string old;
  absl::Status exchanged;
  for (int tries = 0; tries < 3; ++tries) {
    old = phone.connection.token();
    exchanged = RotateToken(phone.connection, *phone.replica, phone.random, family_, Deadline());
    Trace(absl::StrCat(phone.name, " exchanges its token ", exchanged.ToString(kPlain)));
    RebootIfCrashed(phone);
    StartServerIfDown(phone);
    if (exchanged.ok()) break;
  }
  if (!exchanged.ok()) return FailUnless(exchanged, "liveness: a token is not exchanged");
  server_.disk().crash_at = CrashPoint::kNone;
  if (!IsKnown(old)) Fail("a token ended before the next one was used");
  FailUnless(phone.connection.ListFamilies({}, Deadline()).status(), "with a new token");
  if (IsKnown(old)) Fail("C8: a token holds that was exchanged");
  for (auto& live : follows_) CheckEndsWithItsToken(phone, live);
  for (auto& live : watches_) CheckEndsWithItsToken(phone, live);
  phone.old_disk.reset();
  // A phone knows one token before its own: a backup must know that one.
  if (random_.Chance(50) || !Authenticate(*backup_->Snapshot(), old).ok()) TakeBackup();
}

void World::AnnounceTokens() {
  for (auto& phone : phones_) {
    if (IsKnown(phone->connection.token())) continue;
    absl::Status announced = absl::UnauthenticatedError("");
    for (const FamilyId& family : {family_, neighbours_}) {
      if (announced.ok()) break;
      const absl::Time now = server_.clock().Now();
      const bool has_access = ModelOf(family).EntitlementOf(phone->device, now).access;
      announced = AnnounceTokenAgain(phone->connection, *phone->replica, family, Deadline());
      Trace(absl::StrCat(phone->name, " announces its token again ", announced.ToString(kPlain)));
      if (announced.ok() != has_access) Fail("C8: a token is known again for whom it may not");
    }
    if (!announced.ok()) continue;
    FailUnless(phone->connection.ListFamilies({}, Deadline()).status(), "with a token known again");
    if (IsKnown(phone->replica->previous_token())) Fail("C8: a token holds that was exchanged");
  }
}

void World::FlapConsent(Phone&) {
  const v1::SetConsentRequest request = SomeConsent(family_, consultant_->member.str());
  // What is under way to her does not arrive.
  for (auto& live : follows_) SetOutToConsultant(live);
  for (auto& live : watches_) SetOutToConsultant(live);
  const auto set = phones_[0]->connection.SetConsent(request, Deadline());
  Trace(absl::StrCat("consent ", set.status().ToString(kPlain)));
  if (!set.ok()) return;
  const storage::v1::StoredMember* member = model_.MemberOf(consultant_->member);
  if (member->consent_scope() != static_cast<uint32_t>(request.scope()) ||
      FromProto(member->until()) != FromProto(request.until())) {
    Fail("C8: consent was answered but is not there");
  }
}

template <typename Message>
void World::SetOutToConsultant(LiveStream<Message>& live) {
  if (live.phone == consultant_ && !live.in_flight.has_value() && random_.Chance(50)) Move(live);
}

v1::SetConsentRequest World::SomeConsent(const FamilyId& family, const std::string& member) {
  v1::SetConsentRequest request;
  request.set_family_id(family.str());
  request.set_member_id(member);
  const uint64_t dice = random_.Below(100);
  // Ends, runs out soon, or holds.
  const absl::Duration lasts = dice < 35   ? absl::ZeroDuration()
                               : dice < 55 ? absl::Minutes(15)
                                           : absl::Hours(24 * 365);
  request.set_scope(random_.Chance(50) ? v1::CONSENT_SCOPE_NIGHTS : v1::CONSENT_SCOPE_ENTRIES);
  *request.mutable_until() = ToProto(server_.clock().Now() + lasts);
  return request;
}

void World::Meanwhile(Phone& phone) {
  if (heals_ || meanwhiles_ == kMeanwhilesMax || !random_.Chance(meanwhile_percent_)) return;
  ++meanwhiles_;
  if (&phone == consultant_) return FlapConsent(phone);
  v1::CreateInviteRequest invite;
  invite.set_family_id(family_.str());
  invite.set_member_id(phone.member.str());
  const auto made = phone.connection.CreateInvite(invite, Deadline());
  if (!made.ok()) return;
  v1::JoinRequest join;
  join.set_code(made->code());
  join.set_device_name("another");
  const auto joined =
      server_.Call<v1::JoinResponse>([&](SimServer::Process& process, Done<v1::JoinResponse> done) {
        process.family.Join("", join, std::move(done));
      });
  Trace(absl::StrCat("meanwhile another device joins ", joined.status().ToString(kPlain)));
  if (server_.process() != nullptr) FailUnless(joined.status(), "join meanwhile");
}

void World::RevokeSomebody(Phone& phone) {
  if (phone.device == phones_[0]->device || phones_.size() < 4) return;
  v1::RevokeDeviceRequest request;
  request.set_family_id(family_.str());
  request.set_device_id(phone.device.str());
  Phone& asks = *phones_[random_.Chance(75) ? 0 : random_.Below(phones_.size())];
  const bool may = HasRole(asks, v1::ROLE_OWNER) || asks.member == phone.member;
  const auto revoked = asks.connection.RevokeDevice(request, Deadline());
  Trace(absl::StrCat(phone.name, " is revoked by ", asks.name, " ",
                     revoked.status().ToString(kPlain)));
  if (revoked.ok() && !may) Fail("C8: a device was revoked by one who may not");
  if (revoked.ok() && model_.EntitlementOf(phone.device, server_.clock().Now()).member) {
    Fail("C8: a revocation was answered but is not there");
  }
}

void World::RemoveSomebody(Phone& phone) {
  v1::RemoveMemberRequest request;
  request.set_family_id(family_.str());
  request.set_member_id(phone.member.str());
  if (phone.member == phones_[0]->member) {
    // Others may be owners, too; but the first one stays, to begin anew with.
    if (std::any_of(phones_.begin(), phones_.end(), [this](const auto& other) {
          return other->member != phones_[0]->member && HasRole(*other, v1::ROLE_OWNER);
        })) {
      return;
    }
    const auto left = phones_[0]->connection.RemoveMember(request, Deadline());
    if (left.ok()) Fail("the last owner left");
    return;
  }
  if (phones_.size() < 4) return;
  const bool leaves = random_.Chance(30);
  SimConnection& asks = leaves ? phone.connection : phones_[0]->connection;
  const auto removed = asks.RemoveMember(request, Deadline());
  Trace(absl::StrCat(phone.name, " is removed ", removed.status().ToString(kPlain)));
  if (removed.ok() && model_.EntitlementOf(phone.device, server_.clock().Now()).member) {
    Fail("C8: a removal was answered but is not there");
  }
}

void World::OwnersDisagree(Phone&) {
  std::vector<Phone*> owners;
  for (auto& phone : phones_) {
    const Entitlement entitled = model_.EntitlementOf(phone->device, server_.clock().Now());
    if (phone->member != phones_[0]->member && entitled.access && entitled.role == v1::ROLE_OWNER) {
      owners.push_back(phone.get());
    }
  }
  if (server_.process() == nullptr || owners.empty()) return;
  Phone& first = *phones_[0];
  Phone& other = *owners[random_.Below(owners.size())];
  // Where nobody else could be an owner.
  const bool leave =
      std::all_of(model_.devices().begin(), model_.devices().end(), [&](const auto& device) {
        const Entitlement entitled =
            model_.EntitlementOf(DeviceId(device.first), server_.clock().Now());
        return !entitled.access || entitled.role != v1::ROLE_OWNER ||
               device.second.member_id() == first.member.bytes() ||
               device.second.member_id() == other.member.bytes();
      });
  // In one batch: each removes the other, or both go.
  const auto enter = [this](const Phone& asks, const Phone& goes) {
    v1::RemoveMemberRequest request;
    request.set_family_id(family_.str());
    request.set_member_id(goes.member.str());
    return server_.Enter<v1::RemoveMemberResponse>(
        [token = asks.connection.token(), request](SimServer::Process& process,
                                                   Done<v1::RemoveMemberResponse> done) {
          process.family.RemoveMember(token, request, std::move(done));
        });
  };
  const auto won = leave ? enter(other, other) : enter(first, other);
  const auto lost = leave ? enter(first, first) : enter(other, first);
  server_.Commit();
  if (server_.process() == nullptr) return;
  Trace(absl::StrCat(first.name, " and ", other.name, leave ? " leave " : " remove each other ",
                     (*won)->status().ToString(kPlain), " ", (*lost)->status().ToString(kPlain)));
  FailUnless((*won)->status(), "an owner is removed");
  if ((*lost)->ok()) {
    return Fail(leave ? "the last owner left" : "C8: an owner who was removed removed another");
  }
  if (model_.EntitlementOf(other.device, server_.clock().Now()).member) {
    Fail("C8: a removal was answered but is not there");
  }
}

void World::UseOpenInvite(Phone& phone) {
  uint64_t chosen = random_.Below(invites_.size() + 1);
  if (chosen == invites_.size() || random_.Chance(40)) {
    Phone& asks = random_.Chance(80) ? phone : *phones_[random_.Below(phones_.size())];
    v1::CreateInviteRequest request;
    request.set_family_id(family_.str());
    request.set_member_id(phone.member.str());
    request.mutable_valid_for()->set_seconds(absl::ToInt64Seconds(absl::Minutes(20)));
    const auto made = asks.connection.CreateInvite(request, Deadline());
    Trace(absl::StrCat(asks.name, " invites ", made.status().ToString(kPlain)));
    if (!made.ok()) return;
    if (!HasRole(asks, v1::ROLE_OWNER) && asks.member != phone.member) {
      return Fail("C8: a device was invited by one who may not");
    }
    chosen = invites_.size();
    invites_.push_back(
        {made->code(), server_.clock().Now() + absl::Minutes(20), asks.device, phone.member});
    if (!random_.Chance(25)) return;
    RevokeSomebody(asks);
    if (random_.Chance(50)) return;
  }
  UseInvite(chosen);
}

void World::UseInvite(size_t chosen) {
  const OpenInvite invite = invites_[chosen];
  const absl::Time now = server_.clock().Now();
  const storage::v1::StoredMember* invited = model_.MemberOf(invite.invited);
  const bool is_there =
      !invited->removed() && (!invited->has_until() || FromProto(invited->until()) > now);
  // The giver may still give it.
  const Entitlement giver = model_.EntitlementOf(invite.inviter, now);
  const bool holds =
      now < invite.expires_at && is_there && giver.access &&
      (giver.role == v1::ROLE_OWNER ||
       model_.devices().at(invite.inviter.str()).member_id() == invite.invited.bytes());
  v1::JoinRequest join;
  join.set_code(invite.code);
  join.set_device_name("stranger");
  const auto joined =
      server_.Call<v1::JoinResponse>([&](SimServer::Process& process, Done<v1::JoinResponse> done) {
        process.family.Join("", join, std::move(done));
      });
  Trace(absl::StrCat("an invite is used ", joined.status().ToString(kPlain)));
  invites_.erase(invites_.begin() + static_cast<std::ptrdiff_t>(chosen));
  if (absl::IsUnavailable(joined.status())) return;
  if (joined.ok() != holds)
    Fail("C8: an invite was taken that does not hold, or not one that does");
}

void World::DecideQuarantine(Phone& phone) {
  if (server_.process() == nullptr) return;
  const bool is_owner = HasRole(phone, v1::ROLE_OWNER) &&
                        model_.EntitlementOf(phone.device, server_.clock().Now()).access;
  if (!is_owner) TryToDecide(phone);
  Phone& owner = is_owner ? phone : *phones_[0];
  v1::ListQuarantineRequest list;
  list.set_family_id(family_.str());
  list.set_page_size(2);
  std::vector<v1::QuarantinedItem> items;
  while (true) {
    const auto page = owner.connection.ListQuarantine(list, Deadline());
    if (!page.ok()) return FailUnless(page.status(), "quarantine");
    items.insert(items.end(), page->items().begin(), page->items().end());
    if (page->next_page_token().empty()) break;
    list.set_page_token(page->next_page_token());
  }
  std::vector<const Quarantined*> waiting;
  for (const auto& [key, quarantined] : model_.quarantine()) {
    if (quarantined.decided_revision == 0) waiting.push_back(&quarantined);
  }
  if (items.size() != waiting.size()) return Fail("C1: the quarantine is not told as it is");
  if (items.empty()) return;
  const uint64_t chosen = random_.Below(items.size());
  if (SerializeDeterministic(items[chosen].transaction()) !=
          SerializeDeterministic(waiting[chosen]->transaction) ||
      items[chosen].member_id() != waiting[chosen]->member.bytes() ||
      FromProto(items[chosen].made_at()) != waiting[chosen]->estimate ||
      FromProto(items[chosen].received_at()) != waiting[chosen]->received) {
    return Fail("C1: a quarantined tap is told otherwise than it was sent");
  }
  v1::DecideQuarantineRequest decide;
  decide.set_family_id(family_.str());
  decide.set_replica_id(items[chosen].replica_id());
  decide.set_seq(items[chosen].transaction().seq());
  decide.set_decision(random_.Chance(70) ? v1::QUARANTINE_DECISION_ACCEPT
                                         : v1::QUARANTINE_DECISION_REFUSE);
  const std::string problem = model_.ProblemOf(*waiting[chosen]);
  const auto decided = owner.connection.DecideQuarantine(decide, Deadline());
  Trace(absl::StrCat("the owner decides ", decided.status().ToString(kPlain)));
  if (absl::IsInvalidArgument(decided.status()) && problem.empty()) {
    return Fail("C1: an owner cannot accept what is valid");
  }
  if (!decided.ok()) return;
  const Quarantined& now = model_.quarantine().at({decide.replica_id(), decide.seq()});
  if (now.decided_revision != decided->revision()) Fail("C1: a decision was told otherwise");
  const bool other = random_.Chance(50);
  if (other) {
    decide.set_decision(now.accepted ? v1::QUARANTINE_DECISION_REFUSE
                                     : v1::QUARANTINE_DECISION_ACCEPT);
  }
  const auto again = owner.connection.DecideQuarantine(decide, Deadline());
  if (server_.process() == nullptr) return;
  if (again.ok() == other || (again.ok() && again->revision() != decided->revision())) {
    Fail("C1: a decision was made twice");
  }
}

void World::TryToDecide(Phone& phone) {
  v1::ListQuarantineRequest list;
  list.set_family_id(family_.str());
  if (phone.connection.ListQuarantine(list, Deadline()).ok()) {
    return Fail("C8: the quarantine is told to one who is no owner");
  }
  for (const auto& [key, quarantined] : model_.quarantine()) {
    if (quarantined.decided_revision != 0) continue;
    v1::DecideQuarantineRequest decide;
    decide.set_family_id(family_.str());
    decide.set_replica_id(key.first);
    decide.set_seq(key.second);
    decide.set_decision(v1::QUARANTINE_DECISION_ACCEPT);
    if (phone.connection.DecideQuarantine(decide, Deadline()).ok()) {
      Fail("C8: one who is no owner decides about the quarantine");
    }
    return;
  }
}

}  // namespace nightlog::simulation
