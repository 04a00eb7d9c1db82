import { DeviceClock } from '@web/model/device_clock.ts';
import { expect, test } from 'vitest';

function clocks() {
  const now = { wallMs: 1_000_000_000_000, monotonicMs: 5_000 };
  const clock = new DeviceClock({ wall: () => now.wallMs, monotonicMs: () => now.monotonicMs });
  const pass = (wall: number, monotonic = wall) => {
    now.wallMs += wall;
    now.monotonicMs += monotonic;
    return clock.read();
  };
  return { clock, pass };
}

test('readings of one page have one origin', () => {
  const { clock, pass } = clocks();
  const first = clock.read();
  expect(pass(3_600_000)).toEqual({
    wall: first.wall + 3_600_000,
    monotonicMs: first.monotonicMs + 3_600_000,
    bootId: first.bootId,
  });
});

test('a sleep of the machine, in which the monotonic clock stood still, begins a new origin', () => {
  const { clock, pass } = clocks();
  const { bootId } = clock.read();
  const woken = pass(8 * 3_600_000, 1_000);
  expect(woken.bootId).not.toBe(bootId);
  expect(pass(60_000).bootId).toBe(woken.bootId);
});

test('a wall clock that is set back does not: the monotonic clock is right', () => {
  const { clock, pass } = clocks();
  const { bootId } = clock.read();
  expect(pass(-3_600_000, 1_000).bootId).toBe(bootId);
  expect(pass(60_000).bootId).toBe(bootId);
});
