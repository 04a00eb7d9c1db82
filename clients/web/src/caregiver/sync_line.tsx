import { t } from '../i18n/index.ts';
import { timeOfDay } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { SyncState, Zone } from '../model/types.ts';
import { Icon, kAlert, kCheck, kCloud, kOffline, kPhone } from '../ui/icon.tsx';
import { isMe, nameOf } from './words.ts';

const kIcons: Record<SyncState, string> = {
  needs_attention: kAlert,
  closed: kAlert,
  not_shared: kPhone,
  offline: kOffline,
  saved_here: kPhone,
  synced: kCloud,
};

interface SyncLineProps {
  family: Family;
  zone: Zone;
  online: boolean;
}

// Always in view: where what was logged is. Each state has a sign of its own and says it in words.
export function SyncLine({ family, zone, online }: SyncLineProps) {
  const { state, pending, attention, syncedAt, onDevices } = family.sync.value;
  const reached = online || (state !== 'synced' && state !== 'saved_here');
  const known = reached ? state : 'offline';
  const other = onDevices.find(({ memberId }) => !isMe(family, memberId));
  const words =
    known === 'synced' && syncedAt !== undefined
      ? t('caregiver.sync_synced_at', { time: timeOfDay(syncedAt, zone) })
      : t(`caregiver.sync_${known}`, { pending, attention });
  return (
    <p class={`sync-line ${known}`} data-sync={known}>
      <Icon path={kIcons[known]} size={18} />
      {known === 'needs_attention' || known === 'not_shared' ? (
        <a href="#/tonight/attention">{words}</a>
      ) : (
        <span>{words}</span>
      )}
      {other && known !== 'closed' && (
        <span class="sync-other">
          <Icon path={kCheck} size={18} />
          <span>
            {t('caregiver.sync_on_phone', {
              name: nameOf(family, other.memberId),
              time: timeOfDay(other.since, zone),
            })}
          </span>
        </span>
      )}
    </p>
  );
}
