// A child: name, birth date, home zone, and what the night is.
import { useSignal } from '@preact/signals';
import { useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import type { Family } from '../model/app.ts';
import type { Child, RecordOf } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Form } from '../ui/form.tsx';
import { zoneHere } from '../ui/local_time.ts';
import { Failure, useCall } from './parts.tsx';
import { SelectField } from './select_field.tsx';
import { TextField } from './text_field.tsx';

interface ChildFormProps {
  family: Family;
  // Absent: a new one.
  child?: RecordOf<'child'> | undefined;
  onSaved: () => void;
}

// Every zone that this browser knows, `first` and that of this device before all others.
export function zoneOptions(first: string) {
  const zones = new Set([first, zoneHere(), ...(Intl.supportedValuesOf?.('timeZone') ?? [])]);
  return [...zones].map((value) => ({ value, label: value }));
}

export function ChildForm({ family, child: current, onSaved }: ChildFormProps) {
  // As it was when the form was opened: what comes meanwhile is not replaced unseen.
  const [child] = useState(current);
  const body = child?.body;
  const name = useSignal(body?.name ?? '');
  const birth = useSignal(body?.birthDate ?? '');
  const due = useSignal(body?.dueDate ?? '');
  const rise = useSignal(body?.desiredRiseTime ?? '');
  const from = useSignal(body?.nightWindow?.start ?? '19:00');
  const to = useSignal(body?.nightWindow?.end ?? '07:00');
  const zone = useSignal(body?.homeZone ?? zoneHere());
  const call = useCall();

  const save = async () => {
    const written: Child = { name: name.value.trim(), homeZone: zone.value };
    if (birth.value) written.birthDate = birth.value;
    if (due.value) written.dueDate = due.value;
    if (rise.value) written.desiredRiseTime = rise.value;
    const usual = from.value === '19:00' && to.value === '07:00';
    if ((!usual || body?.nightWindow) && from.value && to.value && from.value !== to.value) {
      written.nightWindow = { ...body?.nightWindow, start: from.value, end: to.value };
    }
    const done = await call.run(async () => {
      if (child) {
        const changed = Object.fromEntries(
          Object.entries(written).filter(
            ([key, value]) =>
              JSON.stringify(value) !== JSON.stringify(child.body[key as keyof Child]),
          ),
        );
        if (Object.keys(changed).length > 0) {
          const { id: recordId, kind } = child;
          await family.tap([{ type: 'set', recordId, kind, groups: changed }], child);
        }
      } else {
        await family.addChild(written);
      }
      return true;
    });
    if (done) onSaved();
  };
  return (
    <Form onSubmit={save}>
      <TextField
        label={t('family.child_name')}
        text={name}
        autocomplete="off"
        maxLength={60}
        required
      />
      <div class="pair">
        <TextField
          label={t('family.birth_date')}
          hint={t('family.birth_date_hint')}
          text={birth}
          type="date"
        />
        <TextField
          label={t('family.due_date')}
          hint={t('family.due_date_hint')}
          text={due}
          type="date"
        />
      </div>
      <details class="behind">
        <summary>{t('family.more')}</summary>
        <div class="stack">
          <div class="pair">
            <TextField label={t('family.night_from')} text={from} type="time" required />
            <TextField label={t('family.night_to')} text={to} type="time" required />
            <TextField
              label={t('family.rise')}
              hint={t('family.rise_hint')}
              text={rise}
              type="time"
            />
          </div>
          <SelectField
            label={t('family.zone')}
            hint={t('family.zone_hint')}
            options={zoneOptions(zone.value)}
            choice={zone}
          />
        </div>
      </details>
      <Failure words={call.error.value} />
      <Button
        kind="main"
        class="big"
        wide
        type="submit"
        disabled={name.value.trim() === '' || call.busy.value}
      >
        {t('family.save')}
      </Button>
    </Form>
  );
}
