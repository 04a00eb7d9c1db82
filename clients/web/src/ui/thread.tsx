import { useSignal } from '@preact/signals';
import type { Family } from '../model/app.ts';
import { postsAbout } from '../model/comments.ts';
import { AppError, type CommentPost, type CommentTarget } from '../model/types.ts';
import { Button } from './button.tsx';
import { Field } from './field.tsx';
import { Form } from './form.tsx';

export interface ThreadWords {
  title: string;
  // Where nobody has written yet.
  none?: string;
  write: string;
  hint?: string;
  send: string;
  // Who wrote a post and when: `Sam, 14 Jan 02:15`.
  byline: (post: CommentPost) => string;
}

interface ThreadProps {
  family: Family;
  target: CommentTarget;
  words: ThreadWords;
}

const kPostMax = 2000;

// What people wrote about a night, an entry or a plan, oldest first, and a place to write. A post
// shows as soon as it is saved on this device.
export function Thread({ family, target, words }: ThreadProps) {
  const text = useSignal('');
  const failed = useSignal<string | undefined>(undefined);
  const posts = postsAbout(family.list('comment').value, target);
  const { memberId, role } = family.pairing.value;
  const send = async (): Promise<void> => {
    const said = text.value.trim();
    if (said === '') return;
    try {
      await family.comment(target, said);
      text.value = '';
      failed.value = undefined;
    } catch (error) {
      failed.value = error instanceof AppError ? error.message : String(error);
    }
  };
  return (
    <section class="thread stack" aria-label={words.title}>
      <h2 class="thread-title">{words.title}</h2>
      {posts.length === 0 && words.none && <p class="soft">{words.none}</p>}
      {posts.length > 0 && (
        <ol class="thread-posts">
          {posts.map((post, index) => {
            const mine = !post.memberId || post.memberId === memberId;
            return (
              <li
                key={`${post.postedAt ?? ''}${index}`}
                class={`thread-post${mine ? ' mine' : ''}`}
              >
                <p class="thread-by">{words.byline(post)}</p>
                <p class="thread-said">{post.text}</p>
              </li>
            );
          })}
        </ol>
      )}
      {role !== 'viewer' && (
        <Form onSubmit={send}>
          <Field
            label={words.write}
            hint={words.hint}
            error={failed.value}
            control={(ids) => (
              <textarea
                {...ids}
                class="input"
                maxLength={kPostMax}
                value={text.value}
                onInput={(event) => {
                  text.value = event.currentTarget.value;
                }}
              />
            )}
          />
          <Button type="submit" disabled={text.value.trim() === ''}>
            {words.send}
          </Button>
        </Form>
      )}
    </section>
  );
}
