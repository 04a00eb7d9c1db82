import {
  advisedFromMonths,
  fieldsOf,
  formOfMethod,
  formOfPlan,
  methodNamed,
  type PlanForm,
  planOf,
  problemsOf,
} from '@web/consultant/plan_form.ts';
import { kMethods } from '@web/model/methods.ts';
import type { PlanMethod } from '@web/model/types.ts';
import { describe, expect, test } from 'vitest';
import { kChild } from './nights.ts';

const kNight = '2026-01-14';

function form(method: PlanMethod, typed: Partial<PlanForm> = {}): PlanForm {
  return {
    ...formOfMethod(methodNamed(method), kNight, 8),
    ...(method === 'bedtime_fading' ? { plannedPutDown: '20:15', plannedRise: '06:30' } : {}),
    ...typed,
  };
}
const plan = (method: PlanMethod, typed: Partial<PlanForm> = {}) =>
  planOf(form(method, typed), kChild, 8);
const places = (method: PlanMethod, typed: Partial<PlanForm>) =>
  problemsOf(form(method, typed)).map(({ place, kind }) => `${place} ${kind}`);

describe.each(kMethods.map((method) => method.id))('the form of %s', (id) => {
  test('is right as the method describes it, and leaves the defaults to the method', () => {
    expect(problemsOf(form(id))).toEqual([]);
    const { approach } = plan(id);
    const planned =
      id === 'bedtime_fading' ? { plannedPutDown: '20:15', plannedRise: '06:30' } : {};
    expect(approach).toEqual({
      method: id,
      allowedLevels: [],
      waits: [],
      steps: [],
      rungs: [],
      ...planned,
    });
  });

  test('comes back from its plan', () => {
    expect(formOfPlan(plan(id), 8)).toEqual(form(id));
  });
});

describe('the form of a plan', () => {
  test('shows what the method can be given', () => {
    expect(fieldsOf(methodNamed('graduated_extinction'))).toContain('waits');
    expect(fieldsOf(methodNamed('chair')).includes('levels')).toBe(false);
    expect(fieldsOf(methodNamed('bedtime_fading'))).toContain('plannedRise');
  });

  test('writes only what was changed', () => {
    const { approach } = plan('graduated_extinction', { waits: [['2', '4,5']], maxVisitMin: '3' });
    expect(approach.waits).toEqual([{ waitMin: [2, 4.5] }]);
    expect(approach.maxVisitMin).toBe(3);
    expect(approach.allowedLevels).toEqual([]);
  });

  test('counts the nights of steps from the first', () => {
    const { steps } = plan('chair', {
      steps: [
        { nights: '2', position: 'beside_crib', levels: [3, 1] },
        { nights: '4', position: 'halfway', levels: [1] },
      ],
    }).approach;
    expect(steps.map(({ fromNight, toNight }) => [fromNight, toNight])).toEqual([
      [1, 2],
      [3, 6],
    ]);
    expect(steps[0]?.allowedLevels).toEqual([1, 3]);
  });

  test('says which place is wrong, by the bounds of the protos', () => {
    expect(places('fixed_checking', { waits: [['241']] })).toEqual(['waits.0.0 number']);
    expect(places('fixed_checking', { waits: [['']] })).toEqual(['waits.0.0 number']);
    expect(places('fixed_checking', { waits: [['-1']] })).toEqual(['waits.0.0 number']);
    expect(places('fixed_checking', { waits: [] })).toEqual(['waits no_waits']);
    expect(places('extinction', { cryMergeGapMin: '61' })).toEqual(['cryMergeGapMin number']);
    expect(places('extinction', { levels: [] })).toEqual(['levels no_levels']);
    expect(places('bedtime_fading', { plannedRise: '24:00' })).toEqual(['plannedRise time']);
  });

  test('knows dates that there are not, and an end before the begin', () => {
    expect(places('ladder', { firstNight: '2026-02-30' })).toEqual(['firstNight date']);
    expect(places('ladder', { lastNight: '2026-01-13' })).toEqual([
      'lastNight ends_before_it_begins',
    ]);
    expect(plan('ladder', { lastNight: kNight }).nights.lastNight).toBe(kNight);
  });

  test('keeps the rungs of a ladder in order of time', () => {
    expect(places('ladder', { minRungMin: '3', maxRungMin: '2' })).toEqual([
      'maxRungMin rung_order',
    ]);
  });

  test('counts the bytes of a text, not its letters', () => {
    expect(places('ladder', { text: 'ü'.repeat(2001) })).toEqual(['text too_long']);
    expect(plan('ladder', { text: ' Hold on. ' }).text).toBe('Hold on.');
  });
});

test('extinction in any form is advised from six months on', () => {
  expect(advisedFromMonths(methodNamed('graduated_extinction'))).toBe(6);
  expect(advisedFromMonths(methodNamed('pick_up_put_down'))).toBe(3);
  expect(advisedFromMonths(methodNamed('chair'))).toBe(0);
});
