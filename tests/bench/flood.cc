// The sides of a flood. `--role=family`: one phone logs, one call after the other, and how long
// each took is printed. `--role=flood`: for some seconds, and as if from other machines, one family
// pushes as fast as it can, readers read nothing, and hostile clients send what no client sends.
// `--role=spin`: as many threads only compute meanwhile. Each prints one line of JSON.

#include <arpa/inet.h>
#include <grpcpp/create_channel.h>
#include <grpcpp/generic/generic_stub.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/flags/flag.h"
#include "absl/flags/parse.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/synchronization/notification.h"
#include "absl/time/clock.h"
#include "absl/time/time.h"
#include "nightlog/v1/family_service.grpc.pb.h"
#include "nightlog/v1/sync_service.grpc.pb.h"
#include "storage/core/check.h"
#include "storage/core/proto_time.h"
#include "storage/core/random.h"
#include "tests/bench/taps.h"

ABSL_FLAG(std::string, role, "family", "family, flood or spin");
ABSL_FLAG(std::string, address, "", "HOST:PORT of the gRPC door");
ABSL_FLAG(std::string, web, "", "HOST:PORT of the browsers' door");
ABSL_FLAG(int, calls, 1000, "family: how many");
ABSL_FLAG(int, pause_ms, 10, "family: between two calls");
ABSL_FLAG(int, seconds, 10, "flood, spin: how long");
ABSL_FLAG(int, pushers, 8, "flood: phones of the family that floods; 1 at least");
ABSL_FLAG(int, hostile, 4, "flood: hostile clients");

namespace nightlog {
namespace {

constexpr int kPushTransactions = 20;
constexpr int kSlowReaders = 8;
constexpr int kHalfOpen = 500;
constexpr size_t kLargeBytes = 4 << 20;
// What a client hands to the kernel at once: a call of 4 MiB would hold a processor for
// milliseconds.
constexpr size_t kPieceBytes = 64 << 10;

std::shared_ptr<grpc::Channel> Connect() {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_USE_LOCAL_SUBCHANNEL_POOL, 1);
  return grpc::CreateCustomChannel(absl::GetFlag(FLAGS_address), grpc::InsecureChannelCredentials(),
                                   arguments);
}

// A phone on a connection of its own.
class Phone {
 public:
  // `forwarded_for` is where a proxy says that it calls from; empty: from this machine.
  explicit Phone(std::string forwarded_for)
      : forwarded_for_(std::move(forwarded_for)), channel_(Connect()) {}

  // Makes a family with a child.
  void CreateFamily() {
    v1::CreateFamilyRequest request;
    request.set_family_name("the owls");
    request.set_member_name("Alex");
    request.set_device_name("phone");
    v1::CreateFamilyResponse response;
    const auto stub = v1::FamilyService::NewStub(channel_);
    CHECK(stub->CreateFamily(Context().get(), request, &response).ok());
    SetPairing(response.pairing(), 0, 1);
    CHECK(Push({taps_->MakeChild(), taps_->MakePlan()}).ok());
  }

  // A further phone of the owner's, which makes every `stride`th tap.
  void JoinAs(Phone& owner, int first, int stride) {
    v1::CreateInviteRequest invite;
    invite.set_family_id(owner.pairing_.family_id());
    invite.set_member_id(owner.pairing_.member_id());
    v1::CreateInviteResponse invited;
    const auto stub = v1::FamilyService::NewStub(channel_);
    CHECK(stub->CreateInvite(owner.Context().get(), invite, &invited).ok());
    v1::JoinRequest request;
    request.set_code(invited.code());
    request.set_device_name("phone");
    v1::JoinResponse response;
    CHECK(stub->Join(Context().get(), request, &response).ok());
    SetPairing(response.pairing(), first, stride);
  }

  std::vector<v1::Transaction> Taps(int count) {
    std::vector<v1::Transaction> taps;
    for (int i = 0; i < count; ++i) taps.push_back(taps_->Next());
    return taps;
  }

  grpc::Status Push(const std::vector<v1::Transaction>& transactions) {
    v1::PushRequest request;
    request.set_family_id(pairing_.family_id());
    request.set_replica_id(pairing_.replica_id());
    *request.mutable_sent_at()->mutable_wall() = ToProto(absl::Now());
    for (const v1::Transaction& tap : transactions) *request.add_transactions() = tap;
    v1::PushResponse response;
    return v1::SyncService::NewStub(channel_)->Push(Context().get(), request, &response);
  }

