import { addDays, instantOf, nightOf, wallTimeOf, zoneHere } from '@web/ui/local_time.ts';
import { afterEach, describe, expect, test } from 'vitest';

const kBerlin = 'Europe/Berlin';
const at = (text: string): number => Date.parse(text);

describe('a typed time', () => {
  test('is one instant on most days', () => {
    expect(instantOf({ date: '2026-01-14', time: '02:15' }, kBerlin)).toEqual({
      kind: 'once',
      at: at('2026-01-14T01:15Z'),
    });
    expect(instantOf({ date: '2026-07-14', time: '02:15' }, 'America/New_York')).toEqual({
      kind: 'once',
      at: at('2026-07-14T06:15Z'),
    });
  });

  test('is two instants in the hour that comes twice', () => {
    expect(instantOf({ date: '2026-10-25', time: '02:30' }, kBerlin)).toEqual({
      kind: 'twice',
      first: at('2026-10-25T00:30Z'),
      second: at('2026-10-25T01:30Z'),
    });
    // The half hour of Lord Howe Island.
    expect(instantOf({ date: '2026-04-05', time: '01:45' }, 'Australia/Lord_Howe')).toEqual({
      kind: 'twice',
      first: at('2026-04-04T14:45Z'),
      second: at('2026-04-04T15:15Z'),
    });
  });

  test('moves behind the change in the hour that is skipped, and says so', () => {
    expect(instantOf({ date: '2026-03-29', time: '02:30' }, kBerlin)).toEqual({
      kind: 'skipped',
      at: at('2026-03-29T01:30Z'),
      shown: { date: '2026-03-29', time: '03:30' },
    });
  });

  test('is exact on the edges of a change', () => {
    expect(instantOf({ date: '2026-03-29', time: '01:59' }, kBerlin)?.kind).toBe('once');
    expect(instantOf({ date: '2026-03-29', time: '03:00' }, kBerlin)?.kind).toBe('once');
    expect(instantOf({ date: '2026-10-25', time: '01:59' }, kBerlin)?.kind).toBe('once');
    expect(instantOf({ date: '2026-10-25', time: '02:00' }, kBerlin)?.kind).toBe('twice');
    expect(instantOf({ date: '2026-10-25', time: '03:00' }, kBerlin)?.kind).toBe('once');
  });

  test('is nothing where it is no time', () => {
    expect(instantOf({ date: '', time: '02:30' }, kBerlin)).toBeUndefined();
    expect(instantOf({ date: '2026-01-14', time: '' }, kBerlin)).toBeUndefined();
  });

  test('comes back from every instant of a year with two changes', () => {
    for (let hour = 0; hour < 365 * 24; ++hour) {
      const instant = at('2026-01-01T00:07Z') + hour * 3_600_000;
      const found = instantOf(wallTimeOf(instant, kBerlin), kBerlin);
      const candidates =
        found?.kind === 'once'
          ? [found.at]
          : found?.kind === 'twice'
            ? [found.first, found.second]
            : [];
      expect(candidates).toContain(instant);
    }
  });
});

test('a night runs from noon to noon of the zone', () => {
  expect(nightOf(at('2026-01-14T10:59Z'), kBerlin)).toBe('2026-01-13');
  expect(nightOf(at('2026-01-14T11:00Z'), kBerlin)).toBe('2026-01-14');
  expect(nightOf(at('2026-01-15T02:00Z'), kBerlin)).toBe('2026-01-14');
  expect(addDays('2026-02-28', 1)).toBe('2026-03-01');
});

describe("the device's own zone", () => {
  const known = process.env.TZ;
  afterEach(() => {
    if (known === undefined) delete process.env.TZ;
    else process.env.TZ = known;
  });

  test('is what the browser says', () => {
    process.env.TZ = 'Asia/Tokyo';
    expect(zoneHere(kBerlin)).toBe('Asia/Tokyo');
  });

  test.each(['Etc/Unknown', 'no/zone'])('is another where it is not known: %s', (zone) => {
    process.env.TZ = zone;
    expect(zoneHere(kBerlin)).toBe(kBerlin);
    expect(wallTimeOf(at('2026-01-14T01:15Z'), zoneHere()).time).toBe('01:15');
  });
});
