import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { changesOf, readNight, readTonight, type TapKind } from '@web/model/tonight.ts';
import type { Child, EntryDetail, LogEntry, RecordOf } from '@web/model/types.ts';
import { describe, expect, test } from 'vitest';

// The worked nights that the server's tests read, too.
const folder = path.resolve(import.meta.dirname, '../../../vectors');
const files = readdirSync(folder).filter((name) => /^\d.*\.json$/.test(name));

interface WorkedEvent {
  id: string;
  rev?: number;
  type: 'bedtime' | 'sleep' | 'awake' | 'cry' | 'response' | 'rise';
  start: string;
  end?: string;
  tz?: string;
  caregiver?: string;
  level?: number;
}
interface WorkedNight {
  tz: string;
  night: string;
  night_window?: { start: string; end: string };
  desired_rise?: string;
  events: WorkedEvent[];
  expected: Record<string, unknown>;
}

const details: Record<WorkedEvent['type'], (event: WorkedEvent) => EntryDetail> = {
  bedtime: () => ({ kind: 'putDown', putDown: {} }),
  sleep: () => ({ kind: 'sleep', sleep: {} }),
  awake: () => ({ kind: 'awake', awake: {} }),
  cry: () => ({ kind: 'crying', crying: { intensity: 0 } }),
  response: ({ level }) => ({ kind: 'response', response: { level: (level ?? 0) as 0 } }),
  rise: () => ({ kind: 'rise', rise: {} }),
};

function entryOf(id: string, body: LogEntry, createdBy = 'mom'): RecordOf<'logEntry'> {
  const pending = false;
  return {
    id,
    kind: 'logEntry',
    body,
    deleted: false,
    revision: 1,
    groups: [],
    createdBy,
    pending,
  };
}

function entriesOf(night: WorkedNight): RecordOf<'logEntry'>[] {
  const current = new Map<string, WorkedEvent>();
  for (const event of night.events) {
    const known = current.get(event.id);
    if (!known || (known.rev ?? 1) < (event.rev ?? 1)) current.set(event.id, event);
  }
  return [...current.values()].map((event) =>
    entryOf(
      event.id,
      {
        childId: 'robin',
        detail: details[event.type](event),
        interval: {
          beganAt: Date.parse(event.start),
          ...(event.end && { endedAt: Date.parse(event.end) }),
          zone: event.tz ?? night.tz,
          beganTapped: false,
          endedTapped: false,
        },
        tags: [],
        separateFrom: [],
      },
      event.caregiver ?? 'mom',
    ),
  );
}

function childOf(night: WorkedNight): Child {
  return {
    name: 'Robin',
    homeZone: night.tz,
    ...(night.night_window && { nightWindow: night.night_window }),
    ...(night.desired_rise && { desiredRiseTime: night.desired_rise }),
  };
}

// How the vectors' names are told by a phone; absent is null there.
const told: Record<string, keyof ReturnType<typeof readNight>> = {
  phase: 'phase',
  sol_min: 'solMin',
  nwak: 'wakings',
  waso_min: 'wasoMin',
};

test('the worked nights are there', () => expect(files.length).toBeGreaterThanOrEqual(24));

describe.each(files)('%s', (file) => {
  const night: WorkedNight = JSON.parse(readFileSync(path.join(folder, file), 'utf8'));
  const tonight = readNight('robin', childOf(night), entriesOf(night), night.night, 0);

  test('phase, latency, wakings and time awake are those of the server', () => {
    for (const [name, field] of Object.entries(told)) {
      if (!(name in night.expected)) continue;
      expect(tonight[field] ?? null, name).toEqual(night.expected[name]);
    }
    expect(tonight.incomplete).toBe(night.expected.status === 'incomplete');
  });

  test('the timeline is disjoint, in order, and adds up', () => {
    const ends = tonight.timeline.map((span) => span.endedAt ?? span.beganAt);
    tonight.timeline.forEach((span, i) => {
      expect(span.beganAt).toBeGreaterThanOrEqual(ends[i - 1] ?? 0);
    });
    if (night.expected.tst_night_min === undefined || night.expected.tst_night_min === null) return;
    const asleep = tonight.timeline
      .filter((span) => span.phase === 'asleep')
      .reduce((sum, span) => sum + (span.endedAt ?? 0) - span.beganAt, 0);
    expect(asleep / 60_000).toBe(night.expected.tst_night_min);
  });
});

