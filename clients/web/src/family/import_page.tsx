// Takes over the log of another app: the server reads a file and says what is in it; what is new is
// then logged here, on this phone, like any other tap.
import { type Signal, useSignal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { hrefOf } from '../app/route.ts';
import { type MessageKey, t } from '../i18n/index.ts';
import type { Family } from '../model/app.ts';
import {
  FILE_BYTES_MAX,
  type ImportRemark,
  type LogFile,
  newOnes,
  type ReadLog,
  tapsOf,
} from '../model/imports.ts';
import { Button } from '../ui/button.tsx';
import { Choice, Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { zoneOptions } from './child_form.tsx';
import { Failure, useCall } from './parts.tsx';
import { SelectField } from './select_field.tsx';
import { TextField } from './text_field.tsx';

// Apps by their names, which are the same in every language.
const kApps: Record<string, string> = {
  huckleberry: 'Huckleberry',
  nara: 'Nara',
  'baby-connect': 'Baby Connect',
  'baby-tracker': 'Baby Tracker',
  'baby-buddy': 'Baby Buddy',
  glow: 'Glow',
};
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
type Content = (typeof kContents)[number];

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
] as const;

function formatName(format: string): string {
  if (format === 'spreadsheet') return t('family.import_spreadsheet');
  return format === 'csv' ? t('family.import_csv') : (kApps[format] ?? format);
}

function words({ reason, values, text }: ImportRemark): string {
  const known = kReasons.find((each) => each === reason);
  if (!known) return text ?? '';
  const [a, b] = values;
  return t(`family.import_${known}` satisfies MessageKey, { a, b, all: values.join(', ') });
}

function Remark({ remark }: { remark: ImportRemark }) {
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
function Result({ title, children }: { title: string; children: preact.ComponentChildren }) {
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

function Columns({ heading, columns }: { heading: string[]; columns: Signal<Columns> }) {
  return (
    <fieldset class="pair plain-group">
      <legend>{t('family.import_columns')}</legend>
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
  );
}
type Columns = Partial<Record<Content, string>>;

// What was read, of which request.
interface Looked {
  of: string;
  log: ReadLog;
}

export function ImportPage({ family }: { family: Family }) {
  const children = family.list('child').value;
  const childId = useSignal('');
  const file = useSignal<{ name: string; bytes: Uint8Array } | undefined>(undefined);
  const fileError = useSignal<string | undefined>(undefined);
  const format = useSignal('');
  const zone = useSignal('');
  const dateOrder = useSignal<'month_first' | 'day_first'>('month_first');
  const amounts = useSignal<'' | 'millilitre' | 'ounce'>('');
  const fileChild = useSignal('');
  // The children that the file tells of, where they are several.
  const fileChildren = useSignal<string[]>([]);
  const dayZero = useSignal('');
  const columns = useSignal<Columns>({});
  const looked = useSignal<Looked | undefined>(undefined);
  const saving = useSignal<{ done: number; all: number } | undefined>(undefined);
  const call = useCall();

  const child = children.find(({ id }) => id === childId.value) ?? children[0];
  if (!child) {
    return (
      <a class="button plain" href={hrefOf('family', family.id, 'child')}>
        {t('family.add_child')}
      </a>
    );
  }
  if (!zone.value) zone.value = child.body.homeZone;

  const mapped = format.value === 'csv' || format.value === 'glow';
  // What the form asks for as it stands.
  const ask = (): Omit<LogFile, 'file'> => {
    const named = Object.entries(columns.value).filter(([, column]) => column !== '');
    const dayOfZero = dayZero.value || child.body.birthDate;
    return {
      childId: child.id,
      zone: zone.value,
      dateOrder: dateOrder.value,
      format: format.value,
      ...(amounts.value && { amounts: amounts.value }),
      ...(fileChild.value && { fileChild: fileChild.value }),
      ...(dayOfZero && { dayZero: dayOfZero }),
      ...(mapped && named.length > 0 && { columns: Object.fromEntries(named) }),
    };
  };
  const request = () => JSON.stringify([file.value?.name, ask()]);
  const last = looked.value?.log;
  // What was read of another request is shown no more.
  const log = looked.value?.of === request() ? last : undefined;

  const choose = async (chosen: File | undefined) => {
    file.value = undefined;
    looked.value = undefined;
    fileError.value = undefined;
    fileChild.value = '';
    fileChildren.value = [];
    columns.value = {};
    if (!chosen) return;
    if (chosen.size > FILE_BYTES_MAX) {
      fileError.value = t('family.import_too_large');
    } else if (chosen.size === 0) {
      fileError.value = t('family.import_empty');
    } else {
      file.value = { name: chosen.name, bytes: new Uint8Array(await chosen.arrayBuffer()) };
    }
  };

  const look = () =>
    call.run(async () => {
      const chosen = file.value;
      if (!chosen) return;
      const before = request();
      saving.value = undefined;
      // Old entries too: what is here already is not logged again.
      await family.loadSince(Number.MIN_SAFE_INTEGER);
      const read = await (await family.remote()).readLog(family.id, {
        ...ask(),
        file: chosen.bytes,
      });
      if (request() !== before) return;
      // Where no app is recognised, its columns are there to be named; where the usual names were
      // found, they are there to be changed.
      if (read.problem?.reason === 'unknown_heading') format.value = 'csv';
      if (read.problem?.reason === 'children') fileChildren.value = read.problem.values;
      if (mapped && !read.problem) columns.value = read.columns;
      looked.value = { of: request(), log: read };
    });

  const save = async (entries: ReadLog['entries']) => {
    let done = 0;
    saving.value = { done, all: entries.length };
    await call.run(async () => {
      for (const tap of tapsOf(entries)) {
        await family.tap(tap);
        done += tap.length;
        saving.value = { done, all: entries.length };
      }
    });
    if (done < entries.length) saving.value = undefined;
  };

  const saved = saving.value && saving.value.done === saving.value.all;
  return (
    <>
      <Form onSubmit={look}>
        <Field
          label={t('family.import_file')}
          hint={t('family.import_file_hint')}
          error={fileError.value}
          control={(ids) => (
            <input
              class="input"
              type="file"
              accept=".csv,.txt,text/csv,text/plain"
              onChange={(event) => void choose(event.currentTarget.files?.[0])}
              {...ids}
            />
          )}
        />
        {children.length > 1 && (
          <Choice
            legend={t('family.import_whose')}
            options={children.map(({ id, body }) => ({ value: id, label: body.name }))}
            value={child.id}
            onChange={(id) => {
              childId.value = id;
            }}
          />
        )}
        <SelectField
          label={t('family.import_format')}
          options={[
            { value: '', label: t('family.import_recognise') },
            ...[...Object.keys(kApps), 'spreadsheet', 'csv'].map((value) => ({
              value,
              label: formatName(value),
            })),
          ]}
          choice={format}
        />
        <SelectField
          label={t('family.import_zone')}
          hint={t('family.import_zone_hint')}
          options={zoneOptions(zone.value)}
          choice={zone}
        />
        <details class="behind">
          <summary>{t('family.import_details')}</summary>
          <div class="stack">
            <Choice
              legend={t('family.import_dates')}
              options={[
                { value: 'month_first', label: t('family.import_month_first') },
                { value: 'day_first', label: t('family.import_day_first') },
              ]}
              value={dateOrder.value}
              onChange={(order) => {
                dateOrder.value = order;
              }}
            />
            <Choice
              legend={t('family.import_amounts')}
              options={[
                { value: '', label: t('family.import_unit_unknown') },
                { value: 'millilitre', label: 'ml' },
                { value: 'ounce', label: 'oz' },
              ]}
              value={amounts.value}
              onChange={(unit) => {
                amounts.value = unit;
              }}
            />
          </div>
        </details>
        <div class="stack" role="alert">
          {log?.problem && (
            <p class="card alert">
              <Remark remark={log.problem} />
            </p>
          )}
        </div>
        {fileChildren.value.length > 0 && (
          <Choice
            legend={t('family.import_file_child')}
            options={fileChildren.value.map((name) => ({ value: name, label: name }))}
            value={fileChild.value}
            onChange={(name) => {
              fileChild.value = name;
            }}
          />
        )}
        {(last?.problem?.reason === 'numbered_days' || last?.format === 'spreadsheet') && (
          <TextField
            label={t('family.import_day_zero')}
            hint={t('family.import_day_zero_hint')}
            text={dayZero}
            type="date"
          />
        )}
        {mapped && last && <Columns heading={last.heading} columns={columns} />}
        <Failure words={call.error.value} />
        <Button
          kind={log && !log.problem ? 'plain' : 'main'}
          class="big"
          wide
          type="submit"
          disabled={!file.value || call.busy.value}
        >
          {t('family.import_look')}
        </Button>
      </Form>
      {log && !log.problem && !saving.value && (
        <Report
          family={family}
          log={log}
          name={child.body.name}
          busy={call.busy.value}
          onSave={save}
        />
      )}
      {saving.value && !saved && (
        <section class="card" aria-label={t('family.import_title')}>
          <p id="import-progress">{t('family.import_saving', { ...saving.value })}</p>
          <progress
            class="import-bar"
            aria-labelledby="import-progress"
            value={saving.value.done}
            max={saving.value.all}
          />
          <p class="small soft">{t('family.import_leave')}</p>
        </section>
      )}
      {saving.value && saved && (
        <Result title={t('family.import_done')}>
          <p>{t('family.import_saved', { count: saving.value.all })}</p>
          <p aria-live="polite">
            {family.sync.value.pending > 0
              ? t('family.import_to_send', { count: family.sync.value.pending })
              : t('family.import_sent')}
          </p>
          {log && <Left log={log} />}
          <a class="button plain" href={hrefOf('tonight', 'nights')}>
            {t('family.import_nights')}
          </a>
        </Result>
      )}
    </>
  );
}

// What is not made an entry as it stands.
function Left({ log }: { log: ReadLog }) {
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

function Report({
  family,
  log,
  name,
  busy,
  onSave,
}: {
  family: Family;
  log: ReadLog;
  // The child's.
  name: string;
  busy: boolean;
  onSave: (entries: ReadLog['entries']) => void;
}) {
  const entries = newOnes(log.entries, family.records.value);
  const there = log.entries.length - entries.length;
  return (
    <Result title={t('family.import_report', { format: formatName(log.format ?? '') })}>
      <ul class="stack tight">
        <li>{t('family.import_rows', { count: log.rows })}</li>
        <li>{t('family.import_new', { count: entries.length })}</li>
        {there > 0 && <li>{t('family.import_there', { count: there })}</li>}
        {log.rowsOfOtherChildren > 0 && (
          <li>{t('family.import_others', { count: log.rowsOfOtherChildren })}</li>
        )}
      </ul>
      <Left log={log} />
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
