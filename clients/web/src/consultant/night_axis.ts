// Nights side by side on one axis of local clock time: where each stretch of a night lies, for the
// raster of a family's page and for the printed diary. Pure.
import type { Instant, LocalDate, NightPhase, NightSummary } from '../model/types.ts';
import { wallTimeOf } from '../ui/local_time.ts';

const kDayMin = 24 * 60;
const kNoonMin = 12 * 60;

// Minutes between noon of `date` and `at`, as clocks in the night's zone show them. A night on which
// clocks change is an hour longer or shorter than it looks here; its figures are not.
export function minutesAfterNoon(at: Instant, date: LocalDate, zone: string): number {
  const wall = wallTimeOf(at, zone);
  const days = Math.round((Date.parse(wall.date) - Date.parse(date)) / (kDayMin * 60_000));
  const [hours, minutes] = wall.time.split(':').map(Number) as [number, number];
  return days * kDayMin + hours * 60 + minutes - kNoonMin;
}

export type BarKind = 'asleep' | 'awake' | 'settling' | 'nap';

// A stretch of a night, in minutes after noon of its date.
export interface Bar {
  kind: BarKind;
  from: number;
  to: number;
  // Still going on.
  open: boolean;
}

export interface NightRow {
  date: LocalDate;
  // Absent: nothing was logged of that night.
  night?: NightSummary;
  bars: Bar[];
  putDown?: number;
  rise?: number;
}

const kKindOf: Partial<Record<NightPhase, BarKind>> = {
  asleep: 'asleep',
  awake: 'awake',
  settling: 'settling',
};

// True: the night of that date is now, and nobody has logged the rise. Its figures still change.
export function isUnderWay(night: NightSummary, now: Instant): boolean {
  const place = minutesAfterNoon(now, night.date, night.zone);
  return night.riseAt === undefined && place >= 0 && place < kDayMin;
}

// The row of one night. What goes on reaches until `now`, but never past the next noon.
export function nightRow(night: NightSummary, now: Instant): NightRow {
  const place = (at: Instant) => minutesAfterNoon(at, night.date, night.zone);
  const until = Math.min(place(now), kDayMin);
  const row: NightRow = { date: night.date, night, bars: [] };
  const add = (kind: BarKind, began: Instant, ended: Instant | undefined) => {
    const from = place(began);
    const to = ended ? place(ended) : Math.max(from, until);
    row.bars.push({ kind, from, to: Math.max(from, to), open: !ended });
  };
  for (const span of night.naps) add('nap', span.beganAt, span.endedAt);
  for (const span of night.timeline) {
    const kind = span.phase && kKindOf[span.phase];
    if (kind) add(kind, span.beganAt, span.endedAt);
  }
  // The server's timeline ends with what has ended; the phase tells what goes on since, as long as it
  // is that night.
  const goesOn = night.phase && night.phase !== 'up' ? kKindOf[night.phase] : undefined;
  const drawn = row.bars.some((bar) => bar.open);
  if (goesOn && !drawn && night.phaseSince !== undefined && isUnderWay(night, now)) {
    add(goesOn, night.phaseSince, undefined);
  }
  if (night.putDownAt !== undefined) row.putDown = place(night.putDownAt);
  if (night.riseAt !== undefined) row.rise = place(night.riseAt);
  return row;
}

// One row a date, newest first, from the newest night back; dates without a night have empty rows.
export function nightRows(
  nights: readonly NightSummary[],
  count: number,
  now: Instant,
  newest = nights
    .map((night) => night.date)
    .sort()
    .at(-1) ?? '',
): NightRow[] {
  if (newest === '') return [];
  const byDate = new Map(nights.map((night) => [night.date, night]));
  return Array.from({ length: count }, (_, index) => {
    const date = new Date(Date.parse(newest) - index * kDayMin * 60_000).toISOString().slice(0, 10);
    const night = byDate.get(date);
    return night ? nightRow(night, now) : { date, bars: [] };
  });
}

// From and to, in minutes after noon, on whole hours.
export interface Axis {
  from: number;
  to: number;
}

// An axis on which all of the rows' night fits; at least 18:00 to 8:00, at most noon to noon. Naps
// do not widen it.
export function axisOf(rows: readonly NightRow[]): Axis {
  let from = 6 * 60;
  let to = 20 * 60;
  for (const row of rows) {
    for (const bar of row.bars) {
      if (bar.kind === 'nap') continue;
      from = Math.min(from, bar.from);
      to = Math.max(to, bar.to);
    }
    if (row.putDown !== undefined) from = Math.min(from, row.putDown);
    if (row.rise !== undefined) to = Math.max(to, row.rise);
  }
  return {
    from: Math.max(0, Math.floor(from / 60) * 60),
    to: Math.min(kDayMin, Math.ceil(to / 60) * 60),
  };
}

// Where `minute` lies on the axis, 0 to 1; what lies beside it is moved to its end.
export function share(axis: Axis, minute: number): number {
  return Math.min(1, Math.max(0, (minute - axis.from) / (axis.to - axis.from)));
}

// The hours to name below the axis, every `step`, as minutes after noon.
export function axisHours(axis: Axis, step: number): number[] {
  const hours: number[] = [];
  for (let minute = axis.from; minute <= axis.to; minute += 60) {
    if ((minute / 60 + 12) % step === 0) hours.push(minute);
  }
  return hours;
}

// `19:30` of minutes after noon.
export function clockOf(minute: number): string {
  const wall = (((minute + kNoonMin) % kDayMin) + kDayMin) % kDayMin;
  const two = (value: number) => String(value).padStart(2, '0');
  return `${two(Math.floor(wall / 60))}:${two(wall % 60)}`;
}
