// A file of another app, read by the real daemon and logged by a phone.
import type { LogFile, LogProgress } from '@web/model/imports.ts';
import { newOnes, tapsOf } from '@web/model/imports.ts';
import { PART_BYTES } from '@web/sync/imports.ts';
import { expect, test } from 'vitest';
import { until, untilSynced, useDaemon } from '../families.ts';

const { newFamily, twoPhones } = useDaemon();

const HEADING = 'Type,Start,End,Duration,Start Condition,Start Location,End Condition,Notes\n';

const bytes = (text: string) => new TextEncoder().encode(text);

function file(childId: string, rows: string): LogFile {
  return { childId, file: bytes(HEADING + rows), zone: 'Europe/London' };
}

test('a file becomes entries, which are there once, whoever imports it again', async () => {
  const { family, samFamily, childId } = await twoPhones();
  // The clocks went back: by both of them eleven and a half hours went by.
  const night = file(
    childId,
    'Sleep,2025-10-25 18:30,2025-10-26 06:00,11:30,Calm,On own in bed,,a note\n' +
      'Feed,2025-10-26 06:10,,,Formula,Bottle,120ml,\n' +
      'Sleep,2025-10-26 10:00,2025-10-26 09:00,,,,,\n',
  );
  const log = await (await family.remote()).readLog(family.id, night);
  expect(log).toMatchObject({ format: 'huckleberry', rows: 3, rowsSetAside: 1 });
  expect(log.problem).toBeUndefined();
  expect(log.setAside).toMatchObject([
    { line: 4, reason: 'ends_before_it_begins', text: 'it ends before it begins' },
  ]);
  expect(log.adjusted).toMatchObject([{ line: 2, reason: 'clock_at_its_end' }]);
  expect(newOnes(log.entries, family.records.value)).toHaveLength(2);
  for (const tap of tapsOf(log.entries)) await family.tap(tap);
  await untilSynced(family, samFamily);

  await samFamily.loadSince(0);
  const [sleep, feed] = samFamily.list('logEntry').value;
  expect(sleep?.body).toMatchObject({
    childId,
    detail: { kind: 'sleep', sleep: { place: 'crib' } },
    interval: {
      beganAt: Date.parse('2025-10-25T18:30Z'),
      endedAt: Date.parse('2025-10-26T06:00Z'),
      zone: 'Europe/London',
    },
    importOrigin: { source: 'huckleberry', activity: 'Sleep' },
  });
  expect(sleep?.body.text).toContain('a note');
  expect(feed?.body.detail).toMatchObject({
    kind: 'feed',
    feed: { kind: 'bottle', amountMl: 120 },
  });
  await until(() =>
    expect(samFamily.list('nightSummary').value.map(({ body }) => body)).toContainEqual(
      expect.objectContaining({ date: '2025-10-25', tstNightMin: 690 }),
    ),
  );

  const again = await (await samFamily.remote()).readLog(samFamily.id, night);
  expect(newOnes(again.entries, samFamily.records.value)).toEqual([]);
});

test('a night that two apps kept, of one caregiver or of two, counts once', async () => {
  const { family, samFamily, childId } = await twoPhones();
  const remote = await family.remote();
  const importAll = async (log: LogFile, caregiverId: string) => {
    const { entries } = await remote.readLog(family.id, log);
    const theirs = entries.map(({ recordId, entry }) => ({
      recordId,
      entry: { ...entry, caregiverId },
    }));
    for (const tap of tapsOf(theirs)) await family.tap(tap);
    await untilSynced(family);
  };
  const alexId = family.pairing.value.memberId;
  const samId = samFamily.pairing.value.memberId;
  const sleeps = file(
    childId,
    'Sleep,2026-01-10 19:15,2026-01-11 02:00,6:45,,,,\n' +
      'Sleep,2026-01-11 02:30,2026-01-11 06:30,4:00,,,,\n',
  );
  await importAll(sleeps, alexId);
  const buddy =
    'child_id,start,end,notes\n' +
    '1,2026-01-10 19:20:00,2026-01-11 02:06:00,\n1,2026-01-11 02:36:00,2026-01-11 06:34:00,\n';
  await importAll({ ...sleeps, file: bytes(buddy) }, alexId);
  const night = () => family.list('nightSummary').value.find(({ body }) => body.nwak)?.body;
  await until(() => expect(night()).toMatchObject({ nwak: 1, wasoMin: 24, tstNightMin: 655 }));

  // Each told of one end of that waking.
  const csv = { format: 'csv', kinds: { W: 'awake' } as const };
  const rows = (text: string) => bytes(`start,end,type\n${text}`);
  const hers = rows('2026-01-11 02:06,2026-01-11 02:09,W\n');
  await importAll({ ...sleeps, ...csv, file: hers }, alexId);
  const his = rows('2026-01-11 02:12,2026-01-11 02:40,W\n');
  await importAll({ ...sleeps, ...csv, file: his }, samId);
  await until(() => expect(night()).toMatchObject({ nwak: 1, wasoMin: 34 }));
  expect(night()?.episodes).toHaveLength(1);
});

