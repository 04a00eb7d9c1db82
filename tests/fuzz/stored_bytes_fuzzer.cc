// Whatever stands in the store, it is read or called damaged; nothing crashes on it.

#include "services/sleep_deriver.h"
#include "storage/keys.h"
#include "storage/repair.h"
#include "tests/fuzz/byte_source.h"
#include "tests/fuzz/world.h"

namespace nightlog::fuzz {
namespace {

// Another value, or another key, in place of a row of the family or of the store itself.
void Damage(ByteSource& source, MemoryEngine& engine) {
  const Column column = static_cast<Column>(source.Pick(kColumnFamilyNames.size()));
  std::vector<std::pair<std::string, std::string>> rows;
  {
    const auto view = engine.Snapshot();
    for (auto it = view->Scan(column, "", ""); it->Valid(); it->Next()) {
      rows.emplace_back(it->key(), it->value());
    }
  }
  if (rows.empty()) return;
  auto [key, value] = rows[source.Pick(rows.size())];
  WriteBatch batch;
  std::string& bytes = source.Pick(4) == 0 ? key : value;
  if (&bytes == &key) batch.Delete(column, key);
  switch (source.Pick(4)) {
    case 0:
      bytes = source.Bytes(80);
      break;
    case 1:
      bytes.resize(source.Pick(bytes.size() + 1));
      break;
    case 2:
      bytes += source.Bytes(20);
      break;
    default:
      if (!bytes.empty()) bytes[source.Pick(bytes.size())] ^= static_cast<char>(source.Byte());
  }
  batch.Put(column, key, value);
  CHECK(engine.Write(batch).ok());
}

// What can be made again leaves a family that is whole, and the rest is called lost.
void MakeWhole(World& world, const FamilyId& family) {
  const SleepDeriver deriver;
  const auto repair = PlanRepair(*world.engine().Snapshot(), family, deriver, world.clock().Now());
  RequireClear(repair.status());
  if (!repair.ok()) return;
  CHECK(repair->damages.empty() == repair->batch.empty());
  CHECK(world.engine().Write(repair->batch).ok());
  const auto view = world.engine().Snapshot();
  const absl::Status whole = VerifyFamily(*view, family);
  if (!whole.ok()) std::fprintf(stderr, "%s\n", whole.ToString().c_str());
  CHECK(whole.ok());
  const auto again = PlanRepair(*view, family, deriver, world.clock().Now());
  CHECK(again.ok() && again->damages.empty());
}

}  // namespace
}  // namespace nightlog::fuzz

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace nightlog;        // NOLINT: the one function of this program
  using namespace nightlog::fuzz;  // NOLINT
  ByteSource source(data, size);
  World world(*TheExample().engine);
  for (size_t rows = 1 + source.Pick(3); rows > 0; --rows) Damage(source, world.engine());
  for (const Phone* phone : {&TheExample().mine, &TheExample().other}) {
    const FamilyId family(phone->pairing.family_id());
    RequireClear(VerifyFamily(*world.engine().Snapshot(), family));
    World repaired(world.engine());
    MakeWhole(repaired, family);
    v1::FollowRequest follow;
    follow.set_family_id(family.str());
    RequireClear(world.Drain(world.sync().Follow(phone->token, follow, [] {})));
    RequireClear(world.Drain(world.progress().Watch(phone->token, v1::WatchRequest(), [] {})));
    v1::ExportFamilyRequest request;
    request.set_family_id(family.str());
    RequireClear(world.Drain(world.family().ExportFamily(phone->token, request, [] {})));
    RequireClear(world.family().ListFamilies(phone->token, v1::ListFamiliesRequest()).status());
    v1::ListMembersRequest members;
    members.set_family_id(family.str());
    RequireClear(world.family().ListMembers(phone->token, members).status());
    for (const std::string& id : TheExample().ids) {
      v1::ListHistoryRequest history;
      history.set_family_id(family.str());
      history.set_record_id(id);
      RequireClear(world.sync().ListHistory(phone->token, history).status());
      v1::GetProgressRequest progress;
      progress.set_family_id(family.str());
      progress.set_child_id(id);
      RequireClear(world.progress().GetProgress(phone->token, progress).status());
    }
    v1::ListQuarantineRequest list;
    list.set_family_id(family.str());
    const auto late = world.family().ListQuarantine(phone->token, list);
    RequireClear(late.status());
    for (int i = 0; late.ok() && i < late->items_size(); ++i) {
      v1::DecideQuarantineRequest decide;
      decide.set_family_id(family.str());
      decide.set_replica_id(late->items(i).replica_id());
      decide.set_seq(late->items(i).transaction().seq());
      decide.set_decision(v1::QUARANTINE_DECISION_ACCEPT);
      RequireClear(
          world.Call(world.family(), &FamilyService::DecideQuarantine, phone->token, decide)
              .status());
    }
    // A write, which reads what it changes and derives from it.
    TransactionBuilder transactions = phone->transactions;
    v1::LogEntry change;
    change.set_text("again");
    RequireClear(world
                     .Call(world.sync(), &SyncService::Push, phone->token,
                           Example::PushOf(world, *phone,
                                           {transactions.Make(EditsOf(phone->entry, change),
                                                              world.clock().Now())}))
                     .status());
  }
  const absl::Status opened = OpenStore(world.engine());
  // A newer format is the operator's business, who reads the message.
  if (!absl::IsFailedPrecondition(opened)) RequireClear(opened);
  return 0;
}
