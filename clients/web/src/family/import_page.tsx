// Takes over the log of another app: the server reads a file and says what is in it; what is new is
// then logged here, on this phone, like any other tap.
import { useSignal } from '@preact/signals';
import { hrefOf } from '../app/route.ts';
import { t } from '../i18n/index.ts';
import { decimal } from '../i18n/intl.ts';
import type { Family } from '../model/app.ts';
import {
  FILE_BYTES_MAX,
  FILE_ROWS_MAX,
  type LogFile,
  type LogProgress,
  noLog,
  type ReadLog,
  rowsOf,
  tapsOf,
} from '../model/imports.ts';
import type { LocalDate } from '../model/types.ts';
import { Button } from '../ui/button.tsx';
import { Choice, Field } from '../ui/field.tsx';
import { Form } from '../ui/form.tsx';
import { zoneOptions } from './child_form.tsx';
import { ColumnFields, type Columns, KindFields, type Kinds } from './import_columns.tsx';
import {
  Bar,
  type Choices,
  formatName,
  kFormats,
  Left,
  Remark,
  Report,
  Result,
} from './import_report.tsx';
import { Failure, useCall } from './parts.tsx';
import { SelectField } from './select_field.tsx';
import { TextField } from './text_field.tsx';

// What was read, of which request.
interface Looked {
  of: string;
  log: ReadLog;
}

export function ImportPage({ family }: { family: Family }) {
  const children = family.list('child').value;
  const childId = useSignal('');
  const file = useSignal<{ name: string; bytes: Uint8Array<ArrayBuffer> } | undefined>(undefined);
  const fileError = useSignal<string | undefined>(undefined);
  const format = useSignal('');
  const zone = useSignal('');
  const dateOrder = useSignal<'' | 'month_first' | 'day_first'>('');
  const amounts = useSignal<'' | 'millilitre' | 'ounce'>('');
  const fileChild = useSignal('');
  // The children that the file tells of, where they are several.
  const fileChildren = useSignal<string[]>([]);
  const dayZero = useSignal('');
  const columns = useSignal<Columns>({});
  const kinds = useSignal<Kinds>({});
  const choices: Choices = {
    authors: useSignal<Readonly<Record<string, string>>>({}),
    from: useSignal<LocalDate>(''),
    to: useSignal<LocalDate>(''),
  };
  const looked = useSignal<Looked | undefined>(undefined);
  // How far the file has come.
  const looking = useSignal<LogProgress | undefined>(undefined);
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
      ...(dateOrder.value && { dateOrder: dateOrder.value }),
      format: format.value,
      ...(amounts.value && { amounts: amounts.value }),
      ...(fileChild.value && { fileChild: fileChild.value }),
      ...(dayOfZero && { dayZero: dayOfZero }),
      ...(mapped && named.length > 0 && { columns: Object.fromEntries(named) }),
      ...(mapped && Object.keys(kinds.value).length > 0 && { kinds: kinds.value }),
    };
  };
  const request = () => JSON.stringify([file.value?.name, ask()]);
  const last = looked.value?.log;
  // What was read of another request is shown no more.
  const log = looked.value?.of === request() ? last : undefined;

  const choose = async (chosen: File | undefined) => {
    file.value = undefined;
    looked.value = undefined;
    if (!call.busy.value) saving.value = undefined;
    fileError.value = undefined;
    fileChild.value = '';
    fileChildren.value = [];
    columns.value = {};
    kinds.value = {};
    choices.authors.value = {};
    choices.from.value = '';
    choices.to.value = '';
    if (!chosen) return;
    if (chosen.size > FILE_BYTES_MAX) {
      fileError.value = t('family.import_too_large');
    } else if (chosen.size === 0) {
      fileError.value = t('family.import_empty');
    } else {
      try {
        const bytes = new Uint8Array(await chosen.arrayBuffer());
        const problem = noLog(bytes);
        if (problem) fileError.value = t(`family.import_${problem}`);
        else if (rowsOf(bytes) > FILE_ROWS_MAX) {
          fileError.value = t('family.import_too_many_rows', { a: decimal(FILE_ROWS_MAX) });
        } else file.value = { name: chosen.name, bytes };
      } catch {
        fileError.value = t('family.import_unreadable');
      }
    }
  };

  const look = () =>
    call.run(async () => {
      const chosen = file.value;
      if (!chosen) return;
      const before = request();
      saving.value = undefined;
      looking.value = { step: 'reading', done: 0, all: 1 };
      // Old entries too: what is here already is not logged again.
      let read: ReadLog;
      try {
        await family.loadSince(Number.MIN_SAFE_INTEGER);
        const remote = await family.remote();
        read = await remote.readLog(family.id, { ...ask(), file: chosen.bytes }, (progress) => {
          looking.value = progress;
        });
      } finally {
        looking.value = undefined;
      }
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
            ...kFormats.map((value) => ({
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
        <details class="behind" open={last?.problem?.reason === 'date_orders'}>
          <summary>{t('family.import_details')}</summary>
          <div class="stack">
            <Choice
              legend={t('family.import_dates')}
              options={[
                { value: '', label: t('family.import_order_told') },
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
        {mapped && last && (
          <ColumnFields heading={last.heading} columns={columns} open={!!last.problem} />
        )}
        {mapped && last && <KindFields entries={last.entries} kinds={kinds} />}
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
      {looking.value && (
        <section class="card" aria-label={t('family.import_title')}>
          <Bar
            words={
              looking.value.step === 'sending'
                ? t('family.import_sending', {
                    percent: Math.floor((100 * looking.value.done) / looking.value.all),
                  })
                : t('family.import_reading')
            }
            done={looking.value.done}
            all={looking.value.all}
          />
        </section>
      )}
      {log && !log.problem && !saving.value && (
        <Report
          family={family}
          log={log}
          name={child.body.name}
          choices={choices}
          busy={call.busy.value}
          onSave={save}
        />
      )}
      {saving.value && !saved && (
        <section class="card" aria-label={t('family.import_title')}>
          <Bar words={t('family.import_saving', { ...saving.value })} {...saving.value} />
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
