// From what was logged to what the child did: bouts of sleep without overlaps, closed where a later
// entry says so. The rules of services/sleep/bouts.h, for the phone, which shows tonight before the
// server has seen it. Pure.
import type { EntryKind, Id, Instant, Zone } from './types.ts';

const MINUTE_MS = 60_000;
// How far a later entry closes an open sleep.
const IMPUTE_REACH_MS = 14 * 60 * MINUTE_MS;
// Entries of different people this near may be about the same event.
export const SAME_EVENT_MS = 10 * MINUTE_MS;

// A logged entry with its times read. `end` equals `begin` where there is none.
export interface Event {
  id: Id;
  kind: EntryKind;
  memberId: Id;
  begin: Instant;
  end: Instant;
  open: boolean;
  zone: Zone;
}

// The events of a night by kind, each in the order of begin and id.
export type EventsByKind = Record<'sleep' | 'awake' | 'crying' | 'rise', readonly Event[]>;

// One uninterrupted sleep, or the begin of one whose end is not known (`open`, no length).
export interface Bout {
  begin: Instant;
  end: Instant;
  open: boolean;
  // Of the sleep it began as.
  zone: Zone;
}

function firstAfter(events: readonly Event[], time: Instant): Instant {
  return events.find((event) => event.begin > time)?.begin ?? Number.POSITIVE_INFINITY;
}

// Closes or ignores open sleeps; those that count, some of them still open.
function closeSleeps(events: EventsByKind): Event[] {
  const counted: Event[] = [];
  let coveredUntil = Number.NEGATIVE_INFINITY;
  events.sleep.forEach((logged, i) => {
    const sleep = { ...logged };
    if (!sleep.open) {
      coveredUntil = Math.max(coveredUntil, sleep.end);
      counted.push(sleep);
      return;
    }
    let twin: Event | undefined;
    let nextSleep = Number.POSITIVE_INFINITY;
    let covered = sleep.begin < coveredUntil;
    for (const later of events.sleep.slice(i + 1)) {
      if (covered || twin) break;
      const near = later.begin <= sleep.begin + SAME_EVENT_MS;
      if (later.begin === sleep.begin) {
        covered = !later.open;
      } else if (!near || later.memberId === sleep.memberId) {
        nextSleep = later.begin;
        break;
      } else if (!later.open) {
        twin = later;
      }
    }
    if (covered) return;
    if (twin) {
      sleep.end = twin.end;
    } else {
      const close = Math.min(
        firstAfter(events.awake, sleep.begin),
        firstAfter(events.crying, sleep.begin),
        firstAfter(events.rise, sleep.begin),
      );
      if (close < nextSleep && close - sleep.begin <= IMPUTE_REACH_MS) sleep.end = close;
    }
    if (sleep.end > sleep.begin) sleep.open = false;
    counted.push(sleep);
  });
  return counted;
}

// A union of sleeps without the wakings seen within it.
function withoutWakings(sleep: Bout, events: EventsByKind): Bout[] {
  const bouts: Bout[] = [];
  let asleepFrom = sleep.begin;
  for (const awake of events.awake) {
    if (awake.begin >= sleep.end) break;
    let awakeUntil = awake.end;
    if (awake.open) {
      const nextSleep = firstAfter(events.sleep, awake.begin);
      if (nextSleep < sleep.end) awakeUntil = nextSleep;
    }
    if (awakeUntil < asleepFrom) continue;
    if (awake.begin > asleepFrom) bouts.push({ ...sleep, begin: asleepFrom, end: awake.begin });
    asleepFrom = awakeUntil;
  }
  if (asleepFrom < sleep.end) bouts.push({ ...sleep, begin: asleepFrom });
  return bouts;
}

// The bouts, disjoint and in order.
export function findBouts(events: EventsByKind): Bout[] {
  const bouts: Bout[] = [];
  let united: Bout | undefined;
  for (const sleep of closeSleeps(events)) {
    const touches =
      united && sleep.begin <= united.end && (!sleep.open || sleep.begin < united.end);
    if (united && touches) {
      united.end = Math.max(united.end, sleep.end);
      continue;
    }
    if (united) bouts.push(...withoutWakings(united, events));
    united = undefined;
    const { begin, end, open, zone } = sleep;
    if (open) bouts.push({ begin, end: begin, open, zone });
    else united = { begin, end, open, zone };
  }
  if (united) bouts.push(...withoutWakings(united, events));
  return bouts;
}
