// What a phone does when the server or the phone itself is not what it was.
import type { FamilyModel } from '@web/model/family.ts';
import { openDatabase } from '@web/store/database.ts';
import type { FamilyRow, RecordRow, TransactionRow } from '@web/store/schema.ts';
import { expect, test, vi } from 'vitest';
import { crying, exportedEntries, typed, until, untilSynced, useDaemon } from '../families.ts';
import { copyDatabase } from '../phone.ts';
import { replicaAlone } from './replica_alone.ts';

const { daemon, phoneOf, newFamily, twoPhones } = useDaemon();

function entry(childId: string, minute = 10) {
  const time = `2025-01-14T01:${String(minute).padStart(2, '0')}Z`;
  return { childId, detail: crying, interval: typed(time) };
}

async function rowsOf<T>(
  name: string,
  store: 'families' | 'outbox' | 'sent' | 'records',
): Promise<T[]> {
  const database = await openDatabase(name, () => {});
  const rows = await database.getAll(store);
  database.close();
  return rows as T[];
}

test('a phone set up from a copy of another gets a name of its own, and both keep their taps', async () => {
  const { alex, family, childId } = await newFamily();
  await untilSynced(family);
  alex.network.goOffline();
  const first = await family.log(entry(childId, 10));
  await copyDatabase(alex.name, 'clone');
  const clone = await phoneOf({ name: 'clone', syncs: false });
  const cloned = clone.app.families.value[0] as FamilyModel;
  const mine = await family.log(entry(childId, 20));
  await family.edit(mine, 'logEntry', { text: 'mine' });
  const theirs = await cloned.log(entry(childId, 30));
  await cloned.edit(theirs, 'logEntry', { text: 'not yet theirs' });
  await cloned.edit(theirs, 'logEntry', { text: 'theirs', interval: typed('2025-01-14T01:35Z') });
  alex.network.goOnline();
  await untilSynced(family);
  clone.app.close();

  const synced = await phoneOf({ name: 'clone' });
  const again = synced.app.families.value[0] as FamilyModel;
  await untilSynced(again);
  expect(again.pairing.value.replicaId).not.toBe(family.pairing.value.replicaId);
  for (const one of [family, again]) {
    await until(() =>
      expect(one.list('logEntry').value.map(({ id, body }) => [id, body.text])).toEqual([
        [first, undefined],
        [mine, 'mine'],
        [theirs, 'theirs'],
      ]),
    );
    expect(one.conflicts.value).toEqual([]);
    expect(one.attention.value).toEqual([]);
  }
  const next = await again.log(entry(childId, 40));
  await until(() => expect(family.records.value.has(next)).toBe(true));
});

test('phones bring a server that lost its newest data what it lacks, once', async () => {
  const { family, samFamily, childId } = await twoPhones();
  const before = await family.log(entry(childId, 10));
  await until(() => expect(samFamily.records.value.get(before)?.pending).toBe(false));
  await daemon().stop();
  await daemon().copyData();
  await daemon().restart();
  const lost = await family.log(entry(childId, 20));
  const lostToo = await samFamily.log(entry(childId, 30));
  await family.edit(before, 'logEntry', { text: 'changed' });
  await untilSynced(family, samFamily);
  await until(() => expect(family.records.value.has(lostToo)).toBe(true));

  await daemon().stop();
  await daemon().restartFromCopy();
  for (const one of [family, samFamily]) {
    await until(() =>
      expect(
        one
          .list('logEntry')
          .value.filter(({ revision, pending }) => revision > 0 && !pending)
          .map(({ id, body }) => [id, body.text]),
      ).toEqual([
        [before, 'changed'],
        [lost, undefined],
        [lostToo, undefined],
      ]),
    );
    await untilSynced(one);
    expect(one.conflicts.value).toEqual([]);
  }
  await until(async () => expect(await exportedEntries(family)).toHaveLength(3));
});

