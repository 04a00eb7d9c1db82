#ifndef NIGHTLOG_STORAGE_CORE_IDS_H_
#define NIGHTLOG_STORAGE_CORE_IDS_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "storage/core/check.h"
#include "storage/core/random.h"

namespace nightlog {

// 16 bytes that name something for good. Each kind of thing has a type of its own, so that a family
// can never be passed where a record is meant. A value type; the default is all zeros and names
// nothing.
template <typename Tag>
class Id {
 public:
  static constexpr size_t kSize = 16;

  Id() : bytes_{} {}

  // REQUIRES: IsId(bytes).
  explicit Id(absl::string_view bytes) {
    CHECK(IsId(bytes));
    std::memcpy(bytes_.data(), bytes.data(), kSize);
  }

  static bool IsId(absl::string_view bytes) { return bytes.size() == kSize; }

  // A new one that nothing else has.
  static Id Make(Random& random) { return Id(random.Bytes(kSize)); }

  absl::string_view bytes() const { return absl::string_view(bytes_.data(), kSize); }
  std::string str() const { return std::string(bytes()); }
  std::string hex() const { return absl::BytesToHexString(bytes()); }
  bool empty() const { return *this == Id(); }

  friend bool operator==(const Id& a, const Id& b) { return a.bytes_ == b.bytes_; }
  friend bool operator!=(const Id& a, const Id& b) { return a.bytes_ != b.bytes_; }
  friend bool operator<(const Id& a, const Id& b) { return a.bytes() < b.bytes(); }
  template <typename H>
  friend H AbslHashValue(H h, const Id& id) {
    return H::combine(std::move(h), id.bytes());
  }

 private:
  std::array<char, kSize> bytes_;
};

using FamilyId = Id<struct FamilyTag>;
using MemberId = Id<struct MemberTag>;
using DeviceId = Id<struct DeviceTag>;
using ReplicaId = Id<struct ReplicaTag>;
using RecordId = Id<struct RecordTag>;
using LineageId = Id<struct LineageTag>;

// A record id for something made at `now`: a UUIDv7 (RFC 9562), so that ids sort by their making.
RecordId MakeRecordId(absl::Time now, Random& random);

// The record id of something that is named by its content, such as an imported row or a night of a
// child: the same parts give the same id on every device. `space` keeps kinds of content apart.
RecordId RecordIdOf(absl::string_view space, absl::string_view content);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_IDS_H_
