// What the child does now, and the night so far, from the entries on this phone: the rules of
// services/sleep/night.h as far as the screen needs them at once. Pure.
import { nightOf } from '../ui/local_time.ts';
import type { Change, NewEntry } from './app.ts';
import { type Bout, type Event, findBouts, SAME_EVENT_MS } from './bouts.ts';
import { newRecordId } from './ids.ts';
import { NightFrame, windowOf } from './night_frame.ts';
import type {
  Child,
  EntryDetail,
  EntryKind,
  Id,
  Instant,
  LocalDate,
  RecordOf,
  TimelineSpan,
  Zone,
} from './types.ts';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const ENTRY_LENGTH_MAX_MS = 16 * HOUR_MS;
const PUT_DOWN_BEFORE_WINDOW_MS = 3 * HOUR_MS;
const WAKING_MIN_MS = MINUTE_MS;
// The night's entries begin between these times of the day before and of the second day after.
const ENTRIES_FROM = '08:00';
const LATEST_RISE = '15:00';
const DEFAULT_RISE = '06:00';

export type Phase = 'before' | 'settling' | 'asleep' | 'awake' | 'crying' | 'up';

// What one tap can say next.
export type TapKind = 'putDown' | 'asleep' | 'awake' | 'crying' | 'calm' | 'rise';

export interface Span {
  begin: Instant;
  // Absent: still going on, as far as is known.
  end?: Instant;
}

export interface Tonight {
  childId: Id;
  // The local date of the evening.
  date: LocalDate;
  phase: Phase;
  // Since when; absent before anything is logged.
  since?: Instant;
  putDownAt?: Instant;
  onsetAt?: Instant;
  riseAt?: Instant;
  // Settling, asleep and awake, disjoint and in order; the last may be open.
  timeline: TimelineSpan[];
  // The night's sleeps, disjoint and in order.
  sleeps: Span[];
  // As logged, in order; an open one that a sleep or rise ended has its end.
  crying: Span[];
  responses: RecordOf<'logEntry'>[];
  // True: a sleep has no end that can be known; only lower bounds are certain.
  incomplete: boolean;
  // Minutes; absent: not known, which is never zero.
  solMin?: number;
  wakings?: number;
  wasoMin?: number;
  // What is likely tapped next, the most likely first.
  next: TapKind[];
  // Sleeps, wakings and cryings of now that have no end yet.
  openEntries: RecordOf<'logEntry'>[];
}

type Entry = RecordOf<'logEntry'>;

function optional<K extends string>(key: K, value: number | undefined): { [P in K]?: number } {
  return (value === undefined ? {} : { [key]: value }) as { [P in K]?: number };
}

class Reader {
  private readonly frames = new Map<Zone, NightFrame>();
  private readonly home: NightFrame;
  private readonly entries: readonly Entry[];
  private readonly events: Record<EntryKind, Event[]>;
  private readonly allBouts: Bout[];
  private readonly putDown: Event | undefined;
  private readonly bouts: Bout[] = [];
  private readonly naps: Bout[] = [];
  private readonly riseAt: Instant | undefined;

  constructor(
    private readonly childId: Id,
    private readonly child: Child,
    private readonly date: LocalDate,
    entries: readonly Entry[],
  ) {
    this.home = this.frame(child.homeZone);
    const from = this.home.on(-1, ENTRIES_FROM);
    const until = this.home.on(2, ENTRIES_FROM);
    this.entries = entries
      .filter(({ body: { childId: of, interval } }) => {
        return of === childId && interval.beganAt >= from && interval.beganAt < until;
      })
      .sort((a, b) => a.body.interval.beganAt - b.body.interval.beganAt || (a.id < b.id ? -1 : 1));
    this.events = this.readEvents();
    this.allBouts = findBouts(this.events);
    this.putDown = this.findPutDown();
    for (const bout of this.allBouts) {
      if (this.isNight(bout)) {
        const before = this.putDown && !bout.open && bout.end <= this.putDown.begin;
        (before ? this.naps : this.bouts).push(bout);
      } else if (this.isNap(bout)) {
        this.naps.push(bout);
      }
    }
    this.riseAt = this.findRise();
  }

