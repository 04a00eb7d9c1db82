// A child's nights as a sleep diary to print, two weeks a page, as clients/cli/export/diary.h says.
// Pure: what is shown are the summaries and what was noted; nothing is counted anew.
import type {
  Comment,
  Instant,
  LocalDate,
  LogEntry,
  NightSummary,
  RecordOf,
  TimelineSpan,
  Zone,
} from '../model/types.ts';
import { addDays, instantOf, nightOf, wallTimeOf } from '../ui/local_time.ts';

export const kNightsOnAPage = 14;

// A piece of the line from noon to noon, as shares of it.
export interface Sleep {
  from: number;
  to: number;
  nap: boolean;
}

export interface DiaryNight {
  date: LocalDate;
  zone: Zone;
  // Absent: nothing is known of it.
  night?: NightSummary;
  sleeps: Sleep[];
  // Where on the line.
  putDown?: number;
  rise?: number;
  // In the order of their times.
  notes: string[];
}

export interface DiaryOf {
  child: RecordOf<'child'>;
  nights: readonly NightSummary[];
  entries: readonly LogEntry[];
  comments: readonly Comment[];
  // A comment as it stands among the notes.
  quoted: (text: string) => string;
}

function noon(date: LocalDate, zone: Zone): Instant {
  const found = instantOf({ date, time: '12:00' }, zone);
  return found?.kind === 'twice' ? found.first : (found?.at ?? Number.NaN);
}

// What was said of each night. The words of another app's log are left out: it has some for every
// bottle.
function notesOf({ child, entries, comments, quoted }: DiaryOf): Map<LocalDate, string[]> {
  const zone = child.body.homeZone;
  const said: { date: LocalDate; at: Instant; words: string }[] = [];
  for (const { childId, text, importOrigin, interval } of entries) {
    if (childId !== child.id || !text || importOrigin) continue;
    const at = interval.beganAt;
    said.push({ date: nightOf(at, zone), at, words: `${wallTimeOf(at, zone).time} ${text}` });
  }
  for (const { target, posts } of comments) {
    if (target.target !== 'night' || target.night.childId !== child.id) continue;
    for (const { text, postedAt = 0 } of posts) {
      said.push({ date: target.night.date, at: postedAt, words: quoted(text) });
    }
  }
  const notes = new Map<LocalDate, string[]>();
  for (const { date, words } of said.sort((a, b) => a.at - b.at)) {
    notes.set(date, [...(notes.get(date) ?? []), words]);
  }
  return notes;
}

// The child's nights from the first to the last, in pages; of two weeks of which nothing is known
// there is no page. `from`: none before it.
export function diaryPages(of: DiaryOf, from: LocalDate = ''): DiaryNight[][] {
  const nights = new Map(
    of.nights.filter(({ childId }) => childId === of.child.id).map((night) => [night.date, night]),
  );
  const dates = [...nights.keys()].filter((date) => date >= from).sort();
  // The naps of a date lie on two lines: that of the night before, and its own.
  const asleep = [...nights.values()].flatMap(({ timeline, naps }) => [
    ...timeline.filter(({ phase }) => phase === 'asleep').map((span) => ({ span, nap: false })),
    ...naps.map((span) => ({ span, nap: true })),
  ]);
  const notes = notesOf(of);
  const last = dates.at(-1) ?? '';
  const pages: DiaryNight[][] = [];
  let next = dates[0];
  while (next !== undefined) {
    const limit = addDays(next, kNightsOnAPage);
    const page: DiaryNight[] = [];
    for (let date = next; date < limit && date <= last; date = addDays(date, 1)) {
      page.push(
        diaryNight(date, nights.get(date), of.child.body.homeZone, asleep, notes.get(date)),
      );
    }
    pages.push(page);
    next = dates.find((date) => date >= limit);
    if (next !== undefined && next < addDays(limit, kNightsOnAPage)) next = limit;
  }
  return pages;
}

function diaryNight(
  date: LocalDate,
  night: NightSummary | undefined,
  home: Zone,
  asleep: readonly { span: TimelineSpan; nap: boolean }[],
  notes: string[] = [],
): DiaryNight {
  const zone = night?.zone ?? home;
  // 23 or 25 hours where the clocks change.
  const begin = noon(date, zone);
  const end = noon(addDays(date, 1), zone);
  const share = (at: Instant) => Math.min(1, Math.max(0, (at - begin) / (end - begin)));
  return {
    date,
    zone,
    sleeps: asleep.flatMap(({ span: { beganAt, endedAt = 0 }, nap }) =>
      endedAt <= begin || beganAt >= end ? [] : [{ from: share(beganAt), to: share(endedAt), nap }],
    ),
    notes,
    ...(night && { night }),
    ...(night?.putDownAt !== undefined && { putDown: share(night.putDownAt) }),
    ...(night?.riseAt !== undefined && { rise: share(night.riseAt) }),
  };
}
