// When a stream is opened again.
import { AppError } from '@web/model/types.ts';
import { KeptStream } from '@web/sync/stream.ts';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

// Streams of a server that the test plays: each stays open until it is aborted, or fails.
function keptStream() {
  const opened: { heard(): void; fail(): void }[] = [];
  const told: (AppError | undefined)[] = [];
  const kept = new KeptStream(
    (signal, heard) =>
      new Promise((_, reject) => {
        signal.addEventListener('abort', () => reject(signal.reason));
        const fail = () => reject(new AppError('unreachable', 'no network'));
        opened.push({ heard, fail });
      }),
    (error) => told.push(error),
  );
  void kept.run();
  return { kept, opened, told };
}

test('a stream that falls silent is dead after a while, and is opened again', async () => {
  const { kept, opened, told } = keptStream();
  await vi.advanceTimersByTimeAsync(30_000);
  opened[0]?.heard();
  await vi.advanceTimersByTimeAsync(74_999);
  expect(opened).toHaveLength(1);
  expect(told).toEqual([]);
  await vi.advanceTimersByTimeAsync(1);
  expect(told).toMatchObject([{ reason: 'unreachable' }]);
  await vi.advanceTimersByTimeAsync(1_000);
  expect(opened).toHaveLength(2);
  kept.stop();
});

test('a stream that says something now and then stays open', async () => {
  const { kept, opened, told } = keptStream();
  for (let i = 0; i < 20; ++i) {
    await vi.advanceTimersByTimeAsync(30_000);
    opened[0]?.heard();
    kept.hurry();
  }
  expect(opened).toHaveLength(1);
  expect(told).toEqual([]);
  kept.stop();
  await vi.advanceTimersByTimeAsync(1_000_000);
  expect(told).toEqual([]);
});

test('a connection that takes its time is not cut off by a hurry', async () => {
  const { kept, opened, told } = keptStream();
  for (let i = 0; i < 4; ++i) {
    await vi.advanceTimersByTimeAsync(10_000);
    kept.hurry();
  }
  await vi.advanceTimersByTimeAsync(0);
  expect(opened).toHaveLength(1);
  // It has taken too long now.
  await vi.advanceTimersByTimeAsync(10_000);
  kept.hurry();
  await vi.advanceTimersByTimeAsync(0);
  expect(opened).toHaveLength(2);
  // The next one has its time, too.
  kept.hurry();
  await vi.advanceTimersByTimeAsync(0);
  expect(opened).toHaveLength(2);
  expect(told).toEqual([]);
  kept.stop();
});

test('what comes online while an attempt fails lets the next one begin at once', async () => {
  const { kept, opened } = keptStream();
  kept.hurry();
  opened[0]?.fail();
  await vi.advanceTimersByTimeAsync(0);
  expect(opened).toHaveLength(2);
  // That was once.
  opened[1]?.fail();
  await vi.advanceTimersByTimeAsync(0);
  expect(opened).toHaveLength(2);
  kept.stop();
});
