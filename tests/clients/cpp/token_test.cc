#include "clients/cpp/token.h"

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "tests/clients/cpp/phone.h"

namespace nightlog {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;
using ::testing::SizeIs;

absl::Status UnknownDevice() {
  return MakeError(absl::StatusCode::kUnauthenticated, v1::ERROR_REASON_UNKNOWN_DEVICE, "unknown");
}

class RefusedStream final : public ServerStream<v1::FollowResponse> {
 public:
  bool Read(v1::FollowResponse&) override { return false; }
  void Cancel() override {}
  absl::Status Finish() override { return UnknownDevice(); }
};

// Knows one token, and exchanges it as PROTOCOL.md says, unless the answer is lost on its way.
class TokenServer final : public FakeServer {
 public:
  explicit TokenServer(const std::string& token) : known(Sha256(token)), token_(token) {}

  void SetToken(const std::string& token) override { token_ = token; }

  absl::StatusOr<v1::RotateTokenResponse> RotateToken(const v1::RotateTokenRequest& request,
                                                      absl::Time) override {
    if (!Knows()) return UnknownDevice();
    announced = request.new_token_hash();
    hashes.push_back(announced);
    if (answers_lost > 0) {
      --answers_lost;
      return absl::UnavailableError("the answer was lost");
    }
    return v1::RotateTokenResponse();
  }

  std::unique_ptr<ServerStream<v1::FollowResponse>> Follow(const v1::FollowRequest& request,
                                                           absl::Time deadline) override {
    if (!Knows()) return std::make_unique<RefusedStream>();
    return FakeServer::Follow(request, deadline);
  }

  std::string known;
  std::string announced;
  std::vector<std::string> hashes;
  int answers_lost = 0;

 private:
  bool Knows() {
    const std::string hash = Sha256(token_);
    if (!announced.empty() && hash == announced) known = std::exchange(announced, "");
    return hash == known;
  }

  std::string token_;
};

class TokenTest : public ::testing::Test {
 protected:
  TokenTest() : server_("first") {
    Reopen(std::make_unique<MemoryEngine>(Replica::kColumns));
    v1::Pairing pairing = server_.NewPairing("Sam");
    pairing.set_device_token("first");
    EXPECT_TRUE(replica_->AddFamily(pairing).ok());
  }

  void Reopen(std::unique_ptr<MemoryEngine> memory) {
    engine_ = memory.get();
    replica_ = *Replica::Open(std::move(memory), clock_);
  }

  absl::Status Rotate() {
    return RotateToken(server_, *replica_, random_, server_.family(), absl::InfiniteFuture());
  }

  absl::Status Sync() {
    return Syncer(*replica_, server_, clock_, random_)
        .SyncOnce(server_.family(), absl::InfiniteFuture());
  }

  std::string Token() { return replica_->settings().device_token; }

  TokenServer server_;
  ManualDeviceClock clock_{kEvening, "boot"};
  SystemRandom random_;
  const MemoryEngine* engine_ = nullptr;
  std::unique_ptr<Replica> replica_;
};

TEST_F(TokenTest, TheNewTokenIsTheDevicesAndTheServersAfterItsFirstUse) {
  ASSERT_TRUE(Rotate().ok());
  EXPECT_NE(Token(), "first");
  EXPECT_EQ(Token().size(), 43u);
  EXPECT_EQ(server_.known, Sha256("first"));
  ASSERT_TRUE(Sync().ok());
  EXPECT_EQ(server_.known, Sha256(Token()));
  server_.SetToken("first");
  EXPECT_EQ(ReasonOf(server_.RotateToken({}, absl::InfiniteFuture()).status()),
            v1::ERROR_REASON_UNKNOWN_DEVICE);
}

TEST_F(TokenTest, ALostAnswerIsAskedForAgainWithTheSameTokenEvenAfterARestart) {
  server_.answers_lost = 2;
  EXPECT_FALSE(Rotate().ok());
  EXPECT_EQ(Token(), "first") << "the old one holds";
  EXPECT_TRUE(Sync().ok());
  EXPECT_FALSE(Rotate().ok());
  Reopen(std::make_unique<MemoryEngine>(*engine_));
  ASSERT_TRUE(Rotate().ok());
  EXPECT_THAT(server_.hashes, ElementsAre(Sha256(Token()), Sha256(Token()), Sha256(Token())));
  EXPECT_TRUE(Sync().ok());
  // The next one is another.
  const std::string second = Token();
  ASSERT_TRUE(Rotate().ok());
  EXPECT_NE(Token(), second);
}

TEST_F(TokenTest, AnOldTokenIsExchangedBySyncing) {
  clock_.Advance(absl::Hours(24 * 90) - absl::Seconds(1));
  ASSERT_TRUE(Sync().ok());
  EXPECT_THAT(server_.hashes, IsEmpty());
  clock_.Advance(absl::Seconds(1));
  ASSERT_TRUE(Sync().ok());
  EXPECT_THAT(server_.hashes, SizeIs(1));
  EXPECT_EQ(server_.known, Sha256(Token()));
  ASSERT_TRUE(Sync().ok());
  EXPECT_THAT(server_.hashes, SizeIs(1));
}

TEST_F(TokenTest, AnExchangeThatFailsHoldsNoSyncUp) {
  clock_.Advance(absl::Hours(24 * 91));
  server_.answers_lost = 1;
  ASSERT_TRUE(Sync().ok());
  EXPECT_EQ(Token(), "first");
  ASSERT_TRUE(Sync().ok());
  EXPECT_NE(Token(), "first");
}

TEST_F(TokenTest, AServerThatWasRestoredIsToldAgain) {
  ASSERT_TRUE(Rotate().ok());
  ASSERT_TRUE(Sync().ok());
  server_.known = Sha256("first");
  Reopen(std::make_unique<MemoryEngine>(*engine_));
  server_.SetToken(Token());
  ASSERT_TRUE(Sync().ok());
  EXPECT_EQ(server_.known, Sha256(Token()));
  // One that knows neither refuses.
  server_.known = Sha256("of somebody else");
  EXPECT_EQ(ReasonOf(Sync()), v1::ERROR_REASON_UNKNOWN_DEVICE);
}

TEST_F(TokenTest, ANewPairingBeginsAnew) {
  server_.answers_lost = 1;
  EXPECT_FALSE(Rotate().ok());
  v1::Pairing pairing = server_.NewPairing("Sam");
  pairing.set_device_token("paired again");
  ASSERT_TRUE(replica_->AddFamily(pairing).ok());
  EXPECT_EQ(Token(), "paired again");
  server_.known = Sha256(Token());
  server_.SetToken(Token());
  ASSERT_TRUE(Rotate().ok());
  EXPECT_NE(server_.hashes[0], server_.hashes[1]);
}

}  // namespace
}  // namespace nightlog
