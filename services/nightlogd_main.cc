// nightlogd: serves the sleep logs of families from one directory until SIGTERM or SIGINT.
//
// SIGHUP makes it read its settings file again, SIGUSR1 makes a backup. Its log is on stderr; where
// it serves, and a set-up link, on stdout. Exit codes: 0 after a drain; 1 if it cannot start, with
// one line that says why; 70 if the disk failed, where only a new start can tell what is on it.

#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "services/access.h"
#include "services/call_limits.h"
#include "services/executor.h"
#include "services/family_service.h"
#include "services/grpc_door.h"
#include "services/invite_code.h"
#include "services/log.h"
#include "services/methods.h"
#include "services/metrics.h"
#include "services/metrics_endpoint.h"
#include "services/observed_methods.h"
#include "services/options.h"
#include "services/progress_service.h"
#include "services/server.h"
#include "services/service_manager.h"
#include "services/setup_code.h"
#include "services/sleep_deriver.h"
#include "services/stream_registry.h"
#include "services/sync_service.h"
#include "services/tls.h"
#include "services/web_gateway.h"
#include "storage/backup.h"
#include "storage/column_families.h"
#include "storage/committer.h"
#include "storage/core/clock.h"
#include "storage/core/ids.h"
#include "storage/core/random.h"
#include "storage/core/status_macros.h"
#include "storage/core/version.h"
#include "storage/engine/rocksdb_backups.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/feed.h"
#include "storage/purge.h"
#include "storage/store.h"

