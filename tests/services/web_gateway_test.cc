#include "services/web_gateway.h"

#include <poll.h>

#include <atomic>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "absl/synchronization/blocking_counter.h"
#include "absl/synchronization/notification.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "services/call_limits.h"
#include "services/grpc_web.h"
#include "tests/services/browser.h"
#include "tests/services/service_fixture.h"
#include "tests/testing/temp_folder.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;

const std::string kService = "/nightlog.v1.FamilyService/";
const std::string kListMembers = kService + "ListMembers";
const std::string kFollow = "/nightlog.v1.SyncService/Follow";

// Tells when a stream is destroyed.
class WatchedStream final : public ByteStream {
 public:
  WatchedStream(std::unique_ptr<ByteStream> stream, absl::Notification& destroyed)
      : stream_(std::move(stream)), destroyed_(destroyed) {}
  ~WatchedStream() override {
    stream_.reset();
    destroyed_.Notify();
  }
  StreamStep<std::string> Next() override { return stream_->Next(); }
  bool WriteIfOpen(absl::FunctionRef<void()> write) override { return stream_->WriteIfOpen(write); }

 private:
  std::unique_ptr<ByteStream> stream_;
  absl::Notification& destroyed_;
};

// A real gateway on a free port of this machine. It has one executor thread, so that whatever would
// hold it up shows.
class WebGatewayTest : public ServiceFixture {
 protected:
  explicit WebGatewayTest(int executor_queue_max = 100) : executor_(1, executor_queue_max) {
    options_.web_listen = "127.0.0.1:0";
  }

  ~WebGatewayTest() override { Drain(); }

  // The gateway, from now on with these options, time-outs and methods.
  const std::string& url() {
    if (gateway_ == nullptr) {
      auto gateway = WebGateway::Start(options_, methods_, executor_, check_token_, timeouts_);
      EXPECT_TRUE(gateway.ok()) << gateway.status();
      gateway_ = *std::move(gateway);
      url_ = gateway_->url();
    }
    return url_;
  }

  // Waits without a bound for calls to end.
  void Drain() {
    if (gateway_ == nullptr || std::exchange(drained_, true)) return;
    gateway_->StartDrain();
    gateway_->AwaitDrained(absl::InfiniteDuration());
  }

  template <typename Response>
  static Response Parsed(const std::string& bytes) {
    Response response;
    EXPECT_TRUE(response.ParseFromString(bytes));
    return response;
  }

  static std::string ListMembersRequest(const Phone& phone) {
    v1::ListMembersRequest request;
    request.set_family_id(phone.pairing.family_id());
    return request.SerializeAsString();
  }

  static std::string FollowRequest(const Phone& phone) {
    v1::FollowRequest request;
    request.set_family_id(phone.pairing.family_id());
    request.set_stream_id(std::string(16, 's'));
    return request.SerializeAsString();
  }

  Answer ListMembersOver(Browser& browser, const Phone& phone) {
    browser.SendCall(kListMembers, phone.token, ListMembersRequest(phone));
    return browser.ReadAnswer();
  }

  // Opens a stream and reads its head.
  static void Follow(Browser& browser, const Phone& phone, const std::string& headers = "") {
    browser.SendCall(kFollow, phone.token, FollowRequest(phone), GrpcWebFormat::kBinary, headers);
    EXPECT_EQ(browser.ReadHead().status, 200);
  }

  static uint64_t ReadToBookmark(Browser& browser) {
    std::string message;
    while (browser.ReadMessage(message)) {
      const auto response = Parsed<v1::FollowResponse>(message);
      if (response.has_bookmark()) return response.bookmark().cursor().revision();
    }
    ADD_FAILURE() << "the stream ended before its bookmark";
    return 0;
  }

  // Each commit after `revision` comes before the next one is made.
  void ExpectCommitsAsTheyHappen(Browser& browser, const Phone& owner, uint64_t revision) {
    for (int i = 0; i < 20; ++i) {
      Join(owner, v1::ROLE_VIEWER);
      const uint64_t next = ReadToBookmark(browser);
      EXPECT_GT(next, revision);
      revision = next;
    }
  }

  // The status of a stream that sends nothing more.
  static absl::Status ReadEnd(Browser& browser) {
    absl::Status status = absl::UnknownError("no trailers came");
    std::string message;
    EXPECT_FALSE(browser.ReadMessage(message, &status));
    return status;
  }

  Executor executor_;
  Methods methods_ =
      MakeMethods(sync_service_, progress_service_, family_service_, import_service_, executor_);
  TokenCheck check_token_ = CheckToken();
  Options options_;
  WebTimeouts timeouts_;
  std::unique_ptr<WebGateway> gateway_;
  std::string url_;
  bool drained_ = false;
};

