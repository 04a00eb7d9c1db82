import { timeOfDay } from '../i18n/intl.ts';
import type { Instant, Zone } from '../model/types.ts';
import { wallTimeOf } from '../ui/local_time.ts';

const kMinuteMs = 60_000;
// Least room for the words of a tick: at most so many.
const kTicksMax = 6;

// Full hours of the zone within a stretch, few enough to be read on a narrow screen; every quarter
// of an hour where the stretch is short.
export function ticksOf(from: Instant, to: Instant, zone: Zone): { at: Instant; label: string }[] {
  const minutes = (to - from) / kMinuteMs;
  const stepMin = [15, 30, 60, 120, 180, 240].find((step) => minutes / step <= kTicksMax) ?? 360;
  const ticks = [];
  for (
    let at = Math.ceil(from / (15 * kMinuteMs)) * 15 * kMinuteMs;
    at <= to;
    at += 15 * kMinuteMs
  ) {
    const [hour = 0, minute = 0] = wallTimeOf(at, zone).time.split(':').map(Number);
    if ((hour * 60 + minute) % stepMin === 0) ticks.push({ at, label: timeOfDay(at, zone) });
  }
  return ticks;
}
