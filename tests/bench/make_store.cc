// make_store FOLDER FAMILIES NIGHTS: a store of families at rest, as years of use would leave it:
// all in table files at the bottom. One family logs its nights through the committer; the others
// are copies of its rows under ids of their own.

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "rocksdb/convenience.h"
#include "rocksdb/db.h"
#include "rocksdb/sst_file_writer.h"
#include "rocksdb/utilities/options_util.h"
#include "storage/column_families.h"
#include "storage/core/check.h"
#include "storage/engine/memory_engine.h"
#include "storage/engine/rocksdb_engine.h"
#include "storage/store.h"
#include "tests/bench/world.h"
#include "tests/testing/transaction_builder.h"

namespace nightlog {
namespace {

constexpr uint64_t kFileBytes = 256 << 20;

// Writes the rows of one column for every family, in order of key, and hands them to the database.
void FillColumn(const World::Rows& rows, Column column, uint32_t families,
                const std::string& folder, rocksdb::DB& db, rocksdb::ColumnFamilyHandle* handle) {
  std::vector<std::string> files;
  std::unique_ptr<rocksdb::SstFileWriter> writer;
  const auto finish = [&] {
    if (writer != nullptr) CHECK(writer->Finish().ok());
    writer.reset();
  };
  for (uint32_t number = 0; number < families; ++number) {
    const std::string family = TestId<FamilyId>(number + 1).str();
    for (auto it = rows.lower_bound({column, ""}); it != rows.end() && it->first.first == column;
         ++it) {
      if (writer == nullptr) {
        files.push_back(absl::StrCat(folder, "/", column, "-", files.size(), ".sst"));
        writer =
            std::make_unique<rocksdb::SstFileWriter>(rocksdb::EnvOptions(), db.GetOptions(handle));
        CHECK(writer->Open(files.back()).ok());
      }
      CHECK(writer->Put(family + it->first.second.substr(FamilyId::kSize), it->second).ok());
    }
    if (writer != nullptr && writer->FileSize() > kFileBytes) finish();
  }
  finish();
  rocksdb::IngestExternalFileOptions ingest;
  ingest.move_files = true;
  if (!files.empty()) CHECK(db.IngestExternalFile(handle, files, ingest).ok());
}

int Main(int argc, char* argv[]) {
  uint32_t families = 0;
  int nights = 0;
  if (argc != 4 || !absl::SimpleAtoi(argv[2], &families) || !absl::SimpleAtoi(argv[3], &nights)) {
    std::fprintf(stderr, "usage: make_store FOLDER FAMILIES NIGHTS\n");
    return 2;
  }
  const std::string folder = argv[1];
  MemoryEngine memory(static_cast<int>(kColumnFamilyNames.size()));
  World world(memory, 1);
  world.LogNights(nights);
  {
    const auto engine = RocksdbEngine::Open(folder, kColumnFamilyNames);
    CHECK(engine.ok() && OpenStore(**engine).ok());
  }
  rocksdb::DBOptions options;
  std::vector<rocksdb::ColumnFamilyDescriptor> descriptors;
  CHECK(rocksdb::LoadLatestOptions(rocksdb::ConfigOptions(), folder + "/db", &options, &descriptors)
            .ok());
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* raw = nullptr;
  CHECK(rocksdb::DB::Open(options, folder + "/db", descriptors, &handles, &raw).ok());
  const std::unique_ptr<rocksdb::DB> db(raw);
  const World::Rows rows = world.FamilyRows();
  for (rocksdb::ColumnFamilyHandle* handle : handles) {
    for (size_t i = 0; i < kColumnFamilyNames.size(); ++i) {
      if (handle->GetName() == std::string(kColumnFamilyNames[i])) {
        FillColumn(rows, static_cast<Column>(i), families, folder, *db, handle);
      }
    }
  }
  for (rocksdb::ColumnFamilyHandle* handle : handles) db->DestroyColumnFamilyHandle(handle);
  CHECK(db->Close().ok());
  return 0;
}

}  // namespace
}  // namespace nightlog

int main(int argc, char* argv[]) { return nightlog::Main(argc, argv); }
