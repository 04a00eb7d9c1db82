// Ids as the app holds them: hex digits, two a byte.
import type { Id } from './types.ts';

export function toHex(bytes: Uint8Array): string {
  let hex = '';
  for (const byte of bytes) hex += byte.toString(16).padStart(2, '0');
  return hex;
}

export function fromHex(hex: string): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(hex.length / 2);
  for (let i = 0; i < bytes.length; ++i)
    bytes[i] = Number.parseInt(hex.slice(2 * i, 2 * i + 2), 16);
  return bytes;
}

export function randomId(): Id {
  return toHex(crypto.getRandomValues(new Uint8Array(16)));
}

// A new record's id: a UUIDv7, so that ids sort by the time they were made.
export function newRecordId(now: number = Date.now()): Id {
  const random = crypto.getRandomValues(new Uint8Array(10));
  random[0] = 0x70 | ((random[0] ?? 0) & 0x0f);
  random[2] = 0x80 | ((random[2] ?? 0) & 0x3f);
  return now.toString(16).padStart(12, '0') + toHex(random);
}
