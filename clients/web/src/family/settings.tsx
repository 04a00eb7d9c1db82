// Language, theme, and what this device is to the app: installed, allowed to keep its data, safe.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { installable } from '../app/install.ts';
import { LOCALES, type Locale, locale, setLocale, t } from '../i18n/index.ts';
import type { App } from '../model/app.ts';
import { Button } from '../ui/button.tsx';
import { Choice } from '../ui/field.tsx';
import { Icon, kAlert, kCheck, kPhone } from '../ui/icon.tsx';
import { setTheme, type Theme, theme } from '../ui/theme.ts';
import { installWay } from './codes.ts';

// Each language names itself.
const kLanguageNames: Record<Locale, string> = { en: 'English', de: 'Deutsch' };

export function Languages() {
  return (
    <Choice
      legend={t('family.language')}
      options={LOCALES.map((value) => ({ value, label: kLanguageNames[value] }))}
      value={locale()}
      onChange={(value) => void setLocale(value)}
    />
  );
}

export function Themes() {
  const options: readonly Theme[] = ['dark', 'light', 'auto'];
  return (
    <Choice
      legend={t('family.theme')}
      options={options.map((value) => ({ value, label: t(`family.theme_${value}`) }))}
      value={theme.value}
      onChange={setTheme}
    />
  );
}

// Without HTTPS browsers give no hashes, which sync needs, and no offline start: nobody pairs there.
export function InsecurePage() {
  return (
    <main class="page family stack">
      <h1 class="with-mark">
        <Icon path={kAlert} size={24} />
        {t('family.insecure_title')}
      </h1>
      <p>{t('family.insecure_what')}</p>
      <p>{t('family.insecure_do')}</p>
      <Languages />
    </main>
  );
}

function useStandalone(): boolean {
  const standalone = useSignal(false);
  useEffect(() => {
    const query = matchMedia('(display-mode: standalone)');
    const read = () => {
      standalone.value = query.matches;
    };
    read();
    query.addEventListener('change', read);
    return () => query.removeEventListener('change', read);
  }, []);
  return standalone.value;
}

export function ThisDevice({ app }: { app: App }) {
  const way = installWay({
    standalone: useStandalone(),
    canAsk: installable.value !== undefined,
    agent: navigator.userAgent,
  });
  const refused = useSignal(false);
  return (
    <div class="stack">
      <div class="device-line">
        <Icon path={way === 'installed' ? kCheck : kPhone} size={22} />
        <div class="stack tight">
          <p class="title">
            {t(way === 'installed' ? 'family.installed' : 'family.install_title')}
          </p>
          {way !== 'installed' && (
            <p class="small soft">
              {t(
                way === 'ios'
                  ? 'family.install_ios'
                  : way === 'menu'
                    ? 'family.install_menu'
                    : 'family.install_why',
              )}
            </p>
          )}
          {way === 'ask' && (
            <div>
              <Button onClick={() => void installable.value?.prompt()}>
                {t('family.install')}
              </Button>
            </div>
          )}
        </div>
      </div>
      <div class="device-line">
        <Icon path={app.persisted.value ? kCheck : kAlert} size={22} />
        <div class="stack tight">
          <p class="title">{t(app.persisted.value ? 'family.kept' : 'family.not_kept')}</p>
          {!app.persisted.value && (
            <>
              <p class="small soft">
                {t(refused.value ? 'family.keep_refused' : 'family.keep_why')}
              </p>
              <div>
                <Button
                  onClick={async () => {
                    refused.value = !(await app.askToPersist());
                  }}
                >
                  {t('family.keep_ask')}
                </Button>
              </div>
            </>
          )}
        </div>
      </div>
    </div>
  );
}
