// Families on real phones and a real daemon, for the tests of one file.
import type { FamilyModel } from '@web/model/family.ts';
import type { LogEntry, Role } from '@web/model/types.ts';
import { afterAll, afterEach, beforeAll, expect, vi } from 'vitest';
import { Daemon } from './nightlogd.ts';
import { openPhone, type Phone, type PhoneOptions } from './phone.ts';

export const HOME = 'Europe/Warsaw';
export const crying = { kind: 'crying', crying: { intensity: 2 } } as const;

// Times that a person typed.
export function typed(began: string, ended?: string): LogEntry['interval'] {
  return {
    beganAt: Date.parse(began),
    ...(ended && { endedAt: Date.parse(ended) }),
    zone: HOME,
    beganTapped: false,
    endedTapped: false,
  };
}

// Waits until it holds; what the screens would show then.
export function until(check: () => void | Promise<void>): Promise<void> {
  return vi.waitFor(check, { timeout: 30_000, interval: 20 });
}

export async function untilSynced(...families: FamilyModel[]): Promise<void> {
  for (const family of families) {
    await until(() => expect(family.sync.value).toMatchObject({ state: 'synced', pending: 0 }));
  }
}

// What the lines of a family's export say, the first of them what the file is.
export async function exportLines(family: FamilyModel) {
  const { file } = await (await family.remote()).exportFamily(family.pairing.value);
  const [head, ...lines] = (await file.text()).trimEnd().split('\n');
  return { head: JSON.parse(head ?? ''), lines: lines.map((line) => JSON.parse(line)) };
}

export async function exportedEntries(family: FamilyModel) {
  return (await exportLines(family)).lines.filter(({ record }) => record.log_entry);
}

// One daemon for all tests of the file; the phones of a test end with it.
export function useDaemon() {
  let daemon: Daemon;
  const open: Phone[] = [];
  beforeAll(async () => {
    daemon = await Daemon.start();
  });
  afterAll(() => daemon.remove());
  afterEach(() => {
    for (const phone of open.splice(0)) phone.app.close();
  });

  async function phoneOf(options?: PhoneOptions): Promise<Phone> {
    const phone = await openPhone(() => daemon.origin, options);
    open.push(phone);
    return phone;
  }

  // Alex's phone with a new family and the child Robin.
  async function newFamily() {
    const alex = await phoneOf();
    const family = (await alex.app.createFamily({
      familyName: 'Robin',
      memberName: 'Alex',
      deviceName: 'Alex’s phone',
    })) as FamilyModel;
    const childId = await family.addChild({ name: 'Robin', homeZone: HOME });
    return { alex, family, childId };
  }

  async function joinOf(phone: Phone, family: FamilyModel, name: string, role: Role = 'caregiver') {
    const { code } = await family.createInvite({ role });
    const request = { code, memberName: name, deviceName: `${name}’s phone` };
    return (await phone.app.join(request)) as FamilyModel;
  }

  // Alex's and Sam's phones, both in sync.
  async function twoPhones() {
    const { alex, family, childId } = await newFamily();
    const sam = await phoneOf();
    const samFamily = await joinOf(sam, family, 'Sam');
    await untilSynced(family, samFamily);
    await until(() => expect(samFamily.list('child').value).toHaveLength(1));
    return { alex, sam, family, samFamily, childId };
  }

  return { daemon: () => daemon, phoneOf, newFamily, joinOf, twoPhones };
}
