// A plan as a form: what a method lets one set, what is wrong with what was typed, and the plan that
// comes of it. The bounds are those of protos/nightlog/v1/plan_method.proto. Pure.
import { kExtinctionMinAgeMonths, kMethods, type Method } from '../model/methods.ts';
import type {
  Id,
  LocalDate,
  Plan,
  PlanApproach,
  PlanMethod,
  Position,
  TimeOfDay,
} from '../model/types.ts';

// The parts of a form; each method shows some of them.
export type PlanField =
  | 'waits'
  | 'maxVisitMin'
  | 'steps'
  | 'rungs'
  | 'minRungMin'
  | 'maxRungMin'
  | 'maxHoldMin'
  | 'plannedPutDown'
  | 'plannedRise'
  | 'levels'
  | 'cryMergeGapMin';

export interface StepForm {
  nights: string;
  position: Position;
  levels: number[];
}

// As typed: numbers and dates are text until they are read.
export interface PlanForm {
  method: PlanMethod;
  firstNight: string;
  // Empty: until the next plan.
  lastNight: string;
  levels: number[];
  // By night of the plan, then by check.
  waits: string[][];
  maxVisitMin: string;
  steps: StepForm[];
  rungs: number[];
  minRungMin: string;
  maxRungMin: string;
  maxHoldMin: string;
  plannedPutDown: string;
  plannedRise: string;
  cryMergeGapMin: string;
  text: string;
}

export const kMaxWaitRows = 60;
export const kMaxWaitsInRow = 20;
export const kMaxSteps = 60;
export const kMaxStepNights = 366;
const kMaxMinutes = 240;
const kMaxMergeGapMin = 60;
const kMaxTextBytes = 4000;

export function methodNamed(id: PlanMethod): Method {
  return kMethods.find((method) => method.id === id)!;
}

export function fieldsOf(method: Method): PlanField[] {
  const fields: PlanField[] = [];
  if (method.waits) fields.push('waits', 'maxVisitMin');
  if (method.steps) fields.push('steps');
  if (method.rungs) fields.push('rungs', 'minRungMin', 'maxRungMin');
  if (method.maxHoldMin) fields.push('maxHoldMin');
  if (method.putDownToleranceMin !== undefined) fields.push('plannedPutDown', 'plannedRise');
  // Steps and rungs say themselves which help is within the plan.
  if (!method.steps && !method.rungs) fields.push('levels');
  fields.push('cryMergeGapMin');
  return fields;
}

// The longest hold of pick up, put down; without an age the longer one, as the server does.
function holdOf(method: Method, ageMonths: number | undefined): string {
  if (!method.maxHoldMin) return '';
  return String(method.maxHoldMin[(ageMonths ?? 0) < 5 ? 0 : 1]);
}

const typed = (value: number | undefined) => (value === undefined ? '' : String(value));

// The method as it is described, from `firstNight` on.
export function formOfMethod(
  method: Method,
  firstNight: LocalDate,
  ageMonths: number | undefined,
): PlanForm {
  return {
    method: method.id,
    firstNight,
    lastNight: '',
    levels: [...method.levels],
    waits: (method.waits ?? []).map((row) => row.map(String)),
    maxVisitMin: typed(method.maxVisitMin),
    steps: (method.steps ?? []).map((step) => ({
      nights: String(step.to - step.from + 1),
      position: step.position,
      levels: [...step.levels],
    })),
    rungs: [...(method.rungs ?? [])],
    minRungMin: typed(method.minRungMin),
    maxRungMin: typed(method.maxRungMin),
    maxHoldMin: holdOf(method, ageMonths),
    plannedPutDown: '',
    plannedRise: '',
    cryMergeGapMin: '0',
    text: '',
  };
}

// A plan that is there, to be changed or carried on.
export function formOfPlan(plan: Plan, ageMonths: number | undefined): PlanForm {
  const { approach, nights } = plan;
  const form = formOfMethod(methodNamed(approach.method), nights.firstNight, ageMonths);
  form.lastNight = nights.lastNight ?? '';
  form.text = plan.text ?? '';
  if (approach.allowedLevels.length > 0) form.levels = [...approach.allowedLevels];
  if (approach.waits.length > 0) form.waits = approach.waits.map((row) => row.waitMin.map(String));
  if (approach.steps.length > 0) {
    form.steps = approach.steps.map((step, index) => ({
      // A step holds until the next one begins.
      nights: String((approach.steps[index + 1]?.fromNight ?? step.toNight + 1) - step.fromNight),
      position: step.position ?? 'beside_crib',
      levels: [...step.allowedLevels],
    }));
  }
  if (approach.rungs.length > 0) form.rungs = [...approach.rungs];
  for (const key of [
    'maxVisitMin',
    'minRungMin',
    'maxRungMin',
    'maxHoldMin',
    'cryMergeGapMin',
  ] as const) {
    if (approach[key] !== undefined) form[key] = String(approach[key]);
  }
  form.plannedPutDown = approach.plannedPutDown ?? '';
  form.plannedRise = approach.plannedRise ?? '';
  return form;
}

// What is wrong with a place of the form: `waits.2.0` is the first check of the third night.
export type ProblemKind =
  | 'date'
  | 'ends_before_it_begins'
  | 'number'
  | 'whole_number'
  | 'time'
  | 'no_levels'
  | 'no_waits'
  | 'no_steps'
  | 'no_rungs'
  | 'rung_order'
  | 'too_long';
export interface Problem {
  place: string;
  kind: ProblemKind;
  min?: number;
  max?: number;
}

