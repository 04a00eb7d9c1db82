#include "storage/core/proto_time.h"

#include <limits>

#include "gtest/gtest.h"

namespace nightlog {
namespace {

using google::protobuf::Timestamp;

Timestamp Of(int64_t seconds, int32_t nanos) {
  Timestamp timestamp;
  timestamp.set_seconds(seconds);
  timestamp.set_nanos(nanos);
  return timestamp;
}

TEST(ProtoTimeTest, EveryTimestampComesBack) {
  for (int64_t seconds : {-62135596800ll, -1ll, 0ll, 1'700'000'000ll, 253402300799ll}) {
    for (int32_t nanos : {0, 1, 999'999'999}) {
      const Timestamp back = ToProto(FromProto(Of(seconds, nanos)));
      EXPECT_EQ(back.seconds(), seconds);
      EXPECT_EQ(back.nanos(), nanos) << seconds;
    }
  }
}

TEST(ProtoTimeTest, NanosCountForwardBeforeTheEpochToo) {
  const Timestamp half_before = ToProto(absl::UnixEpoch() - absl::Milliseconds(500));
  EXPECT_EQ(half_before.seconds(), -1);
  EXPECT_EQ(half_before.nanos(), 500'000'000);
}

TEST(ProtoTimeTest, TimesThatATimestampCannotHoldBecomeTheNearest) {
  for (absl::Time late : {absl::InfiniteFuture(), absl::FromUnixSeconds(253402300800)}) {
    EXPECT_EQ(ToProto(late).seconds(), 253402300799);
    EXPECT_EQ(ToProto(late).nanos(), 999'999'999);
  }
  for (absl::Time early : {absl::InfinitePast(), absl::FromUnixSeconds(-62135596801)}) {
    EXPECT_EQ(ToProto(early).seconds(), -62135596800);
    EXPECT_EQ(ToProto(early).nanos(), 0);
  }
}

TEST(ProtoTimeTest, DamagedTimestampsDoNotOverflow) {
  for (int64_t seconds :
       {std::numeric_limits<int64_t>::min(), std::numeric_limits<int64_t>::max()}) {
    for (int32_t nanos :
         {std::numeric_limits<int32_t>::min(), 0, std::numeric_limits<int32_t>::max()}) {
      const Timestamp back = ToProto(FromProto(Of(seconds, nanos)));
      EXPECT_EQ(back.seconds(), seconds < 0 ? -62135596800 : 253402300799);
    }
  }
}

}  // namespace
}  // namespace nightlog
