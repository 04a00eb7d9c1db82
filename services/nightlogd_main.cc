// nightlogd: serves the sleep logs of families from one directory until SIGTERM or SIGINT.
//
// Exit codes: 0 after a drain; 1 if it cannot start, with one line that says why; 70 if the disk
// failed, where only a new start can tell what is on it.

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

#include <cstdio>
#include <memory>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "services/executor.h"
#include "services/family_service.h"
#include "services/grpc_door.h"
#include "services/options.h"
#include "services/progress_service.h"
#include "services/server.h"
#include "services/sleep_deriver.h"
#include "services/stream_registry.h"
#include "services/sync_service.h"
#include "storage/column_families.h"
#include "storage/committer.h"
#include "storage/core/clock.h"
#include "storage/core/random.h"
#include "storage/core/status_macros.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/feed.h"
#include "storage/store.h"

namespace nightlog {
namespace {

constexpr size_t kExecutorQueueMax = 4096;
constexpr int kExitStorageFailed = 70;

void Log(const std::string& line) { std::fprintf(stderr, "nightlogd: %s\n", line.c_str()); }

// Blocked before any thread starts, so that only WaitForStop() takes them.
sigset_t BlockStopSignals() {
  sigset_t signals;
  sigemptyset(&signals);
  sigaddset(&signals, SIGTERM);
  sigaddset(&signals, SIGINT);
  pthread_sigmask(SIG_BLOCK, &signals, nullptr);
  return signals;
}

void WaitForStop(const sigset_t& signals) {
  int signal_number = 0;
  while (sigwait(&signals, &signal_number) != 0) {
  }
}

absl::Status Run(int argc, char* argv[]) {
  ASSIGN_OR_RETURN(const Options options, OptionsFromCommandLine(argc, argv));
  const sigset_t stop_signals = BlockStopSignals();

  ASSIGN_OR_RETURN(const std::unique_ptr<RocksdbEngine> engine,
                   RocksdbEngine::Open(options.data_dir, kColumnFamilyNames));
  RETURN_IF_ERROR(OpenStore(*engine));
  SystemRandom random;
  if (options.new_lineage) RETURN_IF_ERROR(BeginNewLineages(*engine, random));

  SystemClock clock;
  Feed feed;
  StreamRegistry streams;
  SleepDeriver deriver;
  const auto on_storage_failure = [](const absl::Status& status) {
    Log(std::string(status.message()));
    _exit(kExitStorageFailed);
  };
  Committer committer(*engine, feed, deriver, clock, on_storage_failure, Committer::Options());
  Executor executor(options.threads, kExecutorQueueMax);
  const SyncService sync(*engine, committer, feed, streams, clock);
  const ProgressService progress(*engine, feed, streams, clock);
  const FamilyService family(*engine, committer, streams, random, clock);
  GrpcDoor door(sync, progress, family, executor);
  ASSIGN_OR_RETURN(const std::unique_ptr<Server> server, Server::Start(options, door));

  std::printf("nightlogd: serving on %s\n", server->address().c_str());
  std::fflush(stdout);
  WaitForStop(stop_signals);

  Log("stopping");
  server->Drain(absl::Seconds(options.drain_seconds));
  committer.Stop();
  return absl::OkStatus();
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) {
  const absl::Status status = nightlog::Run(argc, argv);
  if (status.ok()) return 0;
  nightlog::Log(std::string(status.message()));
  return 1;
}
