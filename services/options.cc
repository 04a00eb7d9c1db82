#include "services/options.h"

#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/flags/usage.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "storage/core/status_macros.h"

ABSL_FLAG(std::string, data_dir, nightlog::Options().data_dir,
          "Directory of the database; made where it is missing.");
ABSL_FLAG(std::string, listen, nightlog::Options().listen,
          "HOST:PORT to serve on; port 0 takes a free one.");
ABSL_FLAG(std::string, tls_certificate, nightlog::Options().tls_certificate,
          "PEM file with the certificate chain; goes with --tls_key.");
ABSL_FLAG(std::string, tls_key, nightlog::Options().tls_key,
          "PEM file with the private key; goes with --tls_certificate.");
ABSL_FLAG(bool, insecure_non_loopback, nightlog::Options().insecure_non_loopback,
          "Serve without TLS where other machines can reach it, such as behind a TLS proxy.");
ABSL_FLAG(std::string, web_listen, nightlog::Options().web_listen,
          "HOST:PORT to serve browsers on, with the same certificate; port 0 takes a free one; "
          "empty: none are served.");
ABSL_FLAG(std::string, web_root, nightlog::Options().web_root,
          "Directory of the built web app, which --web_listen serves; empty: no files.");
ABSL_FLAG(std::string, web_url, nightlog::Options().web_url,
          "Where browsers reach --web_listen by name or through a proxy, such as "
          "https://nightlog.example.org/; the set-up link begins so.");
ABSL_FLAG(int, web_connections_max, nightlog::Options().web_connections_max,
          "Most connections of browsers at once; 1 to 1000000. Each takes a file descriptor.");
ABSL_FLAG(absl::optional<bool>, open_registration, nightlog::Options().open_registration,
          "=true: whoever reaches the server may make a family; =false: only whoever has a set-up "
          "code. Otherwise it is open if all listens on loopback and there is no --web_url.");
ABSL_FLAG(bool, new_setup_code, nightlog::Options().new_setup_code,
          "Prints another set-up code for one more family; one that is not used yet is void.");
ABSL_FLAG(
    bool, new_lineage, nightlog::Options().new_lineage,
    "Give this once after putting back an older copy of --data_dir, or losing data: devices then "
    "push again what the store lacks. --restore_backup does it by itself.");
ABSL_FLAG(
    std::string, backup_dir, nightlog::Options().backup_dir,
    "Directory of the backups, on another disk if you can; empty: none are made. SIGUSR1 makes "
    "one at once.");
ABSL_FLAG(int, backup_every_hours, nightlog::Options().backup_every_hours,
          "How old the newest backup may get; 1 to 8760.");
ABSL_FLAG(int, backups_kept, nightlog::Options().backups_kept,
          "How many of the newest backups are kept; 1 to 1000.");
ABSL_FLAG(bool, list_backups, nightlog::Options().list_backups,
          "Lists and verifies what --backup_dir holds, and ends. Stop the server first.");
ABSL_FLAG(
    std::string, restore_backup, nightlog::Options().restore_backup,
    "Restores the backup of this id, or the `latest`, from --backup_dir into --data_dir, which "
    "must be empty, before serving. Devices then push again what it lacks.");
ABSL_FLAG(int, threads, nightlog::Options().threads, "Threads that read the disk; 1 to 256.");
ABSL_FLAG(int, drain_seconds, nightlog::Options().drain_seconds,
          "How long calls may go on after SIGTERM; 0 to 3600.");

