// The rows of the caseload: one a child of each family that lets the consultant see it. Pure.
import type {
  Child,
  Id,
  Instant,
  LocalDate,
  Member,
  NightPhase,
  NightSummary,
  PlanMethod,
  Progress,
  ProgressVerdict,
  TrendDirection,
} from '../model/types.ts';
import { nightOf } from '../ui/local_time.ts';

// Why a row wants a look, in the order of how soon. None is a judgement on a family or a method.
export type Look =
  // A parent wrote the last word of a thread.
  | 'comment'
  // Awake, or crying at bedtime, for longer than kLongAwakeMs right now.
  | 'awake_long'
  // A reason of the newest night to talk to a professional.
  | 'clinical'
  | 'setback'
  | 'worsening'
  // Consent ends within kConsentSoonMs.
  | 'consent_ends'
  // Nothing logged for kQuietNights.
  | 'quiet'
  // Two people said different things about the newest night.
  | 'conflict';

export const kLongAwakeMs = 60 * 60_000;
export const kConsentSoonMs = 7 * 24 * 60 * 60_000;
export const kQuietNights = 2;
const kDayMs = 24 * 60 * 60_000;
// A phase older than this is not "right now": somebody stopped logging.
const kPhaseStaleMs = 18 * 60 * 60_000;

export interface CaseRow {
  familyId: Id;
  familyName: string;
  childId: Id;
  child: Child;
  // What the child does right now; absent where nobody has logged lately.
  phase?: NightPhase;
  since?: Instant;
  latestNight?: LocalDate;
  method?: PlanMethod;
  planNight?: number;
  expectedNights?: readonly [number, number];
  verdict?: ProgressVerdict;
  adherencePct?: number;
  consistencyPct?: number;
  // When a phone of the parents last told that it holds everything.
  syncedAt?: Instant;
  looks: Look[];
}

// What is known of one family.
export interface CaseFamily {
  id: Id;
  name: string;
  children: readonly { id: Id; child: Child }[];
  // Of all its children, in any order.
  nights: readonly NightSummary[];
  progress: readonly Progress[];
  // The consultant's own membership.
  me?: Member;
  // Threads on this family whose last word is not the consultant's.
  unanswered: number;
  syncedAt?: Instant;
}

function nightsBetween(earlier: LocalDate, later: LocalDate): number {
  return Math.round((Date.parse(later) - Date.parse(earlier)) / kDayMs);
}

export function caseRows(family: CaseFamily, now: Instant): CaseRow[] {
  return family.children.map(({ id, child }) => {
    const nights = family.nights.filter((night) => night.childId === id);
    const newest = nights.reduce<NightSummary | undefined>(
      (latest, night) => (latest && latest.date >= night.date ? latest : night),
      undefined,
    );
    const progress = family.progress.find((each) => each.childId === id);
    const row: CaseRow = {
      familyId: family.id,
      familyName: family.name,
      childId: id,
      child,
      looks: [],
    };
    if (newest) row.latestNight = newest.date;
    if (
      newest?.phase &&
      newest.phaseSince !== undefined &&
      now - newest.phaseSince < kPhaseStaleMs
    ) {
      row.phase = newest.phase;
      row.since = newest.phaseSince;
    }
    if (progress?.method) {
      row.method = progress.method;
      row.planNight = progress.planNight;
    }
    if (progress?.expectedNightsMin !== undefined && progress.expectedNightsMax !== undefined) {
      row.expectedNights = [progress.expectedNightsMin, progress.expectedNightsMax];
    }
    if (progress?.verdict) row.verdict = progress.verdict;
    if (progress?.adherencePct !== undefined) row.adherencePct = progress.adherencePct;
    if (progress?.caregiverConsistencyPct !== undefined) {
      row.consistencyPct = progress.caregiverConsistencyPct;
    }
    if (family.syncedAt !== undefined) row.syncedAt = family.syncedAt;

    const looks: [Look, boolean][] = [
      ['comment', family.unanswered > 0],
      [
        'awake_long',
        (row.phase === 'awake' || row.phase === 'settling') && now - row.since! > kLongAwakeMs,
      ],
      ['clinical', (newest?.clinicalFlags.length ?? 0) > 0],
      ['setback', row.verdict === 'setback'],
      ['worsening', row.verdict === 'worsening'],
      ['consent_ends', family.me?.until !== undefined && family.me.until - now < kConsentSoonMs],
      [
        'quiet',
        newest !== undefined &&
          nightsBetween(newest.date, nightOf(now, child.homeZone)) >= kQuietNights,
      ],
      ['conflict', (newest?.openConflicts ?? 0) > 0],
    ];
    row.looks = looks.filter(([, holds]) => holds).map(([look]) => look);
    return row;
  });
}