  read(now: Instant): Tonight {
    const first = this.bouts[0];
    const last = this.bouts.at(-1);
    const incomplete = this.bouts.some((bout) => bout.open);
    const crying = this.readCrying();
    const [phase, since] = this.phase(crying);
    const openEntries = this.entries.filter((entry) => this.isOpen(entry));
    return {
      childId: this.childId,
      date: this.date,
      phase,
      ...optional('since', since),
      ...optional('putDownAt', this.putDown?.begin),
      ...optional('onsetAt', first?.begin),
      ...optional('riseAt', this.riseAt),
      timeline: this.timeline(),
      sleeps: this.bouts.map(({ begin, end, open }) => (open ? { begin } : { begin, end })),
      crying,
      responses: this.entries.filter(({ body }) => {
        return body.detail.kind === 'response' && this.isTonight(body.interval.beganAt);
      }),
      incomplete,
      ...(first && optional('wakings', this.wakings())),
      ...(first &&
        last &&
        !incomplete && {
          ...optional('solMin', this.solMin(first)),
          wasoMin: this.wasoMin(first, last),
        }),
      next: this.next(phase, now),
      openEntries,
    };
  }

  private frame(zone: Zone): NightFrame {
    let frame = this.frames.get(zone);
    if (!frame) {
      frame = new NightFrame(this.date, zone, windowOf(this.child));
      this.frames.set(zone, frame);
    }
    return frame;
  }

  private readEvents(): Record<EntryKind, Event[]> {
    const events: Record<EntryKind, Event[]> = {
      putDown: [],
      sleep: [],
      awake: [],
      crying: [],
      response: [],
      feed: [],
      rise: [],
      note: [],
    };
    for (const { id, body, createdBy } of this.entries) {
      const { beganAt: begin, endedAt, zone } = body.interval;
      const { kind } = body.detail;
      const open = endedAt === undefined;
      const end = endedAt ?? begin;
      const lasts = kind === 'sleep' || kind === 'awake' || kind === 'crying';
      if (lasts && !open && (end <= begin || end - begin > ENTRY_LENGTH_MAX_MS)) continue;
      const memberId = body.caregiverId ?? createdBy ?? '';
      events[kind].push({ id, kind, memberId, begin, end, open, zone });
    }
    return events;
  }

  private isNight(bout: Bout): boolean {
    const frame = this.frame(bout.zone);
    if (!frame.ownsNightTime((bout.begin + bout.end) / 2)) return false;
    if (!bout.open) return frame.isNightSleep(bout.begin, bout.end);
    return (
      frame.inWindow(bout.begin) || (this.putDown !== undefined && this.putDown.begin <= bout.begin)
    );
  }

  private isNap(bout: Bout): boolean {
    const frame = this.frame(bout.zone);
    if (!frame.ownsDayTime((bout.begin + bout.end) / 2)) return false;
    return bout.open ? !frame.inWindow(bout.begin) : !frame.isNightSleep(bout.begin, bout.end);
  }

  private findPutDown(): Event | undefined {
    return this.events.putDown.find((event) => {
      const { windowBegin: begin, windowEnd: end } = this.frame(event.zone);
      if (event.begin < begin - PUT_DOWN_BEFORE_WINDOW_MS || event.begin >= end) return false;
      const next = this.allBouts.findIndex((bout) =>
        bout.open ? bout.begin >= event.begin : bout.end > event.begin,
      );
      const following = this.allBouts[next];
      if (following && !following.open && this.isNap(following)) return false;
      const before = next < 0 ? this.allBouts : this.allBouts.slice(0, next);
      // After the middle of the window, a put-down after night sleep is a putting back.
      return event.begin <= (begin + end) / 2 || !before.some((bout) => this.isNight(bout));
    });
  }

