#include "tests/simulation/simulation.h"

#include <algorithm>
#include <cstdio>
#include <map>
#include <memory>
#include <set>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/pairing.h"
#include "clients/cpp/replica.h"
#include "clients/cpp/sync.h"
#include "services/access.h"
#include "storage/core/hash.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "tests/simulation/model.h"
#include "tests/simulation/sim_connection.h"
#include "tests/simulation/sim_server.h"

namespace nightlog::simulation {
namespace {

// A consultant's view of one family, kept from a Watch stream.
struct Seen {
  std::map<std::string, v1::Record> records;
  v1::Cursor cursor;
};

// One device with its disk, clocks and connection.
struct Phone {
  Phone(int number, uint64_t seed, SimServer& server, SimConnection::Observer observer)
      : name(absl::StrCat("phone", number)),
        random(seed),
        disk(Replica::kColumns),
        clock(std::make_unique<ManualDeviceClock>(server.clock().Now(), "boot0")),
        connection(server, random, std::move(observer)) {}

  const std::string name;
  SimRandom random;
  SimDisk disk;
  std::unique_ptr<ManualDeviceClock> clock;
  SimConnection connection;
  std::unique_ptr<Replica> replica;
  std::unique_ptr<Syncer> syncer;
  DeviceId device;
  MemberId member;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  int boots = 0;
  bool revoked = false;
  // Its disk was set back, so what it had acknowledged may be gone with a server's backup.
  bool set_back = false;
  std::shared_ptr<MemoryEngine> old_disk;
};

// A Follow stream that is read when the simulation says so, or never; and a message that was read
// from the use case but has not gone out yet.
struct LiveStream {
  std::shared_ptr<SimServer::Process> process;
  Phone* phone;
  std::unique_ptr<MessageStream<v1::FollowResponse>> stream;
  absl::optional<v1::FollowResponse> in_flight;
};

class World {
 public:
  explicit World(const SimOptions& options)
      : options_(options), random_(options.seed * 2 + 1), server_(options.seed * 2) {}

  SimResult Run() {
    SetUp();
    std::vector<int> steps = options_.steps;
    if (steps.empty()) {
      for (int i = 0; i < kSteps; ++i) steps.push_back(i);
    }
    for (int step : steps) {
      if (!failure_.empty()) break;
      random_ = SimRandom(options_.seed * 1'000'003 + static_cast<uint64_t>(step) * 7919 + 17);
      Trace(absl::StrCat("step ", step));
      Step();
      if (failure_.empty() && step % 20 == 19) CheckServer();
    }
    if (failure_.empty()) Heal();
    if (failure_.empty()) CheckServer();
    if (failure_.empty()) CheckAcknowledged();
    SimResult result;
    result.failure = failure_;
    result.trace_hash = trace_hash_;
    result.steps = std::move(steps);
    live_.clear();
    return result;
  }

 private:
  void Trace(const std::string& event) {
    trace_hash_ = Sha256(trace_hash_ + event);
    if (options_.verbose) std::fprintf(stderr, "%s\n", event.c_str());
  }

  void Fail(const std::string& failure) {
    if (failure_.empty()) failure_ = failure;
    Trace("FAIL " + failure);
  }

  void FailUnless(const absl::Status& status, const std::string& what) {
    if (!status.ok()) Fail(absl::StrCat(what, ": ", status.ToString()));
  }

  // Calls are tried once.
  absl::Time Deadline() const { return absl::InfinitePast(); }

  // --- Setting up ---

