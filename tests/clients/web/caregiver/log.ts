// A made-up night for the tests of the caregiver's pages.
import type { Entry } from '@web/caregiver/night.ts';
import type { Family } from '@web/model/app.ts';
import type { Child, EntryDetail, Id, Instant } from '@web/model/types.ts';

export const kChildId: Id = 'c1';
export const kMe: Id = 'm1';
export const kSam: Id = 'm2';
export const kRobin: Child = { name: 'Robin', homeZone: 'Europe/Berlin' };
export const kDate = '2026-01-14';
const kEvening = Date.parse('2026-01-14T18:30Z');

// Minutes after 19:30 of that evening.
export const minute = (minutes: number): Instant => kEvening + minutes * 60_000;

let made = 0;

export function entry(
  detail: EntryDetail,
  begin: number,
  end?: number,
  createdBy: Id = kMe,
): Entry {
  return {
    id: `e${String(++made).padStart(4, '0')}`,
    kind: 'logEntry',
    body: {
      childId: kChildId,
      detail,
      interval: {
        beganAt: minute(begin),
        ...(end !== undefined && { endedAt: minute(end) }),
        zone: 'Europe/Berlin',
        beganTapped: true,
        endedTapped: end !== undefined,
      },
      tags: [],
      separateFrom: [],
    },
    deleted: false,
    revision: 1,
    groups: [],
    createdBy,
    createdAt: minute(end ?? begin),
    pending: false,
  };
}

export const putDown: EntryDetail = { kind: 'putDown', putDown: {} };
export const sleep: EntryDetail = { kind: 'sleep', sleep: {} };
export const crying: EntryDetail = { kind: 'crying', crying: { intensity: 0 } };
export const help = (level: 0 | 1 | 2 | 3 | 4): EntryDetail => ({
  kind: 'response',
  response: { level },
});

// The family of `kMe`, as far as what a hand-over asks.
export const kFamily = { pairing: { value: { memberId: kMe } } } as unknown as Family;
