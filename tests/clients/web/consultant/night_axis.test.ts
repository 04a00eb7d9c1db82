import {
  axisHours,
  axisOf,
  clockOf,
  minutesAfterNoon,
  nightRow,
  nightRows,
  share,
} from '@web/consultant/night_axis.ts';
import type { NightPhase, TimelineSpan } from '@web/model/types.ts';
import { describe, expect, test } from 'vitest';
import { kZone, night, winter } from './nights.ts';

const span = (phase: NightPhase, beganAt: number, endedAt?: number): TimelineSpan =>
  endedAt === undefined ? { phase, beganAt } : { phase, beganAt, endedAt };

describe('the axis of a night', () => {
  test('counts the minutes of local clocks from noon of its date', () => {
    expect(minutesAfterNoon(winter('2026-01-14', '19:30'), '2026-01-14', kZone)).toBe(450);
    expect(minutesAfterNoon(winter('2026-01-15', '02:15'), '2026-01-14', kZone)).toBe(855);
    expect(minutesAfterNoon(winter('2026-01-14', '11:00'), '2026-01-14', kZone)).toBe(-60);
  });

  test('shows what clocks showed on a night on which they change', () => {
    // Clocks in Berlin went from 3:00 back to 2:00 on the morning of 25 October 2026.
    const rise = Date.parse('2026-10-25T07:00:00+01:00');
    expect(clockOf(minutesAfterNoon(rise, '2026-10-24', kZone))).toBe('07:00');
  });

  test('is 18:00 to 8:00, and wider where a night is, on whole hours', () => {
    expect(axisOf([])).toEqual({ from: 360, to: 1200 });
    const early = nightRow(
      night('2026-01-14', { putDownAt: winter('2026-01-14', '17:40') }),
      winter('2026-01-16', '12:00'),
    );
    const late = nightRow(
      night('2026-01-13', { riseAt: winter('2026-01-14', '09:10') }),
      winter('2026-01-16', '12:00'),
    );
    expect(axisOf([early, late])).toEqual({ from: 300, to: 1320 });
  });

  test('is not widened by naps', () => {
    const naps = [span('asleep', winter('2026-01-14', '13:00'), winter('2026-01-14', '14:00'))];
    expect(axisOf([nightRow(night('2026-01-14', { naps }), 0)])).toEqual({ from: 360, to: 1200 });
  });

  test('names every other hour of the clock', () => {
    expect(axisHours({ from: 360, to: 720 }, 2).map(clockOf)).toEqual([
      '18:00',
      '20:00',
      '22:00',
      '00:00',
    ]);
  });

  test('moves what lies beside it to its end', () => {
    const axis = { from: 360, to: 1200 };
    expect([share(axis, 0), share(axis, 780), share(axis, 1400)]).toEqual([0, 0.5, 1]);
  });
});

describe('the row of a night', () => {
  test('holds its stretches in minutes after noon', () => {
    const row = nightRow(
      night('2026-01-14', {
        putDownAt: winter('2026-01-14', '19:00'),
        timeline: [
          span('settling', winter('2026-01-14', '19:00'), winter('2026-01-14', '19:20')),
          span('asleep', winter('2026-01-14', '19:20'), winter('2026-01-15', '01:00')),
        ],
        naps: [span('asleep', winter('2026-01-14', '13:00'), winter('2026-01-14', '14:00'))],
      }),
      winter('2026-01-20', '12:00'),
    );
    expect(row.bars).toEqual([
      { kind: 'nap', from: 60, to: 120, open: false },
      { kind: 'settling', from: 420, to: 440, open: false },
      { kind: 'asleep', from: 440, to: 780, open: false },
    ]);
    expect(row.putDown).toBe(420);
  });

  test('lets an open sleep reach until now', () => {
    const timeline = [span('asleep', winter('2026-01-14', '20:00'))];
    const open = night('2026-01-14', {
      timeline,
      phase: 'asleep',
      phaseSince: winter('2026-01-14', '20:00'),
    });
    const row = nightRow(open, winter('2026-01-15', '02:00'));
    expect(row.bars).toEqual([{ kind: 'asleep', from: 480, to: 840, open: true }]);
  });

  test('shows the wakefulness that goes on since the last sleep', () => {
    const up = night('2026-01-14', {
      timeline: [span('asleep', winter('2026-01-14', '20:00'), winter('2026-01-15', '01:30'))],
      phase: 'awake',
      phaseSince: winter('2026-01-15', '01:30'),
    });
    expect(nightRow(up, winter('2026-01-15', '02:00')).bars.at(-1)).toEqual({
      kind: 'awake',
      from: 810,
      to: 840,
      open: true,
    });
  });

  test('goes on until the rise or the next noon, where nobody logged it', () => {
    const night14 = night('2026-01-14', {
      timeline: [span('asleep', winter('2026-01-14', '20:00'), winter('2026-01-15', '06:00'))],
      phase: 'awake',
      phaseSince: winter('2026-01-15', '06:00'),
    });
    const risen = { ...night14, riseAt: winter('2026-01-15', '06:10') };
    const noon = winter('2026-01-15', '12:00');
    expect(nightRow(night14, noon - 60_000).bars).toHaveLength(2);
    expect(nightRow(night14, noon).bars).toHaveLength(1);
    expect(nightRow(risen, noon - 60_000).bars).toHaveLength(1);
  });

  test('is there for each date, newest first, with or without a night', () => {
    const rows = nightRows([night('2026-01-12'), night('2026-01-14')], 4, 0);
    expect(rows.map((row) => [row.date, row.night !== undefined])).toEqual([
      ['2026-01-14', true],
      ['2026-01-13', false],
      ['2026-01-12', true],
      ['2026-01-11', false],
    ]);
    expect(nightRows([], 7, 0)).toEqual([]);
  });
});
