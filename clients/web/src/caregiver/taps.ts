// The taps of the night beside those of the model (see changesOf in model/tonight.ts): help, and the
// end of a visit. One tap is one transaction.
import type { Change } from '../model/app.ts';
import { newRecordId } from '../model/ids.ts';
import type { TapKind } from '../model/tonight.ts';
import type { Id, Instant, Position, ResponseLevel, Zone } from '../model/types.ts';
import type { Entry, Night } from './night.ts';

// How long after its begin a visit without an end is still offered to be ended.
const kVisitOfferedMs = 15 * 60_000;

// What is under the thumb: the most likely next step, large, and the others. A child that wakes is
// mostly heard, so that crying comes before being awake.
export function stepsOf({ tonight: { next } }: Night): { main: TapKind; others: TapKind[] } {
  const first = next[0] === 'awake' && next.includes('crying') ? 'crying' : next[0];
  const main = first ?? 'putDown';
  return { main, others: next.filter((step) => step !== main) };
}

export function helpChanges(
  level: ResponseLevel,
  position: Position | undefined,
  childId: Id,
  at: Instant,
  zone: Zone,
): Change[] {
  const response = { level, ...(position && { position }) };
  const interval = { beganAt: at, zone, beganTapped: true, endedTapped: false };
  return [
    {
      type: 'set',
      recordId: newRecordId(at),
      kind: 'logEntry',
      groups: { childId, detail: { kind: 'response', response }, interval },
    },
  ];
}

// A visit that may still be going on: the latest help, without an end, and not long ago.
export function visitToEnd({ tonight: { responses } }: Night, now: Instant): Entry | undefined {
  const last = responses.at(-1);
  if (last?.body.detail.kind !== 'response' || last.body.detail.response.level === 0) {
    return undefined;
  }
  const { beganAt, endedAt } = last.body.interval;
  return endedAt === undefined && now - beganAt < kVisitOfferedMs ? last : undefined;
}

// An end never lies before its begin, whatever the clock says.
export function visitEnded({ id, body: { interval } }: Entry, at: Instant): Change[] {
  const endedAt = Math.max(at, interval.beganAt);
  const groups = { interval: { ...interval, endedAt, endedTapped: true } };
  return [{ type: 'set', recordId: id, kind: 'logEntry', groups }];
}
