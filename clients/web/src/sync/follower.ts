// Brings one family's records down, as they are committed.
import { toBinary } from '@bufbuild/protobuf';
import type { Record as WireRecord } from '../gen/nightlog/v1/sync_pb.js';
import { FollowResponseSchema } from '../gen/nightlog/v1/sync_service_pb.js';
import { fromHex, randomId, toHex } from '../model/ids.ts';
import { AppError, type Id } from '../model/types.ts';
import { CALL, type Calls, STREAM } from './calls.ts';
import type { Replica } from './replica.ts';
import { fromCursor } from './wire.ts';

// A stream stops 256 KiB beyond what is acknowledged; this lets it flow.
const ACKNOWLEDGE_BYTES = 64 << 10;

// Reads one stream of the family from what the device holds to its end, applying each bookmark.
// `heard` is called with each message, `bookmarked` after each bookmark is durable. Throws
// 'no_access' when access ended, which the family's row then says.
export async function follow(
  familyId: Id,
  replica: Replica,
  calls: Calls,
  signal: AbortSignal,
  heard: () => void,
  bookmarked: () => void,
): Promise<void> {
  const family = await replica.family(familyId);
  if (!family) return;
  const fromNothing = family.cursor.revision === 0 || family.followFromNothing;
  const streamId = fromHex(randomId());
  let cursor = fromNothing ? undefined : fromCursor(family.cursor);
  const stream = calls.sync.follow(
    { familyId: fromHex(familyId), streamId, ...(cursor && { cursor }) },
    { ...STREAM, signal },
  );
  let reset = fromNothing;
  let records = new Map<Id, WireRecord>();
  let received = 0;
  let acknowledged = 0;
  for await (const message of stream) {
    heard();
    received += toBinary(FollowResponseSchema, message).length;
    if (message.closed) {
      await replica.setClosed(familyId, message.closed.message);
      throw new AppError('no_access', message.closed.message);
    }
    if (message.reset) {
      reset = true;
      records = new Map();
    }
    for (const record of message.records) records.set(toHex(record.recordId), record);
    if (message.bookmark) {
      await replica.applyBookmark(familyId, {
        fromNothing: reset,
        records,
        bookmark: message.bookmark,
      });
      cursor = message.bookmark.cursor;
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
          cursor: cursor ?? fromCursor({ lineage: '', revision: 0 }),
        },
        { ...CALL, signal },
      );
    }
  }
}
