// The first start: make a family, or join one by a code.
import { useSignal } from '@preact/signals';
import { useEffect } from 'preact/hooks';
import { arrived, go, hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import type { App } from '../model/app.ts';
import { Button } from '../ui/button.tsx';
import { Form } from '../ui/form.tsx';
import { Icon, kMoon, kPeople } from '../ui/icon.tsx';
import { kBack, kLink } from '../ui/icons.ts';
import { type DeviceKind, deviceNameOf, grouped, readCode } from './codes.ts';
import { Failure, Page, useCall } from './parts.tsx';
import { Languages } from './settings.tsx';
import { TextField } from './text_field.tsx';

// Of somebody who is not named yet, or who has other devices in the family: one's own.
function deviceName(owner: string): string {
  const name = owner.trim();
  const word = (kind: DeviceKind) =>
    name ? t(`family.device_${kind}`, { name: '{name}' }) : t(`family.my_${kind}`);
  return deviceNameOf(navigator.userAgent, name, {
    phone: word('phone'),
    tablet: word('tablet'),
    computer: word('computer'),
  });
}

export function Welcome() {
  return (
    <main class="page family welcome stack">
      <div class="welcome-mark" aria-hidden="true">
        <Icon path={kMoon} size={56} />
      </div>
      <header class="stack tight">
        <h1>{t('family.welcome')}</h1>
        <p class="soft">{t('family.welcome_intro')}</p>
      </header>
      <div class="stack tight">
        <a class="button main wide big" href={hrefOf('family', 'setup')}>
          <Icon path={kPeople} size={22} />
          {t('family.begin')}
        </a>
        <a class="button plain wide big" href={hrefOf('family', 'join')}>
          <Icon path={kLink} size={22} />
          {t('family.have_code')}
        </a>
      </div>
      <ul class="promises soft small">
        <li>{t('family.promise_offline')}</li>
        <li>{t('family.promise_both')}</li>
        <li>{t('family.promise_yours')}</li>
      </ul>
      <Languages />
    </main>
  );
}

function Back() {
  return (
    <nav class="crumbs">
      <a class="with-mark" href={hrefOf('family')}>
        <Icon path={kBack} size={18} />
        {t('family.back')}
      </a>
    </nav>
  );
}

export function Create({ app }: { app: App }) {
  const link = arrived.value?.kind === 'setup' ? arrived.value.code : '';
  const code = useSignal(grouped(link));
  const familyName = useSignal('');
  const name = useSignal('');
  const device = useSignal('');
  const call = useCall();
  const ready = familyName.value.trim() !== '' && name.value.trim() !== '';
  const submit = async () => {
    const family = await call.run(() =>
      app.createFamily({
        familyName: familyName.value.trim(),
        memberName: name.value.trim(),
        deviceName: device.value.trim() || deviceName(name.value),
        ...(code.value ? { setupCode: code.value } : {}),
      }),
    );
    if (!family) return;
    arrived.value = undefined;
    void app.askToPersist();
    go(['family', family.id, 'first', 'child'], true);
  };
  return (
    <Page title={t('family.create_title')} intro={t('family.create_intro')} back={<Back />}>
      <Form onSubmit={submit}>
        <TextField
          label={t('family.your_name')}
          hint={t('family.your_name_hint')}
          text={name}
          autocomplete="given-name"
          maxLength={60}
          required
        />
        <TextField
          label={t('family.family_name')}
          hint={t('family.family_name_hint')}
          text={familyName}
          autocomplete="off"
          maxLength={60}
          required
        />
        <TextField
          label={t('family.device_name')}
          text={device}
          placeholder={name.value.trim() ? deviceName(name.value) : ''}
          autocomplete="off"
          maxLength={60}
        />
        {(link !== '' || call.reason.value === 'setup_code_not_valid') && (
          <TextField
            label={t('family.setup_code')}
            hint={t('family.setup_code_hint')}
            text={code}
            shape={(typed) => readCode(typed) ?? grouped(typed)}
            class="input code"
            autocomplete="off"
            spellcheck={false}
          />
        )}
        <Failure words={call.error.value} />
        <Button kind="main" class="big" wide type="submit" disabled={!ready || call.busy.value}>
          {t('family.create')}
        </Button>
      </Form>
    </Page>
  );
}

export function Join({ app }: { app: App }) {
  const link = arrived.value?.kind === 'join' ? arrived.value.code : '';
  const code = useSignal(grouped(link));
  const name = useSignal('');
  const device = useSignal('');
  const wrong = useSignal(false);
  const call = useCall();
  // A link may be opened while this page is shown.
  useEffect(() => {
    if (link) code.value = grouped(link);
  }, [link]);
  const submit = async () => {
    const read = readCode(code.value);
    wrong.value = read === undefined;
    if (!read) return;
    const memberName = name.value.trim();
    const family = await call.run(() =>
      app.join({
        code: read,
        ...(memberName ? { memberName } : {}),
        deviceName: device.value.trim() || deviceName(memberName),
      }),
    );
    if (!family) return;
    arrived.value = undefined;
    void app.askToPersist();
    const consultant = family.pairing.value.role === 'consultant';
    go(consultant ? ['desk'] : ['family', family.id, 'first', 'phone'], true);
  };
  return (
    <Page
      title={t('family.join_title')}
      intro={t(link ? 'family.join_link_intro' : 'family.join_intro')}
      back={<Back />}
    >
      <Form onSubmit={submit}>
        <TextField
          label={t('family.code')}
          hint={t('family.code_hint')}
          error={wrong.value ? t('family.code_wrong') : undefined}
          text={code}
          shape={(typed) => readCode(typed) ?? grouped(typed)}
          class="input code"
          autocomplete="off"
          autocapitalize="characters"
          spellcheck={false}
          placeholder="K7QF-2M9X-RD4T-B8HW"
          required
        />
        <TextField
          label={t('family.your_name')}
          hint={t('family.your_name_join_hint')}
          text={name}
          autocomplete="given-name"
          maxLength={60}
        />
        <TextField
          label={t('family.device_name')}
          text={device}
          placeholder={deviceName(name.value)}
          autocomplete="off"
          maxLength={60}
        />
        <p class="small soft">{t('family.join_consent')}</p>
        <Failure words={call.error.value} />
        <Button
          kind="main"
          class="big"
          wide
          type="submit"
          disabled={code.value === '' || call.busy.value}
        >
          {t('family.join')}
        </Button>
      </Form>
    </Page>
  );
}
