// What tonight's plan says at this moment: one calm line, and a timer where the method has one.
//
// Pure, and in step with how the server scores (services/sleep/adherence.h): the wait runs from the
// begin of the crying or the end of the last visit; each visit moves to the next wait; a new waking
// goes back to the first. The phone shows, the server scores; nothing here refuses anything.

import type { NightRules } from '../model/methods.ts';
import type { Position, TimeOfDay } from '../model/types.ts';
import { addDays, instantOf, nightOf } from '../ui/local_time.ts';

export interface Help {
  begin: number;
  // Absent: a single act, or a visit still on.
  end?: number;
  level: number;
  // Why it may step outside the plan.
  exempt?: boolean;
  illness?: boolean;
}

export interface Span {
  begin: number;
  // Absent: still going on.
  end?: number;
}

// What is known of the night; all lists in the order of their begins.
export interface NightFacts {
  // `before`: not put down yet.
  phase: 'before' | 'settling' | 'asleep' | 'awake' | 'up';
  crying: readonly Span[];
  helps: readonly Help[];
  sleeps: readonly Span[];
}

export interface Timer {
  // `check`: until the next check. `visit`: how long this one may be. `rung`: until the next rung of
  // the ladder, and `due` when at the latest. `bedtime`, `rise`: until the planned time.
  kind: 'check' | 'visit' | 'rung' | 'bedtime' | 'rise';
  from: number;
  due: number;
}

// The line, named as in the catalogue below `guide.`, and what it speaks of.
export interface Guidance {
  line:
    | 'illness'
    | 'sleeping'
    | 'up'
    | 'look_once'
    | 'looked'
    | 'look_wait'
    | 'look_now'
    | 'check_calm'
    | 'check_wait'
    | 'check_now'
    | 'visit'
    | 'position'
    | 'ladder_start'
    | 'ladder_stay'
    | 'ladder_next'
    | 'ladder_top'
    | 'pickup_calm'
    | 'pickup_cry'
    | 'pickup_hold'
    | 'fading_wait'
    | 'fading_now'
    | 'fading_settle'
    | 'fading_night'
    | 'calm_start';
  // Levels within tonight's plan.
  levels: readonly number[];
  // Where to be; absent: the plan does not say.
  position?: Position;
  // The level that the line speaks of, such as the next rung.
  level?: number;
  // The longest visit, minutes.
  maxMin?: number;
  timer?: Timer;
}

const kMinuteMs = 60_000;
// A visit nobody ended is shown as one for so long; the server takes it for a moment.
const kVisitShownMin = 2;
const kPickUp = 4;

// The help that may still be going on: the latest, without an end, within its longest time.
export function visitNow(helps: readonly Help[], maxMin: number, now: number): Help | undefined {
  const last = helps.at(-1);
  const shownMs = (maxMin || kVisitShownMin) * kMinuteMs;
  return last && last.level > 0 && last.end === undefined && now < last.begin + shownMs
    ? last
    : undefined;
}

// When the next check is due, by the interval clock, while the child cries; undefined while calm.
export function nextCheck(facts: NightFacts, waits: readonly number[]): Timer | undefined {
  const last = facts.crying.at(-1);
  if (!last || last.end !== undefined || waits.length === 0) return undefined;
  let wait = 0;
  let clock = 0;
  let visitEnd = Number.NEGATIVE_INFINITY;
  let next = 0;
  let before: Span | undefined;
  const answer = (help: Help, within: boolean): void => {
    if (within && help.begin > visitEnd) ++wait;
    visitEnd = Math.max(visitEnd, help.end ?? help.begin);
    if (within) clock = Math.max(clock, visitEnd);
  };
  for (const episode of facts.crying) {
    for (; next < facts.helps.length && facts.helps[next]!.begin < episode.begin; ++next) {
      const help = facts.helps[next]!;
      const within = before !== undefined && help.begin <= (before.end ?? Number.POSITIVE_INFINITY);
      if (help.level > 0) answer(help, within);
    }
    const since = before?.begin ?? episode.begin;
    const slept = facts.sleeps.some(({ begin }) => since <= begin && begin < episode.begin);
    if (slept) wait = 0;
    clock = Math.max(episode.begin, visitEnd);
    before = episode;
  }
  for (; next < facts.helps.length; ++next) {
    if (facts.helps[next]!.level > 0) answer(facts.helps[next]!, true);
  }
  return {
    kind: 'check',
    from: clock,
    due: clock + waits[Math.min(wait, waits.length - 1)]! * kMinuteMs,
  };
}

// The instant of a planned HH:MM in the night of `now`, which runs from noon to noon.
export function plannedAt(time: TimeOfDay, now: number, zone: string): number | undefined {
  const night = nightOf(now, zone);
  const found = instantOf({ date: time >= '12:00' ? night : addDays(night, 1), time }, zone);
  return found && (found.kind === 'twice' ? found.first : found.at);
}

