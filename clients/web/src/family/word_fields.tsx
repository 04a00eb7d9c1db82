// The words of a file's own, each with a choice of what it means here.
import type { ComponentChildren } from 'preact';
import { t } from '../i18n/index.ts';
import type { FileWord } from '../model/imports.ts';
import { Field } from '../ui/field.tsx';

// The first `most` of `words`, and how many more there are; nothing where there are none. `options`
// gives the <option>s of a word.
export function WordFields<Word extends FileWord>({
  legend,
  words,
  most,
  value,
  onChoose,
  options,
}: {
  legend: string;
  words: readonly Word[];
  most: number;
  value: (word: Word) => string | undefined;
  onChoose: (word: string, value: string) => void;
  options: () => ComponentChildren;
}) {
  if (words.length === 0) return null;
  return (
    <fieldset class="pair plain-group">
      <legend>{legend}</legend>
      {words.slice(0, most).map((each) => (
        <Field
          key={each.word}
          label={t('family.import_word', { word: each.word, count: each.count })}
          control={(ids) => (
            <select
              class="input"
              value={value(each)}
              onChange={(event) => onChoose(each.word, event.currentTarget.value)}
              {...ids}
            >
              {options()}
            </select>
          )}
        />
      ))}
      {words.length > most && (
        <p class="small">{t('family.import_more', { count: words.length - most })}</p>
      )}
    </fieldset>
  );
}
