#include "services/progress_service.h"

#include <deque>
#include <map>
#include <set>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "services/access.h"
#include "services/change_reader.h"
#include "services/sleep_deriver.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/planted_defect.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

constexpr int kNightsPageDefault = 30;

// Watchers see how the nights go; log entries go by Follow.
bool IsWatched(uint32_t kind) { return kind != kLogEntry || Planted("watch_sends_entries"); }

// One reader a family, and the families that may have something. A message is about one family.
class WatchStream final : public MessageStream<v1::WatchResponse> {
 public:
  using Step = StreamStep<v1::WatchResponse>;

  WatchStream(const Engine& engine, Feed& feed, const Clock& clock, const StreamLimits& limits,
              std::string token, const DeviceId& device, const v1::WatchRequest& request,
              StreamWake wake)
      : engine_(engine),
        feed_(feed),
        clock_(clock),
        limits_(limits),
        token_(std::move(token)),
        device_(device),
        wake_(std::move(wake)) {
    for (const v1::KnownVersion& known : request.known()) {
      if (Planted("known_version_taken_for_the_newest")) break;
      known_[FamilyId(known.family_id())] = known.cursor();
    }
  }

  // Puts every family in question into view: those of the device, and those it says it knows.
  void Start(StreamRegistry& streams, const std::vector<FamilyId>& families) {
    StreamRegistry::Callbacks callbacks;
    callbacks.access_changed = [this](const FamilyId& family) {
      {
        absl::MutexLock lock(&mu_);
        changed_.insert(family);
      }
      Invalidate();
      wake_();
    };
    callbacks.token_exchanged = [this] {
      Invalidate();
      wake_();
    };
    callbacks.received = [](uint64_t) {};
    registration_ = streams.Register(device_, "", std::move(callbacks));
    for (const FamilyId& family : families) Open(family);
    for (const auto& [family, cursor] : known_) Open(family);
  }

  Step Next() override {
    if (Revalidate()) {
      Step step;
      step.status = CheckStreamToken(*engine_.Snapshot(), token_);
      if (!step.status.ok()) {
        step.kind = Step::Kind::kEnd;
        return step;
      }
      // The last message may have been dropped at the gate.
      std::set<FamilyId> changed;
      {
        absl::MutexLock lock(&mu_);
        changed.swap(changed_);
      }
      for (const FamilyId& family : changed) {
        if (!Planted("family_let_in_again_not_watched")) Open(family);
      }
      if (last_left_.has_value() && !Planted("dropped_goodbye_not_sent_again")) {
        Open(*last_left_);
        families_.at(*last_left_)->in_view = true;
      }
      if (last_ != nullptr && !Planted("dropped_message_of_another_family_not_sent_again")) {
        changed.insert(last_->reader.family());
      }
      for (const FamilyId& family : changed) {
        const auto it = families_.find(family);
        if (it == families_.end()) continue;
        it->second->reader.StartOver();
        // Its time may have come, by a clock that was set back since.
        it->second->end = absl::InfiniteFuture();
        if (!Planted("dropped_welcome_not_sent_again")) it->second->joined = false;
        MarkDirty(family);
      }
    }
    last_left_.reset();
    while (Family* family = NextDirty()) {
      // Taken after the mark: a commit that this view lacks marks the family again.
      const std::unique_ptr<ReadView> view = engine_.Snapshot();
      Step step = Read(*view, *family);
      if (step.kind != Step::Kind::kWait) return step;
    }
    return Step();
  }

 private:
  struct Family {
    Family(const FamilyId& id, const DeviceId& device, const v1::Cursor& cursor)
        : reader(id, device, cursor, IsWatched) {}
    ChangeReader reader;
    // The device was told of the family: since it was last started over, and ever.
    bool joined = false;
    bool in_view = false;
    // What the registry knows of the end of access.
    absl::Time end = absl::InfiniteFuture();
    std::unique_ptr<Feed::Subscription> subscription;
  };

