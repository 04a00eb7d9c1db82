// gRPC's own JavaScript client keeps a night, with no proto but what the server's reflection tells.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import grpc from '@grpc/grpc-js';
import protoLoader from '@grpc/proto-loader';
import { chainHash, newId, startDaemon, stateHash } from './nightlogd.mjs';
import { reflect } from './reflection.mjs';

const OPTIONS = { keepCase: true, longs: String, enums: String, oneofs: true, defaults: false };

let daemon;
let types;
let families;
let syncs;

before(async () => {
  daemon = await startDaemon();
  const descriptors = await reflect(daemon.address, [
    'nightlog.v1.FamilyService', 'nightlog.v1.SyncService', 'nightlog.v1.ErrorReason',
    'google.rpc.Status', 'google.rpc.BadRequest',
  ]);
  types = protoLoader.loadFileDescriptorSetFromBuffer(descriptors, OPTIONS);
  const { v1 } = grpc.loadPackageDefinition(types).nightlog;
  const insecure = grpc.credentials.createInsecure();
  families = new v1.FamilyService(daemon.address, insecure);
  syncs = new v1.SyncService(daemon.address, insecure);
});

after(async () => {
  families?.close();
  syncs?.close();
  if (daemon) assert.equal(await daemon.stop(), 0, 'nightlogd ends in order');
});

function call(client, method, request, metadata = new grpc.Metadata()) {
  return new Promise((resolve, reject) => {
    client[method](request, metadata, (error, answer) => (error ? reject(error) : resolve(answer)));
  });
}

function withToken(pairing) {
  const metadata = new grpc.Metadata();
  metadata.set('authorization', `Bearer ${pairing.device_token}`);
  return metadata;
}

const timestamp = (ms) => ({ seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * 1e6 });

async function createFamily() {
  const { pairing } = await call(families, 'CreateFamily', {
    family_name: 'Interop', member_name: 'Node', device_name: 'grpc-js',
  });
  assert.equal(pairing.device_token.length > 0, true);
  assert.equal(pairing.role, 'ROLE_OWNER');
  return pairing;
}

// A device that keeps what its transactions are chained with.
class Device {
  #seq = 0;
  #hash = Buffer.alloc(0);

  constructor(pairing) {
    this.pairing = pairing;
  }

  // A push of one transaction with `edits`.
  push(edits) {
    const previousHash = this.#hash;
    this.#hash = chainHash(previousHash, JSON.stringify(edits));
    const clocks = { wall: timestamp(Date.now()) };
    return {
      family_id: this.pairing.family_id,
      replica_id: this.pairing.replica_id,
      sent_at: clocks,
      transactions: [{
        seq: ++this.#seq, hash: this.#hash, previous_hash: previousHash, edits, made_at: clocks,
      }],
    };
  }

  // All messages of Follow from nothing up to the head.
  async follow() {
    const stream = syncs.Follow({ family_id: this.pairing.family_id, until_head: true },
      withToken(this.pairing));
    const messages = [];
    for await (const message of stream) messages.push(message);
    return messages;
  }
}

function childEdits(childId, name) {
  return [
    { record_id: childId, group: 1, child: { name } },
    { record_id: childId, group: 4, child: { home_zone: 'Europe/London' } },
  ];
}

function sleepEdits(entryId, childId, beganMs) {
  const interval = {
    began_at: timestamp(beganMs), ended_at: timestamp(beganMs + 3600e3), zone: 'Europe/London',
  };
  return [
    { record_id: entryId, group: 1, log_entry: { child_id: childId } },
    { record_id: entryId, group: 2,
      log_entry: { detail: { sleep: { place: 'SLEEP_PLACE_CRIB' } } } },
    { record_id: entryId, group: 3, log_entry: { interval } },
  ];
}

