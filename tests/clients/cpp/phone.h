#ifndef NIGHTLOG_TESTS_CLIENTS_CPP_PHONE_H_
#define NIGHTLOG_TESTS_CLIENTS_CPP_PHONE_H_

#include <filesystem>
#include <memory>
#include <string>

#include "absl/strings/string_view.h"
#include "absl/time/clock.h"
#include "clients/cpp/replica.h"
#include "clients/cpp/sync.h"
#include "gtest/gtest.h"
#include "storage/core/proto_time.h"
#include "storage/core/random.h"
#include "storage/engine/memory_engine.h"
#include "tests/clients/cpp/fake_server.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {

constexpr absl::Time kEvening = absl::FromUnixSeconds(1'750'000'000);

inline RecordId Rec(uint32_t number) { return TestId<RecordId>(1000 + number); }

inline v1::LogEntry Text(absl::string_view text) {
  v1::LogEntry entry;
  entry.set_text(std::string(text));
  return entry;
}

inline v1::LogEntry Caregiver(const MemberId& member) {
  v1::LogEntry entry;
  entry.set_caregiver_id(member.str());
  return entry;
}

// A crying that began so long after kEvening; all that a new entry needs.
inline v1::LogEntry Crying(absl::Duration after = absl::ZeroDuration()) {
  v1::LogEntry entry;
  entry.set_child_id(Rec(0).str());
  entry.mutable_detail()->mutable_crying();
  *entry.mutable_interval()->mutable_began_at() = ToProto(kEvening + after);
  entry.mutable_interval()->set_zone("Europe/Stockholm");
  return entry;
}

// A device in memory, paired with the fake server's family.
struct Phone {
  Phone(FakeServer& server, const std::string& name)
      : Phone(server, name, std::make_unique<MemoryEngine>(Replica::kColumns)) {
    EXPECT_TRUE(replica->AddFamily(server.NewPairing(name)).ok());
  }

  // What is left of another one: a phone restored from a backup, or cloned.
  Phone(FakeServer& server, const std::string& name, const Phone& copied)
      : Phone(server, name, std::make_unique<MemoryEngine>(*copied.engine)) {}

  void Write(const Tap& tap) {
    const absl::Status status = replica->Write(family, tap);
    ASSERT_TRUE(status.ok()) << status;
  }

  // With no time for another attempt.
  absl::Status SyncOnce() { return syncer.SyncOnce(family, absl::Now()); }
  void MustSync() {
    const absl::Status status = SyncOnce();
    ASSERT_TRUE(status.ok()) << status;
  }

  FamilyState state() const {
    absl::StatusOr<FamilyState> state = replica->FamilyStateOf(family);
    EXPECT_TRUE(state.ok()) << state.status();
    return *std::move(state);
  }

  // What is shown; an empty record where nothing is.
  ShownRecord Shown(const RecordId& record) const {
    absl::StatusOr<absl::optional<ShownRecord>> shown = replica->Get(family, record);
    EXPECT_TRUE(shown.ok()) << shown.status();
    return shown.ok() && shown->has_value() ? **shown : ShownRecord();
  }
  std::string TextOf(const RecordId& record) const {
    return Shown(record).record.log_entry().text();
  }

  // What waits to be pushed.
  std::vector<v1::Transaction> Pending() const {
    absl::StatusOr<absl::optional<v1::PushRequest>> push = replica->NextPush(family);
    EXPECT_TRUE(push.ok()) << push.status();
    if (!push.ok() || !push->has_value()) return {};
    return {(*push)->transactions().begin(), (*push)->transactions().end()};
  }

  // A name of one of this phone's edits.
  v1::EditId Edit(uint64_t seq, uint32_t index = 0) const {
    v1::EditId id;
    id.set_replica_id(state().pairing.replica_id());
    id.set_seq(seq);
    id.set_index(index);
    return id;
  }

  const FamilyId family;
  ManualDeviceClock clock;
  SystemRandom random;
  const MemoryEngine* engine;
  std::unique_ptr<Replica> replica;
  Syncer syncer;

 private:
  Phone(FakeServer& server, const std::string& name, std::unique_ptr<MemoryEngine> memory)
      : family(server.family()),
        clock(kEvening, "boot of " + name),
        engine(memory.get()),
        replica(Open(std::move(memory), clock)),
        syncer(*replica, server, clock, random, FastOptions()) {}

  static std::unique_ptr<Replica> Open(std::unique_ptr<MemoryEngine> memory,
                                       const DeviceClock& clock) {
    absl::StatusOr<std::unique_ptr<Replica>> replica = Replica::Open(std::move(memory), clock);
    EXPECT_TRUE(replica.ok()) << replica.status();
    return *std::move(replica);
  }

  static SyncOptions FastOptions() {
    SyncOptions options;
    options.backoff = {absl::Milliseconds(1), absl::Milliseconds(5)};
    return options;
  }
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_CLIENTS_CPP_PHONE_H_
