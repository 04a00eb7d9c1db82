#ifndef NIGHTLOG_CLIENTS_CLI_TERMINAL_H_
#define NIGHTLOG_CLIENTS_CLI_TERMINAL_H_

#include <streambuf>

namespace nightlog::cli {

// What is shown on a terminal: passes text on in UTF-8, with `?` in place of each control character
// but line breaks and tabs. Names, notes and comments are of other people and other apps, and none
// of them shall clear a screen or write to a clipboard.
class TerminalText final : public std::streambuf {
 public:
  // `terminal` must outlive this.
  explicit TerminalText(std::streambuf& terminal) : terminal_(terminal) {}

 protected:
  int_type overflow(int_type byte) override;
  int sync() override { return terminal_.pubsync(); }

 private:
  std::streambuf& terminal_;
  // True: the last byte was the first one of U+0080 to U+00BF, and is not passed on yet.
  bool half_ = false;
};

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_TERMINAL_H_
