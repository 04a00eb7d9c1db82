#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"
#include "clients/cli/command.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// When, and what the tap said.
void Print(absl::string_view before, absl::string_view after, const v1::Transaction& tap) {
  std::cout << before << DateAndTime(FromProto(tap.made_at().wall()), absl::LocalTimeZone())
            << after << "\n";
  for (const std::string& line : TransactionInWords(tap)) std::cout << "      " << line << "\n";
}

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
    Print(absl::StrCat(item.position, "  "), absl::StrCat("  ", why), item.transaction);
  }
  ASSIGN_OR_RETURN(const auto not_shared, phone.replica().ListNotShared(family));
  std::vector<std::string> only_here;
  for (const auto& [position, tap] : not_shared) {
    only_here.push_back(
        JsonObject().Add("number", position).AddJson("transaction", ToJson(tap)).str());
  }
  if (phone.options().json) {
    std::cout << JsonObject()
                     .AddJson("needs_attention", JsonList(items))
                     .AddJson("not_shared", JsonList(only_here))
                     .str()
              << "\n";
  } else if (!not_shared.empty()) {
    std::cout << not_shared.size() << (not_shared.size() == 1 ? " tap is" : " taps are")
              << " on this phone only. You look on in this family now, so what you logged before "
                 "was not sent. It is not lost: it stays on this phone. Once an owner lets you log "
                 "again with a code, it is sent by itself.\n";
    for (const auto& [position, tap] : not_shared) Print("   ", "", tap);
  } else if (waiting.empty()) {
    std::cout << "nothing needs attention\n";
  }
  return absl::OkStatus();
}

// All of a viewer's taps or none, and only as many as the person was asked about.
absl::Status DiscardNotShared(Phone& phone, const FamilyId& family,
                              const absl::optional<std::string>& taps) {
  ASSIGN_OR_RETURN(const auto not_shared, phone.replica().ListNotShared(family));
  const size_t count = not_shared.size();
  if (count == 0) return absl::NotFoundError("no tap waits here that you may not send");
  if (taps != absl::StrCat(count)) {
    const std::string asked =
        count == 1 ? "Discard this tap for good? It is nowhere else"
                   : absl::StrCat("Discard these ", count, " taps for good? They are nowhere else");
    return absl::FailedPreconditionError(
        absl::StrCat(asked, ": on no other phone and in no copy. 'needs-attention list' shows ",
                     count == 1 ? "it" : "them", "; if you are sure, say --taps ", count));
  }
  return phone.replica().DiscardNotShared(family, not_shared);
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  if (words.empty() || (words.size() == 1 && words[0] == "list")) return List(phone, family);
  uint64_t number;
  if (words.size() == 1 && words[0] == "discard-not-shared") {
    RETURN_IF_ERROR(DiscardNotShared(phone, family, arguments.Get("taps")));
    if (!phone.options().json) std::cout << "discarded\n";
    return absl::OkStatus();
  }
  if (words.size() != 2 || words[0] != "discard" || !absl::SimpleAtoi(words[1], &number)) {
    return WrongWords();
  }
  RETURN_IF_ERROR(phone.replica().Discard(family, number));
  if (!phone.options().json) std::cout << "discarded\n";
  return absl::OkStatus();
}

}  // namespace

const Command kNeedsAttentionCommand = {
    "needs-attention",
    "list\ndiscard NUMBER\ndiscard-not-shared --taps COUNT",
    "what the server would not take, and why; what a viewer may not send",
    {{"taps", "COUNT", "how many taps of a viewer are discarded for good: all that wait here"}},
    Run};

}  // namespace nightlog::cli
