// Takes a copy of everything away.
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

interface CopyProps {
  what: string;
  label: string;
  // The file, how many records it holds and how many taps could not be in it. Tells how many records
  // have come from the server.
  make: (come: (records: number) => void) => Promise<{
    file: Blob;
    name: string;
    records: number;
    pending: number;
  }>;
}

function Copy({ what, label, make }: CopyProps) {
  const call = useCall();
  const come = useSignal<number | undefined>(undefined);
  const saved = useSignal<{ records: number; pending: number } | undefined>(undefined);
  const copy = () =>
    call.run(async () => {
      come.value = undefined;
      saved.value = undefined;
      const made = await make((records) => {
        come.value = records;
      });
      save(made.file, made.name);
      saved.value = made;
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
        {saved.value && saved.value.pending > 0 && (
          <p>{t('family.export_pending', { count: saved.value.pending })}</p>
        )}
      </div>
      <Failure words={call.error.value} />
    </div>
  );
}

export function Download({ family }: { family: Family }) {
  const nameOf = (ending: string) => {
    const name = family.pairing.value.familyName.replace(/[^\p{L}\p{N}]+/gu, '-');
    return `nightlog-${name}-${wallTimeOf(Date.now(), zoneHere()).date}.${ending}`;
  };
  return (
    <>
      <Copy
        what={t('family.export_what')}
        label={t('family.export')}
        make={async (come) => {
          come(0);
          const { pending } = family.sync.value;
          const remote = await family.remote();
          const exported = await remote.exportFamily(family.pairing.value, come);
          return { ...exported, name: nameOf('jsonl'), pending };
        }}
      />
      <Copy
        what={t('family.tables_what')}
        label={t('family.tables')}
        make={async () => {
          // What this device shows, taps that are not sent included.
          await family.loadSince(0);
          const { toCsvTables } = await import('../sync/tables.ts');
          const records = family.records.value;
          return {
            file: zip(toCsvTables(records.values()), new Date()),
            name: nameOf('zip'),
            records: records.size,
            pending: 0,
          };
        }}
      />
    </>
  );
}
