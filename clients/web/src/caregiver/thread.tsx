import { useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { shortDate, timeOfDay } from '../i18n/intl.ts';
import { AppError, type CommentPost, type CommentTarget } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { wallTimeOf } from '../ui/local_time.ts';
import type { Shown } from './choice.ts';
import { nameOf } from './words.ts';

function keyOf(target: CommentTarget): string {
  if (target.target === 'night') return `${target.night.childId} ${target.night.date}`;
  return target.target === 'planId' ? target.planId : target.logEntryId;
}

interface ThreadProps {
  shown: Shown;
  target: CommentTarget;
  title: string;
}

// What was said about a night, an entry or a plan, oldest first, and room to say more.
export function Thread({ shown: { family, child }, target, title }: ThreadProps) {
  const [text, setText] = useState('');
  const [failed, setFailed] = useState('');
  const zone = child.body.homeZone;
  const posts = family
    .list('comment')
    .value.filter(({ body }) => keyOf(body.target) === keyOf(target))
    .flatMap(({ body }) => body.posts)
    .sort((a, b) => (a.postedAt ?? Date.now()) - (b.postedAt ?? Date.now()));
  const whenOf = ({ postedAt }: CommentPost): string =>
    postedAt === undefined
      ? ''
      : ` · ${shortDate(wallTimeOf(postedAt, zone).date)} ${timeOfDay(postedAt, zone)}`;
  const say = async (): Promise<void> => {
    try {
      await family.comment(target, text.trim());
      setText('');
      setFailed('');
    } catch (error) {
      setFailed(error instanceof AppError ? error.message : String(error));
    }
  };
  return (
    <section class="stack" aria-label={title}>
      <h2 class="label">{title}</h2>
      {posts.length === 0 && <p class="soft">{t('caregiver.no_comments')}</p>}
      <ol class="stack">
        {posts.map((post, index) => (
          <li key={`${post.postedAt ?? ''}${index}`} class="post">
            <p class="post-who">
              {nameOf(family, post.memberId)}
              {whenOf(post)}
            </p>
            <p class="post-text">{post.text}</p>
          </li>
        ))}
      </ol>
      {family.pairing.value.role !== 'viewer' && (
        <>
          <Field
            label={t('caregiver.your_comment')}
            error={failed || undefined}
            control={(ids) => (
              <textarea
                {...ids}
                class="input"
                maxLength={2000}
                value={text}
                onInput={(event) => setText(event.currentTarget.value)}
              />
            )}
          />
          <Button disabled={text.trim() === ''} onClick={() => void say()}>
            {t('caregiver.send_comment')}
          </Button>
        </>
      )}
    </section>
  );
}
