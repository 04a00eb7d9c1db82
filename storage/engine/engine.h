#ifndef NIGHTLOG_STORAGE_ENGINE_ENGINE_H_
#define NIGHTLOG_STORAGE_ENGINE_ENGINE_H_

#include <atomic>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/optional.h"
#include "absl/types/span.h"

namespace nightlog {

// Names one of the ordered key spaces an engine was opened with: its position in that list.
using Column = int;

// An ordered walk over the keys of one column in [start, limit). Not thread-safe. Must not outlive
// its ReadView.
//
//   for (auto it = view->Scan(kFeed, start, limit); it->Valid(); it->Next()) { .. }
//   RETURN_IF_ERROR(it->status());   // Valid() is false after an error, too
class Iterator {
 public:
  virtual ~Iterator() = default;

  virtual bool Valid() const = 0;
  // REQUIRES: Valid(). The views live until Next().
  virtual absl::string_view key() const = 0;
  virtual absl::string_view value() const = 0;
  virtual void Next() = 0;
  // DATA_LOSS if stored bytes are damaged; otherwise what the storage said.
  virtual absl::Status status() const = 0;
};

// Which way a scan walks.
enum class ScanOrder { kAscending, kDescending };

// All keys as of one moment. Thread-safe. Must not outlive its Engine.
class ReadView {
 public:
  virtual ~ReadView() = default;

  // The value of `key`, or nullopt where there is none. DATA_LOSS if stored bytes are damaged.
  virtual absl::StatusOr<absl::optional<std::string>> Get(Column column,
                                                          absl::string_view key) const = 0;

  // Keys in [start, limit), in byte order, or from the last to the first. An empty limit means no
  // bound.
  virtual std::unique_ptr<Iterator> Scan(Column column, absl::string_view start,
                                         absl::string_view limit,
                                         ScanOrder order = ScanOrder::kAscending) const = 0;
};

// Changes that are applied all or none, in the order they were added. Not thread-safe.
class WriteBatch {
 public:
  struct Precondition {
    Column column;
    std::string key;
    absl::optional<std::string> value;  // nullopt: the key must be absent
  };
  struct Change {
    enum class Kind { kPut, kDelete, kDeleteRange };
    Kind kind;
    Column column;
    std::string key;
    std::string value;  // kPut: the value; kDeleteRange: the limit, exclusive
  };

  // The batch fails as a whole unless `key` still has this value when it is applied. Batches that
  // require a key are applied one after the other; so whoever changes a key that others require
  // must require it too.
  void Require(Column column, absl::string_view key, absl::optional<std::string> value) {
    preconditions_.push_back({column, std::string(key), std::move(value)});
  }
  void Put(Column column, absl::string_view key, absl::string_view value) {
    changes_.push_back({Change::Kind::kPut, column, std::string(key), std::string(value)});
  }
  void Delete(Column column, absl::string_view key) {
    changes_.push_back({Change::Kind::kDelete, column, std::string(key), std::string()});
  }
  // Deletes every key in [start, limit).
  void DeleteRange(Column column, absl::string_view start, absl::string_view limit) {
    changes_.push_back(
        {Change::Kind::kDeleteRange, column, std::string(start), std::string(limit)});
  }

  const std::vector<Precondition>& preconditions() const { return preconditions_; }
  const std::vector<Change>& changes() const { return changes_; }
  bool empty() const { return changes_.empty(); }

 private:
  std::vector<Precondition> preconditions_;
  std::vector<Change> changes_;
};

// An ordered key-value store: what nightlog needs of one, and no more. Thread-safe.
//
// After a failed Write the engine may hold the batch or not; nobody can tell. A server ends its
// process then, and the retry of its clients finds the truth.
class Engine {
 public:
  virtual ~Engine() = default;

  // A view of now. Cheap; do not keep one for long, it keeps old values alive.
  virtual std::unique_ptr<ReadView> Snapshot() const = 0;

  // Applies the batch and returns when it survives a crash of the process and of the machine.
  // ABORTED: a precondition does not hold, and nothing was applied. DATA_LOSS, UNAVAILABLE or
  // RESOURCE_EXHAUSTED (disk full): storage failed, see above.
  virtual absl::Status Write(const WriteBatch& batch) = 0;

  // Keys of one column in [start, limit).
  struct KeyRange {
    Column column;
    std::string start;
    std::string limit;
  };

  // Takes what was deleted or overwritten in these ranges before the call off the disk, if there is
  // one. Readers and writers go on. May take minutes in a large store; blocks until the views that
  // were open are gone.
  //
  // CANCELLED: `stop` became true. UNAVAILABLE: a view stays open; try again.
  virtual absl::Status Purge(absl::Span<const KeyRange> ranges, std::atomic<bool>& stop) {
    static_cast<void>(ranges);
    static_cast<void>(stop);
    return absl::OkStatus();
  }
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_ENGINE_ENGINE_H_
