#include "services/grpc_web.h"

#include <string>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "google/rpc/status.pb.h"
#include "gtest/gtest.h"
#include "storage/core/errors.h"

namespace nightlog {
namespace {

using ::testing::HasSubstr;

constexpr GrpcWebFormat kBinary = GrpcWebFormat::kBinary;
constexpr GrpcWebFormat kText = GrpcWebFormat::kText;

std::string Bytes(std::initializer_list<int> bytes) {
  std::string result;
  for (int byte : bytes) result += static_cast<char>(byte);
  return result;
}

TEST(GrpcWebTest, TheContentTypeNamesTheFormat) {
  for (const char* type :
       {"application/grpc-web", "application/grpc-web+proto", "Application/GRPC-Web+Proto",
        "application/grpc-web+proto; charset=utf-8", " application/grpc-web ;x"}) {
    EXPECT_EQ(GrpcWebFormatOf(type), kBinary) << type;
  }
  for (const char* type : {"application/grpc-web-text", "application/grpc-web-text+proto"}) {
    EXPECT_EQ(GrpcWebFormatOf(type), kText) << type;
  }
  for (const char* type :
       {"", "application/grpc", "application/grpc+proto", "application/grpc-web+json",
        "application/grpc-web-textual", "application/json", "text/plain"}) {
    EXPECT_EQ(GrpcWebFormatOf(type), absl::nullopt) << type;
  }
  for (const GrpcWebFormat format : {kBinary, kText}) {
    EXPECT_EQ(GrpcWebFormatOf(GrpcWebContentType(format)), format);
  }
}

TEST(GrpcWebTest, AMessageIsFlagsLengthAndBytes) {
  EXPECT_EQ(EncodeGrpcWebMessage(kBinary, "abc"), Bytes({0, 0, 0, 0, 3, 'a', 'b', 'c'}));
  EXPECT_EQ(EncodeGrpcWebMessage(kBinary, ""), Bytes({0, 0, 0, 0, 0}));
  const std::string large(0x010203, 'x');
  EXPECT_EQ(EncodeGrpcWebMessage(kBinary, large), Bytes({0, 0, 1, 2, 3}) + large);
  EXPECT_EQ(EncodeGrpcWebMessage(kText, "abc"), "AAAAAANhYmM=");
}

TEST(GrpcWebTest, ARequestIsDecodedAsItWasEncoded) {
  for (const GrpcWebFormat format : {kBinary, kText}) {
    for (const std::string& message :
         {std::string(), std::string("a"), std::string("ab\0\xff", 4), std::string(70000, 'x'),
          std::string(kGrpcWebMessageBytesMax, 'x')}) {
      const std::string body = EncodeGrpcWebMessage(format, message);
      EXPECT_LE(body.size(), kGrpcWebBodyBytesMax);
      const auto decoded = DecodeGrpcWebRequest(format, body);
      ASSERT_TRUE(decoded.ok()) << decoded.status();
      EXPECT_EQ(*decoded, message);
    }
  }
}

TEST(GrpcWebTest, ABodyThatIsNotOneWholeMessageIsInvalid) {
  const std::string message = EncodeGrpcWebMessage(kBinary, "abc");
  for (const std::string& body :
       {std::string(), message.substr(0, 4), message.substr(0, 7), message + "x", message + message,
        "\x80" + message.substr(1), "\x02" + message.substr(1)}) {
    EXPECT_EQ(DecodeGrpcWebRequest(kBinary, body).status().code(),
              absl::StatusCode::kInvalidArgument)
        << absl::CHexEscape(body);
  }
  for (const char* body : {"AAAAAANhYm", "!", "AAAA"}) {
    EXPECT_EQ(DecodeGrpcWebRequest(kText, body).status().code(), absl::StatusCode::kInvalidArgument)
        << body;
  }
}

TEST(GrpcWebTest, ACompressedOrTooLargeMessageSaysSo) {
  EXPECT_EQ(DecodeGrpcWebRequest(kBinary, Bytes({1, 0, 0, 0, 1, 'x'})).status().code(),
            absl::StatusCode::kUnimplemented);
  const absl::Status large = DecodeGrpcWebRequest(kBinary, Bytes({0, 255, 255, 255, 255})).status();
  EXPECT_EQ(large.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(ReasonOf(large), v1::ERROR_REASON_TOO_LARGE);
  const std::string over(kGrpcWebMessageBytesMax + 1, 'x');
  EXPECT_EQ(DecodeGrpcWebRequest(kBinary, EncodeGrpcWebMessage(kBinary, over)).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(GrpcWebTest, SuccessIsAStatusOfZero) {
  EXPECT_EQ(EncodeGrpcWebTrailers(kBinary, absl::OkStatus()),
            Bytes({0x80, 0, 0, 0, 16}) + "grpc-status: 0\r\n");
  EXPECT_EQ(EncodeGrpcWebTrailers(kText, absl::OkStatus()),
            absl::Base64Escape(EncodeGrpcWebTrailers(kBinary, absl::OkStatus())));
}

TEST(GrpcWebTest, AnErrorCarriesItsMessageAndItsDetails) {
  // Lengths of every remainder by three, as base64 pads them.
  for (const char* message : {"no.", "no..", "no...", "Zoë: 100 %\n"}) {
    const absl::Status status =
        MakeError(absl::StatusCode::kPermissionDenied, v1::ERROR_REASON_NO_ACCESS, message);
    const std::string frame = EncodeGrpcWebTrailers(kBinary, status);
    const std::string trailers = frame.substr(5);
    EXPECT_EQ(frame.substr(0, 5), Bytes({0x80, 0, 0, static_cast<int>(trailers.size() >> 8),
                                         static_cast<int>(trailers.size() & 0xff)}));
    EXPECT_THAT(trailers, HasSubstr("grpc-status: 7\r\n"));
    EXPECT_THAT(trailers,
                HasSubstr(absl::StrCat("grpc-message: ", EncodeGrpcMessage(message), "\r\n")));
    const std::string key = "grpc-status-details-bin: ";
    const size_t begin = trailers.find(key) + key.size();
    const std::string base64 = trailers.substr(begin, trailers.size() - 2 - begin);
    EXPECT_EQ(base64.find('='), std::string::npos) << "gRPC sends binary metadata unpadded";
    std::string details;
    ASSERT_TRUE(absl::Base64Unescape(base64, &details));
    google::rpc::Status rpc;
    ASSERT_TRUE(rpc.ParseFromString(details));
    EXPECT_EQ(FromRpcStatus(rpc), status);
  }
}

TEST(GrpcWebTest, AStatusMessageIsPrintableAscii) {
  EXPECT_EQ(EncodeGrpcMessage("A plain sentence; it stays."), "A plain sentence; it stays.");
  EXPECT_EQ(EncodeGrpcMessage("100 %\r\nZoë\x7f"), "100 %25%0D%0AZo%C3%AB%7F");
}

TEST(GrpcWebTest, ATimeoutIsDigitsAndAUnit) {
  EXPECT_EQ(*ParseGrpcTimeout("2H"), absl::Hours(2));
  EXPECT_EQ(*ParseGrpcTimeout("3M"), absl::Minutes(3));
  EXPECT_EQ(*ParseGrpcTimeout("0S"), absl::ZeroDuration());
  EXPECT_EQ(*ParseGrpcTimeout("99999999m"), absl::Milliseconds(99999999));
  EXPECT_EQ(*ParseGrpcTimeout("5u"), absl::Microseconds(5));
  EXPECT_EQ(*ParseGrpcTimeout("7n"), absl::Nanoseconds(7));
  for (const char* malformed : {"", "S", "1", "1s", "-1S", "1.5S", "123456789S", " 1S", "1 S"}) {
    EXPECT_FALSE(ParseGrpcTimeout(malformed).ok()) << malformed;
  }
}

}  // namespace
}  // namespace nightlog
