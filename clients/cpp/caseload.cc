#include "clients/cpp/caseload.h"

#include <utility>

#include "storage/core/planted_defect.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

// Errors that another try does not cure.
bool IsFinal(const absl::Status& status) {
  return absl::IsUnauthenticated(status) || absl::IsPermissionDenied(status) ||
         absl::IsInvalidArgument(status) || absl::IsUnimplemented(status) ||
         absl::IsFailedPrecondition(status);
}

}  // namespace

Caseload::Caseload(Connection& connection, Random& random, const BackoffOptions& backoff)
    : connection_(connection), random_(random), backoff_(backoff) {}

absl::Status Caseload::Run(Observer& observer) {
  Backoff backoff(backoff_, random_);
  while (true) {
    const absl::Status status = WatchOnce(observer, backoff);
    absl::MutexLock lock(&mu_);
    if (stopped_) return absl::OkStatus();
    if (IsFinal(status)) return status;
    mu_.AwaitWithTimeout(absl::Condition(&stopped_), backoff.Next(status));
    if (stopped_) return absl::OkStatus();
  }
}

void Caseload::Stop() {
  absl::MutexLock lock(&mu_);
  stopped_ = true;
  if (stream_ != nullptr) stream_->Cancel();
}

absl::Status Caseload::WatchOnce(Observer& observer, Backoff& backoff) {
  if (!Planted("caseload_goes_on_in_the_middle")) staged_.clear();
  v1::WatchRequest request;
  for (const auto& [id, family] : families_) {
    if (family.cursor.revision() == 0) continue;
    v1::KnownVersion& known = *request.add_known();
    known.set_family_id(id.str());
    *known.mutable_cursor() = family.cursor;
  }
  const std::unique_ptr<ServerStream<v1::WatchResponse>> stream =
      connection_.Watch(request, absl::InfiniteFuture());
  {
    absl::MutexLock lock(&mu_);
    stream_ = stream.get();
    if (stopped_) stream_->Cancel();
  }
  bool connected = false;
  v1::WatchResponse message;
  while (stream->Read(message)) {
    if (!connected) observer.OnConnection(absl::OkStatus());
    connected = true;
    backoff.Reset();
    if (FamilyId::IsId(message.family_id())) Apply(message, observer);
  }
  absl::Status status = stream->Finish();
  bool stopped;
  {
    absl::MutexLock lock(&mu_);
    stream_ = nullptr;
    stopped = stopped_;
  }
  if (!stopped)
    observer.OnConnection(status.ok() ? absl::UnavailableError("stream ended") : status);
  return status;
}

void Caseload::Apply(const v1::WatchResponse& message, Observer& observer) {
  const FamilyId id(message.family_id());
  if (message.has_left()) {
    staged_.erase(id);
    if (!Planted("caseload_remembers_who_left")) families_.erase(id);
    observer.OnFamilyLeft(id, message.left().message());
    return;
  }
  WatchedFamily& family = families_[id];
  if (message.has_joined()) {
    family.name = message.joined().name();
    family.role = message.joined().role();
  }
  Staged& staged = staged_[id];
  if (message.has_reset()) {
    staged.reset = true;
    staged.records.clear();
  }
  for (const v1::Record& record : message.records()) {
    if (RecordId::IsId(record.record_id())) staged.records[RecordId(record.record_id())] = record;
  }
  if (!message.has_bookmark()) return;
  std::set<RecordId> changed;
  if (staged.reset) {
    for (const auto& [record, wire] : family.records) {
      if (!Planted("caseload_does_not_tell_what_is_gone")) changed.insert(record);
    }
    if (!Planted("caseload_keeps_what_is_gone")) family.records.clear();
  }
  for (auto& [record, wire] : staged.records) {
    changed.insert(record);
    family.records[record] = std::move(wire);
  }
  family.cursor = message.bookmark().cursor();
  staged_.erase(id);
  observer.OnFamily(id, family, changed);
}

}  // namespace nightlog
