// What happened while one caregiver slept: for the one who takes over.
import type { Family } from '../model/app.ts';
import type { Id, Instant } from '../model/types.ts';
import type { Span } from './guidance.ts';
import type { Entry, Night } from './night.ts';

export interface Handover {
  since: Instant;
  // By others, in the order of their begins.
  entries: readonly Entry[];
  // Times the child woke up since then.
  wakings: number;
  asleepMs: number;
  cryingMs: number;
  // Times somebody else helped (level 1 and up), the most helpful member first.
  helps: readonly { memberId: Id | undefined; count: number }[];
}

// A pause in one's own taps that may have been sleep.
const kAsleepMinMs = 60 * 60_000;

function clippedMs(spans: readonly Span[], from: Instant, to: Instant): number {
  let total = 0;
  for (const { begin, end } of spans) {
    total += Math.max(0, Math.min(end ?? to, to) - Math.max(begin, from));
  }
  return total;
}

// What others logged of the night since `since`, and what it comes to at `now`.
export function handoverSince(
  night: Night,
  family: Family,
  since: Instant,
  now: Instant,
): Handover {
  const me = family.pairing.value.memberId;
  const entries = night.entries.filter(
    ({ body, createdBy }) =>
      createdBy !== undefined &&
      createdBy !== me &&
      Math.max(body.interval.beganAt, body.interval.endedAt ?? 0) > since,
  );
  const counts = new Map<Id | undefined, number>();
  for (const { body, createdBy } of entries) {
    if (body.detail.kind !== 'response' || body.detail.response.level === 0) continue;
    const who = body.caregiverId ?? createdBy;
    counts.set(who, (counts.get(who) ?? 0) + 1);
  }
  const { sleeps, crying } = night.facts;
  return {
    since,
    entries,
    wakings: sleeps.filter(({ end }) => end !== undefined && end > since && end <= now).length,
    asleepMs: clippedMs(sleeps, since, now),
    cryingMs: clippedMs(crying, since, now),
    helps: [...counts]
      .map(([memberId, count]) => ({ memberId, count }))
      .sort((a, b) => b.count - a.count),
  };
}

// When this member last tapped in the night; its begin where they have not.
export function lastTapOf(night: Night, family: Family): Instant {
  const me = family.pairing.value.memberId;
  const taps = night.entries.flatMap(({ groups, createdAt, createdBy, body }) => {
    const made = groups.flatMap(({ versions }) =>
      versions.filter(({ memberId }) => memberId === me).map(({ madeAt }) => madeAt),
    );
    if (createdBy === undefined || createdBy === me) made.push(createdAt ?? body.interval.beganAt);
    return made;
  });
  return taps.length > 0 ? Math.max(...taps) : night.from - 1;
}

// The hand-over to offer at `now`: others logged something, and this member has not tapped for an
// hour. Undefined: nothing to say.
export function handoverDue(night: Night, family: Family, now: Instant): Handover | undefined {
  const since = lastTapOf(night, family);
  if (now - since < kAsleepMinMs) return undefined;
  const handover = handoverSince(night, family, since, now);
  return handover.entries.length > 0 ? handover : undefined;
}