test('an edit waits for the entry that another phone brings a restored server back', async () => {
  const { alex, sam, family, samFamily, childId } = await twoPhones();
  await daemon().stop();
  await daemon().copyData();
  await daemon().restart();
  const id = await family.log(entry(childId));
  await until(() => expect(samFamily.records.value.get(id)?.pending).toBe(false));
  await samFamily.edit(id, 'logEntry', { text: 'by the bin lorry' });
  await untilSynced(samFamily);
  await until(() => expect(family.records.value.get(id)?.body).toMatchObject({ text: /lorry/ }));
  alex.app.close();

  await daemon().stop();
  await daemon().restartFromCopy();
  sam.app.syncNow();
  // Alex's phone, which has the entry, is off.
  await until(() =>
    expect(samFamily.attention.value).toMatchObject([{ outcome: 'rejected', waits: true }]),
  );
  const again = await phoneOf({ name: alex.name });
  const returned = again.app.families.value[0] as FamilyModel;
  for (const one of [returned, samFamily]) {
    await until(() =>
      expect(one.records.value.get(id)).toMatchObject({
        pending: false,
        body: { text: 'by the bin lorry' },
      }),
    );
    await untilSynced(one);
    expect(one.attention.value).toEqual([]);
  }
});

test('what a phone that is paired anew brings back comes before what names it', async () => {
  const phone = await replicaAlone('anew');
  await phone.bookmark('a', 1, true);
  await phone.tap();
  await phone.commit('a', 2);
  await phone.bookmark('a', 2, false);
  await phone.tap([['4', 1]]);
  // Of two edits of one tap, the second names the first.
  await phone.tap([
    ['4', 2],
    ['4', 3],
  ]);
  await phone.pair('7');
  await phone.tap([['4', 3]]);
  // Whether the server still has the first is not known yet.
  expect(await phone.mayPush()).toBe(false);
  await phone.bookmark('b', 1, true);
  expect(await phone.pending()).toEqual([
    { is: ['7', 1], saw: [] },
    { is: ['7', 2], saw: [['7', 1]] },
    {
      is: ['7', 3],
      saw: [
        ['7', 2],
        ['7', 3],
      ],
    },
    { is: ['7', 4], saw: [['7', 3]] },
  ]);
  phone.close();
});

test('what is pending under another name moves only if it names what moves', async () => {
  const phone = await replicaAlone('moves');
  await phone.tap();
  expect(await phone.mayPush()).toBe(true);
  // Nothing is pending under 9: new taps are made under 7, and that is all.
  await phone.rehome('9', '7');
  await phone.tap();
  await phone.tap([['4', 1]]);
  await phone.tap();
  expect(await phone.mayPush()).toBe(true);
  await phone.rehome('4', '8');
  expect(await phone.pending()).toEqual([
    { is: ['7', 1], saw: [] },
    { is: ['8', 1], saw: [] },
    { is: ['8', 2], saw: [['8', 1]] },
    { is: ['8', 3], saw: [] },
  ]);
  phone.close();
});

test('a tap that is renamed while its hash is made is there once, and is pushed', async () => {
  for (const pairs of ['before', 'meanwhile']) {
    const phone = await replicaAlone(`renamed_${pairs}`);
    await phone.tap();
    const read = phone.replica.family.bind(phone.replica);
    if (pairs === 'before') {
      vi.spyOn(phone.replica, 'family').mockImplementationOnce(async (id) => {
        const row = await read(id);
        await phone.pair('7');
        return row;
      });
    }
    const digest = crypto.subtle.digest.bind(crypto.subtle);
    vi.spyOn(crypto.subtle, 'digest').mockImplementationOnce(async (...what) => {
      if (pairs === 'meanwhile') await phone.pair('7');
      await phone.bookmark('a', 1, true);
      return digest(...what);
    });
    expect(await phone.mayPush()).toBe(true);
    expect(await phone.pending()).toEqual([{ is: ['7', 1], saw: [] }]);
    vi.restoreAllMocks();
    phone.close();
  }
});

test('a tap saved while the phone gets a new name for another is pushed, too', async () => {
  const phone = await replicaAlone('saved_meanwhile');
  await phone.tap();
  expect(await phone.mayPush()).toBe(true);
  await phone.tap();
  await phone.rehome('9', '7');
  expect(await phone.pending()).toEqual([
    { is: ['4', 1], saw: [] },
    { is: ['7', 1], saw: [] },
  ]);
  await phone.commit('a', 2);
  expect(await phone.mayPush()).toBe(true);
  phone.close();
});

