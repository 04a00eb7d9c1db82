// A night as the caregiver's pages draw it: what the model reads from the entries on this phone, with
// the entries themselves, what guidance asks, and what the timeline shows.
import { NightFrame, windowOf } from '../model/night_frame.ts';
import { readNight, type Span, type Tonight } from '../model/tonight.ts';
import type { Child, Id, Instant, LocalDate, RecordOf, Zone } from '../model/types.ts';
import { addDays, nightOf } from '../ui/local_time.ts';
import type { TimelinePoint, TimelineSpan } from '../ui/timeline.tsx';
import type { Help, NightFacts } from './guidance.ts';

export type Entry = RecordOf<'logEntry'>;

export interface Night {
  date: LocalDate;
  // The child's.
  zone: Zone;
  tonight: Tonight;
  facts: NightFacts;
  // All of the night, in the order of their begins.
  entries: readonly Entry[];
  spans: readonly TimelineSpan[];
  points: readonly TimelinePoint[];
  // What the timeline shows.
  from: Instant;
  to: Instant;
}

const kHourMs = 3_600_000;

// The begin of a night: noon of its date in the child's zone.
export function beginOf(date: LocalDate, child: Child): Instant {
  return new NightFrame(date, child.homeZone, windowOf(child)).on(0, '12:00');
}

// Overlapping spans, and those not more than `gapMs` apart, become one. In the order of begins.
export function union(spans: readonly Span[], gapMs = 0): Span[] {
  const joined: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.begin - b.begin)) {
    const last = joined.at(-1);
    if (!last || (last.end !== undefined && last.end + gapMs < span.begin)) {
      joined.push({ ...span });
    } else if (last.end !== undefined) {
      if (span.end === undefined) delete last.end;
      else last.end = Math.max(last.end, span.end);
    }
  }
  return joined;
}

function helpOf({ body: { detail, interval } }: Entry): Help[] {
  if (detail.kind !== 'response') return [];
  const { level, exemptReason } = detail.response;
  const help: Help = { begin: interval.beganAt, level };
  if (interval.endedAt !== undefined) help.end = interval.endedAt;
  if (exemptReason) help.exempt = true;
  if (exemptReason === 'illness') help.illness = true;
  return [help];
}

// `entries` of any nights and children. `now` is the present moment; a night that is over is drawn
// until its last entry. `cryGapMin`: a pause in crying that is not longer ends no episode.
export function nightOfEntries(
  entries: readonly Entry[],
  childId: Id,
  child: Child,
  date: LocalDate,
  now: Instant,
  cryGapMin = 0,
): Night {
  const zone = child.homeZone;
  const frame = new NightFrame(date, zone, windowOf(child));
  const ours = entries
    .filter(({ body }) => body.childId === childId && frame.owns(body.interval.beganAt))
    .sort((a, b) => a.body.interval.beganAt - b.body.interval.beganAt);
  const tonight = readNight(childId, child, entries, date, now);
  const crying = union(tonight.crying, cryGapMin * 60_000);
  const helps = tonight.responses.flatMap(helpOf);

  const last = Math.max(
    ...ours.map(({ body: { interval } }) => interval.endedAt ?? interval.beganAt),
    Number.NEGATIVE_INFINITY,
  );
  const over = now >= beginOf(addDays(date, 1), child);
  const to = over && ours.length > 0 ? last : Math.max(now, last);
  const from = Math.min(ours[0]?.body.interval.beganAt ?? to, to - kHourMs);
  const drawn = (kind: TimelineSpan['kind'], spans: readonly Span[]): TimelineSpan[] =>
    spans.map(({ begin, end }) => ({ kind, begin, end: Math.min(end ?? to, to) }));
  const pointsOf = (kind: 'putDown' | 'rise' | 'feed'): TimelinePoint[] =>
    ours
      .filter(({ body }) => body.detail.kind === kind)
      .map(({ body }) => ({
        kind: kind === 'putDown' ? 'put-down' : kind,
        at: body.interval.beganAt,
      }));
  return {
    date,
    zone,
    tonight,
    facts: {
      phase: tonight.phase === 'crying' ? 'awake' : tonight.phase,
      crying,
      helps,
      sleeps: tonight.sleeps,
    },
    entries: ours,
    spans: [
      ...drawn('asleep', tonight.sleeps),
      ...drawn(
        'awake',
        tonight.timeline
          .filter(({ phase }) => phase === 'awake')
          .map(({ beganAt: begin, endedAt: end }) => ({
            begin,
            ...(end !== undefined && { end }),
          })),
      ),
      ...drawn('crying', crying),
    ],
    points: [
      ...pointsOf('putDown'),
      ...pointsOf('rise'),
      ...pointsOf('feed'),
      ...helps.map(({ begin: at, level }) => ({ kind: 'help' as const, at, level })),
    ],
    from,
    to,
  };
}

// The night that a moment belongs to, for this child.
export function tonightOf(child: Child, now: Instant): LocalDate {
  return nightOf(now, child.homeZone);
}
