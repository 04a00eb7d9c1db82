import { fromHex, newRecordId, toHex } from '@web/model/ids.ts';
import { expect, test } from 'vitest';

test('a new record’s id is a UUIDv7, and sorts by its time', () => {
  const [early, late] = [newRecordId(1_700_000_000_000), newRecordId(1_700_000_000_001)];
  expect(early < late).toBe(true);
  expect(early).toMatch(/^[0-9a-f]{12}7[0-9a-f]{3}[89ab][0-9a-f]{15}$/);
});

test('hex digits and bytes are the same', () => {
  expect(toHex(fromHex('00ff10a0'))).toBe('00ff10a0');
});
