// nightlog: one phone in a terminal.
//
// Exit codes, stable: 0 done; 1 it could not be done, standard error says why and what to do; 2 the
// command line is wrong; 3 the server cannot be reached; 4 no access, or no access any more.
#include <algorithm>
#include <cstdlib>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"
#include "clients/cli/command.h"
#include "clients/cli/phone.h"
#include "clients/cli/words.h"

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

// The verb is the first word that is neither a flag nor a flag's value; it is taken out of `words`.
const Command* TakeCommand(std::vector<std::string>& words) {
  for (size_t i = 0; i < words.size(); ++i) {
    if (!absl::StartsWith(words[i], "--")) {
      const std::string name = words[i];
      words.erase(words.begin() + i);
      for (const Command* command : AllCommands()) {
        if (command->name == name) return command;
      }
      return nullptr;
    }
    for (const Flag& flag : GlobalFlags()) {
      if (words[i] == absl::StrCat("--", flag.name) && !flag.value.empty()) ++i;
    }
  }
  return nullptr;
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
  if (words.empty() || words[0] == "help" || words[0] == "--help") {
    std::vector<std::string> rest(words.begin() + (words.empty() ? 0 : 1), words.end());
    const Command* command = TakeCommand(rest);
    command == nullptr ? PrintHelp() : PrintCommandHelp(*command);
    return 0;
  }
  const Command* command = TakeCommand(words);
  if (command == nullptr) {
    std::cerr << "nightlog: there is no such command; 'nightlog help' lists them\n";
    return 2;
  }
  std::vector<Flag> flags = GlobalFlags();
  flags.insert(flags.end(), command->flags.begin(), command->flags.end());
  const auto arguments = Arguments::Parse(words, flags);
  if (arguments.ok() && arguments->Has("help")) {
    PrintCommandHelp(*command);
    return 0;
  }
  absl::Status status = arguments.ok() ? RunCommand(*command, *arguments) : arguments.status();
  if (status.ok() && !std::cout.flush()) {
    status = absl::DataLossError("what was to be said could not be written; is the disk full?");
  }
  if (!status.ok()) {
    std::cerr << "nightlog: " << ErrorInWords(status);
    if (absl::IsInvalidArgument(status))
      std::cerr << " (see 'nightlog help " << command->name << "')";
    std::cerr << "\n";
  }
  return ExitCode(status);
}

}  // namespace
}  // namespace nightlog::cli

int main(int argc, char** argv) {
  return nightlog::cli::Main(std::vector<std::string>(argv + 1, argv + argc));
}
