// What follows once a family is there: the child, the others, this phone. Each step can be left out.
import { useSignal } from '@preact/signals';
import { go } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import type { App, Family } from '../model/app.ts';
import { Button } from '../ui/button.tsx';
import { ChildForm } from './child_form.tsx';
import { InviteBody, type Invited } from './invite_sheet.tsx';
import { Page } from './parts.tsx';
import { ThisDevice } from './settings.tsx';

const kSteps = ['child', 'others', 'phone'] as const;
type Step = (typeof kSteps)[number];

interface FirstStepsProps {
  app: App;
  family: Family;
  step: string | undefined;
}

export function FirstSteps({ app, family, step }: FirstStepsProps) {
  const at: Step = kSteps.find((each) => each === step) ?? 'child';
  const who = useSignal<Invited | undefined>(undefined);
  const follow = () => {
    who.value = undefined;
    const next = kSteps[kSteps.indexOf(at) + 1];
    go(next ? ['family', family.id, 'first', next] : ['tonight'], true);
  };
  // Who joined has only the last step.
  const joined = family.pairing.value.role !== 'owner';
  return (
    <Page title={t(`family.first_${at}`)} intro={t(`family.first_${at}_intro`)}>
      {!joined && (
        <ol class="progress-dots" aria-label={t('family.steps')}>
          {kSteps.map((each) => (
            <li key={each} aria-current={each === at ? 'step' : undefined}>
              <span class="unseen">{t(`family.first_${each}`)}</span>
            </li>
          ))}
        </ol>
      )}
      {at === 'child' && <ChildForm family={family} onSaved={follow} />}
      {at === 'others' &&
        (who.value ? (
          <section class="card" aria-label={t(`family.invite_${who.value}`)}>
            <h2>{t(`family.invite_${who.value}`)}</h2>
            <InviteBody key={who.value} family={family} who={who.value} />
          </section>
        ) : (
          <div class="stack tight">
            {(['caregiver', 'consultant'] as const).map((each) => (
              <Button
                key={each}
                class="big"
                wide
                kind={each === 'caregiver' ? 'main' : 'plain'}
                onClick={() => {
                  who.value = each;
                }}
              >
                {t(`family.invite_${each}`)}
              </Button>
            ))}
          </div>
        ))}
      {at === 'phone' && <ThisDevice app={app} />}
      <div class="row">
        {at === 'others' && who.value && (
          <Button
            kind="quiet"
            onClick={() => {
              who.value = undefined;
            }}
          >
            {t('family.invite_more')}
          </Button>
        )}
        <Button
          kind={at === 'phone' || (at === 'others' && who.value) ? 'main' : 'quiet'}
          class={at === 'phone' ? 'big wide' : 'push'}
          onClick={follow}
        >
          {t(
            at === 'phone'
              ? 'family.to_tonight'
              : at === 'others' && who.value
                ? 'family.next'
                : 'family.skip',
          )}
        </Button>
      </div>
    </Page>
  );
}
