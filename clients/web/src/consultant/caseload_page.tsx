import { useSignal } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { hrefOf } from '../app/route.ts';
import { type MessageKey, t } from '../i18n/index.ts';
import { duration, percent, relative, timeOfDay } from '../i18n/intl.ts';
import type { App, Family } from '../model/app.ts';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Icon, kCloud, kMoon, kOffline } from '../ui/icon.tsx';
import { kSettings } from '../ui/icons.ts';
import { nightOf } from '../ui/local_time.ts';
import {
  arrowOf,
  type CaseFilter,
  type CaseRow,
  filterRows,
  type SortKey,
  sortRows,
} from './caseload.ts';
import { caseload, now, over, shared } from './desk.ts';
import { axisOf, nightRow } from './night_axis.ts';
import { ageInMonths } from './norms.ts';
import { Strip } from './strip.tsx';
import { ArrowMark, methodName, Unknown } from './words.tsx';

const kColumns: readonly { key: SortKey; words: MessageKey }[] = [
  { key: 'name', words: 'consultant.column_name' },
  { key: 'now', words: 'consultant.column_now' },
  { key: 'plan', words: 'consultant.column_plan' },
  { key: 'trend', words: 'consultant.column_trend' },
  { key: 'kept', words: 'consultant.column_kept' },
  { key: 'consistency', words: 'consultant.column_consistency' },
  { key: 'synced', words: 'consultant.column_synced' },
  { key: 'look', words: 'consultant.column_look' },
];

const kTonightAxis = axisOf([]);

export function CaseloadPage({ app }: { app: App }) {
  const rows = useMemo(() => caseload(app), [app]).value;
  const sort = useSignal<{ key: SortKey; reverse: boolean }>({ key: 'now', reverse: false });
  const filter = useSignal<CaseFilter>('all');
  const words = useSignal('');

  const count = (kind: CaseFilter) => filterRows(rows, kind, '').length;
  const shown = sortRows(
    filterRows(rows, filter.value, words.value),
    sort.value.key,
    sort.value.reverse,
  );
  const turn = (key: SortKey) => {
    sort.value = { key, reverse: sort.value.key === key && !sort.value.reverse };
  };
  return (
    <main class="desk page wide stack">
      <header class="desk-head">
        <div>
          <h1>{t('consultant.title')}</h1>
          <p class="soft">
            {t('consultant.now_line', { awake: count('awake'), families: rows.length })}
          </p>
        </div>
        <Connection app={app} />
        <a class="icon-button" href={hrefOf('family')} title={t('consultant.settings')}>
          <Icon path={kSettings} />
          <span class="unseen">{t('consultant.settings')}</span>
        </a>
      </header>

      <div class="desk-tools">
        <fieldset class="segments">
          <legend class="unseen">{t('consultant.show')}</legend>
          {(['all', 'awake', 'look'] as const).map((kind) => (
            <button
              key={kind}
              type="button"
              class="segment"
              aria-pressed={filter.value === kind}
              onClick={() => {
                filter.value = kind;
              }}
            >
              {t(`consultant.filter_${kind}`)} <span class="count">{count(kind)}</span>
            </button>
          ))}
        </fieldset>
        <label class="desk-search">
          <span class="unseen">{t('consultant.search')}</span>
          <input
            class="input"
            type="search"
            placeholder={t('consultant.search')}
            value={words.value}
            onInput={(event) => {
              words.value = event.currentTarget.value;
            }}
          />
        </label>
        <label class="desk-sort">
          <span class="unseen">{t('consultant.sort_by')}</span>
          <select
            class="input"
            value={sort.value.key}
            onChange={(event) => turn(event.currentTarget.value as SortKey)}
          >
            {kColumns.map(({ key, words: column }) => (
              <option key={key} value={key}>
                {t('consultant.sorted', { column: t(column) })}
              </option>
            ))}
          </select>
        </label>
      </div>

      {shown.length === 0 ? (
        <p class="empty soft">
          {t(app.families.value.length === 0 ? 'consultant.no_families' : 'consultant.no_matches')}
        </p>
      ) : (
        <table class="caseload">
          <caption class="unseen">{t('consultant.caseload')}</caption>
          <thead>
            <tr>
              {kColumns.map(({ key, words: column }) => (
                <th
                  key={key}
                  scope="col"
                  aria-sort={
                    sort.value.key !== key
                      ? undefined
                      : sort.value.reverse
                        ? 'descending'
                        : 'ascending'
                  }
                >
                  <button type="button" class="column" onClick={() => turn(key)}>
                    {t(column)}
                    <span class="sort-mark" aria-hidden="true" />
                  </button>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row) => (
              <Row
                key={row.familyId + row.childId}
                row={row}
                family={app.families.value.find(({ id }) => id === row.familyId)}
              />
            ))}
          </tbody>
        </table>
      )}
      <NoLongerShared families={over(app)} />
    </main>
  );
}

// Families whose consent is over: nothing more of them comes, and what came can be put away.
function NoLongerShared({ families }: { families: readonly Family[] }) {
  if (families.length === 0) return null;
  return (
    <section class="card over" aria-labelledby="over-title">
      <h2 id="over-title">{t('consultant.over')}</h2>
      <p class="soft small">{t('consultant.over_why')}</p>
      <ul>
        {families.map((family) => (
          <li key={family.id} class="row">
            <span>{family.pairing.value.familyName}</span>
            <Button kind="quiet" class="push" onClick={() => void family.forget()}>
              {t('consultant.put_away')}
              <span class="unseen"> {family.pairing.value.familyName}</span>
            </Button>
          </li>
        ))}
      </ul>
    </section>
  );
}

