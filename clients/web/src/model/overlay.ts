// Lays this device's own unconfirmed edits over confirmed records, and says what of a record is on
// the screen. Pure. Nothing is decided here: an own edit replaces what it saw and is shown first;
// whatever else stands stays behind it until the server has decided.
import { EXISTENCE, isEditable, isRegister, mergeRuleOf } from './groups.ts';
import type {
  AnyRecord,
  Conflict,
  Edit,
  EditableKind,
  EditId,
  Group,
  Id,
  Instant,
  Version,
} from './types.ts';

// Who made an edit, when, and its name.
export interface Author {
  id: EditId;
  memberId: Id;
  madeAt: Instant;
}

type Body = Record<string, unknown>;

const emptyBodies: Record<EditableKind, Body> = {
  child: {},
  logEntry: { tags: [], separateFrom: [] },
  plan: {},
  comment: { posts: [] },
};

export function sameEdit(a: EditId, b: EditId): boolean {
  return a.seq === b.seq && a.index === b.index && a.replicaId === b.replicaId;
}

function names(ids: readonly EditId[], id: EditId): boolean {
  return ids.some((named) => sameEdit(named, id));
}

// Whoever saw a version, or an edit that agreed with it, saw it.
function hasSeen(saw: readonly EditId[], version: Version): boolean {
  return names(saw, version.edit) || version.agreed.some((id) => names(saw, id));
}

function holds(record: AnyRecord, group: string, id: EditId): boolean {
  return versionsOf(record, group).some(
    (version) => sameEdit(version.edit, id) || names(version.agreed, id),
  );
}

export function versionsOf(record: AnyRecord, group: string): readonly Version[] {
  return record.groups.find((found) => found.group === group)?.versions ?? [];
}

function isDeletion(version: Version): boolean {
  return (version.value as { deleted?: boolean } | undefined)?.deleted === true;
}

function withVersions(record: AnyRecord, group: string, versions: Version[]): Group[] {
  const others = record.groups.filter((found) => found.group !== group);
  return [...others, { group, versions }];
}

function elementsOf(value: unknown): readonly string[] {
  return Array.isArray(value) ? value : [];
}

// What a group shows, of the versions that stand.
function shownValue(kind: EditableKind, group: string, versions: readonly Version[]): unknown {
  switch (mergeRuleOf(kind, group)) {
    case 'set':
      return [...new Set(versions.flatMap((version) => elementsOf(version.value)))].sort();
    case 'text': {
      const text = versions.map((version) => version.value ?? '').join('\n');
      return text === '' ? undefined : text;
    }
    default:
      return versions[0]?.value;
  }
}

function layGroup(
  record: AnyRecord & { kind: EditableKind },
  edit: Edit,
  author: Author,
): AnyRecord {
  const own: Version = {
    edit: author.id,
    memberId: author.memberId,
    madeAt: author.madeAt,
    agreed: [],
  };
  const standing = versionsOf(record, edit.group);
  const unseen = standing.filter((version) => !hasSeen(edit.saw, version));
  const body: Body = { ...record.body };
  let versions: Version[];
  switch (mergeRuleOf(record.kind, edit.group)) {
    case 'append': {
      const posts = (Array.isArray(edit.value) ? edit.value : []).map((post: object) => ({
        ...post,
        memberId: author.memberId,
        postedAt: author.madeAt,
      }));
      body[edit.group] = [...((body[edit.group] as unknown[] | undefined) ?? []), ...posts];
      versions = [...standing, own];
      break;
    }
    case 'set': {
      const kept = standing.map((version) =>
        hasSeen(edit.saw, version)
          ? {
              ...version,
              value: elementsOf(version.value).filter((e) => !edit.removedElements.includes(e)),
            }
          : version,
      );
      versions = [{ ...own, value: elementsOf(edit.value) }, ...kept].filter(
        (version) => elementsOf(version.value).length > 0,
      );
      body[edit.group] = shownValue(record.kind, edit.group, versions);
      break;
    }
    case 'text':
      versions = (edit.value ?? '') === '' ? unseen : [...unseen, { ...own, value: edit.value }];
      body[edit.group] = shownValue(record.kind, edit.group, versions);
      break;
    default:
      versions = [{ ...own, value: edit.value }, ...unseen];
      body[edit.group] = edit.value;
  }
  const groups = withVersions(record, edit.group, versions);
  const next = { ...record, body, groups } as unknown as AnyRecord;
  if (!record.deleted) return next;
  // An edit brings a deleted record back; a deletion that it had not seen stays as a conflict.
  const existence = versionsOf(next, EXISTENCE).filter((version) => !hasSeen(edit.saw, version));
  return { ...next, deleted: false, groups: withVersions(next, EXISTENCE, existence) };
}

