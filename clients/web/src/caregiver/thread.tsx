import { t } from '../i18n/index.ts';
import { shortDate, timeOfDay } from '../i18n/intl.ts';
import type { CommentPost, CommentTarget } from '../model/types.ts';
import { wallTimeOf } from '../ui/local_time.ts';
import { Thread } from '../ui/thread.tsx';
import type { Shown } from './choice.ts';
import { nameOf } from './words.ts';

interface CareThreadProps {
  shown: Shown;
  target: CommentTarget;
  title: string;
}

// A thread in the caregiver's words and the child's zone.
export function CareThread({ shown: { family, child }, target, title }: CareThreadProps) {
  const zone = child.body.homeZone;
  const byline = ({ memberId, postedAt }: CommentPost): string => {
    const name = nameOf(family, memberId);
    if (postedAt === undefined) return name;
    const { date } = wallTimeOf(postedAt, zone);
    return `${name} · ${shortDate(date)} ${timeOfDay(postedAt, zone)}`;
  };
  const words = {
    title,
    none: t('caregiver.no_comments'),
    write: t('caregiver.your_comment'),
    send: t('caregiver.send_comment'),
    byline,
  };
  return <Thread family={family} target={target} words={words} />;
}
