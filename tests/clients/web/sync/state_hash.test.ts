import { StateHash } from '@web/sync/state_hash.ts';
import { expect, test } from 'vitest';

const digest = (first: string, rest = '00') => first + rest.repeat(32 - first.length / 2);

test('the order of records does not matter, and what is taken out is gone', () => {
  const [a, b] = [digest('ff', 'ab'), digest('01', 'cd')];
  const [ab, ba] = [new StateHash(), new StateHash()];
  ab.add(a);
  ab.add(b);
  ba.add(b);
  ba.add(a);
  expect(ab.hex()).toBe(ba.hex());
  ab.remove(a);
  expect(ab.hex()).toBe(b);
});

test('lanes are little-endian and wrap by themselves', () => {
  const sum = new StateHash(digest('ffffffffffffffff'));
  sum.add(digest('02'));
  expect(sum.hex()).toBe(digest('01'));
});
