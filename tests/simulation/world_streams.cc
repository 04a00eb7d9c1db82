#include "absl/strings/str_cat.h"
#include "clients/cpp/caseload.h"
#include "storage/core/record_state.h"
#include "tests/simulation/sim_connection.h"
#include "tests/simulation/world.h"

namespace nightlog::simulation {
namespace {

// Kinds that Watch never sends.
const std::set<uint32_t>& NotWatched() {
  static const auto* const kKinds = new std::set<uint32_t>{v1::Record::kLogEntry};
  return *kKinds;
}

}  // namespace

void World::OpenStream(Phone& phone) {
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

void World::OpenWatch(Phone& phone, const std::shared_ptr<SimServer::Process>& process) {
  auto& live = watches_.emplace_back(LiveStream<v1::WatchResponse>{process, &phone, "", false, {}});
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
class World::Desk final : public Caseload::Observer {
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

void World::WatchCaseload(Phone&) {
  if (server_.process() == nullptr) return;
  Trace("the consultant looks at her caseload");
  NetworkFaults faults;
  faults.cut_stream = random_.Below(2) * 20;
  faults.cut_in_the_middle = random_.Chance(50) ? 50 : faults.cut_stream;
  consultant_->connection.set_faults(faults);
  Caseload caseload(consultant_->connection, consultant_->random,
                    {absl::ZeroDuration(), absl::ZeroDuration()});
  meanwhile_percent_ = 10;
  Desk(*this).Watch(caseload);
  meanwhile_percent_ = kMeanwhilePercent;
  consultant_->connection.set_faults({});
}

void World::Opened(Phone& phone, const absl::Status& status) {
  const Entitlement entitled = model_.EntitlementOf(phone.device, server_.clock().Now());
  if (status.ok() && !entitled.access) Fail("C8: a device without access follows");
  if (absl::IsPermissionDenied(status) && entitled.access) Fail("C8: a device was shut out");
}

template <typename Message>
void World::Move(LiveStream<Message>& live) {
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
void World::SendInFlight(LiveStream<Message>& live) {
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

FamilyId World::FamilyOf(const v1::WatchResponse& message) { return FamilyId(message.family_id()); }

const Model& World::ModelOf(const FamilyId& family) const {
  return family == neighbours_ ? neighbours_model_ : model_;
}

void World::Note(const v1::FollowResponse& message, LiveStream<v1::FollowResponse>& live) {
  if (!live.stream_id.empty()) return;
  if (live.live_bytes > limits_.window_bytes && !message.has_closed()) {
    Fail("a stream that nobody can acknowledge goes beyond its window");
  }
  v1::FollowResponse changes = message;
  changes.clear_bookmark();
  if (live.bookmarked) live.live_bytes += changes.ByteSizeLong();
  live.bookmarked = live.bookmarked || message.has_bookmark();
}

void World::Note(const v1::WatchResponse& message, LiveStream<v1::WatchResponse>& live) {
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

void World::RunWoken() {
  for (auto& live : follows_) RunIfWoken(live);
  for (auto& live : watches_) RunIfWoken(live);
}

template <typename Message>
void World::RunIfWoken(LiveStream<Message>& live) {
  for (int i = 0; i < 6 && Runs(live) && *live.woken && !live.in_flight.has_value(); ++i) {
    Move(live);
    if (live.in_flight.has_value() && random_.Chance(50)) Move(live);
  }
}

void World::ReadStreams(Phone&) {
  for (auto& live : follows_) {
    if (random_.Chance(60)) Move(live);
    if (!live.deaf && random_.Chance(30)) SayReceived(live);
  }
  for (auto& live : watches_) {
    if (random_.Chance(60)) Move(live);
  }
}

void World::SayReceived(LiveStream<v1::FollowResponse>& live) {
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

void World::CheckStreams() {
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

void World::Exhaust(LiveStream<v1::WatchResponse>& live) {
  for (int i = 0; i < 3000 && Runs(live) && failure_.empty(); ++i) {
    if (!live.in_flight.has_value() && !*live.woken) break;
    Move(live);
  }
}

template <typename Message>
void World::CheckAtHead(const LiveStream<Message>& live, const FamilyId& family) {
  const Model& model = ModelOf(family);
  if (!model.EntitlementOf(live.phone->device, server_.clock().Now()).access) return;
  if (live.receivers.at(family).cursor().revision() != model.revision() && failure_.empty()) {
    Fail("liveness: a stream was not told of a commit");
  }
}

// Other parts let a message go on its way, or not.
template void World::Move(LiveStream<v1::FollowResponse>& live);
template void World::Move(LiveStream<v1::WatchResponse>& live);

}  // namespace nightlog::simulation
