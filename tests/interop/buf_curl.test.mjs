// `buf curl` keeps a night: JSON in and out, types from the server's reflection.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, test } from 'node:test';
import { chainHash, newId, startDaemon, stateHash } from './nightlogd.mjs';

let daemon;
before(async () => {
  daemon = await startDaemon();
});
after(async () => {
  if (daemon) assert.equal(await daemon.stop(), 0, 'nightlogd ends in order');
});

// Calls nightlog.v1.`method`; returns buf's exit code, the answers, and what it said of an error.
async function curl(method, request, token) {
  const args = ['curl', '--protocol', 'grpc', '--http2-prior-knowledge', '--data', '@-'];
  if (token) args.push('--header', `authorization: Bearer ${token}`);
  args.push(`http://${daemon.address}/nightlog.v1.${method}`);
  const buf = spawn(process.env.BUF, args, { stdio: ['pipe', 'pipe', 'pipe'] });
  buf.stdin.end(JSON.stringify(request));
  const text = async (stream) => (await stream.setEncoding('utf8').toArray()).join('');
  const [code, out, err] = await Promise.all([
    new Promise((resolve, reject) => buf.once('error', reject).once('close', resolve)),
    text(buf.stdout), text(buf.stderr),
  ]);
  return { code, answers: parseAll(out), err };
}

// JSON values one after the other, each starting and ending on a line of its own.
function parseAll(text) {
  return text.split(/^(?=\{)/m).filter((part) => part.trim()).map((part) => JSON.parse(part));
}

async function answer(method, request, token) {
  const { code, answers, err } = await curl(method, request, token);
  assert.equal(code, 0, err);
  return answers;
}

const base64 = (buffer) => buffer.toString('base64');

test('a child and a sleep are pushed, and followed from nothing they are there', async () => {
  const [{ pairing }] = await answer('FamilyService/CreateFamily', {
    familyName: 'Interop', memberName: 'Shell', deviceName: 'buf',
  });
  const token = pairing.deviceToken;
  const [childId, entryId] = [base64(newId()), base64(newId())];
  const interval = {
    beganAt: '2024-01-10T20:00:00Z', endedAt: '2024-01-10T21:00:00Z', zone: 'Europe/London',
  };
  const edits = [
    { recordId: childId, group: 1, child: { name: 'Robin' } },
    { recordId: childId, group: 4, child: { homeZone: 'Europe/London' } },
    { recordId: entryId, group: 1, logEntry: { childId } },
    { recordId: entryId, group: 2, logEntry: { detail: { sleep: { place: 'SLEEP_PLACE_CRIB' } } } },
    { recordId: entryId, group: 3, logEntry: { interval } },
  ];
  const clocks = { wall: new Date().toISOString() };
  const push = {
    familyId: pairing.familyId,
    replicaId: pairing.replicaId,
    sentAt: clocks,
    transactions: [{
      seq: 1, hash: base64(chainHash('', JSON.stringify(edits))), edits, madeAt: clocks,
    }],
  };
  const [first] = await answer('SyncService/Push', push, token);
  assert.equal(first.verdicts.length, 1);
  assert.ok(first.verdicts[0].committed, JSON.stringify(first));
  assert.deepEqual(await answer('SyncService/Push', push, token), [first],
    'a repeated push is answered with the same verdict');

  const messages = await answer('SyncService/Follow',
    { familyId: pairing.familyId, untilHead: true }, token);
  const records = new Map(messages.flatMap((message) => message.records ?? [])
    .map((record) => [record.recordId, record]));
  const { bookmark } = messages.at(-1);
  assert.equal(bookmark.cursor.revision, first.verdicts[0].committed.revision);
  assert.deepEqual(records.get(childId).child, { name: 'Robin', homeZone: 'Europe/London' });
  assert.equal(records.get(entryId).logEntry.interval.beganAt, interval.beganAt);
  assert.deepEqual(records.get(entryId).logEntry.detail, { sleep: { place: 'SLEEP_PLACE_CRIB' } });
  const summaries = [...records.values()].filter((record) => record.nightSummary);
  assert.deepEqual(summaries.map((s) => [s.nightSummary.date, s.nightSummary.tstNightMin]),
    [['2024-01-10', 60]]);
  assert.equal(bookmark.stateHash, base64(stateHash(
    [...records.values()].map((record) => Buffer.from(record.digest, 'base64')))));
});

test('bad input is answered with the field and the reason', async () => {
  const { code, err } = await curl('FamilyService/CreateFamily',
    { memberName: 'Shell', deviceName: 'buf' });
  assert.notEqual(code, 0);
  const error = JSON.parse(err);
  assert.equal(error.code, 'invalid_argument');
  assert.equal(error.message, 'family_name: is required');
  // buf shows the details as bytes: a message's strings stand in them as they are.
  const details = new Map(error.details.map(
    (detail) => [detail.type, Buffer.from(detail.value, 'base64').toString('latin1')]));
  assert.match(details.get('google.rpc.BadRequest'), /family_name/);
  assert.match(details.get('google.rpc.ErrorInfo'), /INVALID_FIELD.*nightlog/s);
});
