// Logs of other apps, as the server reads them: the names are those of import_service.proto.

import { nightOf } from '../ui/local_time.ts';
import type { Change } from './app.ts';
import { toHex } from './ids.ts';
import type { AnyRecord, EntryDetail, Id, LocalDate, LogEntry, Zone } from './types.ts';

// What a row can be, in the words of `kinds`.
export const KIND_WORDS = [
  'sleep',
  'awake',
  'cry',
  'put down',
  'rise',
  'bottle',
  'breast',
  'solid',
  'feed',
  'note',
] as const;
export type KindWord = (typeof KIND_WORDS)[number];

// What to read, and what the file does not say of itself.
export interface LogFile {
  childId: Id;
  file: Uint8Array<ArrayBuffer>;
  zone: Zone;
  // Absent: its heading tells.
  format?: string;
  // Which child of the file, where it tells of several.
  fileChild?: string;
  // Absent: the file's dates tell.
  dateOrder?: 'month_first' | 'day_first';
  amounts?: 'millilitre' | 'ounce';
  // Which column holds what, such as { began: 'Start' }.
  columns?: Record<string, string>;
  // What its own words for kinds mean, such as { Schlaf: 'sleep' }.
  kinds?: Record<string, KindWord>;
  dayZero?: LocalDate;
}

// Something to tell about a row, or about the file.
export interface ImportRemark {
  // 0: about no single line.
  line: number;
  reason?: string;
  values: string[];
  // In English.
  text?: string;
}

export interface ImportedEntry {
  // The same for the same row of the same child, whoever imports it.
  recordId: Id;
  entry: LogEntry;
}

export interface ReadLog {
  // Present: the file as a whole cannot be read.
  problem?: ImportRemark;
  format?: string;
  heading: string[];
  columns: Record<string, string>;
  rows: number;
  rowsOfOtherChildren: number;
  rowsSetAside: number;
  // The first of them.
  setAside: ImportRemark[];
  adjustments: number;
  adjusted: ImportRemark[];
  entries: ImportedEntry[];
}

// How far a large file has come: bytes that are sent, then entries that are read, of 1 until it is
// known of how many.
export interface LogProgress {
  step: 'sending' | 'reading';
  done: number;
  all: number;
}

// What a file may have, as the server says.
export const FILE_BYTES_MAX = 16 << 20;
export const FILE_ROWS_MAX = 50_000;

// How many rows a file has, its heading too: the lines that hold something, but that within quotes
// a line does not end. Of a file that is not as it should be, rather fewer than the server counts.
export function rowsOf(file: Uint8Array): number {
  const [newline, carriageReturn, quote] = [10, 13, 34];
  let rows = 0;
  let empty = true;
  let quoted = false;
  for (const byte of file) {
    if (byte === quote) quoted = !quoted;
    const ends = (byte === newline || byte === carriageReturn) && !quoted;
    if (!ends && empty) rows += 1;
    empty = ends;
  }
  return rows;
}

// How files begin that are no text: zip and most spreadsheets, gzip, old spreadsheets, PDF.
const PACKED = /^(504b0304|1f8b|d0cf11e0|25504446)/;

// What a file is that holds no log of another app, where its first bytes tell: all of a family, as
// nightlog writes it, or no text.
export function noLog(file: Uint8Array): 'family_file' | 'packed' | undefined {
  const begin = new TextDecoder().decode(file.subarray(0, 1024));
  if (/^"?{/.test(begin) && begin.includes('"nightlog_export"')) return 'family_file';
  return PACKED.test(toHex(file.subarray(0, 4))) ? 'packed' : undefined;
}

// A tap holds 64 edits, and an entry needs up to 6.
const ENTRIES_PER_TAP = 10;

// A word of the file, and of how many entries.
export interface FileWord {
  word: string;
  count: number;
}

// These words, each once: what is said most comes first.
function counted(words: readonly (string | undefined)[]): FileWord[] {
  const counts = new Map<string, number>();
  for (const word of words) if (word) counts.set(word, (counts.get(word) ?? 0) + 1);
  return [...counts]
    .map(([word, count]) => ({ word, count }))
    .sort((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1));
}

// Who logged the entries, in the file's own words.
export function authorsOf(entries: readonly ImportedEntry[]): FileWord[] {
  return counted(entries.map(({ entry }) => entry.importOrigin?.author));
}

function kindWordOf(detail: EntryDetail): KindWord {
  switch (detail.kind) {
    case 'crying':
      return 'cry';
    case 'putDown':
      return 'put down';
    case 'feed':
      return detail.feed.kind ?? 'feed';
    case 'response':
      return 'note';
    default:
      return detail.kind;
  }
}

// The file's own words for kinds, and what they were read as.
export function kindsOf(entries: readonly ImportedEntry[]): (FileWord & { readAs: KindWord })[] {
  const readAs = new Map(
    entries.map(({ entry }) => [entry.importOrigin?.activity, kindWordOf(entry.detail)]),
  );
  return counted(entries.map(({ entry }) => entry.importOrigin?.activity)).map((each) => ({
    ...each,
    readAs: readAs.get(each.word) ?? 'note',
  }));
}

// What a person wants of a file.
export interface Wanted {
  // Nights; absent: from the first, to the last.
  from?: LocalDate;
  to?: LocalDate;
  // Who an author of the file is: a member, or LEFT_OUT. Absent: nobody of the family.
  authors: Readonly<Record<string, string>>;
}
// Stands for a member: this author's entries are not wanted.
export const LEFT_OUT = 'left_out';

// The entries that are wanted, each with its caregiver.
export function wantedOf(
  entries: readonly ImportedEntry[],
  { from, to, authors }: Wanted,
): ImportedEntry[] {
  return entries.flatMap(({ recordId, entry }) => {
    const { interval, importOrigin } = entry;
    if (from || to) {
      const night = nightOf(interval.beganAt, interval.zone);
      if ((from && night < from) || (to && night > to)) return [];
    }
    const author = importOrigin?.author;
    const caregiverId = author !== undefined && Object.hasOwn(authors, author) && authors[author];
    if (caregiverId === LEFT_OUT) return [];
    return [{ recordId, entry: caregiverId ? { ...entry, caregiverId } : entry }];
  });
}

// The entries that this phone does not have: a deleted one stays deleted.
export function newOnes(
  entries: readonly ImportedEntry[],
  shown: ReadonlyMap<Id, AnyRecord>,
): ImportedEntry[] {
  return entries.filter(({ recordId }) => !shown.has(recordId));
}

// The taps that log these entries.
export function tapsOf(entries: readonly ImportedEntry[]): Change[][] {
  const taps: Change[][] = [];
  for (let i = 0; i < entries.length; i += ENTRIES_PER_TAP) {
    taps.push(
      entries.slice(i, i + ENTRIES_PER_TAP).map(({ recordId, entry }) => ({
        type: 'set',
        recordId,
        kind: 'logEntry',
        groups: entry,
      })),
    );
  }
  return taps;
}
