import type { Comment, CommentTarget, RecordOf } from './types.ts';

function sameTarget(a: CommentTarget, b: CommentTarget): boolean {
  if (a.target === 'night' && b.target === 'night') {
    return a.night.childId === b.night.childId && a.night.date === b.night.date;
  }
  if (a.target === 'planId' && b.target === 'planId') return a.planId === b.planId;
  if (a.target === 'logEntryId' && b.target === 'logEntryId') return a.logEntryId === b.logEntryId;
  return false;
}

// Posts about `target`, oldest first. There may be more than one thread, where two people began one
// at once.
export function postsAbout(
  comments: readonly RecordOf<'comment'>[],
  target: CommentTarget,
): Comment['posts'] {
  return comments
    .filter(({ body }) => sameTarget(body.target, target))
    .flatMap(({ body }) => body.posts)
    .sort((a, b) => (a.postedAt ?? Infinity) - (b.postedAt ?? Infinity));
}
