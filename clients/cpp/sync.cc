#include "clients/cpp/sync.h"

#include <algorithm>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "clients/cpp/token.h"
#include "storage/core/errors.h"
#include "storage/core/planted_defect.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

// New replica ids within one push; more means that the server answers nonsense.
constexpr int kRenewalsMax = 8;

// After a server's history changed, what is pending again goes in the next round.
constexpr int kRoundsMax = 3;

bool IsUnreachable(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

}  // namespace

Syncer::Syncer(Replica& replica, Connection& connection, const DeviceClock& clock, Random& random,
               const SyncOptions& options)
    : replica_(replica),
      connection_(connection),
      clock_(clock),
      random_(random),
      options_(options) {}

absl::Time Syncer::CallDeadline(absl::Time deadline) const {
  return std::min(deadline, absl::Now() + options_.call_timeout);
}

absl::Status Syncer::Push(const FamilyId& family, absl::Time deadline) {
  int renewals = 0;
  while (true) {
    ASSIGN_OR_RETURN(absl::optional<v1::PushRequest> request, replica_.NextPush(family));
    if (!request.has_value()) return absl::OkStatus();
    *request->mutable_sent_at() = clock_.Read();
    const absl::StatusOr<v1::PushResponse> response =
        connection_.Push(*request, CallDeadline(deadline));
    PushStep step = PushStep::kRenewReplica;
    // A server restored from before this replica id was issued does not know it. It may know
    // another: what waited for a record is pending under an older one than the rest.
    if (ReasonOf(response.status()) != v1::ERROR_REASON_REPLICA_NOT_YOURS) {
      RETURN_IF_ERROR(response.status());
      ASSIGN_OR_RETURN(step, replica_.ApplyVerdicts(*request, *response));
    }
    switch (step) {
      case PushStep::kGoOn:
        break;
      case PushStep::kWait:
        return absl::FailedPreconditionError(
            "the server is too old for what is saved here; it is kept until the server is updated");
      case PushStep::kRenewReplica: {
        if (++renewals > kRenewalsMax) {
          return absl::InternalError("the server takes none of the replica ids it gives");
        }
        v1::RenewReplicaRequest renew;
        renew.set_family_id(family.str());
        ASSIGN_OR_RETURN(const v1::RenewReplicaResponse renewed,
                         connection_.RenewReplica(renew, CallDeadline(deadline)));
        if (!ReplicaId::IsId(renewed.replica_id())) {
          return absl::InternalError("the server gave no replica id");
        }
        ASSIGN_OR_RETURN(const FamilyState state, replica_.FamilyStateOf(family));
        const std::string& lineage = state.cursor.lineage();
        if (!lineage.empty() && !renewed.lineage().empty() && renewed.lineage() != lineage) {
          // It was restored. What it lost belongs before what is pending: the next bookmark tells.
          return absl::AbortedError("the server's history changed; its records are read first");
        }
        RETURN_IF_ERROR(replica_.Rehome(family, ReplicaId(request->replica_id()),
                                        ReplicaId(renewed.replica_id())));
      }
    }
  }
}

absl::Status Syncer::Follow(const FamilyId& family, bool until_head, absl::Time deadline,
                            const FollowHooks& hooks) {
  ASSIGN_OR_RETURN(v1::FollowRequest request, replica_.NextFollow(family));
  request.set_stream_id(random_.Bytes(16));
  request.set_until_head(until_head);
  v1::AcknowledgeRequest acknowledge;
  acknowledge.set_family_id(family.str());
  acknowledge.set_stream_id(request.stream_id());
  *acknowledge.mutable_cursor() = request.cursor();

  const std::unique_ptr<ServerStream<v1::FollowResponse>> stream =
      connection_.Follow(request, deadline);
  hooks.on_stream(stream.get());
  absl::Status status;
  std::vector<v1::FollowResponse> messages;  // since the last bookmark
  uint64_t received = 0;
  v1::FollowResponse message;
  while (status.ok() && stream->Read(message)) {
    received += message.ByteSizeLong();
    if (message.has_closed()) {
      status = replica_.SetClosed(family, message.closed().message());
      if (status.ok()) {
        status = MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NO_ACCESS,
                           message.closed().message());
      }
      break;
    }
    const bool at_bookmark = message.has_bookmark();
    if (at_bookmark) *acknowledge.mutable_cursor() = message.bookmark().cursor();
    messages.push_back(std::move(message));
    if (at_bookmark) {
      if (Planted("acknowledged_before_durable")) {
        connection_.Acknowledge(acknowledge, CallDeadline(deadline)).IgnoreError();
      }
      status = replica_.ApplyBookmark(family, messages);
      messages.clear();
      if (!status.ok()) break;
      hooks.on_bookmark();
    }
    if (at_bookmark || received - acknowledge.received_bytes() >= options_.acknowledge_bytes) {
      acknowledge.set_received_bytes(received);
      status = connection_.Acknowledge(acknowledge, CallDeadline(deadline)).status();
    }
  }
  hooks.on_stream(nullptr);
  if (!status.ok()) return status;
  return stream->Finish();
}

