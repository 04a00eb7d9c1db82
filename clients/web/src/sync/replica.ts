// What sync does with this device's database. Every change is one transaction, on disk before its
// promise resolves, and told to the screens after that. The rules are those of the device library in
// clients/cpp/replica.h.
import { create, toBinary } from '@bufbuild/protobuf';
import { ConnectError } from '@connectrpc/connect';
import type { IDBPTransaction } from 'idb';
import { StatusSchema } from '../gen/google/rpc/status_pb.js';
import type { Bookmark, Verdict, Record as WireRecord } from '../gen/nightlog/v1/sync_pb.js';
import { TransactionSchema } from '../gen/nightlog/v1/sync_pb.js';
import {
  type PushRequest,
  PushRequestSchema,
  type PushResponse,
} from '../gen/nightlog/v1/sync_service_pb.js';
import type { DeviceClock } from '../model/device_clock.ts';
import { fromHex, randomId, toHex } from '../model/ids.ts';
import { conflictsOf } from '../model/overlay.ts';
import type { SyncHost } from '../model/remote.ts';
import {
  type AnyRecord,
  AppError,
  type Cursor,
  type Id,
  type Instant,
  type Pairing,
  type Role,
  type WaitingTap,
} from '../model/types.ts';
import { ofFamily, STRICT } from '../store/database.ts';
import {
  ALWAYS,
  type AttentionRow,
  type DeviceRow,
  type FamilyRow,
  type PairingRequestRow,
  type RecordRow,
  type Schema,
  type TransactionRow,
} from '../store/schema.ts';
import { toAppError } from './errors.ts';
import { StateHash } from './state_hash.ts';
import { fromTransaction, toCursor, toRecord } from './wire.ts';

// Bounds of a push, below the server's.
const PUSH_TRANSACTIONS_MAX = 512;
const PUSH_BYTES_MAX = 900 << 10;
// Acknowledged transactions kept for a server that is never backed up.
const SENT_MAX = 10_000;
// Of a log that comes whole, so many records are taken between two looks at what a person taps. Where
// more come, the screens read anew what they show, and not what came.
const AT_ONCE = 200;
const NO_REVISION: Cursor = { lineage: '', revision: 0 };

type StoreName = 'device' | 'families' | 'records' | 'outbox' | 'sent' | 'attention';
const ALL: StoreName[] = ['device', 'families', 'records', 'outbox', 'sent', 'attention'];
type Changing = IDBPTransaction<Schema, StoreName[], 'readwrite'>;

// What a push leads to.
export type PushStep =
  // Push what is pending now, if anything is.
  | 'go_on'
  // The server does not understand the next transaction yet; try again later.
  | 'wait'
  // Get a new replica id, then call rehome().
  | 'renew_replica';

// What was received on one stream up to and including a bookmark.
export interface Received {
  // A reset came first, or the stream began at nothing.
  fromNothing: boolean;
  // By the stream of a consultant's families.
  watched: boolean;
  records: ReadonlyMap<Id, WireRecord>;
  bookmark: Bookmark;
}

function nonsense(what: string): never {
  throw new AppError('other', `the server's answer makes no sense: ${what}`);
}

function recordsOf(row: TransactionRow): Id[] {
  return row.edits.map((edit) => edit.recordId);
}

// When a record happened, for the index; what may have to be asked about is always read.
function happenedAt(record: AnyRecord): number {
  if (conflictsOf(record).length > 0) return ALWAYS;
  if (record.kind === 'logEntry') return record.body.interval?.beganAt ?? ALWAYS;
  if (record.kind === 'nightSummary') return Date.parse(record.body.date);
  return ALWAYS;
}

async function sha256(previousHash: string, text: string): Promise<string> {
  if (!globalThis.crypto.subtle) {
    throw new AppError('other', 'this address is not secure: open the app over HTTPS to sync');
  }
  const before = fromHex(previousHash);
  const stored = new TextEncoder().encode(text);
  const bytes = new Uint8Array(before.length + stored.length);
  bytes.set(before);
  bytes.set(stored, before.length);
  return toHex(new Uint8Array(await crypto.subtle.digest('SHA-256', bytes)));
}

