import { t } from '../i18n/index.ts';
import type { Id, RecordOf } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Icon, kAlert, kPhone, kPlus } from '../ui/icon.tsx';
import { showToast } from '../ui/toast.tsx';
import type { Shown } from './choice.ts';
import type { Entry, Night } from './night.ts';
import { iconOf, labelOf, nameOf, timesOf, whoIs } from './words.ts';

// The heading of a list of entries; `id` names it for the section. Without `onAdd` nothing can be
// added.
export function EntriesHeading({
  id,
  words,
  onAdd,
}: {
  id: string;
  words: string;
  onAdd: (() => void) | undefined;
}) {
  return (
    <div class="row">
      <h2 id={id} class="section-label">
        {words}
      </h2>
      {onAdd && (
        <Button kind="quiet" icon={kPlus} class="push" onClick={onAdd}>
          {t('caregiver.add')}
        </Button>
      )}
    </div>
  );
}

interface EntryListProps {
  shown: Shown;
  night: Night;
  onOpen: (entry: Entry) => void;
}

// The entries that the server takes for one event, the first by its begin leading.
function episodeOf(
  summary: RecordOf<'nightSummary'> | undefined,
  night: Night,
  id: Id,
): readonly Entry[] {
  const episode = summary?.body.episodes.find(({ entryIds }) => entryIds.includes(id));
  return night.entries.filter((entry) => episode?.entryIds.includes(entry.id));
}

// The night in words, newest first: the long form of the timeline. What two phones logged of one
// event is one line; "these were two" splits it, for good.
export function EntryList({ shown, night, onOpen }: EntryListProps) {
  const { family, child } = shown;
  const summary = family
    .list('nightSummary')
    .value.find(({ body }) => body.childId === child.id && body.date === night.date);
  const disputed = new Set(family.conflicts.value.map(({ recordId }) => recordId));
  return (
    <ol class="entries" reversed>
      {[...night.entries].reverse().map((entry) => {
        const { body } = entry;
        const same = episodeOf(summary, night, entry.id);
        if (same.length > 1 && same[0]?.id !== entry.id) return null;
        const others = same.filter(({ id }) => id !== entry.id);
        const who = [entry, ...others]
          .map(({ createdBy, body: { caregiverId } }) => nameOf(family, caregiverId ?? createdBy))
          .filter((name, index, all) => all.indexOf(name) === index);
        return (
          <li key={entry.id}>
            <button type="button" class="entry" onClick={() => onOpen(entry)}>
              <span class={`entry-mark ${body.detail.kind}`}>
                <Icon path={iconOf(body.detail.kind)} size={20} />
              </span>
              <span class="entry-words">
                <span class="entry-what">{labelOf(body.detail)}</span>
                {body.text && <span class="entry-text">{body.text}</span>}
                <span class="entry-who">
                  {who.join(' + ')}
                  {entry.pending && (
                    <>
                      <Icon path={kPhone} size={14} />
                      <span class="unseen">, {t('caregiver.only_here')}</span>
                    </>
                  )}
                  {disputed.has(entry.id) && (
                    <>
                      <Icon path={kAlert} size={14} />
                      <span class="unseen">, {t('caregiver.two_answers')}</span>
                    </>
                  )}
                </span>
              </span>
              <span class="entry-when">{timesOf(body.interval, child.body)}</span>
            </button>
            {others.map((other) => (
              <div key={other.id} class="entry-same">
                <span>
                  {t('caregiver.same_event', {
                    ...whoIs(family, other.createdBy),
                    time: timesOf(other.body.interval, child.body),
                  })}
                </span>
                <Button
                  kind="quiet"
                  onClick={async () => {
                    await family.separate(entry.id, other.id);
                    showToast({ text: t('caregiver.were_two_done') });
                  }}
                >
                  {t('caregiver.were_two')}
                </Button>
              </div>
            ))}
          </li>
        );
      })}
    </ol>
  );
}
