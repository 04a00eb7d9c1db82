#include "services/log.h"

#include <string>

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
