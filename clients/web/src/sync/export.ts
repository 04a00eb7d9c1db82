// A family as the file that `nightlog export` writes and `nightlog family import` brings to another
// server: clients/cli/export/json_lines.h says what is in it.
import { toBinary } from '@bufbuild/protobuf';
import { base64Encode } from '@bufbuild/protobuf/wire';
import { RecordSchema, type Record as WireRecord } from '../gen/nightlog/v1/sync_pb.js';
import { toHex } from '../model/ids.ts';
import type { FamilyFile } from '../model/remote.ts';
import type { Id, Pairing } from '../model/types.ts';
import { toJson } from './json.ts';
import { StateHash } from './state_hash.ts';

const VERSION = 1;
const ABOUT =
  "Every record of a family of nightlog, one a line. 'bytes' is the nightlog.v1.Record in base64 " +
  "and holds everything; 'record' says the same in words. 'nightlog family import FILE' brings " +
  'it to a server.';

function lineOf(record: WireRecord): string {
  const bytes = base64Encode(toBinary(RecordSchema, record));
  return `${JSON.stringify({ bytes, record: toJson(RecordSchema, record) })}\n`;
}

// The file of all these records, which the member of `pairing` asked for at `exportedAt`. A record
// that changes meanwhile comes again: the last one counts. `told` hears how many have come.
export async function toJsonLines(
  parts: AsyncIterable<{ records: WireRecord[] }>,
  { familyName, memberId }: Pairing,
  exportedAt: Date,
  told: (records: number) => void,
): Promise<FamilyFile> {
  const records = new Map<Id, { digest: string; line: string }>();
  for await (const part of parts) {
    for (const record of part.records) {
      records.set(toHex(record.recordId), { digest: toHex(record.digest), line: lineOf(record) });
    }
    told(records.size);
  }
  const sum = new StateHash();
  for (const { digest } of records.values()) sum.add(digest);
  const head = {
    nightlog_export: VERSION,
    family_name: familyName,
    exported_by: memberId,
    exported_at: exportedAt.toISOString(),
    records: records.size,
    state_hash: sum.hex(),
    about: ABOUT,
  };
  const lines = [...records.values()].map(({ line }) => line);
  return {
    records: records.size,
    file: new Blob([`${JSON.stringify(head)}\n`, ...lines], { type: 'application/jsonl' }),
  };
}
