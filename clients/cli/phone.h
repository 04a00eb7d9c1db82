#ifndef NIGHTLOG_CLIENTS_CLI_PHONE_H_
#define NIGHTLOG_CLIENTS_CLI_PHONE_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "clients/cpp/connection.h"
#include "clients/cpp/device_clock.h"
#include "clients/cpp/replica.h"
#include "storage/core/random.h"

namespace nightlog::cli {

// What the words before and around the verb say about the phone.
struct PhoneOptions {
  std::string state_dir;
  absl::optional<std::string> server_address;  // nullopt: as remembered
  absl::optional<std::string> ca_file;
  absl::optional<std::string> family;  // nullopt: the only one
  bool offline = false;
  // Added to the machine's wall clock: a phone whose clock is wrong.
  absl::Duration clock_offset;
  bool json = false;
};

// One phone: a state directory, and the way from it to its server. Not thread-safe.
class Phone {
 public:
  // Opens the state directory, which is made where it is missing, and remembers the server if the
  // options name one. FAILED_PRECONDITION: another command uses the directory just now.
  static absl::StatusOr<std::unique_ptr<Phone>> Open(const PhoneOptions& options);

  const PhoneOptions& options() const { return options_; }
  Replica& replica() { return *replica_; }
  Random& random() { return random_; }
  // What the phone's wall clock shows.
  absl::Time Now() const;

  // The server. UNAVAILABLE: `--offline`. FAILED_PRECONDITION: no server was ever named.
  absl::StatusOr<Connection*> Connect();

  // The family that the command is about: that of `--family` (its name, or how its id begins), or
  // the only one. NOT_FOUND, INVALID_ARGUMENT, with a sentence for the person.
  absl::StatusOr<FamilyId> Family() const;

  // Pushes, and follows to the head. If access has ended, that is remembered (FamilyState.closed).
  absl::Status Sync(const FamilyId& family, absl::Duration timeout);

  // Saves what was tapped, tries a short sync, and prints `said` and what became of it: saved on
  // this phone and synced, or to be synced later. Each of `records` is told in JSON by its id.
  absl::Status Save(const FamilyId& family, absl::Span<const Tap> taps, const std::string& said,
                    const std::vector<RecordId>& records);

  // Lets other commands use the state directory while this one goes on without it. The connection
  // stays; replica() must not be called any more.
  void ReleaseReplica() { replica_.reset(); }

 private:
  explicit Phone(const PhoneOptions& options);

  const PhoneOptions options_;
  SystemRandom random_;
  const std::unique_ptr<DeviceClock> clock_;
  std::unique_ptr<Replica> replica_;
  std::unique_ptr<Connection> connection_;
};

// When a call to the server that a person waits for is given up.
absl::Time CallDeadline();

// True: the server cannot be reached now, which a later try may cure.
bool IsOffline(const absl::Status& status);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_PHONE_H_
