// A family's rows alone, with answers of a server that the test makes up.
import 'fake-indexeddb/auto';
import { create } from '@bufbuild/protobuf';
import { BookmarkSchema } from '@web/gen/nightlog/v1/sync_pb.js';
import { PushResponseSchema } from '@web/gen/nightlog/v1/sync_service_pb.js';
import { DeviceClock } from '@web/model/device_clock.ts';
import { fromHex } from '@web/model/ids.ts';
import type { Pairing, Role } from '@web/model/types.ts';
import { appendTap, openDatabase } from '@web/store/database.ts';
import type { TransactionRow } from '@web/store/schema.ts';
import { Replica } from '@web/sync/replica.ts';

export async function replicaAlone(name: string) {
  const database = await openDatabase(name, () => {});
  const host = {
    clock: new DeviceClock(),
    database,
    changed: () => {},
    familiesChanged: () => {},
    link: () => {},
  };
  const replica = new Replica(host);
  const id = (digit: string) => digit.repeat(32);
  const family = id('1');
  const pair = (replicaId: string, role: Role = 'owner') =>
    replica.addFamily(
      {
        familyId: family,
        familyName: 'Robin',
        memberId: id('2'),
        role,
        deviceId: id('3'),
        replicaId: id(replicaId),
      } as Pairing,
      'token',
    );
  await pair('4');
  const bookmark = (lineage: string, revision: number, fromNothing: boolean, hashByte = 0) =>
    replica.applyBookmark(family, {
      fromNothing,
      watched: false,
      records: new Map(),
      bookmark: create(BookmarkSchema, {
        cursor: { lineage: fromHex(id(lineage)), revision: BigInt(revision) },
        stateHash: new Uint8Array(32).fill(hashByte),
      }),
    });
  const tap = (saw: readonly [string, number][] = []) =>
    appendTap(database, family, ({ pairing, lastSeq, lastPosition }) => ({
      familyId: family,
      position: lastPosition,
      replicaId: pairing.replicaId,
      seq: lastSeq,
      madeAt: { wall: 0, monotonicMs: 0, bootId: id('5') },
      madeAtCursor: { lineage: '', revision: 0 },
      edits: saw.map(([replicaId, seq]) => ({
        recordId: id('6'),
        group: 9,
        saw: [{ replicaId: id(replicaId), seq, index: 0 }],
        kind: 'existence' as const,
        deleted: true,
      })) as unknown as TransactionRow['edits'],
      revision: 0,
    }));
  const commit = async (lineage: string, revision: number) => {
    const request = await replica.nextPush(family);
    if (!request) throw new Error('nothing to push');
    const response = create(PushResponseSchema, {
      lineage: fromHex(id(lineage)),
      verdicts: request.transactions.map(({ seq }) => ({
        seq,
        outcome: { case: 'committed' as const, value: { revision: BigInt(revision) } },
      })),
    });
    return replica.applyVerdicts(request, response);
  };
  const held = async () => ({
    pending: (await database.getAll('outbox')).filter((row) => row.revision === 0).length,
    shown: (await database.getAll('outbox')).length,
    sent: (await database.getAll('sent')).length,
  });
  // What is pending, in its order: under which id, and what it names.
  const pending = async () =>
    (await database.getAll('outbox')).map(({ replicaId, seq, edits }) => ({
      is: [replicaId[0], seq],
      saw: edits.map((edit) => [edit.saw[0]?.replicaId[0], edit.saw[0]?.seq]),
    }));
  const rehome = (from: string, to: string) => replica.rehome(family, id(from), id(to));
  const mayPush = async () => (await replica.nextPush(family)) !== undefined;
  return {
    replica,
    family,
    pair,
    bookmark,
    tap,
    commit,
    held,
    pending,
    rehome,
    mayPush,
    close: () => database.close(),
  };
}
