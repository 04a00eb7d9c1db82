#include "services/sleep/norms.h"

#include <algorithm>
#include <cmath>

#include "services/sleep/local_time.h"

namespace nightlog::sleep {

absl::optional<int> AgeInMonths(const v1::Child& child, absl::CivilDay day) {
  const auto birth = ParseDay(child.birth_date());
  if (!birth) return absl::nullopt;
  const absl::CivilDay from = std::max(*birth, ParseDay(child.due_date()).value_or(*birth));
  const int months = static_cast<int>(absl::CivilMonth(day) - absl::CivilMonth(from));
  return std::max(0, day.day() < from.day() ? months - 1 : months);
}

absl::optional<SleepNorm> NormFor(int age_months) {
  struct Row {
    int below_months;
    HoursRange recommended;
    HoursRange may_be_appropriate;
  };
  // The age bands of NSF 2015: 0–3 months, 4–11 months, 1–2 years.
  constexpr Row kRows[] = {
      {4, {14, 17}, {11, 19}},
      {12, {12, 15}, {10, 18}},
      {36, {11, 14}, {9, 16}},
  };
  if (age_months < 0) return absl::nullopt;
  for (const Row& row : kRows) {
    if (age_months >= row.below_months) continue;
    SleepNorm norm;
    norm.recommended = row.recommended;
    norm.may_be_appropriate = row.may_be_appropriate;
    if (age_months >= 4) norm.aasm = age_months < 12 ? HoursRange{12, 16} : HoursRange{11, 14};
    if (age_months >= 6) {
      norm.observed_mean = 10.49 - 5.56 * (std::sqrt(age_months / 120.0) - 0.71);
    }
    return norm;
  }
  return absl::nullopt;
}

}  // namespace nightlog::sleep
