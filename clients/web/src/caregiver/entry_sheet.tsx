import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { timeOfDay } from '../i18n/intl.ts';
import type { ExemptReason, FeedKind, Position } from '../model/types.ts';
import { AppError, type EntryKind, type LocalDate, type SleepPlace } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Choice, Field } from '../ui/field.tsx';
import { kPlus } from '../ui/icon.tsx';
import { kHistory, kTrash } from '../ui/icons.ts';
import { zoneHere } from '../ui/local_time.ts';
import { now, tickSoon } from '../ui/now.ts';
import { Sheet } from '../ui/sheet.tsx';
import { TimeEdit } from '../ui/time_edit.tsx';
import { showToast } from '../ui/toast.tsx';
import type { Shown } from './choice.ts';
import { ConflictCard } from './conflict_card.tsx';
import {
  changesOfForm,
  type EntryForm,
  formOf,
  isValid,
  kLasting,
  newEntryOf,
  newForm,
} from './entry_form.ts';
import { History } from './history.tsx';
import { beginOf, type Entry, tonightOf } from './night.ts';
import { kLevels, labelOf, whoIs } from './words.ts';

interface EntrySheetProps {
  shown: Shown;
  // The night it is for.
  date: LocalDate;
  // As it is shown when the sheet opens, and stays while it is open: what comes meanwhile is not
  // replaced unseen. Absent: a new one, such as what was forgotten.
  entry?: Entry;
  // Of a new one, what it most likely is.
  kind?: EntryKind;
  onClose: () => void;
}

const kKinds: readonly EntryKind[] = [
  'sleep',
  'crying',
  'response',
  'awake',
  'putDown',
  'rise',
  'feed',
  'note',
];
const kPlaces: readonly SleepPlace[] = ['crib', 'parents_bed', 'stroller', 'car', 'arms', 'other'];
const kFeeds: readonly FeedKind[] = ['breast', 'bottle', 'solid'];
const kReasons: readonly ExemptReason[] = ['feed_due_in_plan', 'illness', 'safety', 'soiled_nappy'];
const kPositions: readonly Position[] = [
  'beside_crib',
  'halfway',
  'doorway_inside',
  'hallway_in_view',
  'out_of_view',
  'chair_at_cot',
  'chair_half_metre',
  'toward_door_then_out',
  'sleeps_in_room',
  'out_of_room',
];
const kTwelveHoursMs = 12 * 3_600_000;
const kMinuteMs = 60_000;

