import { planInForce } from '@web/model/plans.ts';
import type { RecordOf } from '@web/model/types.ts';
import { expect, test } from 'vitest';

function plan(id: string, firstNight: string, lastNight?: string): RecordOf<'plan'> {
  return {
    id,
    kind: 'plan',
    body: {
      childId: 'c1',
      approach: { method: 'chair', allowedLevels: [], waits: [], steps: [], rungs: [] },
      nights: { firstNight, ...(lastNight && { lastNight }) },
    },
    deleted: false,
    revision: 1,
    groups: [],
    pending: false,
  };
}

const inForce = (plans: RecordOf<'plan'>[], date: string) => {
  const found = planInForce(plans, 'c1', date);
  return found && [found.plan.id, found.night];
};

test('the plan with the later first night is in force, and of two such the greater id', () => {
  const plans = [plan('a', '2026-01-01'), plan('b', '2026-01-10'), plan('c', '2026-01-10')];
  expect(inForce(plans, '2025-12-31')).toBeUndefined();
  expect(inForce(plans, '2026-01-09')).toEqual(['a', 9]);
  expect(inForce(plans, '2026-01-10')).toEqual(['c', 1]);
});

test('a plan without a last night does not come back when the next one ends', () => {
  const plans = [plan('a', '2026-01-01'), plan('b', '2026-01-10', '2026-01-12')];
  expect(inForce(plans, '2026-01-12')).toEqual(['b', 3]);
  expect(inForce(plans, '2026-01-13')).toBeUndefined();
  expect(
    inForce([plan('a', '2026-01-01', '2026-02-01'), plan('b', '2026-01-10')], '2026-01-15'),
  ).toEqual(['b', 6]);
});

test('the count of nights passes a change of the clocks, and deleted plans are none', () => {
  expect(inForce([plan('a', '2026-03-28')], '2026-03-31')).toEqual(['a', 4]);
  expect(inForce([{ ...plan('a', '2026-03-28'), deleted: true }], '2026-03-31')).toBeUndefined();
});
