#include "services/sleep_deriver.h"

#include <memory>
#include <string>
#include <vector>

#include "tests/services/service_fixture.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class SleepDeriverTest : public ServiceFixture {
 protected:
  SleepDeriverTest() : owner_(CreateFamily()), transactions_(ReplicaId(pairing().replica_id())) {
    v1::Child child;
    child.set_name("Robin");
    child.set_home_zone("Europe/London");
    Push(child_, child);
  }

  const v1::Pairing& pairing() const { return owner_.pairing; }

  template <typename Body>
  void Push(const RecordId& id, const Body& body) {
    v1::PushRequest push;
    push.set_family_id(pairing().family_id());
    push.set_replica_id(pairing().replica_id());
    *push.mutable_sent_at()->mutable_wall() = ToProto(clock_.Now());
    *push.add_transactions() = transactions_.Make(EditsOf(id, body), clock_.Now());
    const auto pushed = Await(sync_service_, &SyncService::Push, owner_.token, push);
    ASSERT_TRUE(pushed.ok()) << pushed.status();
    ASSERT_TRUE(pushed->verdicts_size() == 1 && pushed->verdicts(0).has_committed())
        << pushed->ShortDebugString();
  }

  std::vector<std::string> Nights() const {
    v1::ListNightsRequest request;
    request.set_family_id(pairing().family_id());
    request.set_child_id(child_.str());
    const auto page = progress_service_.ListNights(owner_.token, request);
    EXPECT_TRUE(page.ok()) << page.status();
    std::vector<std::string> dates;
    for (const v1::NightSummary& night : page->nights()) dates.push_back(night.date());
    return dates;
  }

  const Phone owner_;
  TransactionBuilder transactions_;
};

TEST_F(SleepDeriverTest, AMemoryTellsHowMuchItHolds) {
  const SleepDeriver deriver;
  std::unique_ptr<Deriver::Memory> memory;
  RecordChange change;
  const auto derive = [&] {
    const std::unique_ptr<ReadView> view = engine_.Snapshot();
    const FamilyReader reader(*view, FamilyId(pairing().family_id()));
    if (!change.before.has_value()) change.after = reader.Record(change.id)->value();
    std::vector<DerivedRecord> derived;
    EXPECT_TRUE(deriver.Derive(reader, {change}, memory, derived).ok());
    return memory->bytes();
  };
  const auto log = [&](const std::string& text) {
    v1::LogEntry entry;
    entry.set_child_id(child_.str());
    entry.mutable_detail()->mutable_crying();
    entry.set_text(text);
    *entry.mutable_interval()->mutable_began_at() = ToProto(clock_.Now());
    entry.mutable_interval()->set_zone("Europe/London");
    change = RecordChange();
    change.id = RecordId::Make(random_);
    Push(change.id, entry);
    return derive();
  };
  const size_t one = log("");
  EXPECT_GT(one, 0u);
  const size_t two = log("");
  EXPECT_GT(two, one);
  EXPECT_GE(log(std::string(1000, 'a')), two + 1000);
  change.before = change.after;
  EXPECT_GE(derive(), two + 1000);
  change.after.clear_index_keys();  // as of one that was deleted
  EXPECT_LT(derive(), two + 1000);
}

TEST_F(SleepDeriverTest, NightThatSaysSomethingOnlyUnderALaterPlanIsScored) {
  // It begins with the last second of the night and has no end yet, so it counts for no minutes.
  v1::LogEntry crying;
  crying.set_child_id(child_.str());
  crying.mutable_detail()->mutable_crying();
  const absl::Time begin = absl::FromCivil(absl::CivilHour(2023, 11, 15, 7), absl::UTCTimeZone());
  clock_.Set(begin);
  *crying.mutable_interval()->mutable_began_at() = ToProto(begin);
  crying.mutable_interval()->set_zone("Europe/London");
  Push(RecordId::Make(random_), crying);
  ASSERT_THAT(Nights(), IsEmpty());

  v1::Plan plan;
  plan.set_child_id(child_.str());
  plan.mutable_approach()->set_method(v1::PLAN_METHOD_GRADUATED_EXTINCTION);
  plan.mutable_nights()->set_first_night("2023-11-14");
  Push(RecordId::Make(random_), plan);
  EXPECT_THAT(Nights(), ElementsAre("2023-11-14"));
}

}  // namespace
}  // namespace nightlog
