#ifndef NIGHTLOG_STORAGE_KEYS_H_
#define NIGHTLOG_STORAGE_KEYS_H_

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "storage/core/ids.h"

namespace nightlog {

// The only code that builds or parses a key of the store. Every key begins with 16 bytes of family
// id, so that one family is one range of each column; rows of the whole store stand under the id of
// zeros, which no family has. Numbers are big-endian, so byte order is number order. FORMAT.md has
// the table.
//
// Pure functions; thread-safe.

// A family's range in any column is [FamilyStart, FamilyLimit).
std::string FamilyStart(const FamilyId& family);
std::string FamilyLimit(const FamilyId& family);

// The first key after every key that begins with `prefix`; empty if there is none.
std::string PrefixLimit(absl::string_view prefix);

// `head`
std::string StoreHeadKey();
std::string ShardHeadsPrefix();
std::string ShardHeadKey(uint32_t shard);
std::string FamilyHeadKey(const FamilyId& family);
// Says that rows of a family were erased whose bytes may still be on disk. It names the family by
// the begin of its id only, so that it is no trace of it.
std::string ErasedPrefix();
std::string ErasedKey(const FamilyId& family);
// The begin of the ids. REQUIRES: `key` was built by ErasedKey.
absl::string_view BeginOfErased(absl::string_view key);

// `record`, and `conflict` for records with an open conflict
std::string RecordKey(const FamilyId& family, const RecordId& record);
// REQUIRES: `key` was built by RecordKey.
RecordId RecordIdOfKey(absl::string_view key);

// `feed`: the newest revision of each record
std::string FeedKey(const FamilyId& family, uint64_t revision, const RecordId& record);
// The first key after everything of `revision`.
std::string FeedKeyAfter(const FamilyId& family, uint64_t revision);
// What a key of the feed says.
struct FeedPosition {
  uint64_t revision;
  RecordId record;
};
// REQUIRES: `key` was built by FeedKey.
FeedPosition ParseFeedKey(absl::string_view key);

// `journal`
std::string JournalKey(const FamilyId& family, uint64_t revision);
// REQUIRES: `key` was built by JournalKey.
uint64_t RevisionOfJournalKey(absl::string_view key);

// `replica`
std::string ReplicaKey(const FamilyId& family, const ReplicaId& replica);

// `verdict` and `quarantine`
std::string TransactionKey(const FamilyId& family, const ReplicaId& replica, uint64_t seq);
// What such a key says.
struct TransactionName {
  ReplicaId replica;
  uint64_t seq;
};
// REQUIRES: `key` was built by TransactionKey.
TransactionName ParseTransactionKey(absl::string_view key);

// `index`: `key` is the deriver's
std::string IndexKey(const FamilyId& family, absl::string_view key);
// The deriver's part. REQUIRES: `key` was built by IndexKey.
absl::string_view DeriverPartOf(absl::string_view key);

// `access`, of a family
std::string MemberKey(const FamilyId& family, const MemberId& member);
std::string MembersPrefix(const FamilyId& family);
std::string FamilyDeviceKey(const FamilyId& family, const DeviceId& device);
std::string FamilyDevicesPrefix(const FamilyId& family);
// The id at the end of a member or family device key.
absl::string_view LastIdOf(absl::string_view key);
// An event of access. In byte order the newest comes last.
std::string EventsPrefix(const FamilyId& family);
std::string EventKey(const FamilyId& family, uint64_t number);
// REQUIRES: `key` was built by EventKey.
uint64_t NumberOfEventKey(absl::string_view key);

// `access`, of the store: devices by the hash of their token; tokens that were not used yet by
// their hash; the families of a device; invites by the hash of their code; set-up codes by their
// hash; pairings by the hash of their request id. REQUIRES: hashes have 32 bytes.
std::string DeviceKey(absl::string_view token_hash);
std::string NewTokenKey(absl::string_view token_hash);
std::string DeviceFamilyKey(const DeviceId& device, const FamilyId& family);
std::string DeviceFamiliesPrefix(const DeviceId& device);
std::string InvitesPrefix();
std::string InviteKey(absl::string_view code_hash);
std::string SetupCodesPrefix();
std::string SetupCodeKey(absl::string_view code_hash);
std::string PairingsPrefix();
std::string PairingKey(absl::string_view request_hash);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_KEYS_H_
