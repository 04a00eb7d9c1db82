// Whose night is shown: the child chosen on this phone, else the first one.
import { computed, type ReadonlySignal, signal } from '@preact/signals';
import type { App, Family } from '../model/app.ts';
import { planOn } from '../model/plans.ts';
import type { Id, RecordOf } from '../model/types.ts';
import { soon } from '../ui/now.ts';
import { type Night, nightOfEntries, tonightOf } from './night.ts';

export interface Shown {
  family: Family;
  child: RecordOf<'child'>;
}

const kKey = 'nightlog.child';

const chosen = signal(localStorage.getItem(kKey));

// Every child this phone logs for.
export function childrenOf(app: App): Shown[] {
  return app.families.value
    .filter((family) => family.pairing.value.role !== 'consultant')
    .flatMap((family) => family.list('child').value.map((child) => ({ family, child })));
}

// `childId`: that child, whatever was chosen.
export function shownOf(app: App, childId?: Id): Shown | undefined {
  const all = childrenOf(app);
  const find = (id: Id | null) => all.find(({ child }) => child.id === id);
  return find(childId ?? null) ?? find(chosen.value) ?? all[0];
}

export function choose({ child }: Shown): void {
  chosen.value = child.id;
  localStorage.setItem(kKey, child.id);
}

// Tonight of that child; follows the log and the clock.
export function tonight({ family, child }: Shown): ReadonlySignal<Night> {
  const entries = family.list('logEntry');
  return computed(() => {
    const date = tonightOf(child.body, soon.value);
    const gap = planOn(family, child.id, date)?.plan.body.approach.cryMergeGapMin;
    return nightOfEntries(entries.value, child.id, child.body, date, soon.value, gap);
  });
}