absl::Status Syncer::SyncAttempt(const FamilyId& family, absl::Time deadline) {
  const FollowHooks no_hooks{[](ServerStream<v1::FollowResponse>*) {}, [] {}};
  for (int round = 1;; ++round) {
    const absl::Status pushed = Push(family, deadline);
    if (IsUnreachable(pushed)) return pushed;
    absl::Status followed = Follow(family, /*until_head=*/true, deadline, no_hooks);
    if (absl::IsAborted(followed)) {
      followed = Follow(family, /*until_head=*/true, deadline, no_hooks);
    }
    const bool push_again = absl::IsAborted(pushed) && round < kRoundsMax;
    if (!push_again) RETURN_IF_ERROR(pushed);
    RETURN_IF_ERROR(followed);
    if (push_again) continue;
    ASSIGN_OR_RETURN(const FamilyState state, replica_.FamilyStateOf(family));
    if (state.pending == 0 || round == kRoundsMax) return absl::OkStatus();
  }
}

void Syncer::RotateOldToken(const FamilyId& family, absl::Time deadline) {
  const absl::Duration age = FromProto(clock_.Read().wall()) - replica_.token_since();
  if (age < options_.token_age || replica_.settings().device_token.empty()) return;
  RotateToken(connection_, replica_, random_, family, CallDeadline(deadline)).IgnoreError();
}

bool Syncer::IsKnownAgain(const absl::Status& status, const FamilyId& family, absl::Time deadline) {
  return ReasonOf(status) == v1::ERROR_REASON_UNKNOWN_DEVICE &&
         AnnounceTokenAgain(connection_, replica_, family, CallDeadline(deadline)).ok();
}

absl::Status Syncer::SyncOnce(const FamilyId& family, absl::Time deadline) {
  Backoff backoff(options_.backoff, random_);
  absl::Duration waited;
  while (true) {
    RotateOldToken(family, deadline);
    absl::Status status = SyncAttempt(family, deadline);
    if (IsKnownAgain(status, family, deadline)) status = SyncAttempt(family, deadline);
    const absl::Duration delay = backoff.Next(status);
    waited += delay;
    if (!IsWorthRetrying(status) || waited > options_.patience || absl::Now() + delay >= deadline) {
      return status;
    }
    options_.sleep(delay);
  }
}

// One Run(): its thread holds the stream, a second one pushes.
class Syncer::Session final : public Replica::Observer {
 public:
  Session(Syncer& syncer, const FamilyId& family,
          const std::function<void(const SyncStatus&)>& on_status)
      : syncer_(syncer), family_(family), on_status_(on_status) {}

  void Run() {
    syncer_.replica_.AddObserver(this);
    TellStatus();
    std::thread pusher([this] { PushLoop(); });
    FollowLoop();
    pusher.join();
    syncer_.replica_.RemoveObserver(this);
  }

  void Stop() {
    absl::MutexLock lock(&mu_);
    stopped_ = true;
    if (stream_ != nullptr) stream_->Cancel();
  }

  void OnRecordsChanged(const FamilyId& family, const std::set<RecordId>& records) override {
    if (family == family_) Kick();
  }
  void OnFamilyChanged(const FamilyId& family) override {
    if (family == family_) TellStatus();
  }