// A number as people write it: `2.5` or `2,5`. NaN where it is none.
function read(text: string): number {
  const trimmed = text.trim().replace(',', '.');
  return /^\d+(\.\d+)?$/.test(trimmed) ? Number(trimmed) : Number.NaN;
}

function isDate(text: string): boolean {
  if (!/^\d{4}-\d\d-\d\d$/.test(text)) return false;
  const at = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(at.getTime()) && at.toISOString().startsWith(text);
}

const isTime = (text: string) => /^([01]\d|2[0-3]):[0-5]\d$/.test(text);

export function problemsOf(form: PlanForm): Problem[] {
  const problems: Problem[] = [];
  const fields = new Set(fieldsOf(methodNamed(form.method)));
  const number = (place: string, text: string, min: number, max: number, whole = false) => {
    const value = read(text);
    if (!(value >= min && value <= max) || (whole && !Number.isInteger(value))) {
      problems.push({ place, kind: whole ? 'whole_number' : 'number', min, max });
    }
  };
  const optional = (place: PlanField & keyof PlanForm, max: number) => {
    const text = form[place] as string;
    if (fields.has(place) && text.trim() !== '') number(place, text, 0, max);
  };

  if (!isDate(form.firstNight)) problems.push({ place: 'firstNight', kind: 'date' });
  if (form.lastNight !== '') {
    if (!isDate(form.lastNight)) problems.push({ place: 'lastNight', kind: 'date' });
    else if (form.lastNight < form.firstNight) {
      problems.push({ place: 'lastNight', kind: 'ends_before_it_begins' });
    }
  }
  if (fields.has('waits')) {
    if (form.waits.length === 0 || form.waits.some((row) => row.length === 0)) {
      problems.push({ place: 'waits', kind: 'no_waits' });
    }
    form.waits.forEach((row, night) => {
      row.forEach((wait, check) => {
        number(`waits.${night}.${check}`, wait, 0, kMaxMinutes);
      });
    });
  }
  if (fields.has('steps')) {
    if (form.steps.length === 0) problems.push({ place: 'steps', kind: 'no_steps' });
    let nights = 0;
    form.steps.forEach((step, index) => {
      number(`steps.${index}.nights`, step.nights, 1, kMaxStepNights - nights, true);
      nights += read(step.nights) || 0;
      if (step.levels.length === 0) {
        problems.push({ place: `steps.${index}.levels`, kind: 'no_levels' });
      }
    });
  }
  if (fields.has('rungs') && form.rungs.length === 0) {
    problems.push({ place: 'rungs', kind: 'no_rungs' });
  }
  if (fields.has('levels') && form.levels.length === 0) {
    problems.push({ place: 'levels', kind: 'no_levels' });
  }
  optional('maxVisitMin', kMaxMinutes);
  optional('minRungMin', kMaxMinutes);
  optional('maxRungMin', kMaxMinutes);
  optional('maxHoldMin', kMaxMinutes);
  optional('cryMergeGapMin', kMaxMergeGapMin);
  if (fields.has('maxRungMin') && read(form.maxRungMin) < read(form.minRungMin)) {
    problems.push({ place: 'maxRungMin', kind: 'rung_order' });
  }
  for (const place of ['plannedPutDown', 'plannedRise'] as const) {
    if (fields.has(place) && !isTime(form[place])) problems.push({ place, kind: 'time' });
  }
  if (new TextEncoder().encode(form.text).length > kMaxTextBytes) {
    problems.push({ place: 'text', kind: 'too_long', max: kMaxTextBytes });
  }
  return problems;
}

const same = (a: unknown, b: unknown) => JSON.stringify(a) === JSON.stringify(b);

// The plan of a form without problems. What is as the method describes it is left out: it stays the
// method's own default. REQUIRES: problemsOf(form) is empty.
export function planOf(form: PlanForm, childId: Id, ageMonths: number | undefined): Plan {
  const method = methodNamed(form.method);
  const fields = new Set(fieldsOf(method));
  const usual = formOfMethod(method, form.firstNight, ageMonths);
  const changed = (field: PlanField) => fields.has(field) && !same(form[field], usual[field]);
  const approach: PlanApproach = {
    method: form.method,
    allowedLevels: changed('levels') ? [...form.levels].sort() : [],
    waits: changed('waits') ? form.waits.map((row) => ({ waitMin: row.map(read) })) : [],
    steps: [],
    rungs: changed('rungs') ? [...form.rungs].sort() : [],
  };
  if (changed('steps')) {
    let night = 1;
    approach.steps = form.steps.map((step) => {
      const fromNight = night;
      night += read(step.nights);
      return {
        fromNight,
        toNight: night - 1,
        position: step.position,
        allowedLevels: [...step.levels].sort(),
      };
    });
  }
  for (const field of [
    'maxVisitMin',
    'minRungMin',
    'maxRungMin',
    'maxHoldMin',
    'cryMergeGapMin',
  ] as const) {
    if (changed(field) && form[field].trim() !== '') approach[field] = read(form[field]);
  }
  if (fields.has('plannedPutDown')) approach.plannedPutDown = form.plannedPutDown as TimeOfDay;
  if (fields.has('plannedRise')) approach.plannedRise = form.plannedRise as TimeOfDay;

  const plan: Plan = { childId, approach, nights: { firstNight: form.firstNight } };
  if (form.lastNight !== '') plan.nights.lastNight = form.lastNight;
  if (form.text.trim() !== '') plan.text = form.text.trim();
  return plan;
}

// The age from which the method is advised; advice to show, never a reason to refuse.
export function advisedFromMonths(method: Method): number {
  return Math.max(method.minAgeMonths ?? 0, method.extinction ? kExtinctionMinAgeMonths : 0);
}