  // Opens a stream, of which nothing is read until the context is cancelled.
  std::unique_ptr<grpc::ClientReader<v1::FollowResponse>> Follow(grpc::ClientContext* context) {
    v1::FollowRequest request;
    request.set_family_id(pairing_.family_id());
    request.set_stream_id(std::string(16, 's'));
    return v1::SyncService::NewStub(channel_)->Follow(context, request);
  }

  std::unique_ptr<grpc::ClientContext> Context() const {
    auto context = std::make_unique<grpc::ClientContext>();
    if (!token_.empty()) context->AddMetadata("authorization", "Bearer " + token_);
    if (!forwarded_for_.empty()) context->AddMetadata("x-forwarded-for", forwarded_for_);
    return context;
  }

 private:
  void SetPairing(const v1::Pairing& pairing, int first, int stride) {
    pairing_ = pairing;
    token_ = pairing.device_token();
    const RecordId child(pairing.family_id());
    taps_ = std::make_unique<nightlog::Taps>(ReplicaId(pairing.replica_id()), child, random_, first,
                                             stride);
  }

  const std::string forwarded_for_;
  const std::shared_ptr<grpc::Channel> channel_;
  SystemRandom random_;
  std::string token_;
  v1::Pairing pairing_;
  std::unique_ptr<nightlog::Taps> taps_;
};

void LogAsAFamily() {
  Phone phone("");
  phone.CreateFamily();
  std::vector<double> micros;
  for (int i = 0; i < absl::GetFlag(FLAGS_calls); ++i) {
    absl::SleepFor(absl::Milliseconds(absl::GetFlag(FLAGS_pause_ms)));
    const std::vector<v1::Transaction> tap = phone.Taps(1);
    const absl::Time began = absl::Now();
    const grpc::Status pushed = phone.Push(tap);
    if (!pushed.ok()) std::fprintf(stderr, "flood: %s\n", pushed.error_message().c_str());
    CHECK(pushed.ok());
    micros.push_back(absl::ToDoubleMicroseconds(absl::Now() - began));
  }
  std::sort(micros.begin(), micros.end());
  std::printf("{\"answer_p50\": %.0f, \"answer_p99\": %.0f}\n", micros[micros.size() / 2],
              micros[micros.size() * 99 / 100]);
}

// --- The flood ---

struct Counts {
  std::atomic<int> pushed{0};
  std::atomic<int> refused{0};
  std::atomic<int> hostile{0};
  std::atomic<int> large{0};  // of those: bodies of 4 MiB
};

// A blocking connection to `address` that gives up a read or write after a second; -1 if there is
// none.
int ConnectTo(const std::string& address) {
  const size_t colon = address.rfind(':');
  int port = 0;
  CHECK(absl::SimpleAtoi(address.substr(colon + 1), &port));
  sockaddr_in to = {};
  to.sin_family = AF_INET;
  to.sin_port = htons(static_cast<uint16_t>(port));
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  const timeval second = {1, 0};
  setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &second, sizeof(second));
  setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &second, sizeof(second));
  if (connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof(to)) == 0) return fd;
  close(fd);
  return -1;
}

// Sends, as a network brings it: in pieces, and the server may answer before the last. Hangs up
// with the answer.
void SendOnce(const std::string& address, const std::string& bytes, Counts& counts) {
  const int fd = ConnectTo(address);
  if (fd < 0) return;
  char answer[4096];
  ssize_t answered = -1;
  for (size_t sent = 0; sent < bytes.size() && answered < 0;) {
    const size_t piece = std::min(kPieceBytes, bytes.size() - sent);
    const ssize_t taken = send(fd, bytes.data() + sent, piece, MSG_NOSIGNAL);
    if (taken < 0) break;
    sent += static_cast<size_t>(taken);
    answered = recv(fd, answer, sizeof(answer), MSG_DONTWAIT);
  }
  if (answered < 0) static_cast<void>(recv(fd, answer, sizeof(answer), 0));
  close(fd);
  ++counts.hostile;
}

