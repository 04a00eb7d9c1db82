// Keeps storage/FORMAT.md true: the hex of its worked example is what the store writes.

#include <algorithm>
#include <fstream>
#include <iterator>
#include <string>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "tests/testing/family_fixture.h"

namespace nightlog {
namespace {

std::string ReadDocument() {
  std::ifstream file(NIGHTLOG_SOURCE_DIR "/storage/FORMAT.md");
  return std::string(std::istreambuf_iterator<char>(file), {});
}

std::string WithoutSpaces(std::string text) {
  text.erase(std::remove_if(text.begin(), text.end(), absl::ascii_isspace), text.end());
  return text;
}

// A row as the document shows it: column, key, and the value in lines of 40 bytes.
std::string ShowRow(absl::string_view column, absl::string_view key, absl::string_view value) {
  std::string shown = absl::StrCat(column, " ", absl::BytesToHexString(key), "\n");
  for (size_t i = 0; i < value.size(); i += 40) {
    absl::StrAppend(&shown, "  ", absl::BytesToHexString(value.substr(i, 40)), "\n");
  }
  return shown;
}

// A store with one family and one replica; the replica's first transaction makes a child.
class FormatTest : public FamilyFixture {
 protected:
  FormatTest() : FamilyFixture(std::make_unique<NoDeriver>()) {}
};

TEST_F(FormatTest, TheWorkedExampleIsWhatTheStoreWrites) {
  TransactionBuilder device(replica_);
  v1::Child child;
  child.set_name("Wren");
  child.set_home_zone("Europe/London");
  const auto verdicts = Push({device.Make(EditsOf(child_, child), clock_.Now())});
  ASSERT_OK(verdicts);
  ASSERT_TRUE((*verdicts)[0].has_committed());
  EXPECT_OK(Verify());

  const std::string document = WithoutSpaces(ReadDocument());
  const auto view = engine_.Snapshot();
  for (Column column = 0; column < kColumns; ++column) {
    for (auto it = view->Scan(column, "", ""); it->Valid(); it->Next()) {
      const std::string row = ShowRow(kColumnFamilyNames[column], it->key(), it->value());
      EXPECT_TRUE(absl::StrContains(document, WithoutSpaces(row))) << "FORMAT.md does not have\n"
                                                                   << row;
    }
  }
}

TEST_F(FormatTest, EveryColumnIsDescribed) {
  const std::string document = ReadDocument();
  for (absl::string_view name : kColumnFamilyNames) {
    EXPECT_TRUE(absl::StrContains(document, absl::StrCat("| `", name, "` |"))) << name;
  }
  EXPECT_TRUE(absl::StrContains(document, absl::StrCat("format version ", kFormatVersion)));
}

}  // namespace
}  // namespace nightlog
