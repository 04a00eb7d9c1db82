import { editsOf, inverseOf } from '@web/model/edits.ts';
import { conflictsOf, layOver, sawOf, versionsOf } from '@web/model/overlay.ts';
import type { AnyRecord, Edit, EditId, LogEntry, RecordOf, Version } from '@web/model/types.ts';
import { describe, expect, test } from 'vitest';

const me = 'aa';
const sam = 'bb';

function idOf(replicaId: string, seq: number, index = 0): EditId {
  return { replicaId, seq, index };
}

function version(by: string, seq: number, value: unknown, madeAt = seq): Version {
  return { edit: idOf(by, seq), memberId: by, madeAt, value, agreed: [] };
}

function at(minute: number): LogEntry['interval'] {
  const beganAt = minute * 60_000;
  return { beganAt, zone: 'UTC', beganTapped: false, endedTapped: false };
}

const crying: LogEntry['detail'] = { kind: 'crying', crying: { intensity: 1 } };

// An entry as the server confirmed it.
function confirmed(
  groups: Partial<Record<keyof LogEntry | 'existence', Version[]>> = {},
  body: Partial<LogEntry> = {},
): RecordOf<'logEntry'> {
  const all = {
    childId: [version(sam, 1, 'c1')],
    detail: [version(sam, 1, crying)],
    interval: [version(sam, 1, at(0))],
    ...groups,
  };
  return {
    id: 'e1',
    kind: 'logEntry',
    body: { childId: 'c1', detail: crying, interval: at(0), tags: [], separateFrom: [], ...body },
    deleted: false,
    revision: 7,
    groups: Object.entries(all).map(([group, versions]) => ({ group, versions })),
    pending: false,
  };
}

function edit(group: string, value: unknown, saw: EditId[], more: Partial<Edit> = {}): Edit {
  const kind = group === 'existence' ? {} : ({ kind: 'logEntry' } as const);
  return { recordId: 'e1', ...kind, group, value, removedElements: [], saw, ...more };
}

function lay(record: AnyRecord | undefined, made: Edit, seq = 20): AnyRecord | undefined {
  return layOver(record, made, { id: idOf(me, seq), memberId: me, madeAt: 100 + seq });
}

