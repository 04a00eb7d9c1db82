#include "storage/overlay_view.h"

#include <algorithm>
#include <vector>

#include "storage/column_families.h"
#include "storage/core/planted_defect.h"
#include "storage/core/status_macros.h"

namespace nightlog {

// Walks the base and the changes together, in key order; a change hides the base's row.
class OverlayView::MergingIterator final : public Iterator {
 public:
  using Change = std::pair<absl::string_view, const absl::optional<std::string>*>;

  // `changes` are in the order of the walk.
  MergingIterator(std::unique_ptr<Iterator> base, std::vector<Change> changes, ScanOrder order)
      : base_(std::move(base)), changes_(std::move(changes)), order_(order) {
    Settle();
  }

  bool Valid() const override { return base_->status().ok() && (at_change_ || base_->Valid()); }
  absl::string_view key() const override {
    return at_change_ ? changes_[next_].first : base_->key();
  }
  absl::string_view value() const override {
    return at_change_ ? absl::string_view(**changes_[next_].second) : base_->value();
  }
  void Next() override {
    if (at_change_) {
      SkipChange();
    } else {
      base_->Next();
    }
    Settle();
  }
  absl::Status status() const override { return base_->status(); }

 private:
  bool ChangeComesFirst() const {
    if (!base_->Valid()) return true;
    const absl::string_view change = changes_[next_].first;
    return order_ == ScanOrder::kAscending ? change <= base_->key() : change >= base_->key();
  }

  // Steps over the change, and over the base's row that it hides.
  void SkipChange() {
    if (base_->Valid() && base_->key() == changes_[next_].first) base_->Next();
    ++next_;
  }

  void Settle() {
    while (next_ < changes_.size() && ChangeComesFirst() && !changes_[next_].second->has_value()) {
      SkipChange();
    }
    at_change_ = next_ < changes_.size() && ChangeComesFirst();
  }

  const std::unique_ptr<Iterator> base_;
  const std::vector<Change> changes_;
  const ScanOrder order_;
  size_t next_ = 0;
  bool at_change_ = false;
};

absl::StatusOr<absl::optional<std::string>> OverlayView::Get(Column column,
                                                             absl::string_view key) const {
  const auto it = changes_.find(std::make_pair(column, key));
  const bool hidden = column == kReplicaColumn && Planted("dedupe_blind_to_its_batch");
  if (it != changes_.end() && !hidden) return it->second;
  return base_.Get(column, key);
}

std::unique_ptr<Iterator> OverlayView::Scan(Column column, absl::string_view start,
                                            absl::string_view limit, ScanOrder order) const {
  std::vector<MergingIterator::Change> changes;
  for (auto it = changes_.lower_bound(std::make_pair(column, start));
       it != changes_.end() && it->first.first == column &&
       (limit.empty() || it->first.second < limit);
       ++it) {
    changes.emplace_back(it->first.second, &it->second);
  }
  if (column == kAccessColumn && Planted("access_scanned_without_its_batch")) changes.clear();
  if (order == ScanOrder::kDescending) std::reverse(changes.begin(), changes.end());
  return std::make_unique<MergingIterator>(base_.Scan(column, start, limit, order),
                                           std::move(changes), order);
}

void OverlayView::Put(Column column, absl::string_view key, std::string value) {
  changes_[{column, std::string(key)}] = std::move(value);
}

void OverlayView::Delete(Column column, absl::string_view key) {
  changes_[{column, std::string(key)}] = absl::nullopt;
}

void OverlayView::Absorb(OverlayView&& above) {
  while (!above.changes_.empty()) {
    auto absorbed = changes_.insert(above.changes_.extract(above.changes_.begin()));
    if (!absorbed.inserted) absorbed.position->second = std::move(absorbed.node.mapped());
  }
}

void OverlayView::AppendTo(WriteBatch& batch) const {
  for (const auto& [key, value] : changes_) {
    if (value.has_value()) {
      batch.Put(key.first, key.second, *value);
    } else {
      batch.Delete(key.first, key.second);
    }
  }
}

}  // namespace nightlog