TEST_F(WebGatewayTest, AFamilyIsMadeAndReadOverOneConnection) {
  Browser browser(url());
  v1::CreateFamilyRequest create;
  create.set_family_name("the owls");
  create.set_member_name("Robin");
  create.set_device_name("browser");
  browser.SendCall(kService + "CreateFamily", "", create.SerializeAsString());
  const Answer created = browser.ReadAnswer();
  ASSERT_TRUE(created.status.ok()) << created.status;
  EXPECT_EQ(created.head.status, 200);
  EXPECT_EQ(created.head.headers.at("content-type"), "application/grpc-web+proto");
  EXPECT_EQ(created.head.headers.at("cache-control"), "no-store");
  EXPECT_EQ(created.head.headers.count("connection"), 0u);
  ASSERT_EQ(created.messages.size(), 1u);
  const Phone phone =
      Paired(Phone(), Parsed<v1::CreateFamilyResponse>(created.messages[0]).pairing());

  const Answer listed = ListMembersOver(browser, phone);
  ASSERT_TRUE(listed.status.ok()) << listed.status;
  EXPECT_EQ(Parsed<v1::ListMembersResponse>(listed.messages.at(0)).members_size(), 1);
}

TEST_F(WebGatewayTest, TextIsBase64InBothDirections) {
  const Phone owner = CreateFamily();
  Browser browser(url());
  browser.SendCall(kListMembers, owner.token, ListMembersRequest(owner), GrpcWebFormat::kText);
  const Head head = browser.ReadHead();
  EXPECT_EQ(head.headers.at("content-type"), "application/grpc-web-text+proto");
  const std::string body = browser.ReadBody();
  EXPECT_THAT(body,
              ::testing::EndsWith(EncodeGrpcWebTrailers(GrpcWebFormat::kText, absl::OkStatus())));
  const auto members = family_service_.ListMembers(
      owner.token, Parsed<v1::ListMembersRequest>(ListMembersRequest(owner)));
  EXPECT_THAT(body, ::testing::StartsWith(
                        EncodeGrpcWebMessage(GrpcWebFormat::kText, members->SerializeAsString())));
}

TEST_F(WebGatewayTest, AnErrorCarriesItsReasonAndViolations) {
  Browser browser(url());
  const Phone owner = CreateFamily();
  Phone wrong = owner;
  wrong.pairing.set_family_id("short");
  const Answer invalid = ListMembersOver(browser, wrong);
  EXPECT_TRUE(invalid.messages.empty());
  EXPECT_EQ(invalid.head.status, 200);
  EXPECT_EQ(ReasonOf(invalid.status), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(ViolationsOf(invalid.status).at(0).field(), "family_id");
  Phone stranger = owner;
  stranger.token = "unknown";
  EXPECT_EQ(ReasonOf(ListMembersOver(browser, stranger).status), v1::ERROR_REASON_UNKNOWN_DEVICE);
  stranger.token = "";
  EXPECT_EQ(ReasonOf(ListMembersOver(browser, stranger).status), v1::ERROR_REASON_UNKNOWN_DEVICE);
  EXPECT_TRUE(ListMembersOver(browser, owner).status.ok()) << "the connection goes on";
}

TEST_F(WebGatewayTest, AStreamSendsCommitsAsTheyHappen) {
  const Phone owner = CreateFamily();
  Browser browser(url());
  Follow(browser, owner);
  const uint64_t revision = ReadToBookmark(browser);
  ExpectCommitsAsTheyHappen(browser, owner, revision);
}

TEST_F(WebGatewayTest, AStreamThatSaysNothingShowsThatItIsAlive) {
  timeouts_.silence = absl::Milliseconds(1);
  const Phone owner = CreateFamily();
  Browser browser(url());
  Follow(browser, owner);
  const uint64_t revision = ReadToBookmark(browser);
  std::string message;
  for (int i = 0; i < 3; ++i) {
    ASSERT_TRUE(browser.ReadMessage(message));
    EXPECT_EQ(message, "");
  }
  ExpectCommitsAsTheyHappen(browser, owner, revision);
}

TEST_F(WebGatewayTest, AStreamThatIsNotOpenYetShowsThatItIsAlive) {
  timeouts_.silence = absl::Milliseconds(1);
  absl::Notification alive;
  methods_[kFollow].open = [&alive](
                               const Peer&, absl::string_view,
                               const StreamWake&) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
    alive.WaitForNotification();
    return absl::NotFoundError("after all");
  };
  Browser browser(url());
  Follow(browser, Phone());
  std::string message;
  ASSERT_TRUE(browser.ReadMessage(message));
  EXPECT_EQ(message, "");
  alive.Notify();
  absl::Status status;
  while (browser.ReadMessage(message, &status)) EXPECT_EQ(message, "");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
}

TEST_F(WebGatewayTest, AMessageWaitsForTheSignOfLifeBeforeIt) {
  // One after the other: whenever the message comes, one is being written.
  timeouts_.silence = absl::ZeroDuration();
  class Stream final : public ByteStream {
   public:
    StreamStep<std::string> Next() override {
      StreamStep<std::string> step;
      step.kind = StreamStep<std::string>::Kind::kEnd;
      if (std::exchange(sent_, true)) return step;
      step.kind = StreamStep<std::string>::Kind::kMessage;
      // More than every buffer between.
      step.message = std::make_shared<const std::string>(64 << 20, 'x');
      return step;
    }
    bool WriteIfOpen(absl::FunctionRef<void()> write) override {
      write();
      return true;
    }

   private:
    bool sent_ = false;
  };
  absl::Notification alive;
  methods_[kFollow].open = [&alive](
                               const Peer&, absl::string_view,
                               const StreamWake&) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
    alive.WaitForNotification();
    return std::make_unique<Stream>();
  };
  Browser browser(url());
  Follow(browser, Phone());
  std::string message;
  ASSERT_TRUE(browser.ReadMessage(message));
  alive.Notify();
  while (message.empty()) ASSERT_TRUE(browser.ReadMessage(message));
  EXPECT_EQ(message.size(), 64u << 20);
  EXPECT_EQ(message.find_first_not_of('x'), std::string::npos);
}

