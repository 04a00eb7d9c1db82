import { hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import { decimal, shortDate } from '../i18n/intl.ts';
import { ageInMonths } from '../model/age.ts';
import { rulesFor } from '../model/methods.ts';
import { planOn } from '../model/plans.ts';
import { soon } from '../ui/now.ts';
import type { Shown } from './choice.ts';
import { tonightOf } from './night.ts';
import { Page } from './page.tsx';
import { CareThread } from './thread.tsx';
import { levelsText } from './words.ts';

// Tonight's plan in full, and what was said about it and about tonight.
export default function PlanPage({ shown }: { shown: Shown }) {
  const { family, child } = shown;
  const date = tonightOf(child.body, soon.value);
  const plan = planOn(family, child.id, date);
  return (
    <Page
      title={t('caregiver.plan_and_comments')}
      back={{ href: '#/tonight', label: t('caregiver.title') }}
    >
      {plan ? (
        <>
          <section class="card">
            <h2>{t(`common.method_${plan.plan.body.approach.method}`)}</h2>
            <p class="soft">
              {t('caregiver.plan_since', {
                date: shortDate(plan.plan.body.nights.firstNight),
                night: plan.night,
              })}
            </p>
            {plan.plan.body.text && <p class="said">{plan.plan.body.text}</p>}
            <Rules shown={shown} plan={plan} />
            <Write shown={shown} words={t('caregiver.change_plan')} />
          </section>
          <CareThread
            shown={shown}
            target={{ target: 'planId', planId: plan.plan.id }}
            title={t('caregiver.comments_plan')}
          />
        </>
      ) : (
        <section class="card">
          <p>{t('caregiver.no_plan')}</p>
          <Write shown={shown} words={t('caregiver.choose_plan')} />
        </section>
      )}
      <CareThread
        shown={shown}
        target={{ target: 'night', night: { childId: child.id, date } }}
        title={t('caregiver.comments_tonight')}
      />
    </Page>
  );
}

// Where a plan is written, by a consultant or by the parents themselves.
function Write({ shown: { family, child }, words }: { shown: Shown; words: string }) {
  if (family.pairing.value.role === 'viewer') return null;
  return (
    <div>
      <a class="button plain" href={hrefOf('desk', family.id, child.id, 'plan')}>
        {words}
      </a>
    </div>
  );
}

interface RulesProps {
  shown: Shown;
  plan: NonNullable<ReturnType<typeof planOn>>;
}

// What the plan comes to tonight.
function Rules({ shown: { child }, plan }: RulesProps) {
  const age = ageInMonths(child.body, tonightOf(child.body, soon.value));
  const rules = rulesFor(plan.plan.body.approach, plan.night, age);
  if (!rules) return null;
  const rows: [string, string][] = [];
  const levels = rules.rungs.length > 0 ? rules.rungs : rules.levels;
  if (!rules.method.putDownToleranceMin) rows.push([t('caregiver.rule_help'), levelsText(levels)]);
  if (rules.position) {
    rows.push([t('caregiver.rule_place'), t(`caregiver.place_${rules.position}`)]);
  }
  if (rules.waits.length > 0) {
    rows.push([
      t('caregiver.rule_waits'),
      t('caregiver.minutes', { list: rules.waits.map((wait) => decimal(wait)).join(', ') }),
    ]);
  }
  if (rules.maxVisitMin > 0) {
    rows.push([
      t('caregiver.rule_visit'),
      t('caregiver.minutes', { list: decimal(rules.maxVisitMin) }),
    ]);
  }
  if (rules.maxRungMin > 0) {
    const list = `${decimal(rules.minRungMin)} – ${decimal(rules.maxRungMin)}`;
    rows.push([t('caregiver.rule_rung'), t('caregiver.minutes', { list })]);
  }
  if (rules.maxHoldMin > 0) {
    rows.push([
      t('caregiver.rule_hold'),
      t('caregiver.minutes', { list: decimal(rules.maxHoldMin) }),
    ]);
  }
  if (rules.plannedPutDown) rows.push([t('caregiver.rule_put_down'), rules.plannedPutDown]);
  if (rules.plannedRise) rows.push([t('caregiver.rule_rise'), rules.plannedRise]);
  return (
    <dl class="plan-rules">
      {rows.map(([name, value]) => (
        <div key={name}>
          <dt>{name}</dt>
          <dd>{value}</dd>
        </div>
      ))}
    </dl>
  );
}
