// Two weeks on one page, as a doctor or a sleep clinic asks for them. Pure.
import type { Instant, LocalDate, NightSummary } from '../model/types.ts';
import { addDays } from '../ui/local_time.ts';
import { isUnderWay, type NightRow, nightRow } from './night_axis.ts';

export const kDiaryNights = 14;

export interface DiaryPage {
  from: LocalDate;
  to: LocalDate;
  // Oldest first, one a date, with empty rows where nothing was logged.
  rows: NightRow[];
  // Means over the complete nights that know the figure; undefined below kMeanNightsMin.
  means: {
    solMin?: number;
    nwak?: number;
    wasoMin?: number;
    tstNightMin?: number;
    tst24Min?: number;
  };
  // Nights the means stand on, at most: the complete ones.
  complete: number;
}

// A mean of fewer nights is not one.
export const kMeanNightsMin = 7;

// The two weeks that end with the night of `to`.
export function diaryPage(nights: readonly NightSummary[], to: LocalDate, now: Instant): DiaryPage {
  const from = addDays(to, 1 - kDiaryNights);
  const byDate = new Map(nights.map((night) => [night.date, night]));
  const rows: NightRow[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) {
    const night = byDate.get(date);
    rows.push(night ? nightRow(night, now) : { date, bars: [] });
  }
  const complete = rows.flatMap(({ night }) =>
    night?.status === 'complete' && !isUnderWay(night, now) ? [night] : [],
  );
  const means: DiaryPage['means'] = {};
  for (const key of ['solMin', 'nwak', 'wasoMin', 'tstNightMin', 'tst24Min'] as const) {
    const known = complete.flatMap((night) => night[key] ?? []);
    if (known.length < kMeanNightsMin) continue;
    means[key] = known.reduce((sum, value) => sum + value, 0) / known.length;
  }
  return { from, to, rows, means, complete: complete.length };
}
