// Brings one family's records down, as they are committed.
import { toBinary } from '@bufbuild/protobuf';
import type { Record as WireRecord } from '../gen/nightlog/v1/sync_pb.js';
import { FollowResponseSchema } from '../gen/nightlog/v1/sync_service_pb.js';
import { fromHex, randomId, toHex } from '../model/ids.ts';
import { AppError, type Cursor, type Id, type RecordOf } from '../model/types.ts';
import { CALL, type Calls, STREAM } from './calls.ts';
import type { Received, Replica } from './replica.ts';
import { fromCursor, toRecord } from './wire.ts';

// A stream stops 256 KiB beyond what is acknowledged; this lets it flow.
const ACKNOWLEDGE_BYTES = 64 << 10;
const NOTHING: Cursor = { lineage: '', revision: 0 };

// What takes a stream's records: this device's database, or a page that shows them.
export interface Sink {
  // What it holds; undefined: there is nothing to follow for any more. Revision 0: nothing yet.
  cursor(): Promise<Cursor | undefined>;
  // Takes all up to a bookmark at once.
  apply(received: Received): Promise<void>;
  // Access ended.
  close(message: string): Promise<void>;
}

// This device's database.
export function replicaSink(replica: Replica, familyId: Id): Sink {
  return {
    cursor: async () => {
      const family = await replica.family(familyId);
      return family?.followFromNothing ? NOTHING : family?.cursor;
    },
    apply: (received) => replica.applyBookmark(familyId, received),
    close: (message) => replica.setClosed(familyId, message),
  };
}

// The log entries of a family, in memory only: `changed` gets all of them after each bookmark.
export function entriesSink(changed: (entries: RecordOf<'logEntry'>[]) => void): Sink {
  let entries = new Map<Id, RecordOf<'logEntry'>>();
  return {
    cursor: async () => NOTHING,
    apply: async ({ fromNothing, records }) => {
      if (fromNothing) entries = new Map();
      for (const wire of records.values()) {
        const record = toRecord(wire);
        if (record.kind === 'logEntry') entries.set(record.id, record);
      }
      changed([...entries.values()].filter((entry) => !entry.deleted));
    },
    close: async () => changed([]),
  };
}

// Reads one stream of the family from what the sink holds to its end. `heard` is called with each
// message, `bookmarked` after each bookmark is taken. Throws 'no_access' when access ended.
export async function follow(
  familyId: Id,
  sink: Sink,
  calls: Calls,
  signal: AbortSignal,
  heard: () => void,
  bookmarked: () => void,
): Promise<void> {
  const held = await sink.cursor();
  if (!held) return;
  const streamId = fromHex(randomId());
  let cursor = held.revision === 0 ? undefined : fromCursor(held);
  const stream = calls.sync.follow(
    { familyId: fromHex(familyId), streamId, ...(cursor && { cursor }) },
    { ...STREAM, signal },
  );
  let reset = cursor === undefined;
  let records = new Map<Id, WireRecord>();
  let received = 0;
  let acknowledged = 0;
  for await (const message of stream) {
    heard();
    received += toBinary(FollowResponseSchema, message).length;
    if (message.closed) {
      await sink.close(message.closed.message);
      throw new AppError('no_access', message.closed.message);
    }
    if (message.reset) {
      reset = true;
      records = new Map();
    }
    for (const record of message.records) records.set(toHex(record.recordId), record);
    if (message.bookmark) {
      const { bookmark } = message;
      await sink.apply({ fromNothing: reset, watched: false, records, bookmark });
      cursor = bookmark.cursor;
      reset = false;
      records = new Map();
      bookmarked();
    }
    if (message.bookmark || received - acknowledged >= ACKNOWLEDGE_BYTES) {
      acknowledged = received;
      await calls.sync.acknowledge(
        {
          familyId: fromHex(familyId),
          streamId,
          receivedBytes: BigInt(received),
          cursor: cursor ?? fromCursor(NOTHING),
        },
        { ...CALL, signal },
      );
    }
  }
}