// 32 random bytes as URL-safe Base64.
function randomToken(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_');
}

export class Replica {
  constructor(private readonly host: SyncHost & { clock: DeviceClock }) {}

  family(id: Id): Promise<FamilyRow | undefined> {
    return this.host.database.get('families', id);
  }

  families(): Promise<FamilyRow[]> {
    return this.host.database.getAll('families');
  }

  async device(): Promise<DeviceRow> {
    const row = await this.host.database.get('device', 'head');
    return row?.key === 'head' ? row : { key: 'head', deviceToken: '' };
  }

  async token(): Promise<string> {
    return (await this.device()).deviceToken;
  }

  // The token that is to take the place of the device's, made at the first call: on disk, and the same,
  // until takeNextToken().
  async nextToken(): Promise<string> {
    const changing = this.host.database.transaction('device', 'readwrite', STRICT);
    const row = await changing.store.get('head');
    if (row?.key !== 'head') throw new AppError('other', 'this device is not paired');
    const nextToken = row.nextToken ?? randomToken();
    await changing.store.put({ ...row, nextToken });
    await changing.done;
    return nextToken;
  }

  // The server knows it: it is the device's now. Does nothing if `token` is not the one to come.
  async takeNextToken(token: string, now: Instant): Promise<void> {
    const changing = this.host.database.transaction('device', 'readwrite', STRICT);
    const row = await changing.store.get('head');
    if (row?.key === 'head' && row.nextToken === token) {
      const previousToken = row.deviceToken;
      await changing.store.put({ key: 'head', deviceToken: token, tokenSince: now, previousToken });
    }
    await changing.done;
  }

  // The name of a request that pairs this device, on disk before it is sent: that of the same request
  // before, whose answer was lost, or a new one.
  async nameRequest(request: object): Promise<Id> {
    const changing = this.host.database.transaction('device', 'readwrite', STRICT);
    const before = await changing.store.get('pairing');
    const row: PairingRequestRow = {
      key: 'pairing',
      requestId: randomId(),
      request: JSON.stringify(request),
    };
    const same = before?.key === 'pairing' && before.request === row.request;
    if (!same) await changing.store.put(row);
    await changing.done;
    return same ? before.requestId : row.requestId;
  }

  // Adds the family of a pairing, or takes a new pairing for one it has: records are followed from the
  // beginning then, and what is unacknowledged is sent under the new replica id, once the next bookmark
  // has told what the server has. A token becomes the device's.
  async addFamily(pairing: Pairing, deviceToken: string): Promise<void> {
    const changing = this.host.database.transaction(ALL, 'readwrite', STRICT);
    if (deviceToken) {
      await changing
        .objectStore('device')
        .put({ key: 'head', deviceToken, tokenSince: this.host.clock.read().wall });
    }
    await changing.objectStore('device').delete('pairing');
    const known = await changing.objectStore('families').get(pairing.familyId);
    const family: FamilyRow = known ?? {
      familyId: pairing.familyId,
      pairing,
      pairedAt: Date.now(),
      cursor: NO_REVISION,
      stateHash: '',
      followFromNothing: false,
      resyncs: 0,
      backedUpRevision: 0,
      lastSeq: 0,
      sealed: { seq: 0, hash: '' },
      lastPosition: 0,
      committedRevision: 0,
      closed: '',
    };
    if (known) {
      family.closed = '';
      family.followFromNothing = true;
      if (pairing.replicaId !== family.pairing.replicaId) family.rehomeAtBookmark = true;
      takePairing(family, pairing);
    }
    await changing.objectStore('families').put(family);
    await changing.done;
    this.host.familiesChanged();
  }

  // Forgets the family, its unsent transactions included.
  async forget(familyId: Id): Promise<void> {
    const changing = this.host.database.transaction(ALL, 'readwrite', STRICT);
    await changing.objectStore('families').delete(familyId);
    for (const store of ['records', 'outbox', 'sent', 'attention'] as const) {
      await changing.objectStore(store).delete(ofFamily(familyId));
    }
    await changing.done;
    this.host.familiesChanged();
  }

