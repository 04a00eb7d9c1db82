import { caregiverColumns, figureOf, medianOf, seriesOf } from '@web/consultant/series.ts';
import { describe, expect, test } from 'vitest';
import { night } from './nights.ts';

describe('a series', () => {
  const nights = [
    night('2026-01-10', { solMin: 30 }),
    night('2026-01-11', { solMin: 10 }),
    night('2026-01-13', { solMin: 20 }),
    night('2026-01-14', { solMin: 60 }),
  ];

  test('has a place for each date, and a hole where nothing is known', () => {
    const series = seriesOf('sol', nights, [], '2026-01-10', '2026-01-14');
    expect(series.dates).toHaveLength(5);
    expect(series.values).toEqual([30, 10, null, 20, 60]);
  });

  test('has a median from the third known night on', () => {
    const series = seriesOf('sol', nights, [], '2026-01-10', '2026-01-14');
    expect(series.medians).toEqual([null, null, null, 20, 20]);
  });

  test('never has a median across a switch of plan', () => {
    const segments = [{ planId: '1', firstNight: '2026-01-13', nights: 2 }];
    const series = seriesOf('sol', nights, segments, '2026-01-10', '2026-01-14');
    expect(series.medians).toEqual([null, null, null, null, null]);
  });

  test('leaves out nights that are not complete', () => {
    expect(figureOf('nwak', night('2026-01-10', { nwak: 1 }))).toBe(1);
    expect(figureOf('nwak', night('2026-01-10', { nwak: 1, status: 'incomplete' }))).toBe(
      undefined,
    );
  });

  test('keeps nothing known apart from zero', () => {
    expect(figureOf('cry', night('2026-01-10'))).toBe(undefined);
    expect(figureOf('cry', night('2026-01-10', { cryMin: 0 }))).toBe(0);
  });
});

test('a median of an even count lies between the middle two', () => {
  expect(medianOf([4, 1, 3, 2])).toBe(2.5);
  expect(medianOf([])).toBe(undefined);
});

describe('caregivers side by side', () => {
  const by = (memberId: string, levels: Record<number, number>, adherencePct?: number) => ({
    memberId,
    responses: Object.values(levels).reduce((sum, count) => sum + count, 0),
    byLevel: levels,
    ...(adherencePct === undefined ? {} : { adherencePct }),
  });

  test('are summed over nights, and a night weighs as much as its responses', () => {
    const columns = caregiverColumns(
      [
        night('2026-01-10', { caregivers: [by('a', { 2: 3 }, 100), by('b', { 5: 1 }, 0)] }),
        night('2026-01-11', { caregivers: [by('a', { 2: 1 }, 0)] }),
      ],
      ['b', 'a'],
    );
    expect(columns.map(({ memberId, nights, responses }) => [memberId, nights, responses])).toEqual(
      [
        ['b', 1, 1],
        ['a', 2, 4],
      ],
    );
    expect(columns[1]?.byLevel).toEqual([0, 0, 4, 0, 0, 0, 0]);
    expect(columns[1]?.adherencePct).toBe(75);
  });

  test('have no percentage for fewer than three scored responses', () => {
    const [column] = caregiverColumns(
      [night('2026-01-10', { caregivers: [by('a', { 2: 2 }, 100)] })],
      ['a'],
    );
    expect(column?.adherencePct).toBe(undefined);
  });

  test('who did nothing are not shown', () => {
    expect(caregiverColumns([night('2026-01-10', { caregivers: [by('a', {})] })], ['a'])).toEqual(
      [],
    );
  });
});
