#ifndef NIGHTLOG_SERVICES_OPTIONS_H_
#define NIGHTLOG_SERVICES_OPTIONS_H_

#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"

namespace nightlog {

// The settings of nightlogd; `nightlogd --help` says what each means.
struct Options {
  std::string data_dir;
  std::string listen = "127.0.0.1:7411";
  std::string tls_certificate;
  std::string tls_key;
  bool insecure_non_loopback = false;
  // Empty: browsers are not served.
  std::string web_listen;
  // The web app's directory; empty: no files are served.
  std::string web_root;
  // Where browsers reach it, by name or through a proxy; empty: at `web_listen` itself.
  std::string web_url;
  int web_connections_max = 10000;
  // Unset: if all that is listened at is loopback, and no proxy leads there.
  absl::optional<bool> open_registration;
  bool new_setup_code = false;
  bool new_lineage = false;
  std::string backup_dir;
  int backup_every_hours = 24;
  int backups_kept = 7;
  bool list_backups = false;
  // An id, `latest`, or empty: none is restored.
  std::string restore_backup;
  int threads = 8;
  int drain_seconds = 10;
};

// A place to listen at. `host` has no brackets, even for IPv6.
struct ListenAddress {
  std::string host;
  int port = 0;
};

// From `HOST:PORT` or `[IPV6]:PORT`, the value of `flag`. INVALID_ARGUMENT, with the cure, for
// anything else.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text, absl::string_view flag);

// The same text again.
std::string FormatListenAddress(const ListenAddress& address);

// True for 127.0.0.0/8, ::1 and localhost: what no other machine can reach.
bool IsLoopback(const ListenAddress& address);

// True if whoever reaches the server may make a family. REQUIRES: the options are valid.
bool IsRegistrationOpen(const Options& options);

// OK, or INVALID_ARGUMENT with one sentence that says which flag is wrong and what would be right.
absl::Status ValidateOptions(const Options& options);

// The flags of the command line, validated. Ends the process after --help and for flags that do not
// exist.
absl::StatusOr<Options> OptionsFromCommandLine(int argc, char* argv[]);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_OPTIONS_H_