TEST_F(WebGatewayTest, AStreamThatEndsLeavesItsConnectionForTheNextCall) {
  const Phone owner = CreateFamily();
  PushEntries(owner, 100, 4000);
  Browser browser(url());
  v1::ExportFamilyRequest request;
  request.set_family_id(owner.pairing.family_id());
  for (int i = 0; i < 2; ++i) {
    browser.SendCall(kService + "ExportFamily", owner.token, request.SerializeAsString());
    const Answer answer = browser.ReadAnswer();
    EXPECT_TRUE(answer.status.ok()) << answer.status;
    EXPECT_EQ(answer.head.headers.at("transfer-encoding"), "chunked");
    int records = 0;
    for (const std::string& message : answer.messages) {
      records += Parsed<v1::ExportFamilyResponse>(message).records_size();
    }
    EXPECT_GE(records, 101);
  }
}

TEST_F(WebGatewayTest, AStreamToABrowserOfHttp10EndsWithItsConnection) {
  const Phone owner = CreateFamily();
  v1::FollowRequest request;
  request.set_family_id(owner.pairing.family_id());
  request.set_until_head(true);
  const std::string body =
      EncodeGrpcWebMessage(GrpcWebFormat::kBinary, request.SerializeAsString());
  Browser browser(url());
  browser.Send(absl::StrCat("POST ", kFollow, " HTTP/1.0\r\nContent-Type: application/grpc-web\r\n",
                            "Connection: keep-alive\r\nAuthorization: Bearer ", owner.token,
                            "\r\nContent-Length: ", body.size(), "\r\n\r\n", body));
  const Answer answer = browser.ReadAnswer();
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_FALSE(answer.messages.empty());
  EXPECT_EQ(answer.head.headers.count("transfer-encoding"), 0u);
  EXPECT_TRUE(browser.IsClosed());
}

TEST_F(WebGatewayTest, ARevokedStreamEndsAndHasSentNothingThatCameAfter) {
  const Phone owner = CreateFamily();
  const Phone phone = Join(owner, v1::ROLE_CAREGIVER);
  Browser browser(url());
  Follow(browser, phone);
  EXPECT_GT(ReadToBookmark(browser), 0u);
  v1::RevokeDeviceRequest revoke;
  revoke.set_family_id(owner.pairing.family_id());
  revoke.set_device_id(phone.pairing.device_id());
  Browser other(url());
  other.SendCall(kService + "RevokeDevice", owner.token, revoke.SerializeAsString());
  ASSERT_TRUE(other.ReadAnswer().status.ok());
  PushEntries(owner, 3, 100);
  absl::Status status;
  std::string message;
  bool closed = false;
  while (browser.ReadMessage(message, &status)) {
    const auto response = Parsed<v1::FollowResponse>(message);
    EXPECT_EQ(response.records_size(), 0);
    EXPECT_FALSE(response.has_bookmark());
    closed = response.has_closed();
  }
  EXPECT_TRUE(closed);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_NO_ACCESS);
}

TEST_F(WebGatewayTest, ABrowserThatLeavesEndsItsStreamWhileThatWaits) {
  absl::Notification destroyed;
  methods_[kFollow].open = [open = methods_[kFollow].open, &destroyed](
                               const Peer& peer, absl::string_view request,
                               StreamWake wake) -> absl::StatusOr<std::unique_ptr<ByteStream>> {
    auto stream = open(peer, request, std::move(wake));
    EXPECT_TRUE(stream.ok());
    return std::make_unique<WatchedStream>(*std::move(stream), destroyed);
  };
  const Phone owner = CreateFamily();
  Browser browser(url());
  Follow(browser, owner);
  ReadToBookmark(browser);
  browser.Leave();
  destroyed.WaitForNotification();
}

TEST_F(WebGatewayTest, ABrowserThatNeverReadsHoldsUpNobody) {
  const Phone owner = CreateFamily();
  // More than every buffer between.
  for (int i = 0; i < 4; ++i) {
    Phone writer = owner;
    v1::RenewReplicaRequest renew;
    renew.set_family_id(owner.pairing.family_id());
    const auto renewed = Call(&FamilyService::RenewReplica, owner, renew);
    ASSERT_TRUE(renewed.ok());
    writer.pairing.set_replica_id(renewed->replica_id());
    PushEntries(writer, 220, 4000);
  }
  v1::ExportFamilyRequest request;
  request.set_family_id(owner.pairing.family_id());
  std::vector<std::unique_ptr<Browser>> unread;
  for (int i = 0; i < 5; ++i) {
    unread.push_back(std::make_unique<Browser>(url()));
    unread.back()->SendCall(kService + "ExportFamily", owner.token, request.SerializeAsString());
  }
  Browser browser(url());
  EXPECT_TRUE(ListMembersOver(browser, owner).status.ok());
  // Those who do not read are cut off when the time to end is over.
  gateway_->StartDrain();
  gateway_->AwaitDrained(absl::ZeroDuration());
}

