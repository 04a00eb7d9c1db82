// Brings a whole caseload down over one stream: of every family of a consultant all records but log
// entries.
import type { Record as WireRecord } from '../gen/nightlog/v1/sync_pb.js';
import { fromHex, toHex } from '../model/ids.ts';
import type { Id } from '../model/types.ts';
import { type Calls, STREAM } from './calls.ts';
import type { Replica } from './replica.ts';
import { fromCursor } from './wire.ts';

// Reads one stream over the families `ids` to its end, applying each bookmark; what it brings of others
// is not for it. `bookmarked` is called after each bookmark is durable.
export async function watch(
  ids: ReadonlySet<Id>,
  replica: Replica,
  calls: Calls,
  signal: AbortSignal,
  heard: () => void,
  bookmarked: (familyId: Id) => void,
): Promise<void> {
  const staged = new Map<Id, { reset: boolean; records: Map<Id, WireRecord> }>();
  const known = [];
  for (const family of await replica.families()) {
    const { familyId, cursor, followFromNothing } = family;
    const fromNothing = cursor.revision === 0 || followFromNothing;
    staged.set(familyId, { reset: fromNothing, records: new Map() });
    if (ids.has(familyId) && !fromNothing) {
      known.push({ familyId: fromHex(familyId), cursor: fromCursor(cursor) });
    }
  }
  for await (const message of calls.progress.watch({ known }, { ...STREAM, signal })) {
    heard();
    const familyId = toHex(message.familyId);
    const stage = staged.get(familyId);
    if (!stage || !ids.has(familyId)) continue;
    if (message.left) {
      await replica.setClosed(familyId, message.left.message);
      staged.set(familyId, { reset: true, records: new Map() });
      continue;
    }
    if (message.reset) {
      stage.reset = true;
      stage.records = new Map();
    }
    for (const record of message.records) stage.records.set(toHex(record.recordId), record);
    if (!message.bookmark) continue;
    await replica.applyBookmark(familyId, {
      fromNothing: stage.reset,
      watched: true,
      records: stage.records,
      bookmark: message.bookmark,
    });
    staged.set(familyId, { reset: false, records: new Map() });
    bookmarked(familyId);
  }
}
