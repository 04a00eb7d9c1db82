#include "services/invite_code.h"

#include <cstdint>

#include "absl/strings/ascii.h"

namespace nightlog {
namespace {

// Without I, L, O and U. https://www.crockford.com/base32.html
constexpr absl::string_view kAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
constexpr size_t kRandomBytes = 10;
constexpr size_t kSymbols = kRandomBytes * 8 / 5;
constexpr size_t kSymbolsPerGroup = 4;

}  // namespace

std::string MakeInviteCode(Random& random) {
  std::string code;
  uint32_t bits = 0;
  int bit_count = 0;
  size_t symbols = 0;
  for (char byte : random.Bytes(kRandomBytes)) {
    bits = bits << 8 | static_cast<uint8_t>(byte);
    bit_count += 8;
    while (bit_count >= 5) {
      bit_count -= 5;
      if (symbols > 0 && symbols % kSymbolsPerGroup == 0) code.push_back('-');
      code.push_back(kAlphabet[bits >> bit_count & 31]);
      ++symbols;
    }
  }
  return code;
}

absl::optional<std::string> NormalizeInviteCode(absl::string_view typed) {
  std::string code;
  for (char symbol : typed) {
    if (symbol == '-' || absl::ascii_isspace(static_cast<unsigned char>(symbol))) continue;
    symbol = absl::ascii_toupper(static_cast<unsigned char>(symbol));
    if (symbol == 'O') symbol = '0';
    if (symbol == 'I' || symbol == 'L') symbol = '1';
    if (kAlphabet.find(symbol) == absl::string_view::npos) return absl::nullopt;
    code.push_back(symbol);
  }
  if (code.size() != kSymbols) return absl::nullopt;
  return code;
}

}  // namespace nightlog
