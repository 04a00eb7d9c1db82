// Any file is read or refused with a sentence, and every row is either an entry or set aside.

#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "clients/cli/import/baby_connect.h"
#include "storage/core/check.h"
#include "tests/testing/transaction_builder.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view csv(reinterpret_cast<const char*>(data), size);
  static const absl::TimeZone zone = [] {
    absl::TimeZone london;
    CHECK(absl::LoadTimeZone("Europe/London", &london));
    return london;
  }();
  const auto log =
      nightlog::cli::ReadBabyConnect(csv, zone, nightlog::TestId<nightlog::RecordId>(1));
  if (!log.ok()) {
    CHECK(absl::IsInvalidArgument(log.status()) && !log.status().message().empty());
    return 0;
  }
  CHECK(log->rows == static_cast<int>(log->entries.size() + log->set_aside.size()));
  return 0;
}
