// store_rows: reads and writes rows of a stopped server's store, as damage would.
//
//   store_rows DIR COLUMN                       prints each row: key and value in hex
//   store_rows DIR COLUMN put KEY VALUE         writes a row
//   store_rows DIR COLUMN delete KEY            deletes one
//
// Keys and values are hex. Exit codes: 0; 1 if it could not.

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/escaping.h"
#include "storage/column_families.h"
#include "storage/core/status_macros.h"
#include "storage/engine/rocksdb_engine.h"

namespace nightlog {
namespace {

absl::Status Run(const std::vector<std::string>& words) {
  const auto name = words.size() < 2
                        ? kColumnFamilyNames.end()
                        : std::find(kColumnFamilyNames.begin(), kColumnFamilyNames.end(), words[1]);
  if (name == kColumnFamilyNames.end()) return absl::InvalidArgumentError("name a column");
  const auto column = static_cast<Column>(name - kColumnFamilyNames.begin());
  ASSIGN_OR_RETURN(const auto engine, RocksdbEngine::Open(words[0], kColumnFamilyNames));
  if (words.size() == 2) {
    const auto view = engine->Snapshot();
    auto it = view->Scan(column, "", "");
    for (; it->Valid(); it->Next()) {
      std::printf("%s %s\n", absl::BytesToHexString(it->key()).c_str(),
                  absl::BytesToHexString(it->value()).c_str());
    }
    return it->status();
  }
  WriteBatch batch;
  if (words.size() == 5 && words[2] == "put") {
    batch.Put(column, absl::HexStringToBytes(words[3]), absl::HexStringToBytes(words[4]));
  } else if (words.size() == 4 && words[2] == "delete") {
    batch.Delete(column, absl::HexStringToBytes(words[3]));
  } else {
    return absl::InvalidArgumentError("say `put KEY VALUE` or `delete KEY`");
  }
  return engine->Write(batch);
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) {
  const absl::Status status = nightlog::Run({argv + 1, argv + argc});
  if (status.ok()) return 0;
  std::fprintf(stderr, "store_rows: %s\n", std::string(status.message()).c_str());
  return 1;
}
