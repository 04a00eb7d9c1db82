#include "clients/cli/import/imported_log.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/proto_time.h"

namespace nightlog::cli {

std::string ObjectionTo(const v1::LogEntry& entry) {
  std::vector<FieldViolation> violations;
  Validate(entry, "", violations);
  return violations.empty()
             ? ""
             : absl::StrCat(violations[0].field(), ": ", violations[0].description());
}

void SortByBegin(std::vector<ImportedEntry>& entries) {
  std::stable_sort(
      entries.begin(), entries.end(), [](const ImportedEntry& a, const ImportedEntry& b) {
        return FromProto(a.entry.interval().began_at()) < FromProto(b.entry.interval().began_at());
      });
}

}  // namespace nightlog::cli
