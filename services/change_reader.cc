#include "services/change_reader.h"

#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "storage/core/check.h"
#include "storage/core/errors.h"
#include "storage/core/hash.h"
#include "storage/core/planted_defect.h"
#include "storage/core/record_state.h"
#include "storage/core/status_macros.h"
#include "storage/family_reader.h"
#include "storage/keys.h"

namespace nightlog {

ChangeReader::Part ChangeReader::SharedParts::Find(const Key& key) {
  absl::MutexLock lock(&mu_);
  const auto& [kept_key, part] = slots_[absl::HashOf(key) % kSlots];
  return kept_key == key ? part : Part();
}

ChangeReader::Part ChangeReader::SharedParts::Keep(const Key& key, Part part) {
  constexpr size_t kBytesMax = 16 << 10;
  part.bytes = std::make_shared<const std::string>(part.message->SerializeAsString());
  if (part.bytes->size() > kBytesMax) return part;
  absl::MutexLock lock(&mu_);
  slots_[absl::HashOf(key) % kSlots] = {key, part};
  return part;
}

absl::StatusOr<ChangeReader::Part> ChangeReader::Next(const ReadView& view, absl::Time now,
                                                      size_t bytes_max, SharedParts* shared) {
  const FamilyReader reader(view, family_);
  if (Planted("consent_expiry_at_open_only") && access_.has_value()) now = absl::InfinitePast();
  absl::StatusOr<Access> authorized = Authorize(reader, device_, now);
  if (Planted("revocation_at_open_only") && access_.has_value()) authorized = *access_;
  ASSIGN_OR_RETURN(const Access access, authorized);
  ASSIGN_OR_RETURN(const absl::optional<storage::v1::FamilyHead> head, reader.Head());
  CHECK(head.has_value());  // a family without a head has no devices

  auto message = std::make_shared<v1::FollowResponse>();
  const bool sees_other_kinds =
      access_.has_value() &&
      (access_->role != access.role || access_->consent_scope != access.consent_scope);
  access_ = access;
  const bool other_lineage = cursor_.lineage() != head->lineage() && cursor_.revision() != 0 &&
                             !Planted("no_reset_for_another_lineage");
  if (other_lineage || sees_other_kinds || std::exchange(start_over_, false)) {
    message->mutable_reset()->set_lineage(head->lineage());
    cursor_.set_revision(0);
    if (!Planted("reset_goes_on_where_it_was")) position_.clear();
  } else if (cursor_.revision() > head->revision()) {
    return MakeError(
        absl::StatusCode::kFailedPrecondition, v1::ERROR_REASON_AHEAD_OF_SERVER,
        absl::StrCat("This device holds revision ", cursor_.revision(), " but the server only ",
                     head->revision(), ": the server lost data. Restore its newest backup."),
        {{"device_revision", absl::StrCat(cursor_.revision())},
         {"server_revision", absl::StrCat(head->revision())}});
  }
  const bool bookmarked = bookmarked_ && cursor_.lineage() == head->lineage() &&
                          position_.empty() && cursor_.revision() == head->revision();
  if (bookmarked) return Part();

  const auto sees = [&](uint32_t kind) {
    return (MayRead(access.role, access.consent_scope, kind) || Planted("scope_ignored")) &&
           wants_kind_(kind);
  };
  if (!position_.empty() || message->has_reset()) shared = nullptr;
  SharedParts::Key key(family_, head->lineage(), cursor_.revision(), head->revision(),
                       head->backed_up_revision(), access.role, access.consent_scope);
  if (Planted("parts_shared_across_roles")) {
    std::get<5>(key) = v1::ROLE_OWNER;
    std::get<6>(key) = v1::CONSENT_SCOPE_UNSPECIFIED;
  }
  if (Planted("parts_shared_across_backups")) std::get<4>(key) = 0;
  if (shared != nullptr) {
    if (Part part = shared->Find(key); part.message != nullptr) {
      bookmarked_ = true;
      cursor_ = part.message->bookmark().cursor();
      return part;
    }
  }
  if (position_.empty()) position_ = FeedKeyAfter(family_, cursor_.revision());
  size_t bytes = 0;
  bool full = false;
  absl::Status damaged;
  RETURN_IF_ERROR(reader.ScanFeed(position_, [&](absl::string_view key, const RecordId& id) {
    if (bytes >= bytes_max) {
      full = true;
      position_ = std::string(key);
      if (Planted("record_lost_between_messages")) position_.push_back('\0');
      return false;
    }
    auto stored = reader.Record(id);
    if (!stored.ok() || !stored->has_value()) {
      damaged = stored.ok() ? DamagedRow() : stored.status();
      return false;
    }
    if (!sees((*stored)->kind())) return true;
    v1::Record& record = *message->add_records();
    if (!RecordToWire(id.bytes(), **stored, record)) {
      damaged = DamagedRow();
      return false;
    }
    bytes += record.ByteSizeLong();
    return true;
  }));
  RETURN_IF_ERROR(damaged);
  if (full && !Planted("bookmark_before_its_records")) return Part{std::move(message), nullptr};

  v1::Bookmark& bookmark = *message->mutable_bookmark();
  bookmarked_ = true;
  cursor_.set_lineage(head->lineage());
  cursor_.set_revision(head->revision());
  position_.clear();
  *bookmark.mutable_cursor() = cursor_;
  StateHash state_hash;
  for (const storage::v1::KindHash& kind_hash : head->kind_hashes()) {
    if (sees(kind_hash.kind())) state_hash.Add(StateHash(kind_hash.sum()));
  }
  bookmark.set_state_hash(state_hash.bytes());
  bookmark.set_backed_up_revision(Planted("backed_up_too_early") ? head->revision()
                                                                 : head->backed_up_revision());
  Part part{std::move(message), nullptr};
  return shared != nullptr && !full ? shared->Keep(key, std::move(part)) : part;
}

}  // namespace nightlog
