// The caregiver's pages. Tonight is here, small and at once; what is read by daylight is fetched
// when it is opened.
import './caregiver.css';
import type { AreaProps } from '../app/shell.tsx';
import { t } from '../i18n/index.ts';
import { lazy } from '../ui/lazy.tsx';
import { childrenOf, shownOf } from './choice.ts';
import { Tonight } from './tonight.tsx';

const Nights = lazy(async () => (await import('./day_pages.ts')).Nights);
const NightPage = lazy(async () => (await import('./day_pages.ts')).NightPage);
const PlanPage = lazy(async () => (await import('./day_pages.ts')).PlanPage);
const Attention = lazy(async () => (await import('./day_pages.ts')).Attention);

export default function Caregiver({ app, path }: AreaProps) {
  const [page, argument] = path;
  const shown = shownOf(app, page === 'attention' ? argument : undefined);
  if (!shown) {
    return (
      <main class="page stack">
        <h1>{t('caregiver.title')}</h1>
        <p>{t('caregiver.no_child')}</p>
        <a class="button main" href="#/family">
          {t('caregiver.add_child')}
        </a>
      </main>
    );
  }
  if (page === 'nights') return <Nights shown={shown} />;
  if (page === 'night' && argument) {
    return <NightPage key={argument} shown={shown} date={argument} />;
  }
  if (page === 'plan') return <PlanPage shown={shown} />;
  if (page === 'attention') return <Attention shown={shown} />;
  return <Tonight key={shown.child.id} app={app} shown={shown} all={childrenOf(app)} />;
}