function layExistence(record: AnyRecord, edit: Edit, author: Author): AnyRecord {
  const own = { edit: author.id, memberId: author.memberId, madeAt: author.madeAt, agreed: [] };
  const version: Version = { ...own, value: edit.value };
  const unseenValue = record.groups.some(
    (group) =>
      group.group !== EXISTENCE && group.versions.some((stands) => !hasSeen(edit.saw, stands)),
  );
  const unseen = versionsOf(record, EXISTENCE).filter((stands) => !hasSeen(edit.saw, stands));
  return {
    ...record,
    deleted: isDeletion(version) && (record.deleted || !unseenValue),
    groups: withVersions(record, EXISTENCE, [version, ...unseen]),
  };
}

// `record` with one of this device's own edits on top; undefined where there is still nothing to show.
// An edit that the record holds already, or that the server will reject anyway, changes nothing.
export function layOver(
  record: AnyRecord | undefined,
  edit: Edit,
  author: Author,
): AnyRecord | undefined {
  if (record && holds(record, edit.group, author.id)) return record;
  if (edit.group === EXISTENCE) return record && layExistence(record, edit, author);
  if (!edit.kind || (record && record.kind !== edit.kind)) return record;
  const base = record ?? {
    id: edit.recordId,
    kind: edit.kind,
    body: emptyBodies[edit.kind],
    deleted: false,
    revision: 0,
    groups: [],
    createdBy: author.memberId,
    createdAt: author.madeAt,
    pending: true,
  };
  return layGroup(base as unknown as AnyRecord & { kind: EditableKind }, edit, author);
}

// What of `record` the screen shows for an edit, which is what the edit replaces: the value shown (all
// that stand, if it resolves, and for texts); for sets the versions that hold an element it removes;
// for a deletion the versions of all groups.
export function sawOf(
  record: AnyRecord | undefined,
  edit: Omit<Edit, 'saw'>,
  resolves: boolean,
): EditId[] {
  if (!record || !isEditable(record.kind)) return [];
  const kind = record.kind;
  const deletes = (edit.value as { deleted?: boolean } | undefined)?.deleted === true;
  const isReplaced = (group: string, version: Version, index: number): boolean => {
    if (edit.group === EXISTENCE) return deletes || group === EXISTENCE;
    // The screen said "deleted", and the edit brings the record back.
    if (group === EXISTENCE) return record.deleted;
    if (group !== edit.group) return false;
    switch (mergeRuleOf(kind, group)) {
      case 'text':
        return true;
      case 'set':
        return resolves || elementsOf(version.value).some((e) => edit.removedElements.includes(e));
      case 'append':
        return false;
      default:
        return index === 0 || resolves;
    }
  };
  return record.groups.flatMap(({ group, versions }) =>
    versions.filter((version, i) => isReplaced(group, version, i)).map((version) => version.edit),
  );
}

// What people have to choose about: values that were not seen by the one shown, and a deletion that
// lost against an edit.
export function conflictsOf(record: AnyRecord): Conflict[] {
  if (!isEditable(record.kind)) return [];
  const kind = record.kind;
  const choice = (version: Version) => ({
    edit: version.edit,
    memberId: version.memberId,
    madeAt: version.madeAt,
    value: version.value,
  });
  return record.groups.flatMap(({ group, versions }): Conflict[] => {
    const about = { recordId: record.id, kind, group };
    if (group === EXISTENCE) {
      const deletion = versions.find(isDeletion);
      if (record.deleted || !deletion) return [];
      const newest = record.groups
        .flatMap((other) => (other.group === EXISTENCE ? [] : other.versions))
        .reduce<Version | undefined>((a, b) => (a && a.madeAt >= b.madeAt ? a : b), undefined);
      if (!newest) return [];
      return [
        { ...about, choices: [{ ...choice(newest), value: { deleted: false } }, choice(deletion)] },
      ];
    }
    if (versions.length < 2 || !isRegister(kind, group)) return [];
    return record.deleted ? [] : [{ ...about, choices: versions.map(choice) }];
  });
}
