// Wall-clock times of a zone, and back. The one place that knows of repeated and skipped hours.
//
// Instants are milliseconds since the epoch; `date` is YYYY-MM-DD and `time` is HH:MM, as the
// browser's own inputs write them.

export interface WallTime {
  date: string;
  time: string;
}

export type Resolved =
  // The time there is once that day.
  | { kind: 'once'; at: number }
  // Clocks went back over it: it is there twice, and only a person knows which was meant.
  | { kind: 'twice'; first: number; second: number }
  // Clocks went forward over it: there is no such time. `at` is the instant as far after the change
  // as was typed, which that day's clocks show as `shown`.
  | { kind: 'skipped'; at: number; shown: WallTime };

const kMinuteMs = 60_000;
const kDayMs = 24 * 60 * kMinuteMs;

const formats = new Map<string, Intl.DateTimeFormat>();

function formatOf(zone: string): Intl.DateTimeFormat {
  let format = formats.get(zone);
  if (!format) {
    format = new Intl.DateTimeFormat('en-CA', {
      timeZone: zone,
      calendar: 'iso8601',
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
    });
    formats.set(zone, format);
  }
  return format;
}

// The first format takes a slow phone a tenth of a second: best while a page waits for the rest.
formatOf(zoneHere());

// The device's own zone; `otherwise` on a device that does not know it, which a browser tells by a name
// that it refuses itself, or by none.
export function zoneHere(otherwise = 'UTC'): string {
  const zone = Intl.DateTimeFormat().resolvedOptions().timeZone;
  return !zone || zone === 'Etc/Unknown' ? otherwise : zone;
}

// What a clock in `zone` shows at `at`.
export function wallTimeOf(at: number, zone: string): WallTime {
  const part: Record<string, string> = {};
  for (const { type, value } of formatOf(zone).formatToParts(at)) part[type] = value;
  return {
    date: `${part.year!.padStart(4, '0')}-${part.month}-${part.day}`,
    time: `${part.hour}:${part.minute}`,
  };
}

function asIfUtc(wall: WallTime): number {
  return Date.parse(`${wall.date}T${wall.time}:00Z`);
}

// How far clocks in `zone` are ahead of UTC at `at`, in whole minutes, as milliseconds.
function offsetAt(at: number, zone: string): number {
  return asIfUtc(wallTimeOf(at, zone)) - Math.floor(at / kMinuteMs) * kMinuteMs;
}

// The instant at which clocks in `zone` show `wall`; undefined where it is no date and time.
export function instantOf(wall: WallTime, zone: string): Resolved | undefined {
  const utc = asIfUtc(wall);
  if (Number.isNaN(utc)) return undefined;
  const before = offsetAt(utc - kDayMs, zone);
  const after = offsetAt(utc + kDayMs, zone);
  const fits = [...new Set([utc - before, utc - after])]
    .filter((at) => offsetAt(at, zone) === utc - at)
    .sort((a, b) => a - b);
  if (fits.length === 2) return { kind: 'twice', first: fits[0]!, second: fits[1]! };
  if (fits.length === 1) return { kind: 'once', at: fits[0]! };
  const at = utc - before;
  return { kind: 'skipped', at, shown: wallTimeOf(at, zone) };
}

// The evening a moment belongs to: nights run from noon to noon in `zone`.
export function nightOf(at: number, zone: string): string {
  const { date, time } = wallTimeOf(at, zone);
  return time >= '12:00' ? date : addDays(date, -1);
}

export function addDays(date: string, days: number): string {
  return new Date(Date.parse(`${date}T00:00:00Z`) + days * kDayMs).toISOString().slice(0, 10);
}
