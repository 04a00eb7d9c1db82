#include <iostream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/json.h"
#include "clients/cli/local_time.h"
#include "clients/cli/night_words.h"
#include "clients/cli/words.h"
#include "storage/core/proto_time.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

void PrintEntry(const ShownRecord& shown, const NamedChild& child, const FamilyView& view,
                const ShortIds& ids) {
  const v1::LogEntry& entry = shown.record.log_entry();
  absl::TimeZone zone = child.zone;
  absl::LoadTimeZone(entry.interval().zone(), &zone);
  std::cout << "  " << IntervalInWords(entry, zone) << "  " << DetailInWords(entry.detail());
  if (!entry.text().empty()) std::cout << ": " << entry.text();
  for (const std::string& tag : entry.tags()) std::cout << " #" << tag;
  std::cout << "  (" << view.CaregiverOf(shown.record) << ", "
            << ids.Short(shown.record.record_id()) << ")";
  if (HasConflict(shown.record)) std::cout << "  two values: see 'nightlog conflicts'";
  if (shown.pending) std::cout << "  saved here, not synced yet";
  std::cout << "\n";
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() > 1) return WrongWords();
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const NamedChild child, view.ChildCalled(arguments.Get("child")));
  absl::CivilDay day = NightOf(phone.Now(), child.zone);
  if (arguments.words().size() == 1) {
    ASSIGN_OR_RETURN(day, ParseDate(arguments.words()[0]));
  }
  const auto noon = [&](absl::CivilDay of) {
    return absl::FromCivil(absl::CivilHour(of) + 12, child.zone);
  };
  ASSIGN_OR_RETURN(const std::vector<ShownRecord> entries,
                   EntriesBetween(phone.replica(), family, child.id, noon(day), noon(day + 1)));
  ASSIGN_OR_RETURN(const std::vector<v1::NightSummary> nights,
                   NightsOf(phone.replica(), family, child.id));
  const std::string date = absl::FormatCivilTime(day);
  const v1::NightSummary* summary = nullptr;
  for (const v1::NightSummary& night : nights) {
    if (night.date() == date) summary = &night;
  }
  bool pending = false;
  for (const ShownRecord& shown : entries) pending = pending || shown.pending;

  if (phone.options().json) {
    std::vector<std::string> items;
    for (const ShownRecord& shown : entries) {
      items.push_back(JsonObject()
                          .AddJson("record", ToJson(shown.record))
                          .Add("pending", shown.pending)
                          .Add("conflict", HasConflict(shown.record))
                          .str());
    }
    JsonObject object;
    object.Add("date", date).AddJson("entries", JsonList(items));
    if (summary != nullptr) object.AddJson("summary", ToJson(*summary));
    std::cout << object.str() << "\n";
    return absl::OkStatus();
  }
  std::cout << child.child.name() << ", night of " << date << "\n";
  ASSIGN_OR_RETURN(const ShortIds ids, ShortIds::Load(phone.replica(), family));
  for (const ShownRecord& shown : entries) PrintEntry(shown, child, view, ids);
  if (entries.empty()) {
    std::cout << (view.SharesEntries() ? "  nothing logged\n"
                                       : "  what was logged is not shared with you\n");
  }
  if (summary != nullptr) {
    std::cout << "\n";
    for (const std::string& line : NightInLines(*summary, child.zone)) {
      std::cout << "  " << line << "\n";
    }
    for (const v1::Episode& episode : summary->episodes()) {
      std::vector<std::string> entries;
      for (const std::string& id : episode.entry_ids()) entries.push_back(ids.Short(id));
      std::cout << "  logged by two people, counted once: " << absl::StrJoin(entries, ", ")
                << "; if these were two: nightlog split " << entries[0] << " " << entries[1]
                << "\n";
    }
  }
  if (pending) std::cout << "\n  the figures lack what is not synced yet\n";
  return absl::OkStatus();
}

}  // namespace

const Command kNightCommand = {"night",
                               "[DATE]",
                               "a night: what was logged, and its figures (default: this night)",
                               {{"child", "NAME", "which child, where there are several"}},
                               Run};

}  // namespace nightlog::cli
