#include "services/imports/text.h"

#include <array>
#include <cstdint>

#include "absl/strings/match.h"
#include "storage/core/utf8.h"

namespace nightlog::imports {
namespace {

constexpr uint32_t kNoCharacter = 0xFFFD;

// Of the bytes 0x80 to 0x9F in Windows-1252; the others are what they are in Unicode.
constexpr std::array<uint16_t, 32> kWindows = {
    0x20AC, 0x81,   0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160,
    0x2039, 0x0152, 0x8D,   0x017D, 0x8F,   0x90,   0x2018, 0x2019, 0x201C, 0x201D, 0x2022,
    0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D,   0x017E, 0x0178};

void Append(uint32_t character, std::string& text) {
  const auto push = [&text](uint32_t byte) { text.push_back(static_cast<char>(byte)); };
  if (character < 0x80) return push(character);
  if (character < 0x800) {
    push(0xC0 | character >> 6);
  } else {
    if (character < 0x10000) {
      push(0xE0 | character >> 12);
    } else {
      push(0xF0 | character >> 18);
      push(0x80 | (character >> 12 & 0x3F));
    }
    push(0x80 | (character >> 6 & 0x3F));
  }
  push(0x80 | (character & 0x3F));
}

// Halves of a pair that stand alone are no character.
std::string FromUtf16(absl::string_view bytes, bool little_endian) {
  std::string text;
  uint32_t high = 0;
  for (size_t at = 0; at + 1 < bytes.size(); at += 2) {
    const uint32_t first = static_cast<unsigned char>(bytes[at]);
    const uint32_t second = static_cast<unsigned char>(bytes[at + 1]);
    const uint32_t unit = little_endian ? second << 8 | first : first << 8 | second;
    const bool is_low = unit >= 0xDC00 && unit <= 0xDFFF;
    if (high != 0) {
      Append(is_low ? 0x10000 + ((high - 0xD800) << 10) + (unit - 0xDC00) : kNoCharacter, text);
      high = 0;
      if (is_low) continue;
    }
    if (unit >= 0xD800 && unit <= 0xDBFF) {
      high = unit;
    } else {
      Append(is_low ? kNoCharacter : unit, text);
    }
  }
  if (high != 0) Append(kNoCharacter, text);
  return text;
}

}  // namespace

std::string TextOf(absl::string_view bytes) {
  if (absl::StartsWith(bytes, "\xFF\xFE")) return FromUtf16(bytes, true);
  if (absl::StartsWith(bytes, "\xFE\xFF")) return FromUtf16(bytes, false);
  if (IsUtf8(bytes)) return std::string(bytes);
  std::string text;
  for (const char c : bytes) {
    const uint32_t byte = static_cast<unsigned char>(c);
    Append(byte >= 0x80 && byte < 0xA0 ? kWindows.at(byte - 0x80) : byte, text);
  }
  return text;
}

}  // namespace nightlog::imports
