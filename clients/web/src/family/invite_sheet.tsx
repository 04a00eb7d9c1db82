// Invites one more person or device: who, what a consultant may see and until when, then the code.
import { useSignal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { t } from '../i18n/index.ts';
import { day, longDate, timeOfDay } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { ConsentScope, Invite } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Choice } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { Sheet } from '../ui/sheet.tsx';
import { dateOf, endOfDay, joinLink } from './codes.ts';
import { Failure, useCall } from './parts.tsx';
import { TextField } from './text_field.tsx';

export type Invited = 'caregiver' | 'consultant' | 'viewer' | 'owner' | 'device';

const kDayMs = 86_400_000;
const kConsentDays = 60;

interface InviteSheetProps {
  family: Family;
  who: Invited;
  onClose: () => void;
}

export function InviteSheet({ family, who, onClose }: InviteSheetProps) {
  return (
    <Sheet title={t(`family.invite_${who}`)} closeLabel={t('family.close')} onClose={onClose}>
      <InviteBody family={family} who={who} />
    </Sheet>
  );
}

// The same, within a page.
export function InviteBody({ family, who }: Omit<InviteSheetProps, 'onClose'>) {
  const invite = useSignal<Invite | undefined>(undefined);
  const scope = useSignal<ConsentScope>('nights');
  const until = useSignal(dateOf(Date.now() + kConsentDays * kDayMs));
  const call = useCall();
  const make = async () => {
    const made = await call.run(() => {
      const { memberId, role } = family.pairing.value;
      if (who === 'device') return family.createInvite({ role, memberId });
      if (who !== 'consultant') return family.createInvite({ role: who });
      return family.createInvite({
        role: who,
        consentScope: scope.value,
        consentUntil: endOfDay(until.value),
      });
    });
    if (made) invite.value = made;
  };
  if (invite.value) return <Code invite={invite.value} who={who} />;
  return (
    <Form onSubmit={make}>
      <p>{t(`family.invite_${who}_what`)}</p>
      {who === 'consultant' && (
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
          <TextField
            label={t('family.consent_until')}
            text={until}
            type="date"
            min={dateOf(Date.now() + kDayMs)}
            required
          />
        </Consent>
      )}
      <Failure words={call.error.value} />
      <Button kind="main" class="big" wide type="submit" disabled={call.busy.value || !until.value}>
        {t('family.make_code')}
      </Button>
    </Form>
  );
}

// What a consultant sees, and until when, in a sentence that changes with the choice.
export function Consent({
  scope,
  until,
  children,
}: {
  scope: ConsentScope;
  until: string;
  children: preact.ComponentChildren;
}) {
  return (
    <div class="stack">
      {children}
      <div class="card accent small" aria-live="polite">
        <p>{t(`family.consent_${scope}`)}</p>
        {until && <p>{t('family.consent_ends', { date: longDate(until) })}</p>}
        <p>{t('family.consent_revoke')}</p>
      </div>
    </div>
  );
}

function Code({ invite, who }: { invite: Invite; who: Invited }) {
  const Qr = useSignal<ComponentType<{ text: string; label: string }> | undefined>(undefined);
  const copied = useSignal(false);
  const link = joinLink(location.origin, invite.code);
  if (!Qr.value) {
    void import('./qr.tsx').then((module) => {
      Qr.value = module.default;
    });
  }
  const Drawn = Qr.value;
  const share = { title: t('common.app_name'), text: t(`family.share_${who}`), url: link };
  return (
    <div class="stack invite">
      <p>{t(who === 'device' ? 'family.scan_own' : 'family.scan')}</p>
      <div class="qr-place">
        {Drawn && <Drawn text={link} label={t('family.qr_label', { code: invite.code })} />}
      </div>
      <div class="stack tight">
        <p class="small soft">{t('family.or_type', { origin: location.host })}</p>
        <p class="code-shown">{invite.code}</p>
      </div>
      <div class="row">
        {'share' in navigator && (
          <Button kind="main" onClick={() => void navigator.share(share).catch(() => undefined)}>
            {t('family.share')}
          </Button>
        )}
        <Button
          onClick={async () => {
            await navigator.clipboard?.writeText(link);
            copied.value = true;
          }}
        >
          {t(copied.value ? 'family.copied' : 'family.copy')}
        </Button>
      </div>
      <p class="small soft">
        {t('family.code_once', {
          date: day(invite.expiresAt),
          time: timeOfDay(invite.expiresAt),
        })}
      </p>
    </div>
  );
}
