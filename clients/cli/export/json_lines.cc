#include "clients/cli/export/json_lines.h"

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/status/status.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "clients/cli/json.h"
#include "google/protobuf/struct.pb.h"
#include "google/protobuf/util/json_util.h"
#include "storage/core/errors.h"
#include "storage/core/exported_record.h"
#include "storage/core/hash.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/core/utf8.h"

namespace nightlog::cli {
namespace {

constexpr int kVersion = 1;
constexpr absl::string_view kAbout =
    "Every record of a family of nightlog, one a line. 'bytes' is the nightlog.v1.Record in base64 "
    "and holds everything; 'record' says the same in words. 'nightlog family import FILE' brings "
    "it to a server.";

// How the head begins in the cells of a spreadsheet, whatever stands between them.
constexpr absl::string_view kHeadInCells = "\"{\"\"nightlog_export\"\"";

absl::Status Damaged(size_t line, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("the export is damaged: line ", line, " ", why, "; use another copy"));
}

absl::StatusOr<google::protobuf::Struct> ParseLine(absl::string_view text, size_t line) {
  google::protobuf::Struct object;
  if (!google::protobuf::util::JsonStringToMessage(std::string(text), &object).ok()) {
    return Damaged(line, "is no object of JSON");
  }
  return object;
}

std::string TextOf(const google::protobuf::Struct& object, const std::string& member) {
  const auto it = object.fields().find(member);
  return it == object.fields().end() ? "" : it->second.string_value();
}

double NumberOf(const google::protobuf::Struct& object, const std::string& member) {
  const auto it = object.fields().find(member);
  return it == object.fields().end() ? 0 : it->second.number_value();
}

}  // namespace

std::string FamilyExport::StateHash() const {
  nightlog::StateHash sum;
  for (const v1::Record& record : records) sum.Add(record.digest());
  return sum.bytes();
}

std::string ToJsonLines(const FamilyExport& exported) {
  std::string text = absl::StrCat(
      JsonObject()
          .Add("nightlog_export", static_cast<uint64_t>(kVersion))
          .Add("family_name", exported.family_name)
          .Add("exported_by", exported.exported_by.hex())
          .Add("exported_at",
               absl::FormatTime(absl::RFC3339_sec, exported.exported_at, absl::UTCTimeZone()))
          .Add("records", static_cast<uint64_t>(exported.records.size()))
          .Add("state_hash", absl::BytesToHexString(exported.StateHash()))
          .Add("about", kAbout)
          .str(),
      "\n");
  for (const v1::Record& record : exported.records) {
    absl::StrAppend(&text,
                    JsonObject()
                        .Add("bytes", absl::Base64Escape(SerializeDeterministic(record)))
                        .AddJson("record", ToJson(record))
                        .str(),
                    "\n");
  }
  return text;
}

absl::StatusOr<FamilyExport> FromJsonLines(absl::string_view text) {
  absl::ConsumePrefix(&text, kByteOrderMark);
  const std::vector<absl::string_view> lines = absl::StrSplit(text, '\n');
  if (absl::StartsWith(text, kHeadInCells) || !IsUtf8(lines[0])) {
    return absl::InvalidArgumentError(
        "the export was saved again by another program, which changed it; take the original file");
  }
  ASSIGN_OR_RETURN(const google::protobuf::Struct head, ParseLine(lines[0], 1));
  const double version = NumberOf(head, "nightlog_export");
  if (version < 1) return absl::InvalidArgumentError("this is no export of a family of nightlog");
  if (version > kVersion) {
    return absl::InvalidArgumentError("the export is of a newer nightlog; update this one");
  }
  FamilyExport exported;
  exported.family_name = TextOf(head, "family_name");
  const std::string member = absl::HexStringToBytes(TextOf(head, "exported_by"));
  if (!MemberId::IsId(member)) return Damaged(1, "does not say who made it");
  exported.exported_by = MemberId(member);
  std::string error;
  if (!absl::ParseTime(absl::RFC3339_full, TextOf(head, "exported_at"), &exported.exported_at,
                       &error)) {
    return Damaged(1, "does not say when it was made");
  }
  for (size_t i = 1; i < lines.size(); ++i) {
    if (absl::StripAsciiWhitespace(lines[i]).empty()) continue;
    ASSIGN_OR_RETURN(const google::protobuf::Struct object, ParseLine(lines[i], i + 1));
    std::string bytes;
    v1::Record record;
    if (!absl::Base64Unescape(TextOf(object, "bytes"), &bytes) || !record.ParseFromString(bytes) ||
        !RecordId::IsId(record.record_id()) || record.digest().size() != Sha256("").size()) {
      return Damaged(i + 1, "holds no record");
    }
    // Whatever else is wrong with it is the server's to judge, which may be newer.
    std::vector<FieldViolation> violations;
    RecordFromExport(record, "record", violations);
    if (absl::c_any_of(violations, [](const FieldViolation& violation) {
          return violation.field() == "record.digest";
        })) {
      return Damaged(i + 1, "was changed");
    }
    exported.records.push_back(std::move(record));
  }
  if (static_cast<double>(exported.records.size()) != NumberOf(head, "records")) {
    return Damaged(1, absl::StrCat("speaks of another number of records than the ",
                                   exported.records.size(), " that follow"));
  }
  if (absl::BytesToHexString(exported.StateHash()) != TextOf(head, "state_hash")) {
    return Damaged(1, "has another state hash than the records that follow");
  }
  return exported;
}

bool IsJsonLines(absl::string_view text) {
  absl::ConsumePrefix(&text, kByteOrderMark);
  return (absl::StartsWith(text, "{") || absl::StartsWith(text, kHeadInCells)) &&
         absl::StrContains(text.substr(0, 1024), "\"nightlog_export\"");
}

std::vector<v1::Record> InImportOrder(const FamilyExport& exported, const MemberId& caller) {
  // Members, what people wrote, what was derived.
  const auto place = [&caller](const v1::Record& record) {
    if (record.has_member()) return record.record_id() == caller.bytes() ? 0 : 1;
    return IsEditable(static_cast<uint32_t>(record.body_case())) ? 2 : 3;
  };
  std::vector<v1::Record> records = exported.records;
  std::sort(records.begin(), records.end(), [&place](const v1::Record& a, const v1::Record& b) {
    return std::forward_as_tuple(place(a), a.created_revision(), a.record_id()) <
           std::forward_as_tuple(place(b), b.created_revision(), b.record_id());
  });
  // Of the revisions, only those that made a record tell one order from another: counted densely.
  std::vector<uint64_t> made;
  for (const v1::Record& record : records) {
    if (record.created_revision() > 0) made.push_back(record.created_revision());
  }
  std::sort(made.begin(), made.end());
  made.erase(std::unique(made.begin(), made.end()), made.end());
  const auto count_to = [&made](uint64_t revision) {
    return static_cast<uint64_t>(std::upper_bound(made.begin(), made.end(), revision) -
                                 made.begin());
  };
  for (v1::Record& record : records) {
    record.set_author_saw_revision(count_to(record.author_saw_revision()));
    record.set_created_revision(count_to(record.created_revision()));
  }
  return records;
}

}  // namespace nightlog::cli