TEST_F(WebGatewayTest, StreamsEndWhenTheServerStops) {
  const Phone owner = CreateFamily();
  Browser following(url()), idle(url()), later(url());
  Follow(following, owner);
  ReadToBookmark(following);
  EXPECT_TRUE(ListMembersOver(idle, owner).status.ok());
  std::thread drain([this] { Drain(); });
  const absl::Status status = ReadEnd(following);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnavailable);
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_DRAINING);
  EXPECT_TRUE(following.IsClosed());
  EXPECT_TRUE(idle.IsClosed());
  EXPECT_TRUE(later.IsClosed());
  drain.join();
}

TEST_F(WebGatewayTest, ACallThatIsUnderWayIsAnsweredWhileTheServerStops) {
  absl::Notification called;
  Done<std::string> done;
  methods_[kListMembers].call = [&](const Peer&, absl::string_view, Done<std::string> answer) {
    done = std::move(answer);
    called.Notify();
  };
  Browser browser(url());
  browser.SendCall(kListMembers, "", "");
  called.WaitForNotification();
  gateway_->StartDrain();
  done("answer");
  done = nullptr;
  const Answer answer = browser.ReadAnswer();
  EXPECT_TRUE(answer.status.ok()) << answer.status;
  EXPECT_THAT(answer.messages, ::testing::ElementsAre("answer"));
  EXPECT_EQ(answer.head.headers.at("connection"), "close");
  EXPECT_TRUE(browser.IsClosed());
}

TEST_F(WebGatewayTest, StreamsThatComeAndGoWhileCommitsWakeThemEndWell) {
  timeouts_.silence = absl::Microseconds(50);
  const Phone owner = CreateFamily();
  url();
  std::vector<std::thread> browsers;
  for (int thread = 0; thread < 4; ++thread) {
    browsers.emplace_back([&, thread] {
      for (int i = 0; i < 30; ++i) {
        Browser browser(url_);
        Follow(browser, owner);
        std::string message;
        for (int reads = (thread + i) % 4; reads > 0; --reads) browser.ReadMessage(message);
      }
    });
  }
  std::atomic<bool> over{false};
  std::thread writer([&] {
    while (!over) Join(owner, v1::ROLE_VIEWER);
  });
  for (std::thread& browser : browsers) browser.join();
  over = true;
  writer.join();
}

