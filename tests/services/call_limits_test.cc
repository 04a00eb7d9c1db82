#include "services/call_limits.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "tests/testing/fake_clock.h"

namespace nightlog {
namespace {

constexpr absl::Duration kNow = absl::ZeroDuration();

TEST(RateLimitTest, ABucketIsFullAtFirstAndFillsAtItsRate) {
  FakeClock clock;
  RateLimit limit(clock, 2, 10, 100);
  for (int i = 0; i < 10; ++i) EXPECT_EQ(limit.Take("a", 1), kNow);
  EXPECT_EQ(limit.Take("a", 1), absl::Milliseconds(500));
  EXPECT_EQ(limit.Take("a", 4), absl::Seconds(2)) << "a refusal takes nothing";
  EXPECT_EQ(limit.Take("b", 10), kNow) << "another's is its own";
  clock.Advance(absl::Seconds(1));
  EXPECT_EQ(limit.Take("a", 2), kNow);
  EXPECT_NE(limit.Take("a", 1), kNow);
  clock.Advance(absl::Hours(1));
  EXPECT_EQ(limit.Take("a", 1000), kNow) << "what costs more than there can be is let through";
  EXPECT_EQ(limit.Take("a", 1), absl::Milliseconds(500));
}

TEST(RateLimitTest, WhatIsChargedMayLeaveADebtAsLargeAsABucket) {
  FakeClock clock;
  RateLimit limit(clock, 2, 10, 100);
  EXPECT_EQ(limit.Take("a", 1), kNow);
  limit.Charge("a", 13);
  EXPECT_EQ(limit.Take("a", 1), absl::Milliseconds(2500));
  limit.Charge("a", 1000);
  EXPECT_EQ(limit.Take("a", 1), absl::Milliseconds(5500));
  EXPECT_EQ(limit.Take("b", 10), kNow) << "another's is its own";
  clock.Advance(absl::Milliseconds(5500));
  EXPECT_EQ(limit.Take("a", 1), kNow);
  RateLimit none(clock, 0, 0, 100);
  none.Charge("a", 1000);
  EXPECT_EQ(none.Take("a", 1), kNow);
}

TEST(RateLimitTest, AClockThatIsSetBackHoldsNobodyUpForLong) {
  FakeClock clock;
  RateLimit limit(clock, 1, 10, 100);
  EXPECT_EQ(limit.Take("a", 10), kNow);
  clock.Advance(-absl::Hours(24));
  EXPECT_EQ(limit.Take("a", 1), absl::Seconds(11));
  clock.Advance(absl::Seconds(11));
  EXPECT_EQ(limit.Take("a", 1), kNow);
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(limit.Take("a", 10), kNow);
}

TEST(RateLimitTest, WhenThereAreManyKeysTheNextShareABucketUntilSomeAreFullAgain) {
  FakeClock clock;
  RateLimit limit(clock, 1, 10, 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limit.Take(absl::StrCat(i), 10), kNow);
  EXPECT_EQ(limit.Take("a", 6), kNow);
  EXPECT_EQ(limit.Take("b", 6), absl::Seconds(2));
  EXPECT_NE(limit.Take("0", 1), kNow) << "what is known is not forgotten";
  clock.Advance(absl::Seconds(10));
  EXPECT_EQ(limit.Take("a", 10), kNow);
  EXPECT_EQ(limit.Take("b", 10), kNow);
}

TEST(RateLimitTest, ManyKeysAreForgottenAlsoAfterTheClockWasSetBack) {
  FakeClock clock;
  RateLimit limit(clock, 1, 10, 100);
  for (int i = 0; i < 100; ++i) EXPECT_EQ(limit.Take(absl::StrCat(i), 10), kNow);
  EXPECT_EQ(limit.Take("a", 10), kNow);
  clock.Advance(-absl::Hours(24));
  for (int i = 0; i < 100; ++i) EXPECT_NE(limit.Take(absl::StrCat(i), 1), kNow);
  clock.Advance(absl::Seconds(20));
  EXPECT_EQ(limit.Take("b", 10), kNow);
  EXPECT_EQ(limit.Take("c", 10), kNow);
}

class EndlessStream final : public ByteStream {
 public:
  StreamStep<std::string> Next() override { return {}; }
  bool WriteIfOpen(absl::FunctionRef<void()>) override { return true; }
};

class CallLimitsTest : public ::testing::Test {
 protected:
  CallLimitsTest() {
    for (const char* path : {"/s/CreateFamily", "/s/Join", "/s/Push"}) {
      methods_[path].call = [](const Peer&, absl::string_view, Done<std::string> done) {
        done("");
      };
    }
    methods_["/s/Follow"].open = [](const Peer&, absl::string_view, StreamWake) {
      return std::make_unique<EndlessStream>();
    };
    limited_ = LimitMethods(methods_, limits_);
  }

