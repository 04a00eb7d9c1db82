// The frame of the app: waits for this phone's storage, and shows the area that the address names.
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { type Area, loadMessages, t } from '../i18n/index.ts';
import type { App } from '../model/app.ts';
import { route } from './route.ts';

// What an area's module exports by default.
export interface AreaProps {
  app: App;
  // The address below the area.
  path: readonly string[];
}
type AreaModule = { default: ComponentType<AreaProps> };

const areas: Record<string, { messages: Area; load: () => Promise<AreaModule> }> = {
  tonight: { messages: 'caregiver', load: () => import('../caregiver/index.tsx') },
  desk: { messages: 'consultant', load: () => import('../consultant/index.tsx') },
  family: { messages: 'family', load: () => import('../family/index.tsx') },
};

// The theme chosen on this device; until it is known the page is dark.
void import('../ui/theme.ts');

const shown = signal<Record<string, ComponentType<AreaProps> | 'loading' | 'failed'>>({});

function open(name: string): void {
  const area = areas[name];
  if (!area || (shown.peek()[name] ?? 'failed') !== 'failed') return;
  shown.value = { ...shown.peek(), [name]: 'loading' };
  Promise.all([area.load(), loadMessages(area.messages)]).then(
    ([module]) => {
      shown.value = { ...shown.peek(), [name]: module.default };
    },
    () => {
      shown.value = { ...shown.peek(), [name]: 'failed' };
    },
  );
}

// Where a person who opens the app belongs.
function homeOf(app: App): string {
  const families = app.families.value;
  if (families.length === 0) return 'family';
  return families.every((family) => family.pairing.value.role === 'consultant')
    ? 'desk'
    : 'tonight';
}

export function Shell({ app }: { app: App }) {
  if (app.state.value === 'starting') return <main aria-busy="true">{t('common.loading')}</main>;
  if (app.state.value === 'unusable') return <main role="alert">{t('common.unusable')}</main>;
  const name = route.value.area in areas ? route.value.area : homeOf(app);
  if (!(name in shown.value)) open(name);
  const Shown = shown.value[name];
  return (
    <>
      {app.state.value === 'evicted' && <p role="alert">{t('common.evicted')}</p>}
      {typeof Shown === 'function' ? (
        <Shown app={app} path={route.value.area === name ? route.value.path : []} />
      ) : Shown === 'failed' ? (
        <main role="alert">
          <p>{t('common.area_failed')}</p>
          <button type="button" onClick={() => open(name)}>
            {t('common.try_again')}
          </button>
        </main>
      ) : (
        <main aria-busy="true">{t('common.loading')}</main>
      )}
    </>
  );
}
