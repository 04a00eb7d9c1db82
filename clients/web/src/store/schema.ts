// What this device's database holds. Plain rows; every name here is on people's phones.
import type { DBSchema } from 'idb';
import type { ClockReading } from '../model/device_clock.ts';
import type {
  AnyRecord,
  Cursor,
  Edit,
  ErrorReason,
  FieldViolation,
  Id,
  Instant,
  Pairing,
} from '../model/types.ts';

// Store `device`.
export interface DeviceRow {
  key: 'head';
  deviceToken: string;
  // When it became the device's, by the device's clock; absent: not known.
  tokenSince?: Instant;
  // The token to come, from before it is announced until the server knows it.
  nextToken?: string;
  // The one before: a server that is restored from a backup may know it alone.
  previousToken?: string;
}
// Of a request that pairs this device, until it is answered. Named before it is sent, so that the
// server knows it again when the answer is lost.
export interface PairingRequestRow {
  key: 'pairing';
  requestId: Id;
  // The request as JSON.
  request: string;
}

// Store `families`.
export interface FamilyRow {
  familyId: Id;
  // `replicaId` is the one that new taps are made under.
  pairing: Pairing;
  pairedAt: Instant;
  // What the confirmed records are as of.
  cursor: Cursor;
  // Sum of their digests, 64 hex digits; empty: nothing yet.
  stateHash: string;
  // The next stream starts from nothing, and its first bookmark replaces the confirmed records.
  followFromNothing: boolean;
  // Paired anew under another replica id. Nothing is sent until the next bookmark tells what the server
  // has; what is pending then is appended anew under that id, in its order.
  rehomeAtBookmark?: boolean;
  // How often pending transactions were appended anew, under new names.
  renamings?: number;
  // How often the records differed from the server's state hash and were fetched again.
  resyncs: number;
  // Newest revision that a backup of the server holds.
  backedUpRevision: number;
  // Newest transaction of the replica, and the newest that has its hash.
  lastSeq: number;
  sealed: { seq: number; hash: string };
  // Position of the newest transaction ever put into the outbox.
  lastPosition: number;
  // Newest revision that one of this device's own taps was committed at.
  committedRevision: number;
  // Why access ended; empty while it has not.
  closed: string;
  syncedAt?: Instant;
}

// A confirmed record, without what `pending` says.
export interface RecordRow {
  familyId: Id;
  id: Id;
  // When it happened, so that a start need not read old nights; ALWAYS: what is always read.
  at: number;
  digest: string;
  record: AnyRecord;
}
export const ALWAYS = Number.MAX_SAFE_INTEGER;

// The edits of one tap. Store `outbox`: not in the confirmed records yet. `sent`: in them, kept until
// a backup of the server has it. `attention`: the server will not commit it.
export interface TransactionRow {
  familyId: Id;
  position: number;
  replicaId: Id;
  seq: number;
  madeAt: ClockReading;
  madeAtCursor: Cursor;
  edits: Edit[];
  // The revision that the server committed it at; 0: not acknowledged.
  revision: number;
  // The lineage of that revision, where the server said it.
  lineage?: Id;
  // SHA-256 over the hash before and this row as JSON; made before it is first sent.
  hash?: string;
  previousHash?: string;
}
export interface AttentionRow extends TransactionRow {
  outcome: 'rejected' | 'quarantined';
  message: string;
  // Absent where a version of the app kept it that did not note it.
  reason?: ErrorReason;
  violations: FieldViolation[];
  // Rejected for want of this record, which another phone may bring back to a restored server.
  lacks?: Id;
}

export interface Schema extends DBSchema {
  device: { key: string; value: DeviceRow | PairingRequestRow };
  families: { key: Id; value: FamilyRow };
  records: { key: [Id, Id]; value: RecordRow; indexes: { at: [Id, number] } };
  outbox: { key: [Id, number]; value: TransactionRow };
  sent: { key: [Id, number]; value: TransactionRow };
  attention: { key: [Id, number]; value: AttentionRow };
}
