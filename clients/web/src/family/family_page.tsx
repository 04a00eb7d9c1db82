// A family: its children and people, this device, and what can be taken away or erased.
import { useSignal } from '@preact/signals';
import { go, hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import { longDate } from '../i18n/intl.ts';
import type { App, Family } from '../model/app.ts';
import { Button } from '../ui/button.tsx';
import { Icon, kPlus } from '../ui/icon.tsx';
import { kBack, kNext } from '../ui/icons.ts';
import { Everything, Tables } from './download.tsx';
import { Events } from './events.tsx';
import { type Invited, InviteSheet } from './invite_sheet.tsx';
import { Members } from './members.tsx';
import { Failure, TwoTaps, useCall } from './parts.tsx';
import { Languages, Themes, ThisDevice } from './settings.tsx';
import { TextField } from './text_field.tsx';

export function HomePage({ app }: { app: App }) {
  const families = app.families.value;
  const consultant = families.every(({ pairing }) => pairing.value.role === 'consultant');
  const [only] = families;
  const one = families.length === 1 && only && !consultant ? only : undefined;
  return (
    <main class="page family stack">
      <nav class="crumbs">
        <a class="with-mark" href={hrefOf(consultant ? 'desk' : 'tonight')}>
          <Icon path={kBack} size={18} />
          {t(consultant ? 'family.to_desk' : 'family.to_tonight')}
        </a>
      </nav>
      <h1>{one ? one.pairing.value.familyName : t('family.settings')}</h1>
      {one ? (
        <FamilySections family={one} />
      ) : (
        <section class="card" aria-labelledby="families-title">
          <h2 id="families-title">{t('family.families')}</h2>
          <ul class="links">
            {families.map((family) => (
              <li key={family.id}>
                <a class="link-line" href={hrefOf('family', family.id)}>
                  <span>
                    {family.pairing.value.familyName}
                    <span class="small soft">{t(`family.role_${family.pairing.value.role}`)}</span>
                  </span>
                  <Icon path={kNext} size={20} />
                </a>
              </li>
            ))}
          </ul>
        </section>
      )}
      <section class="card" aria-labelledby="device-title">
        <h2 id="device-title">{t('family.this_device_title')}</h2>
        <ThisDevice app={app} />
        <Themes />
        <Languages />
      </section>
      <section class="card" aria-labelledby="more-title">
        <h2 id="more-title">{t('family.another_family')}</h2>
        <p class="small soft">{t('family.another_family_why')}</p>
        <div class="row">
          <a class="button plain" href={hrefOf('family', 'join')}>
            {t('family.have_code')}
          </a>
          <a class="button quiet" href={hrefOf('family', 'setup')}>
            {t('family.begin')}
          </a>
        </div>
      </section>
    </main>
  );
}

export function OneFamilyPage({ family }: { family: Family }) {
  return (
    <main class="page family stack">
      <nav class="crumbs">
        <a class="with-mark" href={hrefOf('family')}>
          <Icon path={kBack} size={18} />
          {t('family.settings')}
        </a>
      </nav>
      <h1>{family.pairing.value.familyName}</h1>
      <FamilySections family={family} />
    </main>
  );
}

function FamilySections({ family }: { family: Family }) {
  const inviting = useSignal<Invited | undefined>(undefined);
  const { role } = family.pairing.value;
  const owner = role === 'owner';
  const writes = owner || role === 'caregiver';
  const [child] = family.list('child').value;
  const offered: readonly Invited[] = owner
    ? ['caregiver', 'consultant', 'viewer', 'owner', 'device']
    : ['device'];
  return (
    <>
      {family.sync.value.state === 'closed' && (
        <p class="card alert" role="status">
          {t('family.closed')}
        </p>
      )}
      {writes && <Children family={family} />}
      <section class="stack" aria-labelledby="people-title">
        <h2 id="people-title">{t('family.people')}</h2>
        <Members family={family} />
        <div class="row">
          {offered.map((who) => (
            <Button
              key={who}
              icon={kPlus}
              onClick={() => {
                inviting.value = who;
              }}
            >
              {t(`family.invite_${who}`)}
            </Button>
          ))}
        </div>
        {owner && (
          <a href={hrefOf('tonight', 'attention', ...(child ? [child.id] : []))}>
            {t('family.late_link')}
          </a>
        )}
      </section>
      {writes && <Events family={family} />}
      <Data family={family} />
      {inviting.value && (
        <InviteSheet
          family={family}
          who={inviting.value}
          onClose={() => {
            inviting.value = undefined;
          }}
        />
      )}
    </>
  );
}

function Children({ family }: { family: Family }) {
  const children = family.list('child').value;
  return (
    <section class="card" aria-labelledby="children-title">
      <h2 id="children-title">{t('family.children')}</h2>
      <ul class="links">
        {children.map(({ id, body }) => (
          <li key={id}>
            <a class="link-line" href={hrefOf('family', family.id, 'child', id)}>
              <span>
                {body.name}
                <span class="small soft">
                  {body.birthDate
                    ? t('family.born', { date: longDate(body.birthDate) })
                    : t('family.no_birth_date')}
                </span>
              </span>
              <Icon path={kNext} size={20} />
            </a>
          </li>
        ))}
      </ul>
      <div>
        <a class="button plain" href={hrefOf('family', family.id, 'child')}>
          <Icon path={kPlus} size={22} />
          {t('family.add_child')}
        </a>
      </div>
    </section>
  );
}

// Takes a copy away, leaves, or erases.
function Data({ family }: { family: Family }) {
  const { familyName, memberId, role } = family.pairing.value;
  const call = useCall();
  const typed = useSignal('');
  const owner = role === 'owner';
  const leave = () =>
    call.run(async () => {
      if (family.sync.value.state !== 'closed') {
        await (await family.remote()).removeMember(family.id, memberId);
      }
      await family.forget();
      go(['family'], true);
    });
  const erase = () =>
    call.run(async () => {
      await (await family.remote()).erase(family.id, typed.value.trim());
      await family.forget();
      go(['family'], true);
    });
  return (
    <section class="card" aria-labelledby="data-title">
      <h2 id="data-title">{t('family.data')}</h2>
      {role !== 'viewer' && role !== 'consultant' && (
        <>
          <div class="stack tight">
            <p class="small soft">{t('family.import_what')}</p>
            <div>
              <a class="button plain" href={hrefOf('family', family.id, 'import')}>
                {t('family.import_title')}
              </a>
            </div>
          </div>
          <Everything family={family} />
        </>
      )}
      {role !== 'consultant' && (
        <>
          <Tables family={family} />
          <div class="stack tight">
            <p class="small soft">{t('family.diary_what')}</p>
            <div>
              <a class="button plain" href={hrefOf('family', family.id, 'diary')}>
                {t('family.diary')}
              </a>
            </div>
          </div>
        </>
      )}
      <div class="stack tight">
        <p class="small soft">{t('family.leave_what')}</p>
        <div>
          <TwoTaps
            first={t('family.leave')}
            question={t('family.leave_sure', { pending: family.sync.value.pending })}
            second={t('family.leave_now')}
            busy={call.busy.value}
            onSure={() => void leave()}
          />
        </div>
      </div>
      <Failure words={call.error.value} />
      {owner && (
        <details class="behind">
          <summary>{t('family.erase_title')}</summary>
          <div class="stack">
            <p class="small">{t('family.erase_what', { name: familyName })}</p>
            <TextField label={t('family.erase_type')} text={typed} autocomplete="off" />
            <div>
              <Button
                kind="careful"
                disabled={typed.value.trim() !== familyName || call.busy.value}
                onClick={() => void erase()}
              >
                {t('family.erase')}
              </Button>
            </div>
          </div>
        </details>
      )}
    </section>
  );
}
