import type { AreaProps } from '../app/shell.tsx';
import { t } from '../i18n/index.ts';

export default function Desk({ app }: AreaProps) {
  return (
    <main>
      <h1>{t('consultant.title')}</h1>
      <ul>
        {app.families.value.map((family) => (
          <li key={family.id}>{family.pairing.value.familyName}</li>
        ))}
      </ul>
    </main>
  );
}
