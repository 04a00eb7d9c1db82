#include "tests/simulation/simulation.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <unordered_map>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cpp/caseload.h"
#include "clients/cpp/pairing.h"
#include "clients/cpp/token.h"
#include "clients/cpp/undo.h"
#include "services/sleep_deriver.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/keys.h"
#include "tests/simulation/model.h"
#include "tests/simulation/phone.h"
#include "tests/simulation/sim_connection.h"
#include "tests/simulation/sim_server.h"

namespace nightlog::simulation {
namespace {

// Statuses in a trace are without their payloads, whose order is chance.
constexpr absl::StatusToStringMode kPlain = absl::StatusToStringMode::kWithNoExtraData;

// A stream of a device that is read when the simulation says so, or never; and a message that was
// read from the use case but has not gone out yet.
template <typename Message>
struct LiveStream {
  std::shared_ptr<SimServer::Process> process;
  Phone* phone;
  std::string stream_id;
  // Nobody reads what comes, or says so.
  bool deaf;
  // Who makes something of what it brings, by family.
  std::map<FamilyId, Receiver> receivers;
  std::shared_ptr<bool> woken = std::make_shared<bool>(true);
  std::unique_ptr<MessageStream<Message>> stream = nullptr;
  absl::optional<Message> in_flight = absl::nullopt;
  absl::Time read_at = absl::InfinitePast();
  bool ending = false;
  bool ended = false;
  uint64_t sent_bytes = 0;
  uint64_t received_bytes = 0;
  // Of a stream without an id: what was sent after its first bookmark.
  uint64_t live_bytes = 0;
  bool bookmarked = false;
  // What the family was told of the newest backup when the message was read.
  uint64_t backed_up = 0;
  // Of a watcher: the families that it was told of, now or before, and not that they left.
  std::set<FamilyId> joined = {};
};

// An invite that somebody may use later.
struct OpenInvite {
  std::string code;
  absl::Time expires_at;
  DeviceId inviter;
  MemberId invited;
};

// A push that may come to the server once more.
struct DelayedPush {
  size_t phone;
  DeviceId device;
  v1::PushRequest request;
};

// Kinds that Watch never sends.
const std::set<uint32_t>& NotWatched() {
  static const auto* const kKinds = new std::set<uint32_t>{v1::Record::kLogEntry};
  return *kKinds;
}

class World {
 public:
  explicit World(const SimOptions& options)
      : options_(options),
        random_(options.seed * 2 + 1),
        limits_(LimitsFor(random_)),
        server_(options.seed * 2, limits_),
        model_(FamilyId()) {}

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
      if (step % 30 == 29) CheckServer();
      if (step == 40 && options_.seed % 400 == 7) FillOutbox(*phones_[1]);
    }
    Heal();
    SimResult result;
    result.failure = failure_;
    result.trace_hash = trace_hash_;
    result.steps = std::move(steps);
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

  void FailIf(const std::string& failure) {
    if (!failure.empty()) Fail(failure);
  }

  void FailUnless(const absl::Status& status, const std::string& what) {
    if (!status.ok()) Fail(absl::StrCat(what, ": ", status.ToString(kPlain)));
  }

  // Calls are tried once.
  absl::Time Deadline() const { return absl::InfinitePast(); }

