import { useEffect, useRef, useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { timeOfDay } from '../i18n/intl.ts';
import type { Shown } from './choice.ts';
import { isMe, labelOf, nameOf } from './words.ts';

const kNewsMs = 12 * 3_600_000;

// Says aloud what another member logs while the page is open.
export function Arrivals({ shown: { family, child } }: { shown: Shown }) {
  const entries = family.list('logEntry').value;
  const heard = useRef<Set<string> | undefined>(undefined);
  const [said, setSaid] = useState('');
  useEffect(() => {
    const first = heard.current === undefined;
    const known = heard.current ?? new Set();
    heard.current = known;
    const fresh = entries.filter(({ id }) => !known.has(id));
    for (const { id } of fresh) known.add(id);
    const words = fresh
      .filter(
        ({ body, createdBy }) =>
          body.childId === child.id &&
          !isMe(family, createdBy) &&
          // What is loaded of older nights is no news.
          body.interval.beganAt > Date.now() - kNewsMs,
      )
      .slice(-3)
      .map(({ body, createdBy }) =>
        t('caregiver.arrived', {
          name: nameOf(family, createdBy),
          what: labelOf(body.detail),
          time: timeOfDay(body.interval.beganAt, child.body.homeZone),
        }),
      );
    if (!first && words.length > 0) setSaid(words.join('. '));
  }, [entries]);
  return (
    <p class="unseen" aria-live="polite">
      {said}
    </p>
  );
}
