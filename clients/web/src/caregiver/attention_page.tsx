import { t } from '../i18n/index.ts';
import { shortDate, timeOfDay } from '../i18n/intl.ts';
import type { EntryDetail, Interval, NeedsAttention } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { kTrash } from '../ui/icons.ts';
import { wallTimeOf } from '../ui/local_time.ts';
import { showToast } from '../ui/toast.tsx';
import type { Shown } from './choice.ts';
import { ConflictCard } from './conflict_card.tsx';
import { recordOf, subjectOf } from './conflict_words.ts';
import { Page } from './page.tsx';
import { labelOf, timesOf } from './words.ts';

// What waits for a person: taps that the server will not take, and every conflict that stands.
export default function AttentionPage({ shown }: { shown: Shown }) {
  const { family, child } = shown;
  const zone = child.body.homeZone;
  const attention = family.attention.value;
  const conflicts = family.conflicts.value;
  return (
    <Page
      title={t('caregiver.attention')}
      back={{ href: '#/tonight', label: t('caregiver.title') }}
    >
      {attention.length + conflicts.length === 0 && (
        <p class="card">{t('caregiver.attention_none')}</p>
      )}
      {attention.map((tap) => (
        <section key={tap.position} class="card alert conflict">
          <h2>{t(tap.outcome === 'rejected' ? 'caregiver.rejected' : 'caregiver.quarantined')}</h2>
          <p>
            {shortDate(wallTimeOf(tap.madeAt, zone).date)} {timeOfDay(tap.madeAt, zone)}:{' '}
            {tapWords(tap, shown)}
          </p>
          {tap.message && <p class="small soft">{tap.message}</p>}
          <p class="small">
            {t(tap.outcome === 'rejected' ? 'caregiver.rejected_why' : 'caregiver.quarantined_why')}
          </p>
          <Button
            kind="careful"
            icon={kTrash}
            onClick={async () => {
              if (!confirm(t('caregiver.discard_sure'))) return;
              await family.discard(tap.position);
              showToast({ text: t('caregiver.discarded') });
            }}
          >
            {t('caregiver.discard')}
          </Button>
        </section>
      ))}
      {conflicts.map((conflict) => (
        <ConflictCard
          key={conflict.recordId + conflict.group}
          family={family}
          conflict={conflict}
          zone={zone}
        />
      ))}
    </Page>
  );
}

// What the tap said: `Crying, 02:10`.
function tapWords({ edits }: NeedsAttention, { family, child }: Shown): string {
  const words = edits.flatMap(({ recordId, group, value }) => {
    if (group === 'detail' && value) return [labelOf(value as EntryDetail)];
    if (group === 'interval' && value) return [timesOf(value as Interval, child.body)];
    if (group === 'existence') {
      const { deleted } = (value ?? {}) as { deleted?: boolean };
      return [subjectOf(recordOf(family, recordId)), ...(deleted ? [t('caregiver.deleted')] : [])];
    }
    return typeof value === 'string' && group === 'text' ? [`“${value}”`] : [];
  });
  return words.length > 0 ? words.join(', ') : t('caregiver.entry');
}
