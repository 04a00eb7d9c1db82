#ifndef NIGHTLOG_TESTS_SIMULATION_WORLD_H_
#define NIGHTLOG_TESTS_SIMULATION_WORLD_H_

#include <array>
#include <list>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "tests/simulation/model.h"
#include "tests/simulation/phone.h"
#include "tests/simulation/sim_server.h"
#include "tests/simulation/simulation.h"

namespace nightlog::simulation {

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

// One family's life, and that of its neighbours: what is there, what may happen to it, and what
// must hold. A file of its own for each part, see the headings.
class World {
 public:
  explicit World(const SimOptions& options)
      : options_(options),
        random_(options.seed * 2 + 1),
        limits_(LimitsFor(random_)),
        server_(options.seed * 2, limits_),
        model_(FamilyId()) {}

  SimResult Run();

 private:
  void Trace(const std::string& event);
  void Fail(const std::string& failure);
  void FailIf(const std::string& failure);
  void FailUnless(const absl::Status& status, const std::string& what);

  // Calls are tried once.
  absl::Time Deadline() const { return absl::InfinitePast(); }

  // Most families see parts of messages and full windows, which the real sizes would seldom show.
  static StreamLimits LimitsFor(SimRandom& random);

  // --- Setting up: world_setup.cc ---

  void SetUp();
  Phone& AddPhone();
  absl::StatusOr<std::string> Invite(const v1::CreateInviteRequest& request);
  absl::Status Join(Phone& phone, const std::string& code);
  void AddMember(v1::Role role);
  void NotePairing(Phone& phone);

  // Starts the app on the phone's disk as it is.
  void Boot(Phone& phone);

  // After anything that writes: if the phone crashed in it, it starts again.
  void RebootIfCrashed(Phone& phone);

  // --- Steps: simulation.cc ---

  void Step();
  void PassTime(absl::Duration duration);

  // --- Taps: world_taps.cc ---

  absl::Status Save(Phone& phone, const Tap& tap);

  // True if an edit of that transaction is part of what stands in the record.
  static bool IsSaidBy(const NaiveRecord& record, const std::string& replica, uint64_t seq);

  // C4: a new tap has a name of its own, as far as the phone can see.
  void CheckNewName(const PhoneContent& content, const std::string& lineage, uint64_t seq);

  // A clone that this phone has not met gave a name of what is pending here to something else.
  // Which is which shows once the server has answered.
  static bool HoldsTakenName(const PhoneContent& content, const Model* model,
                             const NaiveRecord* confirmed);

  // C3, C4: the screen shows the confirmed record with the outbox on top.
  void CheckScreen(Phone& phone, const PhoneContent& content, const std::string& id);
  const RecordId& SomeChild() { return children_[random_.Chance(85) ? 0 : 1]; }

  v1::Interval SomeInterval(Phone& phone);

  // What a newer app would say; an older server and older phones keep it.
  void AddUnknown(google::protobuf::Message& message);
  v1::EntryDetail SomeDetail();

  // A record that the phone shows, of a kind.
  absl::optional<ShownRecord> SomeRecord(Phone& phone, uint32_t kind);

  // The entry as the phone shows it, which may not know it, or only as something else.
  absl::optional<ShownRecord> EntryOn(Phone& phone, const RecordId& id);
  void TapSomething(Phone& phone);
  Tap SomeEdit(Phone& phone, const RecordId& id, const ShownRecord& shown, absl::Time now);

  // Several people tap at the same moment, about the same, and none sees what the others do; then
  // their phones sync.
  void TapAtOnce(Phone& phone);

  // One waking or two, by the clock on the wall. Others may log it a little earlier or later, so
  // that one of theirs is near to two that are not near to each other.
  void SaveWakings(Phone& phone, v1::LogEntry waking);
  Tap SomeEditAtOnce(Phone& phone, uint64_t about, const ShownRecord& shown,
                     const v1::EntryDetail& detail);

  // The screen shows an episode, and somebody knows better.
  void SayTheyWereTwo(Phone& phone);

  // Two say the same, and the phone of one is set back to before it did: its tap stands only as
  // part of the other's now.
  void AgreeAndForget(Phone& phone);

  // What a person reads in it.
  static std::string Says(v1::Record record);

  // Somebody takes a tap back, at once or after a sync. At once, the record says what it said
  // before; with a sync, others may have come between, and the times of taps are corrected.
  void UndoSomething(Phone& phone);

