#include "services/http_response.h"

#include <string>

#include "gtest/gtest.h"

namespace nightlog {
namespace {

TEST(HttpResponseTest, AHeadSaysHowItsBodyEnds) {
  const absl::Time now = absl::FromUnixSeconds(784111777);
  HttpResponse response = TextResponse(404, "Nothing.");
  EXPECT_EQ(*response.body, "Nothing.\n");
  const std::string common =
      "date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
      "x-content-type-options: nosniff\r\n"
      "content-type: text/plain; charset=utf-8\r\n"
      "cache-control: no-store\r\n";
  EXPECT_EQ(HttpHead(response, BodyEnd::kLength, true, now),
            "HTTP/1.1 404 Not Found\r\n" + common + "content-length: 9\r\n\r\n");
  response.status = 200;
  EXPECT_EQ(HttpHead(response, BodyEnd::kChunked, true, now),
            "HTTP/1.1 200 OK\r\n" + common + "transfer-encoding: chunked\r\n\r\n");
  EXPECT_EQ(HttpHead(response, BodyEnd::kClose, false, now),
            "HTTP/1.1 200 OK\r\n" + common + "connection: close\r\n\r\n");
  response.body = nullptr;
  EXPECT_EQ(HttpHead(response, BodyEnd::kLength, true, now),
            "HTTP/1.1 200 OK\r\n" + common + "content-length: 0\r\n\r\n");
  response.status = 304;
  EXPECT_EQ(HttpHead(response, BodyEnd::kLength, true, now),
            "HTTP/1.1 304 Not Modified\r\n" + common + "\r\n");
}

TEST(HttpResponseTest, AChunkIsItsLengthAndItsBytes) {
  EXPECT_EQ(HttpChunk(std::string(26, 'x')), "1a\r\n" + std::string(26, 'x') + "\r\n");
  EXPECT_EQ(HttpChunk(""), "0\r\n\r\n");
}

}  // namespace
}  // namespace nightlog