 private:
  void FollowLoop() {
    Backoff backoff(syncer_.options_.backoff, syncer_.random_);
    while (!stopped()) {
      syncer_.RotateOldToken(family_, absl::InfiniteFuture());
      const absl::Status status =
          syncer_.Follow(family_, /*until_head=*/false, absl::InfiniteFuture(),
                         {[this](ServerStream<v1::FollowResponse>* stream) { SetStream(stream); },
                          [this, &backoff] {
                            backoff.Reset();
                            SetOnline(true, absl::OkStatus());
                          }});
      SetOnline(false, status);
      if (syncer_.IsKnownAgain(status, family_, absl::InfiniteFuture())) backoff.Reset();
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&stopped_), backoff.Next(status));
    }
  }

  void PushLoop() {
    Backoff backoff(syncer_.options_.backoff, syncer_.random_);
    while (true) {
      {
        absl::MutexLock lock(&mu_);
        mu_.Await(absl::Condition(this, &Session::HasWork));
        if (stopped_) return;
        kicked_ = false;
        hurried_ = false;
      }
      const absl::Status status = syncer_.Push(family_, absl::InfiniteFuture());
      {
        absl::MutexLock lock(&mu_);
        push_error_ = status;
      }
      TellStatus();
      if (status.ok()) {
        backoff.Reset();
        continue;
      }
      // Another tap must not hurry a server that is down; a stream that opens again does, also one
      // that opened while the push was on its way. Of a role, only its change makes another.
      const bool may_not = ReasonOf(status) == v1::ERROR_REASON_ROLE_NOT_ALLOWED;
      const absl::Duration delay = may_not ? absl::InfiniteDuration() : backoff.Next(status);
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(this, &Session::IsStoppedOrHurried), delay);
      kicked_ = true;
    }
  }

  bool HasWork() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) { return stopped_ || kicked_; }
  bool IsStoppedOrHurried() const ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_) {
    return stopped_ || hurried_;
  }

  bool stopped() {
    absl::MutexLock lock(&mu_);
    return stopped_;
  }

  void Kick() {
    absl::MutexLock lock(&mu_);
    kicked_ = true;
  }

  void SetStream(ServerStream<v1::FollowResponse>* stream) {
    absl::MutexLock lock(&mu_);
    stream_ = stream;
    if (stopped_ && stream_ != nullptr) stream_->Cancel();
  }

  void SetOnline(bool online, const absl::Status& error) {
    {
      absl::MutexLock lock(&mu_);
      if (online && !online_) hurried_ = true;
      online_ = online;
      stream_error_ = error;
    }
    TellStatus();
  }

  void TellStatus() {
    absl::MutexLock tell_lock(&tell_mu_);
    const absl::StatusOr<FamilyState> family = syncer_.replica_.FamilyStateOf(family_);
    SyncStatus status;
    bool may_not = false;
    {
      absl::MutexLock lock(&mu_);
      if (family.ok() && family->pairing.role() != std::exchange(role_, family->pairing.role())) {
        hurried_ = true;
      }
      may_not = ReasonOf(push_error_) == v1::ERROR_REASON_ROLE_NOT_ALLOWED;
      status.error = !family.ok()         ? family.status()
                     : stream_error_.ok() ? push_error_
                                          : stream_error_;
      status.state = !online_ ? SyncState::kOffline : SyncState::kSynced;
    }
    if (family.ok()) {
      if (family->needs_attention > 0) {
        status.state = SyncState::kNeedsAttention;
      } else if (!family->closed.empty()) {
        status.state = SyncState::kClosed;
      } else if (may_not && family->pending > 0) {
        status.state = SyncState::kNotShared;
      } else if (status.state == SyncState::kSynced && family->pending > 0) {
        status.state = SyncState::kSavedHere;
      }
    }
    if (told_.has_value() && told_->state == status.state && told_->error == status.error) return;
    told_ = status;
    on_status_(status);
  }

  Syncer& syncer_;
  const FamilyId family_;
  const std::function<void(const SyncStatus&)>& on_status_;

  // Held while the status is told; taken before mu_ and before the replica's locks.
  absl::Mutex tell_mu_;
  absl::optional<SyncStatus> told_ ABSL_GUARDED_BY(tell_mu_);

  absl::Mutex mu_;
  bool stopped_ ABSL_GUARDED_BY(mu_) = false;
  bool kicked_ ABSL_GUARDED_BY(mu_) = true;    // there may be something to push
  bool online_ ABSL_GUARDED_BY(mu_) = false;   // the open stream has brought a bookmark
  bool hurried_ ABSL_GUARDED_BY(mu_) = false;  // it did, or the role changed, since a push began
  v1::Role role_ ABSL_GUARDED_BY(mu_) = v1::ROLE_UNSPECIFIED;
  absl::Status stream_error_ ABSL_GUARDED_BY(mu_);
  absl::Status push_error_ ABSL_GUARDED_BY(mu_);
  ServerStream<v1::FollowResponse>* stream_ ABSL_GUARDED_BY(mu_) = nullptr;
};

void Syncer::Run(const FamilyId& family, const std::function<void(const SyncStatus&)>& on_status) {
  Session session(*this, family, on_status);
  {
    absl::MutexLock lock(&mu_);
    if (stopped_) return;
    sessions_.insert(&session);
  }
  session.Run();
  absl::MutexLock lock(&mu_);
  sessions_.erase(&session);
}

void Syncer::Stop() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
  for (Session* session : sessions_) session->Stop();
}

}  // namespace nightlog
