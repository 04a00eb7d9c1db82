#include "services/observed_methods.h"

#include <memory>
#include <string>
#include <utility>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"

namespace nightlog {
namespace {

using ::testing::EndsWith;
using ::testing::HasSubstr;
using ::testing::IsEmpty;

// Waits once, then ends with a status.
class EndingStream final : public ByteStream {
 public:
  explicit EndingStream(absl::Status status) : status_(std::move(status)) {}

  StreamStep<std::string> Next() override {
    StreamStep<std::string> step;
    if (std::exchange(waited_, true)) step.kind = StreamStep<std::string>::Kind::kEnd;
    step.status = status_;
    return step;
  }
  bool WriteIfOpen(absl::FunctionRef<void()> write) override { return true; }

 private:
  const absl::Status status_;
  bool waited_ = false;
};

// Gives a message at each odd step, and nothing at each even one.
class MessagesAndWaits final : public ByteStream {
 public:
  StreamStep<std::string> Next() override {
    StreamStep<std::string> step;
    if (++steps_ % 2 == 1) step.kind = StreamStep<std::string>::Kind::kMessage;
    return step;
  }
  bool WriteIfOpen(absl::FunctionRef<void()> write) override { return true; }

 private:
  int steps_ = 0;
};

class ObservedMethodsTest : public ::testing::Test {
 protected:
  ObservedMethodsTest() {
    methods_["/s/Unary"].call = [this](const Peer&, absl::string_view request,
                                       Done<std::string> done) {
      if (!status_.ok()) return done(status_);
      done(std::string(request));
    };
    methods_["/s/Stream"].open = [this](const Peer& peer, absl::string_view,
                                        StreamWake) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
      if (peer.token.empty()) return status_;
      return std::make_unique<EndingStream>(status_);
    };
  }

  // What is logged while `act` runs.
  template <typename Act>
  static std::string Logged(Act act) {
    ::testing::internal::CaptureStderr();
    act();
    return ::testing::internal::GetCapturedStderr();
  }

  absl::StatusOr<std::string> Call() {
    absl::StatusOr<std::string> result;
    observed_.at("/s/Unary").call({"token", ""}, "bytes", [&](absl::StatusOr<std::string> answer) {
      result = answer;
    });
    return result;
  }

  absl::Status status_;
  Methods methods_;
  const Log log_{LogFormat::kText};
  Metrics metrics_;
  // After `methods_` is filled, by the constructor.
  Methods observed_;

