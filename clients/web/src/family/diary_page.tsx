// The family's sleep diary: pages to print, or to keep as PDF.
import './diary.css';
import { useSignal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect } from 'preact/hooks';
import { locale, t } from '../i18n/index.ts';
import { percent } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { Instant, LocalDate, RecordOf } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Choice } from '../ui/field.tsx';
import { kPrint } from '../ui/icons.ts';
import { addDays, wallTimeOf } from '../ui/local_time.ts';
import { type DiaryNight, diaryPages, kNightsOnAPage } from './diary.ts';

const kHours = [12, 15, 18, 21, 0, 3, 6, 9];
const kLineHeight = 20;

const per = (share: number) => `${(share * 100).toFixed(2)}%`;

function minutes(value: number | undefined): string {
  if (value === undefined) return '';
  const all = Math.round(value);
  if (all < 60) return t('family.diary_minutes', { minutes: all });
  return t('family.diary_hours', { hours: Math.floor(all / 60), minutes: all % 60 });
}

export function DiaryPage({ family, back }: { family: Family; back: ComponentChildren }) {
  const all = useSignal(false);
  useEffect(() => void family.loadSince(0), []);
  const bodies = <Body,>(records: readonly { body: Body }[]) => records.map(({ body }) => body);
  const nights = bodies(family.list('nightSummary').value);
  const entries = bodies(family.list('logEntry').value);
  const comments = bodies(family.list('comment').value);
  const quoted = (text: string) => t('family.diary_quote', { text });
  const papers = family.list('child').value.flatMap((child) => {
    const last = nights.reduce(
      (newest, { childId, date }) => (childId === child.id && date > newest ? date : newest),
      '',
    );
    const from = all.value || !last ? undefined : addDays(last, 1 - kNightsOnAPage);
    return diaryPages({ child, nights, entries, comments, quoted }, from).map((page) => ({
      child,
      page,
    }));
  });
  return (
    <main class="page family stack diary-pages">
      {back}
      <div class="row diary-choices">
        <h1>{t('family.diary')}</h1>
        <span class="push" />
        <Button kind="main" icon={kPrint} disabled={papers.length === 0} onClick={() => print()}>
          {t('family.diary_print')}
        </Button>
        <Choice
          legend={t('family.diary_range')}
          options={[
            { value: 0, label: t('family.diary_two_weeks') },
            { value: 1, label: t('family.diary_all') },
          ]}
          value={Number(all.value)}
          onChange={(value) => {
            all.value = value === 1;
          }}
        />
      </div>
      {papers.length === 0 && <p>{t('family.diary_none')}</p>}
      {papers.map(({ child, page }) => (
        <Paper
          key={`${child.id} ${page[0]?.date}`}
          familyName={family.pairing.value.familyName}
          child={child}
          page={page}
        />
      ))}
    </main>
  );
}

interface PaperProps {
  familyName: string;
  child: RecordOf<'child'>;
  page: readonly DiaryNight[];
}

function Paper({ familyName, child, page }: PaperProps) {
  const title = t('family.diary_title', {
    name: child.body.name,
    from: page[0]?.date,
    to: page.at(-1)?.date,
  });
  return (
    <section
      class="diary-paper"
      // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone
      tabIndex={0}
      aria-label={title}
    >
      <h2>{title}</h2>
      <p>{t('family.diary_legend', { family: familyName })}</p>
      <table>
        <thead>
          <tr>
            <th scope="col">{t('family.diary_night')}</th>
            <th scope="col" class="bar">
              <span class="unseen">{t('family.diary_course')}</span>
              <svg width="100%" height="12" aria-hidden="true">
                {kHours.map((hour, i) => (
                  <text key={hour} x={per(i / 8)} y="10" text-anchor={i === 0 ? 'start' : 'middle'}>
                    {String(hour).padStart(2, '0')}
                  </text>
                ))}
              </svg>
            </th>
            <th scope="col">{t('family.diary_put_down')}</th>
            <th scope="col">{t('family.diary_asleep')}</th>
            <th scope="col">{t('family.diary_up')}</th>
            <th scope="col">{t('family.diary_wakings')}</th>
            <th scope="col">{t('family.diary_longest')}</th>
            <th scope="col">{t('family.diary_night_sleep')}</th>
            <th scope="col">{t('family.diary_naps')}</th>
            <th scope="col">{t('family.diary_plan')}</th>
            <th scope="col">{t('family.diary_notes')}</th>
          </tr>
        </thead>
        <tbody>
          {page.map((night) => (
            <Line key={night.date} {...night} />
          ))}
        </tbody>
      </table>
    </section>
  );
}

// `Sat 2026-01-10`: a date that stands the same in every language and every country.
function dateWords(date: LocalDate): string {
  const weekday = new Intl.DateTimeFormat(locale(), { weekday: 'short', timeZone: 'UTC' });
  return `${weekday.format(Date.parse(date))} ${date}`;
}

function Line({ date, zone, night, sleeps, putDown, rise, notes }: DiaryNight) {
  const clock = (at: Instant | undefined) => (at === undefined ? '' : wallTimeOf(at, zone).time);
  const pct = night?.adherence?.adherencePct;
  const marks = [
    { at: putDown, sign: '▼' },
    { at: rise, sign: '▲' },
  ];
  return (
    <tr>
      <th scope="row">{dateWords(date)}</th>
      <td class="bar">
        <svg width="100%" height={kLineHeight} aria-hidden="true">
          <rect class="day" width="100%" y="4" height={kLineHeight - 4} />
          {kHours.slice(1).map((hour, i) => (
            <line key={hour} x1={per((i + 1) / 8)} x2={per((i + 1) / 8)} y1="4" y2={kLineHeight} />
          ))}
          {sleeps.map(({ from, to, nap }) => (
            <rect
              key={`${from} ${nap}`}
              class={nap ? 'nap' : 'sleep'}
              x={per(from)}
              width={per(to - from)}
              y={nap ? 10 : 4}
              height={nap ? kLineHeight - 10 : kLineHeight - 4}
            />
          ))}
          {marks.map(
            ({ at, sign }) =>
              at !== undefined && (
                <text key={sign} x={per(at)} y="7" text-anchor="middle">
                  {sign}
                </text>
              ),
          )}
        </svg>
      </td>
      <td>{clock(night?.putDownAt)}</td>
      <td>{clock(night?.onsetAt)}</td>
      <td>{clock(night?.riseAt)}</td>
      <td>{night?.nwak}</td>
      <td>{minutes(night?.longestStretchMin)}</td>
      <td>{minutes(night?.tstNightMin)}</td>
      <td>{minutes(night?.napMin)}</td>
      <td>{pct === undefined ? '' : percent(pct)}</td>
      <td class="notes">
        {notes.map((note, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: notes have no names
          <div key={i}>{note}</div>
        ))}
      </td>
    </tr>
  );
}