describe('an own edit on top of what is confirmed', () => {
  test('replaces the value that it saw', () => {
    const shown = lay(confirmed(), edit('interval', at(5), [idOf(sam, 1)]));
    expect(shown?.body).toMatchObject({ interval: at(5) });
    expect(versionsOf(shown as AnyRecord, 'interval')).toHaveLength(1);
    expect(conflictsOf(shown as AnyRecord)).toEqual([]);
  });

  test('is shown first, and a value that it had not seen stays behind it', () => {
    const newer = confirmed({ interval: [version(sam, 9, at(9))] }, { interval: at(9) });
    const shown = lay(newer, edit('interval', at(5), [idOf(sam, 1)])) as AnyRecord;
    expect(shown.body).toMatchObject({ interval: at(5) });
    expect(conflictsOf(shown)).toMatchObject([
      { group: 'interval', choices: [{ memberId: me }, { memberId: sam, value: at(9) }] },
    ]);
  });

  test('counts as seen what agreed with what it saw', () => {
    const agreed = { ...version(sam, 9, at(9)), agreed: [idOf(sam, 1)] };
    const newer = confirmed({ interval: [agreed] }, { interval: at(9) });
    const shown = lay(newer, edit('interval', at(5), [idOf(sam, 1)])) as AnyRecord;
    expect(conflictsOf(shown)).toEqual([]);
  });

  test('changes nothing where the confirmed record holds it', () => {
    const holding = confirmed({ interval: [version(me, 20, at(5))] }, { interval: at(5) });
    expect(lay(holding, edit('interval', at(5), [idOf(sam, 1)]))).toBe(holding);
    const merged = confirmed({ interval: [{ ...version(sam, 9, at(4)), agreed: [idOf(me, 20)] }] });
    expect(lay(merged, edit('interval', at(5), [idOf(sam, 1)]))).toBe(merged);
  });

  test('empties a group, and the emptied value is one to choose', () => {
    const text = confirmed({ caregiverId: [version(sam, 2, sam)] }, { caregiverId: sam });
    const shown = lay(text, edit('caregiverId', undefined, [])) as AnyRecord;
    expect((shown.body as LogEntry).caregiverId).toBeUndefined();
    expect(conflictsOf(shown)[0]?.choices.map((choice) => choice.value)).toEqual([undefined, sam]);
  });

  test('adds elements of a set, and removes those it saw', () => {
    const tagged = confirmed(
      { tags: [version(sam, 2, ['a', 'b']), version(sam, 3, ['c'])] },
      { tags: ['a', 'b', 'c'] },
    );
    const removed = edit('tags', ['d'], [idOf(sam, 2)], { removedElements: ['a', 'c'] });
    const shown = lay(tagged, removed) as AnyRecord;
    // `c` is of a version that it had not seen.
    expect((shown.body as LogEntry).tags).toEqual(['b', 'c', 'd']);
    const none = lay(
      confirmed({ tags: [version(sam, 2, ['a'])] }, { tags: ['a'] }),
      edit('tags', undefined, [idOf(sam, 2)], { removedElements: ['a'] }),
    ) as AnyRecord;
    expect((none.body as LogEntry).tags).toEqual([]);
    expect(versionsOf(none, 'tags')).toEqual([]);
  });

  test('replaces the segments of a text that it saw, and stands after others', () => {
    const written = confirmed(
      { text: [version(sam, 2, 'one'), version(sam, 3, 'two')] },
      { text: 'one\ntwo' },
    );
    const shown = lay(written, edit('text', 'mine', [idOf(sam, 2)])) as AnyRecord;
    expect((shown.body as LogEntry).text).toBe('two\nmine');
    expect(conflictsOf(shown)).toEqual([]);
    const empty = lay(written, edit('text', '', [idOf(sam, 2), idOf(sam, 3)])) as AnyRecord;
    expect((empty.body as LogEntry).text).toBeUndefined();
  });

  test('adds to a thread with its author and time', () => {
    const thread = {
      ...confirmed(),
      kind: 'comment',
      body: {
        target: { target: 'planId', planId: 'p' },
        posts: [{ text: 'hi', memberId: sam, postedAt: 1 }],
      },
      groups: [{ group: 'posts', versions: [version(sam, 1, undefined)] }],
    } as AnyRecord;
    const made = edit('posts', [{ text: 'yes' }], [], { kind: 'comment' });
    expect(lay(thread, made)?.body).toMatchObject({
      posts: [
        { text: 'hi', memberId: sam, postedAt: 1 },
        { text: 'yes', memberId: me, postedAt: 120 },
      ],
    });
  });

  test('makes a new record, with its author', () => {
    const shown = lay(undefined, edit('interval', at(3), []));
    expect(shown).toMatchObject({
      id: 'e1',
      revision: 0,
      createdBy: me,
      body: { interval: at(3) },
    });
    expect(lay(undefined, edit('existence', { deleted: true }, []))).toBeUndefined();
  });

  test('leaves a record of another kind alone', () => {
    const record = confirmed();
    expect(lay(record, edit('name', 'Robin', [], { kind: 'child' }))).toBe(record);
  });
});

describe('deletion', () => {
  const all = [idOf(sam, 1)];

  test('hides a record of which all was seen', () => {
    expect(lay(confirmed(), edit('existence', { deleted: true }, all))?.deleted).toBe(true);
  });

  test('loses against an edit that it had not seen, and can be chosen', () => {
    const edited = confirmed({ interval: [version(sam, 9, at(9))] });
    const shown = lay(edited, edit('existence', { deleted: true }, all)) as AnyRecord;
    expect(shown.deleted).toBe(false);
    expect(conflictsOf(shown)).toMatchObject([
      {
        group: 'existence',
        choices: [{ value: { deleted: false } }, { value: { deleted: true }, memberId: me }],
      },
    ]);
  });

  test('is undone by an edit, and stays as a conflict where the edit had not seen it', () => {
    const deletion = version(sam, 5, { deleted: true });
    const deleted = { ...confirmed({ existence: [deletion] }), deleted: true };
    const blind = lay(deleted, edit('interval', at(5), all)) as AnyRecord;
    expect(blind.deleted).toBe(false);
    expect(conflictsOf(blind).map(({ group }) => group)).toEqual(['existence']);
    const seeing = lay(deleted, edit('interval', at(5), [...all, deletion.edit])) as AnyRecord;
    expect(seeing.deleted).toBe(false);
    expect(conflictsOf(seeing)).toEqual([]);
  });
});

