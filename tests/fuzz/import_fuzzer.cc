// Any file, read as of any format, is read or refused with a sentence, and every row is part of an
// entry, set aside, or about another child.

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "services/imports/format.h"
#include "services/imports/remark.h"
#include "storage/core/check.h"
#include "tests/testing/transaction_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  nightlog::imports::ImportOptions options;
  CHECK(absl::LoadTimeZone("Europe/London", &options.zone));
  options.child = nightlog::TestId<nightlog::RecordId>(1);
  options.amounts = nightlog::imports::VolumeUnit::kOunce;
  options.day_zero = absl::CivilDay(2026, 1, 1);
  for (const nightlog::imports::ImportFormat* format : nightlog::imports::AllImportFormats()) {
    const auto log = nightlog::imports::ReadLog(text, format->name, options);
    if (!log.ok()) {
      CHECK(absl::IsInvalidArgument(log.status()) && !log.status().message().empty());
      CHECK(nightlog::imports::RemarkOf(log.status()).reason() !=
            nightlog::v1::IMPORT_REASON_UNSPECIFIED);
      continue;
    }
    int accounted_for = static_cast<int>(log->set_aside.size()) + log->of_other_children;
    for (const auto& entry : log->entries) accounted_for += entry.rows;
    CHECK(log->rows == accounted_for);
  }
  return 0;
}
