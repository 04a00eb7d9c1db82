import { Backoff } from '@web/sync/backoff.ts';
import { expect, test } from 'vitest';

test('waits grow to half a minute, and begin again after progress', () => {
  const backoff = new Backoff(() => 1);
  const waits = Array.from({ length: 10 }, () => backoff.next());
  expect(waits.slice(0, 3)).toEqual([250, 500, 1000]);
  expect(waits.at(-1)).toBe(30_000);
  backoff.reset();
  expect(backoff.next()).toBe(250);
});

test('phones do not come back at once', () => {
  expect(new Backoff(() => 0).next()).toBe(125);
});
