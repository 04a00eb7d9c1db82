#include "services/server.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <string>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "nightlog/v1/sync_service.grpc.pb.h"
#include "services/executor.h"
#include "services/grpc_door.h"
#include "services/methods.h"

namespace nightlog {
namespace {

TEST(ServerTest, ACompressedMessageIsNotUnpacked) {
  Methods methods;
  methods["/nightlog.v1.SyncService/Push"].call = [](const Peer&, absl::string_view,
                                                     Done<std::string> done) { done(""); };
  Executor executor(1, 100);
  GrpcDoor door(methods, executor);
  Options options;
  options.listen = "127.0.0.1:0";
  const auto server = Server::Start(options, door);
  ASSERT_TRUE(server.ok()) << server.status();
  const auto stub = v1::SyncService::NewStub(
      grpc::CreateChannel((*server)->address(), grpc::InsecureChannelCredentials()));
  const auto push = [&stub](grpc_compression_algorithm algorithm, size_t bytes) {
    grpc::ClientContext context;
    context.set_compression_algorithm(algorithm);
    v1::PushRequest request;
    request.add_transactions()->set_hash(std::string(bytes, 'x'));
    v1::PushResponse response;
    return stub->Push(&context, request, &response).error_code();
  };
  EXPECT_EQ(push(GRPC_COMPRESS_NONE, 1 << 20), grpc::StatusCode::OK);
  for (const auto algorithm : {GRPC_COMPRESS_GZIP, GRPC_COMPRESS_DEFLATE}) {
    // Unpacked, the second would be too large.
    EXPECT_EQ(push(algorithm, 1 << 20), grpc::StatusCode::UNIMPLEMENTED);
    EXPECT_EQ(push(algorithm, 5 << 20), grpc::StatusCode::UNIMPLEMENTED);
  }
  (*server)->Drain(absl::InfiniteDuration());
}

}  // namespace
}  // namespace nightlog
