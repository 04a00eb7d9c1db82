#ifndef NIGHTLOG_TESTS_STORAGE_CORE_EDIT_BUILDER_H_
#define NIGHTLOG_TESTS_STORAGE_CORE_EDIT_BUILDER_H_

#include <initializer_list>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/sync.pb.h"
#include "storage/core/merge.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"

namespace nightlog {

// Times in merge tests are minutes after a begin that is as good as any.
inline absl::Time Minute(double minutes) {
  return absl::FromUnixSeconds(1'700'000'000) + absl::Minutes(1) * minutes;
}

// An edit, with what the server adds to it. `who` is the letter of a replica and of its member.
struct TestEdit {
  v1::Edit edit;
  storage::v1::StoredEditId id;
  MemberId member;
  absl::Time made_at;

  AuthoredEdit authored() const { return {&edit, id, member, made_at}; }
};

using Seen = std::vector<storage::v1::StoredEditId>;

inline storage::v1::StoredEditId EditIdOf(char who, uint64_t seq, uint32_t index = 0) {
  storage::v1::StoredEditId id;
  id.set_replica_id(std::string(16, who));
  id.set_seq(seq);
  id.set_index(index);
  return id;
}

inline TestEdit MakeEdit(char who, uint64_t seq, absl::Time made_at, const Seen& saw) {
  TestEdit made;
  made.id = EditIdOf(who, seq);
  made.member = MemberId(std::string(16, who));
  made.made_at = made_at;
  made.edit.set_record_id(std::string(16, 'r'));
  for (const storage::v1::StoredEditId& id : saw) *made.edit.add_saw() = ToWire(id);
  return made;
}

inline TestEdit NameEdit(char who, uint64_t seq, absl::Time made_at, absl::string_view name,
                         const Seen& saw = {}) {
  TestEdit made = MakeEdit(who, seq, made_at, saw);
  made.edit.set_group(v1::Child::kNameFieldNumber);
  made.edit.mutable_child()->set_name(std::string(name));
  return made;
}

inline TestEdit TagsEdit(char who, uint64_t seq, absl::Time made_at,
                         const std::vector<std::string>& added,
                         const std::vector<std::string>& removed = {}, const Seen& saw = {}) {
  TestEdit made = MakeEdit(who, seq, made_at, saw);
  made.edit.set_group(v1::LogEntry::kTagsFieldNumber);
  made.edit.mutable_log_entry();
  for (const std::string& tag : added) made.edit.mutable_log_entry()->add_tags(tag);
  for (const std::string& tag : removed) made.edit.add_removed_elements(tag);
  return made;
}

// An empty text clears the group.
inline TestEdit TextEdit(char who, uint64_t seq, absl::Time made_at, absl::string_view text,
                         const Seen& saw = {}) {
  TestEdit made = MakeEdit(who, seq, made_at, saw);
  made.edit.set_group(v1::LogEntry::kTextFieldNumber);
  made.edit.mutable_log_entry();
  if (!text.empty()) made.edit.mutable_log_entry()->set_text(std::string(text));
  return made;
}

inline TestEdit ExistenceEdit(char who, uint64_t seq, absl::Time made_at, bool deleted,
                              const Seen& saw = {}) {
  TestEdit made = MakeEdit(who, seq, made_at, saw);
  made.edit.mutable_existence()->set_deleted(deleted);
  return made;
}

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_STORAGE_CORE_EDIT_BUILDER_H_
