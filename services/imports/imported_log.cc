#include "services/imports/imported_log.h"

#include <algorithm>

#include "services/imports/remark.h"
#include "storage/core/errors.h"
#include "storage/core/field_rules.h"
#include "storage/core/proto_time.h"

namespace nightlog::imports {

absl::Status CheckEntry(const v1::LogEntry& entry) {
  std::vector<FieldViolation> violations;
  Validate(entry, "", violations);
  if (violations.empty()) return absl::OkStatus();
  return Refusal(v1::IMPORT_REASON_NOT_VALID, {violations[0].field(), violations[0].description()});
}

void SortByBegin(std::vector<ImportedEntry>& entries) {
  std::stable_sort(
      entries.begin(), entries.end(), [](const ImportedEntry& a, const ImportedEntry& b) {
        return FromProto(a.entry.interval().began_at()) < FromProto(b.entry.interval().began_at());
      });
}

}  // namespace nightlog::imports
