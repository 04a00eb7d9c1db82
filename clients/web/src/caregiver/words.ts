// Entries and people in words.
import { locale, t } from '../i18n/index.ts';
import { timeOfDay } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { Child, EntryDetail, EntryKind, Id, Interval, ResponseLevel } from '../model/types.ts';
import { kBottle, kCrib, kDrop, kEye, kMoon, kNote, kPeople, kSun } from '../ui/icon.tsx';

export const kLevels: readonly ResponseLevel[] = [0, 1, 2, 3, 4, 5, 6];

const kIcons: Record<EntryKind, string> = {
  putDown: kCrib,
  sleep: kMoon,
  awake: kEye,
  crying: kDrop,
  response: kPeople,
  feed: kBottle,
  rise: kSun,
  note: kNote,
};

export const iconOf = (kind: EntryKind): string => kIcons[kind];

// What happened, in a word or two.
export function labelOf(detail: EntryDetail): string {
  if (detail.kind === 'response') {
    return detail.response.action || t(`caregiver.level_${detail.response.level}`);
  }
  if (detail.kind === 'feed' && detail.feed.amountMl) {
    return t('caregiver.kind_feed_ml', { amount: detail.feed.amountMl });
  }
  return t(`caregiver.kind_${detail.kind}`);
}

// Its times: `02:10`, or `02:10 – 02:31`.
export function timesOf(interval: Interval, child: Child): string {
  const begin = timeOfDay(interval.beganAt, child.homeZone);
  if (interval.endedAt === undefined) return begin;
  return `${begin} – ${timeOfDay(interval.endedAt, child.homeZone)}`;
}

// A member by name; oneself, and whoever has made what was not sent yet, is "You".
export function nameOf(family: Family, memberId: Id | undefined): string {
  if (isMe(family, memberId)) return t('caregiver.you');
  const record = family.list('member').value.find(({ id }) => id === memberId);
  return record?.body.name ?? t('caregiver.somebody');
}

// The values of a message about somebody: `me` chooses its form.
export function whoIs(family: Family, memberId: Id | undefined): { me: string; name: string } {
  return { me: isMe(family, memberId) ? 'yes' : 'no', name: nameOf(family, memberId) };
}

export function isMe(family: Family, memberId: Id | undefined): boolean {
  return memberId === undefined || memberId === family.pairing.value.memberId;
}

// `presence, voice or touch`; `voice only` where there is one.
export function levelsText(levels: readonly number[]): string {
  const names = kLevels
    .filter((level) => levels.includes(level))
    .map((level) => t(`caregiver.help_${level}`));
  const [only] = names;
  if (names.length === 1) return t('caregiver.only', { what: only });
  return new Intl.ListFormat(locale(), { type: 'disjunction' }).format(names);
}
