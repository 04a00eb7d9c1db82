import {
  dateOf,
  deviceNameOf,
  endOfDay,
  grouped,
  installWay,
  joinLink,
  readCode,
} from '@web/family/codes.ts';
import { describe, expect, test } from 'vitest';

const kCode = 'K7QF-2M9X-RD4T-B8HW';

describe('a code', () => {
  test('is read whatever its case, dashes and spaces', () => {
    expect(readCode(' k7qf 2m9x–rd4t-b8hw ')).toBe(kCode);
  });

  test('is read from a whole link', () => {
    expect(readCode(joinLink('https://night.example', kCode))).toBe(kCode);
    expect(readCode('http://192.168.1.5:7412/#setup=K7QF2M9XRD4TB8HW')).toBe(kCode);
  });

  test('has digits for the letters that look like them', () => {
    expect(readCode('KOIL-2M9X-RD4T-B8HW')).toBe('K011-2M9X-RD4T-B8HW');
  });

  test('is not one if it is short, long, or has a U', () => {
    expect(readCode('K7QF-2M9X-RD4T-B8H')).toBe(undefined);
    expect(readCode(`${kCode}A`)).toBe(undefined);
    expect(readCode('U7QF-2M9X-RD4T-B8HW')).toBe(undefined);
    expect(readCode('')).toBe(undefined);
  });

  test('is grouped while it is typed, and never longer than a code', () => {
    expect(grouped('k7qf2')).toBe('K7QF-2');
    expect(grouped('K7QF-')).toBe('K7QF');
    expect(grouped(`${kCode}99`)).toBe(kCode);
  });
});

test('a device is named after what it is and whose', () => {
  const words = { phone: '{name}’s phone', tablet: '{name}’s tablet', computer: 'computer' };
  expect(deviceNameOf('Mozilla/5.0 (Linux; Android 15) Mobile', 'Sam', words)).toBe('Sam’s phone');
  expect(deviceNameOf('Mozilla/5.0 (iPad; CPU OS 18)', 'Sam', words)).toBe('Sam’s tablet');
  expect(deviceNameOf('Mozilla/5.0 (X11; Linux x86_64)', 'Sam', words)).toBe('computer');
});

test('consent ends with the day that was chosen', () => {
  const end = endOfDay('2026-03-29');
  expect(dateOf(end)).toBe('2026-03-29');
  expect(dateOf(end + 1000)).toBe('2026-03-30');
});

test('installing is told the way this browser does it', () => {
  const facts = { standalone: false, canAsk: false, agent: 'Mozilla/5.0 (iPhone)' };
  expect(installWay(facts)).toBe('ios');
  expect(installWay({ ...facts, agent: 'Firefox' })).toBe('menu');
  expect(installWay({ ...facts, canAsk: true })).toBe('ask');
  expect(installWay({ ...facts, standalone: true, canAsk: true })).toBe('installed');
});