  void SetUp() override { observed_ = ObserveMethods(methods_, log_, metrics_); }
};

TEST_F(ObservedMethodsTest, AnswersComeThroughAndAreNotLogged) {
  EXPECT_THAT(Logged([this] { EXPECT_EQ(Call().value(), "bytes"); }), IsEmpty());
}

TEST_F(ObservedMethodsTest, WhatTheCallerDidWrongIsNotLogged) {
  status_ = absl::InvalidArgumentError("the note `she cried` is too long");
  EXPECT_THAT(Logged([this] { EXPECT_EQ(Call().status(), status_); }), IsEmpty());
}

TEST_F(ObservedMethodsTest, WhatTheServerCannotDoIsLogged) {
  status_ =
      MakeError(absl::StatusCode::kDataLoss, v1::ERROR_REASON_STORAGE_DAMAGED, "row 12 is damaged");
  EXPECT_THAT(Logged([this] { EXPECT_EQ(Call().status(), status_); }),
              EndsWith(" error call failed method=/s/Unary code=DATA_LOSS "
                       "reason=ERROR_REASON_STORAGE_DAMAGED message=\"row 12 is damaged\"\n"));
  for (const absl::Status& unknown : {absl::UnknownError("why"), absl::InternalError("why")}) {
    status_ = unknown;
    EXPECT_THAT(Logged([this] { EXPECT_EQ(Call().status(), status_); }),
                HasSubstr(absl::StatusCodeToString(unknown.code())));
  }
}

TEST_F(ObservedMethodsTest, AStreamIsLoggedWhereverItFails) {
  status_ = absl::InternalError("a step failed");
  const Method& method = observed_.at("/s/Stream");
  EXPECT_THAT(Logged([&] { EXPECT_FALSE(method.open({}, "", [] {}).ok()); }),
              HasSubstr("method=/s/Stream code=INTERNAL"));
  absl::StatusOr<std::unique_ptr<ByteStream>> stream = method.open({"token", ""}, "", [] {});
  ASSERT_TRUE(stream.ok());
  EXPECT_THAT(Logged([&] { (*stream)->Next(); }), IsEmpty());
  EXPECT_THAT(Logged([&] { (*stream)->Next(); }), HasSubstr("method=/s/Stream code=INTERNAL"));
}

TEST_F(ObservedMethodsTest, WhoIsNotAdmittedIsCounted) {
  EXPECT_TRUE(observed_.at("/s/Unary").admit == nullptr);
  methods_["/s/Unary"].admit = [this](const Peer& peer) {
    return peer.token.empty() ? status_ : absl::OkStatus();
  };
  status_ = absl::ResourceExhaustedError("later");
  Metrics metrics;
  const Methods observed = ObserveMethods(methods_, log_, metrics);
  EXPECT_EQ(observed.at("/s/Unary").admit({"", ""}), status_);
  EXPECT_TRUE(observed.at("/s/Unary").admit({"token", ""}).ok());
  const MethodMetrics& counted = *metrics.methods().at("/s/Unary");
  EXPECT_EQ(counted.ended.at(static_cast<size_t>(absl::StatusCode::kResourceExhausted)).value(), 1);
  EXPECT_EQ(counted.ended.at(0).value(), 0);
}

TEST_F(ObservedMethodsTest, CallsAreCountedByTheirCode) {
  static_cast<void>(Call());
  static_cast<void>(Call());
  status_ = absl::InvalidArgumentError("no");
  static_cast<void>(Call());
  const MethodMetrics& metrics = *metrics_.methods().at("/s/Unary");
  EXPECT_FALSE(metrics.is_stream);
  EXPECT_EQ(metrics.ended.at(0).value(), 2);
  EXPECT_EQ(metrics.ended.at(static_cast<size_t>(absl::StatusCode::kInvalidArgument)).value(), 1);
  EXPECT_EQ(metrics.took.CumulativeCounts().back(), 3);
}

TEST_F(ObservedMethodsTest, OpenStreamsAreCountedAndEndOnce) {
  const Method& method = observed_.at("/s/Stream");
  const MethodMetrics& metrics = *metrics_.methods().at("/s/Stream");
  const auto ended = [&metrics](absl::StatusCode code) {
    return metrics.ended.at(static_cast<size_t>(code)).value();
  };
  EXPECT_TRUE(metrics.is_stream);
  {
    absl::StatusOr<std::unique_ptr<ByteStream>> left = method.open({"token", ""}, "", [] {});
    absl::StatusOr<std::unique_ptr<ByteStream>> over = method.open({"token", ""}, "", [] {});
    EXPECT_EQ(metrics.open_streams.value(), 2);
    (*over)->Next();
    EXPECT_EQ(ended(absl::StatusCode::kOk), 0);
    (*over)->Next();
    EXPECT_EQ(ended(absl::StatusCode::kOk), 1);
  }
  EXPECT_EQ(metrics.open_streams.value(), 0);
  EXPECT_EQ(ended(absl::StatusCode::kOk), 1);
  EXPECT_EQ(ended(absl::StatusCode::kCancelled), 1);
  status_ = absl::NotFoundError("none");
  EXPECT_FALSE(method.open({}, "", [] {}).ok());
  EXPECT_EQ(ended(absl::StatusCode::kNotFound), 1);
  EXPECT_EQ(metrics.open_streams.value(), 0);
}

TEST_F(ObservedMethodsTest, TheLagIsFromAWakeToTheMessageThatFollowsIt) {
  StreamWake wake;
  methods_["/s/Stream"].open =
      [&wake](const Peer&, absl::string_view,
              StreamWake woken) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
    wake = std::move(woken);
    return std::make_unique<MessagesAndWaits>();
  };
  int wakes = 0;
  absl::StatusOr<std::unique_ptr<ByteStream>> stream =
      observed_.at("/s/Stream").open({}, "", [&wakes] { ++wakes; });
  const auto lags = [this] {
    return metrics_.methods().at("/s/Stream")->lag.CumulativeCounts().back();
  };
  (*stream)->Next();
  EXPECT_EQ(lags(), 0) << "nobody woke it";
  wake();
  wake();
  EXPECT_EQ(wakes, 2);
  (*stream)->Next();
  EXPECT_EQ(lags(), 0) << "there was nothing for it";
  (*stream)->Next();
  EXPECT_EQ(lags(), 0) << "of the wake that nothing came of";
  wake();
  (*stream)->Next();
  wake();
  (*stream)->Next();
  EXPECT_EQ(lags(), 1);
}

}  // namespace
}  // namespace nightlog
