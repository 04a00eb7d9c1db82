import { useEffect, useState } from 'preact/hooks';
import { t } from '../i18n/index.ts';
import { timeOfDay } from '../i18n/intl.ts';
import {
  AppError,
  type Edit,
  type EntryDetail,
  type HistoryItem,
  type Id,
  type Interval,
  type Version,
} from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import type { Shown } from './choice.ts';
import { labelOf, nameOf, timesOf } from './words.ts';

// What an edit says, in a few words.
function saysOf({ group, value }: Pick<Edit, 'group' | 'value'>, shown: Shown): string {
  if (value === undefined) return t('caregiver.answer_nothing');
  if (group === 'interval') return timesOf(value as Interval, shown.child.body);
  if (group === 'detail') return labelOf(value as EntryDetail);
  if (group === 'existence') {
    const { deleted } = value as { deleted: boolean };
    return t(deleted ? 'caregiver.deleted' : 'caregiver.brought_back');
  }
  return group === 'text' ? `“${String(value)}”` : '';
}

// Who changed an entry, when, and what was replaced; from the server, page by page.
export function History({ shown, recordId }: { shown: Shown; recordId: Id }) {
  const { family, child } = shown;
  const [items, setItems] = useState<readonly HistoryItem[]>([]);
  const [next, setNext] = useState<string | undefined>(undefined);
  const [state, setState] = useState<'loading' | 'ready' | string>('loading');
  const load = (token?: string): void => {
    setState('loading');
    family.history(recordId, token).then(
      (page) => {
        setItems((before) => [...before, ...page.items]);
        setNext(page.pageToken);
        setState('ready');
      },
      (error) => setState(error instanceof AppError ? error.message : String(error)),
    );
  };
  useEffect(() => load(), [recordId]);

  // What stood there before and said something else.
  const replacedWords = (group: string, says: string, replaced: readonly Version[]): string =>
    replaced
      .map(({ value }) => saysOf({ group, value }, shown))
      .filter((words) => words !== '' && words !== says)
      .join(', ');
  return (
    <section class="stack" aria-label={t('caregiver.history')}>
      <h3>{t('caregiver.history')}</h3>
      <ol class="history">
        {items.map((item) => (
          <li key={item.revision}>
            <p class="history-who">
              {nameOf(family, item.memberId)} · {timeOfDay(item.madeAt, child.body.homeZone)}
            </p>
            {item.outcomes.map(({ change, effect, replaced }) => {
              const says = saysOf(change, shown);
              const before = replacedWords(change.group, says, replaced);
              if (says === '') return null;
              return (
                <p key={change.group} class="small">
                  {before ? t('caregiver.history_replaced', { says, before }) : says}
                  {effect === 'kept_as_conflict' && ` · ${t('caregiver.history_kept')}`}
                </p>
              );
            })}
          </li>
        ))}
      </ol>
      <div aria-live="polite">
        {state === 'loading' && <p class="soft">{t('common.loading')}</p>}
        {state !== 'loading' && state !== 'ready' && <p class="soft">{state}</p>}
      </div>
      {state !== 'loading' && (next || state !== 'ready') && (
        <Button onClick={() => load(next)}>
          {t(next ? 'caregiver.history_older' : 'common.try_again')}
        </Button>
      )}
    </section>
  );
}
