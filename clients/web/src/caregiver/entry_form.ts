// What the form of an entry holds, and the edits it comes to.
import type { Change, NewEntry } from '../model/app.ts';
import type {
  EntryDetail,
  EntryKind,
  ExemptReason,
  FeedKind,
  Id,
  Instant,
  Interval,
  LogEntry,
  Position,
  RecordOf,
  ResponseLevel,
  SleepPlace,
  Zone,
} from '../model/types.ts';

export interface EntryForm {
  kind: EntryKind;
  begin: Instant;
  // Absent: a point in time, or still going on.
  end?: Instant;
  text: string;
  level: ResponseLevel;
  position?: Position;
  exemptReason?: ExemptReason;
  intensity: number;
  place?: SleepPlace;
  amountMl?: number;
  feedKind?: FeedKind;
}

// Kinds that last; the others are points in time.
export const kLasting: readonly EntryKind[] = ['sleep', 'awake', 'crying', 'response', 'feed'];

export function newForm(kind: EntryKind, begin: Instant): EntryForm {
  return { kind, begin, text: '', level: 2, intensity: 0 };
}

export function formOf({ detail, interval, text = '' }: LogEntry): EntryForm {
  const form: EntryForm = { ...newForm(detail.kind, interval.beganAt), text };
  if (interval.endedAt !== undefined) form.end = interval.endedAt;
  if (detail.kind === 'response') {
    const { level, position, exemptReason } = detail.response;
    Object.assign(form, { level }, position && { position }, exemptReason && { exemptReason });
  }
  if (detail.kind === 'crying') form.intensity = detail.crying.intensity;
  if (detail.kind === 'sleep' && detail.sleep.place) form.place = detail.sleep.place;
  if (detail.kind === 'feed') {
    const { amountMl, kind } = detail.feed;
    Object.assign(form, amountMl !== undefined && { amountMl }, kind && { feedKind: kind });
  }
  return form;
}

// The detail of the form laid over `before`: what this app does not know stays.
function detailOf(form: EntryForm, before: EntryDetail | undefined): EntryDetail {
  const { kind, level, position, exemptReason, intensity, place, amountMl, feedKind } = form;
  switch (kind) {
    case 'response': {
      const known = before?.kind === 'response' ? before.response : {};
      const { position: _, exemptReason: __, ...rest } = known as Partial<typeof form>;
      return {
        ...before,
        kind,
        response: {
          ...rest,
          level,
          ...(position && { position }),
          ...(exemptReason && { exemptReason }),
        },
      };
    }
    case 'crying':
      return {
        ...before,
        kind,
        crying: { ...(before?.kind === kind && before.crying), intensity },
      };
    case 'sleep': {
      const { place: _, ...rest } = before?.kind === kind ? before.sleep : { place };
      return { ...before, kind, sleep: { ...rest, ...(place && { place }) } };
    }
    case 'feed': {
      const { amountMl: _, kind: __, ...rest } = before?.kind === kind ? before.feed : { amountMl };
      return {
        ...before,
        kind,
        feed: {
          ...rest,
          ...(amountMl !== undefined && { amountMl }),
          ...(feedKind && { kind: feedKind }),
        },
      };
    }
    case 'putDown':
      return { ...before, kind, putDown: {} };
    case 'awake':
      return { ...before, kind, awake: {} };
    case 'rise':
      return { ...before, kind, rise: {} };
    case 'note':
      return { ...before, kind, note: {} };
  }
}

// A typed time is the person's word: it is not read off a clock, and nobody corrects it.
function intervalOf(
  { kind, begin, end }: EntryForm,
  before: Interval | undefined,
  zone: Zone,
): Interval {
  const ended = kLasting.includes(kind) ? end : undefined;
  const {
    endedAt: _,
    endedRaw,
    beganRaw,
    ...rest
  } = before ?? {
    beganAt: begin,
    zone,
    beganTapped: false,
    endedTapped: false,
  };
  const sameBegin = before?.beganAt === begin;
  const sameEnd = before?.endedAt === ended;
  return {
    ...rest,
    beganAt: begin,
    beganTapped: sameBegin && rest.beganTapped,
    ...(sameBegin && beganRaw !== undefined && { beganRaw }),
    endedTapped: sameEnd && rest.endedTapped,
    ...(ended !== undefined && { endedAt: ended }),
    ...(sameEnd && endedRaw !== undefined && { endedRaw }),
  };
}

// An end before the begin is nothing to save.
export function isValid({ kind, begin, end, text }: EntryForm): boolean {
  if (kind === 'note' && text.trim() === '') return false;
  return end === undefined || !kLasting.includes(kind) || end >= begin;
}

export function newEntryOf(form: EntryForm, childId: Id, zone: Zone): NewEntry {
  const text = form.text.trim();
  return {
    childId,
    detail: detailOf(form, undefined),
    interval: intervalOf(form, undefined, zone),
    ...(text && { text }),
  };
}

// Only the groups that differ from the entry's, so that the edit replaces nothing else; empty: none.
export function changesOfForm(form: EntryForm, { id, body }: RecordOf<'logEntry'>): Change[] {
  const detail = detailOf(form, body.detail);
  const interval = intervalOf(form, body.interval, body.interval.zone);
  const text = form.text.trim();
  const differs = (a: unknown, b: unknown): boolean => canonical(a) !== canonical(b);
  const groups: Partial<LogEntry> = {
    ...(differs(detail, body.detail) && { detail }),
    ...(differs(interval, body.interval) && { interval }),
    ...(text !== (body.text ?? '') && text !== '' && { text }),
  };
  const changes: Change[] = [];
  if (Object.keys(groups).length > 0) {
    changes.push({ type: 'set', recordId: id, kind: 'logEntry', groups });
  }
  if (text === '' && body.text) {
    changes.push({ type: 'clear', recordId: id, kind: 'logEntry', group: 'text' });
  }
  return changes;
}

// Equal for values that say the same, whatever the order of their keys.
function canonical(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) =>
    part && typeof part === 'object' && !Array.isArray(part)
      ? Object.fromEntries(Object.entries(part).sort(([a], [b]) => (a < b ? -1 : 1)))
      : part,
  );
}