  // Drops a transaction that needs attention.
  async discard(familyId: Id, position: number): Promise<void> {
    const changing = this.host.database.transaction('attention', 'readwrite', STRICT);
    await changing.store.delete([familyId, position]);
    await changing.done;
    this.host.changed(familyId, []);
  }

  // Drops what a viewer may not send, if it is exactly these taps. False: it is not, and nothing is
  // dropped. No name is used again: the server answers the next tap with a gap, which this device does
  // not hold, and it is sent under a new replica id.
  async discardNotShared(familyId: Id, taps: readonly WaitingTap[]): Promise<boolean> {
    let dropped = false;
    await this.change(familyId, async (changing, family) => {
      const outbox = await changing.objectStore('outbox').getAll(ofFamily(familyId));
      const waiting = outbox.filter((row) => row.revision === 0);
      dropped =
        family.pairing.role === 'viewer' &&
        waiting.length === taps.length &&
        waiting.every(({ position }, i) => position === taps[i]?.position);
      if (!dropped) return [];
      for (const { position } of waiting) {
        await changing.objectStore('outbox').delete([familyId, position]);
      }
      return waiting.flatMap(recordsOf);
    });
    return dropped;
  }

  // Access ended: keeps everything, and says so.
  async setClosed(familyId: Id, message: string): Promise<void> {
    await this.change(familyId, async (_, family) => {
      family.closed = message || 'access ended';
      return [];
    });
  }

  // The oldest transactions that are not acknowledged: of one replica id, in order of seq, at most 512
  // and about 900 KiB. Undefined: there are none, or this device was paired anew and has had no bookmark
  // since. The request lacks `sentAt`.
  async nextPush(familyId: Id): Promise<PushRequest | undefined> {
    let family: FamilyRow | undefined;
    do {
      family = await this.family(familyId);
      if (!family || family.rehomeAtBookmark) return undefined;
    } while (!(await this.seal(family)));
    const rows = await this.host.database.getAll('outbox', ofFamily(familyId));
    const waiting = rows.filter((row) => row.revision === 0);
    const first = waiting[0];
    if (!first) return undefined;
    const request = create(PushRequestSchema, {
      familyId: fromHex(familyId),
      replicaId: fromHex(first.replicaId),
    });
    let bytes = 0;
    for (const row of waiting) {
      // A tap that was saved meanwhile gets its hash the next time.
      if (row.replicaId !== first.replicaId || row.hash === undefined) break;
      const transaction = fromTransaction(row);
      bytes += toBinary(TransactionSchema, transaction).length;
      const some = request.transactions.length;
      if (some === PUSH_TRANSACTIONS_MAX || (bytes > PUSH_BYTES_MAX && some > 0)) break;
      request.transactions.push(transaction);
    }
    return request.transactions.length > 0 ? request : undefined;
  }

  // Takes the server's answer to `request`. Committed transactions are acknowledged and stay on the
  // screen as part of the outbox until the confirmed records hold them; rejected and quarantined ones
  // move to "needs attention"; after a gap everything from there on is pending again. What was rejected
  // only because its record is not on the server is pending once more when applyBookmark() brings it.
  async applyVerdicts(request: PushRequest, response: PushResponse): Promise<PushStep> {
    const { verdicts } = response;
    if (verdicts.length === 0 || verdicts.length > request.transactions.length) {
      nonsense('not one verdict a transaction');
    }
    if (verdicts.some((verdict, i) => verdict.seq !== request.transactions[i]?.seq)) {
      nonsense('verdicts about other transactions');
    }
    const familyId = toHex(request.familyId);
    const replicaId = toHex(request.replicaId);
    const lineage = toHex(response.lineage);
    let step: PushStep = 'go_on';
    await this.change(familyId, async (changing, family) => {
      const outbox = await changing.objectStore('outbox').getAll(ofFamily(familyId));
      const changed: Id[] = [];
      for (const verdict of verdicts) {
        const seq = Number(verdict.seq);
        const row = outbox.find(
          (sent) => sent.revision === 0 && sent.replicaId === replicaId && sent.seq === seq,
        );
        if (!row) continue; // answered before
        changed.push(...recordsOf(row));
        const next = await this.applyVerdict(changing, family, row, lineage, verdict, changed);
        if (next) {
          step = next;
          break;
        }
      }
      return changed;
    });
    return step;
  }

