#include "clients/cpp/pairing.h"

#include <string>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "tests/clients/cpp/phone.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::SizeIs;

// Pairs devices, unless the answer is lost on its way.
class PairingServer final : public FakeServer {
 public:
  absl::StatusOr<v1::JoinResponse> Join(const v1::JoinRequest& request, absl::Time) override {
    request_ids.push_back(request.request_id());
    if (answers_lost > 0) {
      --answers_lost;
      return absl::UnavailableError("the answer was lost");
    }
    v1::JoinResponse response;
    *response.mutable_pairing() = NewPairing("Sam");
    return response;
  }

  int answers_lost = 0;
  std::vector<std::string> request_ids;
};

v1::JoinRequest Request(const std::string& code) {
  v1::JoinRequest request;
  request.set_code(code);
  request.set_member_name("Sam");
  request.set_device_name("Sam's phone");
  return request;
}

// A phone that is not paired yet, on a memory that outlives its process.
struct UnpairedPhone {
  explicit UnpairedPhone(
      std::unique_ptr<MemoryEngine> memory = std::make_unique<MemoryEngine>(Replica::kColumns))
      : engine(memory.get()), replica(*Replica::Open(std::move(memory), clock)) {}

  absl::Status Join(PairingServer& server, const v1::JoinRequest& request) {
    return JoinFamily(server, *replica, random, request, absl::InfiniteFuture()).status();
  }

  ManualDeviceClock clock{kEvening, "boot"};
  SystemRandom random;
  const MemoryEngine* engine;
  std::unique_ptr<Replica> replica;
};

TEST(PairingTest, TheSameRequestKeepsItsIdUntilItIsAnsweredEvenAfterARestart) {
  PairingServer server;
  server.answers_lost = 2;
  UnpairedPhone phone;
  EXPECT_TRUE(absl::IsUnavailable(phone.Join(server, Request("CODE"))));
  EXPECT_TRUE(absl::IsUnavailable(phone.Join(server, Request("CODE"))));
  UnpairedPhone restarted(std::make_unique<MemoryEngine>(*phone.engine));
  ASSERT_TRUE(restarted.Join(server, Request("CODE")).ok());
  ASSERT_THAT(server.request_ids, SizeIs(3));
  EXPECT_THAT(server.request_ids[0], SizeIs(16));
  EXPECT_THAT(server.request_ids,
              ElementsAre(server.request_ids[0], server.request_ids[0], server.request_ids[0]));

  ASSERT_TRUE(restarted.Join(server, Request("CODE")).ok());
  EXPECT_NE(server.request_ids[3], server.request_ids[0]) << "it was answered";
}

TEST(PairingTest, AnotherRequestHasAnotherId) {
  PairingServer server;
  server.answers_lost = 2;
  UnpairedPhone phone;
  EXPECT_FALSE(phone.Join(server, Request("CODE")).ok());
  EXPECT_FALSE(phone.Join(server, Request("OTHER")).ok());
  EXPECT_NE(server.request_ids[0], server.request_ids[1]);
}

}  // namespace
}  // namespace nightlog
