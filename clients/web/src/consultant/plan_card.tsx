// The plan in force, those before, and what comes.
import { hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import { decimal, shortDate } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import { type NightRules, rulesFor } from '../model/methods.ts';
import { planInForce } from '../model/plans.ts';
import type { PlanApproach, Progress, RecordOf } from '../model/types.ts';
import { nightOf } from '../ui/local_time.ts';
import { now } from './desk.ts';
import { ageInMonths } from './norms.ts';
import { DeskThread } from './thread.tsx';
import { levelName, methodName, positionName } from './words.tsx';

interface PlanCardProps {
  family: Family;
  child: RecordOf<'child'>;
  progress: Progress | undefined;
}

export function PlanCard({ family, child, progress }: PlanCardProps) {
  const tonight = nightOf(now.value, child.body.homeZone);
  const plans = family
    .list('plan')
    .value.filter(({ body }) => body.childId === child.id)
    .sort((a, b) => (a.body.nights.firstNight < b.body.nights.firstNight ? 1 : -1));
  const next = plans.filter(({ body }) => body.nights.firstNight > tonight);
  const current = planInForce(plans, child.id, tonight)?.plan;
  const before = plans.filter((plan) => plan !== current && !next.includes(plan));
  const age = ageInMonths(child.body, tonight);
  return (
    <section class="card plan-card" aria-labelledby="plan-title">
      <h2 id="plan-title">{t('consultant.column_plan')}</h2>
      {current ? (
        <>
          <p>
            <strong>{methodName(current.body.approach.method)}</strong>
            {progress?.planId === current.id && (
              <span class="soft"> · {t('consultant.night_n', { night: progress.planNight })}</span>
            )}
          </p>
          {progress?.expectedNightsMin !== undefined && progress.planId === current.id && (
            <p class="soft small">
              {t('consultant.expected', {
                from: progress.expectedNightsMin,
                to: progress.expectedNightsMax,
              })}
            </p>
          )}
          <TonightRules
            approach={current.body.approach}
            night={nightsSince(current.body.nights.firstNight, tonight) + 1}
            ageMonths={age}
          />
          {current.body.text && <p class="said">{current.body.text}</p>}
          <details class="behind">
            <summary>{t('consultant.talk_about_plan')}</summary>
            <DeskThread family={family} target={{ target: 'planId', planId: current.id }} />
          </details>
        </>
      ) : (
        <p class="soft">{t('consultant.no_plan_yet')}</p>
      )}
      {[...next, ...before].length > 0 && (
        <ul class="plans small">
          {[...next, ...before].map(({ id, body }) => (
            <li key={id}>
              <span>{methodName(body.approach.method)}</span>
              <span class="soft">
                {body.nights.lastNight
                  ? t('consultant.from_to', {
                      from: shortDate(body.nights.firstNight),
                      to: shortDate(body.nights.lastNight),
                    })
                  : t('consultant.from', { from: shortDate(body.nights.firstNight) })}
              </span>
            </li>
          ))}
        </ul>
      )}
      <a href={hrefOf('desk', family.id, child.id, 'plan')}>
        {t(current ? 'consultant.switch_plan' : 'consultant.write_plan')}
      </a>
    </section>
  );
}

function nightsSince(from: string, to: string): number {
  return Math.round((Date.parse(to) - Date.parse(from)) / 86_400_000);
}

// What a plan comes to on one night, as lines of words.
export function rulesInWords(rules: NightRules): string[] {
  const lines: string[] = [];
  if (rules.waits.length > 0) {
    lines.push(
      t('consultant.rule_waits', { waits: rules.waits.map((wait) => decimal(wait)).join(', ') }),
    );
  }
  if (rules.position) lines.push(positionName(rules.position));
  if (rules.rungs.length > 0) {
    lines.push(
      t('consultant.rule_rungs', {
        rungs: rules.rungs.map((level) => levelName(level)).join(' → '),
      }),
    );
    lines.push(
      t('consultant.rule_rung_min', {
        min: decimal(rules.minRungMin),
        max: decimal(rules.maxRungMin),
      }),
    );
  } else {
    lines.push(
      t('consultant.rule_levels', {
        levels: rules.levels.map((level) => levelName(level)).join(', '),
      }),
    );
  }
  if (rules.maxVisitMin) {
    lines.push(t('consultant.rule_visit', { minutes: decimal(rules.maxVisitMin) }));
  }
  if (rules.maxHoldMin) {
    lines.push(t('consultant.rule_hold', { minutes: decimal(rules.maxHoldMin) }));
  }
  if (rules.plannedPutDown) {
    lines.push(
      t('consultant.rule_bedtime', { down: rules.plannedPutDown, up: rules.plannedRise ?? '–' }),
    );
  }
  return lines;
}

function TonightRules({
  approach,
  night,
  ageMonths,
}: {
  approach: PlanApproach;
  night: number;
  ageMonths: number | undefined;
}) {
  const rules = rulesFor(approach, night, ageMonths);
  if (!rules) return null;
  return (
    <div>
      <h3 class="small">{t('consultant.tonight')}</h3>
      <ul class="rules small">
        {rulesInWords(rules).map((line) => (
          <li key={line}>{line}</li>
        ))}
      </ul>
    </div>
  );
}
