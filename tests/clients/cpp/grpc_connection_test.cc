#include "clients/cpp/grpc_connection.h"

#include <thread>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/clock.h"
#include "gmock/gmock.h"
#include "grpcpp/grpcpp.h"
#include "gtest/gtest.h"
#include "nightlog/v1/sync_service.grpc.pb.h"
#include "storage/core/errors.h"

namespace nightlog {
namespace {

// A gRPC service that fails as often as told.
class FailingService final : public v1::SyncService::Service {
 public:
  grpc::Status ListHistory(grpc::ServerContext* context, const v1::ListHistoryRequest*,
                           v1::ListHistoryResponse* response) override {
    absl::MutexLock lock(&mu_);
    const auto token = context->client_metadata().find("authorization");
    if (token != context->client_metadata().end()) {
      tokens_.emplace_back(token->second.data(), token->second.size());
    }
    if (failures_-- > 0) return ToGrpc(failure_);
    response->set_next_page_token("reached");
    return grpc::Status::OK;
  }
  grpc::Status Push(grpc::ServerContext*, const v1::PushRequest*, v1::PushResponse*) override {
    absl::MutexLock lock(&mu_);
    ++pushes_;
    return ToGrpc(failure_);
  }
  grpc::Status Follow(grpc::ServerContext* context, const v1::FollowRequest*,
                      grpc::ServerWriter<v1::FollowResponse>* writer) override {
    v1::FollowResponse message;
    message.mutable_reset()->set_lineage("l");
    writer->Write(message);
    absl::MutexLock lock(&mu_);
    mu_.Await(absl::Condition(&stopping_));
    return grpc::Status::OK;
  }

  void FailWith(const absl::Status& failure, int times) {
    absl::MutexLock lock(&mu_);
    failure_ = failure;
    failures_ = times;
  }
  void StopStreams() {
    absl::MutexLock lock(&mu_);
    stopping_ = true;
  }
  std::vector<std::string> tokens() const {
    absl::MutexLock lock(&mu_);
    return tokens_;
  }
  int pushes() const {
    absl::MutexLock lock(&mu_);
    return pushes_;
  }

 private:
  static grpc::Status ToGrpc(const absl::Status& status) {
    return grpc::Status(static_cast<grpc::StatusCode>(status.code()), std::string(status.message()),
                        ToRpcStatus(status).SerializeAsString());
  }

  mutable absl::Mutex mu_;
  absl::Status failure_ ABSL_GUARDED_BY(mu_) = absl::UnavailableError("x");
  int failures_ ABSL_GUARDED_BY(mu_) = 0;
  int pushes_ ABSL_GUARDED_BY(mu_) = 0;
  bool stopping_ ABSL_GUARDED_BY(mu_) = false;
  std::vector<std::string> tokens_ ABSL_GUARDED_BY(mu_);
};

class GrpcConnectionTest : public testing::Test {
 protected:
  GrpcConnectionTest() {
    grpc::ServerBuilder builder;
    int port = 0;
    builder.AddListeningPort("127.0.0.1:0", grpc::InsecureServerCredentials(), &port);
    builder.RegisterService(&service_);
    server_ = builder.BuildAndStart();
    GrpcConnectionOptions options;
    options.address = absl::StrCat("127.0.0.1:", port);
    options.device_token = "secret";
    options.sleep = [this](absl::Duration duration) {
      ++sleeps_;
      slept_ += duration;
    };
    absl::StatusOr<std::unique_ptr<Connection>> connection = MakeGrpcConnection(options, random_);
    EXPECT_TRUE(connection.ok());
    connection_ = *std::move(connection);
  }
  ~GrpcConnectionTest() override {
    service_.StopStreams();
    server_->Shutdown();
  }

  FailingService service_;
  std::unique_ptr<grpc::Server> server_;
  SystemRandom random_;
  int sleeps_ = 0;
  absl::Duration slept_;
  std::unique_ptr<Connection> connection_;
};

TEST_F(GrpcConnectionTest, RepeatsACallWhileTheServerIsUnavailable) {
  service_.FailWith(absl::UnavailableError("starting"), 3);
  const auto response = connection_->ListHistory({}, absl::InfiniteFuture());
  ASSERT_TRUE(response.ok()) << response.status();
  EXPECT_EQ(response->next_page_token(), "reached");
  EXPECT_EQ(sleeps_, 3);
}

TEST_F(GrpcConnectionTest, RepeatsACallThatTheServerWasTooBusyForWhenItSaysSo) {
  service_.FailWith(WithRetryDelay(absl::ResourceExhaustedError("busy"), absl::Seconds(3)), 1);
  ASSERT_TRUE(connection_->ListHistory({}, absl::InfiniteFuture()).ok());
  EXPECT_EQ(sleeps_, 1);
  EXPECT_GE(slept_, absl::Seconds(3));
}

TEST_F(GrpcConnectionTest, RepeatsNoOtherErrorAndKeepsItsReason) {
  service_.FailWith(MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NO_ACCESS,
                              "ask an owner for an invite"),
                    1);
  const absl::Status status = connection_->ListHistory({}, absl::InfiniteFuture()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kPermissionDenied);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NO_ACCESS);
  EXPECT_EQ(status.message(), "ask an owner for an invite");
  EXPECT_EQ(sleeps_, 0);
}

TEST_F(GrpcConnectionTest, LeavesTheRepeatingOfAPushToTheSyncer) {
  service_.FailWith(absl::UnavailableError("starting"), 3);
  EXPECT_EQ(connection_->Push({}, absl::InfiniteFuture()).status().code(),
            absl::StatusCode::kUnavailable);
  EXPECT_EQ(service_.pushes(), 1);
}

TEST_F(GrpcConnectionTest, SendsTheNewestToken) {
  ASSERT_TRUE(connection_->ListHistory({}, absl::InfiniteFuture()).ok());
  connection_->SetToken("newer");
  ASSERT_TRUE(connection_->ListHistory({}, absl::InfiniteFuture()).ok());
  connection_->SetToken("");
  ASSERT_TRUE(connection_->ListHistory({}, absl::InfiniteFuture()).ok());
  EXPECT_THAT(service_.tokens(), testing::ElementsAre("Bearer secret", "Bearer newer"));
}

TEST_F(GrpcConnectionTest, CancelEndsAWaitingRead) {
  const auto stream = connection_->Follow({}, absl::InfiniteFuture());
  v1::FollowResponse message;
  ASSERT_TRUE(stream->Read(message));
  EXPECT_EQ(message.reset().lineage(), "l");
  std::thread canceller([&] { stream->Cancel(); });
  EXPECT_FALSE(stream->Read(message));
  canceller.join();
  EXPECT_EQ(stream->Finish().code(), absl::StatusCode::kCancelled);
}

TEST_F(GrpcConnectionTest, UnreadableCertificatesAreRefused) {
  GrpcConnectionOptions options;
  options.ca_file = "/nonexistent/ca.pem";
  EXPECT_EQ(MakeGrpcConnection(options, random_).status().code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace nightlog
