#ifndef NIGHTLOG_STORAGE_COLUMN_FAMILIES_H_
#define NIGHTLOG_STORAGE_COLUMN_FAMILIES_H_

#include <array>

#include "absl/strings/string_view.h"
#include "storage/engine/engine.h"

namespace nightlog {

// The column families of a server's store. FORMAT.md says what each holds. The names are on disk:
// never rename or reuse one.
enum ColumnFamily : Column {
  kHeadColumn,
  kRecordColumn,
  kFeedColumn,
  kJournalColumn,
  kReplicaColumn,
  kVerdictColumn,
  kConflictColumn,
  kIndexColumn,
  kAccessColumn,
  kQuarantineColumn,
};

// Names by ColumnFamily, for opening an engine.
constexpr std::array<absl::string_view, 10> kColumnFamilyNames = {
    "head",    "record",   "feed",  "journal", "replica",
    "verdict", "conflict", "index", "access",  "quarantine",
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_COLUMN_FAMILIES_H_
