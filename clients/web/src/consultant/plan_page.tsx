// Writes a plan, or switches to another: a method, what it lets one set, and its nights. A switch is a
// new plan; past nights keep theirs.
import { useSignal } from '@preact/signals';
import { useId, useRef } from 'preact/hooks';
import { go, hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import type { Family } from '../model/app.ts';
import { kMethods, methodOf, rulesFor } from '../model/methods.ts';
import type { PlanMethod, Position, RecordOf } from '../model/types.ts';
import { Button, IconButton } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { Icon, kPlus } from '../ui/icon.tsx';
import { kBack, kTrash } from '../ui/icons.ts';
import { nightOf } from '../ui/local_time.ts';
import { now } from './desk.ts';
import { ageInMonths } from './norms.ts';
import { rulesInWords } from './plan_card.tsx';
import {
  advisedFromMonths,
  fieldsOf,
  formOfMethod,
  formOfPlan,
  kMaxSteps,
  kMaxWaitRows,
  kMaxWaitsInRow,
  methodNamed,
  type PlanForm,
  type Problem,
  planOf,
  problemsOf,
} from './plan_form.ts';
import { levelName, methodName, positionName } from './words.tsx';

const kPositions: readonly Position[] = [
  'sleeps_in_room',
  'beside_crib',
  'chair_at_cot',
  'chair_half_metre',
  'halfway',
  'doorway_inside',
  'toward_door_then_out',
  'hallway_in_view',
  'out_of_view',
  'out_of_room',
];
const kLevels = [0, 1, 2, 3, 4, 5, 6];
const kPreviewNights = 7;

interface PlanPageProps {
  family: Family;
  child: RecordOf<'child'>;
}

export function PlanPage({ family, child }: PlanPageProps) {
  const tonight = nightOf(now.value, child.body.homeZone);
  const age = ageInMonths(child.body, tonight);
  const current = family
    .list('plan')
    .value.filter(({ body }) => body.childId === child.id && body.nights.firstNight <= tonight)
    .sort((a, b) => (a.body.nights.firstNight < b.body.nights.firstNight ? 1 : -1))[0];
  const carriedOn = current && methodOf(current.body.approach.method) ? current.body : undefined;
  const form = useSignal<PlanForm | undefined>(undefined);
  const problems = useSignal<readonly Problem[]>([]);
  const failed = useSignal<string | undefined>(undefined);
  const place = useRef<HTMLFormElement>(null);
  // Parents come from the plan of their night.
  const consults = family.pairing.value.role === 'consultant';
  const back = consults ? ['desk', family.id, child.id] : ['tonight', 'plan'];

  const choose = (method: PlanMethod) => {
    problems.value = [];
    form.value =
      carriedOn?.approach.method === method
        ? { ...formOfPlan(carriedOn, age), firstNight: tonight, lastNight: '', text: '' }
        : formOfMethod(methodNamed(method), tonight, age);
  };
  const set = (change: Partial<PlanForm>) => {
    if (!form.value) return;
    form.value = { ...form.value, ...change };
    if (problems.value.length > 0) problems.value = problemsOf(form.value);
  };
  const save = async () => {
    if (!form.value) return;
    problems.value = problemsOf(form.value);
    if (problems.value.length > 0) {
      queueMicrotask(() =>
        requestAnimationFrame(() =>
          place.current?.querySelector<HTMLElement>('[aria-invalid="true"]')?.focus(),
        ),
      );
      return;
    }
    try {
      await family.savePlan(planOf(form.value, child.id, age));
      go(back);
    } catch (error) {
      failed.value = (error as Error).message;
    }
  };
  const said = (where: string) => {
    const problem = problems.value.find((each) => each.place === where);
    return (
      problem && t(`consultant.problem_${problem.kind}`, { min: problem.min, max: problem.max })
    );
  };
  return (
    <main class="desk page plan-page stack">
      <nav class="crumbs">
        <a href={hrefOf(...back)} class="with-mark">
          <Icon path={kBack} size={18} />
          {child.body.name}
        </a>
      </nav>
      <h1>{t(current ? 'consultant.switch_plan' : 'consultant.write_plan')}</h1>
      <p class="soft">{t('consultant.plan_intro')}</p>
      <form
        ref={place}
        class="stack plan-form"
        noValidate
        onSubmit={(event) => {
          event.preventDefault();
          void save();
        }}
      >
        <Methods
          chosen={form.value?.method}
          current={carriedOn?.approach.method}
          onChoose={choose}
        />
        {form.value && (
          <>
            <Advice method={form.value.method} age={age} />
            <Nights form={form.value} set={set} said={said} />
            <Parameters form={form.value} set={set} said={said} />
            <Field
              label={t('consultant.plan_text')}
              hint={t('consultant.plan_text_hint')}
              error={said('text')}
              control={(ids) => (
                <textarea
                  class="input"
                  rows={4}
                  value={form.value?.text}
                  onInput={(event) => set({ text: event.currentTarget.value })}
                  {...ids}
                />
              )}
            />
            <Preview form={form.value} childId={child.id} age={age} />
            <div role="alert" class="field-error">
              {failed.value ??
                (problems.value.length > 0 &&
                  t('consultant.problems', { count: problems.value.length }))}
            </div>
            <div class="row">
              <Button type="submit" kind="main">
                {t('consultant.save_plan')}
              </Button>
              <Button kind="quiet" onClick={() => go(back)}>
                {t('consultant.cancel')}
              </Button>
            </div>
          </>
        )}
      </form>
    </main>
  );
}

// All eleven, in the order of the table, each with what it is; none is judged.
function Methods({
  chosen,
  current,
  onChoose,
}: {
  chosen: PlanMethod | undefined;
  current: PlanMethod | undefined;
  onChoose: (method: PlanMethod) => void;
}) {
  const name = useId();
  return (
    <fieldset class="methods">
      <legend>{t('consultant.method')}</legend>
      <div class="method-cards">
        {kMethods.map((method) => (
          <label key={method.id} class="method-card">
            <input
              type="radio"
              name={name}
              checked={chosen === method.id}
              onChange={() => onChoose(method.id)}
            />
            <span class="method-name">
              {methodName(method.id)}
              {current === method.id && <span class="chip accent">{t('consultant.in_force')}</span>}
            </span>
            <span class="small soft">{t(`consultant.method_${method.id}_is`)}</span>
            {method.expectedNights && (
              <span class="small soft">
                {t('consultant.expected_nights', {
                  nights: [...new Set(method.expectedNights)].join('–'),
                })}
              </span>
            )}
          </label>
        ))}
      </div>
    </fieldset>
  );
}

function Advice({ method, age }: { method: PlanMethod; age: number | undefined }) {
  const from = advisedFromMonths(methodNamed(method));
  if (from === 0) return null;
  const below = age !== undefined && age < from;
  return (
    <p class={below ? 'notice' : 'soft small'} role={below ? 'status' : undefined}>
      {below ? t('consultant.age_below', { age, from }) : t('consultant.age_advice', { from })}
    </p>
  );
}

interface PartProps {
  form: PlanForm;
  set: (change: Partial<PlanForm>) => void;
  said: (place: string) => string | undefined;
}

function Nights({ form, set, said }: PartProps) {
  return (
    <div class="pair">
      <Field
        label={t('consultant.first_night')}
        hint={t('consultant.first_night_hint')}
        error={said('firstNight')}
        control={(ids) => (
          <input
            class="input"
            type="date"
            required
            value={form.firstNight}
            onInput={(event) => set({ firstNight: event.currentTarget.value })}
            {...ids}
          />
        )}
      />
      <Field
        label={t('consultant.last_night')}
        hint={t('consultant.last_night_hint')}
        error={said('lastNight')}
        control={(ids) => (
          <input
            class="input"
            type="date"
            min={form.firstNight}
            value={form.lastNight}
            onInput={(event) => set({ lastNight: event.currentTarget.value })}
            {...ids}
          />
        )}
      />
    </div>
  );
}

function Parameters({ form, set, said }: PartProps) {
  const fields = fieldsOf(methodNamed(form.method));
  const part = { form, set, said };
  const minutesField = (key: 'maxVisitMin' | 'minRungMin' | 'maxRungMin' | 'maxHoldMin') =>
    fields.includes(key) && (
      <MinutesField key={key} {...part} place={key} label={t(`consultant.field_${key}`)} />
    );
  return (
    <div class="stack">
      {fields.includes('waits') && <Waits {...part} />}
      {fields.includes('steps') && <Steps {...part} />}
      {fields.includes('rungs') && (
        <Levels
          legend={t('consultant.field_rungs')}
          levels={form.rungs}
          offered={kLevels.slice(1)}
          error={said('rungs')}
          onChange={(rungs) => set({ rungs })}
        />
      )}
      {fields.includes('levels') && (
        <Levels
          legend={t('consultant.field_levels')}
          levels={form.levels}
          offered={kLevels}
          error={said('levels')}
          onChange={(levels) => set({ levels })}
        />
      )}
      <div class="pair">
        {minutesField('maxVisitMin')}
        {minutesField('minRungMin')}
        {minutesField('maxRungMin')}
        {minutesField('maxHoldMin')}
        {(['plannedPutDown', 'plannedRise'] as const).map(
          (key) =>
            fields.includes(key) && (
              <Field
                key={key}
                label={t(`consultant.field_${key}`)}
                error={said(key)}
                control={(ids) => (
                  <input
                    class="input"
                    type="time"
                    value={form[key]}
                    onInput={(event) => set({ [key]: event.currentTarget.value })}
                    {...ids}
                  />
                )}
              />
            ),
        )}
      </div>
      <details class="behind">
        <summary>{t('consultant.more_settings')}</summary>
        <div class="pair">
          <MinutesField
            {...part}
            place="cryMergeGapMin"
            label={t('consultant.field_cryMergeGapMin')}
            hint={t('consultant.field_cryMergeGapMin_hint')}
          />
        </div>
      </details>
    </div>
  );
}

function MinutesField({
  form,
  set,
  said,
  place,
  label,
  hint,
}: PartProps & {
  place: 'maxVisitMin' | 'minRungMin' | 'maxRungMin' | 'maxHoldMin' | 'cryMergeGapMin';
  label: string;
  hint?: string;
}) {
  return (
    <Field
      label={label}
      hint={hint ?? t('consultant.in_minutes')}
      error={said(place)}
      control={(ids) => (
        <input
          class="input short"
          inputMode="decimal"
          value={form[place]}
          onInput={(event) => set({ [place]: event.currentTarget.value })}
          {...ids}
        />
      )}
    />
  );
}

const replaced = <T,>(list: readonly T[], index: number, value: T): T[] =>
  list.map((each, at) => (at === index ? value : each));
const without = <T,>(list: readonly T[], index: number): T[] =>
  list.filter((_, at) => at !== index);

// Waits before each check, a row a night; the last row holds for later nights.
function Waits({ form, set, said }: PartProps) {
  const checks = Math.max(1, ...form.waits.map((row) => row.length));
  const columns = Array.from({ length: checks }, (_, index) => index);
  const setRow = (night: number, row: string[]) => set({ waits: replaced(form.waits, night, row) });
  const firstError = form.waits
    .flatMap((row, night) => row.map((_, check) => said(`waits.${night}.${check}`)))
    .find((error) => error !== undefined);
  return (
    <fieldset class="grid-field">
      <legend>{t('consultant.field_waits')}</legend>
      <p class="field-hint">{t('consultant.field_waits_hint')}</p>
      <div class="scroll">
        <table class="waits">
          <thead>
            <tr>
              <th scope="col">{t('consultant.night')}</th>
              {columns.map((check) => (
                <th key={check} scope="col">
                  {t('consultant.check_n', { check: check + 1 })}
                </th>
              ))}
              <td />
            </tr>
          </thead>
          <tbody>
            {form.waits.map((row, night) => (
              // biome-ignore lint/suspicious/noArrayIndexKey: a row is its night
              <tr key={night}>
                <th scope="row">
                  {night + 1}
                  {night === form.waits.length - 1 && <span class="soft">+</span>}
                </th>
                {columns.map((check) => (
                  <td key={check}>
                    {check <= row.length && (
                      <input
                        class="input short"
                        inputMode="decimal"
                        aria-label={t('consultant.wait_label', {
                          night: night + 1,
                          check: check + 1,
                        })}
                        aria-invalid={said(`waits.${night}.${check}`) ? true : undefined}
                        value={row[check] ?? ''}
                        onInput={(event) => {
                          const value = event.currentTarget.value;
                          const last = check === row.length - 1 && value === '' && check > 0;
                          if (last) setRow(night, row.slice(0, -1));
                          else if (check < row.length) setRow(night, replaced(row, check, value));
                          else setRow(night, [...row, value]);
                        }}
                      />
                    )}
                  </td>
                ))}
                <td>
                  {form.waits.length > 1 && (
                    <IconButton
                      path={kTrash}
                      label={t('consultant.remove_night', { night: night + 1 })}
                      onClick={() => set({ waits: without(form.waits, night) })}
                    />
                  )}
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
      <div class="field-error" aria-live="polite">
        {said('waits') ?? firstError}
      </div>
      <div class="row">
        {form.waits.length < kMaxWaitRows && (
          <Button
            icon={kPlus}
            onClick={() => set({ waits: [...form.waits, [...(form.waits.at(-1) ?? ['5'])]] })}
          >
            {t('consultant.add_night')}
          </Button>
        )}
        {checks < kMaxWaitsInRow && (
          <Button
            icon={kPlus}
            onClick={() => set({ waits: form.waits.map((row) => [...row, row.at(-1) ?? '5']) })}
          >
            {t('consultant.add_check')}
          </Button>
        )}
      </div>
    </fieldset>
  );
}

// Where the caregiver is, step by step.
function Steps({ form, set, said }: PartProps) {
  let night = 1;
  return (
    <fieldset class="grid-field">
      <legend>{t('consultant.field_steps')}</legend>
      <p class="field-hint">{t('consultant.field_steps_hint')}</p>
      <ol class="steps">
        {form.steps.map((step, index) => {
          const first = night;
          night += Number(step.nights) || 0;
          const last = index === form.steps.length - 1;
          const change = (part: Partial<typeof step>) =>
            set({ steps: replaced(form.steps, index, { ...step, ...part }) });
          return (
            // biome-ignore lint/suspicious/noArrayIndexKey: a step is its place
            <li key={index} class="step">
              <div class="row step-head">
                <p class="step-title">
                  {t(last ? 'consultant.nights_from' : 'consultant.nights_from_to', {
                    from: first,
                    to: night - 1,
                  })}
                </p>
                {form.steps.length > 1 && (
                  <span class="push">
                    <IconButton
                      path={kTrash}
                      label={t('consultant.remove_step', { step: index + 1 })}
                      onClick={() => set({ steps: without(form.steps, index) })}
                    />
                  </span>
                )}
              </div>
              <div class="pair">
                <Field
                  label={t('consultant.position')}
                  control={(ids) => (
                    <select
                      class="input"
                      value={step.position}
                      onChange={(event) =>
                        change({ position: event.currentTarget.value as Position })
                      }
                      {...ids}
                    >
                      {kPositions.map((position) => (
                        <option key={position} value={position}>
                          {positionName(position)}
                        </option>
                      ))}
                    </select>
                  )}
                />
                <Field
                  label={t('consultant.step_nights')}
                  error={said(`steps.${index}.nights`)}
                  control={(ids) => (
                    <input
                      class="input short"
                      inputMode="numeric"
                      value={step.nights}
                      onInput={(event) => change({ nights: event.currentTarget.value })}
                      {...ids}
                    />
                  )}
                />
              </div>
              <Levels
                legend={t('consultant.step_levels')}
                levels={step.levels}
                offered={kLevels}
                error={said(`steps.${index}.levels`)}
                onChange={(levels) => change({ levels })}
              />
            </li>
          );
        })}
      </ol>
      <div class="field-error" aria-live="polite">
        {said('steps')}
      </div>
      {form.steps.length < kMaxSteps && (
        <div class="row">
          <Button
            icon={kPlus}
            onClick={() => {
              const last = form.steps.at(-1);
              set({
                steps: [
                  ...form.steps,
                  {
                    nights: '3',
                    position: last?.position ?? 'beside_crib',
                    levels: [...(last?.levels ?? [1, 2])],
                  },
                ],
              });
            }}
          >
            {t('consultant.add_step')}
          </Button>
        </div>
      )}
    </fieldset>
  );
}

interface LevelsProps {
  legend: string;
  levels: readonly number[];
  offered: readonly number[];
  error: string | undefined;
  onChange: (levels: number[]) => void;
}

// Which help is within the plan, from least to most.
function Levels({ legend, levels, offered, error, onChange }: LevelsProps) {
  return (
    <fieldset class="choice">
      <legend>{legend}</legend>
      <div class="choice-options">
        {offered.map((level) => (
          <label key={level} class="choice-option">
            <input
              type="checkbox"
              checked={levels.includes(level)}
              aria-invalid={error ? true : undefined}
              onChange={(event) =>
                onChange(
                  event.currentTarget.checked
                    ? [...levels, level].sort()
                    : levels.filter((each) => each !== level),
                )
              }
            />
            <span>{levelName(level)}</span>
          </label>
        ))}
      </div>
      <div class="field-error" aria-live="polite">
        {error}
      </div>
    </fieldset>
  );
}

// What the phones will say, night by night, as long as it changes.
function Preview({ form, childId, age }: { form: PlanForm; childId: string; age?: number }) {
  if (problemsOf(form).length > 0) return null;
  const { approach } = planOf(form, childId, age);
  const nights: { from: number; to: number; words: string }[] = [];
  for (let night = 1; night <= 60 && nights.length <= kPreviewNights; night++) {
    const rules = rulesFor(approach, night, age);
    const words = rules ? rulesInWords(rules).join(' · ') : '';
    const last = nights.at(-1);
    if (last?.words === words) last.to = night;
    else nights.push({ from: night, to: night, words });
  }
  const shown = nights.slice(0, kPreviewNights);
  return (
    <section class="card" aria-labelledby="preview-title">
      <h2 id="preview-title">{t('consultant.preview')}</h2>
      <ol class="preview">
        {shown.map(({ from, to, words }, index) => (
          <li key={from}>
            <strong>
              {index === shown.length - 1 && nights.length === shown.length
                ? t('consultant.nights_from', { from })
                : from === to
                  ? t('consultant.only_night', { night: from })
                  : t('consultant.nights_from_to', { from, to })}
            </strong>
            <span class="small">{words}</span>
          </li>
        ))}
      </ol>
    </section>
  );
}
