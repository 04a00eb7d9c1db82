import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { shortDate, timeOfDay } from '../i18n/intl.ts';
import {
  AppError,
  type Edit,
  type EntryDetail,
  type Interval,
  type LateTap,
  type NeedsAttention,
} from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { kTrash } from '../ui/icons.ts';
import { wallTimeOf } from '../ui/local_time.ts';
import { showToast } from '../ui/toast.tsx';
import type { Shown } from './choice.ts';
import { ConflictCard } from './conflict_card.tsx';
import { recordOf, subjectOf } from './conflict_words.ts';
import { Page } from './page.tsx';
import { labelOf, timesOf, whoIs } from './words.ts';

// What waits for a person: taps that the server will not take, what removed devices sent late, and
// every conflict that stands.
export default function AttentionPage({ shown }: { shown: Shown }) {
  const { family, child } = shown;
  const zone = child.body.homeZone;
  const attention = family.attention.value;
  const conflicts = family.conflicts.value;
  const late = useSignal<readonly LateTap[]>([]);
  const owner = family.pairing.value.role === 'owner';
  useEffect(() => {
    if (!owner) return;
    // Without a network there is nothing to decide; the next look asks again.
    family.listLateTaps().then(
      (taps) => {
        late.value = taps;
      },
      () => undefined,
    );
  }, [family, owner]);
  // False: it was not done, and the page shows why.
  const attempt = async (act: () => Promise<unknown>, done: string) => {
    try {
      if ((await act()) !== false) showToast({ text: done });
    } catch (error) {
      showToast({ text: error instanceof AppError ? error.message : String(error), alert: true });
    }
  };
  const decide = (tap: LateTap, accept: boolean) =>
    attempt(
      async () => {
        await family.decideLateTap(tap, accept);
        late.value = late.value.filter((other) => other !== tap);
      },
      t(accept ? 'caregiver.late_accepted' : 'caregiver.late_refused'),
    );
  const mayLog = family.sync.value.closedMessage === undefined;
  const viewer = family.pairing.value.role === 'viewer';
  const notShared = family.outbox.value.filter((tap) => viewer && tap.revision === 0);
  const count = notShared.length;
  return (
    <Page
      title={t('caregiver.attention')}
      back={{ href: '#/tonight', label: t('caregiver.title') }}
    >
      {attention.length + conflicts.length + late.value.length + count === 0 && (
        <p class="card">{t('caregiver.attention_none')}</p>
      )}
      {count > 0 && (
        <section class="card">
          <h2>{t('caregiver.not_shared', { count })}</h2>
          <p class="small">{t('caregiver.not_shared_why')}</p>
          {notShared.map((tap) => (
            <TapLine key={tap.position} tap={{ ...tap, madeAt: tap.madeAt.wall }} shown={shown} />
          ))}
          <Button
            kind="careful"
            icon={kTrash}
            onClick={() => {
              if (!confirm(t('caregiver.discard_not_shared_sure', { count }))) return;
              void attempt(
                async () => (await family.remote()).discardNotShared(family.id, notShared),
                t('caregiver.discarded'),
              );
            }}
          >
            {t('caregiver.discard_not_shared', { count })}
          </Button>
        </section>
      )}
      {attention.map((tap) => (
        <section key={tap.position} class="card alert conflict">
          <h2>{t(`caregiver.${stateOf(tap)}`)}</h2>
          <TapLine tap={tap} shown={shown} />
          {tap.message && !tap.waits && <p class="small soft">{rejectionWords(tap)}</p>}
          <p class="small">{t(`caregiver.${stateOf(tap)}_why`)}</p>
          <div class="row">
            {mayLog && !tap.waits && (
              <Button
                onClick={() =>
                  void attempt(() => family.logAgain(tap.position), t('caregiver.logged_again'))
                }
              >
                {t('caregiver.log_again')}
              </Button>
            )}
            <Button
              kind="careful"
              icon={kTrash}
              onClick={() => {
                if (!confirm(t('caregiver.discard_sure'))) return;
                void attempt(() => family.discard(tap.position), t('caregiver.discarded'));
              }}
            >
              {t('caregiver.discard')}
            </Button>
          </div>
        </section>
      ))}
      {late.value.map((tap) => (
        <section key={`${tap.replicaId} ${tap.seq}`} class="card conflict">
          <h2>{t('caregiver.late', whoIs(family, tap.memberId))}</h2>
          <TapLine tap={tap} shown={shown} />
          <p class="small">{t('caregiver.late_why')}</p>
          <div class="row">
            <Button onClick={() => void decide(tap, true)}>{t('caregiver.late_accept')}</Button>
            <Button
              kind="careful"
              onClick={() => {
                if (confirm(t('caregiver.late_refuse_sure'))) void decide(tap, false);
              }}
            >
              {t('caregiver.late_refuse')}
            </Button>
          </div>
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

function stateOf({ outcome, waits }: NeedsAttention): 'waits' | 'rejected' | 'quarantined' {
  return waits ? 'waits' : outcome;
}

// Why the server did not take it; in the server's words where the app has none.
function rejectionWords({ reason, message }: NeedsAttention): string {
  switch (reason) {
    case 'invalid_field':
    case 'invalid_edit':
      return t(`caregiver.rejected_${reason}`);
    default:
      return message;
  }
}

// `Tue, 14 Jan 02:12: Crying, 02:10`
function TapLine({ tap, shown }: { tap: Pick<LateTap, 'madeAt' | 'edits'>; shown: Shown }) {
  const zone = shown.child.body.homeZone;
  return (
    <p>
      {shortDate(wallTimeOf(tap.madeAt, zone).date)} {timeOfDay(tap.madeAt, zone)}:{' '}
      {tapWords(tap.edits, shown)}
    </p>
  );
}

// What the tap said: `Crying, 02:10`.
function tapWords(edits: readonly Edit[], { family, child }: Shown): string {
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
