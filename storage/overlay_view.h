#ifndef NIGHTLOG_STORAGE_OVERLAY_VIEW_H_
#define NIGHTLOG_STORAGE_OVERLAY_VIEW_H_

#include <map>
#include <memory>
#include <string>
#include <utility>

#include "storage/engine/engine.h"

namespace nightlog {

// A view with changes laid over it that are not written yet: reads see them, so that the second
// transaction of a batch sees the first. Overlays stack: a step that may fail works on one of its
// own, which is absorbed or dropped. Not thread-safe.
class OverlayView final : public ReadView {
 public:
  // `base` must outlive this and not change meanwhile.
  explicit OverlayView(const ReadView& base) : base_(base) {}

  absl::StatusOr<absl::optional<std::string>> Get(Column column,
                                                  absl::string_view key) const override;
  // The walk ends before the next Put, Delete or Absorb.
  std::unique_ptr<Iterator> Scan(Column column, absl::string_view start, absl::string_view limit,
                                 ScanOrder order) const override;

  void Put(Column column, absl::string_view key, std::string value);
  void Delete(Column column, absl::string_view key);

  bool empty() const { return changes_.empty(); }

  // Takes over the changes of an overlay that lies on this one.
  void Absorb(OverlayView&& above);

  // Adds the changes to `batch`.
  void AppendTo(WriteBatch& batch) const;

 private:
  // Also compares with a key that is only looked for.
  struct KeyBefore {
    using is_transparent = void;
    template <typename A, typename B>
    bool operator()(const A& a, const B& b) const {
      return a.first != b.first ? a.first < b.first : absl::string_view(a.second) < b.second;
    }
  };
  // By column and key; nullopt: deleted.
  using Changes = std::map<std::pair<Column, std::string>, absl::optional<std::string>, KeyBefore>;

  class MergingIterator;

  const ReadView& base_;
  Changes changes_;
};

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_OVERLAY_VIEW_H_
