import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { duration, shortDate, timeOfDay } from '../i18n/intl.ts';
import { planOn } from '../model/plans.ts';
import type { LocalDate, NightSummary } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { kUndo } from '../ui/icon.tsx';
import { addDays } from '../ui/local_time.ts';
import { soon } from '../ui/now.ts';
import { Timeline } from '../ui/timeline.tsx';
import { showToast } from '../ui/toast.tsx';
import type { Shown } from './choice.ts';
import { ConflictCard } from './conflict_card.tsx';
import { EntriesHeading, EntryList } from './entry_list.tsx';
import EntrySheet from './entry_sheet.tsx';
import { beginOf, type Entry, nightOfEntries, tonightOf } from './night.ts';
import { Page } from './page.tsx';
import { CareThread } from './thread.tsx';
import { ticksOf } from './ticks.ts';
import { labelOf, nameOf, timesOf } from './words.ts';

// One night: what happened, what it comes to, what was said about it, and what was deleted.
export default function NightPage({ shown, date }: { shown: Shown; date: LocalDate }) {
  const { family, child } = shown;
  const zone = child.body.homeZone;
  const begin = beginOf(date, child.body);
  const over = useSignal<'add' | Entry | undefined>(undefined);
  useEffect(() => {
    void family.loadSince(begin);
  }, [family, begin]);
  const plan = planOn(family, child.id, date);
  const gap = plan?.plan.body.approach.cryMergeGapMin;
  const entries = family.list('logEntry').value;
  const night = nightOfEntries(entries, child.id, child.body, date, soon.value, gap);
  // Of a night that goes on nothing can be said yet.
  const isOver = date < tonightOf(child.body, soon.value);
  const summary = family
    .list('nightSummary')
    .value.find(({ body }) => body.childId === child.id && body.date === date)?.body;
  const ids = new Set(night.entries.map(({ id }) => id));
  const conflicts = family.conflicts.value.filter(({ recordId }) => ids.has(recordId));
  const deleted = [...family.records.value.values()].filter(
    (record): record is Entry =>
      record.kind === 'logEntry' &&
      record.deleted &&
      record.body.childId === child.id &&
      begin <= record.body.interval.beganAt &&
      record.body.interval.beganAt < beginOf(addDays(date, 1), child.body),
  );
  const mayLog = family.pairing.value.role !== 'viewer';
  return (
    <Page title={shortDate(date)} back={{ href: '#/tonight/nights', label: t('caregiver.nights') }}>
      {night.entries.length > 0 ? (
        <Timeline
          from={night.from}
          to={night.to}
          spans={night.spans}
          points={night.points}
          ticks={ticksOf(night.from, night.to, zone)}
          label={t('caregiver.timeline_label', {
            from: timeOfDay(night.from, zone),
            to: timeOfDay(night.to, zone),
          })}
        />
      ) : (
        <p class="soft">{t('caregiver.night_empty')}</p>
      )}
      {summary && <Figures summary={summary} />}
      {isOver && summary && summary.clinicalFlags.length > 0 && (
        <p class="card small">
          {summary.clinicalFlags.map((flag) => t(`caregiver.flag_${flag}`)).join(' ')}{' '}
          {t('caregiver.flag_note')}
        </p>
      )}
      {conflicts.map((conflict) => (
        <ConflictCard
          key={conflict.recordId + conflict.group}
          family={family}
          conflict={conflict}
          zone={zone}
        />
      ))}
      <section class="stack" aria-labelledby="entries">
        <EntriesHeading
          id="entries"
          words={t('caregiver.entries')}
          onAdd={
            mayLog
              ? () => {
                  over.value = 'add';
                }
              : undefined
          }
        />
        <EntryList
          shown={shown}
          night={night}
          onOpen={(entry) => {
            over.value = entry;
          }}
        />
      </section>
      {deleted.length > 0 && (
        <section class="stack" aria-labelledby="deleted">
          <h2 id="deleted" class="section-label">
            {t('caregiver.deleted_entries')}
          </h2>
          <ul class="entries plain">
            {deleted.map(({ id, body, createdBy }) => (
              <li key={id} class="entry-line">
                <span>{timesOf(body.interval, child.body)}</span>
                <span class="entry-words">
                  {labelOf(body.detail)}
                  <span class="entry-who">{nameOf(family, createdBy)}</span>
                </span>
                {mayLog && (
                  <Button
                    icon={kUndo}
                    onClick={async () => {
                      await family.restore(id);
                      showToast({ text: t('caregiver.brought_back') });
                    }}
                  >
                    {t('caregiver.bring_back')}
                  </Button>
                )}
              </li>
            ))}
          </ul>
        </section>
      )}
      <CareThread
        shown={shown}
        target={{ target: 'night', night: { childId: child.id, date } }}
        title={t('caregiver.comments')}
      />
      {over.value && (
        <EntrySheet
          shown={shown}
          date={date}
          {...(over.value !== 'add' && { entry: over.value })}
          onClose={() => {
            over.value = undefined;
          }}
        />
      )}
    </Page>
  );
}

// The figures of the server; one that is not known is a dash, never a zero.
function Figures({ summary }: { summary: NightSummary }) {
  const minutes = (value: number | undefined): string =>
    value === undefined ? '–' : duration(value * 60_000);
  const { adherence } = summary;
  const figures: [string, string][] = [
    [t('caregiver.fig_asleep'), minutes(summary.tstNightMin)],
    [t('caregiver.wakings'), summary.nwak === undefined ? '–' : String(summary.nwak)],
    [t('caregiver.fig_longest'), minutes(summary.longestStretchMin)],
    [t('caregiver.fig_sol'), minutes(summary.solMin)],
    [t('caregiver.fig_waso'), minutes(summary.wasoMin)],
    [t('caregiver.crying_for'), minutes(summary.cryMin)],
  ];
  if (adherence?.scored && adherence.adherencePct !== undefined) {
    figures.push([
      t('caregiver.fig_plan'),
      t('caregiver.percent', { value: adherence.adherencePct / 100 }),
    ]);
  }
  return (
    <section class="stack" aria-label={t('caregiver.figures')}>
      <dl class="facts">
        {figures.map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
      </dl>
      {summary.status === 'incomplete' && (
        <p class="small soft">{t('caregiver.night_incomplete_why')}</p>
      )}
    </section>
  );
}
