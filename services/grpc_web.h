#ifndef NIGHTLOG_SERVICES_GRPC_WEB_H_
#define NIGHTLOG_SERVICES_GRPC_WEB_H_

#include <cstddef>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/optional.h"

namespace nightlog {

// The bytes of gRPC-Web, as browsers speak it over HTTP/1.1. Pure functions; thread-safe. Source:
// PROTOCOL-WEB.md and PROTOCOL-HTTP2.md of gRPC.
//
// A body is a sequence of frames: one byte of flags, the length as a big-endian 32-bit number, and
// as many bytes. Flags 0: a message. 0x80: the trailers, which come last and hold the status.

// How frames are written: as they are (application/grpc-web), or in base64
// (application/grpc-web-text), each frame padded by itself.
enum class GrpcWebFormat { kBinary, kText };

// Bound of a message to the server.
constexpr size_t kGrpcWebMessageBytesMax = 4 << 20;
// Bound of the body that carries it: a frame's head, and a third more in base64.
constexpr size_t kGrpcWebBodyBytesMax = kGrpcWebMessageBytesMax / 3 * 4 + 64;

// The format that a content type asks for, with `+proto` or without, whatever its parameters.
// nullopt: not gRPC-Web with protobuf.
absl::optional<GrpcWebFormat> GrpcWebFormatOf(absl::string_view content_type);

// The content type of answers.
absl::string_view GrpcWebContentType(GrpcWebFormat format);

// The one message of a request's body. INVALID_ARGUMENT for anything but one whole frame;
// UNIMPLEMENTED for a compressed one; RESOURCE_EXHAUSTED (TOO_LARGE) over the bound.
absl::StatusOr<std::string> DecodeGrpcWebRequest(GrpcWebFormat format, absl::string_view body);

// A message's frame.
std::string EncodeGrpcWebMessage(GrpcWebFormat format, absl::string_view message);

// The frame of trailers: grpc-status, grpc-message, and for an error grpc-status-details-bin.
std::string EncodeGrpcWebTrailers(GrpcWebFormat format, const absl::Status& status);

// A status message as grpc-message has it: printable ASCII but `%` as it is, all other bytes as
// %XX.
std::string EncodeGrpcMessage(absl::string_view message);

// The value of grpc-timeout: one to eight digits and a unit of H M S m u n. INVALID_ARGUMENT for
// anything else.
absl::StatusOr<absl::Duration> ParseGrpcTimeout(absl::string_view text);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_GRPC_WEB_H_
