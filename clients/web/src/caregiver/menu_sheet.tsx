import { LOCALES, type Locale, locale, setLocale, t } from '../i18n/index.ts';
import { Choice } from '../ui/field.tsx';
import { Icon, kAlert, kMoon, kPeople } from '../ui/icon.tsx';
import { kCalendar, kSpeech } from '../ui/icons.ts';
import { Sheet } from '../ui/sheet.tsx';
import { setTheme, type Theme, theme } from '../ui/theme.ts';
import type { Shown } from './choice.ts';

const kLanguages: Record<Locale, string> = { en: 'English', de: 'Deutsch' };
const kThemes: readonly Theme[] = ['dark', 'light', 'auto'];

export default function MenuSheet({ shown, onClose }: { shown: Shown; onClose: () => void }) {
  const waiting = shown.family.attention.value.length + shown.family.conflicts.value.length;
  const links = [
    { href: '#/tonight', icon: kMoon, words: t('caregiver.title') },
    { href: '#/tonight/nights', icon: kCalendar, words: t('caregiver.nights') },
    { href: '#/tonight/plan', icon: kSpeech, words: t('caregiver.plan_and_comments') },
    {
      href: '#/tonight/attention',
      icon: kAlert,
      words: t('caregiver.attention_link', { count: waiting }),
    },
    { href: '#/family', icon: kPeople, words: t('caregiver.family') },
  ];
  return (
    <Sheet title={t('caregiver.menu')} closeLabel={t('common.close')} onClose={onClose}>
      <nav aria-label={t('caregiver.menu')}>
        <ul class="menu-links">
          {links.map(({ href, icon, words }) => (
            <li key={href}>
              <a href={href} onClick={onClose}>
                <Icon path={icon} />
                {words}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <Choice
        legend={t('caregiver.theme')}
        options={kThemes.map((value) => ({ value, label: t(`caregiver.theme_${value}`) }))}
        value={theme.value}
        onChange={setTheme}
      />
      <Choice
        legend={t('caregiver.language')}
        options={LOCALES.map((value) => ({ value, label: kLanguages[value] }))}
        value={locale()}
        onChange={(value) => void setLocale(value)}
      />
    </Sheet>
  );
}
