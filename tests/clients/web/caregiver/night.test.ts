import { beginOf, type Entry, nightOfEntries, union } from '@web/caregiver/night.ts';
import { helpChanges, stepsOf, visitEnded, visitToEnd } from '@web/caregiver/taps.ts';
import { describe, expect, test } from 'vitest';
import { crying, entry, help, kChildId, kDate, kRobin, minute, putDown, sleep } from './log.ts';

const night = (entries: readonly Entry[], now: number, gap = 0) =>
  nightOfEntries(entries, kChildId, kRobin, kDate, minute(now), gap);

describe('the night on the page', () => {
  test('joins the crying of two phones, and pauses no longer than the plan says', () => {
    const entries = [entry(crying, 0, 10), entry(crying, 2, 12), entry(crying, 14, 20)];
    expect(night(entries, 30).facts.crying).toEqual([
      { begin: minute(0), end: minute(12) },
      { begin: minute(14), end: minute(20) },
    ]);
    expect(night(entries, 30, 2).facts.crying).toEqual([{ begin: minute(0), end: minute(20) }]);
  });

  test('draws until now, and a night that is over until its last entry', () => {
    const entries = [entry(putDown, 0), entry(sleep, 10)];
    expect(night(entries, 70)).toMatchObject({ from: minute(0), to: minute(70) });
    expect(night(entries, 70).spans).toContainEqual({
      kind: 'asleep',
      begin: minute(10),
      end: minute(70),
    });
    const over = [entry(putDown, 0), entry(sleep, 10, 600)];
    expect(night(over, 3000)).toMatchObject({ from: minute(0), to: minute(600) });
  });

  test('shows at least an hour', () => {
    expect(night([entry(putDown, 0)], 5)).toMatchObject({ from: minute(-55), to: minute(5) });
  });

  test('leaves out other nights and other children', () => {
    const other = entry(putDown, 0);
    const yesterday = entry(putDown, -1440);
    const shown = night([yesterday, { ...other, body: { ...other.body, childId: 'c2' } }], 5);
    expect(shown.entries).toEqual([]);
  });

  test('begins at noon of the zone', () => {
    expect(beginOf(kDate, kRobin)).toBe(Date.parse('2026-01-14T11:00Z'));
    expect(beginOf('2026-07-14', kRobin)).toBe(Date.parse('2026-07-14T10:00Z'));
  });

  test('a union keeps what still goes on open', () => {
    expect(union([{ begin: 5 }, { begin: 1, end: 6 }, { begin: 9, end: 10 }])).toEqual([
      { begin: 1 },
    ]);
  });
});

describe('under the thumb', () => {
  test('stands what comes next, and crying first for a child that sleeps', () => {
    expect(stepsOf(night([], 0)).main).toBe('putDown');
    expect(stepsOf(night([entry(putDown, 0)], 5)).main).toBe('asleep');
    const asleep = stepsOf(night([entry(putDown, 0), entry(sleep, 10)], 60));
    expect(asleep.main).toBe('crying');
    expect(asleep.others).toContain('awake');
    expect(asleep.others).not.toContain('crying');
  });

  test('a visit without an end can be ended for a while, and never before it began', () => {
    const visit = entry(help(2), 5);
    const shown = night([entry(putDown, 0), visit], 6);
    expect(visitToEnd(shown, minute(6))?.id).toBe(visit.id);
    expect(visitToEnd(shown, minute(21))).toBeUndefined();
    expect(visitToEnd(night([entry(help(0), 5)], 6), minute(6))).toBeUndefined();
    expect(visitToEnd(night([entry(help(2), 5, 6)], 6), minute(6))).toBeUndefined();
    expect(visitEnded(visit, minute(4))).toMatchObject([
      { recordId: visit.id, groups: { interval: { endedAt: minute(5), endedTapped: true } } },
    ]);
  });

  test('help is one entry, with the place where the plan gives one', () => {
    const [change] = helpChanges(2, 'halfway', kChildId, minute(5), 'Europe/Berlin');
    expect(change).toMatchObject({
      type: 'set',
      groups: {
        detail: { kind: 'response', response: { level: 2, position: 'halfway' } },
        interval: { beganAt: minute(5), beganTapped: true },
      },
    });
    const [bare] = helpChanges(2, undefined, kChildId, minute(5), 'Europe/Berlin');
    expect(JSON.stringify(bare)).not.toContain('position');
  });
});
