#ifndef NIGHTLOG_TESTS_TESTING_STATUS_MATCHERS_H_
#define NIGHTLOG_TESTS_TESTING_STATUS_MATCHERS_H_

#include <ostream>
#include <string>
#include <type_traits>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"

namespace nightlog {

// GoogleMock matchers for absl::Status and absl::StatusOr:
//   EXPECT_THAT(Open(path), IsOk());
//   EXPECT_THAT(Read(key), IsOkAndHolds(SizeIs(3)));
//   EXPECT_THAT(Read(key), StatusIs(absl::StatusCode::kNotFound, HasSubstr("no such")));

inline const absl::Status& GetStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& value) {
  return value.status();
}

namespace internal {

// Matches a StatusOr that holds a value which `inner` matches.
template <typename Inner>
class HoldsMatcher {
 public:
  explicit HoldsMatcher(Inner inner) : inner_(std::move(inner)) {}

  template <typename StatusOr>
  operator ::testing::Matcher<StatusOr>() const {  // NOLINT: matchers convert
    return ::testing::Matcher<StatusOr>(new Impl<StatusOr>(inner_));
  }

 private:
  template <typename StatusOr>
  class Impl : public ::testing::MatcherInterface<StatusOr> {
   public:
    using Value = typename std::decay_t<StatusOr>::value_type;

    explicit Impl(const Inner& inner) : inner_(::testing::SafeMatcherCast<const Value&>(inner)) {}

    void DescribeTo(std::ostream* os) const override {
      *os << "is OK and holds a value that ";
      inner_.DescribeTo(os);
    }
    bool MatchAndExplain(StatusOr value, ::testing::MatchResultListener* listener) const override {
      if (!value.ok()) {
        *listener << "which is " << value.status();
        return false;
      }
      return inner_.MatchAndExplain(*value, listener);
    }

   private:
    const ::testing::Matcher<const Value&> inner_;
  };

  const Inner inner_;
};

}  // namespace internal

MATCHER(IsOk, negation ? "is an error" : "is OK") {
  *result_listener << "which is " << GetStatus(arg);
  return arg.ok();
}

MATCHER_P(StatusIs, code, "has the code " + absl::StatusCodeToString(code)) {
  *result_listener << "which is " << GetStatus(arg);
  return GetStatus(arg).code() == code;
}

MATCHER_P2(StatusIs, code, message,
           "has the code " + absl::StatusCodeToString(code) + " and a message that matches") {
  const absl::Status& status = GetStatus(arg);
  *result_listener << "which is " << status;
  return status.code() == code &&
         ::testing::SafeMatcherCast<std::string>(message).Matches(std::string(status.message()));
}

template <typename Inner>
internal::HoldsMatcher<std::decay_t<Inner>> IsOkAndHolds(Inner&& inner) {
  return internal::HoldsMatcher<std::decay_t<Inner>>(std::forward<Inner>(inner));
}

}  // namespace nightlog

#define EXPECT_OK(expression) EXPECT_THAT((expression), ::nightlog::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT((expression), ::nightlog::IsOk())

#endif  // NIGHTLOG_TESTS_TESTING_STATUS_MATCHERS_H_
