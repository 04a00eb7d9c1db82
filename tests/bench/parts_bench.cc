// What the parts cost, in time and in calls of operator new (`allocs`), each as one iteration has
// it. Everything on disk goes to a folder of its own below $TMPDIR.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <memory>
#include <new>
#include <string>
#include <utility>
#include <vector>

#include "absl/time/civil_time.h"
#include "rocksdb/db.h"
#include "rocksdb/write_batch.h"
#include "services/sleep/night.h"
#include "storage/column_families.h"
#include "storage/core/check.h"
#include "storage/core/merge.h"
#include "storage/core/record_state.h"
#include "storage/engine/rocksdb_engine.h"
#include "tests/bench/taps.h"
#include "tests/bench/world.h"
#include "tests/testing/temp_folder.h"

namespace nightlog {
namespace {

std::atomic<uint64_t> allocation_count{0};

}  // namespace
}  // namespace nightlog

// Counts, and is malloc otherwise.
void* operator new(size_t size) {
  nightlog::allocation_count.fetch_add(1, std::memory_order_relaxed);
  if (void* bytes = std::malloc(size)) return bytes;
  std::abort();
}
void operator delete(void* bytes) noexcept { std::free(bytes); }
void operator delete(void* bytes, size_t) noexcept { std::free(bytes); }

namespace nightlog {
namespace {

// Tells the allocations of each iteration of what it outlives.
class CountAllocations {
 public:
  explicit CountAllocations(benchmark::State& state) : state_(state), before_(allocation_count) {}
  ~CountAllocations() {
    state_.counters["allocs"] = benchmark::Counter(static_cast<double>(allocation_count - before_),
                                                   benchmark::Counter::kAvgIterations);
  }

 private:
  benchmark::State& state_;
  const uint64_t before_;
};

// A world on a disk.
class DiskWorld {
 public:
  explicit DiskWorld(int families) {
    auto engine = RocksdbEngine::Open(folder_.path(), kColumnFamilyNames);
    CHECK(engine.ok());
    engine_ = *std::move(engine);
    world_ = std::make_unique<World>(*engine_, families);
  }
  World* operator->() { return world_.get(); }

