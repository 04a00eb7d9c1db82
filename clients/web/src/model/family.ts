// A family on this device: what is shown, and the taps. Holds in memory what the database holds, with
// the outbox laid on top.
import { batch, computed, type ReadonlySignal, type Signal, signal } from '@preact/signals';
import {
  appendTap,
  type Database,
  type FamilyRows,
  readFamily,
  readRecords,
} from '../store/database.ts';
import type { AttentionRow, FamilyRow, RecordRow, TransactionRow } from '../store/schema.ts';
import type { Change, Family, NewEntry, NewInvite } from './app.ts';
import type { DeviceClock } from './device_clock.ts';
import { changesOfEdits, editsOf, inverseOf, THIS_SEQ } from './edits.ts';
import { EXISTENCE } from './groups.ts';
import { newRecordId } from './ids.ts';
import { conflictsOf, layOver } from './overlay.ts';
import type { Link, Remote } from './remote.ts';
import {
  type AnyRecord,
  AppError,
  type Bodies,
  type CommentTarget,
  type Conflict,
  type ConflictChoice,
  type Edit,
  type EditableKind,
  type Id,
  type Instant,
  type LateTap,
  type NeedsAttention,
  type Plan,
  type RecordKind,
  type RecordOf,
  type SyncStatus,
} from './types.ts';

const DAY_MS = 86_400_000;
// What a start reads.
export const START_DAYS = 14;

// What a family's model needs of the app.
export interface FamilyHost {
  readonly database: Database;
  readonly clock: DeviceClock;
  remote(): Promise<Remote>;
  // A tap of this tab is saved: other tabs show it, and it is pushed.
  tapped(familyId: Id, records: Id[]): void;
}

const NO_LINK: Link = { connected: false, copies: [] };

// Where a record stands in the list of its kind.
function orderOf(record: AnyRecord): string | number {
  switch (record.kind) {
    case 'logEntry':
      return record.body.interval.beganAt;
    case 'nightSummary':
      return record.body.date;
    case 'member':
      return record.body.since ?? 0;
    case 'plan':
      return record.body.nights.firstNight;
    default:
      return record.createdAt ?? 0;
  }
}

function inOrder(a: AnyRecord, b: AnyRecord): number {
  const [x, y] = [orderOf(a), orderOf(b)];
  if (x !== y) return x < y ? -1 : 1;
  return a.id < b.id ? -1 : 1;
}

export class FamilyModel implements Family {
  readonly records = signal<ReadonlyMap<Id, AnyRecord>>(new Map());
  readonly undoable = signal<readonly Change[] | undefined>(undefined);
  readonly link = signal<Link>(NO_LINK);
  readonly pairing = computed(() => this.row.value.pairing);

  private readonly row: Signal<FamilyRow>;
  readonly outbox = signal<readonly TransactionRow[]>([]);
  private readonly attentionRows = signal<readonly AttentionRow[]>([]);
  private readonly confirmed = new Map<Id, RecordRow>();
  private readonly lists = new Map<RecordKind, ReadonlySignal<readonly AnyRecord[]>>();
  private since = Date.now() - START_DAYS * DAY_MS;
  // Taps and reloads, one after the other.
  private queue: Promise<unknown> = Promise.resolve();

  readonly attention = computed(() =>
    this.attentionRows.value.map(
      ({ madeAt, lacks, ...row }): NeedsAttention => ({
        ...row,
        madeAt: madeAt.wall,
        waits: lacks !== undefined,
      }),
    ),
  );

  readonly conflicts = computed(() => [...this.records.value.values()].flatMap(conflictsOf));

  readonly sync = computed((): SyncStatus => {
    const row = this.row.value;
    const { connected, error, copies } = this.link.value;
    const pending = this.outbox.value.filter((waiting) => waiting.revision === 0).length;
    const attention = this.attentionRows.value.length;
    let state: SyncStatus['state'] = connected ? 'synced' : 'offline';
    if (attention > 0) state = 'needs_attention';
    else if (row.closed !== '') state = 'closed';
    else if (row.pairing.role === 'viewer' && pending > 0) state = 'not_shared';
    else if (connected && pending > 0) state = 'saved_here';
    const onDevices = copies
      .filter(
        ({ acknowledged, deviceId }) =>
          pending === 0 &&
          deviceId !== row.pairing.deviceId &&
          acknowledged.lineage === row.cursor.lineage &&
          acknowledged.revision >= row.committedRevision,
      )
      .map(({ memberId, deviceId, deviceName, acknowledgedAt }) => ({
        memberId,
        deviceId,
        deviceName,
        since: acknowledgedAt,
      }));
    return {
      state,
      pending,
      attention,
      onDevices,
      ...(row.syncedAt !== undefined && { syncedAt: row.syncedAt }),
      ...(row.closed !== '' && { closedMessage: row.closed }),
      ...(error && { error }),
    };
  });

  // Reads the family from the database. Undefined: it is not there.
  static async open(host: FamilyHost, id: Id): Promise<FamilyModel | undefined> {
    const since = Date.now() - START_DAYS * DAY_MS;
    const rows = await readFamily(host.database, id, { ids: [], since });
    if (!rows.family) return undefined;
    const model = new FamilyModel(host, id, rows.family);
    model.since = since;
    model.take(rows, 'all');
    return model;
  }

