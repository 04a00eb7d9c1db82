#ifndef NIGHTLOG_SERVICES_OPTIONS_H_
#define NIGHTLOG_SERVICES_OPTIONS_H_

#include <functional>
#include <map>
#include <string>
#include <vector>

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
  int address_connections_max = 500;
  int device_calls_per_second = 20;
  int address_calls_per_second = 200;
  int address_pairings_per_minute = 6;
  int device_streams_max = 32;
  int address_streams_max = 1000;
  // Unset: if all that is listened at is loopback, and no proxy leads there.
  absl::optional<bool> open_registration;
  bool new_setup_code = false;
  // A file that gets the set-up link; empty: stdout does.
  std::string setup_link_file;
  bool new_lineage = false;
  std::string backup_dir;
  int backup_every_hours = 24;
  int backups_kept = 7;
  // Empty: metrics are not served.
  std::string metrics_listen;
  // text or json.
  std::string log_format = "text";
  int threads = 8;
  int drain_seconds = 10;
};

// A place to listen at. `host` has no brackets, even for IPv6.
struct ListenAddress {
  std::string host;
  int port = 0;
};

// From `HOST:PORT` or `[IPV6]:PORT`, the value of what errors call `name`, such as `--listen`.
// INVALID_ARGUMENT, with the cure, for anything else.
absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text, absl::string_view name);

// The same text again.
std::string FormatListenAddress(const ListenAddress& address);

// True for 127.0.0.0/8, ::1 and localhost: what no other machine can reach.
bool IsLoopback(const ListenAddress& address);

// True if whoever reaches the server may make a family. REQUIRES: the options are valid.
bool IsRegistrationOpen(const Options& options);

// What errors call a setting, by where its value comes from: `--threads`, `NIGHTLOG_THREADS` or
// `nightlogd.conf:3: threads`. One that is not here has its default, and is called by its flag.
using SettingNames = std::map<std::string, std::string, std::less<>>;

// OK, or INVALID_ARGUMENT with one sentence that says which setting is wrong and what would be
// right.
absl::Status ValidateOptions(const Options& options, const SettingNames& names = {});

// What a server that runs makes of settings that were read again.
struct Reload {
  // Those that hold from now on.
  Options options;
  // The names of the settings that differ: of those that apply at once, and of those that do only
  // at the next start.
  std::vector<std::string> applied;
  std::vector<std::string> need_restart;
};
Reload ReloadOptions(const Options& running, const Options& read);

// What a command line asks for.
struct CommandLine {
  Options options;
  // The file of settings; empty: none was named.
  std::string config;
  // What is no flag.
  std::vector<std::string> words;
  // --help is among the flags: `options` are the defaults, and not valid.
  bool help = false;
  // The same of --version.
  bool version = false;
};

// The value of a variable of the environment; nullptr where it is not set.
using Environment = std::function<const char*(const char* name)>;

// OK, or the error to give, for the words of a command line.
using WordsCheck = std::function<absl::Status(const std::vector<std::string>& words)>;

// Reads the settings: a flag `--name=value` (or `--name value`, or `--name` for true) goes before
// the variable NIGHTLOG_NAME, and that before the line `name = value` of the file that --config or
// NIGHTLOG_CONFIG names. Empty lines of the file, and lines that begin with #, say nothing. What
// asks for something once, such as --new_lineage, can only be a flag. The words are checked before
// any setting is, but for the names of flags: who mistypes a command hears of that.
//
// INVALID_ARGUMENT, with one sentence that names the flag, variable, or file and line, for a
// setting that does not exist, comes twice in one place, or is not valid; NOT_FOUND if there is no
// such file.
absl::StatusOr<CommandLine> ReadCommandLine(const std::vector<std::string>& arguments,
                                            const Environment& environment,
                                            const WordsCheck& check_words);

// What each setting means and what it is by default, for --help.
std::string DescribeSettings();

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_OPTIONS_H_