  // What was logged a moment ago was wrong. Without a sync between, it is deleted; with one, others
  // may have added to it.
  void UndoNewEntry(Phone& phone);
  void TapChild(Phone& phone);
  void TapComment(Phone& phone, absl::Time now);
  // 5 MiB in the outbox of one phone, as after weeks without a network.
  void FillOutbox(Phone& phone);
  void TapAsConsultant(Phone& phone, absl::Time now);

  // --- The neighbours, a family that has nothing to do with the other, on the same server:
  // world_neighbours.cc ---

  void SetUpNeighbours();

  // They log something, and nobody else may see it.
  void NeighboursLive(Phone& phone);

  // They take the consultant of the other family, who watches both on one stream then; change what
  // she may see; or part with her.
  void TakeOrLeaveConsultant();
  void NeighboursTap();
  absl::Status SyncNeighbours();
  void LearnNeighbours();

  // In the end they leave, and take everything with them.
  void EraseNeighbours();
  size_t RowsThatName(const FamilyId& family);

  // --- Sync: world_sync.cc ---

  void SyncWithFaults(Phone& phone);
  absl::Status Sync(Phone& phone);
  void SyncQuietly(Phone& phone);

  // An app that is broken, or hostile, under a replica id of its own.
  void PushNonsense(Phone& phone);

  // Several phones, or one several times, push at the same moment, perhaps while somebody changes
  // who may: one batch of the server. Some answers are lost.
  void PushTogether(Phone&);
  void EnterRevocation();
  void CrashPhone(Phone& phone);
  void CrashServer(Phone&);
  void StartServerIfDown(Phone&);
  void DisturbClock(Phone& phone);

  // A push that was long under way; perhaps from a device that got hold of it.
  void DeliverOldPacket(Phone& phone);

  // --- Live streams: world_streams.cc ---

  void OpenStream(Phone& phone);
  void OpenWatch(Phone& phone, const std::shared_ptr<SimServer::Process>& process);

  class Desk;
  void WatchCaseload(Phone&);

  // C8: who has no access opens no stream, and who has does.
  void Opened(Phone& phone, const absl::Status& status);

  template <typename Message>
  bool Runs(const LiveStream<Message>& live) const {
    return !live.ended && !live.process->dead;
  }

  // One half of a message: reads it, or lets it go out.
  template <typename Message>
  void Move(LiveStream<Message>& live);

  template <typename Message>
  void SendInFlight(LiveStream<Message>& live);
  static bool IsLast(const v1::FollowResponse& message) { return message.has_closed(); }
  // A family may come back.
  static bool IsLast(const v1::WatchResponse&) { return false; }

  FamilyId FamilyOf(const v1::FollowResponse&) const { return family_; }
  static FamilyId FamilyOf(const v1::WatchResponse& message);
  const Model& ModelOf(const FamilyId& family) const;
  void Note(const v1::FollowResponse& message, LiveStream<v1::FollowResponse>& live);
  void Note(const v1::WatchResponse& message, LiveStream<v1::WatchResponse>& live);

  // What other threads of the server would do that were woken by now.
  void RunWoken();
  template <typename Message>
  void RunIfWoken(LiveStream<Message>& live);

  // Some streams make progress: one half of it, so that a message may be under way when access
  // ends; and say what they have received, late or never.
  void ReadStreams(Phone&);
  void SayReceived(LiveStream<v1::FollowResponse>& live);

  // Lets all streams run until nothing more comes, then looks whether they are where they must be.
  void CheckStreams();
  void Exhaust(LiveStream<v1::WatchResponse>& live);

  template <typename Message>
  void CheckAtHead(const LiveStream<Message>& live, const FamilyId& family);

  // --- Reads: world_reads.cc ---

  // Any read says what the model has, to whom it may concern.
  void ReadSomething(Phone& phone);
  void ReadHistory(Phone& phone, const Entitlement& entitled, const std::string& id,
                   const NaiveRecord& record);
  void ReadNights(Phone& phone, const Entitlement& entitled,
                  const std::map<std::string, const NaiveRecord*>& all);
  void ReadExport(Phone& phone, const Entitlement& entitled,
                  const std::map<std::string, const NaiveRecord*>& all);

  // An export is what devices get, with what another server must know besides.
  static bool IsExportOf(const NaiveRecord& record, v1::Record exported);
  void ReadMembers(Phone& phone, const Entitlement& entitled);

  // --- Who may: world_access.cc ---

  // What the device is, or was until its access ended.
  bool HasRole(const Phone& phone, v1::Role role) const;

