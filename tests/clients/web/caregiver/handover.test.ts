import { handoverDue, handoverSince, lastTapOf } from '@web/caregiver/handover.ts';
import { type Entry, nightOfEntries } from '@web/caregiver/night.ts';
import { describe, expect, test } from 'vitest';
import {
  crying,
  entry,
  help,
  kChildId,
  kDate,
  kFamily,
  kRobin,
  kSam,
  minute,
  putDown,
  sleep,
} from './log.ts';

const night = (entries: readonly Entry[], now: number) =>
  nightOfEntries(entries, kChildId, kRobin, kDate, minute(now));

// Mine until 20:00; then Sam's: one waking with crying and two helps.
const kEntries = [
  entry(putDown, 0),
  entry(sleep, 30, 150),
  entry(crying, 150, 170, kSam),
  entry(help(2), 155, 156, kSam),
  entry(help(0), 158, undefined, kSam),
  entry(help(3), 160, 161, kSam),
  entry(sleep, 170, undefined, kSam),
].map((made, index) => (index === 1 ? { ...made, createdAt: minute(30) } : made));

describe('a hand-over', () => {
  test('counts what happened since the last tap, and who helped', () => {
    const shown = night(kEntries, 300);
    expect(lastTapOf(shown, kFamily)).toBe(minute(30));
    expect(handoverSince(shown, kFamily, minute(30), minute(300))).toMatchObject({
      wakings: 1,
      asleepMs: (120 + 130) * 60_000,
      cryingMs: 20 * 60_000,
      helps: [{ memberId: kSam, count: 2 }],
    });
    expect(handoverSince(shown, kFamily, minute(200), minute(300))).toMatchObject({
      wakings: 0,
      asleepMs: 100 * 60_000,
      cryingMs: 0,
      entries: [],
    });
  });

  test('counts an edit as a tap', () => {
    const edited = {
      ...kEntries[2],
      groups: [
        {
          group: 'interval',
          versions: [
            {
              edit: { replicaId: 'r', seq: 1, index: 0 },
              memberId: 'm1',
              madeAt: minute(180),
              agreed: [],
            },
          ],
        },
      ],
    } as Entry;
    expect(lastTapOf(night([...kEntries.slice(0, 2), edited], 300), kFamily)).toBe(minute(180));
  });

  test('is offered after an hour, and only if others logged something', () => {
    expect(handoverDue(night(kEntries, 80), kFamily, minute(80))).toBeUndefined();
    expect(handoverDue(night(kEntries, 300), kFamily, minute(300))?.since).toBe(minute(30));
    expect(handoverDue(night(kEntries.slice(0, 2), 300), kFamily, minute(300))).toBeUndefined();
  });
});