  void SetUp() {
    FailUnless(server_.Start(), "start");
    const int caregivers = 2 + static_cast<int>(random_.Below(2));
    AddPhone();
    v1::CreateFamilyRequest create;
    create.set_family_name("family");
    create.set_member_name("owner");
    create.set_device_name("phone");
    Phone& owner = *phones_[0];
    const auto family = CreateFamily(owner.connection, *owner.replica, random_, create, Deadline());
    if (!family.ok()) return FailUnless(family.status(), "create");
    family_ = *family;
    NotePairing(owner);
    for (int i = 1; i < caregivers; ++i) AddMember(v1::ROLE_CAREGIVER);
    AddMember(v1::ROLE_CONSULTANT);
    // The child all entries are about.
    child_ = MakeRecordId(server_.clock().Now(), random_);
    v1::Child child;
    child.set_name("child");
    child.set_home_zone("Europe/London");
    FailUnless(Save(owner, Tap().Set(child_, child)), "child");
    for (auto& phone : phones_) SyncQuietly(*phone);
    backup_ = server_.Copy();
  }

  Phone& AddPhone() {
    SimConnection::Observer observer;
    observer.on_push = [this](const std::string& token, const v1::PushRequest& request) {
      // Old packets may come again later.
      if (random_.Chance(10)) delayed_.emplace_back(token, request);
    };
    Phone* added = nullptr;
    observer.on_verdicts = [this, number = phones_.size()](const v1::PushRequest& request,
                                                           const v1::PushResponse& response) {
      NoteVerdicts(*phones_[number], request, response);
    };
    phones_.push_back(std::make_unique<Phone>(static_cast<int>(phones_.size()), random_.Next(),
                                              server_, std::move(observer)));
    added = phones_.back().get();
    Boot(*added);
    return *added;
  }

  void AddMember(v1::Role role) {
    v1::CreateInviteRequest invite;
    invite.set_family_id(family_.str());
    invite.set_role(role);
    invite.set_consent_scope(v1::CONSENT_SCOPE_NIGHTS);
    if (role == v1::ROLE_CONSULTANT) {
      *invite.mutable_consent_until() = ToProto(server_.clock().Now() + absl::Hours(24 * 365));
    }
    const auto code = phones_[0]->connection.CreateInvite(invite, Deadline());
    if (!code.ok()) return FailUnless(code.status(), "invite");
    Phone& phone = AddPhone();
    v1::JoinRequest join;
    join.set_code(code->code());
    join.set_member_name(phone.name);
    join.set_device_name(phone.name);
    FailUnless(JoinFamily(phone.connection, *phone.replica, random_, join, Deadline()).status(),
               "join");
    NotePairing(phone);
  }

  void NotePairing(Phone& phone) {
    const auto state = phone.replica->FamilyStateOf(family_);
    if (!state.ok()) return FailUnless(state.status(), "pairing");
    phone.device = DeviceId(state->pairing.device_id());
    phone.member = MemberId(state->pairing.member_id());
    phone.role = state->pairing.role();
  }

  // Starts the app on the phone's disk as it is.
  void Boot(Phone& phone) {
    phone.syncer.reset();
    phone.replica.reset();
    phone.disk.crashed = false;
    phone.disk.crash_at = CrashPoint::kNone;
    auto replica = Replica::Open(std::make_unique<SimEngine>(phone.disk), *phone.clock);
    if (!replica.ok()) return FailUnless(replica.status(), "open replica");
    phone.replica = *std::move(replica);
    phone.connection.SetToken(phone.replica->settings().device_token);
    phone.syncer =
        std::make_unique<Syncer>(*phone.replica, phone.connection, *phone.clock, phone.random);
  }

  // After anything that writes: if the phone crashed in it, it starts again.
  void RebootIfCrashed(Phone& phone) {
    if (!phone.disk.crashed) return;
    Trace(phone.name + " crashed");
    ++phone.boots;
    Boot(phone);
  }

  // --- Steps ---

