#include <functional>
#include <iostream>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "clients/cli/command.h"
#include "clients/cli/json.h"
#include "clients/cli/night_words.h"
#include "clients/cli/words.h"
#include "clients/cpp/caseload.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// Prints a line a change. What stood before the command began is told in one line a family.
class Printer final : public Caseload::Observer {
 public:
  // Calls `caught_up` when each of `awaited` has been shown; they may be none.
  Printer(bool json, std::set<FamilyId> awaited, std::function<void()> caught_up)
      : json_(json), awaited_(std::move(awaited)), caught_up_(std::move(caught_up)) {}

  void OnFamily(const FamilyId& id, const WatchedFamily& family,
                const std::set<RecordId>& changed) override {
    const bool first = names_.insert_or_assign(id, family.name).second;
    if (json_) {
      PrintJson(id, family, changed);
    } else if (first) {
      PrintFamily(family);
    } else {
      for (const RecordId& record : changed) PrintChange(family, record);
    }
    std::cout << std::flush;
    if (awaited_.erase(id) > 0 && awaited_.empty()) caught_up_();
  }

  void OnFamilyLeft(const FamilyId& id, const std::string& message) override {
    const auto shown = names_.find(id);
    const std::string name = shown == names_.end() ? "" : shown->second;
    if (shown != names_.end()) names_.erase(shown);
    if (json_) {
      std::cout
          << JsonObject().Add("family_id", id.hex()).Add("family", name).Add("left", message).str();
    } else {
      std::cout << (name.empty() ? "a family" : name) << " is no longer in view: " << message;
    }
    std::cout << "\n" << std::flush;
    if (awaited_.erase(id) > 0 && awaited_.empty()) caught_up_();
  }

  void OnConnection(const absl::Status& status) override {
    if (!status.ok()) std::cerr << "nightlog: " << ErrorInWords(status) << "\n";
  }

 private:
  static void PrintJson(const FamilyId& id, const WatchedFamily& family,
                        const std::set<RecordId>& changed) {
    for (const RecordId& record : changed) {
      JsonObject line;
      line.Add("family_id", id.hex())
          .Add("family", family.name)
          .Add("revision", family.cursor.revision())
          .Add("record_id", record.hex());
      const auto found = family.records.find(record);
      if (found == family.records.end()) {
        line.Add("gone", true);
      } else {
        line.AddJson("record", ToJson(found->second));
      }
      std::cout << line.str() << "\n";
    }
  }

  static void PrintFamily(const WatchedFamily& family) {
    int nights = 0;
    const v1::Record* newest = nullptr;
    for (const auto& [id, record] : family.records) {
      if (!record.has_night_summary()) continue;
      ++nights;
      if (newest == nullptr || newest->night_summary().date() < record.night_summary().date()) {
        newest = &record;
      }
    }
    std::cout << family.name << ": " << nights << (nights == 1 ? " night" : " nights");
    if (newest != nullptr) std::cout << "; " << NightLine(family, newest->night_summary());
    std::cout << "\n";
  }

  static const v1::Child* ChildOf(const WatchedFamily& family, const std::string& child_id) {
    if (!RecordId::IsId(child_id)) return nullptr;
    const auto found = family.records.find(RecordId(child_id));
    return found == family.records.end() ? nullptr : &found->second.child();
  }

  static std::string ChildName(const WatchedFamily& family, const std::string& child_id) {
    const v1::Child* child = ChildOf(family, child_id);
    return child == nullptr ? "a child" : child->name();
  }

  static std::string NightLine(const WatchedFamily& family, const v1::NightSummary& night) {
    absl::TimeZone zone = absl::UTCTimeZone();
    absl::LoadTimeZone(night.zone(), &zone);
    return absl::StrCat(ChildName(family, night.child_id()), ", night of ", night.date(), ": ",
                        NightInALine(night, zone));
  }

  static void PrintChange(const WatchedFamily& family, const RecordId& id) {
    const auto found = family.records.find(id);
    if (found == family.records.end()) return;
    const v1::Record& record = found->second;
    std::string line;
    if (record.has_night_summary()) {
      line = NightLine(family, record.night_summary());
    } else if (record.has_plan()) {
      line =
          absl::StrCat(ChildName(family, record.plan().child_id()), ", plan from ",
                       record.plan().nights().first_night(), ": ",
                       absl::StrReplaceAll(Word(record.plan().approach().method()), {{"_", " "}}),
                       record.deleted() ? " (deleted)" : "");
    } else if (record.has_comment() && record.comment().posts_size() > 0) {
      line = absl::StrCat("comment: ", record.comment().posts().rbegin()->text());
    } else if (record.has_member()) {
      line = absl::StrCat(record.member().name(), ", ", Word(record.member().role()),
                          record.member().removed() ? ", has left" : "");
    } else {
      // A child's or an entry's change shows in the night it moves; progress would repeat each
      // night.
      return;
    }
    std::cout << family.name << "  " << line << "\n";
  }

  const bool json_;
  std::set<FamilyId> awaited_;
  const std::function<void()> caught_up_;
  std::map<FamilyId, std::string> names_;  // of those that were shown
};

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  // What is watched is not kept, so that other commands may use the phone meanwhile.
  phone.ReleaseReplica();
  std::set<FamilyId> awaited;
  if (arguments.Has("until-head")) {
    ASSIGN_OR_RETURN(const v1::ListFamiliesResponse families,
                     connection->ListFamilies(v1::ListFamiliesRequest(), CallDeadline()));
    for (const v1::Pairing& pairing : families.pairings()) {
      awaited.insert(FamilyId(pairing.family_id()));
    }
    if (awaited.empty()) return absl::OkStatus();
  }
  Caseload caseload(*connection, phone.random());
  Printer printer(phone.options().json, std::move(awaited), [&] { caseload.Stop(); });
  return caseload.Run(printer);
}

}  // namespace

const Command kWatchCommand = {"watch",
                               "",
                               "live: every family you may see, a line a change, until Ctrl-C",
                               {{"until-head", "", "end when everything there is has been shown"}},
                               Run};

}  // namespace nightlog::cli
