import { useId, useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { timeOfDay } from '../i18n/intl.ts';
import type { Instant, Zone } from '../model/types.ts';
import { Button } from './button.tsx';
import { Choice } from './field.tsx';
import { instantOf, type WallTime, wallTimeOf } from './local_time.ts';

interface TimeEditProps {
  legend: string;
  value: Instant;
  // Whose clocks are meant.
  zone: Zone;
  // Called with each instant that was typed, stepped to or chosen.
  onChange: (at: Instant) => void;
}

const kMinuteMs = 60_000;
const kSteps = [-5, -1, 1, 5];

const signed = (minutes: number): string => (minutes > 0 ? `+${minutes}` : `−${-minutes}`);

// The offset of a zone at an instant, such as `GMT+2`.
function offsetName(at: Instant, zone: Zone): string {
  const parts = new Intl.DateTimeFormat('en', { timeZone: zone, timeZoneName: 'shortOffset' });
  return parts.formatToParts(at).find(({ type }) => type === 'timeZoneName')?.value ?? '';
}

// A date and a time of a zone, with steps for a thumb. An hour that comes twice is asked about; one
// that is skipped becomes the hour after it, and that is said.
export function TimeEdit({ legend, value, zone, onChange }: TimeEditProps) {
  const id = useId();
  const [typed, setTyped] = useState<WallTime | undefined>(undefined);
  const shown = typed ?? wallTimeOf(value, zone);
  const found = instantOf(shown, zone);

  const type = (wall: WallTime): void => {
    setTyped(wall);
    const resolved = instantOf(wall, zone);
    if (resolved) onChange(resolved.kind === 'twice' ? resolved.first : resolved.at);
  };
  const step = (minutes: number): void => {
    setTyped(undefined);
    onChange(value + minutes * kMinuteMs);
  };

  return (
    <fieldset class="time-edit">
      <legend class="unseen">{legend}</legend>
      <div class="time-edit-line">
        <div class="field">
          <label for={`${id}-time`}>{legend}</label>
          <input
            id={`${id}-time`}
            class="input"
            type="time"
            value={shown.time}
            onInput={(event) => type({ ...shown, time: event.currentTarget.value })}
          />
        </div>
        <div class="field">
          <label for={`${id}-date`}>{t('common.date')}</label>
          <input
            id={`${id}-date`}
            class="input"
            type="date"
            value={shown.date}
            onInput={(event) => type({ ...shown, date: event.currentTarget.value })}
          />
        </div>
      </div>
      <div class="time-edit-steps">
        {kSteps.map((minutes) => (
          <Button
            key={minutes}
            aria-label={t('common.step_minutes', { step: signed(minutes), legend })}
            onClick={() => step(minutes)}
          >
            {signed(minutes)}
          </Button>
        ))}
      </div>
      <div aria-live="polite">
        {found?.kind === 'twice' && (
          <Choice
            legend={t('common.time_twice', { time: shown.time })}
            options={[found.first, found.second].map((at, index) => ({
              value: at,
              label: t(index === 0 ? 'common.time_first' : 'common.time_second', {
                offset: offsetName(at, zone),
              }),
            }))}
            value={value}
            onChange={onChange}
          />
        )}
        {found?.kind === 'skipped' && (
          <p class="small">
            {t('common.time_skipped', { time: shown.time, shown: timeOfDay(found.at, zone) })}
          </p>
        )}
        {!found && <p class="field-error">{t('common.time_missing')}</p>}
      </div>
    </fieldset>
  );
}
