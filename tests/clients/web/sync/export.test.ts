// A family as a file. That the command line takes it is tests/browser/export.test.mjs's.
import { create, fromBinary } from '@bufbuild/protobuf';
import { RecordSchema } from '@web/gen/nightlog/v1/sync_pb.js';
import { fromHex, toHex } from '@web/model/ids.ts';
import type { Pairing } from '@web/model/types.ts';
import { openDatabase } from '@web/store/database.ts';
import { toJsonLines } from '@web/sync/export.ts';
import { expect, test } from 'vitest';
import { exportLines, typed, untilSynced, useDaemon } from '../families.ts';

const { twoPhones } = useDaemon();

test('a family’s file holds what its phones hold, with the same state hash', async () => {
  const { alex, family, samFamily, childId } = await twoPhones();
  const sleep = await family.log({
    childId,
    detail: { kind: 'sleep', sleep: { place: 'crib' } },
    interval: typed('2025-01-13T19:00Z', '2025-01-13T23:00Z'),
  });
  await untilSynced(family, samFamily);
  const { head, lines } = await exportLines(family);
  const database = await openDatabase(alex.name, () => {});
  const row = await database.get('families', family.id);
  database.close();
  expect(head).toMatchObject({
    nightlog_export: 1,
    family_name: 'Robin',
    exported_by: family.pairing.value.memberId,
    records: lines.length,
    state_hash: row?.stateHash,
  });
  const line = lines.find(({ record }) => record.record_id === sleep);
  expect(toHex(fromBinary(RecordSchema, Buffer.from(line.bytes, 'base64')).recordId)).toBe(sleep);
  expect(line.record.log_entry).toMatchObject({
    child_id: childId,
    detail: { sleep: { place: 'crib' } },
    interval: { began_at: '2025-01-13T19:00:00Z', ended_at: '2025-01-13T23:00:00Z' },
  });
});

const id = (digit: string) => fromHex(digit.repeat(32));
const digest = (digit: string) => fromHex(digit.repeat(64));
const pairing = { familyName: 'The Robins', memberId: 'ab'.repeat(16) } as Pairing;

test('of a record that comes again the last one counts', async () => {
  async function* parts() {
    const of = (record: string, revision: bigint, digit: string) =>
      create(RecordSchema, { recordId: id(record), revision, digest: digest(digit) });
    yield { records: [of('1', 7n, '1'), of('2', 8n, '2')] };
    yield { records: [of('1', 9n, '3')] };
  }
  const told: number[] = [];
  const { file, records } = await toJsonLines(parts(), pairing, new Date(0), (n) => told.push(n));
  const [head, ...lines] = (await file.text())
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line));
  expect(records).toBe(2);
  expect(head).toMatchObject({ records: 2, state_hash: '5'.repeat(64) });
  expect(head.exported_at).toBe('1970-01-01T00:00:00.000Z');
  expect(lines.map(({ record }) => record.revision)).toEqual([9, 8]);
  expect(told).toEqual([2, 2]);
});
