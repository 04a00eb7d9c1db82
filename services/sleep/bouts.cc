#include "services/sleep/bouts.h"

#include <algorithm>

namespace nightlog::sleep {
namespace {

// Begin of the first event after `time`; InfiniteFuture without one.
absl::Time FirstAfter(absl::Span<const Event> events, absl::Time time) {
  const auto next =
      std::upper_bound(events.begin(), events.end(), time,
                       [](absl::Time at, const Event& event) { return at < event.begin; });
  return next == events.end() ? absl::InfiniteFuture() : next->begin;
}

// Closes or ignores open sleeps. Returns the sleeps that count, those still open among them.
std::vector<const Event*> CloseSleeps(const EventsByKind& events,
                                      std::vector<const Event*>* imputed) {
  std::vector<const Event*> counted;
  counted.reserve(events.sleeps.size());
  absl::Time covered_until = absl::InfinitePast();
  for (size_t i = 0; i < events.sleeps.size(); ++i) {
    Event& sleep = events.sleeps[i];
    if (!sleep.open) {
      covered_until = std::max(covered_until, sleep.end);
      counted.push_back(&sleep);
      continue;
    }
    const Event* twin = nullptr;
    absl::Time next_sleep = absl::InfiniteFuture();
    bool covered = sleep.begin < covered_until;
    for (size_t j = i + 1; j < events.sleeps.size() && !covered && !twin; ++j) {
      const Event& later = events.sleeps[j];
      const bool same_event = later.begin <= sleep.begin + kSameEvent &&
                              later.source->member_id != sleep.source->member_id;
      if (later.begin == sleep.begin) {
        covered = !later.open;
      } else if (!same_event) {
        next_sleep = later.begin;
        break;
      } else if (!later.open) {
        twin = &later;
      }
    }
    if (covered) continue;
    if (twin != nullptr) {
      sleep.end = twin->end;
    } else {
      const absl::Time close =
          std::min({FirstAfter(events.awakes, sleep.begin), FirstAfter(events.cryings, sleep.begin),
                    FirstAfter(events.rises, sleep.begin)});
      if (close < next_sleep && close - sleep.begin <= kImputeReach) sleep.end = close;
    }
    if (sleep.end > sleep.begin) {
      sleep.open = false;
      imputed->push_back(&sleep);
    }
    counted.push_back(&sleep);
  }
  return counted;
}

// Appends `sleep`, a union of sleeps, without the wakings seen within it.
void AppendWithoutWakings(const Bout& sleep, const EventsByKind& events, std::vector<Bout>* bouts) {
  absl::Time asleep_from = sleep.begin;
  for (const Event& awake : events.awakes) {
    if (awake.begin >= sleep.end) break;
    absl::Time awake_until = awake.end;
    if (awake.open) {
      const absl::Time next_sleep = FirstAfter(events.sleeps, awake.begin);
      if (next_sleep < sleep.end) awake_until = next_sleep;
    }
    if (awake_until < asleep_from) continue;
    if (awake.begin > asleep_from) {
      bouts->push_back({asleep_from, awake.begin, false, sleep.zone});
    }
    asleep_from = awake_until;
  }
  if (asleep_from < sleep.end) bouts->push_back({asleep_from, sleep.end, false, sleep.zone});
}

}  // namespace

std::vector<Bout> FindBouts(const EventsByKind& events, std::vector<const Event*>* imputed) {
  std::vector<Bout> bouts;
  bouts.reserve(events.sleeps.size() + events.awakes.size());
  absl::optional<Bout> united;
  const auto flush = [&] {
    if (united) AppendWithoutWakings(*united, events, &bouts);
    united.reset();
  };
  for (const Event* sleep : CloseSleeps(events, imputed)) {
    if (united && sleep->begin <= united->end && (!sleep->open || sleep->begin < united->end)) {
      united->end = std::max(united->end, sleep->end);
      continue;
    }
    flush();
    const absl::string_view zone = sleep->source->entry->interval().zone();
    if (sleep->open) {
      bouts.push_back({sleep->begin, sleep->begin, true, zone});
    } else {
      united = {sleep->begin, sleep->end, false, zone};
    }
  }
  flush();
  return bouts;
}

}  // namespace nightlog::sleep
