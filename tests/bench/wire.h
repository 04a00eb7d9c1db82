#ifndef NIGHTLOG_TESTS_BENCH_WIRE_H_
#define NIGHTLOG_TESTS_BENCH_WIRE_H_

#include <grpcpp/support/byte_buffer.h>

#include <cstdint>
#include <string>

#include "absl/strings/string_view.h"
#include "google/protobuf/io/coded_stream.h"
#include "google/protobuf/wire_format_lite.h"

namespace nightlog {

// What the load driver needs of the wire, so that reading a message costs the same for every server
// and next to nothing.

inline grpc::ByteBuffer ToByteBuffer(absl::string_view bytes) {
  const grpc::Slice slice(bytes.data(), bytes.size());
  return grpc::ByteBuffer(&slice, 1);
}

inline grpc::Slice ToSlice(const grpc::ByteBuffer& buffer) {
  grpc::Slice slice;
  if (!buffer.TrySingleSlice(&slice).ok() && !buffer.DumpToSingleSlice(&slice).ok()) {
    return grpc::Slice();
  }
  return slice;
}

inline absl::string_view View(const grpc::Slice& slice) {
  return absl::string_view(reinterpret_cast<const char*>(slice.begin()), slice.size());
}

// A field of bytes, or a message, as it stands on the wire.
inline std::string BytesField(int number, absl::string_view bytes) {
  std::string field;
  {
    google::protobuf::io::StringOutputStream output(&field);
    google::protobuf::io::CodedOutputStream coded(&output);
    coded.WriteTag(static_cast<uint32_t>(number) << 3 | 2);
    coded.WriteVarint32(static_cast<uint32_t>(bytes.size()));
    coded.WriteRaw(bytes.data(), static_cast<int>(bytes.size()));
  }
  return field;
}

// One field of a serialized message; the last one where there are several.
struct WireField {
  bool found = false;
  uint64_t varint = 0;
  absl::string_view bytes;
};

inline WireField FindField(absl::string_view message, int number) {
  using google::protobuf::internal::WireFormatLite;
  google::protobuf::io::CodedInputStream input(reinterpret_cast<const uint8_t*>(message.data()),
                                               static_cast<int>(message.size()));
  WireField found;
  while (const uint32_t tag = input.ReadTag()) {
    const bool wanted = WireFormatLite::GetTagFieldNumber(tag) == number;
    if (WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_LENGTH_DELIMITED) {
      uint32_t size = 0;
      if (!input.ReadVarint32(&size)) break;
      const auto position = static_cast<size_t>(input.CurrentPosition());
      if (!input.Skip(static_cast<int>(size))) break;
      if (wanted) found.bytes = message.substr(position, size);
    } else if (wanted && WireFormatLite::GetTagWireType(tag) == WireFormatLite::WIRETYPE_VARINT) {
      if (!input.ReadVarint64(&found.varint)) break;
    } else if (!WireFormatLite::SkipField(&input, tag)) {
      break;
    }
    found.found = found.found || wanted;
  }
  return found;
}

}  // namespace nightlog

#endif  // NIGHTLOG_TESTS_BENCH_WIRE_H_
