#ifndef NIGHTLOG_CLIENTS_CLI_ARGUMENTS_H_
#define NIGHTLOG_CLIENTS_CLI_ARGUMENTS_H_

#include <map>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace nightlog::cli {

// A flag of a command: `--name VALUE`, or `--name` alone where `value` is empty.
struct Flag {
  absl::string_view name;
  // What stands for the value in the help; empty: the flag is a switch.
  absl::string_view value;
  absl::string_view help;
};

// The words after `nightlog`: flags (`--name VALUE` or `--name=VALUE`, anywhere) and the others, in
// order. After `--` nothing is a flag.
class Arguments {
 public:
  // INVALID_ARGUMENT, with a sentence for the person: a flag that is not among `known`, one without
  // its value, or a switch with one.
  static absl::StatusOr<Arguments> Parse(absl::Span<const std::string> words,
                                         absl::Span<const Flag> known);

  const std::vector<std::string>& words() const { return words_; }

  bool Has(absl::string_view flag) const { return flags_.count(flag) > 0; }
  // The last value given; nullopt: none.
  absl::optional<std::string> Get(absl::string_view flag) const;
  std::string GetOr(absl::string_view flag, absl::string_view otherwise) const;
  // All values given, in order.
  std::vector<std::string> All(absl::string_view flag) const;
  // INVALID_ARGUMENT: the flag is not given.
  absl::StatusOr<std::string> Required(absl::string_view flag) const;
  // nullopt: not given. INVALID_ARGUMENT: not a number.
  absl::StatusOr<absl::optional<double>> Number(absl::string_view flag) const;

 private:
  std::vector<std::string> words_;
  std::map<std::string, std::vector<std::string>, std::less<>> flags_;
};

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_ARGUMENTS_H_