  // Most families see parts of messages and full windows, which the real sizes would seldom show.
  static StreamLimits LimitsFor(SimRandom& random) {
    if (random.Chance(30)) return StreamLimits();
    // Of some, one message fills the window.
    if (random.Chance(40)) return {500 + random.Below(3000), 200 + random.Below(1500)};
    return {500 + random.Below(3000), 2000 + random.Below(20'000)};
  }

  // --- Setting up ---

  void SetUp() {
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

  Phone& AddPhone() {
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
      auto receiver = std::make_shared<Receiver>(phones_[number]->device, request.cursor(),
                                                 std::set<uint32_t>());
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

  absl::StatusOr<std::string> Invite(const v1::CreateInviteRequest& request) {
    const auto code = phones_[0]->connection.CreateInvite(request, Deadline());
    if (!code.ok()) return code.status();
    return code->code();
  }

  absl::Status Join(Phone& phone, const std::string& code) {
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

  void AddMember(v1::Role role) {
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

  // After anything that writes: if the phone crashed in it, it starts again.
  void RebootIfCrashed(Phone& phone) {
    if (!phone.disk.crashed) return;
    Trace(phone.name + " crashed");
    ++phone.boots;
    Boot(phone);
  }

  // --- Steps ---

  void Step() {
    PassTime(random_.Within(random_.Chance(3) ? absl::Hours(14) : absl::Minutes(20)));
    meanwhiles_ = 0;
    Phone& phone = *phones_[random_.Below(phones_.size())];
    // What happens, and how often of 1,000 times.
    struct Choice {
      uint64_t weight;
      void (World::*step)(Phone&);
    };
    static constexpr Choice kChoices[] = {
        {400, &World::TapSomething},    {200, &World::SyncWithFaults},
        {70, &World::PushTogether},     {35, &World::CrashPhone},
        {30, &World::CrashServer},      {25, &World::StartServerIfDown},
        {35, &World::DisturbClock},     {30, &World::DeliverOldPacket},
        {35, &World::OpenStream},       {50, &World::ReadStreams},
        {25, &World::ReadSomething},    {15, &World::FlapConsent},
        {15, &World::DecideQuarantine}, {7, &World::RevokeSomebody},
        {5, &World::RemoveSomebody},    {8, &World::Backup},
        {10, &World::RestoreServer},    {4, &World::LoseData},
        {15, &World::CopyPhone},        {20, &World::SetBack},
        {4, &World::CloneOrReinstall},  {3, &World::DamagePhone},
        {5, &World::UpdateServer},      {8, &World::UseOpenInvite},
        {15, &World::UndoSomething},    {25, &World::NeighboursLive},
        {40, &World::TapAtOnce},        {15, &World::SayTheyWereTwo},
        {8, &World::AgreeAndForget},    {8, &World::PushNonsense},
        {10, &World::WatchCaseload},    {12, &World::ChangeRole},
        {8, &World::ExchangeToken},
    };
    uint64_t dice = 0;
    for (const Choice& choice : kChoices) dice += choice.weight;
    dice = random_.Below(dice);
    const Choice* choice = kChoices;
    for (; dice >= choice->weight; ++choice) dice -= choice->weight;
    (this->*choice->step)(phone);
  }

  void PassTime(absl::Duration duration) {
    server_.clock().Advance(duration);
    for (auto& phone : phones_) phone->clock->Advance(duration);
    neighbour_->clock->Advance(duration);
  }

  // --- Taps ---

  absl::Status Save(Phone& phone, const Tap& tap) {
    std::map<std::string, v1::Record> shown;
    v1::Transaction made;
    *made.mutable_made_at() = phone.clock->Read();
    for (const Tap::Change& change : tap.changes()) {
      *made.add_edits() = change.edit;
      const auto record = phone.replica->Get(family_, RecordId(change.edit.record_id()));
      if (record.ok() && record->has_value()) {
        shown[change.edit.record_id()] = (*record)->record;
      }
    }
    const absl::Status saved = phone.replica->Write(family_, tap);
    Trace(absl::StrCat(phone.name, " taps ", saved.ToString(kPlain)));
    const bool crashed = phone.disk.crashed;
    const std::string name = NameOf(made);
    if (saved.ok() || crashed) ++tapped_[name];
    RebootIfCrashed(phone);
    const PhoneContent content = Content(phone);
    const v1::Transaction* kept = nullptr;
    for (const KeptTransaction* row : content.outbox) {
      if (row->name == name) kept = &row->transaction;
    }
    if (kept == nullptr) {
      if (saved.ok()) Fail("C4: a saved tap is not on the disk");
      return crashed ? absl::OkStatus() : saved;
    }
    if (!saved.ok() && !crashed) Fail("a refused tap was saved");
    phone.taps.push_back(name);
    CheckNewName(content, content.family.lineage(), kept->seq());
    if (kept->made_at_cursor().lineage() != content.family.lineage() ||
        kept->made_at_cursor().revision() != content.family.revision()) {
      Fail("C4: a tap does not tell what its phone had seen");
    }
    for (size_t i = 0; i < tap.changes().size(); ++i) {
      const v1::Edit& edit = kept->edits(static_cast<int>(i));
      std::vector<EditName> saw;
      for (const v1::EditId& id : edit.saw()) saw.push_back(NameOf(id));
      std::sort(saw.begin(), saw.end());
      // A deletion after another edit of the tap sees that one too.
      const bool sees_more = i > 0 && edit.has_existence();
      if (!sees_more && saw != ExpectedSaw(tap.changes()[i], shown[edit.record_id()])) {
        Fail("C4: an edit does not name what was on the screen");
      }
      // The next edit of this tap sees it back.
      if (!edit.has_existence()) shown[edit.record_id()].set_deleted(false);
      CheckScreen(phone, content, edit.record_id());
    }
    return absl::OkStatus();
  }

  // True if an edit of that transaction is part of what stands in the record.
  static bool IsSaidBy(const NaiveRecord& record, const std::string& replica, uint64_t seq) {
    for (const auto& [group, values] : record.groups) {
      for (const NaiveValue& value : values) {
        for (const EditName& name : value.said_by) {
          if (std::get<0>(name) == replica && std::get<1>(name) == seq) return true;
        }
      }
    }
    return false;
  }

  // C4: a new tap has a name of its own, as far as the phone can see.
  void CheckNewName(const PhoneContent& content, const std::string& lineage, uint64_t seq) {
    const Model* model = ModelOf(lineage);
    if (model == nullptr) return;
    const std::string& replica = content.outbox.back()->replica_id;
    model->ForEachAt(content.family.revision(), [&](const std::string&, const NaiveRecord& record) {
      if (IsSaidBy(record, replica, seq)) {
        Fail("C4: a tap has the name of another that the phone knows");
      }
    });
  }

  // A clone that this phone has not met gave a name of what is pending here to something else.
  // Which is which shows once the server has answered.
  static bool HoldsTakenName(const PhoneContent& content, const Model* model,
                             const NaiveRecord* confirmed) {
    if (model == nullptr || confirmed == nullptr) return false;
    return std::any_of(content.outbox.begin(), content.outbox.end(),
                       [&](const KeptTransaction* row) {
                         return model->RevisionOf(row->name) == 0 &&
                                IsSaidBy(*confirmed, row->replica_id, row->transaction.seq());
                       });
  }

  // C3, C4: the screen shows the confirmed record with the outbox on top.
  void CheckScreen(Phone& phone, const PhoneContent& content, const std::string& id) {
    if (phone.damaged) return;
    const Model* model = ModelOf(content.family.lineage());
    const NaiveRecord* confirmed = nullptr;
    if (content.HasRecord(id)) {
      if (model == nullptr) return Fail("C3: a phone has records of an unknown lineage");
      confirmed = model->At(id, content.family.revision());
      if (HoldsTakenName(content, model, confirmed)) return;
    }
    const v1::Record expected = ExpectedOnScreen(
        id, confirmed, content.outbox, phone.member.str(), [&](const KeptTransaction& row) {
          const uint64_t revision = model == nullptr ? 0 : model->RevisionOf(row.name);
          return revision != 0 && revision <= content.family.revision();
        });
    const auto shown = phone.replica->Get(family_, RecordId(id));
    if (!shown.ok()) return FailUnless(shown.status(), "get");
    if (!shown->has_value()) {
      if (expected.body_case() != v1::Record::BODY_NOT_SET) Fail("C4: a record is not shown");
    } else if (SerializeDeterministic((*shown)->record) != SerializeDeterministic(expected)) {
      Fail(absl::StrCat("C4: a record is shown otherwise\nexpected ", expected.ShortDebugString(),
                        "\nshown    ", (*shown)->record.ShortDebugString()));
    }
  }

  const RecordId& SomeChild() { return children_[random_.Chance(85) ? 0 : 1]; }

  v1::Interval SomeInterval(Phone& phone) {
    v1::Interval interval;
    const absl::Time wall = FromProto(phone.clock->Read().wall());
    absl::Time began =
        wall - absl::Minutes(random_.Below(12)) - absl::Milliseconds(random_.Below(60'000));
    const bool typed = random_.Chance(50);
    // People type whole minutes, in steps, so that they meet.
    if (typed) began = absl::FromUnixSeconds(absl::ToUnixSeconds(began) / 180 * 180);
    if (typed && random_.Chance(10)) began -= absl::Hours(24);
    *interval.mutable_began_at() = ToProto(began);
    interval.set_began_tapped(!typed);
    interval.set_zone(random_.Chance(90) ? "Europe/London" : "America/New_York");
    if (random_.Chance(60)) {
      *interval.mutable_ended_at() =
          ToProto(began + (typed ? absl::Minutes(15 * (1 + random_.Below(2)))
                                 : absl::Minutes(1 + random_.Below(90))));
    }
    if (random_.Chance(10)) AddUnknown(interval);
    return interval;
  }

  // What a newer app would say; an older server and older phones keep it.
  void AddUnknown(google::protobuf::Message& message) {
    message.GetReflection()->MutableUnknownFields(&message)->AddVarint(700, random_.Below(1000));
  }

  v1::EntryDetail SomeDetail() {
    v1::EntryDetail detail;
    switch (random_.Below(8)) {
      case 0:
        detail.mutable_put_down();
        break;
      case 1:
      case 2:
        detail.mutable_sleep();
        break;
      case 3:
        detail.mutable_awake();
        break;
      case 4:
        detail.mutable_crying()->set_intensity(static_cast<uint32_t>(random_.Below(4)));
        break;
      case 5:
      case 6:
        detail.mutable_response()->set_level(static_cast<uint32_t>(random_.Below(7)));
        break;
      default:
        detail.mutable_rise();
    }
    if (random_.Chance(15)) AddUnknown(detail);
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

  // The entry as the phone shows it, which may not know it, or only as something else.
  absl::optional<ShownRecord> EntryOn(Phone& phone, const RecordId& id) {
    const auto shown = phone.replica->Get(family_, id);
    if (!shown.ok() || !shown->has_value() || !(*shown)->record.has_log_entry()) {
      return absl::nullopt;
    }
    return *shown;
  }

  void TapSomething(Phone& phone) {
    const absl::Time now = FromProto(phone.clock->Read().wall());
    if (phone.role == v1::ROLE_CONSULTANT) return TapAsConsultant(phone, now);
    // A viewer's app asks for no taps.
    if (HasRole(phone, v1::ROLE_VIEWER) && random_.Chance(80)) return;
    const absl::optional<ShownRecord> shown = SomeRecord(phone, kLogEntry);
    const uint64_t dice = random_.Below(100);
    if (dice < 4) return TapChild(phone);
    if (dice < 10) return TapComment(phone, now);
    if (!shown.has_value() || dice < 33) {
      v1::LogEntry entry;
      entry.set_child_id(SomeChild().str());
      *entry.mutable_detail() = SomeDetail();
      *entry.mutable_interval() = SomeInterval(phone);
      Tap tap;
      tap.Set(MakeRecordId(now, random_), entry);
      // A waking and what was done about it, with one tap.
      if (random_.Chance(25)) {
        *entry.mutable_detail() = SomeDetail();
        tap.Set(MakeRecordId(now, random_), entry);
      }
      return FailUnless(Save(phone, tap), "new entry");
    }
    const RecordId id(shown->record.record_id());
    FailUnless(Save(phone, SomeEdit(phone, id, *shown, now)), "edit");
  }

  Tap SomeEdit(Phone& phone, const RecordId& id, const ShownRecord& shown, absl::Time now) {
    const v1::LogEntry& current = shown.record.log_entry();
    v1::LogEntry change;
    switch (random_.Below(12)) {
      case 0:
        if (!current.has_interval()) break;
        // End it now. After a restore, only this phone's own edit of an entry may be left of it.
        *change.mutable_interval() = current.interval();
        *change.mutable_interval()->mutable_ended_at() =
            ToProto(std::max(FromProto(current.interval().began_at()), now));
        change.mutable_interval()->set_ended_tapped(true);
        change.mutable_interval()->clear_ended_raw();
        return Tap().Set(id, change);
      case 1:
        *change.mutable_detail() = SomeDetail();
        return Tap().Set(id, change);
      case 2:
        change.set_text(random_.Chance(10) ? "" : absl::StrCat("text ", random_.Below(1000)));
        return Tap().Set(id, change);
      case 3:
        if (current.tags_size() > 0 && random_.Chance(50)) {
          return Tap().RemoveTags(id, {current.tags(0)});
        }
        for (uint64_t i = random_.Below(2); i < 2; ++i) {
          change.add_tags(absl::StrCat("tag", random_.Below(3)));
        }
        return Tap().Set(id, change);
      case 4:
        return shown.record.deleted() ? Tap().Restore(id) : Tap().Delete(id);
      case 5:  // resolve what stands open
        *change.mutable_interval() = SomeInterval(phone);
        return Tap().Resolve(id, change);
      case 6: {  // these were two
        const absl::optional<ShownRecord> other = SomeRecord(phone, kLogEntry);
        change.add_separate_from(other->record.record_id());
        return Tap().Set(id, change);
      }
      case 7:
        change.set_caregiver_id(phones_[random_.Below(phones_.size())]->member.str());
        change.set_text(absl::StrCat("both ", random_.Below(1000)));
        return Tap().Set(id, change);
      case 8:
        return Tap().Clear(id, kLogEntry, v1::LogEntry::kCaregiverIdFieldNumber);
      case 10:  // it was about the other child
        change.set_child_id(SomeChild().str());
        return Tap().Set(id, change);
      case 9:  // it was a little earlier, or later
        if (!current.has_interval()) break;
        *change.mutable_interval() = current.interval();
        *change.mutable_interval()->mutable_began_at() =
            ToProto(FromProto(current.interval().began_at()) +
                    absl::Seconds(90) * (static_cast<int64_t>(random_.Below(5)) - 2));
        change.mutable_interval()->set_began_tapped(false);
        change.mutable_interval()->clear_began_raw();
        if (current.interval().has_ended_at() &&
            FromProto(current.interval().ended_at()) < FromProto(change.interval().began_at())) {
          change.mutable_interval()->clear_ended_at();
        }
        return Tap().Set(id, change);
      default:
        break;
    }
    *change.mutable_interval() = SomeInterval(phone);
    return Tap().Set(id, change);
  }

  // Several people tap at the same moment, about the same, and none sees what the others do; then
  // their phones sync.
  void TapAtOnce(Phone& phone) {
    const absl::optional<ShownRecord> shown = SomeRecord(phone, kLogEntry);
    if (!shown.has_value()) return;
    const RecordId id(shown->record.record_id());
    const uint64_t about = random_.Below(6);
    const v1::EntryDetail detail = SomeDetail();
    v1::LogEntry waking;
    waking.set_child_id(children_[0].str());
    if (random_.Chance(50)) {
      waking.mutable_detail()->mutable_awake();
    } else {
      waking.mutable_detail()->mutable_rise();
    }
    std::vector<Phone*> tapping;
    for (auto& other : phones_) {
      if (other->role == v1::ROLE_CONSULTANT || random_.Chance(20)) continue;
      if (about == 0) {
        SaveWakings(*other, waking);
      } else {
        const absl::optional<ShownRecord> known = EntryOn(*other, id);
        if (!known.has_value()) continue;
        FailUnless(Save(*other, SomeEditAtOnce(*other, about, *known, detail)), "edit at once");
      }
      tapping.push_back(other.get());
    }
    for (Phone* other : tapping) SyncQuietly(*other);
  }

  // One waking or two, by the clock on the wall. Others may log it a little earlier or later, so
  // that one of theirs is near to two that are not near to each other.
  void SaveWakings(Phone& phone, v1::LogEntry waking) {
    const absl::Time hour =
        absl::FromUnixSeconds(absl::ToUnixSeconds(server_.clock().Now()) / 3600 * 3600);
    for (uint64_t count = random_.Chance(35) ? 2 : 1; count > 0; --count) {
      v1::Interval& interval = *waking.mutable_interval();
      const absl::Time began = hour - absl::Minutes(6 * random_.Below(6));
      interval.Clear();
      *interval.mutable_began_at() = ToProto(began);
      interval.set_zone("Europe/London");
      if (random_.Chance(30)) *interval.mutable_ended_at() = ToProto(began + absl::Minutes(8));
      const RecordId id = MakeRecordId(FromProto(phone.clock->Read().wall()), random_);
      FailUnless(Save(phone, Tap().Set(id, waking)), "waking");
    }
  }

  Tap SomeEditAtOnce(Phone& phone, uint64_t about, const ShownRecord& shown,
                     const v1::EntryDetail& detail) {
    const RecordId id(shown.record.record_id());
    v1::LogEntry change;
    switch (about) {
      case 1:  // it began then, or a moment earlier: they agree
        *change.mutable_interval() = SomeInterval(phone);
        change.mutable_interval()->clear_ended_at();
        change.mutable_interval()->set_began_tapped(false);
        *change.mutable_interval()->mutable_began_at() = ToProto(
            absl::FromUnixSeconds(absl::ToUnixSeconds(server_.clock().Now()) / 3600 * 3600) -
            absl::Seconds(60) * static_cast<int64_t>(random_.Below(3)));
        break;
      case 2: {
        const auto& tags = shown.record.log_entry().tags();
        if (!tags.empty() && random_.Chance(50)) return Tap().RemoveTags(id, {tags[0]});
        change.add_tags("tag0");
        break;
      }
      case 3:  // all say the same, or each something else
        *change.mutable_detail() = detail;
        break;
      case 4:
        *change.mutable_detail() = SomeDetail();
        break;
      default:
        if (random_.Chance(20)) return Tap().Delete(id);
        *change.mutable_interval() = SomeInterval(phone);
    }
    return Tap().Set(id, change);
  }

  // The screen shows an episode, and somebody knows better.
  void SayTheyWereTwo(Phone& phone) {
    if (phone.role == v1::ROLE_CONSULTANT) return;
    const auto nights = phone.replica->List(family_, kNightSummary);
    if (!nights.ok()) return FailUnless(nights.status(), "nights");
    std::vector<v1::Episode> episodes;
    for (const ShownRecord& night : *nights) {
      const auto& told = night.record.night_summary().episodes();
      episodes.insert(episodes.end(), told.begin(), told.end());
    }
    if (episodes.empty()) return;
    const v1::Episode& episode = episodes[random_.Below(episodes.size())];
    const RecordId id(episode.entry_ids(0));
    if (!EntryOn(phone, id).has_value()) return;
    v1::LogEntry change;
    change.add_separate_from(episode.entry_ids(episode.entry_ids_size() - 1));
    FailUnless(Save(phone, Tap().Set(id, change)), "these were two");
  }

  // Two say the same, and the phone of one is set back to before it did: its tap stands only as
  // part of the other's now.
  void AgreeAndForget(Phone& phone) {
    Phone& other = *phones_[random_.Below(phones_.size())];
    SyncQuietly(phone);
    const absl::optional<ShownRecord> shown = SomeRecord(phone, kLogEntry);
    if (&other == &phone || phone.damaged || !shown.has_value()) return;
    if (phone.role == v1::ROLE_CONSULTANT || other.role == v1::ROLE_CONSULTANT) return;
    const RecordId id(shown->record.record_id());
    if (!EntryOn(other, id).has_value()) return;
    CopyPhone(phone);
    v1::LogEntry change;
    *change.mutable_detail() = SomeDetail();
    for (Phone* both : {&other, &phone}) {
      FailUnless(Save(*both, Tap().Set(id, change)), "agree");
      SyncQuietly(*both);
    }
    SetBack(phone);
    SyncQuietly(phone);
    TapSomething(phone);
  }

  // What a person reads in it.
  static std::string Says(v1::Record record) {
    record.clear_groups();
    record.clear_revision();
    record.clear_digest();
    return SerializeDeterministic(record);
  }

  // Somebody takes a tap back, at once or after a sync. At once, the record says what it said
  // before; with a sync, others may have come between, and the times of taps are corrected.
  void UndoSomething(Phone& phone) {
    if (phone.role != v1::ROLE_CONSULTANT && random_.Chance(20)) return UndoNewEntry(phone);
    const absl::optional<ShownRecord> before = SomeRecord(phone, kLogEntry);
    if (phone.role == v1::ROLE_CONSULTANT || phone.damaged || !before.has_value()) return;
    const RecordId id(before->record.record_id());
    const size_t taps = phone.taps.size();
    const absl::Time now = FromProto(phone.clock->Read().wall());
    const auto& tags = before->record.log_entry().tags();
    const Tap tap = !tags.empty() && random_.Chance(40) ? Tap().RemoveTags(id, {tags[0]})
                                                        : SomeEdit(phone, id, *before, now);
    const bool for_good =
        tap.changes().front().edit.group() == v1::LogEntry::kSeparateFromFieldNumber;
    FailUnless(Save(phone, tap), "edit to undo");
    if (phone.taps.size() == taps || !failure_.empty()) return;
    const std::string tapped = Says((**phone.replica->Get(family_, id)).record);
    const bool synced = random_.Chance(50);
    if (synced) SyncQuietly(phone);
    const auto shown = phone.replica->Get(family_, id);
    if (!failure_.empty() || !shown.ok() || !shown->has_value()) return;
    const auto undo = UndoNewestChange(*phone.replica, &phone.connection, family_, id, Deadline());
    Trace(absl::StrCat(phone.name, " undoes ", undo.status().ToString(kPlain)));
    if (!undo.ok()) {
      if (!synced && !for_good && tapped != Says(before->record)) FailUnless(undo.status(), "undo");
      return;
    }
    const absl::Status saved = Save(phone, *undo);
    // After a restore, there may be nothing else left of what an entry must have.
    if (absl::IsInvalidArgument(saved)) return;
    FailUnless(saved, "undo");
    const auto after = phone.replica->Get(family_, id);
    if (phone.taps.size() < taps + 2 || synced || !after.ok() || !after->has_value()) return;
    if (Says((*after)->record) != Says(before->record)) {
      Fail(absl::StrCat("C4: an undo does not bring back what stood before\nbefore ",
                        before->record.ShortDebugString(), "\nafter  ",
                        (*after)->record.ShortDebugString()));
    }
  }

  // What was logged a moment ago was wrong. Without a sync between, it is deleted; with one, others
  // may have added to it.
  void UndoNewEntry(Phone& phone) {
    const size_t taps = phone.taps.size();
    v1::LogEntry waking;
    waking.set_child_id(SomeChild().str());
    *waking.mutable_detail() = SomeDetail();
    SaveWakings(phone, waking);
    if (phone.taps.size() == taps || !failure_.empty()) return;
    const bool synced = random_.Chance(30);
    if (synced) SyncQuietly(phone);
    const auto undo = UndoLastTap(*phone.replica, &phone.connection, family_, Deadline());
    Trace(absl::StrCat(phone.name, " undoes its last tap ", undo.status().ToString(kPlain)));
    if (!undo.ok()) {
      if (!synced) FailUnless(undo.status(), "undo of the last tap");
      return;
    }
    const size_t before = phone.taps.size();
    FailUnless(Save(phone, undo->tap), "undo of the last tap");
    if (synced || phone.taps.size() == before) return;
    for (const RecordId& id : undo->records) {
      const auto after = phone.replica->Get(family_, id);
      if (!after.ok() || !after->has_value() || !(*after)->record.deleted()) {
        Fail("C4: an undo leaves what was made");
      }
    }
  }

  // --- The neighbours: a family that has nothing to do with the other, on the same server ---

  void SetUpNeighbours() {
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

  // They log something, and nobody else may see it.
  void NeighboursLive(Phone& phone) {
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

  // They take the consultant of the other family, who watches both on one stream then; change what
  // she may see; or part with her.
  void TakeOrLeaveConsultant() {
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
    const std::string& member =
        neighbours_model_.devices().at(consultant_->device.str()).member_id();
    if (random_.Chance(30)) {
      v1::RemoveMemberRequest remove;
      remove.set_family_id(neighbours_.str());
      remove.set_member_id(member);
      const auto removed = neighbour_->connection.RemoveMember(remove, Deadline());
      Trace(absl::StrCat("the neighbours part with her ", removed.status().ToString(kPlain)));
      return;
    }
    const auto set =
        neighbour_->connection.SetConsent(SomeConsent(neighbours_, member), Deadline());
    Trace(absl::StrCat("the neighbours' consent ", set.status().ToString(kPlain)));
  }

  void NeighboursTap() {
    v1::LogEntry entry;
    entry.set_child_id(neighbours_child_.str());
    *entry.mutable_detail() = SomeDetail();
    *entry.mutable_interval() = SomeInterval(*neighbour_);
    const RecordId id = MakeRecordId(server_.clock().Now(), random_);
    FailUnless(neighbour_->replica->Write(neighbours_, Tap().Set(id, entry)), "neighbours");
  }

  absl::Status SyncNeighbours() {
    neighbour_->connection.ResetCalls();
    const absl::Status synced = neighbour_->syncer->SyncOnce(neighbours_, Deadline());
    neighbours_given_.clear();
    Trace(absl::StrCat("neighbours sync ", synced.ToString(kPlain)));
    return synced;
  }

  void LearnNeighbours() {
    if (neighbours_.empty()) return;
    const std::unique_ptr<ReadView> view = server_.disk().engine->Snapshot();
    const auto head = view->Get(kHeadColumn, FamilyHeadKey(neighbours_));
    if (!head.ok() || !head->has_value() || *head == neighbours_head_) return;
    neighbours_head_ = *head;
    FailIf(neighbours_model_.Learn(*view, neighbours_given_, server_.clock().Now()));
  }

  // In the end they leave, and take everything with them.
  void EraseNeighbours() {
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

  size_t RowsThatName(const FamilyId& family) {
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

  void TapChild(Phone& phone) {
    const absl::optional<ShownRecord> shown = SomeRecord(phone, kChild);
    if (!shown.has_value()) return;
    const RecordId id(shown->record.record_id());
    if (random_.Chance(15)) {
      const Tap tap = shown->record.deleted() ? Tap().Restore(id) : Tap().Delete(id);
      return FailUnless(Save(phone, tap), "child");
    }
    v1::Child child;
    if (random_.Chance(50)) {
      static constexpr const char* kZones[] = {"Europe/London", "America/New_York",
                                               "Pacific/Auckland"};
      child.set_home_zone(kZones[random_.Below(3)]);
    } else {
      child.mutable_night_window()->set_start(random_.Chance(50) ? "18:00" : "20:00");
      child.mutable_night_window()->set_end("06:00");
    }
    FailUnless(Save(phone, Tap().Set(id, child)), "child");
  }

  void TapComment(Phone& phone, absl::Time now) {
    const absl::optional<ShownRecord> shown = SomeRecord(phone, kComment);
    v1::Comment comment;
    RecordId id = MakeRecordId(now, random_);
    if (shown.has_value() && random_.Chance(60)) {
      id = RecordId(shown->record.record_id());
    } else {
      comment.mutable_target()->mutable_night()->set_child_id(children_[0].str());
      comment.mutable_target()->mutable_night()->set_date("2026-01-01");
    }
    comment.add_posts()->set_text(absl::StrCat("post ", random_.Below(1000)));
    // The phone may have been told that the record is something else.
    const absl::Status saved = Save(phone, Tap().Set(id, comment));
    if (!absl::IsInvalidArgument(saved)) FailUnless(saved, "comment");
  }

  // 5 MiB in the outbox of one phone, as after weeks without a network.
  void FillOutbox(Phone& phone) {
    for (int i = 0; i < 80 && failure_.empty(); ++i) {
      v1::Comment comment;
      comment.mutable_target()->mutable_night()->set_child_id(children_[0].str());
      comment.mutable_target()->mutable_night()->set_date("2026-01-01");
      while (comment.posts_size() < 16) comment.add_posts()->set_text(std::string(4000, 'x'));
      const RecordId id = MakeRecordId(FromProto(phone.clock->Read().wall()), random_);
      FailUnless(Save(phone, Tap().Set(id, comment)), "many");
    }
    SyncWithFaults(phone);
  }

  void TapAsConsultant(Phone& phone, absl::Time now) {
    if (random_.Chance(25)) return TapComment(phone, now);
    v1::Plan plan;
    plan.set_child_id(SomeChild().str());
    plan.mutable_approach()->set_method(
        static_cast<v1::PlanMethod>(1 + random_.Below(v1::PlanMethod_MAX)));
    plan.mutable_nights()->set_first_night(random_.Chance(50) ? "2026-01-01" : "2026-01-02");
    if (random_.Chance(30)) plan.set_text(absl::StrCat("plan ", random_.Below(1000)));
    const absl::optional<ShownRecord> shown = SomeRecord(phone, kPlan);
    RecordId id = MakeRecordId(now, random_);
    Tap tap;
    const uint64_t dice = random_.Below(100);
    if (dice < 10) {
      // Poison: a plan where there is an entry, after one that is good. The phone may not know; the
      // server must take both or none.
      const auto record = SomeRecord(*phones_[0], kLogEntry);
      if (random_.Chance(50)) tap.Set(id, plan);
      if (record.has_value()) id = RecordId(record->record.record_id());
    } else if (dice < 15) {
      // An entry, which is not for her to write.
      v1::LogEntry entry;
      entry.set_child_id(SomeChild().str());
      *entry.mutable_detail() = SomeDetail();
      *entry.mutable_interval() = SomeInterval(phone);
      FailUnless(Save(phone, Tap().Set(id, entry)), "entry of a consultant");
      return;
    } else if (shown.has_value() && dice < 60) {
      id = RecordId(shown->record.record_id());
      plan.clear_child_id();
    }
    tap.Set(id, plan);
    const absl::Status saved = Save(phone, tap);
    if (!absl::IsInvalidArgument(saved)) FailUnless(saved, "plan");
  }

  // --- Sync ---

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

  void SyncQuietly(Phone& phone) {
    phone.connection.set_faults({});
    phone.disk.crash_at = CrashPoint::kNone;
    Sync(phone).IgnoreError();
  }

  // An app that is broken, or hostile, under a replica id of its own.
  void PushNonsense(Phone& phone) {
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

  // Several phones, or one several times, push at the same moment, perhaps while somebody changes
  // who may: one batch of the server. Some answers are lost.
  void PushTogether(Phone&) {
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

  void EnterRevocation() {
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

  void CrashPhone(Phone& phone) {
    if (random_.Chance(50)) {
      phone.disk.crash_at = random_.Chance(50) ? CrashPoint::kBeforeWrite : CrashPoint::kAfterWrite;
      Trace(phone.name + " will crash");
    } else {
      Trace(phone.name + " is killed");
      Boot(phone);
    }
  }

  void CrashServer(Phone&) {
    server_.disk().crash_at =
        random_.Chance(50) ? CrashPoint::kBeforeWrite : CrashPoint::kAfterWrite;
    Trace("server will crash");
  }

  void StartServerIfDown(Phone&) {
    if (server_.process() != nullptr) return;
    Trace("server starts");
    FailUnless(server_.Start(), "restart");
  }

  void DisturbClock(Phone& phone) {
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

  // A push that was long under way; perhaps from a device that got hold of it.
  void DeliverOldPacket(Phone& phone) {
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

  // --- Live streams ---

  void OpenStream(Phone& phone) {
    const auto process = server_.process();
    if (process == nullptr) return;
    if (random_.Chance(40)) return OpenWatch(random_.Chance(50) ? *consultant_ : phone, process);
    v1::FollowRequest request;
    request.set_family_id(family_.str());
    if (random_.Chance(75)) request.set_stream_id(random_.Bytes(16));
    // From nothing, or from what the phone has.
    if (random_.Chance(50)) {
      const auto next = phone.replica->NextFollow(family_);
      if (next.ok() && next->has_cursor()) *request.mutable_cursor() = next->cursor();
    }
    const bool deaf = random_.Chance(25);
    auto& live = follows_.emplace_back(
        LiveStream<v1::FollowResponse>{process,
                                       &phone,
                                       request.stream_id(),
                                       deaf,
                                       {{family_, Receiver(phone.device, request.cursor(), {})}}});
    auto stream = process->sync.Follow(phone.connection.token(), request,
                                       [woken = live.woken] { *woken = true; });
    server_.Commit();  // where the family was halted
    Trace(absl::StrCat(phone.name, " opens a stream ", stream.status().ToString(kPlain)));
    Opened(phone, stream.status());
    if (stream.ok()) {
      live.stream = *std::move(stream);
    } else {
      follows_.pop_back();
    }
  }

  void OpenWatch(Phone& phone, const std::shared_ptr<SimServer::Process>& process) {
    auto& live =
        watches_.emplace_back(LiveStream<v1::WatchResponse>{process, &phone, "", false, {}});
    v1::WatchRequest request;
    for (const FamilyId& family : {family_, neighbours_}) {
      Receiver receiver(phone.device, {}, NotWatched());
      const auto known = watched_.find({phone.device, family});
      if (known != watched_.end() && random_.Chance(70)) {
        receiver = known->second;
        receiver.Reconnect();
        v1::KnownVersion& version = *request.add_known();
        version.set_family_id(family.str());
        *version.mutable_cursor() = receiver.cursor();
        live.joined.insert(family);
      }
      live.receivers.emplace(family, std::move(receiver));
    }
    auto stream = process->progress.Watch(phone.connection.token(), request,
                                          [woken = live.woken] { *woken = true; });
    Trace(absl::StrCat(phone.name, " watches ", stream.status().ToString(kPlain)));
    if (!stream.ok()) return watches_.pop_back();
    live.stream = *std::move(stream);
  }

  // What a consultant's screen makes of her caseload, reading again only what it is told of.
  class Desk final : public Caseload::Observer {
   public:
    explicit Desk(World& world) : world_(world) {}

    void OnFamily(const FamilyId& id, const WatchedFamily& family,
                  const std::set<RecordId>& changed) override {
      Shown& shown = shown_[id];
      shown.cursor = family.cursor;
      for (const RecordId& record : changed) {
        const auto found = family.records.find(record);
        if (found == family.records.end()) {
          shown.records.erase(record);
        } else {
          shown.records[record] = SerializeDeterministic(found->second);
        }
      }
      const Model& model = world_.ModelOf(id);
      if (family.cursor.lineage() != model.lineage()) return world_.Fail("C3: a desk is elsewhere");
      size_t watched = 0;
      model.ForEachAt(family.cursor.revision(),
                      [&](const std::string& record, const NaiveRecord& expected) {
                        if (NotWatched().count(expected.kind) > 0) return;
                        ++watched;
                        const auto found = shown.records.find(RecordId(record));
                        if (found == shown.records.end() || found->second != expected.wire) {
                          world_.Fail("C3: a desk shows a record otherwise than it is");
                        }
                      });
      if (watched != shown.records.size()) world_.Fail("C3: a desk shows what is not there");
    }
    void OnFamilyLeft(const FamilyId& id, const std::string&) override { shown_.erase(id); }
    // It read all there was, or the connection broke: much happens before it is back.
    void OnConnection(const absl::Status& status) override {
      if (status.ok()) return;
      if (absl::IsDeadlineExceeded(status)) CheckAtHead();
      if (++breaks_ == 3) return caseload_->Stop();
      world_.NeighboursLive(*world_.phones_[0]);
      world_.SyncQuietly(*world_.phones_[world_.random_.Below(world_.phones_.size())]);
      if (world_.random_.Chance(50)) world_.FlapConsent(*world_.consultant_);
      if (world_.random_.Chance(15)) world_.RestoreServer(*world_.phones_[0]);
    }

    void Watch(Caseload& caseload) {
      caseload_ = &caseload;
      caseload.Run(*this).IgnoreError();
    }

   private:
    struct Shown {
      v1::Cursor cursor;
      std::map<RecordId, std::string> records;
    };

    void CheckAtHead() const {
      for (const FamilyId& id : {world_.family_, world_.neighbours_}) {
        const Model& model = world_.ModelOf(id);
        const Entitlement entitled =
            model.EntitlementOf(world_.consultant_->device, world_.server_.clock().Now());
        const auto shown = shown_.find(id);
        if ((shown != shown_.end()) != entitled.access) {
          world_.Fail("C8: a desk shows a family that it may not see, or does not show one");
        } else if (entitled.access && shown->second.cursor.revision() != model.revision()) {
          world_.Fail("liveness: a desk is not at the head");
        }
      }
    }

    World& world_;
    Caseload* caseload_ = nullptr;
    int breaks_ = 0;
    std::map<FamilyId, Shown> shown_;
  };

  void WatchCaseload(Phone&) {
    if (server_.process() == nullptr) return;
    Trace("the consultant looks at her caseload");
    NetworkFaults faults;
    faults.cut_stream = random_.Below(2) * 20;
    consultant_->connection.set_faults(faults);
    Caseload caseload(consultant_->connection, consultant_->random,
                      {absl::ZeroDuration(), absl::ZeroDuration()});
    meanwhile_percent_ = 10;
    Desk(*this).Watch(caseload);
    meanwhile_percent_ = kMeanwhilePercent;
    consultant_->connection.set_faults({});
  }

  // C8: who has no access opens no stream, and who has does.
  void Opened(Phone& phone, const absl::Status& status) {
    const Entitlement entitled = model_.EntitlementOf(phone.device, server_.clock().Now());
    if (status.ok() && !entitled.access) Fail("C8: a device without access follows");
    if (absl::IsPermissionDenied(status) && entitled.access) Fail("C8: a device was shut out");
  }

  template <typename Message>
  bool Runs(const LiveStream<Message>& live) const {
    return !live.ended && !live.process->dead;
  }

  // One half of a message: reads it, or lets it go out.
  template <typename Message>
  void Move(LiveStream<Message>& live) {
    if (!Runs(live)) return;
    if (live.in_flight.has_value()) {
      SendInFlight(live);
      return;
    }
    if (!*live.woken) return;
    *live.woken = false;
    StreamStep<Message> step = live.stream->Next();
    using Kind = typename StreamStep<Message>::Kind;
    if (step.kind == Kind::kWait) return;
    // It may have been woken meanwhile.
    if (step.kind == Kind::kEnd || step.more) *live.woken = true;
    live.read_at = server_.clock().Now();
    live.ending = step.kind == Kind::kEnd;
    if (step.message != nullptr) {
      live.backed_up = ModelOf(FamilyOf(*step.message)).backed_up();
      live.in_flight = *step.message;
    } else if (live.ending) {
      live.ended = true;
    }
  }

  template <typename Message>
  void SendInFlight(LiveStream<Message>& live) {
    const Message message = *std::exchange(live.in_flight, absl::nullopt);
    if (!live.stream->WriteIfOpen([] {})) {
      // The gate closed: what comes instead is to be asked for, unless that was the end.
      live.ended = live.ending;
      return;
    }
    if (live.sent_bytes > live.received_bytes + limits_.window_bytes && !live.stream_id.empty() &&
        !IsLast(message)) {
      Fail("a stream goes beyond its window");
    }
    live.sent_bytes += message.ByteSizeLong();
    const FamilyId family = FamilyOf(message);
    const auto receiver = live.receivers.find(family);
    if (receiver == live.receivers.end()) return Fail("a watcher was told of no family");
    FailIf(receiver->second.Take(message, ModelOf(family), live.read_at, live.backed_up));
    Note(message, live);
    live.ended = live.ending || IsLast(message);
  }

  static bool IsLast(const v1::FollowResponse& message) { return message.has_closed(); }
  // A family may come back.
  static bool IsLast(const v1::WatchResponse&) { return false; }

  FamilyId FamilyOf(const v1::FollowResponse&) const { return family_; }
  static FamilyId FamilyOf(const v1::WatchResponse& message) {
    return FamilyId(message.family_id());
  }
  const Model& ModelOf(const FamilyId& family) const {
    return family == neighbours_ ? neighbours_model_ : model_;
  }

  void Note(const v1::FollowResponse& message, LiveStream<v1::FollowResponse>& live) {
    if (!live.stream_id.empty()) return;
    if (live.live_bytes > limits_.window_bytes && !message.has_closed()) {
      Fail("a stream that nobody can acknowledge goes beyond its window");
    }
    v1::FollowResponse changes = message;
    changes.clear_bookmark();
    if (live.bookmarked) live.live_bytes += changes.ByteSizeLong();
    live.bookmarked = live.bookmarked || message.has_bookmark();
  }
  void Note(const v1::WatchResponse& message, LiveStream<v1::WatchResponse>& live) {
    const FamilyId family(message.family_id());
    if (erased_ && family == neighbours_ && !message.has_left()) {
      Fail("C8: something was sent of an erased family");
    }
    Receiver& receiver = live.receivers.at(family);
    if (message.has_joined()) {
      live.joined.insert(family);
      const bool is_ours = family == family_;
      if (message.joined().name() != (is_ours ? "family" : "neighbours") ||
          message.joined().role() !=
              (is_ours ? model_.EntitlementOf(live.phone->device, live.read_at).role
                       : v1::ROLE_CONSULTANT)) {
        Fail("a watcher joined a family otherwise than it is");
      }
    }
    const DeviceId& device = live.phone->device;
    // That it joined may have been dropped at the gate, and then it left.
    if (message.has_left()) {
      watched_.erase({device, family});
      live.joined.erase(family);
      receiver = Receiver(device, {}, NotWatched());
    } else if (live.joined.count(family) == 0) {
      Fail("a watcher was told of a family that it has not joined");
    } else if (message.has_bookmark()) {
      watched_.insert_or_assign({device, family}, receiver);
    }
  }

  // What other threads of the server would do that were woken by now.
  void RunWoken() {
    for (auto& live : follows_) RunIfWoken(live);
    for (auto& live : watches_) RunIfWoken(live);
  }
  template <typename Message>
  void RunIfWoken(LiveStream<Message>& live) {
    for (int i = 0; i < 6 && Runs(live) && *live.woken && !live.in_flight.has_value(); ++i) {
      Move(live);
      if (live.in_flight.has_value() && random_.Chance(50)) Move(live);
    }
  }

  // Some streams make progress: one half of it, so that a message may be under way when access
  // ends; and say what they have received, late or never.
  void ReadStreams(Phone&) {
    for (auto& live : follows_) {
      if (random_.Chance(60)) Move(live);
      if (!live.deaf && random_.Chance(30)) SayReceived(live);
    }
    for (auto& live : watches_) {
      if (random_.Chance(60)) Move(live);
    }
  }

  void SayReceived(LiveStream<v1::FollowResponse>& live) {
    if (!Runs(live) || live.received_bytes == live.sent_bytes) return;
    v1::AcknowledgeRequest request;
    request.set_family_id(family_.str());
    request.set_stream_id(live.stream_id);
    *request.mutable_cursor() = live.receivers.at(family_).cursor();
    request.set_received_bytes(live.sent_bytes);
    const auto said = server_.Call<v1::AcknowledgeResponse>(
        [&](SimServer::Process& process, Done<v1::AcknowledgeResponse> done) {
          process.sync.Acknowledge(live.phone->connection.token(), request, std::move(done));
        });
    if (said.ok()) live.received_bytes = request.received_bytes();
    if (said.ok() && !model_.EntitlementOf(live.phone->device, server_.clock().Now()).access) {
      Fail("C8: a device without access says what it has");
    }
  }

  // Lets all streams run until nothing more comes, then looks whether they are where they must be.
  void CheckStreams() {
    for (auto& live : follows_) {
      for (int i = 0; i < 3000 && Runs(live) && failure_.empty(); ++i) {
        if (!live.in_flight.has_value() && !*live.woken) {
          if (live.deaf || live.received_bytes == live.sent_bytes) break;
          SayReceived(live);
          continue;
        }
        Move(live);
      }
      if (!Runs(live)) continue;
      const bool blocked = live.deaf && live.sent_bytes > limits_.window_bytes;
      if (!blocked) CheckAtHead(live, family_);
      const Entitlement entitled = model_.EntitlementOf(live.phone->device, server_.clock().Now());
      if (!entitled.member) Fail("C8: a stream outlived its access");
    }
    for (auto& live : watches_) {
      Exhaust(live);
      if (!Runs(live)) continue;
      for (const FamilyId& family : {family_, neighbours_}) {
        CheckAtHead(live, family);
        const Entitlement entitled =
            ModelOf(family).EntitlementOf(live.phone->device, server_.clock().Now());
        const bool joined = live.joined.count(family) > 0;
        if (joined && !entitled.member) Fail("C8: a watcher was not told that a family left");
        if (!joined && entitled.access) Fail("liveness: a watcher was not told of a family");
      }
    }
  }

  void Exhaust(LiveStream<v1::WatchResponse>& live) {
    for (int i = 0; i < 3000 && Runs(live) && failure_.empty(); ++i) {
      if (!live.in_flight.has_value() && !*live.woken) break;
      Move(live);
    }
  }

  template <typename Message>
  void CheckAtHead(const LiveStream<Message>& live, const FamilyId& family) {
    const Model& model = ModelOf(family);
    if (!model.EntitlementOf(live.phone->device, server_.clock().Now()).access) return;
    if (live.receivers.at(family).cursor().revision() != model.revision() && failure_.empty()) {
      Fail("liveness: a stream was not told of a commit");
    }
  }

  // --- Reads ---

  // Any read says what the model has, to whom it may concern.
  void ReadSomething(Phone& phone) {
    if (server_.process() == nullptr) return;
    const Entitlement entitled = model_.EntitlementOf(phone.device, server_.clock().Now());
    const auto all = model_.AllAt(model_.revision());
    auto some = all.begin();
    std::advance(some, static_cast<std::ptrdiff_t>(random_.Below(all.size())));
    switch (random_.Below(4)) {
      case 0:
        return ReadHistory(phone, entitled, some->first, *some->second);
      case 1:
        return ReadNights(phone, entitled, all);
      case 2:
        return ReadExport(phone, entitled, all);
      default:
        return ReadMembers(phone, entitled);
    }
  }

  void ReadHistory(Phone& phone, const Entitlement& entitled, const std::string& id,
                   const NaiveRecord& record) {
    v1::ListHistoryRequest request;
    request.set_family_id(family_.str());
    request.set_record_id(id);
    request.set_page_size(static_cast<int>(1 + random_.Below(3)));
    std::vector<v1::HistoryItem> items;
    for (int page = 0; page < 100; ++page) {
      const auto response = phone.connection.ListHistory(request, Deadline());
      if (response.ok() != (entitled.access && entitled.Sees(record.kind))) {
        return Fail(
            absl::StrCat("C8: history for whom it does not concern, or not for whom it does: ",
                         response.status().ToString(kPlain)));
      }
      if (!response.ok()) return;
      items.insert(items.end(), response->items().begin(), response->items().end());
      if (response->next_page_token().empty()) break;
      request.set_page_token(response->next_page_token());
    }
    std::vector<v1::HistoryItem> expected = model_.HistoryOf(id);
    if (!record.body.empty()) expected.clear();
    const auto same = [](const v1::HistoryItem& a, const v1::HistoryItem& b) {
      return SerializeDeterministic(a) == SerializeDeterministic(b);
    };
    if (!std::equal(items.begin(), items.end(), expected.begin(), expected.end(), same)) {
      Fail("the history of a record is not that of the journal");
    }
  }

  void ReadNights(Phone& phone, const Entitlement& entitled,
                  const std::map<std::string, const NaiveRecord*>& all) {
    v1::GetProgressRequest get;
    get.set_family_id(family_.str());
    get.set_child_id(children_[0].str());
    const auto progress = phone.connection.GetProgress(get, Deadline());
    const bool has_child = all.count(children_[0].str()) > 0;
    if (progress.ok() != (entitled.access && has_child)) {
      return Fail(absl::StrCat("C8: progress: ", progress.status().ToString(kPlain)));
    }
    if (!progress.ok()) return;
    const auto stored = all.find(ProgressId(children_[0]).str());
    if (stored != all.end() &&
        SerializeDeterministic(progress->progress()) != stored->second->body) {
      return Fail("C7: a progress was told otherwise than it is");
    }
    std::map<std::string, std::string> expected;
    for (const auto& [id, record] : all) {
      v1::NightSummary summary;
      if (record->kind != v1::Record::kNightSummary) continue;
      summary.ParseFromString(record->body);
      if (summary.child_id() != children_[0].bytes()) continue;
      expected[summary.date()] = record->body;
    }
    v1::ListNightsRequest list;
    list.set_family_id(family_.str());
    list.set_child_id(children_[0].str());
    if (!expected.empty() && random_.Chance(50)) {
      auto first = expected.begin();
      std::advance(first, static_cast<std::ptrdiff_t>(random_.Below(expected.size())));
      auto last = expected.end();
      if (random_.Chance(50)) {
        last = std::next(first);
        list.set_last_night(first->first);
      }
      list.set_first_night(first->first);
      expected = std::map<std::string, std::string>(first, last);
    }
    list.set_page_size(static_cast<int>(1 + random_.Below(3)));
    auto next = expected.rbegin();
    for (int page = 0; page < 1000; ++page) {
      const auto response = phone.connection.ListNights(list, Deadline());
      if (!response.ok()) return FailUnless(response.status(), "nights");
      for (const v1::NightSummary& night : response->nights()) {
        if (next == expected.rend() || SerializeDeterministic(night) != next->second) {
          return Fail("C7: a night was told that is not the next one");
        }
        ++next;
      }
      if (response->next_page_token().empty()) break;
      list.set_page_token(response->next_page_token());
    }
    if (next != expected.rend()) Fail("C7: a night was not told");
  }

  void ReadExport(Phone& phone, const Entitlement& entitled,
                  const std::map<std::string, const NaiveRecord*>& all) {
    v1::ExportFamilyRequest request;
    request.set_family_id(family_.str());
    const auto stream = phone.connection.ExportFamily(request, Deadline());
    meanwhile_percent_ = 30;
    std::set<std::string> exported;
    v1::ExportFamilyResponse message;
    while (stream->Read(message)) {
      meanwhile_percent_ = kMeanwhilePercent;
      for (const v1::Record& record : message.records()) {
        const auto expected = all.find(record.record_id());
        if (expected == all.end() || !IsExportOf(*expected->second, record) ||
            !exported.insert(record.record_id()).second) {
          return Fail("an export holds what is not there");
        }
      }
    }
    const bool may =
        entitled.access && entitled.role != v1::ROLE_CONSULTANT && entitled.role != v1::ROLE_VIEWER;
    meanwhile_percent_ = kMeanwhilePercent;
    const bool whole = stream->Finish().ok();
    if (server_.process() == nullptr) return;
    if (whole != may) return Fail("C8: an export for whom it is not");
    if (may && exported.size() != all.size()) Fail("an export is not whole");
  }

  // An export is what devices get, with what another server must know besides.
  static bool IsExportOf(const NaiveRecord& record, v1::Record exported) {
    if (exported.created_revision() != record.created_revision ||
        exported.author_saw_revision() != record.author_saw_revision) {
      return false;
    }
    exported.clear_created_revision();
    exported.clear_author_saw_revision();
    v1::Record told;
    told.ParseFromString(record.wire);
    if (exported.groups_size() != told.groups_size()) return false;
    for (int i = 0; i < told.groups_size(); ++i) {
      v1::Group& group = *exported.mutable_groups(i);
      if (group.versions_size() != told.groups(i).versions_size()) return false;
      for (int k = 0; k < group.versions_size(); ++k) {
        if (told.groups(i).versions(k).value_case() == v1::Version::VALUE_NOT_SET) {
          group.mutable_versions(k)->clear_value();
        }
      }
    }
    return SerializeDeterministic(exported) == record.wire;
  }

  void ReadMembers(Phone& phone, const Entitlement& entitled) {
    v1::ListMembersRequest request;
    request.set_family_id(family_.str());
    const auto response = phone.connection.ListMembers(request, Deadline());
    if (response.ok() != entitled.access) return Fail("C8: members for whom they are not");
    if (!response.ok()) return;
    size_t devices = 0;
    for (const v1::MemberWithDevices& member : response->members()) {
      const storage::v1::StoredMember* known = model_.MemberOf(MemberId(member.member_id()));
      const NaiveRecord* record = model_.At(member.member_id(), model_.revision());
      if (known == nullptr || record == nullptr ||
          SerializeDeterministic(member.member()) != record->body) {
        return Fail("a member is told otherwise than it is");
      }
      devices += static_cast<size_t>(member.devices_size());
      for (const v1::Device& device : member.devices()) {
        const auto paired = model_.devices().find(device.device_id());
        if (paired == model_.devices().end() || paired->second.member_id() != member.member_id() ||
            paired->second.revoked() != device.revoked() ||
            FromProto(paired->second.acknowledged_at()) != FromProto(device.acknowledged_at()) ||
            paired->second.acknowledged_lineage() != device.acknowledged().lineage() ||
            paired->second.acknowledged_revision() != device.acknowledged().revision()) {
          return Fail("a device is told otherwise than it is");
        }
      }
    }
    if (devices != model_.devices().size()) return Fail("a device is not told");
    const auto families = phone.connection.ListFamilies({}, Deadline());
    const bool has_both =
        neighbours_model_.EntitlementOf(phone.device, server_.clock().Now()).access;
    if (!families.ok() || families->pairings_size() != (has_both ? 2 : 1)) {
      return Fail("more or fewer families are listed than there are");
    }
    for (const v1::Pairing& pairing : families->pairings()) {
      const bool is_ours = pairing.family_id() == family_.bytes() &&
                           pairing.member_id() == phone.member.bytes() &&
                           HasRole(phone, pairing.role());
      if (!is_ours && (!has_both || pairing.family_id() != neighbours_.bytes())) {
        Fail("a family is listed otherwise than it is");
      }
    }
  }

  // --- Who may ---

  // What the device is, or was until its access ended.
  bool HasRole(const Phone& phone, v1::Role role) const {
    return model_.EntitlementOf(phone.device, absl::InfinitePast()).role == role;
  }

  // An owner gives a member another role: with a code, which the member's phone uses. The first
  // owner stays one, and the consultant what she is.
  void ChangeRole(Phone& phone) {
    if (server_.process() == nullptr || phone.member == phones_[0]->member ||
        &phone == consultant_ || phone.role == v1::ROLE_CONSULTANT ||
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
    if (joined.ok() &&
        (!HasRole(phone, invite.role()) || joined->pairing().role() != invite.role() ||
         joined->pairing().member_id() != phone.member.bytes())) {
      Fail("C8: a role was given but is not there");
    }
    if (joined.ok() && left_a_code) UseInvite(invites_.size() - 1);
  }

  // An owner makes a code for a further device of somebody else.
  bool LeaveCode(Phone& owner) {
    v1::CreateInviteRequest request;
    request.set_family_id(family_.str());
    request.set_member_id(phones_[0]->member.str());
    const auto made = owner.connection.CreateInvite(request, Deadline());
    if (!made.ok()) return false;
    invites_.push_back({made->code(), server_.clock().Now() + absl::Minutes(20), owner.device,
                        phones_[0]->member});
    return true;
  }

  bool IsKnown(const std::string& token) {
    const auto listed = server_.Call<v1::ListFamiliesResponse>(
        [&](SimServer::Process& process, Done<v1::ListFamiliesResponse> done) {
          done(process.family.ListFamilies(token, {}));
        });
    return listed.ok();
  }

  template <typename Message>
  void CheckEndsWithItsToken(const Phone& phone, LiveStream<Message>& live) {
    if (live.phone != &phone) return;
    for (int i = 0; i < 3000 && Runs(live) && (live.in_flight.has_value() || *live.woken); ++i) {
      Move(live);
    }
    if (Runs(live)) Fail("C8: a stream outlived its token");
  }

  // A phone exchanges its token, whatever crashes meanwhile. The old one holds until the new one is
  // used. A copy of the phone, or a backup, of before would know the old one alone.
  void ExchangeToken(Phone& phone) {
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
    TakeBackup();
  }

  void FlapConsent(Phone&) {
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
  void SetOutToConsultant(LiveStream<Message>& live) {
    if (live.phone == consultant_ && !live.in_flight.has_value() && random_.Chance(50)) Move(live);
  }

  v1::SetConsentRequest SomeConsent(const FamilyId& family, const std::string& member) {
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

  // While a message is under way to the phone, what it may see changes, or its member gets another
  // device, which stops the streams of all of them for a moment.
  void Meanwhile(Phone& phone) {
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
    const auto joined = server_.Call<v1::JoinResponse>(
        [&](SimServer::Process& process, Done<v1::JoinResponse> done) {
          process.family.Join("", join, std::move(done));
        });
    Trace(absl::StrCat("meanwhile another device joins ", joined.status().ToString(kPlain)));
    if (server_.process() != nullptr) FailUnless(joined.status(), "join meanwhile");
  }

  void RevokeSomebody(Phone& phone) {
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

  void RemoveSomebody(Phone& phone) {
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

  // Somebody invites a further device of theirs or, an owner, of somebody; or such a code is used:
  // as long as it is new, and whoever gave it is still there.
  void UseOpenInvite(Phone& phone) {
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

  void UseInvite(size_t chosen) {
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
    const auto joined = server_.Call<v1::JoinResponse>(
        [&](SimServer::Process& process, Done<v1::JoinResponse> done) {
          process.family.Join("", join, std::move(done));
        });
    Trace(absl::StrCat("an invite is used ", joined.status().ToString(kPlain)));
    invites_.erase(invites_.begin() + static_cast<std::ptrdiff_t>(chosen));
    if (absl::IsUnavailable(joined.status())) return;
    if (joined.ok() != holds)
      Fail("C8: an invite was taken that does not hold, or not one that does");
  }

  // An owner decides about one of what came late, and says so again, or says the other. Others may
  // not, whatever they were.
  void DecideQuarantine(Phone& phone) {
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

  void TryToDecide(Phone& phone) {
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

  // --- Backups and copies ---

  void Backup(Phone&) {
    Trace("backup");
    TakeBackup();
  }

  // The devices hear of it with their next bookmark.
  void TakeBackup() {
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

  void RestoreServer(Phone&) {
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
    if (model_.lineage() == before || lineages_.count(model_.lineage()) > 0) {
      Fail("C3: a restore did not begin a new lineage");
    }
  }

  // Keeps what phones still know of a lineage.
  void Forget(const Model& model) {
    const auto it = lineages_.find(model.lineage());
    if (it == lineages_.end() || it->second->revision() < model.revision()) {
      lineages_[model.lineage()] = std::make_shared<Model>(model);
    }
  }

  // The disk loses its newest commits, and nobody has noticed. The first phone that knows better
  // stops the family; then its operator begins a new lineage.
  void LoseData(Phone& phone) {
    if (server_.process() == nullptr || backup_model_->lineage() != model_.lineage()) return;
    const auto state = phone.replica->FamilyStateOf(family_);
    const Entitlement entitled = model_.EntitlementOf(phone.device, server_.clock().Now());
    if (!state.ok() || !entitled.access || entitled.role == v1::ROLE_CONSULTANT ||
        entitled.role == v1::ROLE_VIEWER || state->cursor.lineage() != backup_model_->lineage() ||
        state->cursor.revision() <= backup_model_->revision() ||
        !backup_model_->EntitlementOf(phone.device, server_.clock().Now()).access) {
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

  // A device that holds more than the server has follows, or pushes a tap made since.
  absl::Status NoticeLoss(Phone& phone, const v1::Cursor& cursor) {
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

  void CopyPhone(Phone& phone) {
    phone.old_disk = std::make_shared<MemoryEngine>(*phone.disk.engine);
    phone.old_taps = phone.taps;
    phone.old_damaged = phone.damaged;
    Trace(phone.name + " is copied");
  }

  void SetBack(Phone& phone) {
    if (phone.old_disk == nullptr) return;
    Trace(phone.name + " is set back to a copy");
    UseCopy(phone, phone);
  }

  // `phone` goes on from the copy of `from`, which may be itself.
  void UseCopy(const Phone& from, Phone& phone) {
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

  // Two phones from one: the copy goes on beside the original. Or a phone that lost all it had is
  // paired anew for its member.
  void CloneOrReinstall(Phone& phone) {
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
    Trace(absl::StrCat(added.name, " is another phone of ", phone.name, " ",
                       joined.ToString(kPlain)));
    if (!joined.ok()) {
      phones_.pop_back();
    } else if (random_.Chance(30)) {
      TapBeforeItsFirstBookmark(added);
    }
  }

  // A phone that has followed nothing yet logs something, and is told that it was committed; then
  // the server is restored from a backup that lacks it.
  void TapBeforeItsFirstBookmark(Phone& phone) {
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

  // A row of the phone's records is lost: it finds out at the latest when the record changes, and
  // fetches all again.
  void DamagePhone(Phone& phone) {
    const PhoneContent content = Content(phone);
    if (content.records.empty() || phone.disk.crashed) return;
    WriteBatch batch;
    batch.Delete(/*record*/ 2, absl::StrCat(family_.bytes(), content.records.begin()->first));
    FailUnless(phone.disk.engine->Write(batch), "damage");
    phone.damaged = phone.was_damaged = true;
    Trace(phone.name + " is damaged");
  }

  void UpdateServer(Phone&) {
    server_is_old_ = false;
    for (auto& phone : phones_) phone->connection.set_server_is_old(false);
  }

  // --- Checks ---

  // The model learns what a write has brought.
  void Learn() {
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

  const Model* ModelOf(const std::string& lineage) const {
    const auto it = lineages_.find(lineage);
    if (it != lineages_.end()) return it->second.get();
    return lineage == model_.lineage() ? &model_ : nullptr;
  }

  // C3, C1: after each write, the phone's disk holds exactly the records of its cursor, and every
  // tap that a backup of the server may lack.
  void CheckPhoneDisk(Phone& phone) {
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

  // C4: what a pending edit says was on the screen is an edit that the phone has or that was once
  // committed.
  void CheckNames(const PhoneContent& content,
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

  bool WasConsumed(const v1::EditId& edit) const {
    if (model_.WasConsumed(edit)) return true;
    return std::any_of(lineages_.begin(), lineages_.end(),
                       [&edit](const auto& model) { return model.second->WasConsumed(edit); });
  }

  std::string CheckRecords(const Phone& phone, const PhoneContent& content, const Model& model) {
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

  PhoneContent Content(const Phone& phone) {
    return phone_reader_.Read(*phone.disk.engine->Snapshot(), family_);
  }

  // A stored record in the model's form.
  const std::string& WireOf(const std::string& row) {
    std::string& wire = wires_[row];
    if (wire.empty()) {
      v1::Record record;
      record.ParseFromString(row);
      wire = SerializeDeterministic(record);
    }
    return wire;
  }

  // What a device says it has is on its disk.
  void CheckAcknowledged(Phone& phone, const v1::AcknowledgeRequest& request) {
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

  // After a sync without a fault the screen is right everywhere.
  void CheckSynced(Phone& phone) {
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

  // What people are told of their outbox is what is in it, and what needs attention says why.
  void CheckCounts(Phone& phone, const PhoneContent& content, const FamilyState& state) {
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

  void CheckWholeScreen(Phone& phone, const PhoneContent& content) {
    if (phone.was_damaged) return;
    std::set<RecordId> ids;
    for (const auto& [id, row] : content.records) ids.insert(RecordId(id));
    for (const KeptTransaction* row : content.outbox) {
      for (const v1::Edit& edit : row->transaction.edits()) ids.insert(RecordId(edit.record_id()));
    }
    FailIf(phone.screen.Check(*phone.replica, family_, ids));
  }

  void CheckServer() {
    if (server_.process() == nullptr || !failure_.empty()) return;
    FailIf(model_.CheckStore(*server_.process()->engine.Snapshot()));
    FailIf(neighbours_model_.CheckStore(*server_.process()->engine.Snapshot()));
    CheckStreams();
  }

  // The network, the machines and the owner are kind from now on: everything comes to rest.
  void Heal() {
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

  // A device that joined after the backup is unknown to a restored server.
  void PairAgain(Phone& phone) {
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

  void CheckAtRest(Phone& phone) {
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

  const SimOptions options_;
  SimRandom random_;
  const StreamLimits limits_;
  SimServer server_;
  bool server_is_old_ = false;
  std::vector<std::unique_ptr<Phone>> phones_;
  Phone* consultant_ = nullptr;
  bool heals_ = false;
  // How often something happens while a message is under way.
  static constexpr uint64_t kMeanwhilePercent = 3;
  uint64_t meanwhile_percent_ = kMeanwhilePercent;
  // In one step; each starts the streams of a member over.
  static constexpr int kMeanwhilesMax = 5;
  int meanwhiles_ = 0;
  FamilyId family_;
  // Whom entries are about; mostly the first.
  std::array<RecordId, 2> children_;
  // Pushes that the server was given and has not answered.
  std::vector<GivenPush> given_;
  std::vector<DelayedPush> delayed_;
  bool delivering_ = false;  // one of them
  Model model_;
  uint64_t learnt_ = 0;
  // Lineages that phones may still be in.
  std::map<std::string, std::shared_ptr<Model>> lineages_;
  std::shared_ptr<MemoryEngine> backup_;
  std::unique_ptr<Model> backup_model_;
  uint64_t backed_up_ = 0;
  std::vector<OpenInvite> invites_;
  FamilyId neighbours_;
  RecordId neighbours_child_;
  std::unique_ptr<Phone> neighbour_;
  bool erased_ = false;  // the neighbours
  std::vector<GivenPush> neighbours_given_;
  Model neighbours_model_{FamilyId()};
  std::unique_ptr<Model> neighbours_backup_model_;
  absl::optional<std::string> neighbours_head_;
  // What watchers know of a family, by device.
  std::map<std::pair<DeviceId, FamilyId>, Receiver> watched_;
  // Taps that phones were told so of.
  std::set<std::string> rejected_;
  std::set<std::string> quarantined_;
  // How often each tap was made.
  std::map<std::string, int> tapped_;
  std::unordered_map<std::string, std::string> wires_;
  PhoneReader phone_reader_;
  std::string trace_hash_;
  std::string failure_;
  // Last: streams go before the server.
  std::list<LiveStream<v1::FollowResponse>> follows_;
  std::list<LiveStream<v1::WatchResponse>> watches_;
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