  absl::Status Call(const std::string& path, const Peer& peer, const std::string& request = "") {
    absl::Status status = limited_.at(path).admit(peer);
    if (!status.ok()) return status;
    limited_.at(path).call(peer, request, [&](const absl::StatusOr<std::string>& answer) {
      status = answer.status();
    });
    return status;
  }

  absl::StatusOr<std::unique_ptr<ByteStream>> Open(const Peer& peer) {
    const absl::Status admitted = limited_.at("/s/Follow").admit(peer);
    if (!admitted.ok()) return admitted;
    return limited_.at("/s/Follow").open(peer, "", [] {});
  }

  int Admitted(const std::string& path, const Peer& peer, const std::string& request = "") {
    int admitted = 0;
    while (admitted < 100 && Call(path, peer, request).ok()) ++admitted;
    return admitted;
  }

  FakeClock clock_;
  Methods methods_;
  CallLimitOptions options_ = {1, 2, 6, 3};
  CallLimits limits_{clock_, options_};
  Methods limited_;
};

TEST_F(CallLimitsTest, ADeviceMayCallForAMinuteAtOnceAndIsToldWhenToCallAgain) {
  const Peer phone = {"token", "192.0.2.1"};
  EXPECT_EQ(Admitted("/s/Push", phone), 60);
  const absl::Status refused = Call("/s/Push", phone);
  EXPECT_TRUE(absl::IsResourceExhausted(refused));
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(1));
  EXPECT_EQ(Admitted("/s/Push", {"other", "192.0.2.2"}), 60);
  clock_.Advance(RetryDelayOf(refused));
  EXPECT_TRUE(Call("/s/Push", phone).ok());
}

TEST_F(CallLimitsTest, AnAddressHasABoundWhateverTokensItNames) {
  int admitted = 0;
  while (Call("/s/Push", {absl::StrCat(admitted), "192.0.2.1"}).ok()) ++admitted;
  EXPECT_EQ(admitted, 120);
  EXPECT_TRUE(Call("/s/Push", {"token", "192.0.2.2"}).ok());
  EXPECT_EQ(Admitted("/s/Push", {"", "192.0.2.3"}), 100) << "who has no token is no one device";
}

TEST_F(CallLimitsTest, ALargeRequestCountsAsMore) {
  EXPECT_EQ(Admitted("/s/Push", {"token", "192.0.2.1"}, std::string(64 << 10, 'x')), 12);
}

TEST_F(CallLimitsTest, TheNextCallsWaitForWhatALargeRequestCost) {
  const Peer phone = {"token", "192.0.2.1"};
  EXPECT_EQ(Admitted("/s/Push", phone), 60);
  clock_.Advance(absl::Seconds(1));
  EXPECT_TRUE(Call("/s/Push", phone, std::string(160 << 10, 'x')).ok());
  EXPECT_EQ(RetryDelayOf(Call("/s/Push", phone)), absl::Seconds(11));
  EXPECT_TRUE(Call("/s/Push", {"other", "192.0.2.1"}).ok());
  // Whatever tokens it names.
  for (int i = 0; i < 4; ++i) {
    EXPECT_TRUE(Call("/s/Push", {absl::StrCat(i), "192.0.2.2"}, std::string(480 << 10, 'x')).ok());
  }
  EXPECT_EQ(RetryDelayOf(Call("/s/Push", {"4", "192.0.2.2"})), absl::Seconds(3));
}

TEST_F(CallLimitsTest, ATokenThatNobodyHasCostsItsAddressMore) {
  methods_["/s/Push"].call = [](const Peer& peer, absl::string_view, Done<std::string> done) {
    if (peer.token != "guess") return done("");
    done(MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_UNKNOWN_DEVICE, "Join."));
  };
  methods_["/s/Follow"].open =
      [](const Peer&, absl::string_view,
         const StreamWake&) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
    return MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_UNKNOWN_DEVICE, "Join.");
  };
  const Peer guess = {"guess", "192.0.2.1"};
  // Of 120 that may come at once; one goes to the first that is refused.
  EXPECT_EQ(ReasonOf(Call("/s/Push", guess)), v1::ERROR_REASON_UNKNOWN_DEVICE);
  EXPECT_EQ(Admitted("/s/Push", {"one", "192.0.2.1"}), 60);
  EXPECT_EQ(Admitted("/s/Push", {"other", "192.0.2.1"}), 43);
  // What it sends counts as often; and a stream is a call.
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(ReasonOf(Call("/s/Push", guess, std::string(16 << 10, 'x'))),
            v1::ERROR_REASON_UNKNOWN_DEVICE);
  EXPECT_EQ(ReasonOf(Open(guess).status()), v1::ERROR_REASON_UNKNOWN_DEVICE);
  EXPECT_EQ(Admitted("/s/Push", {"one", "192.0.2.1"}), 60);
  EXPECT_EQ(Admitted("/s/Push", {"other", "192.0.2.1"}), 11);
}

