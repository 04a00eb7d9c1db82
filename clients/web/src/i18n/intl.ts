// Dates, times and durations in the language of the reader, by the browser's own Intl.
import type { Instant, LocalDate, Zone } from '../model/types.ts';
import { wallTimeOf, zoneHere } from '../ui/local_time.ts';
import { type Locale, locale, t } from './index.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

function format(language: Locale, zone: Zone | undefined, options: Intl.DateTimeFormatOptions) {
  const key = `${language} ${zone} ${JSON.stringify(options)}`;
  let made = formats.get(key);
  if (!made) {
    made = new Intl.DateTimeFormat(language, { ...options, timeZone: zone });
    formats.set(key, made);
  }
  return made;
}

// `02:15`, in every language; in the device's zone, or the one given.
export function timeOfDay(at: Instant, zone: Zone = zoneHere()): string {
  return wallTimeOf(at, zone).time;
}

// `Tue, 14 Jan`. A calendar date has no zone.
export function shortDate(date: LocalDate): string {
  return format(locale(), 'UTC', { weekday: 'short', day: 'numeric', month: 'short' }).format(
    Date.parse(`${date}T12:00Z`),
  );
}

// `4:12`, or `1:04:12` from an hour on: minutes and seconds that pass.
export function clock(ms: number): string {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  const two = (value: number) => String(value).padStart(2, '0');
  const hours = Math.floor(seconds / 3600);
  const minutes = Math.floor(seconds / 60) % 60;
  return hours > 0
    ? `${hours}:${two(minutes)}:${two(seconds % 60)}`
    : `${minutes}:${two(seconds % 60)}`;
}

// `1 hr 25 min`, rounded to minutes. By messages: the browser's number formats take a slow phone a
// tenth of a second at the first use, and this is on the screen of the night.
export function duration(ms: number): string {
  const all = Math.round(ms / 60_000);
  const hours = Math.floor(all / 60);
  const minutes = all % 60;
  const parts = hours > 0 ? [t('common.hours', { hours })] : [];
  if (minutes > 0 || hours === 0) parts.push(t('common.minutes', { minutes }));
  return parts.join(' ');
}

// `14 January 2026`. A calendar date has no zone.
export function longDate(date: LocalDate): string {
  return format(locale(), 'UTC', { day: 'numeric', month: 'long', year: 'numeric' }).format(
    Date.parse(`${date}T12:00Z`),
  );
}

// `14 Jan 2026` of an instant, in the device's zone.
export function day(at: Instant): string {
  return format(locale(), undefined, { day: 'numeric', month: 'short', year: 'numeric' }).format(
    at,
  );
}

// `5 minutes ago`, `in 3 days`: the largest unit that fits.
export function relative(at: Instant, now: Instant): string {
  const seconds = Math.round((at - now) / 1000);
  const units: [Intl.RelativeTimeFormatUnit, number][] = [
    ['day', 86_400],
    ['hour', 3_600],
    ['minute', 60],
  ];
  const [unit, size] = units.find(([, size]) => Math.abs(seconds) >= size) ?? ['minute', 60];
  return new Intl.RelativeTimeFormat(locale(), { numeric: 'auto', style: 'short' }).format(
    Math.trunc(seconds / size) || 0,
    unit,
  );
}

// `85 %`, as the language writes it; `value` is 0 to 100.
export function percent(value: number): string {
  return new Intl.NumberFormat(locale(), { style: 'percent', maximumFractionDigits: 0 }).format(
    value / 100,
  );
}

// A number with at most `digits` behind the point.
export function decimal(value: number, digits = 1): string {
  return new Intl.NumberFormat(locale(), { maximumFractionDigits: digits }).format(value);
}
