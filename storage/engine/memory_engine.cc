#include "storage/engine/memory_engine.h"

#include <iterator>

#include "storage/core/check.h"

namespace nightlog {
namespace {

// Walks [begin, end) of a std::map, or of it reversed.
template <typename It>
class RangeIterator final : public Iterator {
 public:
  RangeIterator(It begin, It end) : it_(begin), end_(end) {}

  bool Valid() const override { return it_ != end_; }
  absl::string_view key() const override { return it_->first; }
  absl::string_view value() const override { return it_->second; }
  void Next() override { ++it_; }
  absl::Status status() const override { return absl::OkStatus(); }

 private:
  It it_;
  const It end_;
};

template <typename It>
std::unique_ptr<Iterator> MakeRange(It begin, It end) {
  return std::make_unique<RangeIterator<It>>(begin, end);
}

}  // namespace

class MemoryEngine::View final : public ReadView {
 public:
  View(absl::Mutex* mu, Columns columns) : mu_(mu), columns_(std::move(columns)) {}

  // Under the lock, so that a writer that finds rows unshared also finds our reads done.
  ~View() override {
    absl::MutexLock lock(mu_);
    columns_.clear();
  }

  absl::StatusOr<absl::optional<std::string>> Get(Column column,
                                                  absl::string_view key) const override {
    const Rows& rows = *columns_.at(column);
    const auto row = rows.find(key);
    return row == rows.end() ? absl::nullopt : absl::optional<std::string>(row->second);
  }

  std::unique_ptr<Iterator> Scan(Column column, absl::string_view start, absl::string_view limit,
                                 ScanOrder order) const override {
    const Rows& rows = *columns_.at(column);
    const auto begin = rows.lower_bound(start);
    auto end = limit.empty() ? rows.end() : rows.lower_bound(limit);
    if (!limit.empty() && limit < start) end = begin;
    if (order == ScanOrder::kAscending) return MakeRange(begin, end);
    return MakeRange(std::make_reverse_iterator(end), std::make_reverse_iterator(begin));
  }

 private:
  absl::Mutex* const mu_;
  Columns columns_;
};

MemoryEngine::MemoryEngine(int columns) {
  for (int i = 0; i < columns; ++i) columns_.push_back(std::make_shared<Rows>());
}

MemoryEngine::MemoryEngine(const MemoryEngine& other) {
  absl::MutexLock lock(&other.mu_);
  for (const auto& rows : other.columns_) columns_.push_back(std::make_shared<Rows>(*rows));
}

std::unique_ptr<ReadView> MemoryEngine::Snapshot() const {
  absl::MutexLock lock(&mu_);
  return std::make_unique<View>(&mu_, columns_);
}

absl::Status MemoryEngine::Write(const WriteBatch& batch) {
  absl::MutexLock lock(&mu_);
  for (const WriteBatch::Precondition& required : batch.preconditions()) {
    const Rows& rows = *columns_.at(required.column);
    const auto row = rows.find(required.key);
    const bool holds = required.value.has_value()
                           ? row != rows.end() && row->second == *required.value
                           : row == rows.end();
    if (!holds) return absl::AbortedError("a precondition of the batch does not hold");
  }
  for (const WriteBatch::Change& change : batch.changes()) {
    std::shared_ptr<Rows>& rows = columns_.at(change.column);
    if (rows.use_count() > 1) rows = std::make_shared<Rows>(*rows);
    switch (change.kind) {
      case WriteBatch::Change::Kind::kPut:
        (*rows)[change.key] = change.value;
        break;
      case WriteBatch::Change::Kind::kDelete:
        rows->erase(change.key);
        break;
      case WriteBatch::Change::Kind::kDeleteRange:
        CHECK(change.key <= change.value);
        rows->erase(rows->lower_bound(change.key), rows->lower_bound(change.value));
        break;
    }
  }
  return absl::OkStatus();
}

}  // namespace nightlog
