// What is in a file, and whose it is: all that is to be seen before anything is saved.
import type { Signal } from '@preact/signals';
import type { ComponentChildren } from 'preact';
import { useEffect, useId, useRef } from 'preact/hooks';
import { type MessageKey, t } from '../i18n/index.ts';
import type { Family } from '../model/app.ts';
import {
  authorsOf,
  type ImportRemark,
  LEFT_OUT,
  newOnes,
  type ReadLog,
  wantedOf,
} from '../model/imports.ts';
import type { LocalDate } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { TextField } from './text_field.tsx';
import { WordFields } from './word_fields.tsx';

// Apps by their names, which are the same in every language.
const kApps: Record<string, string> = {
  huckleberry: 'Huckleberry',
  nara: 'Nara',
  'baby-connect': 'Baby Connect',
  'baby-tracker': 'Baby Tracker',
  'baby-buddy': 'Baby Buddy',
  glow: 'Glow',
};

// Reasons that this app has words for.
const kReasons = [
  'time',
  'no_time',
  'ends_before_it_begins',
  'no_type',
  'no_event',
  'open_quote',
  'column_count',
  'not_valid',
  'column_is_no_day',
  'repeated_time_first',
  'repeated_time_second',
  'skipped_time',
  'clock_at_its_end',
  'timer_paused',
  'longer_than_its_times',
  'amount',
  'date_order_open',
  'empty',
  'unknown_heading',
  'other_format',
  'children',
  'no_column',
  'no_begin',
  'numbered_days',
  'no_time_of_day',
  'uneven_steps',
  'too_few_rows',
  'too_many_rows',
  'long_heading',
  'date_orders',
] as const;

// What can be chosen.
export const kFormats = [...Object.keys(kApps), 'spreadsheet', 'csv'] as const;

export function formatName(format: string): string {
  if (format === 'spreadsheet') return t('family.import_spreadsheet');
  return format === 'csv' ? t('family.import_csv') : (kApps[format] ?? format);
}

function words({ reason, values, text }: ImportRemark): string {
  const known = kReasons.find((each) => each === reason);
  if (!known) return text ?? '';
  const [a, b] = values;
  return t(`family.import_${known}` satisfies MessageKey, { a, b, all: values.join(', ') });
}

export function Remark({ remark }: { remark: ImportRemark }) {
  return (
    <>
      {remark.line
        ? t('family.import_line', { line: remark.line, what: words(remark) })
        : words(remark)}
    </>
  );
}

function Remarks({ title, count, list }: { title: string; count: number; list: ImportRemark[] }) {
  if (count === 0) return null;
  return (
    <details class="behind">
      <summary>{title}</summary>
      <ul class="stack tight small">
        {list.map((remark) => (
          <li key={`${remark.line} ${remark.text}`}>
            <Remark remark={remark} />
          </li>
        ))}
        {count > list.length && <li>{t('family.import_more', { count: count - list.length })}</li>}
      </ul>
    </details>
  );
}

// Says what came of something that was asked for, and is where the reader is then.
export function Result({ title, children }: { title: string; children: ComponentChildren }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => heading.current?.focus(), []);
  return (
    <section class="card" aria-label={title}>
      <h2 ref={heading} tabIndex={-1}>
        {title}
      </h2>
      {children}
    </section>
  );
}

// What is not made an entry as it stands.
export function Left({ log }: { log: ReadLog }) {
  return (
    <>
      <Remarks
        title={t('family.import_set_aside', { count: log.rowsSetAside })}
        count={log.rowsSetAside}
        list={log.setAside}
      />
      <Remarks
        title={t('family.import_adjusted', { count: log.adjustments })}
        count={log.adjustments}
        list={log.adjusted}
      />
    </>
  );
}

// How far something has come.
export function Bar({ words, done, all }: { words: string; done: number; all: number }) {
  const id = useId();
  return (
    <>
      <p id={id}>{words}</p>
      <progress class="import-bar" aria-labelledby={id} value={done} max={all} />
    </>
  );
}

