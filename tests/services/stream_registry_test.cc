#include "services/stream_registry.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/random.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

class StreamRegistryTest : public ::testing::Test {
 protected:
  // Registers a stream that writes down what it is told.
  std::unique_ptr<StreamRegistry::Registration> Register(const DeviceId& device,
                                                         const std::string& stream_id,
                                                         std::vector<std::string>& told) {
    StreamRegistry::Callbacks callbacks;
    callbacks.access_changed = [&told](const FamilyId& family) {
      told.push_back(absl::StrCat("access to ", family.hex()));
    };
    callbacks.token_exchanged = [&told] { told.emplace_back("token exchanged"); };
    callbacks.received = [&told](uint64_t bytes) {
      told.push_back(absl::StrCat("received ", bytes));
    };
    return registry_.Register(device, stream_id, std::move(callbacks));
  }

  SystemRandom random_;
  const FamilyId family_ = FamilyId::Make(random_);
  const FamilyId other_family_ = FamilyId::Make(random_);
  const absl::Time evening_ = absl::FromUnixSeconds(1'700'000'000);
  const DeviceId phone_ = DeviceId::Make(random_);
  const DeviceId other_phone_ = DeviceId::Make(random_);
  StreamRegistry registry_;
};

TEST_F(StreamRegistryTest, EveryStreamOfTheDeviceIsToldThatAccessChanged) {
  std::vector<std::string> first, second, other;
  const auto a = Register(phone_, "s1", first);
  const auto b = Register(phone_, "", second);
  const auto c = Register(other_phone_, "s1", other);
  registry_.AccessChanged(phone_, family_);
  EXPECT_THAT(first, ElementsAre(absl::StrCat("access to ", family_.hex())));
  EXPECT_THAT(second, ElementsAre(absl::StrCat("access to ", family_.hex())));
  EXPECT_THAT(other, IsEmpty());
}

TEST_F(StreamRegistryTest, EveryStreamOfTheDeviceIsToldThatItsTokenWasExchanged) {
  std::vector<std::string> first, second, other;
  const auto a = Register(phone_, "s1", first);
  const auto b = Register(phone_, "", second);
  const auto c = Register(other_phone_, "s1", other);
  registry_.TokenExchanged(phone_);
  EXPECT_THAT(first, ElementsAre("token exchanged"));
  EXPECT_THAT(second, ElementsAre("token exchanged"));
  EXPECT_THAT(other, IsEmpty());
}

TEST_F(StreamRegistryTest, AStreamIsToldOnceThatAccessEnded) {
  std::vector<std::string> first, second;
  const auto a = Register(phone_, "", first);
  const auto b = Register(other_phone_, "", second);
  a->SetEnd(family_, evening_);
  a->SetEnd(other_family_, evening_ + absl::Hours(1));
  b->SetEnd(family_, evening_ + absl::Hours(1));
  registry_.EndExpired(evening_ - absl::Nanoseconds(1));
  EXPECT_THAT(first, IsEmpty());
  registry_.EndExpired(evening_);
  registry_.EndExpired(evening_);
  EXPECT_THAT(first, ElementsAre(absl::StrCat("access to ", family_.hex())));
  EXPECT_THAT(second, IsEmpty());
  registry_.EndExpired(evening_ + absl::Hours(2));
  EXPECT_THAT(first, ElementsAre(absl::StrCat("access to ", family_.hex()),
                                 absl::StrCat("access to ", other_family_.hex())));
  EXPECT_THAT(second, ElementsAre(absl::StrCat("access to ", family_.hex())));
}

TEST_F(StreamRegistryTest, TheLastWordOnTheEndOfAFamilyCounts) {
  std::vector<std::string> told;
  const auto stream = Register(phone_, "", told);
  stream->SetEnd(family_, evening_);
  stream->SetEnd(family_, evening_ + absl::Hours(1));
  stream->SetEnd(other_family_, evening_);
  stream->SetEnd(other_family_, absl::InfiniteFuture());
  registry_.EndExpired(evening_);
  EXPECT_THAT(told, IsEmpty());
  registry_.EndExpired(evening_ + absl::Hours(1));
  EXPECT_THAT(told, ElementsAre(absl::StrCat("access to ", family_.hex())));
}

TEST_F(StreamRegistryTest, OnlyTheNamedStreamOfTheDeviceIsToldWhatWasReceived) {
  std::vector<std::string> first, second, nameless, other;
  const auto a = Register(phone_, "s1", first);
  const auto b = Register(phone_, "s2", second);
  const auto c = Register(phone_, "", nameless);
  const auto d = Register(other_phone_, "s1", other);
  registry_.Received(phone_, "s1", 7);
  registry_.Received(phone_, "", 8);
  EXPECT_THAT(first, ElementsAre("received 7"));
  EXPECT_THAT(second, IsEmpty());
  EXPECT_THAT(nameless, IsEmpty());
  EXPECT_THAT(other, IsEmpty());
}

TEST_F(StreamRegistryTest, AStreamThatIsGoneIsToldNothing) {
  std::vector<std::string> told;
  auto stream = Register(phone_, "s1", told);
  stream->SetEnd(family_, evening_);
  stream.reset();
  registry_.AccessChanged(phone_, family_);
  registry_.TokenExchanged(phone_);
  registry_.EndExpired(evening_);
  registry_.Received(phone_, "s1", 7);
  EXPECT_THAT(told, IsEmpty());
}

}  // namespace
}  // namespace nightlog
