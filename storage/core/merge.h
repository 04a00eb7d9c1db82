#ifndef NIGHTLOG_STORAGE_CORE_MERGE_H_
#define NIGHTLOG_STORAGE_CORE_MERGE_H_

#include <vector>

#include "absl/time/time.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/sync.pb.h"
#include "nightlog/v1/sync_service.pb.h"
#include "storage/core/errors.h"
#include "storage/core/ids.h"

namespace nightlog {

// The merge: (state of a record, one edit) → state and outcome. Pure: no clock, no disk, no RPC.
// The server decides with it; a device only lays its own unconfirmed edits over confirmed records.
//
// Of each field group the state keeps the versions that *stand*: those that no committed edit had
// seen. An edit replaces exactly the standing versions that its `saw` names (or that agreed with
// one of them). That is the whole test for "in the causal past": a standing version was, by
// induction, not seen by any edit committed after it, so it can be in the past of the new edit only
// by being named itself. Whatever else still stands is concurrent, and the rule beside the field
// decides (v1.MergeRule). So no value that anybody committed leaves the state unless somebody saw
// it go.

// An edit as the server or the device takes it.
struct AuthoredEdit {
  const v1::Edit* edit;
  storage::v1::StoredEditId id;
  MemberId member;
  // Estimated and clamped (see edit_time.h).
  absl::Time made_at;
};

// What became of an edit.
struct MergeOutcome {
  v1::EditEffect effect = v1::EDIT_EFFECT_UNSPECIFIED;
  // The versions that the edit replaced.
  std::vector<storage::v1::StoredVersion> replaced;
};

// Concurrent interval ends this close to each other mean the same moment.
constexpr absl::Duration kIntervalAgreement = absl::Minutes(3);

// Appends what is wrong with an edit in itself: no value, a value with another group than the one
// named, a broken field rule, a required group cleared. Nothing appended: Merge may be called.
void ValidateEdit(const v1::Edit& edit, absl::string_view path,
                  std::vector<FieldViolation>& violations);

// Appends a violation for each required group that a record created by these edits lacks.
void ValidateNewRecord(const storage::v1::StoredRecord& record, absl::string_view path,
                       std::vector<FieldViolation>& violations);

// Applies the edit to `record`, which may be new (kind 0; an existence edit then makes nothing, and
// the effect is UNSPECIFIED).
// REQUIRES: ValidateEdit found nothing, and the edit's kind is 0 or the record's.
MergeOutcome Merge(const AuthoredEdit& edit, storage::v1::StoredRecord& record);

// Puts the versions of a REGISTER or INTERVAL group in their order: the later estimate first.
void SortVersions(storage::v1::StoredGroup& group);

// The newest estimate among the versions the edit saw; absl::InfinitePast() where it saw none.
absl::Time NewestSeen(const v1::Edit& edit, const storage::v1::StoredRecord& record);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_MERGE_H_
