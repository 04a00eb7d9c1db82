import type { AreaProps } from '../app/shell.tsx';
import { t } from '../i18n/index.ts';

export default function Tonight({ app }: AreaProps) {
  return (
    <main>
      <h1>{t('caregiver.title')}</h1>
      <ul>
        {app.families.value.map((family) => (
          <li key={family.id}>{family.pairing.value.familyName}</li>
        ))}
      </ul>
    </main>
  );
}
