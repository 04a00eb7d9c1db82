// Reads a file of another app on the server: a small one goes up with the question, a large one in
// parts before it.
import {
  ReadLogRequestSchema,
  ReadLogResponseSchema,
} from '../gen/nightlog/v1/import_service_pb.js';
import { fromHex } from '../model/ids.ts';
import type { ImportedEntry, LogFile, LogProgress, ReadLog } from '../model/imports.ts';
import type { Id } from '../model/types.ts';
import { type Calls, FILE_CALL } from './calls.ts';
import { fromPlain, toPlain } from './codec.ts';
import { CallError, toAppError } from './errors.ts';

// A part of a file, which a slow line takes up within seconds.
export const PART_BYTES = 256 << 10;

// Tries of a call that the server has no room for, and times that a file goes up which the server
// has forgotten.
const BUSY_TRIES = 20;
const UPLOADS = 2;

async function whenThereIsRoom<T>(call: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; ++tries) {
    try {
      return await call();
    } catch (thrown) {
      const error = toAppError(thrown);
      if (error.reason !== 'busy' || tries === BUSY_TRIES) throw error;
      const wait = error instanceof CallError ? error.retryAfterMs : 0;
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }
}

async function upload(
  calls: Calls,
  familyId: Id,
  uploadId: Uint8Array<ArrayBuffer>,
  file: Uint8Array<ArrayBuffer>,
  told: (progress: LogProgress) => void,
): Promise<void> {
  for (let offset = 0; offset < file.length; ) {
    told({ step: 'sending', done: offset, all: file.length });
    const part = {
      familyId: fromHex(familyId),
      uploadId,
      fileBytes: file.length,
      offset,
      part: file.subarray(offset, offset + PART_BYTES),
    };
    const answer = await whenThereIsRoom(() => calls.imports.uploadLog(part, FILE_CALL));
    offset = answer.bytesHere;
  }
  told({ step: 'reading', done: 0, all: 1 });
}

// What is in the file. `told` hears how far a large one has come. A file that the server still has
// does not go up again: it is named by its content.
export async function readLog(
  calls: Calls,
  familyId: Id,
  { file, ...asked }: LogFile,
  told: (progress: LogProgress) => void,
): Promise<ReadLog> {
  const uploadId =
    file.length > PART_BYTES
      ? new Uint8Array(await crypto.subtle.digest('SHA-256', file)).slice(0, 16)
      : undefined;
  const ask = (pageToken: string) => {
    const request = fromPlain(ReadLogRequestSchema, { ...asked, familyId, pageToken });
    if (uploadId) request.uploadId = uploadId;
    else request.file = file;
    return whenThereIsRoom(() => calls.imports.readLog(request, FILE_CALL));
  };
  const readPage = async (pageToken: string) => {
    for (let uploads = 0; ; ++uploads) {
      try {
        if (uploads > 0 && uploadId) await upload(calls, familyId, uploadId, file, told);
        return await ask(pageToken);
      } catch (error) {
        const forgotten = uploadId !== undefined && toAppError(error).reason === 'not_found';
        if (!forgotten || uploads === UPLOADS) throw error;
      }
    }
  };

  const entries: ImportedEntry[] = [];
  let pageToken = '';
  let page: ReadLog & { entryCount: number; nextPageToken?: string };
  do {
    page = toPlain(ReadLogResponseSchema, await readPage(pageToken)) as unknown as typeof page;
    entries.push(...page.entries);
    if (uploadId) told({ step: 'reading', done: entries.length, all: page.entryCount });
    pageToken = page.nextPageToken ?? '';
  } while (pageToken !== '');
  return { ...page, entries };
}