  private constructor(
    private readonly host: FamilyHost,
    readonly id: Id,
    row: FamilyRow,
  ) {
    this.row = signal(row);
  }

  list<K extends RecordKind>(kind: K): ReadonlySignal<readonly RecordOf<K>[]> {
    let list = this.lists.get(kind);
    if (!list) {
      list = computed(() =>
        [...this.records.value.values()]
          .filter((record) => record.kind === kind && !record.deleted)
          .sort(inOrder),
      );
      this.lists.set(kind, list);
    }
    return list as unknown as ReadonlySignal<readonly RecordOf<K>[]>;
  }

  // Takes over what the database holds now of these records. False: the family is not there any more.
  reload(ids: readonly Id[] | 'all'): Promise<boolean> {
    return this.enqueue(async () => {
      const rows = ids === 'all' ? await this.readAll() : await this.read(ids);
      if (rows.family) this.take(rows, ids);
      return rows.family !== undefined;
    });
  }

  loadSince(since: Instant): Promise<void> {
    return this.enqueue(async () => {
      if (since >= this.since) return;
      const rows = await readRecords(this.host.database, this.id, since, this.since);
      this.since = since;
      for (const row of rows) this.confirmed.set(row.id, row);
      this.show(rows.map((row) => row.id));
    });
  }

  tap(changes: Parameters<Family['tap']>[0], seen?: AnyRecord): Promise<void> {
    return this.enqueue(() =>
      this.write(typeof changes === 'function' ? changes() : changes, seen),
    );
  }

  undo(): Promise<void> {
    return this.enqueue(async () => {
      const changes = this.undoable.peek();
      if (!changes) return;
      await this.write(changes);
      this.undoable.value = undefined;
    });
  }

  async log(entry: NewEntry): Promise<Id> {
    const recordId = newRecordId();
    await this.tap([{ type: 'set', recordId, kind: 'logEntry', groups: entry }]);
    return recordId;
  }

  edit<K extends EditableKind>(recordId: Id, kind: K, groups: Partial<Bodies[K]>): Promise<void> {
    return this.tap([{ type: 'set', recordId, kind, groups } as Change]);
  }

  restore(recordId: Id): Promise<void> {
    return this.tap([{ type: 'restore', recordId }]);
  }

  async addChild(child: Bodies['child']): Promise<Id> {
    const recordId = newRecordId();
    await this.tap([{ type: 'set', recordId, kind: 'child', groups: child }]);
    return recordId;
  }

  async savePlan(plan: Plan): Promise<Id> {
    const recordId = newRecordId();
    await this.tap([{ type: 'set', recordId, kind: 'plan', groups: plan }]);
    return recordId;
  }

  comment(target: CommentTarget, text: string): Promise<void> {
    return this.enqueue(() => {
      const key = JSON.stringify(target);
      const thread = this.list('comment')
        .peek()
        .find((record) => JSON.stringify(record.body.target) === key);
      const groups = thread ? { posts: [{ text }] } : { target, posts: [{ text }] };
      const recordId = thread?.id ?? newRecordId();
      return this.write([{ type: 'set', recordId, kind: 'comment', groups }]);
    });
  }

  resolve(conflict: Conflict, choice: ConflictChoice): Promise<void> {
    const { recordId, kind, group } = conflict;
    if (group === EXISTENCE) {
      const { deleted } = choice.value as { deleted: boolean };
      return this.tap([{ type: deleted ? 'delete' : 'restore', recordId }]);
    }
    const change =
      choice.value === undefined
        ? { type: 'clear', recordId, kind, group, resolves: true }
        : { type: 'set', recordId, kind, groups: { [group]: choice.value }, resolves: true };
    return this.tap([change as Change]);
  }

  separate(entryId: Id, otherId: Id): Promise<void> {
    return this.edit(entryId, 'logEntry', { separateFrom: [otherId] });
  }

  async discard(position: number): Promise<void> {
    return (await this.host.remote()).discard(this.id, position);
  }

  async logAgain(position: number): Promise<void> {
    const tap = this.attention.peek().find((waiting) => waiting.position === position);
    if (!tap) return;
    await this.tap(changesOfEdits(tap.edits));
    await this.discard(position);
  }

  remote() {
    return this.host.remote();
  }
  async createInvite(invite: NewInvite) {
    return (await this.host.remote()).createInvite(this.id, invite);
  }
  async listMembers() {
    return (await this.host.remote()).listMembers(this.id);
  }
  async revokeDevice(deviceId: Id) {
    return (await this.host.remote()).revokeDevice(this.id, deviceId);
  }
  async listLateTaps() {
    return (await this.host.remote()).listLateTaps(this.id);
  }
  async decideLateTap(tap: LateTap, accept: boolean) {
    return (await this.host.remote()).decideLateTap(this.id, tap, accept);
  }
  async listEvents(pageToken = '') {
    return (await this.host.remote()).listEvents(this.id, pageToken);
  }
  async history(recordId: Id, pageToken = '') {
    return (await this.host.remote()).history(this.id, recordId, pageToken);
  }
  async watchEntries() {
    const entries = signal<readonly RecordOf<'logEntry'>[]>([]);
    const remote = await this.host.remote();
    const stop = remote.watchEntries(this.id, (list) => {
      entries.value = list.sort(inOrder);
    });
    return { entries, stop };
  }
  async forget() {
    return (await this.host.remote()).forget(this.id);
  }