 private:
  const TempFolder folder_;
  std::unique_ptr<RocksdbEngine> engine_;
  std::unique_ptr<World> world_;
};

// --- Pure parts ---

// The edits of one new entry, and the record that they make.
void MergeNewEntry(benchmark::State& state) {
  SystemRandom random;
  Taps taps(ReplicaId::Make(random), RecordId::Make(random), random);
  const v1::Transaction tap = taps.Next();
  const MemberId member = MemberId::Make(random);
  CountAllocations count(state);
  for (auto _ : state) {
    storage::v1::StoredRecord record;
    for (const v1::Edit& edit : tap.edits()) {
      AuthoredEdit authored{&edit, {}, member, absl::UnixEpoch()};
      authored.id.set_seq(1);
      benchmark::DoNotOptimize(Merge(authored, record));
    }
  }
}
BENCHMARK(MergeNewEntry);

// A night of twelve entries to its summary.
void SummarizeOneNight(benchmark::State& state) {
  SystemRandom random;
  const RecordId child_id = RecordId::Make(random);
  Taps taps(ReplicaId::Make(random), child_id, random);
  std::vector<v1::LogEntry> entries;
  std::vector<std::string> ids;
  for (int i = 0; i < kTapsPerNight; ++i) {
    v1::LogEntry& entry = entries.emplace_back();
    const v1::Transaction tap = taps.Next();
    for (const v1::Edit& edit : tap.edits()) entry.MergeFrom(edit.log_entry());
    ids.push_back(RecordId::Make(random).str());
  }
  std::vector<sleep::LoggedEntry> logged;
  for (size_t i = 0; i < entries.size(); ++i) logged.push_back({ids[i], "member", &entries[i]});
  v1::Child child;
  child.set_home_zone("Europe/London");
  const absl::CivilDay night(2023, 1, 1);
  CountAllocations count(state);
  for (auto _ : state) {
    benchmark::DoNotOptimize(
        sleep::SummarizeNight(child_id.bytes(), child, night, logged, nullptr, 0));
  }
}
BENCHMARK(SummarizeOneNight);

// A stored entry to the record that a phone gets.
void StoredEntryToWire(benchmark::State& state) {
  SystemRandom random;
  Taps taps(ReplicaId::Make(random), RecordId::Make(random), random);
  const v1::Transaction tap = taps.Next();
  storage::v1::StoredRecord stored;
  for (const v1::Edit& edit : tap.edits()) {
    AuthoredEdit authored{&edit, {}, MemberId::Make(random), absl::UnixEpoch()};
    Merge(authored, stored);
  }
  const std::string row = stored.SerializeAsString();
  CountAllocations count(state);
  for (auto _ : state) {
    storage::v1::StoredRecord parsed;
    CHECK(parsed.ParseFromString(row));
    v1::Record record;
    CHECK(RecordToWire(tap.edits(0).record_id(), parsed, record));
    benchmark::DoNotOptimize(record.SerializeAsString());
  }
}
BENCHMARK(StoredEntryToWire);

// --- Commits ---

// One tap of one family whose history has so many nights, decided, derived and written.
void CommitOneTapAfterNights(benchmark::State& state) {
  DiskWorld world(1);
  world->LogNights(static_cast<int>(state.range(0)));
  CountAllocations count(state);
  for (auto _ : state) {
    world->SubmitTaps();
    world->Commit();
  }
}
BENCHMARK(CommitOneTapAfterNights)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->Iterations(240);

// The same where a phone brings late what belongs to one of 1,000 nights. The nights after it are
// tapped on, so that none grows without bound.
void CommitOneTapInNight(benchmark::State& state) {
  constexpr int kNights = 1000;
  DiskWorld world(1);
  world->LogNights(kNights);
  const int night = static_cast<int>(state.range(0)) - 1;
  world->GoToNight(
      std::min(night, kNights - static_cast<int>(state.max_iterations) / kTapsPerNight));
  CountAllocations count(state);
  for (auto _ : state) {
    world->SubmitTaps();
    world->Commit();
  }
}
BENCHMARK(CommitOneTapInNight)->Arg(1)->Arg(10)->Arg(100)->Arg(1000)->Iterations(120);

// A tap of each of so many families, in one batch. One iteration is the batch.
void GroupCommit(benchmark::State& state) {
  DiskWorld world(static_cast<int>(state.range(0)));
  world->LogNights(3);
  CountAllocations count(state);
  for (auto _ : state) {
    world->SubmitTaps();
    world->Commit();
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(GroupCommit)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->Iterations(48);
BENCHMARK(GroupCommit)->Arg(1000)->Iterations(6);

// The same rows of the same sizes into a bare RocksDB with its own defaults, synced.
void BareRocksdbGroupCommit(benchmark::State& state) {
  std::vector<std::pair<std::string, std::string>> rows;
  {
    DiskWorld world(1);
    world->LogNights(3);
    const World::Rows before = world->FamilyRows();
    world->SubmitTaps();
    world->Commit();
    for (const auto& [key, value] : world->FamilyRows()) {
      const auto it = before.find(key);
      if (it == before.end() || it->second != value) rows.emplace_back(key.second, value);
    }
  }
  TempFolder folder;
  rocksdb::Options options;
  options.create_if_missing = true;
  rocksdb::DB* raw = nullptr;
  CHECK(rocksdb::DB::Open(options, folder.path() + "/db", &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  rocksdb::WriteOptions durable;
  durable.sync = true;
  SystemRandom random;
  std::vector<std::string> families;
  for (int i = 0; i < state.range(0); ++i) families.push_back(random.Bytes(FamilyId::kSize));
  uint64_t turn = 0;
  for (auto _ : state) {
    rocksdb::WriteBatch batch;
    ++turn;
    for (const std::string& family : families) {
      for (const auto& [key, value] : rows) {
        const std::string again = family + key.substr(FamilyId::kSize) + std::to_string(turn);
        CHECK(batch.Put(again, value).ok());
      }
    }
    CHECK(db->Write(durable, &batch).ok());
  }
  state.SetItemsProcessed(state.iterations() * state.range(0));
}
BENCHMARK(BareRocksdbGroupCommit)->Arg(1)->Arg(16)->Arg(64)->Arg(256)->Arg(1000)->Iterations(48);

}  // namespace
}  // namespace nightlog

BENCHMARK_MAIN();
