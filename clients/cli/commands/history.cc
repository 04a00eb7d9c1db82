#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// `interval applied`, `deleted`.
std::string OutcomeInWords(const v1::EditOutcome& outcome) {
  const v1::Edit& edit = outcome.change();
  std::string what = absl::StrCat("group ", edit.group());
  const google::protobuf::Descriptor* type = DescriptorOf(KindOf(edit));
  if (edit.group() == kExistence) {
    what = edit.existence().deleted() ? "deleted" : "brought back";
  } else if (type != nullptr && type->FindFieldByNumber(edit.group()) != nullptr) {
    what = type->FindFieldByNumber(edit.group())->name();
  }
  const std::string effect = absl::StrReplaceAll(Word(outcome.effect()), {{"_", " "}});
  return absl::StrCat(absl::StrReplaceAll(what, {{"_", " "}}), " (", effect, ")");
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const v1::Record record, ids.Find(arguments.words()[0]));
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  v1::ListHistoryRequest request;
  request.set_family_id(family.str());
  request.set_record_id(record.record_id());
  std::vector<std::string> items;
  do {
    ASSIGN_OR_RETURN(const v1::ListHistoryResponse page,
                     connection->ListHistory(request, CallDeadline()));
    for (const v1::HistoryItem& item : page.items()) {
      items.push_back(ToJson(item));
      if (phone.options().json) continue;
      std::vector<std::string> outcomes;
      for (const v1::EditOutcome& outcome : item.outcomes()) {
        outcomes.push_back(OutcomeInWords(outcome));
      }
      std::cout << DateAndTime(FromProto(item.made_at()), absl::LocalTimeZone()) << "  "
                << view.MemberName(item.member_id()) << ": " << absl::StrJoin(outcomes, ", ");
      if (!item.accepted_by().empty()) {
        std::cout << "; came late, let in by " << view.MemberName(item.accepted_by());
      }
      std::cout << "\n";
    }
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty());
  if (phone.options().json) {
    std::cout << JsonObject().AddJson("items", JsonList(items)).str() << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kHistoryCommand = {
    "history", "ID", "who changed a record, when; newest first (asks the server)", {}, Run};

}  // namespace nightlog::cli
