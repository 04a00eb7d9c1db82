// The people of a family and their devices, and how to end access.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { day, relative } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { ConsentScope, Device, MemberWithDevices } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Chip } from '../ui/chip.tsx';
import { Choice } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { Icon, kPhone } from '../ui/icon.tsx';
import { dateOf, endOfDay } from './codes.ts';
import { Consent } from './invite_sheet.tsx';
import { Failure, TwoTaps, useCall } from './parts.tsx';
import { TextField } from './text_field.tsx';

export function Members({ family }: { family: Family }) {
  const members = useSignal<readonly MemberWithDevices[] | undefined>(undefined);
  const call = useCall();
  const load = () =>
    call.run(async () => {
      members.value = await family.listMembers();
    });
  // The list is asked again when a member changes: somebody joined, or consent was set.
  const known = family.list('member').value;
  useEffect(() => {
    void load();
  }, [known]);
  const { memberId, role } = family.pairing.value;
  const shown = (
    members.value ?? known.map(({ id, body }) => ({ memberId: id, member: body, devices: [] }))
  ).filter(({ member }) => !member.removed);
  return (
    <div class="stack">
      <Failure words={call.error.value} />
      <ul class="members">
        {shown.map((each) => (
          <MemberItem
            key={each.memberId}
            family={family}
            each={each}
            mine={each.memberId === memberId}
            owner={role === 'owner'}
            onChanged={() => void load()}
          />
        ))}
      </ul>
    </div>
  );
}

interface MemberItemProps {
  family: Family;
  each: MemberWithDevices;
  mine: boolean;
  // Whether the reader may change what others may do.
  owner: boolean;
  onChanged: () => void;
}

function MemberItem({ family, each, mine, owner, onChanged }: MemberItemProps) {
  const { memberId, member, devices } = each;
  const call = useCall();
  const name = member.name ?? '?';
  const change = async (what: () => Promise<void>) => {
    await call.run(what);
    onChanged();
  };
  const consultant = member.role === 'consultant';
  const over = member.until !== undefined && member.until < Date.now();
  return (
    <li class="member card">
      <div class="row">
        <span class="face" aria-hidden="true">
          {[...name][0]?.toLocaleUpperCase()}
        </span>
        <div>
          <h3>
            {name}
            {mine && <span class="soft"> {t('family.that_is_you')}</span>}
          </h3>
          <p class="small soft">
            {member.role && t(`family.role_${member.role}`)}
            {member.since !== undefined && ` · ${t('family.since', { date: day(member.since) })}`}
          </p>
        </div>
      </div>
      {consultant && (
        <p class="small">
          {over
            ? t('family.consent_over')
            : `${t(`family.sees_${member.consentScope ?? 'nights'}`)} ${
                member.until === undefined
                  ? ''
                  : t('family.sees_until', { date: day(member.until) })
              }`}
        </p>
      )}
      {devices.length > 0 && (
        <ul class="devices">
          {devices
            .filter(({ revoked }) => !revoked)
            .map((device) => (
              <DeviceItem
                key={device.deviceId}
                device={device}
                here={device.deviceId === family.pairing.value.deviceId}
                mayRevoke={owner || mine}
                onRevoke={() => change(() => family.revokeDevice(device.deviceId))}
              />
            ))}
        </ul>
      )}
      <Failure words={call.error.value} />
      {owner && !mine && (
        <div class="row">
          {consultant && !over && (
            <ConsentEditor
              scope={member.consentScope ?? 'nights'}
              until={dateOf(member.until ?? Date.now())}
              onSave={(scope, until) =>
                change(async () =>
                  (await family.remote()).setConsent(family.id, memberId, scope, until),
                )
              }
            />
          )}
          <TwoTaps
            first={t(consultant ? 'family.end_consent' : 'family.remove')}
            question={t(consultant ? 'family.end_consent_sure' : 'family.remove_sure', { name })}
            second={t(consultant ? 'family.end_consent_now' : 'family.remove_now')}
            busy={call.busy.value}
            onSure={() =>
              void change(async () => (await family.remote()).removeMember(family.id, memberId))
            }
          />
        </div>
      )}
    </li>
  );
}

interface DeviceItemProps {
  device: Device;
  here: boolean;
  mayRevoke: boolean;
  onRevoke: () => void;
}

function DeviceItem({ device, here, mayRevoke, onRevoke }: DeviceItemProps) {
  return (
    <li class="device">
      <Icon path={kPhone} size={20} />
      <div class="device-words">
        <p>
          {device.name} {here && <Chip tone="accent">{t('family.this_device')}</Chip>}
        </p>
        <p class="small soft">
          {device.acknowledgedAt === undefined
            ? t('family.not_synced_yet')
            : t('family.up_to_date', { when: relative(device.acknowledgedAt, Date.now()) })}
          {device.pairedAt !== undefined &&
            ` · ${t('family.paired', { date: day(device.pairedAt) })}`}
        </p>
      </div>
      {mayRevoke && !here && (
        <TwoTaps
          kind="quiet"
          first={t('family.shut_out')}
          question={t('family.shut_out_sure', { device: device.name })}
          second={t('family.shut_out_now')}
          onSure={onRevoke}
        />
      )}
    </li>
  );
}

interface ConsentEditorProps {
  scope: ConsentScope;
  until: string;
  onSave: (scope: ConsentScope, until: number) => void;
}

function ConsentEditor(given: ConsentEditorProps) {
  const open = useSignal(false);
  const scope = useSignal(given.scope);
  const until = useSignal(given.until);
  if (!open.value) {
    return (
      <Button
        onClick={() => {
          open.value = true;
        }}
      >
        {t('family.change_consent')}
      </Button>
    );
  }
  return (
    <Form
      class="consent-editor"
      onSubmit={() => {
        open.value = false;
        given.onSave(scope.value, endOfDay(until.value));
      }}
    >
      <Consent scope={scope.value} until={until.value}>
        <Choice<ConsentScope>
          legend={t('family.consent_scope')}
          options={[
            { value: 'nights', label: t('family.scope_nights') },
            { value: 'entries', label: t('family.scope_entries') },
          ]}
          value={scope.value}
          onChange={(value) => {
            scope.value = value;
          }}
        />
        <TextField label={t('family.consent_until')} text={until} type="date" required />
      </Consent>
      <Button kind="main" type="submit">
        {t('family.save')}
      </Button>
    </Form>
  );
}