  void Step() {
    PassTime(random_.Within(absl::Minutes(20)));
    Phone& phone = *phones_[random_.Below(phones_.size())];
    const uint64_t dice = random_.Below(100);
    if (dice < 45) {
      TapSomething(phone);
    } else if (dice < 70) {
      SyncWithFaults(phone);
    } else if (dice < 74) {
      CrashPhone(phone);
    } else if (dice < 77) {
      server_.disk().crash_at =
          random_.Chance(50) ? CrashPoint::kBeforeWrite : CrashPoint::kAfterWrite;
      Trace("server will crash");
    } else if (dice < 80) {
      StartServerIfDown();
    } else if (dice < 84) {
      DisturbClock(phone);
    } else if (dice < 87) {
      DeliverOldPacket();
    } else if (dice < 90) {
      OpenStream(phone);
    } else if (dice < 93) {
      ReadStreams();
    } else if (dice < 94) {
      FlapConsent();
    } else if (dice < 95) {
      RevokeSomebody();
    } else if (dice < 96) {
      Trace("backup");
      backup_ = server_.Copy();
    } else if (dice < 97) {
      RestoreServer();
    } else if (dice < 98) {
      phone.old_disk = std::make_shared<MemoryEngine>(*phone.disk.engine);
      Trace(phone.name + " is copied");
    } else if (phone.old_disk != nullptr) {
      SetBack(phone);
    }
  }

  void PassTime(absl::Duration duration) {
    server_.clock().Advance(duration);
    for (auto& phone : phones_) phone->clock->Advance(duration);
  }

  absl::Status Save(Phone& phone, const Tap& tap) {
    const absl::Status saved = phone.replica->Write(family_, tap);
    Trace(absl::StrCat(phone.name, " taps ", saved.ToString()));
    const bool crashed = phone.disk.crashed;
    if (saved.ok() || crashed) NoteTap(tap);
    RebootIfCrashed(phone);
    return crashed ? absl::OkStatus() : saved;
  }

  // A tap with this content was made, perhaps.
  void NoteTap(const Tap& tap) {
    v1::Transaction transaction;
    for (const Tap::Change& change : tap.changes()) *transaction.add_edits() = change.edit;
    ++tapped_[ContentOf(transaction)];
  }

