import {
  type CaseFamily,
  caseRows,
  filterRows,
  kLongAwakeMs,
  type Look,
  sortRows,
} from '@web/consultant/caseload.ts';
import { describe, expect, test } from 'vitest';
import { kChild, kZone, night, winter } from './nights.ts';

const kNow = winter('2026-01-15', '02:00');

function family(name: string, known: Partial<CaseFamily> = {}): CaseFamily {
  return {
    id: name,
    name,
    children: [{ id: kChild, child: { name: 'Robin', homeZone: kZone } }],
    nights: [],
    progress: [],
    unanswered: 0,
    ...known,
  };
}
const rowsOf = (...families: CaseFamily[]) => families.flatMap((each) => caseRows(each, kNow));
const looksOf = (known: Partial<CaseFamily>): Look[] => rowsOf(family('A', known))[0]?.looks ?? [];
const awakeFor = (ms: number) => night('2026-01-14', { phase: 'awake', phaseSince: kNow - ms });

describe('a row of the caseload', () => {
  test('tells what the child does now, by the newest night', () => {
    const [row] = rowsOf(
      family('A', {
        nights: [
          awakeFor(60_000),
          night('2026-01-13', { phase: 'up', phaseSince: winter('2026-01-14', '07:00') }),
        ],
      }),
    );
    expect([row?.phase, row?.since, row?.latestNight]).toEqual([
      'awake',
      kNow - 60_000,
      '2026-01-14',
    ]);
  });

  test('claims nothing about now where nobody logged since yesterday', () => {
    expect(rowsOf(family('A', { nights: [awakeFor(20 * 3_600_000)] }))[0]?.phase).toBe(undefined);
  });

  test('wants a look for what has gone on for long, and not before', () => {
    expect(looksOf({ nights: [awakeFor(kLongAwakeMs)] })).toEqual([]);
    expect(looksOf({ nights: [awakeFor(kLongAwakeMs + 1)] })).toEqual(['awake_long']);
  });

  test('wants a look where it has been quiet, consent ends, or somebody asked', () => {
    expect(looksOf({ nights: [night('2026-01-12')] })).toEqual(['quiet']);
    expect(looksOf({ nights: [night('2026-01-13')] })).toEqual([]);
    expect(looksOf({ me: { removed: false, until: kNow + 3_600_000 } })).toEqual(['consent_ends']);
    expect(looksOf({ unanswered: 1 })).toEqual(['comment']);
  });

  test('is there for a child without a night', () => {
    expect(rowsOf(family('A'))).toMatchObject([{ familyName: 'A', looks: [] }]);
  });
});

describe('the order of the caseload', () => {
  const progress = (planNight: number) => [
    { childId: kChild, method: 'chair' as const, planNight, trends: [], segments: [] },
  ];
  const rows = rowsOf(
    family('B', { progress: progress(2) }),
    family('C'),
    family('A', { progress: progress(9) }),
    family('D', { nights: [awakeFor(60_000)], progress: progress(2) }),
  );
  const names = (sorted: typeof rows) => sorted.map((row) => row.familyName).join('');

  test('has who is awake first', () => {
    expect(names(sortRows(rows, 'now', false))).toBe('DABC');
  });

  test('has what is not known last, in both directions, and equals by name', () => {
    expect(names(sortRows(rows, 'plan', false))).toBe('BDAC');
    expect(names(sortRows(rows, 'plan', true))).toBe('ABDC');
  });

  test('can be narrowed to who is awake, and by a word', () => {
    expect(names(filterRows(rows, 'awake', ''))).toBe('D');
    expect(names(filterRows(rows, 'all', ' robin'))).toBe('BCAD');
    expect(names(filterRows(rows, 'all', 'nobody'))).toBe('');
  });
});
