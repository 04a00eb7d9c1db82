// Dates, times and durations in the language of the reader, by the browser's own Intl.
import type { Instant, LocalDate, Zone } from '../model/types.ts';
import { type Locale, locale } from './index.ts';

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

// `02:15`; in the device's zone, or the one given.
export function timeOfDay(at: Instant, zone?: Zone): string {
  return format(locale(), zone, { hour: '2-digit', minute: '2-digit', hourCycle: 'h23' }).format(
    at,
  );
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

// `1 hr, 25 min`, rounded to minutes.
export function duration(ms: number): string {
  const minutes = Math.round(ms / 60_000);
  const unit = (value: number, name: 'hour' | 'minute') =>
    new Intl.NumberFormat(locale(), { style: 'unit', unit: name, unitDisplay: 'short' }).format(
      value,
    );
  const hours = Math.floor(minutes / 60);
  const parts = hours > 0 ? [unit(hours, 'hour')] : [];
  if (minutes % 60 > 0 || hours === 0) parts.push(unit(minutes % 60, 'minute'));
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
