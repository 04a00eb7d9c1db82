import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import { duration } from '../i18n/intl.ts';
import { soon } from '../ui/now.ts';
import { Sheet } from '../ui/sheet.tsx';
import { TimeEdit } from '../ui/time_edit.tsx';
import type { Shown } from './choice.ts';
import { handoverSince, lastTapOf } from './handover.ts';
import type { Night } from './night.ts';
import { labelOf, nameOf, timesOf, whoIs } from './words.ts';

interface HandoverSheetProps {
  shown: Shown;
  night: Night;
  onClose: () => void;
}

// Since this member's last tap, or since the time they choose.
export function HandoverSheet({ shown: { family, child }, night, onClose }: HandoverSheetProps) {
  const since = useSignal(lastTapOf(night, family));
  const handover = handoverSince(night, family, since.value, soon.value);
  return (
    <Sheet title={t('caregiver.handover')} closeLabel={t('common.close')} onClose={onClose}>
      <TimeEdit
        legend={t('caregiver.handover_since')}
        value={since.value}
        zone={child.body.homeZone}
        onChange={(at) => {
          since.value = at;
        }}
      />
      <dl class="facts" aria-live="polite">
        <div>
          <dt>{t('caregiver.wakings')}</dt>
          <dd>{handover.wakings}</dd>
        </div>
        <div>
          <dt>{t('caregiver.asleep_for')}</dt>
          <dd>{duration(handover.asleepMs)}</dd>
        </div>
        <div>
          <dt>{t('caregiver.crying_for')}</dt>
          <dd>{night.facts.crying.length > 0 ? duration(handover.cryingMs) : '–'}</dd>
        </div>
        {handover.helps.map(({ memberId, count }) => (
          <div key={memberId ?? ''}>
            <dt>{t('caregiver.helped_by', whoIs(family, memberId))}</dt>
            <dd>{t('caregiver.times', { count })}</dd>
          </div>
        ))}
      </dl>
      <ol class="entries plain">
        {handover.entries.map(({ id, body, createdBy }) => (
          <li key={id} class="entry-line">
            <span>{timesOf(body.interval, child.body)}</span>
            <span class="entry-words">
              <span>{labelOf(body.detail)}</span>
              {body.text && <span class="entry-text">{body.text}</span>}
            </span>
            <span class="soft">{nameOf(family, createdBy)}</span>
          </li>
        ))}
      </ol>
      {handover.entries.length === 0 && <p class="soft">{t('caregiver.handover_none')}</p>}
    </Sheet>
  );
}