  // Moves what is unacknowledged under `from`, and what was tapped on top of it under another replica
  // id, to the replica id `to`, as new transactions that say the same. What else is pending keeps its
  // names: the server may have it, and its answer was lost. New taps are made under `to`.
  async rehome(familyId: Id, from: Id, to: Id): Promise<void> {
    await this.change(familyId, (changing, family) => {
      // Paired anew meanwhile: the next bookmark moves it all.
      if (family.rehomeAtBookmark) return [];
      takePairing(family, { ...family.pairing, replicaId: to });
      return from === to ? [] : this.appendAnew(changing, family, from);
    });
  }

  // Takes what was received up to a bookmark: records, cursor and outbox change at once.
  //
  // After a reset the records replace all confirmed ones. After one to another lineage, and after
  // records that did not add up, acknowledged transactions that are still kept are pending again: the
  // server may have lost them. Throws 'storage_damaged' if the records do not add up to the bookmark's
  // state hash, and applies nothing; the next stream then starts from nothing.
  async applyBookmark(familyId: Id, received: Received): Promise<void> {
    const { bookmark } = received;
    const cursor = toCursor(bookmark.cursor);
    if (bookmark.stateHash.length !== 32) nonsense('a bookmark without a state hash');
    const rows: RecordRow[] = [];
    for (const [id, wire] of received.records) {
      const record = toRecord(wire);
      rows.push({ familyId, id, at: happenedAt(record), digest: toHex(wire.digest), record });
      if (rows.length % AT_ONCE === 0) await new Promise((resolve) => setTimeout(resolve));
    }
    let differs = false;
    let roleChanged = false;
    await this.change(familyId, async (changing, family) => {
      const { followFromNothing } = family;
      const fromNothing = received.fromNothing || family.cursor.revision === 0;
      const otherStream = received.watched !== isWatched(family.pairing.role);
      if (otherStream || (followFromNothing && !received.fromNothing)) {
        // Opened before the family was paired anew, or in another role.
        throw new AppError('unreachable', 'its records are read by another stream from now on');
      }
      const newLineage = family.cursor.lineage !== '' && cursor.lineage !== family.cursor.lineage;
      if (!fromNothing && (newLineage || cursor.revision < family.cursor.revision)) {
        nonsense('its bookmark goes back, or to another lineage');
      }
      const records = changing.objectStore('records');
      const hash = new StateHash(fromNothing ? '' : family.stateHash);
      for (const { id, digest } of rows) {
        if (!fromNothing) {
          const old = await records.get([familyId, id]);
          if (old) hash.remove(old.digest);
        }
        hash.add(digest);
      }
      if (hash.hex() !== toHex(bookmark.stateHash)) {
        differs = true;
        family.followFromNothing = true;
        family.resyncs++;
        return [];
      }
      if (fromNothing) await records.delete(ofFamily(familyId));
      for (let i = 0; i < rows.length; i += AT_ONCE) {
        await Promise.all(rows.slice(i, i + AT_ONCE).map((row) => records.put(row)));
      }
      family.cursor = cursor;
      family.stateHash = hash.hex();
      family.followFromNothing = false;
      family.closed = '';
      family.backedUpRevision = Number(bookmark.backedUpRevision);
      family.syncedAt = Date.now();
      const { rehomeAtBookmark } = family;
      if (rehomeAtBookmark) {
        // What was tapped since was not sent; it may have to come after what the server lost.
        delete family.rehomeAtBookmark;
        family.lastSeq = 0;
        family.sealed = { seq: 0, hash: '' };
      }
      for (const row of rows) leaveNamesTaken(family, row.record);
      const moved: Id[] = [];
      if (newLineage || (followFromNothing && !rehomeAtBookmark)) {
        family.committedRevision = 0;
        const taken = ({ revision, lineage }: TransactionRow) =>
          revision !== 0 && revision <= cursor.revision && lineage === cursor.lineage;
        moved.push(
          ...(await this.reopen(changing, family, ['outbox'], (row) => !taken(row))),
          ...(await this.reopen(changing, family, ['sent'], () => true)),
        );
      }
      roleChanged = await this.takeRole(changing, family);
      moved.push(...(await this.settle(changing, family)));
      const came = ({ lacks }: AttentionRow) => lacks !== undefined && received.records.has(lacks);
      moved.push(
        ...(await this.reopen(changing, family, ['attention'], (row) => came(row as AttentionRow))),
      );
      if (rehomeAtBookmark) moved.push(...(await this.appendAnew(changing, family)));
      const all = fromNothing || rows.length > AT_ONCE;
      return all ? 'all' : [...rows.map((row) => row.id), ...moved];
    });
    if (differs) {
      throw new AppError('storage_damaged', 'the records here differ from the server’s');
    }
    if (roleChanged) this.host.familiesChanged();
  }