  void Open(const FamilyId& id) {
    if (families_.count(id) > 0) return;
    const auto known = known_.find(id);
    auto family =
        std::make_unique<Family>(id, device_, known == known_.end() ? v1::Cursor() : known->second);
    family->subscription = feed_.Subscribe(id, [this, id] {
      MarkDirty(id);
      wake_();
    });
    families_.emplace(id, std::move(family));
    MarkDirty(id);
  }

  void MarkDirty(const FamilyId& id) {
    absl::MutexLock lock(&mu_);
    if (dirty_.insert(id).second) dirty_order_.push_back(id);
  }

  // The family that has waited longest; null if none may have something.
  Family* NextDirty() {
    absl::MutexLock lock(&mu_);
    while (!dirty_order_.empty()) {
      const FamilyId id = dirty_order_.front();
      dirty_order_.pop_front();
      dirty_.erase(id);
      const auto it = families_.find(id);
      if (it != families_.end()) return it->second.get();
    }
    return nullptr;
  }

  // The next message about the family; kWait if there is none.
  Step Read(const ReadView& view, Family& family) {
    const FamilyId id = family.reader.family();
    Step step;
    auto message = std::make_shared<v1::WatchResponse>();
    message->set_family_id(id.str());
    absl::StatusOr<ChangeReader::Part> part =
        family.reader.Next(view, clock_.Now(), limits_.message_bytes);
    if (!part.ok() && ReasonOf(part.status()) != v1::ERROR_REASON_NO_ACCESS) {
      step.kind = Step::Kind::kEnd;
      step.status = part.status();
      return step;
    }
    if (!part.ok()) {
      const bool in_view = family.in_view || known_.count(id) > 0;
      last_ = nullptr;
      families_.erase(id);
      known_.erase(id);
      if (!in_view || Planted("watcher_not_told_that_a_family_left")) return step;
      last_left_ = id;
      message->mutable_left()->set_message(std::string(part.status().message()));
    } else {
      const absl::Time end = family.reader.access_until();
      if (end != std::exchange(family.end, end)) registration_->SetEnd(id, end);
      if (part->message == nullptr && family.joined) return step;
      if (!family.joined) Join(view, id, *message);
      family.joined = family.in_view = true;
      last_ = &family;
      if (part->message != nullptr) {
        if (part->message->has_reset()) *message->mutable_reset() = part->message->reset();
        *message->mutable_records() = part->message->records();
        if (part->message->has_bookmark()) *message->mutable_bookmark() = part->message->bookmark();
      }
      MarkDirty(id);  // there may be more
    }
    step.kind = Step::Kind::kMessage;
    step.message = std::move(message);
    return step;
  }

  void Join(const ReadView& view, const FamilyId& id, v1::WatchResponse& message) const {
    const FamilyReader reader(view, id);
    const auto head = reader.Head();
    const auto access = Authorize(reader, device_, clock_.Now());
    v1::FamilyJoined& joined = *message.mutable_joined();
    if (head.ok() && head->has_value()) joined.set_name((*head)->name());
    if (access.ok()) joined.set_role(access->role);
  }

  const Engine& engine_;
  Feed& feed_;
  const Clock& clock_;
  const StreamLimits limits_;
  const std::string token_;
  const DeviceId device_;
  const StreamWake wake_;
  // Used by Next() only.
  std::map<FamilyId, v1::Cursor> known_;
  // The family of the last message, whose fate at the gate is not known; where that message said
  // that the family left, its id.
  Family* last_ = nullptr;
  absl::optional<FamilyId> last_left_;

  absl::Mutex mu_;
  std::set<FamilyId> dirty_ ABSL_GUARDED_BY(mu_);
  std::deque<FamilyId> dirty_order_ ABSL_GUARDED_BY(mu_);
  // Families whose access changed since the last Next().
  std::set<FamilyId> changed_ ABSL_GUARDED_BY(mu_);

  // Last, so that they go first: no callback comes after.
  std::map<FamilyId, std::unique_ptr<Family>> families_;
  std::unique_ptr<StreamRegistry::Registration> registration_;
};

