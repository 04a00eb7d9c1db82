// Phones and a consultant's laptop against the real daemon().
import type { FamilyModel } from '@web/model/family.ts';
import type { ConflictChoice, LogEntry } from '@web/model/types.ts';
import { openDatabase } from '@web/store/database.ts';
import { Backoff } from '@web/sync/backoff.ts';
import { describe, expect, test, vi } from 'vitest';
import { crying, exportedEntries, typed, until, untilSynced, useDaemon } from '../families.ts';

const { daemon, phoneOf, newFamily, joinOf, twoPhones } = useDaemon();

describe('two phones', () => {
  test('show each other’s taps as they come, and say on whose phone they are', async () => {
    const { family, samFamily, childId } = await twoPhones();
    const id = await family.log({
      childId,
      detail: crying,
      interval: typed('2025-01-14T01:10Z'),
      text: 'woke up',
      tags: ['teething'],
    });
    expect(family.records.value.get(id)?.pending).toBe(true);
    await until(() => expect(samFamily.records.value.get(id)?.revision).toBeGreaterThan(0));
    const seen = samFamily.records.value.get(id)?.body as LogEntry;
    expect(seen).toMatchObject({ detail: crying, text: 'woke up', tags: ['teething'], childId });
    await untilSynced(family);
    expect(family.records.value.get(id)).toMatchObject({ pending: false, body: seen });
    await until(() =>
      expect(family.sync.value.onDevices).toEqual([
        expect.objectContaining({ deviceName: 'Sam’s phone' }),
      ]),
    );
  });

  test('edit one field offline: both show both values, and one tap resolves it', async () => {
    const { alex, sam, family, samFamily, childId } = await twoPhones();
    const interval = typed('2025-01-14T01:10Z', '2025-01-14T01:30Z');
    const id = await family.log({ childId, detail: crying, interval });
    await until(() => expect(samFamily.records.value.has(id)).toBe(true));
    alex.network.goOffline();
    sam.network.goOffline();
    const told = { alex: Date.parse('2025-01-14T01:05Z'), sam: Date.parse('2025-01-14T01:15Z') };
    sam.clocks.agoMs = 60_000;
    await samFamily.edit(id, 'logEntry', { interval: { ...interval, beganAt: told.sam } });
    sam.clocks.agoMs = 0;
    await family.edit(id, 'logEntry', { interval: { ...interval, beganAt: told.alex } });
    await until(() => expect(family.sync.value).toMatchObject({ state: 'offline', pending: 1 }));
    sam.network.goOnline();
    await untilSynced(samFamily);
    alex.network.goOnline();
    await untilSynced(family);
    for (const phone of [family, samFamily]) {
      await until(() => expect(phone.conflicts.value).toHaveLength(1));
      const conflict = phone.conflicts.value[0];
      expect(conflict).toMatchObject({ recordId: id, group: 'interval' });
      const begins = conflict?.choices.map((c) => (c.value as LogEntry['interval']).beganAt);
      expect(begins).toEqual([told.alex, told.sam]);
    }
    const conflict = samFamily.conflicts.value[0];
    if (!conflict) throw new Error('no conflict');
    await samFamily.resolve(conflict, conflict.choices[1] as ConflictChoice);
    expect(samFamily.conflicts.value).toEqual([]);
    await until(() => expect(family.conflicts.value).toEqual([]));
    expect(family.records.value.get(id)?.body).toMatchObject({ interval: { beganAt: told.sam } });
    const { items } = await family.history(id);
    expect(items.map((item) => item.outcomes.at(-1)?.effect)).toEqual([
      'applied',
      'won',
      'applied',
      'applied',
    ]);
  });

  test('a deletion that had not seen an edit is asked about, and undone by one tap', async () => {
    const { sam, family, samFamily, childId } = await twoPhones();
    const interval = typed('2025-01-14T01:10Z');
    const id = await family.log({ childId, detail: crying, interval });
    await until(() => expect(samFamily.records.value.has(id)).toBe(true));
    sam.network.goOffline();
    await samFamily.tap([{ type: 'delete', recordId: id }]);
    expect(samFamily.list('logEntry').value).toEqual([]);
    await family.edit(id, 'logEntry', { text: 'loud' });
    await untilSynced(family);
    sam.network.goOnline();
    await until(() => expect(family.conflicts.value[0]?.group).toBe('existence'));
    await until(() => expect(samFamily.list('logEntry').value).toHaveLength(1));
    const conflict = family.conflicts.value[0];
    if (!conflict) throw new Error('no conflict');
    expect(conflict.choices.map((choice) => choice.value)).toEqual([
      { deleted: false },
      { deleted: true },
    ]);
    await family.resolve(conflict, conflict.choices[0] as ConflictChoice);
    await until(() => expect(samFamily.conflicts.value).toEqual([]));
    expect(samFamily.list('logEntry').value).toHaveLength(1);
  });

  test('texts and tags of both stay', async () => {
    const { sam, family, samFamily, childId } = await twoPhones();
    const id = await family.log({ childId, detail: crying, interval: typed('2025-01-14T01:10Z') });
    await until(() => expect(samFamily.records.value.has(id)).toBe(true));
    sam.network.goOffline();
    await family.edit(id, 'logEntry', { text: 'Alex was there', tags: ['a'] });
    sam.clocks.agoMs = 60_000;
    await samFamily.edit(id, 'logEntry', { text: 'Sam was there', tags: ['b'] });
    sam.clocks.agoMs = 0;
    await untilSynced(family);
    sam.network.goOnline();
    await untilSynced(samFamily);
    for (const phone of [family, samFamily]) {
      await until(() =>
        expect(phone.records.value.get(id)?.body).toMatchObject({
          tags: ['a', 'b'],
          text: 'Sam was there\nAlex was there',
        }),
      );
      expect(phone.conflicts.value).toEqual([]);
    }
  });
});

