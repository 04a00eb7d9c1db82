// Nights one below the other on one axis of clock time, newest first: a table whose middle column is
// a picture, so that every figure is there in words as well.
import { t } from '../i18n/index.ts';
import { shortDate } from '../i18n/intl.ts';
import type { PlanSegment } from '../model/types.ts';
import { type Axis, axisHours, axisOf, clockOf, type NightRow, share } from './night_axis.ts';
import { Strip } from './strip.tsx';
import { hoursMinutes, methodName } from './words.tsx';

interface RasterProps {
  rows: readonly NightRow[];
  segments: readonly PlanSegment[];
  // Nights that have comments.
  commented: ReadonlySet<string>;
  onNight: (date: string) => void;
}

export function Raster({ rows, segments, commented, onNight }: RasterProps) {
  const axis = axisOf(rows);
  const hours = axisHours(axis, 2);
  const begins = new Map(segments.map((segment) => [segment.firstNight, segment]));
  return (
    <table class={`raster${rows.length > 21 ? ' dense' : ''}`}>
      <caption class="unseen">{t('consultant.raster_caption')}</caption>
      <thead>
        <tr>
          <th scope="col">{t('consultant.night')}</th>
          <th scope="col" class="picture">
            <span class="unseen">{t('consultant.course')}</span>
            <Hours axis={axis} hours={hours} />
          </th>
          <th scope="col" class="figure">
            {t('consultant.asleep_short')}
          </th>
          <th scope="col" class="figure">
            {t('consultant.wakings_short')}
          </th>
          <th scope="col" class="figure wide-only">
            {t('consultant.longest_short')}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <>
            <Night
              key={row.date}
              row={row}
              axis={axis}
              hours={hours}
              dense={rows.length > 21}
              commented={commented.has(row.date)}
              onNight={onNight}
            />
            {begins.has(row.date) && <Switch key={`${row.date}+`} segment={begins.get(row.date)} />}
          </>
        ))}
      </tbody>
    </table>
  );
}

function Hours({ axis, hours }: { axis: Axis; hours: readonly number[] }) {
  return (
    <svg class="hours" width="100%" height="16" aria-hidden="true">
      {hours.map((minute) => {
        const at = share(axis, minute);
        return (
          <text
            key={minute}
            x={`${at * 100}%`}
            y="12"
            class={minute % 240 === 0 ? '' : 'second'}
            text-anchor={at < 0.03 ? 'start' : at > 0.97 ? 'end' : 'middle'}
          >
            {clockOf(minute).slice(0, 2)}
          </text>
        );
      })}
    </svg>
  );
}

interface NightProps {
  row: NightRow;
  axis: Axis;
  hours: readonly number[];
  dense: boolean;
  commented: boolean;
  onNight: (date: string) => void;
}

function Night({ row, axis, hours, dense, commented, onNight }: NightProps) {
  const { night } = row;
  return (
    <tr class={night ? '' : 'missing'}>
      <th scope="row">
        <button type="button" class="night" onClick={() => onNight(row.date)}>
          {shortDate(row.date)}
          {commented && <span class="comment-mark" title={t('consultant.has_comments')} />}
          {commented && <span class="unseen">{t('consultant.has_comments')}</span>}
        </button>
      </th>
      <td class="picture">
        {night ? (
          <Strip
            row={row}
            axis={axis}
            hours={hours}
            label={courseInWords(row)}
            height={dense ? 16 : 24}
          />
        ) : (
          <span class="soft small">{t('consultant.nothing_logged')}</span>
        )}
      </td>
      <td class="figure">
        {night?.tstNightMin === undefined ? '–' : hoursMinutes(night.tstNightMin)}
      </td>
      <td class="figure">
        {night?.nwak === undefined
          ? '–'
          : night.status === 'incomplete'
            ? t('consultant.at_least', { count: night.nwak })
            : night.nwak}
      </td>
      <td class="figure wide-only">
        {night?.longestStretchMin === undefined ? '–' : hoursMinutes(night.longestStretchMin)}
      </td>
    </tr>
  );
}

// `Put down 19:30, asleep 19:45–01:10, 01:30–06:20, up 06:30`.
export function courseInWords(row: NightRow): string {
  const sleeps = row.bars
    .filter(({ kind }) => kind === 'asleep')
    .map(({ from, to, open }) => `${clockOf(from)}–${open ? '' : clockOf(to)}`);
  return [
    row.putDown === undefined ? '' : t('consultant.put_down_at', { time: clockOf(row.putDown) }),
    sleeps.length === 0
      ? t('consultant.no_sleep_logged')
      : t('consultant.asleep_at', { times: sleeps.join(', ') }),
    row.rise === undefined ? '' : t('consultant.up_at', { time: clockOf(row.rise) }),
  ]
    .filter((part) => part !== '')
    .join(', ');
}

function Switch({ segment }: { segment: PlanSegment | undefined }) {
  if (!segment?.method) return null;
  return (
    <tr class="switch">
      <td colSpan={4}>
        <span>{t('consultant.plan_begins', { method: methodName(segment.method) })}</span>
      </td>
      <td class="wide-only" />
    </tr>
  );
}

export function RasterLegend() {
  return (
    <ul class="legend small soft" aria-label={t('consultant.legend')}>
      {(['asleep', 'awake', 'settling', 'put_down', 'rise'] as const).map((kind) => (
        <li key={kind}>
          <svg class="strip" width="26" height="14" aria-hidden="true">
            {kind === 'asleep' && <rect class="asleep" width="26" height="12" y="1" rx="3" />}
            {kind === 'awake' && <line class="awake" x1="0" x2="26" y1="7" y2="7" />}
            {kind === 'settling' &&
              [3, 8, 13, 18, 23].map((x) => <circle key={x} class="dot" cx={x} cy="7" r="1.4" />)}
            {kind === 'put_down' && <line class="put-down" x1="13" x2="13" y1="1" y2="13" />}
            {kind === 'rise' && <line class="rise" x1="13" x2="13" y1="1" y2="13" />}
          </svg>
          {t(`consultant.legend_${kind}`)}
        </li>
      ))}
    </ul>
  );
}
