#ifndef NIGHTLOG_STORAGE_DERIVER_H_
#define NIGHTLOG_STORAGE_DERIVER_H_

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "storage/core/ids.h"
#include "storage/family_reader.h"

namespace nightlog {

// A record that a batch changed: as it stood before (nullopt: it is new) and as it stands now.
struct RecordChange {
  RecordId id;
  absl::optional<storage::v1::StoredRecord> before;
  storage::v1::StoredRecord after;
};

// A record that the server writes as a whole.
struct DerivedRecord {
  RecordId id;
  uint32_t kind;
  // The serialised record message. Equal bytes to what stands change nothing.
  std::string body;
};

// What the storage calls within a commit to derive records from records, so that a summary is never
// older or newer than its log. Storage knows nothing of what is derived. Implementations are pure
// (the same records give the same answer), stateless and thread-safe.
class Deriver {
 public:
  // What a deriver has read of one family, so that the family's next commit need not read it again.
  // It is of no consequence but for the cost.
  class Memory {
   public:
    virtual ~Memory() = default;
    // What it holds, about.
    virtual size_t bytes() const = 0;
  };

  virtual ~Deriver() = default;

  // Keys under which the record is to be found by FamilyReader::ScanIndex; unique within the
  // family. Called for every record, derived ones included.
  virtual std::vector<std::string> IndexKeys(const RecordId& id,
                                             const storage::v1::StoredRecord& record) const = 0;

  // Appends the records to write after `changes`, which `reader` sees. The cost must follow the
  // changes, not the family's history. An error drops all that the batch did to this family, so it
  // is for damaged storage only.
  //
  // `memory` is null, or what this made of it at the family's commit before, if that was written
  // and no record has changed since but by `changes`, and derived ones.
  virtual absl::Status Derive(const FamilyReader& reader, absl::Span<const RecordChange> changes,
                              std::unique_ptr<Memory>& memory,
                              std::vector<DerivedRecord>& derived) const = 0;
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_DERIVER_H_
