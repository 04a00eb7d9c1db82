#include "storage/core/exported_record.h"

#include <functional>
#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/storage/core/random_state.h"

namespace nightlog {
namespace {

using storage::v1::StoredRecord;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

v1::Record Exported(const StoredRecord& state) {
  v1::Record record;
  EXPECT_TRUE(RecordToExport(kRecordId, state, record));
  return record;
}

std::vector<FieldViolation> Violations(const v1::Record& record) {
  std::vector<FieldViolation> violations;
  RecordFromExport(record, "record", violations);
  return violations;
}

TEST(ExportedRecordTest, TheStateComesBackAsItWas) {
  for (uint64_t seed = 0; seed < 500; ++seed) {
    StoredRecord state = RandomState(seed);
    std::vector<FieldViolation> violations;
    const StoredRecord again = RecordFromExport(Exported(state), "record", violations);
    ASSERT_THAT(violations, IsEmpty()) << seed << ": " << violations[0].ShortDebugString();
    state.clear_revision();
    state.clear_digest();
    ASSERT_EQ(again.DebugString(), state.DebugString()) << seed;
  }
}

TEST(ExportedRecordTest, WhatThisBuildDoesNotKnowComesBackToo) {
  StoredRecord state = NewStateOfKind(2);
  v1::LogEntry newer;
  newer.GetReflection()->MutableUnknownFields(&newer)->AddVarint(500, 7);
  storage::v1::StoredGroup& group = MutableGroup(state, 500);
  *group.add_versions() = state.groups(0).versions(0);
  group.mutable_versions(0)->set_value(newer.SerializeAsString());
  state.set_created_by(std::string(16, 'm'));
  *state.mutable_created_at() = ToProto(Minute(0));
  state.set_created_revision(1);
  state.set_digest(DigestOf(kRecordId, state));
  std::vector<FieldViolation> violations;
  const StoredRecord again = RecordFromExport(Exported(state), "record", violations);
  EXPECT_THAT(violations, IsEmpty());
  EXPECT_EQ(DigestOf(kRecordId, again), state.digest());
}

TEST(ExportedRecordTest, ARecordOfTheServerComesBackByItsBody) {
  StoredRecord state;
  state.set_kind(kMember);
  v1::Member member;
  member.set_name("Dana");
  state.set_body(member.SerializeAsString());
  state.set_digest(DigestOf(kRecordId, state));
  std::vector<FieldViolation> violations;
  const StoredRecord again = RecordFromExport(Exported(state), "record", violations);
  EXPECT_THAT(violations, IsEmpty());
  EXPECT_EQ(again.body(), state.body());
}

// Each of these changes makes an honest record one that no edits lead to.
TEST(ExportedRecordTest, AStrangersRecordIsLookedAtInEveryPart) {
  StoredRecord state;
  for (uint64_t seed = 0; state.kind() != kLogEntry || state.groups(0).versions_size() == 0;
       ++seed) {
    state = RandomState(seed);
  }
  const struct {
    const char* says;
    std::function<void(v1::Record&)> change;
  } changes[] = {
      {"record_id", [](v1::Record& r) { r.set_record_id("short"); }},
      {"body", [](v1::Record& r) { r.clear_body(); }},
      {"created_by", [](v1::Record& r) { r.set_created_by(""); }},
      {"created_at", [](v1::Record& r) { r.clear_created_at(); }},
      {"created_at", [](v1::Record& r) { r.mutable_created_at()->set_nanos(-1); }},
      {"author_saw_revision",
       [](v1::Record& r) { r.set_author_saw_revision(r.created_revision()); }},
      {"groups", [](v1::Record& r) { *r.add_groups() = r.groups(0); }},
      {"edit",
       [](v1::Record& r) { r.mutable_groups(0)->mutable_versions(0)->mutable_edit()->set_seq(0); }},
      {"edit",
       [](v1::Record& r) {
         r.mutable_groups(0)->mutable_versions(0)->mutable_edit()->clear_replica_id();
       }},
      {"agreed", [](v1::Record& r) { r.mutable_groups(0)->mutable_versions(0)->add_agreed(); }},
      {"member_id",
       [](v1::Record& r) { r.mutable_groups(0)->mutable_versions(0)->clear_member_id(); }},
      {"made_at", [](v1::Record& r) { r.mutable_groups(0)->mutable_versions(0)->clear_made_at(); }},
      {"value", [](v1::Record& r) { r.mutable_groups(0)->mutable_versions(0)->clear_value(); }},
      {"another kind",
       [](v1::Record& r) {
         r.mutable_groups(0)->set_group(v1::Plan::kChildIdFieldNumber);
         r.mutable_groups(0)->mutable_versions(0)->mutable_plan()->set_child_id(
             std::string(16, 'c'));
       }},
      {"an id has 16",
       [](v1::Record& r) {
         r.mutable_groups(0)->mutable_versions(0)->mutable_log_entry()->set_child_id("x");
       }},
      {"not the group",
       [](v1::Record& r) {
         r.mutable_groups(0)->mutable_versions(0)->mutable_log_entry()->set_text("more");
       }},
      {"another version",
       [](v1::Record& r) { *r.mutable_groups(0)->add_versions() = r.groups(0).versions(0); }},
      {"without its child_id", [](v1::Record& r) { r.mutable_groups()->DeleteSubrange(0, 1); }},
      {"nobody deleted it",
       [](v1::Record& r) {
         r.set_deleted(true);
         if (r.groups(0).group() == 0) r.mutable_groups()->DeleteSubrange(0, 1);
       }},
      {"digest", [](v1::Record& r) { r.set_digest(std::string(32, 'x')); }},
      {"digest",
       [](v1::Record& r) {
         r.mutable_groups(0)->mutable_versions(0)->mutable_log_entry()->set_child_id(
             std::string(16, 'd'));
       }},
  };
  while (state.groups(0).group() == kExistence) state.mutable_groups()->DeleteSubrange(0, 1);
  state.set_deleted(false);
  state.set_digest(DigestOf(kRecordId, state));
  ASSERT_THAT(Violations(Exported(state)), IsEmpty());
  for (const auto& [says, change] : changes) {
    v1::Record record = Exported(state);
    change(record);
    std::string told;
    for (const FieldViolation& violation : Violations(record)) told += violation.ShortDebugString();
    EXPECT_THAT(told, HasSubstr(says));
  }
}

}  // namespace
}  // namespace nightlog
