#ifndef NIGHTLOG_TESTS_SERVICES_BROWSER_H_
#define NIGHTLOG_TESTS_SERVICES_BROWSER_H_

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "services/grpc_web.h"
#include "storage/core/errors.h"

namespace nightlog {

// An answer's first lines.
struct Head {
  int status = 0;  // 0: the connection was closed instead
  std::map<std::string, std::string> headers;
};

// An answer to a call: its messages, and the status as it was before it went over the wire.
struct Answer {
  Head head;
  std::vector<std::string> messages;
  absl::Status status = absl::UnknownError("no trailers came");
};

// A blocking connection, as a browser has it. What never comes shows as a test that never ends.
class Browser {
 public:
  explicit Browser(const std::string& url) : socket_(::socket(AF_INET, SOCK_STREAM, 0)) {
    sockaddr_in address = {};
    address.sin_family = AF_INET;
    int port = 0;
    EXPECT_TRUE(absl::SimpleAtoi(absl::StripSuffix(url.substr(url.rfind(':') + 1), "/"), &port));
    address.sin_port = htons(static_cast<uint16_t>(port));
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    EXPECT_EQ(connect(socket_, reinterpret_cast<sockaddr*>(&address), sizeof(address)), 0);
  }
  ~Browser() { Leave(); }
  Browser(const Browser&) = delete;
  Browser& operator=(const Browser&) = delete;

  int socket() const { return socket_; }

  void Leave() {
    if (socket_ >= 0) close(std::exchange(socket_, -1));
  }

  // What the other side no longer takes is dropped.
  void Send(absl::string_view bytes) {
    while (!bytes.empty()) {
      const ssize_t sent = send(socket_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;
      bytes.remove_prefix(static_cast<size_t>(sent));
    }
  }

  void SendGet(const std::string& target, const std::string& headers = "") {
    Send(absl::StrCat("GET ", target, " HTTP/1.1\r\nHost: x\r\n", headers, "\r\n"));
  }

  void SendPost(const std::string& path, const std::string& body, const std::string& headers) {
    Send(absl::StrCat("POST ", path, " HTTP/1.1\r\nHost: x\r\nContent-Length: ", body.size(),
                      "\r\n", headers, "\r\n", body));
  }

  // `token` may be empty.
  void SendCall(const std::string& path, const std::string& token, const std::string& message,
                GrpcWebFormat format = GrpcWebFormat::kBinary, const std::string& headers = "") {
    SendPost(path, EncodeGrpcWebMessage(format, message),
             absl::StrCat("Content-Type: ", GrpcWebContentType(format), "\r\n",
                          token.empty() ? "" : "Authorization: Bearer " + token + "\r\n", headers));
  }

  Head ReadHead() {
    Head head;
    std::string line;
    if (!ReadLine(line)) return head;
    constexpr absl::string_view kVersion = "HTTP/1.1 ";
    EXPECT_TRUE(absl::StartsWith(line, kVersion)) << line;
    EXPECT_TRUE(absl::SimpleAtoi(line.substr(kVersion.size(), 3), &head.status)) << line;
    while (ReadLine(line) && !line.empty()) {
      const size_t colon = line.find(": ");
      head.headers[line.substr(0, colon)] = line.substr(colon + 2);
    }
    chunked_ = head.headers.count("transfer-encoding") > 0;
    const auto length = head.headers.find("content-length");
    to_close_ = !chunked_ && length == head.headers.end();
    left_ = 0;
    if (length != head.headers.end()) EXPECT_TRUE(absl::SimpleAtoi(length->second, &left_));
    body_.clear();
    return head;
  }

  // The rest of the body.
  std::string ReadBody() {
    while (FillBody()) {
    }
    return std::exchange(body_, "");
  }

  // The next message of a call's answer into `message`. False: the trailers came, or the end.
  bool ReadMessage(std::string& message, absl::Status* status = nullptr) {
    while (body_.size() < 5 || body_.size() < 5 + FrameSize()) {
      if (!FillBody()) return false;
    }
    const auto flags = static_cast<uint8_t>(body_[0]);
    message = body_.substr(5, FrameSize());
    body_.erase(0, 5 + message.size());
    if (flags == 0) return true;
    EXPECT_EQ(flags, 0x80);
    EXPECT_FALSE(FillBody()) << "something follows the trailers";
    if (status != nullptr) *status = StatusOf(message);
    return false;
  }

  Answer ReadAnswer() {
    Answer answer;
    answer.head = ReadHead();
    std::string message;
    while (ReadMessage(message, &answer.status)) answer.messages.push_back(message);
    return answer;
  }

  // True if the other side closed and nothing else came.
  bool IsClosed() { return buffer_.empty() && !Fill(); }

 private:
  static absl::Status StatusOf(const std::string& trailers) {
    const std::string key = "grpc-status-details-bin: ";
    const size_t begin = trailers.find(key);
    if (begin == std::string::npos) {
      EXPECT_THAT(trailers, ::testing::HasSubstr("grpc-status: 0\r\n"));
      return absl::OkStatus();
    }
    const std::string base64 = trailers.substr(begin + key.size());
    std::string details;
    google::rpc::Status rpc;
    EXPECT_TRUE(absl::Base64Unescape(base64.substr(0, base64.find('\r')), &details));
    EXPECT_TRUE(rpc.ParseFromString(details));
    return FromRpcStatus(rpc);
  }

  size_t FrameSize() const {
    size_t size = 0;
    for (int i = 1; i < 5; ++i) size = size << 8 | static_cast<uint8_t>(body_[i]);
    return size;
  }

  bool Fill() {
    char bytes[4096];
    const ssize_t size = recv(socket_, bytes, sizeof(bytes), 0);
    if (size <= 0) return false;
    buffer_.append(bytes, static_cast<size_t>(size));
    return true;
  }

  bool ReadLine(std::string& line) {
    size_t end = 0;
    while ((end = buffer_.find("\r\n")) == std::string::npos) {
      if (!Fill()) return false;
    }
    line = buffer_.substr(0, end);
    buffer_.erase(0, end + 2);
    return true;
  }

  // Some more of the body; false at its end.
  bool FillBody() {
    if (left_ == 0 && chunked_) {
      std::string line;
      if (!ReadLine(line)) return false;
      EXPECT_TRUE(absl::SimpleHexAtoi(line, &left_)) << line;
      chunked_ = left_ > 0;
      if (!chunked_) EXPECT_TRUE(ReadLine(line) && line.empty());
    }
    if (left_ == 0 && !to_close_) return false;
    if (buffer_.empty() && !Fill()) return false;
    const size_t size = to_close_ ? buffer_.size() : std::min(left_, buffer_.size());
    body_ += buffer_.substr(0, size);
    buffer_.erase(0, size);
    if (to_close_) return true;
    left_ -= size;
    std::string line;
    if (left_ == 0 && chunked_) EXPECT_TRUE(ReadLine(line) && line.empty());
    return true;
  }

  int socket_;
  std::string buffer_;  // what came and was not looked at
  // Of the answer that is read.
  bool chunked_ = false;
  bool to_close_ = false;
  size_t left_ = 0;  // of the body, or of its chunk
  std::string body_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_SERVICES_BROWSER_H_
