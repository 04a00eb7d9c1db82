#include "clients/cli/terminal.h"

#include <ostream>
#include <sstream>
#include <string>

#include "gtest/gtest.h"

namespace nightlog::cli {
namespace {

std::string Shown(const std::string& text) {
  std::stringbuf terminal;
  TerminalText buffer(terminal);
  std::ostream out(&buffer);
  out << text << std::flush;
  EXPECT_TRUE(out.good());
  return terminal.str();
}

TEST(TerminalTest, TextIsShownAsItIs) {
  const std::string text = "03:12\u201303:20\tcrying: \u00FCber \u00BF\u00C0 \u4E2D \U0001F319\n";
  EXPECT_EQ(Shown(text), text);
}

TEST(TerminalTest, ControlsAreShownAsQuestionMarks) {
  EXPECT_EQ(Shown("a\x1B[2Jb\rc\x7F"
                  "d\a\n"),
            "a?[2Jb?c?d?\n");
  EXPECT_EQ(Shown("\u009B2J\u0085\u00A0"), "?2J?\u00A0");
}

// What is no UTF-8 hides none, either.
TEST(TerminalTest, AControlBehindHalfACharacterIsNone) {
  EXPECT_EQ(Shown("\xC2\x1B[2J"), "\xC2?[2J");
  EXPECT_EQ(Shown("\xC2\xC2\x9B"), "\xC2?");
}

}  // namespace
}  // namespace nightlog::cli
