#ifndef NIGHTLOG_TESTS_SIMULATION_SIM_SERVER_H_
#define NIGHTLOG_TESTS_SIMULATION_SIM_SERVER_H_

#include <functional>
#include <limits>
#include <memory>
#include <utility>

#include "absl/status/statusor.h"
#include "services/family_service.h"
#include "services/progress_service.h"
#include "services/sleep_deriver.h"
#include "services/stream_registry.h"
#include "services/sync_service.h"
#include "storage/column_families.h"
#include "storage/committer.h"
#include "storage/core/check.h"
#include "storage/core/status_macros.h"
#include "storage/feed.h"
#include "storage/store.h"
#include "tests/simulation/sim_disk.h"
#include "tests/simulation/sim_random.h"

namespace nightlog::simulation {

// The server's clock, which the simulation moves. One thread.
class SimClock final : public Clock {
 public:
  absl::Time Now() const override { return now_; }
  void Advance(absl::Duration duration) { now_ += duration; }

 private:
  absl::Time now_ = absl::FromUnixSeconds(1'767'297'600);  // 2026-01-01 20:00 UTC
};

// Thrown through the committer where a real server would end its process.
struct ServerCrash {};

// The real server core over a simulated disk, clock and chance, in one thread. A *process* is all
// that is lost in a crash.
class SimServer {
 public:
  struct Process {
    Process(SimDisk& disk, Random& random, const Clock& clock, const StreamLimits& limits,
            size_t remembered_bytes_max)
        : engine(disk),
          committer(
              engine, feed, deriver, clock, [](const absl::Status&) { throw ServerCrash(); },
              OptionsFor(remembered_bytes_max)),
          sync(engine, committer, feed, streams, clock, limits),
          progress(engine, feed, streams, clock, limits),
          family(engine, committer, streams, random, clock, Registration::kOpen) {}

    static Committer::Options OptionsFor(size_t remembered_bytes_max) {
      Committer::Options options;
      options.threads = 0;
      options.remembered_bytes_max = remembered_bytes_max;
      return options;
    }

    SimEngine engine;
    Feed feed;
    StreamRegistry streams;
    SleepDeriver deriver;
    Committer committer;
    SyncService sync;
    ProgressService progress;
    FamilyService family;
    bool dead = false;
  };

  SimServer(uint64_t seed, const StreamLimits& limits)
      : random_(seed),
        limits_(limits),
        remembered_bytes_max_(seed / 2 % 2 == 0 ? 0 : std::numeric_limits<size_t>::max()),
        disk_(kColumnFamilyNames.size()) {
    disk_.is_server = true;
  }

  SimClock& clock() { return clock_; }
  SimDisk& disk() { return disk_; }
  // Null while the server is down. Streams keep the process they belong to.
  const std::shared_ptr<Process>& process() const { return process_; }

  // Starts a process on the disk as it is; what OpenStore says.
  absl::Status Start() {
    Stop();
    disk_.crashed = false;
    disk_.crash_at = CrashPoint::kNone;
    SimEngine engine(disk_);
    const absl::Status opened = OpenStore(engine);
    if (opened.ok())
      process_ = std::make_shared<Process>(disk_, random_, clock_, limits_, remembered_bytes_max_);
    return opened;
  }

  void Stop() {
    const std::shared_ptr<Process> stopped = std::move(process_);
    process_ = nullptr;
    if (stopped == nullptr) return;
    stopped->dead = true;
    // After a crash, what waited for the next batch is lost, one batch after the other.
    for (bool crashes = true; crashes;) {
      crashes = false;
      try {
        stopped->committer.Stop();
      } catch (const ServerCrash&) {
        crashes = true;
      }
    }
  }

  // The answer to a call, once it has left the server.
  template <typename Response>
  using Answer = std::shared_ptr<absl::optional<absl::StatusOr<Response>>>;

  // A call comes in: `start` hands the request to a use case, with what to do with the answer.
  template <typename Response>
  Answer<Response> Enter(const std::function<void(Process&, Done<Response>)>& start) {
    auto answer = std::make_shared<absl::optional<absl::StatusOr<Response>>>();
    if (process_ == nullptr) {
      answer->emplace(absl::UnavailableError("the server is down"));
      return answer;
    }
    start(*process_, [answer](absl::StatusOr<Response> response) {
      CHECK(!answer->has_value());  // an answer comes once
      answer->emplace(std::move(response));
    });
    return answer;
  }

  // All calls that came in are committed together. The server may crash in it; answers that had
  // left by then have left.
  void Commit() {
    const std::shared_ptr<Process> process = process_;
    if (process == nullptr) return;
    try {
      process->committer.CommitWaiting();
    } catch (const ServerCrash&) {
      Stop();
    }
  }

  // UNAVAILABLE if no answer had left before the server crashed.
  template <typename Response>
  absl::StatusOr<Response> Take(const Answer<Response>& answer) {
    if (answer->has_value()) return **answer;
    CHECK(process_ == nullptr);
    return absl::UnavailableError("the server crashed");
  }

  // One call alone.
  template <typename Response>
  absl::StatusOr<Response> Call(const std::function<void(Process&, Done<Response>)>& start) {
    const Answer<Response> answer = Enter<Response>(start);
    Commit();
    return Take<Response>(answer);
  }

  // Copies of the disk, for backups.
  std::shared_ptr<MemoryEngine> Copy() const {
    return std::make_shared<MemoryEngine>(*disk_.engine);
  }

  // The disk is what the copy is. The server is down afterwards.
  void Replace(const MemoryEngine& copy) {
    Stop();
    disk_.engine = std::make_shared<MemoryEngine>(copy);
  }

  // Begins new lineages, as the operator does after a restore. The server is down afterwards.
  absl::Status BeginAnew() {
    Stop();
    RETURN_IF_ERROR(OpenStore(*disk_.engine));
    return BeginNewLineages(*disk_.engine, random_);
  }

 private:
  SimRandom random_;
  const StreamLimits limits_;
  const size_t remembered_bytes_max_;  // of one family, or of both
  SimClock clock_;
  SimDisk disk_;
  std::shared_ptr<Process> process_;
};

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_SIM_SERVER_H_
