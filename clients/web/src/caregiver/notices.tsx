import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import { duration, timeOfDay } from '../i18n/intl.ts';
import type { Comment, RecordOf } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Icon, kPeople, kPhone } from '../ui/icon.tsx';
import { kSpeech } from '../ui/icons.ts';
import { addDays } from '../ui/local_time.ts';
import { soon } from '../ui/now.ts';
import type { Shown } from './choice.ts';
import { ConflictCard } from './conflict_card.tsx';
import { type Handover, handoverDue } from './handover.ts';
import { HandoverSheet } from './handover_sheet.tsx';
import type { Night } from './night.ts';
import { isMe, nameOf } from './words.ts';

const kSeenKey = 'nightlog.handover';
const kReadKey = 'nightlog.read';
const kConflictsShown = 2;

// What waits for a look, below the state of the child: never a dialog, and nothing that must be
// answered at night.
export default function Notices({ shown, night }: { shown: Shown; night: Night }) {
  const { family, child } = shown;
  const zone = child.body.homeZone;
  const ids = new Set(night.entries.map(({ id }) => id));
  const conflicts = family.conflicts.value.filter(
    ({ recordId, kind }) => kind !== 'logEntry' || ids.has(recordId),
  );
  return (
    <>
      {family.sync.value.closedMessage !== undefined && <ClosedCard />}
      <HandoverCard shown={shown} night={night} />
      <CommentCard shown={shown} night={night} />
      {conflicts.slice(0, kConflictsShown).map((conflict) => (
        <ConflictCard
          key={conflict.recordId + conflict.group}
          family={family}
          conflict={conflict}
          zone={zone}
        />
      ))}
      {conflicts.length > kConflictsShown && (
        <a href="#/tonight/attention">
          {t('caregiver.more_conflicts', { count: conflicts.length - kConflictsShown })}
        </a>
      )}
    </>
  );
}

// Taps of a phone without access change nothing that is shown: it says why, and what to do.
function ClosedCard() {
  return (
    <section class="news">
      <Icon path={kPhone} />
      <div class="news-words">
        <h2>{t('caregiver.closed_title')}</h2>
        <p>{t('caregiver.closed_what')}</p>
      </div>
      <div class="news-do">
        <a class="button quiet" href="#/family/join">
          {t('caregiver.closed_code')}
        </a>
      </div>
    </section>
  );
}

// `2 wakings · 40 min crying · 5 hr asleep`
function handoverWords({ wakings, cryingMs, asleepMs }: Handover): string {
  const parts = [t('caregiver.handover_wakings', { count: wakings })];
  if (cryingMs >= 60_000) parts.push(t('caregiver.handover_crying', { time: duration(cryingMs) }));
  if (asleepMs >= 60_000) parts.push(t('caregiver.handover_asleep', { time: duration(asleepMs) }));
  return parts.join(' · ');
}

function HandoverCard({ shown, night }: { shown: Shown; night: Night }) {
  const seen = useSignal(Number(localStorage.getItem(kSeenKey)));
  const open = useSignal(false);
  const handover = handoverDue(night, shown.family, soon.value);
  const last = handover?.entries.at(-1)?.body.interval.beganAt ?? 0;
  if (!open.value && (!handover || last <= seen.value)) return null;
  const zone = shown.child.body.homeZone;
  return (
    <>
      {handover && (
        <section class="news">
          <Icon path={kPeople} />
          <div class="news-words">
            <h2>
              {handover.since < night.from
                ? t('caregiver.handover_tonight')
                : t('caregiver.handover_title', { time: timeOfDay(handover.since, zone) })}
            </h2>
            <p>{handoverWords(handover)}</p>
          </div>
          <div class="news-do">
            <Button
              kind="quiet"
              onClick={() => {
                open.value = true;
              }}
            >
              {t('caregiver.handover_open')}
            </Button>
            <Button
              kind="quiet"
              onClick={() => {
                localStorage.setItem(kSeenKey, String(last));
                seen.value = last;
              }}
            >
              {t('caregiver.got_it')}
            </Button>
          </div>
        </section>
      )}
      {open.value && (
        <HandoverSheet
          shown={shown}
          night={night}
          onClose={() => {
            open.value = false;
          }}
        />
      )}
    </>
  );
}

// The threads that a caregiver looks for at night: on tonight and the night before, and on the plan.
function isNear(comment: RecordOf<'comment'>, childId: string, night: Night, plans: Set<string>) {
  const { target }: Comment = comment.body;
  if (target.target === 'planId') return plans.has(target.planId);
  if (target.target === 'logEntryId')
    return night.entries.some(({ id }) => id === target.logEntryId);
  const { date } = target.night;
  return target.night.childId === childId && date >= addDays(night.date, -1);
}

function CommentCard({ shown: { family, child }, night }: { shown: Shown; night: Night }) {
  const read = useSignal(Number(localStorage.getItem(kReadKey)));
  const plans = new Set(
    family
      .list('plan')
      .value.filter(({ body }) => body.childId === child.id)
      .map(({ id }) => id),
  );
  const posts = family
    .list('comment')
    .value.filter((comment) => isNear(comment, child.id, night, plans))
    .flatMap(({ body }) => body.posts)
    .filter(({ memberId, postedAt = 0 }) => !isMe(family, memberId) && postedAt > read.value)
    .sort((a, b) => (a.postedAt ?? 0) - (b.postedAt ?? 0));
  const last = posts.at(-1);
  if (!last) return null;
  return (
    <section class="news">
      <Icon path={kSpeech} />
      <div class="news-words">
        <h2>{t('caregiver.comment_from', { name: nameOf(family, last.memberId) })}</h2>
        <p class="clamp">{last.text}</p>
      </div>
      <div class="news-do">
        <a class="button quiet" href="#/tonight/plan">
          {t('caregiver.comment_open', { count: posts.length })}
        </a>
        <Button
          kind="quiet"
          onClick={() => {
            const at = last.postedAt ?? 0;
            localStorage.setItem(kReadKey, String(at));
            read.value = at;
          }}
        >
          {t('caregiver.got_it')}
        </Button>
      </div>
    </section>
  );
}
