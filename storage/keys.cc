#include "storage/keys.h"

#include "absl/strings/str_cat.h"
#include "storage/core/check.h"

namespace nightlog {
namespace {

// Kinds of rows within a column; they are on disk.
constexpr char kFormatTag = 'F';
constexpr char kShardTag = 'S';
constexpr char kErasedTag = 'E';
constexpr char kMemberTag = 'M';
constexpr char kDeviceTag = 'D';
constexpr char kEventTag = 'E';
constexpr char kTokenTag = 'T';
constexpr char kNewTokenTag = 'N';
constexpr char kDeviceFamilyTag = 'G';
constexpr char kInviteTag = 'I';
constexpr char kSetupCodeTag = 'S';
constexpr char kPairingTag = 'R';

constexpr size_t kIdSize = FamilyId::kSize;
constexpr size_t kErasedSize = 4;

std::string BigEndian(uint64_t value, int bytes) {
  std::string out;
  for (int shift = 8 * (bytes - 1); shift >= 0; shift -= 8) {
    out.push_back(static_cast<char>(value >> shift));
  }
  return out;
}

uint64_t ParseBigEndian(absl::string_view bytes) {
  uint64_t value = 0;
  for (char byte : bytes) value = value << 8 | static_cast<uint8_t>(byte);
  return value;
}

std::string Tagged(const FamilyId& family, char tag, absl::string_view rest) {
  return absl::StrCat(family.bytes(), absl::string_view(&tag, 1), rest);
}

std::string TaggedHash(char tag, absl::string_view hash) {
  CHECK(hash.size() == 32);
  return Tagged(FamilyId(), tag, hash);
}

}  // namespace

std::string FamilyStart(const FamilyId& family) { return family.str(); }
std::string FamilyLimit(const FamilyId& family) { return PrefixLimit(family.bytes()); }

std::string PrefixLimit(absl::string_view prefix) {
  std::string limit(prefix);
  while (!limit.empty()) {
    if (static_cast<uint8_t>(limit.back()) != 0xff) {
      ++limit.back();
      return limit;
    }
    limit.pop_back();
  }
  return limit;
}

std::string StoreHeadKey() { return Tagged(FamilyId(), kFormatTag, ""); }
std::string ShardHeadsPrefix() { return Tagged(FamilyId(), kShardTag, ""); }
std::string ShardHeadKey(uint32_t shard) {
  return Tagged(FamilyId(), kShardTag, BigEndian(shard, 4));
}
std::string FamilyHeadKey(const FamilyId& family) { return family.str(); }

std::string ErasedPrefix() { return Tagged(FamilyId(), kErasedTag, ""); }
std::string ErasedKey(const FamilyId& family) {
  return Tagged(FamilyId(), kErasedTag, family.bytes().substr(0, kErasedSize));
}
absl::string_view BeginOfErased(absl::string_view key) {
  return key.substr(key.size() - kErasedSize);
}

std::string RecordKey(const FamilyId& family, const RecordId& record) {
  return absl::StrCat(family.bytes(), record.bytes());
}
RecordId RecordIdOfKey(absl::string_view key) {
  CHECK(key.size() == 2 * kIdSize);
  return RecordId(key.substr(kIdSize));
}

std::string FeedKey(const FamilyId& family, uint64_t revision, const RecordId& record) {
  return absl::StrCat(family.bytes(), BigEndian(revision, 8), record.bytes());
}
std::string FeedKeyAfter(const FamilyId& family, uint64_t revision) {
  return PrefixLimit(absl::StrCat(family.bytes(), BigEndian(revision, 8)));
}
FeedPosition ParseFeedKey(absl::string_view key) {
  CHECK(key.size() == 2 * kIdSize + 8);
  return {ParseBigEndian(key.substr(kIdSize, 8)), RecordId(key.substr(kIdSize + 8))};
}

std::string JournalKey(const FamilyId& family, uint64_t revision) {
  return absl::StrCat(family.bytes(), BigEndian(revision, 8));
}
uint64_t RevisionOfJournalKey(absl::string_view key) {
  CHECK(key.size() == kIdSize + 8);
  return ParseBigEndian(key.substr(kIdSize));
}

std::string ReplicaKey(const FamilyId& family, const ReplicaId& replica) {
  return absl::StrCat(family.bytes(), replica.bytes());
}

std::string TransactionKey(const FamilyId& family, const ReplicaId& replica, uint64_t seq) {
  return absl::StrCat(family.bytes(), replica.bytes(), BigEndian(seq, 8));
}

TransactionName ParseTransactionKey(absl::string_view key) {
  CHECK(key.size() == 2 * kIdSize + 8);
  return {ReplicaId(key.substr(kIdSize, kIdSize)), ParseBigEndian(key.substr(2 * kIdSize))};
}

std::string IndexKey(const FamilyId& family, absl::string_view key) {
  return absl::StrCat(family.bytes(), key);
}
absl::string_view DeriverPartOf(absl::string_view key) { return key.substr(kIdSize); }

std::string MemberKey(const FamilyId& family, const MemberId& member) {
  return Tagged(family, kMemberTag, member.bytes());
}
std::string MembersPrefix(const FamilyId& family) { return Tagged(family, kMemberTag, ""); }
std::string FamilyDeviceKey(const FamilyId& family, const DeviceId& device) {
  return Tagged(family, kDeviceTag, device.bytes());
}
std::string FamilyDevicesPrefix(const FamilyId& family) { return Tagged(family, kDeviceTag, ""); }
absl::string_view LastIdOf(absl::string_view key) {
  CHECK(key.size() >= kIdSize);
  return key.substr(key.size() - kIdSize);
}

std::string EventsPrefix(const FamilyId& family) { return Tagged(family, kEventTag, ""); }
std::string EventKey(const FamilyId& family, uint64_t number) {
  return Tagged(family, kEventTag, BigEndian(number, 8));
}
uint64_t NumberOfEventKey(absl::string_view key) {
  CHECK(key.size() == kIdSize + 1 + 8);
  return ParseBigEndian(key.substr(kIdSize + 1));
}

std::string DeviceKey(absl::string_view token_hash) { return TaggedHash(kTokenTag, token_hash); }
std::string NewTokenKey(absl::string_view token_hash) {
  return TaggedHash(kNewTokenTag, token_hash);
}
std::string DeviceFamilyKey(const DeviceId& device, const FamilyId& family) {
  return Tagged(FamilyId(), kDeviceFamilyTag, absl::StrCat(device.bytes(), family.bytes()));
}
std::string DeviceFamiliesPrefix(const DeviceId& device) {
  return Tagged(FamilyId(), kDeviceFamilyTag, device.bytes());
}
std::string InvitesPrefix() { return Tagged(FamilyId(), kInviteTag, ""); }
std::string InviteKey(absl::string_view code_hash) { return TaggedHash(kInviteTag, code_hash); }
std::string SetupCodesPrefix() { return Tagged(FamilyId(), kSetupCodeTag, ""); }
std::string SetupCodeKey(absl::string_view code_hash) {
  return TaggedHash(kSetupCodeTag, code_hash);
}
std::string PairingsPrefix() { return Tagged(FamilyId(), kPairingTag, ""); }
std::string PairingKey(absl::string_view request_hash) {
  return TaggedHash(kPairingTag, request_hash);
}

}  // namespace nightlog
