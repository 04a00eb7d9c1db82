#include "services/grpc_web.h"

#include <cstdint>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "storage/core/errors.h"

namespace nightlog {
namespace {

constexpr size_t kFrameHeadBytes = 5;
constexpr uint8_t kMessageFlags = 0;
constexpr uint8_t kCompressedFlag = 1;
constexpr uint8_t kTrailersFlag = 0x80;

std::string EncodeFrame(GrpcWebFormat format, uint8_t flags, absl::string_view content) {
  const auto size = static_cast<uint32_t>(content.size());
  std::string frame = {static_cast<char>(flags), static_cast<char>(size >> 24),
                       static_cast<char>(size >> 16), static_cast<char>(size >> 8),
                       static_cast<char>(size)};
  absl::StrAppend(&frame, content);
  return format == GrpcWebFormat::kText ? absl::Base64Escape(frame) : frame;
}

uint32_t FrameSize(absl::string_view frame) {
  uint32_t size = 0;
  for (size_t i = 1; i < kFrameHeadBytes; ++i) size = size << 8 | static_cast<uint8_t>(frame[i]);
  return size;
}

absl::Status BadBody(absl::string_view what) {
  return absl::InvalidArgumentError(
      absl::StrCat("The body is not one gRPC-Web message: ", what, "."));
}

}  // namespace

absl::optional<GrpcWebFormat> GrpcWebFormatOf(absl::string_view content_type) {
  absl::string_view type =
      absl::StripAsciiWhitespace(content_type.substr(0, content_type.find(';')));
  const std::string lower = absl::AsciiStrToLower(type);
  type = absl::StripSuffix(lower, "+proto");
  if (type == "application/grpc-web") return GrpcWebFormat::kBinary;
  if (type == "application/grpc-web-text") return GrpcWebFormat::kText;
  return absl::nullopt;
}

absl::string_view GrpcWebContentType(GrpcWebFormat format) {
  return format == GrpcWebFormat::kText ? "application/grpc-web-text+proto"
                                        : "application/grpc-web+proto";
}

absl::StatusOr<std::string> DecodeGrpcWebRequest(GrpcWebFormat format, absl::string_view body) {
  std::string decoded;
  if (format == GrpcWebFormat::kText) {
    if (!absl::Base64Unescape(body, &decoded)) return BadBody("it is not base64");
    body = decoded;
  }
  if (body.size() < kFrameHeadBytes) {
    return BadBody(absl::StrCat("it has ", body.size(), " bytes, less than the head of a frame"));
  }
  const auto flags = static_cast<uint8_t>(body[0]);
  if (flags == kCompressedFlag) {
    return absl::UnimplementedError("This server takes no compressed messages; send them plain.");
  }
  if (flags != kMessageFlags) {
    return BadBody(absl::StrFormat("its first frame has the flags 0x%02x", flags));
  }
  const uint32_t size = FrameSize(body);
  if (size > kGrpcWebMessageBytesMax) {
    return MakeError(absl::StatusCode::kResourceExhausted, v1::ERROR_REASON_TOO_LARGE,
                     absl::StrCat("The message has ", size, " bytes; send at most ",
                                  kGrpcWebMessageBytesMax, "."));
  }
  body.remove_prefix(kFrameHeadBytes);
  if (body.size() != size) {
    return BadBody(
        absl::StrCat("its frame says ", size, " bytes, and ", body.size(), " bytes follow"));
  }
  return std::string(body);
}

std::string EncodeGrpcWebMessage(GrpcWebFormat format, absl::string_view message) {
  return EncodeFrame(format, kMessageFlags, message);
}

std::string EncodeGrpcWebTrailers(GrpcWebFormat format, const absl::Status& status) {
  std::string trailers = absl::StrCat("grpc-status: ", status.raw_code(), "\r\n");
  if (!status.ok()) {
    absl::StrAppend(&trailers, "grpc-message: ", EncodeGrpcMessage(status.message()), "\r\n");
    const std::string details = absl::Base64Escape(ToRpcStatus(status).SerializeAsString());
    absl::StrAppend(&trailers, "grpc-status-details-bin: ", details.substr(0, details.find('=')),
                    "\r\n");
  }
  return EncodeFrame(format, kTrailersFlag, trailers);
}

std::string EncodeGrpcMessage(absl::string_view message) {
  std::string encoded;
  for (const char c : message) {
    if (c >= ' ' && c <= '~' && c != '%') {
      encoded += c;
    } else {
      absl::StrAppendFormat(&encoded, "%%%02X", static_cast<uint8_t>(c));
    }
  }
  return encoded;
}

absl::StatusOr<absl::Duration> ParseGrpcTimeout(absl::string_view text) {
  constexpr size_t kDigitsMax = 8;
  const absl::Status malformed = absl::InvalidArgumentError(
      absl::StrCat("grpc-timeout is `", absl::CHexEscape(text.substr(0, 2 * kDigitsMax)),
                   "`; send one to eight digits and a unit of H M S m u n."));
  if (text.size() < 2 || text.size() > kDigitsMax + 1) return malformed;
  int64_t count = 0;
  for (const char digit : text.substr(0, text.size() - 1)) {
    if (!absl::ascii_isdigit(static_cast<unsigned char>(digit))) return malformed;
    count = 10 * count + (digit - '0');
  }
  switch (text.back()) {
    case 'H':
      return absl::Hours(count);
    case 'M':
      return absl::Minutes(count);
    case 'S':
      return absl::Seconds(count);
    case 'm':
      return absl::Milliseconds(count);
    case 'u':
      return absl::Microseconds(count);
    case 'n':
      return absl::Nanoseconds(count);
    default:
      return malformed;
  }
}

}  // namespace nightlog
