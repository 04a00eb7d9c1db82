#ifndef NIGHTLOG_TESTS_TESTING_STATUS_MATCHERS_H_
#define NIGHTLOG_TESTS_TESTING_STATUS_MATCHERS_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog {

inline const absl::Status& GetStatus(const absl::Status& status) { return status; }
template <typename T>
const absl::Status& GetStatus(const absl::StatusOr<T>& status_or) {
  return status_or.status();
}

MATCHER(IsOk, "is OK") {
  *result_listener << GetStatus(arg);
  return GetStatus(arg).ok();
}
MATCHER_P(StatusIs, code, "has the code") {
  *result_listener << GetStatus(arg);
  return GetStatus(arg).code() == code;
}

}  // namespace nightlog

#define EXPECT_OK(expression) EXPECT_THAT((expression), ::nightlog::IsOk())
#define ASSERT_OK(expression) ASSERT_THAT((expression), ::nightlog::IsOk())

#endif  // NIGHTLOG_TESTS_TESTING_STATUS_MATCHERS_H_