test('a phone that was paired anew keeps its new name, whatever was asked for before', async () => {
  const phone = await replicaAlone('asked_before');
  await phone.tap();
  await phone.pair('7');
  await phone.rehome('4', '8');
  await phone.bookmark('a', 1, true);
  expect(await phone.pending()).toEqual([{ is: ['7', 1], saw: [] }]);
  phone.close();
});

test('a phone that is paired anew does not bring what the server has', async () => {
  const phone = await replicaAlone('anew_same');
  await phone.bookmark('a', 1, true);
  await phone.tap();
  await phone.commit('a', 2);
  await phone.bookmark('a', 2, false);
  await phone.tap([['4', 1]]);
  await phone.pair('7');
  await phone.bookmark('a', 3, true);
  expect(await phone.held()).toEqual({ pending: 1, shown: 1, sent: 1 });
  expect(await phone.pending()).toEqual([{ is: ['7', 1], saw: [['4', 1]] }]);
  phone.close();
});

test('what may be sent is not dropped as what is not shared', async () => {
  const phone = await replicaAlone('not_shared');
  await phone.tap();
  const taps = [{ position: 1, madeAt: { wall: 0 }, edits: [], revision: 0 }];
  expect(await phone.replica.discardNotShared(phone.family, taps)).toBe(false);
  expect(await phone.held()).toMatchObject({ pending: 1 });
  await phone.pair('4', 'viewer');
  expect(await phone.replica.discardNotShared(phone.family, taps)).toBe(true);
  expect(await phone.held()).toMatchObject({ pending: 0 });
  phone.close();
});

test('a tap that a restored server acknowledged stays until its bookmark', async () => {
  const phone = await replicaAlone('restored');
  await phone.bookmark('a', 90, true);
  await phone.tap();
  // Revision 7 of another lineage is not in the records of revision 90.
  await phone.commit('b', 7);
  expect(await phone.held()).toEqual({ pending: 0, shown: 1, sent: 0 });
  await phone.bookmark('b', 7, true);
  expect(await phone.held()).toEqual({ pending: 0, shown: 0, sent: 1 });
  phone.close();
});

test('a tap that was acknowledged by what the server has lost since is sent again', async () => {
  const phone = await replicaAlone('lost');
  await phone.tap();
  await phone.commit('a', 3);
  await phone.bookmark('b', 5, true);
  expect(await phone.held()).toEqual({ pending: 1, shown: 1, sent: 0 });
  phone.close();
});

test('a phone whose records did not add up sends again what it keeps', async () => {
  const phone = await replicaAlone('differs');
  await phone.bookmark('a', 1, true);
  await phone.tap();
  await phone.commit('a', 2);
  await phone.bookmark('a', 2, false);
  expect(await phone.held()).toEqual({ pending: 0, shown: 0, sent: 1 });
  await expect(phone.bookmark('a', 3, false, 1)).rejects.toMatchObject({
    reason: 'storage_damaged',
  });
  await phone.bookmark('a', 3, true);
  expect(await phone.held()).toEqual({ pending: 1, shown: 1, sent: 0 });
  phone.close();
});

test('a record that is not the server’s is fetched again', async () => {
  const { alex, family, childId } = await newFamily();
  const id = await family.log({ ...entry(childId), text: 'right' });
  await until(() => expect(family.records.value.get(id)?.revision).toBeGreaterThan(0));
  alex.app.close();
  const database = await openDatabase(alex.name, () => {});
  const row = (await database.get('records', [family.id, id])) as RecordRow;
  const damaged = { ...row, digest: 'ab'.repeat(32), record: { ...row.record, revision: 1 } };
  await database.put('records', damaged);
  database.close();

  const again = await phoneOf({ name: alex.name });
  const healed = again.app.families.value[0] as FamilyModel;
  await healed.edit(id, 'logEntry', { tags: ['x'] });
  await until(() => expect(healed.records.value.get(id)?.revision).toBeGreaterThan(1));
  await untilSynced(healed);
  expect(healed.records.value.get(id)?.body).toMatchObject({ text: 'right', tags: ['x'] });
  again.app.close();
  expect((await rowsOf<FamilyRow>(alex.name, 'families'))[0]?.resyncs).toBe(1);
});

