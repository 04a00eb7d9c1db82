#include <sys/stat.h>

#include <cerrno>
#include <fstream>
#include <iostream>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "clients/cli/command.h"
#include "clients/cli/export/csv_tables.h"
#include "clients/cli/export/diary.h"
#include "clients/cli/export/json_lines.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"

namespace nightlog::cli {
namespace {

absl::Status Write(std::ostream& out, const std::string& text) {
  out << text;
  return out.flush() ? absl::OkStatus()
                     : absl::DataLossError("the export could not be written; is the disk full?");
}

absl::Status WriteFile(const std::string& path, const std::string& text) {
  std::ofstream file(path, std::ios::binary | std::ios::trunc);
  if (!file) return absl::NotFoundError(absl::StrCat("the file ", path, " cannot be written"));
  return Write(file, text);
}

// Everything, from the server.
absl::StatusOr<FamilyExport> Fetch(Phone& phone, const FamilyId& family, const FamilyState& state) {
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  FamilyExport exported;
  exported.family_name = state.pairing.family_name();
  exported.exported_by = MemberId(state.pairing.member_id());
  exported.exported_at = phone.Now();
  v1::ExportFamilyRequest request;
  request.set_family_id(family.str());
  const auto stream = connection->ExportFamily(request, absl::Now() + absl::Minutes(10));
  // A record that changes meanwhile comes again: the last one counts.
  std::map<std::string, size_t> positions;
  v1::ExportFamilyResponse response;
  while (stream->Read(response)) {
    for (v1::Record& record : *response.mutable_records()) {
      const auto [it, inserted] = positions.emplace(record.record_id(), exported.records.size());
      if (inserted) exported.records.emplace_back();
      exported.records[it->second] = std::move(record);
    }
  }
  RETURN_IF_ERROR(stream->Finish());
  return exported;
}

// Taps are records once the server has taken them. Says which are not, so that nobody leaves a
// server in the belief that the file is all.
absl::Status TellWhatIsNotInIt(Phone& phone, const FamilyId& family) {
  ASSIGN_OR_RETURN(const FamilyState state, phone.replica().FamilyStateOf(family));
  ASSIGN_OR_RETURN(Connection* const connection, phone.Connect());
  uint64_t late = 0;
  v1::ListQuarantineRequest request;
  request.set_family_id(family.str());
  do {
    const auto page = connection->ListQuarantine(request, CallDeadline());
    if (absl::IsPermissionDenied(page.status())) break;  // an owner's to know
    RETURN_IF_ERROR(page.status());
    late += static_cast<uint64_t>(page->items_size());
    request.set_page_token(page->next_page_token());
  } while (!request.page_token().empty());
  for (const auto& [taps, where] :
       {std::pair(state.pending, "taps of this phone that are not synced"),
        {state.needs_attention, "taps of this phone; see 'nightlog needs-attention'"},
        {late, "late taps of removed phones; see 'nightlog quarantine list'"}}) {
    if (taps > 0) std::cerr << "not in it (" << taps << "): " << where << "\n";
  }
  return absl::OkStatus();
}

// What this phone shows, the taps that are not synced included.
absl::StatusOr<std::vector<v1::Record>> Shown(Phone& phone, const FamilyId& family) {
  std::vector<v1::Record> records;
  for (const uint32_t kind :
       {kChild, kLogEntry, kPlan, kComment, kMember, kNightSummary, kProgress}) {
    ASSIGN_OR_RETURN(std::vector<ShownRecord> shown, phone.replica().List(family, kind));
    for (ShownRecord& record : shown) records.push_back(std::move(record.record));
  }
  return records;
}

absl::Status Run(Phone& phone, const Arguments& arguments) {
  if (!arguments.words().empty()) return WrongWords();
  const std::string format = arguments.GetOr("format", "jsonl");
  const absl::optional<std::string> out = arguments.Get("out");
  ASSIGN_OR_RETURN(const FamilyId family, phone.Family());
  ASSIGN_OR_RETURN(const FamilyState state, phone.replica().FamilyStateOf(family));
  size_t count = 0;
  if (format == "csv") {
    if (!out.has_value()) return absl::InvalidArgumentError("csv needs --out DIR for its files");
    ASSIGN_OR_RETURN(const std::vector<v1::Record> records, Shown(phone, family));
    if (mkdir(out->c_str(), 0700) != 0 && errno != EEXIST) {
      return absl::NotFoundError(absl::StrCat("the directory ", *out, " cannot be made"));
    }
    for (const auto& [name, table] : ToCsvTables(records)) {
      RETURN_IF_ERROR(WriteFile(absl::StrCat(*out, "/", name), table));
    }
    count = records.size();
  } else if (format == "jsonl" || format == "diary") {
    std::string text;
    if (format == "jsonl") {
      // What cannot be synced is told below.
      static_cast<void>(phone.Sync(family, absl::Seconds(10)));
      ASSIGN_OR_RETURN(const FamilyExport exported, Fetch(phone, family, state));
      RETURN_IF_ERROR(TellWhatIsNotInIt(phone, family));
      text = ToJsonLines(exported);
      count = exported.records.size();
    } else {
      ASSIGN_OR_RETURN(const std::vector<v1::Record> records, Shown(phone, family));
      text = SleepDiary(state.pairing.family_name(), records);
      count = records.size();
    }
    RETURN_IF_ERROR(out.has_value() ? WriteFile(*out, text) : Write(std::cout, text));
  } else {
    return absl::InvalidArgumentError("--format takes jsonl, csv or diary");
  }
  if (out.has_value() && !phone.options().json) {
    std::cout << count << " records are in " << *out << "\n";
  }
  return absl::OkStatus();
}

}  // namespace

const Command kExportCommand = {
    "export",
    "[--format jsonl] [--out FILE]\n--format csv --out DIR\n--format diary [--out FILE]",
    "the family's records as a file, to keep, to calculate with or to print",
    {{"format", "WORD",
      "jsonl (the default): everything, from the server; 'family import' brings it to another\n"
      "                            csv: a table for each kind of record, as this phone shows them\n"
      "                            (in UTF-8 with a byte order mark, for Excel)\n"
      "                            diary: the nights as a page to print (HTML)"},
     {"out", "PATH", "where to; default standard output"}},
    Run};

}  // namespace nightlog::cli