TEST_F(CallLimitsTest, ATokenThatIsLookedAtBeforeTheRequestIsReadCostsAsMuch) {
  const absl::Status unknown =
      MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_UNKNOWN_DEVICE, "Join.");
  methods_["/s/Push"].call = [&unknown](const Peer& peer, absl::string_view,
                                        Done<std::string> done) {
    if (peer.token != "guess") return done("");
    done(unknown);
  };
  const TokenCheck check = LimitTokenCheck(
      [&unknown](const Peer& peer, size_t) {
        return peer.token == "guess" ? unknown : absl::OkStatus();
      },
      limits_);
  const size_t bytes = 32 << 10;
  // Of 120 that may come at once; one goes to the first that is refused.
  EXPECT_EQ(Call("/s/Push", {"guess", "192.0.2.1"}, std::string(bytes, 'x')), unknown);
  EXPECT_TRUE(limited_.at("/s/Push").admit({"guess", "192.0.2.2"}).ok());
  EXPECT_EQ(check({"guess", "192.0.2.2"}, bytes), unknown);
  for (const char* address : {"192.0.2.1", "192.0.2.2"}) {
    EXPECT_EQ(Admitted("/s/Push", {absl::StrCat("one of ", address), address}), 60);
    EXPECT_EQ(Admitted("/s/Push", {absl::StrCat("other of ", address), address}), 11);
  }
  // What is known is charged for when it is called.
  EXPECT_TRUE(check({"token", "192.0.2.3"}, bytes).ok());
  EXPECT_EQ(Admitted("/s/Push", {"token", "192.0.2.3"}), 60);
  EXPECT_EQ(Admitted("/s/Push", {"another", "192.0.2.3"}), 59);
}

TEST_F(CallLimitsTest, CodesCannotBeGuessedFast) {
  EXPECT_EQ(Admitted("/s/Join", {"", "192.0.2.1"}), 20);
  EXPECT_EQ(RetryDelayOf(Call("/s/CreateFamily", {"", "192.0.2.1"})), absl::Seconds(10));
  EXPECT_TRUE(Call("/s/Push", {"token", "192.0.2.1"}).ok());
}

