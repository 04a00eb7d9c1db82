#ifndef NIGHTLOG_STORAGE_CORE_EDIT_TIME_H_
#define NIGHTLOG_STORAGE_CORE_EDIT_TIME_H_

#include "absl/time/time.h"
#include "nightlog/v1/records.pb.h"
#include "nightlog/v1/sync.pb.h"

namespace nightlog {

// When a tap really happened, as well as the server can know. Phones have wrong clocks, set them,
// and restart; none of that is a reason to refuse anything.
//
// `made` is the device's reading at the tap, `sent` its reading as the push was sent, `received`
// the server's time as the push came in. On one boot the monotonic clock tells the age of the tap:
// received − (sent.monotonic − made.monotonic). Otherwise the wall clock does, corrected by its
// error now: made.wall + (received − sent.wall). The result is never after `received`.
absl::Time EstimateEditTime(const v1::ClockReading& made, const v1::ClockReading& sent,
                            absl::Time received);

// `estimate` within [floor, received], where `floor` is the estimate of the newest version the edit
// saw: an edit is not older than what it replaces, and a clock in the future gains nothing.
absl::Time ClampEditTime(absl::Time estimate, absl::Time floor, absl::Time received);

// Errors of a device's clock smaller than this are left alone: they are within what a push takes on
// a slow network, and nights are logged by the minute.
constexpr absl::Duration kClockErrorTolerated = absl::Seconds(30);

// Corrects the tapped times of `interval` by the error of the device's clock, which is `estimate` −
// made.wall, and keeps what the clock said as the raw value, which also marks the time as looked
// at: a tapped time that has a raw value is left alone, since another tap, perhaps on another
// phone, made it. An error below kClockErrorTolerated corrects nothing. What is tapped is not
// later than the tap: a phone whose clock is behind ends an entry at its begin, which may be later
// than that clock, and this too becomes the time of the tap. Typed times are never touched. The
// interval stays valid: a tapped end never moves before its begin, nor a tapped begin past a typed
// end.
void CorrectTappedTimes(absl::Time estimate, absl::Time made_wall, v1::Interval& interval);

}  // namespace nightlog

#endif  // NIGHTLOG_STORAGE_CORE_EDIT_TIME_H_
