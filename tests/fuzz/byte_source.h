#ifndef NIGHTLOG_TESTS_FUZZ_BYTE_SOURCE_H_
#define NIGHTLOG_TESTS_FUZZ_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "google/protobuf/message.h"

namespace nightlog::fuzz {

// Makes decisions of the bytes that a fuzzer gives. After their end every decision is 0.
class ByteSource {
 public:
  ByteSource(const uint8_t* data, size_t size) : data_(data), size_(size) {}

  bool empty() const { return size_ == 0; }
  uint8_t Byte();
  // 0 to count - 1.
  size_t Pick(size_t count) { return Byte() % count; }
  // Small, about a time of today, or extreme.
  uint64_t Number();
  // At most `most`.
  std::string Bytes(size_t most);
  // All that is left.
  std::string Rest();

 private:
  const uint8_t* data_;
  size_t size_;
};

// Fills a message as the bytes decide: a well-formed one, with values of any kind. `ids` are bytes
// worth using where bytes are wanted.
void Fill(ByteSource& source, const std::vector<std::string>& ids,
          google::protobuf::Message& message);

// The message is parsed from the rest of the bytes, or filled; false: it does not parse.
bool Make(ByteSource& source, const std::vector<std::string>& ids,
          google::protobuf::Message& message);

}  // namespace nightlog::fuzz

#endif  // NIGHTLOG_TESTS_FUZZ_BYTE_SOURCE_H_
