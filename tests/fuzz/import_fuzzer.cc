// Any file, read as of any format, is read or refused with a sentence, and every row is part of an
// entry, set aside, or about another child.

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cli/import/format.h"
#include "storage/core/check.h"
#include "tests/testing/transaction_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  nightlog::cli::ImportOptions options;
  CHECK(absl::LoadTimeZone("Europe/London", &options.zone));
  options.child = nightlog::TestId<nightlog::RecordId>(1);
  options.amounts = nightlog::cli::VolumeUnit::kOunce;
  options.day_zero = absl::CivilDay(2026, 1, 1);
  for (const nightlog::cli::ImportFormat* format : nightlog::cli::AllImportFormats()) {
    const auto log = nightlog::cli::ReadLog(text, format->name, options);
    if (!log.ok()) {
      CHECK(absl::IsInvalidArgument(log.status()) && !log.status().message().empty());
      continue;
    }
    int accounted_for = static_cast<int>(log->set_aside.size()) + log->of_other_children;
    for (const auto& entry : log->entries) accounted_for += entry.rows;
    CHECK(log->rows == accounted_for);
  }
  return 0;
}
