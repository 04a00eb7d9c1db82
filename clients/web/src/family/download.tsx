// Takes a copy of everything away.
import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import type { Family } from '../model/app.ts';
import { Button } from '../ui/button.tsx';
import { wallTimeOf, zoneHere } from '../ui/local_time.ts';
import { Failure, useCall } from './parts.tsx';

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
  // Records that have come so far.
  const come = useSignal(0);
  // Records in the file, and taps that could not be in it.
  const saved = useSignal<{ records: number; pending: number } | undefined>(undefined);
  const download = () =>
    call.run(async () => {
      come.value = 0;
      saved.value = undefined;
      const { pending } = family.sync.value;
      const pairing = family.pairing.value;
      const { file, records } = await (await family.remote()).exportFamily(pairing, (count) => {
        come.value = count;
      });
      const name = pairing.familyName.replace(/[^\p{L}\p{N}]+/gu, '-');
      save(file, `nightlog-${name}-${wallTimeOf(Date.now(), zoneHere()).date}.jsonl`);
      saved.value = { records, pending };
    });
  return (
    <div class="stack tight">
      <p class="small soft">{t('family.export_what')}</p>
      <div>
        <Button disabled={call.busy.value} onClick={() => void download()}>
          {t('family.export')}
        </Button>
      </div>
      <div class="small" role="status">
        {call.busy.value && <p>{t('family.export_come', { count: come.value })}</p>}
        {saved.value && <p>{t('family.export_saved', { count: saved.value.records })}</p>}
        {saved.value && saved.value.pending > 0 && (
          <p>{t('family.export_pending', { count: saved.value.pending })}</p>
        )}
      </div>
      <Failure words={call.error.value} />
    </div>
  );
}
