#ifndef NIGHTLOG_SERVICES_ACCESS_EVENTS_H_
#define NIGHTLOG_SERVICES_ACCESS_EVENTS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "nightlog/storage/v1/stored.pb.h"
#include "nightlog/v1/family_service.pb.h"
#include "services/access.h"
#include "storage/core/ids.h"
#include "storage/family_reader.h"
#include "storage/family_writer.h"

namespace nightlog {

// The trail of what happened to a family's access, for its people to read. An event is written in
// the commit of what it tells of, so neither is ever there alone. Pure functions over a view or a
// writer.

// An event that a device caused: the actor.
storage::v1::StoredEvent EventBy(const DeviceId& device, const MemberId& member,
                                 v1::AccessEventKind kind);

// Writes the event, dated now, and drops the oldest beyond kEventsKept; gives its number. What may
// come often and says the same as the newest one is counted there for an hour, so that a repeat
// pushes nothing out.
absl::StatusOr<uint64_t> AddEvent(storage::v1::StoredEvent event, FamilyWriter& writer);

// Tells of each open invite that one of the devices gave; call it in the commit that ends their
// access. `event` has the actor.
absl::Status AddVoidedInvites(const std::vector<DeviceId>& givers, storage::v1::StoredEvent event,
                              FamilyWriter& writer);

// One page, the newest first. INVALID_ARGUMENT (PAGE_TOKEN).
absl::StatusOr<v1::ListEventsResponse> ReadEvents(const FamilyReader& reader,
                                                  const v1::ListEventsRequest& request);

}  // namespace nightlog

#endif  // NIGHTLOG_SERVICES_ACCESS_EVENTS_H_