namespace nightlog {
namespace {

absl::Status Require(bool holds, absl::string_view otherwise) {
  return holds ? absl::OkStatus() : absl::InvalidArgumentError(otherwise);
}

bool IsIpv4Loopback(absl::string_view host) {
  const std::vector<absl::string_view> parts = absl::StrSplit(host, '.');
  if (parts.size() != 4 || parts[0] != "127") return false;
  for (absl::string_view part : parts) {
    int number = 0;
    if (!absl::SimpleAtoi(part, &number) || number < 0 || number > 255) return false;
  }
  return true;
}

// An address that may be served, and if others can reach it, with TLS or knowingly without.
absl::Status ValidateListen(const Options& options, absl::string_view flag,
                            absl::string_view text) {
  ASSIGN_OR_RETURN(const ListenAddress address, ParseListenAddress(text, flag));
  return Require(
      IsLoopback(address) || !options.tls_certificate.empty() || options.insecure_non_loopback,
      absl::StrCat("--", flag, "=", text,
                   " can be reached by other machines; give --tls_certificate and --tls_key, or "
                   "say --insecure_non_loopback."));
}

}  // namespace

absl::StatusOr<ListenAddress> ParseListenAddress(absl::string_view text, absl::string_view flag) {
  const absl::Status malformed = absl::InvalidArgumentError(absl::StrCat(
      "--", flag, " is `", text, "`; give HOST:PORT, such as 127.0.0.1:7411 or [::1]:7411."));
  const size_t colon = text.rfind(':');
  if (colon == absl::string_view::npos) return malformed;
  absl::string_view host = text.substr(0, colon);
  const bool bracketed = absl::StartsWith(host, "[") && absl::EndsWith(host, "]");
  if (bracketed) host = host.substr(1, host.size() - 2);
  if (host.empty() || absl::StrContains(host, ':') != bracketed) return malformed;
  ListenAddress address;
  address.host = std::string(host);
  if (!absl::SimpleAtoi(text.substr(colon + 1), &address.port) || address.port < 0 ||
      address.port > 65535) {
    return malformed;
  }
  return address;
}

std::string FormatListenAddress(const ListenAddress& address) {
  const bool is_ipv6 = absl::StrContains(address.host, ':');
  return is_ipv6 ? absl::StrCat("[", address.host, "]:", address.port)
                 : absl::StrCat(address.host, ":", address.port);
}

bool IsLoopback(const ListenAddress& address) {
  return address.host == "localhost" || address.host == "::1" || IsIpv4Loopback(address.host);
}

bool IsRegistrationOpen(const Options& options) {
  if (options.open_registration.has_value()) return *options.open_registration;
  const auto is_loopback = [](const std::string& listen) {
    const absl::StatusOr<ListenAddress> address = ParseListenAddress(listen, "");
    return address.ok() && IsLoopback(*address);
  };
  return options.web_url.empty() && is_loopback(options.listen) &&
         (options.web_listen.empty() || is_loopback(options.web_listen));
}

absl::Status ValidateOptions(const Options& options) {
  RETURN_IF_ERROR(Require(!options.data_dir.empty(),
                          "--data_dir is missing; give the directory of the database."));
  RETURN_IF_ERROR(Require(options.tls_certificate.empty() == options.tls_key.empty(),
                          "--tls_certificate and --tls_key go together; give both or none."));
  RETURN_IF_ERROR(ValidateListen(options, "listen", options.listen));
  if (!options.web_listen.empty()) {
    RETURN_IF_ERROR(ValidateListen(options, "web_listen", options.web_listen));
  }
  RETURN_IF_ERROR(Require(options.web_root.empty() || !options.web_listen.empty(),
                          "--web_root needs --web_listen, where it is served."));
  RETURN_IF_ERROR(Require(options.web_url.empty() || !options.web_listen.empty(),
                          "--web_url needs --web_listen, which it leads to."));
  RETURN_IF_ERROR(
      Require(options.web_url.empty() || ((absl::StartsWith(options.web_url, "https://") ||
                                           absl::StartsWith(options.web_url, "http://")) &&
                                          absl::EndsWith(options.web_url, "/")),
              absl::StrCat("--web_url is `", options.web_url,
                           "`; give an address such as https://nightlog.example.org/.")));
  RETURN_IF_ERROR(
      Require(options.web_connections_max >= 1 && options.web_connections_max <= 1000000,
              "--web_connections_max must be 1 to 1000000."));
  RETURN_IF_ERROR(Require(
      !options.backup_dir.empty() || (!options.list_backups && options.restore_backup.empty()),
      "--backup_dir is missing; give the directory of the backups."));
  int id = 0;
  RETURN_IF_ERROR(Require(options.restore_backup.empty() || options.restore_backup == "latest" ||
                              (absl::SimpleAtoi(options.restore_backup, &id) && id > 0),
                          absl::StrCat("--restore_backup is `", options.restore_backup,
                                       "`; give an id that --list_backups shows, or `latest`.")));
  RETURN_IF_ERROR(Require(options.backup_every_hours >= 1 && options.backup_every_hours <= 8760,
                          "--backup_every_hours must be 1 to 8760."));
  RETURN_IF_ERROR(Require(options.backups_kept >= 1 && options.backups_kept <= 1000,
                          "--backups_kept must be 1 to 1000."));
  RETURN_IF_ERROR(
      Require(options.threads >= 1 && options.threads <= 256, "--threads must be 1 to 256."));
  return Require(options.drain_seconds >= 0 && options.drain_seconds <= 3600,
                 "--drain_seconds must be 0 to 3600.");
}

absl::StatusOr<Options> OptionsFromCommandLine(int argc, char* argv[]) {
  absl::SetProgramUsageMessage("serves the sleep logs of families. nightlogd --data_dir=DIR");
  const std::vector<char*> rest = absl::ParseCommandLine(argc, argv);
  if (rest.size() > 1) {
    return absl::InvalidArgumentError(
        absl::StrCat("`", rest[1], "` is not a flag; see nightlogd --help."));
  }
  Options options;
  options.data_dir = absl::GetFlag(FLAGS_data_dir);
  options.listen = absl::GetFlag(FLAGS_listen);
  options.tls_certificate = absl::GetFlag(FLAGS_tls_certificate);
  options.tls_key = absl::GetFlag(FLAGS_tls_key);
  options.insecure_non_loopback = absl::GetFlag(FLAGS_insecure_non_loopback);
  options.web_listen = absl::GetFlag(FLAGS_web_listen);
  options.web_root = absl::GetFlag(FLAGS_web_root);
  options.web_url = absl::GetFlag(FLAGS_web_url);
  options.web_connections_max = absl::GetFlag(FLAGS_web_connections_max);
  options.open_registration = absl::GetFlag(FLAGS_open_registration);
  options.new_setup_code = absl::GetFlag(FLAGS_new_setup_code);
  options.new_lineage = absl::GetFlag(FLAGS_new_lineage);
  options.backup_dir = absl::GetFlag(FLAGS_backup_dir);
  options.backup_every_hours = absl::GetFlag(FLAGS_backup_every_hours);
  options.backups_kept = absl::GetFlag(FLAGS_backups_kept);
  options.list_backups = absl::GetFlag(FLAGS_list_backups);
  options.restore_backup = absl::GetFlag(FLAGS_restore_backup);
  options.threads = absl::GetFlag(FLAGS_threads);
  options.drain_seconds = absl::GetFlag(FLAGS_drain_seconds);
  RETURN_IF_ERROR(ValidateOptions(options));
  return options;
}

}  // namespace nightlog