// One entry: what, when, and in the caregiver's own words. For what was forgotten and for what was
// mistyped; times typed here are taken as they are.
export default function EntrySheet({
  shown,
  date,
  entry,
  kind = 'sleep',
  onClose,
}: EntrySheetProps) {
  const { family, child } = shown;
  const zone = child.body.homeZone;
  const [form, setForm] = useState<EntryForm>(() => {
    if (entry) return formOf(entry.body);
    const minute = Math.floor(now.peek() / kMinuteMs) * kMinuteMs;
    const tonight = tonightOf(child.body, now.peek()) === date;
    return newForm(kind, tonight ? minute : beginOf(date, child.body) + kTwelveHoursMs);
  });
  const failed = useSignal('');
  const historyOpen = useSignal(false);
  const set = (part: Partial<EntryForm>): void => setForm({ ...form, ...part });
  const without = (key: keyof EntryForm): void => {
    const { [key]: _, ...rest } = form;
    setForm(rest as EntryForm);
  };
  const valid = isValid(form);
  const mayEdit = family.pairing.value.role !== 'viewer';

  const undo = { label: t('common.undo'), run: () => void family.undo().then(tickSoon) };
  const finish = async (action: () => Promise<unknown>, said: string): Promise<void> => {
    try {
      await action();
      tickSoon();
      onClose();
      showToast({ text: said, action: undo });
    } catch (error) {
      failed.value = error instanceof AppError ? error.message : String(error);
    }
  };
  const save = (): void => {
    const time = timeOfDay(form.begin, zone);
    if (!entry) {
      const made = newEntryOf(form, child.id, zoneHere(zone));
      const said = t('caregiver.saved', { what: labelOf(made.detail), time });
      void finish(() => family.log(made), said);
      return;
    }
    const changes = changesOfForm(form, entry);
    if (changes.length === 0) {
      onClose();
      return;
    }
    const said = t('caregiver.saved', { what: labelOf(entry.body.detail), time });
    void finish(() => family.tap(changes, entry), said);
  };

  const conflicts = family.conflicts.value.filter(({ recordId }) => recordId === entry?.id);
  return (
    <Sheet
      title={entry ? labelOf(entry.body.detail) : t('caregiver.add_title')}
      closeLabel={t('common.close')}
      onClose={onClose}
      footer={
        mayEdit && (
          <>
            {entry && (
              <Button
                kind="careful"
                icon={kTrash}
                onClick={() =>
                  void finish(
                    () => family.tap([{ type: 'delete', recordId: entry.id }], entry),
                    t('caregiver.deleted'),
                  )
                }
              >
                {t('caregiver.delete')}
              </Button>
            )}
            <Button kind="main" disabled={!valid} onClick={save}>
              {t('common.save')}
            </Button>
          </>
        )
      }
    >
      {conflicts.map((conflict) => (
        <ConflictCard key={conflict.group} family={family} conflict={conflict} zone={zone} />
      ))}
      {!entry && (
        <Choice
          legend={t('caregiver.what')}
          options={kKinds.map((value) => ({ value, label: t(`caregiver.kind_${value}`) }))}
          value={form.kind}
          onChange={(chosen) => set({ kind: chosen })}
        />
      )}
      {form.kind === 'response' && (
        <Choice
          legend={t('caregiver.what_i_did')}
          options={kLevels.map((value) => ({ value, label: t(`caregiver.level_${value}`) }))}
          value={form.level}
          onChange={(level) => set({ level })}
        />
      )}
      <TimeEdit
        key={`begin-${entry?.id}`}
        legend={t(kLasting.includes(form.kind) ? 'caregiver.began' : 'caregiver.at')}
        value={form.begin}
        zone={zone}
        onChange={(begin) => set({ begin })}
      />
      {kLasting.includes(form.kind) &&
        (form.end === undefined ? (
          <Button
            icon={kPlus}
            onClick={() =>
              set({ end: Math.max(form.begin, Math.min(now.peek(), form.begin + 600_000)) })
            }
          >
            {t('caregiver.add_end')}
          </Button>
        ) : (
          <div class="stack">
            <TimeEdit
              legend={t('caregiver.ended')}
              value={form.end}
              zone={zone}
              onChange={(end) => set({ end })}
            />
            <Button kind="quiet" onClick={() => without('end')}>
              {t(form.kind === 'sleep' ? 'caregiver.still_asleep' : 'caregiver.no_end')}
            </Button>
          </div>
        ))}
      {form.end !== undefined && form.end < form.begin && (
        <p class="field-error" role="alert">
          {t('caregiver.end_before_begin')}
        </p>
      )}
      {form.kind === 'crying' && (
        <Choice
          legend={t('caregiver.intensity')}
          options={([0, 1, 2, 3] as const).map((value) => ({
            value,
            label: t(`caregiver.intensity_${value}`),
          }))}
          value={form.intensity}
          onChange={(intensity) => set({ intensity })}
        />
      )}
      {form.kind === 'feed' && (
        <Choice
          legend={t('caregiver.feed_kind')}
          options={kFeeds.map((value) => ({ value, label: t(`caregiver.feed_${value}`) }))}
          value={form.feedKind}
          onChange={(feedKind) => set({ feedKind })}
        />
      )}
      {form.kind === 'feed' && (
        <Field
          label={t('caregiver.amount_ml')}
          control={(ids) => (
            <input
              {...ids}
              class="input"
              type="number"
              inputMode="decimal"
              min={0}
              max={2000}
              value={form.amountMl ?? ''}
              onInput={({ currentTarget }) => {
                const amount = currentTarget.valueAsNumber;
                if (Number.isNaN(amount)) without('amountMl');
                else set({ amountMl: Math.min(2000, Math.max(0, amount)) });
              }}
            />
          )}
        />
      )}
      {form.kind === 'sleep' && (
        <Choice
          legend={t('caregiver.place')}
          options={kPlaces.map((value) => ({ value, label: t(`caregiver.sleep_${value}`) }))}
          value={form.place}
          onChange={(place) => set({ place })}
        />
      )}
      <Field
        label={t('caregiver.note')}
        control={(ids) => (
          <textarea
            {...ids}
            class="input"
            maxLength={2000}
            value={form.text}
            onInput={(event) => set({ text: event.currentTarget.value })}
          />
        )}
      />
      {form.kind === 'response' && (
        <details class="more">
          <summary>{t('caregiver.more')}</summary>
          <div class="stack">
            <Field
              label={t('caregiver.exempt')}
              hint={t('caregiver.exempt_hint')}
              control={(ids) => (
                <select
                  {...ids}
                  class="input"
                  value={form.exemptReason ?? ''}
                  onChange={({ currentTarget: { value } }) =>
                    value ? set({ exemptReason: value as ExemptReason }) : without('exemptReason')
                  }
                >
                  <option value="">{t('caregiver.exempt_none')}</option>
                  {kReasons.map((value) => (
                    <option key={value} value={value}>
                      {t(`caregiver.exempt_${value}`)}
                    </option>
                  ))}
                </select>
              )}
            />
            <Field
              label={t('caregiver.from_place')}
              control={(ids) => (
                <select
                  {...ids}
                  class="input"
                  value={form.position ?? ''}
                  onChange={({ currentTarget: { value } }) =>
                    value ? set({ position: value as Position }) : without('position')
                  }
                >
                  <option value="">{t('caregiver.not_said')}</option>
                  {kPositions.map((value) => (
                    <option key={value} value={value}>
                      {t(`caregiver.place_${value}`)}
                    </option>
                  ))}
                </select>
              )}
            />
          </div>
        </details>
      )}
      {failed.value && (
        <p class="field-error" role="alert">
          {failed.value}
        </p>
      )}
      {entry && (
        <div class="stack">
          <p class="small soft">{t('caregiver.logged_by', whoIs(family, entry.createdBy))}</p>
          {historyOpen.value ? (
            <History shown={shown} recordId={entry.id} />
          ) : (
            <Button
              kind="quiet"
              icon={kHistory}
              onClick={() => {
                historyOpen.value = true;
              }}
            >
              {t('caregiver.history')}
            </Button>
          )}
        </div>
      )}
    </Sheet>
  );
}
