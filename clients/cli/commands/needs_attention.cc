#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status List(Phone& phone, const FamilyId& family) {
  ASSIGN_OR_RETURN(const std::vector<NeedsAttention> waiting,
                   phone.replica().ListNeedsAttention(family));
  std::vector<std::string> items;
  for (const NeedsAttention& item : waiting) {
    const std::string why = item.status.ok()
                                ? "made on a phone that was removed; an owner decides about it"
                                : ErrorInWords(item.status);
    if (phone.options().json) {
      items.push_back(JsonObject()
                          .Add("number", item.position)
                          .Add("why", why)
                          .AddJson("transaction", ToJson(item.transaction))
                          .str());
      continue;
    }
    std::cout << item.position << "  "
              << DateAndTime(FromProto(item.transaction.made_at().wall()), absl::LocalTimeZone())
              << "  " << why << "\n";
    for (const std::string& line : TransactionInWords(item.transaction)) {
      std::cout << "      " << line << "\n";
    }
  }
  if (phone.options().json) {
    std::cout << JsonObject().AddJson("needs_attention", JsonList(items)).str() << "\n";
  } else if (waiting.empty()) {
    std::cout << "nothing needs attention\n";
  }
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  if (words.empty() || (words.size() == 1 && words[0] == "list")) return List(phone, family);
  uint64_t number;
  if (words.size() != 2 || words[0] != "discard" || !absl::SimpleAtoi(words[1], &number)) {
    return WrongWords();
  }
  RETURN_IF_ERROR(phone.replica().Discard(family, number));
  if (!phone.options().json) std::cout << "discarded\n";
  return absl::OkStatus();
}

}  // namespace

const Command kNeedsAttentionCommand = {
    "needs-attention", "list\ndiscard NUMBER", "what the server would not take, and why", {}, Run};

}  // namespace nightlog::cli
