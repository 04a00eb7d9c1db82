#include "storage/purge.h"

#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"
#include "storage/column_families.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

// How often it is looked whether something was erased: one seek.
constexpr absl::Duration kLookEvery = absl::Seconds(5);
// After a purge that failed.
constexpr absl::Duration kRetryAfter = absl::Minutes(1);

absl::StatusOr<std::vector<std::string>> ErasedKeys(const ReadView& view) {
  std::vector<std::string> keys;
  auto it = view.Scan(kHeadColumn, ErasedPrefix(), PrefixLimit(ErasedPrefix()));
  for (; it->Valid(); it->Next()) keys.emplace_back(it->key());
  RETURN_IF_ERROR(it->status());
  return keys;
}

// Deletes a row of the head column. An id that begins like the erased one stands for it.
absl::Status Delete(const std::string& key, absl::string_view begin, Committer& committer) {
  absl::Status result;
  absl::Notification done;
  committer.Submit(
      FamilyId(absl::StrCat(begin, std::string(FamilyId::kSize - begin.size(), '\0'))),
      [&key](FamilyWriter& writer) {
        writer.Delete(kHeadColumn, key);
        return absl::OkStatus();
      },
      [&](absl::Status status) {
        result = std::move(status);
        done.Notify();
      });
  done.WaitForNotification();
  return result;
}

}  // namespace

absl::StatusOr<int> PurgeErased(RocksdbEngine& engine, Committer& committer,
                                std::atomic<bool>& stop) {
  ASSIGN_OR_RETURN(const std::vector<std::string> erased, ErasedKeys(*engine.Snapshot()));
  if (erased.empty()) return 0;
  std::vector<RocksdbEngine::KeyRange> ranges;
  for (Column column = 0; column < static_cast<Column>(kColumnFamilyNames.size()); ++column) {
    for (const std::string& key : erased) {
      const std::string begin(BeginOfErased(key));
      ranges.push_back({column, begin, PrefixLimit(begin)});
    }
  }
  // Rows of the store that name families: heads of shards (the erasure replaced its shard's),
  // families of devices, invites.
  for (const Column column : {kHeadColumn, kAccessColumn}) {
    ranges.push_back({column, FamilyStart(FamilyId()), FamilyLimit(FamilyId())});
  }
  RETURN_IF_ERROR(engine.Purge(ranges, stop));
  for (const std::string& key : erased) {
    RETURN_IF_ERROR(Delete(key, BeginOfErased(key), committer));
  }
  return static_cast<int>(erased.size());
}

PurgeSchedule::PurgeSchedule(RocksdbEngine& engine, Committer& committer, OnPurge on_purge)
    : engine_(engine),
      committer_(committer),
      on_purge_(std::move(on_purge)),
      thread_([this] { Run(); }) {}

PurgeSchedule::~PurgeSchedule() {
  stop_ = true;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  thread_.join();
}

void PurgeSchedule::Run() {
  absl::Duration wait = absl::ZeroDuration();
  while (true) {
    {
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(&stopping_), wait);
      if (stopping_) return;
    }
    const absl::StatusOr<int> purged = PurgeErased(engine_, committer_, stop_);
    if (stop_) return;
    if (!purged.ok() || *purged > 0) on_purge_(purged);
    wait = purged.ok() ? kLookEvery : kRetryAfter;
  }
}

}  // namespace nightlog