function guideChecks(rules: NightRules, facts: NightFacts, now: number): Partial<Guidance> {
  const onlyLook = rules.levels.every((level) => level <= 1);
  const visit = visitNow(facts.helps, rules.maxVisitMin, now);
  if (visit && rules.maxVisitMin > 0) {
    const due = visit.begin + rules.maxVisitMin * kMinuteMs;
    return { line: 'visit', timer: { kind: 'visit', from: visit.begin, due } };
  }
  const timer = nextCheck(facts, rules.waits);
  if (!timer) return { line: 'check_calm' };
  const due = now >= timer.due;
  if (onlyLook) return { line: due ? 'look_now' : 'look_wait', timer };
  return { line: due ? 'check_now' : 'check_wait', timer };
}

function guideLadder(rules: NightRules, facts: NightFacts, now: number): Partial<Guidance> {
  const episode = facts.crying.at(-1);
  const since = Math.max(episode?.begin ?? 0, facts.sleeps.at(-1)?.begin ?? 0);
  let rung = -1;
  let rungSince = 0;
  for (const help of facts.helps) {
    const taken = rules.rungs.indexOf(help.level);
    if (help.begin < since || taken < 0) continue;
    if (taken !== rung) rungSince = help.begin;
    rung = taken;
  }
  if (rung < 0) return { line: 'ladder_start', level: rules.rungs[0]! };
  const next = rules.rungs[rung + 1];
  if (next === undefined) return { line: 'ladder_top', level: rules.rungs[rung]! };
  const from = rungSince + rules.minRungMin * kMinuteMs;
  const due = rungSince + rules.maxRungMin * kMinuteMs;
  if (now < from) {
    return {
      line: 'ladder_stay',
      level: rules.rungs[rung]!,
      timer: { kind: 'rung', from: rungSince, due: from },
    };
  }
  return {
    line: 'ladder_next',
    level: next,
    ...(rules.maxRungMin > 0 ? { timer: { kind: 'rung', from, due } as const } : {}),
  };
}

function guidePickUp(rules: NightRules, facts: NightFacts, now: number): Partial<Guidance> {
  const held = visitNow(facts.helps, rules.maxHoldMin, now);
  if (held?.level === kPickUp) {
    const due = held.begin + rules.maxHoldMin * kMinuteMs;
    return {
      line: 'pickup_hold',
      ...(rules.maxHoldMin > 0 ? { timer: { kind: 'visit', from: held.begin, due } as const } : {}),
    };
  }
  const cries = facts.crying.at(-1) && facts.crying.at(-1)!.end === undefined;
  return { line: cries ? 'pickup_cry' : 'pickup_calm' };
}

function guideFading(
  rules: NightRules,
  facts: NightFacts,
  now: number,
  zone: string,
): Partial<Guidance> {
  if (facts.phase === 'settling') return { line: 'fading_settle' };
  if (facts.phase !== 'before') {
    const due = rules.plannedRise && plannedAt(rules.plannedRise, now, zone);
    return {
      line: 'fading_night',
      ...(due && now < due ? { timer: { kind: 'rise', from: now, due } as const } : {}),
    };
  }
  const due = rules.plannedPutDown && plannedAt(rules.plannedPutDown, now, zone);
  if (!due) return { line: 'calm_start' };
  return {
    line: now < due ? 'fading_wait' : 'fading_now',
    timer: { kind: 'bedtime', from: now, due },
  };
}

// `zone`: the child's, for planned times of the day.
export function guide(rules: NightRules, facts: NightFacts, now: number, zone: string): Guidance {
  const base = {
    levels: rules.rungs.length > 0 ? rules.rungs : rules.levels,
    ...(rules.position && { position: rules.position }),
    ...(rules.maxVisitMin > 0 ? { maxMin: rules.maxVisitMin } : {}),
  };
  if (facts.helps.some((help) => help.illness)) return { ...base, line: 'illness' };
  if (rules.method.putDownToleranceMin) {
    return { ...base, line: 'fading_night', ...guideFading(rules, facts, now, zone) };
  }
  if (facts.phase === 'up') return { ...base, line: 'up' };
  if (rules.position) return { ...base, line: 'position' };
  if (facts.phase === 'asleep') return { ...base, line: 'sleeping' };
  if (facts.phase === 'before') return { ...base, line: 'calm_start' };
  if (rules.waits.length > 0)
    return { ...base, line: 'check_calm', ...guideChecks(rules, facts, now) };
  if (rules.rungs.length > 0)
    return { ...base, line: 'ladder_start', ...guideLadder(rules, facts, now) };
  if (rules.method.maxHoldMin)
    return { ...base, line: 'pickup_calm', ...guidePickUp(rules, facts, now) };
  const looked = facts.helps.some((help) => help.level === 1 && !help.exempt);
  return { ...base, line: looked ? 'looked' : 'look_once' };
}
