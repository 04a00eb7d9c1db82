#ifndef NIGHTLOG_TESTS_BENCH_WORLD_H_
#define NIGHTLOG_TESTS_BENCH_WORLD_H_

#include <deque>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "services/sleep_deriver.h"
#include "storage/committer.h"
#include "storage/core/clock.h"
#include "storage/core/random.h"
#include "storage/engine/engine.h"
#include "storage/feed.h"
#include "tests/bench/taps.h"

namespace nightlog {

// The server's committer, without threads and doors, over some engine, and families that log
// nights. Not thread-safe.
class World {
 public:
  // By column and key.
  using Rows = std::map<std::pair<Column, std::string>, std::string>;

  // Makes families with a child, a plan and a phone each in the engine, which is new and must
  // outlive this.
  World(Engine& engine, int families);

  // The next tap of each family is in that night, the first being 0, and further ones go on there.
  void GoToNight(int night);
  // Hands the next tap of each family to the committer.
  void SubmitTaps();
  // Commits what was handed over, in one batch.
  void Commit();
  // Whole nights of each family.
  void LogNights(int nights);

  // All rows of the first family.
  Rows FamilyRows() const;

 private:
  struct Family {
    FamilyId id;
    ReplicaId replica;
    RecordId child;
    std::unique_ptr<Taps> taps;
  };

  void Submit(const Family& family, const std::vector<v1::Transaction>& transactions);

  Engine& engine_;
  SystemRandom random_;
  SystemClock clock_;
  Feed feed_;
  const SleepDeriver deriver_;
  const MemberId member_;
  std::unique_ptr<Committer> committer_;
  std::deque<Family> families_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_BENCH_WORLD_H_
