#include "clients/cli/phone.h"

#include <iostream>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "clients/cpp/grpc_connection.h"
#include "clients/cpp/sync.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// How long a person waits after a tap for the word "synced".
constexpr absl::Duration kSaveSyncTimeout = absl::Seconds(3);
constexpr absl::Duration kCallTimeout = absl::Seconds(10);
// How long a server that is not reached is waited for.
constexpr absl::Duration kPatience = absl::Seconds(5);

// The machine's clocks, with the wall clock set wrong by an offset.
class OffsetClock final : public DeviceClock {
 public:
  explicit OffsetClock(absl::Duration offset) : offset_(offset) {}

  v1::ClockReading Read() const override {
    v1::ClockReading reading = machine_.Read();
    *reading.mutable_wall() = ToProto(FromProto(reading.wall()) + offset_);
    return reading;
  }

 private:
  const SystemDeviceClock machine_;
  const absl::Duration offset_;
};

}  // namespace

absl::Time CallDeadline() { return absl::Now() + kCallTimeout; }

bool IsOffline(const absl::Status& status) {
  return absl::IsUnavailable(status) || absl::IsDeadlineExceeded(status);
}

Phone::Phone(const PhoneOptions& options)
    : options_(options), clock_(std::make_unique<OffsetClock>(options.clock_offset)) {}

absl::StatusOr<std::unique_ptr<Phone>> Phone::Open(const PhoneOptions& options) {
  std::unique_ptr<Phone> phone(new Phone(options));
  ASSIGN_OR_RETURN(phone->replica_, Replica::Open(options.state_dir, *phone->clock_));
  DeviceSettings settings = phone->replica_->settings();
  if (options.server_address.has_value()) settings.server_address = *options.server_address;
  if (options.ca_file.has_value()) settings.ca_file = *options.ca_file;
  if (options.server_address.has_value() || options.ca_file.has_value()) {
    RETURN_IF_ERROR(phone->replica_->SetSettings(settings));
  }
  return phone;
}

absl::Time Phone::Now() const { return FromProto(clock_->Read().wall()); }

absl::StatusOr<Connection*> Phone::Connect() {
  if (options_.offline) {
    return absl::UnavailableError("--offline was said");
  }
  if (connection_ == nullptr) {
    const DeviceSettings settings = replica_->settings();
    if (settings.server_address.empty()) {
      return absl::FailedPreconditionError(
          "this phone knows no server yet; name it with --server HOST:PORT");
    }
    GrpcConnectionOptions connection;
    connection.address = settings.server_address;
    connection.ca_file = settings.ca_file;
    connection.device_token = settings.device_token;
    connection.sleep = [](absl::Duration duration) { absl::SleepFor(duration); };
    ASSIGN_OR_RETURN(connection_, MakeGrpcConnection(connection, random_));
  }
  return connection_.get();
}

absl::StatusOr<FamilyId> Phone::Family() const {
  std::vector<FamilyId> fitting;
  std::vector<std::string> names;
  for (const FamilyId& family : replica_->Families()) {
    ASSIGN_OR_RETURN(const FamilyState state, replica_->FamilyStateOf(family));
    names.push_back(state.pairing.family_name());
    if (!options_.family.has_value() || *options_.family == state.pairing.family_name() ||
        absl::StartsWith(family.hex(), *options_.family)) {
      fitting.push_back(family);
    }
  }
  if (names.empty()) {
    return absl::NotFoundError(
        "this phone is in no family yet; make one with 'family create' or 'join' one by a code");
  }
  if (fitting.empty()) {
    return absl::NotFoundError(absl::StrCat("there is no family '", *options_.family,
                                            "' on this phone, only ", absl::StrJoin(names, ", ")));
  }
  if (fitting.size() > 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "say which family with --family; on this phone are ", absl::StrJoin(names, ", ")));
  }
  return fitting[0];
}

absl::Status Phone::Sync(const FamilyId& family, absl::Duration timeout) {
  ASSIGN_OR_RETURN(Connection* const connection, Connect());
  SyncOptions sync_options;
  sync_options.patience = kPatience;
  Syncer syncer(*replica_, *connection, *clock_, random_, sync_options);
  const absl::Status status = syncer.SyncOnce(family, absl::Now() + timeout);
  const v1::ErrorReason reason = ReasonOf(status);
  if (reason == v1::ERROR_REASON_NO_ACCESS || reason == v1::ERROR_REASON_UNKNOWN_DEVICE) {
    RETURN_IF_ERROR(replica_->SetClosed(family, std::string(status.message())));
  } else if (reason == v1::ERROR_REASON_ROLE_NOT_ALLOWED) {
    ASSIGN_OR_RETURN(const FamilyState state, replica_->FamilyStateOf(family));
    return MakeError(status.code(), reason, NotSharedInWords(state.pending));
  }
  return status;
}

absl::Status Phone::Save(const FamilyId& family, absl::Span<const Tap> taps,
                         const std::string& said, const std::vector<RecordId>& records) {
  RETURN_IF_ERROR(replica_->Write(family, taps));
  ASSIGN_OR_RETURN(const FamilyState before, replica_->FamilyStateOf(family));
  const absl::Status synced =
      options_.offline ? absl::UnavailableError("") : Sync(family, kSaveSyncTimeout);
  ASSIGN_OR_RETURN(const FamilyState after, replica_->FamilyStateOf(family));
  const bool refused = after.needs_attention > before.needs_attention;
  if (options_.json) {
    std::vector<std::string> ids;
    for (const RecordId& record : records) ids.push_back(absl::StrCat("\"", record.hex(), "\""));
    std::cout << JsonObject()
                     .AddJson("record_ids", JsonList(ids))
                     .Add("synced", synced.ok())
                     .Add("needs_attention", refused)
                     .str()
              << "\n";
    return absl::OkStatus();
  }
  std::cout << said << "\nsaved on this phone; ";
  if (refused) {
    std::cout << "the server did not take it: see 'nightlog needs-attention'\n";
  } else if (synced.ok()) {
    std::cout << "synced\n";
  } else if (IsOffline(synced)) {
    std::cout << "will sync later\n";
  } else {
    std::cout << "not synced: " << ErrorInWords(synced) << "\n";
  }
  return absl::OkStatus();
}

}  // namespace nightlog::cli
