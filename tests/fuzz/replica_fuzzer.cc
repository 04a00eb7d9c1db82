// Whatever a server says, a phone takes it or refuses it; what it saved itself stays, and it opens
// again.

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "clients/cpp/replica.h"
#include "storage/core/check.h"
#include "storage/core/record_state.h"
#include "storage/engine/memory_engine.h"
#include "tests/fuzz/byte_source.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog::fuzz {
namespace {

// Reads all that a screen may show.
uint64_t PendingAfterLook(const Replica& replica, const FamilyId& family) {
  for (uint32_t kind : {kChild, kLogEntry, kPlan, kComment, kMember, kNightSummary, kProgress}) {
    CHECK(replica.List(family, kind).ok());
  }
  CHECK(replica.ListNeedsAttention(family).ok());
  CHECK(replica.NextFollow(family).ok());
  const auto state = replica.FamilyStateOf(family);
  CHECK(state.ok());
  return state->pending + state->needs_attention;
}

}  // namespace
}  // namespace nightlog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nightlog;        // NOLINT: the one function of this program
  using namespace nightlog::fuzz;  // NOLINT
  ByteSource source(data, size);
  const ManualDeviceClock clock(absl::FromUnixSeconds(1'700'000'000), "boot");
  auto memory = std::make_unique<MemoryEngine>(Replica::kColumns);
  const MemoryEngine& engine = *memory;
  auto replica = Replica::Open(std::move(memory), clock);
  CHECK(replica.ok());
  v1::Pairing pairing;
  pairing.set_family_id(TestId<FamilyId>(1).str());
  pairing.set_member_id(TestId<MemberId>(2).str());
  pairing.set_device_id(TestId<DeviceId>(3).str());
  pairing.set_replica_id(TestId<ReplicaId>(4).str());
  CHECK((*replica)->AddFamily(pairing).ok());
  const FamilyId family(pairing.family_id());
  const RecordId record = TestId<RecordId>(6);
  v1::LogEntry entry;
  entry.set_text("mine");
  entry.set_child_id(TestId<RecordId>(7).str());
  entry.mutable_detail()->mutable_awake();
  entry.mutable_interval()->mutable_began_at()->set_seconds(1'700'000'000);
  entry.mutable_interval()->set_zone("Europe/London");
  CHECK((*replica)->Write(family, Tap().Set(record, entry)).ok());
  const std::vector<std::string> ids = {
      pairing.family_id(), pairing.member_id(), pairing.replica_id(), TestId<LineageId>(5).str(),
      record.str(),        entry.child_id(),    std::string(32, '\0')};

  while (!source.empty()) {
    if (source.Pick(3) == 0) {
      const auto push = (*replica)->NextPush(family);
      CHECK(push.ok());
      v1::PushResponse response;
      if (!push->has_value() || !Make(source, ids, response)) continue;
      const uint64_t before = PendingAfterLook(**replica, family);
      // An answer that makes no sense must acknowledge nothing.
      if (!(*replica)->ApplyVerdicts(**push, response).ok()) {
        CHECK(PendingAfterLook(**replica, family) == before);
      }
      continue;
    }
    std::vector<v1::FollowResponse> messages(1 + source.Pick(3));
    bool made = true;
    for (v1::FollowResponse& message : messages) made = made && Make(source, ids, message);
    if (!made) continue;
    const absl::Status applied = (*replica)->ApplyBookmark(family, messages);
    if (!applied.ok()) CHECK(!applied.message().empty());
    PendingAfterLook(**replica, family);
  }
  const uint64_t pending = PendingAfterLook(**replica, family);
  auto again = Replica::Open(std::make_unique<MemoryEngine>(engine), clock);
  CHECK(again.ok());
  CHECK(PendingAfterLook(**again, family) == pending);
  return 0;
}
