// The family and this device: the first start, who belongs to it, and settings.
import './family.css';
import { go, hrefOf } from '../app/route.ts';
import type { AreaProps } from '../app/shell.tsx';
import { t } from '../i18n/index.ts';
import { Icon } from '../ui/icon.tsx';
import { kBack } from '../ui/icons.ts';
import { lazy } from '../ui/lazy.tsx';
import { ChildForm } from './child_form.tsx';
import { HomePage, OneFamilyPage } from './family_page.tsx';
import { FirstSteps } from './first_steps.tsx';
import { Page } from './parts.tsx';
import { InsecurePage } from './settings.tsx';
import { Create, Join, Welcome } from './start.tsx';

const ImportPage = lazy(() => import('./import_page.tsx').then((module) => module.ImportPage));
const DiaryPage = lazy(() => import('./diary_page.tsx').then((module) => module.DiaryPage));

export default function FamilyPages({ app, path }: AreaProps) {
  if (!isSecureContext) return <InsecurePage />;
  const [first, page, argument] = path;
  if (first === 'setup') return <Create app={app} />;
  if (first === 'join') return <Join app={app} />;
  const family = app.families.value.find(({ id }) => id === first);
  if (family && page === 'first') {
    return <FirstSteps key={argument} app={app} family={family} step={argument} />;
  }
  if (family && page === 'child') {
    const child = family.list('child').value.find(({ id }) => id === argument);
    return (
      <Page title={child?.body.name ?? t('family.add_child')} back={<Back />}>
        <ChildForm
          key={argument}
          family={family}
          child={child}
          onSaved={() => go(['family'], true)}
        />
      </Page>
    );
  }
  if (family && page === 'import') {
    return (
      <Page title={t('family.import_title')} intro={t('family.import_intro')} back={<Back />}>
        <ImportPage family={family} />
      </Page>
    );
  }
  if (family && page === 'diary') return <DiaryPage family={family} back={<Back />} />;
  if (family) return <OneFamilyPage family={family} />;
  return app.families.value.length === 0 ? <Welcome /> : <HomePage app={app} />;
}

function Back() {
  return (
    <nav class="crumbs">
      <a class="with-mark" href={hrefOf('family')}>
        <Icon path={kBack} size={18} />
        {t('family.back')}
      </a>
    </nav>
  );
}
