#include <algorithm>
#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// How a person names a transaction: the replica's first digits and the number, `3f2a9c01-14`.
std::string NameOf(const v1::QuarantinedItem& item) {
  return absl::StrCat(absl::BytesToHexString(item.replica_id()).substr(0, 8), "-",
                      item.transaction().seq());
}

absl::StatusOr<std::vector<v1::QuarantinedItem>> Fetch(Connection& connection,
                                                       const FamilyId& family) {
  v1::ListQuarantineRequest request;
  request.set_family_id(family.str());
  std::vector<v1::QuarantinedItem> items;
  do {
    ASSIGN_OR_RETURN(const v1::ListQuarantineResponse page,
                     connection.ListQuarantine(request, CallDeadline()));
    items.insert(items.end(), page.items().begin(), page.items().end());
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  return items;
}

absl::Status List(Phone& phone, const FamilyId& family) {
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  ASSIGN_OR_RETURN(const std::vector<v1::QuarantinedItem> items, Fetch(*connection, family));
  if (phone.options().json) {
    std::vector<std::string> shown;
    for (const v1::QuarantinedItem& item : items) {
      shown.push_back(JsonObject()
                          .Add("id", NameOf(item))
                          .Add("member", view.MemberName(item.member_id()))
                          .AddJson("made_at", ToJson(item.made_at()))
                          .AddJson("transaction", ToJson(item.transaction()))
                          .str());
    }
    std::cout << JsonObject().AddJson("quarantine", JsonList(shown)).str() << "\n";
    return absl::OkStatus();
  }
  for (const v1::QuarantinedItem& item : items) {
    std::cout << NameOf(item) << "  "
              << DateAndTime(FromProto(item.made_at()), absl::LocalTimeZone()) << "  "
              << view.MemberName(item.member_id()) << ", from a phone without access any more\n";
    for (const std::string& line : TransactionInWords(item.transaction())) {
      std::cout << "      " << line << "\n";
    }
  }
  std::cout << (items.empty() ? "nothing waits for you\n"
                              : "'nightlog quarantine accept ID' takes one in as if it had come in "
                                "time; 'refuse ID' drops it for good\n");
  return absl::OkStatus();
}

absl::Status Decide(Phone& phone, const FamilyId& family, const std::string& name,
                    v1::QuarantineDecision decision) {
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  ASSIGN_OR_RETURN(std::vector<v1::QuarantinedItem> items, Fetch(*connection, family));
  items.erase(std::remove_if(items.begin(), items.end(),
                             [&](const auto& item) {
                               return name != "all" && !absl::EqualsIgnoreCase(NameOf(item), name);
                             }),
              items.end());
  if (items.empty() && name != "all") {
    return absl::NotFoundError("nothing of that id waits, or not any more; see 'quarantine'");
  }
  for (const v1::QuarantinedItem& item : items) {
    v1::DecideQuarantineRequest request;
    request.set_family_id(family.str());
    request.set_replica_id(item.replica_id());
    request.set_seq(item.transaction().seq());
    request.set_decision(decision);
    RETURN_IF_ERROR(connection->DecideQuarantine(request, CallDeadline()).status());
  }
  RETURN_IF_ERROR(phone.Sync(family, absl::Seconds(10)));
  const bool accepted = decision == v1::QUARANTINE_DECISION_ACCEPT;
  if (phone.options().json) {
    std::cout << JsonObject()
                     .Add("decided", static_cast<uint64_t>(items.size()))
                     .Add("accepted", accepted)
                     .str()
              << "\n";
  } else {
    std::cout << items.size() << (accepted ? " taken in\n" : " dropped for good\n");
  }
  return absl::OkStatus();
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  const std::vector<std::string>& words = arguments.words();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  if (words.empty() || (words.size() == 1 && words[0] == "list")) return List(phone, family);
  if (words.size() != 2) return WrongWords();
  if (words[0] == "accept") {
    return Decide(phone, family, words[1], v1::QUARANTINE_DECISION_ACCEPT);
  }
  if (words[0] == "refuse") {
    return Decide(phone, family, words[1], v1::QUARANTINE_DECISION_REFUSE);
  }
  return WrongWords();
}

}  // namespace

const Command kQuarantineCommand = {
    "quarantine",
    "list\naccept ID|all\nrefuse ID|all",
    "what removed phones sent late: take it in, or drop it (owners; asks the server)",
    {},
    Run};

}  // namespace nightlog::cli
