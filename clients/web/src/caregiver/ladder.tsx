import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import { ageInMonths } from '../model/age.ts';
import { rulesFor } from '../model/methods.ts';
import type { PlanInForce } from '../model/plans.ts';
import type { Child, LocalDate, Position, ResponseLevel } from '../model/types.ts';
import { Icon, kNote } from '../ui/icon.tsx';
import { kLevels } from './words.ts';

interface LadderProps {
  plan: PlanInForce | undefined;
  child: Child;
  date: LocalDate;
  onHelp: (level: ResponseLevel, position: Position | undefined) => void;
  onNote: () => void;
}

// What a caregiver did about it, from the least help to the most: bars grow with the help. Those of
// tonight's plan are marked; none is refused or discouraged. Where the plan says where to be, the
// place goes along with what is logged: it is shown, and one tap takes it off.
export function Ladder({ plan, child, date, onHelp, onNote }: LadderProps) {
  const elsewhere = useSignal(false);
  const rules = plan && rulesFor(plan.plan.body.approach, plan.night, ageInMonths(child, date));
  const within = rules && (rules.rungs.length > 0 ? rules.rungs : rules.levels);
  // A plan that takes any help marks none.
  const marked = within && within.length < kLevels.length - 1 ? within : undefined;
  const position = rules?.position;
  return (
    <section class="ladder" aria-label={t('caregiver.what_i_did')}>
      <div class="ladder-levels">
        {kLevels.map((level) => {
          const planned = marked?.includes(level);
          return (
            <button
              key={level}
              type="button"
              class={`button ladder-level${planned ? ' planned' : ''}`}
              onClick={() => onHelp(level, elsewhere.value ? undefined : position)}
            >
              <svg
                class="ladder-bars"
                width="28"
                height="14"
                viewBox="0 0 28 14"
                aria-hidden="true"
              >
                {[1, 2, 3, 4, 5, 6].map((bar) => (
                  <rect
                    key={bar}
                    x={(bar - 1) * 5}
                    y={12 - bar * 2}
                    width="3"
                    height={bar * 2 + 2}
                    rx="1"
                    class={bar <= level ? 'on' : ''}
                  />
                ))}
              </svg>
              <span>{t(`caregiver.level_${level}`)}</span>
              {planned && <span class="unseen">, {t('caregiver.in_plan')}</span>}
            </button>
          );
        })}
        {position ? (
          <button
            type="button"
            class="button ladder-level ladder-place"
            aria-pressed={!elsewhere.value}
            onClick={() => {
              elsewhere.value = !elsewhere.value;
            }}
          >
            <span class="ladder-from">{t('caregiver.from_place')}</span>
            <span>
              {elsewhere.value ? t('caregiver.elsewhere') : t(`caregiver.place_${position}`)}
            </span>
          </button>
        ) : (
          <button type="button" class="button ladder-level ladder-place" onClick={onNote}>
            <Icon path={kNote} size={18} />
            {t('caregiver.note')}
          </button>
        )}
      </div>
    </section>
  );
}
