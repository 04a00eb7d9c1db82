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

export function Download({ family }: { family: Family }) {
  const call = useCall();
  // Records that have come from the server so far.
  const come = useSignal<number | undefined>(undefined);
  // Records in the file, and taps that could not be in it.
  const saved = useSignal<{ records: number; pending: number } | undefined>(undefined);
  const keep = (file: Blob, ending: string) => {
    const name = family.pairing.value.familyName.replace(/[^\p{L}\p{N}]+/gu, '-');
    save(file, `nightlog-${name}-${wallTimeOf(Date.now(), zoneHere()).date}.${ending}`);
  };
  const download = () =>
    call.run(async () => {
      come.value = 0;
      saved.value = undefined;
      const { pending } = family.sync.value;
      const remote = await family.remote();
      const { file, records } = await remote.exportFamily(family.pairing.value, (count) => {
        come.value = count;
      });
      keep(file, 'jsonl');
      saved.value = { records, pending };
    });
  // What this device shows, taps that are not sent included.
  const tables = () =>
    call.run(async () => {
      come.value = undefined;
      saved.value = undefined;
      await family.loadSince(0);
      const { toCsvTables } = await import('../sync/tables.ts');
      const records = family.records.value;
      keep(zip(toCsvTables(records.values()), new Date()), 'zip');
      saved.value = { records: records.size, pending: 0 };
    });
  return (
    <>
      <div class="stack tight">
        <p class="small soft">{t('family.export_what')}</p>
        <div>
          <Button disabled={call.busy.value} onClick={() => void download()}>
            {t('family.export')}
          </Button>
        </div>
      </div>
      <div class="stack tight">
        <p class="small soft">{t('family.tables_what')}</p>
        <div>
          <Button disabled={call.busy.value} onClick={() => void tables()}>
            {t('family.tables')}
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
    </>
  );
}
