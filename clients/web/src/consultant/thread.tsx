// What people wrote about a night or a plan, and a place to write.
import { useSignal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import { day, timeOfDay } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import type { CommentTarget } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Field } from '../ui/field.tsx';
import { memberNames, postsAbout } from './desk.ts';

export function Thread({ family, target }: { family: Family; target: CommentTarget }) {
  const posts = postsAbout(family.list('comment').value, target);
  const nameOf = memberNames(family);
  const text = useSignal('');
  const failed = useSignal<string | undefined>(undefined);
  const send = async () => {
    const said = text.value.trim();
    if (said === '') return;
    try {
      await family.comment(target, said);
      text.value = '';
      failed.value = undefined;
    } catch (error) {
      failed.value = (error as Error).message;
    }
  };
  return (
    <section class="thread stack" aria-label={t('consultant.comments')}>
      <h3>{t('consultant.comments')}</h3>
      {posts.length > 0 && (
        <ul class="posts">
          {posts.map((post) => {
            const mine = !post.memberId || post.memberId === family.pairing.value.memberId;
            return (
              <li key={`${post.postedAt}${post.text}`} class={mine ? 'post mine' : 'post'}>
                <p>{post.text}</p>
                <p class="soft small">
                  {mine ? t('consultant.you') : nameOf(post.memberId)}
                  {post.postedAt !== undefined &&
                    ` · ${day(post.postedAt)}, ${timeOfDay(post.postedAt)}`}
                </p>
              </li>
            );
          })}
        </ul>
      )}
      <form
        class="stack"
        onSubmit={(event) => {
          event.preventDefault();
          void send();
        }}
      >
        <Field
          label={t('consultant.write_comment')}
          hint={t('consultant.comment_hint')}
          error={failed.value}
          control={(ids) => (
            <textarea
              class="input"
              rows={3}
              maxLength={2000}
              value={text.value}
              onInput={(event) => {
                text.value = event.currentTarget.value;
              }}
              {...ids}
            />
          )}
        />
        <Button type="submit" disabled={text.value.trim() === ''}>
          {t('consultant.send')}
        </Button>
      </form>
    </section>
  );
}
