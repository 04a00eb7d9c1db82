// What the desk says of the things it shows.
import { t } from '../i18n/index.ts';
import { decimal, duration } from '../i18n/intl.ts';
import type { Measure, PlanMethod, Position, ProgressVerdict } from '../model/types.ts';
import type { Arrow } from './caseload.ts';

export const methodName = (method: PlanMethod) => t(`common.method_${method}`);
export const positionName = (position: Position) => t(`consultant.position_${position}`);
export const measureName = (measure: Measure) => t(`consultant.measure_${measure}`);

type Level = 0 | 1 | 2 | 3 | 4 | 5 | 6;
export const levelName = (level: number) => t(`consultant.level_${level as Level}`);

// `11:32`: hours and minutes, where a column says so.
export function hoursMinutes(value: number): string {
  const rounded = Math.round(value);
  return `${Math.floor(rounded / 60)}:${String(rounded % 60).padStart(2, '0')}`;
}

// Not known, which is not zero.
export function Unknown() {
  return (
    <span class="unknown soft">
      <span aria-hidden="true">–</span>
      <span class="unseen">{t('consultant.not_known')}</span>
    </span>
  );
}

export const minutes = (value: number) => duration(value * 60_000);

// The figure of a measure with its unit.
export function figure(measure: Measure, value: number): string {
  return measure === 'nwak' ? decimal(value) : minutes(value);
}

// `night 6 of gradual check-ins`.
export function planLine(progress: { method?: PlanMethod; planNight?: number }): string {
  return progress.method
    ? t('consultant.plan_line', {
        night: progress.planNight,
        method: methodName(progress.method),
      })
    : t('consultant.no_plan');
}

// What can honestly be said, and why it is not more.
export function verdictSentence(verdict: ProgressVerdict): string {
  return t(`consultant.verdict_${verdict}_why`);
}

const kPaths: Record<Exclude<Arrow, 'none'>, string> = {
  up: 'M4 17 20 7M12.5 7H20v7.5',
  level: 'M3 12h18M15.5 6.5 21 12l-5.5 5.5',
  down: 'M4 7l16 10M12.5 17H20V9.5',
  dip: 'M3 7l6 9 4-5 7 4M20 9.5V15h-5.5',
};

// The direction of a trend: a shape beside a word, in one colour for all of them.
export function ArrowMark({ arrow }: { arrow: Arrow }) {
  if (arrow === 'none') return <span class="arrow none" aria-hidden="true" />;
  return (
    <svg class={`arrow ${arrow}`} width="20" height="20" viewBox="0 0 24 24" aria-hidden="true">
      <path d={kPaths[arrow]} />
    </svg>
  );
}
