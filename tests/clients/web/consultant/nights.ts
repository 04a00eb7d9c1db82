// What the tests of the consultant's desk share.
import type { NightSummary } from '@web/model/types.ts';

export const kChild = 'c'.repeat(32);
export const kZone = 'Europe/Berlin';

export function night(date: string, known: Partial<NightSummary> = {}): NightSummary {
  return {
    childId: kChild,
    date,
    zone: kZone,
    status: 'complete',
    tibFallback: false,
    interventionsByLevel: {},
    caregivers: [],
    imputedEntryIds: [],
    rejectedEntryIds: [],
    openConflicts: 0,
    clinicalFlags: [],
    timeline: [],
    naps: [],
    episodes: [],
    ongoing: false,
    ...known,
  };
}

// An instant by the clocks of Berlin in winter.
export const winter = (date: string, time: string) => Date.parse(`${date}T${time}:00+01:00`);
