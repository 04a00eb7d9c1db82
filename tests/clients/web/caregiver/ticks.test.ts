import { ticksOf } from '@web/caregiver/ticks.ts';
import { expect, test } from 'vitest';

const at = (text: string): number => Date.parse(text);
const labels = (from: string, to: string, zone: string): string[] =>
  ticksOf(at(from), at(to), zone).map(({ label }) => label);

test('ticks are full hours of the zone, few enough for a narrow screen', () => {
  expect(labels('2026-01-14T19:10Z', '2026-01-14T20:10Z', 'Europe/Berlin')).toEqual([
    '20:15',
    '20:30',
    '20:45',
    '21:00',
  ]);
  expect(labels('2026-01-14T18:30Z', '2026-01-15T05:30Z', 'Europe/Berlin')).toEqual([
    '20:00',
    '22:00',
    '00:00',
    '02:00',
    '04:00',
    '06:00',
  ]);
});

test('an hour that comes twice has two ticks, and zones of half hours have theirs', () => {
  expect(labels('2026-10-24T23:30Z', '2026-10-25T02:10Z', 'Europe/Berlin')).toEqual([
    '01:30',
    '02:00',
    '02:30',
    '02:00',
    '02:30',
    '03:00',
  ]);
  expect(labels('2026-01-14T18:00Z', '2026-01-14T21:00Z', 'Asia/Kolkata')[0]).toBe('23:30');
});