// What no client sends: noise, HTTP/2 that turns into noise, and large bodies with guessed tokens.
void BeHostile(absl::Time until, int number, Counts& counts) {
  SystemRandom random;
  const std::string from = absl::StrCat("198.51.100.", number);
  const std::string grpc_door = absl::GetFlag(FLAGS_address);
  const std::string web = absl::GetFlag(FLAGS_web);
  const std::string large(kLargeBytes, 'x');
  // One buffer for all calls: no copy of it is made for each.
  const grpc::Slice whole(large.substr(100));
  const grpc::ByteBuffer message(&whole, 1);
  grpc::GenericStub stub(Connect());
  while (absl::Now() < until) {
    SendOnce(grpc_door, random.Bytes(4096), counts);
    SendOnce(grpc_door, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + random.Bytes(4096), counts);
    SendOnce(web, random.Bytes(4096), counts);
    SendOnce(web,
             absl::StrCat("POST /nightlog.v1.SyncService/Push HTTP/1.1\r\nContent-Type: "
                          "application/grpc-web\r\nAuthorization: Bearer guess\r\n"
                          "X-Forwarded-For: ",
                          from, "\r\nContent-Length: ", kLargeBytes, "\r\n\r\n", large),
             counts);
    grpc::ClientContext context;
    context.AddMetadata("authorization", "Bearer guess");
    context.AddMetadata("x-forwarded-for", from);
    grpc::ByteBuffer response;
    absl::Notification refused;
    stub.UnaryCall(&context, "/nightlog.v1.SyncService/Push", grpc::StubOptions(), &message,
                   &response, [&refused](const grpc::Status&) { refused.Notify(); });
    refused.WaitForNotification();
    ++counts.hostile;
    counts.large += 2;
  }
}

void Flood() {
  const absl::Time until = absl::Now() + absl::Seconds(absl::GetFlag(FLAGS_seconds));
  const int pushers = absl::GetFlag(FLAGS_pushers);
  Counts counts;
  std::vector<std::unique_ptr<Phone>> phones;
  for (int i = 0; i < pushers; ++i) {
    phones.push_back(std::make_unique<Phone>(absl::StrCat("203.0.113.", i)));
    if (i == 0) {
      phones[0]->CreateFamily();
    } else {
      phones.back()->JoinAs(*phones[0], i, pushers);
    }
  }
  std::vector<std::unique_ptr<grpc::ClientContext>> contexts;
  std::vector<std::unique_ptr<grpc::ClientReader<v1::FollowResponse>>> streams;
  for (int i = 0; i < kSlowReaders; ++i) {
    contexts.push_back(phones[0]->Context());
    streams.push_back(phones[0]->Follow(contexts.back().get()));
  }
  std::vector<int> half_open;
  for (int i = 0; i < kHalfOpen; ++i) {
    half_open.push_back(ConnectTo(absl::GetFlag(i % 2 == 0 ? FLAGS_web : FLAGS_address)));
  }

  std::vector<std::thread> threads;
  for (const std::unique_ptr<Phone>& phone : phones) {
    threads.emplace_back([&phone, &counts, until] {
      std::vector<v1::Transaction> taps = phone->Taps(kPushTransactions);
      while (absl::Now() < until) {
        if (phone->Push(taps).ok()) {
          ++counts.pushed;
          taps = phone->Taps(kPushTransactions);
        } else {
          ++counts.refused;
        }
      }
    });
  }
  for (int i = 0; i < absl::GetFlag(FLAGS_hostile); ++i) {
    threads.emplace_back([i, until, &counts] { BeHostile(until, i, counts); });
  }
  for (std::thread& thread : threads) thread.join();
  for (const auto& context : contexts) context->TryCancel();
  for (const auto& stream : streams) stream->Finish();
  for (const int fd : half_open) close(fd);
  std::printf("{\"pushed\": %d, \"refused\": %d, \"hostile\": %d, \"large\": %d}\n",
              counts.pushed.load(), counts.refused.load(), counts.hostile.load(),
              counts.large.load());
}

void Spin() {
  const absl::Time until = absl::Now() + absl::Seconds(absl::GetFlag(FLAGS_seconds));
  std::vector<std::thread> threads;
  for (int i = 0; i < absl::GetFlag(FLAGS_pushers) + absl::GetFlag(FLAGS_hostile); ++i) {
    threads.emplace_back([until] {
      while (absl::Now() < until) continue;
    });
  }
  for (std::thread& thread : threads) thread.join();
  std::printf("{}\n");
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) {
  absl::ParseCommandLine(argc, argv);
  const std::string role = absl::GetFlag(FLAGS_role);
  CHECK(role == "family" || role == "flood" || role == "spin");
  if (role == "family") nightlog::LogAsAFamily();
  if (role == "flood") nightlog::Flood();
  if (role == "spin") nightlog::Spin();
  return 0;
}