export type SortKey =
  | 'now'
  | 'name'
  | 'plan'
  | 'trend'
  | 'kept'
  | 'consistency'
  | 'synced'
  | 'look';

// The order in which a column is most useful first.
const kPhaseRank: Record<NightPhase, number> = { awake: 0, settling: 1, asleep: 2, up: 3 };
const kVerdictRank: Record<ProgressVerdict, number> = {
  worsening: 0,
  setback: 1,
  steady: 2,
  not_enough_nights: 3,
  no_plan: 4,
  improving: 5,
};

// What a column sorts by; undefined sorts last whatever the direction.
function sortValue(key: SortKey, row: CaseRow): number | string | undefined {
  switch (key) {
    case 'now':
      return row.phase && kPhaseRank[row.phase] + row.since! / 1e14;
    case 'name':
      return row.familyName.toLocaleLowerCase();
    case 'plan':
      return row.planNight;
    case 'trend':
      return row.verdict && kVerdictRank[row.verdict];
    case 'kept':
      return row.adherencePct;
    case 'consistency':
      return row.consistencyPct;
    case 'synced':
      return row.syncedAt === undefined ? undefined : -row.syncedAt;
    case 'look':
      return row.looks.length === 0 ? undefined : -row.looks.length;
  }
}

// A new list; rows that are equal keep the order of their names.
export function sortRows(rows: readonly CaseRow[], key: SortKey, reverse: boolean): CaseRow[] {
  const names = new Intl.Collator(undefined, { numeric: true });
  return [...rows].sort((a, b) => {
    const [left, right] = [sortValue(key, a), sortValue(key, b)];
    if (left !== undefined && right !== undefined && left !== right) {
      const order =
        typeof left === 'string' ? names.compare(left, String(right)) : left - Number(right);
      return reverse ? -order : order;
    }
    if ((left === undefined) !== (right === undefined)) return left === undefined ? 1 : -1;
    return names.compare(a.familyName, b.familyName) || names.compare(a.child.name, b.child.name);
  });
}

export type CaseFilter = 'all' | 'awake' | 'look';

export function filterRows(rows: readonly CaseRow[], filter: CaseFilter, words: string): CaseRow[] {
  const wanted = words.trim().toLocaleLowerCase();
  return rows.filter(
    (row) =>
      (filter === 'all' ||
        (filter === 'awake' && (row.phase === 'awake' || row.phase === 'settling')) ||
        (filter === 'look' && row.looks.length > 0)) &&
      `${row.familyName}\n${row.child.name}`.toLocaleLowerCase().includes(wanted),
  );
}

// The arrow beside a verdict, in words of direction: up is better.
export type Arrow = 'up' | 'level' | 'down' | 'dip' | 'none';

export function arrowOf(verdict: ProgressVerdict | undefined): Arrow {
  switch (verdict) {
    case 'improving':
      return 'up';
    case 'steady':
      return 'level';
    case 'worsening':
      return 'down';
    case 'setback':
      return 'dip';
    default:
      return 'none';
  }
}

export function directionArrow(direction: TrendDirection | undefined): Arrow {
  switch (direction) {
    case 'better':
      return 'up';
    case 'same':
      return 'level';
    case 'worse':
      return 'down';
    default:
      return 'none';
  }
}
