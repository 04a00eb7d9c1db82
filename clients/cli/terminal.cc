#include "clients/cli/terminal.h"

#include <utility>

namespace nightlog::cli {

TerminalText::int_type TerminalText::overflow(int_type byte) {
  constexpr int_type kHalf = 0xC2;
  const int_type none = traits_type::eof();
  if (byte == none) return traits_type::not_eof(byte);
  const auto pass_on = [this](int_type passed) {
    return terminal_.sputc(traits_type::to_char_type(passed));
  };
  const bool after_half = std::exchange(half_, byte == kHalf);
  if (after_half && byte >= 0x80 && byte < 0xA0) return pass_on('?');
  if (after_half && pass_on(kHalf) == none) return none;
  if (half_) return byte;
  const bool is_control = (byte < 0x20 && byte != '\n' && byte != '\t') || byte == 0x7F;
  return pass_on(is_control ? '?' : byte);
}

}  // namespace nightlog::cli