describe('one phone', () => {
  test('sends a tap whose answer was lost again, and it is there once', async () => {
    const { alex, family, childId } = await newFamily();
    await untilSynced(family);
    alex.network.loses = 'Push';
    const id = await family.log({ childId, detail: crying, interval: typed('2025-01-14T01:10Z') });
    await until(() => expect(alex.network.loses).toBe(''));
    await untilSynced(family);
    expect((await family.history(id)).items).toHaveLength(1);
    expect(await exportedEntries(family)).toHaveLength(1);
  });

  test('keeps its taps over a restart of the app, offline, and a restart of the server', async () => {
    const { alex, family, childId } = await newFamily();
    await untilSynced(family);
    alex.network.goOffline();
    const id = await family.log({ childId, detail: crying, interval: typed('2025-01-14T01:10Z') });
    await family.edit(id, 'logEntry', { text: 'again' });
    alex.app.close();
    await daemon().stop('SIGKILL');

    const again = await phoneOf({ name: alex.name });
    const restored = again.app.families.value[0] as FamilyModel;
    expect(restored.records.value.get(id)).toMatchObject({
      pending: true,
      body: { text: 'again' },
    });
    expect(restored.sync.value).toMatchObject({ state: 'offline', pending: 2 });
    await daemon().restart();
    await untilSynced(restored);
    expect(restored.records.value.get(id)).toMatchObject({ pending: false });
  });

  test('shows the same in two tabs, of which one syncs', async () => {
    const { alex, family, childId } = await newFamily();
    await untilSynced(family);
    const tab = await phoneOf({ name: alex.name, syncs: false });
    const there = tab.app.families.value[0] as FamilyModel;
    await until(() => expect(there.sync.value.state).toBe('synced'));
    const [a, b] = await Promise.all([
      family.log({ childId, detail: crying, interval: typed('2025-01-14T01:10Z') }),
      there.log({ childId, detail: crying, interval: typed('2025-01-14T03:10Z') }),
    ]);
    for (const one of [family, there]) {
      await until(() => expect(one.list('logEntry').value.map((r) => r.id)).toEqual([a, b]));
    }
    await untilSynced(family, there);
    expect(there.records.value.get(a)?.pending).toBe(false);
    await there.edit(a, 'logEntry', { text: 'from the other tab' });
    await until(() => expect(family.records.value.get(a)?.body).toMatchObject({ text: /other/ }));
    await untilSynced(family, there);
  });

  test('takes back its last tap', async () => {
    const { family, childId } = await newFamily();
    const id = await family.log({ childId, detail: crying, interval: typed('2025-01-14T01:10Z') });
    await family.undo();
    expect(family.list('logEntry').value).toEqual([]);
    expect(family.undoable.value).toBeUndefined();
    await family.restore(id);
    await family.edit(id, 'logEntry', { text: 'one' });
    await family.edit(id, 'logEntry', { text: 'two' });
    await family.undo();
    expect(family.records.value.get(id)?.body).toMatchObject({ text: 'one' });
    await untilSynced(family);
    expect(family.records.value.get(id)?.body).toMatchObject({ text: 'one' });
  });
});

