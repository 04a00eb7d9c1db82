#include "services/family_export.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "services/access.h"
#include "storage/core/errors.h"
#include "storage/core/exported_record.h"
#include "storage/core/planted_defect.h"
#include "storage/core/status_macros.h"
#include "storage/family_reader.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

// Records in one message, about.
constexpr size_t kMessageBytes = 64 << 10;

absl::Status ReadRecord(const FamilyReader& reader, const RecordId& id, v1::Record& record) {
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::StoredRecord> stored, reader.Record(id));
  if (stored.has_value() && RecordToExport(id.bytes(), *stored, record)) return absl::OkStatus();
  return DamagedRow();
}

}  // namespace

ExportStream::ExportStream(const Engine& engine, StreamRegistry& streams, const Clock& clock,
                           std::string token, const FamilyId& family, const DeviceId& device,
                           StreamWake wake)
    : engine_(engine),
      clock_(clock),
      token_(std::move(token)),
      family_(family),
      device_(device),
      event_(std::make_shared<Event>()),
      position_(FamilyStart(family)),
      last_position_(position_) {
  event_->wake = std::move(wake);
  StreamRegistry::Callbacks callbacks;
  callbacks.access_changed = [this](const FamilyId& changed) {
    if (changed == family_) Invalidate();
  };
  callbacks.token_exchanged = [this] { Invalidate(); };
  callbacks.received = [](uint64_t) {};
  registration_ = streams.Register(device, "", std::move(callbacks));
}

ExportStream::~ExportStream() {
  absl::MutexLock lock(&event_->mu);
  event_->wake = nullptr;
}

std::function<void(absl::Status)> ExportStream::OnEvent() const {
  return [event = event_](absl::Status status) {
    absl::MutexLock lock(&event->mu);
    event->status = std::move(status);
    if (event->wake) event->wake();
  };
}

ExportStream::Step ExportStream::Next() {
  absl::optional<absl::Status> recorded;
  {
    absl::MutexLock lock(&event_->mu);
    recorded = event_->status;
  }
  if (!recorded.has_value()) return Step();
  if (!recorded->ok()) {
    Step step;
    step.kind = Step::Kind::kEnd;
    step.status = *std::move(recorded);
    return step;
  }
  // The last message may have been dropped at the gate: it comes again.
  if (Revalidate() && !Planted("dropped_export_not_sent_again")) position_ = last_position_;
  Step step;
  auto message = std::make_shared<v1::ExportFamilyResponse>();
  step.status = Read(*message);
  if (step.status.ok() && message->records_size() > 0) step.message = std::move(message);
  step.kind = step.message != nullptr ? Step::Kind::kMessage : Step::Kind::kEnd;
  return step;
}

absl::Status ExportStream::Read(v1::ExportFamilyResponse& message) {
  const std::unique_ptr<ReadView> view = engine_.Snapshot();
  const FamilyReader reader(*view, family_);
  RETURN_IF_ERROR(CheckStreamToken(*view, token_));
  ASSIGN_OR_RETURN(const Access access, Authorize(reader, device_, clock_.Now()));
  RETURN_IF_ERROR(RequireAction(access, Action::kExportFamily));
  last_position_ = position_;
  size_t bytes = 0;
  absl::Status read;
  RETURN_IF_ERROR(reader.ScanFeed(position_, [&](absl::string_view key, const RecordId& id) {
    if (bytes >= kMessageBytes) return false;
    position_ = absl::StrCat(key, absl::string_view("\0", 1));  // the next key after it
    v1::Record& record = *message.add_records();
    read = ReadRecord(reader, id, record);
    bytes += record.ByteSizeLong();
    return read.ok();
  }));
  return read;
}

}  // namespace nightlog
