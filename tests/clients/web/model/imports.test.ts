import {
  authorsOf,
  type ImportedEntry,
  kindsOf,
  LEFT_OUT,
  newOnes,
  noLog,
  rowsOf,
  tapsOf,
  wantedOf,
} from '@web/model/imports.ts';
import type { AnyRecord, EntryDetail, ImportOrigin } from '@web/model/types.ts';
import { expect, test } from 'vitest';

function entries(count: number): ImportedEntry[] {
  return Array.from({ length: count }, (_, i) => ({
    recordId: String(i).padStart(32, '0'),
    entry: {
      childId: 'c',
      detail: { kind: 'note', note: {} },
      interval: { beganAt: i, zone: 'Europe/London', beganTapped: false, endedTapped: false },
      tags: [],
      separateFrom: [],
    },
  }));
}

test('what is here is not new, though it was deleted', () => {
  const all = entries(3);
  const deleted = { id: all[1]?.recordId, kind: 'logEntry', deleted: true } as AnyRecord;
  expect(newOnes(all, new Map([[deleted.id, deleted]]))).toEqual([all[0], all[2]]);
});

test('each entry is in one tap, and a tap has at most ten', () => {
  const taps = tapsOf(entries(21));
  expect(taps.map((tap) => tap.length)).toEqual([10, 10, 1]);
  expect(taps.flat().map(({ recordId }) => recordId)).toEqual(
    entries(21).map(({ recordId }) => recordId),
  );
  expect(tapsOf([])).toEqual([]);
});

function entry(changes: {
  at?: string;
  detail?: EntryDetail;
  origin?: Partial<ImportOrigin>;
}): ImportedEntry {
  const [only] = entries(1) as [ImportedEntry];
  const { at = '2026-01-01T20:00Z', detail = only.entry.detail, origin } = changes;
  const interval = { ...only.entry.interval, beganAt: Date.parse(at) };
  const importOrigin = { source: 'csv', ...origin };
  return { ...only, entry: { ...only.entry, interval, detail, importOrigin } };
}

const by = (author: string) => entry({ origin: { author } });

test('the authors of a file are named once each, who logged most comes first', () => {
  expect(authorsOf([by('Wren'), by('Sam'), entry({}), by('Wren')])).toEqual([
    { word: 'Wren', count: 2 },
    { word: 'Sam', count: 1 },
  ]);
});

test('the words of a file are told with what they were read as', () => {
  const named = (activity: string, detail: EntryDetail) => entry({ origin: { activity }, detail });
  expect(
    kindsOf([
      named('Zzz', { kind: 'note', note: {} }),
      named('Zzz', { kind: 'note', note: {} }),
      named('crying', { kind: 'crying', crying: { intensity: 0 } }),
      named('milk bottle', { kind: 'feed', feed: { kind: 'bottle' } }),
      named('some feed', { kind: 'feed', feed: {} }),
      named('to bedtime', { kind: 'putDown', putDown: {} }),
      entry({}),
    ]),
  ).toEqual([
    { word: 'Zzz', count: 2, readAs: 'note' },
    { word: 'crying', count: 1, readAs: 'cry' },
    { word: 'milk bottle', count: 1, readAs: 'bottle' },
    { word: 'some feed', count: 1, readAs: 'feed' },
    { word: 'to bedtime', count: 1, readAs: 'put down' },
  ]);
});

test('an author becomes a member, stays as the file says, or is left out', () => {
  const all = [by('Sam'), by('Nanny'), by('Wren'), by('toString'), entry({})];
  const wanted = wantedOf(all, { authors: { Sam: 'id of Sam', Nanny: '', Wren: LEFT_OUT } });
  expect(wanted.map(({ entry }) => [entry.importOrigin?.author, entry.caregiverId])).toEqual([
    ['Sam', 'id of Sam'],
    ['Nanny', undefined],
    ['toString', undefined],
    [undefined, undefined],
  ]);
});

test('of the nights those are wanted that were asked for, by the clocks of the file', () => {
  // In London in summer: noon on 1 July is 11:00 in UTC.
  const all = [
    '2026-06-30T23:00Z',
    '2026-07-01T10:59Z',
    '2026-07-01T11:00Z',
    '2026-07-03T10:59Z',
  ].map((at) => entry({ at }));
  expect(wantedOf(all, { authors: {} })).toEqual(all);
  expect(wantedOf(all, { from: '2026-07-01', authors: {} })).toEqual(all.slice(2));
  expect(wantedOf(all, { to: '2026-06-30', authors: {} })).toEqual(all.slice(0, 2));
  expect(wantedOf(all, { from: '2026-07-01', to: '2026-07-01', authors: {} })).toEqual([all[2]]);
});

test('a file that can be no log of another app is told by how it begins', () => {
  const bytes = (text: string) => new TextEncoder().encode(text);
  const head = '{"nightlog_export":1,"family_name":"The Robins"}\n';
  const cells = `"${head.replaceAll('"', '""').replaceAll(',', '","')}`;
  for (const text of [head, `\uFEFF${head}`, cells]) {
    expect(noLog(bytes(text))).toBe('family_file');
  }
  expect(noLog(bytes('PK\u0003\u0004 and more'))).toBe('packed');
  expect(noLog(bytes('%PDF-1.7'))).toBe('packed');
  for (const text of ['', 'P', 'Type,Start,End\n', '{"a":1}', 'PK,Start\n']) {
    expect(noLog(bytes(text))).toBeUndefined();
  }
});

test('rows of a file are counted as the server does', () => {
  const rows = (text: string) => rowsOf(new TextEncoder().encode(text));
  expect(rows('')).toBe(0);
  expect(rows('a,b')).toBe(1);
  expect(rows('a,b\n1,2\n')).toBe(2);
  expect(rows('a,b\r\n\r\n1,2\r3,4\n\n')).toBe(3);
  expect(rows('a,b\n1,"two\nlines, ""quoted""\n"\n3,4')).toBe(3);
});
