// The eleven sleep training methods and their defaults, as METHODS.md and methods.json give them:
// the one table in the app. A test compares it with tests/vectors/methods.json field by field. None
// is judged, and nothing here refuses anything.

import type { PlanApproach, PlanMethod, Position, TimeOfDay } from './types.ts';

// A stretch of nights with one place for the caregiver. The last step holds for later nights.
export interface Step {
  from: number;
  to: number;
  position: Position;
  levels: readonly number[];
}

// What is absent, the method says nothing about.
export interface Method {
  id: PlanMethod;
  minAgeMonths?: number;
  // Extinction in some form: advised from 6 months only, whatever `minAgeMonths` says.
  extinction?: true;
  levels: readonly number[];
  // One silent look at the night's first crying is within the plan.
  firstCheck?: true;
  // Minutes to wait before each check, by night; the last row and the last wait repeat.
  waits?: readonly (readonly number[])[];
  // Another row in use for the same method, for a plan to choose.
  variantWaits?: readonly number[];
  maxVisitMin?: number;
  steps?: readonly Step[];
  rungs?: readonly number[];
  minRungMin?: number;
  maxRungMin?: number;
  // Picking up (level 4) is for a child that cries, and not for longer than this: below 5 months,
  // and from 5 months.
  maxHoldMin?: readonly [number, number];
  // Bedtime fading: conforming put-downs and rises are this near the planned time.
  putDownToleranceMin?: number;
  riseToleranceMin?: number;
  // Nights after which the method is said to show: a claim, not a promise.
  expectedNights?: readonly [number, number];
  reviewAfterNights?: number;
}

export const kExtinctionMinAgeMonths = 6;

const kAnyHelp = [1, 2, 3, 4, 5, 6];
const kInCrib = [1, 2, 3];
const kNoTouch = [1, 2];

const steps = (...rows: [number, number, Position, readonly number[]][]): Step[] =>
  rows.map(([from, to, position, levels]) => ({ from, to, position, levels }));

// In the order of methods.json.
export const kMethods: readonly Method[] = [
  {
    id: 'extinction',
    minAgeMonths: 6,
    extinction: true,
    levels: [0],
    firstCheck: true,
    expectedNights: [3, 5],
    reviewAfterNights: 7,
  },
  { id: 'modified_extinction', extinction: true, levels: [0, 1], waits: [[20]] },
  {
    id: 'graduated_extinction',
    minAgeMonths: 5,
    extinction: true,
    levels: kInCrib,
    maxVisitMin: 2,
    waits: [
      [3, 5, 10],
      [5, 10, 12],
      [10, 12, 15],
      [12, 15, 17],
      [15, 17, 20],
      [17, 20, 25],
      [20, 25, 30],
    ],
    expectedNights: [3, 7],
  },
  {
    id: 'controlled_comforting',
    minAgeMonths: 6,
    extinction: true,
    levels: kInCrib,
    maxVisitMin: 3,
    waits: [[2, 4, 6]],
    variantWaits: [2, 4, 6, 8],
    expectedNights: [3, 14],
  },
  { id: 'fixed_checking', extinction: true, levels: kInCrib, waits: [[5]] },
  {
    id: 'parental_presence',
    levels: kAnyHelp,
    steps: steps([1, 7, 'sleeps_in_room', kInCrib], [8, 21, 'out_of_room', kInCrib]),
  },
  {
    id: 'chair',
    levels: kAnyHelp,
    steps: steps(
      [1, 3, 'beside_crib', kInCrib],
      [4, 6, 'halfway', kNoTouch],
      [7, 9, 'doorway_inside', kNoTouch],
      [10, 12, 'hallway_in_view', kNoTouch],
      [13, 14, 'out_of_view', [2]],
    ),
    expectedNights: [14, 14],
  },
  {
    // Three nights a step, the default of "a few, until used to it".
    id: 'camping_out',
    levels: kAnyHelp,
    steps: steps(
      [1, 3, 'chair_at_cot', kInCrib],
      [4, 6, 'chair_at_cot', kNoTouch],
      [7, 9, 'chair_half_metre', kNoTouch],
      [10, 12, 'toward_door_then_out', kNoTouch],
    ),
    expectedNights: [7, 21],
  },
  {
    id: 'ladder',
    minAgeMonths: 0,
    levels: kAnyHelp,
    rungs: [1, 2, 3, 4, 5, 6],
    minRungMin: 0.5,
    maxRungMin: 2,
    expectedNights: [7, 21],
  },
  { id: 'pick_up_put_down', minAgeMonths: 3, levels: [1, 2, 3, 4], maxHoldMin: [5, 1] },
  { id: 'bedtime_fading', levels: kAnyHelp, putDownToleranceMin: 10, riseToleranceMin: 30 },
];

// undefined: one that this build does not know.
export const methodOf = (id: PlanMethod): Method | undefined =>
  kMethods.find((method) => method.id === id);

// What the parameters of a plan and the defaults of its method come to on one night. Zero, empty
// and absent mean: the plan says nothing about it.
export interface NightRules {
  method: Method;
  levels: readonly number[];
  // Minutes before each check; empty: no checks by the clock.
  waits: readonly number[];
  maxVisitMin: number;
  position?: Position;
  rungs: readonly number[];
  minRungMin: number;
  maxRungMin: number;
  maxHoldMin: number;
  plannedPutDown?: TimeOfDay;
  plannedRise?: TimeOfDay;
}

const orElse = <T>(first: readonly T[], second: readonly T[] | undefined): readonly T[] =>
  first.length > 0 ? first : (second ?? []);

// The same as RulesFor in services/sleep/methods.h: what the server scores by is what the phone
// shows. undefined: a method this build does not know. `planNight` counts from 1; without
// `ageMonths` the longer hold of pick up, put down applies.
export function rulesFor(
  approach: PlanApproach,
  planNight: number,
  ageMonths: number | undefined,
): NightRules | undefined {
  const method = methodOf(approach.method);
  if (!method) return undefined;

  let position: Position | undefined;
  let levels: readonly number[] = method.levels;
  if (approach.steps.length > 0) {
    const held =
      approach.steps.findLast((step) => step.fromNight <= planNight) ?? approach.steps[0]!;
    position = held.position;
    levels = orElse(held.allowedLevels, orElse(approach.allowedLevels, method.levels));
  } else {
    for (const step of method.steps ?? []) {
      if (step.from > planNight) break;
      position = step.position;
      levels = step.levels;
    }
    levels = orElse(approach.allowedLevels, levels);
  }

  const row = <T>(rows: readonly T[]): T | undefined => rows[Math.min(planNight, rows.length) - 1];
  const [holdBelow5, holdFrom5] = method.maxHoldMin ?? [0, 0];
  return {
    method,
    levels,
    waits:
      (approach.waits.length > 0 ? row(approach.waits)?.waitMin : row(method.waits ?? [])) ?? [],
    maxVisitMin: approach.maxVisitMin ?? method.maxVisitMin ?? 0,
    ...(position && { position }),
    rungs: orElse(approach.rungs, method.rungs),
    minRungMin: approach.minRungMin ?? method.minRungMin ?? 0,
    maxRungMin: approach.maxRungMin ?? method.maxRungMin ?? 0,
    maxHoldMin: approach.maxHoldMin ?? ((ageMonths ?? 0) < 5 ? holdBelow5 : holdFrom5),
    ...(approach.plannedPutDown && { plannedPutDown: approach.plannedPutDown }),
    ...(approach.plannedRise && { plannedRise: approach.plannedRise }),
  };
}
