#ifndef NIGHTLOG_TESTS_SIMULATION_NAIVE_RECORD_H_
#define NIGHTLOG_TESTS_SIMULATION_NAIVE_RECORD_H_

#include <cstdint>
#include <map>
#include <string>
#include <tuple>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nightlog/v1/sync.pb.h"
#include "nightlog/v1/sync_service.pb.h"

namespace nightlog::simulation {

// PROTOCOL.md once more, written to be short and to share nothing with storage/core: what a record
// becomes when an edit comes to it, and what a device is told of it.

// {replica, seq, index}
using EditName = std::tuple<std::string, uint64_t, uint32_t>;
EditName NameOf(const v1::EditId& id);

// A value that stands in a group.
struct NaiveValue {
  // The edits that said it; the first one's words are kept.
  std::vector<EditName> said_by;
  std::string member;
  absl::Time made_at;
  std::string value;
  uint32_t group = 0;
};

// A record with every edit that stands in it.
struct NaiveRecord {
  uint32_t kind = 0;
  uint64_t revision = 0;
  bool deleted = false;
  std::string created_by;
  absl::Time created_at;
  uint64_t created_revision = 0;
  uint64_t author_saw_revision = 0;
  // By group; 0: existence.
  std::map<uint32_t, std::vector<NaiveValue>> groups;
  // Of a record of the server.
  std::string body;
  // As devices get it, digest and all; filled in by the model.
  std::string wire;
  std::string digest;
};

// One edit, as its replica sent it.
struct NaiveEdit {
  v1::Edit edit;
  EditName name;
  std::string member;
  absl::Time estimate;
  absl::Time received;
  absl::Time made_wall;
  // On the screen of the phone itself, which corrects no clock.
  bool on_phone = false;
};

// What became of an edit.
struct NaiveOutcome {
  v1::EditEffect effect;
  std::vector<NaiveValue> replaced;
};

// The time of a tap, as well as a server knows it that gets it at `received`.
absl::Time NaiveEstimate(const v1::ClockReading& made, const v1::ClockReading& sent,
                         absl::Time received);

// What an edit makes of a record. REQUIRES: ProblemWith() finds nothing.
NaiveOutcome Apply(const NaiveEdit& edit, NaiveRecord& record);

// Why a server must reject a transaction of a member with this role; empty: it must take it.
// `records` are those it is about that are there.
std::string ProblemWith(const v1::Transaction& transaction, v1::Role role,
                        std::map<std::string, NaiveRecord> records);

// A value of a record of this kind as devices get it.
v1::Version ToWire(uint32_t kind, const NaiveValue& value);

// The record as devices get it, without its digest.
v1::Record ToWire(const std::string& id, const NaiveRecord& record);

// True if a person has a choice to make.
bool HasOpenConflict(const NaiveRecord& record);

// The serialised body of the record.
std::string BodyOf(const std::string& id, const NaiveRecord& record);

}  // namespace nightlog::simulation

#endif  // NIGHTLOG_TESTS_SIMULATION_NAIVE_RECORD_H_
