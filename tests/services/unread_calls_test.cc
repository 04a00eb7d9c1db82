#include "services/unread_calls.h"

#include <memory>
#include <vector>

#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/methods.h"
#include "storage/core/errors.h"

namespace nightlog {
namespace {

// Remembers what it was ended with.
class Call final : public UnreadCall {
 public:
  void End(const absl::Status& status) override {
    EXPECT_TRUE(ended_.ok()) << "twice";
    ended_ = status;
  }
  v1::ErrorReason reason() const { return ReasonOf(ended_); }
  const absl::Status& ended() const { return ended_; }

 private:
  absl::Status ended_;
};

constexpr absl::Duration kSecond = absl::Seconds(1);

TEST(UnreadCallsTest, ACallWhoseRequestComesTooLateEnds) {
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  UnreadCalls calls;
  Call first, later;
  ASSERT_TRUE(calls.Add(&first, "").ok());
  calls.EndLate(start);
  ASSERT_TRUE(calls.Add(&later, "").ok());
  calls.EndLate(start + kRequestMax - kSecond);
  EXPECT_TRUE(first.ended().ok());
  calls.EndLate(start + kRequestMax);
  EXPECT_EQ(first.ended().code(), absl::StatusCode::kDeadlineExceeded);
  EXPECT_EQ(first.reason(), v1::ERROR_REASON_LATE_REQUEST);
  EXPECT_FALSE(calls.Remove(&first)) << "its request comes after all";
  EXPECT_TRUE(later.ended().ok());
  calls.EndLate(start + 2 * kRequestMax - kSecond);
  EXPECT_EQ(later.reason(), v1::ERROR_REASON_LATE_REQUEST);
}

TEST(UnreadCallsTest, ACallWhoseRequestCameIsNotEnded) {
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  UnreadCalls calls;
  Call call;
  ASSERT_TRUE(calls.Add(&call, "").ok());
  calls.EndLate(start);
  EXPECT_TRUE(calls.Remove(&call));
  calls.EndLate(start + absl::Hours(1));
  calls.DrainAll();
  EXPECT_TRUE(call.ended().ok());
}

TEST(UnreadCallsTest, AClockThatIsSetBackGivesNoMoreTime) {
  const absl::Time start = absl::FromUnixSeconds(1'700'000'000);
  UnreadCalls calls;
  Call call;
  ASSERT_TRUE(calls.Add(&call, "").ok());
  calls.EndLate(start);
  calls.EndLate(start - absl::Hours(24));
  calls.EndLate(start - absl::Hours(24) + kRequestMax);
  EXPECT_EQ(call.reason(), v1::ERROR_REASON_LATE_REQUEST);
}

TEST(UnreadCallsTest, AllEndWhenTheServerStopsAndNoMoreCome) {
  UnreadCalls calls;
  Call first, second, after;
  ASSERT_TRUE(calls.Add(&first, "192.0.2.1").ok());
  ASSERT_TRUE(calls.Add(&second, "").ok());
  calls.DrainAll();
  EXPECT_EQ(first.reason(), v1::ERROR_REASON_DRAINING);
  EXPECT_EQ(second.reason(), v1::ERROR_REASON_DRAINING);
  EXPECT_FALSE(calls.Remove(&first));
  EXPECT_EQ(ReasonOf(calls.Add(&after, "")), v1::ERROR_REASON_DRAINING);
  calls.DrainAll();
}

TEST(UnreadCallsTest, AnAddressHasABound) {
  UnreadCalls calls;
  std::vector<std::unique_ptr<Call>> made;
  const auto add = [&](const std::string& address) {
    made.push_back(std::make_unique<Call>());
    return calls.Add(made.back().get(), address);
  };
  for (int i = 0; i < UnreadCalls::kAddressMax; ++i) ASSERT_TRUE(add("192.0.2.1").ok());
  const absl::Status refused = add("192.0.2.1");
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_BUSY);
  EXPECT_THAT(refused.message(), testing::StartsWith("Your network has too many calls"));
  EXPECT_TRUE(add("192.0.2.2").ok());
  EXPECT_TRUE(calls.Remove(made.front().get()));
  EXPECT_TRUE(add("192.0.2.1").ok());
  EXPECT_FALSE(add("192.0.2.1").ok());
  // Those that were ended leave room, too.
  calls.EndLate(absl::FromUnixSeconds(1'700'000'000));
  calls.EndLate(absl::FromUnixSeconds(1'700'000'000) + kRequestMax);
  EXPECT_TRUE(add("192.0.2.1").ok());
  // This machine itself has none.
  for (int i = 0; i <= UnreadCalls::kAddressMax; ++i) EXPECT_TRUE(add("").ok());
}

}  // namespace
}  // namespace nightlog
