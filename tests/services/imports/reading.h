#ifndef NIGHTLOG_TESTS_SERVICES_IMPORTS_READING_H_
#define NIGHTLOG_TESTS_SERVICES_IMPORTS_READING_H_

#include <fstream>
#include <set>
#include <sstream>
#include <string>
#include <utility>

#include "absl/strings/string_view.h"
#include "gtest/gtest.h"
#include "services/imports/format.h"
#include "storage/core/local_reading.h"
#include "storage/core/proto_time.h"

namespace nightlog::imports {

// What the tests of importers share: reading a text, and looking at what it became.

inline ImportOptions OptionsIn(absl::string_view zone) {
  ImportOptions options;
  options.zone = *FindZone(zone);
  options.child = RecordIdOf("test", "a child");
  options.date_order = DateOrder::kMonthFirst;
  return options;
}

// Reads a file that must be of the format, and which its heading alone must show to be so where
// `name` is empty. No row may be lost.
inline ImportedLog ReadWell(absl::string_view text, const ImportOptions& options,
                            absl::string_view name = "") {
  auto log = ReadLog(text, name, options);
  EXPECT_TRUE(log.ok()) << log.status();
  if (!log.ok()) return ImportedLog();
  int accounted_for = static_cast<int>(log->set_aside.size()) + log->of_other_children;
  std::set<RecordId> ids;
  for (const ImportedEntry& entry : log->entries) {
    accounted_for += entry.rows;
    ids.insert(entry.id);
  }
  EXPECT_EQ(log->rows, accounted_for);
  EXPECT_EQ(ids.size(), log->entries.size()) << "two rows have one id";
  return *std::move(log);
}

inline std::string LocalBegin(const v1::LogEntry& entry) {
  return absl::FormatTime(absl::RFC3339_sec, FromProto(entry.interval().began_at()),
                          *FindZone(entry.interval().zone()));
}

// Empty where the entry has no end.
inline std::string LocalEnd(const v1::LogEntry& entry) {
  if (!entry.interval().has_ended_at()) return "";
  return absl::FormatTime(absl::RFC3339_sec, FromProto(entry.interval().ended_at()),
                          *FindZone(entry.interval().zone()));
}

inline double MinutesOf(const v1::LogEntry& entry) {
  return absl::ToDoubleMinutes(FromProto(entry.interval().ended_at()) -
                               FromProto(entry.interval().began_at()));
}

// A file of tests/data.
inline std::string TestData(absl::string_view path) {
  std::ifstream file(std::string(NIGHTLOG_SOURCE_DIR "/tests/data/") + std::string(path),
                     std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  EXPECT_TRUE(file) << path;
  return text.str();
}

}  // namespace nightlog::imports

#endif  // NIGHTLOG_TESTS_SERVICES_IMPORTS_READING_H_