TEST_F(WebGatewayTest, ATimeoutEndsCallAndStream) {
  absl::Notification called;
  Done<std::string> done;
  methods_[kListMembers].call = [&](const Peer&, absl::string_view, Done<std::string> answer) {
    done = std::move(answer);
    called.Notify();
  };
  const Phone owner = CreateFamily();
  Browser browser(url());
  browser.SendCall(kListMembers, "", "", GrpcWebFormat::kBinary, "grpc-timeout: 20m\r\n");
  EXPECT_EQ(browser.ReadAnswer().status.code(), absl::StatusCode::kDeadlineExceeded);
  called.WaitForNotification();
  done("late");
  done = nullptr;
  Follow(browser, owner, "grpc-timeout: 100m\r\n");
  std::string message;
  absl::Status status;
  while (browser.ReadMessage(message, &status)) {
  }
  EXPECT_EQ(status.code(), absl::StatusCode::kDeadlineExceeded);
  browser.SendCall(kListMembers, "", "", GrpcWebFormat::kBinary, "grpc-timeout: soon\r\n");
  EXPECT_EQ(browser.ReadAnswer().status.code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(WebGatewayTest, WhatIsNoCallIsToldWhy) {
  const std::string grpc_web = "Content-Type: application/grpc-web+proto\r\n";
  {
    Browser browser(url());
    browser.SendPost(kListMembers, "abc", grpc_web);
    const absl::Status no_frame = browser.ReadAnswer().status;
    EXPECT_EQ(no_frame.code(), absl::StatusCode::kInvalidArgument);
    browser.SendCall(kListMembers, "", "\xff\xff");
    const absl::Status no_message = browser.ReadAnswer().status;
    EXPECT_EQ(no_message.code(), absl::StatusCode::kInvalidArgument);
    EXPECT_THAT(std::string(no_message.message()), HasSubstr("nightlog.v1.ListMembersRequest"));
    browser.SendCall(kFollow, "", "\xff\xff");
    EXPECT_EQ(browser.ReadAnswer().status.code(), absl::StatusCode::kInvalidArgument);
    browser.SendCall(kService + "Nothing", "", "");
    const absl::Status unknown = browser.ReadAnswer().status;
    EXPECT_EQ(unknown.code(), absl::StatusCode::kUnimplemented);
    EXPECT_THAT(std::string(unknown.message()), HasSubstr(kService + "Nothing"));
  }
  const auto status_of = [this](const std::string& request) {
    Browser browser(url());
    browser.Send(request);
    return browser.ReadHead().status;
  };
  const std::string post = "POST " + kListMembers + " HTTP/1.1\r\n";
  EXPECT_EQ(status_of(post + "Content-Type: application/grpc\r\nContent-Length: 0\r\n\r\n"), 415);
  EXPECT_EQ(status_of(post + "Content-Length: 9\r\n\r\n"), 415);
  EXPECT_EQ(status_of("GET " + kListMembers + " HTTP/1.1\r\n\r\n"), 404);
  EXPECT_EQ(status_of("PUT / HTTP/1.1\r\n\r\n"), 405);
  EXPECT_EQ(status_of("OPTIONS " + kListMembers + " HTTP/1.1\r\n\r\n"), 405);
  EXPECT_EQ(status_of("no HTTP\r\n\r\n"), 400);
  EXPECT_EQ(status_of("\x16\x03\x01 a TLS handshake\r\n\r\n"), 400);
  EXPECT_EQ(status_of(post + grpc_web + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
            400);
}

TEST_F(WebGatewayTest, WhatIsTooLargeIsRefusedBeforeItIsRead) {
  const std::string post = "POST " + kListMembers + " HTTP/1.1\r\n";
  const Phone owner = CreateFamily();
  {
    Browser browser(url());
    browser.Send(post + "Content-Type: application/grpc-web\r\nContent-Length: 99999999\r\n\r\n");
    const Answer answer = browser.ReadAnswer();
    EXPECT_EQ(answer.head.status, 413);
    EXPECT_EQ(answer.head.headers.at("grpc-status"), "8");
    EXPECT_EQ(answer.head.headers.at("connection"), "close");
    EXPECT_EQ(ReasonOf(answer.status), v1::ERROR_REASON_TOO_LARGE);
  }
  {
    Browser browser(url());
    browser.Send(post + "Content-Type: application/grpc-web\r\nTransfer-Encoding: chunked\r\n\r\n");
    const std::string chunk(1 << 20, 'x');
    for (int i = 0; i < 6; ++i) browser.Send("100000\r\n" + chunk + "\r\n");
    EXPECT_EQ(browser.ReadHead().status, 413);
  }
  {
    Browser browser(url());
    browser.SendCall(kListMembers, owner.token, std::string(kGrpcWebMessageBytesMax + 1, 'x'));
    EXPECT_EQ(ReasonOf(browser.ReadAnswer().status), v1::ERROR_REASON_TOO_LARGE);
  }
  {
    Browser browser(url());
    browser.Send("GET / HTTP/1.1\r\nX: " + std::string(20 << 10, 'x'));
    EXPECT_EQ(browser.ReadHead().status, 431);
  }
  Browser browser(url());
  v1::PushRequest push;
  push.add_transactions()->set_hash(std::string(3 << 20, 'x'));
  browser.SendCall("/nightlog.v1.SyncService/Push", owner.token, push.SerializeAsString());
  EXPECT_EQ(ReasonOf(browser.ReadAnswer().status), v1::ERROR_REASON_TOO_LARGE)
      << "said by the use case";
}

TEST_F(WebGatewayTest, ALargeBodyIsReadOnlyForATokenThatIsKnown) {
  const std::string head =
      "POST " + kListMembers + " HTTP/1.1\r\nContent-Type: application/grpc-web\r\n";
  for (const std::string& token : {std::string(), std::string("Authorization: Bearer guess\r\n")}) {
    Browser browser(url());
    // Not a byte of the body is waited for.
    browser.Send(head + token + "Content-Length: 1000000\r\n\r\n");
    const Answer answer = browser.ReadAnswer();
    EXPECT_EQ(answer.head.headers.at("connection"), "close");
    EXPECT_EQ(ReasonOf(answer.status), v1::ERROR_REASON_UNKNOWN_DEVICE);
  }
  Browser asks_for_a_file(url());
  asks_for_a_file.Send("GET / HTTP/1.1\r\nContent-Length: 10\r\n\r\n");
  EXPECT_EQ(asks_for_a_file.ReadHead().status, 413);
}

TEST_F(WebGatewayTest, ALargeBodyWithATokenThatIsUnknownCostsAsMuchAsACall) {
  CallLimits limits(clock_, {0, 1});
  const Methods use_cases = std::exchange(methods_, {});
  methods_ = LimitMethods(use_cases, limits);
  check_token_ = LimitTokenCheck(check_token_, limits);
  const Phone owner = CreateFamily();
  const auto call = [&](const std::string& token, size_t bytes) {
    Browser browser(url());
    browser.Send(absl::StrCat("POST ", kListMembers,
                              " HTTP/1.1\r\nContent-Type: application/grpc-web\r\n",
                              "X-Forwarded-For: 192.0.2.1\r\nAuthorization: Bearer ", token,
                              "\r\nContent-Length: ", bytes, "\r\n\r\n"));
    return browser.ReadAnswer().status;
  };
  // Of 60 that may come at once it takes 16 and as many for each 16 KiB.
  EXPECT_EQ(ReasonOf(call("guess", 64 << 10)), v1::ERROR_REASON_UNKNOWN_DEVICE);
  const absl::Status refused = call(owner.token, 64 << 10);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(RetryDelayOf(refused), absl::Seconds(1 + 5 * 16 - 60));
  Drain();
}

TEST_F(WebGatewayTest, LargeBodiesHaveABoundTogether) {
  const Phone owner = CreateFamily();
  const std::string head =
      absl::StrCat("POST ", kListMembers, " HTTP/1.1\r\nContent-Type: application/grpc-web\r\n",
                   "Authorization: Bearer ", owner.token, "\r\nContent-Length: 4000000\r\n\r\n");
  // 64 MiB have room for 16 of them; which one finds none depends on when each is looked at.
  std::vector<std::unique_ptr<Browser>> holding;
  std::vector<pollfd> answers;
  for (int i = 0; i < 17; ++i) {
    holding.push_back(std::make_unique<Browser>(url()));
    holding.back()->Send(head);
    answers.push_back({holding.back()->socket(), POLLIN, 0});
  }
  ASSERT_EQ(poll(answers.data(), answers.size(), -1), 1);
  size_t refused = 0;
  while (answers[refused].revents == 0) ++refused;
  const absl::Status status = holding[refused]->ReadAnswer().status;
  EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(RetryDelayOf(status), absl::Seconds(1));
  Browser small(url());
  EXPECT_TRUE(ListMembersOver(small, owner).status.ok());
  holding.clear();
  // As soon as their end is noticed there is room.
  v1::PushRequest push;
  push.add_transactions()->set_hash(std::string(3 << 20, 'x'));
  v1::ErrorReason reason = v1::ERROR_REASON_BUSY;
  while (reason == v1::ERROR_REASON_BUSY) {
    Browser browser(url());
    browser.SendCall("/nightlog.v1.SyncService/Push", owner.token, push.SerializeAsString());
    reason = ReasonOf(browser.ReadAnswer().status);
  }
  EXPECT_EQ(reason, v1::ERROR_REASON_TOO_LARGE) << "said by the use case";
}

TEST_F(WebGatewayTest, ALargeBodyIsReadOnlyForACallThatIsAdmitted) {
  const Phone owner = CreateFamily();
  int asked = 0;
  methods_[kListMembers].admit = [&asked](const Peer& peer) {
    ++asked;
    return peer.address == "192.0.2.1" ? BusyError() : absl::OkStatus();
  };
  const auto head = [&owner](const std::string& address, size_t bytes) {
    return absl::StrCat("POST ", kListMembers,
                        " HTTP/1.1\r\nContent-Type: application/grpc-web\r\n",
                        "Authorization: Bearer ", owner.token, "\r\nX-Forwarded-For: ", address,
                        "\r\nContent-Length: ", bytes, "\r\n\r\n");
  };
  Browser large(url());
  large.Send(head("192.0.2.1", 1000000));
  const Answer answer = large.ReadAnswer();
  EXPECT_EQ(answer.head.headers.at("connection"), "close");
  EXPECT_EQ(ReasonOf(answer.status), v1::ERROR_REASON_BUSY);
  EXPECT_EQ(asked, 1);
  Browser small(url());
  const std::string body = EncodeGrpcWebMessage(GrpcWebFormat::kBinary, ListMembersRequest(owner));
  small.Send(head("192.0.2.1", body.size()) + body);
  EXPECT_EQ(ReasonOf(small.ReadAnswer().status), v1::ERROR_REASON_BUSY);
  small.Send(head("192.0.2.2", body.size()) + body);
  EXPECT_TRUE(small.ReadAnswer().status.ok()) << "over the same connection";
  EXPECT_EQ(asked, 3);
  // Once, also where it is large.
  small.SendCall(kListMembers, owner.token, std::string(1 << 20, 'x'));
  EXPECT_EQ(ReasonOf(small.ReadAnswer().status), v1::ERROR_REASON_INVALID_FIELD);
  EXPECT_EQ(asked, 4);
}

TEST_F(WebGatewayTest, WhatIsSentAfterARefusalIsTakenSlowlyAndNotForLong) {
  timeouts_.linger = absl::Milliseconds(200);
  Browser browser(url());
  browser.Send(
      "POST " + kListMembers +
      " HTTP/1.1\r\nContent-Type: application/grpc-web\r\nContent-Length: 4000000\r\n\r\n");
  EXPECT_EQ(ReasonOf(browser.ReadAnswer().status), v1::ERROR_REASON_UNKNOWN_DEVICE);
  // Until it is cut off. What it takes is some MiB a second and what the buffers between hold.
  const std::string block(1 << 20, 'x');
  size_t blocks = 0;
  while (send(browser.socket(), block.data(), block.size(), MSG_NOSIGNAL) > 0) ++blocks;
  EXPECT_LT(blocks, 64u);
}

TEST_F(WebGatewayTest, AHeaderThatComesTooSlowlyIsCutOff) {
  timeouts_.header = absl::Milliseconds(50);
  const Phone owner = CreateFamily();
  Browser following(url()), slow(url());
  Follow(following, owner);
  ReadToBookmark(following);
  slow.Send("GET / HTTP/1.1\r\nX: ");
  EXPECT_TRUE(slow.IsClosed());
  Join(owner, v1::ROLE_VIEWER);
  EXPECT_GT(ReadToBookmark(following), 0u) << "a stream may wait longer";
}

TEST_F(WebGatewayTest, ABodyThatComesTooSlowlyIsCutOff) {
  timeouts_.header = absl::Hours(1);
  timeouts_.body = absl::Milliseconds(50);
  Browser slow(url());
  slow.Send("POST " + kListMembers +
            " HTTP/1.1\r\nContent-Type: application/grpc-web\r\nContent-Length: 9\r\n\r\nx");
  EXPECT_TRUE(slow.IsClosed());
}

TEST_F(WebGatewayTest, WhoSendsNothingIsCutOff) {
  timeouts_.idle = absl::Milliseconds(50);
  Browser browser(url());
  EXPECT_TRUE(browser.IsClosed());
}

TEST_F(WebGatewayTest, WhoDoesNotReadAnAnswerIsCutOff) {
  timeouts_.write = absl::Milliseconds(50);
  absl::Notification called;
  methods_[kListMembers].call = [&called](const Peer&, absl::string_view, Done<std::string> done) {
    done(std::string(64 << 20, 'x'));  // more than every buffer between
    called.Notify();
  };
  Browser browser(url());
  browser.SendCall(kListMembers, "", "");
  called.WaitForNotification();
  // Waits for the connection to end without reading from it.
  Drain();
}

// Always has a message; counts the bytes of those it was asked for.
class TalkativeStream final : public ByteStream {
 public:
  explicit TalkativeStream(std::atomic<size_t>& bytes) : bytes_(bytes) {}
  StreamStep<std::string> Next() override {
    StreamStep<std::string> step;
    step.kind = StreamStep<std::string>::Kind::kMessage;
    step.message = std::make_shared<const std::string>(64 << 10, 'x');
    bytes_ += step.message->size();
    return step;
  }
  bool WriteIfOpen(absl::FunctionRef<void()> write) override {
    write();
    return true;
  }

 private:
  std::atomic<size_t>& bytes_;
};

TEST_F(WebGatewayTest, LittleIsKeptForABrowserThatDoesNotReadItsStream) {
  timeouts_.write = absl::Milliseconds(300);
  absl::Notification cut_off;
  std::atomic<size_t> asked{0};
  methods_[kFollow].open = [&](const Peer&, absl::string_view, const StreamWake&) {
    return std::make_unique<WatchedStream>(std::make_unique<TalkativeStream>(asked), cut_off);
  };
  Browser browser(url());
  const int received_max = 32 << 10;  // of the browser's own system
  setsockopt(browser.socket(), SOL_SOCKET, SO_RCVBUF, &received_max, sizeof(received_max));
  browser.SendCall(kFollow, "", "");
  cut_off.WaitForNotification();
  EXPECT_LE(asked.load(), 1u << 20);
}

TEST_F(WebGatewayTest, ConnectionsHaveALimit) {
  options_.web_connections_max = 1;
  auto first = std::make_unique<Browser>(url());
  const Phone owner = CreateFamily();
  EXPECT_TRUE(ListMembersOver(*first, owner).status.ok());
  Browser second(url());
  EXPECT_TRUE(second.IsClosed());
  first.reset();
  // As soon as the first one's end is noticed there is room.
  for (bool served = false; !served;) {
    Browser third(url());
    served = ListMembersOver(third, owner).head.status == 200;
  }
}

TEST_F(WebGatewayTest, WhatAProxyPassesOnHasALimitForEachAddressItCallsFor) {
  options_.address_connections_max = 2;
  const Phone owner = CreateFamily();
  const auto call = [&](Browser& browser, const std::string& headers) {
    browser.SendCall(kListMembers, owner.token, ListMembersRequest(owner), GrpcWebFormat::kBinary,
                     headers);
    return browser.ReadAnswer().status;
  };
  const std::string hostile = "X-Forwarded-For: 192.0.2.1\r\n";
  const auto is_refused = [&] {
    Browser proxy(url());
    const absl::Status status = call(proxy, hostile);
    EXPECT_TRUE(status.ok() || ReasonOf(status) == v1::ERROR_REASON_BUSY) << status;
    return !status.ok();
  };
  // Two requests that do not come to their end are counted once their headers have come.
  absl::BlockingCounter counted(2);
  Method& slow_method = methods_[kService + "Slow"];
  slow_method.call = methods_.at(kListMembers).call;
  slow_method.admit = [&counted](const Peer&) {
    counted.DecrementCount();
    return absl::OkStatus();
  };
  std::vector<std::unique_ptr<Browser>> slow;
  for (int i = 0; i < 2; ++i) {
    slow.push_back(std::make_unique<Browser>(url()));
    slow.back()->Send(absl::StrCat(
        "POST ", kService, "Slow HTTP/1.1\r\n", hostile, "Authorization: Bearer ", owner.token,
        "\r\n", "Content-Type: application/grpc-web\r\n", "Content-Length: 1000000\r\n\r\n"));
  }
  counted.Wait();
  EXPECT_TRUE(is_refused());
  Browser file(url());
  file.SendGet("/", hostile);
  EXPECT_EQ(file.ReadHead().status, 503);
  Browser proxy(url());
  for (int i = 0; i < 5; ++i) {
    // The connection is of no caller between two calls.
    EXPECT_TRUE(call(proxy, absl::StrCat("X-Forwarded-For: 192.0.2.", 2 + i % 2, "\r\n")).ok());
  }
  EXPECT_TRUE(call(proxy, "").ok()) << "this machine has no limit";
  const absl::Status refused = call(proxy, hostile);
  EXPECT_EQ(ReasonOf(refused), v1::ERROR_REASON_BUSY);
  EXPECT_THAT(refused.message(), testing::StartsWith("Your network has too many requests"));
  slow.pop_back();
  while (is_refused()) {
  }
}

TEST_F(WebGatewayTest, StreamsHaveALimitForEachAddress) {
  CallLimits limits(clock_, {0, 0, 0, 0, 2});
  const Methods use_cases = std::exchange(methods_, {});
  methods_ = LimitMethods(use_cases, limits);
  const Phone owner = CreateFamily();
  const std::string caller = "X-Forwarded-For: 192.0.2.1\r\n";
  std::vector<std::unique_ptr<Browser>> browsers;
  for (int i = 0; i < 2; ++i) {
    browsers.push_back(std::make_unique<Browser>(url()));
    Follow(*browsers.back(), owner, caller);
    EXPECT_GT(ReadToBookmark(*browsers.back()), 0u);
  }
  const auto is_refused = [&] {
    Browser browser(url());
    Follow(browser, owner, caller);
    std::string message;
    absl::Status status;
    if (browser.ReadMessage(message, &status)) return false;
    EXPECT_EQ(ReasonOf(status), v1::ERROR_REASON_BUSY);
    return true;
  };
  EXPECT_TRUE(is_refused());
  Browser other(url());
  Follow(other, owner, "X-Forwarded-For: 192.0.2.2\r\n");
  EXPECT_GT(ReadToBookmark(other), 0u);
  browsers.pop_back();
  while (is_refused()) {
  }
  Drain();
}

TEST_F(WebGatewayTest, FilesComeWithTheirHeadersAndOneAfterTheOther) {
  const TempFolder folder;
  std::ofstream(folder.path() + "/index.html") << "<title>nightlog</title>";
  options_.web_root = folder.path();
  Browser browser(url());
  browser.SendGet("/");
  browser.SendGet("/family/settings");
  browser.SendGet("/missing.js");
  browser.Send("HEAD / HTTP/1.1\r\n\r\n");
  std::string etag;
  for (int i = 0; i < 2; ++i) {
    const Head head = browser.ReadHead();
    EXPECT_EQ(head.status, 200);
    EXPECT_EQ(head.headers.at("x-content-type-options"), "nosniff");
    EXPECT_THAT(head.headers.at("content-security-policy"), HasSubstr("default-src 'self'"));
    EXPECT_EQ(head.headers.count("strict-transport-security"), 0u);
    EXPECT_EQ(browser.ReadBody(), "<title>nightlog</title>");
    etag = head.headers.at("etag");
  }
  EXPECT_EQ(browser.ReadHead().status, 404);
  browser.ReadBody();
  const Head head = browser.ReadHead();
  EXPECT_EQ(head.status, 200);
  EXPECT_EQ(head.headers.at("content-length"), "23");
  browser.SendGet("/", absl::StrCat("If-None-Match: ", etag, "\r\nConnection: close\r\n"));
  const Head unchanged = browser.ReadHead();
  EXPECT_EQ(unchanged.status, 304) << "and the HEAD before had no body";
  EXPECT_EQ(unchanged.headers.at("connection"), "close");
  EXPECT_TRUE(browser.IsClosed());
}

TEST_F(WebGatewayTest, WhatASecondGatewayCannotHaveIsNamed) {
  options_.web_listen = std::string(absl::StripSuffix(absl::StripPrefix(url(), "http://"), "/"));
  const auto start = [this] {
    return WebGateway::Start(options_, methods_, executor_, CheckToken()).status();
  };
  const absl::Status taken = start();
  EXPECT_EQ(taken.code(), absl::StatusCode::kUnavailable);
  EXPECT_THAT(std::string(taken.message()), HasSubstr("--web_listen"));
  options_.web_listen = "127.0.0.1:0";
  options_.web_root = "/nowhere";
  EXPECT_THAT(std::string(start().message()), HasSubstr("--web_root=/nowhere"));
  options_.web_root = "";
  options_.tls_certificate = "/nowhere/cert.pem";
  options_.tls_key = "/nowhere/key.pem";
  EXPECT_THAT(std::string(start().message()), HasSubstr("--tls_certificate=/nowhere/cert.pem"));
}

class BusyGatewayTest : public WebGatewayTest {
 protected:
  BusyGatewayTest() : WebGatewayTest(0) {}
};

TEST_F(BusyGatewayTest, WhatTheExecutorHasNoRoomForIsAnsweredBusy) {
  const Phone owner = CreateFamily();
  Browser browser(url());
  EXPECT_EQ(ReasonOf(ListMembersOver(browser, owner).status), v1::ERROR_REASON_BUSY);
  browser.SendCall(kFollow, owner.token, FollowRequest(owner));
  EXPECT_EQ(ReasonOf(browser.ReadAnswer().status), v1::ERROR_REASON_BUSY);
}

}  // namespace
}  // namespace nightlog
