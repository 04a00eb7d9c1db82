import { readFileSync } from 'node:fs';
import path from 'node:path';
import {
  guide,
  type Help,
  type NightFacts,
  nextCheck,
  type Span,
} from '@web/caregiver/guidance.ts';
import { kMethods, rulesFor } from '@web/model/methods.ts';
import type { PlanApproach, PlanMethod } from '@web/model/types.ts';
import { describe, expect, test } from 'vitest';

const kZone = 'Europe/Berlin';
const kEvening = Date.parse('2026-01-14T18:30Z');
const minute = (minutes: number): number => kEvening + minutes * 60_000;

function approach(method: PlanMethod, parameters: Partial<PlanApproach> = {}): PlanApproach {
  return { method, allowedLevels: [], waits: [], steps: [], rungs: [], ...parameters };
}

const kCalm: NightFacts = { phase: 'settling', crying: [], helps: [], sleeps: [] };

// What is said `minutes` after 19:30 on that night of the plan.
function say(
  plan: PlanApproach | PlanMethod,
  minutes: number,
  facts: Partial<NightFacts> = {},
  night = 1,
  ageMonths?: number,
) {
  const rules = rulesFor(typeof plan === 'string' ? approach(plan) : plan, night, ageMonths);
  if (!rules) throw new Error('a method without rules');
  return guide(rules, { ...kCalm, ...facts }, minute(minutes), kZone);
}

const cry = (begin: number, end?: number): Span =>
  end === undefined ? { begin: minute(begin) } : { begin: minute(begin), end: minute(end) };
const help = (level: number, begin: number, end?: number): Help => ({ level, ...cry(begin, end) });

describe('checks by the clock', () => {
  test('wait from the crying, and go on to the next wait after each visit', () => {
    const crying = [cry(0)];
    expect(say('graduated_extinction', 1, { crying })).toMatchObject({
      line: 'check_wait',
      timer: { kind: 'check', from: minute(0), due: minute(3) },
    });
    expect(say('graduated_extinction', 3, { crying }).line).toBe('check_now');
    const helps = [help(2, 3, 4)];
    expect(say('graduated_extinction', 5, { crying, helps }).timer).toEqual({
      kind: 'check',
      from: minute(4),
      due: minute(9),
    });
    // The last wait of the row holds for later checks.
    const many = [help(2, 3, 4), help(2, 9, 10), help(2, 20, 21), help(2, 31, 32)];
    expect(say('graduated_extinction', 33, { crying, helps: many }).timer?.due).toBe(minute(42));
  });

  test('go back to the first wait in a new waking only', () => {
    const helps = [help(2, 3, 4)];
    const again = [cry(0, 6), cry(8)];
    expect(say('graduated_extinction', 9, { crying: again, helps }).timer?.due).toBe(minute(13));
    const sleeps = [cry(6, 8)];
    expect(say('graduated_extinction', 9, { crying: again, helps, sleeps }).timer?.due).toBe(
      minute(11),
    );
  });

  test('show a visit and how long it may be, until it has been that long', () => {
    const facts = { crying: [cry(0)], helps: [help(2, 3)] };
    expect(say('graduated_extinction', 4, facts)).toMatchObject({
      line: 'visit',
      maxMin: 2,
      timer: { kind: 'visit', from: minute(3), due: minute(5) },
    });
    // Nobody said that it ended: the wait runs from its begin, as the server counts.
    expect(say('graduated_extinction', 5.5, facts).timer).toEqual({
      kind: 'check',
      from: minute(3),
      due: minute(8),
    });
  });

  test('count what was done within one visit as that visit', () => {
    const helps = [help(2, 3, 5), help(3, 4, 5)];
    expect(say('graduated_extinction', 6, { crying: [cry(0)], helps }).timer?.due).toBe(minute(10));
  });

  test('have no timer while the child is calm', () => {
    expect(say('fixed_checking', 9)).toMatchObject({ line: 'check_calm' });
    expect(say('fixed_checking', 9, { crying: [cry(0, 5)] }).timer).toBeUndefined();
  });

  test('only look, where the plan allows no more', () => {
    expect(say('modified_extinction', 1, { crying: [cry(0)] })).toMatchObject({
      line: 'look_wait',
      timer: { due: minute(20) },
    });
    expect(say('modified_extinction', 21, { crying: [cry(0)] }).line).toBe('look_now');
  });

  test('fall due when the server calls a response neither early nor late', () => {
    const files = [
      '12_graduated_extinction_adherence',
      '19_fixed_checking',
      '22_controlled_comforting',
      '23_modified_extinction',
    ];
    let timed = 0;
    for (const file of files) {
      const vector = JSON.parse(
        readFileSync(path.resolve(import.meta.dirname, `../../../vectors/${file}.json`), 'utf8'),
      );
      type Event = {
        type: string;
        start: string;
        end?: string;
        level: number;
        exempt_reason?: string;
      };
      const events: Event[] = vector.events;
      const spans = (type: string) =>
        events
          .filter((event) => event.type === type)
          .map(({ start, end, level, exempt_reason }) => ({
            begin: Date.parse(start),
            end: Date.parse(end ?? start),
            level,
            exempt: exempt_reason !== undefined,
          }))
          .sort((a, b) => a.begin - b.begin);
      const rules = rulesFor(approach(vector.plan.method), vector.night_no ?? 1, undefined);
      const verdicts: string[] = [...(vector.expected ?? vector.expect).adherence.verdicts];
      const responses = spans('response');
      for (const [index, response] of responses.entries()) {
        const verdict = response.exempt ? undefined : verdicts.shift();
        if (!verdict || response.level === 0 || !rules) continue;
        // As it was known just before the response.
        const until = <T extends Span>(list: T[]): Span[] =>
          list
            .filter(({ begin }) => begin <= response.begin)
            .map((span) => (Number(span.end) >= response.begin ? { begin: span.begin } : span));
        const facts: NightFacts = {
          phase: 'awake',
          crying: until(spans('cry')),
          sleeps: until(spans('sleep')),
          helps: responses.slice(0, index),
        };
        const timer = nextCheck(facts, rules.waits);
        if (verdict === 'no_cry') expect(timer).toBeUndefined();
        if (!timer) continue;
        const tolerance = Math.max(60_000, 0.2 * (timer.due - timer.from));
        const wait = response.begin - timer.due;
        if (verdict === 'early') expect(wait, file).toBeLessThan(-tolerance);
        if (verdict === 'late') expect(wait, file).toBeGreaterThan(tolerance);
        if (verdict === 'ok') expect(Math.abs(wait), file).toBeLessThanOrEqual(tolerance);
        ++timed;
      }
    }
    expect(timed).toBeGreaterThan(10);
  });
});

