// A child's page: what can honestly be said, the nights, the measures, the plan, the people.
import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useMemo } from 'preact/hooks';
import { go, hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import { decimal, percent, shortDate } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import { planOn } from '../model/plans.ts';
import type { LocalDate, Measure, NightSummary, Progress, RecordOf } from '../model/types.ts';
import { Icon } from '../ui/icon.tsx';
import { kBack, kPencil, kPrint } from '../ui/icons.ts';
import { addDays, nightOf } from '../ui/local_time.ts';
import { arrowOf, caseRows, directionArrow } from './caseload.ts';
import { NowWords, Share } from './caseload_page.tsx';
import type { ChartProps } from './chart.tsx';
import { bodies, caseFamily, memberNames, now } from './desk.ts';
import { isUnderWay, nightRows } from './night_axis.ts';
import { NightSheet } from './night_sheet.tsx';
import { ageInMonths, normFor } from './norms.ts';
import { PlanCard } from './plan_card.tsx';
import { Raster, RasterLegend } from './raster.tsx';
import { caregiverColumns, kMeasures, type Series, seriesOf } from './series.ts';
import { ArrowMark, figure, levelName, measureName, verdictSentence } from './words.tsx';

const kWeeks = [1, 2, 4, 6] as const;

interface ChildPageProps {
  family: Family;
  child: RecordOf<'child'>;
  // A night to open, from the address.
  date: string | undefined;
}

export function ChildPage({ family, child, date }: ChildPageProps) {
  const weeks = useSignal<number>(2);
  const at = now.value;
  const here = ['desk', family.id, child.id];
  // Parents come from their nights.
  const consults = family.pairing.value.role === 'consultant';
  const nights = bodies<NightSummary>(family.list('nightSummary').value).filter(
    (night) => night.childId === child.id,
  );
  const progress = bodies<Progress>(family.list('progress').value).find(
    ({ childId }) => childId === child.id,
  );
  const row = caseRows(caseFamily(family), at).find(({ childId }) => childId === child.id);
  const rows = nightRows(nights, weeks.value * 7, at);
  const shown = rows.flatMap(({ night }) => night ?? []);
  const commented = new Set(
    family
      .list('comment')
      .value.flatMap(({ body: { target } }) =>
        target.target === 'night' && target.night.childId === child.id ? target.night.date : [],
      ),
  );
  const age = ageInMonths(child.body, nightOf(at, child.body.homeZone));
  // A plan that begins tonight is in no night's figures yet.
  const planned = planOn(family, child.id, nightOf(at, child.body.homeZone)) !== undefined;
  const told = progress?.verdict ?? 'no_plan';
  const verdict = planned && told === 'no_plan' ? 'not_enough_nights' : told;
  const segments = progress?.segments ?? [];
  const from = rows.at(-1)?.date;
  const to = rows[0]?.date;
  return (
    <main class="desk page wide stack">
      <nav class="crumbs">
        <a href={consults ? hrefOf('desk') : hrefOf('tonight', 'nights')} class="with-mark">
          <Icon path={kBack} size={18} />
          {t(consults ? 'consultant.title' : 'consultant.nights')}
        </a>
      </nav>
      <header class="desk-head child-head">
        <div>
          <h1>{child.body.name}</h1>
          <p class="soft">
            {family.pairing.value.familyName}
            {age !== undefined && ` · ${t('consultant.months', { age })}`}
          </p>
        </div>
        {row && (
          <p class="child-now" role="status">
            <NowWords row={row} />
          </p>
        )}
        <div class="row push actions">
          <a class="button plain" href={hrefOf(...here, 'diary')}>
            <Icon path={kPrint} size={20} />
            {t('consultant.diary')}
          </a>
          <a class="button main" href={hrefOf(...here, 'plan')}>
            <Icon path={kPencil} size={20} />
            {t('consultant.write_plan')}
          </a>
        </div>
      </header>

      <div class="columns">
        <div class="stack main-column">
          <section class="card verdict" aria-label={t('consultant.column_trend')}>
            <h2 class="with-mark">
              <ArrowMark arrow={arrowOf(verdict)} />
              {t(`consultant.verdict_${verdict}`)}
            </h2>
            <p>{verdictSentence(verdict)}</p>
            {progress && <Trends progress={progress} />}
          </section>

          <section class="card" aria-labelledby="nights-title">
            <div class="row section-head">
              <h2 id="nights-title">{t('consultant.nights')}</h2>
              <fieldset class="segments push">
                <legend class="unseen">{t('consultant.weeks_shown')}</legend>
                {kWeeks.map((count) => (
                  <button
                    key={count}
                    type="button"
                    class="segment"
                    aria-pressed={weeks.value === count}
                    onClick={() => {
                      weeks.value = count;
                    }}
                  >
                    {t('consultant.weeks', { count })}
                  </button>
                ))}
              </fieldset>
            </div>
            {rows.length === 0 ? (
              <p class="soft">{t('consultant.no_nights')}</p>
            ) : (
              <>
                <Raster
                  rows={rows}
                  segments={segments}
                  commented={commented}
                  onNight={(night) => go([...here, night])}
                />
                <RasterLegend />
              </>
            )}
          </section>

          {from && to && (
            <Charts
              nights={nights.filter((night) => !isUnderWay(night, at))}
              progress={progress}
              from={from}
              to={to}
              weeks={weeks.value}
            />
          )}
        </div>

        <aside class="stack side-column">
          <PlanCard family={family} child={child} progress={progress} />
          <Kept progress={progress} />
          <Caregivers family={family} nights={shown} weeks={weeks.value} />
          <Norm age={age} nights={shown} />
        </aside>
      </div>

      {date && (
        <NightSheet
          key={date}
          family={family}
          childId={child.id}
          date={date}
          night={nights.find((night) => night.date === date)}
          onClose={() => go(here, true)}
        />
      )}
    </main>
  );
}

// Before and now of each measure, as the server derived them.
function Trends({ progress }: { progress: Progress }) {
  const trends = progress.trends.filter((trend) => trend.measure && trend.now !== undefined);
  if (trends.length === 0) return null;
  return (
    <table class="trends">
      <thead>
        <tr>
          <th scope="col">{t('consultant.measure')}</th>
          <th scope="col" class="figure">
            {t('consultant.before')}
          </th>
          <th scope="col" class="figure">
            {t('consultant.now')}
          </th>
          <th scope="col">{t('consultant.direction')}</th>
        </tr>
      </thead>
      <tbody>
        {trends.map((trend) => {
          const measure = trend.measure as Measure;
          return (
            <tr key={measure}>
              <th scope="row">{measureName(measure)}</th>
              <td class="figure">
                {trend.baseline === undefined ? '–' : figure(measure, trend.baseline)}
              </td>
              <td class="figure">
                <strong>{figure(measure, trend.now ?? 0)}</strong>
              </td>
              <td>
                <span class="with-mark">
                  <ArrowMark arrow={directionArrow(trend.direction)} />
                  {t(`consultant.direction_${trend.direction ?? 'not_enough_nights'}`)}
                </span>
              </td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

interface ChartsProps {
  nights: readonly NightSummary[];
  progress: Progress | undefined;
  from: LocalDate;
  to: LocalDate;
  weeks: number;
}

function Charts({ nights, progress, from, to, weeks }: ChartsProps) {
  const Chart = useSignal<ComponentType<ChartProps> | undefined>(undefined);
  useEffect(() => {
    void import('./chart.tsx').then((module) => {
      Chart.value = module.default;
    });
  }, []);
  const theme = useTheme();
  const segments = progress?.segments ?? [];
  const all = useMemo(
    () =>
      kMeasures.map((measure) => ({
        measure,
        series: seriesOf(measure, nights, segments, from, to),
      })),
    [
      JSON.stringify(
        nights.map((night) => [night.date, night.status, night.tstNightMin, night.cryMin]),
      ),
      from,
      to,
      segments.length,
    ],
  );
  const planFrom = segments.at(-1)?.firstNight;
  const expected =
    planFrom &&
    progress?.expectedNightsMin !== undefined &&
    progress.expectedNightsMax !== undefined
      ? {
          from: addDays(planFrom, progress.expectedNightsMin - 1),
          to: addDays(planFrom, progress.expectedNightsMax - 1),
        }
      : undefined;
  const inView = segments.filter(({ firstNight }) => firstNight > from && firstNight <= to);
  const Drawn = Chart.value;
  return (
    <section class="card" aria-labelledby="measures-title">
      <div class="row section-head">
        <h2 id="measures-title">{t('consultant.measures')}</h2>
        <span class="soft small push">{t('consultant.weeks', { count: weeks })}</span>
      </div>
      <ul class="legend small soft" aria-label={t('consultant.legend')}>
        <li>
          <span class="key dot" />
          {t('consultant.legend_dot')}
        </li>
        <li>
          <span class="key line" />
          {t('consultant.legend_median')}
        </li>
        {inView.length > 0 && (
          <li>
            <span class="key switch" />
            {t('consultant.legend_switch')}
          </li>
        )}
        {expected && (
          <li>
            <span class="key band" />
            {t('consultant.legend_expected')}
          </li>
        )}
      </ul>
      <div class="charts">
        {all.map(({ measure, series }) => {
          const trend = progress?.trends.find((each) => each.measure === measure);
          const known = series.values.some((value) => value !== null);
          return (
            <figure key={measure} class="chart">
              <figcaption>
                <h3>{measureName(measure)}</h3>
                <p>
                  {trend?.now !== undefined && (
                    <strong class="big">{figure(measure, trend.now)}</strong>
                  )}{' '}
                  {trend?.baseline !== undefined && (
                    <span class="soft small">
                      {t('consultant.before_was', { value: figure(measure, trend.baseline) })}
                    </span>
                  )}
                </p>
              </figcaption>
              {!known ? (
                <p class="soft small empty-plot">{t('consultant.not_logged')}</p>
              ) : Drawn ? (
                <Drawn
                  measure={measure}
                  series={series}
                  segments={inView}
                  {...(expected ? { expected } : {})}
                  theme={theme}
                />
              ) : (
                <div class="plot" aria-busy="true" />
              )}
              {known && <SeriesTable measure={measure} series={series} />}
            </figure>
          );
        })}
      </div>
    </section>
  );
}

function SeriesTable({ measure, series }: { measure: Measure; series: Series }) {
  return (
    <details class="behind">
      <summary>
        {t('consultant.as_table')}
        <span class="unseen"> {measureName(measure)}</span>
      </summary>
      <section
        class="scroll"
        // biome-ignore lint/a11y/noNoninteractiveTabindex: it scrolls
        tabIndex={0}
        aria-label={measureName(measure)}
      >
        <table class="plain-table">
          <thead>
            <tr>
              <th scope="col">{t('consultant.night')}</th>
              <th scope="col">{measureName(measure)}</th>
              <th scope="col">{t('consultant.median3')}</th>
            </tr>
          </thead>
          <tbody>
            {series.dates.map((date, index) => (
              <tr key={date}>
                <th scope="row">{shortDate(date)}</th>
                <td>{wordsOf(measure, series.values[index])}</td>
                <td>{wordsOf(measure, series.medians[index])}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </section>
    </details>
  );
}

const wordsOf = (measure: Measure, value: number | null | undefined) =>
  value === null || value === undefined ? '–' : figure(measure, value);

// The theme the page is drawn in; charts are drawn again when it changes.
function useTheme(): string {
  const root = document.documentElement;
  const theme = useSignal(root.dataset.theme ?? '');
  useEffect(() => {
    const observer = new MutationObserver(() => {
      theme.value = root.dataset.theme ?? '';
    });
    observer.observe(root, { attributeFilter: ['data-theme'] });
    return () => observer.disconnect();
  }, []);
  return theme.value;
}

function Kept({ progress }: { progress: Progress | undefined }) {
  if (progress?.adherencePct === undefined && progress?.caregiverConsistencyPct === undefined) {
    return null;
  }
  const spreads: [string, number | undefined][] = [
    [t('consultant.bedtime_varies'), progress.bedtimeSdMin],
    [t('consultant.onset_varies'), progress.onsetSdMin],
    [t('consultant.rise_varies'), progress.riseSdMin],
  ];
  return (
    <section class="card" aria-labelledby="kept-title">
      <h2 id="kept-title">{t('consultant.kept_title')}</h2>
      <dl class="figures">
        <div>
          <dt>{t('consultant.plan_kept')}</dt>
          <dd class="share">
            <Share value={progress.adherencePct} />
          </dd>
        </div>
        <div>
          <dt>{t('consultant.same_way')}</dt>
          <dd class="share">
            <Share value={progress.caregiverConsistencyPct} />
          </dd>
        </div>
        {spreads.map(
          ([name, value]) =>
            value !== undefined && (
              <div key={name}>
                <dt>{name}</dt>
                <dd>{t('consultant.plus_minus', { minutes: decimal(value, 0) })}</dd>
              </div>
            ),
        )}
      </dl>
    </section>
  );
}

// Caregivers side by side: how often, and with how much help. Nobody is ranked.
function Caregivers({
  family,
  nights,
  weeks,
}: {
  family: Family;
  nights: readonly NightSummary[];
  weeks: number;
}) {
  const columns = caregiverColumns(
    nights,
    family.list('member').value.map(({ id }) => id),
  );
  if (columns.length === 0) return null;
  const nameOf = memberNames(family);
  const levels = [0, 1, 2, 3, 4, 5, 6].filter((level) =>
    columns.some(({ byLevel }) => (byLevel[level] ?? 0) > 0),
  );
  const most = Math.max(
    ...columns.flatMap(({ byLevel, responses }) => byLevel.map((count) => count / responses)),
  );
  return (
    <section class="card" aria-labelledby="caregivers-title">
      <h2 id="caregivers-title">{t('consultant.caregivers')}</h2>
      <p class="soft small">{t('consultant.weeks', { count: weeks })}</p>
      <table class="caregivers">
        <thead>
          <tr>
            <td />
            {columns.map(({ memberId, responses }) => (
              <th key={memberId} scope="col">
                {nameOf(memberId)}
                <span class="soft small">{t('consultant.answers', { count: responses })}</span>
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {levels.map((level) => (
            <tr key={level}>
              <th scope="row">{levelName(level)}</th>
              {columns.map(({ memberId, byLevel, responses }, index) => {
                const part = (byLevel[level] ?? 0) / responses;
                return (
                  <td key={memberId} class="part">
                    <svg
                      class={`bar series-${index % 3}`}
                      width="100%"
                      height="10"
                      aria-hidden="true"
                    >
                      <rect width={`${(100 * part) / most}%`} height="10" rx="3" />
                    </svg>
                    <span class="small">{percent(100 * part)}</span>
                  </td>
                );
              })}
            </tr>
          ))}
          <tr class="total">
            <th scope="row">{t('consultant.plan_kept')}</th>
            {columns.map(({ memberId, adherencePct }) => (
              <td key={memberId}>
                {adherencePct === undefined ? (
                  <span class="soft small">{t('consultant.too_few')}</span>
                ) : (
                  percent(adherencePct)
                )}
              </td>
            ))}
          </tr>
        </tbody>
      </table>
    </section>
  );
}

function Norm({ age, nights }: { age: number | undefined; nights: readonly NightSummary[] }) {
  if (age === undefined) return null;
  const norm = normFor(age);
  if (!norm) return null;
  const known = nights.flatMap(({ tst24Min, napCount }) =>
    tst24Min !== undefined && (napCount ?? 0) > 0 ? tst24Min : [],
  );
  const mean = known.reduce((sum, value) => sum + value, 0) / known.length / 60;
  const range = ({ low, high }: { low: number; high: number }) =>
    t('consultant.hours_range', { low, high });
  return (
    <section class="card context" aria-labelledby="norm-title">
      <h2 id="norm-title">{t('consultant.norm_title')}</h2>
      <p class="small">{t('consultant.norm_intro', { age })}</p>
      <dl class="figures small">
        <div>
          <dt>{t('consultant.norm_recommended')}</dt>
          <dd>{range(norm.recommended)}</dd>
        </div>
        <div>
          <dt>{t('consultant.norm_may_be')}</dt>
          <dd>{range(norm.mayBeAppropriate)}</dd>
        </div>
        {norm.observedMean !== undefined && (
          <div>
            <dt>{t('consultant.norm_observed')}</dt>
            <dd>{t('consultant.hours', { hours: decimal(norm.observedMean) })}</dd>
          </div>
        )}
        {known.length >= 3 && (
          <div>
            <dt>{t('consultant.norm_here', { nights: known.length })}</dt>
            <dd>{t('consultant.hours', { hours: decimal(mean) })}</dd>
          </div>
        )}
      </dl>
      <p class="soft small">{t('consultant.norm_caution')}</p>
    </section>
  );
}
