import { diaryPage } from '@web/consultant/diary.ts';
import { ageInMonths, normFor } from '@web/consultant/norms.ts';
import { addDays } from '@web/ui/local_time.ts';
import { describe, expect, test } from 'vitest';
import { kZone, night, winter } from './nights.ts';

describe('a page of the diary', () => {
  const nights = Array.from({ length: 7 }, (_, index) =>
    night(addDays('2026-01-08', index), {
      solMin: 10 + index,
      ...(index === 0 ? { nwak: 2 } : {}),
    }),
  );

  test('has a row for each of two weeks, oldest first', () => {
    const page = diaryPage(nights, '2026-01-14', 0);
    expect([page.from, page.to, page.rows.length]).toEqual(['2026-01-01', '2026-01-14', 14]);
    expect(page.rows[0]).toEqual({ date: '2026-01-01', bars: [] });
    expect(page.rows[13]?.night).toBe(nights[6]);
  });

  test('has means of at least seven nights that know the figure', () => {
    const page = diaryPage(nights, '2026-01-14', 0);
    expect(page.means).toEqual({ solMin: 13 });
    expect(page.complete).toBe(7);
    expect(diaryPage(nights.slice(1), '2026-01-14', 0).means).toEqual({});
  });
});

test('a night that goes on is in no mean', () => {
  const nights = Array.from({ length: 8 }, (_, index) =>
    night(addDays('2026-01-07', index), { solMin: index === 7 ? 100 : 10 }),
  );
  const during = diaryPage(nights, '2026-01-14', winter('2026-01-15', '02:00'));
  expect([during.means.solMin, during.complete]).toEqual([10, 7]);
  expect(diaryPage(nights, '2026-01-14', winter('2026-01-15', '12:00')).complete).toBe(8);
});

describe('an age', () => {
  const child = { name: 'Robin', homeZone: kZone, birthDate: '2025-01-31' };

  test('is in completed months', () => {
    expect(ageInMonths(child, '2025-02-28')).toBe(0);
    expect(ageInMonths(child, '2025-03-31')).toBe(2);
    expect(ageInMonths(child, '2025-01-01')).toBe(0);
  });

  test('counts from the due date of a child born early', () => {
    expect(ageInMonths({ ...child, dueDate: '2025-03-31' }, '2025-07-31')).toBe(4);
  });

  test('is not known without a birth date', () => {
    expect(ageInMonths({ name: 'Robin', homeZone: kZone }, '2025-07-31')).toBe(undefined);
  });

  test('has a norm up to three years, and an observed mean from half a year', () => {
    expect(normFor(3)).toMatchObject({ recommended: { low: 14, high: 17 } });
    expect(normFor(3)?.observedMean).toBe(undefined);
    expect(normFor(12)?.observedMean).toBeCloseTo(12.68, 2);
    expect(normFor(36)).toBe(undefined);
  });
});
