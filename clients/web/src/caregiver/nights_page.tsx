import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import { duration, shortDate } from '../i18n/intl.ts';
import type { Instant, NightSummary } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { addDays } from '../ui/local_time.ts';
import { soon } from '../ui/now.ts';
import type { Shown } from './choice.ts';
import { beginOf, tonightOf } from './night.ts';
import { Page } from './page.tsx';

const kPageNights = 14;
// What a small ribbon shows: from 18:00 to 09:00, in hours after noon.
const kAxis = { from: 6, to: 21 };
const kHourMs = 3_600_000;

// Night after night from the first that was logged on, newest first, each with its ribbon of sleep.
export default function NightsPage({ shown }: { shown: Shown }) {
  const { family, child } = shown;
  const tonight = tonightOf(child.body, soon.value);
  const nights = useSignal(kPageNights);
  const first = addDays(tonight, 1 - nights.value);
  const list = family.list('nightSummary');
  const summariesNow = () =>
    list.value.flatMap(({ body }) => (body.childId === child.id ? [body] : []));
  const loaded = useSignal<'nothing' | 'some' | 'all'>('nothing');
  useEffect(() => {
    const load = async () => {
      await family.loadSince(beginOf(first, child.body));
      // An end that was not logged is in a gap, or before all nights.
      const goesOn = summariesNow().some(({ date }) => date <= first);
      if (!goesOn) await family.loadSince(0);
      if (loaded.value !== 'all') loaded.value = goesOn ? 'some' : 'all';
    };
    void load();
  }, [family, first]);
  const summaries = new Map(summariesNow().map((summary) => [summary.date, summary]));
  const [oldest = addDays(tonight, 1)] = [...summaries.keys()].sort();
  const dates = Array.from({ length: nights.value }, (_, days) => addDays(tonight, -days)).filter(
    (date) => date >= oldest,
  );
  return (
    <Page
      title={t('caregiver.nights_of', { name: child.body.name })}
      back={{ href: '#/tonight', label: t('caregiver.title') }}
    >
      {family.pairing.value.role !== 'viewer' && (
        <a class="button plain" href={hrefOf('desk', family.id, child.id)}>
          {t('caregiver.progress')}
        </a>
      )}
      {loaded.value === 'all' && summaries.size === 0 && (
        <p class="card">{t('caregiver.nights_none')}</p>
      )}
      <ol class="nights">
        {dates.map((date) => (
          <li key={date}>
            <a class="night-row" href={`#/tonight/night/${date}`}>
              <span class="night-date">
                {date === tonight ? t('caregiver.title') : shortDate(date)}
              </span>
              <Ribbon noon={beginOf(date, child.body)} summary={summaries.get(date)} />
              <span class="night-words">{nightWords(summaries.get(date))}</span>
            </a>
          </li>
        ))}
      </ol>
      {(loaded.value === 'some' || (loaded.value === 'all' && oldest < first)) && (
        <Button
          onClick={() => {
            nights.value += kPageNights;
          }}
        >
          {t('caregiver.older_nights')}
        </Button>
      )}
    </Page>
  );
}

// `2 wakings · 10 hr 5 min asleep · longest 4 hr`; what is not known is left out.
function nightWords(summary: NightSummary | undefined): string {
  if (!summary || summary.status === 'no_sleep') return t('caregiver.night_empty');
  const parts = [];
  if (summary.nwak !== undefined) {
    parts.push(t('caregiver.handover_wakings', { count: summary.nwak }));
  }
  if (summary.tstNightMin !== undefined) {
    parts.push(t('caregiver.night_asleep', { time: duration(summary.tstNightMin * 60_000) }));
  }
  if (summary.longestStretchMin !== undefined) {
    parts.push(
      t('caregiver.night_longest', { time: duration(summary.longestStretchMin * 60_000) }),
    );
  }
  if (summary.status === 'incomplete') parts.push(t('caregiver.night_incomplete'));
  return parts.join(' · ');
}

interface RibbonProps {
  noon: Instant;
  summary: NightSummary | undefined;
}

function Ribbon({ noon, summary }: RibbonProps) {
  const share = (at: number): number => {
    const hours = (at - noon) / kHourMs;
    return Math.min(100, Math.max(0, ((hours - kAxis.from) / (kAxis.to - kAxis.from)) * 100));
  };
  return (
    <svg class="ribbon" width="100%" height="16" aria-hidden="true">
      <rect class="ribbon-ground" width="100%" height="16" rx="4" />
      {summary?.timeline
        .filter(({ phase }) => phase === 'asleep')
        .map(({ beganAt, endedAt }) => (
          <rect
            key={beganAt}
            class="ribbon-asleep"
            x={`${share(beganAt)}%`}
            width={`${Math.max(0.5, share(endedAt ?? beganAt) - share(beganAt))}%`}
            height="16"
            rx="4"
          />
        ))}
    </svg>
  );
}
