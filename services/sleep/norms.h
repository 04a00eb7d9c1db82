// Age, and what children of an age are said to sleep: context to show beside a child's numbers,
// never a target and never a grade (METRICS.md, section 3). Only figures that were read in a source
// stand here.
#ifndef NIGHTLOG_SERVICES_SLEEP_NORMS_H_
#define NIGHTLOG_SERVICES_SLEEP_NORMS_H_

#include "absl/time/civil_time.h"
#include "absl/types/optional.h"
#include "nightlog/v1/records.pb.h"

namespace nightlog::sleep {

// Completed months on `day`, counted from the due date for a child born before it, else from the
// birth date; 0 before that date. nullopt without a birth date.
absl::optional<int> AgeInMonths(const v1::Child& child, absl::CivilDay day);

// From `low` to `high` hours, both included.
struct HoursRange {
  double low = 0;
  double high = 0;
};

// Hours of sleep in 24 for an age.
struct SleepNorm {
  // National Sleep Foundation 2015: recommended, and may be appropriate.
  HoursRange recommended;
  HoursRange may_be_appropriate;
  // American Academy of Sleep Medicine 2016; it issued none below 4 months.
  absl::optional<HoursRange> aasm;
  // Galland 2012, fit to observed totals: 10.49 − 5.56·(√(years/10) − 0.71). Undefined below half a
  // year, where the fit was not read.
  absl::optional<double> observed_mean;
};

// The norm of an age; nullopt below 0 and from 36 months, the end of the table.
absl::optional<SleepNorm> NormFor(int age_months);

}  // namespace nightlog::sleep

#endif  // NIGHTLOG_SERVICES_SLEEP_NORMS_H_
