import { t } from '../i18n/index.ts';
import { Button } from '../ui/button.tsx';
import { Sheet } from '../ui/sheet.tsx';
import type { Shown } from './choice.ts';

interface SwitchSheetProps {
  all: readonly Shown[];
  shown: Shown;
  onChoose: (shown: Shown) => void;
  onClose: () => void;
}

// Whose night: one large button a child.
export default function SwitchSheet({ all, shown, onChoose, onClose }: SwitchSheetProps) {
  const severalFamilies = new Set(all.map(({ family }) => family.id)).size > 1;
  return (
    <Sheet title={t('caregiver.switch_child')} closeLabel={t('common.close')} onClose={onClose}>
      <div class="stack">
        {all.map((one) => (
          <Button
            key={one.child.id}
            wide
            class="tall"
            kind={one.child.id === shown.child.id ? 'main' : 'plain'}
            aria-current={one.child.id === shown.child.id}
            onClick={() => {
              onClose();
              onChoose(one);
            }}
          >
            {one.child.body.name}
            {severalFamilies && ` · ${one.family.pairing.value.familyName}`}
          </Button>
        ))}
      </div>
    </Sheet>
  );
}
