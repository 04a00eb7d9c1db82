#include "storage/core/utf8.h"

#include <cstdint>

namespace nightlog {
namespace {

// How many bytes a character takes that begins with this one; 0: none does.
size_t LengthOf(unsigned char first) {
  if (first < 0x80) return 1;
  if (first >= 0xC2 && first <= 0xDF) return 2;
  if (first >= 0xE0 && first <= 0xEF) return 3;
  if (first >= 0xF0 && first <= 0xF4) return 4;
  return 0;
}

}  // namespace

bool IsUtf8(absl::string_view bytes) {
  for (size_t at = 0; at < bytes.size();) {
    const auto byte = [&](size_t i) { return static_cast<unsigned char>(bytes[at + i]); };
    const size_t length = LengthOf(byte(0));
    if (length == 0 || length > bytes.size() - at) return false;
    uint32_t character = byte(0) & (length == 1 ? 0x7Fu : 0xFFu >> (length + 1));
    for (size_t i = 1; i < length; ++i) {
      if ((byte(i) & 0xC0u) != 0x80u) return false;
      character = character << 6 | (byte(i) & 0x3Fu);
    }
    const bool overlong =
        (length == 3 && character < 0x800) || (length == 4 && character < 0x10000);
    const bool surrogate = character >= 0xD800 && character <= 0xDFFF;
    if (overlong || surrogate || character > 0x10FFFF) return false;
    at += length;
  }
  return true;
}

}  // namespace nightlog
