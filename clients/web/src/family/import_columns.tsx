// What the columns of a file hold, and what its own words mean, where no app is known that wrote it.
import type { Signal } from '@preact/signals';
import { t } from '../i18n/index.ts';
import { type ImportedEntry, KIND_WORDS, type KindWord, kindsOf } from '../model/imports.ts';
import { Field } from '../ui/field.tsx';
import { WordFields } from './word_fields.tsx';

// What a column can hold.
const kContents = [
  'began',
  'ended',
  'date',
  'minutes',
  'length',
  'kind',
  'amount',
  'text',
  'author',
] as const;
export type Columns = Partial<Record<(typeof kContents)[number], string>>;
export type Kinds = Record<string, KindWord>;

// More of them are no kinds, but the words of a column that was taken for it.
const kKindsShown = 24;

const kKindKeys = {
  sleep: 'family.import_kind_sleep',
  awake: 'family.import_kind_awake',
  cry: 'family.import_kind_cry',
  'put down': 'family.import_kind_put_down',
  rise: 'family.import_kind_rise',
  bottle: 'family.import_kind_bottle',
  breast: 'family.import_kind_breast',
  solid: 'family.import_kind_solid',
  feed: 'family.import_kind_feed',
  note: 'family.import_kind_note',
} as const;

// `open` at first: they are not found yet.
export function ColumnFields({
  heading,
  columns,
  open,
}: {
  heading: string[];
  columns: Signal<Columns>;
  open: boolean;
}) {
  return (
    <details class="behind" open={open}>
      <summary>{t('family.import_columns')}</summary>
      <fieldset class="pair plain-group" aria-label={t('family.import_columns')}>
        {kContents.map((what) => (
          <Field
            key={what}
            label={t(`family.import_holds_${what}`)}
            control={(ids) => (
              <select
                class="input"
                value={columns.value[what] ?? ''}
                onChange={(event) => {
                  columns.value = { ...columns.value, [what]: event.currentTarget.value };
                }}
                {...ids}
              >
                <option value="">{t('family.import_column_none')}</option>
                {[...new Set(heading)].filter(Boolean).map((name) => (
                  <option key={name} value={name}>
                    {name}
                  </option>
                ))}
              </select>
            )}
          />
        ))}
      </fieldset>
    </details>
  );
}

// The words that were found, each with what it was read as until somebody says otherwise.
export function KindFields({ entries, kinds }: { entries: ImportedEntry[]; kinds: Signal<Kinds> }) {
  return (
    <WordFields
      legend={t('family.import_kinds')}
      words={kindsOf(entries)}
      most={kKindsShown}
      value={({ word, readAs }) => (Object.hasOwn(kinds.value, word) ? kinds.value[word] : readAs)}
      onChoose={(word, kind) => {
        kinds.value = { ...kinds.value, [word]: kind as KindWord };
      }}
      options={() =>
        KIND_WORDS.map((kind) => (
          <option key={kind} value={kind}>
            {t(kKindKeys[kind])}
          </option>
        ))
      }
    />
  );
}
