import { create, fromBinary, toBinary } from '@bufbuild/protobuf';
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import type { PlanMethod } from '@web/gen/nightlog/v1/plan_method_pb.js';
import { LogEntrySchema, NightSummarySchema, PlanSchema } from '@web/gen/nightlog/v1/records_pb.js';
import { EditSchema, RecordSchema } from '@web/gen/nightlog/v1/sync_pb.js';
import { fromHex } from '@web/model/ids.ts';
import type { Edit, LogEntry } from '@web/model/types.ts';
import { fromInstant, fromPlain, toInstant, toPlain } from '@web/sync/codec.ts';
import { fromEdit, toEdit, toRecord } from '@web/sync/wire.ts';
import { expect, test } from 'vitest';

const entry: LogEntry = {
  childId: '0a'.repeat(16),
  detail: {
    kind: 'response',
    response: { level: 0, action: 'sang', exemptReason: 'illness', position: 'chair_at_cot' },
  },
  interval: {
    beganAt: 1_736_900_000_123.456,
    endedAt: -1_000.5,
    zone: 'Europe/London',
    beganTapped: true,
    endedTapped: false,
  },
  tags: ['a'],
  separateFrom: ['0b'.repeat(16)],
};

test('an entry is the same after both ways', () => {
  const message = fromPlain(LogEntrySchema, { ...entry });
  const again = fromBinary(LogEntrySchema, toBinary(LogEntrySchema, message));
  expect(toPlain(LogEntrySchema, again)).toEqual(entry);
});

test('what is absent stays absent, and zero stays zero', () => {
  const night = create(NightSummarySchema, { childId: fromHex('0a'), date: '2025-01-14', nwak: 0 });
  const plain = toPlain(NightSummarySchema, night);
  expect(plain).toMatchObject({
    nwak: 0,
    tibFallback: false,
    timeline: [],
    interventionsByLevel: {},
  });
  expect(Object.keys(plain)).not.toContain('solMin');
  expect(Object.keys(plain)).not.toContain('phase');
  expect(Object.keys(plain)).not.toContain('zone');
});

test('the names of fields with numbers are those of the types', () => {
  const night = create(NightSummarySchema, {
    stn2405: true,
    stn8h: false,
    stn2206: true,
    tst24Min: 5,
  });
  expect(toPlain(NightSummarySchema, night)).toMatchObject({
    stn2405: true,
    stn8h: false,
    stn2206: true,
    tst24Min: 5,
  });
});

test('times keep their microseconds', () => {
  const time = fromInstant(1_736_900_000_123.457);
  expect(time).toMatchObject({ seconds: 1_736_900_000n, nanos: 123_457_000 });
  expect(toInstant(time)).toBe(1_736_900_000_123.457);
  expect(fromInstant(-0.5)).toMatchObject({ seconds: -1n, nanos: 999_500_000 });
});

test('fields and enum values of a newer server come back with an edit', () => {
  const newer = new BinaryWriter();
  newer.raw(toBinary(LogEntrySchema, fromPlain(LogEntrySchema, { interval: entry.interval })));
  // Interval: field 99 = 7, merged into the one above.
  newer
    .tag(3, WireType.LengthDelimited)
    .bytes(new BinaryWriter().tag(99, WireType.Varint).uint32(7).finish());
  const seen = toPlain(LogEntrySchema, fromBinary(LogEntrySchema, newer.finish()));
  const interval = { ...(seen.interval as LogEntry['interval']), endedAt: 5_000 };
  // As it comes back from the database.
  const edit: Edit = {
    recordId: '0c'.repeat(16),
    kind: 'logEntry',
    group: 'interval',
    value: structuredClone(interval),
    removedElements: [],
    saw: [],
  };
  const sent = fromBinary(EditSchema, toBinary(EditSchema, fromEdit(edit)));
  if (sent.value.case !== 'logEntry') throw new Error('no entry');
  expect(sent.value.value.interval?.$unknown).toMatchObject([
    { no: 99, data: new Uint8Array([7]) },
  ]);
  expect(toInstant(sent.value.value.interval?.endedAt ?? fromInstant(0))).toBe(5_000);

  const plan = create(PlanSchema, { approach: { method: 77 as PlanMethod } });
  const plain = toPlain(PlanSchema, plan);
  expect(plain).toMatchObject({ approach: { method: '#77' } });
  expect(fromPlain(PlanSchema, plain)).toMatchObject({ approach: { method: 77 } });
});

test('an edit is the same after both ways', () => {
  const saw = [{ replicaId: '01'.repeat(16), seq: 3, index: 1 }];
  const recordId = '0c'.repeat(16);
  const edits: Edit[] = [
    { recordId, kind: 'logEntry', group: 'detail', value: entry.detail, removedElements: [], saw },
    { recordId, kind: 'logEntry', group: 'tags', value: ['x'], removedElements: ['y'], saw },
    { recordId, kind: 'logEntry', group: 'text', removedElements: [], saw },
    { recordId, group: 'existence', value: { deleted: true }, removedElements: [], saw: [] },
  ];
  for (const edit of edits) {
    const sent = fromBinary(EditSchema, toBinary(EditSchema, fromEdit(edit)));
    expect(toEdit(sent)).toEqual(edit);
  }
  expect(fromEdit(edits[0] as Edit).group).toBe(2);
  expect(fromEdit(edits[3] as Edit).group).toBe(0);
});

test('the first value of a register is the body’s, and each further one its own', () => {
  const interval = (seconds: number) => ({
    beganAt: { seconds: BigInt(seconds), nanos: 0 },
    zone: 'UTC',
  });
  const record = toRecord(
    create(RecordSchema, {
      recordId: fromHex('0c'.repeat(16)),
      revision: 9n,
      body: { case: 'logEntry', value: { interval: interval(60), text: 'one\ntwo', tags: ['a'] } },
      groups: [
        {
          group: 3,
          versions: [
            { edit: { seq: 2n } },
            { edit: { seq: 3n }, value: { case: 'logEntry', value: { interval: interval(90) } } },
          ],
        },
        { group: 0, versions: [{ value: { case: 'existence', value: { deleted: true } } }] },
        { group: 42, versions: [{ edit: { seq: 4n } }] },
      ],
    }),
  );
  expect(record).toMatchObject({ kind: 'logEntry', revision: 9, deleted: false });
  const values = record.groups.map(({ group, versions }) => [group, versions.map((v) => v.value)]);
  expect(values).toMatchObject([
    ['interval', [{ beganAt: 60_000 }, { beganAt: 90_000 }]],
    ['existence', [{ deleted: true }]],
    ['#42', [undefined]],
  ]);
});

test('a kind of record that this app does not know is kept, and shown nowhere', () => {
  const newer = new BinaryWriter();
  newer.raw(
    toBinary(RecordSchema, create(RecordSchema, { recordId: fromHex('0c'), revision: 1n })),
  );
  newer.tag(50, WireType.LengthDelimited).bytes(new Uint8Array([1]));
  expect(toRecord(fromBinary(RecordSchema, newer.finish()))).toMatchObject({
    id: '0c',
    kind: '#unknown',
    groups: [],
  });
});