// What is wanted of the file, as it is chosen.
export interface Choices {
  authors: Signal<Readonly<Record<string, string>>>;
  from: Signal<LocalDate>;
  to: Signal<LocalDate>;
}

// More of them are no names, but the words of a column that was taken for them.
const kAuthorsShown = 12;

// Who each of these authors is: as somebody chose, or else the one member of that name; '' is nobody.
function membersFor(
  family: Family,
  authors: readonly string[],
  chosen: Readonly<Record<string, string>>,
): Record<string, string> {
  const members = family.list('member').value;
  const memberNamed = (author: string) => {
    const name = author.trim().toLowerCase();
    const fits = members.filter(({ body }) => body.name?.trim().toLowerCase() === name);
    return fits.length === 1 ? fits[0]?.id : undefined;
  };
  return Object.fromEntries(
    authors.map((author) => [
      author,
      (Object.hasOwn(chosen, author) ? chosen[author] : memberNamed(author)) ?? '',
    ]),
  );
}

function AuthorFields({
  family,
  log,
  members,
  authors,
}: {
  family: Family;
  log: ReadLog;
  // What is chosen now.
  members: Readonly<Record<string, string>>;
  authors: Choices['authors'];
}) {
  return (
    <WordFields
      legend={t('family.import_authors')}
      words={authorsOf(log.entries)}
      most={kAuthorsShown}
      value={({ word }) => members[word]}
      onChoose={(word, member) => {
        authors.value = { ...authors.value, [word]: member };
      }}
      options={() => (
        <>
          <option value="">{t('family.import_nobody')}</option>
          {family.list('member').value.map(({ id, body }) => (
            <option key={id} value={id}>
              {body.name}
            </option>
          ))}
          <option value={LEFT_OUT}>{t('family.import_leave_out')}</option>
        </>
      )}
    />
  );
}

export function Report({
  family,
  log,
  name,
  choices,
  busy,
  onSave,
}: {
  family: Family;
  log: ReadLog;
  // The child's.
  name: string;
  choices: Choices;
  busy: boolean;
  onSave: (entries: ReadLog['entries']) => void;
}) {
  const { from, to } = choices;
  const authors = authorsOf(log.entries).map(({ word }) => word);
  const members = membersFor(family, authors, choices.authors.value);
  const wanted = wantedOf(log.entries, {
    ...(from.value && { from: from.value }),
    ...(to.value && { to: to.value }),
    authors: members,
  });
  const entries = newOnes(wanted, family.records.value);
  const leftOut = log.entries.length - wanted.length;
  const there = wanted.length - entries.length;
  return (
    <Result title={t('family.import_report', { format: formatName(log.format ?? '') })}>
      <ul class="stack tight" aria-live="polite">
        <li>{t('family.import_rows', { count: log.rows })}</li>
        <li>{t('family.import_new', { count: entries.length })}</li>
        {there > 0 && <li>{t('family.import_there', { count: there })}</li>}
        {leftOut > 0 && <li>{t('family.import_left_out', { count: leftOut })}</li>}
        {log.rowsOfOtherChildren > 0 && (
          <li>{t('family.import_others', { count: log.rowsOfOtherChildren })}</li>
        )}
      </ul>
      <Left log={log} />
      <AuthorFields family={family} log={log} members={members} authors={choices.authors} />
      <details class="behind">
        <summary>{t('family.import_some_nights')}</summary>
        <div class="pair">
          <TextField label={t('family.import_from')} text={from} type="date" />
          <TextField label={t('family.import_to')} text={to} type="date" />
        </div>
      </details>
      <p class="small soft">{t('family.import_dry')}</p>
      {entries.length > 0 ? (
        <Button kind="main" class="big" wide disabled={busy} onClick={() => onSave(entries)}>
          {t('family.import_save', { count: entries.length, name })}
        </Button>
      ) : (
        <p>{t('family.import_nothing')}</p>
      )}
    </Result>
  );
}
