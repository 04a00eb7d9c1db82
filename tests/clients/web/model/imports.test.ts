import { type ImportedEntry, newOnes, tapsOf, textOf } from '@web/model/imports.ts';
import type { AnyRecord } from '@web/model/types.ts';
import { describe, expect, test } from 'vitest';

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

describe('the text of a file', () => {
  test('is read as UTF-8, whose mark is the server’s to pass over', () => {
    expect(textOf(new TextEncoder().encode('\uFEFFStillen, müde'))).toBe('\uFEFFStillen, müde');
  });

  test('is read as UTF-16 where its mark says so', () => {
    for (const littleEndian of [true, false]) {
      const bytes = new DataView(new ArrayBuffer(6));
      [...'\uFEFFmü'].forEach((letter, i) => {
        bytes.setUint16(2 * i, letter.charCodeAt(0), littleEndian);
      });
      expect(textOf(new Uint8Array(bytes.buffer))).toBe('\uFEFFmü');
    }
  });

  test('is read as what Windows writes where it is neither', () => {
    expect(textOf(Uint8Array.of(0x6d, 0xfc, 0x64, 0x65))).toBe('müde');
    expect(textOf(Uint8Array.of(0xff, 0x61))).toBe('ÿa');
  });
});

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