test('two phones that import one file at once have each entry once, and no conflict', async () => {
  const { sam, family, samFamily, childId } = await twoPhones();
  const night = file(childId, 'Sleep,2025-10-25 18:30,2025-10-26 06:00,11:30,,,,a note\n');
  const { entries } = await (await family.remote()).readLog(family.id, night);
  sam.network.goOffline();
  for (const phone of [family, samFamily]) {
    for (const tap of tapsOf(entries)) await phone.tap(tap);
  }
  await untilSynced(family);
  sam.network.goOnline();
  await untilSynced(samFamily);
  const id = entries[0]?.recordId ?? '';
  for (const phone of [family, samFamily]) {
    await until(() => {
      expect(phone.records.value.get(id)?.pending).toBe(false);
      expect(phone.conflicts.value).toEqual([]);
    });
    expect([...phone.records.value.values()].filter((one) => one.kind === 'logEntry').length).toBe(
      1,
    );
  }
});

test('a file that cannot be read says why, and with which columns', async () => {
  const { family, childId } = await newFamily();
  const remote = await family.remote();
  const text = 'Wann,Bis\n3/4/26 19:00,3/4/26 20:00\n';
  const unknown = await remote.readLog(family.id, { ...file(childId, ''), file: bytes(text) });
  expect(unknown).toMatchObject({
    problem: { line: 0, reason: 'unknown_heading' },
    heading: ['Wann', 'Bis'],
    entries: [],
  });
  const named = await remote.readLog(family.id, {
    ...file(childId, ''),
    file: bytes(text),
    format: 'csv',
    dateOrder: 'day_first',
    columns: { began: 'Wann', ended: 'Bis' },
  });
  expect(named.columns).toEqual({ began: 'Wann', ended: 'Bis' });
  expect(named.entries[0]?.entry.interval.beganAt).toBe(Date.parse('2026-04-03T18:00Z'));
});

// Rows of about 180 bytes, an hour apart.
function longLog(rows: number): string {
  return Array.from({ length: rows }, (_, i) => {
    const at = new Date(Date.UTC(2020, 0, 1) + i * 3_600_000).toISOString().slice(0, 16);
    return `Diaper,${at.replace('T', ' ')},,,,,,${'z'.repeat(150)}\n`;
  }).join('');
}

test('a large file goes up in parts, once, and comes back by the page', async () => {
  const { family, childId } = await newFamily();
  const remote = await family.remote();
  const large = file(childId, longLog(20_000));
  const read = async () => {
    const told: LogProgress[] = [];
    const log = await remote.readLog(family.id, large, (progress) => told.push(progress));
    expect(new Set(log.entries.map(({ recordId }) => recordId)).size).toBe(20_000);
    const doneOf = (which: LogProgress['step']) =>
      told.filter(({ step }) => step === which).map(({ done }) => done);
    return { sent: doneOf('sending'), read: doneOf('reading') };
  };
  const first = await read();
  expect(first.sent).toEqual(
    Array.from({ length: Math.ceil(large.file.length / PART_BYTES) }, (_, i) => i * PART_BYTES),
  );
  expect(first.read[0]).toBe(0);
  expect(first.read.length).toBeGreaterThan(2);
  expect(first.read.at(-1)).toBe(20_000);
  // The server still has it.
  expect(await read()).toEqual({ sent: [], read: first.read.slice(1) });
  // Another file of the same device takes its place, until it is asked for again.
  await remote.readLog(family.id, file(childId, longLog(3000)));
  expect(await read()).toEqual(first);
});

test('what the file’s own words mean is said, and is not what names an entry', async () => {
  const { family, childId } = await newFamily();
  const remote = await family.remote();
  const text = 'start,end,type\n2026-01-13 20:00,2026-01-13 21:00,Zzz\n';
  const csv: LogFile = { ...file(childId, ''), file: bytes(text), format: 'csv' };
  const note = await remote.readLog(family.id, csv);
  const sleep = await remote.readLog(family.id, { ...csv, kinds: { Zzz: 'sleep' } });
  expect(note.entries[0]?.entry.detail.kind).toBe('note');
  expect(sleep.entries[0]?.entry.detail.kind).toBe('sleep');
  expect(sleep.entries[0]?.recordId).toBe(note.entries[0]?.recordId);
});
