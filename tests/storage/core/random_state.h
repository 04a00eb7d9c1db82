#ifndef NIGHTLOG_TESTS_STORAGE_CORE_RANDOM_STATE_H_
#define NIGHTLOG_TESTS_STORAGE_CORE_RANDOM_STATE_H_

#include <cstdint>
#include <random>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "tests/storage/core/edit_builder.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {

constexpr char kRecordId[] = "0123456789abcdef";

// The state of a record with these groups (a Child, LogEntry, Plan or Comment), each set by `a`.
template <typename Body>
storage::v1::StoredRecord NewState(const Body& body) {
  storage::v1::StoredRecord record;
  for (v1::Edit& edit : EditsOf(RecordId(kRecordId), body)) {
    TestEdit made = MakeEdit('a', 1, Minute(0), {});
    made.id.set_index(edit.group());
    made.edit = std::move(edit);
    Merge(made.authored(), record);
  }
  return record;
}

// A record of one of three kinds, with all that it must have.
inline storage::v1::StoredRecord NewStateOfKind(int kind) {
  if (kind == 0) {
    v1::Child child;
    child.set_name("name");
    child.set_home_zone("UTC");
    return NewState(child);
  }
  if (kind == 1) {
    v1::Comment comment;
    comment.mutable_target()->set_plan_id(std::string(16, 'p'));
    comment.add_posts()->set_text("first");
    return NewState(comment);
  }
  v1::LogEntry entry;
  entry.set_child_id(std::string(16, 'c'));
  entry.mutable_detail()->mutable_crying()->set_intensity(2);
  *entry.mutable_interval()->mutable_began_at() = ToProto(Minute(0));
  entry.mutable_interval()->set_zone("UTC");
  return NewState(entry);
}

// A state that random edits of a random kind lead to; each saw some of what stood.
inline storage::v1::StoredRecord RandomState(uint64_t seed) {
  std::mt19937_64 engine(seed);
  const auto pick = [&engine](int below) { return static_cast<int>(engine() % below); };
  const int kind = pick(3);
  const int edits = pick(12);
  storage::v1::StoredRecord record = NewStateOfKind(kind);
  for (int i = 0; i < edits; ++i) {
    Seen saw;
    const bool saw_all = pick(3) == 0;
    for (const storage::v1::StoredGroup& group : record.groups()) {
      for (const storage::v1::StoredVersion& version : group.versions()) {
        if (saw_all || pick(2) == 0) saw.push_back(version.edit());
      }
    }
    const char who = static_cast<char>('a' + pick(3));
    const absl::Time now = Minute(pick(100));
    const auto seq = static_cast<uint64_t>(i) + 2;
    TestEdit edit = ExistenceEdit(who, seq, now, pick(2) == 0, saw);
    if (pick(4) > 0) {
      if (kind == 0) {
        edit = NameEdit(who, seq, now, absl::StrCat("name ", pick(4)), saw);
      } else if (kind == 1) {
        edit = MakeEdit(who, seq, now, saw);
        edit.edit.set_group(v1::Comment::kPostsFieldNumber);
        edit.edit.mutable_comment()->add_posts()->set_text(absl::StrCat("post ", i));
      } else if (pick(3) == 0) {
        edit = TextEdit(who, seq, now, pick(4) == 0 ? "" : absl::StrCat("text ", pick(4)), saw);
      } else if (pick(2) == 0) {
        edit = TagsEdit(who, seq, now, {absl::StrCat(pick(4))}, {absl::StrCat(pick(4))}, saw);
      } else {
        edit = MakeEdit(who, seq, now, saw);
        edit.edit.set_group(v1::LogEntry::kIntervalFieldNumber);
        v1::Interval& interval = *edit.edit.mutable_log_entry()->mutable_interval();
        *interval.mutable_began_at() = ToProto(Minute(pick(9)));
        interval.set_zone("UTC");
      }
    }
    Merge(edit.authored(), record);
  }
  record.set_revision(1 + engine() % 1'000'000);
  record.set_created_revision(record.revision());
  record.set_author_saw_revision(engine() % record.revision());
  record.set_created_by(std::string(16, 'm'));
  *record.mutable_created_at() = ToProto(Minute(0));
  record.set_digest(DigestOf(kRecordId, record));
  return record;
}

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_STORAGE_CORE_RANDOM_STATE_H_
