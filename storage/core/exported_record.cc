#include "storage/core/exported_record.h"

#include <algorithm>
#include <cstdint>
#include <set>
#include <string>
#include <tuple>
#include <utility>

#include "absl/strings/str_cat.h"
#include "storage/core/field_rules.h"
#include "storage/core/ids.h"
#include "storage/core/merge.h"
#include "storage/core/record_state.h"

namespace nightlog {
namespace {

using storage::v1::StoredGroup;
using storage::v1::StoredRecord;
using storage::v1::StoredVersion;

// More than any record has; a bound for strangers.
constexpr int kVersionsMax = 4096;

class Reader {
 public:
  Reader(const v1::Record& record, absl::string_view path, std::vector<FieldViolation>& violations)
      : record_(record), path_(path), violations_(violations) {}

  StoredRecord Read() {
    const size_t before = violations_.size();
    StoredRecord state;
    state.set_kind(static_cast<uint32_t>(record_.body_case()));
    if (!RecordId::IsId(record_.record_id())) Add("record_id", "is not an id of 16 bytes");
    if (DescriptorOf(state.kind()) == nullptr) {
      Add("body", "is missing, or of a kind that this server does not know");
      return state;
    }
    if (IsEditable(state.kind())) {
      ReadEditable(state);
    } else {
      ReadBody(state);
    }
    if (violations_.size() == before && DigestOf(record_.record_id(), state) != record_.digest()) {
      Add("digest", "is not that of the record; the export is damaged");
    }
    return state;
  }

 private:
  void Add(absl::string_view field, absl::string_view description) {
    violations_.push_back(MakeViolation(absl::StrCat(path_, ".", field), description));
  }

  // A record of the server: only its body.
  void ReadBody(StoredRecord& state) {
    if (record_.deleted() || record_.groups_size() > 0 || !record_.created_by().empty()) {
      Add("groups", "belong to no record of the server");
    }
    state.set_body(RecordFromWire(record_).body());
  }

  void ReadEditable(StoredRecord& state) {
    state.set_deleted(record_.deleted());
    state.set_created_by(record_.created_by());
    if (!MemberId::IsId(record_.created_by())) Add("created_by", "is not an id of 16 bytes");
    *state.mutable_created_at() = record_.created_at();
    if (!record_.has_created_at()) Add("created_at", "is required");
    Validate(record_.created_at(), absl::StrCat(path_, ".created_at"), violations_);
    state.set_created_revision(record_.created_revision());
    state.set_author_saw_revision(record_.author_saw_revision());
    // Records of before these were kept have 0 for both.
    if (record_.author_saw_revision() >= std::max<uint64_t>(record_.created_revision(), 1)) {
      Add("author_saw_revision", "must be below created_revision");
    }
    bool deletion = false;
    for (int i = 0; i < record_.groups_size(); ++i) {
      const v1::Group& group = record_.groups(i);
      if (i > 0 && group.group() <= record_.groups(i - 1).group()) {
        Add("groups", "are not in the order of their numbers, each once");
      }
      StoredGroup& stored = *state.add_groups();
      stored.set_group(group.group());
      if (group.versions_size() > kVersionsMax) Add("groups", "has too many versions");
      std::set<std::tuple<std::string, uint64_t, uint32_t>> edits;
      for (int j = 0; j < std::min(group.versions_size(), kVersionsMax); ++j) {
        const v1::Version& version = group.versions(j);
        const std::string field = absl::StrCat("groups[", i, "].versions[", j, "]");
        ReadVersion(version, group.group(), state.kind(), field, *stored.add_versions());
        if (!edits
                 .emplace(version.edit().replica_id(), version.edit().seq(), version.edit().index())
                 .second) {
          Add(field, "has the edit of another version");
        }
        deletion = deletion || version.existence().deleted();
      }
    }
    if (record_.deleted() && !deletion) Add("deleted", "is true, and nobody deleted it");
    ValidateNewRecord(state, path_, violations_);
  }

  void ReadVersion(const v1::Version& version, uint32_t group, uint32_t kind,
                   const std::string& field, StoredVersion& stored) {
    *stored.mutable_edit() = ToStored(version.edit());
    stored.set_member_id(version.member_id());
    *stored.mutable_made_at() = version.made_at();
    if (!MemberId::IsId(version.member_id())) Add(field, "has no member_id of 16 bytes");
    if (!version.has_made_at()) Add(field, "has no made_at");
    Validate(version.made_at(), absl::StrCat(path_, ".", field, ".made_at"), violations_);
    if (!IsEdit(version.edit())) Add(field, "has no edit");
    if (version.agreed_size() > kVersionsMax) Add(field, "has too many agreed edits");
    for (const v1::EditId& agreed : version.agreed()) {
      *stored.add_agreed() = ToStored(agreed);
      if (!IsEdit(agreed)) Add(field, "agreed with no edit");
    }
    // A value is what an edit of its group could have said.
    v1::Edit edit;
    edit.set_record_id(record_.record_id());
    edit.set_group(group);
    switch (version.value_case()) {
      case v1::Version::kChild:
        *edit.mutable_child() = version.child();
        break;
      case v1::Version::kLogEntry:
        *edit.mutable_log_entry() = version.log_entry();
        break;
      case v1::Version::kPlan:
        *edit.mutable_plan() = version.plan();
        break;
      case v1::Version::kComment:
        *edit.mutable_comment() = version.comment();
        break;
      case v1::Version::kExistence:
        *edit.mutable_existence() = version.existence();
        break;
      case v1::Version::VALUE_NOT_SET:
        break;
    }
    ValidateEdit(edit, absl::StrCat(path_, ".", field), violations_);
    if (group != kExistence && KindOf(edit) != kind)
      Add(field, "is of another kind than the record");
    stored.set_value(ValueOf(edit));
  }

  static bool IsEdit(const v1::EditId& edit) {
    return ReplicaId::IsId(edit.replica_id()) && edit.seq() >= 1;
  }

  const v1::Record& record_;
  const absl::string_view path_;
  std::vector<FieldViolation>& violations_;
};

}  // namespace

bool RecordToExport(absl::string_view record_id, const StoredRecord& state, v1::Record& record) {
  if (!RecordToWire(record_id, state, record)) return false;
  for (int i = 0; i < state.groups_size(); ++i) {
    const StoredGroup& group = state.groups(i);
    for (int j = 0; j < group.versions_size(); ++j) {
      *record.mutable_groups(i)->mutable_versions(j) =
          VersionToWire(state.kind(), group.group(), group.versions(j));
    }
  }
  record.set_created_revision(state.created_revision());
  record.set_author_saw_revision(state.author_saw_revision());
  return true;
}

StoredRecord RecordFromExport(const v1::Record& record, absl::string_view path,
                              std::vector<FieldViolation>& violations) {
  return Reader(record, path, violations).Read();
}

}  // namespace nightlog