describe('the other methods', () => {
  test('extinction says to look in once, and then to wait', () => {
    expect(say('extinction', 1, { crying: [cry(0)] }).line).toBe('look_once');
    expect(say('extinction', 3, { crying: [cry(0)], helps: [help(1, 2)] }).line).toBe('looked');
  });

  test('presence is a place for tonight, whatever the child does', () => {
    expect(say('chair', 1, {}, 4)).toMatchObject({
      line: 'position',
      position: 'halfway',
      levels: [1, 2],
    });
    expect(say('camping_out', 1, { phase: 'asleep' }, 8).position).toBe('chair_half_metre');
    expect(say('parental_presence', 1, { phase: 'before' }, 1).position).toBe('sleeps_in_room');
    expect(say('parental_presence', 1, { phase: 'up' }, 1).line).toBe('up');
  });

  test('the ladder starts at its lowest rung, and stays on each for a while', () => {
    const crying = [cry(0)];
    expect(say('ladder', 0.2, { crying })).toMatchObject({ line: 'ladder_start', level: 1 });
    const helps = [help(1, 0.2)];
    expect(say('ladder', 0.5, { crying, helps })).toMatchObject({
      line: 'ladder_stay',
      level: 1,
      timer: { kind: 'rung', due: minute(0.7) },
    });
    expect(say('ladder', 1, { crying, helps })).toMatchObject({
      line: 'ladder_next',
      level: 2,
      timer: { due: minute(2.2) },
    });
    expect(say('ladder', 9, { crying, helps: [help(6, 8)] }).line).toBe('ladder_top');
    // Each new crying begins at the bottom.
    expect(say('ladder', 31, { crying: [cry(0, 9), cry(30)], helps: [help(3, 2)] }).line).toBe(
      'ladder_start',
    );
  });

  test('picking up is for crying, and ends soon', () => {
    expect(say('pick_up_put_down', 1).line).toBe('pickup_calm');
    expect(say('pick_up_put_down', 1, { crying: [cry(0)] }).line).toBe('pickup_cry');
    const facts = { crying: [cry(0)], helps: [help(4, 1)] };
    expect(say('pick_up_put_down', 1.5, facts, 1, 8)).toMatchObject({
      line: 'pickup_hold',
      timer: { kind: 'visit', due: minute(2) },
    });
    expect(say('pick_up_put_down', 2.5, facts, 1, 8).line).toBe('pickup_cry');
  });

  test('fading waits for its hour, and keeps the morning', () => {
    const plan = approach('bedtime_fading', { plannedPutDown: '20:15', plannedRise: '06:30' });
    expect(say(plan, 0, { phase: 'before' })).toMatchObject({
      line: 'fading_wait',
      timer: { kind: 'bedtime', due: Date.parse('2026-01-14T19:15Z') },
    });
    expect(say(plan, 50, { phase: 'before' }).line).toBe('fading_now');
    expect(say(plan, 50).line).toBe('fading_settle');
    expect(say(plan, 300, { phase: 'awake' })).toMatchObject({
      line: 'fading_night',
      timer: { kind: 'rise', due: Date.parse('2026-01-15T05:30Z') },
    });
    expect(say('bedtime_fading', 0, { phase: 'before' }).timer).toBeUndefined();
  });

  test('illness rests every plan', () => {
    for (const { id } of kMethods) {
      const helps = [{ ...help(5, 1), illness: true }];
      expect(say(id, 2, { crying: [cry(0)], helps }).line, id).toBe('illness');
    }
  });

  test('every one of the eleven says something in every phase', () => {
    for (const { id } of kMethods) {
      for (const phase of ['before', 'settling', 'asleep', 'awake', 'up'] as const) {
        const crying = phase === 'awake' ? [cry(0)] : [];
        expect(say(id, 2, { phase, crying }).line, `${id} ${phase}`).toBeTruthy();
      }
    }
  });
});