  // An owner gives a member another role: with a code, which the member's phone uses. The first
  // owner stays one, and the consultant what she is.
  void ChangeRole(Phone& phone);

  // An owner makes a code for a further device of somebody else.
  bool LeaveCode(Phone& owner);
  bool IsKnown(const std::string& token);

  template <typename Message>
  void CheckEndsWithItsToken(const Phone& phone, LiveStream<Message>& live);

  // A phone exchanges its token, whatever crashes meanwhile. The old one holds until the new one is
  // used. A copy of the phone of before would know the old one alone.
  void ExchangeToken(Phone& phone);
  // A server from before an exchange knows the old token alone, until the phone says so.
  void AnnounceTokens();
  void FlapConsent(Phone&);

  template <typename Message>
  void SetOutToConsultant(LiveStream<Message>& live);
  v1::SetConsentRequest SomeConsent(const FamilyId& family, const std::string& member);

  // While a message is under way to the phone, what it may see changes, or its member gets another
  // device, which stops the streams of all of them for a moment.
  void Meanwhile(Phone& phone);
  void RevokeSomebody(Phone& phone);
  void RemoveSomebody(Phone& phone);
  // Two owners go at once, or each removes the other: one of them stays.
  void OwnersDisagree(Phone&);

  // Somebody invites a further device of theirs or, an owner, of somebody; or such a code is used:
  // as long as it is new, and whoever gave it is still there.
  void UseOpenInvite(Phone& phone);
  void UseInvite(size_t chosen);

  // An owner decides about one of what came late, and says so again, or says the other. Others may
  // not, whatever they were.
  void DecideQuarantine(Phone& phone);
  void TryToDecide(Phone& phone);

  // --- Backups and copies: world_copies.cc ---

  void Backup(Phone&);

  // The devices hear of it with their next bookmark.
  void TakeBackup();
  void RestoreServer(Phone&);

  // Keeps what phones still know of a lineage.
  void Forget(const Model& model);

  // The disk loses its newest commits, and nobody has noticed. The first phone that knows better
  // stops the family; then its operator begins a new lineage.
  void LoseData(Phone& phone);

  // A device that holds more than the server has follows, or pushes a tap made since.
  absl::Status NoticeLoss(Phone& phone, const v1::Cursor& cursor);
  void CopyPhone(Phone& phone);
  void SetBack(Phone& phone);

  // `phone` goes on from the copy of `from`, which may be itself.
  void UseCopy(const Phone& from, Phone& phone);

  // Two phones from one: the copy goes on beside the original. Or a phone that lost all it had is
  // paired anew for its member.
  void CloneOrReinstall(Phone& phone);

  // A phone that has followed nothing yet logs something, and is told that it was committed; then
  // the server is restored from a backup that lacks it.
  void TapBeforeItsFirstBookmark(Phone& phone);

  // A row of the phone's records is lost: it finds out at the latest when the record changes, and
  // fetches all again.
  void DamagePhone(Phone& phone);
  void UpdateServer(Phone&);

  // --- Checks: world_checks.cc ---

  // The model learns what a write has brought.
  void Learn();
  const Model* ModelOf(const std::string& lineage) const;

  // C3, C1: after each write, the phone's disk holds exactly the records of its cursor, and every
  // tap that a backup of the server may lack.
  void CheckPhoneDisk(Phone& phone);

  // C4: what a pending edit says was on the screen is an edit that the phone has or that was once
  // committed.
  void CheckNames(const PhoneContent& content,
                  const std::set<std::pair<std::string, uint64_t>>& on_phone);
  bool WasConsumed(const v1::EditId& edit) const;
  std::string CheckRecords(const Phone& phone, const PhoneContent& content, const Model& model);
  PhoneContent Content(const Phone& phone);

  // A stored record in the model's form.
  const std::string& WireOf(const std::string& row);

  // What a device says it has is on its disk.
  void CheckAcknowledged(Phone& phone, const v1::AcknowledgeRequest& request);

  // After a sync without a fault the screen is right everywhere.
  void CheckSynced(Phone& phone);

  // What people are told of their outbox is what is in it, and what needs attention says why.
  void CheckCounts(Phone& phone, const PhoneContent& content, const FamilyState& state);
  void CheckWholeScreen(Phone& phone, const PhoneContent& content);
  void CheckServer();

  // The network, the machines and the owner are kind from now on: everything comes to rest.
  void Heal();

  // A device that joined after the backup is unknown to a restored server.
  void PairAgain(Phone& phone);
  void CheckAtRest(Phone& phone);

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

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_WORLD_H_