// The records a device holds after these messages, by id, and the last bookmark.
function fold(messages) {
  const records = new Map();
  let bookmark;
  for (const message of messages) {
    for (const record of message.records ?? []) {
      records.set(record.record_id.toString('hex'), record);
    }
    bookmark = message.bookmark ?? bookmark;
  }
  return { records, bookmark };
}

test('a child and a sleep are pushed, and followed from nothing they are there', async () => {
  const device = new Device(await createFamily());
  const [childId, entryId] = [newId(), newId()];
  const beganMs = Date.parse('2024-01-10T20:00:00Z');
  const request = device.push(
    [...childEdits(childId, 'Robin'), ...sleepEdits(entryId, childId, beganMs)]);
  const first = await call(syncs, 'Push', request, withToken(device.pairing));
  assert.equal(first.verdicts.length, 1);
  assert.equal(first.verdicts[0].outcome, 'committed');

  const again = await call(syncs, 'Push', request, withToken(device.pairing));
  assert.deepEqual(again, first, 'a repeated push is answered with the same verdict');

  const { records, bookmark } = fold(await device.follow());
  assert.equal(bookmark.cursor.revision, first.verdicts[0].committed.revision);
  const child = records.get(childId.toString('hex'));
  assert.equal(child.child.name, 'Robin');
  assert.equal(child.child.home_zone, 'Europe/London');
  const entry = records.get(entryId.toString('hex'));
  assert.deepEqual(entry.log_entry.child_id, childId);
  assert.equal(entry.log_entry.detail.kind, 'sleep');
  assert.equal(entry.log_entry.interval.began_at.seconds, String(beganMs / 1000));
  assert.deepEqual(entry.created_by, device.pairing.member_id);
  const summaries = [...records.values()].filter((record) => record.body === 'night_summary');
  assert.deepEqual(summaries.map((s) => [s.night_summary.date, s.night_summary.tst_night_min]),
    [['2024-01-10', 60]]);
  assert.deepEqual(bookmark.state_hash,
    stateHash([...records.values()].map((record) => record.digest)));
});

test('an open stream brings the next commit', async () => {
  const device = new Device(await createFamily());
  const childId = newId();
  const stream = syncs.Follow({ family_id: device.pairing.family_id, stream_id: newId() },
    withToken(device.pairing));
  const cancelled = assert.rejects(async () => {
    let pushed = false;
    for await (const message of stream) {
      if (message.bookmark && !pushed) {
        pushed = true;
        await call(syncs, 'Push', device.push(childEdits(childId, 'Robin')),
          withToken(device.pairing));
      }
      if (message.records?.some((record) => record.record_id.equals(childId))) stream.cancel();
    }
  }, { code: grpc.status.CANCELLED });
  await cancelled;
});

test('bad input is answered with the field and the reason', async () => {
  await assert.rejects(
    call(families, 'CreateFamily', { member_name: 'Node', device_name: 'grpc-js' }),
    (error) => {
      assert.equal(error.code, grpc.status.INVALID_ARGUMENT);
      const [bytes] = error.metadata.get('grpc-status-details-bin');
      const status = types['google.rpc.Status'].deserialize(bytes);
      assert.equal(status.code, grpc.status.INVALID_ARGUMENT);
      assert.equal(status.message, error.details);
      const details = new Map(status.details.map((any) => {
        const name = any.type_url.split('/').pop();
        return [name, types[name].deserialize(any.value)];
      }));
      assert.deepEqual(details.get('google.rpc.BadRequest').field_violations.map((v) => v.field),
        ['family_name']);
      const info = details.get('google.rpc.ErrorInfo');
      assert.equal(info.domain, 'nightlog');
      assert.equal(info.reason, 'INVALID_FIELD');
      return true;
    });
});

test('a call without a token is refused', async () => {
  const { pairing } = new Device(await createFamily());
  await assert.rejects(call(families, 'ListMembers', { family_id: pairing.family_id }),
    { code: grpc.status.UNAUTHENTICATED });
});
