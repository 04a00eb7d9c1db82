#ifndef NIGHTLOG_SERVICES_CHANGE_READER_H_
#define NIGHTLOG_SERVICES_CHANGE_READER_H_

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <tuple>
#include <utility>

#include "absl/base/thread_annotations.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/optional.h"
#include "nightlog/v1/sync_service.pb.h"
#include "services/access.h"
#include "storage/engine/engine.h"

namespace nightlog {

// Reads what changed in one family since a cursor, part by part, as one device may see it: the one
// mechanism behind Follow and Watch. It holds a position in the feed and no view: each part may
// come from a newer view, since a record that changes meanwhile moves to a later place of the feed,
// and a bookmark is given only where the end of the feed is reached. So a slow reader skips to the
// newest state, and keeps no old one alive. Not thread-safe.
class ChangeReader {
 public:
  // Which kinds of records the reader wants, of those that it may see.
  using WantsKind = std::function<bool(uint32_t kind)>;

  // One part, in the words of Follow: a reset, records, a bookmark.
  struct Part {
    // Null: the reader is at the head.
    std::shared_ptr<const v1::FollowResponse> message;
    // Not null: the message serialised, once for all readers of the same.
    std::shared_ptr<const std::string> bytes;
  };

  // The newest small parts that lead from one revision of a family to its head, for the many
  // readers that wait for the same commit. Thread-safe.
  class SharedParts {
   public:
    // Whatever such a part is a function of: family, lineage, both revisions, the one backed up,
    // and what decides which kinds the reader sees.
    using Key =
        std::tuple<FamilyId, std::string, uint64_t, uint64_t, uint64_t, v1::Role, v1::ConsentScope>;

    // Without a message where there is none.
    Part Find(const Key& key);
    // Keeps the part unless it is large, and serialises it.
    Part Keep(const Key& key, Part part);

   private:
    static constexpr size_t kSlots = 64;
    absl::Mutex mu_;
    std::array<std::pair<Key, Part>, kSlots> slots_ ABSL_GUARDED_BY(mu_);
  };

  ChangeReader(const FamilyId& family, const DeviceId& device, const v1::Cursor& cursor,
               WantsKind wants_kind)
      : family_(family), device_(device), cursor_(cursor), wants_kind_(std::move(wants_kind)) {}

  const FamilyId& family() const { return family_; }

  // Until when the device could see the family at the last part.
  absl::Time access_until() const {
    return access_.has_value() ? access_->until : absl::InfiniteFuture();
  }

  // Makes the next part a reset, and everything follow from the beginning.
  void StartOver() { start_over_ = true; }

  // Reads the next part, about `bytes_max` of records. Begins with a reset where the cursor is of
  // another lineage, or where the device may see other kinds than before. PERMISSION_DENIED
  // (NO_ACCESS) when access has ended, FAILED_PRECONDITION (AHEAD_OF_SERVER) when the cursor is
  // ahead of the same lineage's head, DATA_LOSS for damaged storage. `shared`, if not null, saves
  // reading what another reader has read; all that use it want the same kinds.
  absl::StatusOr<Part> Next(const ReadView& view, absl::Time now, size_t bytes_max,
                            SharedParts* shared = nullptr);

 private:
  const FamilyId family_;
  const DeviceId device_;
  // The last bookmark given, or what the device said it holds.
  v1::Cursor cursor_;
  const WantsKind wants_kind_;
  // Where the scan of the feed goes on; empty: after cursor_.
  std::string position_;
  // What the device could see at the last part.
  absl::optional<Access> access_;
  bool start_over_ = false;
  // Even a reader at the head gets one bookmark, so that it can compare the state hash.
  bool bookmarked_ = false;
};

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_CHANGE_READER_H_