// The caller's access to a family, for reading progress.
absl::StatusOr<Access> AuthorizeReading(const FamilyReader& reader, const ReadView& view,
                                        const std::string& token, absl::Time now) {
  ASSIGN_OR_RETURN(const DeviceId device, Authenticate(view, token));
  ASSIGN_OR_RETURN(Access access, Authorize(reader, device, now));
  RETURN_IF_ERROR(RequireAction(access, Action::kReadProgress));
  return access;
}

absl::Status RequireChild(const FamilyReader& reader, const RecordId& child) {
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredRecord> record, reader.Record(child));
  if (record.has_value() && record->kind() == kChild) return absl::OkStatus();
  return MakeError(absl::StatusCode::kNotFound, v1::ERROR_REASON_NOT_FOUND,
                   "There is no such child in this family.", {{"child", child.hex()}});
}

}  // namespace

absl::StatusOr<std::unique_ptr<MessageStream<v1::WatchResponse>>> ProgressService::Watch(
    const std::string& token, const v1::WatchRequest& request, StreamWake wake) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  ASSIGN_OR_RETURN(const DeviceId device, Authenticate(*view, token));
  ASSIGN_OR_RETURN(const std::vector<FamilyId> families, FamiliesOfDevice(*view, device));
  auto stream = std::make_unique<WatchStream>(engine_, feed_, clock_, limits_, token, device,
                                              request, std::move(wake));
  stream->Start(streams_, families);
  // Before, it could not be told.
  RETURN_IF_ERROR(CheckStreamToken(*engine_.Snapshot(), token));
  return stream;
}

absl::StatusOr<v1::GetProgressResponse> ProgressService::GetProgress(
    const std::string& token, const v1::GetProgressRequest& request) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  const FamilyReader reader(*view, FamilyId(request.family_id()));
  RETURN_IF_ERROR(AuthorizeReading(reader, *view, token, clock_.Now()).status());
  const RecordId child(request.child_id());
  RETURN_IF_ERROR(RequireChild(reader, child));
  v1::GetProgressResponse response;
  response.mutable_progress()->set_child_id(child.str());
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredRecord> record,
                   reader.Record(ProgressId(child)));
  if (record.has_value()) RETURN_IF_ERROR(ParseRow(record->body(), *response.mutable_progress()));
  return response;
}

absl::StatusOr<v1::ListNightsResponse> ProgressService::ListNights(
    const std::string& token, const v1::ListNightsRequest& request) const {
  RETURN_IF_ERROR(ValidateRequest(request));
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  const FamilyReader reader(*view, FamilyId(request.family_id()));
  RETURN_IF_ERROR(AuthorizeReading(reader, *view, token, clock_.Now()).status());
  const RecordId child(request.child_id());
  RETURN_IF_ERROR(RequireChild(reader, child));

  // The page token is the date before which to go on.
  std::string limit = PrefixLimit(NightIndexPrefix(child));
  if (!request.page_token().empty()) {
    limit = NightIndexKey(child, request.page_token());
  } else if (!request.last_night().empty()) {
    limit = Planted("last_night_left_out")
                ? NightIndexKey(child, request.last_night())
                : PrefixLimit(NightIndexKey(child, request.last_night()));
  }
  const int page_size = request.page_size() > 0 ? request.page_size() : kNightsPageDefault;
  v1::ListNightsResponse response;
  absl::Status damaged;
  RETURN_IF_ERROR(reader.ScanIndex(
      NightIndexKey(child, Planted("first_night_ignored") ? "" : request.first_night()), limit,
      ScanOrder::kDescending, [&](absl::string_view, const RecordId& id) {
        if (response.nights_size() == page_size) {
          response.set_next_page_token(response.nights(page_size - 1).date());
          return false;
        }
        auto record = reader.Record(id);
        damaged = !record.ok()          ? record.status()
                  : record->has_value() ? ParseRow((*record)->body(), *response.add_nights())
                                        : DamagedRow();
        return damaged.ok();
      }));
  RETURN_IF_ERROR(damaged);
  return response;
}

}  // namespace nightlog
