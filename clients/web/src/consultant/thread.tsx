import { t } from '../i18n/index.ts';
import { day, timeOfDay } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { CommentPost, CommentTarget } from '../model/types.ts';
import { Thread } from '../ui/thread.tsx';
import { memberNames } from './desk.ts';

// A thread in the words of the desk.
export function DeskThread({ family, target }: { family: Family; target: CommentTarget }) {
  const nameOf = memberNames(family);
  const byline = ({ memberId, postedAt }: CommentPost): string => {
    const mine = !memberId || memberId === family.pairing.value.memberId;
    const name = mine ? t('consultant.you') : nameOf(memberId);
    return postedAt === undefined ? name : `${name} · ${day(postedAt)}, ${timeOfDay(postedAt)}`;
  };
  const words = {
    title: t('consultant.comments'),
    write: t('consultant.write_comment'),
    hint: t('consultant.comment_hint'),
    send: t('consultant.send'),
    byline,
  };
  return <Thread family={family} target={target} words={words} />;
}