namespace nightlog {
namespace {

constexpr size_t kExecutorQueueMax = 4096;
constexpr int kExitStorageFailed = 70;
// Streams that go on, after a commit, on the committer's own thread: about those of one family.
constexpr size_t kStreamStepsOfCommitter = 2;
// What is kept of families that were just written to: of some thousand that tap through a night.
constexpr size_t kRememberedBytesMax = 128 << 20;

// Blocked before any thread starts, so that only WaitForStop() takes them.
sigset_t BlockSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  sigaddset(&signals, SIGUSR1);
  sigaddset(&signals, SIGHUP);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

// Under nohup, SIGHUP is.
bool IsIgnored(int signal_number) {
  struct sigaction action = {};
  return sigaction(signal_number, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

// A connection takes a file descriptor each, and the usual limit is low for the sake of programs
// that use select().
void RaiseDescriptorLimit() {
  rlimit limit = {};
  if (getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  limit.rlim_cur = limit.rlim_max;
  setrlimit(RLIMIT_NOFILE, &limit);
}

// How often the server looks at itself, and how long one batch may take until it is not well: no
// disk that works needs this long.
constexpr timespec kLook = {1, 0};
constexpr absl::Duration kBatchMax = absl::Seconds(10);

// Returns at SIGTERM or SIGINT. At SIGUSR1 calls `back_up`; at SIGHUP `reload`, which says whether
// to go on. Calls `look` again and again.
void WaitForStop(const sigset_t& signals, absl::FunctionRef<void()> back_up,
                 absl::FunctionRef<bool()> reload, absl::FunctionRef<void()> look) {
  for (;;) {
    const int signal_number = sigtimedwait(&signals, nullptr, &kLook);
    if (signal_number == SIGTERM || signal_number == SIGINT) return;
    if (signal_number == SIGUSR1) back_up();
    if (signal_number == SIGHUP && !reload()) return;
    look();
  }
}

LogFormat LogFormatOf(const Options& options) {
  return options.log_format == "json" ? LogFormat::kJson : LogFormat::kText;
}

CallLimitOptions CallLimitsOf(const Options& options) {
  return {options.device_calls_per_second, options.address_calls_per_second,
          options.address_pairings_per_minute, options.device_streams_max,
          options.address_streams_max};
}

// Says how to make the first family, or one more: in a file of its owner's, or on stdout.
absl::Status TellSetupLink(const Options& options, const std::string& link) {
  if (options.setup_link_file.empty()) {
    std::printf("set up: %s\n", link.c_str());
    return absl::OkStatus();
  }
  // What is there may be open for others.
  unlink(options.setup_link_file.c_str());
  const int fd = open(options.setup_link_file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
                      S_IRUSR | S_IWUSR);
  const std::string line = link + "\n";
  const bool written = fd >= 0 &&
                       write(fd, line.data(), line.size()) == static_cast<ssize_t>(line.size()) &&
                       fsync(fd) == 0;
  if (fd >= 0) close(fd);
  if (written) return absl::OkStatus();
  return absl::UnavailableError(
      absl::StrCat("cannot write --setup_link_file=", options.setup_link_file,
                   "; give a file in a directory that can be written."));
}

// True while the store takes writes.
bool IsProgressing(const Committer& committer) { return committer.LongestBatch() < kBatchMax; }

// What is read at the moment somebody looks.
std::vector<GaugeReading> GaugesOf(const RocksdbEngine& engine, const Committer& committer,
                                   absl::Time started) {
  std::vector<GaugeReading> readings;
  readings.push_back({"start_timestamp_seconds", "When this process started to serve",
                      static_cast<double>(absl::ToUnixSeconds(started))});
  readings.push_back({"serving", "1 while the store takes writes, as health says",
                      IsProgressing(committer) ? 1.0 : 0.0});
  readings.push_back(
      {"commit_under_way_seconds",
       "How long the longest batch now has been under way; it grows if the disk hangs",
       absl::ToDoubleSeconds(committer.LongestBatch())});
  for (const RocksdbEngine::Property& property : engine.Properties()) {
    readings.push_back({absl::StrCat("rocksdb_", property.name), property.help,
                        static_cast<double>(property.value)});
  }
  return readings;
}

int64_t BackupEverySeconds(const Options& options) {
  return options.backup_dir.empty() ? 0
                                    : absl::ToInt64Seconds(absl::Hours(options.backup_every_hours));
}

Committer::Options CommitterOptions(Metrics& metrics) {
  Committer::Options options;
  // One more than processors: what is large leaves one free, and may wait for the disk meanwhile.
  options.threads = std::max(2, static_cast<int>(std::thread::hardware_concurrency())) + 1;
  options.remembered_bytes_max = kRememberedBytesMax;
  options.on_batch = [&metrics](const Committer::BatchReport& batch) {
    metrics.commit_took.Add(static_cast<uint64_t>(absl::ToInt64Nanoseconds(batch.took)));
    metrics.commit_operations.Add(batch.operations);
    metrics.conflicts.Add(static_cast<uint64_t>(batch.conflicts));
  };
  options.around_publish = [](absl::FunctionRef<void()> publish) {
    const Executor::RunHere here(kStreamStepsOfCommitter);
    publish();
  };
  return options;
}

// Says on stdout where it serves, as scripts read it. `web` and `metrics` may be null.
void TellAddresses(const Server& server, const WebGateway* web, const MetricsEndpoint* metrics) {
  std::printf("nightlogd: serving on %s\n", server.address().c_str());
  if (web != nullptr) std::printf("web: %s\n", web->url().c_str());
  if (metrics != nullptr) std::printf("metrics: %s\n", metrics->url().c_str());
}

// What to do with a set-up code: open the app, or a command where no browser is served.
std::string SetupLink(const Options& options, const WebGateway* web, const std::string& code) {
  if (web == nullptr) return "nightlog family create --setup-code " + code;
  return absl::StrCat(options.web_url.empty() ? web->url() : options.web_url, "#setup=", code);
}

// Tells a link with a new code, if one is asked for or nobody could do anything without. The code
// holds once it was told: a start that ends before leaves it to the next one. `web` may be null.
absl::Status OfferSetUp(Engine& engine, const Options& options, const WebGateway* web,
                        const Clock& clock, Random& random) {
  bool needed = options.new_setup_code;
  if (!needed && !IsRegistrationOpen(options)) {
    ASSIGN_OR_RETURN(needed, NeedsSetupCode(*engine.Snapshot(), clock.Now()));
  }
  if (!needed) return absl::OkStatus();
  const std::string code = MakeInviteCode(random);
  RETURN_IF_ERROR(TellSetupLink(options, SetupLink(options, web, code)));
  return StoreSetupCode(engine, code, clock.Now());
}

std::unique_ptr<PurgeSchedule> StartPurges(RocksdbEngine& engine, Committer& committer, Log& log) {
  return std::make_unique<PurgeSchedule>(
      engine, committer, [&log](const absl::StatusOr<int>& purged) {
        if (purged.ok()) {
          log.Info("erased families purged", {{"count", absl::StrCat(*purged)}});
        } else {
          log.Error("erased families not purged", {{"message", purged.status().message()}});
        }
      });
}

std::unique_ptr<BackupSchedule> StartBackups(const Options& options, RocksdbEngine& engine,
                                             RocksdbBackups& backups, Committer& committer,
                                             const Clock& clock, Metrics& metrics, Log& log) {
  const std::vector<BackupInfo> made = backups.List();
  if (!made.empty()) metrics.backup_made_at.Set(absl::ToUnixSeconds(made.back().made_at));
  return std::make_unique<BackupSchedule>(
      engine, backups, committer, clock, absl::Hours(options.backup_every_hours),
      static_cast<uint32_t>(options.backups_kept),
      [&log, &metrics](const absl::StatusOr<uint32_t>& id) {
        if (id.ok()) {
          metrics.backups_made.Add();
          metrics.backup_made_at.Set(absl::ToUnixSeconds(absl::Now()));
          log.Info("backup made", {{"id", absl::StrCat(*id)}});
        } else {
          metrics.backups_failed.Add();
          log.Error("backup failed", {{"message", id.status().message()}});
        }
      });
}

// At SIGUSR1. `backups` may be null.
void RequestBackup(BackupSchedule* backups, const Log& log) {
  if (backups != nullptr) return backups->RequestBackup();
  log.Warning("no backup made",
              {{"message", "there is no directory for backups; set backup_dir and start again."}});
}

// All it is told are settings.
absl::Status CheckWords(const std::vector<std::string>& words) {
  if (words.empty()) return absl::OkStatus();
  return absl::InvalidArgumentError(
      absl::StrCat("`", words.front(), "` is not a flag; see nightlogd --help."));
}

// Reads the command line, and the settings file that it names.
using ReadSettings = std::function<absl::StatusOr<CommandLine>()>;

// At SIGHUP: what applies at once does, and is in `options`. False: there is no file, so a terminal
// was closed. `backups` may be null.
bool ReloadSettings(const ReadSettings& read_settings, Options& options, CallLimits& limits,
                    BackupSchedule* backups, Metrics& metrics, Log& log) {
  const absl::StatusOr<CommandLine> line = read_settings();
  if (!line.ok()) {
    log.Error("settings not read again", {{"message", line.status().message()}});
    return true;
  }
  if (line->config.empty()) return IsIgnored(SIGHUP);
  const Reload changes = ReloadOptions(options, line->options);
  options = changes.options;
  log.SetFormat(LogFormatOf(options));
  metrics.backup_every_seconds.Set(BackupEverySeconds(options));
  limits.SetOptions(CallLimitsOf(options));
  if (backups != nullptr) {
    backups->SetPlan(absl::Hours(options.backup_every_hours),
                     static_cast<uint32_t>(options.backups_kept));
  }
  log.Info("settings read again", {{"applied", absl::StrJoin(changes.applied, ",")},
                                   {"need_restart", absl::StrJoin(changes.need_restart, ",")}});
  return true;
}

// Serves a certificate that was renewed since `served`; says once that one cannot be. `web` may be
// null: gRPC looks at the files itself.
void RenewCertificate(const Options& options, absl::StatusOr<Tls>& served, WebGateway* web,
                      Metrics& metrics, Log& log) {
  if (options.tls_certificate.empty()) return;
  absl::StatusOr<Tls> read = ReadTls(options);
  if (!read.ok()) {
    if (served.ok()) log.Error("certificate not renewed", {{"message", read.status().message()}});
  } else if (!served.ok() || read->certificate != served->certificate || read->key != served->key) {
    metrics.certificate_end.Set(absl::ToUnixSeconds(read->end));
    if (web != nullptr) web->SetTls(*read);
  }
  served = std::move(read);
}

// Serves with `options` until it is told to stop; reads them again where it is told to.
absl::Status Run(Options options, const ReadSettings& read_settings, Log& log) {
  const sigset_t signals = BlockSignals();
  RaiseDescriptorLimit();

  // The store.
  std::unique_ptr<RocksdbBackups> backups;
  if (!options.backup_dir.empty()) {
    ASSIGN_OR_RETURN(backups, RocksdbBackups::Open(options.backup_dir));
  }
  ASSIGN_OR_RETURN(const std::unique_ptr<RocksdbEngine> engine,
                   RocksdbEngine::Open(options.data_dir, kColumnFamilyNames));
  RETURN_IF_ERROR(OpenStore(*engine));
  RETURN_IF_ERROR(ForgetShards(*engine));
  SystemClock clock;
  SystemRandom random;
  if (options.new_lineage) RETURN_IF_ERROR(BeginNewLineages(*engine, random));

  // The use cases.
  Feed feed;
  StreamRegistry streams;
  SleepDeriver deriver;
  Metrics metrics;
  Committer committer(
      *engine, feed, deriver, clock,
      [&log](const absl::Status& status) {
        log.Error("storage failed", {{"message", status.message()}});
        _exit(kExitStorageFailed);
      },
      CommitterOptions(metrics));
  Executor executor(options.threads, kExecutorQueueMax);
  const SyncService sync(*engine, committer, feed, streams, clock);
  const ProgressService progress(*engine, feed, streams, clock);
  const FamilyService family(
      *engine, committer, streams, random, clock,
      IsRegistrationOpen(options) ? Registration::kOpen : Registration::kBySetupCode,
      [&log](const FamilyId& erased) {
        log.Info("family erased", {{"family", erased.hex()}});
      });
  const ImportService imports(*engine, clock);
  const Methods use_cases = MakeMethods(sync, progress, family, imports, executor);
  CallLimits limits(clock, CallLimitsOf(options));
  const Methods limited = LimitMethods(use_cases, limits);
  const Methods methods = ObserveMethods(limited, log, metrics);

  // The doors.
  GrpcDoor door(methods, executor);
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server, Server::Start(options, door));
  std::unique_ptr<WebGateway> web;
  if (!options.web_listen.empty()) {
    const auto check_token = [&engine](const Peer& peer, size_t) {
      return CheckToken(*engine->Snapshot(), peer.token);
    };
    ASSIGN_OR_RETURN(
        web, WebGateway::Start(options, methods, executor, LimitTokenCheck(check_token, limits)));
  }
  const absl::Time started = clock.Now();
  std::unique_ptr<MetricsEndpoint> metrics_endpoint;
  if (!options.metrics_listen.empty()) {
    ASSIGN_OR_RETURN(metrics_endpoint, MetricsEndpoint::Start(options, metrics, [&] {
                       return GaugesOf(*engine, committer, started);
                     }));
  }
  TellAddresses(*server, web.get(), metrics_endpoint.get());
  RETURN_IF_ERROR(OfferSetUp(*engine, options, web.get(), clock, random));
  std::fflush(stdout);
  log.Info("serving", {{"version", Version()},
                       {"address", server->address()},
                       {"web", web == nullptr ? "" : web->url()}});

  // What is done now and then.
  std::unique_ptr<PurgeSchedule> purges = StartPurges(*engine, committer, log);
  std::unique_ptr<BackupSchedule> schedule;
  metrics.backup_every_seconds.Set(BackupEverySeconds(options));
  if (backups != nullptr) {
    schedule = StartBackups(options, *engine, *backups, committer, clock, metrics, log);
  }
  const char* const notify_socket = std::getenv("NOTIFY_SOCKET");
  const ServiceManager manager(notify_socket == nullptr ? "" : notify_socket);
  manager.Ready();
  absl::StatusOr<Tls> served = Tls();
  bool progressing = true;
  WaitForStop(
      signals, [&] { RequestBackup(schedule.get(), log); },
      [&] { return ReloadSettings(read_settings, options, limits, schedule.get(), metrics, log); },
      [&] {
        RenewCertificate(options, served, web.get(), metrics, log);
        if (std::exchange(progressing, IsProgressing(committer)) != progressing) {
          progressing ? log.Info("the store writes again") : log.Error("the store does not write");
        }
        door.SetServing(progressing);
        door.EndLate(clock.Now());
        streams.EndExpired(clock.Now());
        if (progressing) manager.Alive();
        imports.ForgetOldUploads();
      });

  // The end.
  log.Info("stopping");
  manager.Stopping();
  const absl::Time drained_by = absl::Now() + absl::Seconds(options.drain_seconds);
  schedule.reset();
  purges.reset();
  if (web != nullptr) web->StartDrain();
  server->Drain(drained_by - absl::Now());
  if (web != nullptr) web->AwaitDrained(drained_by - absl::Now());
  committer.Stop();
  log.Info("stopped");
  return absl::OkStatus();
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) {
  // What it writes is its user's alone.
  umask(0077);
#ifdef NDEBUG
  // Debian's Abseil looks for cycles at every lock, under one lock of the whole process.
  absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore);
#endif
  const auto read_settings = [argc, argv] {
    return nightlog::ReadCommandLine({argv + 1, argv + argc}, std::getenv, nightlog::CheckWords);
  };
  const absl::StatusOr<nightlog::CommandLine> line = read_settings();
  if (!line.ok()) {
    std::fprintf(stderr, "nightlogd: %s\n", std::string(line.status().message()).c_str());
    return 1;
  }
  if (line->help) {
    std::printf("nightlogd serves the sleep logs of families.\n\n%s",
                nightlog::DescribeSettings().c_str());
    return 0;
  }
  if (line->version) {
    std::printf("nightlogd %s\n", std::string(nightlog::Version()).c_str());
    return 0;
  }
  // For ever: gRPC's threads may log until the process ends.
  auto& log = *new nightlog::Log(nightlog::LogFormatOf(line->options));
  nightlog::SendGrpcLogTo(log);
  const absl::Status status = nightlog::Run(line->options, read_settings, log);
  if (status.ok()) return 0;
  log.Error("ended", {{"message", status.message()}});
  return 1;
}
