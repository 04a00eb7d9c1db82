#include "clients/cli/arguments.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace nightlog::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr Flag kFlags[] = {{"at", "TIME", ""}, {"tag", "TAG", ""}, {"json", "", ""}};

absl::StatusOr<Arguments> Parse(const std::vector<std::string>& words) {
  return Arguments::Parse(words, kFlags);
}

TEST(ArgumentsTest, FlagsMayStandAnywhereAmongTheWords) {
  const auto arguments = Parse({"respond", "--at", "03:12", "2", "--json"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->words(), ElementsAre("respond", "2"));
  EXPECT_EQ(arguments->Get("at"), "03:12");
  EXPECT_TRUE(arguments->Has("json"));
}

TEST(ArgumentsTest, AValueMayBeJoinedByAnEqualsSignAndHoldMoreOfThem) {
  const auto arguments = Parse({"--at=a=b"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_EQ(arguments->Get("at"), "a=b");
}

TEST(ArgumentsTest, OfARepeatedFlagAllValuesAreKeptInOrder) {
  const auto arguments = Parse({"--tag", "ill", "--tag", "teeth"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->All("tag"), ElementsAre("ill", "teeth"));
  EXPECT_EQ(arguments->Get("tag"), "teeth");
}

TEST(ArgumentsTest, NothingIsAFlagAfterTwoDashes) {
  const auto arguments = Parse({"note", "--", "--json"});
  ASSERT_TRUE(arguments.ok()) << arguments.status();
  EXPECT_THAT(arguments->words(), ElementsAre("note", "--json"));
  EXPECT_FALSE(arguments->Has("json"));
}

TEST(ArgumentsTest, AnUnknownFlagIsNamedInTheError) {
  EXPECT_THAT(std::string(Parse({"--tme", "03:12"}).status().message()), HasSubstr("--tme"));
}

TEST(ArgumentsTest, AFlagAtTheEndWithoutItsValueIsAnError) { EXPECT_FALSE(Parse({"--at"}).ok()); }

TEST(ArgumentsTest, ASwitchTakesNoValue) { EXPECT_FALSE(Parse({"--json=yes"}).ok()); }

TEST(ArgumentsTest, ANumberThatIsNoneIsAnErrorAndNotZero) {
  const auto arguments = Parse({"--at", "four"});
  ASSERT_TRUE(arguments.ok());
  EXPECT_FALSE(arguments->Number("at").ok());
  EXPECT_EQ(*arguments->Number("tag"), absl::nullopt);
}

}  // namespace
}  // namespace nightlog::cli