  private findRise(): Instant | undefined {
    const last = this.bouts.at(-1);
    if (!last) {
      // Without sleep only a morning's rise is told from a nap's.
      return this.events.rise.find(
        ({ begin, zone }) =>
          this.frame(zone).ownsNightTime(begin) &&
          begin <= this.home.on(1, '12:00') &&
          begin >= this.home.windowBegin,
      )?.begin;
    }
    const wake = last.end;
    const next = this.allBouts.find((bout) => bout.begin > wake)?.begin;
    const limit = Math.min(this.home.on(1, LATEST_RISE), next ?? Number.POSITIVE_INFINITY);
    const after = this.events.rise.find(({ begin }) => begin >= wake && begin <= limit);
    if (after) return after.begin;
    const before = this.events.rise.some(
      ({ begin }) => begin < wake && wake - begin <= SAME_EVENT_MS,
    );
    return before ? wake : undefined;
  }

  private wakings(): number {
    return this.bouts.filter((bout, i) => {
      const before = this.bouts[i - 1];
      return before && !before.open && bout.begin - before.end >= WAKING_MIN_MS;
    }).length;
  }

  private solMin(first: Bout): number | undefined {
    return this.putDown && Math.max(0, first.begin - this.putDown.begin) / MINUTE_MS;
  }

  private wasoMin(first: Bout, last: Bout): number {
    const asleep = this.bouts.reduce((sum, bout) => sum + bout.end - bout.begin, 0);
    return (last.end - first.begin - asleep) / MINUTE_MS;
  }

  private timeline(): TimelineSpan[] {
    const spans: TimelineSpan[] = [];
    const add = (phase: TimelineSpan['phase'], beganAt: Instant, endedAt?: Instant) => {
      if (endedAt === undefined) spans.push({ ...(phase && { phase }), beganAt });
      else if (endedAt > beganAt) spans.push({ ...(phase && { phase }), beganAt, endedAt });
    };
    const first = this.bouts[0];
    if (this.putDown) add('settling', this.putDown.begin, first?.begin);
    this.bouts.forEach((bout, i) => {
      const before = this.bouts[i - 1];
      if (before && !before.open) add('awake', before.end, bout.begin);
      add('asleep', bout.begin, bout.open ? undefined : bout.end);
    });
    const last = this.bouts.at(-1);
    if (last && !last.open) add('awake', last.end, this.riseAt);
    return spans;
  }

  // The latest of: last sleep, last put-down, rise; before the evening, of the date's naps. A crying
  // that goes on beats being awake.
  private phase(crying: readonly Span[]): [Phase, Instant | undefined] {
    let phase: Phase = 'before';
    let since = Number.NEGATIVE_INFINITY;
    const enter = (next: Phase, time: Instant) => {
      if (time < since) return;
      phase = next;
      since = time;
    };
    const nap = this.naps.at(-1);
    if (nap) enter(nap.open ? 'asleep' : 'up', nap.end);
    for (const { begin, zone } of this.events.putDown) {
      if (this.frame(zone).owns(begin)) enter('settling', begin);
    }
    const last = this.bouts.at(-1);
    if (last) {
      // Put down asleep: an open night sleep goes on.
      if (last.open) since = Math.min(since, last.begin);
      enter(last.open ? 'asleep' : 'awake', last.end);
    }
    if (this.riseAt !== undefined) enter('up', this.riseAt);
    const cries = crying.at(-1);
    const ongoing = cries && cries.end === undefined;
    if (ongoing && (phase as Phase) !== 'asleep' && (phase as Phase) !== 'up') {
      return ['crying', cries.begin];
    }
    return [phase, since === Number.NEGATIVE_INFINITY ? undefined : since];
  }

  private readCrying(): Span[] {
    return this.events.crying
      .filter(({ begin }) => this.isTonight(begin))
      .map(({ begin, end, open }): Span => {
        if (!open) return { begin, end };
        const bout = this.allBouts.find((b) => b.end > begin || b.begin >= begin);
        const rise = this.events.rise.find((event) => event.begin > begin);
        const closed = Math.min(
          bout ? Math.max(begin, bout.begin) : Number.POSITIVE_INFINITY,
          rise?.begin ?? Number.POSITIVE_INFINITY,
        );
        return closed === Number.POSITIVE_INFINITY ? { begin } : { begin, end: closed };
      });
  }

