#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/family_view.h"
#include "clients/cli/import/baby_connect.h"
#include "clients/cli/json.h"
#include "clients/cli/local_time.h"
#include "clients/cli/words.h"
#include "clients/cpp/tap.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

// A transaction holds 64 edits, and an entry needs up to 6.
constexpr int kEntriesPerTap = 10;

// The taps of one night.
struct NightOfTaps {
  absl::CivilDay night;
  std::vector<Tap> taps;
  int entries_in_last = 0;
};

// What an import did.
struct ImportReport {
  int rows = 0;
  int made = 0;
  int already_there = 0;
  // Of another caregiver or another time than was asked for.
  int not_asked_for = 0;
  std::vector<RowRemark> set_aside;
  std::vector<RowRemark> adjusted;
};

std::string RemarksToJson(const std::vector<RowRemark>& remarks) {
  std::vector<std::string> items;
  for (const RowRemark& remark : remarks) {
    items.push_back(JsonObject()
                        .Add("line", static_cast<uint64_t>(remark.line))
                        .Add("text", remark.text)
                        .str());
  }
  return JsonList(items);
}

void Print(const ImportReport& report, const std::string& saved, const PhoneOptions& options) {
  if (options.json) {
    std::cout << JsonObject()
                     .Add("rows", static_cast<uint64_t>(report.rows))
                     .Add("made", static_cast<uint64_t>(report.made))
                     .Add("already_there", static_cast<uint64_t>(report.already_there))
                     .Add("not_asked_for", static_cast<uint64_t>(report.not_asked_for))
                     .AddJson("set_aside", RemarksToJson(report.set_aside))
                     .AddJson("adjusted", RemarksToJson(report.adjusted))
                     .Add("saved", saved)
                     .str()
              << "\n";
    return;
  }
  std::cout << report.rows << " rows read: " << report.made << " entries made, "
            << report.already_there << " already there, " << report.not_asked_for
            << " not asked for, " << report.set_aside.size() << " set aside\n";
  for (const RowRemark& remark : report.set_aside) {
    std::cout << "  line " << remark.line << " set aside: " << remark.text << "\n";
  }
  for (const RowRemark& remark : report.adjusted) {
    std::cout << "  line " << remark.line << ": " << remark.text << "\n";
  }
  std::cout << saved << "\n";
}

// The command line's choice among the rows.
struct Choice {
  absl::optional<std::string> caregiver;
  absl::CivilDay from = absl::CivilDay::min();
  absl::CivilDay to = absl::CivilDay::max();

  bool Wants(const v1::LogEntry& entry, absl::CivilDay night) const {
    return from <= night && night <= to &&
           (!caregiver.has_value() || *caregiver == entry.import_origin().author());
  }
};

absl::StatusOr<Choice> ReadChoice(const Arguments& arguments) {
  Choice choice;
  choice.caregiver = arguments.Get("caregiver");
  if (arguments.Has("from")) {
    ASSIGN_OR_RETURN(choice.from, ParseDate(*arguments.Get("from")));
  }
  if (arguments.Has("to")) {
    ASSIGN_OR_RETURN(choice.to, ParseDate(*arguments.Get("to")));
  }
  return choice;
}

absl::StatusOr<std::string> ReadFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) return absl::NotFoundError(absl::StrCat("the file ", path, " cannot be opened"));
  std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  if (file.bad()) return absl::DataLossError(absl::StrCat("the file ", path, " cannot be read"));
  return text;
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  if (arguments.GetOr("format", "baby-connect") != "baby-connect") {
    return absl::InvalidArgumentError("the formats known are: baby-connect");
  }
  ASSIGN_OR_RETURN(const std::string zone_name, arguments.Required("zone"));
  ASSIGN_OR_RETURN(const absl::TimeZone zone, FindZone(zone_name));
  ASSIGN_OR_RETURN(const Choice choice, ReadChoice(arguments));
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const NamedChild child, view.ChildCalled(arguments.Get("child")));
  ASSIGN_OR_RETURN(const std::string csv, ReadFile(arguments.words()[0]));
  ASSIGN_OR_RETURN(ImportedLog log, ReadBabyConnect(csv, zone, child.id));

  ImportReport report;
  report.rows = log.rows;
  report.set_aside = std::move(log.set_aside);
  report.adjusted = std::move(log.adjusted);
  std::vector<NightOfTaps> nights;
  for (const ImportedEntry& imported : log.entries) {
    const absl::CivilDay night = NightOf(FromProto(imported.entry.interval().began_at()), zone);
    if (!choice.Wants(imported.entry, night)) {
      ++report.not_asked_for;
      continue;
    }
    ASSIGN_OR_RETURN(const absl::optional<ShownRecord> known,
                     phone.replica().Get(family, imported.id));
    if (known.has_value()) {
      ++report.already_there;
      continue;
    }
    ++report.made;
    if (nights.empty() || nights.back().night != night) nights.push_back({night, {}, 0});
    NightOfTaps& taps = nights.back();
    if (taps.taps.empty() || taps.entries_in_last == kEntriesPerTap) {
      taps.taps.emplace_back();
      taps.entries_in_last = 0;
    }
    taps.taps.back().Set(imported.id, imported.entry);
    ++taps.entries_in_last;
  }
  if (arguments.Has("dry-run")) {
    Print(report, "nothing was saved: this was a dry run", phone.options());
    return absl::OkStatus();
  }

  // Saved all at once, or night by night as it would have come.
  absl::Status synced = absl::OkStatus();
  const bool by_night = arguments.Has("night-by-night") && !phone.options().offline;
  std::vector<Tap> all;
  for (NightOfTaps& night : nights) {
    if (by_night) {
      RETURN_IF_ERROR(phone.replica().Write(family, night.taps));
      synced = phone.Sync(family, absl::Seconds(10));
    } else {
      all.insert(all.end(), std::make_move_iterator(night.taps.begin()),
                 std::make_move_iterator(night.taps.end()));
    }
  }
  if (!all.empty()) RETURN_IF_ERROR(phone.replica().Write(family, all));
  if (phone.options().offline) {
    synced = absl::UnavailableError("");
  } else if (!by_night) {
    synced = phone.Sync(family, absl::Minutes(5));
  }
  Print(report,
        synced.ok() ? "saved on this phone; synced"
        : IsOffline(synced)
            ? "saved on this phone; will sync later"
            : absl::StrCat("saved on this phone; not synced: ", ErrorInWords(synced)),
        phone.options());
  return absl::OkStatus();
}

}  // namespace

const Command kImportCommand = {
    "import",
    "FILE --format baby-connect --zone ZONE",
    "take over a log from another app; importing again changes nothing",
    {{"format", "WORD", "baby-connect (the default): its CSV export"},
     {"zone", "ZONE", "where its times were local, such as America/Denver"},
     {"child", "NAME", "which child, where there are several"},
     {"caregiver", "NAME", "only what that caregiver logged, as the file calls them"},
     {"from", "DATE", "only from that night on"},
     {"to", "DATE", "only up to that night"},
     {"night-by-night", "", "sync after each night, not at the end"},
     {"dry-run", "", "only tell what would be done"}},
    Run};

}  // namespace nightlog::cli
