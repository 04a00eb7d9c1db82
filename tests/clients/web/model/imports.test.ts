import { type ImportedEntry, newOnes, tapsOf } from '@web/model/imports.ts';
import type { AnyRecord } from '@web/model/types.ts';
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
