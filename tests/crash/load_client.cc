// load_client: a phone that taps and syncs without end, for kill_test.py, which kills it now and
// then. Everything is a word on the command line, and each line on stdout is written at once:
//
//   load_client STATE HOST:PORT SEED create      makes a family; says `invite CODE`
//   load_client STATE HOST:PORT SEED join CODE   joins one
//   load_client STATE HOST:PORT SEED load        taps and syncs until stdin ends
//       saving ID, then saved ID    a tap on that record is about to be, and is durable here
//       synced                      all that was saved so far is acknowledged
//   load_client STATE HOST:PORT SEED report      syncs, then says
//       state LINEAGE REVISION HASH                   as this phone has it
//       server LINEAGE REVISION HASH                  as the server says it is
//       left PENDING NEEDS_ATTENTION RESYNCS
//       record ID COMMITS                             for each log entry, from the server's journal

#include <poll.h>

#include <cstdint>
#include <cstdio>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "clients/cpp/device_clock.h"
#include "clients/cpp/grpc_connection.h"
#include "clients/cpp/pairing.h"
#include "clients/cpp/replica.h"
#include "clients/cpp/sync.h"
#include "clients/cpp/tap.h"
#include "storage/core/proto_time.h"
#include "storage/core/random.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog {
namespace {

constexpr absl::Duration kCallTimeout = absl::Seconds(5);
constexpr absl::Duration kSyncTimeout = absl::Seconds(10);
constexpr absl::Duration kReportTimeout = absl::Minutes(2);
constexpr BackoffOptions kBackoff = {absl::Milliseconds(10), absl::Milliseconds(200)};

void Say(const std::string& line) {
  std::printf("%s\n", line.c_str());
  std::fflush(stdout);
}

bool StdinEnded() {
  pollfd input = {0, POLLIN, 0};
  return ::poll(&input, 1, 0) != 0;
}

class LoadClient {
 public:
  LoadClient(std::unique_ptr<Replica> replica, const SystemDeviceClock& clock, uint64_t seed)
      : replica_(std::move(replica)), clock_(clock), dice_(seed) {}

  absl::Status Connect(const std::string& address) {
    GrpcConnectionOptions options;
    options.address = address;
    options.device_token = replica_->settings().device_token;
    options.backoff = kBackoff;
    ASSIGN_OR_RETURN(connection_, MakeGrpcConnection(options, random_));
    return absl::OkStatus();
  }

  absl::Status Create() {
    v1::CreateFamilyRequest request;
    request.set_family_name("the owls");
    request.set_member_name("Alex");
    request.set_device_name("Alex's phone");
    ASSIGN_OR_RETURN(const FamilyId family, CreateFamily(*connection_, *replica_, random_, request,
                                                         Deadline(kReportTimeout)));
    v1::CreateInviteRequest invite;
    invite.set_family_id(family.str());
    invite.set_role(v1::ROLE_CAREGIVER);
    ASSIGN_OR_RETURN(const v1::CreateInviteResponse response,
                     connection_->CreateInvite(invite, Deadline(kReportTimeout)));
    Say("invite " + response.code());
    return absl::OkStatus();
  }

  absl::Status Join(const std::string& code) {
    v1::JoinRequest request;
    request.set_code(code);
    request.set_member_name("Sam");
    request.set_device_name("Sam's phone");
    return JoinFamily(*connection_, *replica_, random_, request, Deadline(kReportTimeout)).status();
  }

  absl::Status Load() {
    const FamilyId family = replica_->Families().at(0);
    while (!StdinEnded()) {
      for (uint64_t taps = UpTo(4); taps > 0; --taps) RETURN_IF_ERROR(TapOnce(family));
      const absl::Status synced = Sync(family, kSyncTimeout);
      if (synced.ok()) {
        Say("synced");
      } else if (!absl::IsUnavailable(synced) && !absl::IsDeadlineExceeded(synced)) {
        return synced;
      }
    }
    return absl::OkStatus();
  }

