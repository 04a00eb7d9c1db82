// That the tables are those of the command line is tests/browser/export.test.mjs's.
import type { AnyRecord } from '@web/model/types.ts';
import { toCsvTables } from '@web/sync/tables.ts';
import { expect, test } from 'vitest';

function record(kind: string, body: object, more: object = {}): AnyRecord {
  const about = { id: '1'.repeat(32), deleted: false, revision: 1, groups: [], pending: false };
  return { ...about, kind, body, ...more } as unknown as AnyRecord;
}

// The cells of the only row by their columns, where no cell is quoted.
function cellsOf(table: string | undefined): Record<string, string> {
  const [heading = '', row = ''] = (table ?? '').replace('\uFEFF', '').split('\r\n');
  const cells = row.split(',');
  return Object.fromEntries(heading.split(',').map((name, i) => [name, cells[i] ?? '']));
}

test('a spreadsheet runs no text as a formula, and quotes, commas and lines stay in their cell', () => {
  const entry = record('logEntry', {
    text: '=SUM(A1)',
    tags: ['+1'],
    detail: { kind: 'note', note: {} },
  });
  expect(cellsOf(toCsvTables([entry]).get('log_entries.csv'))).toMatchObject({
    text: "'=SUM(A1)",
    tags: "'+1",
    'detail.kind': 'note',
    'detail.feed.amount_ml': '',
  });
  const child = record('child', { name: 'a,"b"\nc' });
  expect(toCsvTables([child]).get('children.csv')).toContain(',"a,""b""\nc",');
});

test('every kind has a table that says it is in UTF-8, and may hold its heading alone', () => {
  const tables = toCsvTables([]);
  expect([...tables.keys()]).toEqual([
    'children.csv',
    'log_entries.csv',
    'plans.csv',
    'comments.csv',
    'members.csv',
    'nights.csv',
    'progress.csv',
  ]);
  for (const table of tables.values())
    expect(table).toMatch(/^\uFEFFrecord_id,deleted,[^\r\n]+\r\n$/);
});

test('what a newer server knows is in its numbers, and what is not known is empty', () => {
  const night = record('nightSummary', { status: '#17', nwak: 0, interventionsByLevel: { 3: 2 } });
  expect(cellsOf(toCsvTables([night]).get('nights.csv'))).toMatchObject({
    status: '17',
    nwak: '0',
    sol_min: '',
    tib_fallback: 'no',
    phase: '',
    'adherence.method': '',
    'adherence.scored': '',
    timeline: '',
  });
});

test('a value that stands beside another is told, and a deletion that an edit overruled', () => {
  const version = (value: unknown) => ({ value, agreed: [] });
  const told = (groups: object[], deleted = false) =>
    cellsOf(toCsvTables([record('child', {}, { groups, deleted })]).get('children.csv'))
      .open_conflict;
  expect(told([{ group: 'name', versions: [version('a')] }])).toBe('no');
  expect(told([{ group: 'name', versions: [version('a'), version('b')] }])).toBe('yes');
  const overruled = [{ group: 'existence', versions: [version({ deleted: true })] }];
  expect([told(overruled), told(overruled, true)]).toEqual(['yes', 'no']);
});
