import { readFileSync } from 'node:fs';
import path from 'node:path';
import { kMethods, type Method, methodOf, rulesFor } from '@web/model/methods.ts';
import type { PlanApproach } from '@web/model/types.ts';
import { describe, expect, test } from 'vitest';

const kFile = path.resolve(import.meta.dirname, '../../../vectors/methods.json');
type Json = Record<string, unknown>;
const said: Json[] = JSON.parse(readFileSync(kFile, 'utf8')).methods;

// methods.json spells one position otherwise, and numbers the steps of one method.
function stepsOf(method: Method): Json[] | undefined {
  return method.steps?.map((step) => ({
    ...(method.id === 'camping_out'
      ? { step: (step.from + 2) / 3 }
      : { from_night: step.from, to_night: step.to }),
    position: step.position === 'chair_half_metre' ? 'chair_0.5m' : step.position,
    allowed_levels: step.levels,
  }));
}

// What the table says under the keys of methods.json that hold numbers.
function tableOf(method: Method): Json {
  const waits = method.waits ?? [];
  const fixed = method.id === 'modified_extinction' || method.id === 'fixed_checking';
  const any = method.levels.join() === '1,2,3,4,5,6';
  return {
    id: method.id,
    min_age_months: method.minAgeMonths,
    allowed_levels: any ? undefined : method.levels,
    first_check_allowed: method.firstCheck,
    fixed_interval_min: fixed ? waits[0]?.[0] : undefined,
    intervals_min:
      fixed || waits.length === 0
        ? undefined
        : Object.fromEntries(waits.map((row, index) => [index + 1, row])),
    variant_intervals_min: method.variantWaits,
    max_visit_min: method.maxVisitMin,
    steps: stepsOf(method),
    rungs: method.rungs,
    min_rung_min: method.minRungMin,
    max_rung_min: method.maxRungMin,
    checks: method.maxHoldMin && {
      pickup_requires_open_cry: true,
      max_hold_min_3_4_months: method.maxHoldMin[0],
      max_hold_min_5_plus_months: method.maxHoldMin[1],
    },
    expected_days: method.expectedNights,
    review_after_nights: method.reviewAfterNights,
  };
}

function approach(parameters: Partial<PlanApproach> & Pick<PlanApproach, 'method'>): PlanApproach {
  return { allowedLevels: [], waits: [], steps: [], rungs: [], ...parameters };
}

describe('the table of methods', () => {
  test('is methods.json field by field', () => {
    expect(kMethods.length).toBe(said.length);
    for (const [index, method] of kMethods.entries()) {
      const table = tableOf(method);
      for (const [key, value] of Object.entries(table)) {
        expect(value, `${method.id} ${key}`).toEqual(said[index]?.[key]);
      }
    }
  });

  test('takes the tolerance of fading from its text', () => {
    const fading = methodOf('bedtime_fading');
    expect(String(said[10]?.adherence)).toContain(
      `<= ${fading?.putDownToleranceMin} min AND abs(rise - planned) <= ${fading?.riseToleranceMin} min`,
    );
  });
});

describe('the rules of a night', () => {
  test('follow the row of the night, and the last row after it', () => {
    const ferber = approach({ method: 'graduated_extinction' });
    expect(rulesFor(ferber, 1, undefined)?.waits).toEqual([3, 5, 10]);
    expect(rulesFor(ferber, 2, undefined)?.waits).toEqual([5, 10, 12]);
    expect(rulesFor(ferber, 30, undefined)?.waits).toEqual([20, 25, 30]);
    expect(rulesFor({ ...ferber, waits: [{ waitMin: [1, 2] }] }, 30, undefined)?.waits).toEqual([
      1, 2,
    ]);
  });

  test('hold the last step, with its own levels before those of the plan', () => {
    const chair = approach({ method: 'chair' });
    expect(rulesFor(chair, 5, undefined)).toMatchObject({ position: 'halfway', levels: [1, 2] });
    expect(rulesFor(chair, 40, undefined)).toMatchObject({ position: 'out_of_view', levels: [2] });
    const steps = [
      { fromNight: 1, toNight: 2, position: 'halfway' as const, allowedLevels: [1] },
      { fromNight: 3, toNight: 4, position: 'out_of_room' as const, allowedLevels: [] },
    ];
    expect(rulesFor({ ...chair, steps, allowedLevels: [3] }, 1, undefined)?.levels).toEqual([1]);
    expect(rulesFor({ ...chair, steps, allowedLevels: [3] }, 9, undefined)).toMatchObject({
      position: 'out_of_room',
      levels: [3],
    });
  });

  test('choose the hold by age, the longer one where the age is not known', () => {
    const held = approach({ method: 'pick_up_put_down' });
    expect(rulesFor(held, 1, 4)?.maxHoldMin).toBe(5);
    expect(rulesFor(held, 1, 5)?.maxHoldMin).toBe(1);
    expect(rulesFor(held, 1, undefined)?.maxHoldMin).toBe(5);
    expect(rulesFor({ ...held, maxHoldMin: 3 }, 1, 5)?.maxHoldMin).toBe(3);
  });

  test('are none for a method that a newer server knows', () => {
    expect(rulesFor(approach({ method: 'moonlight' as never }), 1, undefined)).toBeUndefined();
  });
});
