#ifndef NIGHTLOG_CLIENTS_CLI_EVENT_WORDS_H_
#define NIGHTLOG_CLIENTS_CLI_EVENT_WORDS_H_

#include <map>
#include <string>

#include "absl/time/time.h"
#include "nightlog/v1/family_service.pb.h"

namespace nightlog::cli {

// Names of members and devices, by id.
using NamesById = std::map<std::string, std::string>;

NamesById NamesOf(const v1::ListMembersResponse& members);

// What an event of access says, but for when, as one line for a person: `Alex removed Sam`. Pure.
std::string EventInWords(const v1::AccessEvent& event, const NamesById& names, absl::TimeZone zone);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_EVENT_WORDS_H_
