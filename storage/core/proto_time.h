#ifndef NIGHTLOG_STORAGE_CORE_PROTO_TIME_H_
#define NIGHTLOG_STORAGE_CORE_PROTO_TIME_H_

#include <algorithm>

#include "absl/time/time.h"
#include "google/protobuf/timestamp.pb.h"

namespace nightlog {

// Conversions between absl::Time and google.protobuf.Timestamp. Times outside 0001 to 9999, which a
// Timestamp cannot hold, become the nearest one it can.

inline absl::Time FromProto(const google::protobuf::Timestamp& timestamp) {
  return absl::FromUnixSeconds(timestamp.seconds()) + absl::Nanoseconds(timestamp.nanos());
}

inline google::protobuf::Timestamp ToProto(absl::Time time) {
  const absl::Time earliest = absl::FromUnixSeconds(-62135596800);
  const absl::Time latest = absl::FromUnixSeconds(253402300800) - absl::Nanoseconds(1);
  time = std::min(std::max(time, earliest), latest);
  google::protobuf::Timestamp timestamp;
  const int64_t seconds = absl::ToUnixSeconds(time);  // rounds down
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(
      static_cast<int32_t>(absl::ToInt64Nanoseconds(time - absl::FromUnixSeconds(seconds))));
  return timestamp;
}

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_PROTO_TIME_H_