// Whether what is shown is live.
function Connection({ app }: { app: App }) {
  const families = shared(app);
  const failed = families.find(({ sync }) => sync.value.state === 'offline');
  const offline = !app.online.value || failed !== undefined;
  return (
    <span class="push" role="status">
      <Chip icon={offline ? kOffline : kCloud} tone={offline ? 'alert' : 'soft'}>
        {t(offline ? 'consultant.offline' : 'consultant.live')}
      </Chip>
    </span>
  );
}

function Row({ row, family }: { row: CaseRow; family: Family | undefined }) {
  const at = now.value;
  const night = nightOf(at, row.child.homeZone);
  const age = ageInMonths(row.child, night);
  const newest = family
    ?.list('nightSummary')
    .value.find(({ body }) => body.childId === row.childId && body.date === row.latestNight)?.body;
  const tonight = newest && newest.date === night ? nightRow(newest, at) : undefined;
  return (
    <tr>
      <th scope="row" class="who">
        <a href={hrefOf('desk', row.familyId, row.childId)}>{row.child.name}</a>
        <span class="soft small">
          {row.familyName}
          {age !== undefined && (
            <>
              {' · '}
              <span class="whole">{t('consultant.months', { age })}</span>
            </>
          )}
        </span>
      </th>
      <td class="now">
        <NowWords row={row} />
        {tonight && <Strip row={tonight} axis={kTonightAxis} label="" height={14} />}
      </td>
      <td>
        <span class="label">{t('consultant.column_plan')}</span>
        {row.method ? (
          <>
            {methodName(row.method)}
            <span class="soft small">{t('consultant.night_n', { night: row.planNight })}</span>
            {row.expectedNights && (
              <span class="soft small">
                {t('consultant.expected_short', {
                  nights: [...new Set(row.expectedNights)].join('–'),
                })}
              </span>
            )}
          </>
        ) : (
          <span class="soft">{t('consultant.no_plan')}</span>
        )}
      </td>
      <td>
        <span class="label">{t('consultant.column_trend')}</span>
        <span class="with-mark">
          <ArrowMark arrow={arrowOf(row.verdict)} />
          {t(`consultant.verdict_${row.verdict ?? 'no_plan'}`)}
        </span>
      </td>
      <td class="share">
        <span class="label">{t('consultant.column_kept')}</span>
        <Share value={row.adherencePct} />
      </td>
      <td class="share">
        <span class="label">{t('consultant.column_consistency')}</span>
        <Share value={row.consistencyPct} />
      </td>
      <td class="synced">
        <span class="label">{t('consultant.column_synced')}</span>
        {row.syncedAt === undefined ? (
          <Unknown />
        ) : (
          <time datetime={new Date(row.syncedAt).toISOString()}>{relative(row.syncedAt, at)}</time>
        )}
      </td>
      <td class="looks">
        {row.looks.map((look) => (
          <Chip key={look} tone={look === 'consent_ends' || look === 'quiet' ? 'soft' : 'accent'}>
            {t(`consultant.look_${look}`)}
          </Chip>
        ))}
      </td>
    </tr>
  );
}

// `Awake since 02:10`, with how long that is.
export function NowWords({ row }: { row: Pick<CaseRow, 'phase' | 'since' | 'child'> }) {
  if (!row.phase || row.since === undefined) {
    return <span class="soft">{t('consultant.phase_unknown')}</span>;
  }
  const { phase, since, child } = row;
  return (
    <span class="with-mark">
      <PhaseMark phase={phase} />
      <span>
        <strong>{t(`consultant.phase_${phase}`)}</strong>{' '}
        <span class="soft small whole">
          {t('consultant.since', {
            time: timeOfDay(since, child.homeZone),
            long: duration(Math.max(0, now.value - since)),
          })}
        </span>
      </span>
    </span>
  );
}

// Awake is a ring with a centre, settling a half, asleep the moon, up an open ring.
function PhaseMark({ phase }: { phase: NonNullable<CaseRow['phase']> }) {
  if (phase === 'asleep') {
    return (
      <span class="phase asleep">
        <Icon path={kMoon} size={18} />
      </span>
    );
  }
  return (
    <svg class={`phase ${phase}`} width="18" height="18" viewBox="0 0 18 18" aria-hidden="true">
      <circle cx="9" cy="9" r="7" class="ring" />
      {phase === 'awake' && <circle cx="9" cy="9" r="3.5" class="core" />}
      {phase === 'settling' && <path d="M9 2a7 7 0 0 1 0 14Z" class="core" />}
    </svg>
  );
}

// A share of a hundred, as a number with a thin bar under it.
export function Share({ value }: { value: number | undefined }) {
  if (value === undefined) return <Unknown />;
  return (
    <span class="share-value">
      {percent(value)}
      <svg width="100%" height="4" aria-hidden="true">
        <rect class="track" width="100%" height="4" rx="2" />
        <rect class="fill" width={`${Math.round(value)}%`} height="4" rx="2" />
      </svg>
    </span>
  );
}
