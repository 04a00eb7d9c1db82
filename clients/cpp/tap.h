#ifndef NIGHTLOG_CLIENTS_CPP_TAP_H_
#define NIGHTLOG_CLIENTS_CPP_TAP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/optional.h"
#include "google/protobuf/message.h"
#include "nightlog/v1/records.pb.h"
#include "nightlog/v1/sync.pb.h"
#include "storage/core/ids.h"

namespace nightlog {

// What one tap changes: it becomes one transaction, committed as one or not at all. A value type.
//
//   v1::LogEntry entry;
//   entry.set_child_id(child.str());
//   entry.mutable_detail()->mutable_crying();
//   *entry.mutable_interval() = ..;
//   RETURN_IF_ERROR(replica.Write(family, Tap().Set(MakeRecordId(now, random), entry)).status());
class Tap {
 public:
  struct Change {
    v1::Edit edit;  // without `saw`, which the replica fills in
    // True: the edit replaces every value that stands in its group, not only the one shown.
    bool resolves = false;
    // Set: the edit replaces what that one said, and nothing else.
    absl::optional<v1::EditId> replaced;
  };

  // Writes each field group that is set in `groups` (a Child, LogEntry, Plan or Comment) to the
  // record, which is created where it is new. SET groups: the elements are added. APPEND groups:
  // the items are added.
  template <typename Body>
  Tap& Set(const RecordId& record, const Body& groups) {
    return AddEdits(record, groups, /*resolves=*/false);
  }

  // The same, and each value that stands open in these groups goes: resolves a conflict.
  template <typename Body>
  Tap& Resolve(const RecordId& record, const Body& groups) {
    return AddEdits(record, groups, /*resolves=*/true);
  }

  // Empties one group. `kind` is a RecordKind that people edit.
  Tap& Clear(const RecordId& record, uint32_t kind, uint32_t group);

  // Takes tags off a LogEntry.
  Tap& RemoveTags(const RecordId& record, const std::vector<std::string>& tags);

  // Deletes the record as it is shown; an edit by somebody who had not seen this keeps it alive.
  Tap& Delete(const RecordId& record);

  // Brings a deleted record back.
  Tap& Restore(const RecordId& record);

  // An edit that replaces what `replaced` said, and nothing else: an undo.
  Tap& Replace(const v1::Edit& edit, const v1::EditId& replaced);

  // Adds the changes of another tap. REQUIRES: they are about other groups.
  Tap& Append(const Tap& other);

  const std::vector<Change>& changes() const { return changes_; }

 private:
  Tap& AddEdits(const RecordId& record, const google::protobuf::Message& groups, bool resolves);
  // The change of that group; a new one where there is none.
  Change& ChangeOf(const RecordId& record, uint32_t group);

  std::vector<Change> changes_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_CLIENTS_CPP_TAP_H_
