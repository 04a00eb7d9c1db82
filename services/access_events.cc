#include "services/access_events.h"

#include <limits>
#include <string>
#include <utility>

#include "absl/algorithm/container.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/time/time.h"
#include "storage/column_families.h"
#include "storage/core/errors.h"
#include "storage/core/proto_time.h"
#include "storage/core/status_macros.h"
#include "storage/keys.h"

namespace nightlog {
namespace {

using storage::v1::StoredEvent;

constexpr int kPageDefault = 50;
constexpr absl::Duration kCountedTogether = absl::Hours(1);
constexpr uint64_t kNewest = std::numeric_limits<uint64_t>::max();

// What people or programs may do over and over; each of the others changes something.
bool MayComeOften(uint32_t kind) {
  switch (kind) {
    case v1::ACCESS_EVENT_KIND_INVITE_REFUSED:
    case v1::ACCESS_EVENT_KIND_REPLICA_RENEWED:
    case v1::ACCESS_EVENT_KIND_TOKEN_ROTATED:
    case v1::ACCESS_EVENT_KIND_FAMILY_EXPORTED:
    case v1::ACCESS_EVENT_KIND_QUARANTINE_ACCEPTED:
    case v1::ACCESS_EVENT_KIND_QUARANTINE_REFUSED:
      return true;
    default:
      return false;
  }
}

// The same, but for when and how often.
bool SaysTheSame(StoredEvent a, StoredEvent b) {
  for (StoredEvent* event : {&a, &b}) {
    event->clear_at();
    event->clear_count();
  }
  return a.SerializeAsString() == b.SerializeAsString();
}

v1::AccessEvent ToWire(uint64_t number, const StoredEvent& stored) {
  v1::AccessEvent event;
  event.set_number(number);
  event.set_kind(static_cast<v1::AccessEventKind>(stored.kind()));
  *event.mutable_at() = stored.at();
  event.set_actor_member_id(stored.actor_member_id());
  event.set_actor_device_id(stored.actor_device_id());
  event.set_subject_member_id(stored.subject_member_id());
  event.set_subject_device_id(stored.subject_device_id());
  event.set_role(static_cast<v1::Role>(stored.role()));
  event.set_consent_scope(static_cast<v1::ConsentScope>(stored.consent_scope()));
  if (stored.has_consent_until()) *event.mutable_consent_until() = stored.consent_until();
  event.set_invite_number(stored.invite_number());
  if (stored.has_invite_expires_at()) {
    *event.mutable_invite_expires_at() = stored.invite_expires_at();
  }
  event.set_count(stored.count());
  return event;
}

}  // namespace

StoredEvent EventBy(const DeviceId& device, const MemberId& member, v1::AccessEventKind kind) {
  StoredEvent event;
  event.set_kind(kind);
  event.set_actor_member_id(member.str());
  event.set_actor_device_id(device.str());
  return event;
}

absl::StatusOr<uint64_t> AddEvent(StoredEvent event, FamilyWriter& writer) {
  uint64_t number = 0;
  StoredEvent newest;
  RETURN_IF_ERROR(writer.reader().ScanEvents(kNewest, [&](uint64_t last, const StoredEvent& row) {
    number = last;
    newest = row;
    return false;
  }));
  *event.mutable_at() = ToProto(writer.now());
  if (number < writer.head().newest_event()) {
    // The newest one was lost; its number is not given again, so that it is missed.
    number = writer.head().newest_event() + 1;
  } else if (MayComeOften(event.kind()) && SaysTheSame(event, newest) &&
             writer.now() - FromProto(newest.at()) < kCountedTogether) {
    newest.set_count(newest.count() == 0 ? 2 : newest.count() + 1);
    event = newest;
  } else {
    ++number;
  }
  if (number != writer.head().newest_event()) writer.SetNewestEvent(number);
  writer.Put(kAccessColumn, EventKey(writer.family(), number), event);
  if (number > kEventsKept) {
    writer.Delete(kAccessColumn, EventKey(writer.family(), number - kEventsKept));
  }
  return number;
}

absl::Status AddVoidedInvites(const std::vector<DeviceId>& givers, StoredEvent event,
                              FamilyWriter& writer) {
  absl::flat_hash_set<uint64_t> closed;
  std::vector<std::pair<uint64_t, StoredEvent>> open;
  RETURN_IF_ERROR(writer.reader().ScanEvents(kNewest, [&](uint64_t number, const StoredEvent& row) {
    if (row.kind() == v1::ACCESS_EVENT_KIND_DEVICE_PAIRED ||
        row.kind() == v1::ACCESS_EVENT_KIND_INVITE_VOIDED) {
      closed.insert(row.invite_number());
    } else if (row.kind() == v1::ACCESS_EVENT_KIND_INVITE_GIVEN && !closed.contains(number) &&
               FromProto(row.invite_expires_at()) > writer.now() &&
               absl::c_any_of(givers, [&row](const DeviceId& giver) {
                 return giver.bytes() == row.actor_device_id();
               })) {
      open.emplace_back(number, row);
    }
    return true;
  }));
  event.set_kind(v1::ACCESS_EVENT_KIND_INVITE_VOIDED);
  for (auto invite = open.rbegin(); invite != open.rend(); ++invite) {
    event.set_subject_member_id(invite->second.actor_member_id());
    event.set_subject_device_id(invite->second.actor_device_id());
    event.set_role(invite->second.role());
    event.set_invite_number(invite->first);
    RETURN_IF_ERROR(AddEvent(event, writer).status());
  }
  return absl::OkStatus();
}

absl::StatusOr<v1::ListEventsResponse> ReadEvents(const FamilyReader& reader,
                                                  const v1::ListEventsRequest& request) {
  // The page token is the number that the page before ended at.
  uint64_t before = kNewest;
  if (!request.page_token().empty() && !absl::SimpleAtoi(request.page_token(), &before)) {
    return MakeError(absl::StatusCode::kInvalidArgument, v1::ERROR_REASON_PAGE_TOKEN,
                     "The page token is not one of this server; start over without it.");
  }
  const int page_size = request.page_size() > 0 ? request.page_size() : kPageDefault;
  v1::ListEventsResponse response;
  RETURN_IF_ERROR(reader.ScanEvents(before, [&](uint64_t number, const StoredEvent& row) {
    if (response.events_size() == page_size) {
      response.set_next_page_token(absl::StrCat(response.events(page_size - 1).number()));
      return false;
    }
    *response.add_events() = ToWire(number, row);
    return true;
  }));
  return response;
}

}  // namespace nightlog