describe('what an edit saw', () => {
  const open = confirmed({
    interval: [version(sam, 3, at(3)), version(me, 2, at(2))],
    tags: [version(sam, 4, ['a']), version(me, 5, ['b'])],
    text: [version(sam, 6, 'one'), version(me, 7, 'two')],
  });
  const draft = (group: string, more: Partial<Edit> = {}) => edit(group, undefined, [], more);

  test('is the value shown, or all that stand where it resolves', () => {
    expect(sawOf(open, draft('interval'), false)).toEqual([idOf(sam, 3)]);
    expect(sawOf(open, draft('interval'), true)).toEqual([idOf(sam, 3), idOf(me, 2)]);
  });

  test('is all segments of a text, and of a set what holds a removed element', () => {
    expect(sawOf(open, draft('text'), false)).toEqual([idOf(sam, 6), idOf(me, 7)]);
    expect(sawOf(open, draft('tags'), false)).toEqual([]);
    expect(sawOf(open, draft('tags', { removedElements: ['b'] }), false)).toEqual([idOf(me, 5)]);
  });

  test('is everything for a deletion, and the deletion for what brings a record back', () => {
    const deletes = sawOf(open, edit('existence', { deleted: true }, []), false);
    expect(deletes).toHaveLength(8);
    const deletion = version(sam, 8, { deleted: true });
    const deleted = { ...confirmed({ existence: [deletion] }), deleted: true };
    const restores = sawOf(deleted, edit('existence', { deleted: false }, []), false);
    expect(restores).toEqual([deletion.edit]);
    expect(sawOf(deleted, draft('interval'), false)).toEqual([idOf(sam, 1), deletion.edit]);
  });
});

describe('a tap', () => {
  const shown = (id: string) => (id === 'e1' ? confirmed({}, { tags: ['a'] }) : undefined);

  test('that the server would refuse for its form saves nothing', () => {
    const refused = (groups: Partial<LogEntry>, recordId = 'new') =>
      expect(() => editsOf([{ type: 'set', recordId, kind: 'logEntry', groups }], shown)).toThrow();
    refused({});
    refused({ interval: at(1), detail: crying });
    refused({ interval: { ...at(9), endedAt: at(8).beganAt } }, 'e1');
    refused({ text: 'ä'.repeat(2001) }, 'e1');
    expect(() => editsOf([{ type: 'delete', recordId: 'nothing' }], shown)).toThrow();
    const child = { type: 'set', recordId: 'e1', kind: 'child', groups: { name: 'x' } } as const;
    expect(() => editsOf([child], shown)).toThrow(/another kind/);
    const many = Array.from({ length: 65 }, (_, i) => `r${i}`);
    expect(() =>
      editsOf(
        many.map((recordId) => ({ type: 'delete', recordId })),
        shown,
      ),
    ).toThrow(/at most 64/);
  });

  test('has one edit a group, also where tags come and go', () => {
    const edits = editsOf(
      [
        { type: 'set', recordId: 'e1', kind: 'logEntry', groups: { tags: ['b'], text: 't' } },
        { type: 'removeTags', recordId: 'e1', tags: ['a'] },
      ],
      shown,
    );
    expect(
      edits.map(({ group, value, removedElements }) => [group, value, removedElements]),
    ).toEqual([
      ['tags', ['b'], ['a']],
      ['text', 't', []],
    ]);
  });

  test('is taken back by what the screen showed before it', () => {
    const set = (groups: Partial<LogEntry>) =>
      inverseOf([{ type: 'set', recordId: 'e1', kind: 'logEntry', groups }], shown);
    expect(set({ interval: at(5) })).toEqual([
      { type: 'set', recordId: 'e1', kind: 'logEntry', groups: { interval: at(0) } },
    ]);
    expect(set({ text: 'new' })).toEqual([
      { type: 'clear', recordId: 'e1', kind: 'logEntry', group: 'text' },
    ]);
    expect(set({ tags: ['a', 'b'] })).toEqual([
      { type: 'removeTags', recordId: 'e1', tags: ['b'] },
    ]);
    expect(inverseOf([{ type: 'delete', recordId: 'e1' }], shown)).toEqual([
      { type: 'restore', recordId: 'e1' },
    ]);
    expect(set({ separateFrom: ['e2'] })).toBeUndefined();
  });
});
