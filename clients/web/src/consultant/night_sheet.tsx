// One night: its course, its figures, what the plan asked for, and what was said about it.
import { t } from '../i18n/index.ts';
import { longDate, percent } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { Id, LocalDate, NightSummary } from '../model/types.ts';
import { Sheet } from '../ui/sheet.tsx';
import { now } from './desk.ts';
import { axisHours, axisOf, nightRow } from './night_axis.ts';
import { courseInWords } from './raster.tsx';
import { Strip } from './strip.tsx';
import { DeskThread } from './thread.tsx';
import { levelName, methodName, minutes } from './words.tsx';

interface NightSheetProps {
  family: Family;
  childId: Id;
  date: LocalDate;
  night: NightSummary | undefined;
  onClose: () => void;
}

export function NightSheet({ family, childId, date, night, onClose }: NightSheetProps) {
  return (
    <Sheet
      title={t('consultant.night_of', { date: longDate(date) })}
      closeLabel={t('consultant.close')}
      onClose={onClose}
    >
      {night ? <Course night={night} /> : <p class="soft">{t('consultant.nothing_logged')}</p>}
      {night && <Figures night={night} />}
      <DeskThread family={family} target={{ target: 'night', night: { childId, date } }} />
    </Sheet>
  );
}

function Course({ night }: { night: NightSummary }) {
  const row = nightRow(night, now.value);
  const axis = axisOf([row]);
  return (
    <div class="stack tight">
      <Strip row={row} axis={axis} hours={axisHours(axis, 2)} label="" height={28} />
      <p class="small">{courseInWords(row)}</p>
    </div>
  );
}

// The figures of a night in words; what is not known is not there.
function Figures({ night }: { night: NightSummary }) {
  const { adherence } = night;
  const rows: [string, string | undefined][] = [
    [t('consultant.measure_sol'), night.solMin === undefined ? undefined : minutes(night.solMin)],
    [
      t('consultant.measure_nwak'),
      night.nwak === undefined
        ? undefined
        : night.status === 'incomplete'
          ? t('consultant.at_least', { count: night.nwak })
          : String(night.nwak),
    ],
    [
      t('consultant.measure_waso'),
      night.wasoMin === undefined ? undefined : minutes(night.wasoMin),
    ],
    [
      t('consultant.measure_longest_stretch'),
      night.longestStretchMin === undefined ? undefined : minutes(night.longestStretchMin),
    ],
    [t('consultant.measure_cry'), night.cryMin === undefined ? undefined : minutes(night.cryMin)],
    [
      t('consultant.measure_tst_night'),
      night.tstNightMin === undefined ? undefined : minutes(night.tstNightMin),
    ],
    [t('consultant.tst24'), night.tst24Min === undefined ? undefined : minutes(night.tst24Min)],
    [
      t('consultant.response_latency'),
      night.responseLatencyMedianMin === undefined
        ? undefined
        : minutes(night.responseLatencyMedianMin),
    ],
    [
      t('consultant.self_settled'),
      night.selfSettledPct === undefined ? undefined : percent(night.selfSettledPct),
    ],
    [
      t('consultant.plan_kept'),
      adherence?.adherencePct === undefined ? undefined : percent(adherence.adherencePct),
    ],
    [
      t('consultant.missed_checks'),
      adherence?.scored && adherence.missedChecks !== undefined
        ? String(adherence.missedChecks)
        : undefined,
    ],
  ];
  const levels = Object.entries(night.interventionsByLevel)
    .filter(([, count]) => count > 0)
    .map(([level, count]) => `${levelName(Number(level))} × ${count}`);
  return (
    <div class="stack tight">
      {night.status === 'incomplete' && (
        <p class="notice small">{t('consultant.incomplete_why')}</p>
      )}
      {adherence?.method && (
        <p class="small soft">
          {t('consultant.plan_line', {
            night: adherence.planNight,
            method: methodName(adherence.method),
          })}
        </p>
      )}
      <dl class="figures">
        {rows
          .filter(([, value]) => value !== undefined)
          .map(([name, value]) => (
            <div key={name}>
              <dt>{name}</dt>
              <dd>{value}</dd>
            </div>
          ))}
      </dl>
      {levels.length > 0 && (
        <p class="small">
          {t('consultant.responses')}: {levels.join(', ')}
        </p>
      )}
      {night.clinicalFlags.length > 0 && (
        <p class="notice small">
          {t('consultant.talk_to_professional', {
            reasons: night.clinicalFlags.map((flag) => t(`consultant.flag_${flag}`)).join(', '),
          })}
        </p>
      )}
    </div>
  );
}
