// Takes copies away.
import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import type { Family } from '../model/app.ts';
import { Button } from '../ui/button.tsx';
import { wallTimeOf, zoneHere } from '../ui/local_time.ts';
import { Failure, useCall } from './parts.tsx';
import { zip } from './zip.ts';

// Some browsers read the file only a while after they were told to save it.
const kFileKeptMs = 60_000;

function save(file: Blob, name: string): void {
  const link = document.createElement('a');
  link.href = URL.createObjectURL(file);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), kFileKeptMs);
}

// Taps that are no records: not on the server yet, not taken by it, or sent late by a removed device.
const kLeft = ['pending', 'attention', 'late'] as const;

interface Copied {
  file: Blob;
  name: string;
  records: number;
  left?: Record<(typeof kLeft)[number], number>;
}

interface CopyProps {
  what: string;
  label: string;
  // Tells how many records have come from the server.
  make: (come: (records: number) => void) => Promise<Copied>;
}

function Copy({ what, label, make }: CopyProps) {
  const call = useCall();
  const come = useSignal<number | undefined>(undefined);
  const saved = useSignal<Pick<Copied, 'records' | 'left'> | undefined>(undefined);
  const copy = () =>
    call.run(async () => {
      come.value = undefined;
      saved.value = undefined;
      const { file, name, ...held } = await make((records) => {
        come.value = records;
      });
      save(file, name);
      saved.value = held;
    });
  return (
    <div class="stack tight">
      <p class="small soft">{what}</p>
      <div>
        <Button disabled={call.busy.value} onClick={() => void copy()}>
          {label}
        </Button>
      </div>
      <div class="small" role="status">
        {call.busy.value && come.value !== undefined && (
          <p>{t('family.export_come', { count: come.value })}</p>
        )}
        {saved.value && <p>{t('family.export_saved', { count: saved.value.records })}</p>}
        {kLeft.map((kind) => {
          const count = saved.value?.left?.[kind] ?? 0;
          return count > 0 && <p key={kind}>{t(`family.export_${kind}`, { count })}</p>;
        })}
      </div>
      <Failure words={call.error.value} />
    </div>
  );
}

function nameOf(family: Family, ending: string): string {
  const name = family.pairing.value.familyName.replace(/[^\p{L}\p{N}]+/gu, '-');
  return `nightlog-${name}-${wallTimeOf(Date.now(), zoneHere()).date}.${ending}`;
}

// All that the server has. For owners and caregivers.
export function Everything({ family }: { family: Family }) {
  return (
    <Copy
      what={t('family.export_what')}
      label={t('family.export')}
      make={async (come) => {
        come(0);
        const { pending, attention } = family.sync.value;
        const pairing = family.pairing.value;
        const exported = await (await family.remote()).exportFamily(pairing, come);
        const late = pairing.role === 'owner' ? (await family.listLateTaps()).length : 0;
        return { ...exported, name: nameOf(family, 'jsonl'), left: { pending, attention, late } };
      }}
    />
  );
}

// What this device shows, taps that are not sent included.
export function Tables({ family }: { family: Family }) {
  return (
    <Copy
      what={t('family.tables_what')}
      label={t('family.tables')}
      make={async () => {
        await family.loadSince(0);
        const { toCsvTables } = await import('../sync/tables.ts');
        const records = family.records.value;
        return {
          file: zip(toCsvTables(records.values()), new Date()),
          name: nameOf(family, 'zip'),
          records: records.size,
        };
      }}
    />
  );
}
