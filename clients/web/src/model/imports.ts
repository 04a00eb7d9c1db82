// Logs of other apps, as the server reads them: the names are those of import_service.proto.
import type { Change } from './app.ts';
import type { AnyRecord, Id, LocalDate, LogEntry, Zone } from './types.ts';

// What to read, and what the file does not say of itself.
export interface LogFile {
  childId: Id;
  file: Uint8Array;
  zone: Zone;
  // Absent: its heading tells.
  format?: string;
  // Which child of the file, where it tells of several.
  fileChild?: string;
  dateOrder?: 'month_first' | 'day_first';
  amounts?: 'millilitre' | 'ounce';
  // Which column holds what, such as { began: 'Start' }.
  columns?: Record<string, string>;
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

// What a file may have, as the server says.
export const FILE_BYTES_MAX = 2 << 20;

// A tap holds 64 edits, and an entry needs up to 6.
const ENTRIES_PER_TAP = 10;

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
