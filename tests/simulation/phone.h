#ifndef NIGHTLOG_TESTS_SIMULATION_PHONE_H_
#define NIGHTLOG_TESTS_SIMULATION_PHONE_H_

#include <map>
#include <memory>
#include <set>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "clients/cpp/device_clock.h"
#include "clients/cpp/replica.h"
#include "clients/cpp/sync.h"
#include "nightlog/storage/v1/device.pb.h"
#include "tests/simulation/model.h"
#include "tests/simulation/sim_connection.h"

namespace nightlog::simulation {

// A transaction that a phone keeps.
struct KeptTransaction {
  v1::Transaction transaction;
  std::string name;  // see NameOf
  std::string replica_id;
  // Where it was committed, as the phone knows; 0: it does not.
  uint64_t revision = 0;
  bool lacks_its_record = false;  // see LacksItsRecord
};

// What is on a phone's disk about a family, by device.proto alone.
struct PhoneContent {
  storage::v1::DeviceFamily family;
  // Ids and rows, by id.
  std::vector<std::pair<std::string, std::string>> records;
  std::vector<const KeptTransaction*> outbox;
  std::vector<const KeptTransaction*> sent;
  std::vector<const KeptTransaction*> attention;

  bool HasRecord(const std::string& id) const;
};

// Reads phones. What it gives points into it: the same row is parsed once.
class PhoneReader {
 public:
  // REQUIRES: the columns are those of device.proto, in its order.
  PhoneContent Read(const ReadView& view, const FamilyId& family);

 private:
  std::vector<const KeptTransaction*> ReadTransactions(const ReadView& view, Column column,
                                                       const FamilyId& family);

  std::unordered_map<std::string, std::unique_ptr<KeptTransaction>> rows_;
};

// What of a record an edit must name, that a tap makes while the screen shows `shown`: PROTOCOL.md,
// "What an edit says". Sorted.
std::vector<EditName> ExpectedSaw(const Tap::Change& change, const v1::Record& shown);

// What a screen must show of a record: `confirmed` (null: there is none) with the outbox on top,
// but for what is confirmed already.
v1::Record ExpectedOnScreen(const std::string& id, const NaiveRecord* confirmed,
                            const std::vector<const KeptTransaction*>& outbox,
                            const std::string& member,
                            absl::FunctionRef<bool(const KeptTransaction&)> is_confirmed);

// What an app shows that reads a record again only when it is told to.
class Screen final : public Replica::Observer {
 public:
  void OnRecordsChanged(const FamilyId&, const std::set<RecordId>& records) override {
    told_.insert(records.begin(), records.end());
  }
  void OnFamilyChanged(const FamilyId&) override {}

  // The app starts, and reads everything at the next Check().
  void Restart() {
    told_.clear();
    shown_.clear();
    started_ = false;
  }

  // Whether it shows what the replica does of each record in `ids`, and no others. Empty, or what
  // is wrong.
  std::string Check(const Replica& replica, const FamilyId& family, const std::set<RecordId>& ids);

 private:
  std::set<RecordId> told_;
  std::map<RecordId, std::string> shown_;
  bool started_ = false;
};

// One device with its disk, clocks and connection.
struct Phone {
  Phone(int number, uint64_t seed, SimServer& server, SimConnection::Observer observer)
      : name(absl::StrCat("phone", number)),
        random(seed),
        disk(Replica::kColumns),
        clock(std::make_unique<ManualDeviceClock>(server.clock().Now(), "boot0")),
        connection(server, random, std::move(observer)) {}

  const std::string name;
  SimRandom random;
  SimDisk disk;
  std::unique_ptr<ManualDeviceClock> clock;
  SimConnection connection;
  Screen screen;
  std::unique_ptr<Replica> replica;
  std::unique_ptr<Syncer> syncer;
  DeviceId device;
  MemberId member;
  v1::Role role = v1::ROLE_UNSPECIFIED;
  int boots = 0;
  // In a sync, a stream said that access ended.
  bool told_closed = false;
  // What was tapped on it and saved, as far as its disk knows; see NameOf.
  std::vector<std::string> taps;
  // A row of it was damaged, and it has not noticed yet; or it had to start over once for that.
  bool damaged = false;
  bool was_damaged = false;
  // A copy of the disk, and what had been tapped by then.
  std::shared_ptr<MemoryEngine> old_disk;
  std::vector<std::string> old_taps;
  bool old_damaged = false;
};

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_PHONE_H_
