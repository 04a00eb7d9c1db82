#ifndef NIGHTLOG_CLIENTS_CLI_EXPORT_JSON_LINES_H_
#define NIGHTLOG_CLIENTS_CLI_EXPORT_JSON_LINES_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "nightlog/v1/sync.pb.h"
#include "storage/core/ids.h"

namespace nightlog::cli {

// All of a family, to keep and to bring to another server.
struct FamilyExport {
  std::string family_name;
  // The member who made it.
  MemberId exported_by;
  absl::Time exported_at;
  // As ExportFamily tells them, each once.
  std::vector<v1::Record> records;

  // Sum of the records' digests: the state hash of a family that holds exactly these.
  std::string StateHash() const;
};

// The export as text: an object of JSON a line, of which the first says what the file is, and each
// further one is a record.
//
//   {"nightlog_export":1,"family_name":..,"exported_by":..,"exported_at":..,"records":N,
//    "state_hash":..,"about":..}
//   {"bytes":"CiDK..","record":{"record_id":..,"log_entry":{..},"groups":[..],..}}
//
// `bytes` is the nightlog.v1.Record in base64, and lossless: every group with every version that
// stands, conflicts and tombstones included, their edit ids, authors and times, and what this build
// does not know of. Only it is read back. `record` says the same in words, for people and other
// programs (`nightlog --json` prints records the same way).
//
// Not in it: what has been replaced (the journal), devices, tokens, invites, and what phones have
// not synced.
std::string ToJsonLines(const FamilyExport& exported);

// Reads it back; members of an object may be in any order. An editor may have saved it again, with
// a byte order mark and lines that end in CRLF: no record holds either, and each must have the
// digest that it names. INVALID_ARGUMENT, with a sentence for the person: it is no such file, it is
// of a newer nightlog, another program wrote it anew as cells or in another encoding, or it is
// damaged (lines are missing or changed).
absl::StatusOr<FamilyExport> FromJsonLines(absl::string_view text);

// True: the text begins as such a file does, or as a spreadsheet leaves one.
bool IsJsonLines(absl::string_view text);

// The records in the order and with the numbers that ImportRecords asks for; `caller` comes first.
std::vector<v1::Record> InImportOrder(const FamilyExport& exported, const MemberId& caller);

}  // namespace nightlog::cli

#endif  // NIGHTLOG_CLIENTS_CLI_EXPORT_JSON_LINES_H_
