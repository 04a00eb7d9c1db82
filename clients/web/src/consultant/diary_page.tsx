// A sleep diary of two weeks, to print or to save as PDF: noon to noon, a row a night.
import { useEffect } from 'preact/hooks';
import { hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import { decimal, longDate, shortDate } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { NightSummary, PlanMethod, RecordOf } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Icon } from '../ui/icon.tsx';
import { kBack, kNext, kPrint } from '../ui/icons.ts';
import { addDays, nightOf } from '../ui/local_time.ts';
import { bodies, now } from './desk.ts';
import { diaryPage, kDiaryNights, kMeanNightsMin } from './diary.ts';
import { axisHours, clockOf, share } from './night_axis.ts';
import { ageInMonths } from './norms.ts';
import { courseInWords, RasterLegend } from './raster.tsx';
import { Strip } from './strip.tsx';
import { methodName, minutes } from './words.tsx';

const kNoonToNoon = { from: 0, to: 24 * 60 };
const kDayMs = 86_400_000;

interface DiaryProps {
  family: Family;
  child: RecordOf<'child'>;
  // Its last night; absent: the newest.
  until: string | undefined;
}

export function DiaryPage({ family, child, until }: DiaryProps) {
  const nights = bodies<NightSummary>(family.list('nightSummary').value).filter(
    (night) => night.childId === child.id,
  );
  const tonight = nightOf(now.value, child.body.homeZone);
  const to = /^\d{4}-\d\d-\d\d$/.test(until ?? '')
    ? (until as string)
    : (nights
        .map(({ date }) => date)
        .sort()
        .at(-1) ?? tonight);
  const page = diaryPage(nights, to, now.value);
  const from = page.from;
  useEffect(() => {
    void family.loadSince(Date.parse(from) - kDayMs);
  }, [from]);
  const here = (date: string) => hrefOf('desk', family.id, child.id, 'diary', date);
  const hours = axisHours(kNoonToNoon, 2);
  const age = ageInMonths(child.body, to);
  const known = (value: number | undefined) => (value === undefined ? '' : minutes(value));
  const methods = new Set<PlanMethod>(
    page.rows.flatMap(({ night }) => night?.adherence?.method ?? []),
  );
  return (
    <main class="desk page wide diary stack">
      <nav class="row no-print" aria-label={t('consultant.diary')}>
        <a href={hrefOf('desk', family.id, child.id)} class="with-mark">
          <Icon path={kBack} size={18} />
          {child.body.name}
        </a>
        <span class="push" />
        <a class="icon-button" href={here(addDays(to, -kDiaryNights))}>
          <Icon path={kBack} />
          <span class="unseen">{t('consultant.earlier')}</span>
        </a>
        {to < tonight && (
          <a class="icon-button" href={here(addDays(to, kDiaryNights))}>
            <Icon path={kNext} />
            <span class="unseen">{t('consultant.later')}</span>
          </a>
        )}
        <Button kind="main" icon={kPrint} onClick={() => print()}>
          {t('consultant.print')}
        </Button>
      </nav>
      <article
        class="paper"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls sideways on a phone
        tabIndex={0}
        aria-label={t('consultant.diary')}
      >
        <header>
          <h1>{t('consultant.diary_title', { name: child.body.name })}</h1>
          <p>
            {t('consultant.from_to', { from: longDate(from), to: longDate(to) })}
            {age !== undefined && ` · ${t('consultant.months', { age })}`}
            {methods.size > 0 && ` · ${[...methods].map(methodName).join(', ')}`}
          </p>
        </header>
        <table class="diary-table">
          <caption class="unseen">{t('consultant.raster_caption')}</caption>
          <thead>
            <tr>
              <th scope="col">{t('consultant.night')}</th>
              <th scope="col" class="picture">
                <span class="unseen">{t('consultant.course')}</span>
                <svg class="hours" width="100%" height="16" aria-hidden="true">
                  {hours.map((minute) => (
                    <text
                      key={minute}
                      x={`${share(kNoonToNoon, minute) * 100}%`}
                      y="12"
                      class={minute % 240 === 0 ? '' : 'second'}
                      text-anchor={minute === 0 ? 'start' : minute === 1440 ? 'end' : 'middle'}
                    >
                      {clockOf(minute).slice(0, 2)}
                    </text>
                  ))}
                </svg>
              </th>
              <th scope="col">{t('consultant.diary_bed')}</th>
              <th scope="col">{t('consultant.diary_up')}</th>
              <th scope="col">{t('consultant.diary_sol')}</th>
              <th scope="col">{t('consultant.wakings_short')}</th>
              <th scope="col">{t('consultant.diary_waso')}</th>
              <th scope="col">{t('consultant.diary_night')}</th>
              <th scope="col">{t('consultant.diary_24')}</th>
            </tr>
          </thead>
          <tbody>
            {page.rows.map((row) => (
              <tr key={row.date}>
                <th scope="row">{shortDate(row.date)}</th>
                <td class="picture">
                  <Strip
                    row={row}
                    axis={kNoonToNoon}
                    hours={hours}
                    label={row.night ? courseInWords(row) : t('consultant.nothing_logged')}
                    height={20}
                  />
                </td>
                <td>{row.putDown === undefined ? '' : clockOf(row.putDown)}</td>
                <td>{row.rise === undefined ? '' : clockOf(row.rise)}</td>
                <td>{known(row.night?.solMin)}</td>
                <td>
                  {row.night?.nwak === undefined
                    ? ''
                    : row.night.status === 'incomplete'
                      ? t('consultant.at_least', { count: row.night.nwak })
                      : row.night.nwak}
                </td>
                <td>{known(row.night?.wasoMin)}</td>
                <td>{known(row.night?.tstNightMin)}</td>
                <td>{known(row.night?.tst24Min)}</td>
              </tr>
            ))}
          </tbody>
          <tfoot>
            <tr>
              <th scope="row" colSpan={4}>
                {page.complete < kMeanNightsMin
                  ? t('consultant.diary_no_mean', { count: page.complete, least: kMeanNightsMin })
                  : t('consultant.diary_mean', { count: page.complete })}
              </th>
              <td>{known(page.means.solMin)}</td>
              <td>{page.means.nwak === undefined ? '' : decimal(page.means.nwak)}</td>
              <td>{known(page.means.wasoMin)}</td>
              <td>{known(page.means.tstNightMin)}</td>
              <td>{known(page.means.tst24Min)}</td>
            </tr>
          </tfoot>
        </table>
        <RasterLegend />
        <p class="small">{t('consultant.diary_note', { zone: child.body.homeZone })}</p>
      </article>
    </main>
  );
}