  absl::Status Report() {
    const FamilyId family = replica_->Families().at(0);
    RETURN_IF_ERROR(Sync(family, kReportTimeout));
    ASSIGN_OR_RETURN(const FamilyState state, replica_->FamilyStateOf(family));
    SayState("state", state.cursor, state.state_hash);
    ASSIGN_OR_RETURN(v1::FollowRequest follow, replica_->NextFollow(family));
    follow.set_until_head(true);
    const auto stream = connection_->Follow(follow, Deadline(kReportTimeout));
    v1::FollowResponse response;
    while (stream->Read(response)) {
      if (!response.has_bookmark()) continue;
      SayState("server", response.bookmark().cursor(), response.bookmark().state_hash());
    }
    RETURN_IF_ERROR(stream->Finish());
    Say(absl::StrCat("left ", state.pending, " ", state.needs_attention, " ", state.resyncs));
    ASSIGN_OR_RETURN(const std::vector<ShownRecord> entries, replica_->List(family, kLogEntry));
    for (const ShownRecord& entry : entries) {
      v1::ListHistoryRequest history;
      history.set_family_id(family.str());
      history.set_record_id(entry.record.record_id());
      history.set_page_size(200);
      ASSIGN_OR_RETURN(const v1::ListHistoryResponse commits,
                       connection_->ListHistory(history, Deadline(kReportTimeout)));
      Say(absl::StrCat("record ", absl::BytesToHexString(entry.record.record_id()), " ",
                       commits.items_size()));
    }
    return absl::OkStatus();
  }

 private:
  static absl::Time Deadline(absl::Duration timeout) { return absl::Now() + timeout; }

  static void SayState(const char* whose, const v1::Cursor& cursor, const std::string& hash) {
    Say(absl::StrCat(whose, " ", absl::BytesToHexString(cursor.lineage()), " ", cursor.revision(),
                     " ", absl::BytesToHexString(hash)));
  }

  uint64_t UpTo(uint64_t most) { return dice_() % (most + 1); }

  // A new entry in one of many nights, or another text for one that this process made.
  absl::Status TapOnce(const FamilyId& family) {
    Tap tap;
    v1::LogEntry entry;
    entry.set_text(absl::StrCat("a note ", UpTo(1'000'000)));
    RecordId record;
    if (!made_.empty() && UpTo(3) == 0) {
      record = made_[UpTo(made_.size() - 1)];
    } else {
      record = MakeRecordId(absl::Now(), random_);
      entry.set_child_id(family.str());
      entry.mutable_detail()->mutable_awake();
      *entry.mutable_interval()->mutable_began_at() =
          ToProto(absl::FromUnixSeconds(1'767'297'600) + absl::Minutes(UpTo(400 * 24 * 60)));
      entry.mutable_interval()->set_zone("Europe/London");
      made_.push_back(record);
    }
    tap.Set(record, entry);
    Say("saving " + record.hex());
    RETURN_IF_ERROR(replica_->Write(family, tap));
    Say("saved " + record.hex());
    return absl::OkStatus();
  }

  absl::Status Sync(const FamilyId& family, absl::Duration timeout) {
    SyncOptions options;
    options.backoff = kBackoff;
    options.call_timeout = kCallTimeout;
    Syncer syncer(*replica_, *connection_, clock_, random_, options);
    return syncer.SyncOnce(family, Deadline(timeout));
  }

  const std::unique_ptr<Replica> replica_;
  const SystemDeviceClock& clock_;
  std::mt19937_64 dice_;
  SystemRandom random_;
  std::unique_ptr<Connection> connection_;
  std::vector<RecordId> made_;
};

absl::Status Run(const std::vector<std::string>& words) {
  uint64_t seed = 0;
  if (words.size() < 4 || !absl::SimpleAtoi(words[2], &seed)) {
    return absl::InvalidArgumentError("give STATE HOST:PORT SEED and what to do");
  }
  const SystemDeviceClock clock;
  ASSIGN_OR_RETURN(std::unique_ptr<Replica> replica, Replica::Open(words[0], clock));
  LoadClient client(std::move(replica), clock, seed);
  RETURN_IF_ERROR(client.Connect(words[1]));
  if (words[3] == "create") return client.Create();
  if (words[3] == "join" && words.size() == 5) return client.Join(words[4]);
  if (words[3] == "load") return client.Load();
  if (words[3] == "report") return client.Report();
  return absl::InvalidArgumentError("say create, join CODE, load or report");
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) {
  const absl::Status status = nightlog::Run({argv + 1, argv + argc});
  if (status.ok()) return 0;
  std::fprintf(stderr, "load_client: %s\n", status.ToString().c_str());
  return 1;
}