  // The role is what one's own record says: it may have changed by another device's invite. True: it
  // has; where another stream brings the records from now on, they come from the beginning.
  private async takeRole(changing: Changing, family: FamilyRow): Promise<boolean> {
    const { memberId, role } = family.pairing;
    const own = (await changing.objectStore('records').get([family.familyId, memberId]))?.record;
    if (own?.kind !== 'member' || !own.body.role || own.body.role === role) return false;
    family.pairing = { ...family.pairing, role: own.body.role };
    if (isWatched(role) !== isWatched(own.body.role)) family.followFromNothing = true;
    return true;
  }

  // One change of a family: `apply` changes its row in place and says which records are shown
  // differently. Nothing happens where the family is not here any more.
  private async change(
    familyId: Id,
    apply: (changing: Changing, family: FamilyRow) => Promise<Id[] | 'all'> | Id[] | 'all',
  ): Promise<void> {
    const changing = this.host.database.transaction(ALL, 'readwrite', STRICT);
    const family = await changing.objectStore('families').get(familyId);
    if (!family) return;
    let changed: Id[] | 'all';
    try {
      changed = await apply(changing, family);
      await changing.objectStore('families').put(family);
    } catch (error) {
      changing.done.catch(() => undefined);
      try {
        changing.abort();
      } catch {
        // It failed by itself.
      }
      throw error;
    }
    await changing.done;
    this.host.changed(familyId, changed);
  }

  // Gives each transaction that has none its hash, in order. A hash is made once, before it is sent.
  // False: `family` was sealed by another tab, or is under another replica id, meanwhile, and nothing
  // is changed.
  private async seal(family: FamilyRow): Promise<boolean> {
    const { database } = this.host;
    const { familyId, pairing } = family;
    const rows = await database.getAll('outbox', ofFamily(familyId));
    const open = rows.filter(
      (row) => row.hash === undefined && row.replicaId === pairing.replicaId,
    );
    if (open.length === 0) return true;
    let { seq, hash } = family.sealed;
    for (const row of open) {
      const { madeAt, madeAtCursor, edits } = row;
      row.previousHash = hash;
      hash = await sha256(hash, JSON.stringify({ seq: row.seq, madeAt, madeAtCursor, edits }));
      row.hash = hash;
      seq = row.seq;
    }
    const changing = database.transaction(['families', 'outbox'], 'readwrite', STRICT);
    const now = await changing.objectStore('families').get(familyId);
    const same =
      now?.pairing.replicaId === pairing.replicaId && now.sealed.seq === family.sealed.seq;
    if (same) {
      await changing.objectStore('families').put({ ...now, sealed: { seq, hash } });
      await Promise.all(open.map((row) => changing.objectStore('outbox').put(row)));
    }
    await changing.done;
    return same;
  }