describe('access', () => {
  test('a consultant sees summaries, plans and comments of a family, live, and no entries', async () => {
    const { family, childId } = await newFamily();
    const dana = await phoneOf();
    const seen = await joinOf(dana, family, 'Dana', 'consultant');
    await untilSynced(seen);
    await until(() => expect(seen.list('child').value).toHaveLength(1));
    await family.log({
      childId,
      detail: { kind: 'putDown', putDown: {} },
      interval: typed('2025-01-14T18:10Z'),
    });
    await until(() =>
      expect(seen.list('nightSummary').value.map(({ body }) => body)).toContainEqual(
        expect.objectContaining({ date: '2025-01-14', phase: 'settling', childId }),
      ),
    );
    expect(seen.list('logEntry').value).toEqual([]);
    const planId = await seen.savePlan({
      childId,
      approach: { method: 'chair', allowedLevels: [], waits: [], steps: [], rungs: [] },
      nights: { firstNight: '2025-01-14' },
    });
    await seen.comment({ target: 'night', night: { childId, date: '2025-01-14' } }, 'Well done.');
    await seen.comment({ target: 'night', night: { childId, date: '2025-01-14' } }, 'Go on.');
    await until(() =>
      expect(family.records.value.get(planId)?.body).toMatchObject({
        approach: { method: 'chair' },
      }),
    );
    await until(() =>
      expect(family.list('comment').value[0]?.body.posts).toMatchObject([
        { text: 'Well done.', memberId: seen.pairing.value.memberId },
        { text: 'Go on.' },
      ]),
    );
    await untilSynced(seen);

    await (await family.remote()).setConsent(
      family.id,
      seen.pairing.value.memberId,
      'nights',
      Date.now() - 1000,
    );
    await until(() => expect(seen.sync.value.state).toBe('closed'));
  });

  test('a consultant who may see entries follows them while she looks', async () => {
    const { family, childId } = await newFamily();
    const dana = await phoneOf();
    const seen = await joinOf(dana, family, 'Dana', 'consultant');
    const id = await family.log({ childId, detail: crying, interval: typed('2025-01-14T01:10Z') });
    await untilSynced(family);
    await (await family.remote()).setConsent(
      family.id,
      seen.pairing.value.memberId,
      'entries',
      Date.now() + 3_600_000,
    );
    const log = await seen.watchEntries();
    await until(() => expect(log.entries.value).toMatchObject([{ id, body: { detail: crying } }]));
    await family.edit(id, 'logEntry', { text: 'live' });
    await until(() => expect(log.entries.value).toMatchObject([{ body: { text: 'live' } }]));
    await family.tap([{ type: 'delete', recordId: id }]);
    await until(() => expect(log.entries.value).toEqual([]));
    log.stop();
    expect(seen.list('logEntry').value).toEqual([]);
  });

  test('what somebody logged before she became a viewer stays on her phone until she may log again', async () => {
    const { family, samFamily, sam, childId } = await twoPhones();
    const laptop = await phoneOf();
    const { memberId } = samFamily.pairing.value;
    const { code } = await samFamily.createInvite({ role: 'caregiver', memberId });
    const onLaptop = (await laptop.app.join({ code, deviceName: 'Sam’s laptop' })) as FamilyModel;
    await untilSynced(onLaptop);
    sam.network.goOffline();
    const interval = typed(new Date(Date.now() - 3_600_000).toISOString());
    const id = await samFamily.log({ childId, detail: crying, interval });
    await joinOf(laptop, family, 'Sam', 'viewer');
    sam.network.pushes = 0;
    // Whatever is tried again after a while is tried at once, so that it would be seen.
    const backoff = vi.spyOn(Backoff.prototype, 'next').mockReturnValue(0);
    sam.network.goOnline();
    for (let i = 0; i < 10; i++) {
      const other = await family.log({ childId, detail: crying, interval });
      await until(() => expect(samFamily.records.value.get(other)?.revision).toBeGreaterThan(0));
    }
    expect(samFamily.pairing.value.role).toBe('viewer');
    expect(samFamily.sync.value).toMatchObject({ state: 'not_shared', pending: 1, attention: 0 });
    expect(samFamily.records.value.get(id)?.pending).toBe(true);
    expect(family.records.value.has(id)).toBe(false);
    backoff.mockRestore();
    // As it comes online, and as it hears of the role.
    expect(sam.network.pushes).toBeLessThanOrEqual(3);

    await joinOf(laptop, family, 'Sam', 'caregiver');
    await until(() => expect(family.records.value.has(id)).toBe(true));
    await untilSynced(samFamily);
  });

  test('what a viewer may not send is dropped all at once, once she has seen all of it', async () => {
    const { family, samFamily, sam, childId } = await twoPhones();
    const laptop = await phoneOf();
    const { memberId } = samFamily.pairing.value;
    const { code } = await samFamily.createInvite({ role: 'caregiver', memberId });
    await laptop.app.join({ code, deviceName: 'Sam’s laptop' });
    const interval = typed(new Date(Date.now() - 3_600_000).toISOString());
    const entry = { childId, detail: crying, interval };
    // The server has the first, which the phone does not know.
    const backoff = vi.spyOn(Backoff.prototype, 'next').mockReturnValue(Number.POSITIVE_INFINITY);
    sam.network.loses = 'Push';
    const answerLost = await samFamily.log(entry);
    await until(() => expect(family.records.value.has(answerLost)).toBe(true));
    sam.network.goOffline();
    backoff.mockRestore();
    const id = await samFamily.log(entry);
    await samFamily.edit(id, 'logEntry', { text: 'for long' });
    await joinOf(laptop, family, 'Sam', 'viewer');
    sam.network.goOnline();
    await until(() => expect(samFamily.sync.value.state).toBe('not_shared'));

    const remote = await samFamily.remote();
    const taps = samFamily.outbox.value;
    expect(taps.map(({ edits }) => edits[0]?.recordId)).toEqual([answerLost, id, id]);
    expect(await remote.discardNotShared(family.id, taps.slice(1))).toBe(false);
    await samFamily.reload('all');
    expect(samFamily.outbox.value).toHaveLength(3);
    expect(await remote.discardNotShared(family.id, taps)).toBe(true);
    await untilSynced(samFamily);
    expect(samFamily.records.value.has(id)).toBe(false);
    expect(samFamily.records.value.get(answerLost)?.pending).toBe(false);

    await joinOf(laptop, family, 'Sam', 'caregiver');
    await until(() => expect(samFamily.pairing.value.role).toBe('caregiver'));
    const later = await samFamily.log(entry);
    await untilSynced(samFamily);
    await until(() => expect(family.records.value.has(later)).toBe(true));
    expect(family.records.value.has(id)).toBe(false);
  });

  test('a consultant who becomes a caregiver, and one again, is that on all her devices', async () => {
    const { family, childId } = await newFamily();
    const dana = await phoneOf();
    const desk = await joinOf(dana, family, 'Dana', 'consultant');
    const { memberId } = desk.pairing.value;
    const laptop = await phoneOf();
    const further = await family.createInvite({ role: 'consultant', memberId });
    const onLaptop = (await laptop.app.join({
      code: further.code,
      deviceName: 'Dana’s laptop',
    })) as FamilyModel;
    await untilSynced(desk, onLaptop);
    // Not so old that it is read only when it is asked for.
    const interval = typed(new Date(Date.now() - 3_600_000).toISOString());
    const id = await family.log({ childId, detail: crying, interval });
    await untilSynced(family);

    const roleOf = (one: FamilyModel) => one.pairing.value.role;
    await joinOf(dana, family, 'Dana', 'caregiver');
    for (const one of [desk, onLaptop]) {
      await until(() => expect(one.records.value.get(id)?.body).toMatchObject({ detail: crying }));
      await untilSynced(one);
      expect(roleOf(one)).toBe('caregiver');
    }
    await onLaptop.edit(id, 'logEntry', { text: 'by Dana' });
    await until(() => expect(desk.records.value.get(id)?.body).toMatchObject({ text: 'by Dana' }));
    await until(() => expect(family.records.value.get(id)?.body).toMatchObject({ text: /Dana/ }));

    await joinOf(dana, family, 'Dana', 'consultant');
    for (const one of [desk, onLaptop]) {
      await until(() => expect(one.list('logEntry').value).toEqual([]));
      await untilSynced(one);
      expect(roleOf(one)).toBe('consultant');
    }
    await family.edit(childId, 'child', { name: 'Wren' });
    for (const one of [desk, onLaptop]) {
      await until(() => expect(one.list('child').value[0]?.body.name).toBe('Wren'));
    }
    for (const phone of [dana, laptop]) {
      phone.app.close();
      const database = await openDatabase(phone.name, () => {});
      expect(await database.getAll('families')).toMatchObject([{ resyncs: 0 }]);
      database.close();
    }
  });

  test('a phone that is revoked says so, and its later taps wait for an owner', async () => {
    const { sam, family, samFamily, childId } = await twoPhones();
    const member = (await family.listMembers()).find((found) => found.member.name === 'Sam');
    await family.revokeDevice(member?.devices[0]?.deviceId ?? '');
    await until(() => expect(samFamily.sync.value.state).toBe('closed'));
    await samFamily.log({ childId, detail: crying, interval: typed('2025-01-14T01:10Z') });
    sam.app.syncNow();
    await until(() =>
      expect(samFamily.attention.value).toMatchObject([{ outcome: 'quarantined' }]),
    );
    expect(samFamily.sync.value.state).toBe('needs_attention');
    await samFamily.discard(samFamily.attention.value[0]?.position ?? 0);
    await until(() => expect(samFamily.attention.value).toEqual([]));
  });

  test('a token of 90 days is exchanged at the start of the app, and a lost answer harms nothing', async () => {
    const { alex, family, childId } = await newFamily();
    await untilSynced(family);
    alex.app.close();
    const rotations = async (of: FamilyModel) =>
      (await of.listEvents()).events.filter(({ kind }) => kind === 'token_rotated').length;

    const later = await phoneOf({ name: alex.name, agoMs: -91 * 86_400_000, loses: 'RotateToken' });
    const there = later.app.families.value[0] as FamilyModel;
    await untilSynced(there);
    expect(await rotations(there)).toBe(1);
    later.app.close();

    const again = await phoneOf({ name: alex.name, agoMs: -91 * 86_400_000 });
    const renewed = again.app.families.value[0] as FamilyModel;
    await renewed.log({ childId, detail: crying, interval: typed('2025-01-14T01:10Z') });
    await untilSynced(renewed);
    // The same token was announced twice, and it came into use.
    expect(await rotations(renewed)).toBe(1);
    again.app.close();
    const young = await phoneOf({ name: alex.name, agoMs: -91 * 86_400_000 });
    await untilSynced(young.app.families.value[0] as FamilyModel);
    expect(await rotations(young.app.families.value[0] as FamilyModel)).toBe(1);
  });

  test('a stream of the old token is opened again with the new one', async () => {
    const { alex, family, samFamily, childId } = await twoPhones();
    const states: string[] = [];
    const stop = family.sync.subscribe(({ state }) => void states.push(state));
    const other = await phoneOf({ name: alex.name, agoMs: -91 * 86_400_000 });
    const exchanged = other.app.families.value[0] as FamilyModel;
    await until(async () =>
      expect((await exchanged.listEvents()).events[0]).toMatchObject({ kind: 'token_rotated' }),
    );
    await untilSynced(exchanged);
    other.app.close();
    const id = await samFamily.log({
      childId,
      detail: crying,
      interval: typed('2025-01-14T01:10Z'),
    });
    await until(() => expect(family.records.value.get(id)?.revision).toBeGreaterThan(0));
    stop();
    expect(states).not.toContain('closed');
  });

  test('a server that was restored to before an exchange knows the phone again', async () => {
    const { alex, family } = await newFamily();
    await untilSynced(family);
    alex.app.close();
    await daemon().stop();
    await daemon().copyData();
    await daemon().restart();
    const later = await phoneOf({ name: alex.name, agoMs: -91 * 86_400_000 });
    const there = later.app.families.value[0] as FamilyModel;
    await untilSynced(there);
    await until(async () =>
      expect((await there.listEvents()).events[0]).toMatchObject({ kind: 'token_rotated' }),
    );
    await daemon().stop();
    await daemon().restartFromCopy();
    later.app.syncNow();
    await untilSynced(there);
    expect((await there.listEvents()).events[0]).toMatchObject({ kind: 'token_rotated' });
  });

  test('a consultant’s token is exchanged and known again where her first family let her go', async () => {
    const owned = [await newFamily(), await newFamily()];
    owned.sort((a, b) => (a.family.id < b.family.id ? -1 : 1));
    const [left, kept] = owned.map(({ family }) => family) as [FamilyModel, FamilyModel];
    const dana = await phoneOf();
    const leftSeen = await joinOf(dana, left, 'Dana', 'consultant');
    await untilSynced(leftSeen, await joinOf(dana, kept, 'Dana', 'consultant'));
    dana.app.close();
    // She does not know it yet.
    await (await left.remote()).removeMember(left.id, leftSeen.pairing.value.memberId);
    await daemon().stop();
    await daemon().copyData();
    await daemon().restart();

    const later = await phoneOf({ name: dana.name, agoMs: -91 * 86_400_000 });
    const seen = () => later.app.families.value.find(({ id }) => id === kept.id) as FamilyModel;
    await untilSynced(seen());
    const newest = async () => (await kept.listEvents()).events[0];
    expect(await newest()).toMatchObject({ kind: 'token_rotated' });

    await daemon().stop();
    await daemon().restartFromCopy();
    later.app.syncNow();
    await untilSynced(seen());
    expect(await newest()).toMatchObject({ kind: 'token_rotated' });
  });

  test('owners and caregivers read who came and went, newest first', async () => {
    const { family, samFamily } = await twoPhones();
    await exportedEntries(samFamily);
    const alexId = family.pairing.value.memberId;
    const { memberId: samId, deviceId } = samFamily.pairing.value;
    const { events, pageToken } = await samFamily.listEvents();
    expect(pageToken).toBeUndefined();
    expect(events).toMatchObject([
      { kind: 'family_exported', actorMemberId: samId, actorDeviceId: deviceId },
      { kind: 'device_paired', actorMemberId: alexId, subjectMemberId: samId, role: 'caregiver' },
      { kind: 'invite_given', actorMemberId: alexId, role: 'caregiver' },
      { kind: 'family_created', actorMemberId: alexId, number: 1 },
    ]);
    expect(events.every(({ at }) => Math.abs(at - Date.now()) < 600_000)).toBe(true);
  });

  test('an owner accepts or refuses what a removed phone sent late', async () => {
    const { sam, family, samFamily, childId } = await twoPhones();
    const member = (await family.listMembers()).find((found) => found.member.name === 'Sam');
    await family.revokeDevice(member?.devices[0]?.deviceId ?? '');
    await until(() => expect(samFamily.sync.value.state).toBe('closed'));
    const wanted = await samFamily.log({
      childId,
      detail: crying,
      interval: typed('2025-01-14T01:10Z'),
    });
    const other = await samFamily.log({
      childId,
      detail: crying,
      interval: typed('2025-01-14T02:10Z'),
    });
    sam.app.syncNow();
    await until(async () => expect(await family.listLateTaps()).toHaveLength(2));
    const [first, second] = await family.listLateTaps();
    if (!first || !second) throw new Error('two wait');
    expect(first).toMatchObject({ memberId: member?.memberId });
    expect(first.edits.map(({ recordId }) => recordId)).toContain(wanted);
    await family.decideLateTap(first, true);
    await family.decideLateTap(second, false);
    await until(() =>
      expect(family.records.value.get(wanted)).toMatchObject({
        createdBy: member?.memberId,
        body: { detail: crying },
      }),
    );
    expect(await family.listLateTaps()).toEqual([]);
    expect(family.records.value.has(other)).toBe(false);
    await expect(family.decideLateTap(second, true)).rejects.toMatchObject({
      reason: 'already_decided',
    });
  });

  test('a pairing whose answer was lost is the same when it is asked for again', async () => {
    const { family } = await twoPhones();
    const { code } = await family.createInvite({ role: 'caregiver' });
    const dana = await phoneOf();
    dana.network.loses = 'Join';
    const request = { code, memberName: 'Dana', deviceName: 'Dana’s phone' };
    await expect(dana.app.join(request)).rejects.toMatchObject({ reason: 'unreachable' });
    const joined = await dana.app.join(request);
    await untilSynced(joined as FamilyModel);
    const members = (await family.listMembers()).filter(({ member }) => member.name === 'Dana');
    expect(members.map(({ devices }) => devices.length)).toEqual([1]);
  });

  test('a wrong code is answered in words', async () => {
    const phone = await phoneOf();
    await expect(
      phone.app.join({ code: 'AAAA-BBBB-CCCC-DDDD', memberName: 'Sam', deviceName: 'phone' }),
    ).rejects.toMatchObject({ reason: 'invite_not_valid' });
  });
});
