#ifndef NIGHTLOG_STORAGE_CORE_EXPORTED_RECORD_H_
#define NIGHTLOG_STORAGE_CORE_EXPORTED_RECORD_H_

#include <vector>

#include "absl/strings/string_view.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/sync.pb.h"
#include "storage/core/errors.h"

namespace nightlog {

// A record on its way out of one server and into another: v1.Record with all that its digest covers
// and all that later commits ask of it. Pure; thread-safe.

// What RecordToWire() says, the value of every version, and the revisions of the record's making.
// False if stored bytes are damaged.
bool RecordToExport(absl::string_view record_id, const storage::v1::StoredRecord& state,
                    v1::Record& record);

// The state again, but for its revision, index keys and digest, which its new server gives it: the
// groups of a record that people edit, the body of one of the server. The record is a stranger's
// word: appends what is wrong with it, where `path` names it. Nothing appended: the state is one
// that edits can lead to, and has the digest that the record names.
storage::v1::StoredRecord RecordFromExport(const v1::Record& record, absl::string_view path,
                                           std::vector<FieldViolation>& violations);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_EXPORTED_RECORD_H_
