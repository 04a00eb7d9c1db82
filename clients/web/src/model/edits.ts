// From a tap's changes to edits, and to the changes that would take them back. Pure.
import type { Change } from './app.ts';
import { EXISTENCE, isEditable, mergeRuleOf, requiredGroups } from './groups.ts';
import { layOver, sawOf } from './overlay.ts';
import {
  type AnyRecord,
  AppError,
  type Edit,
  type EditableKind,
  type EditId,
  type Id,
} from './types.ts';

const EDITS_MAX = 64;
const TEXT_BYTES_MAX = 4000;

// Stands for the transaction being made, whose number is given only when it is saved.
export const THIS_SEQ = 0;

type Draft = Omit<Edit, 'saw'> & { resolves: boolean };

function draftsOf(changes: readonly Change[]): Draft[] {
  const drafts: Draft[] = [];
  const draftOf = (recordId: Id, kind: EditableKind | undefined, group: string): Draft => {
    let draft = drafts.find((made) => made.recordId === recordId && made.group === group);
    if (!draft) {
      draft = { recordId, group, removedElements: [], resolves: false };
      if (kind) draft.kind = kind;
      drafts.push(draft);
    }
    return draft;
  };
  for (const change of changes) {
    switch (change.type) {
      case 'set':
        for (const [group, value] of Object.entries(change.groups)) {
          if (value === undefined || (Array.isArray(value) && value.length === 0)) continue;
          const draft = draftOf(change.recordId, change.kind, group);
          draft.value = value;
          draft.resolves = change.resolves ?? false;
        }
        break;
      case 'clear': {
        const draft = draftOf(change.recordId, change.kind, change.group);
        draft.value = undefined;
        draft.resolves = change.resolves ?? false;
        break;
      }
      case 'removeTags':
        draftOf(change.recordId, 'logEntry', 'tags').removedElements.push(...change.tags);
        break;
      default:
        draftOf(change.recordId, undefined, EXISTENCE).value = {
          deleted: change.type === 'delete',
        };
    }
  }
  return drafts;
}

function refuse(message: string): never {
  throw new AppError('invalid_field', message);
}

// What the server would reject for its form.
function check(record: AnyRecord | undefined): void {
  if (!record || !isEditable(record.kind)) {
    refuse('the record is not here');
    return;
  }
  const body = record.body as unknown as Record<string, unknown>;
  const missing = requiredGroups[record.kind].filter(
    (group) => body[group] === undefined || (Array.isArray(body[group]) && !body[group].length),
  );
  if (missing.length > 0) refuse(`${record.kind} needs ${missing.join(', ')}`);
  if (record.kind === 'logEntry') {
    const { beganAt, endedAt } = record.body.interval;
    if (endedAt !== undefined && endedAt < beganAt) refuse('the end is before the begin');
  }
  if (typeof body.text === 'string' && new Blob([body.text]).size > TEXT_BYTES_MAX) {
    refuse(`the text is longer than ${TEXT_BYTES_MAX} bytes`);
  }
}

// The edits of one tap, each with what the screen shows for its group as `saw`. `shown` says what is on
// the screen; `seen`: what was there of their one record, if not that. Throws 'invalid_field' for what
// the server would reject.
export function editsOf(
  changes: readonly Change[],
  shown: (id: Id) => AnyRecord | undefined,
  seen?: AnyRecord,
): Edit[] {
  const drafts = draftsOf(changes);
  if (drafts.length === 0) refuse('nothing changes');
  if (drafts.length > EDITS_MAX) refuse(`at most ${EDITS_MAX} changes a tap`);
  const laid = new Map<Id, AnyRecord | undefined>();
  const edits = drafts.map(({ resolves, ...draft }, index): Edit => {
    const id = draft.recordId;
    const before = laid.has(id) ? laid.get(id) : shown(id);
    if (before && draft.kind && before.kind !== draft.kind) refuse('the record is of another kind');
    const edit = { ...draft, saw: sawOf(seen ?? before, draft, resolves) };
    const name: EditId = { replicaId: '', seq: THIS_SEQ, index };
    laid.set(id, layOver(before, edit, { id: name, memberId: '', madeAt: 0 }));
    return edit;
  });
  for (const record of laid.values()) check(record);
  return edits;
}

// The changes of the tap that made these edits.
export function changesOfEdits(edits: readonly Edit[]): Change[] {
  return edits.flatMap(({ recordId, kind, group, value, removedElements }): Change[] => {
    if (!kind) {
      const { deleted } = value as { deleted: boolean };
      return [{ type: deleted ? 'delete' : 'restore', recordId }];
    }
    const removed: Change[] =
      removedElements.length > 0 ? [{ type: 'removeTags', recordId, tags: removedElements }] : [];
    if (value !== undefined) {
      return [...removed, { type: 'set', recordId, kind, groups: { [group]: value } } as Change];
    }
    return removed.length > 0 ? removed : [{ type: 'clear', recordId, kind, group } as Change];
  });
}

// The changes that take a tap back, as the screen was before it; undefined where that is not possible
// (a post in a thread stays).
export function inverseOf(
  changes: readonly Change[],
  shown: (id: Id) => AnyRecord | undefined,
): Change[] | undefined {
  const created = new Set<Id>();
  const back: Change[] = [];
  for (const draft of draftsOf(changes).reverse()) {
    const { recordId, kind, group } = draft;
    const before = shown(recordId);
    if (!before) {
      created.add(recordId);
    } else if (group === EXISTENCE) {
      back.push({ type: before.deleted ? 'delete' : 'restore', recordId });
    } else if (kind) {
      const value = (before.body as unknown as Record<string, unknown>)[group];
      const rule = mergeRuleOf(kind, group);
      if (rule === 'append') return undefined;
      if (rule === 'set') {
        if (group !== 'tags') return undefined;
        const tags = value as string[];
        const added = ((draft.value ?? []) as string[]).filter((tag) => !tags.includes(tag));
        const removed = draft.removedElements.filter((tag) => tags.includes(tag));
        if (added.length > 0) back.push({ type: 'removeTags', recordId, tags: added });
        if (removed.length > 0) {
          back.push({ type: 'set', recordId, kind: 'logEntry', groups: { tags: removed } });
        }
      } else if (value === undefined) {
        back.push({ type: 'clear', recordId, kind, group } as Change);
      } else {
        back.push({ type: 'set', recordId, kind, groups: { [group]: value } } as Change);
      }
    }
  }
  for (const recordId of created) back.push({ type: 'delete', recordId });
  return back;
}
