// Conflicts in people's words: what it is about, and what each said.
import { t } from '../i18n/index.ts';
import { shortDate, timeOfDay } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type {
  AnyRecord,
  Conflict,
  ConflictChoice,
  EntryDetail,
  Id,
  Interval,
  PlanApproach,
  PlanNights,
  Zone,
} from '../model/types.ts';
import { isMe, labelOf, whoIs } from './words.ts';

// What the conflict is about, such as `Crying`.
export function subjectOf(record: AnyRecord | undefined): string {
  switch (record?.kind) {
    case 'logEntry':
      return labelOf(record.body.detail);
    case 'child':
      return record.body.name;
    case 'plan':
      return t('caregiver.plan');
    default:
      return t('caregiver.entry');
  }
}

function intervalWords(value: Interval, all: readonly ConflictChoice[], zone: Zone): string {
  const others = all.map((choice) => choice.value as Interval | undefined);
  const time = (at: number): string => {
    const words = timeOfDay(at, zone);
    // Two answers that the minute does not tell apart.
    const same = others.filter((other) => other && timeOfDay(other.beganAt, zone) === words);
    return same.length > 1 && value.endedAt === undefined
      ? new Intl.DateTimeFormat('en-GB', { timeZone: zone, timeStyle: 'medium' }).format(at)
      : words;
  };
  if (value.endedAt === undefined) return time(value.beganAt);
  const sameBegin = others.every((other) => other?.beganAt === value.beganAt);
  const ended = timeOfDay(value.endedAt, zone);
  return sameBegin
    ? t('caregiver.until', { time: ended })
    : `${timeOfDay(value.beganAt, zone)} – ${ended}`;
}

// What one of them said, in a few words.
export function answerOf(conflict: Conflict, choice: ConflictChoice, zone: Zone): string {
  const { group, choices } = conflict;
  const { value } = choice;
  if (value === undefined) return t('caregiver.answer_nothing');
  if (group === 'existence') {
    const { deleted } = value as { deleted: boolean };
    return t(deleted ? 'caregiver.answer_delete' : 'caregiver.answer_keep');
  }
  if (group === 'interval') return intervalWords(value as Interval, choices, zone);
  if (group === 'detail') return labelOf(value as EntryDetail);
  if (group === 'approach') return t(`common.method_${(value as PlanApproach).method}`);
  if (group === 'nights') {
    const { firstNight, lastNight } = value as PlanNights;
    return lastNight ? `${shortDate(firstNight)} – ${shortDate(lastNight)}` : shortDate(firstNight);
  }
  if (typeof value === 'string') return value;
  return t('caregiver.answer_other');
}

// The choices, one's own first.
export function choicesOf(family: Family, { choices }: Conflict): ConflictChoice[] {
  const mine = ({ memberId }: ConflictChoice): boolean => isMe(family, memberId);
  return [...choices.filter(mine), ...choices.filter((choice) => !mine(choice))];
}

// `You said 02:10, Sam said 02:15.`
export function disputeOf(family: Family, conflict: Conflict, zone: Zone): string {
  const said = choicesOf(family, conflict).map((choice, index) =>
    t(index === 0 ? 'caregiver.said_first' : 'caregiver.said_next', {
      ...whoIs(family, choice.memberId),
      what: answerOf(conflict, choice, zone),
    }),
  );
  return `${said.join(', ')}.`;
}

export function recordOf(family: Family, id: Id): AnyRecord | undefined {
  return family.records.value.get(id);
}