  private isTonight(time: Instant): boolean {
    return this.home.owns(time);
  }

  // An entry of now that the next tap may end.
  private isOpen({ body }: Entry): boolean {
    const { kind } = body.detail;
    if (body.interval.endedAt !== undefined || !this.isTonight(body.interval.beganAt)) return false;
    const begin = body.interval.beganAt;
    const last = this.allBouts.at(-1);
    switch (kind) {
      case 'sleep':
        return last?.open === true && begin >= last.begin - SAME_EVENT_MS;
      case 'awake':
      case 'crying':
        return !(last && last.begin >= begin) && !this.events.rise.some((r) => r.begin > begin);
      default:
        return false;
    }
  }

  private next(phase: Phase, now: Instant): TapKind[] {
    const morning = now >= this.home.on(1, this.child.desiredRiseTime ?? DEFAULT_RISE);
    switch (phase) {
      case 'settling':
        return ['asleep', 'crying'];
      case 'asleep':
        return morning ? ['rise', 'awake', 'crying'] : ['awake', 'crying', 'rise'];
      case 'awake':
        return morning ? ['rise', 'asleep', 'crying'] : ['asleep', 'crying', 'putDown', 'rise'];
      case 'crying':
        return ['asleep', 'calm', 'putDown', 'rise'];
      default:
        return ['putDown', 'asleep'];
    }
  }
}

// The night of a child that holds `now`. `entries`: those shown, deleted ones left out, in any order.
export function readTonight(
  childId: Id,
  child: Child,
  entries: readonly Entry[],
  now: Instant,
): Tonight {
  return readNight(childId, child, entries, nightOf(now, child.homeZone), now);
}

// Any night: what was known of it at `now`.
export function readNight(
  childId: Id,
  child: Child,
  entries: readonly Entry[],
  date: LocalDate,
  now: Instant,
): Tonight {
  return new Reader(childId, child, date, entries).read(now);
}

const detailOfTap: Partial<Record<TapKind, EntryDetail>> = {
  putDown: { kind: 'putDown', putDown: {} },
  asleep: { kind: 'sleep', sleep: {} },
  crying: { kind: 'crying', crying: { intensity: 0 } },
  rise: { kind: 'rise', rise: {} },
};

// What ends when this is tapped.
const endedByTap: Record<TapKind, readonly EntryKind[]> = {
  putDown: ['awake'],
  asleep: ['awake', 'crying'],
  awake: ['sleep', 'crying'],
  crying: ['sleep'],
  calm: ['crying'],
  rise: ['sleep', 'awake', 'crying'],
};

// The changes of a "now" tap: what goes on ends, and what begins is logged. Where this clock is behind,
// what goes on may have begun later than now; all is of one time then too, and the server knows it for
// that of the tap.
export function changesOf(tonight: Tonight, tap: TapKind, now: Instant, zone: Zone): Change[] {
  const goesOn = tonight.openEntries.filter(({ body }) =>
    endedByTap[tap].includes(body.detail.kind),
  );
  const at = Math.max(now, ...goesOn.map(({ body }) => body.interval.beganAt));
  const ended = goesOn.map(({ id, body: { interval } }): Change => {
    const groups = { interval: { ...interval, endedAt: at, endedTapped: true } };
    return { type: 'set', recordId: id, kind: 'logEntry', groups };
  });
  // A sleep that ends is the waking; without one the waking is logged by itself.
  const alone = tap === 'awake' && !tonight.openEntries.some((e) => e.body.detail.kind === 'sleep');
  const detail = alone ? ({ kind: 'awake', awake: {} } as const) : detailOfTap[tap];
  if (!detail) return ended;
  const groups: NewEntry = {
    childId: tonight.childId,
    detail,
    interval: { beganAt: at, zone, beganTapped: true, endedTapped: false },
  };
  return [...ended, { type: 'set', recordId: newRecordId(now), kind: 'logEntry', groups }];
}
