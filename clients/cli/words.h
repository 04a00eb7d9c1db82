#ifndef NIGHTLOG_CLIENTS_CLI_WORDS_H_
#define NIGHTLOG_CLIENTS_CLI_WORDS_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "google/protobuf/descriptor.h"
#include "nightlog/v1/records.pb.h"
#include "nightlog/v1/sync.pb.h"

namespace nightlog::cli {

// How things are put into words for a person. Pure.

// An enum value by its name without the name of the enum, in lower case: `bedside_crib`; empty for
// the zero value, the number for one that this build does not know.
std::string EnumWord(const google::protobuf::EnumDescriptor& type, int number);

// The value that EnumWord() calls `word`; `-` and blanks count as `_`. INVALID_ARGUMENT, with a
// sentence that lists the words there are.
absl::StatusOr<int> ParseEnumWord(const google::protobuf::EnumDescriptor& type,
                                  absl::string_view word);

template <typename Enum>
absl::StatusOr<Enum> ParseWord(absl::string_view word) {
  const auto number = ParseEnumWord(*google::protobuf::GetEnumDescriptor<Enum>(), word);
  if (!number.ok()) return number.status();
  return static_cast<Enum>(*number);
}

template <typename Enum>
std::string Word(Enum value) {
  return EnumWord(*google::protobuf::GetEnumDescriptor<Enum>(), value);
}

// `2 h 5 min`.
std::string MinutesInWords(double minutes);

// `03:12`, and with the date `2026-11-24 03:12`.
std::string ClockTime(absl::Time time, absl::TimeZone zone);
std::string DateAndTime(absl::Time time, absl::TimeZone zone);

// What an entry says but for when, by whom and its text: `response level 2, spoke`.
std::string DetailInWords(const v1::EntryDetail& detail);

// What each edit of a transaction says, a line each: `response level 2, spoke`.
std::vector<std::string> TransactionInWords(const v1::Transaction& transaction);

// When: `03:12–03:20`, `03:12` for a point in time, `03:12–` for what goes on.
std::string IntervalInWords(const v1::LogEntry& entry, absl::TimeZone zone);

// True for kinds of entry that last: sleep, awake, crying.
bool Lasts(const v1::EntryDetail& detail);

// What became of taps that the role does not allow to send any more, and what to do.
std::string NotSharedInWords(uint64_t taps);

// An error as one line for a person, with what to do. Never a name out of the code.
std::string ErrorInWords(const absl::Status& status);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_WORDS_H_
