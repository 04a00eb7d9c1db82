// Who came and went, by whose invite, and what was taken from whom: a plain list, asked for on a tap.
import { useSignal } from '@preact/signals';
import { type MessageKey, t } from '../i18n/index.ts';
import { day, timeOfDay } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { AccessEvent, Id, MemberWithDevices } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Failure, useCall } from './parts.tsx';

// Those that have words of their own.
const KINDS = [
  'family_created',
  'invite_given',
  'device_paired',
  'invite_voided',
  'invite_refused',
  'device_revoked',
  'member_removed',
  'member_left',
  'role_changed',
  'consent_changed',
  'consent_ended',
  'replica_renewed',
  'token_rotated',
  'family_exported',
  'quarantine_accepted',
  'quarantine_refused',
] as const;

// What an event says but for when, in the reader's language.
export function eventWords(event: AccessEvent, members: readonly MemberWithDevices[]): string {
  const kind = KINDS.find((known) => known === event.kind);
  if (!kind) return t('family.event_other');
  const devices = members.flatMap((member) => member.devices);
  const person = (id: Id | undefined) =>
    members.find(({ memberId }) => memberId === id)?.member.name ?? t('family.events_somebody');
  const device = (id: Id | undefined) =>
    devices.find(({ deviceId }) => deviceId === id)?.name ?? t('family.events_device');
  const key: MessageKey = `family.event_${kind}`;
  const words = t(key, {
    actor: person(event.actorMemberId),
    phone: device(event.actorDeviceId),
    subject: person(event.subjectMemberId),
    device: device(event.subjectDeviceId),
    role: event.role ? t(`family.role_${event.role}`) : '',
    until: event.consentUntil === undefined ? '' : day(event.consentUntil),
  });
  return event.count > 1 ? `${words} ${t('family.events_times', { count: event.count })}` : words;
}

export function Events({ family }: { family: Family }) {
  const call = useCall();
  const events = useSignal<readonly AccessEvent[] | undefined>(undefined);
  const members = useSignal<readonly MemberWithDevices[]>([]);
  const next = useSignal<string | undefined>(undefined);
  const load = () =>
    call.run(async () => {
      if (!events.value) members.value = await family.listMembers();
      const page = await family.listEvents(next.value);
      events.value = [...(events.value ?? []), ...page.events];
      next.value = page.pageToken;
    });
  return (
    <section class="card" aria-labelledby="events-title">
      <h2 id="events-title">{t('family.events_title')}</h2>
      <p class="small soft">{t('family.events_what')}</p>
      <Failure words={call.error.value} />
      {events.value && (
        <ol class="events">
          {events.value.map((event) => (
            <li key={event.number}>
              <time class="small soft" dateTime={new Date(event.at).toISOString()}>
                {day(event.at)} {timeOfDay(event.at)}
              </time>
              <span>{eventWords(event, members.value)}</span>
            </li>
          ))}
        </ol>
      )}
      {(!events.value || next.value) && (
        <div>
          <Button disabled={call.busy.value} onClick={() => void load()}>
            {t(events.value ? 'family.events_more' : 'family.events_show')}
          </Button>
        </div>
      )}
    </section>
  );
}