  private async applyVerdict(
    changing: Changing,
    family: FamilyRow,
    row: TransactionRow,
    lineage: Id,
    { outcome }: Verdict,
    changed: Id[],
  ): Promise<PushStep | undefined> {
    const attend = (
      what: Pick<AttentionRow, 'outcome' | 'message' | 'reason' | 'violations' | 'lacks'>,
    ) => this.move(changing, row, 'attention', { ...row, ...what });
    // The server may have been restored since: its revisions then say nothing about the records here.
    const sameLineage = lineage === '' || lineage === family.cursor.lineage;
    switch (outcome.case) {
      case 'committed': {
        const revision = Number(outcome.value.revision);
        if (revision === 0) nonsense('committed at revision 0');
        const acknowledged = { ...row, revision, lineage };
        family.committedRevision = Math.max(family.committedRevision, revision);
        if (sameLineage && revision <= family.cursor.revision) {
          await this.move(changing, row, 'sent', acknowledged);
        } else {
          await changing.objectStore('outbox').put(acknowledged);
        }
        return undefined;
      }
      case 'rejected': {
        const status = outcome.value.status ?? create(StatusSchema);
        const error = new ConnectError(status.message, status.code);
        error.details = status.details.map((any) => ({
          type: any.typeUrl.slice(any.typeUrl.lastIndexOf('/') + 1),
          value: any.value,
        }));
        const { reason, message, violations } = toAppError(error);
        const lacks =
          reason === 'invalid_edit'
            ? recordsOf(row).find((id) => violations.some(({ field }) => field === `record ${id}`))
            : undefined;
        if (lacks && sameLineage) {
          const come = await changing.objectStore('records').get([row.familyId, lacks]);
          if (come) return undefined; // meanwhile: once more
        }
        await attend({
          outcome: 'rejected',
          message,
          reason,
          violations: [...violations],
          ...(lacks && { lacks }),
        });
        return undefined;
      }
      case 'quarantined':
        await attend({ outcome: 'quarantined', message: '', violations: [] });
        return undefined;
      case 'gap': {
        const expected = Number(outcome.value.expectedSeq);
        if (expected >= row.seq) nonsense('a gap that is none');
        let held = false;
        const from = (other: TransactionRow) => {
          if (other.replicaId !== row.replicaId || other.seq < expected) return false;
          held ||= other.seq === expected;
          return true;
        };
        changed.push(
          ...(await this.reopen(changing, family, ['outbox', 'sent', 'attention'], from)),
        );
        return held ? 'go_on' : 'renew_replica';
      }
      case 'forked':
        return 'renew_replica';
      default: // retry later, or an outcome of a newer server
        return 'wait';
    }
  }

  // Makes transactions pending again, whichever of the stores they are in. Returns their records.
  private async reopen(
    changing: Changing,
    family: FamilyRow,
    stores: ('outbox' | 'sent' | 'attention')[],
    which: (row: TransactionRow) => boolean,
  ): Promise<Id[]> {
    const changed: Id[] = [];
    for (const store of stores) {
      const rows: TransactionRow[] = await changing
        .objectStore(store)
        .getAll(ofFamily(family.familyId));
      for (const row of rows.filter(which)) {
        if (store !== 'outbox') {
          await changing.objectStore(store).delete([row.familyId, row.position]);
        }
        const { outcome, message, reason, violations, lacks, lineage, ...transaction } =
          row as AttentionRow;
        await changing.objectStore('outbox').put({ ...transaction, revision: 0 });
        changed.push(...recordsOf(row));
      }
    }
    return changed;
  }

