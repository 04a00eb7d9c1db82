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
    callbacks.received = [&told](uint64_t bytes) {
      told.push_back(absl::StrCat("received ", bytes));
    };
    return registry_.Register(device, stream_id, std::move(callbacks));
  }

  SystemRandom random_;
  const FamilyId family_ = FamilyId::Make(random_);
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
  Register(phone_, "s1", told).reset();
  registry_.AccessChanged(phone_, family_);
  registry_.Received(phone_, "s1", 7);
  EXPECT_THAT(told, IsEmpty());
}

}  // namespace
}  // namespace nightlog
