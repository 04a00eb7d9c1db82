// What the desk reads of the app: the caseload, and the clock that moves it on.
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import type { App, Family } from '../model/app.ts';
import type { Id, Instant, Member, NightSummary, Progress } from '../model/types.ts';
import { type CaseFamily, type CaseRow, caseRows } from './caseload.ts';

const kTickMs = 20_000;
const kMembersEveryMs = 3 * 60_000;
const kWindowMs = 50 * 24 * 60 * 60_000;

// Now, as the pages show it.
export const now = signal<Instant>(Date.now());

// When a phone of each family last told that it holds everything. Asked of the server: it is no
// record.
const syncedAt = signal<ReadonlyMap<Id, Instant>>(new Map());

async function askSyncedAt(family: Family): Promise<void> {
  const members = await family.listMembers();
  const newest = members
    .filter(({ member }) => !member.removed && member.role !== 'consultant')
    .flatMap(({ devices }) => devices)
    .reduce((latest, device) => Math.max(latest, device.acknowledgedAt ?? 0), 0);
  if (newest > 0) syncedAt.value = new Map(syncedAt.peek()).set(family.id, newest);
}

// Keeps the clock, the nights of the last weeks and the phones' state up to date while a page of the
// desk is shown.
export function useDesk(app: App): void {
  const families = app.families.value;
  useEffect(() => {
    now.value = Date.now();
    const tick = setInterval(() => {
      now.value = Date.now();
    }, kTickMs);
    return () => clearInterval(tick);
  }, []);
  useEffect(() => {
    const ask = () => {
      // Not reached: what was known stands.
      for (const family of families) askSyncedAt(family).catch(() => undefined);
    };
    for (const family of families) void family.loadSince(Date.now() - kWindowMs);
    ask();
    const asking = setInterval(ask, kMembersEveryMs);
    return () => clearInterval(asking);
  }, [families]);
}

export const bodies = <B>(records: readonly { body: B }[]): B[] => records.map(({ body }) => body);

export function memberNames(family: Family): (memberId: Id | undefined) => string {
  const names = new Map(family.list('member').value.map(({ id, body }) => [id, body.name ?? '']));
  return (memberId) => names.get(memberId ?? '') || '?';
}

export function meIn(family: Family): Member | undefined {
  const { memberId } = family.pairing.value;
  return family.list('member').value.find(({ id }) => id === memberId)?.body;
}

// Threads whose last word somebody else said.
function unanswered(family: Family): number {
  const { memberId } = family.pairing.value;
  return family.list('comment').value.filter(({ body }) => {
    const last = body.posts.at(-1);
    return last !== undefined && last.memberId !== memberId;
  }).length;
}

export function caseFamily(family: Family): CaseFamily {
  const { pairing } = family;
  const me = meIn(family);
  const at = syncedAt.value.get(family.id);
  return {
    id: family.id,
    name: pairing.value.familyName,
    children: family.list('child').value.map(({ id, body }) => ({ id, child: body })),
    nights: bodies<NightSummary>(family.list('nightSummary').value),
    progress: bodies<Progress>(family.list('progress').value),
    ...(me ? { me } : {}),
    unanswered: unanswered(family),
    ...(at === undefined ? {} : { syncedAt: at }),
  };
}

// The families that let her in, and those that no longer do.
export const shared = (app: App) => app.families.value.filter((family) => !isOver(family));
export const over = (app: App) => app.families.value.filter(isOver);
const isOver = (family: Family) => family.sync.value.state === 'closed';

// The rows of all families, live.
export function caseload(app: App): ReadonlySignal<readonly CaseRow[]> {
  return computed(() => shared(app).flatMap((family) => caseRows(caseFamily(family), now.value)));
}