test('a tap that the server rejects is kept and shown, and the next goes on', async () => {
  const { family, childId } = await newFamily();
  const wrong = {
    ...entry(childId),
    interval: { ...typed('2025-01-14T01:10Z'), zone: 'No/Where' },
  };
  const rejected = await family.log(wrong);
  const right = await family.log(entry(childId, 20));
  await until(() => expect(family.attention.value).toHaveLength(1));
  const attention = family.attention.value[0];
  expect(attention).toMatchObject({
    outcome: 'rejected',
    reason: 'invalid_field',
    edits: [{ recordId: rejected }, {}, {}],
  });
  expect(attention?.violations[0]?.field).toMatch(/zone/);
  await until(() => expect(family.records.value.get(right)?.pending).toBe(false));
  expect(family.records.value.has(rejected)).toBe(false);
  expect(family.sync.value).toMatchObject({ state: 'needs_attention', attention: 1, pending: 0 });
  await family.discard(attention?.position ?? -1);
  await until(() => expect(family.sync.value.state).toBe('synced'));
});

test('a tap that the server rejected can be made once more', async () => {
  const { sam, family, samFamily, childId } = await twoPhones();
  sam.network.goOffline();
  const id = await samFamily.log({ ...entry(childId), tags: ['teeth'] });
  const members = await family.listMembers();
  const member = members.find(({ member: { name } }) => name === 'Sam');
  await family.revokeDevice(member?.devices[0]?.deviceId ?? '');
  sam.network.goOnline();
  await until(() => expect(samFamily.attention.value).toMatchObject([{ waits: false }]));
  const { code } = await family.createInvite({
    role: 'caregiver',
    memberId: member?.memberId ?? '',
  });
  await sam.app.join({ code, deviceName: 'Sam’s phone' });
  await samFamily.logAgain(samFamily.attention.value[0]?.position ?? 0);
  await untilSynced(samFamily);
  expect(samFamily.attention.value).toEqual([]);
  await until(() =>
    expect(family.records.value.get(id)?.body).toMatchObject({ detail: crying, tags: ['teeth'] }),
  );
});

test('a week offline goes up in a few pushes, in order', async () => {
  const { alex, family, childId } = await newFamily();
  await untilSynced(family);
  alex.network.goOffline();
  const id = await family.log(entry(childId));
  for (let i = 0; i < 600; ++i) await family.edit(id, 'logEntry', { text: `note ${i}` });
  expect(family.sync.value.pending).toBe(601);
  alex.network.goOnline();
  await untilSynced(family);
  await until(() => expect(family.records.value.get(id)?.pending).toBe(false));
  expect(family.records.value.get(id)?.body).toMatchObject({ text: 'note 599' });
  expect(alex.network.pushes).toBeLessThan(8);
});

test('acknowledged taps are kept while no backup has them', async () => {
  const { alex, family, childId } = await newFamily();
  const id = await family.log(entry(childId));
  await untilSynced(family);
  await until(() => expect(family.records.value.get(id)?.revision).toBeGreaterThan(0));
  alex.app.close();
  const sent = await rowsOf<TransactionRow>(alex.name, 'sent');
  expect(sent.map((row) => row.seq)).toEqual([1, 2]);
  expect(await rowsOf(alex.name, 'outbox')).toEqual([]);
  expect(sent[1]?.previousHash).toBe(sent[0]?.hash);
  expect(sent[1]?.hash).toMatch(/^[0-9a-f]{64}$/);
});

test('a phone whose storage the browser threw away says so, until it is paired again', async () => {
  const { alex, family } = await newFamily();
  await untilSynced(family);
  alex.app.close();
  const database = await openDatabase(alex.name, () => {});
  for (const store of database.objectStoreNames) await database.clear(store);
  database.close();
  const again = await phoneOf({ name: alex.name });
  expect(again.app.state.value).toBe('evicted');
  expect(again.app.families.value).toEqual([]);
  await again.app.createFamily({ familyName: 'New', memberName: 'Alex', deviceName: 'phone' });
  expect(again.app.state.value).toBe('ready');
});

test('a family is forgotten on this phone only', async () => {
  const { alex, family, childId } = await newFamily();
  const id = await family.log(entry(childId));
  await untilSynced(family);
  await family.forget();
  await until(() => expect(alex.app.families.value).toEqual([]));
  expect(await rowsOf(alex.name, 'records')).toEqual([]);
  await expect(family.edit(id, 'logEntry', { text: 'x' })).rejects.toMatchObject({
    reason: 'no_access',
  });
});
