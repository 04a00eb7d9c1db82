// That the pages say what the command line's diary says is tests/browser/export.test.mjs's.
import { diaryPages } from '@web/family/diary.ts';
import type { Comment, LogEntry, NightSummary, RecordOf } from '@web/model/types.ts';
import { expect, test } from 'vitest';
import { kChild, kZone, night, winter } from '../consultant/nights.ts';

const child = {
  id: kChild,
  kind: 'child',
  body: { name: 'Robin', homeZone: kZone },
} as RecordOf<'child'>;

const quoted = (text: string) => `“${text}”`;

function pagesOf(
  nights: NightSummary[],
  { entries = [], comments = [] }: { entries?: LogEntry[]; comments?: Comment[] } = {},
  from?: string,
) {
  return diaryPages({ child, nights, entries, comments, quoted }, from);
}

test('a night in which the clocks go back has 25 hours', () => {
  const span = {
    phase: 'asleep',
    beganAt: Date.parse('2026-10-24T12:00+02:00'),
    endedAt: Date.parse('2026-10-25T12:00+01:00'),
  } as const;
  const [page] = pagesOf([night('2026-10-24', { timeline: [span], putDownAt: span.endedAt })]);
  expect(page?.[0]?.sleeps).toEqual([{ from: 0, to: 1, nap: false }]);
  expect(page?.[0]?.putDown).toBe(1);
});

test('a nap of the morning stands on the line of the night before', () => {
  const nap = { beganAt: winter('2026-01-11', '09:00'), endedAt: winter('2026-01-11', '10:12') };
  const [page] = pagesOf([night('2026-01-10'), night('2026-01-11', { naps: [nap] })]);
  expect(page?.map(({ sleeps }) => sleeps.length)).toEqual([1, 0]);
  expect(page?.[0]?.sleeps[0]?.from).toBeCloseTo(0.875);
  expect(page?.[0]?.sleeps[0]?.nap).toBe(true);
});

test('only a sleep whose end is known is on the line', () => {
  const beganAt = winter('2026-01-10', '20:00');
  const [page] = pagesOf([night('2026-01-10', { timeline: [{ phase: 'asleep', beganAt }] })]);
  expect(page?.[0]?.sleeps).toEqual([]);
});

test('a page holds two weeks, and one of which nothing is known is left out', () => {
  const nights = ['2026-01-01', '2026-01-14', '2026-01-15', '2026-06-01'].map((date) =>
    night(date),
  );
  const pages = pagesOf(nights);
  expect(pages.map((page) => [page[0]?.date, page.length])).toEqual([
    ['2026-01-01', 14],
    ['2026-01-15', 14],
    ['2026-06-01', 1],
  ]);
  expect(pages[0]?.filter((line) => line.night).map(({ date }) => date)).toEqual([
    '2026-01-01',
    '2026-01-14',
  ]);
  expect(pagesOf(nights, {}, '2026-01-02').map((page) => page[0]?.date)).toEqual([
    '2026-01-14',
    '2026-06-01',
  ]);
  expect(pagesOf([night('2026-01-01', { childId: 'd'.repeat(32) })])).toEqual([]);
});

test('notes stand beside their night by their times, but not the words of another app', () => {
  const entry = (text: string, time: string, more: Partial<LogEntry> = {}) =>
    ({
      childId: kChild,
      detail: { kind: 'note', note: {} },
      interval: { beganAt: winter('2026-01-11', time), zone: kZone },
      text,
      ...more,
    }) as LogEntry;
  const comment = {
    target: { target: 'night', night: { childId: kChild, date: '2026-01-10' } },
    posts: [{ text: 'well done', postedAt: winter('2026-01-11', '08:00') }],
  } as Comment;
  const [page] = pagesOf([night('2026-01-10')], {
    entries: [
      entry('later', '09:00'),
      entry('hot', '02:00'),
      entry('drank 8 oz', '03:00', { importOrigin: { source: 'huckleberry' } }),
      entry('another child', '03:00', { childId: 'd'.repeat(32) }),
    ],
    comments: [comment],
  });
  expect(page?.[0]?.notes).toEqual(['02:00 hot', '“well done”', '09:00 later']);
});
