#ifndef NIGHTLOG_SERVICES_SLEEP_DERIVER_H_
#define NIGHTLOG_SERVICES_SLEEP_DERIVER_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "storage/deriver.h"

namespace nightlog {

// Derives NightSummary and Progress records from what a commit changed, with the pure functions of
// services/sleep. An entry costs the nights it touches (at most three before and three after the
// edit), a changed plan the nights from its first on, a changed child all its nights. Remembers of
// each child the entries of the nights derived last and the summaries that its progress rests on.
class SleepDeriver final : public Deriver {
 public:
  std::vector<std::string> IndexKeys(const RecordId& id,
                                     const storage::v1::StoredRecord& record) const override;
  absl::Status Derive(const FamilyReader& reader, absl::Span<const RecordChange> changes,
                      std::unique_ptr<Memory>& memory,
                      std::vector<DerivedRecord>& derived) const override;
};

// Where the deriver's records are found.
RecordId NightSummaryId(const RecordId& child, absl::string_view date);
RecordId ProgressId(const RecordId& child);

// Index keys, for FamilyReader::ScanIndex. Nights of a child are in the order of their dates,
// entries in the order of their begins.
std::string NightIndexPrefix(const RecordId& child);
std::string NightIndexKey(const RecordId& child, absl::string_view date);
// The date of a night's index key.
std::string DateOfNightIndexKey(absl::string_view index_key);
std::string EntryIndexPrefix(const RecordId& child);
// The first key of an entry that begins at `began_at` or later, to the second.
std::string EntryIndexStart(const RecordId& child, absl::Time began_at);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_SLEEP_DERIVER_H_
