#include <unistd.h>

#include <iostream>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "clients/cli/command.h"
#include "clients/cli/export/json_lines.h"
#include "clients/cli/family_view.h"
#include "clients/cli/files.h"
#include "clients/cli/json.h"
#include "clients/cli/local_time.h"
#include "clients/cli/words.h"
#include "clients/cpp/tap.h"
#include "services/imports/format.h"
#include "services/imports/remark.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

using imports::AllImportFormats;
using imports::DateOrder;
using imports::ImportedEntry;
using imports::ImportedLog;
using imports::ImportFormat;
using imports::ImportOptions;

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
  // Entries of another caregiver or another time, and rows of another child, than was asked for.
  int not_asked_for = 0;
  std::vector<v1::ImportRemark> set_aside;
  std::vector<v1::ImportRemark> adjusted;
};

std::string RemarksToJson(const std::vector<v1::ImportRemark>& remarks) {
  std::vector<std::string> items;
  for (const v1::ImportRemark& remark : remarks) {
    items.push_back(JsonObject()
                        .Add("line", static_cast<uint64_t>(remark.line()))
                        .Add("text", remark.text())
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
  for (const v1::ImportRemark& remark : report.set_aside) {
    std::cout << "  line " << remark.line() << " set aside: " << remark.text() << "\n";
  }
  for (const v1::ImportRemark& remark : report.adjusted) {
    std::cout << "  line " << remark.line() << ": " << remark.text() << "\n";
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

// `NAME=VALUE,NAME=VALUE`, given once or several times.
absl::StatusOr<std::map<std::string, std::string>> ReadPairs(const Arguments& arguments,
                                                             absl::string_view flag) {
  std::map<std::string, std::string> pairs;
  for (const std::string& value : arguments.All(flag)) {
    for (const absl::string_view item : absl::StrSplit(value, ',')) {
      const std::pair<absl::string_view, absl::string_view> pair =
          absl::StrSplit(item, absl::MaxSplits('=', 1));
      const std::string name(absl::StripAsciiWhitespace(pair.first));
      if (name.empty() || pair.second.empty() || pairs.count(name) > 0) {
        return absl::InvalidArgumentError(
            absl::StrCat("--", flag, " takes NAME=VALUE,.., each name once"));
      }
      pairs.emplace(name, absl::StripAsciiWhitespace(pair.second));
    }
  }
  return pairs;
}

absl::StatusOr<ImportOptions> ReadOptions(const Arguments& arguments, const NamedChild& child) {
  ImportOptions options;
  options.child = child.id;
  ASSIGN_OR_RETURN(const std::string zone, arguments.Required("zone"));
  ASSIGN_OR_RETURN(options.zone, FindZone(zone));
  options.file_child = arguments.Get("file-child");
  const absl::optional<std::string> order = arguments.Get("dates");
  if (order == "mdy") {
    options.date_order = DateOrder::kMonthFirst;
  } else if (order == "dmy") {
    options.date_order = DateOrder::kDayFirst;
  } else if (order.has_value()) {
    return absl::InvalidArgumentError("--dates takes mdy or dmy");
  }
  if (arguments.Has("amounts")) {
    options.amounts = imports::ParseVolumeUnit(*arguments.Get("amounts"));
    if (!options.amounts.has_value()) return absl::InvalidArgumentError("--amounts takes ml or oz");
  }
  ASSIGN_OR_RETURN(options.columns, ReadPairs(arguments, "map"));
  ASSIGN_OR_RETURN(options.kinds, ReadPairs(arguments, "kinds"));
  for (const auto& [word, kind] : options.kinds) {
    if (imports::IsKind(kind)) continue;
    return absl::InvalidArgumentError(
        absl::StrCat("--kinds says that ", word, " is ", kind, ", which is no kind of entry"));
  }
  if (arguments.Has("day-zero")) {
    ASSIGN_OR_RETURN(options.day_zero, ParseDate(*arguments.Get("day-zero")));
  } else if (const auto born = ParseDate(child.child.birth_date()); born.ok()) {
    options.day_zero = *born;
  }
  return options;
}

// A refusal, with the flag that helps.
absl::Status WithFlag(const absl::Status& refusal) {
  absl::string_view flag;
  switch (imports::RemarkOf(refusal).reason()) {
    case v1::IMPORT_REASON_UNKNOWN_HEADING:
      flag = "--format csv --map began=Start,ended=End,kind=Type";
      break;
    case v1::IMPORT_REASON_NO_BEGIN:
    case v1::IMPORT_REASON_UNKNOWN_CONTENT:
      flag = "--map began=Start,ended=End,kind=Type";
      break;
    case v1::IMPORT_REASON_CHILDREN:
      flag = "--file-child NAME";
      break;
    case v1::IMPORT_REASON_DATE_ORDERS:
      flag = "--dates mdy or --dates dmy";
      break;
    case v1::IMPORT_REASON_NUMBERED_DAYS:
      flag = "--day-zero DATE";
      break;
    default:
      return refusal;
  }
  return absl::InvalidArgumentError(absl::StrCat(refusal.message(), ": ", flag));
}

// Members by what the file calls them.
absl::StatusOr<std::map<std::string, std::string>> ReadMembers(const Arguments& arguments,
                                                               const FamilyView& view) {
  ASSIGN_OR_RETURN(auto members, ReadPairs(arguments, "members"));
  for (auto& [author, member] : members) {
    ASSIGN_OR_RETURN(member, view.MemberCalled(member));
  }
  return members;
}

// Tells a person at a terminal how far the sync has come.
class SyncProgress final : public Replica::Observer {
 public:
  // Both must outlive this.
  SyncProgress(Replica& replica, const FamilyId& family) : replica_(replica), family_(family) {
    if (isatty(STDERR_FILENO) == 1) replica_.AddObserver(this);
  }
  ~SyncProgress() override {
    replica_.RemoveObserver(this);
    if (total_ > 0) std::cerr << "\r\033[K";
  }

  void OnRecordsChanged(const FamilyId&, const std::set<RecordId>&) override {}
  void OnFamilyChanged(const FamilyId& family) override {
    const auto state = replica_.FamilyStateOf(family);
    if (family != family_ || !state.ok()) return;
    total_ = std::max(total_, state->pending);
    std::cerr << "\rsynced " << total_ - state->pending << " of " << total_ << " taps";
    std::cerr.flush();
  }

 private:
  Replica& replica_;
  const FamilyId family_;
  uint64_t total_ = 0;
};

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (arguments.words().size() != 1) return WrongWords();
  ASSIGN_OR_RETURN(const std::string text, ReadFile(arguments.words()[0]));
  if (IsJsonLines(text)) {
    return absl::InvalidArgumentError(
        "this is the export of a whole family; 'nightlog family import FILE' brings it to a "
        "server");
  }
  ASSIGN_OR_RETURN(const Choice choice, ReadChoice(arguments));
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyView view, FamilyView::Load(phone.replica(), family));
  ASSIGN_OR_RETURN(const NamedChild child, view.ChildCalled(arguments.Get("child")));
  ASSIGN_OR_RETURN(const ImportOptions options, ReadOptions(arguments, child));
  ASSIGN_OR_RETURN(const auto members, ReadMembers(arguments, view));
  absl::StatusOr<ImportedLog> read = imports::ReadLog(text, arguments.GetOr("format", ""), options);
  if (!read.ok()) return WithFlag(read.status());
  ImportedLog log = *std::move(read);

  ImportReport report;
  report.rows = log.rows;
  report.not_asked_for = log.of_other_children;
  report.set_aside = std::move(log.set_aside);
  report.adjusted = std::move(log.adjusted);
  std::vector<NightOfTaps> nights;
  for (ImportedEntry& imported : log.entries) {
    const absl::CivilDay night =
        NightOf(FromProto(imported.entry.interval().began_at()), options.zone);
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
    const auto member = members.find(imported.entry.import_origin().author());
    if (member != members.end()) imported.entry.set_caregiver_id(member->second);
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
  const SyncProgress progress(phone.replica(), family);
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

// The help of `--format`; for ever, as the command is.
absl::string_view FormatHelp() {
  static const std::string& help = *new std::string(absl::StrCat(
      "what the file is, where its heading does not tell:",
      absl::StrJoin(AllImportFormats(), "", [](std::string* out, const ImportFormat* format) {
        absl::StrAppend(out, "\n", std::string(28, ' '), format->name, ": ", format->help);
      })));
  return help;
}

}  // namespace

const Command kImportCommand = {
    "import",
    "FILE --zone ZONE [--format WORD] [--members A=Alex,..]\n"
    "FILE --zone ZONE --format csv --map began=Start,ended=End,kind=Type [--kinds Zzz=sleep,..]",
    "take over a log from another app; importing again changes nothing",
    {{"format", "WORD", FormatHelp()},
     {"zone", "ZONE", "where its times were local, such as America/Denver"},
     {"child", "NAME", "which child, where there are several"},
     {"file-child", "NAME", "which child of the file, where it tells of several"},
     {"members", "A=NAME,..", "who logged it: the file's names, and the family's members"},
     {"dates", "ORDER",
      "mdy or dmy: how dates such as 3/4/26 are meant; by default as others of\n"
      "                            the file tell, or else mdy"},
     {"amounts", "UNIT", "ml or oz: what amounts are in, where the file does not say"},
     {"map", "PAIRS",
      "csv: began, ended, date, minutes, length, kind, amount, text, author=COLUMN"},
     {"kinds", "PAIRS", "csv: WORD=sleep|awake|cry|put down|rise|bottle|breast|solid|feed|note"},
     {"day-zero", "DATE", "spreadsheet: the day numbered 0; the child's birth date, if known"},
     {"caregiver", "NAME", "only what that caregiver logged, as the file calls them"},
     {"from", "DATE", "only from that night on"},
     {"to", "DATE", "only up to that night"},
     {"night-by-night", "", "sync after each night, not at the end"},
     {"dry-run", "", "only tell what would be done"}},
    Run};

}  // namespace nightlog::cli
