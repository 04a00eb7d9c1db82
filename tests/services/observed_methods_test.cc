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
  // After `methods_` is filled, by the constructor.
  Methods observed_;

  void SetUp() override { observed_ = ObserveMethods(methods_, log_); }
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

}  // namespace
}  // namespace nightlog
