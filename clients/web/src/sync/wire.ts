// Records, edits and pairings between the wire and the app.
import { create, type DescMessage, type Message } from '@bufbuild/protobuf';
import {
  PairingSchema,
  type Pairing as WirePairing,
} from '../gen/nightlog/v1/family_service_pb.js';
import {
  ChildSchema,
  CommentSchema,
  LogEntrySchema,
  MemberSchema,
  NightSummarySchema,
  PlanSchema,
  ProgressSchema,
} from '../gen/nightlog/v1/records_pb.js';
import {
  ClockReadingSchema,
  CursorSchema,
  EditIdSchema,
  EditSchema,
  type Transaction,
  TransactionSchema,
  type ClockReading as WireClock,
  type Cursor as WireCursor,
  type Edit as WireEdit,
  type EditId as WireEditId,
  type Record as WireRecord,
  type Version as WireVersion,
} from '../gen/nightlog/v1/sync_pb.js';
import type { ClockReading } from '../model/device_clock.ts';
import { EXISTENCE, isEditable, isRegister } from '../model/groups.ts';
import { fromHex, toHex } from '../model/ids.ts';
import type {
  AnyRecord,
  Cursor,
  Edit,
  EditableKind,
  EditId,
  Group,
  Pairing,
  RecordKind,
  Version,
} from '../model/types.ts';
import type { TransactionRow } from '../store/schema.ts';
import { fromInstant, fromPlain, type Plain, toInstant, toPlain } from './codec.ts';

export const schemas: Record<RecordKind, DescMessage> = {
  child: ChildSchema,
  logEntry: LogEntrySchema,
  plan: PlanSchema,
  comment: CommentSchema,
  member: MemberSchema,
  nightSummary: NightSummarySchema,
  progress: ProgressSchema,
};

function groupName(kind: EditableKind, number: number): string {
  if (number === 0) return EXISTENCE;
  const field = schemas[kind].fields.find((known) => known.number === number);
  return field?.localName ?? `#${number}`;
}

function groupNumber(kind: EditableKind | undefined, group: string): number {
  if (group === EXISTENCE || !kind) return 0;
  if (group.startsWith('#')) return Number(group.slice(1));
  return schemas[kind].field[group]?.number ?? 0;
}

// --- Names, cursors, clocks ---

export function toEditId(id: WireEditId | undefined): EditId {
  return {
    replicaId: toHex(id?.replicaId ?? new Uint8Array()),
    seq: Number(id?.seq ?? 0),
    index: id?.index ?? 0,
  };
}

function fromEditId({ replicaId, seq, index }: EditId): WireEditId {
  return create(EditIdSchema, { replicaId: fromHex(replicaId), seq: BigInt(seq), index });
}

export function toCursor(cursor: WireCursor | undefined): Cursor {
  return {
    lineage: toHex(cursor?.lineage ?? new Uint8Array()),
    revision: Number(cursor?.revision ?? 0),
  };
}

export function fromCursor({ lineage, revision }: Cursor): WireCursor {
  return create(CursorSchema, { lineage: fromHex(lineage), revision: BigInt(revision) });
}

export function fromClock({ wall, monotonicMs, bootId }: ClockReading): WireClock {
  return create(ClockReadingSchema, {
    wall: fromInstant(wall),
    monotonicMs: BigInt(monotonicMs),
    bootId: fromHex(bootId),
  });
}

export function toPairing(pairing: WirePairing): Pairing {
  const { deviceToken: _, ...plain } = toPlain(PairingSchema, pairing);
  return plain as unknown as Pairing;
}

// --- Records ---

type WireValue = WireVersion['value'] | WireEdit['value'];

// The value of one group; undefined where it is absent or empty.
function groupValue(value: WireValue, group: string): unknown {
  if (value.case === undefined) return undefined;
  if (value.case === 'existence') return { deleted: value.value.deleted };
  return toPlain(schemas[value.case], value.value)[group];
}

export function toVersion(version: WireVersion, group: string): Version {
  const value = groupValue(version.value, group);
  return {
    edit: toEditId(version.edit),
    memberId: toHex(version.memberId),
    madeAt: version.madeAt ? toInstant(version.madeAt) : 0,
    agreed: version.agreed.map(toEditId),
    ...(value !== undefined && { value }),
  };
}

// A record of a kind that this app does not know has the kind '#unknown' and is shown nowhere.
export function toRecord(record: WireRecord): AnyRecord {
  const { body } = record;
  const kind = (body.case ?? '#unknown') as RecordKind;
  const plain = body.case ? toPlain(schemas[body.case], body.value) : {};
  const groups = isEditable(kind)
    ? record.groups.map(({ group, versions }): Group => {
        const name = groupName(kind, group);
        return {
          group: name,
          versions: versions.map((version, i) => {
            const found = toVersion(version, name);
            const inBody = i === 0 && name !== EXISTENCE && isRegister(kind, name);
            return inBody && plain[name] !== undefined ? { ...found, value: plain[name] } : found;
          }),
        };
      })
    : [];
  return {
    id: toHex(record.recordId),
    kind,
    body: plain,
    deleted: record.deleted,
    revision: Number(record.revision),
    groups,
    ...(record.createdBy.length > 0 && { createdBy: toHex(record.createdBy) }),
    ...(record.createdAt && { createdAt: toInstant(record.createdAt) }),
    pending: false,
  } as unknown as AnyRecord;
}

// --- Edits and transactions ---

export function toEdit(edit: WireEdit): Edit {
  const kind = edit.value.case === 'existence' ? undefined : edit.value.case;
  const group = kind ? groupName(kind, edit.group) : EXISTENCE;
  const value = groupValue(edit.value, group);
  return {
    recordId: toHex(edit.recordId),
    group,
    removedElements: edit.removedElements,
    saw: edit.saw.map(toEditId),
    ...(kind && { kind }),
    ...(value !== undefined && { value }),
  };
}

function fromValue(edit: Edit): Plain {
  if (!edit.kind) return { case: 'existence', value: edit.value };
  const groups = edit.value === undefined ? {} : { [edit.group]: edit.value };
  return { case: edit.kind, value: fromPlain(schemas[edit.kind], groups) satisfies Message };
}

export function fromEdit(edit: Edit): WireEdit {
  return create(EditSchema, {
    recordId: fromHex(edit.recordId),
    group: groupNumber(edit.kind, edit.group),
    removedElements: edit.removedElements,
    value: fromValue(edit) as never,
    saw: edit.saw.map(fromEditId),
  });
}

// A tap as it is pushed. REQUIRES: it has its hash.
export function fromTransaction(row: TransactionRow): Transaction {
  return create(TransactionSchema, {
    seq: BigInt(row.seq),
    hash: fromHex(row.hash ?? ''),
    previousHash: fromHex(row.previousHash ?? ''),
    edits: row.edits.map(fromEdit),
    madeAt: fromClock(row.madeAt),
    madeAtCursor: fromCursor(row.madeAtCursor),
  });
}
