#ifndef NIGHTLOG_CLIENTS_CLI_JSON_H_
#define NIGHTLOG_CLIENTS_CLI_JSON_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "google/protobuf/message.h"

namespace nightlog::cli {

// What `--json` prints. Only ever written, never read back: messages travel as protobuf.

// A message with its fields by their names: bytes (ids, hashes) in hex, times as RFC 3339,
// durations in seconds, enums by name (`complete`, without the name of the enum), 64-bit numbers as
// numbers. A field that can be unset is left out then; all others always stand, whatever they hold.
std::string ToJson(const google::protobuf::Message& message);

// A number with as many digits as tell it from all others; `null` where there is none.
std::string NumberText(double number);

// An object with its members in the order they were added.
class JsonObject {
 public:
  JsonObject& Add(absl::string_view name, absl::string_view text);
  JsonObject& Add(absl::string_view name, const char* text);
  JsonObject& Add(absl::string_view name, bool value);
  JsonObject& Add(absl::string_view name, uint64_t number);
  // `json` as it is.
  JsonObject& AddJson(absl::string_view name, absl::string_view json);

  std::string str() const;

 private:
  std::vector<std::string> members_;
};

std::string JsonList(const std::vector<std::string>& items);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_JSON_H_