TEST_F(CallLimitsTest, ADeviceHasABoundOfOpenStreams) {
  std::vector<std::unique_ptr<ByteStream>> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(*Open({"token", "192.0.2.1"}));
  const absl::Status refused = Open({"token", "192.0.2.1"}).status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(10));
  EXPECT_TRUE(Open({"other", "192.0.2.1"}).ok());
  streams.pop_back();
  EXPECT_TRUE(Open({"token", "192.0.2.1"}).ok());
  // Without a token, an address has.
  for (int i = 0; i < 3; ++i) streams.push_back(*Open({"", "192.0.2.1"}));
  EXPECT_FALSE(Open({"", "192.0.2.1"}).ok());
  EXPECT_TRUE(Open({"", "192.0.2.2"}).ok());
}

TEST_F(CallLimitsTest, AnAddressHasABoundOfOpenStreamsWhateverItsDevices) {
  limits_.SetOptions({0, 0, 0, 3, 5});
  const auto open = [this](int device, const std::string& address) {
    return Open({absl::StrCat(device), address});
  };
  std::vector<std::unique_ptr<ByteStream>> streams;
  for (int i = 0; i < 5; ++i) streams.push_back(*open(i / 2, "192.0.2.1"));
  const absl::Status refused = open(9, "192.0.2.1").status();
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(10));
  EXPECT_TRUE(open(0, "192.0.2.2").ok());
  streams.pop_back();
  streams.push_back(*open(9, "192.0.2.1"));
  EXPECT_FALSE(open(9, "192.0.2.1").ok());
  streams.clear();
  // What a device was refused is not counted for its address.
  for (int i = 0; i < 3; ++i) streams.push_back(*open(0, "192.0.2.1"));
  for (int i = 0; i < 9; ++i) EXPECT_FALSE(open(0, "192.0.2.1").ok());
  streams.push_back(*open(1, "192.0.2.1"));
  streams.push_back(*open(1, "192.0.2.1"));
  EXPECT_FALSE(open(1, "192.0.2.1").ok());
}

TEST_F(CallLimitsTest, NewLimitsHoldFromThenOn) {
  const Peer phone = {"token", "192.0.2.1"};
  const auto open = [this, &phone] { return Open(phone); };
  std::vector<std::unique_ptr<ByteStream>> streams;
  for (int i = 0; i < 3; ++i) streams.push_back(*open());
  EXPECT_EQ(Admitted("/s/Push", phone), 57);
  limits_.SetOptions({2, 4, 6, 4});
  EXPECT_EQ(Admitted("/s/Push", phone), 0) << "what was taken is taken";
  clock_.Advance(absl::Seconds(30));
  EXPECT_EQ(Admitted("/s/Push", phone), 60);
  clock_.Advance(absl::Minutes(1));
  streams.push_back(*open());
  EXPECT_FALSE(open().ok());
  limits_.SetOptions({0, 0, 0, 0});
  EXPECT_EQ(Admitted("/s/Push", phone), 100);
  EXPECT_EQ(Admitted("/s/Push", phone), 100);
  EXPECT_EQ(Admitted("/s/Join", phone), 100);
  EXPECT_TRUE(open().ok());
  streams.clear();
  limits_.SetOptions({1, 2, 6, 1});
  const auto stream = open();
  EXPECT_TRUE(stream.ok());
  EXPECT_FALSE(open().ok());
  clock_.Advance(absl::Minutes(1));
  EXPECT_EQ(Admitted("/s/Push", phone), 60);
}

TEST_F(CallLimitsTest, WhatThisMachineCallsHasNoLimit) {
  EXPECT_EQ(Admitted("/s/Push", {"token", ""}), 100);
  EXPECT_EQ(Admitted("/s/Join", {"token", ""}), 100);
  std::vector<std::unique_ptr<ByteStream>> streams;
  for (int i = 0; i < 10; ++i) {
    auto opened = Open({"token", ""});
    ASSERT_TRUE(opened.ok()) << opened.status();
    streams.push_back(*std::move(opened));
  }
}

}  // namespace
}  // namespace nightlog
