#include "clients/cli/arguments.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace nightlog::cli {

absl::StatusOr<Arguments> Arguments::Parse(absl::Span<const std::string> words,
                                           absl::Span<const Flag> known) {
  Arguments arguments;
  bool only_words = false;
  for (size_t i = 0; i < words.size(); ++i) {
    const absl::string_view word = words[i];
    if (only_words || !absl::StartsWith(word, "--")) {
      arguments.words_.emplace_back(word);
      continue;
    }
    if (word == "--") {
      only_words = true;
      continue;
    }
    const size_t equals = word.find('=');
    const absl::string_view name = word.substr(2, equals == word.npos ? word.npos : equals - 2);
    const auto flag = std::find_if(known.begin(), known.end(),
                                   [&](const Flag& candidate) { return candidate.name == name; });
    if (flag == known.end()) {
      return absl::InvalidArgumentError(absl::StrCat("there is no flag --", name));
    }
    std::string value;
    if (flag->value.empty()) {
      if (equals != word.npos) {
        return absl::InvalidArgumentError(absl::StrCat("--", name, " takes no value"));
      }
    } else if (equals != word.npos) {
      value = std::string(word.substr(equals + 1));
    } else if (i + 1 < words.size()) {
      value = words[++i];
    } else {
      return absl::InvalidArgumentError(absl::StrCat("--", name, " needs a value: ", flag->value));
    }
    arguments.flags_[std::string(name)].push_back(std::move(value));
  }
  return arguments;
}

absl::optional<std::string> Arguments::Get(absl::string_view flag) const {
  const auto found = flags_.find(flag);
  if (found == flags_.end()) return absl::nullopt;
  return found->second.back();
}

std::string Arguments::GetOr(absl::string_view flag, absl::string_view otherwise) const {
  return Get(flag).value_or(std::string(otherwise));
}

std::vector<std::string> Arguments::All(absl::string_view flag) const {
  const auto found = flags_.find(flag);
  return found == flags_.end() ? std::vector<std::string>() : found->second;
}

absl::StatusOr<std::string> Arguments::Required(absl::string_view flag) const {
  absl::optional<std::string> value = Get(flag);
  if (!value.has_value()) {
    return absl::InvalidArgumentError(absl::StrCat("--", flag, " is missing"));
  }
  return *std::move(value);
}

absl::StatusOr<absl::optional<double>> Arguments::Number(absl::string_view flag) const {
  const absl::optional<std::string> text = Get(flag);
  if (!text.has_value()) return absl::optional<double>();
  double number;
  if (!absl::SimpleAtod(*text, &number)) {
    return absl::InvalidArgumentError(
        absl::StrCat("--", flag, " takes a number, not '", *text, "'"));
  }
  return absl::optional<double>(number);
}

}  // namespace nightlog::cli
