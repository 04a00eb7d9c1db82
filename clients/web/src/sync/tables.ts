// A family's records as the tables that `nightlog export --format csv` writes, one a kind of record:
// clients/cli/export/csv_tables.h says what is in them.
import { type DescField, type DescMessage, ScalarType } from '@bufbuild/protobuf';
import { EXISTENCE, isEditable, isRegister } from '../model/groups.ts';
import type { AnyRecord, Id, RecordKind } from '../model/types.ts';
import { fromInstant, fromPlain, type Plain } from './codec.ts';
import { timeText, toJson } from './json.ts';
import { TimestampSchema } from './well_known.ts';
import { schemas } from './wire.ts';

// Without it Excel takes the text for another encoding.
const BYTE_ORDER_MARK = '\uFEFF';

const TABLES: Record<RecordKind, string> = {
  child: 'children',
  logEntry: 'log_entries',
  plan: 'plans',
  comment: 'comments',
  member: 'members',
  nightSummary: 'nights',
  progress: 'progress',
};

function lineOf(cells: readonly string[]): string {
  const quoted = cells.map((cell) =>
    /[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
  );
  return `${quoted.join(',')}\r\n`;
}

// A spreadsheet runs no text as a formula.
function harmless(text: string): string {
  return /^[=+\-@\t\r]/.test(text) ? `'${text}` : text;
}

function yesNo(value: boolean): string {
  return value ? 'yes' : 'no';
}

// Further values of a group stand, or a deletion that an edit overruled.
function hasConflict({ kind, groups, deleted }: AnyRecord): boolean {
  return groups.some(({ group, versions }) => {
    if (group !== EXISTENCE)
      return versions.length > 1 && isEditable(kind) && isRegister(kind, group);
    return (
      !deleted &&
      versions.some(({ value }) => (value as { deleted?: boolean } | undefined)?.deleted)
    );
  });
}

function scalarCell(field: DescField, value: unknown): string {
  if (typeof value === 'boolean') return yesNo(value);
  return field.scalar === ScalarType.STRING ? harmless(value as string) : String(value);
}

// A list in words; the entries of a map are messages of a key and a value.
function listCell(field: DescField, value: unknown): string {
  const items =
    field.fieldKind === 'map'
      ? Object.entries(value as object).map(([key, item]) => ({ key: Number(key), value: item }))
      : (value as unknown[]);
  if (items.length === 0) return '';
  return field.fieldKind === 'map' || field.message
    ? JSON.stringify(items)
    : items.map((item) => scalarCell(field, item)).join(' ');
}

// The columns of a message in one order, with their cells: `words` is what toJson() says of it, and
// undefined for the heading and for a part that a record does not have.
function columnsOf(desc: DescMessage, words: Plain | undefined, path = ''): [string, string][] {
  return desc.members.flatMap((member): [string, string][] => {
    const fields = member.kind === 'oneof' ? member.fields : [member];
    const columns = fields.flatMap((field): [string, string][] => {
      const value = words?.[field.name];
      const name = path + field.name;
      if (field.fieldKind === 'list' || field.fieldKind === 'map') {
        return [[name, value === undefined ? '' : listCell(field, value)]];
      }
      if (field.message && field.message.typeName !== TimestampSchema.typeName) {
        return columnsOf(field.message, value as Plain | undefined, `${name}.`);
      }
      return [[name, value === undefined ? '' : scalarCell(field, value)]];
    });
    if (member.kind !== 'oneof') return columns;
    const told = fields.find(({ name }) => words?.[name] !== undefined);
    return [[path + member.name, told?.name ?? ''], ...columns];
  });
}

// The texts of the files by their names, such as `log_entries.csv`.
export function toCsvTables(records: Iterable<AnyRecord>): Map<string, string> {
  const sorted = [...records].sort((a, b) => (a.id < b.id ? -1 : 1));
  const names = new Map<Id | undefined, string>();
  for (const { kind, id, body } of sorted) if (kind === 'member') names.set(id, body.name ?? '');
  return new Map(
    Object.entries(TABLES).map(([kind, table]) => {
      const desc = schemas[kind as RecordKind];
      const lines = sorted
        .filter((record) => record.kind === kind)
        .map((record) => [
          record.id,
          yesNo(record.deleted),
          yesNo(hasConflict(record)),
          record.createdBy ?? '',
          harmless(names.get(record.createdBy) ?? ''),
          record.createdAt === undefined ? '' : timeText(fromInstant(record.createdAt)),
          ...columnsOf(desc, toJson(desc, fromPlain(desc, { ...record.body })) as Plain).map(
            ([, cell]) => cell,
          ),
        ]);
      const heading = [
        'record_id',
        'deleted',
        'open_conflict',
        'created_by',
        'created_by_name',
        'created_at',
        ...columnsOf(desc, undefined).map(([name]) => name),
      ];
      return [`${table}.csv`, BYTE_ORDER_MARK + [heading, ...lines].map(lineOf).join('')];
    }),
  );
}
