#include "storage/backup.h"

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "storage/column_families.h"
#include "storage/core/status_macros.h"
#include "storage/family_reader.h"
#include "storage/keys.h"
#include "storage/purge.h"
#include "storage/store.h"

namespace nightlog {
namespace {

// After a failed backup, or one that was made in vain.
constexpr absl::Duration kRetryAfter = absl::Minutes(10);
// Families told at once, so that phones find room in the committer's queue beside them.
constexpr int kToldAtOnce = 256;

// A family as a backup holds it, at least.
struct BackedUp {
  FamilyId family;
  std::string lineage;
  uint64_t revision;
};

struct StoreFacts {
  size_t families = 0;
  std::vector<BackedUp> changed;  // since the last backup
};

absl::StatusOr<StoreFacts> ReadFacts(const ReadView& view) {
  StoreFacts facts;
  // Rows of the store itself stand under the id of zeros.
  auto it = view.Scan(kHeadColumn, FamilyLimit(FamilyId()), "");
  for (; it->Valid(); it->Next()) {
    storage::v1::FamilyHead head;
    RETURN_IF_ERROR(ParseRow(it->value(), head));
    ++facts.families;
    if (head.revision() > head.backed_up_revision()) {
      facts.changed.push_back({FamilyId(it->key()), head.lineage(), head.revision()});
    }
  }
  RETURN_IF_ERROR(it->status());
  return facts;
}

absl::Status TellFamilies(const std::vector<BackedUp>& changed, Committer& committer) {
  absl::Status first_error;
  for (size_t start = 0; start < changed.size(); start += kToldAtOnce) {
    const size_t limit = std::min(changed.size(), start + kToldAtOnce);
    absl::BlockingCounter waiting(static_cast<int>(limit - start));
    absl::Mutex mu;
    for (size_t i = start; i < limit; ++i) {
      const BackedUp& backed_up = changed[i];
      committer.Submit(
          backed_up.family,
          [&backed_up](FamilyWriter& writer) {
            // An erased family, or one of a new lineage, is not what was backed up.
            if (writer.exists() && writer.head().lineage() == backed_up.lineage) {
              writer.SetBackedUpRevision(backed_up.revision);
            }
            return absl::OkStatus();
          },
          [&](const absl::Status& status) {
            {
              absl::MutexLock lock(&mu);
              first_error.Update(status);
            }
            waiting.DecrementCount();
          });
    }
    waiting.Wait();
    RETURN_IF_ERROR(first_error);
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<uint32_t> BackUp(RocksdbEngine& engine, RocksdbBackups& backups,
                                Committer& committer, std::atomic<bool>& stop) {
  RETURN_IF_ERROR(PurgeErased(engine, committer, stop).status());
  // Read first: what it says is in the backup, which goes on from here.
  ASSIGN_OR_RETURN(const StoreFacts facts, ReadFacts(*engine.Snapshot()));
  ASSIGN_OR_RETURN(
      const uint32_t id,
      backups.Create(engine, absl::StrCat("format ", kFormatVersion, ", ", facts.families,
                                          " families, ", facts.changed.size(), " changed")));
  RETURN_IF_ERROR(TellFamilies(facts.changed, committer));
  return id;
}

BackupSchedule::BackupSchedule(RocksdbEngine& engine, RocksdbBackups& backups, Committer& committer,
                               const Clock& clock, absl::Duration every, uint32_t kept,
                               OnBackup on_backup)
    : engine_(engine),
      backups_(backups),
      committer_(committer),
      clock_(clock),
      on_backup_(std::move(on_backup)),
      every_(every),
      kept_(kept),
      thread_([this] { Run(); }) {}

BackupSchedule::~BackupSchedule() {
  stop_ = true;
  {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  backups_.Stop();
  thread_.join();
}

void BackupSchedule::RequestBackup() {
  absl::MutexLock lock(&mu_);
  requested_ = true;
}

void BackupSchedule::SetPlan(absl::Duration every, uint32_t kept) {
  absl::MutexLock lock(&mu_);
  every_ = every;
  kept_ = kept;
  planned_ = true;
}

absl::Duration BackupSchedule::UntilNext(absl::Duration every) const {
  const std::vector<BackupInfo> made = backups_.List();
  if (made.empty()) return absl::ZeroDuration();
  const absl::Duration age = clock_.Now() - made.back().made_at;
  // Made while the clock was far ahead: how long ago, nobody knows.
  if (age < -every) return absl::ZeroDuration();
  return std::max(absl::ZeroDuration(), every - age);
}

void BackupSchedule::Run() {
  bool failed = false;
  while (true) {
    absl::Duration every;
    {
      absl::MutexLock lock(&mu_);
      every = every_;
      planned_ = false;
    }
    const absl::Duration wait = failed ? std::min(every, kRetryAfter) : UntilNext(every);
    uint32_t kept = 0;
    {
      absl::MutexLock lock(&mu_);
      mu_.AwaitWithTimeout(absl::Condition(this, &BackupSchedule::HasWork), wait);
      if (stopping_) return;
      if (planned_ && !requested_) continue;
      requested_ = false;
      kept = kept_;
    }
    absl::StatusOr<uint32_t> id = BackUp(engine_, backups_, committer_, stop_);
    if (id.ok()) {
      const absl::Status removed = backups_.KeepNewest(kept);
      if (!removed.ok()) id = removed;
    }
    failed = !id.ok();
    on_backup_(id);
  }
}

}  // namespace nightlog