  v1::Interval SomeInterval(Phone& phone) {
    v1::Interval interval;
    const absl::Time wall = FromProto(phone.clock->Read().wall());
    const absl::Time began =
        wall - absl::Minutes(random_.Below(12)) - absl::Milliseconds(random_.Below(60'000));
    *interval.mutable_began_at() = ToProto(began);
    interval.set_began_tapped(random_.Chance(50));
    interval.set_zone(random_.Chance(90) ? "Europe/London" : "America/New_York");
    if (random_.Chance(60)) {
      *interval.mutable_ended_at() = ToProto(began + absl::Minutes(1 + random_.Below(90)));
    }
    return interval;
  }

  v1::EntryDetail SomeDetail() {
    v1::EntryDetail detail;
    switch (random_.Below(6)) {
      case 0:
        detail.mutable_put_down();
        break;
      case 1:
        detail.mutable_sleep();
        break;
      case 2:
        detail.mutable_awake();
        break;
      case 3:
        detail.mutable_crying()->set_intensity(static_cast<uint32_t>(random_.Below(4)));
        break;
      case 4:
        detail.mutable_response()->set_level(static_cast<uint32_t>(random_.Below(7)));
        break;
      default:
        detail.mutable_rise();
    }
    // What a newer app would say; an older server and older phones keep it.
    if (random_.Chance(15)) {
      detail.GetReflection()->MutableUnknownFields(&detail)->AddVarint(700, random_.Below(1000));
    }
    return detail;
  }

  // A record that the phone shows, of a kind.
  absl::optional<ShownRecord> SomeRecord(Phone& phone, uint32_t kind) {
    const auto records = phone.replica->List(family_, kind);
    if (!records.ok() || records->empty()) return absl::nullopt;
    // The newest few, so that people meet.
    const size_t few = std::min<size_t>(records->size(), 4);
    return (*records)[records->size() - 1 - random_.Below(few)];
  }

  void TapSomething(Phone& phone) {
    const absl::Time now = FromProto(phone.clock->Read().wall());
    if (phone.role == v1::ROLE_CONSULTANT) return TapAsConsultant(phone, now);
    const absl::optional<ShownRecord> shown = SomeRecord(phone, kLogEntry);
    if (!shown.has_value() || random_.Chance(25)) {
      v1::LogEntry entry;
      entry.set_child_id(child_.str());
      *entry.mutable_detail() = SomeDetail();
      *entry.mutable_interval() = SomeInterval(phone);
      return FailUnless(Save(phone, Tap().Set(MakeRecordId(now, random_), entry)), "new entry");
    }
    const RecordId id(shown->record.record_id());
    const v1::LogEntry& current = shown->record.log_entry();
    v1::LogEntry change;
    Tap tap;
    switch (random_.Below(9)) {
      case 0:
      case 1:
        *change.mutable_interval() = SomeInterval(phone);
        tap.Set(id, change);
        break;
      case 2: {  // end it now
        // After a restore, only this phone's own edit of an entry may be left of it.
        if (!current.has_interval()) return;
        *change.mutable_interval() = current.interval();
        const absl::Time began = FromProto(current.interval().began_at());
        *change.mutable_interval()->mutable_ended_at() = ToProto(std::max(began, now));
        change.mutable_interval()->set_ended_tapped(true);
        change.mutable_interval()->clear_ended_raw();
        tap.Set(id, change);
        break;
      }
      case 3:
        *change.mutable_detail() = SomeDetail();
        tap.Set(id, change);
        break;
      case 4:
        change.set_text(absl::StrCat("text ", random_.Below(1'000'000)));
        tap.Set(id, change);
        break;
      case 5:
        if (current.tags_size() > 0 && random_.Chance(50)) {
          tap.RemoveTags(id, {current.tags(0)});
        } else {
          change.add_tags(absl::StrCat("tag", random_.Below(5)));
          tap.Set(id, change);
        }
        break;
      case 6:
        if (shown->record.deleted()) {
          tap.Restore(id);
        } else {
          tap.Delete(id);
        }
        break;
      case 7:  // resolve what stands open
        *change.mutable_interval() = SomeInterval(phone);
        tap.Resolve(id, change);
        break;
      default:
        change.set_caregiver_id(phones_[random_.Below(phones_.size())]->member.str());
        change.set_text(absl::StrCat("both ", random_.Below(1'000'000)));
        tap.Set(id, change);
    }
    const int boots = phone.boots;
    FailUnless(Save(phone, tap), "edit");
    if (failure_.empty() && phone.boots == boots) CheckReadsOwnWrite(phone, id, change);
  }

  void TapAsConsultant(Phone& phone, absl::Time now) {
    v1::Plan plan;
    plan.set_child_id(child_.str());
    plan.mutable_approach()->set_method(
        static_cast<v1::PlanMethod>(1 + random_.Below(v1::PlanMethod_MAX)));
    plan.mutable_nights()->set_first_night(random_.Chance(50) ? "2026-01-01" : "2026-01-02");
    const absl::optional<ShownRecord> shown = SomeRecord(phone, kPlan);
    RecordId id = MakeRecordId(now, random_);
    if (random_.Chance(10)) {
      // A poison edit: a plan where there is an entry. The phone cannot know, the server rejects
      // it.
      const auto record = SomeRecord(*phones_[0], kLogEntry);
      if (record.has_value()) id = RecordId(record->record.record_id());
    } else if (shown.has_value() && random_.Chance(50)) {
      id = RecordId(shown->record.record_id());
      plan.clear_child_id();
    }
    const absl::Status saved = Save(phone, Tap().Set(id, plan));
    if (!absl::IsInvalidArgument(saved)) FailUnless(saved, "plan");
  }

  // C4: what was saved is shown.
  void CheckReadsOwnWrite(Phone& phone, const RecordId& id, const v1::LogEntry& change) {
    const auto shown = phone.replica->Get(family_, id);
    if (!shown.ok() || !shown->has_value()) return Fail("C4: a saved record is not shown");
    const v1::LogEntry& entry = (*shown)->record.log_entry();
    if (change.has_interval() &&
        entry.interval().SerializeAsString() != change.interval().SerializeAsString()) {
      // Within 3 minutes the shown value may be another that says the same.
      const absl::Duration apart = absl::AbsDuration(FromProto(entry.interval().began_at()) -
                                                     FromProto(change.interval().began_at()));
      if (apart > absl::Minutes(3)) Fail("C4: a saved interval is not shown");
    }
    if (change.has_detail() &&
        entry.detail().SerializeAsString() != change.detail().SerializeAsString()) {
      Fail("C4: a saved detail is not shown");
    }
  }

  void SyncWithFaults(Phone& phone) {
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

  absl::Status Sync(Phone& phone) {
    const absl::Status synced = phone.syncer->SyncOnce(family_, Deadline());
    Trace(absl::StrCat(phone.name, " syncs ", synced.ToString()));
    const bool crashed = phone.disk.crashed;
    RebootIfCrashed(phone);
    if (synced.ok() && !crashed) CheckPhone(phone);
    return synced;
  }

  void SyncQuietly(Phone& phone) {
    phone.connection.set_faults({});
    phone.disk.crash_at = CrashPoint::kNone;
    Sync(phone).IgnoreError();
  }

  void CrashPhone(Phone& phone) {
    if (random_.Chance(50)) {
      phone.disk.crash_at = random_.Chance(50) ? CrashPoint::kBeforeWrite : CrashPoint::kAfterWrite;
      Trace(phone.name + " will crash");
    } else {
      Trace(phone.name + " is killed");
      Boot(phone);
    }
  }

  void StartServerIfDown() {
    if (server_.process() != nullptr) return;
    Trace("server starts");
    FailUnless(server_.Start(), "restart");
  }

  void DisturbClock(Phone& phone) {
    const absl::Time now = server_.clock().Now();
    switch (random_.Below(4)) {
      case 0:
        phone.clock->SetWall(now + absl::Hours(24 * 365));
        break;
      case 1:
        phone.clock->SetWall(now - absl::Hours(24 * 365));
        break;
      case 2:
        phone.clock->SetWall(now + absl::Hours(1) - random_.Within(absl::Hours(2)));
        break;
      default: {
        // A restart of the phone: the monotonic clock begins anew.
        const absl::Time wall = FromProto(phone.clock->Read().wall());
        auto clock = std::make_unique<ManualDeviceClock>(wall, absl::StrCat("boot", ++phone.boots));
        phone.syncer.reset();
        phone.replica.reset();
        phone.clock = std::move(clock);
        Boot(phone);
      }
    }
    Trace(phone.name + " has another clock");
  }

  void DeliverOldPacket() {
    if (delayed_.empty()) return;
    const auto& [token, request] = delayed_[random_.Below(delayed_.size())];
    const auto response = server_.Call<v1::PushResponse>(
        [&, &token = token, &request = request](SimServer::Process& process,
                                                Done<v1::PushResponse> done) {
          process.sync.Push(token, request, std::move(done));
        });
    Trace(absl::StrCat("an old packet arrives ", response.status().ToString()));
  }

  // --- Live streams and revocation ---

  void OpenStream(Phone& phone) {
    const auto process = server_.process();
    if (process == nullptr) return;
    v1::FollowRequest request;
    request.set_family_id(family_.str());
    request.set_stream_id(random_.Bytes(16));
    auto stream = process->sync.Follow(phone.connection.token(), request, [] {});
    Trace(absl::StrCat(phone.name, " opens a stream ", stream.status().ToString()));
    if (stream.ok()) live_.push_back({process, &phone, *std::move(stream), absl::nullopt});
  }

  // Some streams make progress: one half of it, so that a message may be under way when access
  // ends.
  void ReadStreams() {
    for (LiveStream& live : live_) {
      if (live.process->dead || random_.Chance(40)) continue;
      if (live.in_flight.has_value()) {
        const bool sent = live.stream->WriteIfOpen([] {});
        if (sent) CheckSent(live);
        live.in_flight.reset();
        continue;
      }
      StreamStep<v1::FollowResponse> step = live.stream->Next();
      if (step.has_message) live.in_flight = std::move(step.message);
      Trace(absl::StrCat(live.phone->name, " stream ", static_cast<int>(step.kind)));
    }
  }

  // C8: nothing but "closed" goes to a device whose access has ended.
  void CheckSent(const LiveStream& live) {
    if (!live.phone->revoked) return;
    if (live.in_flight->records_size() > 0 || live.in_flight->has_bookmark()) {
      Fail("C8: something was sent after access had ended");
    }
  }

  Phone* Consultant() {
    for (auto& phone : phones_) {
      if (phone->role == v1::ROLE_CONSULTANT) return phone.get();
    }
    return nullptr;
  }

  void FlapConsent() {
    Phone& consultant = *Consultant();
    v1::SetConsentRequest request;
    request.set_family_id(family_.str());
    request.set_member_id(consultant.member.str());
    const bool end = random_.Chance(40);
    request.set_scope(random_.Chance(50) ? v1::CONSENT_SCOPE_NIGHTS : v1::CONSENT_SCOPE_ENTRIES);
    *request.mutable_until() =
        ToProto(server_.clock().Now() + (end ? absl::ZeroDuration() : absl::Hours(24 * 365)));
    const auto set = phones_[0]->connection.SetConsent(request, Deadline());
    Trace(absl::StrCat("consent ", end ? "ends " : "is given ", set.status().ToString()));
    if (set.ok()) {
      consultant.revoked = end;
    } else {
      LearnAccess();
    }
  }

  // Where no answer tells who has access, the store does: after a crash in the midst of a change of
  // it, and after a restore.
  void LearnAccess() {
    const SimEngine engine(server_.disk());
    const auto view = engine.Snapshot();
    const FamilyReader reader(*view, family_);
    for (auto& phone : phones_) {
      phone->revoked = !Authorize(reader, phone->device, server_.clock().Now()).ok();
    }
  }

  void RevokeSomebody() {
    if (phones_.size() < 4) return;
    Phone& phone = *phones_[1];
    if (phone.revoked) return;
    v1::RevokeDeviceRequest request;
    request.set_family_id(family_.str());
    request.set_device_id(phone.device.str());
    const auto revoked = phones_[0]->connection.RevokeDevice(request, Deadline());
    Trace(absl::StrCat(phone.name, " is revoked ", revoked.status().ToString()));
    if (revoked.ok()) {
      phone.revoked = true;
    } else {
      LearnAccess();
    }
  }

  // --- Backups and copies ---

  void RestoreServer() {
    Trace("server is restored from its backup");
    live_.clear();
    delayed_.clear();  // no connection outlives a restore
    FailUnless(server_.Restore(*backup_), "restore");
    FailUnless(server_.Start(), "start after restore");
    // Whoever was revoked after the backup is not any more; what a phone that was set back had is
    // gone.
    LearnAccess();
    ForgetLost();
  }

  void SetBack(Phone& phone) {
    Trace(phone.name + " is set back to a copy");
    phone.syncer.reset();
    phone.replica.reset();
    phone.disk.engine = std::make_shared<MemoryEngine>(*phone.old_disk);
    phone.set_back = true;
    Boot(phone);
    // What is pending in the copy may have been sent under another replica id since, which the copy
    // does not know. It is sent once more then, and says the same.
    const auto pending = phone.replica->NextPush(family_);
    if (!pending.ok()) return FailUnless(pending.status(), "pending");
    if (pending->has_value()) {
      for (const v1::Transaction& transaction : (*pending)->transactions()) {
        ++tapped_[ContentOf(transaction)];
      }
    }
    ForgetLost();
  }

  // What a phone that was set back had tapped is gone for good, where the server was restored, too.
  void ForgetLost() {
    const SimEngine engine(server_.disk());
    const auto view = engine.Snapshot();
    std::map<std::string, int> journalled;
    const std::string failure = CheckFamily(*view, family_, journalled);
    if (!failure.empty()) return Fail(failure);
    for (auto it = acknowledged_.begin(); it != acknowledged_.end();) {
      const bool lost = it->second->set_back && journalled.count(it->first) == 0;
      it = lost ? acknowledged_.erase(it) : std::next(it);
    }
  }

  // --- Checks ---

  void NoteVerdicts(Phone& phone, const v1::PushRequest& request,
                    const v1::PushResponse& response) {
    for (int i = 0; i < response.verdicts_size(); ++i) {
      const v1::Verdict& verdict = response.verdicts(i);
      Trace(absl::StrCat(phone.name, " verdict ", verdict.seq(), " ", verdict.outcome_case()));
      if (verdict.has_committed()) {
        acknowledged_[ContentOf(request.transactions(i))] = &phone;
      }
    }
  }

  // C3, C6: what a phone shows without taps of its own is what the server has.
  void CheckPhone(Phone& phone) {
    const auto process = server_.process();
    if (process == nullptr) return;
    const auto state = phone.replica->FamilyStateOf(family_);
    if (!state.ok()) return FailUnless(state.status(), "state");
    // A consultant's records change with what she may see, without a commit; then she starts over.
    if (state->resyncs > 0 && phone.role != v1::ROLE_CONSULTANT)
      return Fail("C6: records did not add up to the state hash");
    const auto view = process->engine.Snapshot();
    const FamilyReader reader(*view, family_);
    const auto head = reader.Head();
    if (state->cursor.revision() != (*head)->revision() ||
        state->cursor.lineage() != (*head)->lineage()) {
      return;  // somebody else was in between
    }
    const auto access = Authorize(reader, phone.device, server_.clock().Now());
    if (!access.ok()) return Fail("C8: a device without access could follow");
    size_t visible = 0;
    absl::Status scanned =
        reader.ScanFeed(family_.bytes(), [&](absl::string_view, const RecordId& id) {
          const auto stored = reader.Record(id);
          v1::Record expected;
          CHECK(RecordToWire(id.bytes(), **stored, expected));
          if (!MayRead(access->role, access->consent_scope, (*stored)->kind())) return true;
          ++visible;
          const auto shown = phone.replica->Get(family_, id);
          if (!shown.ok() || !shown->has_value()) {
            Fail("C3: a record is missing on a phone at the head");
          } else if (!(*shown)->pending &&
                     SerializeDeterministic((*shown)->record) != SerializeDeterministic(expected)) {
            Fail("C3: a phone at the head shows a record otherwise");
          }
          return failure_.empty();
        });
    FailUnless(scanned, "scan");
  }

  void CheckServer() {
    const auto process = server_.process();
    if (process == nullptr) return;
    const auto view = process->engine.Snapshot();
    journalled_.clear();
    const std::string failure = CheckFamily(*view, family_, journalled_);
    if (!failure.empty()) return Fail(failure);
    for (const auto& [content, count] : journalled_) {
      const auto tapped = tapped_.find(content);
      if (tapped == tapped_.end()) return Fail("a transaction that nobody made was committed");
      if (count > tapped->second) return Fail("C1: a tap was committed twice");
    }
  }

  // C1: what a phone was told is committed is in the journal; after a restore, again, or where
  // people see it.
  void CheckAcknowledged() {
    std::set<std::string> needs_attention;
    for (const auto& phone : phones_) {
      const auto rows = phone->replica->ListNeedsAttention(family_);
      if (!rows.ok()) return FailUnless(rows.status(), "needs attention");
      for (const NeedsAttention& row : *rows) needs_attention.insert(ContentOf(row.transaction));
    }
    for (const auto& [content, phone] : acknowledged_) {
      if (journalled_.count(content) == 0 && needs_attention.count(content) == 0 &&
          !phone->revoked) {
        return Fail(absl::StrCat("C1: an acknowledged tap of ", phone->name, " is lost"));
      }
    }
  }

  // The network, the machines and the owner are kind from now on: everything comes to rest.
  void Heal() {
    Trace("heal");
    live_.clear();
    StartServerIfDown();
    server_.disk().crash_at = CrashPoint::kNone;
    for (auto& phone : phones_) {
      phone->disk.crash_at = CrashPoint::kNone;
      phone->connection.set_faults({});
      Boot(*phone);
    }
    for (int round = 0; round < 4 && failure_.empty(); ++round) {
      for (auto& phone : phones_) {
        PassTime(absl::Seconds(1));
        SyncQuietly(*phone);
      }
    }
    for (auto& phone : phones_) {
      if (!failure_.empty()) return;
      const absl::Status synced = Sync(*phone);
      const bool no_access = absl::IsPermissionDenied(synced);
      if (no_access && phone->revoked) continue;
      if (phone->revoked && synced.ok()) return Fail("C8: a revoked device still syncs");
      FailUnless(synced, absl::StrCat("liveness: ", phone->name));
      const auto state = phone->replica->FamilyStateOf(family_);
      if (state.ok() && state->pending > 0) Fail("liveness: an outbox is not empty");
      const auto view = server_.process()->engine.Snapshot();
      const auto head = FamilyReader(*view, family_).Head();
      if (state.ok() && state->cursor.revision() != (*head)->revision()) {
        Fail("liveness: a phone is not at the head");
      }
    }
  }

  const SimOptions options_;
  SimRandom random_;
  SimServer server_;
  std::vector<std::unique_ptr<Phone>> phones_;
  FamilyId family_;
  RecordId child_;
  std::vector<LiveStream> live_;
  std::vector<std::pair<std::string, v1::PushRequest>> delayed_;
  std::shared_ptr<MemoryEngine> backup_;
  // How often each content was tapped, was committed in the journal, and whose taps were
  // acknowledged.
  std::map<std::string, int> tapped_;
  std::map<std::string, int> journalled_;
  std::map<std::string, Phone*> acknowledged_;
  std::string trace_hash_;
  std::string failure_;
};

}  // namespace

SimResult Simulate(const SimOptions& options) { return World(options).Run(); }

SimOptions Shrink(const SimOptions& failing) {
  SimOptions smallest = failing;
  smallest.verbose = false;
  const SimResult whole = Simulate(smallest);
  smallest.steps = whole.steps;
  // The same promise must break: its name is what stands before the colon.
  const auto fails =
      [promise = whole.failure.substr(0, whole.failure.find(':'))](const SimOptions& candidate) {
        return absl::StartsWith(Simulate(candidate).failure, promise);
      };
  // Leave out ever smaller runs of steps, as long as it still fails.
  for (size_t run = smallest.steps.size() / 2; run > 0;) {
    bool shrunk = false;
    for (size_t start = 0; start + run <= smallest.steps.size();) {
      SimOptions candidate = smallest;
      candidate.steps.erase(candidate.steps.begin() + static_cast<int64_t>(start),
                            candidate.steps.begin() + static_cast<int64_t>(start + run));
      if (!candidate.steps.empty() && fails(candidate)) {
        smallest = std::move(candidate);
        shrunk = true;
      } else {
        start += run;
      }
    }
    if (!shrunk) run /= 2;
  }
  return smallest;
}

}  // namespace nightlog::simulation
