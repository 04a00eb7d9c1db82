// nightlog: one phone in a terminal.
//
// Exit codes, stable: 0 done; 1 it could not be done, standard error says why and what to do; 2 the
// command line is wrong; 3 the server cannot be reached; 4 no access, or no access any more.
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/algorithm/container.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "clients/cli/command.h"
#include "clients/cli/phone.h"
#include "clients/cli/terminal.h"
#include "clients/cli/words.h"
#include "storage/core/version.h"

namespace nightlog::cli {
namespace {

const std::vector<Flag>& GlobalFlags() {
  static const std::vector<Flag>& flags = *new std::vector<Flag>{
      {"state", "DIR",
       "the phone: its state directory; $NIGHTLOG_STATE, or else ~/.local/share/nightlog-phone"},
      {"server", "HOST:PORT", "the server; remembered by the phone"},
      {"ca", "FILE", "authority that signed the server's certificate (PEM); remembered"},
      {"family", "NAME", "which family, where the phone is in several (its name or id)"},
      {"offline", "", "do not use the network"},
      {"json", "", "print for a program"},
      {"clock-offset", "DURATION", "for tests: the phone's clock is wrong by this, such as -3h"},
      {"help", "", "tell about the command"},
  };
  return flags;
}

void PrintFlags(const std::vector<Flag>& flags) {
  for (const Flag& flag : flags) {
    std::string left = absl::StrCat("  --", flag.name, flag.value.empty() ? "" : " ", flag.value);
    left.resize(std::max<size_t>(left.size() + 2, 26), ' ');
    std::cout << left << flag.help << "\n";
  }
}

void PrintCommandHelp(const Command& command) {
  std::cout << command.summary << "\n\n";
  for (const absl::string_view form : absl::StrSplit(command.usage, '\n')) {
    std::cout << "  nightlog " << command.name << (form.empty() ? "" : " ") << form << "\n";
  }
  if (!command.flags.empty()) {
    std::cout << "\n";
    PrintFlags(command.flags);
  }
}

void PrintHelp() {
  std::cout << "nightlog keeps a family's sleep log on this phone, and syncs it.\n\n"
               "  nightlog [FLAG..] COMMAND ..\n\n";
  for (const Command* command : AllCommands()) {
    std::string left = absl::StrCat("  ", command->name);
    left.resize(20, ' ');
    std::cout << left << command->summary << "\n";
  }
  std::cout << "\n";
  PrintFlags(GlobalFlags());
  PrintFlags({{"version", "", "tell the version of this program, alone"}});
  std::cout
      << "\nTimes are 'now', 03:12 (the latest that has passed), '2026-11-24 03:12', or with an "
         "offset.\nIds may be shortened to how they begin. 'nightlog help COMMAND' tells more."
         "\nExit codes: 0 done; 1 could not be done; 2 wrong command line; 3 server not reached;"
         "\n4 no access.\n";
}

std::string DefaultStateDir() {
  const char* state = std::getenv("NIGHTLOG_STATE");
  if (state != nullptr && *state != '\0') return state;
  const char* home = std::getenv("HOME");
  return absl::StrCat(home == nullptr ? "." : home, "/.local/share/nightlog-phone");
}

int ExitCode(const absl::Status& status) {
  switch (status.code()) {
    case absl::StatusCode::kOk:
      return 0;
    case absl::StatusCode::kInvalidArgument:
      return 2;
    case absl::StatusCode::kUnavailable:
    case absl::StatusCode::kDeadlineExceeded:
      return 3;
    case absl::StatusCode::kPermissionDenied:
    case absl::StatusCode::kUnauthenticated:
      return 4;
    default:
      return 1;
  }
}

// The verb is the first word that is neither a flag nor a flag's value; it is taken out of `words`,
// and so is `help` before it. Null if there is none; INVALID_ARGUMENT if there is no such command,
// or a flag before it that is not for all of them.
absl::StatusOr<const Command*> TakeCommand(std::vector<std::string>& words, bool& help) {
  for (size_t i = 0; i < words.size();) {
    const std::string word = words[i];
    if (!absl::StartsWith(word, "--")) {
      words.erase(words.begin() + i);
      for (const Command* command : AllCommands()) {
        if (command->name == word) return command;
      }
      if (word != "help") {
        return absl::InvalidArgumentError(absl::StrCat("there is no command '", word, "'"));
      }
      help = true;
      continue;
    }
    const std::string name = word.substr(2, word.find('=') - 2);
    const auto flag =
        absl::c_find_if(GlobalFlags(), [&name](const Flag& known) { return known.name == name; });
    if (flag == GlobalFlags().end()) {
      return absl::InvalidArgumentError(
          absl::StrCat("there is no flag --", name, " that goes before a command"));
    }
    help = help || name == "help";
    i += !flag->value.empty() && word.size() == 2 + name.size() ? 2 : 1;
  }
  return nullptr;
}

int SayWrong(absl::string_view what) {
  std::cerr << "nightlog: " << what << "; see 'nightlog help'\n";
  return 2;
}

absl::Status RunCommand(const Command& command, const Arguments& arguments) {
  PhoneOptions options;
  options.state_dir = arguments.GetOr("state", DefaultStateDir());
  options.server_address = arguments.Get("server");
  options.ca_file = arguments.Get("ca");
  options.family = arguments.Get("family");
  options.offline = arguments.Has("offline");
  options.json = arguments.Has("json");
  if (!absl::ParseDuration(arguments.GetOr("clock-offset", "0"), &options.clock_offset)) {
    return absl::InvalidArgumentError("--clock-offset takes a duration such as 90m or -3h");
  }
  const auto phone = Phone::Open(options);
  if (!phone.ok()) return phone.status();
  return command.run(**phone, arguments);
}

int Main(std::vector<std::string> words) {
  if (words == std::vector<std::string>{"--version"}) {
    std::cout << "nightlog " << Version() << "\n";
    return 0;
  }
  bool help = words.empty();
  const absl::StatusOr<const Command*> command = TakeCommand(words, help);
  if (!command.ok()) return SayWrong(command.status().message());
  if (help) {
    *command == nullptr ? PrintHelp() : PrintCommandHelp(**command);
    return 0;
  }
  if (*command == nullptr) return SayWrong("say what to do, such as 'nightlog log asleep'");
  std::vector<Flag> flags = GlobalFlags();
  flags.insert(flags.end(), (*command)->flags.begin(), (*command)->flags.end());
  const auto arguments = Arguments::Parse(words, flags);
  if (arguments.ok() && arguments->Has("help")) {
    PrintCommandHelp(**command);
    return 0;
  }
  absl::Status status = arguments.ok() ? RunCommand(**command, *arguments) : arguments.status();
  if (status.ok() && !std::cout.flush()) {
    status = absl::DataLossError("what was to be said could not be written; is the disk full?");
  }
  if (!status.ok()) {
    std::cerr << "nightlog: " << ErrorInWords(status);
    if (absl::IsInvalidArgument(status))
      std::cerr << " (see 'nightlog help " << (*command)->name << "')";
    std::cerr << "\n";
  }
  return ExitCode(status);
}

}  // namespace
}  // namespace nightlog::cli

int main(int argc, char** argv) {
  // What it writes, the phone's token among it, is its user's alone.
  umask(0077);
  if (isatty(STDOUT_FILENO) == 1) {
    std::cout.rdbuf(new nightlog::cli::TerminalText(*std::cout.rdbuf()));  // for ever
  }
  return nightlog::cli::Main(std::vector<std::string>(argv + 1, argv + argc));
}
