// The boundaries of one night in one zone: services/sleep/local_time.h, for the phone. Durations are
// elapsed; only the questions "which night", "in the night window" and "by which clock time" are asked
// of a wall clock, each entry in its own zone.
import { addDays, instantOf } from '../ui/local_time.ts';
import type { Child, Instant, LocalDate, TimeOfDay, Zone } from './types.ts';

const DEFAULT_WINDOW = { start: '19:00', end: '07:00' };
const NOON = '12:00';

// The child's own night window, or the default where it is unset.
export function windowOf(child: Child): { start: TimeOfDay; end: TimeOfDay } {
  return child.nightWindow ?? DEFAULT_WINDOW;
}

function at(date: LocalDate, time: TimeOfDay, zone: Zone): Instant {
  const found = instantOf({ date, time }, zone);
  if (!found) throw new RangeError(`no time: ${date} ${time}`);
  return found.kind === 'twice' ? found.first : found.at;
}

// Night D (the evening of date D) in one zone. A clock time that a DST change skips or repeats is taken
// by the offset before the change.
export class NightFrame {
  // Each is asked for with every entry of the log, and is slow to work out.
  private readonly found = new Map<string, Instant>();
  // Windows of the nights D-2 to D+1.
  private readonly windows: readonly { begin: Instant; end: Instant }[];

  constructor(
    private readonly night: LocalDate,
    private readonly zone: Zone,
    window: { start: TimeOfDay; end: TimeOfDay },
  ) {
    // The window of a night is the one that begins between its noon and the next.
    const startDay = window.start < NOON ? 1 : 0;
    const endDay = startDay + (window.end <= window.start ? 1 : 0);
    this.windows = [-2, -1, 0, 1].map((day) => ({
      begin: this.on(day + startDay, window.start),
      end: this.on(day + endDay, window.end),
    }));
  }

  // That clock time on the date D + `day`.
  on(day: number, time: TimeOfDay): Instant {
    const key = `${day} ${time}`;
    let found = this.found.get(key);
    if (found === undefined) {
      found = at(addDays(this.night, day), time, this.zone);
      this.found.set(key, found);
    }
    return found;
  }

  get windowBegin(): Instant {
    return this.windows[2]?.begin ?? 0;
  }
  get windowEnd(): Instant {
    return this.windows[2]?.end ?? 0;
  }

  // True: at least half of [begin, end) lies in night windows; a tie is night.
  isNightSleep(begin: Instant, end: Instant): boolean {
    const inside = this.windows.reduce(
      (sum, window) => sum + Math.max(0, Math.min(end, window.end) - Math.max(begin, window.begin)),
      0,
    );
    return 2 * inside >= end - begin;
  }

  inWindow(time: Instant): boolean {
    return this.windows.some(({ begin, end }) => begin <= time && time < end);
  }

  // True: in noon(D)..noon(D+1).
  ownsNightTime(time: Instant): boolean {
    return this.on(0, NOON) <= time && time < this.on(1, NOON);
  }

  // True: the time has the date D.
  ownsDayTime(time: Instant): boolean {
    return this.on(0, '00:00') <= time && time < this.on(1, '00:00');
  }

  // True: something that happened then is told with night D: from noon to noon, but a morning outside
  // the window goes with its own date, as its naps do.
  owns(time: Instant): boolean {
    const morning = (day: number) => this.on(day, '00:00') <= time && time < this.on(day, NOON);
    const beforeNoon = morning(0) || morning(1);
    return beforeNoon && !this.inWindow(time) ? this.ownsDayTime(time) : this.ownsNightTime(time);
  }
}
