// What the charts of a family's page show. Pure.
import type {
  CaregiverNight,
  Id,
  LocalDate,
  Measure,
  NightSummary,
  PlanSegment,
} from '../model/types.ts';
import { addDays } from '../ui/local_time.ts';

export const kMeasures: readonly Measure[] = [
  'sol',
  'nwak',
  'waso',
  'longest_stretch',
  'cry',
  'tst_night',
];

// The figure of a night; undefined where it is not known. An incomplete night has none: its wakings
// are a lower bound, and would look better than they were.
export function figureOf(measure: Measure, night: NightSummary): number | undefined {
  if (night.status !== 'complete') return undefined;
  switch (measure) {
    case 'sol':
      return night.solMin;
    case 'nwak':
      return night.nwak;
    case 'waso':
      return night.wasoMin;
    case 'longest_stretch':
      return night.longestStretchMin;
    case 'cry':
      return night.cryMin;
    case 'tst_night':
      return night.tstNightMin;
  }
}

export interface Series {
  // Every date from the first to the last night.
  dates: LocalDate[];
  // One a date; null: not known.
  values: (number | null)[];
  // Median of the last up to three known nights under the same plan; null before there are three.
  // This is the "now" of the server's trends, for every night.
  medians: (number | null)[];
}

export function medianOf(values: readonly number[]): number | undefined {
  if (values.length === 0) return undefined;
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1]! + sorted[middle]!) / 2;
}

const kMedianNights = 3;

// `nights` of one child, in any order, cut to `from`..`to`, both included. Never a median across a
// switch of plan: after it nights are counted afresh.
export function seriesOf(
  measure: Measure,
  nights: readonly NightSummary[],
  segments: readonly PlanSegment[],
  from: LocalDate,
  to: LocalDate,
): Series {
  const byDate = new Map(nights.map((night) => [night.date, night]));
  const switches = new Set(segments.map((segment) => segment.firstNight));
  const series: Series = { dates: [], values: [], medians: [] };
  let known: number[] = [];
  for (let date = from; date <= to; date = addDays(date, 1)) {
    if (switches.has(date)) known = [];
    const night = byDate.get(date);
    const value = night && figureOf(measure, night);
    if (value !== undefined) known = [...known, value].slice(-kMedianNights);
    const enough = value !== undefined && known.length === kMedianNights;
    series.dates.push(date);
    series.values.push(value ?? null);
    series.medians.push(enough ? medianOf(known)! : null);
  }
  return series;
}

// One caregiver over some nights.
export interface CaregiverColumn {
  memberId: Id;
  // Nights on which they answered.
  nights: number;
  responses: number;
  // Responses at each level, 0 to 6.
  byLevel: number[];
  // Of the responses that a plan scored; absent below kScoredMin: not a number to show.
  adherencePct?: number;
}

// As the server's `low_n`: fewer responses than this say nothing about a person.
export const kScoredMin = 3;
const kLevels = 7;

// Caregivers side by side, in the order of `members`: nobody is ranked. A night's percentage weighs
// as much as the responses it stands for.
export function caregiverColumns(
  nights: readonly NightSummary[],
  members: readonly Id[],
): CaregiverColumn[] {
  const columns = new Map<Id, CaregiverColumn & { scored: number; kept: number }>();
  const add = (caregiver: CaregiverNight) => {
    if (caregiver.responses === 0) return;
    let column = columns.get(caregiver.memberId);
    if (!column) {
      column = {
        memberId: caregiver.memberId,
        nights: 0,
        responses: 0,
        byLevel: Array(kLevels).fill(0),
        scored: 0,
        kept: 0,
      };
      columns.set(caregiver.memberId, column);
    }
    column.nights++;
    column.responses += caregiver.responses;
    for (let level = 0; level < kLevels; level++) {
      column.byLevel[level]! += caregiver.byLevel[level] ?? 0;
    }
    if (caregiver.adherencePct !== undefined) {
      column.scored += caregiver.responses;
      column.kept += (caregiver.adherencePct * caregiver.responses) / 100;
    }
  };
  for (const night of nights) for (const caregiver of night.caregivers) add(caregiver);
  return [...columns.values()]
    .sort((a, b) => members.indexOf(a.memberId) - members.indexOf(b.memberId))
    .map(({ scored, kept, ...column }) =>
      scored >= kScoredMin ? { ...column, adherencePct: (100 * kept) / scored } : column,
    );
}
