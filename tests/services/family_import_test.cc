#include "services/family_import.h"

#include <algorithm>
#include <functional>
#include <string>
#include <vector>

#include "clients/cli/export/json_lines.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/hash.h"
#include "storage/core/record_state.h"
#include "storage/family_reader.h"
#include "storage/keys.h"
#include "tests/services/service_fixture.h"
#include "tests/testing/status_matchers.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;
using ::testing::SizeIs;

class FamilyImportTest : public ServiceFixture {
 protected:
  FamilyImportTest() : owner_(CreateFamily()), other_(Join(owner_, v1::ROLE_CAREGIVER)) {}

  // Commits one transaction of the phone's, which has seen nothing of the other's.
  void Push(const Phone& phone, TransactionBuilder& made, std::vector<v1::Edit> edits) {
    v1::PushRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_replica_id(phone.pairing.replica_id());
    *request.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    *request.add_transactions() = made.Make(std::move(edits), clock_.Now());
    const auto response = Await(sync_service_, &SyncService::Push, phone.token, request);
    ASSERT_TRUE(response.ok()) << response.status();
    ASSERT_TRUE(response->verdicts(0).has_committed()) << response->ShortDebugString();
  }

  v1::LogEntry Entry(double begin_hours, double end_hours) const {
    v1::LogEntry entry;
    entry.set_child_id(child_.str());
    *entry.mutable_interval()->mutable_began_at() =
        ToProto(Evening() + absl::Hours(1) * begin_hours);
    *entry.mutable_interval()->mutable_ended_at() = ToProto(Evening() + absl::Hours(1) * end_hours);
    entry.mutable_interval()->set_zone("Europe/London");
    return entry;
  }
  static absl::Time Evening() { return absl::FromUnixSeconds(1'699'992'000); }  // 20:00 UTC

  // A family in which everything has happened: a conflict, a tombstone, one waking logged twice, a
  // thread, a night of which nothing is left, and a tag from the future.
  void Live() {
    TransactionBuilder a{ReplicaId(owner_.pairing.replica_id())};
    TransactionBuilder b{ReplicaId(other_.pairing.replica_id())};
    v1::Child child;
    child.set_name("Wren");
    child.set_home_zone("Europe/London");
    Push(owner_, a, EditsOf(child_, child));
    v1::LogEntry sleep = Entry(0, 6);
    sleep.mutable_detail()->mutable_sleep();
    sleep.add_tags("cold");
    const RecordId sleep_id = RecordId::Make(random_);
    Push(owner_, a, EditsOf(sleep_id, sleep));
    v1::LogEntry late = Entry(8, 10);
    late.mutable_detail()->mutable_sleep();
    Push(owner_, a, EditsOf(RecordId::Make(random_), late));
    v1::LogEntry awake = Entry(6, 7);
    awake.mutable_detail()->mutable_awake();
    Push(owner_, a, EditsOf(RecordId::Make(random_), awake));
    Push(other_, b, EditsOf(RecordId::Make(random_), awake));
    v1::LogEntry begun_later;
    *begun_later.mutable_interval() = Entry(1, 6).interval();
    Push(other_, b, EditsOf(sleep_id, begun_later));
    v1::Comment thread;
    thread.mutable_target()->set_log_entry_id(sleep_id.str());
    thread.add_posts()->set_text("how long?");
    const RecordId thread_id = RecordId::Make(random_);
    Push(owner_, a, EditsOf(thread_id, thread));
    v1::Comment answer;
    answer.add_posts()->set_text("an hour");
    Push(other_, b, EditsOf(thread_id, answer));
    // A nap of another day that is deleted again.
    v1::LogEntry nap = Entry(-48, -47);
    nap.mutable_detail()->mutable_sleep();
    const RecordId nap_id = RecordId::Make(random_);
    Push(owner_, a, EditsOf(nap_id, nap));
    SeenEdits seen;
    for (uint32_t i = 0; i < 3; ++i) seen.push_back(a.Id(i));
    Push(owner_, a, {ExistenceEdit(nap_id, true, seen)});
  }

  cli::FamilyExport Export(const Phone& phone) {
    cli::FamilyExport exported;
    exported.family_name = phone.pairing.family_name();
    exported.exported_by = MemberId(phone.pairing.member_id());
    const auto stream = ServiceFixture::Export(phone);
    EXPECT_TRUE(stream.ok()) << stream.status();
    for (auto step = (*stream)->Next(); step.message != nullptr; step = (*stream)->Next()) {
      for (const v1::Record& record : step.message->records()) exported.records.push_back(record);
    }
    return exported;
  }

  // The owner's phone in a new family that is to hold the export.
  Phone Begin(const cli::FamilyExport& exported) {
    v1::CreateFamilyRequest request;
    request.set_family_name(exported.family_name);
    request.set_member_name("Robin");
    request.set_device_name("a new phone");
    request.set_imported_member_id(exported.exported_by.str());
    const auto response = Call(&FamilyService::CreateFamily, Phone(), request);
    EXPECT_TRUE(response.ok()) << response.status();
    return Paired(Phone(), response->pairing());
  }

  absl::Status Send(const Phone& phone, const std::vector<v1::Record>& records, bool last) {
    v1::ImportRecordsRequest request;
    request.set_family_id(phone.pairing.family_id());
    for (const v1::Record& record : records) *request.add_records() = record;
    request.set_last(last);
    return Call(&FamilyService::ImportRecords, phone, request).status();
  }

  storage::v1::FamilyHead Head(const Phone& phone) {
    const auto head = FamilyReader(*engine_.Snapshot(), phone.family()).Head();
    EXPECT_TRUE(head.ok() && head->has_value());
    return **head;
  }

  std::string StateHashOf(const Phone& phone) {
    StateHash sum;
    const storage::v1::FamilyHead head = Head(phone);
    for (const auto& kind : head.kind_hashes()) sum.Add(StateHash(kind.sum()));
    return sum.bytes();
  }

  const Phone owner_;
  const Phone other_;
};

TEST_F(FamilyImportTest, AnEmptyFamilyBecomesTheExportedOneToTheLastBit) {
  Live();
  const cli::FamilyExport exported = Export(owner_);
  const Phone here = Begin(exported);
  const std::vector<v1::Record> records = cli::InImportOrder(exported, exported.exported_by);
  // In requests of three, each sent twice as after a lost answer.
  for (size_t i = 0; i < records.size(); i += 3) {
    const std::vector<v1::Record> some(records.begin() + i,
                                       records.begin() + std::min(i + 3, records.size()));
    for (int times = 0; times < 2; ++times) {
      ASSERT_THAT(Send(here, some, i + 3 >= records.size()), IsOk());
    }
  }
  EXPECT_EQ(StateHashOf(here), StateHashOf(owner_));
  EXPECT_EQ(StateHashOf(here), exported.StateHash());
  EXPECT_THAT(Verify(here), IsOk());
  // And so is what is exported of it, but for the numbers of revisions.
  const cli::FamilyExport again = Export(here);
  EXPECT_THAT(again.records, SizeIs(exported.records.size()));
  EXPECT_EQ(again.StateHash(), exported.StateHash());
  const auto members = ListMembers(here);
  ASSERT_THAT(members, IsOk());
  ASSERT_EQ(members->members_size(), 2);
  EXPECT_EQ(members->members(0).devices_size() + members->members(1).devices_size(), 1);
}

// The waking of both counts once only because neither had seen the other's: the summaries cannot
// be equal unless that is kept.
TEST_F(FamilyImportTest, WhoHadSeenWhatIsKept) {
  Live();
  cli::FamilyExport exported = Export(owner_);
  int episodes = 0;
  for (const v1::Record& record : exported.records) {
    episodes += record.night_summary().episodes_size();
  }
  EXPECT_EQ(episodes, 1);
  const Phone here = Begin(exported);
  std::vector<v1::Record> records = cli::InImportOrder(exported, exported.exported_by);
  for (v1::Record& record : records) {
    if (record.created_revision() > 0)
      record.set_author_saw_revision(record.created_revision() - 1);
  }
  ASSERT_THAT(Send(here, records, true), IsOk());
  EXPECT_NE(StateHashOf(here), exported.StateHash());
}

TEST_F(FamilyImportTest, AFamilyThatIsLivedInTakesNoExport) {
  Live();
  const cli::FamilyExport exported = Export(owner_);
  const Phone here = Begin(exported);
  ASSERT_THAT(Send(here, cli::InImportOrder(exported, exported.exported_by), true), IsOk());
  v1::Record stranger = exported.records[0];
  for (const v1::Record& record : exported.records) {
    if (record.has_log_entry()) stranger = record;
  }
  const Phone lived_in = CreateFamily();
  EXPECT_EQ(ReasonOf(Send(lived_in, {stranger}, true)), v1::ERROR_REASON_NOT_IMPORTING);
  EXPECT_THAT(Send(here, {stranger}, true), IsOk());  // it is there, word for word
  EXPECT_FALSE(Head(here).importing());
}

TEST_F(FamilyImportTest, ARecordThatDoesNotFitIsRefusedAndNothingOfItsRequestStays) {
  Live();
  const cli::FamilyExport exported = Export(owner_);
  const std::vector<v1::Record> records = cli::InImportOrder(exported, exported.exported_by);
  const auto refusal = [&](const std::function<void(v1::Record&)>& change, auto wanted) {
    const Phone here = Begin(exported);
    std::vector<v1::Record> changed = records;
    bool found = false;
    for (v1::Record& record : changed) {
      if (found || !wanted(record)) continue;
      found = true;
      change(record);
      storage::v1::StoredRecord state = RecordFromWire(record);
      if (!IsEditable(state.kind())) record.set_digest(DigestOf(record.record_id(), state));
    }
    EXPECT_TRUE(found);
    const uint64_t before = Head(here).revision();
    const absl::Status status = Send(here, changed, true);
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_INVALID_FIELD);
    EXPECT_EQ(Head(here).revision(), before);
    return std::string(status.message());
  };
  const auto caller = [&](const v1::Record& r) {
    return r.record_id() == exported.exported_by.bytes();
  };
  const auto night = [](const v1::Record& r) { return r.has_night_summary(); };
  const auto entry = [](const v1::Record& r) { return r.has_log_entry(); };
  EXPECT_THAT(refusal([](v1::Record& r) { r.mutable_member()->set_role(v1::ROLE_VIEWER); }, caller),
              HasSubstr("no owner"));
  EXPECT_THAT(refusal([](v1::Record& r) { r.mutable_member()->clear_name(); }, caller),
              HasSubstr("no name"));
  EXPECT_THAT(
      refusal([](v1::Record& r) { r.mutable_night_summary()->set_date("2020-01-01"); }, night),
      HasSubstr("derived from no child"));
  EXPECT_THAT(refusal([](v1::Record& r) { r.set_created_revision(1000); }, entry),
              HasSubstr("created_revision"));
  EXPECT_THAT(refusal([](v1::Record& r) { r.mutable_groups()->DeleteSubrange(0, 1); }, entry),
              HasSubstr("without its"));
}

TEST_F(FamilyImportTest, ASummaryThatIsNotTheLogsIsDerivedAnew) {
  Live();
  cli::FamilyExport exported = Export(owner_);
  const Phone here = Begin(exported);
  std::vector<v1::Record> records = cli::InImportOrder(exported, exported.exported_by);
  for (v1::Record& record : records) {
    if (!record.has_night_summary()) continue;
    record.mutable_night_summary()->set_nwak(99);
    record.set_digest(DigestOf(record.record_id(), RecordFromWire(record)));
  }
  ASSERT_THAT(Send(here, records, true), IsOk());
  EXPECT_EQ(StateHashOf(here), exported.StateHash());
}

TEST_F(FamilyImportTest, ARequestOverItsBoundsIsRefused) {
  const Phone here = Begin(Export(owner_));
  // Each is refused for what it holds; one of them for how many there are.
  for (const size_t count : {512, 513}) {
    const absl::Status refused = Send(here, std::vector<v1::Record>(count), false);
    EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_INVALID_FIELD);
    ASSERT_FALSE(ViolationsOf(refused).empty());
    EXPECT_EQ(ViolationsOf(refused)[0].field() == "records", count > 512);
  }
  v1::Record large;
  large.set_digest(std::string(3 << 20, 'x'));
  EXPECT_EQ(ReasonOf(Send(here, {large}, false)), v1::ERROR_REASON_TOO_LARGE);
}

}  // namespace
}  // namespace nightlog
