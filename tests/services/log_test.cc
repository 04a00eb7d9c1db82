#include "services/log.h"

#include <cstdlib>
#include <ctime>
#include <string>

#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog {
namespace {

using ::testing::MatchesRegex;

TEST(LogTest, ALineOfTextIsReadByPeopleAndSplitByWords) {
  EXPECT_EQ(FormatLogEvent(LogFormat::kText, "backup made", {{"id", "12"}}), "backup made id=12");
  EXPECT_EQ(FormatLogEvent(LogFormat::kText, "stopping", {}), "stopping");
  EXPECT_EQ(FormatLogEvent(LogFormat::kText, "ended", {{"message", "no space"}, {"path", ""}}),
            R"(ended message="no space" path="")");
  EXPECT_EQ(FormatLogEvent(LogFormat::kText, "e", {{"a", "x\"y"}, {"b", "\xc3\xa9"}}),
            "e a=\"x\\\"y\" b=\xc3\xa9");
}

TEST(LogTest, AValueNeverEndsItsLine) {
  EXPECT_EQ(FormatLogEvent(LogFormat::kText, "e", {{"a", "x\ny"}}), R"(e a="x\u000ay")");
  EXPECT_EQ(FormatLogEvent(LogFormat::kJson, "e", {{"a", "x\ny\"\\\x7f"}}),
            R"("event":"e","a":"x\u000ay\"\\\u007f")");
}

TEST(LogTest, EachLineHasATimeInUtcAndALevel) {
  ::testing::internal::CaptureStderr();
  Log(LogFormat::kText).Warning("slow", {{"id", "%v"}});
  EXPECT_THAT(
      ::testing::internal::GetCapturedStderr(),
      MatchesRegex("[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\\.[0-9]{3}Z warning slow id=%v\n"));
  ::testing::internal::CaptureStderr();
  Log(LogFormat::kJson).Error("failed");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("\\{\"time\":\"[0-9T:.-]*Z\",\"level\":\"error\",\"event\":\"failed\"\\}"
                           "\n"));
}

TEST(LogTest, ItsTimeIsUtcWhereverTheServerIs) {
  ::setenv("TZ", "Asia/Kolkata", 1);
  ::tzset();
  const absl::Time before = absl::Now() - absl::Milliseconds(1);
  ::testing::internal::CaptureStderr();
  Log(LogFormat::kText).Info("one");
  const std::string line = ::testing::internal::GetCapturedStderr();
  ::unsetenv("TZ");
  ::tzset();
  absl::Time logged;
  std::string error;
  ASSERT_TRUE(absl::ParseTime(absl::RFC3339_full, line.substr(0, line.find(' ')), &logged, &error))
      << error;
  EXPECT_GE(logged, before);
  EXPECT_LE(logged, absl::Now());
}

TEST(LogTest, ItsFormatChangesWhileItRuns) {
  ::testing::internal::CaptureStderr();
  Log log(LogFormat::kText);
  log.SetFormat(LogFormat::kJson);
  log.Info("one");
  log.SetFormat(LogFormat::kText);
  log.Info("two");
  EXPECT_THAT(::testing::internal::GetCapturedStderr(),
              MatchesRegex("\\{\"time\":.*\"event\":\"one\"\\}\n[0-9T:.-]*Z info two\n"));
}

}  // namespace
}  // namespace nightlog