  private enqueue<T>(task: () => Promise<T>): Promise<T> {
    const result = this.queue.then(task);
    this.queue = result.catch(() => undefined);
    return result;
  }

  private async write(changes: readonly Change[], seen?: AnyRecord): Promise<void> {
    await this.load(changes.map(({ recordId }) => recordId));
    const shown = (id: Id) => this.records.peek().get(id);
    const edits = editsOf(changes, shown, seen);
    const undo = inverseOf(changes, shown);
    const ids = [...new Set(edits.map((edit) => edit.recordId))];
    const saved = await this.append(edits);
    if (saved === 'renamed') {
      // This device's edits were given new names, which the screen does not have yet.
      this.take(await this.readAll(), 'all');
      return this.write(changes, seen);
    }
    batch(() => {
      this.row.value = saved.family;
      this.outbox.value = [...this.outbox.peek(), saved.row];
      this.undoable.value = undo;
      this.show(ids);
    });
    this.host.tapped(this.id, ids);
  }

  // Reads those of these records that are too old to have been read at the start.
  private async load(ids: readonly Id[]): Promise<void> {
    const missing = ids.filter((id) => !this.records.peek().has(id));
    if (missing.length === 0) return;
    const rows = await this.read(missing);
    if (rows.records.length > 0) this.take(rows, missing);
  }

  private read(ids: readonly Id[]): Promise<FamilyRows> {
    return readFamily(this.host.database, this.id, { ids });
  }

  // All that is to be in memory: what a start reads, and what was asked for since.
  private readAll(): Promise<FamilyRows> {
    const older = [...this.confirmed.values()].filter((row) => row.at < this.since);
    const ids = older.map((row) => row.id);
    return readFamily(this.host.database, this.id, { ids, since: this.since });
  }

  private async append(edits: readonly Edit[]) {
    const known = this.row.peek();
    const madeAt = this.host.clock.read();
    let renamed = false;
    const make = (family: FamilyRow): TransactionRow => {
      const { replicaId } = family.pairing;
      renamed = family.renamings !== known.renamings;
      return {
        familyId: this.id,
        position: family.lastPosition,
        replicaId,
        seq: family.lastSeq,
        madeAt,
        madeAtCursor: known.cursor,
        edits: edits.map((edit) => ({
          ...edit,
          saw: edit.saw.map((id) =>
            id.seq === THIS_SEQ ? { replicaId, seq: family.lastSeq, index: id.index } : id,
          ),
        })),
        revision: 0,
      };
    };
    try {
      const saved = await appendTap(this.host.database, this.id, (family) => {
        const row = make(family);
        if (renamed) throw new DOMException('renamed', 'AbortError');
        return row;
      });
      if (saved) return saved;
    } catch (error) {
      if (renamed) return 'renamed' as const;
      throw new AppError('not_saved', String(error));
    }
    throw new AppError('no_access', 'this device has left the family');
  }

  private take(rows: FamilyRows, ids: readonly Id[] | 'all'): void {
    const { family } = rows;
    if (!family) return;
    const before = this.outbox.peek();
    const touched = new Set(ids === 'all' ? this.confirmed.keys() : ids);
    if (ids === 'all') this.confirmed.clear();
    else for (const id of ids) this.confirmed.delete(id);
    for (const row of rows.records) {
      this.confirmed.set(row.id, row);
      touched.add(row.id);
    }
    for (const row of [...before, ...rows.outbox]) {
      for (const edit of row.edits) touched.add(edit.recordId);
    }
    batch(() => {
      this.row.value = family;
      this.outbox.value = rows.outbox;
      this.attentionRows.value = rows.attention;
      this.show(touched);
    });
  }

  // Shows these records as they are now.
  private show(ids: Iterable<Id>): void {
    const edits = new Map<Id, { row: TransactionRow; index: number }[]>();
    for (const row of this.outbox.peek()) {
      row.edits.forEach((edit, index) => {
        const of = edits.get(edit.recordId);
        if (of) of.push({ row, index });
        else edits.set(edit.recordId, [{ row, index }]);
      });
    }
    const { memberId } = this.row.peek().pairing;
    const records = new Map(this.records.peek());
    for (const id of ids) {
      let record = this.confirmed.get(id)?.record;
      let pending = false;
      for (const { row, index } of edits.get(id) ?? []) {
        const edit = row.edits[index] as Edit;
        const name = { replicaId: row.replicaId, seq: row.seq, index };
        record = layOver(record, edit, { id: name, memberId, madeAt: row.madeAt.wall });
        pending ||= row.revision === 0;
      }
      if (record) records.set(id, { ...record, pending } as AnyRecord);
      else records.delete(id);
    }
    this.records.value = records;
  }
}