describe('a night as it is tapped', () => {
  const child: Child = { name: 'Robin', homeZone: 'Europe/Berlin' };

  // Taps at these times, as the family's log then is.
  function tapped(taps: readonly [string, TapKind][]) {
    const entries = new Map<string, RecordOf<'logEntry'>>();
    for (const [time, tap] of taps) {
      const now = Date.parse(time);
      const tonight = readTonight('robin', child, [...entries.values()], now);
      expect(tonight.next, `${tap} at ${time}`).toContain(tap);
      for (const change of changesOf(tonight, tap, now, 'Europe/Berlin')) {
        if (change.type !== 'set' || change.kind !== 'logEntry') throw new Error('no entry');
        const before = entries.get(change.recordId)?.body ?? { tags: [], separateFrom: [] };
        const body = { ...before, ...change.groups } as LogEntry;
        entries.set(change.recordId, entryOf(change.recordId, body));
      }
    }
    return [...entries.values()];
  }
  const at = (time: string) => Date.parse(time);
  const taps: [string, TapKind][] = [
    ['2025-01-14T19:30+01:00', 'putDown'],
    ['2025-01-14T19:40+01:00', 'crying'],
    ['2025-01-14T19:45+01:00', 'calm'],
    ['2025-01-14T20:00+01:00', 'asleep'],
    ['2025-01-15T02:10+01:00', 'awake'],
    ['2025-01-15T02:15+01:00', 'crying'],
    ['2025-01-15T02:40+01:00', 'asleep'],
    ['2025-01-15T06:30+01:00', 'rise'],
  ];
  const phases = taps.map((_, i) => {
    const entries = tapped(taps.slice(0, i + 1));
    const { phase, since } = readTonight('robin', child, entries, at(taps[i]?.[0] ?? ''));
    return [phase, since];
  });

  test('each tap leads to the phase it says, from that moment on', () => {
    expect(phases).toEqual([
      ['settling', at('2025-01-14T19:30+01:00')],
      ['crying', at('2025-01-14T19:40+01:00')],
      ['settling', at('2025-01-14T19:30+01:00')],
      ['asleep', at('2025-01-14T20:00+01:00')],
      ['awake', at('2025-01-15T02:10+01:00')],
      ['crying', at('2025-01-15T02:15+01:00')],
      ['asleep', at('2025-01-15T02:40+01:00')],
      ['up', at('2025-01-15T06:30+01:00')],
    ]);
  });

  test('what goes on ends at the next tap, and nothing stays open in the morning', () => {
    const night = readTonight('robin', child, tapped(taps), at('2025-01-15T06:40+01:00'));
    expect(night.openEntries).toEqual([]);
    expect(night.sleeps).toEqual([
      { begin: at('2025-01-14T20:00+01:00'), end: at('2025-01-15T02:10+01:00') },
      { begin: at('2025-01-15T02:40+01:00'), end: at('2025-01-15T06:30+01:00') },
    ]);
    expect(night.crying).toEqual([
      { begin: at('2025-01-14T19:40+01:00'), end: at('2025-01-14T19:45+01:00') },
      { begin: at('2025-01-15T02:15+01:00'), end: at('2025-01-15T02:40+01:00') },
    ]);
    expect(night).toMatchObject({ solMin: 30, wakings: 1, wasoMin: 30, date: '2025-01-14' });
  });

  test('before anything is logged, put down is next', () => {
    const night = readTonight('robin', child, [], at('2025-01-14T19:00+01:00'));
    expect(night).toMatchObject({ phase: 'before', timeline: [], next: ['putDown', 'asleep'] });
    expect(night.since).toBeUndefined();
  });

  test('last night is over at noon', () => {
    const entries = tapped(taps);
    expect(readTonight('robin', child, entries, at('2025-01-15T11:59+01:00')).phase).toBe('up');
    const afternoon = readTonight('robin', child, entries, at('2025-01-15T12:00+01:00'));
    expect(afternoon).toMatchObject({
      date: '2025-01-15',
      phase: 'before',
      next: ['putDown', 'asleep'],
    });
  });

  test('an hour that the clocks repeat is counted in full', () => {
    const night = tapped([
      ['2025-10-25T19:30+02:00', 'putDown'],
      ['2025-10-25T19:40+02:00', 'asleep'],
      ['2025-10-26T02:30+02:00', 'awake'],
      ['2025-10-26T02:10+01:00', 'asleep'],
      ['2025-10-26T06:30+01:00', 'rise'],
    ]);
    const read = readTonight('robin', child, night, at('2025-10-26T07:00+01:00'));
    expect(read).toMatchObject({ wakings: 1, wasoMin: 40, date: '2025-10-25' });
  });
});
