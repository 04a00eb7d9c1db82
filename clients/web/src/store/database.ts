// Opens this device's database, and the few things that a start and a tap do with it. Each change is
// one transaction, on disk before its promise resolves.
import { type IDBPDatabase, openDB } from 'idb';
import type { Id, Instant } from '../model/types.ts';
import {
  ALWAYS,
  type AttentionRow,
  type FamilyRow,
  type RecordRow,
  type Schema,
  type TransactionRow,
} from './schema.ts';

export type Database = IDBPDatabase<Schema>;

// On disk, not only in the system's memory, when a transaction is done.
export const STRICT = { durability: 'strict' } as const;

const VERSION = 1;

// Opens the database `name`, making it where it is missing. `onGone` is told when the browser takes
// it away or a newer version of the app wants it: nothing can be read or saved any more.
export function openDatabase(name: string, onGone: () => void): Promise<Database> {
  return openDB<Schema>(name, VERSION, {
    upgrade(database) {
      database.createObjectStore('device', { keyPath: 'key' });
      database.createObjectStore('families', { keyPath: 'familyId' });
      const records = database.createObjectStore('records', { keyPath: ['familyId', 'id'] });
      records.createIndex('at', ['familyId', 'at']);
      for (const store of ['outbox', 'sent', 'attention'] as const) {
        database.createObjectStore(store, { keyPath: ['familyId', 'position'] });
      }
    },
    blocking(_current, _blocked, event) {
      (event.target as IDBDatabase).close();
      onGone();
    },
    terminated: onGone,
  });
}

// All rows of a family in a store whose key begins with the family.
export function ofFamily(familyId: Id): IDBKeyRange {
  return IDBKeyRange.bound([familyId], [familyId, []]);
}

export interface FamilyRows {
  family: FamilyRow | undefined;
  // Oldest first.
  outbox: TransactionRow[];
  attention: AttentionRow[];
  records: RecordRow[];
}

// What a family shows, read at one moment: the records named, all since `since`, and those that the
// outbox edits.
export async function readFamily(
  database: Database,
  familyId: Id,
  wanted: { ids: Iterable<Id>; since?: Instant },
): Promise<FamilyRows> {
  const stores = ['families', 'outbox', 'attention', 'records'] as const;
  const transaction = database.transaction(stores);
  const records = transaction.objectStore('records');
  const recent =
    wanted.since === undefined
      ? []
      : records.index('at').getAll(IDBKeyRange.bound([familyId, wanted.since], [familyId, ALWAYS]));
  const [family, outbox, attention, found] = await Promise.all([
    transaction.objectStore('families').get(familyId),
    transaction.objectStore('outbox').getAll(ofFamily(familyId)),
    transaction.objectStore('attention').getAll(ofFamily(familyId)),
    recent,
  ]);
  const have = new Set(found.map((row) => row.id));
  const edited = outbox.flatMap((row) => row.edits.map((edit) => edit.recordId));
  const named = new Set([...wanted.ids, ...edited]);
  const more = await Promise.all(
    [...named].filter((id) => !have.has(id)).map((id) => records.get([familyId, id])),
  );
  return { family, outbox, attention, records: [...found, ...more.filter((r) => r !== undefined)] };
}

// Reads the records that happened in [from, until).
export function readRecords(
  database: Database,
  familyId: Id,
  from: Instant,
  until: Instant,
): Promise<RecordRow[]> {
  const range = IDBKeyRange.bound([familyId, from], [familyId, until], false, true);
  return database.getAllFromIndex('records', 'at', range);
}

// Appends a tap to the outbox as the next transaction of the family's replica, which `make` builds from
// the family as it stands in the same transaction. Undefined: the family is not here any more.
export async function appendTap(
  database: Database,
  familyId: Id,
  make: (family: FamilyRow) => TransactionRow,
): Promise<{ family: FamilyRow; row: TransactionRow } | undefined> {
  const transaction = database.transaction(['families', 'outbox'], 'readwrite', STRICT);
  const families = transaction.objectStore('families');
  const before = await families.get(familyId);
  if (!before) return undefined;
  const family = { ...before, lastSeq: before.lastSeq + 1, lastPosition: before.lastPosition + 1 };
  const row = make(family);
  await Promise.all([
    transaction.objectStore('outbox').put(row),
    families.put(family),
    transaction.done,
  ]);
  return { family, row };
}