  // What the confirmed records hold leaves the outbox, what was acknowledged by a server that has been
  // restored since is pending again, and what a backup holds is forgotten. Returns the records that are
  // shown differently.
  private async settle(changing: Changing, family: FamilyRow): Promise<Id[]> {
    const range = ofFamily(family.familyId);
    const { lineage, revision } = family.cursor;
    const changed = await this.reopen(
      changing,
      family,
      ['outbox'],
      (row) => row.revision !== 0 && !!row.lineage && row.lineage !== lineage,
    );
    for (const row of await changing.objectStore('outbox').getAll(range)) {
      if (row.revision === 0 || row.revision > revision) continue;
      family.committedRevision = Math.max(family.committedRevision, row.revision);
      await this.move(changing, row, 'sent', row);
      changed.push(...recordsOf(row));
    }
    const store = changing.objectStore('sent');
    let kept = await store.count(range);
    for (let at = await store.openCursor(range); at; at = await at.continue()) {
      if (at.value.revision > family.backedUpRevision && kept <= SENT_MAX) break;
      await at.delete();
      --kept;
    }
    return changed;
  }

  private async move(
    changing: Changing,
    row: TransactionRow,
    to: 'sent' | 'attention',
    as: TransactionRow | AttentionRow,
  ): Promise<void> {
    await changing.objectStore('outbox').delete([row.familyId, row.position]);
    if (to === 'sent') await changing.objectStore('sent').put(as);
    else await changing.objectStore('attention').put(as as AttentionRow);
  }

  // Appends what is pending under `from`, or under any replica id, anew under the pairing's, in its
  // order, and rewrites what refers to it: what was tapped later under another id, and what followed
  // under that, was not sent yet. Neither was what has no hash, which it gets under the pairing's id
  // alone. Returns the records concerned.
  private async appendAnew(changing: Changing, family: FamilyRow, from?: Id): Promise<Id[]> {
    const { replicaId } = family.pairing;
    const store = changing.objectStore('outbox');
    const changed: Id[] = [];
    const newSeqs = new Map<string, number>();
    const namesMoved = (row: TransactionRow) =>
      row.edits.some((edit) => edit.saw.some((id) => newSeqs.has(`${id.replicaId} ${id.seq}`)));
    const moving = new Set<Id | undefined>([from]);
    for (const row of await store.getAll(ofFamily(family.familyId))) {
      if (row.revision !== 0) continue;
      const stays = !moving.has(row.replicaId) && !namesMoved(row) && row.hash !== undefined;
      if (from !== undefined && stays) continue;
      moving.add(row.replicaId);
      const { hash: _h, previousHash: _p, ...rest } = row;
      const seq = ++family.lastSeq;
      const position = ++family.lastPosition;
      // An edit may also name one before it in its own transaction.
      newSeqs.set(`${row.replicaId} ${row.seq}`, seq);
      const edits = row.edits.map((edit) => ({
        ...edit,
        saw: edit.saw.map((id) => {
          const seq = newSeqs.get(`${id.replicaId} ${id.seq}`);
          return seq === undefined ? id : { ...id, replicaId, seq };
        }),
      }));
      await store.delete([row.familyId, row.position]);
      await store.put({ ...rest, edits, replicaId, seq, position });
      changed.push(...recordsOf(row));
    }
    if (newSeqs.size > 0) family.renamings = (family.renamings ?? 0) + 1;
    return changed;
  }
}

// The records of a consultant's families come over one stream, without log entries.
export function isWatched(role: Role): boolean {
  return role === 'consultant';
}

// New taps are made under the pairing's replica id from now on.
function takePairing(family: FamilyRow, pairing: Pairing): void {
  if (pairing.replicaId !== family.pairing.replicaId) {
    family.lastSeq = 0;
    family.sealed = { seq: 0, hash: '' };
  }
  family.pairing = pairing;
}

// A record with edits of this replica that it does not know shows that this phone was set back or
// cloned. Further taps must not be named like those: they go on after them, with a chain that fits to
// nothing, so that the server answers with a fork.
function leaveNamesTaken(family: FamilyRow, record: AnyRecord): void {
  for (const { versions } of record.groups) {
    for (const { edit, agreed } of versions) {
      for (const id of [edit, ...agreed]) {
        if (id.replicaId !== family.pairing.replicaId || id.seq <= family.lastSeq) continue;
        family.lastSeq = id.seq;
        family.sealed = { seq: id.seq, hash: '' };
      }
    }
  }
}
