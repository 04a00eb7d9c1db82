import { useEffect, useRef } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { clock, timeOfDay } from '../i18n/intl.ts';
import { ageInMonths } from '../model/age.ts';
import { rulesFor } from '../model/methods.ts';
import type { PlanInForce } from '../model/plans.ts';
import type { Child, Instant, ResponseLevel, Zone } from '../model/types.ts';
import { now } from '../ui/now.ts';
import { guide, type Timer } from './guidance.ts';
import type { Night } from './night.ts';
import { levelsText } from './words.ts';

interface PlanCardProps {
  plan: PlanInForce;
  child: Child;
  night: Night;
}

const kHourMs = 3_600_000;

// What tonight's plan says now: one line, and its timer.
export default function PlanCard({ plan, child, night }: PlanCardProps) {
  const { approach } = plan.plan.body;
  const rules = rulesFor(approach, plan.night, ageInMonths(child, night.date));
  const at = now.value;
  const said = rules && guide(rules, night.facts, at, child.homeZone);
  const isDue = said?.line === 'check_now' || said?.line === 'look_now';
  const wasDue = useRef(isDue);
  useEffect(() => {
    if (isDue && !wasDue.current) navigator.vibrate?.([60, 80, 60]);
    wasDue.current = isDue;
  }, [isDue]);
  const title = (
    <a class="plan-title" href="#/tonight/plan">
      {t('caregiver.plan_tonight', {
        method: t(`common.method_${approach.method}`),
        night: plan.night,
      })}
    </a>
  );
  if (!said) return <section class="plan-card">{title}</section>;
  const level = said.level as ResponseLevel | undefined;
  const place = said.position && t(`caregiver.place_${said.position}`);
  const time = said.timer && timeOfDay(said.timer.due, child.homeZone);
  return (
    <section class={`plan-card${isDue ? ' due' : ''}`} aria-label={t('caregiver.plan')}>
      {title}
      <div class="plan-now">
        {/* Said aloud when the line changes, not each second. */}
        <p class="plan-line" aria-live="polite">
          {t(`caregiver.guide_${said.line}`, {
            name: child.name,
            levels: levelsText(said.levels),
            place,
            level: level === undefined ? '' : t(`caregiver.help_${level}`),
            max: said.maxMin ?? 0,
            time: time ?? 'none',
          })}
        </p>
        {said.timer && <Countdown timer={said.timer} at={at} zone={child.homeZone} />}
      </div>
      {said.timer && said.timer.due - said.timer.from < kHourMs && (
        <progress
          class="plan-progress"
          aria-hidden="true"
          max={1}
          value={Math.min(1, (at - said.timer.from) / (said.timer.due - said.timer.from))}
        />
      )}
    </section>
  );
}

interface CountdownProps {
  timer: Timer;
  at: Instant;
  zone: Zone;
}

// Counts a visit up and everything else down; what is more than an hour away is a time of day.
function Countdown({ timer: { kind, from, due }, at, zone }: CountdownProps) {
  const left = due - at;
  let shown = clock(at - from);
  let caption: 'over' | 'planned' | Timer['kind'] = kind;
  if (kind !== 'visit') {
    // The last second counts until it is over.
    shown = left < 0 ? `+${clock(-left)}` : clock(Math.ceil(left / 1000) * 1000);
    if (left < 0) caption = 'over';
  }
  if (left >= kHourMs) {
    shown = timeOfDay(due, zone);
    caption = 'planned';
  }
  return (
    <p class="plan-timer" role="timer">
      <span class="plan-clock">{shown}</span>
      <span class="plan-caption">
        {t(`caregiver.timer_${caption}`, { max: Math.round((due - from) / 60_000) })}
      </span>
    </p>
  );
}
